/* Configuration: every key of configuration_keys.h with its value, and where that came from.
 *
 * Sources, each over the one before it: the defaults, DIR/firn.toml, the environment
 * (FIRN_SECTION_KEY), --set section.key=value, and what ALTER SYSTEM stored in the catalog. An
 * unknown key, a value out of range, or one of a feature that is not built is an error that names
 * the place, the nearest key, the range or the feature.
 *
 * A Configuration never changes: a change makes a new one, and whoever holds the old one keeps
 * reading what it said.
 *
 *     configuration_load            defaults, file, environment, command line
 *     configuration_apply_stored    … and what the catalog holds
 *     configuration_set_live        ALTER SYSTEM SET, of keys that may change while it runs
 *     configuration_reset_live      ALTER SYSTEM RESET
 *     configuration_reload          SIGHUP: file read again
 *
 * Threading: immutable, reference counted; all functions from any thread. Ownership: slices and
 * lists live as long as the Configuration. Errors: INVALID_CONFIGURATION at the start; the codes of
 * SQL where a statement changes a key. */
#ifndef FIRN_DATABASE_CONFIGURATION_H
#define FIRN_DATABASE_CONFIGURATION_H

#include "base/env.h"
#include "catalog/snapshot.h"
#include "database/configuration_keys.h"

/* ---- the values ---- */

typedef struct ConfigurationList {
    const Slice *items; /* each NUL-terminated behind its end */
    uint32_t count;
} ConfigurationList;

#define CONFIGURATION_TEXT_VALUE     Slice /* NUL-terminated behind its end */
#define CONFIGURATION_LIST_VALUE     ConfigurationList
#define CONFIGURATION_INTEGER_VALUE  uint32_t
#define CONFIGURATION_DURATION_VALUE int64_t  /* nanoseconds */
#define CONFIGURATION_SIZE_VALUE     uint64_t /* bytes */
#define CONFIGURATION_PERCENT_VALUE  uint32_t
#define CONFIGURATION_RATIO_VALUE    uint32_t /* in percent too */
#define CONFIGURATION_BOOLEAN_VALUE  bool
#define CONFIGURATION_CHOICE_VALUE   uint32_t /* number in the list of names, from 0 */

typedef enum ConfigurationKey {
#define X(type, field, ...) CONFIGURATION_##field,
    CONFIGURATION_KEYS(X)
#undef X
        CONFIGURATION_KEY_COUNT
} ConfigurationKey;

typedef struct Configuration {
#define X(type, field, ...) CONFIGURATION_##type##_VALUE field;
    CONFIGURATION_KEYS(X)
#undef X
    struct ConfigurationPrivate *own; /* texts, sources and memory; for configuration*.c only */
    _Atomic uint32_t references;
} Configuration;

/* ---- keys ---- */

typedef enum ConfigurationType {
    CONFIGURATION_TEXT,
    CONFIGURATION_LIST,
    CONFIGURATION_INTEGER,
    CONFIGURATION_DURATION,
    CONFIGURATION_SIZE,
    CONFIGURATION_PERCENT,
    CONFIGURATION_RATIO,
    CONFIGURATION_BOOLEAN,
    CONFIGURATION_CHOICE,
} ConfigurationType;

typedef struct ConfigurationDefinition {
    ConfigurationType type;
    const char *name; /* "section.key" */
    const char *default_text;
    const char *least; /* CHOICE: "a|b|c" */
    const char *most;
    bool is_live;
    const char *feature; /* not built yet; NULL: it is */
    const char *description;
    size_t offset; /* of its field */
} ConfigurationDefinition;

const ConfigurationDefinition *configuration_definition(ConfigurationKey key);

/* "section.key", in any case; false where there is none. */
bool configuration_find_key(Slice name, ConfigurationKey *out);

/* ---- making one ---- */

/* What some defaults depend on; zeros and NULL: one core, 1 GiB, "firn-worker". */
typedef struct ConfigurationMachine {
    uint32_t cores;
    uint64_t memory_bytes;
    const char *worker_path; /* of the program beside firnd */
} ConfigurationMachine;

