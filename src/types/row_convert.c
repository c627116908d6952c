#include "base/assert.h"
#include "types/row.h"

/* A value of a column as the wider type has it: only what says its kind changes, because widening
 * keeps scales and bytes (type_widens_to). */
static void widen(Type to, Value *value)
{
    value->kind = to.kind;
}

static Status value_of_field(const Schema *from, Slice row, const Column *column, Arena *arena,
                             Value *out, Error *error)
{
    int32_t source = schema_find_field(from, column->field_id);
    if (source < 0) {
        *out = column->initial_default;
        out->kind = column->type.kind;
        return OK;
    }
    Type type = from->columns[source].type;
    if (!type_widens_to(type, column->type))
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "a column's type changed in a way that rows cannot follow");
    TRY(row_get_in(&from->layout, row, (uint32_t)source, arena, out, error));
    widen(column->type, out);
    return OK;
}

Status row_convert(const Schema *from, Slice row, const Schema *to, Arena *arena, Buffer *out,
                   Error *error)
{
    Value *values = ARENA_ARRAY(arena, Value, to->column_count);
    if (values == NULL)
        return arena_error(arena, error);
    for (uint32_t c = 0; c < to->column_count; c++)
        TRY(value_of_field(from, row, &to->columns[c], arena, &values[c], error));
    return row_encode(&to->layout, values, out, error);
}
