/* Private to jobs. */
#ifndef FIRN_JOBS_JOBS_INT_H
#define FIRN_JOBS_JOBS_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "jobs/jobs.h"

enum {
    JOB_WORKERS_MAX = 16,
    QUEUE_MAX = 100000, /* jobs waiting; above it a wanted flush waits for the next tick */
    BACKOFFS_MAX = 4096,
    TRIGGER_COUNT = TRIGGER_START + 1,
};
#define BACKOFF_FIRST_NS INT64_C(1000000000)
#define BACKOFF_MAX_NS   INT64_C(60000000000)

typedef struct Job {
    JobRow row;
    JobRequest request;
    char folder[PATH_BYTES_MAX];
    _Atomic bool cancelled;
    uint32_t waiting;  /* threads in jobs_wait; a row they look at stays */
    struct Job *newer; /* all jobs, oldest first */
    struct Job *next;  /* the queue */
    bool is_queued;
} Job;

/* How long a type of job for a table waits after it failed. */
typedef struct Backoff {
    JobType type;
    uint64_t table_id;
    uint32_t failures;
    int64_t not_before_ns;
} Backoff;

#define JOBS_METRICS(X)                                                                        \
    X(COUNTER, PLAIN, flush_started, "firn_flush_started_total", "Flushes begun")              \
    X(COUNTER, PLAIN, flush_completed, "firn_flush_completed_total", "Flushes that succeeded") \
    X(COUNTER, PLAIN, flush_failed, "firn_flush_failed_total", "Flushes that failed")          \
    X(COUNTER, PLAIN, flush_rows, "firn_flush_rows_total", "Rows written by flushes")          \
    X(COUNTER, BYTES, flush_bytes, "firn_flush_bytes_total", "Bytes of files from flushes")    \
    X(HISTOGRAM, SECONDS, flush_seconds, "firn_flush_seconds", "Time of a flush")              \
    X(HISTOGRAM, BYTES, flush_output, "firn_flush_output_bytes", "Bytes that one flush wrote") \
    X(GAUGE, PLAIN, flush_last, "firn_flush_last_time_seconds", "When the last flush ended")   \
    X(GAUGE, PLAIN, flush_queue, "firn_flush_queue", "Flushes waiting")                        \
    X(GAUGE, PLAIN, flush_running, "firn_flush_in_flight", "Flushes at work")                  \
    X(COUNTER, PLAIN, compact_completed, "firn_compact_completed_total",                       \
      "Compactions that succeeded")                                                            \
    X(COUNTER, PLAIN, compact_failed, "firn_compact_failed_total", "Compactions that failed")  \
    X(COUNTER, PLAIN, compact_files, "firn_compact_files_removed_total",                       \
      "Files that compactions replaced")                                                       \
    X(HISTOGRAM, SECONDS, compact_seconds, "firn_compact_seconds", "Time of a compaction")     \
    X(COUNTER, PLAIN, sweep_files, "firn_gc_files_removed_total", "Files the sweep removed")   \
    X(COUNTER, BYTES, sweep_bytes, "firn_gc_bytes_removed_total", "Bytes the sweep removed")   \
    X(COUNTER, PLAIN, sweep_failed, "firn_gc_failed_total", "Sweeps that failed")              \
    X(COUNTER, PLAIN, other_failed, "firn_jobs_failed_total", "Other jobs that failed")        \
    X(GAUGE, PLAIN, stuck, "firn_jobs_stuck", "Running jobs that do not move")                 \
    X(COUNTER, PLAIN, ticks, "firn_background_ticks_total", "Rounds of the scheduler")         \
    X(GAUGE, PLAIN, running, "firn_background_running", "1 while the scheduler runs")

typedef struct JobsMetrics {
    JOBS_METRICS(METRIC_FIELD)
} JobsMetrics;

typedef struct WorkerArgument {
    Jobs *jobs;
    size_t slot; /* in jobs->running */
} WorkerArgument;

struct Jobs {
    Env *env;
    Logger *logger;
    Engine *engine;
    Catalog *catalog;
    JobsMetrics metrics;
    Metric *triggered[TRIGGER_COUNT];

    Mutex mutex; /* everything below; a leaf: nothing is called with it held */
    Condition work;
    Condition ended;
    JobsOptions options;
    Job *oldest;
    Job *newest;
    size_t row_count;
    Job *queue;
    Job **queue_end;
    size_t queue_length;
    Job *running[JOB_WORKERS_MAX];
    Backoff *backoffs;
    size_t backoff_count;
    bool started;
    bool stopping;
    bool hurry;
    bool tick_now;
    Thread *workers[JOB_WORKERS_MAX];
    WorkerArgument arguments[JOB_WORKERS_MAX];
    uint32_t worker_count;
    Thread *scheduler;
    Condition tick;
};

/* ---- rows (row.c) ---- */

void job_row_encode(Buffer *out, const JobRow *row);
CHECKED Status job_row_decode(Cursor *cursor, JobRow *out, Error *error);

/* Logs the row as it is now, without waiting. Failures are logged: a row less, nothing else. */
void job_record(Jobs *jobs, const Job *job);

/* The same for the job's end: the row says so only once it is logged. */
void job_record_state(Jobs *jobs, Job *job, JobState state);

/* ---- the list (list.c); under the mutex ---- */

Job *job_find(Jobs *jobs, const char *id);
void job_append(Jobs *jobs, Job *job);
void jobs_trim(Jobs *jobs, int64_t before_us); /* finished rows that are old or too many */
void job_fill_names(Jobs *jobs, Job *job);     /* not under it */
CHECKED Status job_create(Jobs *jobs, const JobRequest *request, Job **out, Error *error);

/* ---- the queue (queue.c) ---- */

/* Under the mutex. */
void queue_add(Jobs *jobs, Job *job);
void queue_remove(Jobs *jobs, Job *job);
Job *queue_same(Jobs *jobs, const JobRequest *request);
Job *queue_take(Jobs *jobs, int64_t now_ns, int64_t *next_ns); /* the next that may run */

void backoff_note(Jobs *jobs, const Job *job, bool failed);
uint32_t backoff_failures(const Jobs *jobs, JobType type, uint64_t table_id);
int64_t backoff_until(const Jobs *jobs, JobType type, uint64_t table_id);

/* ---- running ---- */

/* Each sets rows, bytes, files, message of the job's row through `out`. */
CHECKED Status run_flush(Jobs *jobs, Job *job, JobRow *out, Error *error);
CHECKED Status run_compact(Jobs *jobs, Job *job, JobRow *out, Error *error);
CHECKED Status run_cleanup(Jobs *jobs, Job *job, JobRow *out, Error *error);
CHECKED Status run_retention(Jobs *jobs, Job *job, JobRow *out, Error *error);
CHECKED Status run_job_cleanup(Jobs *jobs, Job *job, JobRow *out, Error *error);
CHECKED Status run_stream_eviction(Jobs *jobs, Job *job, JobRow *out, Error *error);
CHECKED Status run_user_cleanup(Jobs *jobs, Job *job, JobRow *out, Error *error); /* run_user.c */

/* What a sweep removed, into metrics and row. */
void job_take_sweep(Jobs *jobs, const SweepResult *result, JobRow *out);

/* A SettleProgress: notes the progress and the heartbeat, and stops a cancelled job. */
Status job_progress(void *job_context, double progress, Error *error);

typedef struct JobContext {
    Jobs *jobs;
    Job *job;
} JobContext;

void worker_run(void *jobs);
void scheduler_run(void *jobs);

#endif
