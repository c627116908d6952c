#include "cli/options.h"

#include <getopt.h>

const char command_line_usage[] =
    "firn: the shell of Firn\n"
    "\n"
    "  firn [options] [-c SQL | -f FILE | -]     without any of these: standard input\n"
    "  firn version\n"
    "  firn check DIR, firn dump log|manifest|row DIR     a data directory without its server\n"
    "\n"
    "  -H, --host HOST        127.0.0.1        -p, --port PORT     7700\n"
    "  -U, --user USER        root             -n, --namespace NS\n"
    "  -c, --command SQL      run this         -f, --file FILE     run what stands in it\n"
    "  --format table|json|csv                 --param VALUE       for $1, $2 ...; repeat it\n"
    "  --no-color                              --verbose           sequence and mode of writes\n"
    "  -h, --help                              --version\n"
    "\n"
    "A parameter is taken as JSON where it is JSON (7, true, null, \"7\"), else as text.\n"
    "The password comes from FIRN_PASSWORD, from ~/.firn/credentials (lines\n"
    "HOST:PORT:USER:PASSWORD, mode 0600) or is asked for; -U '' is anonymous and needs none.\n"
    "Exit: 0 done, 1 a statement failed, 2 wrong use, 3 not connected or not authenticated.\n";

static const char *const format_names[] = {"table", "json", "csv"};

bool output_format_from_name(Slice name, OutputFormat *out)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (slice_equal_text(name, format_names[i])) {
            *out = (OutputFormat)i;
            return true;
        }
    }
    return false;
}

const char *output_format_name(OutputFormat format)
{
    return format_names[format];
}

static Status refuse(Error *error, const char *why, const char *what)
{
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s%s", why, what);
}

static Status read_port(const char *text, uint16_t *out, Error *error)
{
    int64_t port;
    if (!slice_to_int64(slice_of_text(text), &port) || port < 1 || port > 65535)
        return refuse(error, "the port must be from 1 to 65535, not ", text);
    *out = (uint16_t)port;
    return OK;
}

static Status set_mode(Options *out, RunMode mode, const char *text, Error *error)
{
    if (out->mode != RUN_INPUT)
        return refuse(error, "only one of -c, -f and - can be given", "");
    out->mode = mode;
    out->text = text;
    return OK;
}

enum LongOption {
    OPTION_FORMAT = 256,
    OPTION_PARAMETER,
    OPTION_NO_COLOR,
    OPTION_VERBOSE,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'H'},
    {"port", required_argument, NULL, 'p'},
    {"user", required_argument, NULL, 'U'},
    {"namespace", required_argument, NULL, 'n'},
    {"command", required_argument, NULL, 'c'},
    {"file", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"param", required_argument, NULL, OPTION_PARAMETER},
    {"no-color", no_argument, NULL, OPTION_NO_COLOR},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static Status add_parameter(Options *out, const char *value, Error *error)
{
    if (out->parameter_count == OPTION_PARAMETERS_MAX)
        return refuse(error, "too many parameters", "");
    out->parameters[out->parameter_count++] = value;
    return OK;
}

static Status read_option(int letter, const char *given, Options *out, Error *error)
{
    switch (letter) {
    case 'H':
        out->host = optarg;
        return OK;
    case 'p':
        return read_port(optarg, &out->port, error);
    case 'U':
        out->user = optarg;
        return OK;
    case 'n':
        out->namespace_name = optarg;
        return OK;
    case 'c':
        return set_mode(out, RUN_COMMAND, optarg, error);
    case 'f':
        return set_mode(out, RUN_FILE, optarg, error);
    case 'h':
        return set_mode(out, RUN_HELP, NULL, error);
    case OPTION_FORMAT:
        if (!output_format_from_name(slice_of_text(optarg), &out->format))
            return refuse(error, "the format is table, json or csv, not ", optarg);
        return OK;
    case OPTION_PARAMETER:
        return add_parameter(out, optarg, error);
    case OPTION_NO_COLOR:
        out->no_color = true;
        return OK;
    case OPTION_VERBOSE:
        out->is_verbose = true;
        return OK;
    case OPTION_VERSION:
        return set_mode(out, RUN_VERSION, NULL, error);
    case ':':
        return refuse(error, "an argument is missing behind ", given);
    default:
        return refuse(error, "there is no option ", given);
    }
}

static bool is_not_built(const char *word)
{
    static const char *const words[] = {"top", "bench"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static Status read_word(const char *word, Options *out, Error *error)
{
    if (strcmp(word, "version") == 0)
        return set_mode(out, RUN_VERSION, NULL, error);
    if (strcmp(word, "help") == 0)
        return set_mode(out, RUN_HELP, NULL, error);
    if (strcmp(word, "-") != 0)
        return refuse(error, "this is neither an option nor a command: ", word);
    out->reads_input = true;
    return out->mode == RUN_INPUT ? OK : refuse(error, "only one of -c, -f and - can be given", "");
}

Status command_line_read(int count, char **arguments, Options *out, Error *error)
{
    *out = (Options){.host = "127.0.0.1", .port = 7700, .user = "root"};
    if (count > 1 && is_not_built(arguments[1]))
        return set_mode(out, RUN_NOT_BUILT, arguments[1], error);
    optind = 0; /* GNU: begin anew */
    for (;;) {
        int at = optind == 0 ? 1 : optind;
        int letter = getopt_long(count, arguments, ":H:p:U:n:c:f:h", long_options, NULL);
        if (letter == -1)
            break;
        TRY(read_option(letter, arguments[at], out, error));
    }
    for (int i = optind; i < count; i++)
        TRY(read_word(arguments[i], out, error));
    if (strlen(out->host) > 255)
        return refuse(error, "the host's name is too long", "");
    return OK;
}
