/* Aggregates, plain and over windows. */
#include "sql/writer_int.h"

#include <stdio.h>

/* ---- what stands around a call ---- */

void put_direction(Writer *writer, const BoundOrder *order)
{
    put(writer, order->descending ? " DESC" : " ASC");
    put(writer, order->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

Status write_order(Writer *writer, const BoundOrder *order, uint32_t count, Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        put(writer, i == 0 ? " ORDER BY " : ", ");
        TRY(write_key(writer, order[i].value, error));
        put_direction(writer, &order[i]);
    }
    return OK;
}

static bool is_distinct(const Bound *call)
{
    return call->aggregate != NULL && call->aggregate->distinct;
}

/* name([DISTINCT] argument … [ORDER BY …]) FILTER … OVER …, the first argument by `argument`. */
typedef Status (*ArgumentWriter)(Writer *writer, const Bound *call, Error *error);

static Status write_single(Writer *writer, const Bound *call, const char *name,
                           ArgumentWriter argument, Error *error)
{
    put_format(writer, "%s(%s", name, is_distinct(call) ? "DISTINCT " : "");
    TRY(argument(writer, call, error));
    if (call->aggregate != NULL && !call->aggregate->within_group)
        TRY(write_order(writer, call->aggregate->order, call->aggregate->order_count, error));
    put(writer, ")");
    return write_suffix(writer, call, error);
}

static Status first_argument(Writer *writer, const Bound *call, Error *error)
{
    return write_expression(writer, call->children[0], error);
}

static Status first_as_double(Writer *writer, const Bound *call, Error *error)
{
    put(writer, "CAST(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, " AS DOUBLE)");
    return OK;
}

static bool refuses_distinct(const Bound *call)
{
    return is_distinct(call) && needs_key(call->children[0]);
}

/* ---- count, sum, avg ---- */

static Status write_count(Writer *writer, const Bound *call, Error *error)
{
    if (call->child_count == 0) {
        put(writer, "count(*)");
        return write_suffix(writer, call, error);
    }
    bool counts_all = call->children[0]->kind == BOUND_ROW && !is_distinct(call);
    if (counts_all) {
        put(writer, "count(*)");
        return write_suffix(writer, call, error);
    }
    put_format(writer, "count(%s", is_distinct(call) ? "DISTINCT " : "");
    TRY(write_key(writer, call->children[0], error));
    put(writer, ")");
    return write_suffix(writer, call, error);
}

static const char *sum_function(const Bound *argument)
{
    if (needs_key(argument))
        return "pg_num_sum";
    return argument->type.kind == TYPE_INTERVAL ? "pg_interval_sum" : "sum";
}

/* The sum in the form the call's type says: DuckDB's are HUGEINT, DOUBLE or wider DECIMAL. */
static Status write_sum(Writer *writer, const Bound *call, Error *error)
{
    const Bound *argument = call->children[0];
    if (refuses_distinct(call))
        return error_unwritable(call, error, "sum(DISTINCT …) of such a number");
    bool as_is = needs_key(argument) || argument->type.kind == TYPE_INTERVAL ||
                 argument->type.kind == TYPE_DOUBLE;
    if (!as_is)
        put(writer, "CAST(");
    TRY(write_single(writer, call, sum_function(argument), first_argument, error));
    if (as_is)
        return OK;
    put(writer, " AS ");
    put_type(writer, call->type, call->scale, call->precision);
    put(writer, ")");
    return OK;
}

/* Exact numbers: the sum divided by the count, as PostgreSQL divides. */
static Status write_average(Writer *writer, const Bound *call, Error *error)
{
    const Bound *argument = call->children[0];
    if (call->type.kind == TYPE_DOUBLE)
        return write_single(writer, call, "avg", first_as_double, error);
    if (refuses_distinct(call))
        return error_unwritable(call, error, "avg(DISTINCT …) of such a number");
    bool is_interval = call->type.kind == TYPE_INTERVAL;
    put(writer, is_interval ? "fn_interval_divide(" : "fn_numeric_divide(CAST(");
    TRY(write_single(writer, call, sum_function(argument), first_argument, error));
    put(writer, is_interval ? ", CAST(" : " AS VARCHAR), CAST(");
    TRY(write_single(writer, call, "count", first_argument, error));
    put(writer, is_interval ? " AS DOUBLE))" : " AS VARCHAR))");
    return OK;
}

/* ---- extremes ---- */

static Status first_with_key(Writer *writer, const Bound *call, Error *error)
{
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ", ");
    return write_key(writer, call->children[0], error);
}

static Status write_extreme(Writer *writer, const Bound *call, Error *error)
{
    const char *name = call->as.function->engine;
    if (!needs_key(call->children[0]))
        return write_single(writer, call, name, first_argument, error);
    if (is_distinct(call))
        return error_unwritable(call, error, "DISTINCT of such a number");
    bool is_max = name[1] == 'a';
    return write_single(writer, call, is_max ? "arg_max" : "arg_min", first_with_key, error);
}

