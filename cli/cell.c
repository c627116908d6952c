#include "cli/cell.h"

#include "base/json.h"

/* A string without escapes is its own text: nearly all of them are. */
static bool is_plain_string(Slice raw)
{
    if (raw.size < 2 || raw.data[0] != '"' || memchr(raw.data, '\\', raw.size) != NULL)
        return false;
    return slice_find(slice_part(raw, 1, raw.size), '"') == raw.size - 2;
}

Status cell_read(Arena *arena, Slice raw, Cell *out, Error *error)
{
    JsonValue *value;
    *out = (Cell){.text = raw};
    if (slice_equal_text(raw, "null")) {
        out->is_null = true;
        return OK;
    }
    if (is_plain_string(raw)) {
        out->text = slice_part(raw, 1, raw.size - 2);
        return OK;
    }
    TRY(json_read(arena, raw, CELL_DEPTH_MAX, &value, error));
    if (value->kind == JSON_STRING)
        out->text = value->text;
    return OK;
}

bool type_is_number(Slice type)
{
    static const char *const names[] = {"SMALLINT", "INT",     "INTEGER", "BIGINT", "REAL",
                                        "DOUBLE",   "DECIMAL", "NUMERIC", "FLOAT"};
    size_t size = 0;
    while (size < type.size && type.data[size] != '(' && type.data[size] != ' ')
        size++;
    if (type.size > 0 && type.data[type.size - 1] == ']')
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equal_ignoring_case(slice_part(type, 0, size), slice_of_text(names[i])))
            return true;
    }
    return false;
}
