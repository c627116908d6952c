#include "server/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/version.h"
#include "server/process.h"

enum {
    STOP_POLL_MS = 20,
    HURRY_MS_MAX = 2000, /* after a second signal; then the process ends as if it was killed */
};

#define LISTEN_PROBE_NS INT64_C(300000000)

typedef struct Server {
    Env *env;
    Logger *logger;
    Api *api;
    Database *database;
    Net *net;
    int64_t deadline_ns; /* of the stop */
    _Atomic bool has_stopped;
} Server;

/* ---- what the operator reads ---- */

static void print_line(FILE *out, const char *label, const char *text)
{
    if (text[0] != '\0')
        (void)fprintf(out, "%s%s\n", label, text);
}

void print_error(const char *what, const Error *error)
{
    (void)fprintf(stderr, "firnd: %s%s\n", what, error->message);
    print_line(stderr, "  ", error->detail);
    print_line(stderr, "  ", error->internal);
    print_line(stderr, "  ", error->hint);
    (void)fflush(stderr);
}

static int exit_code_of(const Error *error)
{
    switch (error->status) {
    case STATUS_DIRECTORY_LOCKED:
        print_error("", error);
        return EXIT_LOCKED;
    case STATUS_DATA_CORRUPTED:
        print_error("the data is damaged: ", error);
        if (error->hint[0] == '\0') /* else it says so, and what to do */
            (void)fprintf(stderr, "  Nothing was changed.\n");
        return EXIT_DAMAGED;
    default:
        print_error("", error);
        return EXIT_FAILED;
    }
}

static void print_opening(const DatabaseOpening *opening)
{
    if (opening->root_password[0] != '\0')
        (void)printf("the password of root is %s (kept in %s until it is changed)\n",
                     opening->root_password, opening->root_password_file);
}

static void print_addresses(const Server *server, uint32_t count)
{
    char address[CONNECTION_ADDRESS_BYTES];
    (void)printf("%s\n", version_text());
    for (uint32_t i = 0; i < count; i++) {
        net_address(server->net, i, address);
        (void)printf("listening on %s\n", address);
    }
    net_address(server->net, 0, address);
    (void)printf("open http://%s/ for the first lines to type\n", address);
    (void)fflush(stdout);
}

/* ---- starting ---- */

static Status open_database(Server *server, const char *directory, Configuration *configuration,
                            DatabaseOpening *opening, Error *error)
{
    const char *password = getenv("FIRN_ROOT_PASSWORD");
    DatabaseOptions options = {
        .directory = directory,
        .configuration = configuration,
        .logger = server->logger,
        .root_password = password == NULL ? SLICE_EMPTY : slice_of_text(password),
        .hooks = api_database_hooks(server->api),
        .frames = api_frame_maker(),
    };
    return database_open(server->env, &options, &server->database, opening, error);
}

/* Loops share their port (SO_REUSEPORT), and so would two servers, each with half of the clients. A
 * port that the system is to pick is nobody's. */
static Status check_is_free(Server *server, const char *address, Error *error)
{
    Slice text = slice_of_text(address);
    Socket *socket = NULL;
    Error ignored;
    if (text.size >= 2 && slice_equal_text(slice_part(text, text.size - 2, 2), ":0"))
        return OK;
    if (socket_connect(server->env, address, LISTEN_PROBE_NS, &socket, &ignored) != OK)
        return OK;
    socket_close(socket);
    return error_set(error, STATUS_INVALID_CONFIGURATION,
                     "something listens on %s already: another server?", address);
}

static Status open_net(Server *server, uint32_t *address_count, Error *error)
{
    const char *addresses[NET_ADDRESSES_MAX];
    NetHandlers handlers = api_handlers(server->api);
    Configuration *configuration = database_configuration(server->database);
    const ConfigurationList *listen = &configuration->server_listen;
    uint32_t count = listen->count < NET_ADDRESSES_MAX ? listen->count : NET_ADDRESSES_MAX;
    Status status = OK;
    for (uint32_t i = 0; i < count && status == OK; i++) {
        addresses[i] = (const char *)listen->items[i].data;
        status = check_is_free(server, addresses[i], error);
    }
    NetOptions options = {
        .addresses = addresses, .address_count = count, .loops = configuration->server_loops};
    api_net_limits(configuration, &options.limits);
    if (status == OK)
        status = net_open(server->env, &options, &handlers, &server->net, error);
    configuration_release(configuration);
    TRY(status);
    *address_count = count;
    api_attach(server->api, server->net);
    return net_start(server->net, error);
}

static Status start(Server *server, const char *directory, Configuration *configuration,
                    Error *error)
{
    DatabaseOpening opening;
    uint32_t address_count = 0;
    Status status = api_create(server->env, server->logger, &server->api, error);
    if (status != OK) {
        configuration_release(configuration);
        return status;
    }
    TRY(open_database(server, directory, configuration, &opening, error));
    print_opening(&opening); /* also where the rest fails: it is said only once */
    (void)fflush(stdout);
    TRY(api_bind(server->api, server->database, error));
    TRY(open_net(server, &address_count, error));
    LOG_INFO(server->logger, "started", "ready to serve", LOG_TEXT("version", version_text()),
             LOG_BOOLEAN("new", opening.is_new),
             LOG_UNSIGNED("rows_replayed", opening.recovery.rows_replayed),
             LOG_DOUBLE("recovery_ms", (double)opening.recovery.duration_ns / 1e6));
    print_addresses(server, address_count);
    return OK;
}