static Status write_named(Writer *writer, const Bound *call, Error *error)
{
    return write_single(writer, call, call->as.function->engine, first_argument, error);
}

/* ---- texts, arrays, JSON ---- */

static Status text_and_separator(Writer *writer, const Bound *call, Error *error)
{
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ", ");
    return write_expression(writer, call->children[1], error);
}

static Status write_string(Writer *writer, const Bound *call, Error *error)
{
    const Bound *separator = call->children[1];
    if (separator->kind != BOUND_CONSTANT || separator->as.constant.is_null)
        return error_unwritable(call, error, "string_agg with a separator that is not a constant");
    return write_single(writer, call, "string_agg", text_and_separator, error);
}

static Status first_open(Writer *writer, const Bound *call, Error *error)
{
    return write_open_value(writer, call->children[0], error);
}

/* DISTINCT sorts, and NULL comes last. */
static Status write_array(Writer *writer, const Bound *call, Error *error)
{
    bool sorts = is_distinct(call) && call->aggregate->order_count == 0;
    if (is_distinct(call) && call->children[0]->type.kind == TYPE_DECIMAL)
        return error_unwritable(call, error, "array_agg(DISTINCT …) of numbers");
    if (!sorts)
        return write_single(writer, call, "list", first_open, error);
    put(writer, "list(DISTINCT ");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, " ORDER BY ");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, " ASC NULLS LAST)");
    return write_suffix(writer, call, error);
}

/* A value as JSON text, NULL as null. */
static Status write_json_value(Writer *writer, const Bound *value, bool binary, Error *error)
{
    put(writer, "coalesce(");
    TRY(write_to_json(writer, value, binary, error));
    put(writer, ", 'null')");
    return OK;
}

static Status element_of_array(Writer *writer, const Bound *call, Error *error)
{
    bool binary = call->type.kind == TYPE_JSONB;
    TRY(write_json_value(writer, call->children[0], binary, error));
    put(writer, ", ', '");
    return OK;
}

static Status write_json_array(Writer *writer, const Bound *call, Error *error)
{
    if (is_distinct(call) || call->children[0]->kind == BOUND_ROW)
        return error_unwritable(call, error, "this form of json_agg");
    put(writer, "('[' || ");
    TRY(write_single(writer, call, "string_agg", element_of_array, error));
    put(writer, " || ']')");
    return OK;
}

/* "key" : value, as json_object_agg writes it. */
static Status member_of_object(Writer *writer, const Bound *call, Error *error)
{
    put(writer, "(fn_any_to_json(pg_json_key(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ")) || ' : ' || ");
    TRY(write_json_value(writer, call->children[1], false, error));
    put(writer, "), ', '");
    return OK;
}

static Status write_json_object(Writer *writer, const Bound *call, Error *error)
{
    bool binary = call->type.kind == TYPE_JSONB;
    if (is_distinct(call))
        return error_unwritable(call, error, "DISTINCT here");
    put(writer, binary ? "pg_cast_text_jsonb('{' || " : "('{ ' || ");
    TRY(write_single(writer, call, "string_agg", member_of_object, error));
    put(writer, binary ? " || '}')" : " || ' }')");
    return OK;
}

/* ---- statistics ---- */

/* Exact numbers from count, sum and sum of squares, as PostgreSQL's numeric aggregates do. */
static Status write_squares(Writer *writer, const Bound *call, Error *error)
{
    const Bound *argument = call->children[0];
    uint8_t precision = argument->precision;
    int16_t scale = argument->scale;
    if (argument->type.kind != TYPE_DECIMAL) {
        precision = 19;
        scale = 0;
    }
    put_format(writer, "CAST(CAST(sum(%s", is_distinct(call) ? "DISTINCT " : "");
    for (int i = 0; i < 2; i++) {
        put(writer, i == 0 ? "CAST(" : " * CAST(");
        TRY(write_expression(writer, argument, error));
        put_format(writer, " AS DECIMAL(%d,%d))", precision, scale);
    }
    put(writer, ")");
    TRY(write_suffix(writer, call, error));
    put_format(writer, " AS DECIMAL(38,%d)) AS VARCHAR)", 2 * scale);
    return OK;
}

static Status write_exact_variance(Writer *writer, const Bound *call, const char *name,
                                   Error *error)
{
    const Bound *argument = call->children[0];
    bool is_number = argument->type.kind == TYPE_DECIMAL;
    if (needs_key(argument) || (is_number && 2 * argument->scale > DECIMAL_PRECISION_MAX) ||
        is_distinct(call))
        return error_unwritable(call, error, "the variance of such a number");
    put_format(writer, "pg_num_%s(CAST(", name);
    TRY(write_single(writer, call, "count", first_argument, error));
    put(writer, " AS VARCHAR), CAST(");
    TRY(write_single(writer, call, "sum", first_argument, error));
    put(writer, " AS VARCHAR), ");
    TRY(write_squares(writer, call, error));
    put(writer, ")");
    return OK;
}

