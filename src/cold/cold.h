/* Cold: a table's settled rows as an Apache Iceberg table in a folder, and its versions.
 *
 * A ColdVersion is immutable: files, the deletes committed on them, key indexes, the metadata file
 * that says the same to outside readers. A change is prepared (everything written and synced, the
 * metadata under a private name), then committed by the engine with one record in its log, then
 * published here (the private name linked to v<N>.metadata.json, the hint moved): design/engine.md
 * §5. This room never decides what is committed.
 *
 * Folder of a table (spec/catalog.md §3):
 *     metadata/v<N>.metadata.json  <uuid>-c<crc>.metadata (private)  version-hint.text
 *              snap-<id>-c<crc>-<uuid>.avro  <uuid>-c<crc>-m<n>.avro
 *              <sequence>.deletes (sidecar of roaring bitmaps)
 *     data/batch-<milliseconds>-<sequence>.parquet           SHARED
 *     data/<user>/<YYYY-MM-DDTHH-MM-SS>-<sequence>.parquet   USER
 *     data/…/<data file>-<sequence>.deletes.parquet          position deletes
 *     keys/<sequence>.keys
 * A data file's ordinal stands behind its sequence where it is not 0:
 * …-<sequence>.<ordinal>.parquet. c<crc> is the CRC32C of the file's bytes: a commit record names
 * the private metadata, which names all the rest, so that damage to any of it is noticed though
 * these formats have no checksums.
 *
 * Threading: versions are read by any thread; one prepare or publish per table at a time (the
 * engine's cold commit lock). Ownership: reference counted; all paths in a version are relative to
 * the table's folder. Errors: I/O codes; DATA_CORRUPTED names the object (internal text: path). */
#ifndef FIRN_COLD_COLD_H
#define FIRN_COLD_COLD_H

#include "cold/data_file.h"
#include "cold/key_index.h"

typedef struct ColdVersion ColdVersion;
typedef struct ColdTable ColdTable;

/* What all tables of a storage share. */
typedef struct ColdContext {
    Env *env;
    DataFileIo *io;
    FileCache *file_cache;
} ColdContext;

/* ---- one table's folder ---- */

typedef struct ColdTableOptions {
    const char *folder;   /* absolute */
    Slice namespace_name; /* for Iceberg's properties */
    Slice table_name;
    TableKind kind;
    uint8_t format_version; /* 2 */
    uint8_t uuid[16];       /* of the Iceberg table; given by the catalog, never changes */
    int64_t created_us;
} ColdTableOptions;

/* Makes no folder and no file: those appear with the first commit. */
CHECKED Status cold_table_open(const ColdContext *context, const ColdTableOptions *options,
                               ColdTable **out, Error *error);
void cold_table_close(ColdTable *table);
const char *cold_table_folder(const ColdTable *table);

/* ---- versions ---- */

/* The version before any commit: no files. */
CHECKED Status cold_version_empty(ColdTable *table, ColdVersion **out, Error *error);

/* The version that a metadata file (relative path, as a commit record names it) describes: reads
 * metadata, manifest list, manifests, sidecars and index headers. A key index that is missing or
 * damaged is reported by `damaged_index` (called for each with its file sequence) and the version
 * opens without it, so that the engine can rebuild it and call cold_version_add_index. Until then
 * its files have empty key_min and key_max.
 * Owners are those of the keys in the index, so that a new user never gets the files of an older
 * one of the same name; only for files whose index is missing `owner_of` is asked by name.
 * In the data files, created_us is the time in their name (milliseconds, USER tables seconds), and
 * statistics have kinds as iceberg has them: SMALLINT as INTEGER, all texts as TEXT. */
typedef OwnerId (*OwnerOf)(void *context, Slice name);
typedef void (*DamagedIndex)(void *context, uint64_t file_sequence, const Error *why);

