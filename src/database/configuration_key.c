/* The keys as a table, and finding one by its name. */
#include <stddef.h>

#include "database/configuration_int.h"
#include "sql/guess.h"

enum { LIVE = 1, START = 0 };

static const ConfigurationDefinition definitions[] = {
#define X(type, field, name, default_text, least, most, when, feature, description) \
    {CONFIGURATION_##type,                                                          \
     name,                                                                          \
     default_text,                                                                  \
     least,                                                                         \
     most,                                                                          \
     (when) == LIVE,                                                                \
     feature,                                                                       \
     description,                                                                   \
     offsetof(Configuration, field)},
    CONFIGURATION_KEYS(X)
#undef X
};

_Static_assert(sizeof definitions / sizeof definitions[0] == CONFIGURATION_KEY_COUNT,
               "one definition for each key");

const ConfigurationDefinition *configuration_definition(ConfigurationKey key)
{
    ASSERT((unsigned)key < CONFIGURATION_KEY_COUNT);
    return &definitions[key];
}

bool configuration_find_key(Slice name, ConfigurationKey *out)
{
    for (unsigned i = 0; i < CONFIGURATION_KEY_COUNT; i++) {
        if (slice_equal_ignoring_case(name, slice_of_text(definitions[i].name))) {
            *out = (ConfigurationKey)i;
            return true;
        }
    }
    return false;
}

typedef struct LaterSection {
    const char *name;
    const char *feature;
} LaterSection;

static const LaterSection later_sections[] = {
#define X(section, feature) {section, feature},
    CONFIGURATION_SECTIONS_LATER(X)
#undef X
};

Status configuration_unknown(Slice name, Error *error)
{
    Slice section = slice_part(name, 0, slice_find(name, '.'));
    for (size_t i = 0; i < sizeof later_sections / sizeof later_sections[0]; i++) {
        if (slice_equal_ignoring_case(section, slice_of_text(later_sections[i].name)))
            return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                             "%.*s cannot be set: %s is not built yet",
                             SLICE_ARGUMENTS(slice_part(name, 0, 100)), later_sections[i].feature);
    }
    NameGuess guess;
    guess_open(&guess, name);
    for (unsigned i = 0; i < CONFIGURATION_KEY_COUNT; i++)
        guess_offer(&guess, slice_of_text(definitions[i].name));
    (void)error_set(error, STATUS_UNDEFINED_OBJECT, "there is no configuration key \"%.*s\"",
                    SLICE_ARGUMENTS(slice_part(name, 0, 100)));
    guess_hint(&guess, error);
    return error->status;
}
