/* Runs statements through the binder and both executors, and prints what came of each.
 *
 *     stdin    one statement a line (newline, tab and backslash escaped)
 *     stdout   engine TAB short path TAB DuckDB's text, escaped alike, where a result is
 *              [type,type] value|value / value|value, an error ERROR sqlstate text, and the short
 *              path is "-" where the statement has none
 * The engine is DuckDB in this process, furnished as a worker furnishes it. A line that begins with
 * "!" is SQL for DuckDB itself (it makes the tables), one that begins with "@" defines a table for
 * the binder: @name column type[, …].
 *
 * compare.py drives it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sql/parse.h"
#include "worker/engine.h"
#include "worker/errors.h"
#include "worker/parameter.h"
#include "worker/vector.h"

typedef struct Driver {
    Engine engine;
    Env *env;
    CatalogSnapshot *snapshot;
    uint64_t next_id;
    int64_t now_us;
    bool keep_constants;
} Driver;

static void die(const Error *error)
{
    fprintf(stderr, "engine_cases: %s (%s)\n", error->message, error->internal);
    exit(2);
}

/* ---- escaped lines ---- */

static void put_escaped(Buffer *out, Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '\n')
            buffer_put_text(out, "\\n");
        else if (c == '\t')
            buffer_put_text(out, "\\t");
        else if (c == '\\')
            buffer_put_text(out, "\\\\");
        else
            buffer_put_u8(out, c);
    }
}

static void unescape(char *line)
{
    char *to = line;
    for (char *from = line; *from != 0; from++) {
        if (*from == '\\' && from[1] != 0) {
            from++;
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
}

static void put_error(Buffer *out, const Error *error)
{
    buffer_put_format(out, "ERROR %s %s", status_sqlstate(error->status), error->message);
}

/* ---- tables ---- */

enum { TABLE_COLUMNS_MAX = 64 };

static Type read_type(const char *text)
{
    int a = 0;
    int b = 0;
    char name[64];
    size_t size = strcspn(text, "(");
    snprintf(name, sizeof name, "%.*s", (int)size, text);
    sscanf(text + size, "(%d,%d)", &a, &b);
    TypeKind kind;
    if (!type_from_name(slice_of_text(name), &kind)) {
        fprintf(stderr, "engine_cases: no type %s\n", name);
        exit(2);
    }
    return (Type){.kind = (uint8_t)kind, .a = a, .b = b};
}

/* "name type name type …", with a hidden key behind them as tables without a key have it. */
static uint32_t read_columns(char *text, Column *columns)
{
    uint32_t count = 0;
    char *rest;
    for (char *name = strtok_r(text, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        const char *type = strtok_r(NULL, " ", &rest);
        columns[count] = (Column){.name = slice_of_text(name),
                                  .type = read_type(type),
                                  .field_id = count + 1,
                                  .key_position = -1};
        columns[count].initial_default = value_null((TypeKind)columns[count].type.kind);
        count++;
    }
    columns[count] = (Column){.name = SLICE("_row"),
                              .type = TYPE(BIGINT),
                              .field_id = count + 1,
                              .not_null = true,
                              .hidden = true,
                              .key_position = 0,
                              .initial_default = value_null(TYPE_BIGINT)};
    return count + 1;
}

static void define_table(Driver *driver, char *text)
{
    Error error;
    Column columns[TABLE_COLUMNS_MAX];
    char *rest;
    char *name = strtok_r(text, " ", &rest);
    uint32_t count = read_columns(rest, columns);
    const Expression *defaults[TABLE_COLUMNS_MAX] = {NULL};
    Schema *schema;
    uint64_t id = driver->next_id++;
    if (schema_create(id, 1, TABLE_SHARED, columns, count, count + 1, &schema, &error) != OK)
        die(&error);
    CatalogChange change = {.kind = CATALOG_TABLE};
    change.as.table = (CatalogTable){.id = id,
                                     .namespace_id = 1,
                                     .namespace_name = SLICE("public"),
                                     .name = slice_of_text(name),
                                     .kind = TABLE_SHARED,
                                     .storage = SLICE("local"),
                                     .schema = schema,
                                     .defaults = defaults};
    CatalogSnapshot *next;
    if (catalog_snapshot_apply(driver->snapshot, &change, 1, &next, &error) != OK)
        die(&error);
    catalog_snapshot_release(driver->snapshot);
    driver->snapshot = next;
    schema_release(schema);
}

static void define_namespace(Driver *driver)
{
    Error error;
    CatalogChange change = {.kind = CATALOG_NAMESPACE};
    change.as.name_space = (CatalogNamespace){.id = 1, .name = SLICE("public")};
    CatalogSnapshot *empty;
    if (catalog_snapshot_empty(&empty, &error) != OK ||
        catalog_snapshot_apply(empty, &change, 1, &driver->snapshot, &error) != OK)
        die(&error);
    catalog_snapshot_release(empty);
    driver->next_id = 10;
}

/* ---- results ---- */

static void put_header(Buffer *out, const BoundSelect *select)
{
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < select->column_count; i++) {
        char name[TYPE_NAME_BYTES_MAX];
        Type type = select->columns[i].type;
        type_postgres_name((Type){.kind = type.kind, .element = type.element}, name);
        buffer_put_format(out, "%s%s", i == 0 ? "" : ",", name);
    }
    buffer_put_text(out, "] ");
}

static void put_cell(Buffer *out, uint32_t column, Type type, const Value *value)
{
    if (column > 0)
        buffer_put_u8(out, '|');
    if (value->is_null) {
        buffer_put_text(out, "∅");
        return;
    }
    if (type.kind == TYPE_DECIMAL)
        type = TYPE(DECIMAL);
    if (value->kind == TYPE_TEXT && type.kind != TYPE_CHAR)
        type = TYPE(TEXT);
    value_put_text(out, type, value);
}

static Status put_chunk(Buffer *out, const BoundSelect *select, VectorReader *readers,
                        duckdb_data_chunk chunk, uint64_t *rows, Error *error)
{
    Arena arena;
    Status status = OK;
    arena_open(&arena, 0);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk) && status == OK; row++) {
        if ((*rows)++ > 0)
            buffer_put_text(out, " / ");
        for (uint32_t i = 0; i < select->column_count && status == OK; i++) {
            Value value;
            reader_point(&readers[i], duckdb_data_chunk_get_vector(chunk, i));
            status = reader_get(&readers[i], row, &arena, &value, error);
            if (status == OK)
                put_cell(out, i, select->columns[i].type, &value);
        }
    }
    arena_close(&arena);
    return status;
}

