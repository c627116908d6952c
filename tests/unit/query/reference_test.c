/* Statements over tables: files, files with dead rows, memory, all of them at once. */
#include <roaring/roaring.h>

#include "tests/unit/query/pool.h"

static Slice serialize(const roaring_bitmap_t *bitmap)
{
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap);
    char *bytes = malloc(size);
    (void)roaring_bitmap_portable_serialize(bitmap, bytes);
    return slice_of(bytes, size);
}

static Slice bitmap_of(const uint32_t *positions, size_t count)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_of_ptr(count, positions);
    Slice bytes = serialize(bitmap);
    roaring_bitmap_free(bitmap);
    return bytes;
}

static void forget(Slice bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

enum { FILE_ROWS = 30000 };

/* A table of (id, text, n): ids 0 … in files of FILE_ROWS rows each, then in memory. */
typedef struct Table {
    TestPool test;
    Schema *schema;
    TestHot hot;
    Path paths[24];
    QueryFile files[24];
    QueryReference reference;
    int64_t next_id;
    uint32_t file_count;
} Table;

static void put_rows(Table *table, TestHot *hot, int count)
{
    for (int i = 0; i < count; i++) {
        char text[40];
        int64_t id = table->next_id++;
        int size = snprintf(text, sizeof text, "%lld", (long long)id);
        const Value values[] = {
            value_integer(TYPE_BIGINT, id), value_text(slice_of(text, (size_t)size)),
            id % 7 == 0 ? value_null(TYPE_INTEGER) : value_integer(TYPE_INTEGER, id % 1000)};
        test_hot_put(hot, (uint64_t)id + 1, 1, values);
    }
}

static void add_file_as(Table *table, uint32_t number, int rows)
{
    TestHot hot;
    Arena arena;
    Error error;
    DataFileResult result;
    char name[32];
    (void)snprintf(name, sizeof name, "%u.parquet", number);
    table->paths[number] = test_file(&table->test, name);
    const char *path = table->paths[number].text;
    test_hot_open(&hot, table->schema, 1000 + number, 8 * MB);
    arena_open(&arena, 0);
    put_rows(table, &hot, rows);
    if (test_hot_write(&table->test, &hot, path, &arena, &result, &error) != OK)
        fail_msg("%s (%s)", error.message, error.internal);
    table->files[number] =
        (QueryFile){.path = path, .file_id = 100 + number, .row_count = (uint64_t)rows};
    arena_close(&arena);
    test_hot_close(&hot);
}

static void add_file(Table *table, int rows)
{
    add_file_as(table, table->file_count++, rows);
}

static void table_open(Table *table, TableKind kind, int files, int hot_rows)
{
    *table = (Table){.file_count = 0};
    const Column columns[] = {test_column("id", TYPE(BIGINT), 1),
                              test_column("Te\"xt", TYPE(TEXT), 2),
                              test_column("file_row_number", TYPE(INTEGER), 3)};
    test_pool_open(&table->test);
    table->schema = test_schema(kind, 1, columns, 3);
    for (int i = 0; i < files; i++)
        add_file(table, FILE_ROWS);
    test_hot_open(&table->hot, table->schema, 1, 8 * MB);
    put_rows(table, &table->hot, hot_rows);
    table->reference = (QueryReference){.schema = table->schema,
                                        .seq = 1u << 30,
                                        .files = table->files,
                                        .file_count = table->file_count};
    if (hot_rows > 0) {
        table->reference.hot = test_hot(&table->hot);
        table->reference.hot_count = 1;
    }
}

static void table_close(Table *table)
{
    test_hot_close(&table->hot);
    schema_release(table->schema);
    test_pool_close(&table->test);
}

#define RUN_TABLE(table, sql, ...)                                                                 \
    RUN(&(table)->test, ((QueryRequest){.references = &(table)->reference, .reference_count = 1}), \
        sql, __VA_ARGS__)

/* ---- what a hole becomes ---- */

static void files_and_memory_are_one_table(void **state)
{
    (void)state;
    Table table;
    table_open(&table, TABLE_SHARED, 2, 1000);
    assert_string_equal("[61000,1860469500,52285]",
                        RUN_TABLE(&table,
                                  "SELECT count(*), sum(id)::BIGINT, count(\"file_row_number\") "
                                  "FROM @0 AS t",
                                  TYPE(BIGINT), TYPE(BIGINT), TYPE(BIGINT)));
    assert_string_equal("[29999,\"29999\",999,30000,\"1970-01-01T08:20:00+00:00\",false],"
                        "[60999,\"60999\",999,61000,\"1970-01-01T16:56:40+00:00\",false]",
                        RUN_TABLE(&table,
                                  "SELECT id, \"Te\"\"xt\", \"file_row_number\", \"_seq\", "
                                  "\"_updated\", \"_deleted\" FROM @0 WHERE id IN (29999, 60999) "
                                  "ORDER BY id",
                                  TYPE(BIGINT), TYPE(TEXT), TYPE(INTEGER), TYPE(BIGINT),
                                  TYPE(TIMESTAMPTZ), TYPE(BOOLEAN)));
    /* twice in one statement */
    assert_string_equal(
        "[61000]",
        RUN_TABLE(&table, "SELECT count(*) FROM @0 a JOIN @0 b ON a.id = b.id", TYPE(BIGINT)));
    table_close(&table);
}

static void an_empty_table_has_its_types(void **state)
{
    (void)state;
    Table table;
    table_open(&table, TABLE_SHARED, 0, 0);
    assert_string_equal("[0,null]",
                        RUN_TABLE(&table, "SELECT count(*), max(id + \"file_row_number\") FROM @0",
                                  TYPE(BIGINT), TYPE(BIGINT)));
    table_close(&table);
}

static void only_the_columns_asked_for_are_there(void **state)
{
    (void)state;
    Table table;
    const bool columns[] = {true, false, false};
    table_open(&table, TABLE_SHARED, 1, 10);
    table.reference.columns = columns;
    assert_string_equal("[30010]", RUN_TABLE(&table, "SELECT count(id) FROM @0", TYPE(BIGINT)));
    const char *answer = RUN_TABLE(&table, "SELECT \"Te\"\"xt\" FROM @0", TYPE(TEXT));
    assert_memory_equal("42703", answer, 5);
    assert_null(strstr(answer, table.test.folder)); /* no path in an error */
    table_close(&table);
}

static void owners_and_places_are_shown_where_wanted(void **state)
{
    (void)state;
    Table table;
    const QueryOwnerName names[] = {{7, SLICE("zoe")}, {1, SLICE("anna")}};
    table_open(&table, TABLE_USER, 2, 10);
    uint32_t dead = 5;
    table.files[1].marks = bitmap_of(&dead, 1);
    table.reference.with_owner_column = true;
    table.reference.owner_names = names;
    table.reference.owner_name_count = 2;
    table.reference.with_location = true;
    assert_string_equal("[0,\"anna\",100,0],[30006,\"anna\",101,6],[60000,\"anna\",0,268435456]",
                        RUN_TABLE(&table,
                                  "SELECT id, \"_user\", \"_file\", \"_position\" FROM @0 WHERE id "
                                  "IN (0, 30005, 30006, 60000) ORDER BY id",
                                  TYPE(BIGINT), TYPE(TEXT), TYPE(BIGINT), TYPE(BIGINT)));
    assert_int_equal(268435456, query_hot_position(1, 0));
    table.reference.has_owner = true;
    table.reference.owner = 2;
    assert_string_equal(
        "[0]", RUN_TABLE(&table, "SELECT count(*) FROM @0 WHERE \"_file\" = 0", TYPE(BIGINT)));
    forget(table.files[1].marks);
    table_close(&table);
}

/* ---- dead rows ---- */

static void dead_rows_are_not_there(void **state)
{
    (void)state;
    Table table;
    uint32_t deleted[3000];
    for (uint32_t i = 0; i < 3000; i++)
        deleted[i] = i * 10;
    const uint32_t marked[] = {1, 29999};
    table_open(&table, TABLE_SHARED, 3, 100);
    table.files[0].deletes_id = 41;
    table.files[0].deletes = bitmap_of(deleted, 3000);
    table.files[0].marks = bitmap_of(marked, 2);
    table.files[2].marks = bitmap_of(marked, 2);
    const char *sql = "SELECT count(*), min(id), sum(id)::BIGINT FROM @0";
    uint64_t sum = 0;
    for (uint64_t id = 0; id < 90100; id++) {
        bool dead =
            (id < 30000 && (id % 10 == 0 || id == 1 || id == 29999)) || id == 60001 || id == 89999;
        sum += dead ? 0 : id;
    }
    char computed[64];
    (void)snprintf(computed, sizeof computed, "[87096,2,%llu]", (unsigned long long)sum);
    for (int round = 0; round < 3; round++) /* sent once, used again */
        assert_string_equal(computed,
                            RUN_TABLE(&table, sql, TYPE(BIGINT), TYPE(BIGINT), TYPE(BIGINT)));
    forget(table.files[0].deletes);
    forget(table.files[0].marks);
    forget(table.files[2].marks);
    table_close(&table);
}

/* More files with dead rows than have a branch of their own. */
static void many_files_with_dead_rows(void **state)
{
    (void)state;
    enum { FILES = 20 };
    Table table;
    table_open(&table, TABLE_SHARED, 0, 0);
    Slice bitmaps[FILES];
    for (uint32_t i = 0; i < FILES; i++) {
        add_file(&table, 100);
        bitmaps[i] = bitmap_of(&i, 1);
        if (i % 5 != 0)
            table.files[i].marks = bitmaps[i];
    }
    table.reference.file_count = FILES;
    table.reference.with_location = true;
    assert_string_equal("[1984]", RUN_TABLE(&table, "SELECT count(*) FROM @0", TYPE(BIGINT)));
    assert_string_equal("[102,2,101],[1817,17,118]",
                        RUN_TABLE(&table,
                                  "SELECT id, \"_position\", \"_file\" FROM @0 WHERE id IN (101, "
                                  "102, 1817, 1818) ORDER BY id",
                                  TYPE(BIGINT), TYPE(BIGINT), TYPE(BIGINT)));
    for (uint32_t i = 0; i < FILES; i++)
        forget(bitmaps[i]);
    table_close(&table);
}

/* A dead row whose text is no number: neither may the statement fail on it, nor may an error show
 * it. */
static void no_expression_meets_a_dead_row(void **state)
{
    (void)state;
    Table table;
    table_open(&table, TABLE_SHARED, 0, 0);
    TestHot hot;
    Arena arena;
    Error error;
    DataFileResult result;
    table.paths[0] = test_file(&table.test, "bad.parquet");
    test_hot_open(&hot, table.schema, 99, 8 * MB);
    for (int i = 0; i < 20000; i++) {
        char text[40];
        int size = snprintf(text, sizeof text, i == 12345 ? "secret" : "%d", i);
        test_hot_put(&hot, (uint64_t)i + 1, 1,
                     (Value[]){value_integer(TYPE_BIGINT, i == 12345 ? 0 : i + 1),
                               value_text(slice_of(text, (size_t)size)), value_null(TYPE_INTEGER)});
    }
    arena_open(&arena, 0);
    assert_int_equal(
        OK, test_hot_write(&table.test, &hot, table.paths[0].text, &arena, &result, &error));
    table.files[0] = (QueryFile){.path = table.paths[0].text, .row_count = 20000};
    table.reference.file_count = 1;
    const char *filter = "SELECT count(*) FROM @0 WHERE \"Te\"\"xt\"::BIGINT >= 10000";
    const char *sum = "SELECT sum(\"Te\"\"xt\"::BIGINT)::BIGINT FROM @0";
    /* DuckDB takes our functions for ones that never fail, and evaluates them below alive() */
    const char *below = "SELECT count(*) FROM @0 WHERE fn_int8_divide(1000, id) <> 7";
    const char *many = "SELECT id, fn_int8_divide(1000, id) FROM @0 WHERE "
                       "fn_int8_divide(1000, id) <> 7";
    /* alive, the row's error is true */
    assert_string_equal("22P02 invalid input syntax for type bigint: \"secret\"",
                        RUN_TABLE(&table, filter, TYPE(BIGINT)));
    assert_string_equal("22012 division by zero", RUN_TABLE(&table, below, TYPE(BIGINT)));
    const uint32_t dead = 12345;
    table.files[0].marks = bitmap_of(&dead, 1);
    assert_string_equal("[9999]", RUN_TABLE(&table, filter, TYPE(BIGINT)));
    assert_string_equal("[199977655]", RUN_TABLE(&table, sum, TYPE(BIGINT)));
    assert_string_equal("[19982]", RUN_TABLE(&table, below, TYPE(BIGINT)));
    /* so many files with dead rows that alive() has two columns and stays above the scan */
    const uint32_t first = 0;
    for (uint32_t i = 1; i < 10; i++) {
        table.next_id = 20000 + i;
        add_file_as(&table, i, 1);
        table.files[i].marks = bitmap_of(&first, 1);
    }
    table.reference.file_count = 10;
    assert_string_equal("[19982]", RUN_TABLE(&table, below, TYPE(BIGINT)));
    /* an error that is not of the dead row is shown, and does not speak of it */
    const char *answer =
        RUN_TABLE(&table,
                  "SELECT count(*) FROM @0 WHERE (\"Te\"\"xt\" || CASE WHEN id = 777 THEN 'x' ELSE "
                  "'' END)::BIGINT >= 0",
                  TYPE(BIGINT));
    assert_string_equal("22P02 invalid input syntax for type bigint: \"776x\"", answer);
    /* many rows, then the error: none of them was handed out before */
    Collected collected = {.rows = 0};
    Type types[] = {TYPE(BIGINT), TYPE(BIGINT)};
    QueryRequest request = {.references = &table.reference,
                            .reference_count = 1,
                            .result_types = types,
                            .result_count = 2};
    assert_int_equal(OK, run_request(&table.test, &request, many, &collected, NULL, &error));
    assert_int_equal(19982, collected.rows);
    buffer_close(&collected.bytes);
    for (int i = 0; i < 10; i++)
        forget(table.files[i].marks);
    arena_close(&arena);
    test_hot_close(&hot);
    table_close(&table);
}

/* ---- schema versions in files ---- */

static void old_files_are_read_as_the_newest_schema(void **state)
{
    (void)state;
    Table table;
    table_open(&table, TABLE_SHARED, 1, 0);
    const float floats[] = {1, 2};
    Column columns[] = {test_column("n", TYPE(BIGINT), 3),
                        test_column("id", TYPE(BIGINT), 1),
                        test_column("a", TYPE(TEXT), 4),
                        test_column("b", TYPE(BYTEA), 5),
                        test_column("c", ((Type){.kind = TYPE_DECIMAL, .a = 10, .b = 2}), 6),
                        test_column("d", TYPE(TIMESTAMPTZ), 7),
                        test_column("e", TYPE(DOUBLE), 8),
                        test_column("f", ((Type){.kind = TYPE_VECTOR, .a = 2}), 9),
                        test_column("g", TYPE(UUID), 10),
                        test_column("h", TYPE(BOOLEAN), 11),
                        test_column("i", TYPE(SMALLINT), 12)};
    columns[2].initial_default = value_text(SLICE("it's"));
    columns[3].initial_default = value_bytes(TYPE_BYTEA, SLICE("\x00'\xff"));
    columns[4].initial_default = value_decimal(-325, 2);
    columns[5].initial_default = value_integer(TYPE_TIMESTAMPTZ, 1600000000123456);
    columns[6].initial_default = value_double(-1.5);
    columns[7].initial_default = (Value){.kind = TYPE_VECTOR, .as.vector = {floats, 2}};
    columns[9].initial_default = value_boolean(true);
    columns[10].initial_default = value_integer(TYPE_SMALLINT, -7);
    columns[1].key_position = 0;
    Schema *after = test_schema(TABLE_SHARED, 2, columns, 11);
    table.reference.schema = after;
    const Type v2 = {.kind = TYPE_VECTOR, .a = 2};
    const Type d10 = {.kind = TYPE_DECIMAL, .a = 10, .b = 2};
    assert_string_equal(
        "[5,5,\"it's\",\"ACf/\",\"-3.25\",\"2020-09-13T12:26:40.123456+00:00\",-1.5,"
        "[1,2],null,true,-7]",
        RUN_TABLE(&table,
                  "SELECT n, id, a, b, c, d, e, f, g, h, i FROM @0 WHERE id = 5 AND "
                  "n = 5 AND i = -7",
                  TYPE(BIGINT), TYPE(BIGINT), TYPE(TEXT), TYPE(BYTEA), d10, TYPE(TIMESTAMPTZ),
                  TYPE(DOUBLE), v2, TYPE(UUID), TYPE(BOOLEAN), TYPE(SMALLINT)));
    schema_release(after);
    table_close(&table);
}

/* ---- plans ---- */

static void plans_are_shown_without_paths(void **state)
{
    (void)state;
    Table table;
    Error error;
    Buffer plan;
    TestText text;
    table_open(&table, TABLE_SHARED, 2, 10);
    test_text(&text, "SELECT count(*) FROM @0 WHERE id > 5");
    QueryRequest request = {.text = &text.text,
                            .references = &table.reference,
                            .reference_count = 1,
                            .deadline_ns = INT64_MAX};
    buffer_open(&plan, 0);
    assert_int_equal(OK, query_explain(table.test.pool, &request, &plan, &error));
    buffer_put_u8(&plan, 0);
    assert_non_null(strstr((const char *)plan.data, "READ_PARQUET"));
    assert_non_null(strstr((const char *)plan.data, "HOT_SCAN"));
    assert_null(strstr((const char *)plan.data, "/tmp"));
    buffer_close(&plan);
    table_close(&table);
}

static void other_folders_are_allowed_by_name(void **state)
{
    (void)state;
    Table table;
    Error error;
    char other[] = "/tmp/firn-query-other-XXXXXX";
    table_open(&table, TABLE_SHARED, 1, 0);
    assert_non_null(mkdtemp(other));
    Path moved;
    assert_int_equal(OK, path_join(&moved, other, "moved.parquet", &error));
    assert_int_equal(OK, env_rename(env_real(), table.paths[0].text, moved.text, &error));
    table.files[0].path = moved.text;
    assert_string_equal("42501 permission denied",
                        RUN_TABLE(&table, "SELECT count(*) FROM @0", TYPE(BIGINT)));
    assert_int_equal(OK, query_pool_allow_folder(table.test.pool, slice_of_text(other), &error));
    assert_int_equal(OK, query_pool_allow_folder(table.test.pool, slice_of_text(other), &error));
    assert_string_equal("[30000]", RUN_TABLE(&table, "SELECT count(*) FROM @0", TYPE(BIGINT)));
    table_close(&table);
    assert_int_equal(OK, env_remove_tree(env_real(), other, &error));
}

/* ---- many statements at once ---- */

typedef struct Reader {
    Table *table;
    int wrong;
} Reader;

static void read_often(void *argument)
{
    Reader *reader = argument;
    Type type = TYPE(BIGINT);
    for (int i = 0; i < 40; i++) {
        QueryRequest request = {.references = &reader->table->reference,
                                .reference_count = 1,
                                .result_types = &type,
                                .result_count = 1};
        Collected collected = {.rows = 0};
        Error error;
        Status status = run_request(&reader->table->test, &request,
                                    "SELECT sum(id)::BIGINT FROM @0", &collected, NULL, &error);
        reader->wrong += status != OK || collected.bytes.size != 12 ||
                         memcmp(collected.bytes.data, "[1800030000]", 12) != 0;
        buffer_close(&collected.bytes);
    }
}

static void statements_run_beside_one_another(void **state)
{
    (void)state;
    Table table;
    Error error;
    Thread *threads[4];
    static Reader readers[4];
    table_open(&table, TABLE_SHARED, 2, 1);
    for (int i = 0; i < 4; i++) {
        readers[i] = (Reader){.table = &table};
        assert_int_equal(OK, thread_start(env_real(), "reader", 1 << 18, read_often, &readers[i],
                                          &threads[i], &error));
    }
    for (int i = 0; i < 4; i++) {
        thread_join(threads[i]);
        assert_int_equal(0, readers[i].wrong);
    }
    table_close(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_memory_are_one_table),
        cmocka_unit_test(an_empty_table_has_its_types),
        cmocka_unit_test(only_the_columns_asked_for_are_there),
        cmocka_unit_test(owners_and_places_are_shown_where_wanted),
        cmocka_unit_test(dead_rows_are_not_there),
        cmocka_unit_test(many_files_with_dead_rows),
        cmocka_unit_test(no_expression_meets_a_dead_row),
        cmocka_unit_test(old_files_are_read_as_the_newest_schema),
        cmocka_unit_test(plans_are_shown_without_paths),
        cmocka_unit_test(other_folders_are_allowed_by_name),
        cmocka_unit_test(statements_run_beside_one_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
