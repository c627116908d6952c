/* What there is: the catalog, and every row of every table. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "tests/faults/faults.h"

/* ---- the catalog ---- */

static void put_columns(Text *out, const CatalogTable *table)
{
    const Schema *schema = table->schema;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const Column *column = &schema->columns[i];
        char type[TYPE_NAME_BYTES_MAX];
        type_name(column->type, type);
        text_put(out, " %.*s:%s%s%s", SLICE_ARGUMENTS(column->name), type,
                 column->not_null ? "!" : "", column->key_position >= 0 ? "*" : "");
        if (column->comment.size > 0)
            text_put(out, "(%.*s)", SLICE_ARGUMENTS(column->comment));
        if (table->defaults != NULL && table->defaults[i] != NULL)
            text_put(out, "=");
    }
}

static void put_tables(Text *out, const CatalogSnapshot *snapshot)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(snapshot, &tables);
    for (size_t i = 0; i < count; i++) {
        const CatalogTable *table = tables[i];
        text_put(out, "table %.*s.%.*s kind %d access %d in %.*s flush_rows %lld checks %u '%.*s'",
                 SLICE_ARGUMENTS(table->namespace_name), SLICE_ARGUMENTS(table->name),
                 (int)table->kind, (int)table->access, SLICE_ARGUMENTS(table->storage),
                 (long long)table->options.flush_rows, table->check_count,
                 SLICE_ARGUMENTS(table->comment));
        put_columns(out, table);
        text_put(out, "\n");
    }
}

/* Lives are lived in directories of different names. */
static Slice behind_dash(Slice path)
{
    size_t at = path.size;
    while (at > 0 && path.data[at - 1] != '-')
        at--;
    return slice_part(path, at, path.size);
}

static void put_catalog(Text *out, const CatalogSnapshot *snapshot)
{
    const CatalogNamespace *const *namespaces;
    const CatalogUser *const *users;
    const CatalogStorage *const *storages;
    const CatalogSetting *const *settings;
    size_t count = catalog_namespaces(snapshot, &namespaces);
    for (size_t i = 0; i < count; i++)
        text_put(out, "namespace %.*s\n", SLICE_ARGUMENTS(namespaces[i]->name));
    count = catalog_users(snapshot, &users);
    for (size_t i = 0; i < count; i++)
        if (users[i]->deleted_us == 0)
            text_put(out, "user %.*s role %d mail %.*s\n", SLICE_ARGUMENTS(users[i]->name),
                     (int)users[i]->role, SLICE_ARGUMENTS(users[i]->email));
    count = catalog_storages(snapshot, &storages);
    for (size_t i = 0; i < count; i++)
        text_put(out, "storage %.*s at %.*s\n", SLICE_ARGUMENTS(storages[i]->id),
                 SLICE_ARGUMENTS(behind_dash(storages[i]->path)));
    count = catalog_settings(snapshot, &settings);
    for (size_t i = 0; i < count; i++)
        text_put(out, "setting %.*s = %.*s\n", SLICE_ARGUMENTS(settings[i]->name),
                 SLICE_ARGUMENTS(settings[i]->value));
    put_tables(out, snapshot);
}

/* ---- rows, by statements ---- */

int row_put(void *context, const firn_value *row, size_t columns)
{
    Text *out = context;
    for (size_t i = 0; i < columns; i++) {
        switch (row[i].kind) {
        case FIRN_NULL:
            text_put(out, " ~");
            break;
        case FIRN_BOOLEAN:
            text_put(out, row[i].as.boolean ? " t" : " f");
            break;
        case FIRN_INTEGER:
            text_put(out, " %lld", (long long)row[i].as.integer);
            break;
        case FIRN_REAL:
            text_put(out, " %.17g", row[i].as.real);
            break;
        case FIRN_TEXT:
        case FIRN_BYTES:
            text_put(out, " ");
            text_put_bytes(out, (Slice){row[i].as.bytes.data, row[i].as.bytes.size});
            break;
        case FIRN_VECTOR:
            text_put(out, " vector");
            break;
        }
    }
    text_put(out, ";");
    return 0;
}

