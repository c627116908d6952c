/* Firn as a library: a database in a directory of this program's own.
 *
 *     firn_database *db;
 *     firn_error error;
 *     firn_open("./data", NULL, &db, &error);
 *     firn_execute(db, "CREATE TABLE IF NOT EXISTS public.notes (id BIGINT PRIMARY KEY, text
 * TEXT)", NULL, 0, NULL, &error); firn_value row[] = {firn_integer(1), firn_text("first")};
 *     firn_execute(db, "INSERT INTO public.notes VALUES ($1, $2)", row, 2, NULL, &error);
 *
 * Every write that returns FIRN_OK is durable as log.durability says (always, unless configured
 * otherwise) and readable at once. One process may have a directory open at a time. Rows settle
 * into Parquet files of Iceberg tables below DIRECTORY/storage by themselves, and analytic queries
 * run, in processes of the program firn-worker, which is started when it is first needed.
 *
 * Threading: a database may be used by any number of threads; sessions, tables, results and
 * iterators by one at a time each. Ownership: what a firn_*_open or firn_execute gives is ended by
 * the matching firn_*_close, all of them before firn_close; NULL may be closed. Texts and values of
 * a result live until it is closed. Errors: every call that can fail returns a code, FIRN_OK is 0;
 * the error (which may be NULL) says more. Its texts never hold paths or other users' values.
 *
 * Link with libfirn.a and: -lpg_query -lroaring -lxxhash -lzstd -lz -lcrypto -largon2 -lm -pthread
 */
#ifndef FIRN_FIRN_H
#define FIRN_FIRN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIRN_CHECKED __attribute__((warn_unused_result))

typedef struct firn_database firn_database;
typedef struct firn_session firn_session;
typedef struct firn_result firn_result;
typedef struct firn_table firn_table;
typedef struct firn_subscription firn_subscription;

/* ---- errors ---- */

enum { FIRN_OK = 0 };

typedef struct firn_error {
    int code;          /* FIRN_OK, or the number of a code; its name is what to match on */
    char name[48];     /* "UNIQUE_VIOLATION" */
    char sqlstate[6];  /* "23505" */
    char message[512]; /* what is wrong */
    char detail[512];  /* more of it, or "" */
    char hint[256];    /* what would be right, or "" */
    int64_t position;  /* byte offset in the SQL text, -1 where it has none */
} firn_error;

/* ---- values ---- */

typedef enum firn_kind {
    FIRN_NULL,
    FIRN_BOOLEAN,
    FIRN_INTEGER, /* SMALLINT, INT, BIGINT */
    FIRN_REAL,    /* REAL, DOUBLE */
    FIRN_TEXT,    /* UTF-8. Also how every type without a kind of its own is given and taken, in
                     PostgreSQL's form: DECIMAL, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, UUID, JSON */
    FIRN_BYTES,   /* BYTEA */
    FIRN_VECTOR,  /* VECTOR(n): floats */
} firn_kind;

typedef struct firn_value {
    firn_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const void *data;
            size_t size; /* bytes; FIRN_TEXT has a NUL behind them where it comes from a result */
        } bytes;
        struct {
            const float *elements;
            uint32_t count;
        } vector;
    } as;
} firn_value;

firn_value firn_null(void);
firn_value firn_boolean(bool value);
firn_value firn_integer(int64_t value);
firn_value firn_real(double value);
firn_value firn_text(const char *text); /* borrowed, as below */
firn_value firn_bytes(const void *data, size_t size);
firn_value firn_vector(const float *elements, uint32_t count);

/* ---- opening ---- */

typedef struct firn_options {
    const char *worker_path;     /* of firn-worker; NULL: beside this program, then in PATH's way:
                                    engine.worker_path of the configuration */
    const char *const *settings; /* "section.key=value", as firnd's --set */
    size_t setting_count;
} firn_options;

/* Makes the directory where it is missing; recovers what it holds. */
FIRN_CHECKED int firn_open(const char *directory, const firn_options *options, firn_database **out,
                           firn_error *error);

/* Waits for running jobs, commits what is pending, writes a checkpoint. Frees in any case. */
FIRN_CHECKED int firn_close(firn_database *database, firn_error *error);

const char *firn_version(void); /* "0.1.0" */

/* ---- statements ---- */

/* Runs one statement with its parameters $1 …, or several without any, with all rights. `out` may
 * be NULL where the rows are not wanted; it is the last statement's result. */
FIRN_CHECKED int firn_execute(firn_database *database, const char *sql,
                              const firn_value *parameters, size_t count, firn_result **out,
                              firn_error *error);

/* One row of a result that is not kept; `row` lives until the return. Anything but 0 ends it. */
typedef int (*firn_row_visitor)(void *context, const firn_value *row, size_t columns);

/* The same, row by row in bounded memory. */
FIRN_CHECKED int firn_each(firn_database *database, const char *sql, const firn_value *parameters,
                           size_t count, firn_row_visitor visit, void *context, firn_error *error);