static Status put_result(Driver *driver, Buffer *out, const BoundSelect *select,
                         duckdb_result result, Error *error)
{
    Arena arena;
    uint64_t rows = 0;
    Status status = OK;
    arena_open(&arena, 0);
    VectorReader *readers = ARENA_ARRAY(&arena, VectorReader, select->column_count);
    uint32_t opened = 0;
    for (; opened < select->column_count && status == OK; opened++)
        status = reader_open(&readers[opened], &arena, duckdb_column_logical_type(&result, opened),
                             select->columns[opened].sent, error);
    duckdb_data_chunk chunk;
    (void)driver;
    while (status == OK && (chunk = duckdb_fetch_chunk(result)) != NULL) {
        status = put_chunk(out, select, readers, chunk, &rows, error);
        duckdb_destroy_data_chunk(&chunk);
    }
    for (uint32_t i = 0; i < opened; i++)
        reader_close(&readers[i]);
    arena_close(&arena);
    return status;
}

/* ---- the engine ---- */

static void put_text(Buffer *out, const BoundSelect *select)
{
    const QueryText *text = &select->text;
    for (size_t i = 0; i <= text->hole_count; i++) {
        buffer_put_slice(out, text->pieces[i]);
        if (i == text->hole_count)
            break;
        const BoundReference *reference = &select->references[text->holes[i]];
        Slice name = reference->table != NULL ? reference->table->name
                                              : slice_of_text(reference->system->name);
        buffer_put_format(out, "(SELECT *, _row AS _seq FROM %.*s)", SLICE_ARGUMENTS(name));
    }
}

/* The statement's own parameters have no values here; behind them come now() and current_user. */
static Status bind_values(Driver *driver, duckdb_prepared_statement prepared,
                          uint32_t parameter_count, Error *error)
{
    Value values[2] = {value_integer(TYPE_TIMESTAMPTZ, driver->now_us),
                       value_text(SLICE("postgres"))};
    if (parameter_count > 0)
        return error_set(error, STATUS_UNDEFINED_PARAMETER, "there is no parameter $1");
    for (uint32_t i = 0; i < 2; i++) {
        if (duckdb_parameter_name(prepared, i + 1) != NULL)
            TRY(parameter_bind(prepared, i, &values[i], error));
    }
    return OK;
}

static Status execute(Driver *driver, Buffer *out, const BoundSelect *select, const char *sql,
                      uint32_t parameter_count, Error *error)
{
    duckdb_prepared_statement prepared = NULL;
    duckdb_result result;
    Status status;
    TRY(engine_prepare_names(&driver->engine, slice_of_text(sql), error));
    if (duckdb_prepare(driver->engine.connection, sql, &prepared) != DuckDBSuccess) {
        status = engine_error(&driver->engine, error, duckdb_prepare_error(prepared));
        duckdb_destroy_prepare(&prepared);
        return status;
    }
    status = bind_values(driver, prepared, parameter_count, error);
    if (status == OK) {
        if (duckdb_execute_prepared(prepared, &result) != DuckDBSuccess)
            status = engine_error(&driver->engine, error, duckdb_result_error(&result));
        else
            status = put_result(driver, out, select, result, error);
        duckdb_destroy_result(&result);
    }
    duckdb_destroy_prepare(&prepared);
    return status;
}

/* ---- the short path: SELECT without FROM ---- */

