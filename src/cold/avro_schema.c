/* Reading an Avro schema: JSON in, a tree of types out. Names defined once may be used again, also
 * inside their own definition; the depth of values is limited where they are read. */
#include "base/assert.h"
#include "cold/avro.h"

enum { SCHEMA_JSON_DEPTH_MAX = 4 * AVRO_DEPTH_MAX };

typedef struct NamedType {
    Slice name; /* without its namespace */
    const AvroType *type;
} NamedType;

typedef struct SchemaReader {
    Arena *arena;
    NamedType *names;
    uint32_t name_count;
    Error *error;
} SchemaReader;

static Status read_type(SchemaReader *reader, const JsonValue *json, uint32_t depth,
                        const AvroType **out);

static Status malformed(SchemaReader *reader, const char *what)
{
    return avro_damaged(what, reader->error);
}

static bool find_primitive(Slice name, AvroKind *out)
{
    static const struct {
        const char *name;
        AvroKind kind;
    } primitives[] = {
        {"null", AVRO_NULL},   {"boolean", AVRO_BOOLEAN}, {"int", AVRO_INT},
        {"long", AVRO_LONG},   {"float", AVRO_FLOAT},     {"double", AVRO_DOUBLE},
        {"bytes", AVRO_BYTES}, {"string", AVRO_STRING},
    };
    for (size_t i = 0; i < sizeof primitives / sizeof primitives[0]; i++) {
        if (slice_equal_text(name, primitives[i].name)) {
            *out = primitives[i].kind;
            return true;
        }
    }
    return false;
}

/* "org.example.r102" and "r102" are one: no writer of Iceberg has the same name in two spaces. */
static Slice without_namespace(Slice name)
{
    size_t begin = 0;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '.')
            begin = i + 1;
    }
    return slice_part(name, begin, name.size);
}

static const AvroType *find_name(const SchemaReader *reader, Slice name)
{
    name = without_namespace(name);
    for (uint32_t i = 0; i < reader->name_count; i++) {
        if (slice_equal(reader->names[i].name, name))
            return reader->names[i].type;
    }
    return NULL;
}

static Status define_name(SchemaReader *reader, const JsonValue *json, const AvroType *type)
{
    Slice name = json_member_text(json, "name", SLICE_EMPTY);
    if (name.size == 0)
        return malformed(reader, "a named type has no name");
    if (find_name(reader, name) != NULL)
        return malformed(reader, "a name is defined twice");
    if (reader->name_count == AVRO_NAMES_MAX)
        return error_set(reader->error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "an Avro schema has more than %d named types", AVRO_NAMES_MAX);
    reader->names[reader->name_count++] = (NamedType){without_namespace(name), type};
    return OK;
}

static Status read_named(SchemaReader *reader, Slice name, AvroType *type, const AvroType **out)
{
    if (find_primitive(name, &type->kind)) {
        *out = type;
        return OK;
    }
    *out = find_name(reader, name);
    return *out == NULL ? malformed(reader, "a type is not defined") : OK;
}

static Status read_union(SchemaReader *reader, const JsonValue *json, uint32_t depth,
                         AvroType *type)
{
    type->kind = AVRO_UNION;
    type->count = json->count;
    type->branches = ARENA_ARRAY(reader->arena, const AvroType *, json->count);
    if (type->branches == NULL)
        return arena_error(reader->arena, reader->error);
    for (uint32_t i = 0; i < json->count; i++) {
        TRY(read_type(reader, &json->children[i], depth + 1, &type->branches[i]));
        if (type->branches[i]->kind == AVRO_UNION)
            return malformed(reader, "a union in a union");
    }
    return OK;
}

static Status read_fields(SchemaReader *reader, const JsonValue *json, uint32_t depth,
                          AvroType *type)
{
    const JsonValue *fields = json_member(json, "fields");
    if (fields == NULL || fields->kind != JSON_ARRAY)
        return malformed(reader, "a record has no fields");
    AvroField *out = ARENA_ARRAY(reader->arena, AvroField, fields->count);
    if (out == NULL)
        return arena_error(reader->arena, reader->error);
    for (uint32_t i = 0; i < fields->count; i++) {
        const JsonValue *field = &fields->children[i];
        const JsonValue *field_type = json_member(field, "type");
        int64_t id = json_member_integer(field, "field-id", -1);
        if (field_type == NULL)
            return malformed(reader, "a field has no type");
        out[i].name = json_member_text(field, "name", SLICE_EMPTY);
        out[i].field_id = id >= 0 && id <= INT32_MAX ? (int32_t)id : -1;
        TRY(read_type(reader, field_type, depth + 1, &out[i].type));
    }
    type->fields = out;
    type->count = fields->count;
    return OK;
}

