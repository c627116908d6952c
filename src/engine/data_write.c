/* New data files of a flush or a compaction: written by the analytic engine, made durable,
 * described, and indexed by key. Nothing names them until a commit does. */
#include "base/hash.h"
#include "engine/engine_int.h"

enum { ROW_GROUP_BYTES = 1 << 20 };

Status new_files_open(EngineTable *table, NewFiles *out, Error *error)
{
    (void)error;
    *out = (NewFiles){.engine = table->engine, .table = table};
    out->file_sequence = engine_next_id(table->engine);
    in_flight_add(table->engine, &out->in_flight, table->id, out->file_sequence);
    return OK;
}

/* ---- growing arrays ---- */

static Status reserve_file(NewFiles *files, Error *error)
{
    if (files->file_count < files->file_capacity)
        return OK;
    size_t capacity = files->file_capacity == 0 ? 8 : files->file_capacity * 2;
    DataFile **grown = memory_resize(files->files, capacity * sizeof(DataFile *));
    if (grown == NULL)
        return error_out_of_memory(error);
    files->files = grown;
    files->file_capacity = capacity;
    return OK;
}

static Status reserve_entries(NewFiles *files, size_t more, Error *error)
{
    size_t wanted = files->entry_count + more;
    if (wanted <= files->entry_capacity)
        return OK;
    size_t capacity = files->entry_capacity * 2 < wanted ? wanted : files->entry_capacity * 2;
    KeyIndexEntry *grown = memory_resize(files->entries, capacity * sizeof(KeyIndexEntry));
    if (grown == NULL)
        return error_out_of_memory(error);
    files->entries = grown;
    files->entry_capacity = capacity;
    return OK;
}

Status new_files_add_entry(NewFiles *files, const KeyIndexEntry *entry, Error *error)
{
    TRY(reserve_entries(files, 1, error));
    files->entries[files->entry_count++] = *entry;
    return OK;
}

/* ---- one file ---- */

/* What every new file has: id, path, owner, absolute path for the writer. */
static Status begin_file(NewFiles *files, Schema *schema, OwnerId owner, DataFile **out,
                         Path *absolute, Error *error)
{
    EngineTable *table = files->table;
    Engine *engine = files->engine;
    DataFile *file;
    Path relative;
    Slice name = SLICE_EMPTY;
    TRY(reserve_file(files, error));
    TRY(data_file_create(&file, error));
    files->files[files->file_count++] = file;
    uint32_t ordinal = files->next_ordinal++;
    file->id = data_file_id(files->file_sequence, ordinal);
    file->owner = owner;
    file->schema_version = schema->version;
    file->created_us = env_wall_us(engine->env);
    if (schema_has_owner(schema)) {
        TRY(engine->hooks.owner_name(engine->hooks.context, owner, &file->arena, &name, error));
        file->owner_name = arena_text(&file->arena, name);
        if (file->owner_name == NULL)
            return arena_error(&file->arena, error);
    }
    TRY(cold_data_path(table->cold_table, files->file_sequence, ordinal, name, file->created_us,
                       &relative, error));
    file->path = arena_text(&file->arena, slice_of_text(relative.text));
    if (file->path == NULL)
        return arena_error(&file->arena, error);
    *out = file;
    TRY(cold_absolute(table->cold_table, file->path, absolute, error));
    return cold_make_folder_of(table->cold_table, file->path, error);
}

static Slice owner_name_of(const DataFile *file)
{
    return file->owner_name == NULL ? SLICE_EMPTY : slice_of_text(file->owner_name);
}

static void take_result(DataFile *file, const DataFileResult *result)
{
    file->row_count = result->row_count;
    file->size_bytes = result->size_bytes;
    file->statistics = result->statistics;
    file->statistics_count = result->statistics_count;
    file->splits = result->splits;
    file->split_count = result->split_count;
}

static Status set_keys(DataFile *file, Slice first, Slice last, Error *error)
{
    TRY(arena_clone(&file->arena, first, &file->key_min, error));
    return arena_clone(&file->arena, last, &file->key_max, error);
}

static void set_sequences(DataFile *file, const RecordHeader *const *records, size_t count)
{
    file->first_seq = UINT64_MAX;
    file->first_updated_us = INT64_MAX;
    file->last_updated_us = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        const RecordHeader *record = records[i];
        file->first_seq = record->seq < file->first_seq ? record->seq : file->first_seq;
        file->last_seq = record->seq > file->last_seq ? record->seq : file->last_seq;
        if (record->updated_us < file->first_updated_us)
            file->first_updated_us = record->updated_us;
        if (record->updated_us > file->last_updated_us)
            file->last_updated_us = record->updated_us;
    }
}

static void policy_of(EngineTable *table, TablePolicy *out)
{
    engine_table_policy(table, out);
}

