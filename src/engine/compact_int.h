/* Private to engine: what a compaction merges and where rows went. */
#ifndef FIRN_ENGINE_COMPACT_INT_H
#define FIRN_ENGINE_COMPACT_INT_H

#include "engine/engine_int.h"

enum {
    COMPACTION_GROUPS_MAX = 1024, /* of one commit; the rest waits for the next */
    ROW_IS_DEAD = 0xffffffff,
};

/* Files of one partition that become one. */
typedef struct CompactionGroup {
    OwnerId owner;
    DataFile **files; /* borrowed from the version picked from */
    size_t file_count;
} CompactionGroup;

typedef struct CompactionPlan {
    CompactionGroup *groups;
    size_t group_count;
    uint64_t bytes;
} CompactionPlan;

CHECKED Status compaction_pick(const ColdVersion *cold, OwnerId owner, const TablePolicy *policy,
                               bool everything, Arena *arena, CompactionPlan *out, Error *error);

/* One file that goes. */
typedef struct CompactionInput {
    uint64_t file_id;
    uint64_t row_count;
    uint64_t deleted_before; /* committed deletes when the merge began */
    uint64_t output_id;      /* the file its rows went to; 0: it had none alive */
    uint32_t *moved;         /* new position of each row, or ROW_IS_DEAD */
} CompactionInput;

struct Compaction {
    EngineTable *table;
    Engine *engine;
    const SettleRequest *request;
    Arena arena;
    SuperVersion *start;   /* what was merged */
    SuperVersion *version; /* current under the cold lock */
    SuperVersion *next;
    SuperVersion *old;
    CompactionPlan plan;
    CompactionInput *inputs; /* ascending by file id */
    size_t input_count;
    NewFiles files;
    ColdDeletes *deletes;
    size_t delete_count;
    uint64_t *removed;
    ColdVersion *cold;
    size_t *marks_done; /* by memtable of `version` */
    Install install;
};

#endif
