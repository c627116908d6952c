/* Manifest lists: which manifests make up a snapshot, with what readers skip manifests by. */
#include <stdio.h>

#include "cold/iceberg_manifest_int.h"

/* ---- writing ---- */

static void put_some_bytes(Buffer *out, Slice bytes)
{
    avro_put_long(out, 1);
    avro_put_bytes(out, bytes);
}

static void put_partitions(Buffer *out, TableKind kind, const IcebergManifest *manifest)
{
    avro_put_long(out, 1);
    if (kind == TABLE_USER) {
        avro_put_long(out, 1);
        avro_put_boolean(out, false); /* contains_null */
        avro_put_long(out, 1);
        avro_put_boolean(out, false); /* contains_nan */
        put_some_bytes(out, manifest->owner_min);
        put_some_bytes(out, manifest->owner_max);
    }
    avro_put_long(out, 0);
}

static void put_manifest(Buffer *out, const IcebergTable *table, const IcebergManifest *manifest)
{
    char path[ICEBERG_PATH_BYTES_MAX];
    iceberg_absolute(table->location, manifest->path, path);
    avro_put_bytes(out, slice_of_text(path));
    avro_put_long(out, (int64_t)manifest->size_bytes);
    avro_put_long(out, ICEBERG_SPEC_ID);
    avro_put_long(out, manifest->is_deletes ? 1 : 0);
    avro_put_long(out, manifest->sequence);
    avro_put_long(out, manifest->sequence_min);
    avro_put_long(out, manifest->snapshot_id);
    avro_put_long(out, manifest->files[ICEBERG_ADDED]);
    avro_put_long(out, manifest->files[ICEBERG_EXISTING]);
    avro_put_long(out, manifest->files[ICEBERG_DELETED]);
    avro_put_long(out, (int64_t)manifest->rows[ICEBERG_ADDED]);
    avro_put_long(out, (int64_t)manifest->rows[ICEBERG_EXISTING]);
    avro_put_long(out, (int64_t)manifest->rows[ICEBERG_DELETED]);
    put_partitions(out, table->kind, manifest);
    avro_put_long(out, 0); /* key_metadata */
}

static Status put_manifests(AvroWriter *writer, const IcebergTable *table,
                            const IcebergManifest *manifests, size_t count, Error *error)
{
    for (size_t i = 0; i < count; i++) {
        put_manifest(&writer->block, table, &manifests[i]);
        TRY(avro_writer_end_record(writer, error));
    }
    return avro_writer_finish(writer, error);
}

static Status put_list(Buffer *out, Env *env, Slice schema, const IcebergTable *table,
                       const IcebergSnapshot *snapshot, const IcebergManifest *manifests,
                       size_t count, Error *error)
{
    char id[24];
    char parent[24] = "null";
    char sequence[24];
    AvroWriter writer;
    (void)snprintf(id, sizeof id, "%lld", (long long)snapshot->id);
    (void)snprintf(sequence, sizeof sequence, "%lld", (long long)snapshot->sequence);
    if (snapshot->parent_id >= 0)
        (void)snprintf(parent, sizeof parent, "%lld", (long long)snapshot->parent_id);
    const AvroMetadata metadata[] = {
        {SLICE("snapshot-id"), slice_of_text(id)},
        {SLICE("parent-snapshot-id"), slice_of_text(parent)},
        {SLICE("sequence-number"), slice_of_text(sequence)},
        {SLICE("format-version"), SLICE("2")},
    };
    avro_writer_open(&writer, env, out, schema, true, metadata,
                     sizeof metadata / sizeof metadata[0]);
    Status status = put_manifests(&writer, table, manifests, count, error);
    avro_writer_close(&writer);
    return status;
}

Status iceberg_put_manifest_list(Buffer *out, Env *env, const IcebergTable *table,
                                 const IcebergSnapshot *snapshot, const IcebergManifest *manifests,
                                 size_t count, Error *error)
{
    Buffer schema;
    buffer_open(&schema, 0);
    iceberg_put_manifest_list_schema(&schema);
    Status status = buffer_status(&schema, error);
    if (status == OK)
        status =
            put_list(out, env, buffer_slice(&schema), table, snapshot, manifests, count, error);
    buffer_close(&schema);
    return status;
}

/* ---- reading ---- */