/* stddev is stddev_samp, variance is var_samp. */
static const char *variance_name(const char *name)
{
    if (strcmp(name, "stddev") == 0)
        return "stddev_samp";
    return strcmp(name, "variance") == 0 ? "var_samp" : name;
}

static Status write_variance(Writer *writer, const Bound *call, Error *error)
{
    const char *name = variance_name(call->as.function->engine);
    if (call->type.kind != TYPE_DOUBLE)
        return write_exact_variance(writer, call, name, error);
    char function[32];
    snprintf(function, sizeof function, "pg_f8_%s", name);
    return write_single(writer, call, function, first_as_double, error);
}

static Status two_arguments(Writer *writer, const Bound *call, Error *error)
{
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ", ");
    return write_expression(writer, call->children[1], error);
}

static Status write_regression(Writer *writer, const Bound *call, Error *error)
{
    char function[32];
    if (is_distinct(call))
        return error_unwritable(call, error, "DISTINCT here");
    snprintf(function, sizeof function, "pg_%s", call->as.function->engine);
    return write_single(writer, call, function, two_arguments, error);
}

/* ---- ordered sets ---- */

static Status check_fraction(const Bound *call, const Value *fraction, Error *error)
{
    if (fraction->is_null || (fraction->as.real >= 0 && fraction->as.real <= 1))
        return OK;
    return error_set_at(error, call->position_byte, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                        "percentile value %g is not between 0 and 1", fraction->as.real);
}

/* Constants only: DuckDB computes the place when it plans. */
static Status write_fraction(Writer *writer, const Bound *call, Error *error)
{
    const Bound *fraction = call->children[0];
    const Value *value = &fraction->as.constant;
    if (fraction->kind == BOUND_ARRAY) {
        put(writer, "[");
        for (uint32_t i = 0; i < fraction->child_count; i++) {
            const Bound *element = fraction->children[i];
            if (element->kind != BOUND_CONSTANT || element->as.constant.is_null)
                return error_unwritable(call, error, "a percentile that is not a constant");
            TRY(check_fraction(call, &element->as.constant, error));
            put(writer, i == 0 ? "" : ", ");
            TRY(write_expression(writer, element, error));
        }
        put(writer, "]");
        return OK;
    }
    if (fraction->kind != BOUND_CONSTANT || fraction->type.kind != TYPE_DOUBLE || value->is_null)
        return error_unwritable(call, error, "a percentile that is not a constant");
    TRY(check_fraction(call, value, error));
    return write_expression(writer, fraction, error);
}

static Status write_percentile(Writer *writer, const Bound *call, Error *error)
{
    const BoundOrder *order = &call->aggregate->order[0];
    bool is_text_like = type_is_text(order->value->type);
    if (needs_key(order->value) || (order->descending && is_text_like))
        return error_unwritable(call, error, "a percentile of such values");
    put_format(writer, "%s(", call->as.function->engine);
    TRY(write_expression(writer, order->value, error));
    put(writer, ", ");
    TRY(write_fraction(writer, call, error));
    if (order->descending)
        put(writer, " ORDER BY 1 DESC");
    put(writer, ")");
    return write_suffix(writer, call, error);
}

/* The most frequent value, the least of them where there are several: a histogram is sorted. */
static Status write_mode(Writer *writer, const Bound *call, Error *error)
{
    const BoundOrder *order = &call->aggregate->order[0];
    if (needs_key(order->value) || order->descending)
        return error_unwritable(call, error, "mode of such values");
    put(writer, "pg_mode(histogram(");
    TRY(write_expression(writer, order->value, error));
    put(writer, ")");
    TRY(write_suffix(writer, call, error));
    put(writer, ")");
    return OK;
}

/* ---- the call ---- */

static Status write_by_kind(Writer *writer, const Bound *call, Error *error)
{
    switch ((FunctionWriter)call->as.function->writer) {
    case WRITE_COUNT:
        return write_count(writer, call, error);
    case WRITE_SUM:
        return write_sum(writer, call, error);
    case WRITE_AVERAGE:
        return write_average(writer, call, error);
    case WRITE_EXTREME:
        return write_extreme(writer, call, error);
    case WRITE_STRING_AGGREGATE:
        return write_string(writer, call, error);
    case WRITE_ARRAY_AGGREGATE:
        return write_array(writer, call, error);
    case WRITE_JSON_AGGREGATE:
        return write_json_array(writer, call, error);
    case WRITE_JSON_OBJECT_AGGREGATE:
        return write_json_object(writer, call, error);
    case WRITE_VARIANCE:
        return write_variance(writer, call, error);
    case WRITE_REGRESSION:
        return write_regression(writer, call, error);
    case WRITE_PERCENTILE:
        return write_percentile(writer, call, error);
    case WRITE_MODE:
        return write_mode(writer, call, error);
    default:
        return write_named(writer, call, error);
    }
}

Status write_aggregate(Writer *writer, const Bound *call, Error *error)
{
    return write_by_kind(writer, call, error);
}
