#include "sql/literal.h"

#include <ctype.h>

/* ---- now, today ---- */

static const struct {
    const char *word;
    const char *function; /* of no arguments */
    int days;
} WORDS[] = {
    {"now", "now", 0},
    {"today", "current_date", 0},
    {"tomorrow", "current_date", 1},
    {"yesterday", "current_date", -1},
};

static Status call_now(Binder *binder, const char *name, int days, int32_t position, Bound **out,
                       Error *error)
{
    const CatalogueFunction *function = catalogue_get(name, NULL, 0);
    Bound *count;
    TRY(bound_new(binder, BOUND_CALL, argument_type_to_type(function->result), position, 0, out,
                  error));
    (*out)->as.function = function;
    if (days == 0)
        return OK;
    TRY(bound_constant(binder, TYPE(INTEGER), value_integer(TYPE_INTEGER, days), position, &count,
                       error));
    return bind_operator(binder, SLICE("+"), *out, count, position, out, error);
}

static Status read_word(Binder *binder, Slice text, int32_t position, Type to, Bound **out,
                        Error *error)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (!slice_equal_ignoring_case(text, slice_of_text(WORDS[i].word)))
            continue;
        Bound *moment;
        TRY(call_now(binder, WORDS[i].function, WORDS[i].days, position, &moment, error));
        return coerce_explicit(binder, moment, to, position, out, error);
    }
    return OK;
}

/* ---- '2020-01-01 10:00 Europe/Berlin' ---- */

static size_t zone_start(Slice text)
{
    size_t at = text.size;
    while (at > 0 && text.data[at - 1] != ' ')
        at--;
    Slice zone = slice_part(text, at, text.size);
    bool is_named = zone.size > 2 && isalpha(zone.data[0]) && slice_find(zone, '/') < zone.size;
    return is_named && at > 0 ? at : text.size;
}

static Status read_zone(Binder *binder, Slice text, int32_t position, Bound **out, Error *error)
{
    static const ArgumentType ARGUMENTS[2] = {TYPE_TEXT, TYPE_TIMESTAMP};
    size_t at = zone_start(text);
    Value local;
    Bound *call;
    if (at == text.size)
        return OK;
    TRY(value_from_text(binder->arena, TYPE(TIMESTAMP), slice_trim(slice_part(text, 0, at)), &local,
                        error));
    TRY(bound_new(binder, BOUND_CALL, TYPE(TIMESTAMPTZ), position, 2, &call, error));
    call->as.function = catalogue_get("timezone", ARGUMENTS, 2);
    TRY(bound_constant(binder, TYPE(TEXT), value_text(slice_part(text, at, text.size)), position,
                       &call->children[0], error));
    TRY(bound_constant(binder, TYPE(TIMESTAMP), local, position, &call->children[1], error));
    *out = call;
    return OK;
}

Status literal_read_special(Binder *binder, const Bound *literal, Type to, Bound **out,
                            Error *error)
{
    Slice text = slice_trim(literal->as.constant.as.bytes);
    int32_t position = literal->position_byte;
    *out = NULL;
    bool is_date = to.kind == TYPE_DATE || to.kind == TYPE_TIMESTAMP || to.kind == TYPE_TIMESTAMPTZ;
    if (!is_date)
        return OK;
    TRY(read_word(binder, text, position, to, out, error));
    if (*out == NULL && to.kind == TYPE_TIMESTAMPTZ)
        return read_zone(binder, text, position, out, error);
    return OK;
}

/* ---- interval '3' DAY, timestamp(0) ---- */

enum IntervalField { /* PostgreSQL's bits */
                     FIELD_MONTH = 1 << 1,
                     FIELD_YEAR = 1 << 2,
                     FIELD_DAY = 1 << 3,
                     FIELD_HOUR = 1 << 10,
                     FIELD_MINUTE = 1 << 11,
                     FIELD_SECOND = 1 << 12,
                     FIELDS_ALL = 0x7fff,
};

static int64_t modifier(const Node *type_name, uint32_t i)
{
    const Node *value = node_field(node_item(node_field(type_name, "typmods"), i), "ival");
    return value == NULL ? -1 : node_integer(value, "ival", 0);
}

bool time_modifiers_read(const Node *type_name, TimeModifiers *out)
{
    const Node *names = node_field(type_name, "names");
    Slice name = node_string(node_item(names, node_count(names) - 1));
    uint32_t count = node_count(node_field(type_name, "typmods"));
    TypeKind kind;
    *out = (TimeModifiers){.precision = -1};
    if (count == 0 || !type_from_name(name, &kind) ||
        node_count(node_field(type_name, "arrayBounds")) > 0)
        return false;
    if (kind == TYPE_INTERVAL) {
        out->fields = modifier(type_name, 0) == FIELDS_ALL ? 0 : modifier(type_name, 0);
        out->precision = count > 1 ? (int)modifier(type_name, 1) : -1;
        return true;
    }
    out->precision = (int)modifier(type_name, 0);
    return kind == TYPE_TIME || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
}

static const char *unit_of(int64_t fields)
{
    static const struct {
        int64_t field;
        const char *unit;
    } UNITS[] = {
        {FIELD_SECOND, "seconds"}, {FIELD_MINUTE, "minutes"}, {FIELD_HOUR, "hours"},
        {FIELD_DAY, "days"},       {FIELD_MONTH, "months"},   {FIELD_YEAR, "years"},
    };
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (fields & UNITS[i].field)
            return UNITS[i].unit;
    }
    return "";
}

static bool is_plain_number(Slice text)
{
    bool has_digit = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        has_digit = has_digit || isdigit(c);
        if (!isdigit(c) && c != '.' && !(i == 0 && (c == '-' || c == '+')))
            return false;
    }
    return has_digit;
}

Status interval_text_with_unit(Arena *arena, Slice text, int64_t fields, Slice *out, Error *error)
{
    Slice trimmed = slice_trim(text);
    bool year_to_month = fields == (FIELD_YEAR | FIELD_MONTH);
    if (year_to_month && !is_plain_number(trimmed)) {
        *out = text; /* '1-2' reads so by itself */
        return OK;
    }
    if (!is_plain_number(trimmed))
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "INTERVAL with fields and a text that is not a number is not supported");
    char *made = arena_format(arena, "%.*s %s", SLICE_ARGUMENTS(trimmed), unit_of(fields));
    if (made == NULL)
        return arena_error(arena, error);
    *out = slice_of_text(made);
    return OK;
}

static int64_t round_micros(int64_t micros, int precision)
{
    int64_t step = 1;
    for (int i = precision; i < 6; i++)
        step *= 10;
    int64_t rest = micros % step;
    if (rest < 0)
        rest += step;
    int64_t down = micros - rest;
    return rest * 2 >= step ? down + step : down;
}

void time_round(Type type, int precision, Value *value)
{
    if (precision < 0 || precision >= 6 || value->is_null)
        return;
    if (type.kind == TYPE_INTERVAL)
        value->as.interval.micros = round_micros(value->as.interval.micros, precision);
    else if (value->as.integer != TIMESTAMP_INFINITY &&
             value->as.integer != TIMESTAMP_MINUS_INFINITY)
        value->as.integer = round_micros(value->as.integer, precision);
}
