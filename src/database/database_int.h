/* Private to database.
 *
 * Locks, outermost first: configure_mutex; then those of the rooms below. session_mutex is a leaf.
 * What the engine's and executor's hooks need (catalog, jobs, live, tokens) is there before the
 * engine is opened and goes after it was closed. */
#ifndef FIRN_DATABASE_DATABASE_INT_H
#define FIRN_DATABASE_DATABASE_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "database/database.h"
#include "database/figures.h"
#include "database/login_limit.h"
#include "database/system_tables.h"
#include "database/token_book.h"
#include "sql/parse.h"
#include "sql/plan_cache.h"

enum {
    PLAN_CACHE_ENTRIES_MAX = 4096,
    PLAN_CACHE_BYTES_MAX = 64 << 20,
    STATEMENT_THREADS_PER_WORKER = 32, /* most of them wait: for a commit, a lock, a worker */
    STATEMENT_THREADS_MAX = 128,
    STATEMENT_QUEUE_MAX = 4096,
    SUBSCRIPTION_THREADS_MAX = 16,
    SUBSCRIPTION_QUEUE_MAX = 25000,
    BIND_ATTEMPTS_MAX = 20, /* of a statement whose tables change under it */
};

struct Database {
    Env *env;
    Path directory; /* absolute */
    Logger *logger;
    Metrics *metrics;
    Figures *figures;
    DatabaseHooks hooks;
    bool is_embedded;

    Mutex configure_mutex; /* one change of the configuration at a time */
    Mutex session_mutex;   /* configuration; a leaf */
    Configuration *configuration;

    Catalog *catalog;
    Jobs *jobs;
    Live *live;
    TokenBook *tokens;
    TokenSigner *signer;
    LoginLimit *login_limit;
    QueryPool *pool;
    Engine *engine;
    Executor *executor;
    PlanCache *plans;
    ThreadPool *threads[THREADS_COUNT];

    bool jobs_started;
    bool live_started;
    _Atomic bool stopping;
    _Atomic bool hurrying;
    bool stopped;
};

/* ---- opening (database.c, configure.c, first_start.c, leftovers.c) ---- */

EngineHooks engine_hooks(Database *database);     /* hooks.c */
ExecutorHooks executor_hooks(Database *database); /* hooks.c */

EngineOptions engine_options_of(const Database *database, const Configuration *configuration);
CatalogDefaults catalog_defaults_of(const Configuration *configuration);
JobsOptions jobs_options_of(const Configuration *configuration);
ExecutorOptions executor_options_of(const Configuration *configuration);

/* Puts another configuration in force (its reference is taken) and tells every room. */
CHECKED Status put_in_force(Database *database, Configuration *configuration, Error *error);
CHECKED Status alter_system(Database *database, Slice name, Slice value, bool reset, Error *error);
void configuration_kept(void *context, Slice key, const Error *why);

/* The key of tokens: from its file, where there is one; then made, where there was none. */
CHECKED Status read_signer(Database *database, Error *error);
CHECKED Status make_signer(Database *database, Error *error);

/* root and the namespace `public`, where they are missing. */
CHECKED Status make_first_objects(Database *database, Slice root_password, DatabaseOpening *opening,
                                  Error *error);
void forget_root_password(Database *database);

/* Submits jobs that remove the folders of tables that are gone; a failure waits for the next
 * start. */
void remove_leftovers(Database *database);

/* ---- statements (statement.c, parameters.c, metric.c) ---- */

/* Values for the plan's parameters, in the arena. */
CHECKED Status read_parameters(Arena *arena, const Plan *plan, const Parameters *parameters,
                               const Configuration *configuration, Value **out, uint32_t *count,
                               Error *error);

/* A single statement without white space and semicolons around it: what plans are kept by. */
Slice without_semicolon(Slice text);

/* The declared types of parameters; NULL: to be found out. */
const Type *declared_types(const Parameters *parameters, uint32_t *count);

/* The plan for one statement, from the cache or bound; the session is refreshed before. */
CHECKED Status find_plan(Database *database, DatabaseSession *session, Slice sql,
                         const Parameters *parameters, bool as_subscription, Plan **out,
                         Error *error);

CHECKED Status run_plan(Database *database, DatabaseSession *session, Plan *plan,
                        const Parameters *parameters, Arena *arena, const ResultSink *sink,
                        ResultSummary *summary, Error *error);

/* SHUTTING_DOWN after a stop. */
CHECKED Status check_open(Database *database, Error *error);

/* Runs `work` on a thread of the pool and waits, unless this is one. */
typedef Status (*PoolWork)(void *context, Error *error);
CHECKED Status on_pool_thread(Database *database, DatabaseThreads threads, PoolWork work,
                              void *context, Error *error);

#endif
