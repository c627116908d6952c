/* One value of the configuration: read from text, checked, kept, and written again. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "database/configuration_int.h"
#include "sql/quantity.h"

#define NANOSECONDS_OF_MILLISECOND INT64_C(1000000)

enum { NUMBER_TEXT_BYTES = 32 };

static const char *const wanted[] = {
    [CONFIGURATION_TEXT] = "a text",
    [CONFIGURATION_LIST] = "a list: a, b",
    [CONFIGURATION_INTEGER] = "a whole number",
    [CONFIGURATION_DURATION] = "a duration: 60s, 100ms, 5m, 2h, 7d; a bare number is seconds",
    [CONFIGURATION_SIZE] = "a size: 64MiB, 16KiB, 1GiB; a bare number is bytes",
    [CONFIGURATION_PERCENT] = "a whole number of percent: 75%",
    [CONFIGURATION_RATIO] = "a share in hundredths: 0.3 or 30%",
    [CONFIGURATION_BOOLEAN] = "on or off",
    [CONFIGURATION_CHOICE] = "one of",
};

static Status fail_form(const ConfigurationDefinition *definition, Slice text, Error *error)
{
    const char *names = definition->type == CONFIGURATION_CHOICE ? definition->least : "";
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s = \"%.*s\": it has to be %s%s%s",
                     definition->name, SLICE_ARGUMENTS(slice_part(text, 0, 100)),
                     wanted[definition->type], *names == '\0' ? "" : " ", names);
}

static Status fail_range(const ConfigurationDefinition *definition, Slice text, const char *what,
                         Error *error)
{
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s = %.*s is out of range: %s to %s%s",
                     definition->name, SLICE_ARGUMENTS(slice_part(text, 0, 100)), definition->least,
                     definition->most, what);
}

/* A slice of the configuration's arena, NUL behind its end. */
static Status keep_text(Configuration *configuration, Slice text, Slice *out, Error *error)
{
    char *copy = arena_text(&configuration->own->arena, text);
    if (copy == NULL)
        return arena_error(&configuration->own->arena, error);
    *out = slice_of(copy, text.size);
    return OK;
}

/* UTF-8 without control characters: a line break in a path helps nobody. */
static bool is_plain_text(Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    }
    return slice_is_utf8_text(text);
}

/* ---- numbers of all kinds ---- */

static bool percent_from_text(Slice text, int64_t *out)
{
    if (text.size > 0 && text.data[text.size - 1] == '%')
        text = slice_trim(slice_part(text, 0, text.size - 1));
    return slice_to_int64(text, out);
}

static bool ratio_from_text(Slice text, int64_t *out)
{
    double x;
    if (text.size > 0 && text.data[text.size - 1] == '%')
        return percent_from_text(text, out);
    if (!slice_to_double(text, &x) || !(fabs(x) <= 1000))
        return false;
    *out = llround(x * 100);
    return fabs(x * 100 - (double)*out) < 1e-6;
}

static bool number_from_text(ConfigurationType type, Slice text, int64_t *out)
{
    switch (type) {
    case CONFIGURATION_DURATION:
        return duration_from_text(text, out);
    case CONFIGURATION_SIZE:
        return size_from_text(text, out);
    case CONFIGURATION_PERCENT:
        return percent_from_text(text, out);
    case CONFIGURATION_RATIO:
        return ratio_from_text(text, out);
    default:
        return slice_to_int64(text, out);
    }
}

