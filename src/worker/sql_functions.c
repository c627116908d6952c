#include "base/memory.h"
#include "worker/names.h"
#include "worker/sql_functions_int.h"

typedef struct Macro {
    const char *name;
    const char *definition;
} Macro;

static const Macro macros[] = {
    {"pg_slice", "(a, i, j) AS CASE WHEN i IS NOT NULL AND j IS NOT NULL THEN"
                 " list_slice(a, greatest(i, 1), greatest(j, 0)) END"},
    {"pg_any", "(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, true) THEN true"
               " WHEN len(list_filter(l, lambda b: b IS NULL)) > 0 THEN NULL ELSE false END"},
    {"pg_all", "(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, false) THEN false"
               " WHEN len(list_filter(l, lambda b: b IS NULL)) > 0 THEN NULL ELSE true END"},
    {"pg_mode", "(h) AS list_extract(map_keys(h),"
                " list_position(map_values(h), list_max(map_values(h))))"},
    {"pg_step", "(s) AS CASE WHEN s = 0 THEN error('PG22023 step size cannot equal zero')"
                " ELSE s END"},
};

enum { MACRO_COUNT = sizeof macros / sizeof *macros };

static size_t total_count(void)
{
    return MACRO_COUNT + sql_casts.count + sql_numbers.count + sql_json.count +
           sql_aggregate_count + sql_statistic_count;
}

Status sql_functions_open(SqlFunctions *functions, const Bridge *bridge, Error *error)
{
    functions->bridge = bridge;
    functions->is_registered =
        memory_allocate_zeroed(total_count(), sizeof *functions->is_registered);
    return functions->is_registered == NULL ? error_out_of_memory(error) : OK;
}

void sql_functions_close(SqlFunctions *functions)
{
    memory_free(functions->is_registered);
    *functions = (SqlFunctions){.bridge = NULL};
}

static Status create_macro(duckdb_connection connection, const Macro *macro, Error *error)
{
    Buffer sql;
    buffer_open(&sql, 0);
    buffer_put_format(&sql, "CREATE MACRO %s%s", macro->name, macro->definition);
    buffer_put_u8(&sql, 0);
    Status status = buffer_status(&sql, error);
    if (status == OK && duckdb_query(connection, (const char *)sql.data, NULL) != DuckDBSuccess)
        status = error_set(error, STATUS_INTERNAL, "macro %s was refused", macro->name);
    buffer_close(&sql);
    return status;
}

/* Where the name stands among all, and how it is registered. */
typedef struct Found {
    size_t number;
    const Macro *macro;
    const SqlScalar *scalar;
    const SqlAggregate *aggregate;
} Found;

static bool find_scalar(const SqlTable *table, Slice name, Found *out)
{
    for (size_t i = 0; i < table->count; i++, out->number++) {
        if (slice_equal_text(name, table->items[i].name)) {
            out->scalar = &table->items[i];
            return true;
        }
    }
    return false;
}

static bool find_aggregate(const SqlAggregate *items, size_t count, Slice name, Found *out)
{
    for (size_t i = 0; i < count; i++, out->number++) {
        if (slice_equal_text(name, items[i].name)) {
            out->aggregate = &items[i];
            return true;
        }
    }
    return false;
}

static bool find(Slice name, Found *out)
{
    *out = (Found){.number = 0};
    for (; out->number < MACRO_COUNT; out->number++) {
        if (slice_equal_text(name, macros[out->number].name)) {
            out->macro = &macros[out->number];
            return true;
        }
    }
    return find_scalar(&sql_casts, name, out) || find_scalar(&sql_numbers, name, out) ||
           find_scalar(&sql_json, name, out) ||
           find_aggregate(sql_aggregates, sql_aggregate_count, name, out) ||
           find_aggregate(sql_statistics, sql_statistic_count, name, out);
}

static Status make(const SqlFunctions *functions, const Found *found, Error *error)
{
    const Bridge *bridge = functions->bridge;
    if (found->macro != NULL)
        return create_macro(bridge->connection, found->macro, error);
    if (found->aggregate != NULL)
        return found->aggregate->make(bridge->connection, found->aggregate->name, error);
    return bridge_register(bridge, found->scalar->name, found->scalar->signature,
                           found->scalar->with_nulls, found->scalar->function, error);
}

Status sql_functions_prepare(SqlFunctions *functions, Slice sql, Error *error)
{
    Slice name;
    while (names_next(&sql, SLICE("pg_"), &name)) {
        Found found;
        if (!find(name, &found) || functions->is_registered[found.number])
            continue;
        TRY(make(functions, &found, error));
        functions->is_registered[found.number] = true;
    }
    return OK;
}
