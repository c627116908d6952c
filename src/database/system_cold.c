/* What is settled and what is not yet: system.files, manifest, snapshots. */
#include <stdio.h>

#include "cold/position_set.h"
#include "database/system_int.h"

/* ---- files ---- */

static void row_table(SystemRows *rows, const CatalogTable *table)
{
    row_text(rows, table->namespace_name);
    row_text(rows, table->name);
}

static void row_key(SystemRows *rows, const CatalogTable *table, Slice key)
{
    Buffer text;
    if (key.size == 0) {
        row_null(rows);
        return;
    }
    buffer_open(&text, 0);
    key_put_text(table->schema, key, &text);
    if (text.failed)
        rows->status = STATUS_OUT_OF_MEMORY;
    row_copy(rows, buffer_slice(&text));
    buffer_close(&text);
}

static Status put_data_file(SystemRows *rows, const CatalogTable *table, const ColdVersion *cold,
                            size_t i, Error *error)
{
    const DataFile *file = cold_version_file(cold, i);
    const char *deletes = cold_version_deletes_path(cold, i);
    row_table(rows, table);
    row_words(rows, file->owner_name);
    row_path(rows, table, file->path);
    row_text(rows, SLICE("data"));
    row_text(rows, SLICE("parquet"));
    row_unsigned(rows, file->row_count);
    row_unsigned(rows, cold_version_deleted_count(cold, i));
    row_unsigned(rows, file->size_bytes);
    row_key(rows, table, file->key_min);
    row_key(rows, table, file->key_max);
    row_unsigned(rows, file->first_seq);
    row_unsigned(rows, file->last_seq);
    row_unsigned(rows, file->snapshot_id);
    if (deletes == NULL)
        row_null(rows);
    else
        row_path(rows, table, deletes);
    row_time_or_null(rows, file->created_us);
    return row_end(rows, error);
}

/* A file beside the data: only its place and size are known here. */
static Status put_other_file(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                             const char *owner_name, const char *path, const char *kind,
                             const char *format, uint64_t row_count, Error *error)
{
    row_table(rows, table);
    row_words(rows, owner_name);
    row_path(rows, table, path);
    row_words(rows, kind);
    row_words(rows, format);
    row_unsigned_or_null(rows, row_count);
    row_null(rows);
    row_unsigned(rows, system_file_size(rows, pin, path));
    for (int i = 0; i < 7; i++)
        row_null(rows);
    return row_end(rows, error);
}

/* The newest position deletes of a data file. Older ones on it, which hold the rest, are not known
 * by path here: the count of rows is given where there is one file alone. */
static Status put_deletes_file(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                               size_t i, Error *error)
{
    const ColdVersion *cold = pin_cold(pin->pin, 0);
    const char *path = cold_version_deletes_path(cold, i);
    uint64_t count =
        cold_version_delete_files(cold, i) == 1 ? cold_version_deleted_count(cold, i) : 0;
    if (path == NULL)
        return OK;
    return put_other_file(rows, table, pin, cold_version_file(cold, i)->owner_name, path, "deletes",
                          "parquet", count, error);
}

static Status put_index_files(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                              Error *error)
{
    const ColdVersion *cold = pin_cold(pin->pin, 0);
    for (size_t i = 0; i < cold_version_index_count(cold); i++) {
        const KeyIndex *index = cold_version_index(cold, i);
        char path[64];
        (void)snprintf(path, sizeof path, "keys/%llu.keys",
                       (unsigned long long)key_index_file_sequence(index));
        TRY(put_other_file(rows, table, pin, NULL, path, "index", "keys", key_index_count(index),
                           error));
    }
    return OK;
}

/* A window file of a STREAM table. It holds no key index of its own kind and is in no snapshot. */
static Status put_window_file(SystemRows *rows, const CatalogTable *table, const StreamFile *file,
                              Error *error)
{
    row_table(rows, table);
    row_text_or_null(rows, system_user_name(rows, file->owner));
    row_path(rows, table, file->path);
    row_text(rows, SLICE("data"));
    row_text(rows, SLICE("window"));
    row_unsigned(rows, file->rows);
    row_unsigned(rows, file->deleted_count);
    row_unsigned(rows, file->bytes);
    row_null(rows);
    row_null(rows);
    row_unsigned(rows, file->first_seq);
    row_unsigned(rows, file->last_seq);
    row_null(rows);
    row_null(rows);
    row_time_or_null(rows, file->window.begin_us);
    return row_end(rows, error);
}

