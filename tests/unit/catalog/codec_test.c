/* Snapshots as bytes: what is put comes back, what is damaged is refused, nothing is read beyond.
 */
#include "base/memory.h"
#include "base/random.h"
#include "catalog/snapshot.h"
#include "tests/unit/base/test.h"

static Schema *make_schema(uint32_t version)
{
    Schema *schema;
    Error error;
    Column columns[] = {
        {.name = SLICE("k"), .type = TYPE(BIGINT), .field_id = 1, .not_null = true},
        {.name = SLICE("v"),
         .type = {.kind = TYPE_DECIMAL, .a = 10, .b = 2},
         .field_id = 2,
         .key_position = -1,
         .comment = SLICE("what \"it\" costs")},
    };
    columns[0].initial_default = value_null(TYPE_BIGINT);
    columns[1].initial_default = value_null(TYPE_DECIMAL);
    assert_ok(schema_create(7, version, TABLE_USER, columns, 2, 3, &schema, &error), &error);
    return schema;
}

enum { CHANGES = 5 };

static void fill_changes(Schema *schema, Schema *const *old, CatalogChange out[CHANGES])
{
    static const Expression *const no_defaults[2];
    memset(out, 0, CHANGES * sizeof *out);
    out[0].kind = CATALOG_NAMESPACE;
    out[0].as.name_space = (CatalogNamespace){5, SLICE("shop"), 1, 17};
    out[1].kind = CATALOG_TABLE;
    out[1].as.table = (CatalogTable){.id = 7,
                                     .namespace_id = 5,
                                     .namespace_name = SLICE("shop"),
                                     .name = SLICE("orders"),
                                     .kind = TABLE_USER,
                                     .storage = SLICE("local"),
                                     .folder = SLICE("shop.orders-7"),
                                     .schema = schema,
                                     .defaults = no_defaults,
                                     .options = {.flush_rows = 9, .ttl_ms = 3, .format_version = 2},
                                     .comment = SLICE("all of them"),
                                     .creator = 1,
                                     .created_us = 18,
                                     .altered_us = 19,
                                     .uuid = {1, 2, 3},
                                     .old_schemas = old,
                                     .old_schema_count = 1};
    memcpy(out[1].as.table.options.compression, "zstd", 5);
    out[2].kind = CATALOG_USER;
    out[2].as.user = (CatalogUser){.id = 4,
                                   .name = SLICE("bob"),
                                   .role = ROLE_USER,
                                   .verifier = SLICE("$argon2id$"),
                                   .email = SLICE("b@example.org"),
                                   .version = 3,
                                   .created_us = 20,
                                   .keeps_name = true};
    out[3].kind = CATALOG_STORAGE;
    out[3].as.storage =
        (CatalogStorage){SLICE("big"), SLICE("filesystem"), SLICE("/big"), SLICE("{}"), 21};
    out[4].kind = CATALOG_SETTING;
    out[4].as.setting = (CatalogSetting){SLICE("a.b"), SLICE("c")};
}

static CatalogSnapshot *make_snapshot(void)
{
    CatalogSnapshot *empty;
    CatalogSnapshot *snapshot;
    CatalogChange changes[CHANGES];
    Error error;
    Schema *schema = make_schema(2);
    Schema *old = make_schema(1);
    fill_changes(schema, &old, changes);
    assert_ok(catalog_snapshot_empty(&empty, &error), &error);
    assert_ok(catalog_snapshot_apply(empty, changes, CHANGES, &snapshot, &error), &error);
    catalog_snapshot_release(empty);
    schema_release(schema);
    schema_release(old);
    return snapshot;
}

static Buffer encoded(void)
{
    Buffer bytes;
    Error error;
    CatalogSnapshot *snapshot = make_snapshot();
    buffer_open(&bytes, 0);
    assert_ok(catalog_snapshot_encode(snapshot, &bytes, &error), &error);
    catalog_snapshot_release(snapshot);
    return bytes;
}

