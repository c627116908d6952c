/* Parquet: read by a query worker, which gives each column as what it is; what it becomes in the
 * table is decided here, by the casts of every other INSERT. */
#include <stdio.h>

#include "database/load_int.h"
#include "query/sql_text.h"

/* A column of the file that is asked for. */
typedef struct ParquetColumn {
    Slice name;
    Type type;       /* as it is sent */
    uint32_t column; /* of the target */
} ParquetColumn;

typedef struct ParquetLoad {
    LoadFill fill;
    QueryPool *pool;
    QueryHandle *handle;
    Slice path;
    Arena arena; /* of the columns */
    ParquetColumn *columns;
    uint32_t column_count;
    uint64_t row;
    bool was_ours; /* the error is the visitor's or a cast's, not the file's */
} ParquetLoad;

/* ---- what the file has ---- */

typedef struct EngineType {
    const char *name; /* DuckDB's */
    Type type;        /* in which all its values fit */
} EngineType;

static const EngineType engine_types[] = {
    {"BOOLEAN", {.kind = TYPE_BOOLEAN}},
    {"TINYINT", {.kind = TYPE_SMALLINT}},
    {"UTINYINT", {.kind = TYPE_SMALLINT}},
    {"SMALLINT", {.kind = TYPE_SMALLINT}},
    {"USMALLINT", {.kind = TYPE_INTEGER}},
    {"INTEGER", {.kind = TYPE_INTEGER}},
    {"UINTEGER", {.kind = TYPE_BIGINT}},
    {"BIGINT", {.kind = TYPE_BIGINT}},
    {"UBIGINT", {.kind = TYPE_DECIMAL, .a = 20}},
    {"FLOAT", {.kind = TYPE_REAL}},
    {"DOUBLE", {.kind = TYPE_DOUBLE}},
    {"VARCHAR", {.kind = TYPE_TEXT}},
    {"JSON", {.kind = TYPE_TEXT}},
    {"BLOB", {.kind = TYPE_BYTEA}},
    {"DATE", {.kind = TYPE_DATE}},
    {"TIME", {.kind = TYPE_TIME}},
    {"TIMESTAMP", {.kind = TYPE_TIMESTAMP}},
    {"TIMESTAMP_S", {.kind = TYPE_TIMESTAMP}},
    {"TIMESTAMP_MS", {.kind = TYPE_TIMESTAMP}},
    {"TIMESTAMP_NS", {.kind = TYPE_TIMESTAMP}},
    {"TIMESTAMP WITH TIME ZONE", {.kind = TYPE_TIMESTAMPTZ}},
    {"UUID", {.kind = TYPE_UUID}},
};

static bool decimal_from_name(Slice name, Type *out)
{
    int precision;
    int scale;
    char text[32];
    char end;
    if (name.size >= sizeof text)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    if (sscanf(text, "DECIMAL(%2d,%2d%c", &precision, &scale, &end) != 3 || end != ')')
        return false;
    *out = (Type){.kind = TYPE_DECIMAL, .a = precision, .b = scale};
    return type_is_valid(*out);
}

/* What a column of DuckDB's type is sent as for a target of this type. */
static bool sent_type(Slice name, Type target, Type *out)
{
    bool is_list = name.size > 2 && name.data[name.size - 1] == ']';
    for (size_t i = 0; i < sizeof engine_types / sizeof engine_types[0]; i++) {
        if (slice_equal_text(name, engine_types[i].name)) {
            *out = engine_types[i].type;
            return true;
        }
    }
    if (is_list && target.kind == TYPE_VECTOR) {
        *out = target;
        return true;
    }
    return decimal_from_name(name, out);
}

static bool can_become(Type from, Type to)
{
    return type_equal(from, to) || from.kind == TYPE_TEXT || from.kind == to.kind ||
           type_can_cast(from, to, CAST_ASSIGNMENT);
}

