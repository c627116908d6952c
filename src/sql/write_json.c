/* Making JSON. On the engine JSON, and numbers of varying scale, are text: what must not be quoted
 * is put in as it is. */
#include "sql/writer_int.h"

static Status write_wrapped(Writer *writer, const char *before, const Bound *value,
                            const char *after, Error *error)
{
    put(writer, before);
    TRY(write_expression(writer, value, error));
    put(writer, after);
    return OK;
}

/* Elements that are JSON or numbers already. */
static Status write_array(Writer *writer, const Bound *value, bool binary, Error *error)
{
    uint8_t element = value->type.element;
    if (element == TYPE_JSON && binary)
        return error_unwritable(value, error, "to_jsonb of an array of json");
    if (element != TYPE_DECIMAL && element != TYPE_JSON && element != TYPE_JSONB)
        return write_wrapped(writer, binary ? "fn_any_to_jsonb(" : "fn_any_to_json(", value, ")",
                             error);
    return write_wrapped(writer, "('[' || fn_array_to_text(", value,
                         binary ? ", ', ', 'null') || ']')" : ", ',', 'null') || ']')", error);
}

Status write_to_json(Writer *writer, const Bound *value, bool binary, Error *error)
{
    const char *before = binary ? "fn_any_to_jsonb(" : "fn_any_to_json(";
    switch (value->type.kind) {
    case TYPE_DECIMAL:
        return write_open_value(writer, value, error);
    case TYPE_JSONB:
        return write_expression(writer, value, error);
    case TYPE_JSON:
        return binary ? write_wrapped(writer, "pg_cast_json_jsonb(", value, ")", error)
                      : write_expression(writer, value, error);
    case TYPE_ARRAY:
        return write_array(writer, value, binary, error);
    case TYPE_RECORD:
    case TYPE_VECTOR:
        return error_unwritable(value, error, "such a value as JSON");
    default:
        return write_wrapped(writer, before, value, ")", error);
    }
}

/* Does the bridge see what the value is? */
static bool is_natural(const Bound *value)
{
    switch (value->type.kind) {
    case TYPE_JSON:
    case TYPE_JSONB:
    case TYPE_RECORD:
    case TYPE_VECTOR:
        return false;
    case TYPE_DECIMAL:
        return value->scale != SCALE_VARIES;
    case TYPE_ARRAY:
        return value->type.element != TYPE_DECIMAL && value->type.element != TYPE_JSON &&
               value->type.element != TYPE_JSONB;
    default:
        return true;
    }
}

static Status write_element(Writer *writer, const Bound *value, Error *error)
{
    put(writer, "coalesce(");
    TRY(write_to_json(writer, value, false, error));
    put(writer, ", 'null')");
    return OK;
}

static Status write_key_text(Writer *writer, const Bound *key, Error *error)
{
    put(writer, "fn_any_to_json(pg_json_key(");
    TRY(write_text_of(writer, key, error));
    put(writer, "))");
    return OK;
}

static Status write_parts(Writer *writer, const Bound *call, bool is_object, Error *error)
{
    bool binary = call->type.kind == TYPE_JSONB;
    put(writer, binary ? "pg_cast_text_jsonb(" : "(");
    put(writer, is_object ? "'{'" : "'['");
    for (uint32_t i = 0; i < call->child_count; i++) {
        bool is_key = is_object && i % 2 == 0;
        const char *between = i == 0 ? "" : is_object && !is_key ? " || ' : '" : " || ', '";
        put(writer, between);
        put(writer, " || ");
        TRY(is_key ? write_key_text(writer, call->children[i], error)
                   : write_element(writer, call->children[i], error));
    }
    put(writer, is_object ? " || '}')" : " || ']')");
    return OK;
}

static Status write_build(Writer *writer, const Bound *call, bool is_object, Error *error)
{
    bool natural = true;
    for (uint32_t i = 0; i < call->child_count; i++)
        natural = natural && is_natural(call->children[i]);
    bool uneven = is_object && call->child_count % 2 == 1;
    return natural || uneven ? write_bridge(writer, call, error)
                             : write_parts(writer, call, is_object, error);
}

Status write_json_call(Writer *writer, const Bound *call, Error *error)
{
    if (call->as.function->writer == WRITE_TO_JSON)
        return write_to_json(writer, call->children[0], call->type.kind == TYPE_JSONB, error);
    return write_build(writer, call, call->as.function->writer == WRITE_JSON_OBJECT, error);
}
