/* The configuration in force: what each room is told of it, and how it changes while it runs. */
#include "database/database_int.h"

enum { KEY_FILES_OPEN_MAX = 1024, SPARE_SEGMENTS = 1 };

CatalogDefaults catalog_defaults_of(const Configuration *configuration)
{
    CatalogDefaults defaults = {.flush_rows = configuration->flush_rows,
                                .flush_interval_ms = configuration->flush_interval_ns / 1000000,
                                .flush_bytes = (int64_t)configuration->flush_bytes,
                                .snapshot_retention_ms =
                                    configuration->cold_snapshot_retention_ns / 1000000,
                                .target_file_bytes = (int64_t)configuration->cold_target_file_bytes,
                                .small_files_max = configuration->cold_small_files,
                                .deleted_percent_max = configuration->cold_deleted_percent,
                                .delete_files_max = configuration->cold_delete_files};
    const char *compression = configuration_choice(configuration, CONFIGURATION_cold_compression);
    ASSERT(strlen(compression) < sizeof defaults.compression);
    memcpy(defaults.compression, compression, strlen(compression));
    return defaults;
}

JobsOptions jobs_options_of(const Configuration *configuration)
{
    return (JobsOptions){.workers = configuration->jobs_workers,
                         .retention_us = configuration->jobs_retention_ns / 1000,
                         .stuck_after_us = configuration->jobs_stuck_after_ns / 1000,
                         .tick_ns = configuration->flush_check_ns};
}

ExecutorOptions executor_options_of(const Configuration *configuration)
{
    return (ExecutorOptions){.statement_timeout_ns = configuration->statement_timeout_ns,
                             .write_timeout_ns = configuration->statement_write_timeout_ns,
                             .lock_timeout_ns = configuration->statement_lock_timeout_ns,
                             .transaction_bytes_max = configuration->limits_transaction_bytes,
                             .node_id = configuration->server_node_id};
}

static LogDurability durability_of(const Configuration *configuration)
{
    const char *name = configuration_choice(configuration, CONFIGURATION_log_durability);
    if (strcmp(name, "none") == 0)
        return LOG_NONE;
    return strcmp(name, "interval") == 0 ? LOG_INTERVAL : LOG_ALWAYS;
}

EngineOptions engine_options_of(const Database *database, const Configuration *configuration)
{
    return (EngineOptions){.directory = database->directory.text,
                           .log = {.durability = durability_of(configuration),
                                   .interval_ns = configuration->log_interval_ns,
                                   .segment_bytes = configuration->log_segment_bytes,
                                   .spare_segments = SPARE_SEGMENTS},
                           .log_bytes_max = configuration->log_bytes,
                           .feed_retention_us = configuration->feed_retention_ns / 1000,
                           .feed_bytes_max = configuration->feed_bytes,
                           .memory_bytes_max = configuration->flush_memory_bytes,
                           .stall_soft_percent = configuration->stall_soft_percent,
                           .stall_hard_percent = configuration->stall_hard_percent,
                           .sealed_soft = SEALED_MEMTABLES_MAX / 2,
                           .sealed_hard = SEALED_MEMTABLES_MAX,
                           .snapshot_age_max_ns = configuration->snapshot_age_ns,
                           .snapshot_bytes_max = configuration->snapshot_bytes,
                           .row_cache_bytes = configuration->cache_rows_bytes,
                           .key_files_open_max = KEY_FILES_OPEN_MAX,
                           .snapshots_max = configuration->cold_snapshots};
}

static void tell_logger(Logger *logger, const Configuration *configuration)
{
    LogLevel level;
    LogFormat format;
    const char *name = configuration_choice(configuration, CONFIGURATION_logging_level);
    if (log_level_of(slice_of_text(name), &level))
        logger_set_level(logger, level);
    name = configuration_choice(configuration, CONFIGURATION_logging_format);
    if (log_format_of(slice_of_text(name), &format))
        logger_set_format(logger, format);
}

Status put_in_force(Database *database, Configuration *configuration, Error *error)
{
    EngineOptions engine = engine_options_of(database, configuration);
    ExecutorOptions executor = executor_options_of(configuration);
    CatalogDefaults defaults = catalog_defaults_of(configuration);
    JobsOptions jobs = jobs_options_of(configuration);
    Status status = catalog_set_defaults(database->catalog, &defaults, error);
    if (status != OK) {
        configuration_release(configuration);
        return status;
    }
    engine_set_limits(database->engine, &engine);
    executor_set_options(database->executor, &executor);
    jobs_set_options(database->jobs, &jobs);
    if (database->logger != NULL)
        tell_logger(database->logger, configuration);
    mutex_lock(&database->session_mutex);
    Configuration *old = database->configuration;
    database->configuration = configuration;
    mutex_unlock(&database->session_mutex);
    configuration_release(old);
    if (database->hooks.configured != NULL)
        database->hooks.configured(database->hooks.context);
    return OK;
}

void configuration_kept(void *context, Slice key, const Error *why)
{
    Database *database = context;
    LOG_WARN(database->logger, "setting_kept", "a setting keeps the value it had",
             LOG_SLICE("key", key), LOG_ERROR_OF(why));
}

static Status alter_locked(Database *database, Slice name, Slice value, bool reset, Error *error)
{
    Configuration *base = database_configuration(database);
    Configuration *changed = NULL;
    ConfigurationKey key;
    if (configuration_find_key(name, &key)) /* stored under one spelling */
        name = slice_of_text(configuration_definition(key)->name);
    Status status = reset ? configuration_reset_live(base, name, &changed, error)
                          : configuration_set_live(base, name, value, &changed, error);
    configuration_release(base);
    TRY(status);
    status = catalog_put_setting(database->catalog, name, value, reset, error);
    if (status != OK) {
        configuration_release(changed);
        return status;
    }
    return put_in_force(database, changed, error);
}

Status alter_system(Database *database, Slice name, Slice value, bool reset, Error *error)
{
    mutex_lock(&database->configure_mutex);
    Status status = alter_locked(database, name, value, reset, error);
    mutex_unlock(&database->configure_mutex);
    return status;
}

Status database_reload_configuration(Database *database, Error *error)
{
    Configuration *changed = NULL;
    mutex_lock(&database->configure_mutex);
    Configuration *base = database_configuration(database);
    Status status =
        configuration_reload(database->env, base, configuration_kept, database, &changed, error);
    configuration_release(base);
    if (status == OK)
        status = put_in_force(database, changed, error);
    mutex_unlock(&database->configure_mutex);
    return status;
}
