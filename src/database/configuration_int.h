/* Private to the configuration: how a value is read and kept, and the reader of firn.toml. */
#ifndef FIRN_DATABASE_CONFIGURATION_INT_H
#define FIRN_DATABASE_CONFIGURATION_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "database/configuration.h"

/* A value with where it came from. */
typedef struct ConfigurationOrigin {
    Slice text; /* canonical: reads back as the same value */
    ConfigurationSource source;
    uint32_t line; /* of the file; 0 elsewhere */
} ConfigurationOrigin;

typedef struct ConfigurationEntry {
    ConfigurationOrigin now;
    ConfigurationOrigin started; /* what all sources but ALTER SYSTEM say */
    Slice default_text;          /* on this machine */
} ConfigurationEntry;

struct ConfigurationPrivate {
    Arena arena; /* texts, lists, the copied sources */
    ConfigurationEntry entries[CONFIGURATION_KEY_COUNT];
    ConfigurationSources sources;
};

/* ---- one value (configuration_value.c) ---- */

/* Reads the text as the key's type, checks range and feature, and sets the field and the canonical
 * text. INVALID_PARAMETER_VALUE, FEATURE_NOT_SUPPORTED. */
CHECKED Status configuration_put(Configuration *configuration, ConfigurationKey key, Slice text,
                                 Error *error);

/* ---- whole configurations (configuration.c) ---- */

/* All keys at their defaults on this machine; the sources are copied into it. */
CHECKED Status configuration_create(const ConfigurationSources *sources, Configuration **out,
                                    Error *error);

/* The same values and origins. */
CHECKED Status configuration_copy(const Configuration *base, Configuration **out, Error *error);

/* UNDEFINED_OBJECT with the nearest name; FEATURE_NOT_SUPPORTED for a section that is for later. */
Status configuration_unknown(Slice name, Error *error);

/* What holds between keys. On failure the two that do not fit. */
CHECKED Status configuration_check(const Configuration *configuration, ConfigurationKey pair[2],
                                   Error *error);

/* ---- firn.toml (configuration_toml.c) ---- */

typedef enum TomlKind {
    TOML_SECTION, /* a [section] begins: no key */
    TOML_STRING,
    TOML_NUMBER,
    TOML_BOOLEAN,
    TOML_LIST, /* of strings: joined with commas */
} TomlKind;

typedef struct TomlEntry {
    TomlKind kind;
    uint32_t line; /* from 1 */
    Slice section;
    Slice key;
    Slice text; /* in the arena */
} TomlEntry;

typedef Status (*TomlVisitor)(void *context, const TomlEntry *entry, Error *error);

/* Calls `visit` for each section and each key, in order. INVALID_CONFIGURATION, whose text begins
 * with the line, for what is not in the subset; errors of `visit` pass as they are. */
CHECKED Status toml_read(Slice text, Arena *arena, TomlVisitor visit, void *context, Error *error);

#endif
