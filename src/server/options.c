#include "server/options.h"

#include "sql/guess.h"

static const char usage[] =
    "usage: firnd [--data DIR] [--listen HOST:PORT]... [--config FILE]\n"
    "             [--set SECTION.KEY=VALUE]... [--check-config] [--version]\n"
    "\n"
    "  --data DIR            the data directory (default ./data)\n"
    "  --listen HOST:PORT    an address of all doors (default 127.0.0.1:7700); may be repeated\n"
    "  --config FILE         the configuration (default DIR/firn.toml)\n"
    "  --set SECTION.KEY=VALUE   one key of the configuration; may be repeated\n"
    "  --check-config        print what is in force and where from, and end\n"
    "  --list-failpoints     print the places where tests can make the server fail, and end\n"
    "  --version             print the version, and end\n"
    "\n"
    "Every key may also come as FIRN_SECTION_KEY. FIRN_ROOT_PASSWORD is the password of root at\n"
    "the first start; without it one is made, printed once, and kept in DIR/root-password.\n"
    "Exit: 0 stopped cleanly, 1 failed, 2 wrong use, 3 data directory locked, 4 data damaged.\n";

const char *options_usage(void)
{
    return usage;
}

typedef struct Reader {
    const char *const *arguments;
    size_t count;
    size_t at;
    Options *out;
} Reader;

typedef Status (*TakeValue)(Reader *reader, const char *value, Error *error);

/* ---- values ---- */

static Status take_data(Reader *reader, const char *value, Error *error)
{
    if (value[0] == '\0')
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "--data names no directory");
    reader->out->directory = value;
    return OK;
}

static Status take_config(Reader *reader, const char *value, Error *error)
{
    if (value[0] == '\0')
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "--config names no file");
    reader->out->config_file = value;
    return OK;
}

/* HOST:PORT, as far as that can be told without asking the system. */
static bool is_address(Slice text)
{
    size_t colon = text.size;
    int64_t port;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    return colon > 1 && slice_to_int64(slice_part(text, colon, text.size), &port) && port >= 0 &&
           port <= 65535;
}

static Status take_listen(Reader *reader, const char *value, Error *error)
{
    Buffer *listen = &reader->out->listen;
    if (!is_address(slice_of_text(value)))
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "--listen %s: HOST:PORT is expected, as 127.0.0.1:7700", value);
    buffer_put_text(listen, listen->size == 0 ? "server.listen=" : ", ");
    buffer_put_text(listen, value);
    return buffer_status(listen, error);
}

static Status take_set(Reader *reader, const char *value, Error *error)
{
    Options *out = reader->out;
    if (strchr(value, '=') == NULL || value[0] == '=')
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "--set %s: SECTION.KEY=VALUE is expected", value);
    if (out->setting_count >= OPTIONS_SETTINGS_MAX - 1) /* one is for --listen */
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "more than %d times --set",
                         OPTIONS_SETTINGS_MAX - 1);
    out->settings[out->setting_count++] = value;
    return OK;
}

/* ---- names ---- */

static const struct {
    const char *name;
    TakeValue take;
} valued[] = {
    {"--data", take_data},
    {"--listen", take_listen},
    {"--config", take_config},
    {"--set", take_set},
};

static const struct {
    const char *name;
    OptionsAction action;
} plain[] = {
    {"--check-config", OPTIONS_CHECK_CONFIG},
    {"--version", OPTIONS_VERSION},
    {"--list-failpoints", OPTIONS_LIST_FAILPOINTS},
    {"--help", OPTIONS_HELP},
    {"-h", OPTIONS_HELP},
};

static Status fail_unknown(const char *argument, Error *error)
{
    NameGuess guess;
    guess_open(&guess, slice_of_text(argument));
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++)
        guess_offer(&guess, slice_of_text(valued[i].name));
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        guess_offer(&guess, slice_of_text(plain[i].name));
    (void)error_set(error, STATUS_INVALID_PARAMETER_VALUE, "unknown argument %s", argument);
    guess_hint(&guess, error);
    return error->status;
}

/* "--data DIR" or "--data=DIR"; false where the argument is none of these. */
static bool read_valued(Reader *reader, Status *status, Error *error)
{
    const char *argument = reader->arguments[reader->at];
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++) {
        size_t size = strlen(valued[i].name);
        if (strncmp(argument, valued[i].name, size) != 0)
            continue;
        if (argument[size] == '=') {
            *status = valued[i].take(reader, argument + size + 1, error);
            return true;
        }
        if (argument[size] != '\0')
            continue;
        if (reader->at + 1 >= reader->count) {
            *status =
                error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s needs a value", argument);
            return true;
        }
        reader->at++;
        *status = valued[i].take(reader, reader->arguments[reader->at], error);
        return true;
    }
    return false;
}

static Status read_argument(Reader *reader, Error *error)
{
    const char *argument = reader->arguments[reader->at];
    Status status = OK;
    if (read_valued(reader, &status, error))
        return status;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(argument, plain[i].name) == 0) {
            reader->out->action = plain[i].action;
            return OK;
        }
    }
    return fail_unknown(argument, error);
}

/* ---- all of them ---- */

static Status finish_listen(Options *out, Error *error)
{
    if (out->listen.size == 0)
        return OK;
    buffer_put_u8(&out->listen, '\0');
    TRY(buffer_status(&out->listen, error));
    out->settings[out->setting_count++] = (const char *)out->listen.data;
    return OK;
}

Status options_read(const char *const *arguments, size_t count, Options *out, Error *error)
{
    Reader reader = {.arguments = arguments, .count = count, .out = out};
    Status status = OK;
    *out = (Options){.directory = "./data"};
    buffer_open(&out->listen, OPTIONS_LISTEN_BYTES_MAX);
    for (reader.at = 0; reader.at < count && status == OK; reader.at++)
        status = read_argument(&reader, error);
    if (status == OK)
        status = finish_listen(out, error);
    if (status != OK)
        options_close(out);
    return status;
}

void options_close(Options *options)
{
    buffer_close(&options->listen);
}
