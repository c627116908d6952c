/* Private to execute. */
#ifndef FIRN_EXECUTE_EXECUTE_INT_H
#define FIRN_EXECUTE_EXECUTE_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "execute/execute.h"

enum {
    SHORT_LIMIT_MAX = 10000
}; /* above it a range with rows in files goes to the engine at once */

/* A statement at work, in the list of all. */
typedef struct Running {
    struct Running *next;
    struct Running *previous;
    RunningStatement shown;
    QueryHandle handle;
    _Atomic bool cancelled;
} Running;

struct Executor {
    Env *env;
    Engine *engine;
    Catalog *catalog;
    Jobs *jobs;
    QueryPool *pool;
    ExecutorHooks hooks;
    Mutex mutex; /* options and the list of running statements; a leaf */
    ExecutorOptions options;
    Running *running;
    uint64_t next_query;
    _Atomic uint64_t statements;
    _Atomic uint64_t failed;
    _Atomic uint64_t quick;
    _Atomic uint64_t short_reads;
    _Atomic uint64_t engine_reads;
};

/* One statement's run. */
typedef struct Run {
    Executor *executor;
    Session *session;
    Plan *plan;
    const Value *parameters;
    uint32_t parameter_count;
    const ResultSink *sink;
    ResultSummary *summary;
    Principal who; /* the session's, with acting_as as AS USER has it */
    Arena arena;
    ExecutorOptions options;
    int64_t now_us;
    int64_t deadline_ns;
    Running *running;     /* NULL on a network loop */
    Pin *given_pin;       /* execute_select_at: reads happen there */
    const ManyRows *many; /* execute_insert_many: in place of the VALUES row's parameters */
    Buffer row_scratch;   /* build_row's, kept from row to row */
    Buffer key_scratch;
} Run;

/* ---- one run (execute.c, running.c) ---- */

void run_open(Executor *executor, Session *session, Plan *plan, const Value *parameters,
              uint32_t parameter_count, const ResultSink *sink, ResultSummary *summary, Run *out);
void run_close(Run *run);
CHECKED Status check_parameters(const Run *run, Error *error);
void running_begin(Run *run, Running *running);
void running_end(Run *run);

/* ---- guard and principals (rights.c) ---- */

GuardedObject object_of_table(const CatalogTable *table);
CHECKED Status check_reference(const Run *run, const BoundReference *reference, Action action,
                               Error *error);

/* Sets run->who to act as the named user, after asking the guard. Empty: nobody else. */
CHECKED Status act_as(Run *run, Slice name, Error *error);
CHECKED Status check_plan(Run *run, Error *error);

/* Whose rows of a table with owners the statement is about. */
OwnerId owner_for(const Run *run, const CatalogTable *table);

/* ---- evaluating (evaluate.c) ---- */

/* A context for row-local expressions of this statement, without a row. */
EvaluationContext evaluation_of(Run *run, Arena *arena);
CHECKED Status evaluate_count(Run *run, const Expression *expression, Status negative,
                              const char *what, uint64_t fallback, uint64_t *out, Error *error);

/* Row after row, gathered: JSON leaves in pieces of about 64 KiB. */
typedef struct RowSender {
    Run *run;
    const ResultColumn *columns;
    uint32_t column_count;
    Buffer json;
    uint64_t waiting; /* rows in `json` */
    uint64_t sent;
} RowSender;

void row_sender_open(Run *run, const ResultColumn *columns, uint32_t count, RowSender *out);
CHECKED Status row_sender_put(RowSender *sender, const Value *values, Error *error);
CHECKED Status row_sender_flush(RowSender *sender, Error *error);
void row_sender_close(RowSender *sender);

/* ---- table references (reference.c) ---- */

/* References of a select, ready for the engine: pins and everything taken for them. */
typedef struct OpenReferences {
    Pin *pin;
    EngineTable **tables; /* by number in the pin */
    size_t table_count;
    QueryReference *references;
    size_t reference_count;
    SharedMemory *regions; /* of system tables, and of window files: at most one a reference */
    size_t region_count;
    uint64_t files_considered;
    uint64_t files_pruned;
    uint64_t hot_rows_offered;
} OpenReferences;

CHECKED Status references_open(Run *run, const BoundSelect *select, bool with_location,
                               OpenReferences *out, Error *error);
void references_close(Run *run, OpenReferences *references);

/* An id for a region of shared memory made for one statement: never given twice. */
uint64_t one_off_region_id(void);

/* Which records in memory a reference needs. */
typedef struct HotRange {
    bool narrow; /* only keys in [from, to) */
    Slice from;
    Slice to;
    int64_t expired_us; /* pin_expired_us */
} HotRange;

/* reference_stream.c: rows of window files join the reference's hot ones; `hot` is its array. */
size_t reference_window_schemas(const OpenReferences *open, size_t table,
                                const QueryReference *out);
CHECKED Status reference_add_windows(Run *run, OpenReferences *open, size_t table,
                                     const HotRange *range, QueryHot *hot, size_t hot_max,
                                     QueryReference *out, Error *error);
CHECKED Status reference_without_expired(Run *run, const RowBlockView *view, int64_t expired_us,
                                         QueryBlock *block, bool *left, Error *error);

/* ---- reading ---- */