/* The snapshot that the bytes make; every change is closed. */
static Status decode(Slice bytes, CatalogSnapshot **out, Error *error)
{
    Arena arena;
    CatalogChange changes[16];
    size_t decoded = 0;
    CatalogSnapshot *empty = NULL;
    Cursor cursor = cursor_of(bytes);
    Status status = OK;
    arena_open(&arena, 0);
    uint64_t count = cursor_varint(&cursor);
    if (cursor.failed || count > 16)
        GO(error_set(error, STATUS_DATA_CORRUPTED, "count"));
    for (; decoded < count; decoded++)
        GO(catalog_change_decode(&arena, &cursor, &changes[decoded], error));
    if (!cursor_is_done(&cursor))
        GO(error_set(error, STATUS_DATA_CORRUPTED, "more"));
    GO(catalog_snapshot_empty(&empty, error));
    GO(catalog_snapshot_apply(empty, changes, (size_t)count, out, error));
done:
    for (size_t i = 0; i < decoded; i++)
        catalog_change_close(&changes[i]);
    catalog_snapshot_release(empty);
    arena_close(&arena);
    return status;
}

static void a_snapshot_comes_back_as_it_was(void **state)
{
    CatalogSnapshot *snapshot;
    Buffer again;
    Error error;
    (void)state;
    Buffer bytes = encoded();
    assert_ok(decode(buffer_slice(&bytes), &snapshot, &error), &error);
    const CatalogTable *table = catalog_find_table(snapshot, SLICE("shop"), SLICE("orders"));
    assert_non_null(table);
    assert_ptr_equal(table, catalog_table_by_id(snapshot, 7));
    assert_int_equal(2, table->schema->version);
    assert_int_equal(1, table->old_schema_count);
    assert_slice(table->schema->columns[1].comment, "what \"it\" costs");
    assert_int_equal(9, table->options.flush_rows);
    assert_string_equal("zstd", table->options.compression);
    assert_slice(table->comment, "all of them");
    const CatalogUser *bob = catalog_user_by_id(snapshot, 4);
    assert_non_null(bob);
    assert_true(bob->keeps_name && bob->version == 3);
    assert_slice(bob->email, "b@example.org");
    assert_slice(catalog_find_storage(snapshot, SLICE("big"))->options_json, "{}");
    assert_slice(catalog_find_setting(snapshot, SLICE("a.b"))->value, "c");
    assert_null(catalog_find_table(snapshot, SLICE("shop"), SLICE("nothing")));
    buffer_open(&again, 0);
    assert_ok(catalog_snapshot_encode(snapshot, &again, &error), &error);
    assert_int_equal(bytes.size, again.size);
    assert_memory_equal(bytes.data, again.data, bytes.size);
    catalog_snapshot_release(snapshot);
    buffer_close(&bytes);
    buffer_close(&again);
}

static void try_bytes(Slice bytes)
{
    CatalogSnapshot *snapshot;
    Error error;
    Status status = decode(bytes, &snapshot, &error);
    if (status == OK)
        catalog_snapshot_release(snapshot);
    else
        assert_true(error.message[0] != '\0');
}

static void cut_bytes_are_refused(void **state)
{
    CatalogSnapshot *snapshot;
    Error error;
    (void)state;
    Buffer bytes = encoded();
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = memory_clone(bytes.data, size + 1); /* its end is the block's, for ASan */
        assert_non_null(copy);
        assert_int_not_equal(OK, decode(slice_of(copy, size), &snapshot, &error));
        memory_free(copy);
    }
    buffer_close(&bytes);
}

/* Behind a checksum, but a bug must not turn damage into a crash. */
static void garbage_is_refused_or_harmless(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    Buffer bytes = encoded();
    for (int i = 0; i < 20000; i++) {
        uint8_t *copy = memory_clone(bytes.data, bytes.size);
        assert_non_null(copy);
        for (uint64_t n = 1 + random_below(&random, 3); n > 0; n--)
            copy[random_below(&random, bytes.size)] = (uint8_t)random_u64(&random);
        try_bytes(slice_of(copy, bytes.size));
        memory_free(copy);
    }
    buffer_close(&bytes);
}