static Status put_window_files(SystemRows *rows, const CatalogTable *table,
                               const StreamVersion *stream, Error *error)
{
    OwnerId seen = system_owner_seen(rows, table);
    for (size_t i = 0; i < stream_version_file_count(stream); i++) {
        const StreamFile *file = stream_version_file(stream, i);
        if (seen == 0 || file->owner == seen)
            TRY(put_window_file(rows, table, file, error));
    }
    return OK;
}

static Status put_files(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                        Error *error)
{
    const ColdVersion *cold = pin_cold(pin->pin, 0);
    if (table->kind == TABLE_STREAM)
        return put_window_files(rows, table, pin_stream(pin->pin, 0), error);
    OwnerId seen = system_owner_seen(rows, table);
    for (size_t i = 0; i < cold_version_file_count(cold); i++) {
        if (seen != 0 && cold_version_file(cold, i)->owner != seen)
            continue;
        TRY(put_data_file(rows, table, cold, i, error));
        TRY(put_deletes_file(rows, table, pin, i, error));
    }
    return seen == 0 ? put_index_files(rows, table, pin, error) : OK;
}

Status system_rows_files(SystemRows *rows, Error *error)
{
    return system_each_table(rows, put_files, error);
}

/* ---- manifest ---- */

/* What one owner has in a table; owner 0: all of a SHARED table's rows. */
typedef struct Share {
    OwnerId owner;
    const char *name_in_files; /* of an owner whom the catalog forgot */
    uint64_t files;
    uint64_t rows;
    uint64_t bytes;
    uint64_t min_seq;
    uint64_t max_seq;
    uint64_t hot_rows;
    uint64_t hot_bytes;
} Share;

/* Shares by owner: an open table in memory of its own, twice as large as what it holds. */
typedef struct Shares {
    Share *slots;
    size_t capacity; /* a power of two */
    size_t count;
} Shares;

static Share *slot_of(const Shares *shares, OwnerId owner)
{
    size_t at = (size_t)owner * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    for (;; at++) {
        Share *slot = &shares->slots[at & (shares->capacity - 1)];
        bool is_free = slot->files == 0 && slot->hot_rows == 0;
        if (is_free || slot->owner == owner)
            return slot;
    }
}

static Status grow(Shares *shares, Error *error)
{
    Shares larger = {.capacity = shares->capacity == 0 ? 64 : shares->capacity * 2};
    larger.slots = memory_allocate_zeroed(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < shares->capacity; i++) {
        const Share *share = &shares->slots[i];
        if (share->files != 0 || share->hot_rows != 0)
            *slot_of(&larger, share->owner) = *share;
    }
    larger.count = shares->count;
    memory_free(shares->slots);
    *shares = larger;
    return OK;
}

/* The caller adds a file or a row to it at once: that is what makes a slot taken. */
static Status share_of(Shares *shares, OwnerId owner, Share **out, Error *error)
{
    if (shares->count * 2 >= shares->capacity)
        TRY(grow(shares, error));
    Share *slot = slot_of(shares, owner);
    if (slot->files == 0 && slot->hot_rows == 0) {
        shares->count++;
        slot->owner = owner;
    }
    *out = slot;
    return OK;
}

/* Marks on positions that are not deleted in the file: rows that memory has replaced. */
static uint64_t marked_rows(const ColdVersion *cold, size_t i, const FileMarks *marks, size_t count)
{
    uint64_t file_id = cold_version_file(cold, i)->id;
    uint64_t found = 0;
    for (size_t m = 0; m < count; m++) {
        if (marks[m].file_id != file_id)
            continue;
        PositionSetIterator iterator = position_set_begin(marks[m].bitmap);
        uint32_t position;
        while (position_set_next(&iterator, &position))
            found += !cold_version_is_deleted(cold, i, position);
    }
    return found;
}

static void add_sequences(Share *share, uint64_t first_seq, uint64_t last_seq)
{
    if (share->min_seq == 0 || first_seq < share->min_seq)
        share->min_seq = first_seq;
    if (last_seq > share->max_seq)
        share->max_seq = last_seq;
}

