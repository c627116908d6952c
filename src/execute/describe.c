/* DESCRIBE: columns, then properties of the table with its counts, then its indexes. */
#include <stdio.h>

#include "execute/execute_int.h"
#include "sql/parse.h"
#include "sql/results.h"

typedef struct Describe {
    Run *run;
    RowSender sender;
    const CatalogTable *table;
    TableCount count;
    TablePolicy policy;
} Describe;

static Value optional_text(Slice text)
{
    return text.size > 0 ? value_text(text) : value_null(TYPE_TEXT);
}

static void clear_row(Value *values)
{
    static const TypeKind kinds[DESCRIBE_COLUMN_COUNT] = {[DESCRIBE_SECTION] = TYPE_TEXT,
                                                          [DESCRIBE_NAME] = TYPE_TEXT,
                                                          [DESCRIBE_TYPE] = TYPE_TEXT,
                                                          [DESCRIBE_NULLABLE] = TYPE_BOOLEAN,
                                                          [DESCRIBE_KEY_POSITION] = TYPE_INTEGER,
                                                          [DESCRIBE_DEFAULT] = TYPE_TEXT,
                                                          [DESCRIBE_VALUE] = TYPE_TEXT,
                                                          [DESCRIBE_COMMENT] = TYPE_TEXT};
    for (int i = 0; i < DESCRIBE_COLUMN_COUNT; i++)
        values[i] = value_null(kinds[i]);
}

static Status put_column(Describe *describe, const Column *column, Error *error)
{
    Value values[DESCRIBE_COLUMN_COUNT];
    char type[TYPE_NAME_BYTES_MAX];
    if (column->hidden)
        return OK;
    clear_row(values);
    type_name(column->type, type);
    values[DESCRIBE_SECTION] = value_text(SLICE("column"));
    values[DESCRIBE_NAME] = value_text(column->name);
    values[DESCRIBE_TYPE] = value_text(slice_of_text(type));
    values[DESCRIBE_NULLABLE] = value_boolean(!column->not_null);
    if (column->key_position >= 0)
        values[DESCRIBE_KEY_POSITION] = value_integer(TYPE_INTEGER, column->key_position + 1);
    values[DESCRIBE_DEFAULT] = optional_text(column->default_sql);
    values[DESCRIBE_COMMENT] = optional_text(column->comment);
    return row_sender_put(&describe->sender, values, error);
}

static Status put_property(Describe *describe, const char *name, Slice value, Error *error)
{
    Value values[DESCRIBE_COLUMN_COUNT];
    clear_row(values);
    values[DESCRIBE_SECTION] = value_text(SLICE("table"));
    values[DESCRIBE_NAME] = value_text(slice_of_text(name));
    values[DESCRIBE_VALUE] = optional_text(value);
    return row_sender_put(&describe->sender, values, error);
}

static Slice number_text(Describe *describe, int64_t number)
{
    char *text = arena_format(&describe->run->arena, "%lld", (long long)number);
    return text == NULL ? SLICE_EMPTY : slice_of_text(text);
}

static Slice milliseconds_text(Describe *describe, int64_t number)
{
    char *text = number % 1000 == 0
                     ? arena_format(&describe->run->arena, "%llds", (long long)number / 1000)
                     : arena_format(&describe->run->arena, "%lldms", (long long)number);
    return number == 0 || text == NULL ? SLICE_EMPTY : slice_of_text(text);
}

static Slice key_text(Describe *describe)
{
    const Schema *schema = describe->table->schema;
    Buffer text;
    Slice out = SLICE_EMPTY;
    Error ignored;
    if (schema->columns[schema->key_columns[0]].hidden)
        return SLICE_EMPTY;
    buffer_open(&text, 0);
    for (uint32_t i = 0; i < schema->key_count; i++) {
        if (i > 0)
            buffer_put_text(&text, ", ");
        buffer_put_slice(&text, schema->columns[schema->key_columns[i]].name);
    }
    if (arena_clone(&describe->run->arena, buffer_slice(&text), &out, &ignored) != OK)
        out = SLICE_EMPTY;
    buffer_close(&text);
    return out;
}

