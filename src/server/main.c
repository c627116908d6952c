/* firnd: the server. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/version.h"
#include "server/options.h"
#include "server/process.h"
#include "server/serve.h"

static int print(const Buffer *text)
{
    Error error;
    if (buffer_status(text, &error) != OK) {
        print_error("", &error);
        return EXIT_FAILED;
    }
    bool is_written = fwrite(text->data, 1, text->size, stdout) == text->size;
    return is_written && fflush(stdout) == 0 ? EXIT_CLEAN : EXIT_FAILED;
}

static int print_version(void)
{
    Buffer text;
    Path worker;
    char engine[128] = "";
    buffer_open(&text, 0);
    buffer_put_format(&text, "%s\nbuilt %s\n", version_text(), __DATE__);
    if (process_sibling("firn-worker", &worker) &&
        process_ask(worker.text, "--version", engine, sizeof engine))
        buffer_put_format(&text, "%s\n", engine);
    else
        buffer_put_text(&text, "DuckDB: firn-worker is not beside this program\n");
    int code = print(&text);
    buffer_close(&text);
    return code;
}

static int print_failpoints(void)
{
    Buffer text;
    buffer_open(&text, 0);
    for (int i = 0; i < FAULT_POINT_COUNT; i++)
        buffer_put_format(&text, "%s\n", fault_name((enum FaultPoint)i));
    int code = print(&text);
    buffer_close(&text);
    return code;
}

static int print_configuration(Configuration *configuration)
{
    Buffer text;
    buffer_open(&text, 0);
    configuration_print(configuration, &text);
    int code = print(&text);
    buffer_close(&text);
    configuration_release(configuration);
    return code;
}

static int configure_and_run(Env *env, const Options *options)
{
    Configuration *configuration = NULL;
    Path worker;
    Error error;
    ConfigurationSources sources = {
        .directory = options->directory,
        .file = options->config_file,
        .environment = process_environment(),
        .settings = options->settings,
        .setting_count = options->setting_count,
        .machine = {.cores = process_cores(), .memory_bytes = process_memory_bytes()},
    };
    if (process_sibling("firn-worker", &worker))
        sources.machine.worker_path = worker.text;
    Status status = configuration_load(env, &sources, &configuration, &error);
    if (status != OK) {
        print_error("", &error);
        return status == STATUS_INVALID_CONFIGURATION ? EXIT_USAGE : EXIT_FAILED;
    }
    if (options->action == OPTIONS_CHECK_CONFIG)
        return print_configuration(configuration);
    return serve(env, options->directory, configuration);
}

static int run(Env *env, const Options *options)
{
    switch (options->action) {
    case OPTIONS_VERSION:
        return print_version();
    case OPTIONS_LIST_FAILPOINTS:
        return print_failpoints();
    case OPTIONS_HELP:
        return fputs(options_usage(), stdout) >= 0 && fflush(stdout) == 0 ? EXIT_CLEAN
                                                                          : EXIT_FAILED;
    case OPTIONS_SERVE:
    case OPTIONS_CHECK_CONFIG:
        return configure_and_run(env, options);
    }
    return EXIT_FAILED;
}

int main(int argc, char **argv)
{
    Options options;
    Error error;
    process_begin();
    size_t count = argc > 1 ? (size_t)argc - 1 : 0;
    if (options_read((const char *const *)argv + 1, count, &options, &error) != OK) {
        print_error("", &error);
        (void)fputs(options_usage(), stderr);
        return EXIT_USAGE;
    }
    int code = run(env_real(), &options);
    options_close(&options);
    return code;
}