/* ---- stopping ---- */

static void tell_waiting(void *context, const JobRow *job)
{
    Server *server = context;
    LOG_WARN(server->logger, "shutdown_waiting", "waiting for a job", LOG_TEXT("job", job->id),
             LOG_TEXT("type", job_type_name(job->type)), LOG_TEXT("namespace", job->namespace_name),
             LOG_TEXT("table", job->table_name), LOG_DOUBLE("progress", job->progress));
}

static void stop_net(void *argument)
{
    Server *server = argument;
    net_stop(server->net, server->deadline_ns);
}

/* Both at once: requests under way wait for jobs, and jobs are named while they are waited for. */
static void stop_parts(Server *server)
{
    Thread *thread = NULL;
    Error error;
    if (thread_start(server->env, "firn-stop-net", THREAD_STACK_BYTES_DEFAULT, stop_net, server,
                     &thread, &error) != OK)
        stop_net(server);
    database_stop(server->database, server->deadline_ns, tell_waiting, server);
    if (thread != NULL)
        thread_join(thread);
}

static void run_stop(void *argument)
{
    Server *server = argument;
    stop_parts(server);
    atomic_store(&server->has_stopped, true);
}

static void hurry(Server *server)
{
    LOG_WARN(server->logger, "shutdown_hurried", "a second signal: nothing is waited for any more");
    database_hurry(server->database);
    api_cancel_all(server->api);
}

/* Waits for the stop; a further signal makes it hurry. False where it was hurried. */
static bool wait_for_stop(Server *server)
{
    int64_t hurried_ns = 0;
    while (!atomic_load(&server->has_stopped)) {
        bool is_signal = process_wait(STOP_POLL_MS) == PROCESS_STOP;
        int64_t now_ns = env_monotonic_ns(server->env);
        if (is_signal && hurried_ns == 0)
            hurried_ns = now_ns;
        if (hurried_ns == 0)
            continue;
        if (is_signal)
            hurry(server);
        if (now_ns - hurried_ns > (int64_t)HURRY_MS_MAX * 1000000)
            process_end_now(EXIT_FAILED);
    }
    return hurried_ns == 0;
}

static bool stop(Server *server)
{
    Configuration *configuration = database_configuration(server->database);
    Thread *thread = NULL;
    Error error;
    server->deadline_ns = env_monotonic_ns(server->env) + configuration->shutdown_wait_ns;
    configuration_release(configuration);
    LOG_INFO(server->logger, "stopping", "a signal: stopping");
    if (thread_start(server->env, "firn-stop", THREAD_STACK_BYTES_DEFAULT, run_stop, server,
                     &thread, &error) != OK) {
        run_stop(server);
        return true;
    }
    bool is_clean = wait_for_stop(server);
    thread_join(thread);
    return is_clean;
}

/* The net is closed last: threads of the database may still give its loops tasks. */
static Status close_all(Server *server, Error *error)
{
    Status status = OK;
    if (server->net != NULL)
        net_stop(server->net, 0);
    if (server->database != NULL)
        status = database_close(server->database, error);
    if (server->net != NULL)
        net_close(server->net);
    api_destroy(server->api);
    return status;
}

/* ---- running ---- */

static void reload(Server *server)
{
    Error error;
    if (database_reload_configuration(server->database, &error) == OK)
        LOG_INFO(server->logger, "configuration_reloaded", "the configuration was read again");
    else
        LOG_ERROR(server->logger, "configuration_not_reloaded", "the configuration stays as it was",
                  LOG_ERROR_OF(&error));
}

static int run(Server *server)
{
    ProcessSignal signal;
    Error error;
    while ((signal = process_wait(-1)) != PROCESS_STOP) {
        if (signal == PROCESS_RELOAD)
            reload(server);
    }
    bool is_clean = stop(server);
    if (close_all(server, &error) != OK) {
        print_error("not closed cleanly: ", &error);
        return EXIT_FAILED;
    }
    LOG_INFO(server->logger, "stopped", "stopped");
    return is_clean ? EXIT_CLEAN : EXIT_FAILED;
}

static Status open_logger(Server *server, const Configuration *configuration, Error *error)
{
    LoggerOptions options = {.level = (LogLevel)configuration->logging_level,
                             .format = (LogFormat)configuration->logging_format,
                             .descriptor = 2};
    return logger_create(server->env, &options, &server->logger, error);
}

int serve(Env *env, const char *directory, Configuration *configuration)
{
    Server server = {.env = env};
    Error error;
    Error ignored;
    int code;
    Status status = open_logger(&server, configuration, &error);
    if (status != OK)
        configuration_release(configuration);
    else
        status = start(&server, directory, configuration, &error);
    if (status == OK) {
        code = run(&server);
    } else {
        code = exit_code_of(&error);
        Status closed = close_all(&server, &ignored);
        (void)closed; /* the first error is the one that was told */
    }
    logger_destroy(server.logger);
    return code;
}
