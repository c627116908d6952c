/* Calls of scalar functions: templates, the bridge, and those with a writer of their own. */
#include "sql/writer_int.h"

/* ---- the bridge ---- */

Status write_bridge(Writer *writer, const Bound *call, Error *error)
{
    const CatalogueFunction *function = call->as.function;
    if (function->symbol == NULL)
        return error_set_at(error, call->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "%s is not supported here", function->name);
    bool is_number = call->type.kind == TYPE_DECIMAL && call->scale != SCALE_VARIES;
    if (is_number)
        put(writer, "CAST(");
    put_format(writer, "fn_%s(", function->symbol);
    for (uint32_t i = 0; i < call->child_count; i++) {
        if (i > 0)
            put(writer, ", ");
        TRY(write_expression(writer, call->children[i], error));
    }
    put(writer, ")");
    if (is_number)
        put_format(writer, " AS DECIMAL(%d,%d))", call->precision, call->scale);
    return OK;
}

/* ---- templates ---- */

static uint32_t count_uses(const char *template, uint32_t argument)
{
    uint32_t count = 0;
    for (const char *at = template; *at != 0; at++)
        count += at[0] == '$' && at[1] == (char)('1' + argument);
    return count;
}

/* Numbers of varying scale are not DuckDB's to compute with; what is written twice must be small.
 */
static bool template_fits(const Bound *call)
{
    const CatalogueFunction *function = call->as.function;
    if (function->engine == NULL)
        return false;
    if (call->type.kind == TYPE_DECIMAL && call->scale == SCALE_VARIES)
        return false;
    for (uint32_t i = 0; i < call->child_count; i++) {
        if (bound_is_open_number(call->children[i]))
            return false;
        if (count_uses(function->engine, i) > 1 && !is_cheap(call->children[i]))
            return false;
    }
    return true;
}

static Status write_template(Writer *writer, const char *template, const Bound *call, Error *error)
{
    for (const char *at = template; *at != 0; at++) {
        bool is_argument = at[0] == '$' && at[1] >= '1' && at[1] <= '9';
        if (!is_argument) {
            buffer_put_u8(&writer->out, (uint8_t)*at);
            continue;
        }
        at++;
        uint32_t argument = (uint32_t)(*at - '1');
        ASSERT(argument < call->child_count);
        TRY(write_open_element(writer, call, argument, error));
    }
    return OK;
}

/* An element that goes into an array is kept as the array's elements are. */
Status write_open_element(Writer *writer, const Bound *call, uint32_t argument, Error *error)
{
    const CatalogueFunction *function = call->as.function;
    ArgumentType declared = overload_argument(function, argument);
    bool is_element = declared == ARGUMENT_COMPATIBLE || declared == ARGUMENT_ELEMENT;
    const Bound *child = call->children[argument];
    return is_element && child->type.kind == TYPE_DECIMAL ? write_open_value(writer, child, error)
                                                          : write_expression(writer, child, error);
}

Status write_list_template(Writer *writer, const Bound *call, Error *error)
{
    return write_template(writer, call->as.function->engine, call, error);
}

static Status write_plain(Writer *writer, const Bound *call, Error *error)
{
    const CatalogueFunction *function = call->as.function;
    bool no_choice = function->symbol == NULL && function->engine != NULL;
    if (template_fits(call) || no_choice)
        return write_template(writer, function->engine, call, error);
    return write_bridge(writer, call, error);
}

/* ---- arithmetic with a guard ---- */

static bool is_positive_constant(const Bound *bound)
{
    return bound->kind == BOUND_CONSTANT && !bound->as.constant.is_null &&
           bound->as.constant.as.integer > 0;
}

static Status write_binary(Writer *writer, const char *operation, const Bound *call, Error *error)
{
    put(writer, "(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, operation);
    TRY(write_expression(writer, call->children[1], error));
    put(writer, ")");
    return OK;
}

/* Zero and negative divisors go to the evaluator, which knows the errors. */
static Status write_guarded(Writer *writer, const char *operation, const Bound *call, Error *error)
{
    const Bound *divisor = call->children[1];
    if (is_positive_constant(divisor))
        return write_binary(writer, operation, call, error);
    if (!is_cheap(call->children[0]) || !is_cheap(divisor))
        return write_bridge(writer, call, error);
    put(writer, "(CASE WHEN ");
    TRY(write_expression(writer, divisor, error));
    put(writer, " > 0 THEN ");
    TRY(write_binary(writer, operation, call, error));
    put(writer, " ELSE ");
    TRY(write_bridge(writer, call, error));
    put(writer, " END)");
    return OK;
}

/* DuckDB keeps the larger scale; the cast gives the one that was asked for. */
static Status write_round(Writer *writer, const Bound *call, Error *error)
{
    const Bound *number = call->children[0];
    bool is_native = call->scale != SCALE_VARIES && !bound_is_open_number(number);
    if (!is_native)
        return write_bridge(writer, call, error);
    bool by_cast = call->child_count == 1 || call->children[1]->as.constant.as.integer >= 0;
    put(writer, by_cast ? "CAST(" : "CAST(round(");
    TRY(write_expression(writer, number, error));
    if (!by_cast)
        put_format(writer, ", %lld)", (long long)call->children[1]->as.constant.as.integer);
    put_format(writer, " AS DECIMAL(%d,%d))", call->precision, call->scale);
    return OK;
}

/* A pattern without an escape is the same to both. */
static Status write_like(Writer *writer, const Bound *call, Error *error)
{
    const Bound *pattern = call->children[1];
    bool is_plain =
        pattern->kind == BOUND_CONSTANT && !pattern->as.constant.is_null &&
        slice_find(pattern->as.constant.as.bytes, '\\') == pattern->as.constant.as.bytes.size;
    return is_plain ? write_binary(writer, " LIKE ", call, error)
                    : write_bridge(writer, call, error);
}

/* NULL beside an array is nothing; two NULLs are NULL. */
static Status write_array_concat(Writer *writer, const Bound *call, Error *error)
{
    bool both_cheap = is_cheap(call->children[0]) && is_cheap(call->children[1]);
    if (!both_cheap)
        return write_binary(writer, " || ", call, error);
    put(writer, "(CASE WHEN ");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, " IS NULL THEN ");
    TRY(write_expression(writer, call->children[1], error));
    put(writer, " WHEN ");
    TRY(write_expression(writer, call->children[1], error));
    put(writer, " IS NULL THEN ");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, " ELSE list_concat(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ", ");
    TRY(write_expression(writer, call->children[1], error));
    put(writer, ") END)");
    return OK;
}

