/* Private to the system tables: a row being filled, and who sees what.
 *
 * Columns are given in their order, each by the function of its type; the table's definition
 * (catalog/system.c) is asked at every step, so that a filler which leaves its columns stops at
 * once. What a value points to lives in the scratch arena until the row's end. */
#ifndef FIRN_DATABASE_SYSTEM_INT_H
#define FIRN_DATABASE_SYSTEM_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "database/system_tables.h"

enum { SYSTEM_COLUMNS_MAX = 32 };

typedef struct SystemRows {
    const SystemSources *sources;
    const SystemTable *table;
    const Principal *who;
    Arena *arena;  /* of the statement */
    Arena scratch; /* of one row */
    const SystemRowSink *sink;
    CatalogSnapshot *snapshot;
    bool sees_all; /* may see what is others' */
    Status status; /* of building the row at hand: want of memory */
    uint32_t at;   /* the column that is next */
    Value values[SYSTEM_COLUMNS_MAX];
} SystemRows;

/* ---- a row: its columns in order, then its end ---- */

void row_null(SystemRows *rows);
void row_text(SystemRows *rows, Slice text);          /* TEXT, JSON */
void row_text_or_null(SystemRows *rows, Slice text);  /* NULL where it is empty */
void row_words(SystemRows *rows, const char *text);   /* NULL where it is NULL or empty */
void row_copy(SystemRows *rows, Slice text);          /* of memory that does not last */
void row_integer(SystemRows *rows, int64_t number);   /* INTEGER, BIGINT; clamped to the type */
void row_unsigned(SystemRows *rows, uint64_t number); /* the same */
void row_unsigned_or_null(SystemRows *rows, uint64_t number); /* NULL where it is 0 */
void row_boolean(SystemRows *rows, bool value);
void row_real(SystemRows *rows, double value);       /* REAL, DOUBLE */
void row_time_or_null(SystemRows *rows, int64_t us); /* NULL where it is 0 */

/* An array of texts, which are not copied; NULL where `texts` is. */
void row_texts(SystemRows *rows, const Slice *texts, uint32_t count);
CHECKED Status row_end(SystemRows *rows, Error *error);

/* Memory of this row; NULL sets rows->status. */
void *row_allocate(SystemRows *rows, size_t size);

/* ---- who sees what ---- */

/* May the principal know of the table? */
bool system_sees_table(const SystemRows *rows, const CatalogTable *table);

/* Rows of which owner of the table he may know of; 0: of all. */
OwnerId system_owner_seen(const SystemRows *rows, const CatalogTable *table);

/* Is it his own (or may he see all)? Nobody (0) is nobody's own. */
bool system_sees_user(const SystemRows *rows, OwnerId user_id);

/* A user's name, also a deleted one's; empty where there is none. */
Slice system_user_name(const SystemRows *rows, OwnerId user_id);

/* ---- tables at one moment ---- */

typedef struct SystemPin {
    EngineTable *table;
    Pin *pin;
} SystemPin;

/* *out.pin is NULL where the table has just been dropped. */
CHECKED Status system_pin_open(const SystemRows *rows, uint64_t table_id, SystemPin *out,
                               Error *error);
void system_pin_close(SystemPin *pin);

/* Calls `fill` for every table that the principal may know of, with a pin on it. */
typedef Status (*SystemTableFiller)(SystemRows *rows, const CatalogTable *table,
                                    const SystemPin *pin, Error *error);
CHECKED Status system_each_table(SystemRows *rows, SystemTableFiller fill, Error *error);

/* Size of a file of the table's folder; 0 where it cannot be told. */
uint64_t system_file_size(const SystemRows *rows, const SystemPin *pin, const char *relative);

/* "<folder>/<relative>": a path below the storage's root. */
void row_path(SystemRows *rows, const CatalogTable *table, const char *relative);

/* ---- the tables ---- */

/* X(name, who: ALL, what the filler leaves out; DBA, nobody below sees any row) */
#define SYSTEM_FILLERS(X) \
    X(columns, ALL)       \
    X(connections, ALL)   \
    X(files, ALL)         \
    X(functions, ALL)     \
    X(indexes, ALL)       \
    X(jobs, ALL)          \
    X(live_queries, ALL)  \
    X(manifest, ALL)      \
    X(namespaces, ALL)    \
    X(queries, ALL)       \
    X(settings, DBA)      \
    X(snapshots, DBA)     \
    X(stats, DBA)         \
    X(storages, DBA)      \
    X(tables, ALL)        \
    X(users, ALL)

#define X(name, who) CHECKED Status system_rows_##name(SystemRows *rows, Error *error);
SYSTEM_FILLERS(X)
#undef X

#endif