/* select.c: through the engine. */
CHECKED Status select_by_engine(Run *run, const BoundSelect *select, const ResultSink *sink,
                                uint64_t *rows, Error *error);

/* By whatever executor can: short first, counts, else the engine. Columns were sent already. */
CHECKED Status select_any(Run *run, const BoundSelect *select, const ResultSink *sink,
                          uint64_t *rows, Error *error);

/* The engine's own plan, as lines. */
CHECKED Status explain_by_engine(Run *run, const BoundSelect *select, const OpenReferences *open,
                                 Buffer *out, Error *error);

/* Whole rows found by the engine, as packed rows of `layout`; for INSERT … SELECT and finding. */
typedef Status (*PackedRowVisitor)(void *context, const RowLayout *layout, Slice row, Error *error);
CHECKED Status select_packed(Run *run, const BoundSelect *select, bool with_location,
                             PackedRowVisitor visit, void *context, Error *error);

/* short_read.c: by the row executor. *done is false where files hold rows of the range: nothing was
 * sent then. With `quick` no file is read: *done is false also for points that may be cold. */
CHECKED Status read_short(Run *run, const BoundSelect *select, bool quick, uint64_t *rows,
                          bool *done, Error *error);

/* Keys that a short read is about, for finding rows to change: calls `visit` with each visible row
 * in memory at a pin. *done as above. */
typedef Status (*FoundKeyVisitor)(void *context, Slice key, Error *error);
CHECKED Status find_keys_short(Run *run, const BoundReference *reference, const ShortRead *read,
                               FoundKeyVisitor visit, void *context, bool *done, Error *error);

/* The key of a point read (key_values, or points[point]); *is_null where a part is NULL. */
CHECKED Status point_key(Run *run, const BoundReference *reference, const ShortRead *read,
                         uint32_t point, Buffer *key, bool *is_null, Error *error);
bool is_point_read(const BoundReference *reference, const ShortRead *read);

/* ---- writing (row_build.c, insert.c, change.c) ---- */

/* One proposed row of the target: values for all its columns, checked and packed. */
typedef struct BuiltRow {
    Slice row;
    Slice key;
} BuiltRow;

/* Checks NOT NULL and CHECKs, packs, makes the key; in the arena. `row_number` fills `_row`. */
CHECKED Status build_row(Run *run, const CatalogTable *table, Value *values, OwnerId owner,
                         Arena *arena, BuiltRow *out, Error *error);

/* The violation as PostgreSQL says it, with the key in the detail. */
Status duplicate_key(const CatalogTable *table, Slice key, Error *error);

/* Applies assignments to an old row: values of the new one, in the arena. */
CHECKED Status assign_row(Run *run, const CatalogTable *table, const ColumnAssignment *set,
                          uint32_t set_count, EvaluationContext *context,
                          const RowLayout *computed_layout, Slice computed, Value *values,
                          Error *error);

/* The row a RETURNING speaks of, after its commit. */
typedef struct ReturnedRow {
    Slice row;
    uint64_t seq;
} ReturnedRow;

/* What RETURNING says of the rows, before they are committed: an error of it is one of the whole
 * statement. */
CHECKED Status check_returning(Run *run, const CatalogTable *table, const Returning *returning,
                               OwnerId owner, const ReturnedRow *rows, size_t count, Error *error);

/* After the commit: an error goes through returning_failed, which says that the statement was done
 * all the same. */
Status returning_failed(Error *error);
CHECKED Status send_returning(Run *run, const CatalogTable *table, const Returning *returning,
                              OwnerId owner, const ReturnedRow *rows, size_t count,
                              int64_t updated_us, Error *error);
const char *durability_given(const Executor *executor);

CHECKED Status run_insert(Run *run, Error *error);
CHECKED Status run_change(Run *run, Error *error);

/* Deletes every row of the owner in the table; for DROP USER. */
CHECKED Status delete_owner_rows(Run *run, const CatalogTable *table, OwnerId owner,
                                 uint64_t *count, Error *error);

/* The job that removes a dropped user's files, where there are any. */
CHECKED Status clean_up_owner(Run *run, OwnerId owner, Error *error);

/* The same job, wherever the rows are. */
void submit_user_cleanup(Run *run, OwnerId owner);

/* ---- the rest ---- */

CHECKED Status run_definition(Run *run, Error *error); /* define.c, define_user.c */

/* A TableEditCheck (null_check.c): NOT_NULL_VIOLATION where rows stand against a NOT NULL. */
typedef struct NullCheck {
    Run *run;
    const BoundAlterTable *bound;
} NullCheck;
CHECKED Status check_not_null(void *context, Error *error);
CHECKED Status run_user(Run *run, Error *error);
CHECKED Status run_maintenance(Run *run, Error *error); /* maintain.c */
CHECKED Status run_describe(Run *run, Error *error);    /* describe.c */
CHECKED Status run_explain(Run *run, Error *error);     /* explain.c */
CHECKED Status run_session(Run *run, Error *error);     /* session.c: USE, SET, SHOW, KILL … */

void add_notice(Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void set_tag(Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* OK, or QUERY_CANCELED where somebody killed the statement or its time is over. */
CHECKED Status check_cancelled(const Run *run, Error *error);

#endif
