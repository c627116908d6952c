/* Iceberg, format version 2: the parts of its metadata that Firn uses, as structs, and their way to
 * bytes and back. The rest of this room knows no JSON and no Avro; the rooms above know cold.h.
 *
 * Paths here are relative to the table's folder. In the files they stand behind the table's
 * location, which is the folder's absolute path when the table was first committed and never
 * changes: position deletes name their data files by that text, and it must stay one text. A folder
 * that was moved is opened by stripping the location, whatever it says.
 *
 * Threading: plain values. Ownership: texts and arrays live in the arena given. Errors:
 * DATA_CORRUPTED for metadata that is malformed, FEATURE_NOT_SUPPORTED for what only other writers
 * use (version 3, equality deletes, other partitions), the limits of base and below. */
#ifndef FIRN_COLD_ICEBERG_H
#define FIRN_COLD_ICEBERG_H

#include "cold/avro.h"
#include "cold/data_file.h"

enum {
    ICEBERG_FORMAT_VERSION = 2,
    TABLE_FORMAT = 1, /* property firn.format: of everything in a table's folder that has no number
                         of its own: what the manifests carry of ours, data and delete files */
    ICEBERG_SPEC_ID = 0, /* of the one partition spec of a table */
    ICEBERG_SORT_ORDER_ID = 1,
    ICEBERG_PARTITION_FIELD_ID = 1000, /* of _user in the partition of a USER table */
    ICEBERG_UUID_TEXT_BYTES = 37,
    ICEBERG_BOUND_BYTES_MAX = 64, /* of a text's bound: longer ones are cut */
    ICEBERG_JSON_DEPTH_MAX = 64,
    ICEBERG_METADATA_BYTES_MAX = 256 << 20,
    ICEBERG_MANIFEST_BYTES_MAX = 256 << 20,
    ICEBERG_SNAPSHOTS_LIMIT = 10000, /* of metadata that is read */
};

/* Field ids of a VECTOR's elements: the column's and this. Below FIELD_ID_SEQ, above every column.
 */
#define ICEBERG_ELEMENT_ID_OFFSET 1000000000

/* ---- paths ---- */

enum { ICEBERG_PATH_BYTES_MAX = 2 * PATH_BYTES_MAX }; /* of a location and a path behind it */

/* A path as the files name it. */
void iceberg_absolute(const char *location, const char *path, char out[ICEBERG_PATH_BYTES_MAX]);

/* The part of `path` behind the location, or DATA_CORRUPTED: nothing outside the folder is ever
 * named. */
CHECKED Status iceberg_relative(Arena *arena, const char *location, Slice path, const char **out,
                                Error *error);
void iceberg_uuid_text(const uint8_t uuid[16], char out[ICEBERG_UUID_TEXT_BYTES]);

/* ---- single values: bounds ---- */

/* Appends a bound in Iceberg's binary form, cut where it is a long text so that it still bounds.
 * False, and nothing appended, where no bound can be given. */
bool iceberg_put_bound(Buffer *out, const Value *value, bool is_upper);

typedef enum IcebergKind {
    ICEBERG_OTHER, /* lists and what we do not have: no bounds */
    ICEBERG_BOOLEAN,
    ICEBERG_INT,
    ICEBERG_LONG,
    ICEBERG_FLOAT,
    ICEBERG_DOUBLE,
    ICEBERG_DECIMAL,
    ICEBERG_STRING,
    ICEBERG_BINARY,
    ICEBERG_DATE,
    ICEBERG_TIME,
    ICEBERG_TIMESTAMP,
    ICEBERG_TIMESTAMPTZ,
    ICEBERG_UUID,
} IcebergKind;

/* The type of one field of a schema. */
typedef struct IcebergField {
    uint32_t id;
    IcebergKind kind;
    uint8_t scale; /* DECIMAL */
} IcebergField;

/* Reads a bound back. Kinds that Iceberg does not tell apart come back as the widest of them:
 * SMALLINT as INTEGER, VARCHAR, CHAR, JSON and JSONB as TEXT. A value of a narrower type than the
 * field's (written before it was widened) keeps its type. False where it is none. */
bool iceberg_read_bound(const IcebergField *field, Slice bytes, Value *out);

/* ---- schemas ---- */

/* Fields of a schema's JSON, by id; lists' elements are not among them. */
CHECKED Status iceberg_schema_fields(Arena *arena, Slice json, IcebergField **out, size_t *count,
                                     Error *error);
const IcebergField *iceberg_find_field(const IcebergField *fields, size_t count, uint32_t id);

/* ---- table metadata ---- */

typedef struct IcebergSchema {
    uint32_t id; /* the schema's version */
    Slice json;
} IcebergSchema;

typedef struct IcebergSnapshot {
    int64_t id;
    int64_t parent_id; /* -1: none */
    int64_t sequence;
    int64_t timestamp_ms;
    uint32_t schema_id;
    const char *manifest_list; /* path */
    const char *operation;
    Slice summary;       /* JSON object */
    const char *deletes; /* firn.deletes: path of the newest sidecar, or NULL */
    uint64_t first_seq;  /* firn.first_seq, firn.last_seq */
    uint64_t last_seq;
} IcebergSnapshot;