static Status read_counts(const AvroValue *record, IcebergManifest *out, Error *error)
{
    static const int32_t file_fields[] = {
        [ICEBERG_EXISTING] = ICEBERG_FIELD_LIST_EXISTING_FILES,
        [ICEBERG_ADDED] = ICEBERG_FIELD_LIST_ADDED_FILES,
        [ICEBERG_DELETED] = ICEBERG_FIELD_LIST_DELETED_FILES,
    };
    static const int32_t row_fields[] = {
        [ICEBERG_EXISTING] = ICEBERG_FIELD_LIST_EXISTING_ROWS,
        [ICEBERG_ADDED] = ICEBERG_FIELD_LIST_ADDED_ROWS,
        [ICEBERG_DELETED] = ICEBERG_FIELD_LIST_DELETED_ROWS,
    };
    for (int status = 0; status < 3; status++) {
        int64_t files = avro_integer(record, file_fields[status], -1);
        int64_t rows = avro_integer(record, row_fields[status], -1);
        if (files < 0 || files > INT32_MAX || rows < 0)
            return iceberg_damaged("a manifest list without counts", error);
        out->files[status] = (uint32_t)files;
        out->rows[status] = (uint64_t)rows;
    }
    return OK;
}

static Status read_owners(Arena *arena, const AvroValue *record, IcebergManifest *out, Error *error)
{
    const AvroValue *partitions;
    if (avro_items(record, ICEBERG_FIELD_LIST_PARTITIONS, &partitions) == 0)
        return OK;
    TRY(arena_clone(arena, avro_text(partitions, ICEBERG_FIELD_LIST_LOWER_BOUND), &out->owner_min,
                    error));
    return arena_clone(arena, avro_text(partitions, ICEBERG_FIELD_LIST_UPPER_BOUND),
                       &out->owner_max, error);
}

static Status read_manifest(Arena *arena, const char *location, const AvroValue *record,
                            IcebergManifest *out, Error *error)
{
    *out = (IcebergManifest){
        .size_bytes = (uint64_t)avro_integer(record, ICEBERG_FIELD_LIST_SIZE, 0),
        .is_deletes = avro_integer(record, ICEBERG_FIELD_LIST_CONTENT, 0) == 1,
        .sequence = avro_integer(record, ICEBERG_FIELD_LIST_SEQUENCE, -1),
        .sequence_min = avro_integer(record, ICEBERG_FIELD_LIST_SEQUENCE_MIN, -1),
        .snapshot_id = avro_integer(record, ICEBERG_FIELD_LIST_SNAPSHOT_ID, -1),
    };
    if (out->sequence < 0 || out->sequence_min < 0 || out->snapshot_id < 0)
        return iceberg_damaged("a manifest list without sequences", error);
    if (avro_integer(record, ICEBERG_FIELD_LIST_SPEC, -1) != ICEBERG_SPEC_ID)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "the table has an Iceberg partition spec that Firn did not make");
    TRY(iceberg_relative(arena, location, avro_text(record, ICEBERG_FIELD_LIST_PATH), &out->path,
                         error));
    TRY(read_counts(record, out, error));
    return read_owners(arena, record, out, error);
}

static Status read_manifests(AvroReader *reader, Arena *arena, const char *location, Buffer *found,
                             Error *error)
{
    Arena scratch;
    AvroValue record;
    IcebergManifest manifest;
    Status status = OK;
    arena_open(&scratch, ICEBERG_MANIFEST_BYTES_MAX);
    for (bool has = true;;) {
        arena_reset(&scratch);
        GO(avro_reader_next(reader, &scratch, &record, &has, error));
        if (!has)
            break;
        GO(read_manifest(arena, location, &record, &manifest, error));
        buffer_put(found, &manifest, sizeof manifest);
    }
done:
    arena_close(&scratch);
    return status;
}

Status iceberg_read_manifest_list(Arena *arena, const char *location, Slice file,
                                  IcebergManifest **out, size_t *count, Error *error)
{
    AvroReader reader;
    Arena header;
    Buffer found;
    Slice copy;
    Status status = OK;
    arena_open(&header, ICEBERG_MANIFEST_BYTES_MAX);
    buffer_open(&found, 0);
    GO(avro_reader_open(&reader, &header, file, error));
    status = read_manifests(&reader, arena, location, &found, error);
    avro_reader_close(&reader);
    if (status == OK)
        status = buffer_status(&found, error);
    GO(status);
    GO(arena_clone(arena, buffer_slice(&found), &copy, error));
    *out = (IcebergManifest *)(uintptr_t)copy.data;
    *count = found.size / sizeof(IcebergManifest);
done:
    buffer_close(&found);
    arena_close(&header);
    return status;
}
