/* Private to the hot scan: batches of records, and the plans by which their columns are filled. */
#ifndef FIRN_WORKER_HOT_INT_H
#define FIRN_WORKER_HOT_INT_H

#include "types/record.h"
#include "worker/statement.h"
#include "worker/vector.h"

enum { HOT_BATCH_ROWS = 2048 }; /* DuckDB's vector; checked when it is opened */

/* Records of one part, all of one schema, that become one chunk. */
typedef struct HotBatch {
    uint32_t count;
    uint32_t part;   /* of the reference's */
    bool is_damaged; /* a row contradicts itself: the scan fails */
    const uint8_t *rows[HOT_BATCH_ROWS];
    uint32_t sizes[HOT_BATCH_ROWS];
    const RecordHeader *records[HOT_BATCH_ROWS];
    uint64_t locations[HOT_BATCH_ROWS]; /* only where they are asked for */
} HotBatch;

typedef struct FillPlan FillPlan;

/* Fills a column of the chunk from the batch's rows. */
typedef void (*Fill)(const FillPlan *plan, HotBatch *batch, duckdb_vector vector);

struct FillPlan {
    Fill fill;
    uint32_t column;          /* of the records' schema, for its null bit */
    uint32_t offset;          /* of its slot */
    uint32_t variable_before; /* slot of the variable column before, 0: none */
    uint32_t fixed_size;
    uint32_t dimension;               /* VECTOR */
    Type type;                        /* of the reference's column */
    Value constant;                   /* where the records do not have the column */
    const RowLayout *layout;          /* ARRAY */
    const WorkerReference *reference; /* `_user` */
};

/* How a column of the reference's schema is filled from records of `from`: by field id, widened
 * where it was widened since, by its initial default where it did not exist. DATA_CORRUPTED where
 * the types have no such relation. */
CHECKED Status fill_plan_column(FillPlan *plan, const Schema *from, const Column *to, Error *error);

/* The columns that a record has beside its row. */
void fill_seq(const FillPlan *plan, HotBatch *batch, duckdb_vector vector);
void fill_updated(const FillPlan *plan, HotBatch *batch, duckdb_vector vector);
void fill_owner(const FillPlan *plan, HotBatch *batch, duckdb_vector vector);
void fill_file(const FillPlan *plan, HotBatch *batch, duckdb_vector vector);
void fill_location(const FillPlan *plan, HotBatch *batch, duckdb_vector vector);

#endif
