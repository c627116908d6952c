/* Execute: runs bound plans. Key reads and row-local work are done here; everything else goes to
 * the analytic engine with pinned snapshots; writes go through the engine's batches.
 *
 * Threading: a Session is used by one thread at a time; everything in an Executor by any number.
 * execute_plan waits (for locks, disks, workers) and belongs on a statement thread; execute_quick
 * never does and may run on a network loop. Ownership: everything is borrowed for the call.
 * Errors: PostgreSQL's codes; SCHEMA_CHANGED asks the caller to bind again. */
#ifndef FIRN_EXECUTE_EXECUTE_H
#define FIRN_EXECUTE_EXECUTE_H

#include "jobs/jobs.h"
#include "query/query.h"
#include "sql/plan.h"

typedef struct Executor Executor;

/* ---- who runs it ---- */

enum { SESSION_ID_BYTES = 24 };

typedef struct Session {
    char id[SESSION_ID_BYTES]; /* the connection's */
    Principal principal;       /* as logged in; AS USER makes its own for a statement */
    char user_name[USER_NAME_BYTES_MAX + 1];         /* what principal.name points to */
    char namespace_name[NAMESPACE_BYTES_MAX + 1];    /* "" : none */
    char initial_namespace[NAMESPACE_BYTES_MAX + 1]; /* USE DEFAULT goes back to it */
    char client_address[64];
    unsigned json_flags; /* JsonFlags */
} Session;

/* ---- where results go ---- */

/* Rows come either as JSON or as values, as `wants_json` says. The pieces of JSON are arrays
 * separated by commas; a piece may begin with the comma, and a large row may come in several, of
 * which only the last counts it.
 * Anything but OK ends the statement with that. */
typedef struct ResultSink {
    bool wants_json;
    Status (*columns)(void *context, const ResultColumn *columns, uint32_t count, Error *error);
    Status (*json)(void *context, Slice rows, uint64_t count, Error *error);
    Status (*row)(void *context, const Value *values, uint32_t count, Error *error);
    void *context;
} ResultSink;

enum { NOTICES_MAX = 4, NOTICE_BYTES_MAX = 256 };

/* What a statement that succeeded has to say beside its rows. */
typedef struct ResultSummary {
    bool has_rows;      /* columns were sent */
    uint64_t row_count; /* returned, or affected where none are returned */
    char tag[64];       /* PostgreSQL's command tag: "INSERT 0 3" */
    char message[256];  /* more than the tag, where there is more; else "" */
    uint32_t notice_count;
    char notices[NOTICES_MAX][NOTICE_BYTES_MAX];
    uint64_t seq;           /* of the last change; 0: none */
    const char *durability; /* what an acknowledged write was given: "always" …; NULL: no write */
} ResultSummary;

/* ---- what the rooms above provide ---- */

typedef struct SystemRowSink {
    Status (*row)(void *context, const Value *values, Error *error);
    void *context;
} SystemRowSink;

typedef struct ExecutorHooks {
    void *context;
    /* The rows of a system table that the principal may see, in any order. */
    Status (*system_rows)(void *context, const SystemTable *table, const Principal *who,
                          Arena *arena, const SystemRowSink *sink, Error *error);
    /* KILL: NOT_FOUND (UNDEFINED_OBJECT) where there is none that the principal may kill. */
    Status (*kill_live_query)(void *context, Slice id, const Principal *who, Error *error);
    Status (*kill_connection)(void *context, Slice id, const Principal *who, Error *error);
    /* ALTER SYSTEM, SET, SHOW. */
    Status (*alter_system)(void *context, Slice name, Slice value, bool reset, Error *error);
    Status (*show_setting)(void *context, Slice name, Arena *arena, Slice *out, Error *error);
    /* After rights changed: sessions and subscriptions look again. */
    void (*rights_changed)(void *context, OwnerId user_id);
    void (*table_dropped)(void *context, uint64_t table_id);
} ExecutorHooks;

typedef struct ExecutorOptions {
    int64_t statement_timeout_ns;
    int64_t write_timeout_ns;
    int64_t lock_timeout_ns;
    uint64_t transaction_bytes_max;
    uint32_t node_id;
} ExecutorOptions;

