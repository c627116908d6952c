/* row_to_json: the fields of a row as a JSON object, put together from its parts. */
#include "sql/binder_int.h"

static Status add_text(Binder *binder, BoundList *parts, Slice text, int32_t position, Error *error)
{
    Bound *part;
    Slice kept;
    TRY(arena_clone(binder->arena, text, &kept, error));
    TRY(bound_constant(binder, TYPE(TEXT), value_text(kept), position, &part, error));
    return bound_list_add(binder->arena, parts, part, error);
}

static Status field_name(Binder *binder, const Bound *row, uint32_t i, Slice *out, Error *error)
{
    if (row->field_names != NULL) {
        *out = row->field_names[i];
        return OK;
    }
    char *name = arena_format(binder->arena, "f%u", i + 1);
    if (name == NULL)
        return arena_error(binder->arena, error);
    *out = slice_of_text(name);
    return OK;
}

/* `{"a":` before the first field, `,"b":` before the others. */
static Status add_key(Binder *binder, BoundList *parts, const Bound *row, uint32_t i, Error *error)
{
    Slice name;
    Buffer text;
    TRY(field_name(binder, row, i, &name, error));
    buffer_open(&text, 0);
    buffer_put_text(&text, i == 0 ? "{" : ",");
    json_put_string(&text, name);
    buffer_put_text(&text, ":");
    Status status = buffer_status(&text, error);
    if (status == OK)
        status = add_text(binder, parts, buffer_slice(&text), row->position_byte, error);
    buffer_close(&text);
    return status;
}

/* coalesce(to_json(value)::text, 'null') */
static Status add_value(Binder *binder, BoundList *parts, Bound *value, Error *error)
{
    Resolution resolution;
    Bound *json;
    Bound *choice;
    int32_t position = value->position_byte;
    TRY(coerce_unknown_to_text(binder, &value, error));
    TRY(resolve_function(SLICE("to_json"), &value, 1, position, &resolution, error));
    TRY(call_make(binder, &resolution, &value, 1, position, &json, error));
    TRY(coerce_explicit(binder, json, TYPE(TEXT), position, &json, error));
    TRY(bound_new(binder, BOUND_COALESCE, TYPE(TEXT), position, 2, &choice, error));
    choice->children[0] = json;
    TRY(bound_constant(binder, TYPE(TEXT), value_text(SLICE("null")), position,
                       &choice->children[1], error));
    return bound_list_add(binder->arena, parts, choice, error);
}

Status bind_row_to_json(Binder *binder, Slice name, Bound *row, int32_t position, Bound **out,
                        Error *error)
{
    BoundList parts = {NULL, 0, 0};
    for (uint32_t i = 0; i < row->child_count; i++) {
        TRY(add_key(binder, &parts, row, i, error));
        TRY(add_value(binder, &parts, row->children[i], error));
    }
    TRY(add_text(binder, &parts, row->child_count == 0 ? SLICE("{}") : SLICE("}"), position,
                 error));
    Bound *whole = parts.items[0];
    for (uint32_t i = 1; i < parts.count; i++)
        TRY(bind_operator(binder, SLICE("||"), whole, parts.items[i], position, &whole, error));
    bool binary = slice_equal_text(name, "to_jsonb");
    return coerce_explicit(binder, whole, binary ? TYPE(JSONB) : TYPE(JSON), position, out, error);
}
