/* Stream: the window files of STREAM tables.
 *
 * A STREAM table's rows settle from memory into files, one for each user and window of time; a
 * window goes as a whole when all of it has expired. This room knows files, windows and what is in
 * them; what is committed is the engine's to say: a version is prepared here under a name that
 * nobody looks for, and the engine's log names it.
 *
 *     <folder>/<window>/<user>.log        rows (window_file.c)
 *     <state>/<16 hex digits>.manifest    a version: which files, how far, since when expired
 *     <state>/<16 hex digits>-<n>.keys    key index (cold/key_index.h) of rows in a window
 *
 * Files only grow: a version knows how many bytes of each are its own, and the bytes before are
 * never written again. So an older version, and whoever reads by it, is served by the same file.
 *
 * Threading: versions are immutable and may be read from any thread; one settle of a table at a
 * time. Ownership: versions, files and indexes are reference counted. Errors: those of the disk;
 * DATA_CORRUPTED where a file is not what was written. */
#ifndef FIRN_STREAM_STREAM_H
#define FIRN_STREAM_STREAM_H

#include "cold/key_index.h"
#include "types/record.h"

enum {
    STREAM_PATH_BYTES_MAX =
        256, /* of a relative path: with a '/' in a window, else a file of the state */
    STREAM_FILES_MAX = 1 << 20,     /* of one table: a settle beyond it is refused */
    STREAM_SECTION_BYTES = 1 << 20, /* rows are written in sections of about this size */
    STREAM_MANIFEST_BYTES_MAX = 1 << 30,
};
#define STREAM_FILE_BYTES_MAX ((uint64_t)1 << 30) /* above it a user's next rows get a new file */

/* Where a table's windows are. Borrowed: lives as long as the call. */
typedef struct StreamContext {
    Env *env;
    FileCache *cache;
    const char *folder; /* absolute: of the windows */
    const char *state;  /* absolute: the folder of manifests and key indexes */
    uint64_t table_id;
} StreamContext;

/* ---- windows ---- */

typedef struct StreamWindow {
    int64_t begin_us;
    int64_t end_us; /* exclusive */
} StreamWindow;

/* The window that a row committed at `at_us` falls into: a minute, an hour, a day or a week, so
 * that about 7 to 60 windows are alive at once. Weeks begin on Monday. */
StreamWindow stream_window_at(int64_t ttl_us, int64_t at_us);

/* ---- versions ---- */

/* A place in a file is the offset of the row's record, in units of 8 bytes. */
typedef struct StreamFile {
    _Atomic uint32_t references;
    uint64_t id; /* never used twice; a file that grew keeps it */
    OwnerId owner;
    uint32_t schema_version; /* of all rows in it */
    StreamWindow window;
    uint64_t bytes; /* that are the version's; what follows is nobody's */
    uint64_t rows;
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t first_updated_us;
    int64_t last_updated_us;
    Slice deleted; /* places of deleted rows (cold/position_set.h); owned */
    uint64_t deleted_count;
    char path[STREAM_PATH_BYTES_MAX]; /* relative */
} StreamFile;

typedef struct StreamVersion StreamVersion;

CHECKED Status stream_version_empty(StreamVersion **out, Error *error);

/* Reads back what a manifest names. A key index that is missing or damaged is made again from the
 * rows, at its place; `told` (may be NULL) hears why. */
CHECKED Status stream_version_open(const StreamContext *context, const char *manifest,
                                   void (*told)(void *told_context, const Error *why),
                                   void *told_context, StreamVersion **out, Error *error);
StreamVersion *stream_version_clone(StreamVersion *version);
void stream_version_release(StreamVersion *version);

const char *stream_version_manifest(const StreamVersion *version); /* relative; "": never written */
int64_t stream_version_expired_us(const StreamVersion *version);   /* as of its writing */
size_t stream_version_file_count(const StreamVersion *version);

/* In order of id. */
const StreamFile *stream_version_file(const StreamVersion *version, size_t number);
const StreamFile *stream_version_find_file(const StreamVersion *version, uint64_t id);
Schema *stream_version_schema(const StreamVersion *version, uint32_t schema_version); /* borrowed */
bool stream_version_is_deleted(const StreamFile *file, uint32_t place);

/* Has any window ended at or before `expired_us`? */
bool stream_version_has_expired(const StreamVersion *version, int64_t expired_us);