/* ---- elements ---- */

static bool has_array_of_numbers(const Bound *call)
{
    for (uint32_t i = 0; i < call->child_count; i++) {
        const Type *type = &call->children[i]->type;
        if (type->kind == TYPE_ARRAY && type->element == TYPE_DECIMAL)
            return true;
    }
    return false;
}

static Status write_number_key(Writer *writer, const Bound *bound, Error *error)
{
    put_key_open(writer, bound->type);
    TRY(write_open_value(writer, bound, error));
    put_key_close(writer, bound->type);
    return OK;
}

/* On the engine an array of numbers is one of texts, so 1 is not 1.0 there: whatever only compares
 * gets the keys instead. */
static Status write_by_elements(Writer *writer, const Bound *call, Error *error)
{
    if (!has_array_of_numbers(call))
        return write_bridge(writer, call, error);
    put_format(writer, "fn_%s(", call->as.function->symbol);
    for (uint32_t i = 0; i < call->child_count; i++) {
        const Bound *child = call->children[i];
        bool is_number = child->type.kind == TYPE_DECIMAL || child->type.kind == TYPE_ARRAY;
        put(writer, i > 0 ? ", " : "");
        TRY(is_number ? write_number_key(writer, child, error)
                      : write_expression(writer, child, error));
    }
    put(writer, ")");
    return OK;
}

/* array_remove(array, value), array_replace(array, value, other) */
static Status write_elements_changed(Writer *writer, const Bound *call, Error *error)
{
    bool replaces = call->child_count > 2;
    if (!has_array_of_numbers(call))
        return write_plain(writer, call, error);
    put(writer, replaces ? "list_transform(" : "list_filter(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, replaces ? ", lambda x: CASE WHEN pg_num_key(x) IS NOT DISTINCT FROM "
                         : ", lambda x: pg_num_key(x) IS DISTINCT FROM ");
    TRY(write_number_key(writer, call->children[1], error));
    if (replaces) {
        put(writer, " THEN ");
        TRY(write_open_value(writer, call->children[2], error));
        put(writer, " ELSE x END");
    }
    put(writer, ")");
    return OK;
}

Status write_call(Writer *writer, const Bound *call, Error *error)
{
    switch ((FunctionWriter)call->as.function->writer) {
    case WRITE_PLAIN:
        return write_plain(writer, call, error);
    case WRITE_TO_JSON:
    case WRITE_JSON_OBJECT:
    case WRITE_JSON_ARRAY:
        return write_json_call(writer, call, error);
    case WRITE_DIVIDE:
        return write_guarded(writer, " // ", call, error);
    case WRITE_MODULO:
        return write_guarded(writer, " % ", call, error);
    case WRITE_ROUND:
        return write_round(writer, call, error);
    case WRITE_LIKE:
        return write_like(writer, call, error);
    case WRITE_ARRAY_CONCAT:
        return write_array_concat(writer, call, error);
    case WRITE_BY_ELEMENTS:
        return write_by_elements(writer, call, error);
    case WRITE_ELEMENTS_CHANGED:
        return write_elements_changed(writer, call, error);
    case WRITE_EXTRACT:
    case WRITE_DATE_PART:
    case WRITE_DATE_TRUNC:
    case WRITE_ZONE:
    case WRITE_NOW:
    case WRITE_CURRENT_DATE:
    case WRITE_LOCALTIMESTAMP:
    case WRITE_LOCALTIME:
    case WRITE_CURRENT_USER:
    case WRITE_AGE_NOW:
        return write_time_call(writer, call, error);
    case WRITE_SERIES:
    case WRITE_LIST_SET:
        return write_set_call(writer, call, error);
    default:
        return write_regex_call(writer, call, error);
    }
}
