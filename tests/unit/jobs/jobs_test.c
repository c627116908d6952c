/* Jobs: what their rows say, retries, cancelling, and what a restart makes of them. */
#include "jobs/jobs_int.h"
#include "tests/unit/catalog/fixture.h"

enum { ROWS_EACH = 100 };

static Jobs *jobs;
static Logger *logger;
static Metrics *metrics;
static JobsOptions jobs_options;

/* ---- hooks ---- */

static bool no_output(void *context, Slice line)
{
    (void)context;
    (void)line;
    return true;
}

static void forward_flush(uint64_t table_id, FlushTrigger trigger)
{
    jobs_flush_wanted(jobs, table_id, trigger);
}

static void forward_compaction(uint64_t table_id)
{
    jobs_compaction_wanted(jobs, table_id);
}

static Status forward_record(Slice payload, Error *error)
{
    return jobs_recover_record(jobs, payload, error);
}

static Status forward_checkpoint(Slice payload, Error *error)
{
    return jobs_recover_checkpoint(jobs, payload, error);
}

static void forward_encode(Buffer *out)
{
    jobs_encode(jobs, out);
}

static void open_jobs(void)
{
    Error error;
    LoggerOptions logger_options = {.level = LOG_LEVEL_ERROR, .write = no_output};
    above = (Above){.flush_wanted = forward_flush,
                    .compaction_wanted = forward_compaction,
                    .recover_record = forward_record,
                    .recover_checkpoint = forward_checkpoint,
                    .encode = forward_encode};
    if (jobs_options.workers == 0)
        jobs_options = (JobsOptions){.workers = 2,
                                     .retention_us = INT64_C(3600000000),
                                     .stuck_after_us = INT64_C(60000000),
                                     .tick_ns = 1000000000};
    CHECK_OK(logger_create(env, &logger_options, &logger, &error), &error);
    CHECK_OK(metrics_create(env, &metrics, &error), &error);
    CHECK_OK(jobs_open(env, &jobs_options, logger, metrics, &jobs, &error), &error);
    open_all();
}

static void start_jobs(void)
{
    Error error;
    CHECK_OK(jobs_start(jobs, engine, catalog, &error), &error);
}

static void close_jobs(void)
{
    jobs_close(jobs);
    metrics_destroy(metrics);
    logger_destroy(logger);
}

static void stop_all(void)
{
    jobs_stop(jobs, INT64_MAX, NULL, NULL);
    close_all();
    close_jobs();
}

static void submit(const JobRequest *request, char id[JOB_ID_BYTES])
{
    Error error;
    CHECK_OK(jobs_submit(jobs, request, id, &error), &error);
}

static JobRow wait_for(const char *id)
{
    JobRow row;
    Error error;
    CHECK_OK(jobs_wait(jobs, id, INT64_MAX, &row, &error), &error);
    return row;
}

static JobRequest flush_of(uint64_t table_id)
{
    return (JobRequest){.type = JOB_FLUSH, .table_id = table_id, .trigger = TRIGGER_COMMAND};
}

static uint64_t open_with_table(void)
{
    open_jobs();
    create_namespace("shop");
    uint64_t id = create_table("shop", "a", TABLE_SHARED);
    start_jobs();
    return id;
}

/* ---- a job's life ---- */

