/* Jobs: work in the background, each with a row in system.jobs that says truly what became of it.
 *
 * One file for each type; a small pool of threads runs them, one job of a type and table at a time.
 * The scheduler asks the engine which tables' flush interval has come, retries what failed after a
 * growing pause, expires log segments and snapshots, and removes what nothing names. Job rows are
 * records of the engine's log, so they are there after a restart, and none stays `running`.
 *
 * Threading: any thread; nothing here waits but jobs_wait and jobs_stop. Ownership: rows handed out
 * are copies. Errors: a job's own error is in its row; submitting fails only for memory. */
#ifndef FIRN_JOBS_JOBS_H
#define FIRN_JOBS_JOBS_H

#include "base/logger.h"
#include "base/metrics.h"
#include "catalog/catalog.h"

typedef struct Jobs Jobs;

/* Stored: numbers are never reused. */
typedef enum JobType {
    JOB_FLUSH = 1,
    JOB_COMPACT = 2,
    JOB_CLEANUP = 3,   /* folders of dropped tables, orphans of one table */
    JOB_RETENTION = 4, /* snapshots and log segments past their time */
    JOB_STREAM_EVICTION = 5,
    JOB_JOB_CLEANUP = 6,
    JOB_USER_CLEANUP = 7,
} JobType;

typedef enum JobState {
    JOB_QUEUED = 1,
    JOB_RUNNING = 2,
    JOB_COMPLETED = 3,
    JOB_FAILED = 4,
    JOB_CANCELLED = 5,
    JOB_SUPERSEDED = 6,
} JobState;

const char *job_type_name(JobType type);   /* "flush" */
const char *job_type_prefix(JobType type); /* "FL" */
const char *job_state_name(JobState state);

enum {
    JOB_ID_BYTES = 16, /* prefix, '-', 12 characters, NUL */
    JOB_TEXT_BYTES_MAX = 512,
    JOB_ROWS_MAX = 20000, /* rows kept; the oldest finished ones go first */
};

/* One row of system.jobs. */
typedef struct JobRow {
    char id[JOB_ID_BYTES];
    JobType type;
    JobState state;
    uint64_t table_id; /* 0: none */
    char namespace_name[NAMESPACE_BYTES_MAX + 1];
    char table_name[NAME_BYTES_MAX + 1];
    OwnerId owner;                       /* of one user's flush; 0: none */
    OwnerId submitter;                   /* who asked; 0: the server */
    char parameters[JOB_TEXT_BYTES_MAX]; /* JSON, one shape for each type */
    FlushTrigger trigger;
    uint64_t rows;
    uint64_t bytes;
    uint64_t files;
    double progress;
    char message[JOB_TEXT_BYTES_MAX];
    char error[JOB_TEXT_BYTES_MAX];
    uint32_t attempts;
    int64_t created_us;
    int64_t started_us;  /* 0: not yet */
    int64_t finished_us; /* 0: not yet */
    int64_t heartbeat_us;
    int64_t snapshot_id; /* FLUSH, COMPACT; -1: none */
    char first_path[256];
} JobRow;

typedef struct JobsOptions {
    uint32_t workers;
    int64_t retention_us;
    int64_t stuck_after_us;
    int64_t tick_ns; /* of the scheduler; no trigger waits for it */
} JobsOptions;

/* Makes no thread yet. `engine` is bound later, because the engine's hooks need the jobs. */
CHECKED Status jobs_open(Env *env, const JobsOptions *options, Logger *logger, Metrics *metrics,
                         Jobs **out, Error *error);
void jobs_close(Jobs *jobs);

/* ---- for the engine's hooks ---- */

enum { FRAME_JOB = FRAME_UPPER };

CHECKED Status jobs_recover_record(Jobs *jobs, Slice payload, Error *error);
CHECKED Status jobs_recover_checkpoint(Jobs *jobs, Slice payload, Error *error);
void jobs_encode(Jobs *jobs, Buffer *out); /* every row, for a checkpoint */

/* Could they be recovered? For whoever looks at a directory without its server. */
CHECKED Status jobs_check_record(Slice payload, Error *error);
CHECKED Status jobs_check_checkpoint(Slice payload, Error *error);
void jobs_flush_wanted(Jobs *jobs, uint64_t table_id, FlushTrigger trigger);
void jobs_compaction_wanted(Jobs *jobs, uint64_t table_id);

/* ---- life ---- */

/* After the engine is open: rows that were queued or running become `superseded`, threads start,
 * what is over its triggers is flushed, orphans are swept. */
CHECKED Status jobs_start(Jobs *jobs, Engine *engine, Catalog *catalog, Error *error);

/* No new jobs; waits for running ones until `deadline_ns`, then marks them failed, "interrupted by
 * shutdown". `waiting` is told once a second which are waited for. jobs_hurry ends the waiting. */
void jobs_stop(Jobs *jobs, int64_t deadline_ns, void (*waiting)(void *context, const JobRow *row),
               void *context);
void jobs_hurry(Jobs *jobs);

void jobs_set_options(Jobs *jobs, const JobsOptions *options);

/* ---- submitting ---- */

typedef struct JobRequest {
    JobType type;
    uint64_t table_id;
    OwnerId owner;
    OwnerId submitter;
    FlushTrigger trigger;
    bool everything;    /* COMPACT by command */
    const char *folder; /* CLEANUP of a dropped table: absolute; NULL: sweep the table */
    int64_t not_before_ns;
} JobRequest;

/* Queues the job, or joins one that is queued and asks for the same. */
CHECKED Status jobs_submit(Jobs *jobs, const JobRequest *request, char id[JOB_ID_BYTES],
                           Error *error);

/* Waits until the job has ended; its row then. QUERY_CANCELED after `deadline_ns`: the job goes on.
 */
CHECKED Status jobs_wait(Jobs *jobs, const char *id, int64_t deadline_ns, JobRow *out,
                         Error *error);

/* Cancels a job that is queued, or asks a running one to stop at its next safe place. NOT_FOUND. */
CHECKED Status jobs_cancel(Jobs *jobs, const char *id, Error *error);

/* Jobs of a table that is dropped: queued ones are cancelled, running ones asked to stop. */
void jobs_cancel_table(Jobs *jobs, uint64_t table_id);

/* A copy of one row; NOT_FOUND. */
CHECKED Status jobs_get(Jobs *jobs, const char *id, JobRow *out, Error *error);

/* Copies of all rows, oldest first, in the arena. */
CHECKED Status jobs_list(Jobs *jobs, Arena *arena, JobRow **out, size_t *count, Error *error);

#endif