static uint64_t marked_places(const StreamFile *file, const FileMarks *marks, size_t count)
{
    uint64_t found = 0;
    for (size_t m = 0; m < count; m++) {
        if (marks[m].file_id != file->id)
            continue;
        PositionSetIterator iterator = position_set_begin(marks[m].bitmap);
        uint32_t place;
        while (position_set_next(&iterator, &place))
            found += !stream_version_is_deleted(file, place);
    }
    return found;
}

/* Windows whose time is over hold nothing that is shown. Of one that is passing, all rows count:
 * which of them have expired stands in the file alone. */
static Status add_windows(const SystemPin *pin, Shares *shares, Arena *arena, Error *error)
{
    const StreamVersion *stream = pin_stream(pin->pin, 0);
    int64_t expired_us = pin_expired_us(pin->pin, 0);
    FileMarks *marks;
    size_t mark_count;
    TRY(pin_all_marks(pin->pin, 0, arena, &marks, &mark_count, error));
    for (size_t i = 0; i < stream_version_file_count(stream); i++) {
        const StreamFile *file = stream_version_file(stream, i);
        Share *share;
        if (file->window.end_us <= expired_us)
            continue;
        TRY(share_of(shares, file->owner, &share, error));
        share->files++;
        share->bytes += file->bytes;
        share->rows += file->rows - file->deleted_count - marked_places(file, marks, mark_count);
        add_sequences(share, file->first_seq, file->last_seq);
    }
    return OK;
}

static Status add_files(const SystemPin *pin, Shares *shares, Arena *arena, Error *error)
{
    const ColdVersion *cold = pin_cold(pin->pin, 0);
    FileMarks *marks;
    size_t mark_count;
    TRY(pin_all_marks(pin->pin, 0, arena, &marks, &mark_count, error));
    for (size_t i = 0; i < cold_version_file_count(cold); i++) {
        const DataFile *file = cold_version_file(cold, i);
        Share *share;
        TRY(share_of(shares, file->owner, &share, error));
        share->name_in_files = file->owner_name;
        share->files++;
        share->bytes += file->size_bytes;
        share->rows += file->row_count - cold_version_deleted_count(cold, i) -
                       marked_rows(cold, i, marks, mark_count);
        add_sequences(share, file->first_seq, file->last_seq);
    }
    return OK;
}

static bool is_without(const PinnedMemtable *pinned, OwnerId owner)
{
    size_t low = 0;
    size_t high = pinned->without_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pinned->without[middle] == owner)
            return true;
        if (pinned->without[middle] < owner)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static Status add_block(const PinnedMemtable *pinned, const RowBlockView *view, const Pin *pin,
                        Shares *shares, Error *error)
{
    int64_t expired_us = pin_expired_us(pin, 0);
    size_t at = 0;
    while (at < view->published) {
        const RecordHeader *record = (const RecordHeader *)(const void *)(view->block.data + at);
        at += record_whole_size(record);
        if (!record_is_visible(record, pin_seq(pin)) || record->updated_us <= expired_us ||
            is_without(pinned, record->owner))
            continue;
        Share *share;
        TRY(share_of(shares, record->owner, &share, error));
        share->hot_rows++;
        share->hot_bytes += record_whole_size(record);
    }
    return OK;
}

static Status add_memory(const SystemPin *pin, Shares *shares, Arena *arena, Error *error)
{
    const PinnedMemtable *pinned;
    size_t count = pin_memtables(pin->pin, 0, &pinned);
    for (size_t i = 0; i < count; i++) {
        RowBlockView *blocks;
        size_t block_count;
        TRY(memtable_blocks(pinned[i].memtable, arena, &blocks, &block_count, error));
        for (size_t b = 0; b < block_count; b++)
            TRY(add_block(&pinned[i], &blocks[b], pin->pin, shares, error));
    }
    return OK;
}

static void row_metadata_path(SystemRows *rows, const CatalogTable *table, const ColdVersion *cold)
{
    char path[64];
    uint64_t number = cold_version_number(cold);
    if (number == 0) {
        row_null(rows);
        return;
    }
    (void)snprintf(path, sizeof path, "metadata/v%llu.metadata.json", (unsigned long long)number);
    row_path(rows, table, path);
}

