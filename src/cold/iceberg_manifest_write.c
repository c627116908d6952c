/* Writing manifests: Avro files of data or delete files, deflated (icebird reads no other codec).
 * Each entry carries the file's statistics, from which readers choose files. */
#include <stdio.h>

#include "base/assert.h"
#include "cold/cold.h"
#include "cold/iceberg_manifest_int.h"

/* ---- opening ---- */

/* The schema a reader should see in the header: the data files' own where the table still has it,
 * else the current one (fields are found by id in either). */
static const IcebergSchema *header_schema(const IcebergTable *table, uint32_t schema_version)
{
    const IcebergSchema *schema = iceberg_find_schema(table, schema_version);
    return schema != NULL ? schema : iceberg_find_schema(table, table->current_schema_id);
}

static void open_avro(IcebergManifestWriter *writer, Env *env, Slice avro_schema)
{
    char schema_id[16];
    char version[16];
    const IcebergManifest *manifest = &writer->manifest;
    const IcebergSchema *schema = header_schema(writer->table, manifest->schema_version);
    ASSERT(schema != NULL);
    (void)snprintf(schema_id, sizeof schema_id, "%u", schema->id);
    (void)snprintf(version, sizeof version, "%u", manifest->schema_version);
    bool is_user = writer->table->kind == TABLE_USER;
    const AvroMetadata metadata[] = {
        {SLICE("schema"), schema->json},
        {SLICE("schema-id"), slice_of_text(schema_id)},
        {SLICE("partition-spec"), is_user ? SLICE(ICEBERG_USER_PARTITION_FIELDS) : SLICE("[]")},
        {SLICE("partition-spec-id"), SLICE("0")},
        {SLICE("format-version"), SLICE("2")},
        {SLICE("content"), manifest->is_deletes ? SLICE("deletes") : SLICE("data")},
        {SLICE(ICEBERG_SCHEMA_VERSION_KEY), slice_of_text(version)},
    };
    avro_writer_open(&writer->avro, env, writer->out, avro_schema, true, metadata,
                     sizeof metadata / sizeof metadata[0]);
}

Status iceberg_manifest_open(IcebergManifestWriter *writer, Env *env, Buffer *out,
                             const IcebergTable *table, const IcebergSnapshot *snapshot,
                             bool is_deletes, uint32_t schema_version, Error *error)
{
    *writer = (IcebergManifestWriter){.out = out, .table = table};
    writer->manifest = (IcebergManifest){
        .is_deletes = is_deletes,
        .schema_version = schema_version,
        .sequence = snapshot->sequence,
        .sequence_min = INT64_MAX,
        .snapshot_id = snapshot->id,
    };
    Buffer avro_schema;
    buffer_open(&writer->lower, 0);
    buffer_open(&writer->upper, 0);
    buffer_open(&avro_schema, 0);
    iceberg_put_manifest_schema(&avro_schema, table->kind);
    Status status = buffer_status(&avro_schema, error);
    if (status == OK)
        open_avro(writer, env, buffer_slice(&avro_schema));
    buffer_close(&avro_schema);
    return status;
}

/* ---- optional values ---- */

enum { BRANCH_NULL = 0, BRANCH_VALUE = 1 };

static void put_null(Buffer *out)
{
    avro_put_long(out, BRANCH_NULL);
}

static void put_optional_long(Buffer *out, bool has, int64_t value)
{
    avro_put_long(out, has ? BRANCH_VALUE : BRANCH_NULL);
    if (has)
        avro_put_long(out, value);
}

static void put_optional_text(Buffer *out, bool has, Slice value)
{
    avro_put_long(out, has ? BRANCH_VALUE : BRANCH_NULL);
    if (has)
        avro_put_bytes(out, value);
}

/* ---- maps of column statistics ---- */

typedef enum Counted { COUNTED_SIZE, COUNTED_VALUES, COUNTED_NULLS, COUNTED_NANS } Counted;

static bool is_real(const ColumnStatistics *column)
{
    TypeKind kind = (TypeKind)column->lower.kind;
    return kind == TYPE_REAL || kind == TYPE_DOUBLE;
}

