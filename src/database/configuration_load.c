/* The sources of a configuration, in their order, and the same again while the server runs. */
#include <stdio.h>

#include "catalog/snapshot.h"
#include "database/configuration_int.h"
#include "sql/guess.h"

enum { VARIABLE_BYTES_MAX = 128 };

#define VARIABLE_PREFIX "FIRN_"

/* What a source gives for a key. Errors of the value become errors of the configuration. */
static Status put_from(Configuration *made, ConfigurationKey key, Slice text,
                       ConfigurationSource source, uint32_t line, Error *error)
{
    ConfigurationOrigin *origin = &made->own->entries[key].now;
    TRY(configuration_put(made, key, text, error));
    origin->source = source;
    origin->line = line;
    return OK;
}

/* At the start every refusal has one code; want of memory and disks keep theirs. */
static Status refuse(const char *place, Error *error)
{
    Status why = error->status;
    if (why == STATUS_INVALID_PARAMETER_VALUE || why == STATUS_UNDEFINED_OBJECT ||
        why == STATUS_FEATURE_NOT_SUPPORTED)
        error->status = STATUS_INVALID_CONFIGURATION;
    return error_prefix(error, "%s", place);
}

/* ---- firn.toml ---- */

typedef struct FileLoad {
    Configuration *made;
} FileLoad;

static bool is_section(Slice name)
{
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        Slice whole = slice_of_text(configuration_definition(key)->name);
        if (slice_equal(slice_part(whole, 0, slice_find(whole, '.')), name))
            return true;
    }
    return false;
}

static Status check_section(Slice name, Error *error)
{
    NameGuess guess;
    if (is_section(name))
        return OK;
    if (configuration_unknown(name, error) == STATUS_FEATURE_NOT_SUPPORTED)
        return error->status;
    guess_open(&guess, name);
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        Slice whole = slice_of_text(configuration_definition(key)->name);
        guess_offer(&guess, slice_part(whole, 0, slice_find(whole, '.')));
    }
    (void)error_set(error, STATUS_UNDEFINED_OBJECT, "there is no section [%.*s]",
                    SLICE_ARGUMENTS(name));
    guess_hint(&guess, error);
    return error->status;
}

static Status check_kind(const TomlEntry *entry, ConfigurationKey key, Error *error)
{
    const ConfigurationDefinition *definition = configuration_definition(key);
    if (entry->kind == TOML_LIST && definition->type != CONFIGURATION_LIST)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s has one value, not a list",
                         definition->name);
    bool is_text = definition->type == CONFIGURATION_TEXT || definition->type == CONFIGURATION_LIST;
    if (is_text && (entry->kind == TOML_NUMBER || entry->kind == TOML_BOOLEAN))
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s is a text: \"...\"",
                         definition->name);
    return OK;
}

static Status take_entry(Configuration *made, const TomlEntry *entry, Error *error)
{
    char name[2 * VARIABLE_BYTES_MAX];
    ConfigurationKey key;
    if (entry->kind == TOML_SECTION)
        return check_section(entry->section, error);
    (void)snprintf(name, sizeof name, "%.*s.%.*s", SLICE_ARGUMENTS(entry->section),
                   SLICE_ARGUMENTS(entry->key));
    if (!configuration_find_key(slice_of_text(name), &key))
        return configuration_unknown(slice_of_text(name), error);
    if (made->own->entries[key].now.source == CONFIGURATION_FROM_FILE)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s was given on line %u already",
                         name, made->own->entries[key].now.line);
    TRY(check_kind(entry, key, error));
    return put_from(made, key, entry->text, CONFIGURATION_FROM_FILE, entry->line, error);
}

static Status visit_entry(void *context, const TomlEntry *entry, Error *error)
{
    FileLoad *load = context;
    char place[32];
    if (take_entry(load->made, entry, error) == OK)
        return OK;
    (void)snprintf(place, sizeof place, "line %u", entry->line);
    return refuse(place, error);
}

/* *out is empty where there is none to read. */
static Status find_file(Env *env, const ConfigurationSources *sources, Path *out, Error *error)
{
    FileInformation information;
    if (sources->file != NULL)
        return path_format(out, error, "%s", sources->file);
    out->text[0] = '\0';
    if (sources->directory == NULL)
        return OK;
    TRY(path_join(out, sources->directory, "firn.toml", error));
    TRY(env_stat(env, out->text, &information, error));
    if (!information.exists)
        out->text[0] = '\0';
    return OK;
}

