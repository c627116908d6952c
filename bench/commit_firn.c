/* Firn as a library in this process: log.durability=always, a session and a table for each writer.
 * More arguments are settings: section.key=value. */
#include "commit.h"

#include <firn/firn.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8 };

typedef struct Store {
    firn_database *database;
    firn_session **sessions;
    firn_table **tables;
    firn_value **values; /* of a commit */
} Store;

static void must(int code, const firn_error *error)
{
    if (code != FIRN_OK)
        commit_fail(error->name, error->message);
}

static void open_store(const Run *run, int argc, char **argv, Store *store)
{
    firn_options options = {.settings = (const char *const *)argv + 5,
                            .setting_count = argc > 5 ? (size_t)argc - 5 : 0};
    firn_error error;
    must(firn_open(run->directory, &options, &store->database, &error), &error);
    must(firn_execute(store->database,
                      "CREATE TABLE IF NOT EXISTS public.commits (id TEXT PRIMARY KEY, a BIGINT,"
                      " b BIGINT, c BIGINT, d BIGINT, e BIGINT, kind TEXT, body TEXT)"
                      " FLUSH ROWS 100000000 INTERVAL 24h WITH (flush_bytes='4GB')",
                      NULL, 0, NULL, &error),
         &error);
    store->sessions = calloc(run->writers, sizeof *store->sessions);
    store->tables = calloc(run->writers, sizeof *store->tables);
    store->values = calloc(run->writers, sizeof *store->values);
    if (store->sessions == NULL || store->tables == NULL || store->values == NULL)
        commit_fail("writers", "out of memory");
    for (size_t i = 0; i < run->writers; i++) {
        must(firn_session_open(store->database, NULL, &store->sessions[i], &error), &error);
        must(firn_table_open(store->sessions[i], "public.commits", &store->tables[i], &error),
             &error);
        store->values[i] = calloc(run->rows, COLUMNS * sizeof(firn_value));
        if (store->values[i] == NULL)
            commit_fail("values", "out of memory");
    }
}

static firn_value text_of(const char *text, size_t size)
{
    firn_value value = {.kind = FIRN_TEXT};
    value.as.bytes.data = text;
    value.as.bytes.size = size;
    return value;
}

static void fill(const Row *row, firn_value *out)
{
    out[0] = text_of(row->key, KEY_BYTES);
    for (size_t i = 0; i < 5; i++)
        out[1 + i] = firn_integer(row->numbers[i]);
    out[6] = text_of(row->kind, sizeof row->kind - 1);
    out[7] = text_of(row->text, TEXT_BYTES);
}

static void commit(void *context, size_t writer, const Row *rows, size_t count)
{
    Store *store = context;
    firn_value *values = store->values[writer];
    firn_error error;
    for (size_t i = 0; i < count; i++)
        fill(&rows[i], values + i * COLUMNS);
    if (count == 1)
        must(firn_put(store->tables[writer], values, COLUMNS, &error), &error);
    else
        must(firn_put_batch(store->tables[writer], values, COLUMNS, count, &error), &error);
}

static uint64_t syncs(void *context)
{
    Store *store = context;
    firn_result *result;
    firn_error error;
    must(firn_execute(store->database,
                      "SELECT value FROM system.stats WHERE name = 'firn_log_syncs_total'", NULL, 0,
                      &result, &error),
         &error);
    uint64_t found = 0;
    while (firn_next(result)) {
        const firn_value *value = firn_row(result);
        found = value->kind == FIRN_REAL ? (uint64_t)value->as.real : (uint64_t)value->as.integer;
    }
    firn_result_close(result);
    return found;
}

int main(int argc, char **argv)
{
    Store store = {0};
    firn_error error;
    Run run;
    commit_read_arguments(argc, argv, &run);
    open_store(&run, argc, argv, &store);
    commit_measure(&run, commit, syncs, &store);
    for (size_t i = 0; i < run.writers; i++) {
        firn_table_close(store.tables[i]);
        firn_session_close(store.sessions[i]);
        free(store.values[i]);
    }
    must(firn_close(store.database, &error), &error);
    free(store.sessions);
    free(store.tables);
    free(store.values);
    return 0;
}
