/* Metrics: counters, gauges and histograms by name, for /metrics and system.stats.
 *
 * A room declares its metrics once, as a list X(KIND, UNIT, field, "firn_log_syncs_total", "help"):
 *     #define LOG_METRICS(X)                                                              \
 *         X(COUNTER, PLAIN, syncs, "firn_log_syncs_total", "Syncs of the log")            \
 *         X(HISTOGRAM, SECONDS, sync_seconds, "firn_log_sync_seconds", "Time of a sync")
 *     typedef struct LogMetrics { LOG_METRICS(METRIC_FIELD) } LogMetrics;
 *     static const MetricDefinition definitions[] = {LOG_METRICS(METRIC_DEFINITION)};
 *     TRY(metrics_register_all(metrics, definitions, METRIC_COUNT(definitions),
 *                              METRIC_FIELDS(&log->metrics, definitions), error));
 *     metric_add(log->metrics.syncs, 1);
 *
 * Threading: everything may be called from any thread; updates are relaxed atomics and never wait.
 * Ownership: whoever opens the database creates the one Metrics object, passes it down and destroys
 * it last; it owns every Metric. There is no way to remove a metric: labels are for small fixed
 * sets (a job's type, a trigger), never for names that users choose. Errors: PROGRAM_LIMIT_EXCEEDED
 * above METRICS_MAX. A malformed name, or one name registered with two kinds, stops the process. */
#ifndef FIRN_BASE_METRICS_H
#define FIRN_BASE_METRICS_H

#include "base/env.h"

enum {
    METRICS_MAX = 1024,
    METRIC_LABELS_MAX = 4,
    METRIC_LABEL_BYTES_MAX = 128, /* of a value; a longer one is refused */
    METRIC_BUCKETS_MAX = 20,
};

typedef enum MetricKind {
    METRIC_COUNTER,   /* only grows; its name ends in _total */
    METRIC_GAUGE,     /* goes up and down */
    METRIC_HISTOGRAM, /* counts observations in the fixed buckets of its unit */
} MetricKind;

typedef enum MetricUnit {
    METRIC_PLAIN,   /* buckets 1, 2, 5, 10, … 1 million */
    METRIC_SECONDS, /* updated in nanoseconds, shown in seconds; buckets 50 µs to 60 s */
    METRIC_BYTES,   /* buckets 256 B to 4 GiB */
} MetricUnit;

typedef struct MetricDefinition {
    MetricKind kind;
    MetricUnit unit;
    const char *name; /* of the alphabet [a-z0-9_]; static */
    const char *help; /* one line; static */
} MetricDefinition;

typedef struct MetricLabel {
    const char *name;  /* of the alphabet [a-z0-9_]; static */
    const char *value; /* copied */
} MetricLabel;

typedef struct Metric Metric;
typedef struct Metrics Metrics;

#define METRIC_FIELD(kind, unit, field, name, help) Metric *field;
#define METRIC_DEFINITION(kind, unit, field, name, help) \
    {METRIC_##kind, METRIC_##unit, (name), (help)},
#define METRIC_COUNT(definitions) (sizeof(definitions) / sizeof(definitions)[0])

/* The struct of fields as the array it is; refuses one that holds anything else. */
#define METRIC_FIELDS(fields, definitions) \
    ((Metric **)(void *)(fields) +         \
     0 * sizeof(char[sizeof *(fields) == METRIC_COUNT(definitions) * sizeof(Metric *) ? 1 : -1]))

CHECKED Status metrics_create(Env *env, Metrics **out, Error *error);
void metrics_destroy(Metrics *metrics); /* NULL is allowed */

/* The same name with the same labels gives the same metric again. */
CHECKED Status metrics_register(Metrics *metrics, const MetricDefinition *definition,
                                const MetricLabel *labels, size_t label_count, Metric **out,
                                Error *error);

/* Many without labels: out[i] for definitions[i]. */
CHECKED Status metrics_register_all(Metrics *metrics, const MetricDefinition *definitions,
                                    size_t count, Metric **out, Error *error);

/* A NULL metric is allowed in all of them and counts nothing. */
void metric_add(Metric *metric, int64_t amount);    /* counter (amount >= 0) or gauge */
void metric_set(Metric *metric, int64_t value);     /* gauge */
void metric_observe(Metric *metric, int64_t value); /* histogram; below 0 counts as 0 */
int64_t metric_value(const Metric *metric);         /* of a histogram: observations so far */

/* One figure, as /metrics and system.stats show it. */
typedef struct MetricSample {
    Slice name;   /* with _bucket, _sum or _count where it is a histogram's */
    Slice labels; /* a JSON object */
    double value;
} MetricSample;

/* Every figure in order of names; stops at the first visit that fails. The slices live until the
 * visit returns. No lock is held during a visit. */
CHECKED Status metrics_visit(Metrics *metrics,
                             Status (*visit)(void *context, const MetricSample *sample,
                                             Error *error),
                             void *context, Error *error);

/* Prometheus text format 0.0.4; the caller asks buffer_status. */
void metrics_put_prometheus(Metrics *metrics, Buffer *out);

#endif