static bool has_count(const ColumnStatistics *column, Counted what)
{
    return what != COUNTED_NANS || (is_real(column) && !column->may_have_nan);
}

static uint64_t count_of(const ColumnStatistics *column, Counted what)
{
    switch (what) {
    case COUNTED_SIZE:
        return column->size_bytes;
    case COUNTED_VALUES:
        return column->value_count;
    case COUNTED_NULLS:
        return column->null_count;
    case COUNTED_NANS:
        return 0;
    }
    UNREACHABLE();
}

static void put_counts(Buffer *out, const IcebergEntry *entry, Counted what)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < entry->statistics_count; i++)
        count += has_count(&entry->statistics[i], what);
    avro_put_long(out, count > 0 ? BRANCH_VALUE : BRANCH_NULL);
    if (count == 0)
        return;
    avro_put_long(out, count);
    for (uint32_t i = 0; i < entry->statistics_count; i++) {
        const ColumnStatistics *column = &entry->statistics[i];
        if (!has_count(column, what))
            continue;
        avro_put_long(out, column->field_id);
        avro_put_long(out, (int64_t)count_of(column, what));
    }
    avro_put_long(out, 0);
}

/* A column has both bounds or none. False where there are none, also where memory is out: the
 * buffers say so in the end. */
static bool encode_bounds(IcebergManifestWriter *writer, const ColumnStatistics *column)
{
    buffer_clear(&writer->lower);
    buffer_clear(&writer->upper);
    return column->has_bounds && iceberg_put_bound(&writer->lower, &column->lower, false) &&
           iceberg_put_bound(&writer->upper, &column->upper, true);
}

static Status put_bounds(IcebergManifestWriter *writer, const IcebergEntry *entry, bool is_upper,
                         Error *error)
{
    Buffer *out = &writer->avro.block;
    int64_t count = 0;
    for (uint32_t i = 0; i < entry->statistics_count; i++)
        count += encode_bounds(writer, &entry->statistics[i]);
    avro_put_long(out, count > 0 ? BRANCH_VALUE : BRANCH_NULL);
    if (count == 0)
        return OK;
    avro_put_long(out, count);
    for (uint32_t i = 0; i < entry->statistics_count; i++) {
        if (!encode_bounds(writer, &entry->statistics[i]))
            continue;
        TRY(buffer_status(&writer->lower, error));
        TRY(buffer_status(&writer->upper, error));
        avro_put_long(out, entry->statistics[i].field_id);
        avro_put_bytes(out, buffer_slice(is_upper ? &writer->upper : &writer->lower));
    }
    avro_put_long(out, 0);
    return OK;
}

static void put_data_metrics(IcebergManifestWriter *writer, const IcebergEntry *entry)
{
    Buffer *out = &writer->avro.block;
    put_counts(out, entry, COUNTED_SIZE);
    put_counts(out, entry, COUNTED_VALUES);
    put_counts(out, entry, COUNTED_NULLS);
    put_counts(out, entry, COUNTED_NANS);
}

/* ---- what differs between data and deletes ---- */

static void put_splits(Buffer *out, const IcebergEntry *entry)
{
    if (entry->split_count == 0) {
        put_null(out);
        return;
    }
    avro_put_long(out, BRANCH_VALUE);
    avro_put_long(out, entry->split_count);
    for (uint32_t i = 0; i < entry->split_count; i++)
        avro_put_long(out, (int64_t)entry->splits[i]);
    avro_put_long(out, 0);
}

static Status put_data_tail(IcebergManifestWriter *writer, const IcebergEntry *entry, Error *error)
{
    Buffer *out = &writer->avro.block;
    put_data_metrics(writer, entry);
    TRY(put_bounds(writer, entry, false, error));
    TRY(put_bounds(writer, entry, true, error));
    put_null(out); /* key_metadata */
    put_splits(out, entry);
    put_null(out); /* equality_ids */
    put_optional_long(out, true, ICEBERG_SORT_ORDER_ID);
    put_null(out); /* referenced_data_file */
    return OK;
}

