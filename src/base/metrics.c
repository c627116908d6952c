/* The registry of metrics and what reads it. Updates touch the metric alone. */
#include "base/metrics.h"

#include "base/assert.h"
#include "base/json.h"

struct Metric {
    MetricDefinition definition;
    size_t label_count;
    MetricLabel labels[METRIC_LABELS_MAX]; /* values behind the metric, in its own allocation */
    _Atomic int64_t value;                 /* of a histogram: the sum */
    _Atomic int64_t
        buckets[METRIC_BUCKETS_MAX + 1]; /* not cumulative; the last: above all bounds */
};

struct Metrics {
    Mutex lock;
    size_t count;
    Metric *all[METRICS_MAX]; /* in order of name and labels */
};

typedef struct Bounds {
    size_t count;
    int64_t of[METRIC_BUCKETS_MAX];
} Bounds;

static const Bounds bounds_of_unit[] = {
    [METRIC_PLAIN] = {19,
                      {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
                       100000, 200000, 500000, 1000000}},
    [METRIC_SECONDS] = {19,
                        {50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
                         25000000, 50000000, 100000000, 250000000, 500000000, 1000000000,
                         2500000000, 5000000000, 10000000000, 30000000000, 60000000000}},
    [METRIC_BYTES] = {13,
                      {1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22,
                       1 << 24, 1 << 26, 1 << 28, 1 << 30, INT64_C(1) << 32}},
};

/* ---- registration ---- */

Status metrics_create(Env *env, Metrics **out, Error *error)
{
    Metrics *metrics = MEMORY_NEW(Metrics);
    if (metrics == NULL)
        return error_out_of_memory(error);
    mutex_open(&metrics->lock, env, "metrics");
    *out = metrics;
    return OK;
}

void metrics_destroy(Metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < metrics->count; i++)
        memory_free(metrics->all[i]);
    mutex_close(&metrics->lock);
    memory_free(metrics);
}

static bool is_name(const char *name)
{
    const char *at = name;
    while ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_')
        at++;
    return *at == '\0' && at != name && !(name[0] >= '0' && name[0] <= '9');
}

static int compare_labels(const Metric *metric, const MetricLabel *labels, size_t count)
{
    for (size_t i = 0; i < metric->label_count && i < count; i++) {
        int order = strcmp(metric->labels[i].name, labels[i].name);
        if (order == 0)
            order = strcmp(metric->labels[i].value, labels[i].value);
        if (order != 0)
            return order;
    }
    return metric->label_count < count ? -1 : metric->label_count > count;
}

/* Where it is, or where it belongs. */
static size_t find_place(const Metrics *metrics, const char *name, const MetricLabel *labels,
                         size_t label_count, bool *found)
{
    size_t low = 0;
    size_t high = metrics->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const Metric *metric = metrics->all[middle];
        int order = strcmp(metric->definition.name, name);
        if (order == 0)
            order = compare_labels(metric, labels, label_count);
        if (order == 0) {
            *found = true;
            return middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    *found = false;
    return low;
}

static Status make_metric(const MetricDefinition *definition, const MetricLabel *labels,
                          size_t label_count, Metric **out, Error *error)
{
    size_t size = sizeof(Metric);
    for (size_t i = 0; i < label_count; i++) {
        size_t value_size = strlen(labels[i].value);
        if (value_size > METRIC_LABEL_BYTES_MAX)
            return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                             "a metric's label is longer than %d bytes", METRIC_LABEL_BYTES_MAX);
        size += value_size + 1;
    }
    Metric *metric = memory_allocate_zeroed(1, size);
    if (metric == NULL)
        return error_out_of_memory(error);
    metric->definition = *definition;
    metric->label_count = label_count;
    char *values = (char *)(metric + 1);
    for (size_t i = 0; i < label_count; i++) {
        size_t value_size = strlen(labels[i].value) + 1;
        memcpy(values, labels[i].value, value_size);
        metric->labels[i] = (MetricLabel){labels[i].name, values};
        values += value_size;
    }
    *out = metric;
    return OK;
}

static Status add_locked(Metrics *metrics, const MetricDefinition *definition,
                         const MetricLabel *labels, size_t label_count, Metric **out, Error *error)
{
    bool found;
    Metric *metric = NULL;
    size_t place = find_place(metrics, definition->name, labels, label_count, &found);
    if (found) {
        ASSERT(metrics->all[place]->definition.kind == definition->kind);
        *out = metrics->all[place];
        return OK;
    }
    if (metrics->count == METRICS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "more than %d metrics", METRICS_MAX);
    TRY(make_metric(definition, labels, label_count, &metric, error));
    memmove(metrics->all + place + 1, metrics->all + place,
            (metrics->count - place) * sizeof(Metric *));
    metrics->all[place] = metric;
    metrics->count++;
    *out = metric;
    return OK;
}

