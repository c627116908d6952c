/* The system tables: their columns as the page has them, rows that say what is there, and who sees
 * which of them. Over an engine with files of the simulation's format. */
#include "database/system_tables.h"

#include "tests/unit/database/fixture.h"

/* ---- rows as text: "a|b|…", a line each, sorted as they came ---- */

typedef struct Shown {
    const SystemTable *table;
    Buffer text;
    uint32_t count;
} Shown;

static Status show_row(void *context, const Value *values, Error *error)
{
    Shown *shown = context;
    (void)error;
    for (uint32_t i = 0; i < shown->table->column_count; i++) {
        Type type = shown->table->columns[i].type;
        assert_int_equal(values[i].kind, type.kind);
        if (i > 0)
            buffer_put_u8(&shown->text, '|');
        if (values[i].is_null)
            buffer_put_u8(&shown->text, '~');
        else
            value_put_text(&shown->text, type, &values[i]);
    }
    buffer_put_u8(&shown->text, '\n');
    shown->count++;
    return OK;
}

/* The rows' text, until the next call. */
static const char *show(Fixture *f, const char *table, OwnerId user, Role role, uint32_t *count)
{
    static Buffer kept;
    Principal who = {.user_id = user, .role = role, .acting_as = user};
    Shown shown = {.table = system_table_find(slice_of_text(table))};
    SystemRowSink sink = {show_row, &shown};
    Arena arena;
    Error error;
    assert_non_null(shown.table);
    buffer_open(&shown.text, 0);
    arena_open(&arena, 0);
    assert_ok(system_rows(&f->sources, shown.table, &who, &arena, &sink, &error), &error);
    arena_close(&arena);
    buffer_put_u8(&shown.text, 0);
    buffer_close(&kept);
    kept = shown.text;
    if (count != NULL)
        *count = shown.count;
    return (const char *)kept.data;
}

/* ---- tests ---- */

static void catalog_tables_say_what_there_is(void **state)
{
    Fixture *f = *state;
    uint32_t count;
    const char *text = show(f, "tables", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 4);
    assert_contains(text, "app|passing|stream|~|local|1|{id}|500|20000|1048576|3600000|");
    assert_contains(text, "app|own|user|~|local|1|{id}|500|20000|1048576|~|zstd|"
                          "{\"flush_rows\":500,\"flush_interval\":\"20s\"}|~|");
    assert_contains(text, "app|open|shared|protected|local|1|{id}|");
    assert_contains(text, "app|closed|shared|private|local|1|~|");
    text = show(f, "columns", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 8);
    assert_contains(text, "app|own|id|1|1|INTEGER|f|~|1|~|f\n");
    assert_contains(text, "app|own|body|2|2|TEXT|t|~|~|the letter|f\n");
    text = show(f, "namespaces", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 2);
    assert_contains(text, "app|root|");
    text = show(f, "users", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 3);
    assert_null(strstr(text, "argon2"));
    assert_contains(text, "root|system|~|~|");
    text = show(f, "storages", f->root, ROLE_SYSTEM, &count);
    assert_contains(text, "local|filesystem|");
    assert_contains(text, "|{}|4|0|");
    (void)show(f, "indexes", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 3);
}

static void dropped_columns_stay_listed(void **state)
{
    Fixture *f = *state;
    CatalogSnapshot *snapshot = catalog_snapshot(f->catalog);
    const CatalogTable *table = catalog_find_table(snapshot, SLICE("app"), SLICE("open"));
    TableEdit edit = {.kind = EDIT_DROP_COLUMN, .table_id = table->id, .column = 1};
    Error error;
    assert_ok(catalog_edit_table(f->catalog, &edit, INT64_MAX, &error), &error);
    catalog_snapshot_release(snapshot);
    const char *text = show(f, "columns", f->root, ROLE_SYSTEM, NULL);
    assert_contains(text, "app|open|body|~|2|TEXT|t|~|~|the letter|t\n");
    assert_contains(text, "app|open|id|1|1|INTEGER|f|~|1|~|f\n");
}