static Status read_sized(SchemaReader *reader, const JsonValue *json, AvroType *type)
{
    const JsonValue *symbols = json_member(json, "symbols");
    int64_t size = type->kind == AVRO_FIXED ? json_member_integer(json, "size", -1)
                   : symbols == NULL        ? -1
                                            : (int64_t)symbols->count;
    if (size < 0 || size > AVRO_BLOCK_BYTES_MAX)
        return malformed(reader, "a type has no size");
    type->size = (uint32_t)size;
    return define_name(reader, json, type);
}

static Status read_element(SchemaReader *reader, const JsonValue *json, uint32_t depth,
                           AvroType *type)
{
    const JsonValue *element = json_member(json, type->kind == AVRO_ARRAY ? "items" : "values");
    if (element == NULL)
        return malformed(reader, "an array or map has no element type");
    return read_type(reader, element, depth + 1, &type->element);
}

/* {"type": …}: a complex type, or a simple one with attributes of no interest here. */
static Status read_object(SchemaReader *reader, const JsonValue *json, uint32_t depth,
                          AvroType *type, const AvroType **out)
{
    const JsonValue *of = json_member(json, "type");
    if (of == NULL)
        return malformed(reader, "a type is missing");
    if (of->kind != JSON_STRING)
        return read_type(reader, of, depth + 1, out);
    *out = type;
    if (slice_equal_text(of->text, "record")) {
        type->kind = AVRO_RECORD;
        TRY(define_name(reader, json, type));
        return read_fields(reader, json, depth, type);
    }
    if (slice_equal_text(of->text, "array") || slice_equal_text(of->text, "map")) {
        type->kind = slice_equal_text(of->text, "map") ? AVRO_MAP : AVRO_ARRAY;
        return read_element(reader, json, depth, type);
    }
    if (slice_equal_text(of->text, "fixed") || slice_equal_text(of->text, "enum")) {
        type->kind = slice_equal_text(of->text, "fixed") ? AVRO_FIXED : AVRO_ENUM;
        return read_sized(reader, json, type);
    }
    return read_named(reader, of->text, type, out);
}

static Status read_type(SchemaReader *reader, const JsonValue *json, uint32_t depth,
                        const AvroType **out)
{
    if (depth >= AVRO_DEPTH_MAX)
        return error_set(reader->error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "an Avro schema nests deeper than %d levels", AVRO_DEPTH_MAX);
    AvroType *type = ARENA_NEW(reader->arena, AvroType);
    if (type == NULL)
        return arena_error(reader->arena, reader->error);
    switch (json->kind) {
    case JSON_STRING:
        return read_named(reader, json->text, type, out);
    case JSON_ARRAY:
        *out = type;
        return read_union(reader, json, depth, type);
    case JSON_OBJECT:
        return read_object(reader, json, depth, type, out);
    default:
        return malformed(reader, "a type is neither name nor object");
    }
}

Status avro_schema_read(Arena *arena, Slice json, const AvroType **out, Error *error)
{
    SchemaReader reader = {.arena = arena, .error = error};
    JsonValue *root;
    if (json.size > AVRO_SCHEMA_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "an Avro schema is longer than %d",
                         AVRO_SCHEMA_BYTES_MAX);
    Status status = json_read(arena, json, SCHEMA_JSON_DEPTH_MAX, &root, error);
    if (status == STATUS_INVALID_JSON_TEXT)
        return avro_damaged("its schema is not JSON", error);
    TRY(status);
    reader.names = ARENA_ARRAY(arena, NamedType, AVRO_NAMES_MAX);
    if (reader.names == NULL)
        return arena_error(arena, error);
    return read_type(&reader, root, 0, out);
}