CHECKED Status executor_create(Env *env, Engine *engine, Catalog *catalog, Jobs *jobs,
                               QueryPool *pool, const ExecutorHooks *hooks,
                               const ExecutorOptions *options, Executor **out, Error *error);
void executor_destroy(Executor *executor);
void executor_set_options(Executor *executor, const ExecutorOptions *options);

/* ---- running ---- */

/* Runs the plan. The sink gets columns and rows; the summary is set where the result is OK. */
CHECKED Status execute_plan(Executor *executor, Session *session, Plan *plan,
                            const Value *parameters, uint32_t parameter_count,
                            const ResultSink *sink, ResultSummary *summary, Error *error);

/* Rows for an INSERT of one VALUES row: that many sets of its parameters. */
typedef struct ManyRows {
    const Value *parameters; /* count * plan->parameter_count */
    const bool *given;       /* as many; a column whose parameter is not given gets its default.
                                NULL: all are */
    const OwnerId *owners; /* USER tables: whose each row is; NULL: the statement's. The caller has
                              asked the guard about them */
    size_t count;
} ManyRows;

/* The plan, an INSERT with one VALUES row and no RETURNING, for every set of parameters, as one
 * statement. */
CHECKED Status execute_insert_many(Executor *executor, Session *session, Plan *plan,
                                   const ManyRows *rows, ResultSummary *summary, Error *error);

/* Runs plans that need no waiting: reads of memory by key, single-row writes. WOULD_BLOCK, with
 * nothing done, where it cannot; then execute_plan is to run it. A read has ended when it returns;
 * a write's `done` is called later on the committer's thread, exactly once, if this returns OK with
 * *pending. */
typedef void (*QuickDone)(void *context, Status status, uint64_t seq);

CHECKED Status execute_quick(Executor *executor, Session *session, Plan *plan,
                             const Value *parameters, uint32_t parameter_count,
                             const ResultSink *sink, ResultSummary *summary, QuickDone done,
                             void *done_context, bool *pending, Error *error);

/* Could execute_quick run this plan at all? */
bool plan_is_quick(const Plan *plan);

/* The guard over everything a plan touches; execute_plan asks it itself, whoever binds something
 * else from a plan (a subscription) asks here. */
CHECKED Status execute_guard(Executor *executor, const Session *session, const Plan *plan,
                             Error *error);

/* ---- the statements that run now (system.queries) ---- */

typedef struct RunningStatement {
    char query_id[20];
    char connection_id[SESSION_ID_BYTES];
    OwnerId user_id;
    char user_name[USER_NAME_BYTES_MAX + 1];
    char sql[1024];
    const char *state;    /* "running" */
    const char *executor; /* "short" or "engine" */
    int64_t started_us;
    uint64_t rows;
    uint64_t bytes;
} RunningStatement;

CHECKED Status executor_running(Executor *executor, Arena *arena, RunningStatement **out,
                                size_t *count, Error *error);

/* Ends a statement of the connection (all of them where query_id is empty). */
CHECKED Status executor_kill(Executor *executor, Slice query_id, const Principal *who,
                             Error *error);

/* Ends what runs for a connection; NULL: everything. */
void executor_cancel_connection(Executor *executor, const char *connection_id);

/* Ends what the analytic engine works on, whoever asked. */
void executor_cancel_queries(Executor *executor);

/* ---- for subscriptions and embedders ---- */

/* Reads the rows of a bound SELECT at a pin the caller holds: what a subscription begins with. */
CHECKED Status execute_select_at(Executor *executor, Session *session, Plan *plan,
                                 BoundSelect *select, Pin *pin, const Value *parameters,
                                 uint32_t parameter_count, const ResultSink *sink,
                                 uint64_t *row_count, Error *error);

typedef struct ExecutorStatistics {
    uint64_t statements;
    uint64_t failed;
    uint64_t quick;
    uint64_t short_reads;
    uint64_t engine_reads;
} ExecutorStatistics;

void executor_statistics(Executor *executor, ExecutorStatistics *out);

#endif