static void files_and_manifest_follow_the_rows(void **state)
{
    Fixture *f = *state;
    uint32_t count;
    for (int i = 1; i <= 5; i++)
        write_row(f, "open", 0, i, "x");
    const char *text = show(f, "manifest", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 2); /* the two SHARED tables; nobody has rows in the others */
    assert_contains(text, "app|open|~|~|0|0|0|~|~|5|");
    flush(f, "open", 0);
    write_row(f, "open", 0, 2, NULL);
    write_row(f, "open", 0, 3, "y");
    text = show(f, "manifest", f->root, ROLE_SYSTEM, NULL);
    assert_contains(text, "|1|3|"); /* one file, three rows that hold */
    assert_contains(text, "|t|app.open-");
    assert_contains(text, "/metadata/v1.metadata.json|");
    flush(f, "open", 0);
    text = show(f, "files", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 5); /* two of data, one of deletes, two indexes */
    assert_contains(text, "|data|parquet|5|2|");
    assert_contains(text, "|(1)|(5)|");
    assert_contains(text, "|deletes|parquet|2|~|");
    assert_contains(text, "|index|keys|5|~|");
    text = show(f, "manifest", f->root, ROLE_SYSTEM, NULL);
    assert_contains(text, "|2|4|");
    assert_contains(text, "|f|app.open-");
    assert_contains(text, "/metadata/v2.metadata.json|");
    (void)show(f, "snapshots", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 2);
}

static void owners_are_counted_apart_and_see_themselves(void **state)
{
    Fixture *f = *state;
    uint32_t count;
    write_row(f, "own", f->alice, 1, "a");
    write_row(f, "own", f->alice, 2, "a");
    write_row(f, "own", f->bob, 1, "b");
    flush(f, "own", f->alice);
    /* her rows are still in the memtable that holds bob's, and count once all the same */
    const char *after = show(f, "manifest", f->alice, ROLE_USER, NULL);
    assert_contains(after, "|alice|");
    assert_contains(after, "|1|2|");
    assert_contains(after, "|0|0|f|app.own-");
    write_row(f, "own", f->alice, 1, "a2");
    const char *text = show(f, "manifest", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 4);
    assert_contains(text, "app|own|alice|");
    assert_contains(text, "app|own|bob|");
    text = show(f, "manifest", f->bob, ROLE_USER, &count);
    assert_null(strstr(text, "alice"));
    assert_null(strstr(text, "closed"));
    assert_contains(text, "app|own|bob|");
    text = show(f, "manifest", f->alice, ROLE_USER, NULL);
    assert_contains(text, "|1|1|"); /* her file has one row that holds: the other is replaced */
    flush(f, "own", f->alice);      /* its mark stays in the memtable; the file says so too now */
    text = show(f, "manifest", f->alice, ROLE_USER, NULL);
    assert_contains(text, "|2|2|");
    assert_contains(text, "|0|0|f|app.own-");
    text = show(f, "files", f->bob, ROLE_USER, &count);
    assert_int_equal(count, 0);
    (void)show(f, "files", f->alice, ROLE_USER, &count);
    assert_int_equal(count, 3); /* two of data, one of deletes */
}

static void streams_are_counted_by_window_and_owner(void **state)
{
    Fixture *f = *state;
    uint32_t count;
    for (int i = 1; i <= 3; i++)
        write_row(f, "passing", f->alice, i, "a");
    write_row(f, "passing", f->bob, 1, "b");
    flush(f, "passing", 0);
    write_row(f, "passing", f->alice, 4, "a");
    const char *text = show(f, "files", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 2);
    assert_contains(text, "app|passing|alice|app.passing-");
    assert_contains(text, "|data|window|3|0|");
    text = show(f, "manifest", f->alice, ROLE_USER, &count);
    assert_null(strstr(text, "bob"));
    assert_contains(text, "app|passing|alice|~|1|3|");
    assert_contains(text, "|1|96|f|~|~\n"); /* one row in memory; nothing has to be flushed */
}

static void others_see_their_own_rows_only(void **state)
{
    Fixture *f = *state;
    static const char *const nothing[] = {"settings", "snapshots", "stats", "storages"};
    uint32_t count;
    for (size_t i = 0; i < COUNT(nothing); i++) {
        (void)show(f, nothing[i], f->alice, ROLE_USER, &count);
        assert_int_equal(count, 0);
        (void)show(f, nothing[i], f->alice, ROLE_SERVICE, &count);
        assert_int_equal(count, 0);
    }
    const char *text = show(f, "users", f->alice, ROLE_USER, &count);
    assert_int_equal(count, 1);
    assert_contains(text, "alice|user|");
    text = show(f, "tables", f->alice, ROLE_USER, &count);
    assert_int_equal(count, 3);
    assert_null(strstr(text, "closed"));
    text = show(f, "namespaces", f->alice, ROLE_USER, &count);
    assert_int_equal(count, 1);
    assert_contains(text, "app|~|");
    text = show(f, "connections", f->alice, ROLE_USER, &count);
    assert_int_equal(count, 1);
    assert_contains(text, "c-alice|ws|alice|~|7|2|");
    (void)show(f, "connections", f->root, ROLE_DBA, &count);
    assert_int_equal(count, 2);
    (void)show(f, "connections", 0, ROLE_ANONYMOUS, &count);
    assert_int_equal(count, 0);
}

