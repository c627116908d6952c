/* RocksDB with sync=true: a fifth argument `default` takes its own options, `best` those that serve
 * small synced commits (a pipelined write path, logs used again, a log that is laid out ahead). */
#include "commit.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Store {
    rocksdb_t *database;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write;
} Store;

static void check(char *error)
{
    if (error != NULL)
        commit_fail("rocksdb", error);
}

static void open_store(const char *directory, bool best, Store *store)
{
    char *error = NULL;
    store->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(store->options, 1);
    rocksdb_options_enable_statistics(store->options);
    rocksdb_options_set_compression(store->options, rocksdb_no_compression);
    if (best) {
        rocksdb_options_set_enable_pipelined_write(store->options, 1);
        rocksdb_options_set_recycle_log_file_num(store->options, 4);
        rocksdb_options_set_write_buffer_size(store->options, 1UL << 30);
        rocksdb_options_set_max_write_buffer_number(store->options, 6);
        rocksdb_options_increase_parallelism(store->options, 2);
    }
    store->database = rocksdb_open(store->options, directory, &error);
    check(error);
    store->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->write, 1);
}

/* The columns one behind the other: what a table on RocksDB would have to store, too. */
static size_t encode(const Row *row, char *out)
{
    size_t size = sizeof row->numbers;
    memcpy(out, row->numbers, size);
    memcpy(out + size, row->kind, sizeof row->kind - 1);
    size += sizeof row->kind - 1;
    memcpy(out + size, row->text, TEXT_BYTES);
    return size + TEXT_BYTES;
}

static void commit(void *context, size_t writer, const Row *rows, size_t count)
{
    Store *store = context;
    char value[sizeof(Row)];
    char *error = NULL;
    (void)writer;
    if (count == 1) {
        size_t size = encode(rows, value);
        rocksdb_put(store->database, store->write, rows->key, KEY_BYTES, value, size, &error);
    } else {
        rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
        for (size_t i = 0; i < count; i++) {
            size_t size = encode(&rows[i], value);
            rocksdb_writebatch_put(batch, rows[i].key, KEY_BYTES, value, size);
        }
        rocksdb_write(store->database, store->write, batch, &error);
        rocksdb_writebatch_destroy(batch);
    }
    check(error);
}

static uint64_t syncs(void *context)
{
    Store *store = context;
    char *text = rocksdb_options_statistics_get_string(store->options);
    const char *at = text == NULL ? NULL : strstr(text, "rocksdb.wal.synced COUNT : ");
    uint64_t found =
        at == NULL ? 0 : strtoull(at + strlen("rocksdb.wal.synced COUNT : "), NULL, 10);
    free(text);
    return found;
}

int main(int argc, char **argv)
{
    Store store;
    Run run;
    commit_read_arguments(argc, argv, &run);
    if (argc < 6 || (strcmp(argv[5], "best") != 0 && strcmp(argv[5], "default") != 0))
        commit_fail(argv[0], "best or default");
    open_store(run.directory, strcmp(argv[5], "best") == 0, &store);
    commit_measure(&run, commit, syncs, &store);
    rocksdb_close(store.database);
    rocksdb_writeoptions_destroy(store.write);
    rocksdb_options_destroy(store.options);
    return 0;
}