static Status write_records(NewFiles *files, Schema *schema, DataFile *file, const Path *path,
                            const RecordHeader *const *records, size_t count,
                            const RowBlockView *blocks, size_t block_count, Error *error)
{
    DataFileIo *io = files->engine->io;
    DataFileResult result = {0};
    TablePolicy policy;
    Buffer iceberg;
    policy_of(files->table, &policy);
    buffer_open(&iceberg, 0);
    cold_put_iceberg_schema(&iceberg, schema);
    Status status = buffer_status(&iceberg, error);
    if (status == OK) {
        DataFileWrite request = {.path = path->text,
                                 .schema = schema,
                                 .owner = file->owner,
                                 .owner_name = owner_name_of(file),
                                 .compression = policy.compression,
                                 .row_group_bytes = ROW_GROUP_BYTES,
                                 .records = records,
                                 .record_count = count,
                                 .blocks = blocks,
                                 .block_count = block_count,
                                 .iceberg_schema = buffer_slice(&iceberg)};
        status = io->write(io, &request, &file->arena, &result, error);
    }
    buffer_close(&iceberg);
    TRY(status);
    if (result.row_count != count)
        return error_set(error, STATUS_INTERNAL, "a data file has %llu rows instead of %zu",
                         (unsigned long long)result.row_count, count);
    take_result(file, &result);
    return OK;
}

Status new_files_write(NewFiles *files, Schema *schema, OwnerId owner,
                       const RecordHeader *const *records, size_t count, const RowBlockView *blocks,
                       size_t block_count, Error *error)
{
    DataFile *file = NULL;
    Path path;
    ASSERT(count > 0);
    TRY(begin_file(files, schema, owner, &file, &path, error));
    TRY(reserve_entries(files, count, error));
    TRY(FAULT(files->engine->env, flush_write, error));
    TRY(write_records(files, schema, file, &path, records, count, blocks, block_count, error));
    TRY(FAULT(files->engine->env, flush_after_write, error));
    set_sequences(file, records, count);
    for (size_t i = 0; i < count; i++) {
        KeyIndexEntry entry = {hash_64(record_key(records[i])), data_file_ordinal(file->id),
                               (uint32_t)i};
        files->entries[files->entry_count++] = entry;
    }
    return set_keys(file, record_key(records[0]), record_key(records[count - 1]), error);
}

/* ---- a merged file ---- */

static void merge_bounds(NewFiles *files, DataFile *file, const DataFileInput *inputs, size_t count)
{
    SuperVersion *version = table_current(files->table);
    file->first_seq = UINT64_MAX;
    file->first_updated_us = INT64_MAX;
    file->last_updated_us = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        const DataFile *input = cold_version_find_file(version->cold, inputs[i].file_id);
        if (input == NULL)
            continue; /* the commit will find that out, and give up */
        file->first_seq = input->first_seq < file->first_seq ? input->first_seq : file->first_seq;
        file->last_seq = input->last_seq > file->last_seq ? input->last_seq : file->last_seq;
        if (input->first_updated_us < file->first_updated_us)
            file->first_updated_us = input->first_updated_us;
        if (input->last_updated_us > file->last_updated_us)
            file->last_updated_us = input->last_updated_us;
    }
    super_version_release(version);
}

/* The bounds of the inputs hold for what is left of them. */
static Status merge_keys(NewFiles *files, DataFile *file, const DataFileInput *inputs, size_t count,
                         Error *error)
{
    Slice low = SLICE_EMPTY;
    Slice high = SLICE_EMPTY;
    SuperVersion *version = table_current(files->table);
    for (size_t i = 0; i < count; i++) {
        const DataFile *input = cold_version_find_file(version->cold, inputs[i].file_id);
        if (input == NULL)
            continue;
        if (low.size == 0 || slice_compare(input->key_min, low) < 0)
            low = input->key_min;
        if (slice_compare(input->key_max, high) > 0)
            high = input->key_max;
    }
    Status status = set_keys(file, low, high, error);
    super_version_release(version);
    return status;
}

static Status run_merge(NewFiles *files, Schema *schema, DataFile *file, const Path *path,
                        const DataFileInput *inputs, size_t count, bool is_in_order,
                        MergedRow **rows, Error *error)
{
    DataFileIo *io = files->engine->io;
    DataFileResult result = {0};
    TablePolicy policy;
    Buffer iceberg;
    policy_of(files->table, &policy);
    buffer_open(&iceberg, 0);
    cold_put_iceberg_schema(&iceberg, schema);
    Status status = buffer_status(&iceberg, error);
    if (status == OK) {
        DataFileMerge request = {.inputs = inputs,
                                 .input_count = count,
                                 .is_in_order = is_in_order,
                                 .path = path->text,
                                 .schema = schema,
                                 .owner = file->owner,
                                 .owner_name = owner_name_of(file),
                                 .compression = policy.compression,
                                 .row_group_bytes = ROW_GROUP_BYTES,
                                 .iceberg_schema = buffer_slice(&iceberg)};
        status = io->merge(io, &request, &file->arena, &result, rows, error);
    }
    buffer_close(&iceberg);
    TRY(status);
    take_result(file, &result);
    return OK;
}