typedef struct IcebergLogEntry {
    int64_t timestamp_ms;
    const char *path; /* of a metadata file before this one */
} IcebergLogEntry;

typedef struct IcebergTable {
    TableKind kind;
    const char *uuid;
    const char *location;
    Slice namespace_name;
    Slice table_name;
    uint64_t table_id;
    uint64_t version; /* N of v<N>.metadata.json */
    int64_t last_sequence;
    int64_t last_updated_ms;
    uint32_t current_schema_id;
    uint32_t schema_count;
    IcebergSchema *schemas;
    Slice sort_fields; /* JSON array: the key */
    uint32_t snapshot_count;
    IcebergSnapshot *snapshots; /* oldest first; the last one is current */
    uint32_t log_count;
    IcebergLogEntry *log;
} IcebergTable;

void iceberg_put_table(Buffer *out, const IcebergTable *table);
CHECKED Status iceberg_read_table(Arena *arena, Slice json, IcebergTable *out, Error *error);
CHECKED Status iceberg_clone_table(Arena *arena, const IcebergTable *table, IcebergTable *out,
                                   Error *error);

/* The sort order's fields: the key's columns, ascending. */
void iceberg_put_sort_fields(Buffer *out, const Schema *schema);

const IcebergSchema *iceberg_find_schema(const IcebergTable *table, uint32_t id);

/* ---- manifests ---- */

typedef enum IcebergStatus {
    ICEBERG_EXISTING = 0,
    ICEBERG_ADDED = 1,
    ICEBERG_DELETED = 2,
} IcebergStatus;

/* A manifest as the manifest list has it. */
typedef struct IcebergManifest {
    const char *path;
    uint64_t size_bytes;
    bool is_deletes;
    uint32_t schema_version; /* of all its data files (not in the list: in its own header) */
    int64_t sequence;
    int64_t sequence_min; /* smallest data sequence of its live entries */
    int64_t snapshot_id;
    uint32_t files[3]; /* by IcebergStatus */
    uint64_t rows[3];
    Slice owner_min; /* USER tables, where it has entries */
    Slice owner_max;
} IcebergManifest;

/* An entry of a manifest: a data file or a file of position deletes. */
typedef struct IcebergEntry {
    IcebergStatus status;
    bool is_deletes;
    int64_t snapshot_id; /* that added it, or removed it where DELETED */
    int64_t sequence;    /* data sequence number */
    const char *path;
    Slice owner_name; /* USER tables: the partition */
    uint64_t row_count;
    uint64_t size_bytes;
    const ColumnStatistics *statistics; /* data */
    uint32_t statistics_count;
    uint32_t split_count;
    const uint64_t *splits;
    const char *covers_first; /* deletes: the first and last data file they name, by path */
    const char *covers_last;
    bool covers_one;
} IcebergEntry;

typedef struct IcebergManifestWriter {
    AvroWriter avro;
    Buffer *out;
    Buffer lower; /* bounds of the column at hand */
    Buffer upper;
    const IcebergTable *table;
    IcebergManifest manifest; /* without path and size until it is finished */
} IcebergManifestWriter;

/* Begins a manifest in `out` for a snapshot (its id and sequence); the schema is that of the data
 * files in it. iceberg_manifest_close always follows. */
CHECKED Status iceberg_manifest_open(IcebergManifestWriter *writer, Env *env, Buffer *out,
                                     const IcebergTable *table, const IcebergSnapshot *snapshot,
                                     bool is_deletes, uint32_t schema_version, Error *error);
CHECKED Status iceberg_manifest_add(IcebergManifestWriter *writer, const IcebergEntry *entry,
                                    Error *error);
CHECKED Status iceberg_manifest_finish(IcebergManifestWriter *writer, Error *error);
void iceberg_manifest_close(IcebergManifestWriter *writer);

typedef Status (*IcebergEntryVisitor)(void *context, const IcebergEntry *entry, Error *error);

/* What reading a manifest needs to know of it. */
typedef struct IcebergManifestRead {
    const IcebergTable *table;
    Slice file;
    int64_t sequence;    /* inherited by its ADDED entries, from the manifest list */
    int64_t snapshot_id; /* likewise */
    bool is_deletes;
} IcebergManifestRead;

/* Calls `visit` with each entry that is not DELETED; what it points at lives until it returns. */
CHECKED Status iceberg_read_manifest(const IcebergManifestRead *request, uint32_t *schema_version,
                                     IcebergEntryVisitor visit, void *context, Error *error);

/* ---- manifest lists ---- */

CHECKED Status iceberg_put_manifest_list(Buffer *out, Env *env, const IcebergTable *table,
                                         const IcebergSnapshot *snapshot,
                                         const IcebergManifest *manifests, size_t count,
                                         Error *error);

/* In the arena; schema_version is not known yet. */
CHECKED Status iceberg_read_manifest_list(Arena *arena, const char *location, Slice file,
                                          IcebergManifest **out, size_t *count, Error *error);

Status iceberg_damaged(const char *what, Error *error);

/* json_read with damage as the room's error for it. */
CHECKED Status iceberg_json(Arena *arena, Slice text, JsonValue **out, Error *error);

#endif
