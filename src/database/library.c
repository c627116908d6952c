/* Opening a directory for a program of one's own. */
#include "base/version.h"
#include "database/library_int.h"

extern char **environ;

FIRN_EXPORTED const char *firn_version(void)
{
    return version_number();
}

/* Warnings and worse to standard error, as text; a program's own log is its business. */
static Status open_logger(Logger **out, Error *error)
{
    LoggerOptions options = {.level = LOG_LEVEL_WARN, .format = LOG_FORMAT_TEXT, .descriptor = 2};
    return logger_create(env_real(), &options, out, error);
}

static Status load_configuration(const char *directory, const firn_options *options,
                                 Configuration **out, Error *error)
{
    ConfigurationSources sources = {.directory = directory,
                                    .environment = (const char *const *)environ,
                                    .settings = options->settings,
                                    .setting_count = options->setting_count,
                                    .machine = {.worker_path = options->worker_path}};
    return configuration_load(env_real(), &sources, out, error);
}

static Status open_library(const char *directory, const firn_options *given, firn_database *opened,
                           Error *error)
{
    static const firn_options none;
    const firn_options *options = given != NULL ? given : &none;
    DatabaseOptions open = {
        .directory = directory, .worker_path = options->worker_path, .is_embedded = true};
    DatabaseOpening opening;
    TRY(open_logger(&opened->logger, error));
    open.logger = opened->logger;
    TRY(load_configuration(directory, options, &open.configuration, error));
    return database_open(env_real(), &open, &opened->database, &opening, error);
}

FIRN_EXPORTED int firn_open(const char *directory, const firn_options *options, firn_database **out,
                            firn_error *error)
{
    Error failure;
    firn_database *opened = MEMORY_NEW(firn_database);
    *out = NULL;
    Status status = opened == NULL ? error_out_of_memory(&failure) : OK;
    if (status == OK)
        status = open_library(directory, options, opened, &failure);
    if (status != OK) {
        if (opened != NULL)
            logger_destroy(opened->logger);
        memory_free(opened);
        return library_error(&failure, NULL, error);
    }
    *out = opened;
    return FIRN_OK;
}

FIRN_EXPORTED int firn_close(firn_database *database, firn_error *error)
{
    Error failure;
    if (database == NULL)
        return FIRN_OK;
    Env *env = database_env(database->database);
    Configuration *configuration = database_configuration(database->database);
    int64_t wait_ns = configuration->shutdown_wait_ns;
    configuration_release(configuration);
    database_stop(database->database, env_monotonic_ns(env) + wait_ns, NULL, NULL);
    Status status = database_close(database->database, &failure);
    logger_destroy(database->logger);
    memory_free(database);
    return status == OK ? FIRN_OK : library_error(&failure, NULL, error);
}

FIRN_EXPORTED uint64_t firn_visible_sequence(firn_database *database)
{
    return engine_visible(database_engine(database->database));
}