static Status put_share(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                        const Share *share, bool is_unsettled, Error *error)
{
    const ColdVersion *cold = pin_cold(pin->pin, 0);
    int64_t snapshot_id = cold_version_snapshot_id(cold);
    Slice name = system_user_name(rows, share->owner);
    row_table(rows, table);
    if (name.size > 0)
        row_text(rows, name);
    else
        row_words(rows, share->name_in_files);
    if (snapshot_id < 0)
        row_null(rows);
    else
        row_integer(rows, snapshot_id);
    row_unsigned(rows, share->files);
    row_unsigned(rows, share->rows);
    row_unsigned(rows, share->bytes);
    row_unsigned_or_null(rows, share->min_seq);
    row_unsigned_or_null(rows, share->max_seq);
    row_unsigned(rows, share->hot_rows);
    row_unsigned(rows, share->hot_bytes);
    row_boolean(rows, is_unsettled);
    row_metadata_path(rows, table, cold);
    row_time_or_null(rows, cold_version_committed_us(cold));
    return row_end(rows, error);
}

/* A SHARED table is one row, also where it is empty, with the true size of its memory. */
static Status put_shared(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                         Shares *shares, Error *error)
{
    const PinnedMemtable *pinned;
    size_t count = pin_memtables(pin->pin, 0, &pinned);
    uint64_t versions = 0;
    Share all = {0};
    if (shares->count > 0)
        all = *slot_of(shares, 0);
    all.hot_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        MemtableUsage usage;
        memtable_usage(pinned[i].memtable, &usage);
        versions += usage.versions;
        all.hot_bytes += memtable_bytes(pinned[i].memtable);
    }
    return put_share(rows, table, pin, &all, versions > 0, error);
}

static Status put_owned(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                        Shares *shares, Error *error)
{
    OwnerId seen = system_owner_seen(rows, table);
    for (size_t i = 0; i < shares->capacity; i++) {
        const Share *share = &shares->slots[i];
        if ((share->files == 0 && share->hot_rows == 0) || (seen != 0 && share->owner != seen))
            continue;
        bool is_unsettled = share->hot_rows > 0 && table->kind != TABLE_STREAM;
        TRY(put_share(rows, table, pin, share, is_unsettled, error));
    }
    return OK;
}

static Status put_manifest(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                           Error *error)
{
    Shares shares = {0};
    Arena arena;
    Status status = OK;
    arena_open(&arena, 0);
    if (table->kind == TABLE_STREAM)
        GO(add_windows(pin, &shares, &arena, error));
    else
        GO(add_files(pin, &shares, &arena, error));
    GO(add_memory(pin, &shares, &arena, error));
    if (table->kind == TABLE_SHARED)
        GO(put_shared(rows, table, pin, &shares, error));
    else
        GO(put_owned(rows, table, pin, &shares, error));
done:
    memory_free(shares.slots);
    arena_close(&arena);
    return status;
}

Status system_rows_manifest(SystemRows *rows, Error *error)
{
    return system_each_table(rows, put_manifest, error);
}

/* ---- snapshots ---- */

static Status put_snapshots(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                            Error *error)
{
    ColdSnapshot *snapshots;
    size_t count;
    ColdVersion *cold = pin_cold(pin->pin, 0);
    if (cold_version_number(cold) == 0)
        return OK;
    TRY(cold_version_snapshots(cold, rows->arena, &snapshots, &count, error));
    for (size_t i = 0; i < count; i++) {
        row_table(rows, table);
        row_integer(rows, snapshots[i].snapshot_id);
        if (snapshots[i].parent_id < 0)
            row_null(rows);
        else
            row_integer(rows, snapshots[i].parent_id);
        row_words(rows, snapshots[i].operation);
        row_words(rows, snapshots[i].summary_json);
        row_unsigned_or_null(rows, snapshots[i].first_seq);
        row_unsigned_or_null(rows, snapshots[i].last_seq);
        row_time_or_null(rows, snapshots[i].committed_us);
        TRY(row_end(rows, error));
    }
    return OK;
}

Status system_rows_snapshots(SystemRows *rows, Error *error)
{
    return system_each_table(rows, put_snapshots, error);
}