/* Paths of all files that the version needs, its manifest included. */
void stream_version_visit_paths(const StreamVersion *version,
                                void (*visit)(void *context, const char *path), void *context);

/* ---- reading ---- */

typedef struct StreamPlace {
    uint64_t file_id;
    uint32_t place;
} StreamPlace;

enum { STREAM_CANDIDATES_MAX = 256 };

/* Asks filters in memory only: surely no row of a key with this hash? */
bool stream_version_may_have(const StreamVersion *version, uint64_t hash);

/* Where rows of keys with this hash may be, deleted ones left out. Whether a row is alive and has
 * the key is the caller's to find out. */
CHECKED Status stream_version_find(const StreamVersion *version, uint64_t hash,
                                   StreamPlace out[STREAM_CANDIDATES_MAX], size_t *count,
                                   Error *error);

/* The record at a place, checked, in the arena. */
CHECKED Status stream_read(const StreamContext *context, const StreamFile *file, uint32_t place,
                           Arena *arena, const RecordHeader **out, Error *error);

/* The records of a file one after the other, deleted ones too; each lives until the visitor
 * returns. What the visitor returns other than OK ends the walk. */
typedef Status (*StreamVisitor)(void *context, const StreamFile *file, uint32_t place,
                                const RecordHeader *record, Error *error);
CHECKED Status stream_scan(const StreamContext *context, const StreamFile *file,
                           StreamVisitor visit, void *visit_context, Error *error);

/* ---- settling ---- */

/* Rows on their way into files. What it has written is nobody's until a version names it. */
typedef struct StreamSettle StreamSettle;

typedef struct StreamSettleOptions {
    uint64_t file_sequence; /* never used twice */
    int64_t ttl_us;
    Schema *schema; /* of the records */
    Status (*owner_name)(void *context, OwnerId owner, Arena *arena, Slice *out, Error *error);
    Status (*progress)(void *context, size_t done, Error *error); /* records; may end it */
    void *context;
} StreamSettleOptions;

/* Writes the records (in key order) and syncs them: each user's rows of a window behind what `base`
 * has of them, or into a new file. */
CHECKED Status stream_settle_open(const StreamContext *context, StreamVersion *base,
                                  const StreamSettleOptions *options,
                                  const RecordHeader *const *records, size_t count,
                                  StreamSettle **out, Error *error);

/* Where the record with this number went. */
typedef struct StreamSettled {
    uint32_t file; /* number among the settle's files */
    uint32_t place;
} StreamSettled;

StreamSettled stream_settle_place(const StreamSettle *settle, size_t record);
size_t stream_settle_file_count(const StreamSettle *settle);
const StreamFile *stream_settle_file(const StreamSettle *settle, size_t number);
uint64_t stream_settle_bytes(const StreamSettle *settle); /* that were added */

/* Not committed: new files are removed as far as possible. */
void stream_settle_close(StreamSettle *settle, bool committed);

/* ---- the next version ---- */

typedef struct StreamDeletes {
    uint64_t file_id;
    const uint32_t *places; /* ascending */
    size_t count;
} StreamDeletes;

typedef struct StreamChange {
    const StreamSettle *settle; /* NULL: nothing was added */
    const StreamDeletes *deletes;
    size_t delete_count;
    bool removes_all;       /* TRUNCATE */
    int64_t evict_until_us; /* windows that end at or before go; INT64_MIN: none */
    OwnerId evict_owner;    /* all of this dropped user\'s files go; 0: nobody\'s */
    int64_t expired_us;     /* rows committed at or before this are gone for good */
    uint64_t sequence;      /* names the manifest; never used twice */
} StreamChange;

/* The version after the change, its manifest written and synced under a name of its own. Files all
 * of whose rows are deleted leave. */
CHECKED Status stream_version_prepare(const StreamContext *context, StreamVersion *base,
                                      const StreamChange *change, StreamVersion **out,
                                      Error *error);

/* ---- what is in the folder ---- */

/* Relative paths of everything in the two folders, in the arena. */
CHECKED Status stream_list(const StreamContext *context, Arena *arena, const char ***out,
                           size_t *count, Error *error);

/* Removes a file, and its window's folder where that was the last. *bytes: what it held; a file
 * that is not there is no error. */
CHECKED Status stream_remove(const StreamContext *context, const char *path, bool *removed,
                             uint64_t *bytes, Error *error);

#endif
