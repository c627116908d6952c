/* What the parts of the cold room's tables and versions share. For this folder only.
 *
 * Where to read on: cold_table.c (folders and names), cold_version.c (a version and its parts),
 * cold_prepare.c (making the next one), cold_publish.c (showing it to outside readers), cold_open.c
 * (reading one back), cold_visit.c (which files are in use). */
#ifndef FIRN_COLD_COLD_INT_H
#define FIRN_COLD_COLD_INT_H

#include "cold/cold.h"
#include "cold/deletes_int.h"
#include "cold/iceberg.h"

enum {
    COLD_METADATA_LOG_MAX = 10,      /* older v<N> files that the metadata still names */
    MANIFEST_MERGE_AT = 64,          /* small manifests of one sort that become one */
    MANIFEST_ENTRIES_MAX = 1000,     /* in a merged manifest; one with half of it is not small */
    MANIFEST_BYTES_WANTED = 4 << 20, /* a merged manifest is closed at this size */
    COLD_FOREIGN_MAX = 10000,        /* numbers tried for a foreign metadata file */
    COLD_OWNER_FOLDER_BYTES_MAX = 200,
};

/* ---- tables ---- */

struct ColdTable {
    _Atomic uint32_t references; /* the opener's and one of each version */
    ColdContext context;
    const char *folder;
    Slice namespace_name;
    Slice table_name;
    TableKind kind;
    char uuid[ICEBERG_UUID_TEXT_BYTES];
    Arena arena;
};

ColdTable *cold_table_clone(ColdTable *table);

/* What the name of a data file says. False where it is not one of ours. */
typedef struct DataFileName {
    uint64_t file_sequence;
    uint32_t ordinal;
    int64_t created_us;
} DataFileName;

bool cold_parse_data_path(TableKind kind, const char *path, DataFileName *out);

/* What stands behind the last separator; all of it where there is none. */
Slice cold_last_part(Slice text, uint8_t separator);

/* cold_sync_folders, with the table's own folder and its parent or without: those change only with
 * the first commit. */
CHECKED Status cold_sync_folders_below(const ColdTable *table, const char *const *paths,
                                       size_t count, bool with_table, Error *error);

CHECKED Status cold_sidecar_path(uint64_t file_sequence, Path *out, Error *error);

/* Reads a metadata file whole; checks the CRC that its name gives, where it gives one. */
CHECKED Status cold_read_metadata(const ColdTable *table, const char *relative, Buffer *out,
                                  Error *error);

/* ---- versions ---- */

#define NO_MANIFEST UINT32_MAX

typedef struct ColdFile {
    DataFile *file;                       /* a reference */
    DeleteSet *deletes;                   /* a reference, or NULL */
    int64_t sequence;                     /* Iceberg's data sequence number */
    uint32_t manifest;                    /* number in the version's manifests */
    uint32_t delete_files;                /* that are about it */
    const DeleteFile *newest_delete_file; /* borrowed, or NULL */
} ColdFile;

typedef struct ColdDeleteFile {
    DeleteFile *file; /* a reference */
    uint32_t manifest;
} ColdDeleteFile;

/* The sidecars that make up the index, newest first: the last one's index is whole. */
typedef struct SidecarChain {
    uint32_t count;
    uint64_t sequences[SIDECAR_CHAIN_MAX];
    uint64_t whole_bytes;     /* of the index of the last one */
    uint64_t additions_bytes; /* of those of the others */
} SidecarChain;

struct ColdVersion {
    _Atomic uint32_t references;
    ColdTable *table;
    IcebergTable iceberg; /* version 0 before the first commit */
    const char *metadata_path;
    ColdFile *files; /* by id */
    size_t file_count;
    ColdDeleteFile *delete_files; /* by sequence, then path */
    size_t delete_file_count;
    IcebergManifest *manifests;
    size_t manifest_count;
    KeyIndex **indexes; /* references; newest first */
    size_t index_count;
    SidecarChain chain;
    uint64_t stored_rows;
    uint64_t deleted_rows;
    uint64_t bytes;
    Arena arena; /* owns all of the above but the counted objects */
};

/* A version without anything, with one reference. */
CHECKED Status cold_version_create(ColdTable *table, ColdVersion **out, Error *error);

/* After files and delete files are there: counts, and which delete files are about which file. */
void cold_version_count(ColdVersion *version);

/* The number of the file in the version, or file_count. */
size_t cold_version_search(const ColdVersion *version, uint64_t file_id);

/* How many different file sequences its files have; in descending order in `out` (room for
 * file_count). */
size_t cold_version_sequences(const ColdVersion *version, uint64_t *out);

/* Gives the files of the index their keys and owners, after checking that it fits them. */
CHECKED Status cold_version_apply_index(ColdVersion *version, const KeyIndex *index, Error *error);

#endif
