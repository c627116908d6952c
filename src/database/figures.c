#include "database/figures.h"

#define FIGURES(X)                                                                                 \
    X(COUNTER, PLAIN, log_syncs, "firn_log_syncs_total", "Successful syncs of the log")            \
    X(COUNTER, SECONDS, log_sync_seconds, "firn_log_sync_seconds_total", "Time spent in them")     \
    X(COUNTER, PLAIN, log_groups, "firn_log_groups_total", "Groups written")                       \
    X(COUNTER, PLAIN, log_frames, "firn_log_frames_total", "Frames written")                       \
    X(COUNTER, PLAIN, log_bytes, "firn_log_written_bytes_total", "Bytes written")                  \
    X(COUNTER, PLAIN, log_unlink_failures, "firn_log_unlink_failures_total",                       \
      "Segments that could not be removed, tried again later")                                     \
    X(GAUGE, PLAIN, log_segments, "firn_log_segments", "Segments that hold frames")                \
    X(GAUGE, PLAIN, log_unreleased, "firn_log_unreleased_bytes", "Bytes that recovery may need")   \
    X(GAUGE, PLAIN, log_released, "firn_log_released_bytes", "Bytes kept for feeds only")          \
    X(GAUGE, PLAIN, log_poisoned, "firn_log_poisoned", "1: the log refused a write")               \
    X(GAUGE, PLAIN, log_unflushed, "firn_log_unflushed_bytes", "Bytes that no file covers yet")    \
    X(GAUGE, PLAIN, log_oldest, "firn_log_oldest_unflushed_seq",                                   \
      "Oldest sequence that is in no file yet, 0: none")                                           \
    X(GAUGE, PLAIN, log_pinned_by, "firn_log_pinning_table_id",                                    \
      "Table that keeps the oldest segment, 0: none")                                              \
    X(GAUGE, PLAIN, active_bytes, "firn_memory_active_bytes", "Memtables that are written to")     \
    X(GAUGE, PLAIN, active_rows, "firn_memory_active_rows", "Rows in them")                        \
    X(GAUGE, PLAIN, sealed_bytes, "firn_memory_sealed_bytes", "Memtables that wait for a flush")   \
    X(GAUGE, PLAIN, sealed_rows, "firn_memory_sealed_rows", "Rows in them")                        \
    X(GAUGE, PLAIN, sealed, "firn_memory_sealed_memtables", "How many they are")                   \
    X(GAUGE, PLAIN, mapped_bytes, "firn_memory_mapped_bytes", "Shared memory of all memtables")    \
    X(COUNTER, PLAIN, commits, "firn_commits_total", "Transactions committed")                     \
    X(COUNTER, SECONDS, commit_seconds, "firn_commit_seconds_total",                               \
      "Time from append to acknowledgement, summed")                                               \
    X(COUNTER, PLAIN, snapshots, "firn_snapshots_committed_total", "Cold commits")                 \
    X(COUNTER, PLAIN, checkpoints, "firn_checkpoints_total", "Checkpoints written")                \
    X(COUNTER, PLAIN, foreign, "firn_foreign_metadata_total",                                      \
      "Commits of others in tables' folders, moved aside")                                         \
    X(GAUGE, PLAIN, pins, "firn_pins", "Snapshots that are read")                                  \
    X(GAUGE, SECONDS, oldest_pin, "firn_oldest_pin_seconds", "Age of the oldest of them")          \
    X(COUNTER, PLAIN, pins_cancelled, "firn_pins_cancelled_total", "Snapshots that were too old")  \
    X(COUNTER, PLAIN, stalls, "firn_stalls_total", "Writers that had to wait")                     \
    X(COUNTER, SECONDS, stall_seconds, "firn_stall_seconds_total", "Time they waited")             \
    X(COUNTER, PLAIN, slowdowns, "firn_slowdowns_total", "Writers that were slowed")               \
    X(GAUGE, PLAIN, cache_bytes, "firn_row_cache_bytes", "Bytes of the cache of rows")             \
    X(COUNTER, PLAIN, cache_hits, "firn_row_cache_hits_total", "Rows found in it")                 \
    X(COUNTER, PLAIN, cache_misses, "firn_row_cache_misses_total", "Rows read from files instead") \
    X(GAUGE, PLAIN, recovery_entries, "firn_recovery_entries", "Frames read at the last start")    \
    X(GAUGE, PLAIN, recovery_rows, "firn_recovery_rows", "Rows that went back into memory")        \
    X(GAUGE, PLAIN, recovery_skipped, "firn_recovery_skipped", "Rows that were in files already")  \
    X(GAUGE, PLAIN, recovery_bytes, "firn_recovery_bytes", "Bytes of log read")                    \
    X(GAUGE, PLAIN, recovery_torn, "firn_recovery_torn_bytes", "Bytes of a torn tail dropped")     \
    X(GAUGE, SECONDS, recovery_seconds, "firn_recovery_seconds", "How long recovery took")

typedef struct FigureMetrics {
    FIGURES(METRIC_FIELD)
} FigureMetrics;

static const MetricDefinition definitions[] = {FIGURES(METRIC_DEFINITION)};

/* Why writers wait, as the engine names it (engine/pressure.c). */
static const char *const reasons[] = {"memory", "log size", "sealed memtables"};

enum { REASONS_COUNT = sizeof reasons / sizeof reasons[0] };