static Status load_file(Env *env, Configuration *made, Error *error)
{
    FileLoad load = {made};
    Buffer content;
    Path path;
    TRY(find_file(env, &made->own->sources, &path, error));
    if (path.text[0] == '\0')
        return OK;
    buffer_open(&content, 0);
    Status status = env_read_file(env, path.text, CONFIGURATION_FILE_BYTES_MAX, &content, error);
    if (status == OK)
        status = toml_read(buffer_slice(&content), &made->own->arena, visit_entry, &load, error);
    buffer_close(&content);
    return status == OK ? OK : refuse("firn.toml", error);
}

/* ---- the environment ---- */

/* "FIRN_LOG_SEGMENT_BYTES" of "log.segment_bytes". */
static void variable_of(ConfigurationKey key, char out[VARIABLE_BYTES_MAX])
{
    const char *name = configuration_definition(key)->name;
    (void)snprintf(out, VARIABLE_BYTES_MAX, VARIABLE_PREFIX "%s", name);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
}

/* Names that begin like ours and are not: the passwords, what base/fault.h reads, and what
 * Kubernetes gives every container where a service is called "firn" (FIRN_PORT=tcp://…). */
static bool is_other_variable(Slice name)
{
    static const char *const others[] = {"FIRN_ROOT_PASSWORD", "FIRN_PASSWORD", "FIRN_PORT"};
    static const char *const prefixes[] = {"FIRN_PORT_", "FIRN_SERVICE_", "FIRN_FAULT",
                                           "FIRN_BREAKAGE"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (slice_equal_text(name, others[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (slice_starts_with(name, slice_of_text(prefixes[i])))
            return true;
    }
    return false;
}

static bool find_variable(Slice name, ConfigurationKey *out)
{
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        char variable[VARIABLE_BYTES_MAX];
        variable_of(key, variable);
        if (slice_equal_text(name, variable)) {
            *out = key;
            return true;
        }
    }
    return false;
}

static Status unknown_variable(Slice name, Error *error)
{
    char variables[CONFIGURATION_KEY_COUNT][VARIABLE_BYTES_MAX];
    NameGuess guess;
    if (slice_starts_with(name, SLICE(VARIABLE_PREFIX "CLUSTER_")))
        return configuration_unknown(SLICE("cluster"), error);
    guess_open(&guess, name);
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        variable_of(key, variables[key]);
        guess_offer(&guess, slice_of_text(variables[key]));
    }
    (void)error_set(error, STATUS_UNDEFINED_OBJECT, "there is no such configuration key");
    guess_hint(&guess, error);
    return error->status;
}

static Status take_variable(Configuration *made, Slice name, Slice value, Error *error)
{
    ConfigurationKey key;
    if (!find_variable(name, &key))
        return unknown_variable(name, error);
    return put_from(made, key, value, CONFIGURATION_FROM_ENVIRONMENT, 0, error);
}

static Status load_environment(Configuration *made, Error *error)
{
    for (const char *const *at = made->own->sources.environment; *at != NULL; at++) {
        Slice whole = slice_of_text(*at);
        size_t equals = slice_find(whole, '=');
        Slice name = slice_part(whole, 0, equals);
        char place[VARIABLE_BYTES_MAX];
        if (!slice_starts_with(name, SLICE(VARIABLE_PREFIX)) || is_other_variable(name))
            continue;
        if (take_variable(made, name, slice_part(whole, equals + 1, SIZE_MAX), error) == OK)
            continue;
        (void)snprintf(place, sizeof place, "%.*s", SLICE_ARGUMENTS(name));
        return refuse(place, error);
    }
    return OK;
}

/* ---- --set ---- */

static Status take_setting(Configuration *made, Slice whole, Error *error)
{
    size_t equals = slice_find(whole, '=');
    Slice name = slice_trim(slice_part(whole, 0, equals));
    ConfigurationKey key;
    if (equals == whole.size)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "write --set section.key=value");
    if (!configuration_find_key(name, &key))
        return configuration_unknown(name, error);
    return put_from(made, key, slice_part(whole, equals + 1, SIZE_MAX), CONFIGURATION_FROM_COMMAND,
                    0, error);
}

static Status load_settings(Configuration *made, Error *error)
{
    const ConfigurationSources *sources = &made->own->sources;
    for (size_t i = 0; i < sources->setting_count; i++) {
        if (take_setting(made, slice_of_text(sources->settings[i]), error) != OK)
            return refuse("--set", error);
    }
    return OK;
}

/* ---- all of them ---- */

