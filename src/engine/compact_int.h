/* Private to engine: what a compaction merges and where rows went. */
#ifndef FIRN_ENGINE_COMPACT_INT_H
#define FIRN_ENGINE_COMPACT_INT_H

#include "engine/engine_int.h"

enum {
    COMPACTION_GROUPS_MAX = 1024,  /* of one commit; the rest waits for the next */
    COMPACTION_ROWS_MAX = 4 << 20, /* the same: some 30 bytes are remembered of each row */
    ROW_IS_DEAD = 0xffffffff,
};

/* Files of one partition that become one. */
typedef struct CompactionGroup {
    OwnerId owner;
    DataFile **files; /* in order of their keys; borrowed from the version picked from */
    size_t file_count;
    bool is_in_order; /* each lies behind the one before: nothing is to be sorted */
} CompactionGroup;

typedef struct CompactionPlan {
    CompactionGroup *groups;
    size_t group_count;
    uint64_t bytes;
    uint64_t rows;
    bool has_more; /* the plan is full: another commit goes on from here */
} CompactionPlan;

typedef struct CompactionWish {
    OwnerId owner; /* 0: of all */
    TablePolicy policy;
    bool everything;
    uint64_t before;   /* only files whose sequence is below: what a compaction wrote is not its
                          own input, so that it comes to an end */
    uint64_t rows_max; /* of a merge of several files */
} CompactionWish;

CHECKED Status compaction_pick(const ColdVersion *cold, const CompactionWish *wish, Arena *arena,
                               CompactionPlan *out, Error *error);

/* How many rows one merge of the table may take: half of those of one that found too little
 * memory. As that may be over, it grows again with time: by this part of itself. */
uint64_t table_merge_rows(EngineTable *table);
void table_merge_more(EngineTable *table, uint32_t part);

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