Status metrics_register(Metrics *metrics, const MetricDefinition *definition,
                        const MetricLabel *labels, size_t label_count, Metric **out, Error *error)
{
    ASSERT(is_name(definition->name) && label_count <= METRIC_LABELS_MAX);
    for (size_t i = 0; i < label_count; i++)
        ASSERT(is_name(labels[i].name));
    mutex_lock(&metrics->lock);
    Status status = add_locked(metrics, definition, labels, label_count, out, error);
    mutex_unlock(&metrics->lock);
    return status;
}

Status metrics_register_all(Metrics *metrics, const MetricDefinition *definitions, size_t count,
                            Metric **out, Error *error)
{
    for (size_t i = 0; i < count; i++)
        TRY(metrics_register(metrics, &definitions[i], NULL, 0, &out[i], error));
    return OK;
}

/* ---- updates ---- */

void metric_add(Metric *metric, int64_t amount)
{
    if (metric == NULL)
        return;
    ASSERT(metric->definition.kind == METRIC_GAUGE ||
           (metric->definition.kind == METRIC_COUNTER && amount >= 0));
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

void metric_set(Metric *metric, int64_t value)
{
    if (metric == NULL)
        return;
    ASSERT(metric->definition.kind == METRIC_GAUGE);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe(Metric *metric, int64_t value)
{
    if (metric == NULL)
        return;
    ASSERT(metric->definition.kind == METRIC_HISTOGRAM);
    if (value < 0)
        value = 0;
    const Bounds *bounds = &bounds_of_unit[metric->definition.unit];
    size_t bucket = 0;
    while (bucket < bounds->count && value > bounds->of[bucket])
        bucket++;
    atomic_fetch_add_explicit(&metric->value, value, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
}

static int64_t observations(const Metric *metric)
{
    int64_t sum = 0;
    for (size_t i = 0; i <= METRIC_BUCKETS_MAX; i++)
        sum += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
    return sum;
}

int64_t metric_value(const Metric *metric)
{
    if (metric == NULL)
        return 0;
    if (metric->definition.kind == METRIC_HISTOGRAM)
        return observations(metric);
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* ---- reading ---- */

/* One figure of a metric before it is written in either form. */
typedef struct Figure {
    const Metric *metric;
    const char *suffix;
    bool has_bound; /* a bucket: up to `bound`, or up to anything */
    bool is_above_all;
    double bound;
    double value;
} Figure;

typedef Status (*FigureVisit)(void *context, const Figure *figure, Error *error);

/* Division, not multiplication by 1e-9: 0.3, not 0.30000000000000004. */
static double shown(const Metric *metric, int64_t value)
{
    return metric->definition.unit == METRIC_SECONDS ? (double)value / 1e9 : (double)value;
}

static Status visit_histogram(const Metric *metric, FigureVisit visit, void *context, Error *error)
{
    const Bounds *bounds = &bounds_of_unit[metric->definition.unit];
    int64_t count = 0;
    for (size_t i = 0; i <= bounds->count; i++) {
        Figure bucket = {.metric = metric, .suffix = "_bucket", .has_bound = true};
        count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        bucket.is_above_all = i == bounds->count;
        bucket.bound = bucket.is_above_all ? 0 : shown(metric, bounds->of[i]);
        bucket.value = (double)count;
        TRY(visit(context, &bucket, error));
    }
    int64_t sum_value = atomic_load_explicit(&metric->value, memory_order_relaxed);
    Figure sum = {.metric = metric, .suffix = "_sum", .value = shown(metric, sum_value)};
    TRY(visit(context, &sum, error));
    Figure all = {.metric = metric, .suffix = "_count", .value = (double)count};
    return visit(context, &all, error);
}

static Status visit_metric(const Metric *metric, FigureVisit visit, void *context, Error *error)
{
    if (metric->definition.kind == METRIC_HISTOGRAM)
        return visit_histogram(metric, visit, context, error);
    Figure figure = {.metric = metric, .suffix = ""};
    figure.value = shown(metric, metric_value(metric));
    return visit(context, &figure, error);
}

/* Metrics are never removed, so that the list may be read without the lock once it is copied. */
static size_t copy_list(Metrics *metrics, Metric **list)
{
    mutex_lock(&metrics->lock);
    size_t count = metrics->count;
    memcpy(list, metrics->all, count * sizeof(Metric *));
    mutex_unlock(&metrics->lock);
    return count;
}

static void put_bound(Buffer *out, const Figure *figure)
{
    if (figure->is_above_all)
        buffer_put_text(out, "+Inf");
    else
        put_double(out, figure->bound);
}

/* ---- as samples ---- */

typedef struct SampleVisit {
    Status (*visit)(void *context, const MetricSample *sample, Error *error);
    void *context;
    Buffer name;
    Buffer labels;
} SampleVisit;

static void put_labels_json(Buffer *out, const Figure *figure)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    for (size_t i = 0; i < figure->metric->label_count; i++) {
        json_key(&writer, figure->metric->labels[i].name);
        json_text(&writer, figure->metric->labels[i].value);
    }
    if (figure->has_bound) {
        json_key(&writer, "le");
        json_before_raw(&writer);
        buffer_put_u8(out, '"');
        put_bound(out, figure);
        buffer_put_u8(out, '"');
    }
    json_close_object(&writer);
}

static Status visit_sample(void *context, const Figure *figure, Error *error)
{
    SampleVisit *sample_visit = context;
    buffer_clear(&sample_visit->name);
    buffer_clear(&sample_visit->labels);
    buffer_put_text(&sample_visit->name, figure->metric->definition.name);
    buffer_put_text(&sample_visit->name, figure->suffix);
    put_labels_json(&sample_visit->labels, figure);
    TRY(buffer_status(&sample_visit->name, error));
    TRY(buffer_status(&sample_visit->labels, error));
    MetricSample sample = {buffer_slice(&sample_visit->name), buffer_slice(&sample_visit->labels),
                           figure->value};
    return sample_visit->visit(sample_visit->context, &sample, error);
}

Status metrics_visit(Metrics *metrics,
                     Status (*visit)(void *context, const MetricSample *sample, Error *error),
                     void *context, Error *error)
{
    Metric *list[METRICS_MAX];
    size_t count = copy_list(metrics, list);
    SampleVisit sample_visit = {.visit = visit, .context = context};
    buffer_open(&sample_visit.name, 0);
    buffer_open(&sample_visit.labels, 0);
    Status status = OK;
    for (size_t i = 0; i < count && status == OK; i++)
        status = visit_metric(list[i], visit_sample, &sample_visit, error);
    buffer_close(&sample_visit.name);
    buffer_close(&sample_visit.labels);
    return status;
}

/* ---- as Prometheus text ---- */

static void put_label(Buffer *out, const char *before, const MetricLabel *label)
{
    buffer_put_format(out, "%s%s=\"", before, label->name);
    for (const char *at = label->value; *at != '\0'; at++) {
        if (*at == '\n')
            buffer_put_text(out, "\\n");
        else if (*at == '"' || *at == '\\')
            buffer_put_format(out, "\\%c", *at);
        else
            buffer_put_u8(out, (uint8_t)*at);
    }
    buffer_put_u8(out, '"');
}

static Status put_figure(void *context, const Figure *figure, Error *error)
{
    (void)error;
    Buffer *out = context;
    const Metric *metric = figure->metric;
    buffer_put_format(out, "%s%s", metric->definition.name, figure->suffix);
    for (size_t i = 0; i < metric->label_count; i++)
        put_label(out, i == 0 ? "{" : ",", &metric->labels[i]);
    if (figure->has_bound) {
        buffer_put_text(out, metric->label_count == 0 ? "{le=\"" : ",le=\"");
        put_bound(out, figure);
        buffer_put_u8(out, '"');
    }
    buffer_put_text(out, metric->label_count > 0 || figure->has_bound ? "} " : " ");
    put_double(out, figure->value);
    buffer_put_u8(out, '\n');
    return OK;
}

static void put_head(Buffer *out, const MetricDefinition *definition)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buffer_put_format(out, "# HELP %s %s\n# TYPE %s %s\n", definition->name, definition->help,
                      definition->name, kinds[definition->kind]);
}

void metrics_put_prometheus(Metrics *metrics, Buffer *out)
{
    Metric *list[METRICS_MAX];
    Error ignored; /* putting fails in the buffer, which remembers it */
    size_t count = copy_list(metrics, list);
    for (size_t i = 0; i < count; i++) {
        const char *name = list[i]->definition.name;
        if (i == 0 || strcmp(name, list[i - 1]->definition.name) != 0)
            put_head(out, &list[i]->definition);
        (void)visit_metric(list[i], put_figure, out, &ignored);
    }
}