size_t firn_column_count(const firn_result *result);
const char *firn_column_name(const firn_result *result, size_t column);
const char *firn_column_type(const firn_result *result, size_t column); /* "BIGINT" */
uint64_t firn_row_count(const firn_result *result); /* of rows, or of rows affected */
uint64_t firn_sequence(const firn_result *result);  /* of the last change; 0: none */

/* Goes to the next row; false behind the last one. It begins before the first. */
bool firn_next(firn_result *result);
const firn_value *firn_row(const firn_result *result); /* of the row it stands on */
void firn_result_close(firn_result *result);

/* ---- sessions: as a user, in a namespace ---- */

/* With the rights and the rows of this user (NULL: of root). */
FIRN_CHECKED int firn_session_open(firn_database *database, const char *user, firn_session **out,
                                   firn_error *error);
FIRN_CHECKED int firn_session_execute(firn_session *session, const char *sql,
                                      const firn_value *parameters, size_t count, firn_result **out,
                                      firn_error *error);
void firn_session_close(firn_session *session);

/* ---- tables: rows by key, without SQL ---- */

/* "namespace.table". Rows are values of all columns in their order; keys those of the key's columns
 * in theirs. The table must have a PRIMARY KEY. */
FIRN_CHECKED int firn_table_open(firn_session *session, const char *name, firn_table **out,
                                 firn_error *error);
void firn_table_close(firn_table *table);

/* Writes a row, in place of the one with its key if there is one. */
FIRN_CHECKED int firn_put(firn_table *table, const firn_value *row, size_t columns,
                          firn_error *error);

/* `rows` rows one behind the other, all or none; keys must differ. */
FIRN_CHECKED int firn_put_batch(firn_table *table, const firn_value *values, size_t columns,
                                size_t rows, firn_error *error);

/* The row of a key; *out is NULL where there is none. */
FIRN_CHECKED int firn_get(firn_table *table, const firn_value *key, size_t columns,
                          firn_result **out, firn_error *error);

FIRN_CHECKED int firn_delete(firn_table *table, const firn_value *key, size_t columns,
                             bool *existed, firn_error *error);

/* Rows in the order of the key, from the first whose first key column is at least `from` and below
 * `to` (NULL: no end there), at most `limit` of them (0: all). */
FIRN_CHECKED int firn_scan(firn_table *table, const firn_value *from, const firn_value *to,
                           uint64_t limit, firn_row_visitor visit, void *context,
                           firn_error *error);

/* Settles what is in memory, and merges small files; return when that is done. */
FIRN_CHECKED int firn_flush(firn_table *table, firn_error *error);
FIRN_CHECKED int firn_compact(firn_table *table, firn_error *error);

typedef struct firn_table_stats {
    uint64_t hot_rows;
    uint64_t cold_rows;
    uint64_t hot_bytes;
    uint64_t cold_bytes;
    uint64_t files;
} firn_table_stats;

FIRN_CHECKED int firn_stats(firn_table *table, firn_table_stats *out, firn_error *error);

/* Everything committed up to here is durable and readable. */
uint64_t firn_visible_sequence(firn_database *database);

/* ---- live queries ---- */

typedef enum firn_event_kind {
    FIRN_EVENT_ROW,  /* one of the rows that were there */
    FIRN_EVENT_LIVE, /* those have been given: what follows are changes, up to `sequence` so far */
    FIRN_EVENT_INSERT,
    FIRN_EVENT_UPDATE,
    FIRN_EVENT_DELETE,
    FIRN_EVENT_LEAVE,  /* does not match the WHERE any more */
    FIRN_EVENT_RESYNC, /* changes were lost: subscribe again. The last event */
    FIRN_EVENT_ENDED,  /* for good; `reason` says why. The last event */
} firn_event_kind;

typedef struct firn_event {
    firn_event_kind kind;
    uint64_t sequence;     /* of the change */
    uint64_t commit;       /* the last sequence of its transaction */
    const firn_value *row; /* ROW, INSERT, UPDATE: the new values */
    const firn_value *old; /* UPDATE, DELETE, LEAVE: the old ones */
    size_t columns;        /* the SELECT's, then the key's where they are not among them */
    const char *reason;    /* RESYNC, ENDED */
} firn_event;

/* Called by one thread at a time, in order; after the rows from threads that must not wait and must
 * not call the library: take what is needed and return. */
typedef void (*firn_listener)(void *context, const firn_event *event);

/* Rows and then every change of SELECT columns FROM one table WHERE …. Returns when it is live. */
FIRN_CHECKED int firn_subscribe(firn_session *session, const char *sql,
                                const firn_value *parameters, size_t count, firn_listener listener,
                                void *context, firn_subscription **out, firn_error *error);

/* No event comes after it returned. */
void firn_unsubscribe(firn_subscription *subscription);

#ifdef __cplusplus
}
#endif

#endif