static void flush_by_command(void *argument)
{
    char id[JOB_ID_BYTES];
    JobRow row;
    Error error;
    (void)argument;
    uint64_t table = open_with_table();
    JobRequest request = flush_of(table);
    request.submitter = 1;
    for (int64_t i = 0; i < 7; i++)
        put_row(table, 0, i);
    submit(&request, id);
    row = wait_for(id);
    CHECK(row.state == JOB_COMPLETED && row.rows == 7 && row.files == 1 && row.bytes > 0);
    CHECK(row.snapshot_id != -1 && row.first_path[0] != '\0' && row.progress == 1);
    CHECK(strcmp(row.namespace_name, "shop") == 0 && strcmp(row.table_name, "a") == 0);
    CHECK(row.submitter == 1 && row.attempts == 1 && strncmp(row.id, "FL-", 3) == 0);
    CHECK(row.created_us <= row.started_us && row.started_us <= row.finished_us);
    CHECK(count_rows(table, 0).cold_rows == 7); /* L5: it was done */
    CHECK(metric_value(jobs->metrics.flush_completed) == 1);
    CHECK(metric_value(jobs->metrics.flush_rows) == 7);
    submit(&request, id);
    row = wait_for(id); /* E8 */
    CHECK(row.state == JOB_COMPLETED && row.rows == 0 && row.files == 0 && row.snapshot_id == -1);
    CHECK_STATUS(STATUS_UNDEFINED_OBJECT, jobs_get(jobs, "FL-nothing", &row, &error));
    CHECK_STATUS(STATUS_UNDEFINED_OBJECT, jobs_cancel(jobs, "FL-nothing", &error));
    stop_all();
}

static void a_row_says_what_became_of_a_job(void **state)
{
    (void)state;
    run(flush_by_command);
}

static void flush_by_rows(void *argument)
{
    (void)argument;
    defaults.flush_rows = ROWS_EACH;
    uint64_t table = open_with_table();
    for (int64_t i = 0; i < 10 * ROWS_EACH; i++) {
        put_row(table, 0, i);
        if (i % ROWS_EACH == ROWS_EACH - 1)
            env_sleep_ns(env, 1000000000);
    }
    int64_t flushes = metric_value(jobs->metrics.flush_completed);
    CHECK(flushes >= 9 && flushes <= 11); /* C2 */
    CHECK(count_rows(table, 0).cold_rows >= 9 * ROWS_EACH);
    stop_all();
}

static void rows_flush_a_table_without_a_command(void **state)
{
    (void)state;
    run(flush_by_rows);
}

static void flush_by_time(void *argument)
{
    (void)argument;
    defaults.flush_interval_ms = 2000;
    uint64_t table = open_with_table();
    put_row(table, 0, 1);
    env_sleep_ns(env, 6000000000);
    CHECK(count_rows(table, 0).cold_rows == 1 && count_rows(table, 0).hot_rows == 0); /* C3 */
    int64_t flushes = metric_value(jobs->metrics.flush_started);
    env_sleep_ns(env, 10000000000);
    CHECK(metric_value(jobs->metrics.flush_started) == flushes); /* C9: nothing for an idle one */
    stop_all();
}

static void an_idle_table_is_flushed_by_time(void **state)
{
    (void)state;
    run(flush_by_time);
}

/* ---- failures ---- */

static void fail_and_retry(void *argument)
{
    char id[JOB_ID_BYTES];
    JobRow row;
    (void)argument;
    uint64_t table = open_with_table();
    bool existed;
    Error error;
    CHECK_OK(create_table_of("shop", "healthy", TABLE_SHARED, false, &existed, &error), &error);
    put_row(table, 0, 1);
    simulation_inject(machine, &(SimulationFault){.operation = SIMULATION_CREATE,
                                                  .path_part = "shop.a-",
                                                  .nth = 1,
                                                  .for_good = true,
                                                  .status = STATUS_IO_ERROR});
    JobRequest request = flush_of(table);
    submit(&request, id);
    row = wait_for(id);
    CHECK(row.state == JOB_FAILED && row.error[0] != '\0' && row.rows == 0);
    CHECK(strstr(row.error, "/data") == NULL); /* no path of this machine */
    CHECK(metric_value(jobs->metrics.flush_failed) == 1);
    CHECK(metric_value(jobs->metrics.flush_completed) == 0); /* L4 */
    CHECK(count_rows(table, 0).hot_rows == 1);
    env_sleep_ns(env, 30000000000); /* the scheduler goes on trying, with pauses */
    int64_t failures = metric_value(jobs->metrics.flush_failed);
    CHECK(failures > 2 && failures < 20);
    simulation_clear_faults(machine);
    env_sleep_ns(env, 70000000000);
    CHECK(metric_value(jobs->metrics.flush_completed) >= 1); /* D3: nobody asked */
    CHECK(count_rows(table, 0).cold_rows == 1);
    submit(&request, id);
    CHECK(wait_for(id).attempts == 1); /* the pause is forgotten */
    stop_all();
}

