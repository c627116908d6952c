/* Reading manifests, by field id, whoever wrote them. */
#include "base/assert.h"
#include "cold/iceberg_manifest_int.h"

enum { ENTRY_ARENA_BYTES_MAX = 256 << 20, HEADER_ARENA_BYTES_MAX = 256 << 20 };

typedef struct ManifestReader {
    const IcebergManifestRead *request;
    AvroReader avro;
    const IcebergField *fields; /* of the header's schema */
    size_t field_count;
    Arena arena; /* of the entry at hand */
    Error *error;
} ManifestReader;

/* ---- column statistics: five maps by field id become one array ---- */

static int32_t pair_key(const AvroValue *pair)
{
    bool is_pair = pair->type->kind == AVRO_RECORD && pair->type->count == 2 &&
                   pair->as.list.items[0].type->kind == AVRO_INT;
    int64_t key = is_pair ? pair->as.list.items[0].as.integer : -1;
    return key >= 0 && key <= INT32_MAX ? (int32_t)key : -1;
}

static const AvroValue *pair_value(const AvroValue *pair)
{
    return &pair->as.list.items[1];
}

/* The value under a key; NULL where the map has none. Maps list their columns in one order nearly
 * always, so the search begins where the last one ended. */
static const AvroValue *map_find(const AvroValue *pairs, uint32_t count, uint32_t *hint,
                                 int32_t key)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (*hint + i) % count;
        if (pair_key(&pairs[at]) == key) {
            *hint = at + 1;
            return pair_value(&pairs[at]);
        }
    }
    return NULL;
}

typedef struct Map {
    const AvroValue *pairs;
    uint32_t count;
    uint32_t hint;
} Map;

static Map map_of(const AvroValue *file, int32_t field_id)
{
    Map map = {0};
    map.count = avro_items(file, field_id, &map.pairs);
    return map;
}

static const AvroValue *find(Map *map, uint32_t field_id)
{
    return map_find(map->pairs, map->count, &map->hint, (int32_t)field_id);
}

static uint64_t find_count(Map *map, uint32_t field_id, bool *has)
{
    const AvroValue *value = find(map, field_id);
    bool is_count = value != NULL && value->type->kind == AVRO_LONG && value->as.integer >= 0;
    if (has != NULL)
        *has = is_count;
    return is_count ? (uint64_t)value->as.integer : 0;
}

static bool find_bound(Map *map, const IcebergField *field, Value *out)
{
    const AvroValue *value = find(map, field->id);
    return value != NULL && value->type->kind == AVRO_BYTES &&
           iceberg_read_bound(field, value->as.bytes, out);
}

typedef struct Metrics {
    Map sizes;
    Map values;
    Map nulls;
    Map nans;
    Map lower;
    Map upper;
} Metrics;

static void read_column(ManifestReader *reader, Metrics *metrics, ColumnStatistics *out)
{
    const IcebergField *field =
        iceberg_find_field(reader->fields, reader->field_count, out->field_id);
    bool has_nans;
    out->value_count = find_count(&metrics->values, out->field_id, NULL);
    out->null_count = find_count(&metrics->nulls, out->field_id, NULL);
    out->size_bytes = find_count(&metrics->sizes, out->field_id, NULL);
    uint64_t nans = find_count(&metrics->nans, out->field_id, &has_nans);
    bool is_real = field != NULL && (field->kind == ICEBERG_FLOAT || field->kind == ICEBERG_DOUBLE);
    out->may_have_nan = is_real && !(has_nans && nans == 0);
    Value lower;
    Value upper;
    out->has_bounds = field != NULL && find_bound(&metrics->lower, field, &lower) &&
                      find_bound(&metrics->upper, field, &upper);
    if (!out->has_bounds)
        return;
    out->lower = lower;
    out->upper = upper;
}

