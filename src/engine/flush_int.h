/* A flush at work: what flush.c and flush_stream.c share. */
#ifndef FIRN_ENGINE_FLUSH_INT_H
#define FIRN_ENGINE_FLUSH_INT_H

#include "engine/engine_int.h"

typedef struct Flush {
    EngineTable *table;
    Engine *engine;
    const SettleRequest *request;
    OwnerId owner;           /* 0: everything */
    TableMemtable *memtable; /* borrowed from `version` */
    SuperVersion *version;   /* as of the beginning */
    SuperVersion *next;      /* what will be installed */
    SuperVersion *old;       /* what was, to be released outside the locks */
    NewFiles files;
    const RecordHeader **records;
    size_t record_count;
    Mark *marks;
    size_t mark_count;
    uint32_t *positions;
    ColdDeletes *deletes;
    size_t delete_count;
    ColdVersion *cold;     /* the next one */
    int64_t expired_us;    /* rows that had expired when it began are left out */
    StreamSettle *settle;  /* STREAM: the window files */
    StreamVersion *stream; /* STREAM: the next one */
    size_t notes_done;
    Install install;
} Flush;

CHECKED Status flush_report(const Flush *flush, size_t done, Error *error);

/* ---- STREAM tables (flush_stream.c): the steps that are theirs ---- */

CHECKED Status flush_stream_write(Flush *flush, Error *error);
CHECKED Status flush_stream_prepare(Flush *flush, Error *error);
CHECKED Status flush_stream_settle(Flush *flush, Error *error);
void flush_stream_result(const Flush *flush, SettleResult *out);

#endif