/* One line: the rows as the user reads them, or why he cannot. */
static void put_rows_of(Life *life, const CatalogTable *table, const char *user, Text *out)
{
    char sql[256];
    firn_error error;
    firn_session *session;
    firn_result *result = NULL;
    const Schema *schema = table->schema;
    Slice key = schema->columns[schema->key_columns[0]].name;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM \"%.*s\".\"%.*s\" ORDER BY \"%.*s\"",
                   SLICE_ARGUMENTS(table->namespace_name), SLICE_ARGUMENTS(table->name),
                   SLICE_ARGUMENTS(schema->columns[schema->key_columns[0]].hidden
                                       ? schema->columns[0].name
                                       : key));
    int code = firn_session_open(life->database, user, &session, &error);
    if (code == FIRN_OK) {
        code = firn_session_execute(session, sql, NULL, 0, &result, &error);
        firn_session_close(session);
    }
    text_put(out, "%srows of %.*s.%.*s for %s:", code == FIRN_OK ? "" : "!",
             SLICE_ARGUMENTS(table->namespace_name), SLICE_ARGUMENTS(table->name),
             user == NULL ? "root" : user);
    if (code != FIRN_OK)
        text_put(out, " %s", error.name);
    while (code == FIRN_OK && firn_next(result))
        (void)row_put(out, firn_row(result), firn_column_count(result));
    text_put(out, "\n");
    firn_result_close(result);
}

static void put_rows(Life *life, const CatalogSnapshot *snapshot, Text *out)
{
    static const char *const names[] = {"ann", "ben"};
    const CatalogTable *const *tables;
    size_t count = catalog_tables(snapshot, &tables);
    for (size_t i = 0; i < count; i++) {
        if (tables[i]->kind == TABLE_SHARED) {
            put_rows_of(life, tables[i], NULL, out);
            continue;
        }
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
            if (catalog_find_user(snapshot, slice_of_text(names[n])) != NULL)
                put_rows_of(life, tables[i], names[n], out);
    }
}

void state_read(Life *life, Text *out)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database_catalog(life->database->database));
    text_clear(out);
    put_catalog(out, snapshot);
    put_rows(life, snapshot, out);
    catalog_snapshot_release(snapshot);
}

/* ---- the same at a glance ---- */

static uint64_t hash_rows(const Pin *pin)
{
    HotScan *scan;
    Error error;
    uint64_t hash = 0;
    if (hot_scan_open(pin, 0, SLICE_EMPTY, SLICE_EMPTY, false, &scan, &error) != OK)
        broken("a scan of memory failed: %s", error.message);
    for (const RecordHeader *record = hot_scan_next(scan); record != NULL;
         record = hot_scan_next(scan))
        hash = hash_64_seeded(record_row(record), hash);
    hot_scan_close(scan);
    return hash;
}

static void glance_at(Engine *engine, uint64_t table_id, bool rows, Text *out)
{
    EngineTable *table = engine_table(engine, table_id);
    TableCount count;
    Pin *pin;
    Error error;
    if (table == NULL)
        broken("a table of the catalog is not one of the engine's");
    if (pin_open(engine, &table, 1, &pin, &error) != OK)
        broken("no pin: %s", error.message);
    if (pin_count(pin, 0, 0, &count, &error) != OK)
        broken("no count: %s", error.message);
    text_put(out, " %llu rows", (unsigned long long)(count.hot_rows + count.cold_rows));
    if (rows)
        text_put(out, " %llu in memory %016llx", (unsigned long long)count.hot_rows,
                 (unsigned long long)hash_rows(pin));
    text_put(out, "\n");
    pin_release(pin);
    engine_table_release(table);
}

void state_glance(Life *life, bool rows, Text *out)
{
    Database *database = life->database->database;
    CatalogSnapshot *snapshot = catalog_snapshot(database_catalog(database));
    const CatalogTable *const *tables;
    size_t count = catalog_tables(snapshot, &tables);
    text_clear(out);
    put_catalog(out, snapshot);
    for (size_t i = 0; i < count; i++) {
        text_put(out, "%.*s:", SLICE_ARGUMENTS(tables[i]->name));
        glance_at(database_engine(database), tables[i]->id, rows, out);
    }
    catalog_snapshot_release(snapshot);
}

/* ---- comparing ---- */

bool state_agrees(const char *wanted, const char *got)
{
    while (*wanted != '\0' && *got != '\0') {
        size_t a = strcspn(wanted, "\n");
        size_t b = strcspn(got, "\n");
        bool refused = *got == '!';
        if (!refused && (a != b || memcmp(wanted, got, a) != 0))
            return false;
        wanted += a + (wanted[a] == '\n');
        got += b + (got[b] == '\n');
    }
    return *wanted == *got;
}