typedef struct ColdOpen {
    const char *metadata_path; /* relative */
    OwnerOf owner_of;          /* NULL for SHARED tables */
    DamagedIndex damaged_index;
    void *context;
} ColdOpen;

CHECKED Status cold_version_open(ColdTable *table, const ColdOpen *request, ColdVersion **out,
                                 Error *error);

/* Gives a version an index it was opened without (a reference is taken) and its files their keys
 * and owners. Before any other thread knows the version. DATA_CORRUPTED where it does not fit. */
CHECKED Status cold_version_add_index(ColdVersion *version, KeyIndex *index, Error *error);

ColdVersion *cold_version_clone(ColdVersion *version);
void cold_version_release(ColdVersion *version);

uint64_t cold_version_number(const ColdVersion *version);     /* N of v<N>; 0: the empty one */
int64_t cold_version_snapshot_id(const ColdVersion *version); /* -1: none */
const char *cold_version_metadata_path(const ColdVersion *version); /* "" where there is none */
int64_t cold_version_committed_us(const ColdVersion *version);

/* Files in order of id. */
size_t cold_version_file_count(const ColdVersion *version);
DataFile *cold_version_file(const ColdVersion *version, size_t i);              /* borrowed */
DataFile *cold_version_find_file(const ColdVersion *version, uint64_t file_id); /* or NULL */

/* Committed deletes of a file: how many; is this one dead; all as a portable roaring bitmap that
 * lives as long as the version (empty slice where there are none). `deletes_id` changes whenever
 * the bitmap does and is never used twice in a process: workers cache by it. */
uint64_t cold_version_deleted_count(const ColdVersion *version, size_t i);
bool cold_version_is_deleted(const ColdVersion *version, size_t i, uint32_t position);
Slice cold_version_deletes(const ColdVersion *version, size_t i, uint64_t *deletes_id);
uint32_t cold_version_delete_files(const ColdVersion *version, size_t i); /* Iceberg files on it */
const char *cold_version_deletes_path(const ColdVersion *version, size_t i); /* newest, or NULL */

/* Key indexes, newest first. */
size_t cold_version_index_count(const ColdVersion *version);
KeyIndex *cold_version_index(const ColdVersion *version, size_t i); /* borrowed */

uint64_t cold_version_rows(const ColdVersion *version);  /* alive: stored minus deleted */
uint64_t cold_version_bytes(const ColdVersion *version); /* of data files */

/* Are there snapshots in the metadata, beside the current one, that these limits would drop? */
bool cold_version_has_expired(const ColdVersion *version, uint32_t snapshots_max,
                              int64_t snapshots_after_us);

/* ---- changing ---- */

typedef struct ColdDeletes {
    uint64_t file_id;
    const uint32_t *positions; /* ascending, not deleted before */
    size_t count;
} ColdDeletes;

typedef enum ColdOperation {
    COLD_APPEND,  /* a flush */
    COLD_REPLACE, /* a compaction: the same rows */
    COLD_DELETE,  /* files go, none come (TRUNCATE of the kept folder, one user's DROP) */
    COLD_SCHEMA,  /* no row changed: a new schema, or only snapshots that expire; makes no snapshot
                   */
} ColdOperation;

typedef struct ColdChange {
    ColdOperation operation;
    const Schema *schema;   /* current; also written to the metadata if it is new */
    DataFile *const *added; /* with everything but snapshot_id set */
    size_t added_count;
    KeyIndex *added_index;   /* of the added files; NULL where none were added */
    const uint64_t *removed; /* file ids */
    size_t removed_count;
    const ColdDeletes *deletes; /* on files of the base that stay, and on added ones */
    size_t delete_count;
    uint64_t file_sequence; /* names the delete files and the sidecar of this change */
    Slice job_id;           /* firn.job */
    uint64_t first_seq;     /* firn.first_seq, firn.last_seq; 0 for a compaction */
    uint64_t last_seq;
    int64_t snapshots_after_us; /* snapshots superseded before this time leave the metadata, … */
    uint32_t snapshots_max;     /* … and the oldest beyond so many; the newest always stays */
    bool added_are_synced;      /* the caller made added files and index safe (cold_sync_*) */
} ColdChange;