static void removed_objects_are_gone(void **state)
{
    CatalogSnapshot *snapshot = make_snapshot();
    CatalogSnapshot *next;
    Error error;
    (void)state;
    CatalogChange changes[2] = {{.kind = CATALOG_TABLE, .removed = true},
                                {.kind = CATALOG_SETTING, .removed = true}};
    changes[0].as.table.id = 7;
    changes[1].as.setting.name = SLICE("a.b");
    assert_ok(catalog_snapshot_apply(snapshot, changes, 2, &next, &error), &error);
    assert_null(catalog_table_by_id(next, 7));
    assert_null(catalog_find_setting(next, SLICE("a.b")));
    assert_non_null(catalog_table_by_id(snapshot, 7)); /* the old one is as it was */
    assert_true(catalog_snapshot_version(next) > catalog_snapshot_version(snapshot));
    catalog_snapshot_release(next);
    catalog_snapshot_release(snapshot);
}

static void every_allocation_can_fail(void **state)
{
    Status status = STATUS_OUT_OF_MEMORY;
    CatalogSnapshot *snapshot;
    Error error;
    (void)state;
    Buffer bytes = encoded();
    for (int64_t n = 1; status == STATUS_OUT_OF_MEMORY; n++) {
        memory_fail_at(n, 1);
        status = decode(buffer_slice(&bytes), &snapshot, &error);
        memory_fail_at(0, 0);
    }
    assert_ok(status, &error);
    catalog_snapshot_release(snapshot);
    buffer_close(&bytes);
}

/* ---- names ---- */

static void names_are_checked(void **state)
{
    char longest[NAME_BYTES_MAX + 2];
    Error error;
    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_status(OK, object_name_check(SLICE("Orders_2"), "table", &error));
    assert_status(OK, object_name_check(slice_of(longest, NAME_BYTES_MAX), "table", &error));
    assert_status(STATUS_NAME_TOO_LONG,
                  object_name_check(slice_of(longest, NAME_BYTES_MAX + 1), "table", &error));
    assert_status(STATUS_INVALID_NAME, object_name_check(SLICE_EMPTY, "table", &error));
    assert_status(STATUS_INVALID_NAME, object_name_check(SLICE("2nd"), "table", &error));
    assert_status(STATUS_RESERVED_NAME, object_name_check(SLICE("_seq"), "column", &error));
    static const char *const wrong[] = {"a b", "a-b", "../x",     "a/b",
                                        "\"a", "a.b", "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) /* M6 */
        assert_status(STATUS_INVALID_NAME,
                      object_name_check(slice_of_text(wrong[i]), "table", &error));
    static const char *const reserved[] = {"system", "SYS", "Information_Schema", "pg_catalog"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        assert_status(STATUS_RESERVED_NAME,
                      namespace_name_check(slice_of_text(reserved[i]), &error));
    assert_status(STATUS_NAME_TOO_LONG,
                  namespace_name_check(slice_of(longest, NAMESPACE_BYTES_MAX + 1), &error));
    assert_true(namespace_is_system(SLICE("sys")) && !namespace_is_system(SLICE("systems")));
}

static void system_tables_have_schemas(void **state)
{
    size_t count;
    Error error;
    (void)state;
    const SystemTable *tables = system_table_all(&count);
    assert_true(count > 5);
    for (size_t i = 0; i < count; i++) {
        Schema *schema;
        assert_ptr_equal(&tables[i], system_table_find(slice_of_text(tables[i].name)));
        assert_ok(system_table_schema(&tables[i], &schema, &error), &error);
        assert_true(schema->table_id >= SYSTEM_TABLE_ID_FIRST);
        assert_int_equal(tables[i].column_count, schema->column_count);
        schema_release(schema);
    }
    assert_null(system_table_find(SLICE("nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_comes_back_as_it_was),
        cmocka_unit_test(cut_bytes_are_refused),
        cmocka_unit_test(garbage_is_refused_or_harmless),
        cmocka_unit_test(removed_objects_are_gone),
        cmocka_unit_test(every_allocation_can_fail),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(system_tables_have_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
