/* Private to check. */
#ifndef FIRN_CHECK_CHECK_INT_H
#define FIRN_CHECK_CHECK_INT_H

#include "catalog/snapshot.h"
#include "check/check.h"
#include "cold/cold.h"
#include "cold/iceberg.h"
#include "database/token_book.h"
#include "engine/inspect.h"
#include "stream/stream.h"

/* ---- texts that were seen (path_set.c) ---- */

typedef struct PathSet {
    const char **slots;
    size_t size; /* a power of two, or 0 */
    size_t count;
    Arena arena;
} PathSet;

void path_set_open(PathSet *set);
void path_set_close(PathSet *set);
bool path_set_has(const PathSet *set, const char *path);

/* *is_new is false where it was there already; may be NULL. */
CHECKED Status path_set_add(PathSet *set, const char *path, bool *is_new, Error *error);

/* ---- an Env that writes nothing (read_only.c) ---- */

/* The operating system's, but that opening a file for writing, making, renaming and linking are
 * refused (IO_ERROR), and removing and syncing do nothing: code that tidies up while it opens
 * something leaves the directory as it is. One for the whole process. */
Env *env_read_only(Env *real);

/* ---- a directory being looked at ---- */

typedef struct Check {
    Env *env;  /* read-only */
    Env *real; /* for repairs */
    const CheckOptions *options;
    CheckSummary *summary;
    EngineInspection inspection;
    CatalogSnapshot *catalog;
    TokenBook *tokens; /* read to see that they can be */
    FileCache *cache;
    bool log_is_good; /* what is committed is known: only then something may be removed */
    Error *error;     /* for what keeps it from going on */
} Check;

/* Tells a finding. `object` may be absolute: it is cut to the path below the directory. */
void check_tell(Check *check, const CheckFinding *finding);

/* The same, of an error that a reader returned; OK unless it is OUT_OF_MEMORY. */
CHECKED Status check_tell_error(Check *check, CheckGrade grade, const char *object,
                                const Error *why, const char *advice);

/* An orphan: tells it, and removes it where that is wanted and safe. */
CHECKED Status check_orphan(Check *check, const char *absolute);

/* ---- what is known of the directory (state.c) ---- */

/* Reads checkpoint and log into check->inspection and check->catalog, with each frame to `visit`
 * (may be NULL). Damage is returned. */
typedef Status (*CheckFrameVisitor)(void *context, const InspectedFrame *frame, Error *error);
CHECKED Status check_read_state(Check *check, CheckFrameVisitor visit, void *context, Error *error);

/* Absolute folder of a table. UNDEFINED_OBJECT where its storage is unknown. */
CHECKED Status check_table_folder(const Check *check, const CatalogTable *table, Path *out,
                                  Error *error);
CHECKED Status check_stream_state(const Check *check, uint64_t table_id, Path *out, Error *error);

/* Opens and closes what all of the above needs: the lock, the cache, an empty catalog. */
CHECKED Status check_begin(Check *check, Env *env, const char *directory, File **lock,
                           Error *error);
void check_end(Check *check, File *lock);

/* ---- tables (table.c, stream.c) ---- */

typedef struct CheckedTable {
    Path folder;
    char name[2 * NAME_BYTES_MAX + 2]; /* for people */
    const char *metadata_path;         /* relative; "" */
    const CatalogTable *definition;    /* NULL where the catalog is not asked */
} CheckedTable;

CHECKED Status check_table(Check *check, const CheckedTable *table);
CHECKED Status check_stream_table(Check *check, const CheckedTable *table);

/* Opens what a metadata file describes. `damaged` (may be NULL) is told of key indexes. */
typedef struct OpenedTable {
    ColdTable *table;
    ColdVersion *version;
} OpenedTable;

CHECKED Status check_open_table(Check *check, const CheckedTable *table, DamagedIndex damaged,
                                void *context, OpenedTable *out, Error *error);
void check_close_table(OpenedTable *table);

/* Calls `visit` with each data and delete file that a retained snapshot names, once. */
typedef Status (*CheckEntryVisitor)(void *context, const char *path, uint64_t size_bytes,
                                    uint64_t row_count, bool is_deletes, Error *error);
CHECKED Status check_visit_entries(Check *check, const CheckedTable *table,
                                   const ColdVersion *version, CheckEntryVisitor visit,
                                   void *context, Error *error);

/* ---- Parquet without a library (parquet.c) ---- */

/* Magic at both ends, the footer's length, the number of rows in the footer, and that its row
 * groups lie in the file. `row_count` is what the manifest says. DATA_CORRUPTED. */
CHECKED Status parquet_check(Env *env, const char *path, uint64_t size_bytes, uint64_t row_count,
                             Error *error);

/* What parquet_check does with the footer's bytes. */
CHECKED Status parquet_footer_check(Slice footer, uint64_t size_bytes, uint64_t row_count,
                                    Error *error);

#endif