static void number_put_text(ConfigurationType type, int64_t n, char out[NUMBER_TEXT_BYTES])
{
    _Static_assert((int)NUMBER_TEXT_BYTES >= (int)QUANTITY_TEXT_BYTES_MAX, "quantities fit");
    switch (type) {
    case CONFIGURATION_DURATION:
        duration_put_text(n, out);
        return;
    case CONFIGURATION_SIZE:
        size_put_text(n, out);
        return;
    case CONFIGURATION_PERCENT:
        (void)snprintf(out, NUMBER_TEXT_BYTES, "%" PRId64 "%%", n);
        return;
    case CONFIGURATION_RATIO:
        if (n % 10 == 0)
            (void)snprintf(out, NUMBER_TEXT_BYTES, "%" PRId64 ".%" PRId64, n / 100, n % 100 / 10);
        else
            (void)snprintf(out, NUMBER_TEXT_BYTES, "%" PRId64 ".%02" PRId64, n / 100, n % 100);
        return;
    default:
        (void)snprintf(out, NUMBER_TEXT_BYTES, "%" PRId64, n);
        return;
    }
}

/* The ends of the range are ours: they can be read. */
static int64_t bound_of(ConfigurationType type, const char *text)
{
    int64_t n = 0;
    bool is_number = number_from_text(type, slice_of_text(text), &n);
    ASSERT(is_number);
    return n;
}

static void store_number(ConfigurationType type, void *field, int64_t n)
{
    switch (type) {
    case CONFIGURATION_DURATION:
        *(int64_t *)field = n * NANOSECONDS_OF_MILLISECOND;
        return;
    case CONFIGURATION_SIZE:
        *(uint64_t *)field = (uint64_t)n;
        return;
    default:
        *(uint32_t *)field = (uint32_t)n;
        return;
    }
}

static Status put_number(Configuration *configuration, const ConfigurationDefinition *definition,
                         void *field, Slice text, Slice *canonical, Error *error)
{
    char written[NUMBER_TEXT_BYTES];
    int64_t n;
    if (!number_from_text(definition->type, text, &n))
        return fail_form(definition, text, error);
    if (n < bound_of(definition->type, definition->least) ||
        n > bound_of(definition->type, definition->most))
        return fail_range(definition, text, "", error);
    number_put_text(definition->type, n, written);
    TRY(keep_text(configuration, slice_of_text(written), canonical, error));
    store_number(definition->type, field, n);
    return OK;
}

/* ---- texts and lists ---- */

static Status put_text(Configuration *configuration, const ConfigurationDefinition *definition,
                       Slice *field, Slice text, Slice *canonical, Error *error)
{
    int64_t size = (int64_t)text.size;
    if (!is_plain_text(text))
        return fail_form(definition, SLICE("..."), error);
    if (size < bound_of(CONFIGURATION_INTEGER, definition->least) ||
        size > bound_of(CONFIGURATION_INTEGER, definition->most))
        return fail_range(definition, text, " bytes", error);
    TRY(keep_text(configuration, text, canonical, error));
    *field = *canonical;
    return OK;
}

/* The next item, trimmed; false at the end. An empty text has none. */
static bool next_item(Slice list, size_t *at, Slice *out)
{
    if (list.size == 0 || *at > list.size)
        return false;
    Slice rest = slice_part(list, *at, SIZE_MAX);
    size_t end = slice_find(rest, ',');
    *out = slice_trim(slice_part(rest, 0, end));
    *at += end + 1;
    return true;
}

static Status count_items(const ConfigurationDefinition *definition, Slice text, uint32_t *out,
                          Error *error)
{
    Slice item;
    size_t at = 0;
    int64_t count = 0;
    int64_t most = bound_of(CONFIGURATION_INTEGER, definition->most);
    while (next_item(text, &at, &item)) {
        if (item.size == 0 || !is_plain_text(item))
            return fail_form(definition, SLICE("..."), error);
        if (++count > most)
            return fail_range(definition, text, " items", error);
    }
    if (count < bound_of(CONFIGURATION_INTEGER, definition->least))
        return fail_range(definition, text, " items", error);
    *out = (uint32_t)count;
    return OK;
}