typedef struct ConfigurationSources {
    const char *directory;          /* DIR; NULL: no file is read. A missing file is no error */
    const char *file;               /* in place of DIR/firn.toml, and it must be there; or NULL */
    const char *const *environment; /* "NAME=value", NULL at the end, as environ; NULL: none */
    const char *const *settings;    /* of --set: "section.key=value" */
    size_t setting_count;
    ConfigurationMachine machine;
} ConfigurationSources;

enum {
    CONFIGURATION_FILE_BYTES_MAX = 1 << 20,
    CONFIGURATION_VALUE_BYTES_MAX = 16 << 10,
};

/* With one reference. The sources are copied, for configuration_reload. */
CHECKED Status configuration_load(Env *env, const ConfigurationSources *sources,
                                  Configuration **out, Error *error);
Configuration *configuration_clone(Configuration *configuration);
void configuration_release(Configuration *configuration); /* NULL is allowed */

/* The functions below make a new Configuration with one reference; `base` stays as it is. */

/* Told of each key that keeps the value it had, and why. */
typedef void (*ConfigurationKept)(void *context, Slice key, const Error *why);

/* What ALTER SYSTEM stored. A stored value that is not accepted any more (written by another
 * version) is passed over, and `kept` (NULL is allowed) is told: it must not keep the server from
 * starting, where nobody could remove it. At the start: keys that are not live count too. */
CHECKED Status configuration_apply_stored(Configuration *base, const CatalogSnapshot *snapshot,
                                          ConfigurationKept kept, void *context,
                                          Configuration **out, Error *error);

/* UNDEFINED_OBJECT (no such key), OBJECT_NOT_IN_PREREQUISITE_STATE (not a live one),
 * INVALID_PARAMETER_VALUE, FEATURE_NOT_SUPPORTED. */
CHECKED Status configuration_set_live(Configuration *base, Slice key, Slice value,
                                      Configuration **out, Error *error);

/* Back to what the other sources say. The same codes but INVALID_PARAMETER_VALUE. */
CHECKED Status configuration_reset_live(Configuration *base, Slice key, Configuration **out,
                                        Error *error);

/* The sources read again; what ALTER SYSTEM set stays. A key that is not live keeps its value:
 * where it is another now, `kept` (NULL is allowed) is told with OBJECT_NOT_IN_PREREQUISITE_STATE.
 * An error in the sources changes nothing. */
CHECKED Status configuration_reload(Env *env, Configuration *base, ConfigurationKept kept,
                                    void *context, Configuration **out, Error *error);

/* ---- looking at one ---- */

typedef enum ConfigurationSource {
    CONFIGURATION_FROM_DEFAULT,
    CONFIGURATION_FROM_FILE,
    CONFIGURATION_FROM_ENVIRONMENT,
    CONFIGURATION_FROM_COMMAND, /* --set */
    CONFIGURATION_FROM_SYSTEM,  /* ALTER SYSTEM */
} ConfigurationSource;

/* As system.settings has it: "default", "file", "environment", "command" (for both commands). */
const char *configuration_source_name(ConfigurationSource source);

/* One row of system.settings. */
typedef struct ConfigurationSetting {
    const ConfigurationDefinition *definition;
    Slice value;        /* as configuration_get gives it */
    Slice default_text; /* on this machine */
    const char *unit;   /* "time", "bytes", "percent"; NULL where it has none */
    ConfigurationSource source;
    uint32_t line; /* of the file; 0 elsewhere */
} ConfigurationSetting;

void configuration_setting(const Configuration *configuration, ConfigurationKey key,
                           ConfigurationSetting *out);

/* The value as text: "1m", "64MiB", "on", "a, b"; false where there is no such key. */
bool configuration_get(const Configuration *configuration, Slice key, Slice *out);

/* The name of a CHOICE's value: "zstd". */
const char *configuration_choice(const Configuration *configuration, ConfigurationKey key);

/* For --check-config: "key = value  # source", a line for each key; ask buffer_status. */
void configuration_print(const Configuration *configuration, Buffer *out);

#endif