static void jobs_are_whose_they_are(void **state)
{
    Fixture *f = *state;
    char id[JOB_ID_BYTES];
    uint32_t count;
    Error error;
    JobRow row;
    write_row(f, "own", f->alice, 1, "a");
    EngineTable *table = table_of(f, "own");
    JobRequest request = {.type = JOB_FLUSH,
                          .table_id = engine_table_id(table),
                          .owner = f->alice,
                          .submitter = f->root,
                          .trigger = TRIGGER_COMMAND};
    engine_table_release(table);
    assert_ok(jobs_submit(f->jobs, &request, id, &error), &error);
    assert_ok(jobs_wait(f->jobs, id, INT64_MAX, &row, &error), &error);
    assert_int_equal(row.state, JOB_COMPLETED);
    const char *text = show(f, "jobs", f->alice, ROLE_USER, &count);
    assert_int_equal(count, 1);
    assert_contains(text, "|flush|completed|app|own|alice|");
    assert_contains(text, "|command|1|");
    (void)show(f, "jobs", f->bob, ROLE_USER, &count);
    assert_int_equal(count, 0);
    (void)show(f, "jobs", 0, ROLE_ANONYMOUS, &count);
    assert_int_equal(count, 0);
}

static void settings_stats_and_functions(void **state)
{
    Fixture *f = *state;
    uint32_t count;
    const char *text = show(f, "settings", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, CONFIGURATION_KEY_COUNT);
    assert_contains(text, "log.durability|always|always|~|default|f|");
    assert_contains(text, "server.node_id|1|1|~|default|t|");
    assert_contains(text, "flush.bytes|64MiB|64MiB|bytes|default|f|");
    text = show(f, "stats", f->root, ROLE_SYSTEM, &count);
    assert_contains(text, "firn_flush_started_total|0|{}\n");
    text = show(f, "functions", f->alice, ROLE_USER, &count);
    assert_true(count >= 150);
    assert_contains(text, "lower|{text}|text|scalar|t|");
    assert_contains(text, "count|{}|bigint|aggregate|f|");
    text = show(f, "queries", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 0);
    text = show(f, "live_queries", f->root, ROLE_SYSTEM, &count);
    assert_int_equal(count, 0);
}

static Status refuse_row(void *context, const Value *values, Error *error)
{
    (void)context, (void)values;
    return error_of(error, STATUS_QUERY_CANCELED);
}

static void a_sink_that_has_enough_ends_it(void **state)
{
    Fixture *f = *state;
    static const char *const names[] = {"tables", "settings", "functions", "users", "stats"};
    Principal who = {.user_id = f->root, .role = ROLE_SYSTEM};
    SystemRowSink sink = {refuse_row, NULL};
    Arena arena;
    Error error;
    arena_open(&arena, 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        const SystemTable *table = system_table_find(slice_of_text(names[i]));
        assert_status(STATUS_QUERY_CANCELED,
                      system_rows(&f->sources, table, &who, &arena, &sink, &error));
    }
    arena_close(&arena);
}

static Status ignore_row(void *context, const Value *values, Error *error)
{
    (void)context, (void)values, (void)error;
    return OK;
}

/* Only memory_* calls of this thread's work are failed: nothing else runs in the fixture then. */
static void every_allocation_may_fail(void **state)
{
    Fixture *f = *state;
    Principal who = {.user_id = f->root, .role = ROLE_SYSTEM};
    SystemRowSink sink = {ignore_row, NULL};
    size_t count;
    const SystemTable *tables = system_table_all(&count);
    write_row(f, "own", f->alice, 1, "a");
    write_row(f, "open", 0, 1, "a");
    flush(f, "open", 0);
    write_row(f, "open", 0, 1, "b");
    flush(f, "open", 0);
    for (size_t i = 0; i < count; i++) {
        for (int64_t n = 1;; n++) {
            Arena arena;
            Error error;
            arena_open(&arena, 0);
            memory_fail_at(n, 1);
            Status status = system_rows(&f->sources, &tables[i], &who, &arena, &sink, &error);
            bool all_failed = memory_allocations() < n;
            memory_fail_at(0, 0);
            arena_close(&arena);
            if (all_failed) {
                assert_status(OK, status);
                break;
            }
            if (status != OK)
                assert_status(STATUS_OUT_OF_MEMORY, status);
        }
    }
}

/* ---- the page that people read ---- */

/* The column list of a table's line, without what stands in parentheses and behind a colon. */
static void plain_columns(Slice cell, Buffer *out)
{
    int depth = 0;
    for (size_t i = 0; i < cell.size; i++) {
        uint8_t c = cell.data[i];
        if (c == ';' || (c == ':' && depth == 0))
            break;
        depth += c == '(';
        if (depth == 0 && c != '`')
            buffer_put_u8(out, c);
        depth -= c == ')';
    }
}