static void a_failed_flush_is_tried_again_after_a_growing_pause(void **state)
{
    (void)state;
    run(fail_and_retry);
}

/* ---- cancelling and joining ---- */

static void cancel_and_join(void *argument)
{
    char first[JOB_ID_BYTES];
    char second[JOB_ID_BYTES];
    char other[JOB_ID_BYTES];
    JobRow row;
    Error error;
    (void)argument;
    uint64_t table = open_with_table();
    put_row(table, 0, 1);
    JobRequest request = flush_of(table);
    request.not_before_ns = env_monotonic_ns(env) + INT64_C(3600000000000);
    submit(&request, first);
    submit(&request, second);
    CHECK(strcmp(first, second) == 0); /* the same is queued already */
    JobRequest compaction = request;
    compaction.type = JOB_COMPACT;
    submit(&compaction, other);
    CHECK(strcmp(first, other) != 0);
    CHECK_STATUS(STATUS_QUERY_CANCELED,
                 jobs_wait(jobs, first, env_monotonic_ns(env) + 1000000, &row, &error));
    CHECK(row.state == JOB_QUEUED);
    CHECK_OK(jobs_cancel(jobs, first, &error), &error);
    row = wait_for(first);
    CHECK(row.state == JOB_CANCELLED && row.finished_us > 0);
    CHECK_OK(jobs_cancel(jobs, first, &error), &error); /* it has ended: nothing to do */
    CHECK(count_rows(table, 0).hot_rows == 1);
    jobs_cancel_table(jobs, table);
    CHECK(wait_for(other).state == JOB_CANCELLED);
    stop_all();
}

static void a_queued_job_is_joined_or_cancelled(void **state)
{
    (void)state;
    run(cancel_and_join);
}

static void flush_dropped(void *argument)
{
    char id[JOB_ID_BYTES];
    Arena arena;
    DropCounts counts;
    Error error;
    (void)argument;
    uint64_t table = open_with_table();
    put_row(table, 0, 1);
    JobRequest request = flush_of(table);
    request.not_before_ns = env_monotonic_ns(env) + 1000000000;
    submit(&request, id);
    arena_open(&arena, 0);
    CHECK_OK(catalog_drop_table(catalog, table, INT64_MAX, &arena, &counts, &error), &error);
    CHECK(wait_for(id).state == JOB_CANCELLED); /* its table is gone */
    request = (JobRequest){.type = JOB_CLEANUP, .table_id = table, .folder = counts.folders[0]};
    submit(&request, id);
    CHECK(wait_for(id).state == JOB_COMPLETED);
    CHECK(!file_exists(env, counts.folders[0]));
    arena_close(&arena);
    stop_all();
}

static void jobs_of_a_dropped_table_end(void **state)
{
    (void)state;
    run(flush_dropped);
}

static void drop_beside_reader(void *argument)
{
    Arena arena;
    DropCounts counts;
    Pin *pin;
    char id[JOB_ID_BYTES];
    Error error;
    (void)argument;
    uint64_t table_id = open_with_table();
    put_row(table_id, 0, 1);
    JobRequest request = flush_of(table_id);
    submit(&request, id);
    (void)wait_for(id);
    EngineTable *table = engine_table(engine, table_id);
    CHECK_OK(pin_open(engine, &table, 1, &pin, &error), &error);
    engine_table_release(table);
    arena_open(&arena, 0);
    CHECK_OK(catalog_drop_table(catalog, table_id, INT64_MAX, &arena, &counts, &error), &error);
    request = (JobRequest){.type = JOB_CLEANUP, .table_id = table_id, .folder = counts.folders[0]};
    submit(&request, id);
    CHECK(wait_for(id).state == JOB_FAILED && file_exists(env, counts.folders[0]));
    pin_release(pin);
    env_sleep_ns(env, 10000000000);
    CHECK(!file_exists(env, counts.folders[0]));
    arena_close(&arena);
    stop_all();
}

