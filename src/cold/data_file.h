/* Data files: what the engine knows of each Parquet file, and the seam through which Parquet is
 * written and read.
 *
 * Only the analytic engine, in its worker process, reads and writes Parquet. The room query/ gives
 * this seam its real form; the simulation keeps rows in files of its own.
 *
 * Threading: DataFile is immutable but for its counters; DataFileIo may be called from any thread
 * and blocks. Ownership: DataFile is reference counted and owns its texts. */
#ifndef FIRN_COLD_DATA_FILE_H
#define FIRN_COLD_DATA_FILE_H

#include "base/env.h"
#include "memtable/row_store.h"
#include "types/record.h"

/* A flush's or compaction's number in its table's folder, never used twice in a table: it names
 * files (batch-…-<sequence>.parquet, keys/<sequence>.keys). The ordinal counts the data files of
 * one flush, from 0. Together they are the file's id. */
enum { DATA_FILE_ORDINAL_BITS = 24 };

static inline uint64_t data_file_id(uint64_t file_sequence, uint32_t ordinal)
{
    return file_sequence << DATA_FILE_ORDINAL_BITS | ordinal;
}

static inline uint64_t data_file_sequence(uint64_t file_id)
{
    return file_id >> DATA_FILE_ORDINAL_BITS;
}

static inline uint32_t data_file_ordinal(uint64_t file_id)
{
    return (uint32_t)(file_id & ((1u << DATA_FILE_ORDINAL_BITS) - 1));
}

/* Field ids of the stored system columns: above every column of a table (Iceberg's reserved ids
 * begin at 2147483447). */
enum {
    FIELD_ID_SEQ = 2000000001,     /* _seq BIGINT */
    FIELD_ID_UPDATED = 2000000002, /* _updated TIMESTAMPTZ */
    FIELD_ID_OWNER = 2000000003,   /* _user TEXT, USER tables only */
};

typedef struct ColumnStatistics {
    uint32_t field_id;
    uint64_t value_count; /* with NULLs */
    uint64_t null_count;
    uint64_t size_bytes; /* compressed, in the file */
    bool has_bounds;
    bool may_have_nan; /* REAL and DOUBLE: no nan count can be given */
    Value lower;       /* inclusive bounds, of the column's kind */
    Value upper;
} ColumnStatistics;

typedef struct DataFile {
    uint64_t id;
    const char *path;       /* relative to the table's folder: "data/…" */
    OwnerId owner;          /* USER tables: whose rows; else 0 */
    const char *owner_name; /* USER tables: as it stands in _user and in the partition; else NULL */
    uint64_t row_count;
    uint64_t size_bytes;
    uint32_t schema_version; /* of the table when it was written */
    uint64_t first_seq;      /* smallest and largest _seq in it */
    uint64_t last_seq;
    int64_t first_updated_us;
    int64_t last_updated_us;
    Slice key_min; /* encoded keys (types/key.h) of its first and last row */
    Slice key_max;
    int64_t created_us;
    uint64_t snapshot_id; /* of the Iceberg snapshot that added it */
    uint32_t statistics_count;
    const ColumnStatistics *statistics;
    uint32_t split_count;
    const uint64_t *splits; /* byte offsets of its row groups */
    Arena arena;            /* owns the above */
    _Atomic uint32_t references;
} DataFile;

/* An empty one with one reference; fill it, with memory of its arena, before sharing it. */
CHECKED Status data_file_create(DataFile **out, Error *error);
DataFile *data_file_clone(DataFile *file); /* one more reference */
void data_file_release(DataFile *file);

/* ---- the seam ---- */

typedef struct DataFileIo DataFileIo;

/* Rows of a sealed memtable, in key order, into one new file. */
typedef struct DataFileWrite {
    const char *path; /* absolute; does not exist; made durable by the caller (file and folder) */
    const Schema *schema;
    OwnerId owner;
    Slice owner_name;
    const char *compression;            /* "zstd", "snappy", "lz4", "none" */
    uint64_t row_group_bytes;           /* wanted, uncompressed */
    const RecordHeader *const *records; /* in key order; all RECORD_PUT, of this owner */
    size_t record_count;
    const RowBlockView *blocks; /* where those records lie */
    size_t block_count;
    Slice iceberg_schema; /* JSON, for the file's "iceberg.schema" key */
} DataFileWrite;

/* What a written file is; `statistics` and `splits` in the arena given. */
typedef struct DataFileResult {
    uint64_t row_count;
    uint64_t size_bytes;
    ColumnStatistics *statistics;
    uint32_t statistics_count;
    uint64_t *splits;
    uint32_t split_count;
} DataFileResult;

/* One file to read: rows at positions set in `dead` (a portable roaring bitmap, possibly empty)
 * are skipped. */
typedef struct DataFileInput {
    const char *path; /* absolute */
    uint64_t file_id;
    uint64_t row_count;
    Slice dead;
} DataFileInput;

/* Rows alive in the inputs, in key order, into one new file of the schema's version. */
typedef struct DataFileMerge {
    const DataFileInput *inputs;
    size_t input_count;
    bool is_in_order; /* each input's keys lie before those of the next one: nothing to sort */
    const char *path;
    const Schema *schema;
    OwnerId owner;
    Slice owner_name;
    const char *compression;
    uint64_t row_group_bytes;
    Slice iceberg_schema;
} DataFileMerge;

/* Where each output row came from, in output order. */
typedef struct MergedRow {
    uint32_t input;    /* number in `inputs` */
    uint32_t position; /* row in that file */
} MergedRow;

/* One stored row brought back. */
typedef struct FetchedRow {
    uint32_t position;
    uint64_t seq;
    int64_t updated_us;
    Slice row; /* packed, of the schema asked for; in the arena */
} FetchedRow;

typedef Status (*StoredRowVisitor)(void *context, const FetchedRow *row, Error *error);

struct DataFileIo {
    /* Writes a data file. The file may exist in part after an error. */
    Status (*write)(DataFileIo *io, const DataFileWrite *request, Arena *arena, DataFileResult *out,
                    Error *error);

    /* Writes the merge; `*rows` (row_count of the result) is memory of memory.h, the caller's.
     * OUT_OF_MEMORY where so many rows cannot be sorted in the memory there is: fewer can. */
    Status (*merge)(DataFileIo *io, const DataFileMerge *request, Arena *arena, DataFileResult *out,
                    MergedRow **rows, Error *error);

    /* A v2 position delete file: (file_path, pos), sorted. `paths` are as Iceberg's manifest names
     * the data files; positions are portable roaring bitmaps. */
    Status (*write_deletes)(DataFileIo *io, const char *path, const char *const *paths,
                            const Slice *positions, size_t count, DataFileResult *out,
                            Error *error);

    /* The rows at these positions (ascending), as rows of `schema`, in the arena. */
    Status (*fetch)(DataFileIo *io, const char *path, const Schema *schema,
                    const uint32_t *positions, size_t count, Arena *arena, FetchedRow *out,
                    Error *error);

    /* Every row in file order, as rows of `schema`; rebuilding an index and checking use it. */
    Status (*scan)(DataFileIo *io, const char *path, const Schema *schema, StoredRowVisitor visit,
                   void *context, Error *error);
};

#endif
