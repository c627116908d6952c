/* Configurations: made, copied with a change, and shown. */
#include "database/configuration.h"

#include <stdio.h>

#include "database/configuration_int.h"

enum { MACHINE_TEXT_BYTES = 32 };

#define MEMORY_BYTES_UNKNOWN ((uint64_t)1 << 30)
#define MEBIBYTE             ((uint64_t)1 << 20)

/* ---- life ---- */

Configuration *configuration_clone(Configuration *configuration)
{
    atomic_fetch_add_explicit(&configuration->references, 1, memory_order_relaxed);
    return configuration;
}

void configuration_release(Configuration *configuration)
{
    if (configuration == NULL)
        return;
    uint32_t before =
        atomic_fetch_sub_explicit(&configuration->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    arena_close(&configuration->own->arena);
    memory_free(configuration->own);
    memory_free(configuration);
}

static Status make_empty(Configuration **out, Error *error)
{
    Configuration *made = MEMORY_NEW(Configuration);
    struct ConfigurationPrivate *own = MEMORY_NEW(struct ConfigurationPrivate);
    if (made == NULL || own == NULL) {
        memory_free(made);
        memory_free(own);
        return error_out_of_memory(error);
    }
    arena_open(&own->arena, 0);
    made->own = own;
    atomic_init(&made->references, 1);
    *out = made;
    return OK;
}

/* ---- the sources, copied for configuration_reload ---- */

static Status copy_text(Arena *arena, const char **text, Error *error)
{
    if (*text == NULL)
        return OK;
    *text = arena_text(arena, slice_of_text(*text));
    return *text == NULL ? arena_error(arena, error) : OK;
}

static Status copy_texts(Arena *arena, const char *const *texts, size_t count,
                         const char *const **out, Error *error)
{
    const char **copy = ARENA_ARRAY(arena, const char *, count + 1);
    if (copy == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < count; i++) {
        copy[i] = texts[i];
        TRY(copy_text(arena, &copy[i], error));
    }
    *out = copy;
    return OK;
}

static Status copy_sources(Arena *arena, const ConfigurationSources *from,
                           ConfigurationSources *out, Error *error)
{
    size_t variables = 0;
    *out = *from;
    while (from->environment != NULL && from->environment[variables] != NULL)
        variables++;
    TRY(copy_text(arena, &out->directory, error));
    TRY(copy_text(arena, &out->file, error));
    TRY(copy_text(arena, &out->machine.worker_path, error));
    TRY(copy_texts(arena, from->environment, variables, &out->environment, error));
    return copy_texts(arena, from->settings, from->setting_count, &out->settings, error);
}

/* ---- defaults ---- */

/* A default that begins with '@' is the machine's. */
static Slice default_on(const ConfigurationMachine *machine, const char *text,
                        char buffer[MACHINE_TEXT_BYTES])
{
    uint32_t cores = machine->cores > 256 ? 256 : machine->cores;
    uint64_t memory = machine->memory_bytes == 0 ? MEMORY_BYTES_UNKNOWN : machine->memory_bytes;
    if (text[0] != '@')
        return slice_of_text(text);
    if (strcmp(text, "@worker") == 0)
        return slice_of_text(machine->worker_path == NULL ? "firn-worker" : machine->worker_path);
    if (strcmp(text, "@memory") == 0) {
        uint64_t quarter = memory / 4 / MEBIBYTE;
        (void)snprintf(buffer, MACHINE_TEXT_BYTES, "%lluMiB",
                       (unsigned long long)(quarter < 64 ? 64 : quarter));
    } else if (strcmp(text, "@loops") == 0) {
        uint32_t loops = cores / 2;
        (void)snprintf(buffer, MACHINE_TEXT_BYTES, "%u", loops == 0 ? 1 : loops > 64 ? 64 : loops);
    } else {
        ASSERT(strcmp(text, "@cores") == 0);
        (void)snprintf(buffer, MACHINE_TEXT_BYTES, "%u", cores == 0 ? 1 : cores);
    }
    return slice_of_text(buffer);
}

static Status put_defaults(Configuration *made, Error *error)
{
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        ConfigurationEntry *entry = &made->own->entries[key];
        char buffer[MACHINE_TEXT_BYTES];
        Slice text = default_on(&made->own->sources.machine,
                                configuration_definition(key)->default_text, buffer);
        TRY(configuration_put(made, key, text, error));
        entry->started = entry->now;
        entry->default_text = entry->now.text;
    }
    return OK;
}

Status configuration_create(const ConfigurationSources *sources, Configuration **out, Error *error)
{
    Configuration *made;
    TRY(make_empty(&made, error));
    Status status = copy_sources(&made->own->arena, sources, &made->own->sources, error);
    if (status == OK)
        status = put_defaults(made, error);
    if (status != OK) {
        configuration_release(made);
        return status;
    }
    *out = made;
    return OK;
}

/* ---- copies ---- */