static Status cannot_become(Slice column, Slice name, Type to, Error *error)
{
    char type[TYPE_NAME_BYTES_MAX];
    type_name(to, type);
    return error_set(error, STATUS_DATATYPE_MISMATCH, "column \"%.*s\" is %s, and %.*s in the file",
                     SLICE_ARGUMENTS(column), type, SLICE_ARGUMENTS(slice_part(name, 0, 64)));
}

static Status add_column(ParquetLoad *load, Slice name, Slice type_text, Error *error)
{
    ParquetColumn *made = &load->columns[load->column_count];
    uint32_t column;
    bool may_be_ours = name.size > 0 && name.data[0] == '_'; /* _seq, _updated, _row, … */
    if (may_be_ours && fill_find(&load->fill, name, &column, &(Error){0}) != OK)
        return OK;
    TRY(fill_find(&load->fill, name, &column, error));
    Type to = load->fill.target->columns[column].type;
    if (!sent_type(type_text, to, &made->type) || !can_become(made->type, to))
        return cannot_become(name, type_text, to, error);
    if (load->column_count == COLUMNS_MAX)
        return error_of(error, STATUS_TOO_MANY_COLUMNS);
    TRY(arena_clone(&load->arena, name, &made->name, error));
    made->column = column;
    load->column_count++;
    return OK;
}

static Status take_description(void *context, const RowLayout *layout, const Slice *rows,
                               size_t count, Error *error)
{
    ParquetLoad *load = context;
    for (size_t i = 0; i < count; i++) {
        Value name;
        Value type;
        row_get(layout, rows[i], 0, &name);
        row_get(layout, rows[i], 1, &type);
        if (name.is_null || type.is_null)
            continue;
        Status status = add_column(load, name.as.bytes, type.as.bytes, error);
        load->was_ours = status != OK;
        TRY(status);
    }
    return OK;
}

/* ---- statements ---- */

/* What the engine says of a file that it cannot read is about its own files; here it is the
 * client's. Errors of the machine stay what they are. */
static Status explain_failure(const ParquetLoad *load, Status status, Error *error)
{
    static const Status of_files[] = {STATUS_IO_ERROR,          STATUS_INVALID_PARAMETER_VALUE,
                                      STATUS_DATA_CORRUPTED,    STATUS_FEATURE_NOT_SUPPORTED,
                                      STATUS_DATATYPE_MISMATCH, STATUS_INTERNAL,
                                      STATUS_WORKER_FAILED};
    if (load->was_ours)
        return status;
    for (size_t i = 0; i < sizeof of_files / sizeof of_files[0]; i++) {
        if (status != of_files[i])
            continue;
        char internal[ERROR_INTERNAL_BYTES_MAX];
        (void)snprintf(internal, sizeof internal, "%s", error->internal);
        (void)error_set(error, STATUS_BAD_COPY_FILE_FORMAT,
                        "the body is no Parquet file that can be read");
        (void)snprintf(error->internal, sizeof error->internal, "%s", internal);
        return error->status;
    }
    return status;
}

static Status run(ParquetLoad *load, const Buffer *sql, const Type *types, size_t count,
                  Status (*take)(void *context, const RowLayout *layout, const Slice *rows,
                                 size_t count, Error *error),
                  Error *error)
{
    Slice pieces[] = {buffer_slice(sql)};
    QueryText text = {.pieces = pieces};
    QueryRequest request = {.text = &text,
                            .result_types = types,
                            .result_count = count,
                            .format = QUERY_ROWS,
                            .deadline_ns = INT64_MAX,
                            .now_us = load->fill.target->now_us};
    QuerySink sink = {.rows = take, .context = load};
    QueryResult result;
    TRY(buffer_status(sql, error));
    load->was_ours = false;
    Status status = query_run(load->pool, &request, &sink, load->handle, &result, error);
    return status == OK ? OK : explain_failure(load, status, error);
}

static void put_file(const ParquetLoad *load, Buffer *sql)
{
    buffer_put_text(sql, "read_parquet(");
    sql_put_literal(sql, load->path);
    buffer_put_text(sql, ", hive_partitioning = false)");
}

