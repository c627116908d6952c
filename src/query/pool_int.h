/* Private to query/: the pool's workers and how the other files take and give them back.
 *
 * A worker's place goes EMPTY → WANTED → IDLE ⇄ BUSY → ENDING → EMPTY. The keeper, one thread that
 * lives as long as the pool, spawns what is WANTED and reaps what is ENDING; it never waits for a
 * worker. Whoever takes an IDLE worker owns it, its channel and its ring, until it gives it back;
 * everything else is under the pool's mutex. */
#ifndef FIRN_QUERY_POOL_INT_H
#define FIRN_QUERY_POOL_INT_H

#include "query/process.h"
#include "query/query.h"
#include "worker/id_table.h"
#include "worker/protocol.h"

enum {
    POOL_WORKERS_MAX = 64,    /* query workers; configurations ask for far fewer */
    POOL_WAITING_MAX = 10000, /* statements waiting for a worker; more are refused */
    POOL_FOLDERS_MAX = SETUP_FOLDERS_MAX,
    POOL_REAP_TICK_MS = 2,     /* how often an ending process is looked at */
    POOL_TICK_MS = 1000,       /* housekeeping of idle workers */
    POOL_SETUP_MS_MAX = 20000, /* from spawn to READY */
    POOL_RESPAWN_MS = 500,     /* after a failed spawn, before the next try */
    POOL_IDLE_MS_MAX = 60000,  /* a query worker idle for longer ends, the spare excepted */
    POOL_STALE_MS = 10000,     /* regions and bitmaps unused for longer are forgotten */
};

#define POOL_MS_NS 1000000ll

/* What a worker is for: who may take it. */
typedef enum WorkerRole {
    ROLE_QUERY = 1, /* statements; fetches where their own is busy */
    ROLE_FETCH = 2, /* single rows of files: they must not stand behind long statements */
    ROLE_WRITE = 4, /* flush and compaction */
} WorkerRole;

typedef enum WorkerState {
    WORKER_EMPTY,
    WORKER_WANTED,
    WORKER_IDLE,
    WORKER_BUSY,
    WORKER_ENDING,
} WorkerState;

/* Something a worker keeps by id: a region or a bitmap. */
typedef struct KeptThing {
    uint64_t id;
    int64_t used_ns;
} KeptThing;

typedef struct PoolWorker {
    WorkerRole role;
    WorkerState state;
    int64_t pid; /* 0: none */
    Channel channel;
    ProcessRing ring;
    Path spill_folder;
    bool is_ready;   /* its READY was received */
    bool was_killed; /* by us: its end is no failure */
    bool is_stale;   /* a folder was allowed since it was set up */
    int64_t spawned_ns;
    int64_t idle_since_ns;
    uint64_t statement;  /* number of the one it runs or ran last */
    QueryHandle *handle; /* of the one it runs; NULL: nobody may cancel it */
    IdTable regions;     /* of KeptThing: what it has mapped */
    IdTable bitmaps;
} PoolWorker;

struct QueryPool {
    DataFileIo io; /* the first member: io functions find the pool by it */
    Env *env;
    Arena arena; /* copies of the options' texts */
    QueryPoolOptions options;
    Mutex mutex;
    Condition changed; /* for those who wait for a worker or for the end */
    Condition keeper_wakes;
    Thread *keeper;
    bool is_closing;
    bool wants_spare; /* a statement ran: one idle worker is kept ready */
    uint32_t users;   /* inside a call */
    uint32_t waiting;
    uint64_t spawn_failures;
    int64_t respawn_ns; /* no spawn before that time */
    Error spawn_error;  /* of the last failed spawn */
    Slice folders[POOL_FOLDERS_MAX];
    uint32_t folder_count;
    uint64_t next_spill; /* number of the next spill folder */
    PoolWorker *workers;
    uint32_t worker_count;
    QueryPoolStatistics statistics; /* counters only */
};

/* ---- pool.c ---- */

/* A worker of one of the roles (bits), ready to run, now this thread's. `handle` may be NULL. */
CHECKED Status pool_take(QueryPool *pool, unsigned roles, int64_t deadline_ns, QueryHandle *handle,
                         PoolWorker **out, Error *error);

/* What becomes of a worker after a statement. */
typedef enum WorkerFate {
    FATE_GOOD,   /* it serves the next one */
    FATE_SPENT,  /* its memory ran out: what is left of it is in pieces, the next one starts anew */
    FATE_KILLED, /* its time was over */
    FATE_FAILED, /* it is gone, or cannot be trusted any more */
} WorkerFate;

void pool_give_back(QueryPool *pool, PoolWorker *worker, WorkerFate fate);

/* Threads the statement of a worker just taken may use: all of them where it is alone. */
uint32_t pool_threads(QueryPool *pool, const PoolWorker *worker);

/* Kills its process at once; the mutex is held. */
void pool_kill(QueryPool *pool, PoolWorker *worker);

/* A status and message for a statement whose worker went away: cancelled, closing, or failed. */
CHECKED Status pool_explain_end(QueryPool *pool, const PoolWorker *worker, QueryHandle *handle,
                                Error *error);

/* ---- keeper.c ---- */

void keeper_run(void *pool);

/* ---- keep.c: what workers keep by id ---- */

/* Sends the worker what it does not have yet of the regions and bitmaps named. */
typedef struct KeepRequest {
    const QueryBlock *const *blocks; /* one pointer for each block of the request */
    size_t block_count;
    const QueryFile *const *files; /* files with committed deletes */
    size_t file_count;
} KeepRequest;

CHECKED Status keep_send(PoolWorker *worker, const KeepRequest *request, int64_t now_ns,
                         int64_t deadline_ns, Error *error);

/* Has it kept something for too long without use? And: tells it to forget that. */
bool keep_has_stale(const PoolWorker *worker, int64_t now_ns);
CHECKED Status keep_forget_stale(PoolWorker *worker, int64_t now_ns, int64_t deadline_ns,
                                 Error *error);
void keep_close(PoolWorker *worker);

#endif