static void remove_quietly(Engine *engine, const char *path)
{
    Error ignored;
    Status status = env_remove(engine->env, path, &ignored);
    (void)status; /* what stays is an orphan: the sweep removes it */
}

static void forget_last(NewFiles *files)
{
    data_file_release(files->files[--files->file_count]);
}

Status new_files_merge(NewFiles *files, Schema *schema, OwnerId owner, const DataFileInput *inputs,
                       size_t count, bool is_in_order, MergedRow **rows, bool *written,
                       Error *error)
{
    DataFile *file = NULL;
    Path path;
    TRY(begin_file(files, schema, owner, &file, &path, error));
    Status status = FAULT(files->engine->env, compact_write, error);
    if (status == OK)
        status = run_merge(files, schema, file, &path, inputs, count, is_in_order, rows, error);
    if (status != OK) {
        forget_last(files);
        remove_quietly(files->engine, path.text);
        return status;
    }
    *written = file->row_count > 0;
    if (!*written) {
        forget_last(files);
        return env_remove(files->engine->env, path.text, error);
    }
    merge_bounds(files, file, inputs, count);
    return merge_keys(files, file, inputs, count, error);
}

/* ---- making them durable ---- */

static Status sync_file(Engine *engine, const char *path, Error *error)
{
    File *file;
    if (BROKEN(skip_data_sync))
        return OK;
    TRY(file_open(engine->env, path, FILE_READ | FILE_WRITE, &file, error));
    Status status = file_sync(file, error);
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

static Status sync_folders(NewFiles *files, Error *error)
{
    const char **paths = memory_allocate(files->file_count * sizeof *paths);
    if (paths == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < files->file_count; i++)
        paths[i] = files->files[i]->path;
    Status status = cold_sync_folders(files->table->cold_table, paths, files->file_count, error);
    memory_free(paths);
    return status;
}

static Status sync_data(NewFiles *files, Error *error)
{
    Path path;
    for (size_t i = 0; i < files->file_count; i++) {
        TRY(cold_absolute(files->table->cold_table, files->files[i]->path, &path, error));
        TRY(sync_file(files->engine, path.text, error));
        if (i == 0 && files->file_count > 1)
            TRY(FAULT(files->engine->env, flush_multi_file, error));
    }
    TRY(FAULT(files->engine->env, flush_after_file_sync, error));
    return sync_folders(files, error);
}

static Status write_index(NewFiles *files, Error *error)
{
    Engine *engine = files->engine;
    Path relative;
    const char *name = relative.text;
    size_t count = files->file_count;
    KeyIndexFile *table = memory_allocate_zeroed(count, sizeof(KeyIndexFile));
    if (table == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        const DataFile *file = files->files[i];
        table[i] = (KeyIndexFile){data_file_ordinal(file->id), file->row_count, file->key_min,
                                  file->key_max};
    }
    Status status = OK;
    GO(cold_index_path(files->table->cold_table, files->file_sequence, &relative, error));
    GO(cold_make_folder_of(files->table->cold_table, relative.text, error));
    GO(cold_absolute(files->table->cold_table, relative.text, &files->index_path, error));
    GO(key_index_write(engine->env, files->index_path.text, files->file_sequence, files->entries,
                       files->entry_count, table, count, error));
    GO(sync_file(engine, files->index_path.text, error));
    GO(cold_sync_folders(files->table->cold_table, &name, 1, error));
    GO(key_index_open(engine->env, engine->file_cache, files->index_path.text, &files->index,
                      error));
done:
    memory_free(table);
    return status;
}

Status new_files_finish(NewFiles *files, Error *error)
{
    if (files->file_count == 0)
        return OK;
    TRY(sync_data(files, error));
    TRY(write_index(files, error));
    return FAULT(files->engine->env, flush_after_directory_sync, error);
}

/* ---- the end ---- */

static void remove_files(NewFiles *files)
{
    Path path;
    Error ignored;
    for (size_t i = 0; i < files->file_count; i++) {
        const char *relative = files->files[i]->path;
        if (relative != NULL &&
            cold_absolute(files->table->cold_table, relative, &path, &ignored) == OK)
            remove_quietly(files->engine, path.text);
    }
    if (files->index_path.text[0] != '\0')
        remove_quietly(files->engine, files->index_path.text);
}

void new_files_close(NewFiles *files, bool committed)
{
    if (files->engine == NULL)
        return;
    if (!committed)
        remove_files(files);
    for (size_t i = 0; i < files->file_count; i++)
        data_file_release(files->files[i]);
    if (files->index != NULL)
        key_index_release(files->index);
    memory_free(files->files);
    memory_free(files->entries);
    in_flight_remove(files->engine, &files->in_flight);
    files->engine = NULL;
}