static Status load_all(Env *env, Configuration *made, Error *error)
{
    ConfigurationKey pair[2];
    TRY(load_file(env, made, error));
    TRY(load_environment(made, error));
    TRY(load_settings(made, error));
    if (configuration_check(made, pair, error) != OK) {
        error->status = STATUS_INVALID_CONFIGURATION;
        return error->status;
    }
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++)
        made->own->entries[key].started = made->own->entries[key].now;
    return OK;
}

Status configuration_load(Env *env, const ConfigurationSources *sources, Configuration **out,
                          Error *error)
{
    Configuration *made;
    TRY(configuration_create(sources, &made, error));
    Status status = load_all(env, made, error);
    if (status != OK) {
        configuration_release(made);
        return status;
    }
    *out = made;
    return OK;
}

/* ---- what ALTER SYSTEM stored ---- */

typedef struct Kept {
    ConfigurationKept tell;
    void *context;
} Kept;

static void tell_kept(const Kept *kept, Slice key, const Error *why)
{
    if (kept->tell != NULL)
        kept->tell(kept->context, key, why);
}

/* A key back at what the other sources say; its text was accepted before. */
static Status put_back(Configuration *made, ConfigurationKey key, Error *error)
{
    ConfigurationEntry *entry = &made->own->entries[key];
    TRY(configuration_put(made, key, entry->started.text, error));
    entry->now = entry->started;
    return OK;
}

/* Stored values that do not fit together, or no longer with the other sources: the pair of them
 * goes back to what the other sources say, which fits. */
static Status settle_pairs(Configuration *made, const Kept *kept, Error *error)
{
    ConfigurationKey pair[2];
    Error why;
    if (configuration_check(made, pair, &why) == OK)
        return OK;
    for (int i = 0; i < 2; i++) {
        if (made->own->entries[pair[i]].now.source != CONFIGURATION_FROM_SYSTEM)
            continue;
        tell_kept(kept, slice_of_text(configuration_definition(pair[i])->name), &why);
        TRY(put_back(made, pair[i], error));
    }
    return OK;
}

static Status put_stored(Configuration *made, Slice name, Slice value, const Kept *kept,
                         Error *error)
{
    ConfigurationKey key;
    Status status = configuration_find_key(name, &key)
                        ? put_from(made, key, value, CONFIGURATION_FROM_SYSTEM, 0, error)
                        : configuration_unknown(name, error);
    if (status == OK || status == STATUS_OUT_OF_MEMORY)
        return status;
    tell_kept(kept, name, error);
    return OK;
}

Status configuration_apply_stored(Configuration *base, const CatalogSnapshot *snapshot,
                                  ConfigurationKept kept, void *context, Configuration **out,
                                  Error *error)
{
    const CatalogSetting *const *settings;
    size_t count = catalog_settings(snapshot, &settings);
    Kept told = {kept, context};
    Configuration *made;
    Status status = OK;
    TRY(configuration_copy(base, &made, error));
    for (size_t i = 0; i < count; i++)
        GO(put_stored(made, settings[i]->name, settings[i]->value, &told, error));
    GO(settle_pairs(made, &told, error));
    *out = made;
    made = NULL;
done:
    configuration_release(made);
    return status;
}

/* ---- SIGHUP ---- */

/* One key of the sources read again, beside what is in force. */
static Status keep_in_force(Configuration *made, const Configuration *base, ConfigurationKey key,
                            const Kept *kept, Error *error)
{
    const ConfigurationDefinition *definition = configuration_definition(key);
    const ConfigurationEntry *before = &base->own->entries[key];
    ConfigurationEntry *after = &made->own->entries[key];
    Error why;
    if (before->now.source == CONFIGURATION_FROM_SYSTEM)
        return put_from(made, key, before->now.text, CONFIGURATION_FROM_SYSTEM, 0, error);
    if (definition->is_live || slice_equal(before->now.text, after->now.text))
        return OK;
    (void)error_set(&why, STATUS_OBJECT_NOT_IN_PREREQUISITE_STATE, "%s is changed by a restart",
                    definition->name);
    tell_kept(kept, slice_of_text(definition->name), &why);
    return put_from(made, key, before->now.text, before->now.source, before->now.line, error);
}

Status configuration_reload(Env *env, Configuration *base, ConfigurationKept kept, void *context,
                            Configuration **out, Error *error)
{
    Kept told = {kept, context};
    Configuration *made;
    Status status = OK;
    TRY(configuration_load(env, &base->own->sources, &made, error));
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++)
        GO(keep_in_force(made, base, key, &told, error));
    GO(settle_pairs(made, &told, error));
    *out = made;
    made = NULL;
done:
    configuration_release(made);
    return status;
}
