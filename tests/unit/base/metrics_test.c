#include "base/metrics.h"

#include "tests/unit/base/test.h"

#define TEST_METRICS(X)                                                                  \
    X(COUNTER, PLAIN, syncs, "firn_log_syncs_total", "Syncs of the log")                 \
    X(GAUGE, BYTES, memory, "firn_memory_bytes", "Bytes in memtables")                   \
    X(COUNTER, SECONDS, stalled, "firn_stall_seconds_total", "Time that writers waited") \
    X(HISTOGRAM, SECONDS, sync_seconds, "firn_log_sync_seconds", "Time of a sync")

typedef struct TestMetrics {
    TEST_METRICS(METRIC_FIELD)
} TestMetrics;

static const MetricDefinition definitions[] = {TEST_METRICS(METRIC_DEFINITION)};

static Metrics *open_metrics(TestMetrics *fields)
{
    Metrics *metrics;
    Error error;
    assert_ok(metrics_create(env_real(), &metrics, &error), &error);
    assert_ok(metrics_register_all(metrics, definitions, METRIC_COUNT(definitions),
                                   METRIC_FIELDS(fields, definitions), &error),
              &error);
    return metrics;
}

static void assert_prometheus_has(Metrics *metrics, const char *wanted)
{
    Buffer out;
    buffer_open(&out, 0);
    metrics_put_prometheus(metrics, &out);
    buffer_put_u8(&out, '\0');
    if (strstr((char *)out.data, wanted) == NULL)
        fail_msg("\"%s\" is not in:\n%s", wanted, (char *)out.data);
    buffer_close(&out);
}

static void figures_are_shown_in_their_units(void **state)
{
    (void)state;
    TestMetrics fields;
    Metrics *metrics = open_metrics(&fields);
    metric_add(fields.syncs, 2);
    metric_add(fields.syncs, 1);
    metric_set(fields.memory, 1 << 20);
    metric_add(fields.memory, -1);
    metric_add(fields.stalled, 300000000);
    metric_add(NULL, 1);
    assert_int_equal(metric_value(fields.syncs), 3);
    assert_prometheus_has(metrics, "# HELP firn_log_syncs_total Syncs of the log\n"
                                   "# TYPE firn_log_syncs_total counter\n"
                                   "firn_log_syncs_total 3\n");
    assert_prometheus_has(metrics, "# TYPE firn_memory_bytes gauge\nfirn_memory_bytes 1048575\n");
    assert_prometheus_has(metrics, "\nfirn_stall_seconds_total 0.3\n");
    metrics_destroy(metrics);
}

static void buckets_are_cumulative(void **state)
{
    (void)state;
    TestMetrics fields;
    Metrics *metrics = open_metrics(&fields);
    metric_observe(fields.sync_seconds, -1);
    metric_observe(fields.sync_seconds, 50000);
    metric_observe(fields.sync_seconds, 50001);
    metric_observe(fields.sync_seconds, 60000000000);
    metric_observe(fields.sync_seconds, 60000000001);
    assert_int_equal(metric_value(fields.sync_seconds), 5);
    assert_prometheus_has(metrics, "# TYPE firn_log_sync_seconds histogram\n"
                                   "firn_log_sync_seconds_bucket{le=\"5e-05\"} 2\n"
                                   "firn_log_sync_seconds_bucket{le=\"0.0001\"} 3\n"
                                   "firn_log_sync_seconds_bucket{le=\"0.00025\"} 3\n");
    assert_prometheus_has(metrics, "firn_log_sync_seconds_bucket{le=\"60\"} 4\n"
                                   "firn_log_sync_seconds_bucket{le=\"+Inf\"} 5\n"
                                   "firn_log_sync_seconds_sum 120.000100002\n"
                                   "firn_log_sync_seconds_count 5\n");
    metrics_destroy(metrics);
}

static void labels_are_kept_apart_and_together(void **state)
{
    (void)state;
    static const MetricDefinition jobs = {METRIC_COUNTER, METRIC_PLAIN, "firn_jobs_total", "Jobs"};
    static const MetricDefinition later = {METRIC_GAUGE, METRIC_PLAIN, "firn_jobs_now", "Jobs"};
    TestMetrics fields;
    Metrics *metrics = open_metrics(&fields);
    Error error;
    Metric *flush;
    Metric *compact;
    Metric *again;
    MetricLabel flush_labels[] = {{"type", "flush"}, {"state", "a\"b\\c\nd"}};
    MetricLabel compact_labels[] = {{"type", "compact"}};
    assert_ok(metrics_register(metrics, &jobs, flush_labels, 2, &flush, &error), &error);
    assert_ok(metrics_register(metrics, &later, NULL, 0, &again, &error), &error);
    assert_ok(metrics_register(metrics, &jobs, compact_labels, 1, &compact, &error), &error);
    assert_ok(metrics_register(metrics, &jobs, flush_labels, 2, &again, &error), &error);
    assert_ptr_equal(flush, again);
    assert_ptr_not_equal(flush, compact);
    metric_add(flush, 1);
    assert_prometheus_has(metrics, "# HELP firn_jobs_total Jobs\n# TYPE firn_jobs_total counter\n"
                                   "firn_jobs_total{type=\"compact\"} 0\n"
                                   "firn_jobs_total{type=\"flush\",state=\"a\\\"b\\\\c\\nd\"} 1\n");
    metrics_destroy(metrics);
}

