/* Check: looks at a data directory that nobody has open, and says what is good, what is damaged and
 * what can be done.
 *
 * Everything is read: the newest checkpoint, the log frame by frame, the catalog they make, and of
 * each table the metadata, manifests, sidecars, key indexes, data and delete files that its
 * retained snapshots name. Nothing is written unless `repair` is asked for, and then only what
 * drops nothing that was acknowledged: files that nothing names, key indexes (made again from their
 * data files when the server opens the directory), and the names by which outside readers find a
 * table's newest commit.
 *
 * Threading: one thread. Ownership: texts of a finding live until `found` returns. Errors: only
 * what keeps it from looking at all: DIRECTORY_LOCKED, INVALID_PARAMETER_VALUE (no data directory),
 * OUT_OF_MEMORY. Damage is a finding, not an error. */
#ifndef FIRN_CHECK_CHECK_H
#define FIRN_CHECK_CHECK_H

#include "base/env.h"

typedef enum CheckGrade {
    CHECK_DAMAGE,  /* something acknowledged may be lost */
    CHECK_DERIVED, /* damaged, but made of other things: can be made again */
    CHECK_ORPHAN,  /* nothing names it; no damage */
    CHECK_NOTE,    /* worth knowing; no damage */
} CheckGrade;

const char *check_grade_name(CheckGrade grade);

typedef struct CheckFinding {
    CheckGrade grade;
    const char *object; /* path below the directory, or "log", "catalog" */
    const char *what;   /* with the offset where one is known */
    const char *advice; /* what can be done */
    bool is_repaired;
} CheckFinding;

typedef struct CheckSummary {
    uint64_t tables;
    uint64_t files; /* data and delete files that were read */
    uint64_t rows;  /* alive in files */
    uint64_t bytes; /* of those files */
    uint64_t indexes;
    uint64_t segments;
    uint64_t frames;
    uint64_t log_end;     /* position */
    uint64_t log_durable; /* the highest position that the log itself calls synced */
    uint64_t torn_bytes;  /* behind the last whole transaction */
    uint64_t found[4];    /* findings by grade, repaired ones too */
    uint64_t repaired;    /* of those that are derived */
} CheckSummary;

typedef struct CheckOptions {
    const char *directory;
    bool without_log; /* tables as outside readers see them: by their hints, no log and catalog */
    bool repair;
    void *context;
    void (*found)(void *context, const CheckFinding *finding);
    /* Each table that was looked at; may be NULL. */
    void (*table)(void *context, const char *name, uint64_t files, uint64_t rows);
} CheckOptions;

CHECKED Status check_directory(Env *env, const CheckOptions *options, CheckSummary *out,
                               Error *error);

/* Is everything good, or good again? */
bool check_is_good(const CheckSummary *summary);

/* ---- dumps: lines of text, one call of `line` each ---- */

typedef struct DumpSink {
    void *context;
    void (*line)(void *context, const char *text);
} DumpSink;

/* Every frame of the log that recovery would read, one line each, then a line on the whole. */
CHECKED Status dump_log(Env *env, const char *directory, const DumpSink *sink, Error *error);

/* What is committed of each table, its snapshots, files and deletes; `table` ("namespace.table")
 * only, where it is not NULL. UNDEFINED_TABLE. */
CHECKED Status dump_manifest(Env *env, const char *directory, const char *table,
                             const DumpSink *sink, Error *error);

/* One key's life: its frames in the log, and where the key indexes of its table say that it may
 * lie. `key` is the key as text, "(1, abc)" or "1"; keys of USER tables are found of every user. */
CHECKED Status dump_row(Env *env, const char *directory, const char *table, const char *key,
                        const DumpSink *sink, Error *error);

#endif
