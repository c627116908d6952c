/* Key index: for one flush or compaction, hash of key → (data file, position), on disk beside the
 * files it covers, read by pread.
 *
 * Look-ups come as hints: several keys may share a hash, and the row may be dead. The engine checks
 * both. The format is at the top of key_index.c; it is derived data and can be rebuilt from the
 * data files (key_index_rebuild is the engine's, with DataFileIo.scan).
 *
 * Threading: building is one thread's; an open index may be asked by any thread. Its descriptor
 * comes from a bounded cache (FileCache), which outlives it, and may be closed and opened again
 * between reads; with the index goes the descriptor.
 * Ownership: reference counted. Errors: DATA_CORRUPTED where a block's checksum is wrong. */
#ifndef FIRN_COLD_KEY_INDEX_H
#define FIRN_COLD_KEY_INDEX_H

#include "base/env.h"

/* ---- descriptors of many files, of which at most `files_max` are open ---- */

typedef struct FileCache FileCache;

CHECKED Status file_cache_open(Env *env, uint32_t files_max, FileCache **out, Error *error);
void file_cache_close(FileCache *cache);

/* Opens on demand; the least recently used is closed. `path` identifies the file. */
CHECKED Status file_cache_read(FileCache *cache, const char *path, uint64_t offset, void *out,
                               size_t size, size_t *got, Error *error);
void file_cache_forget(FileCache *cache, const char *path); /* before the file is removed */

/* ---- building ---- */

typedef struct KeyIndexEntry {
    uint64_t hash;         /* hash_64 of the encoded key */
    uint32_t file_ordinal; /* of the flush (data_file.h) */
    uint32_t position;     /* row in that file */
} KeyIndexEntry;

typedef struct KeyIndexFile {
    uint32_t ordinal;
    uint64_t row_count;
    Slice key_min; /* encoded keys */
    Slice key_max;
} KeyIndexFile;

/* Sorts `entries` in place and writes the index to `path` (must not exist), not synced. */
CHECKED Status key_index_write(Env *env, const char *path, uint64_t file_sequence,
                               KeyIndexEntry *entries, size_t count, const KeyIndexFile *files,
                               size_t file_count, Error *error);

/* ---- asking ---- */

typedef struct KeyIndex KeyIndex;

/* Reads and checks header, file table and filter; blocks are checked when they are read. */
CHECKED Status key_index_open(Env *env, FileCache *cache, const char *path, KeyIndex **out,
                              Error *error);
KeyIndex *key_index_clone(KeyIndex *index);
void key_index_release(KeyIndex *index);

uint64_t key_index_file_sequence(const KeyIndex *index);
size_t key_index_count(const KeyIndex *index);
size_t key_index_files(const KeyIndex *index, const KeyIndexFile **out); /* borrowed */
uint64_t key_index_memory(const KeyIndex *index);                        /* bytes held in memory */

/* Surely not there? Asks the filter in memory only. */
bool key_index_may_have(const KeyIndex *index, uint64_t hash);

enum { KEY_INDEX_CANDIDATES_MAX = 64 };

/* Entries with this hash, at most KEY_INDEX_CANDIDATES_MAX; more is DATA_CORRUPTED (64 different
 * keys of one flush with one 64-bit hash do not happen). */
CHECKED Status key_index_find(KeyIndex *index, uint64_t hash, KeyIndexEntry *out, size_t *count,
                              Error *error);

/* All entries in hash order, block by block; compaction merges with it. */
typedef struct KeyIndexReader {
    KeyIndex *index;
    size_t at;              /* number of the next entry, from 0 */
    KeyIndexEntry *entries; /* decoded entries of the block at hand */
    size_t begin;           /* number of its first entry */
    size_t count;           /* of entries in it */
    size_t next_block;      /* number of the block behind it */
} KeyIndexReader;

CHECKED Status key_index_reader_open(KeyIndex *index, KeyIndexReader *out, Error *error);
void key_index_reader_close(KeyIndexReader *reader);

/* *has is false at the end. */
CHECKED Status key_index_reader_next(KeyIndexReader *reader, KeyIndexEntry *out, bool *has,
                                     Error *error);

#endif
