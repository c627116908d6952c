/* Private to stream. */
#ifndef FIRN_STREAM_STREAM_INT_H
#define FIRN_STREAM_STREAM_INT_H

#include "base/assert.h"
#include "base/breakage.h"
#include "base/fault.h"
#include "base/memory.h"
#include "stream/stream.h"

/* ---- names (window.c) ---- */

enum { WINDOW_NAME_BYTES = 24 };

void window_name(int64_t begin_us, char out[WINDOW_NAME_BYTES]);
CHECKED Status stream_absolute(const StreamContext *context, const char *relative, Path *out,
                               Error *error);

/* "<user>", as it may stand in a path. */
CHECKED Status owner_file_name(Slice owner_name, Buffer *out, Error *error);

/* ---- one file (window_file.c) ---- */

StreamFile *stream_file_clone(StreamFile *file);
void stream_file_release(StreamFile *file);

/* Bytes of the head of a file, and of a section; what is added later begins at a page. */
enum {
    WINDOW_HEAD_BYTES = 64,
    SECTION_HEAD_BYTES = 64,
    WINDOW_PAGE_BYTES = 4096,
};

void window_put_head(Buffer *out, uint64_t table_id, const StreamFile *file);

/* A section being filled. */
typedef struct Section {
    Buffer bytes; /* its head first, filled in at the end */
    uint32_t rows;
    int64_t first_updated_us;
    int64_t last_updated_us;
} Section;

void section_begin(Section *section); /* the buffer is open */
void section_add(Section *section, const RecordHeader *record);
void section_finish(Section *section);

/* ---- key indexes of windows (window_index.c) ---- */

typedef struct StreamIndex {
    _Atomic uint32_t references;
    StreamWindow window;
    KeyIndex *index;
    size_t file_count;
    uint64_t *file_ids; /* by ordinal */
    char path[STREAM_PATH_BYTES_MAX];
} StreamIndex;

StreamIndex *stream_index_clone(StreamIndex *index);
void stream_index_release(StreamIndex *index);
CHECKED Status stream_index_open(const StreamContext *context, StreamWindow window,
                                 const char *path, StreamIndex **out, Error *error);

/* What an index is made of. */
typedef struct IndexPlan {
    StreamWindow window;
    KeyIndexEntry *entries; /* file_ordinal: number in file_ids */
    size_t entry_count;
    size_t entry_capacity;
    uint64_t *file_ids;
    size_t file_count;
    size_t file_capacity;
} IndexPlan;

void index_plan_close(IndexPlan *plan);
CHECKED Status index_plan_file(IndexPlan *plan, uint64_t file_id, uint32_t *ordinal, Error *error);
CHECKED Status index_plan_add(IndexPlan *plan, uint64_t hash, uint32_t ordinal, uint32_t place,
                              Error *error);

/* All entries of an index more. */
CHECKED Status index_plan_merge(IndexPlan *plan, StreamIndex *index, Error *error);

/* Writes and syncs it at the path, its folder not. */
CHECKED Status index_plan_write(const StreamContext *context, IndexPlan *plan, uint64_t sequence,
                                const char *path, Error *error);

/* Makes an index again from the rows of all files of its window. */
CHECKED Status stream_index_rebuild(const StreamContext *context, const StreamVersion *version,
                                    StreamWindow window, const char *path, Error *error);

/* ---- versions (version.c, manifest.c) ---- */

struct StreamVersion {
    _Atomic uint32_t references;
    StreamFile **files; /* in order of id */
    size_t file_count;
    StreamIndex **indexes; /* of one window from old to new */
    size_t index_count;
    Schema **schemas;
    size_t schema_count;
    int64_t expired_us;
    char manifest[STREAM_PATH_BYTES_MAX];
};

/* With room for so many of each, and none. */
CHECKED Status version_create(size_t files, size_t indexes, size_t schemas, StreamVersion **out,
                              Error *error);
bool same_window(StreamWindow a, StreamWindow b);
CHECKED Status manifest_write(const StreamContext *context, StreamVersion *version,
                              uint64_t sequence, Error *error);

/* ---- settling (settle.c) ---- */

typedef struct SettledFile {
    StreamFile *file;
    bool is_new; /* else `base` has one of this id, which it takes the place of */
} SettledFile;

struct StreamSettle {
    StreamContext context;
    StreamSettleOptions options;
    StreamVersion *base;
    StreamSettled *places; /* by record */
    SettledFile *files;
    size_t file_count;
    size_t file_capacity;
    uint64_t *extended; /* ids of files of base that grew, ascending */
    size_t extended_count;
    IndexPlan *plans; /* of each window that is written to */
    size_t plan_count;
    size_t plan_capacity;
    StreamIndex **indexes;
    size_t index_count;
    StreamIndex **replaced; /* of base: what the new ones hold too; borrowed */
    size_t replaced_count;
    uint64_t bytes_added;
};

/* The file that the next rows of an owner in a window go into, in place of the base's where it has
 * room: written, synced, and named (settle_file.c). */
typedef struct SettleGroup {
    StreamWindow window;
    OwnerId owner;
    const StreamFile *base;       /* NULL: a new one */
    const RecordHeader **records; /* in key order */
    uint32_t *places;             /* by record */
    size_t count;
} SettleGroup;

CHECKED Status settle_group_write(StreamSettle *settle, const SettleGroup *group, StreamFile *file,
                                  Error *error);

#endif
