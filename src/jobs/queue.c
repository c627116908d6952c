/* What waits to be run. One job of a type and table runs at a time; after a failure the next one of
 * its kind waits a while, twice as long each time. */
#include "jobs/jobs_int.h"

void queue_add(Jobs *jobs, Job *job)
{
    job->next = NULL;
    job->is_queued = true;
    *jobs->queue_end = job;
    jobs->queue_end = &job->next;
    jobs->queue_length++;
    if (job->row.type == JOB_FLUSH)
        metric_add(jobs->metrics.flush_queue, 1);
    condition_signal(&jobs->work);
}

void queue_remove(Jobs *jobs, Job *job)
{
    Job **at = &jobs->queue;
    while (*at != job) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = job->next;
    if (*at == NULL)
        jobs->queue_end = at;
    job->is_queued = false;
    jobs->queue_length--;
    if (job->row.type == JOB_FLUSH)
        metric_add(jobs->metrics.flush_queue, -1);
}

Job *queue_same(Jobs *jobs, const JobRequest *request)
{
    for (Job *job = jobs->queue; job != NULL; job = job->next) {
        const JobRequest *other = &job->request;
        bool same = other->type == request->type && other->table_id == request->table_id &&
                    other->owner == request->owner && other->everything == request->everything &&
                    (other->folder == NULL) == (request->folder == NULL);
        if (same)
            return job;
    }
    return NULL;
}

static bool is_running(const Jobs *jobs, const Job *job)
{
    for (size_t i = 0; i < JOB_WORKERS_MAX; i++) {
        const Job *other = jobs->running[i];
        if (other != NULL && other->row.type == job->row.type &&
            other->row.table_id == job->row.table_id)
            return true;
    }
    return false;
}

/* Commands do not wait for a pause that a failure in the background began. */
static int64_t may_run_ns(const Jobs *jobs, const Job *job)
{
    int64_t until = job->request.not_before_ns;
    if (job->request.trigger != TRIGGER_COMMAND) {
        int64_t backoff = backoff_until(jobs, job->row.type, job->row.table_id);
        until = backoff > until ? backoff : until;
    }
    return until;
}

Job *queue_take(Jobs *jobs, int64_t now_ns, int64_t *next_ns)
{
    *next_ns = INT64_MAX;
    for (Job *job = jobs->queue; job != NULL; job = job->next) {
        if (is_running(jobs, job))
            continue;
        int64_t until = may_run_ns(jobs, job);
        if (until <= now_ns) {
            queue_remove(jobs, job);
            return job;
        }
        *next_ns = until < *next_ns ? until : *next_ns;
    }
    return NULL;
}

/* ---- pauses after failures ---- */

static Backoff *find_backoff(const Jobs *jobs, JobType type, uint64_t table_id)
{
    for (size_t i = 0; i < jobs->backoff_count; i++) {
        if (jobs->backoffs[i].type == type && jobs->backoffs[i].table_id == table_id)
            return &jobs->backoffs[i];
    }
    return NULL;
}

static Backoff *add_backoff(Jobs *jobs, JobType type, uint64_t table_id)
{
    if (jobs->backoffs == NULL)
        jobs->backoffs = memory_allocate_zeroed(BACKOFFS_MAX, sizeof(Backoff));
    if (jobs->backoffs == NULL)
        return NULL;
    size_t at = jobs->backoff_count < BACKOFFS_MAX ? jobs->backoff_count++ : 0;
    jobs->backoffs[at] = (Backoff){.type = type, .table_id = table_id};
    return &jobs->backoffs[at];
}

void backoff_note(Jobs *jobs, const Job *job, bool failed)
{
    Backoff *backoff = find_backoff(jobs, job->row.type, job->row.table_id);
    if (!failed) {
        if (backoff != NULL)
            *backoff = jobs->backoffs[--jobs->backoff_count];
        return;
    }
    if (backoff == NULL)
        backoff = add_backoff(jobs, job->row.type, job->row.table_id);
    if (backoff == NULL)
        return; /* no memory for a pause: it is tried again at once */
    int64_t pause_ns = BACKOFF_FIRST_NS;
    for (uint32_t i = 0; i < backoff->failures && pause_ns < BACKOFF_MAX_NS; i++)
        pause_ns *= 2;
    backoff->failures++;
    backoff->not_before_ns =
        env_monotonic_ns(jobs->env) + (pause_ns < BACKOFF_MAX_NS ? pause_ns : BACKOFF_MAX_NS);
}

int64_t backoff_until(const Jobs *jobs, JobType type, uint64_t table_id)
{
    const Backoff *backoff = find_backoff(jobs, type, table_id);
    return backoff == NULL ? 0 : backoff->not_before_ns;
}

uint32_t backoff_failures(const Jobs *jobs, JobType type, uint64_t table_id)
{
    const Backoff *backoff = find_backoff(jobs, type, table_id);
    return backoff == NULL ? 0 : backoff->failures;
}