static Status run_short(Driver *driver, Buffer *out, const BoundSelect *select, Error *error)
{
    const ShortRead *read = select->short_read;
    EvaluationContext context = {
        .env = driver->env, .now_us = driver->now_us, .current_user = SLICE("postgres")};
    Arena arena;
    arena_open(&arena, 0);
    context.arena = &arena;
    bool is_true = true;
    Status status =
        read->filter == NULL ? OK : expression_is_true(read->filter, &context, &is_true, error);
    for (uint32_t i = 0; i < select->column_count && status == OK && is_true; i++) {
        Value value;
        status = expression_evaluate(read->projections[i], &context, &value, error);
        if (status == OK)
            put_cell(out, i, select->columns[i].type, &value);
    }
    arena_close(&arena);
    return status;
}

/* ---- a statement ---- */

static void run_select(Driver *driver, const Plan *plan, Buffer *out)
{
    const BoundSelect *select = plan->as.select;
    Buffer sql;
    Buffer part;
    Error error;
    buffer_open(&sql, 0);
    buffer_open(&part, 0);
    put_text(&sql, select);
    buffer_put_u8(&sql, 0);
    put_header(&part, select);
    if (execute(driver, &part, select, (const char *)sql.data, plan->parameter_count, &error) !=
        OK) {
        buffer_clear(&part);
        put_error(&part, &error);
    }
    put_escaped(out, buffer_slice(&part));
    buffer_put_u8(out, '\t');
    buffer_clear(&part);
    bool has_short = select->short_read != NULL && !select->short_read->has_table &&
                     select->short_read->limit == NULL && select->short_read->offset == NULL;
    if (!has_short) {
        buffer_put_u8(out, '-');
    } else {
        put_header(&part, select);
        if (run_short(driver, &part, select, &error) != OK) {
            buffer_clear(&part);
            put_error(&part, &error);
        }
        put_escaped(out, buffer_slice(&part));
    }
    buffer_put_u8(out, '\t');
    put_escaped(out, slice_of(sql.data, sql.size - 1));
    buffer_close(&sql);
    buffer_close(&part);
}

static Status bind_last(Driver *driver, Arena *arena, Slice text, Plan **plan, Error *error)
{
    Slice *statements;
    uint32_t count;
    SqlLimits limits = {0};
    TRY(statement_split(arena, text, &limits, &statements, &count, error));
    if (count == 0)
        return error_set(error, STATUS_SYNTAX_ERROR, "no statement");
    BindRequest request = {.sql = statements[count - 1],
                           .snapshot = driver->snapshot,
                           .namespace_name = SLICE("public"),
                           .keep_constants = driver->keep_constants};
    return plan_bind(&request, plan, error);
}

static void run_statement(Driver *driver, const char *line)
{
    Arena arena;
    Buffer out;
    Error error;
    Plan *plan;
    arena_open(&arena, 0);
    buffer_open(&out, 0);
    if (bind_last(driver, &arena, slice_of_text(line), &plan, &error) != OK) {
        Buffer text;
        buffer_open(&text, 0);
        put_error(&text, &error);
        put_escaped(&out, buffer_slice(&text));
        buffer_close(&text);
        buffer_put_text(&out, "\t-\t");
    } else if (plan->kind != STATEMENT_SELECT) {
        buffer_put_format(&out, "ERROR OURS %s\t-\t", statement_name(plan->kind));
        plan_release(plan);
    } else {
        run_select(driver, plan, &out);
        plan_release(plan);
    }
    printf("%.*s\n", (int)out.size, (const char *)out.data);
    fflush(stdout);
    buffer_close(&out);
    arena_close(&arena);
}

static void run_line(Driver *driver, char *line)
{
    Error error;
    unescape(line);
    if (line[0] == '!') {
        if (engine_execute(&driver->engine, line + 1, &error) != OK)
            die(&error);
    } else if (line[0] == '@') {
        define_table(driver, line + 1);
    } else if (line[0] == '#') {
        driver->keep_constants = strstr(line, "keep") != NULL;
    } else {
        run_statement(driver, line);
    }
}

int main(void)
{
    Driver driver = {.env = env_real()};
    Error error;
    char folder[] = "/tmp/engine_cases_XXXXXX";
    if (mkdtemp(folder) == NULL)
        return 2;
    WorkerSetup setup = {.threads = 2,
                         .memory_bytes_max = (uint64_t)2 << 30,
                         .spill_bytes_max = (uint64_t)1 << 30,
                         .spill_folder = slice_of_text(folder)};
    if (engine_open(&driver.engine, driver.env, &setup, &error) != OK)
        die(&error);
    driver.now_us = (int64_t)time(NULL) * 1000000;
    define_namespace(&driver);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        if (line[size - 1] == '\n')
            line[size - 1] = 0;
        run_line(&driver, line);
    }
    free(line);
    engine_close(&driver.engine);
    catalog_snapshot_release(driver.snapshot);
    (void)rmdir(folder);
    return 0;
}