Status configuration_copy(const Configuration *base, Configuration **out, Error *error)
{
    Configuration *made;
    Status status = OK;
    TRY(configuration_create(&base->own->sources, &made, error));
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        const ConfigurationEntry *from = &base->own->entries[key];
        ConfigurationEntry *to = &made->own->entries[key];
        GO(configuration_put(made, key, from->now.text, error));
        to->now.source = from->now.source;
        to->now.line = from->now.line;
        to->started = from->started;
        GO(arena_clone(&made->own->arena, from->started.text, &to->started.text, error));
    }
    *out = made;
    made = NULL;
done:
    configuration_release(made);
    return status;
}

Status configuration_check(const Configuration *configuration, ConfigurationKey pair[2],
                           Error *error)
{
    if (configuration->stall_soft_percent <= configuration->stall_hard_percent)
        return OK;
    pair[0] = CONFIGURATION_stall_soft_percent;
    pair[1] = CONFIGURATION_stall_hard_percent;
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                     "stall.soft (%u%%) must not be above stall.hard (%u%%)",
                     configuration->stall_soft_percent, configuration->stall_hard_percent);
}

/* ---- ALTER SYSTEM ---- */

static Status find_live(Slice name, ConfigurationKey *out, Error *error)
{
    if (!configuration_find_key(name, out))
        return configuration_unknown(name, error);
    if (configuration_definition(*out)->is_live)
        return OK;
    return error_set(error, STATUS_OBJECT_NOT_IN_PREREQUISITE_STATE,
                     "%s cannot be changed while the server runs: set it in firn.toml and restart",
                     configuration_definition(*out)->name);
}

Status configuration_set_live(Configuration *base, Slice key, Slice value, Configuration **out,
                              Error *error)
{
    ConfigurationKey number;
    ConfigurationKey pair[2];
    Configuration *made;
    Status status = OK;
    TRY(find_live(key, &number, error));
    TRY(configuration_copy(base, &made, error));
    GO(configuration_put(made, number, value, error));
    GO(configuration_check(made, pair, error));
    made->own->entries[number].now.source = CONFIGURATION_FROM_SYSTEM;
    made->own->entries[number].now.line = 0;
    *out = made;
    made = NULL;
done:
    configuration_release(made);
    return status;
}

Status configuration_reset_live(Configuration *base, Slice key, Configuration **out, Error *error)
{
    ConfigurationKey number;
    ConfigurationKey pair[2];
    Configuration *made;
    Status status = OK;
    TRY(find_live(key, &number, error));
    TRY(configuration_copy(base, &made, error));
    ConfigurationEntry *entry = &made->own->entries[number];
    GO(configuration_put(made, number, entry->started.text, error));
    GO(configuration_check(made, pair, error));
    entry->now = entry->started;
    *out = made;
    made = NULL;
done:
    configuration_release(made);
    return status;
}

/* ---- showing ---- */

const char *configuration_source_name(ConfigurationSource source)
{
    static const char *const names[] = {
        [CONFIGURATION_FROM_DEFAULT] = "default",         [CONFIGURATION_FROM_FILE] = "file",
        [CONFIGURATION_FROM_ENVIRONMENT] = "environment", [CONFIGURATION_FROM_COMMAND] = "command",
        [CONFIGURATION_FROM_SYSTEM] = "command",
    };
    return names[source];
}

static const char *unit_of(ConfigurationType type)
{
    switch (type) {
    case CONFIGURATION_DURATION:
        return "time";
    case CONFIGURATION_SIZE:
        return "bytes";
    case CONFIGURATION_PERCENT:
        return "percent";
    default:
        return NULL;
    }
}

void configuration_setting(const Configuration *configuration, ConfigurationKey key,
                           ConfigurationSetting *out)
{
    const ConfigurationDefinition *definition = configuration_definition(key);
    const ConfigurationEntry *entry = &configuration->own->entries[key];
    *out = (ConfigurationSetting){.definition = definition,
                                  .value = entry->now.text,
                                  .default_text = entry->default_text,
                                  .unit = unit_of(definition->type),
                                  .source = entry->now.source,
                                  .line = entry->now.line};
}

bool configuration_get(const Configuration *configuration, Slice key, Slice *out)
{
    ConfigurationKey number;
    if (!configuration_find_key(key, &number))
        return false;
    *out = configuration->own->entries[number].now.text;
    return true;
}

const char *configuration_choice(const Configuration *configuration, ConfigurationKey key)
{
    ASSERT(configuration_definition(key)->type == CONFIGURATION_CHOICE);
    return (const char *)configuration->own->entries[key].now.text.data;
}

void configuration_print(const Configuration *configuration, Buffer *out)
{
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        ConfigurationSetting setting;
        configuration_setting(configuration, key, &setting);
        buffer_put_format(out, "%s = ", setting.definition->name);
        buffer_put_slice(out, setting.value);
        buffer_put_format(out, "  # %s",
                          setting.source == CONFIGURATION_FROM_SYSTEM
                              ? "ALTER SYSTEM"
                              : configuration_source_name(setting.source));
        if (setting.line != 0)
            buffer_put_format(out, ", line %u", setting.line);
        buffer_put_u8(out, '\n');
    }
}
