/* Records, manifests and one key's life as lines of text. */
#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "check/check_int.h"
#include "types/key.h"

enum { DUMP_LINE_BYTES_MAX = 4096 };

typedef struct Dump {
    Check check;
    CheckOptions options;
    CheckSummary summary;
    const DumpSink *sink;
    File *lock;
    Path directory;
} Dump;

static void say(const DumpSink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A longer line is cut: names and keys have their own limits. */
static void say(const DumpSink *sink, const char *format, ...)
{
    char line[DUMP_LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    sink->line(sink->context, line);
}

static void found_nothing(void *context, const CheckFinding *finding)
{
    (void)context;
    (void)finding;
}

static Status dump_begin(Dump *dump, Env *env, const char *directory, const DumpSink *sink,
                         Error *error)
{
    *dump = (Dump){.sink = sink};
    TRY(env_absolute_path(env, directory, &dump->directory, error));
    dump->options = (CheckOptions){.directory = dump->directory.text, .found = found_nothing};
    dump->check.options = &dump->options;
    dump->check.summary = &dump->summary;
    dump->check.error = error;
    return check_begin(&dump->check, env, dump->directory.text, &dump->lock, error);
}

static void dump_end(Dump *dump)
{
    check_end(&dump->check, dump->lock);
}

/* ---- names and keys ---- */

static void table_name(const Dump *dump, uint64_t id, char *out, size_t size)
{
    const CatalogTable *table = catalog_table_by_id(dump->check.catalog, id);
    if (table == NULL)
        (void)snprintf(out, size, "table %llu", (unsigned long long)id);
    else
        (void)snprintf(out, size, "%.*s.%.*s", SLICE_ARGUMENTS(table->namespace_name),
                       SLICE_ARGUMENTS(table->name));
}

/* By the catalog as of this record; a table that is dropped later is still known. */
static Status key_text(const Dump *dump, uint64_t table_id, Slice key, Buffer *out, Error *error)
{
    const CatalogTable *table = catalog_table_by_id(dump->check.catalog, table_id);
    buffer_clear(out);
    if (table == NULL)
        buffer_put_text(out, "?");
    else
        key_put_text(table->schema, key, out);
    buffer_put_u8(out, '\0');
    return buffer_status(out, error);
}

static Status find_table(const Dump *dump, const char *name, const CatalogTable **out, Error *error)
{
    Slice text = slice_of_text(name);
    size_t point = slice_find(text, '.');
    *out = catalog_find_table(dump->check.catalog, slice_part(text, 0, point),
                              slice_part(text, point + 1, text.size));
    if (*out == NULL)
        return error_set(error, STATUS_UNDEFINED_TABLE, "table \"%s\" does not exist", name);
    return OK;
}

/* ---- the log ---- */

static Status say_row(Dump *dump, const InspectedFrame *frame, const char *name, Error *error)
{
    const RowChange *row = &frame->row;
    Buffer key;
    buffer_open(&key, DUMP_LINE_BYTES_MAX / 2);
    Status status = key_text(dump, row->table_id, row->key, &key, error);
    if (status == STATUS_PROGRAM_LIMIT_EXCEEDED)
        status = OK;
    if (status == OK)
        say(dump->sink, "%llu seq %llu %s %s key %s owner %u schema %u row %zu old %s%s",
            (unsigned long long)frame->frame->position, (unsigned long long)row->seq,
            row->kind == WRITE_DELETE ? "delete" : "put", name,
            key.failed ? "(long)" : (const char *)key.data, row->owner, row->schema_version,
            row->row.size, row->had_old ? "yes" : "no", row->ends_transaction ? "" : " +");
    buffer_close(&key);
    return status;
}

static void say_definition(const Dump *dump, const InspectedFrame *frame)
{
    static const char *const kinds[] = {"create", "drop", "truncate", "alter"};
    char name[2 * NAME_BYTES_MAX + 2];
    say(dump->sink, "%llu seq %llu definition of %zu bytes",
        (unsigned long long)frame->frame->position, (unsigned long long)frame->frame->seq,
        frame->upper.size);
    for (size_t i = 0; i < frame->definition.count; i++) {
        const DefinedChange *change = &frame->definition.changes[i];
        table_name(dump, change->table_id, name, sizeof name);
        say(dump->sink, "%llu seq %llu %s %s", (unsigned long long)frame->frame->position,
            (unsigned long long)frame->frame->seq, kinds[change->kind], name);
    }
}

static Status say_frame(void *context, const InspectedFrame *frame, Error *error)
{
    Dump *dump = context;
    char name[2 * NAME_BYTES_MAX + 2];
    unsigned long long position = (unsigned long long)frame->frame->position;
    unsigned long long seq = (unsigned long long)frame->frame->seq;
    dump->summary.frames++;
    switch (frame->frame->kind) {
    case FRAME_ROW:
        table_name(dump, frame->row.table_id, name, sizeof name);
        return say_row(dump, frame, name, error);
    case FRAME_COLD:
        table_name(dump, frame->cold.table_id, name, sizeof name);
        say(dump->sink, "%llu seq %llu %s %s hi %llu owner %u metadata %.*s", position, seq,
            frame->cold.is_compaction ? "compaction" : "flush", name,
            (unsigned long long)frame->cold.hi, frame->cold.owner,
            SLICE_ARGUMENTS(frame->cold.metadata_path));
        return OK;
    case FRAME_DEFINITION:
        say_definition(dump, frame);
        return OK;
    case FRAME_CEILING:
        say(dump->sink, "%llu seq %llu ceiling seq %llu id %llu", position, seq,
            (unsigned long long)frame->ceiling.seq, (unsigned long long)frame->ceiling.id);
        return OK;
    default:
        say(dump->sink, "%llu seq %llu record of kind %u, %zu bytes", position, seq,
            frame->frame->kind, frame->upper.size);
        return OK;
    }
}

static void say_state(const Dump *dump)
{
    const EngineInspection *state = &dump->check.inspection;
    if (state->has_checkpoint)
        say(dump->sink, "checkpoint %016llx at %llu, replay from %llu",
            (unsigned long long)state->checkpoint_number, (unsigned long long)state->position,
            (unsigned long long)state->replay_from);
    say(dump->sink,
        "log: %llu segments, %llu frames from %llu to %llu, durable to %llu, torn %llu bytes, "
        "highest sequence %llu",
        (unsigned long long)state->log.segments, (unsigned long long)dump->summary.frames,
        (unsigned long long)state->replay_from, (unsigned long long)state->log.end,
        (unsigned long long)state->log.durable, (unsigned long long)state->log.torn_bytes,
        (unsigned long long)state->log.highest_seq);
}

Status dump_log(Env *env, const char *directory, const DumpSink *sink, Error *error)
{
    Dump dump;
    Status status = dump_begin(&dump, env, directory, sink, error);
    if (status == OK)
        status = check_read_state(&dump.check, say_frame, &dump, error);
    if (status == OK)
        say_state(&dump);
    dump_end(&dump);
    return status;
}

/* ---- manifests ---- */

static Status name_table(const Dump *dump, const CatalogTable *definition, CheckedTable *out,
                         Error *error)
{
    const InspectedTable *settled = engine_inspection_find(&dump->check.inspection, definition->id);
    *out = (CheckedTable){.definition = definition};
    out->metadata_path = settled == NULL ? "" : settled->metadata_path;
    table_name(dump, definition->id, out->name, sizeof out->name);
    return check_table_folder(&dump->check, definition, &out->folder, error);
}

static Status say_entry(void *context, const char *path, uint64_t size_bytes, uint64_t row_count,
                        bool is_deletes, Error *error)
{
    const Dump *dump = context;
    (void)error;
    say(dump->sink, "  %s %s rows %llu bytes %llu", is_deletes ? "deletes" : "data", path,
        (unsigned long long)row_count, (unsigned long long)size_bytes);
    return OK;
}

static void say_file(const Dump *dump, const ColdVersion *version, size_t i)
{
    const DataFile *file = cold_version_file(version, i);
    say(dump->sink, "  live %s rows %llu deleted %llu bytes %llu sequences %llu to %llu%s%s",
        file->path, (unsigned long long)file->row_count,
        (unsigned long long)cold_version_deleted_count(version, i),
        (unsigned long long)file->size_bytes, (unsigned long long)file->first_seq,
        (unsigned long long)file->last_seq, file->owner_name != NULL ? " user " : "",
        file->owner_name != NULL ? file->owner_name : "");
}

static Status say_version(Dump *dump, const CheckedTable *table, ColdVersion *version, Error *error)
{
    Arena arena;
    ColdSnapshot *snapshots;
    size_t count;
    arena_open(&arena, 0);
    Status status = cold_version_snapshots(version, &arena, &snapshots, &count, error);
    for (size_t i = 0; status == OK && i < count; i++)
        say(dump->sink, "  snapshot %lld %s sequences %llu to %llu",
            (long long)snapshots[i].snapshot_id, snapshots[i].operation,
            (unsigned long long)snapshots[i].first_seq, (unsigned long long)snapshots[i].last_seq);
    arena_close(&arena);
    TRY(status);
    for (size_t i = 0; i < cold_version_file_count(version); i++)
        say_file(dump, version, i);
    return check_visit_entries(&dump->check, table, version, say_entry, dump, error);
}

static void say_stream(const Dump *dump, const StreamVersion *version)
{
    for (size_t i = 0; i < stream_version_file_count(version); i++) {
        const StreamFile *file = stream_version_file(version, i);
        say(dump->sink, "  window %s rows %llu deleted %llu bytes %llu sequences %llu to %llu",
            file->path, (unsigned long long)file->rows, (unsigned long long)file->deleted_count,
            (unsigned long long)file->bytes, (unsigned long long)file->first_seq,
            (unsigned long long)file->last_seq);
    }
}

static Status dump_stream(Dump *dump, const CheckedTable *table, Error *error)
{
    Path state;
    StreamVersion *version;
    TRY(check_stream_state(&dump->check, table->definition->id, &state, error));
    StreamContext context = {dump->check.env, dump->check.cache, table->folder.text, state.text,
                             table->definition->id};
    if (table->metadata_path[0] == '\0')
        return OK;
    TRY(stream_version_open(&context, table->metadata_path, NULL, NULL, &version, error));
    say_stream(dump, version);
    stream_version_release(version);
    return OK;
}

static Status dump_table(Dump *dump, const CatalogTable *definition, Error *error)
{
    CheckedTable table;
    OpenedTable opened = {0};
    const InspectedTable *settled = engine_inspection_find(&dump->check.inspection, definition->id);
    TRY(name_table(dump, definition, &table, error));
    say(dump->sink, "%s id %llu settled to sequence %llu metadata %s", table.name,
        (unsigned long long)definition->id, (unsigned long long)(settled == NULL ? 0 : settled->hi),
        table.metadata_path[0] == '\0' ? "none" : table.metadata_path);
    if (definition->kind == TABLE_STREAM)
        return dump_stream(dump, &table, error);
    Status status = check_open_table(&dump->check, &table, NULL, NULL, &opened, error);
    if (status == OK)
        status = say_version(dump, &table, opened.version, error);
    check_close_table(&opened);
    return status;
}

static Status dump_tables(Dump *dump, const char *name, Error *error)
{
    const CatalogTable *const *tables;
    const CatalogTable *one;
    TRY(check_read_state(&dump->check, NULL, NULL, error));
    if (name != NULL) {
        TRY(find_table(dump, name, &one, error));
        return dump_table(dump, one, error);
    }
    size_t count = catalog_tables(dump->check.catalog, &tables);
    for (size_t i = 0; i < count; i++)
        TRY(dump_table(dump, tables[i], error));
    return OK;
}

Status dump_manifest(Env *env, const char *directory, const char *table, const DumpSink *sink,
                     Error *error)
{
    Dump dump;
    Status status = dump_begin(&dump, env, directory, sink, error);
    if (status == OK)
        status = dump_tables(&dump, table, error);
    dump_end(&dump);
    return status;
}

/* ---- one key ---- */

enum { KEYS_OF_TEXT_MAX = 1024 }; /* one for each user */

/* The encoded keys whose text it is: found in the log, and asked of the indexes. */
typedef struct KeySearch {
    Dump *dump;
    const char *table;
    const char *text;
    uint64_t frames;
    PathSet seen; /* hashes of keys, as text */
    uint64_t hashes[KEYS_OF_TEXT_MAX];
    size_t hash_count;
} KeySearch;

/* "1" stands for "(1)". */
static bool is_wanted(const KeySearch *search, const char *text)
{
    size_t size = strlen(search->text);
    if (strcmp(search->text, text) == 0)
        return true;
    return strlen(text) == size + 2 && text[0] == '(' && memcmp(text + 1, search->text, size) == 0;
}

static Status note_hash(KeySearch *search, uint64_t hash, Error *error)
{
    char text[24];
    bool is_new;
    (void)snprintf(text, sizeof text, "%llx", (unsigned long long)hash);
    TRY(path_set_add(&search->seen, text, &is_new, error));
    if (is_new && search->hash_count < KEYS_OF_TEXT_MAX)
        search->hashes[search->hash_count++] = hash;
    return OK;
}

static Status search_frame(void *context, const InspectedFrame *frame, Error *error)
{
    KeySearch *search = context;
    Dump *dump = search->dump;
    char name[2 * NAME_BYTES_MAX + 2];
    Buffer key;
    if (frame->frame->kind != FRAME_ROW)
        return OK;
    table_name(dump, frame->row.table_id, name, sizeof name);
    if (strcmp(name, search->table) != 0)
        return OK;
    buffer_open(&key, 0);
    Status status = key_text(dump, frame->row.table_id, frame->row.key, &key, error);
    if (status == OK && is_wanted(search, (const char *)key.data)) {
        search->frames++;
        status = note_hash(search, hash_64(frame->row.key), error);
        if (status == OK)
            status = say_row(dump, frame, name, error);
    }
    buffer_close(&key);
    return status;
}

static void say_place(const Dump *dump, const ColdVersion *version, const KeyIndex *index,
                      const KeyIndexEntry *entry)
{
    uint64_t id = data_file_id(key_index_file_sequence(index), entry->file_ordinal);
    for (size_t i = 0; i < cold_version_file_count(version); i++) {
        const DataFile *file = cold_version_file(version, i);
        if (file->id == id)
            say(dump->sink, "index: %s row %u %s", file->path, entry->position,
                cold_version_is_deleted(version, i, entry->position) ? "deleted" : "alive");
    }
}

static Status search_indexes(const KeySearch *search, const ColdVersion *version, Error *error)
{
    KeyIndexEntry entries[KEY_INDEX_CANDIDATES_MAX];
    for (size_t i = 0; i < cold_version_index_count(version); i++) {
        KeyIndex *index = cold_version_index(version, i);
        for (size_t h = 0; h < search->hash_count; h++) {
            size_t count = 0;
            if (!key_index_may_have(index, search->hashes[h]))
                continue;
            TRY(key_index_find(index, search->hashes[h], entries, &count, error));
            for (size_t e = 0; e < count; e++)
                say_place(search->dump, version, index, &entries[e]);
        }
    }
    return OK;
}

/* The one value of a key of one column, of any user or of none. */
static Status guess_keys(KeySearch *search, const CatalogTable *table, Error *error)
{
    const CatalogUser *const *users;
    size_t count =
        table->kind == TABLE_SHARED ? 1 : catalog_users(search->dump->check.catalog, &users);
    Arena arena;
    Buffer key;
    Value value;
    Status status = OK;
    if (table->schema->key_count != 1)
        return OK;
    Type type = table->schema->columns[table->schema->key_columns[0]].type;
    arena_open(&arena, 0);
    buffer_open(&key, 0);
    GO(value_from_text(&arena, type, slice_of_text(search->text), &value, error));
    for (size_t i = 0; i < count; i++) {
        OwnerId owner = table->kind == TABLE_SHARED ? 0 : users[i]->id;
        GO(key_of_values(table->schema, owner, &value, 1, &key, error));
        GO(note_hash(search, hash_64(buffer_slice(&key)), error));
    }
done:
    buffer_close(&key);
    arena_close(&arena);
    return status;
}

static Status search_files(KeySearch *search, Error *error)
{
    const CatalogTable *definition;
    CheckedTable table;
    OpenedTable opened = {0};
    TRY(find_table(search->dump, search->table, &definition, error));
    TRY(guess_keys(search, definition, error));
    TRY(name_table(search->dump, definition, &table, error));
    if (definition->kind == TABLE_STREAM)
        return OK;
    Status status = check_open_table(&search->dump->check, &table, NULL, NULL, &opened, error);
    if (status == OK)
        status = search_indexes(search, opened.version, error);
    check_close_table(&opened);
    return status;
}

Status dump_row(Env *env, const char *directory, const char *table, const char *key,
                const DumpSink *sink, Error *error)
{
    Dump dump;
    KeySearch *search = MEMORY_NEW(KeySearch);
    if (search == NULL)
        return error_out_of_memory(error);
    *search = (KeySearch){.dump = &dump, .table = table, .text = key};
    path_set_open(&search->seen);
    Status status = dump_begin(&dump, env, directory, sink, error);
    if (status == OK)
        status = check_read_state(&dump.check, search_frame, search, error);
    if (status == OK)
        status = search_files(search, error);
    if (status == OK)
        say(sink, "%llu frames of the log", (unsigned long long)search->frames);
    dump_end(&dump);
    path_set_close(&search->seen);
    memory_free(search);
    return status;
}