static void put_path_bound(IcebergManifestWriter *writer, const char *path)
{
    Buffer *out = &writer->avro.block;
    char whole[ICEBERG_PATH_BYTES_MAX];
    iceberg_absolute(writer->table->location, path, whole);
    avro_put_long(out, BRANCH_VALUE);
    avro_put_long(out, 1);
    avro_put_long(out, ICEBERG_FIELD_DELETE_FILE_PATH);
    avro_put_bytes(out, slice_of_text(whole));
    avro_put_long(out, 0);
}

/* Readers see by the bounds of file_path (uncut: they compare whole paths) which data files a
 * delete file can be about. */
static void put_deletes_tail(IcebergManifestWriter *writer, const IcebergEntry *entry)
{
    Buffer *out = &writer->avro.block;
    char whole[ICEBERG_PATH_BYTES_MAX];
    for (int i = 0; i < 4; i++)
        put_null(out); /* sizes, values, nulls, NaNs */
    put_path_bound(writer, entry->covers_first);
    put_path_bound(writer, entry->covers_last);
    put_null(out); /* key_metadata */
    put_null(out); /* split_offsets */
    put_null(out); /* equality_ids */
    put_null(out); /* sort_order_id: the spec has its own order for position deletes */
    iceberg_absolute(writer->table->location, entry->covers_first, whole);
    put_optional_text(out, entry->covers_one, slice_of_text(whole));
}

/* ---- entries ---- */

static void put_head(IcebergManifestWriter *writer, const IcebergEntry *entry)
{
    Buffer *out = &writer->avro.block;
    char whole[ICEBERG_PATH_BYTES_MAX];
    bool is_added = entry->status == ICEBERG_ADDED; /* readers take the manifest's sequence */
    iceberg_absolute(writer->table->location, entry->path, whole);
    avro_put_long(out, entry->status);
    put_optional_long(out, true, entry->snapshot_id);
    put_optional_long(out, !is_added, entry->sequence);
    put_optional_long(out, !is_added, entry->sequence);
    avro_put_long(out, entry->is_deletes ? 1 : 0);
    avro_put_bytes(out, slice_of_text(whole));
    avro_put_bytes(out, SLICE("PARQUET"));
    if (writer->table->kind == TABLE_USER)
        put_optional_text(out, true, entry->owner_name);
    avro_put_long(out, (int64_t)entry->row_count);
    avro_put_long(out, (int64_t)entry->size_bytes);
}

static void count_entry(IcebergManifestWriter *writer, const IcebergEntry *entry)
{
    IcebergManifest *manifest = &writer->manifest;
    bool is_first = manifest->files[0] + manifest->files[1] + manifest->files[2] == 0;
    manifest->files[entry->status]++;
    manifest->rows[entry->status] += entry->row_count;
    if (entry->status != ICEBERG_DELETED && entry->sequence < manifest->sequence_min)
        manifest->sequence_min = entry->sequence;
    if (is_first || slice_compare(entry->owner_name, manifest->owner_min) < 0)
        manifest->owner_min = entry->owner_name;
    if (is_first || slice_compare(entry->owner_name, manifest->owner_max) > 0)
        manifest->owner_max = entry->owner_name;
}

Status iceberg_manifest_add(IcebergManifestWriter *writer, const IcebergEntry *entry, Error *error)
{
    ASSERT(entry->is_deletes == writer->manifest.is_deletes);
    put_head(writer, entry);
    if (entry->is_deletes)
        put_deletes_tail(writer, entry);
    else
        TRY(put_data_tail(writer, entry, error));
    count_entry(writer, entry);
    return avro_writer_end_record(&writer->avro, error);
}

Status iceberg_manifest_finish(IcebergManifestWriter *writer, Error *error)
{
    TRY(buffer_status(&writer->lower, error));
    TRY(buffer_status(&writer->upper, error));
    TRY(avro_writer_finish(&writer->avro, error));
    if (writer->manifest.sequence_min == INT64_MAX) /* nothing in it is alive */
        writer->manifest.sequence_min = writer->manifest.sequence;
    writer->manifest.size_bytes = writer->out->size;
    return OK;
}

void iceberg_manifest_close(IcebergManifestWriter *writer)
{
    avro_writer_close(&writer->avro);
    buffer_close(&writer->lower);
    buffer_close(&writer->upper);
}