static Slice property_value(Describe *describe, const char *name)
{
    static const char *const kinds[] = {
        [TABLE_SHARED] = "shared", [TABLE_USER] = "user", [TABLE_STREAM] = "stream"};
    static const char *const access[] = {"private", "protected", "public"};
    const CatalogTable *table = describe->table;
    const TableCount *count = &describe->count;
    const TablePolicy *policy = &describe->policy;
    struct {
        const char *name;
        Slice value;
    } properties[] = {
        {"namespace", table->namespace_name},
        {"table", table->name},
        {"kind", slice_of_text(kinds[table->kind])},
        {"access",
         table->kind == TABLE_SHARED ? slice_of_text(access[table->access]) : SLICE_EMPTY},
        {"key", key_text(describe)},
        {"storage", table->storage},
        {"flush_rows", number_text(describe, policy->flush_rows)},
        {"flush_interval", milliseconds_text(describe, policy->flush_interval_ns / 1000000)},
        {"flush_bytes", number_text(describe, policy->flush_bytes)},
        {"ttl", milliseconds_text(describe, policy->ttl_us / 1000)},
        {"compression", slice_of_text(policy->compression)},
        {"hot_rows", number_text(describe, (int64_t)count->hot_rows)},
        {"cold_rows", number_text(describe, (int64_t)count->cold_rows)},
        {"total_rows", number_text(describe, (int64_t)(count->hot_rows + count->cold_rows))},
        {"files", number_text(describe, (int64_t)count->files)},
        {"bytes", number_text(describe, (int64_t)(count->hot_bytes + count->cold_bytes))},
        {"comment", table->comment},
    };
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
        if (strcmp(properties[i].name, name) == 0)
            return properties[i].value;
    }
    UNREACHABLE();
}

/* A user sees how many rows he has himself; who may read all, how many there are. */
static Status count_rows(Describe *describe, Error *error)
{
    Run *run = describe->run;
    GuardedObject object = object_of_table(describe->table);
    bool all = guard_allows(run->who.role, ACTION_SELECT_ALL_USERS, &object);
    EngineTable *table = engine_table(run->executor->engine, describe->table->id);
    Pin *pin = NULL;
    Status status = OK;
    if (table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    engine_table_policy(table, &describe->policy);
    GO(pin_open(run->executor->engine, &table, 1, &pin, error));
    GO(pin_count(pin, 0, all ? 0 : owner_for(run, describe->table), &describe->count, error));
done:
    pin_release(pin);
    engine_table_release(table);
    return status;
}

static Status put_table(Describe *describe, Error *error)
{
    TRY(count_rows(describe, error));
#define X(name) TRY(put_property(describe, name, property_value(describe, name), error));
    DESCRIBE_PROPERTIES(X)
#undef X
    return OK;
}

static Status put_key_index(Describe *describe, Error *error)
{
    Value values[DESCRIBE_COLUMN_COUNT];
    Slice columns = key_text(describe);
    if (columns.size == 0)
        return OK;
    clear_row(values);
    values[DESCRIBE_SECTION] = value_text(SLICE("index"));
    values[DESCRIBE_NAME] = value_text(SLICE("primary"));
    values[DESCRIBE_TYPE] = value_text(SLICE("key"));
    values[DESCRIBE_VALUE] = value_text(columns);
    return row_sender_put(&describe->sender, values, error);
}

static Status put_system_columns(Describe *describe, const SystemTable *system, Error *error)
{
    for (uint32_t i = 0; i < system->column_count; i++) {
        Column column = {.name = slice_of_text(system->columns[i].name),
                         .type = system->columns[i].type,
                         .key_position = -1};
        TRY(put_column(describe, &column, error));
    }
    return OK;
}

static Status put_everything(Describe *describe, Error *error)
{
    const BoundMaintenance *bound = describe->run->plan->as.maintenance;
    if (bound->system != NULL)
        return put_system_columns(describe, bound->system, error);
    const Schema *schema = bound->table->schema;
    for (uint32_t i = 0; i < schema->column_count; i++)
        TRY(put_column(describe, &schema->columns[i], error));
    TRY(put_table(describe, error));
    return put_key_index(describe, error);
}

Status run_describe(Run *run, Error *error)
{
    const ResultSink *sink = run->sink;
    Describe describe = {.run = run, .table = run->plan->as.maintenance->table};
    uint32_t count;
    const ResultColumn *columns = statement_result_columns(run->plan, &count);
    Status status = OK;
    TRY(sink->columns(sink->context, columns, count, error));
    row_sender_open(run, columns, count, &describe.sender);
    GO(put_everything(&describe, error));
    GO(row_sender_flush(&describe.sender, error));
    run->summary->has_rows = true;
    run->summary->row_count = describe.sender.sent;
    set_tag(run, "DESCRIBE");
done:
    row_sender_close(&describe.sender);
    return status;
}