/* Bug: the folder of a table that was dropped while somebody read it stayed for ever. */
static void bug_folder_of_a_table_dropped_beside_a_reader(void **state)
{
    (void)state;
    run(drop_beside_reader);
}

/* ---- stopping and starting ---- */

static char queued_id[JOB_ID_BYTES];
static char done_id[JOB_ID_BYTES];

static void work_and_vanish(void *argument)
{
    (void)argument;
    uint64_t table = open_with_table();
    JobRequest request = flush_of(table);
    put_row(table, 0, 1);
    submit(&request, done_id);
    (void)wait_for(done_id);
    put_row(table, 0, 2);
    Job *job;
    Error error;
    mutex_lock(&jobs->mutex); /* a job that is at work for ever */
    CHECK_OK(job_create(jobs, &request, &job, &error), &error);
    job->row.state = JOB_RUNNING;
    job_append(jobs, job);
    memcpy(queued_id, job->row.id, JOB_ID_BYTES);
    mutex_unlock(&jobs->mutex);
    job_record(jobs, job);
    put_row(table, 0, 3); /* what comes behind is durable, so the record is */
    simulation_crash(machine, SIMULATION_LOSE_ALL);
}

static void look_after(void *argument)
{
    Arena arena;
    JobRow *rows;
    JobRow row;
    size_t count;
    Error error;
    (void)argument;
    open_jobs();
    start_jobs();
    CHECK_OK(jobs_get(jobs, done_id, &row, &error), &error);
    CHECK(row.state == JOB_COMPLETED && row.rows == 1);
    CHECK_OK(jobs_get(jobs, queued_id, &row, &error), &error);
    CHECK(row.state == JOB_SUPERSEDED && row.finished_us > 0 && row.message[0] != '\0'); /* D4 */
    arena_open(&arena, 0);
    CHECK_OK(jobs_list(jobs, &arena, &rows, &count, &error), &error);
    for (size_t i = 0; i < count; i++)
        CHECK(rows[i].state != JOB_RUNNING || rows[i].started_us > row.finished_us);
    arena_close(&arena);
    stop_all();
}

/* No row stays `running`: by the log, and by a checkpoint. */
static void unfinished_jobs_are_superseded_after_a_crash(void **state)
{
    (void)state;
    assert_end(SIMULATION_CRASHED, simulation_run(machine, work_and_vanish, NULL), machine);
    run(look_after);
    run(look_after);
}

static void refuse_when_stopping(void *argument)
{
    char id[JOB_ID_BYTES];
    JobRow row;
    Error error;
    (void)argument;
    uint64_t table = open_with_table();
    JobRequest request = flush_of(table);
    request.not_before_ns = env_monotonic_ns(env) + INT64_C(3600000000000);
    submit(&request, id);
    jobs_stop(jobs, INT64_MAX, NULL, NULL);
    CHECK_OK(jobs_get(jobs, id, &row, &error), &error);
    CHECK(row.state == JOB_CANCELLED);
    CHECK_STATUS(STATUS_SHUTTING_DOWN, jobs_submit(jobs, &request, id, &error));
    close_all();
    close_jobs();
}

static void nothing_is_taken_while_stopping(void **state)
{
    (void)state;
    run(refuse_when_stopping);
}

/* ---- rows that are old ---- */

