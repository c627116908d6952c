/* Inspect: what the newest checkpoint and the log of a data directory say, without an engine.
 *
 * For programs that look at a directory which nobody has open. It decides nothing and writes
 * nothing: the same checkpoint and the same frames as recovery reads, by the same readers, up to
 * where recovery would begin to write.
 *
 * Threading: one thread; the directory is locked by the caller. Ownership: the inspection owns its
 * tables; slices handed to a visitor live until it returns. Errors: DATA_CORRUPTED with segment and
 * offset, VERSION_NOT_SUPPORTED, those of the disk, and what a visitor returns. */
#ifndef FIRN_ENGINE_INSPECT_H
#define FIRN_ENGINE_INSPECT_H

#include "engine/engine.h"

enum { INSPECT_PATH_BYTES_MAX = 128 };

/* What is settled of a table. */
typedef struct InspectedTable {
    uint64_t id;
    uint64_t hi;                                /* rows up to this sequence are in files */
    uint32_t owners;                            /* with a flush of their own beyond it */
    char metadata_path[INSPECT_PATH_BYTES_MAX]; /* relative; "": nothing was ever committed */
} InspectedTable;

/* A frame of the log, decoded. */
typedef struct InspectedFrame {
    const LogFrame *frame;
    bool is_applied; /* false: the checkpoint has it already (a row: that is not known) */
    RowChange row;   /* FRAME_ROW */
    struct {         /* FRAME_COLD */
        uint64_t table_id;
        OwnerId owner;
        uint64_t hi;
        Slice metadata_path;
        bool is_compaction;
    } cold;
    struct { /* FRAME_DEFINITION */
        const DefinedChange *changes;
        size_t count;
    } definition;
    Slice upper; /* FRAME_DEFINITION and FRAME_UPPER: the payload of the rooms above */
    struct {     /* FRAME_CEILING */
        uint64_t seq;
        uint64_t id;
    } ceiling;
} InspectedFrame;

typedef struct InspectVisitor {
    void *context;
    Status (*checkpoint)(void *context, Slice upper, Error *error); /* where there is one */
    Status (*frame)(void *context, const InspectedFrame *frame, Error *error);
} InspectVisitor;

typedef struct EngineInspection {
    bool has_checkpoint;
    uint64_t checkpoint_number; /* of its name */
    LogPosition position;       /* the log behind it is not in the checkpoint */
    LogPosition replay_from;    /* where recovery begins to read */
    uint64_t seq_ceiling;
    uint64_t id_ceiling;
    LogRecovery log;
    bool feed_is_damaged; /* segments before replay_from, which only resuming subscribers read … */
    Error feed_error;     /* … and what is wrong with them */
    Buffer tables;        /* InspectedTable, those that exist */
} EngineInspection;

/* `out` is to be closed in any case. Tables are complete only where it returns OK. */
CHECKED Status engine_inspect(Env *env, const char *directory, const InspectVisitor *visitor,
                              EngineInspection *out, Error *error);
void engine_inspection_close(EngineInspection *inspection);

/* Borrowed; NULL where there is no such table. */
const InspectedTable *engine_inspection_find(const EngineInspection *inspection, uint64_t table_id);

#endif
