/* Schemas: Firn's columns as Iceberg's JSON, and the types of that JSON's fields.
 *
 * No field is required: DuckDB writes every Parquet column as optional, whatever NOT NULL says.
 * The system columns _seq, _updated and, in USER tables, _user stand last. */
#include <stdio.h>

#include "base/assert.h"
#include "cold/cold.h"
#include "cold/iceberg.h"

_Static_assert(ICEBERG_ELEMENT_ID_OFFSET + COLUMNS_MAX < FIELD_ID_SEQ, "element ids have room");

/* ---- writing ---- */

static const char *simple_type_name(TypeKind kind)
{
    switch (kind) {
    case TYPE_BOOLEAN:
        return "boolean";
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
        return "int";
    case TYPE_BIGINT:
        return "long";
    case TYPE_REAL:
        return "float";
    case TYPE_DOUBLE:
        return "double";
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_JSON:
    case TYPE_JSONB:
        return "string";
    case TYPE_BYTEA:
        return "binary";
    case TYPE_DATE:
        return "date";
    case TYPE_TIME:
        return "time";
    case TYPE_TIMESTAMP:
        return "timestamp";
    case TYPE_TIMESTAMPTZ:
        return "timestamptz";
    case TYPE_UUID:
        return "uuid";
    default:
        UNREACHABLE(); /* type_is_storable holds for every column */
    }
}

static void put_vector_type(JsonWriter *json, uint32_t field_id)
{
    json_open_object(json);
    json_key(json, "type");
    json_text(json, "list");
    json_key(json, "element-id");
    json_unsigned(json, (uint64_t)field_id + ICEBERG_ELEMENT_ID_OFFSET);
    json_key(json, "element");
    json_text(json, "float");
    json_key(json, "element-required");
    json_boolean(json, false);
    json_close_object(json);
}

static void put_type(JsonWriter *json, Type type, uint32_t field_id)
{
    char name[40];
    if (type.kind == TYPE_VECTOR) {
        put_vector_type(json, field_id);
        return;
    }
    if (type.kind != TYPE_DECIMAL) {
        json_text(json, simple_type_name((TypeKind)type.kind));
        return;
    }
    int precision = type.a == 0 ? DECIMAL_PRECISION_MAX : type.a;
    (void)snprintf(name, sizeof name, "decimal(%d, %d)", precision, type.b);
    json_text(json, name);
}

static void put_field(JsonWriter *json, uint32_t id, Slice name, Type type, Slice comment)
{
    json_open_object(json);
    json_key(json, "id");
    json_unsigned(json, id);
    json_key(json, "name");
    json_slice(json, name);
    json_key(json, "required");
    json_boolean(json, false);
    json_key(json, "type");
    put_type(json, type, id);
    if (comment.size > 0) {
        json_key(json, "doc");
        json_slice(json, comment);
    }
    json_close_object(json);
}

void cold_put_iceberg_schema(Buffer *out, const Schema *schema)
{
    JsonWriter json;
    json_begin(&json, out);
    json_open_object(&json);
    json_key(&json, "type");
    json_text(&json, "struct");
    json_key(&json, "schema-id");
    json_unsigned(&json, schema->version);
    json_key(&json, "fields");
    json_open_array(&json);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const Column *column = &schema->columns[i];
        put_field(&json, column->field_id, column->name, column->type, column->comment);
    }
    put_field(&json, FIELD_ID_SEQ, SLICE("_seq"), TYPE(BIGINT),
              SLICE("sequence of the change that wrote the row"));
    put_field(&json, FIELD_ID_UPDATED, SLICE("_updated"), TYPE(TIMESTAMPTZ),
              SLICE("when it was committed"));
    if (schema_has_owner(schema))
        put_field(&json, FIELD_ID_OWNER, SLICE("_user"), TYPE(TEXT), SLICE("whose row it is"));
    json_close_array(&json);
    json_close_object(&json);
}

void iceberg_put_sort_fields(Buffer *out, const Schema *schema)
{
    JsonWriter json;
    json_begin(&json, out);
    json_open_array(&json);
    for (uint32_t i = 0; i < schema->key_count; i++) {
        json_open_object(&json);
        json_key(&json, "transform");
        json_text(&json, "identity");
        json_key(&json, "source-id");
        json_unsigned(&json, schema->columns[schema->key_columns[i]].field_id);
        json_key(&json, "direction");
        json_text(&json, "asc");
        json_key(&json, "null-order");
        json_text(&json, "nulls-first");
        json_close_object(&json);
    }
    json_close_array(&json);
}

/* ---- reading ---- */

static bool read_decimal_type(Slice text, IcebergField *field)
{
    int64_t scale;
    if (!slice_starts_with(text, SLICE("decimal(")) || text.data[text.size - 1] != ')')
        return false;
    size_t comma = slice_find(text, ',');
    if (comma == text.size ||
        !slice_to_int64(slice_trim(slice_part(text, comma + 1, text.size - comma - 2)), &scale) ||
        scale < 0 || scale > DECIMAL_PRECISION_MAX)
        return false;
    field->kind = ICEBERG_DECIMAL;
    field->scale = (uint8_t)scale;
    return true;
}

static void read_type_name(Slice text, IcebergField *field)
{
    static const struct {
        const char *name;
        IcebergKind kind;
    } kinds[] = {
        {"boolean", ICEBERG_BOOLEAN},
        {"int", ICEBERG_INT},
        {"long", ICEBERG_LONG},
        {"float", ICEBERG_FLOAT},
        {"double", ICEBERG_DOUBLE},
        {"string", ICEBERG_STRING},
        {"binary", ICEBERG_BINARY},
        {"date", ICEBERG_DATE},
        {"time", ICEBERG_TIME},
        {"timestamp", ICEBERG_TIMESTAMP},
        {"timestamptz", ICEBERG_TIMESTAMPTZ},
        {"uuid", ICEBERG_UUID},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_equal_text(text, kinds[i].name))
            field->kind = kinds[i].kind;
    }
    if (field->kind == ICEBERG_OTHER && text.size > 0)
        (void)read_decimal_type(text, field);
}

Status iceberg_schema_fields(Arena *arena, Slice json, IcebergField **out, size_t *count,
                             Error *error)
{
    JsonValue *root;
    TRY(iceberg_json(arena, json, &root, error));
    const JsonValue *fields = json_member(root, "fields");
    if (fields == NULL || fields->kind != JSON_ARRAY)
        return iceberg_damaged("a schema without fields", error);
    IcebergField *read = ARENA_ARRAY(arena, IcebergField, fields->count);
    if (read == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < fields->count; i++) {
        const JsonValue *field = &fields->children[i];
        int64_t id = json_member_integer(field, "id", -1);
        if (id < 0 || id > INT32_MAX)
            return iceberg_damaged("a field without an id", error);
        read[i].id = (uint32_t)id;
        read_type_name(json_member_text(field, "type", SLICE_EMPTY), &read[i]);
    }
    *out = read;
    *count = fields->count;
    return OK;
}

const IcebergField *iceberg_find_field(const IcebergField *fields, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].id == id)
            return &fields[i];
    }
    return NULL;
}