/* Writes and syncs everything the next version needs, folders too; nothing names it yet but a
 * private metadata file. `*out` has one reference. After an error what was written here is removed
 * as far as possible; what remains, or what the engine gives up, are orphans that the sweep
 * removes. The positions of `deletes` are checked: one that is out of its file or deleted already
 * is INTERNAL, and nothing is written. */
CHECKED Status cold_version_prepare(ColdTable *table, ColdVersion *base, const ColdChange *change,
                                    ColdVersion **out, Error *error);

/* After the commit record is durable: links the private metadata to v<N>.metadata.json and moves
 * the hint, syncing the folder. Doing it again changes nothing. A v<N> that is not ours is moved
 * aside to v<N>.metadata.json.foreign-<number>, and *foreign counts it. */
CHECKED Status cold_version_publish(ColdTable *table, const ColdVersion *version, uint32_t *foreign,
                                    Error *error);

/* ---- names of new files ---- */

/* "data/batch-1690000000000-17.parquet" or "data/alice/2026-11-21T12-00-00-17.parquet"; an ordinal
 * above 0 is shown as "17.<ordinal>", so that a file's id can be read from its name. Relative. */
CHECKED Status cold_data_path(const ColdTable *table, uint64_t file_sequence, uint32_t ordinal,
                              Slice owner_name, int64_t wall_us, Path *out, Error *error);
CHECKED Status cold_index_path(const ColdTable *table, uint64_t file_sequence, Path *out,
                               Error *error);
CHECKED Status cold_absolute(const ColdTable *table, const char *relative, Path *out, Error *error);

/* The file sequence that a file's relative path names (data, delete and index files, sidecars,
 * whatever is named by one); 0 where it names none. */
uint64_t cold_path_sequence(const char *relative);

/* Makes the folders that a new file of this relative path lies in. */
CHECKED Status cold_make_folder_of(const ColdTable *table, const char *relative, Error *error);

/* Make new files (relative paths) durable: their bytes, then the folders they lie in up to and with
 * the one that holds the table's. cold_version_prepare does both unless added_are_synced. */
CHECKED Status cold_sync_files(const ColdTable *table, const char *const *paths, size_t count,
                               Error *error);
CHECKED Status cold_sync_folders(const ColdTable *table, const char *const *paths, size_t count,
                                 Error *error);

/* Iceberg's JSON of a schema (with the system columns), for the metadata and for the files'
 * "iceberg.schema" key. */
void cold_put_iceberg_schema(Buffer *out, const Schema *schema);

/* ---- sweeping ---- */

/* Relative paths of every file in the folder, listed now, in the arena. Foreign metadata that was
 * moved aside is left out: it is for people to look at. */
CHECKED Status cold_table_list(ColdTable *table, Arena *arena, const char ***out, size_t *count,
                               Error *error);

/* Calls `visit` with the relative path of every file that the version's metadata names, some more
 * than once: all its retained snapshots' data, delete and manifest files, sidecars, indexes, the
 * metadata files themselves, the hint. Reads the older snapshots' manifests. */
CHECKED Status cold_version_visit_paths(ColdVersion *version,
                                        void (*visit)(void *context, const char *path),
                                        void *context, Error *error);

/* Snapshots of the metadata, newest last, for system.snapshots; in the arena. */
typedef struct ColdSnapshot {
    int64_t snapshot_id;
    int64_t parent_id; /* -1: none */
    const char *operation;
    const char *summary_json;
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t committed_us;
} ColdSnapshot;

CHECKED Status cold_version_snapshots(ColdVersion *version, Arena *arena, ColdSnapshot **out,
                                      size_t *count, Error *error);

#endif
