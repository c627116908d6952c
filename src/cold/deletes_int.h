/* Committed deletes: for each data file one set of positions, in memory and in sidecar files; and
 * the Parquet delete files that say the same to outside readers. For this folder only.
 *
 * A sidecar (metadata/<file sequence>.deletes, table of bytes in sidecar.c) holds the sets that
 * one commit made, and an index: where the newest set of each file lies, and which data files each
 * delete file is about. An index is whole, or adds to that of the sidecar before it; a whole one is
 * written when the additions have grown as large, so that a commit's cost does not grow with the
 * table. What an index says of files that the manifests no longer name is ignored.
 *
 * Threading: sets and delete files are immutable and reference counted. Errors: DATA_CORRUPTED. */
#ifndef FIRN_COLD_DELETES_INT_H
#define FIRN_COLD_DELETES_INT_H

#include <stdatomic.h>

#include "cold/key_index.h"
#include "cold/position_set.h"

enum {
    SIDECAR_CHAIN_MAX = 64,                 /* sidecars read to know the whole index */
    SIDECAR_ADDITIONS_BYTES_MIN = 64 << 10, /* additions may always grow to this */
    SIDECAR_BYTES_MAX = 1 << 30,
};

/* The newest set of one data file. */
typedef struct DeleteSet {
    _Atomic uint32_t references;
    uint64_t id;      /* never used twice in a process */
    uint64_t count;   /* positions in it */
    uint64_t sidecar; /* file sequence of the sidecar it lies in */
    uint64_t offset;  /* in that */
    uint32_t crc;
    uint32_t size;   /* bytes */
    uint8_t bytes[]; /* a position set */
} DeleteSet;

/* Copies the bytes, which are a checked set of `count` positions. */
CHECKED Status delete_set_create(Slice bytes, uint64_t count, DeleteSet **out, Error *error);
DeleteSet *delete_set_clone(DeleteSet *set);
void delete_set_release(DeleteSet *set); /* NULL is allowed */

static inline Slice delete_set_slice(const DeleteSet *set)
{
    return slice_of(set->bytes, set->size);
}

/* A Parquet file of position deletes. */
typedef struct DeleteFile {
    _Atomic uint32_t references;
    const char *path;
    Slice owner_name; /* USER tables: its partition */
    uint64_t row_count;
    uint64_t size_bytes;
    int64_t sequence; /* data sequence number */
    int64_t snapshot_id;
    const char *covers_first; /* first and last data file it names, by path */
    const char *covers_last;
    size_t cover_count;
    const uint64_t *covers; /* ids of those data files, ascending */
    Arena arena;            /* owns the above */
} DeleteFile;

CHECKED Status delete_file_create(DeleteFile **out, Error *error);
DeleteFile *delete_file_clone(DeleteFile *file);
void delete_file_release(DeleteFile *file); /* NULL is allowed */

/* ---- sidecars ---- */

typedef struct SidecarSet {
    uint64_t file_id;
    DeleteSet *set; /* reading: NULL, and the places are below */
    uint64_t sidecar;
    uint64_t offset;
    uint64_t size;
    uint64_t count;
    uint32_t crc;
} SidecarSet;

typedef struct SidecarDeleteFile {
    Slice path;
    const uint64_t *covers;
    size_t cover_count;
} SidecarDeleteFile;

/* The parts of an index, each sorted: sets by file id, delete files in any order. */
typedef struct SidecarIndex {
    uint64_t file_sequence;
    uint64_t previous; /* the sidecar that this index adds to; 0: it is whole */
    uint64_t index_bytes;
    SidecarSet *sets;
    size_t set_count;
    SidecarDeleteFile *delete_files;
    size_t delete_file_count;
} SidecarIndex;

/* Appends a sidecar: the bytes of those sets whose `sidecar` is the index's file_sequence (their
 * offsets are set here), then the index (index_bytes is set here). */
CHECKED Status sidecar_put(Buffer *out, SidecarIndex *index, Error *error);

/* Reads and checks header and index; in the arena. */
CHECKED Status sidecar_read_index(FileCache *cache, const char *path, Arena *arena,
                                  SidecarIndex *out, Error *error);

/* Reads and checks one set, of a data file with so many rows. */
CHECKED Status sidecar_read_set(FileCache *cache, const char *path, const SidecarSet *at,
                                uint64_t row_count, DeleteSet **out, Error *error);

#endif