static Status describe_file(ParquetLoad *load, Error *error)
{
    static const Type types[] = {{.kind = TYPE_TEXT}, {.kind = TYPE_TEXT}};
    Buffer sql;
    load->columns = ARENA_ARRAY(&load->arena, ParquetColumn, COLUMNS_MAX + 1);
    if (load->columns == NULL)
        return arena_error(&load->arena, error);
    buffer_open(&sql, 0);
    buffer_put_text(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ");
    put_file(load, &sql);
    buffer_put_text(&sql, ")");
    Status status = run(load, &sql, types, 2, take_description, error);
    buffer_close(&sql);
    if (status == OK && load->column_count == 0)
        return error_set(error, STATUS_BAD_COPY_FILE_FORMAT,
                         "the file has none of the table's columns");
    return status;
}

/* ---- rows ---- */

static Status read_value(ParquetLoad *load, const ParquetColumn *column, const RowLayout *layout,
                         Slice row, uint32_t number, Error *error)
{
    LoadFill *fill = &load->fill;
    Type to = fill->target->columns[column->column].type;
    Value *out = &fill->values[column->column];
    Value value;
    row_get(layout, row, number, &value);
    fill->given[column->column] = true;
    if (value.is_null)
        return OK;
    Status status;
    if (column->type.kind == TYPE_TEXT && !type_is_text(to))
        status =
            value_from_text_at(&fill->arena, to, value.as.bytes, fill->target->now_us, out, error);
    else
        status = value_cast_at(&fill->arena, &value, column->type, to, CAST_ASSIGNMENT,
                               fill->target->now_us, out, error);
    return status == OK ? OK : load_fail_in(fill, "row", load->row, column->column, error);
}

static Status read_row(ParquetLoad *load, const RowLayout *layout, Slice row, Error *error)
{
    fill_begin(&load->fill);
    load->row++;
    for (uint32_t i = 0; i < load->column_count; i++)
        TRY(read_value(load, &load->columns[i], layout, row, i, error));
    return fill_visit(&load->fill, load->row, error);
}

static Status take_rows(void *context, const RowLayout *layout, const Slice *rows, size_t count,
                        Error *error)
{
    ParquetLoad *load = context;
    for (size_t i = 0; i < count; i++) {
        Status status = read_row(load, layout, rows[i], error);
        load->was_ours = status != OK;
        TRY(status);
    }
    error_clear(error); /* query_run takes an error that was set for a failure */
    return OK;
}

static Status read_file(ParquetLoad *load, Error *error)
{
    Type *types = ARENA_ARRAY(&load->arena, Type, load->column_count);
    Buffer sql;
    if (types == NULL)
        return arena_error(&load->arena, error);
    buffer_open(&sql, 0);
    for (uint32_t i = 0; i < load->column_count; i++) {
        types[i] = load->columns[i].type;
        buffer_put_text(&sql, i == 0 ? "SELECT CAST(" : ", CAST(");
        sql_put_identifier(&sql, load->columns[i].name);
        buffer_put_text(&sql, " AS ");
        sql_put_type(&sql, types[i]);
        buffer_put_text(&sql, ")");
    }
    buffer_put_text(&sql, " FROM ");
    put_file(load, &sql);
    Status status = run(load, &sql, types, load->column_count, take_rows, error);
    buffer_close(&sql);
    return status;
}

Status load_parquet(const LoadTarget *target, QueryPool *pool, const char *path,
                    QueryHandle *handle, Error *error)
{
    ParquetLoad load = {.pool = pool, .handle = handle, .path = slice_of_text(path)};
    TRY(fill_open(target, &load.fill, error));
    arena_open(&load.arena, 0);
    Status status = describe_file(&load, error);
    if (status == OK)
        status = read_file(&load, error);
    arena_close(&load.arena);
    fill_close(&load.fill);
    return status;
}