static Status put_list(Configuration *configuration, const ConfigurationDefinition *definition,
                       ConfigurationList *field, Slice text, Slice *canonical, Error *error)
{
    Arena *arena = &configuration->own->arena;
    Slice item;
    size_t at = 0;
    Buffer joined;
    uint32_t count;
    Status status = OK;
    TRY(count_items(definition, text, &count, error));
    Slice *items = ARENA_ARRAY(arena, Slice, count);
    if (items == NULL)
        return arena_error(arena, error);
    buffer_open(&joined, 0);
    for (uint32_t i = 0; next_item(text, &at, &item); i++) {
        GO(keep_text(configuration, item, &items[i], error));
        if (i > 0)
            buffer_put_text(&joined, ", ");
        buffer_put_slice(&joined, item);
    }
    GO(buffer_status(&joined, error));
    GO(keep_text(configuration, buffer_slice(&joined), canonical, error));
    *field = (ConfigurationList){items, count};
done:
    buffer_close(&joined);
    return status;
}

/* ---- words ---- */

static Status put_boolean(const ConfigurationDefinition *definition, bool *field, Slice text,
                          Slice *canonical, Error *error)
{
    static const char *const words[][2] = {
        {"off", "on"}, {"false", "true"}, {"no", "yes"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int b = 0; b < 2; b++) {
            if (!slice_equal_ignoring_case(text, slice_of_text(words[i][b])))
                continue;
            *field = b == 1;
            *canonical = slice_of_text(words[0][b]);
            return OK;
        }
    }
    return fail_form(definition, text, error);
}

static Status put_choice(Configuration *configuration, const ConfigurationDefinition *definition,
                         uint32_t *field, Slice text, Slice *canonical, Error *error)
{
    Slice rest = slice_of_text(definition->least);
    for (uint32_t i = 0; rest.size > 0; i++) {
        size_t end = slice_find(rest, '|');
        Slice name = slice_part(rest, 0, end);
        if (slice_equal_ignoring_case(name, text)) {
            TRY(keep_text(configuration, name, canonical, error));
            *field = i;
            return OK;
        }
        rest = slice_part(rest, end + 1, SIZE_MAX);
    }
    return fail_form(definition, text, error);
}

/* ---- all of them ---- */

static Status put_typed(Configuration *configuration, const ConfigurationDefinition *definition,
                        Slice text, Slice *canonical, Error *error)
{
    void *field = (uint8_t *)configuration + definition->offset;
    switch (definition->type) {
    case CONFIGURATION_TEXT:
        return put_text(configuration, definition, field, text, canonical, error);
    case CONFIGURATION_LIST:
        return put_list(configuration, definition, field, slice_trim(text), canonical, error);
    case CONFIGURATION_BOOLEAN:
        return put_boolean(definition, field, slice_trim(text), canonical, error);
    case CONFIGURATION_CHOICE:
        return put_choice(configuration, definition, field, slice_trim(text), canonical, error);
    default:
        return put_number(configuration, definition, field, slice_trim(text), canonical, error);
    }
}

/* A key of a feature that is not built has been given a value: any but its default is refused. */
static Status check_feature(Configuration *configuration, ConfigurationKey key, Slice canonical,
                            Error *error)
{
    const ConfigurationDefinition *definition = configuration_definition(key);
    Slice usual;
    if (definition->feature == NULL)
        return OK;
    TRY(put_typed(configuration, definition, slice_of_text(definition->default_text), &usual,
                  error));
    if (slice_equal(usual, canonical))
        return OK;
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "%s cannot be set: %s is not built yet",
                     definition->name, definition->feature);
}

Status configuration_put(Configuration *configuration, ConfigurationKey key, Slice text,
                         Error *error)
{
    const ConfigurationDefinition *definition = configuration_definition(key);
    Slice canonical;
    if (text.size > CONFIGURATION_VALUE_BYTES_MAX)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s: longer than %d bytes",
                         definition->name, CONFIGURATION_VALUE_BYTES_MAX);
    TRY(put_typed(configuration, definition, text, &canonical, error));
    TRY(check_feature(configuration, key, canonical, error));
    configuration->own->entries[key].now.text = canonical;
    return OK;
}