/* The map of value counts says which columns there are. */
static Status read_statistics(ManifestReader *reader, const AvroValue *file, IcebergEntry *entry)
{
    Metrics metrics = {
        .sizes = map_of(file, ICEBERG_FIELD_COLUMN_SIZES),
        .values = map_of(file, ICEBERG_FIELD_VALUE_COUNTS),
        .nulls = map_of(file, ICEBERG_FIELD_NULL_COUNTS),
        .nans = map_of(file, ICEBERG_FIELD_NAN_COUNTS),
        .lower = map_of(file, ICEBERG_FIELD_LOWER_BOUNDS),
        .upper = map_of(file, ICEBERG_FIELD_UPPER_BOUNDS),
    };
    ColumnStatistics *columns = ARENA_ARRAY(&reader->arena, ColumnStatistics, metrics.values.count);
    if (columns == NULL)
        return arena_error(&reader->arena, reader->error);
    for (uint32_t i = 0; i < metrics.values.count; i++) {
        int32_t id = pair_key(&metrics.values.pairs[i]);
        if (id < 0)
            return iceberg_damaged("a statistic without a column", reader->error);
        columns[i].field_id = (uint32_t)id;
        read_column(reader, &metrics, &columns[i]);
    }
    entry->statistics = columns;
    entry->statistics_count = metrics.values.count;
    return OK;
}

static Status read_splits(ManifestReader *reader, const AvroValue *file, IcebergEntry *entry)
{
    const AvroValue *items;
    uint32_t count = avro_items(file, ICEBERG_FIELD_SPLITS, &items);
    uint64_t *splits = ARENA_ARRAY(&reader->arena, uint64_t, count);
    if (splits == NULL)
        return arena_error(&reader->arena, reader->error);
    for (uint32_t i = 0; i < count; i++)
        splits[i] = items[i].type->kind == AVRO_LONG ? (uint64_t)items[i].as.integer : 0;
    entry->splits = splits;
    entry->split_count = count;
    return OK;
}

/* ---- deletes ---- */

/* The bound of file_path in a delete file: a whole path, for its writer does not cut it. */
static Slice path_bound(const AvroValue *file, int32_t map_id)
{
    Map map = map_of(file, map_id);
    const AvroValue *value = find(&map, ICEBERG_FIELD_DELETE_FILE_PATH);
    return value != NULL && value->type->kind == AVRO_BYTES ? value->as.bytes : SLICE_EMPTY;
}

static Status read_covers(ManifestReader *reader, const AvroValue *file, IcebergEntry *entry)
{
    const char *location = reader->request->table->location;
    TRY(iceberg_relative(&reader->arena, location, path_bound(file, ICEBERG_FIELD_LOWER_BOUNDS),
                         &entry->covers_first, reader->error));
    TRY(iceberg_relative(&reader->arena, location, path_bound(file, ICEBERG_FIELD_UPPER_BOUNDS),
                         &entry->covers_last, reader->error));
    entry->covers_one = avro_text(file, ICEBERG_FIELD_REFERENCED_FILE).size > 0;
    return OK;
}

/* ---- entries ---- */

static Status read_path(ManifestReader *reader, const AvroValue *file, int32_t field_id,
                        const char **out)
{
    return iceberg_relative(&reader->arena, reader->request->table->location,
                            avro_text(file, field_id), out, reader->error);
}

static Status read_content(ManifestReader *reader, const AvroValue *file, IcebergEntry *entry)
{
    int64_t content = avro_integer(file, ICEBERG_FIELD_CONTENT, 0);
    if (content == 2)
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "Iceberg equality deletes are not supported");
    if (content != (reader->request->is_deletes ? 1 : 0))
        return iceberg_damaged("a file of the wrong kind in a manifest", reader->error);
    if (!slice_equal_ignoring_case(avro_text(file, ICEBERG_FIELD_FORMAT), SLICE("PARQUET")))
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "Iceberg files that are not Parquet are not supported");
    entry->is_deletes = content == 1;
    return OK;
}

static Status read_partition(ManifestReader *reader, const AvroValue *file, IcebergEntry *entry)
{
    if (reader->request->table->kind != TABLE_USER)
        return OK;
    const AvroValue *partition = avro_field(file, ICEBERG_FIELD_PARTITION);
    entry->owner_name = avro_text(partition, ICEBERG_PARTITION_FIELD_ID);
    return entry->owner_name.size == 0
               ? iceberg_damaged("a file of nobody in a USER table", reader->error)
               : OK;
}