static void trim(void *argument)
{
    char id[JOB_ID_BYTES];
    JobRow row;
    Error error;
    (void)argument;
    uint64_t table = open_with_table();
    JobRequest request = flush_of(table);
    submit(&request, id);
    (void)wait_for(id);
    int64_t finished_us = wait_for(id).finished_us;
    mutex_lock(&jobs->mutex);
    jobs_trim(jobs, finished_us);
    mutex_unlock(&jobs->mutex);
    CHECK_OK(jobs_get(jobs, id, &row, &error), &error);
    char waiting[JOB_ID_BYTES];
    request.not_before_ns = env_monotonic_ns(env) + INT64_C(3600000000000);
    submit(&request, waiting);
    mutex_lock(&jobs->mutex);
    jobs_trim(jobs, INT64_MAX);
    size_t left = jobs->row_count;
    mutex_unlock(&jobs->mutex);
    CHECK_STATUS(STATUS_UNDEFINED_OBJECT, jobs_get(jobs, id, &row, &error));
    CHECK_OK(jobs_get(jobs, waiting, &row, &error), &error); /* only what has ended goes */
    CHECK(left >= 1);
    stop_all();
}

static void old_rows_go_when_their_job_has_ended(void **state)
{
    (void)state;
    run(trim);
}

/* ---- rows as bytes ---- */

static void rows_as_bytes(void **state)
{
    JobRow row = {.type = JOB_COMPACT,
                  .state = JOB_FAILED,
                  .table_id = 7,
                  .owner = 3,
                  .rows = 1,
                  .progress = 0.5,
                  .attempts = 4,
                  .snapshot_id = -1};
    JobRow got;
    Buffer bytes;
    Error error;
    (void)state;
    (void)snprintf(row.id, sizeof row.id, "CO-0123456789ab");
    (void)snprintf(row.error, sizeof row.error, "no room");
    buffer_open(&bytes, 0);
    job_row_encode(&bytes, &row);
    Cursor cursor = cursor_of(buffer_slice(&bytes));
    assert_ok(job_row_decode(&cursor, &got, &error), &error);
    assert_true(cursor_is_done(&cursor));
    assert_string_equal(row.id, got.id);
    assert_string_equal("no room", got.error);
    assert_int_equal(JOB_FAILED, got.state);
    assert_true(got.progress == 0.5 && got.attempts == 4 && got.snapshot_id == -1);
    for (size_t size = 0; size < bytes.size; size++) {
        cursor = cursor_of(slice_part(buffer_slice(&bytes), 0, size));
        assert_int_not_equal(OK, job_row_decode(&cursor, &got, &error));
    }
    Random random = random_of(test_seed());
    for (int i = 0; i < 20000; i++) {
        uint8_t kept = 0;
        size_t at = random_below(&random, bytes.size);
        kept = bytes.data[at];
        bytes.data[at] = (uint8_t)random_u64(&random);
        cursor = cursor_of(buffer_slice(&bytes));
        Status status = job_row_decode(&cursor, &got, &error);
        if (status == OK) { /* names of it can be looked up */
            assert_non_null(job_type_name(got.type));
            assert_non_null(job_state_name(got.state));
            assert_non_null(flush_trigger_name(got.trigger));
            assert_true(memchr(got.id, 0, sizeof got.id) != NULL);
            assert_true(memchr(got.error, 0, sizeof got.error) != NULL);
        }
        bytes.data[at] = kept;
    }
    buffer_close(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(a_row_says_what_became_of_a_job),
        ON_A_MACHINE(rows_flush_a_table_without_a_command),
        ON_A_MACHINE(an_idle_table_is_flushed_by_time),
        ON_A_MACHINE(a_failed_flush_is_tried_again_after_a_growing_pause),
        ON_A_MACHINE(a_queued_job_is_joined_or_cancelled),
        ON_A_MACHINE(jobs_of_a_dropped_table_end),
        ON_A_MACHINE(bug_folder_of_a_table_dropped_beside_a_reader),
        ON_A_MACHINE(unfinished_jobs_are_superseded_after_a_crash),
        ON_A_MACHINE(nothing_is_taken_while_stopping),
        ON_A_MACHINE(old_rows_go_when_their_job_has_ended),
        cmocka_unit_test(rows_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
