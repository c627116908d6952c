/* A key index is derived data: it is made again from its flush's data files. */
#include "base/hash.h"
#include "engine/engine_int.h"

typedef struct Rebuild {
    EngineTable *table;
    Schema *schema;
    const DataFile *file;
    KeyIndexEntry *entries;
    size_t count;
    size_t capacity;
    Buffer key;
    Slice key_min;
    Slice key_max;
    Arena arena;
} Rebuild;

static Status add_entry(Rebuild *rebuild, uint64_t hash, uint32_t position, Error *error)
{
    if (rebuild->count == rebuild->capacity) {
        size_t capacity = rebuild->capacity == 0 ? 1024 : rebuild->capacity * 2;
        KeyIndexEntry *entries = memory_resize(rebuild->entries, capacity * sizeof(KeyIndexEntry));
        if (entries == NULL)
            return error_out_of_memory(error);
        rebuild->entries = entries;
        rebuild->capacity = capacity;
    }
    rebuild->entries[rebuild->count++] =
        (KeyIndexEntry){hash, data_file_ordinal(rebuild->file->id), position};
    return OK;
}

/* Files are sorted by key: the first row's is the smallest. */
static Status visit_row(void *context, const FetchedRow *row, Error *error)
{
    Rebuild *rebuild = context;
    TRY(key_of_row(rebuild->schema, rebuild->file->owner, row->row, &rebuild->key, error));
    Slice key = buffer_slice(&rebuild->key);
    if (row->position == 0)
        TRY(arena_clone(&rebuild->arena, key, &rebuild->key_min, error));
    if (row->position + 1 == rebuild->file->row_count)
        TRY(arena_clone(&rebuild->arena, key, &rebuild->key_max, error));
    return add_entry(rebuild, hash_64(key), row->position, error);
}

static Status scan_file(Rebuild *rebuild, const DataFile *file, KeyIndexFile *out, Error *error)
{
    DataFileIo *io = rebuild->table->engine->io;
    Path path;
    rebuild->file = file;
    rebuild->key_min = SLICE_EMPTY;
    rebuild->key_max = SLICE_EMPTY;
    TRY(cold_absolute(rebuild->table->cold_table, file->path, &path, error));
    TRY(io->scan(io, path.text, rebuild->schema, visit_row, rebuild, error));
    *out = (KeyIndexFile){data_file_ordinal(file->id), file->row_count, rebuild->key_min,
                          rebuild->key_max};
    return OK;
}

static Status write_again(Rebuild *rebuild, ColdVersion *version, uint64_t file_sequence,
                          const KeyIndexFile *files, size_t count, Error *error)
{
    Engine *engine = rebuild->table->engine;
    Path relative;
    Path path;
    FileInformation information;
    KeyIndex *index;
    TRY(cold_index_path(rebuild->table->cold_table, file_sequence, &relative, error));
    TRY(cold_absolute(rebuild->table->cold_table, relative.text, &path, error));
    TRY(env_stat(engine->env, path.text, &information, error));
    file_cache_forget(engine->file_cache, path.text);
    if (information.exists)
        TRY(env_remove(engine->env, path.text, error));
    const char *name = relative.text;
    TRY(cold_make_folder_of(rebuild->table->cold_table, relative.text, error));
    TRY(key_index_write(engine->env, path.text, file_sequence, rebuild->entries, rebuild->count,
                        files, count, error));
    TRY(cold_sync_files(rebuild->table->cold_table, &name, 1, error));
    TRY(cold_sync_folders(rebuild->table->cold_table, &name, 1, error));
    TRY(key_index_open(engine->env, engine->file_cache, path.text, &index, error));
    Status status = cold_version_add_index(version, index, error);
    key_index_release(index);
    return status;
}

Status rebuild_index(EngineTable *table, ColdVersion *version, Schema *schema,
                     uint64_t file_sequence, Error *error)
{
    Rebuild rebuild = {.table = table, .schema = schema};
    size_t all = cold_version_file_count(version);
    size_t count = 0;
    Status status = OK;
    arena_open(&rebuild.arena, 0);
    buffer_open(&rebuild.key, 0);
    KeyIndexFile *files = ARENA_ARRAY(&rebuild.arena, KeyIndexFile, all);
    if (files == NULL)
        GO(arena_error(&rebuild.arena, error));
    for (size_t i = 0; i < all; i++) {
        const DataFile *file = cold_version_file(version, i);
        if (data_file_sequence(file->id) == file_sequence)
            GO(scan_file(&rebuild, file, &files[count++], error));
    }
    GO(write_again(&rebuild, version, file_sequence, files, count, error));
done:
    memory_free(rebuild.entries);
    buffer_close(&rebuild.key);
    arena_close(&rebuild.arena);
    return status;
}