static Status read_data_file(ManifestReader *reader, const AvroValue *file, IcebergEntry *entry)
{
    int64_t rows = avro_integer(file, ICEBERG_FIELD_ROWS, -1);
    int64_t size = avro_integer(file, ICEBERG_FIELD_SIZE, -1);
    if (rows < 0 || rows > UINT32_MAX || size < 0)
        return iceberg_damaged("a file without a size", reader->error);
    entry->row_count = (uint64_t)rows;
    entry->size_bytes = (uint64_t)size;
    TRY(read_content(reader, file, entry));
    TRY(read_path(reader, file, ICEBERG_FIELD_PATH, &entry->path));
    TRY(read_partition(reader, file, entry));
    if (entry->is_deletes)
        return read_covers(reader, file, entry);
    TRY(read_statistics(reader, file, entry));
    return read_splits(reader, file, entry);
}

/* Entries that were added with the manifest inherit its sequence and, from some writers, its
 * snapshot. */
static Status read_entry(ManifestReader *reader, const AvroValue *record, IcebergEntry *entry)
{
    const IcebergManifestRead *request = reader->request;
    int64_t status = avro_integer(record, ICEBERG_FIELD_STATUS, -1);
    if (status < ICEBERG_EXISTING || status > ICEBERG_DELETED)
        return iceberg_damaged("an entry without a status", reader->error);
    *entry = (IcebergEntry){.status = (IcebergStatus)status};
    entry->snapshot_id = avro_integer(record, ICEBERG_FIELD_SNAPSHOT_ID, request->snapshot_id);
    entry->sequence = avro_integer(record, ICEBERG_FIELD_SEQUENCE,
                                   status == ICEBERG_ADDED ? request->sequence : -1);
    if (status == ICEBERG_DELETED)
        return OK;
    if (entry->sequence < 0 || entry->snapshot_id < 0)
        return iceberg_damaged("an entry without a sequence", reader->error);
    return read_data_file(reader, avro_field(record, ICEBERG_FIELD_DATA_FILE), entry);
}

static Status visit_entries(ManifestReader *reader, IcebergEntryVisitor visit, void *context)
{
    AvroValue record;
    IcebergEntry entry;
    for (bool has = true;;) {
        arena_reset(&reader->arena);
        TRY(avro_reader_next(&reader->avro, &reader->arena, &record, &has, reader->error));
        if (!has)
            return OK;
        TRY(read_entry(reader, &record, &entry));
        if (entry.status != ICEBERG_DELETED)
            TRY(visit(context, &entry, reader->error));
    }
}

static Status read_schema_version(ManifestReader *reader, uint32_t *out)
{
    int64_t version;
    Slice text = avro_reader_metadata(&reader->avro, ICEBERG_SCHEMA_VERSION_KEY);
    if (text.size == 0)
        text = avro_reader_metadata(&reader->avro, "schema-id");
    if (!slice_to_int64(text, &version) || version < 0 || version > UINT32_MAX)
        return iceberg_damaged("a manifest without a schema", reader->error);
    *out = (uint32_t)version;
    return OK;
}

static Status read_header(ManifestReader *reader, Arena *arena, uint32_t *schema_version)
{
    IcebergField *fields;
    TRY(read_schema_version(reader, schema_version));
    TRY(iceberg_schema_fields(arena, avro_reader_metadata(&reader->avro, "schema"), &fields,
                              &reader->field_count, reader->error));
    reader->fields = fields;
    return OK;
}

Status iceberg_read_manifest(const IcebergManifestRead *request, uint32_t *schema_version,
                             IcebergEntryVisitor visit, void *context, Error *error)
{
    ManifestReader reader = {.request = request, .error = error};
    Arena header_arena;
    Status status = OK;
    arena_open(&header_arena, HEADER_ARENA_BYTES_MAX);
    arena_open(&reader.arena, ENTRY_ARENA_BYTES_MAX);
    GO(avro_reader_open(&reader.avro, &header_arena, request->file, error));
    GO(read_header(&reader, &header_arena, schema_version));
    GO(visit_entries(&reader, visit, context));
done:
    avro_reader_close(&reader.avro);
    arena_close(&reader.arena);
    arena_close(&header_arena);
    return status;
}
