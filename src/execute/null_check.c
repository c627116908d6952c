/* SET NOT NULL, and ADD COLUMN … NOT NULL without a default: what rows there are decides, under the
 * table's exclusive lock, so that no NULL slips in between the look and the change. */
#include "execute/execute_int.h"

typedef struct NullSearch {
    const CatalogTable *table;
    uint32_t column;
    bool found;
} NullSearch;

static Status look_at_hot(Run *run, const Pin *pin, NullSearch *search, Error *error)
{
    HotScan *scan;
    Arena arena;
    Status status = OK;
    arena_open(&arena, 0);
    GO(hot_scan_open(pin, 0, SLICE_EMPTY, SLICE_EMPTY, false, &scan, error));
    while (!search->found) {
        Slice row;
        const RecordHeader *record = hot_scan_next(scan);
        if (record == NULL)
            break;
        arena_reset(&arena);
        status = record_row_in(record, hot_scan_schema(scan), search->table->schema, &arena, &row,
                               error);
        if (status == OK)
            status = check_cancelled(run, error);
        if (status != OK)
            break;
        search->found = row_is_null(row, search->column);
    }
    hot_scan_close(scan);
done:
    arena_close(&arena);
    return status;
}

static Status look_at_window_row(void *context, Schema *schema, const RecordHeader *record,
                                 Error *error)
{
    NullSearch *search = context;
    Arena arena;
    Slice row;
    arena_open(&arena, 0);
    Status status = record_row_in(record, schema, search->table->schema, &arena, &row, error);
    if (status == OK)
        search->found |= row_is_null(row, search->column);
    arena_close(&arena);
    return status;
}

/* Files say how many NULLs a column has; deleted rows may be among them, so a positive count is
 * believed only where nothing is deleted. */
static bool files_may_have_null(const Pin *pin, const Column *column)
{
    const ColdVersion *cold = pin_cold(pin, 0);
    for (size_t i = 0; i < cold_version_file_count(cold); i++) {
        const DataFile *file = cold_version_file(cold, i);
        bool is_known = false;
        for (uint32_t s = 0; s < file->statistics_count; s++) {
            if (file->statistics[s].field_id != column->field_id)
                continue;
            is_known = true;
            if (file->statistics[s].null_count > 0)
                return true;
        }
        if (!is_known && column->initial_default.is_null)
            return true;
    }
    return false;
}

/* The table as it is under the lock. */
static Status pin_table_of(const NullCheck *check, EngineTable **table, Pin **pin, Error *error)
{
    Engine *engine = check->run->executor->engine;
    *table = engine_table(engine, check->bound->table->id);
    if (*table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    return pin_open(engine, table, 1, pin, error);
}

static Status refuse(const CatalogTable *table, Slice column, Error *error)
{
    (void)error_set(error, STATUS_NOT_NULL_VIOLATION,
                    "column \"%.*s\" of relation \"%.*s\" contains null values",
                    SLICE_ARGUMENTS(column), SLICE_ARGUMENTS(table->name));
    error_set_hint(error, "Rows deleted from files count until STORAGE COMPACT TABLE.");
    return error->status;
}

static Status has_null(Run *run, const BoundAlterTable *bound, const Pin *pin, bool *has,
                       Error *error)
{
    NullSearch search = {.table = bound->table, .column = bound->column};
    TRY(look_at_hot(run, pin, &search, error));
    TRY(pin_visit_windows(pin, 0, 0, SLICE_EMPTY, SLICE_EMPTY, look_at_window_row, &search, error));
    *has = search.found || files_may_have_null(pin, &bound->table->schema->columns[bound->column]);
    return OK;
}

static Status has_row(const Pin *pin, bool *has, Error *error)
{
    TableCount count;
    TRY(pin_count(pin, 0, 0, &count, error));
    *has = count.hot_rows + count.cold_rows > 0;
    return OK;
}

Status check_not_null(void *context, Error *error)
{
    NullCheck *check = context;
    const BoundAlterTable *bound = check->bound;
    bool is_added = bound->kind == ALTER_ADD_COLUMN;
    Slice column =
        is_added ? bound->added.column.name : bound->table->schema->columns[bound->column].name;
    EngineTable *table = NULL;
    Pin *pin = NULL;
    bool has = false;
    Status status = OK;
    GO(pin_table_of(check, &table, &pin, error));
    GO(is_added ? has_row(pin, &has, error) : has_null(check->run, bound, pin, &has, error));
    if (has)
        status = refuse(bound->table, column, error);
done:
    pin_release(pin);
    engine_table_release(table);
    return status;
}
