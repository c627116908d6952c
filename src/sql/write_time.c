/* Fields of times, time zones, and the moment of the statement. */
#include "sql/writer_int.h"

#include <stdio.h>

static void put_parameter(Writer *writer, uint32_t number, const char *type)
{
    put_format(writer, "CAST($%u AS %s)", writer->binder->context->parameter_count + number, type);
}

static void put_now(Writer *writer)
{
    writer->uses_now = true;
    put_parameter(writer, 1, "TIMESTAMPTZ");
}

static void put_now_as(Writer *writer, const char *type)
{
    put(writer, "CAST(CAST(");
    put_now(writer);
    put_format(writer, " AS TIMESTAMP) AS %s)", type);
}

/* ---- fields ---- */

/* Fields that DuckDB computes as PostgreSQL does, between the years 1 and 9999. */
static const char *native_field(const Bound *call)
{
    static const struct {
        const char *name;
        bool of_date;
    } FIELDS[] = {
        {"year", true},    {"month", true},  {"day", true},     {"quarter", true},
        {"dow", true},     {"isodow", true}, {"doy", true},     {"week", true},
        {"isoyear", true}, {"hour", false},  {"minute", false},
    };
    const Bound *field = call->children[0];
    if (field->kind != BOUND_CONSTANT || field->as.constant.is_null || !is_cheap(call->children[1]))
        return NULL;
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        if (slice_equal_ignoring_case(field->as.constant.as.bytes, slice_of_text(FIELDS[i].name)))
            return FIELDS[i].of_date || call->children[1]->type.kind != TYPE_DATE ? FIELDS[i].name
                                                                                  : NULL;
    }
    return NULL;
}

/* x BETWEEN … AND …: the common times, for which DuckDB is asked. */
static Status write_common_range(Writer *writer, const Bound *time, Error *error)
{
    const char *type = time->type.kind == TYPE_DATE        ? "DATE"
                       : time->type.kind == TYPE_TIMESTAMP ? "TIMESTAMP"
                                                           : "TIMESTAMPTZ";
    const char *zone = time->type.kind == TYPE_TIMESTAMPTZ ? "+00" : "";
    const char *clock = time->type.kind == TYPE_DATE ? "" : " 00:00:00";
    TRY(write_expression(writer, time, error));
    put_format(writer, " BETWEEN CAST('0002-01-01%s%s' AS %s) AND CAST('9998-12-31%s%s' AS %s)",
               clock, zone, type, clock, zone, type);
    return OK;
}

static Status write_field(Writer *writer, const Bound *call, const char *type, Error *error)
{
    const char *field = native_field(call);
    if (field == NULL)
        return write_bridge(writer, call, error);
    put(writer, "(CASE WHEN ");
    TRY(write_common_range(writer, call->children[1], error));
    put_format(writer, " THEN CAST(date_part('%s', ", field);
    TRY(write_expression(writer, call->children[1], error));
    put_format(writer, ") AS %s) ELSE ", type);
    TRY(write_bridge(writer, call, error));
    put(writer, " END)");
    return OK;
}

static Status write_extract(Writer *writer, const Bound *call, Error *error)
{
    if (call->scale != 0)
        return write_bridge(writer, call, error);
    char type[32];
    snprintf(type, sizeof type, "DECIMAL(%d,0)", call->precision);
    return write_field(writer, call, type, error);
}

static Status write_truncated(Writer *writer, const Bound *call, Error *error)
{
    static const char *const UNITS[] = {"year", "quarter", "month",  "week",
                                        "day",  "hour",    "minute", "second"};
    const Bound *unit = call->children[0];
    const char *found = NULL;
    for (size_t i = 0; unit->kind == BOUND_CONSTANT && !unit->as.constant.is_null &&
                       i < sizeof UNITS / sizeof UNITS[0];
         i++) {
        if (slice_equal_ignoring_case(unit->as.constant.as.bytes, slice_of_text(UNITS[i])))
            found = UNITS[i];
    }
    if (found == NULL || !is_cheap(call->children[1]))
        return write_bridge(writer, call, error);
    put(writer, "(CASE WHEN ");
    TRY(write_common_range(writer, call->children[1], error));
    put_format(writer, " THEN date_trunc('%s', ", found);
    TRY(write_expression(writer, call->children[1], error));
    put(writer, ") ELSE ");
    TRY(write_bridge(writer, call, error));
    put(writer, " END)");
    return OK;
}

/* ---- zones ---- */

/* Europe/Berlin is the engine's, +02 and UTC the evaluator's. */
bool zone_is_named(const Bound *zone)
{
    if (zone->kind != BOUND_CONSTANT || zone->as.constant.is_null)
        return false;
    Slice name = zone->as.constant.as.bytes;
    return slice_find(name, '/') < name.size;
}

static Status write_zone(Writer *writer, const Bound *call, Error *error)
{
    if (!zone_is_named(call->children[0]))
        return write_bridge(writer, call, error);
    put(writer, "timezone(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ", ");
    TRY(write_expression(writer, call->children[1], error));
    put(writer, ")");
    return OK;
}

static Status write_age(Writer *writer, const Bound *call, Error *error)
{
    bool with_zone = call->children[0]->type.kind == TYPE_TIMESTAMPTZ;
    put_format(writer, "fn_%s(CAST(", call->as.function->symbol);
    put_now_as(writer, "DATE");
    put_format(writer, " AS %s), ", with_zone ? "TIMESTAMPTZ" : "TIMESTAMP");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ")");
    return OK;
}

Status write_time_call(Writer *writer, const Bound *call, Error *error)
{
    switch ((FunctionWriter)call->as.function->writer) {
    case WRITE_EXTRACT:
        return write_extract(writer, call, error);
    case WRITE_DATE_PART:
        return write_field(writer, call, "DOUBLE", error);
    case WRITE_DATE_TRUNC:
        return write_truncated(writer, call, error);
    case WRITE_ZONE:
        return write_zone(writer, call, error);
    case WRITE_NOW:
        put_now(writer);
        return OK;
    case WRITE_CURRENT_DATE:
        put_now_as(writer, "DATE");
        return OK;
    case WRITE_LOCALTIME:
        put_now_as(writer, "TIME");
        return OK;
    case WRITE_LOCALTIMESTAMP:
        put_now_as(writer, "TIMESTAMP");
        return OK;
    case WRITE_CURRENT_USER:
        writer->uses_user = true;
        put_parameter(writer, 2, "VARCHAR");
        return OK;
    default:
        return write_age(writer, call, error);
    }
}