struct Figures {
    Mutex mutex; /* counters are brought up by what is missing: one at a time */
    FigureMetrics of;
    Metric *stalled[REASONS_COUNT];
};

static Status register_stalled(Metrics *metrics, Figures *figures, Error *error)
{
    static const MetricDefinition stalled = {METRIC_GAUGE, METRIC_PLAIN, "firn_stalled",
                                             "1: writers wait for this"};
    for (size_t i = 0; i < REASONS_COUNT; i++) {
        const MetricLabel label = {"reason", reasons[i]};
        TRY(metrics_register(metrics, &stalled, &label, 1, &figures->stalled[i], error));
    }
    return OK;
}

static void set_recovery(const FigureMetrics *of, const EngineRecovery *recovery)
{
    metric_set(of->recovery_entries, (int64_t)recovery->log.frames);
    metric_set(of->recovery_rows, (int64_t)recovery->rows_replayed);
    metric_set(of->recovery_skipped, (int64_t)recovery->rows_skipped);
    metric_set(of->recovery_bytes, (int64_t)recovery->log.bytes);
    metric_set(of->recovery_torn, (int64_t)recovery->log.torn_bytes);
    metric_set(of->recovery_seconds, recovery->duration_ns);
}

Status figures_open(Env *env, Metrics *metrics, const EngineRecovery *recovery, Figures **out,
                    Error *error)
{
    Figures *figures = MEMORY_NEW(Figures);
    if (figures == NULL)
        return error_out_of_memory(error);
    mutex_open(&figures->mutex, env, "figures");
    Status status = metrics_register_all(metrics, definitions, METRIC_COUNT(definitions),
                                         METRIC_FIELDS(&figures->of, definitions), error);
    if (status == OK)
        status = register_stalled(metrics, figures, error);
    if (status != OK) {
        figures_close(figures);
        return status;
    }
    set_recovery(&figures->of, recovery);
    *out = figures;
    return OK;
}

void figures_close(Figures *figures)
{
    if (figures == NULL)
        return;
    mutex_close(&figures->mutex);
    memory_free(figures);
}

/* A counter is brought up to the engine's; it never goes back. */
static void raise_to(Metric *counter, uint64_t value)
{
    int64_t missing = (int64_t)value - metric_value(counter);
    if (missing > 0)
        metric_add(counter, missing);
}

static void set_log(const FigureMetrics *of, const EngineStatistics *now)
{
    const LogStatistics *log = &now->log;
    raise_to(of->log_syncs, log->syncs);
    raise_to(of->log_sync_seconds, log->sync_ns);
    raise_to(of->log_groups, log->groups);
    raise_to(of->log_frames, log->frames);
    raise_to(of->log_bytes, log->bytes_written);
    raise_to(of->log_unlink_failures, log->unlink_failures);
    metric_set(of->log_segments, (int64_t)log->segments);
    metric_set(of->log_unreleased, (int64_t)log->bytes_unreleased);
    metric_set(of->log_released, (int64_t)log->bytes_released);
    metric_set(of->log_unflushed, (int64_t)now->unflushed_bytes);
    metric_set(of->log_poisoned, now->is_poisoned);
    metric_set(of->log_oldest, (int64_t)now->oldest_unflushed_seq);
    metric_set(of->log_pinned_by, (int64_t)now->pinning_table);
}

static void set_memory(const FigureMetrics *of, const EngineStatistics *now)
{
    metric_set(of->active_bytes, (int64_t)now->memory_active_bytes);
    metric_set(of->active_rows, (int64_t)now->memory_active_rows);
    metric_set(of->sealed_bytes, (int64_t)now->memory_sealed_bytes);
    metric_set(of->sealed_rows, (int64_t)now->memory_sealed_rows);
    metric_set(of->sealed, now->sealed_memtables);
    metric_set(of->mapped_bytes, (int64_t)now->memory_mapped_bytes);
    metric_set(of->cache_bytes, (int64_t)now->row_cache_bytes);
    raise_to(of->cache_hits, now->row_cache_hits);
    raise_to(of->cache_misses, now->row_cache_misses);
}

static void set_commits(const FigureMetrics *of, const EngineStatistics *now)
{
    raise_to(of->commits, now->commits);
    raise_to(of->commit_seconds, now->commit_ns);
    raise_to(of->snapshots, now->snapshots_committed);
    raise_to(of->checkpoints, now->checkpoints);
    raise_to(of->foreign, now->foreign_metadata);
    metric_set(of->pins, (int64_t)now->pins);
    metric_set(of->oldest_pin, now->oldest_pin_ns);
    raise_to(of->pins_cancelled, now->pins_cancelled);
    raise_to(of->stalls, now->stalls);
    raise_to(of->stall_seconds, now->stall_ns);
    raise_to(of->slowdowns, now->slowdowns);
}

void figures_update(Figures *figures, Engine *engine)
{
    EngineStatistics now;
    mutex_lock(&figures->mutex);
    engine_statistics(engine, &now);
    set_log(&figures->of, &now);
    set_memory(&figures->of, &now);
    set_commits(&figures->of, &now);
    for (size_t i = 0; i < REASONS_COUNT; i++)
        metric_set(figures->stalled[i], strcmp(now.stall_reason, reasons[i]) == 0);
    mutex_unlock(&figures->mutex);
}