typedef struct Seen {
    Buffer text;
    int visits_left;
} Seen;

static Status see(void *context, const MetricSample *sample, Error *error)
{
    Seen *seen = context;
    if (seen->visits_left-- == 0)
        return error_of(error, STATUS_QUERY_CANCELED);
    buffer_put_slice(&seen->text, sample->name);
    buffer_put_slice(&seen->text, sample->labels);
    buffer_put_format(&seen->text, "=%g ", sample->value);
    return OK;
}

static void visits_give_what_prometheus_gets(void **state)
{
    (void)state;
    TestMetrics fields;
    Metrics *metrics = open_metrics(&fields);
    Seen seen = {.visits_left = -1};
    Error error;
    buffer_open(&seen.text, 0);
    metric_add(fields.syncs, 4);
    metric_observe(fields.sync_seconds, 1000000);
    assert_ok(metrics_visit(metrics, see, &seen, &error), &error);
    buffer_put_u8(&seen.text, '\0');
    const char *text = (const char *)seen.text.data;
    assert_non_null(strstr(text, "firn_log_sync_seconds_bucket{\"le\":\"0.0005\"}=0 "
                                 "firn_log_sync_seconds_bucket{\"le\":\"0.001\"}=1 "));
    assert_non_null(strstr(text, "firn_log_sync_seconds_count{}=1 firn_log_syncs_total{}=4 "
                                 "firn_memory_bytes{}=0 "));
    seen.visits_left = 3;
    assert_status(metrics_visit(metrics, see, &seen, &error), STATUS_QUERY_CANCELED);
    buffer_close(&seen.text);
    metrics_destroy(metrics);
}

static void there_is_an_end(void **state)
{
    (void)state;
    Metrics *metrics;
    Metric *metric;
    Error error;
    static char names[METRICS_MAX + 1][32];
    assert_ok(metrics_create(env_real(), &metrics, &error), &error);
    for (int i = 0; i <= METRICS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "m_%d", i);
        MetricDefinition definition = {METRIC_GAUGE, METRIC_PLAIN, names[i], "a gauge"};
        Status wanted = i < METRICS_MAX ? OK : STATUS_PROGRAM_LIMIT_EXCEEDED;
        assert_status(metrics_register(metrics, &definition, NULL, 0, &metric, &error), wanted);
    }
    char value[METRIC_LABEL_BYTES_MAX + 2];
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = '\0';
    MetricLabel label = {"l", value};
    MetricDefinition definition = {METRIC_GAUGE, METRIC_PLAIN, "m_0", "a gauge"};
    assert_status(metrics_register(metrics, &definition, &label, 1, &metric, &error),
                  STATUS_PROGRAM_LIMIT_EXCEEDED);
    metrics_destroy(metrics);
    metrics_destroy(NULL);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    Metrics *metrics;
    Metric *metric;
    Error error;
    memory_fail_at(1, 1);
    Status status = metrics_create(env_real(), &metrics, &error);
    memory_fail_at(0, 0);
    assert_status(status, STATUS_OUT_OF_MEMORY);
    assert_ok(metrics_create(env_real(), &metrics, &error), &error);
    memory_fail_at(1, 1);
    status = metrics_register(metrics, &definitions[0], NULL, 0, &metric, &error);
    memory_fail_at(0, 0);
    assert_status(status, STATUS_OUT_OF_MEMORY);
    assert_ok(metrics_register(metrics, &definitions[0], NULL, 0, &metric, &error), &error);
    metrics_destroy(metrics);
}

enum { THREADS = 4, ADDITIONS = 20000 };

typedef struct Adding {
    Metrics *metrics;
    TestMetrics fields;
} Adding;

static void add_many(void *argument)
{
    Adding *adding = argument;
    Buffer out;
    buffer_open(&out, 0);
    for (int i = 0; i < ADDITIONS; i++) {
        metric_add(adding->fields.syncs, 1);
        metric_observe(adding->fields.sync_seconds, i);
        if (i % 5000 != 0)
            continue;
        buffer_clear(&out);
        metrics_put_prometheus(adding->metrics, &out);
    }
    buffer_close(&out);
}

static void threads_lose_no_addition(void **state)
{
    (void)state;
    Adding adding;
    adding.metrics = open_metrics(&adding.fields);
    Thread *threads[THREADS];
    Error error;
    for (int i = 0; i < THREADS; i++)
        assert_ok(thread_start(env_real(), "adds", THREAD_STACK_BYTES_DEFAULT, add_many, &adding,
                               &threads[i], &error),
                  &error);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(metric_value(adding.fields.syncs), THREADS * ADDITIONS);
    assert_int_equal(metric_value(adding.fields.sync_seconds), THREADS * ADDITIONS);
    metrics_destroy(adding.metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_shown_in_their_units),
        cmocka_unit_test(buckets_are_cumulative),
        cmocka_unit_test(labels_are_kept_apart_and_together),
        cmocka_unit_test(visits_give_what_prometheus_gets),
        cmocka_unit_test(there_is_an_end),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(threads_lose_no_addition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