static const char *page_type(Type type)
{
    if (type.kind == TYPE_ARRAY)
        return "TEXT[]";
    static const char *const names[TYPE_KIND_COUNT] = {
        [TYPE_TEXT] = "TEXT",      [TYPE_INTEGER] = "INT",   [TYPE_BIGINT] = "BIGINT",
        [TYPE_REAL] = "REAL",      [TYPE_DOUBLE] = "DOUBLE", [TYPE_BOOLEAN] = "BOOLEAN",
        [TYPE_TIMESTAMPTZ] = "TS", [TYPE_JSON] = "JSON"};
    return names[type.kind];
}

static void compare_columns(const SystemTable *table, Slice text)
{
    uint32_t at = 0;
    size_t begin = 0;
    while (begin <= text.size) {
        Slice part = slice_part(text, begin, SIZE_MAX);
        size_t end = slice_find(part, ',');
        part = slice_trim(slice_part(part, 0, end));
        begin += end + 1;
        size_t blank = slice_find(part, ' ');
        Slice type = slice_trim(slice_part(part, blank, SIZE_MAX));
        type = slice_part(type, 0, slice_find(type, ' ')); /* "REAL 0–1" */
        if (at >= table->column_count)
            fail_msg("system.%s: %.*s is missing", table->name, SLICE_ARGUMENTS(part));
        const SystemColumnDefinition *column = &table->columns[at++];
        if (!slice_equal_text(slice_part(part, 0, blank), column->name))
            fail_msg("system.%s: %s, the page has %.*s", table->name, column->name,
                     SLICE_ARGUMENTS(part));
        if (type.size > 0 && !slice_equal_text(type, page_type(column->type)))
            fail_msg("system.%s.%s: the page has %.*s", table->name, column->name,
                     SLICE_ARGUMENTS(type));
    }
    assert_int_equal(at, table->column_count);
}

static Slice line_of(const char *page, const char *before)
{
    const char *at = strstr(page, before);
    if (at == NULL)
        return SLICE_EMPTY;
    Slice rest = slice_of_text(at + strlen(before));
    return slice_part(rest, 0, slice_find(rest, '\n'));
}

/* Jobs have a section of their own, with the list over two lines. */
static void put_jobs_columns(const char *page, Buffer *out)
{
    static const char begin[] = "`system.jobs`: ";
    const char *at = strstr(page, begin);
    assert_non_null(at);
    Slice rest = slice_of_text(at + strlen(begin));
    Slice first = slice_part(rest, 0, slice_find(rest, '\n'));
    Slice second = slice_part(rest, first.size + 1, SIZE_MAX);
    plain_columns(first, out);
    second = slice_part(second, 0, slice_find(second, '.'));
    plain_columns(second, out);
}

static void the_columns_are_those_of_the_page(void **state)
{
    Buffer content;
    size_t count;
    const SystemTable *tables = system_table_all(&count);
    (void)state;
    const char *page = read_plan("spec/catalog.md", &content);
    if (page == NULL)
        skip();
    for (size_t i = 0; i < count; i++) {
        char before[64];
        Buffer columns;
        buffer_open(&columns, 0);
        (void)snprintf(before, sizeof before, "\n| %s | ", tables[i].name);
        if (strcmp(tables[i].name, "jobs") == 0) {
            put_jobs_columns(page, &columns);
        } else {
            Slice line = line_of(page, before);
            if (line.size == 0)
                fail_msg("the page has no system.%s", tables[i].name);
            /* "manifest": a sentence stands before the list. */
            if (strcmp(tables[i].name, "manifest") == 0)
                line = slice_part(line, slice_find(line, ':') + 1, SIZE_MAX);
            line = slice_part(line, 0, slice_find(line, '|'));
            plain_columns(slice_trim(line), &columns);
        }
        compare_columns(&tables[i], slice_trim(buffer_slice(&columns)));
        buffer_close(&columns);
    }
    buffer_close(&content);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(catalog_tables_say_what_there_is),
        TEST(dropped_columns_stay_listed),
        TEST(files_and_manifest_follow_the_rows),
        TEST(owners_are_counted_apart_and_see_themselves),
        TEST(streams_are_counted_by_window_and_owner),
        TEST(others_see_their_own_rows_only),
        TEST(jobs_are_whose_they_are),
        TEST(settings_stats_and_functions),
        TEST(a_sink_that_has_enough_ends_it),
        TEST(every_allocation_may_fail),
        cmocka_unit_test(the_columns_are_those_of_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
