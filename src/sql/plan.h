/* Plans: what the binder makes of a statement, and the executor runs.
 *
 * A plan is bound against one catalog snapshot and may be run many times with other parameters, as
 * long as that snapshot's version is the current one. Nothing in it depends on who runs it or on
 * what rows there are: the guard, owners, pins and pruning are the executor's, at every run.
 *
 * Threading: immutable once bound. Ownership: everything lives in the plan's arena; catalog objects
 * are borrowed from the snapshot that the plan holds. */
#ifndef FIRN_SQL_PLAN_H
#define FIRN_SQL_PLAN_H

#include "catalog/snapshot.h"
#include "query/query.h"
#include "types/expression.h"

typedef enum StatementKind {
    STATEMENT_SELECT,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_DELETE,
    STATEMENT_CREATE_NAMESPACE,
    STATEMENT_DROP_NAMESPACE,
    STATEMENT_CREATE_TABLE,
    STATEMENT_ALTER_TABLE,
    STATEMENT_DROP_TABLE,
    STATEMENT_TRUNCATE,
    STATEMENT_COMMENT,
    STATEMENT_CREATE_USER,
    STATEMENT_ALTER_USER,
    STATEMENT_DROP_USER,
    STATEMENT_CREATE_STORAGE,
    STATEMENT_ALTER_STORAGE,
    STATEMENT_DROP_STORAGE,
    STATEMENT_CHECK_STORAGE,
    STATEMENT_FLUSH_TABLE,
    STATEMENT_FLUSH_ALL,
    STATEMENT_COMPACT_TABLE,
    STATEMENT_COMPACT_ALL,
    STATEMENT_DESCRIBE,
    STATEMENT_EXPLAIN,
    STATEMENT_USE,          /* USE ns, SET search_path, SET SCHEMA */
    STATEMENT_SET,          /* SET/RESET of a session's setting */
    STATEMENT_SHOW_SETTING, /* SHOW search_path … */
    STATEMENT_ALTER_SYSTEM,
    STATEMENT_KILL_JOB,
    STATEMENT_KILL_QUERY,
    STATEMENT_KILL_LIVE_QUERY,
    STATEMENT_KILL_CONNECTION,
    STATEMENT_SUBSCRIBE,
    STATEMENT_BEGIN, /* over HTTP a transaction lives in one request; answers 0A000 until built */
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
} StatementKind;

typedef struct ResultColumn {
    Slice name;
    Type type; /* what the client is told; DECIMAL without a precision: the scale varies by row */
    Type sent; /* what the engine's column is (QueryRequest.result_types): the same, but for numbers
                  without a precision (DECIMAL(38, s), or TEXT in PostgreSQL's form where the scale
                  varies) and for INTERVAL and RECORD (TEXT) */
} ResultColumn;

/* ---- relations ---- */

/* A simple conjunct of a reference's WHERE, for pruning files and hot prefixes: column OP value.
 * It only ever narrows; the statement's own filter stands as well. */
typedef struct PruningTerm {
    uint32_t column;
    CompareOperator comparison;
    const Expression *value; /* constant, parameter, or an expression of those */
} PruningTerm;

/* One table reference of a statement, in the order of the holes' numbers. */
typedef struct BoundReference {
    const CatalogTable *table; /* NULL for a system table */
    const SystemTable *system;
    Schema *schema;       /* of either; the plan holds a reference to a system table's */
    bool all_users;       /* FOR ALL USERS */
    Slice as_user;        /* AS USER of a write; empty: the caller */
    bool *columns;        /* which are read, by column number */
    bool uses_owner;      /* _user is read */
    PruningTerm *pruning; /* conjuncts known to hold for every row of the reference */
    uint32_t pruning_count;
    int32_t position_byte; /* where it stands in the text */
} BoundReference;

/* Reads of one table that the row executor answers: by key, by a range of the key, newest N. */
typedef struct ShortRead {
    uint32_t reference;
    bool has_table; /* false: SELECT without FROM: one row of expressions */
    /* The key's leading columns with a fixed value: all of them is a point read. */
    const Expression **key_values;
    uint32_t key_value_count;
    /* Bounds on the next key column, or NULL. */
    const Expression *lower;
    const Expression *upper;
    bool lower_inclusive;
    bool upper_inclusive;
    /* Further values of a point read: WHERE key IN (…): points[i] has the key's whole values. */
    const Expression ***points;
    uint32_t point_count;
    const Expression *filter;       /* the whole WHERE; NULL: none */
    const Expression **projections; /* one for each result column */
    bool backward;                  /* ORDER BY key DESC */
    const Expression *limit;        /* NULL: none */
    const Expression *offset;
    bool order_matters; /* an ORDER BY was written (and the key's order answers it) */
} ShortRead;

typedef struct BoundSelect {
    ResultColumn *columns;
    uint32_t column_count;
    BoundReference *references;
    uint32_t reference_count;
    QueryText text;         /* DuckDB's SQL with a hole for each use of a reference */
    ShortRead *short_read;  /* NULL: only the engine can answer it */
    bool is_count_of_table; /* SELECT count(*) FROM t: answered from counts where they are known */
    bool is_volatile;       /* random() and the like inside */
    bool uses_now;  /* the text reads $(parameter_count + 1): now() of the statement, TIMESTAMPTZ */
    bool uses_user; /* the text reads $(parameter_count + 2): current_user, TEXT */
    /* vector_search and ORDER BY distance LIMIT k need nothing special here: they are SQL. */
} BoundSelect;

/* ---- writes ---- */

typedef struct ColumnAssignment {
    uint32_t column;
    const Expression *value; /* row-local; NULL where the finding scan computes it … */
    int32_t computed_column; /* … as this column of its result, else -1 */
} ColumnAssignment;

typedef enum ConflictAction {
    CONFLICT_ERROR,
    CONFLICT_NOTHING,
    CONFLICT_UPDATE,
} ConflictAction;

typedef struct Returning {
    ResultColumn *columns; /* column_count 0: no RETURNING */
    uint32_t column_count;
    const Expression **projections; /* over the new row (DELETE: the old) */
} Returning;

typedef struct BoundInsert {
    BoundReference target;
    /* VALUES: row_count rows of column_count expressions; or a query whose columns they are. */
    const Expression ***rows;
    uint32_t row_count;
    BoundSelect *query;
    uint32_t *columns; /* the table's column numbers they go to, each cast already */
    uint32_t column_count;
    const Expression **defaults; /* by table column: what the missing ones get; NULL: NULL */
    ConflictAction conflict;
    ColumnAssignment *conflict_set;
    uint32_t conflict_set_count;
    const Expression *conflict_where;
    Returning returning;
    bool is_single_row_fast; /* one VALUES row, no query, row-local: may run on a network loop */
} BoundInsert;

/* UPDATE and DELETE. `find` reads the whole rows to change: its result is every column of the table
 * in order, then _seq, then (file, position) as BIGINTs, then computed columns. Its reference 0 is
 * the target and needs its location (QueryReference.with_location). A row that joins several others
 * comes several times: the first one counts. Where short_read is there and the rows are hot, that
 * answers instead. */
typedef struct BoundChange {
    BoundReference target;
    BoundSelect *find;
    ShortRead *short_read;   /* projections unused; NULL where WHERE is not row-local */
    const Expression *where; /* row-local WHERE, for looking again at a row that moved; NULL: no
                                WHERE, or not row-local (where_is_local says which) */
    bool where_is_local;
    ColumnAssignment *set; /* UPDATE */
    uint32_t set_count;
    Returning returning;
} BoundChange;

/* ---- definitions ---- */

typedef struct BoundColumn {
    Column column; /* field_id 0: the catalog gives it */
    const Expression *default_value;
} BoundColumn;

typedef struct BoundCreateTable {
    Slice namespace_name;
    Slice name;
    TableKind kind;
    TableAccess access;
    bool if_not_exists;
    bool exists_already; /* with IF NOT EXISTS: nothing below is set */
    BoundColumn *columns;
    uint32_t column_count;
    uint32_t *key_columns; /* in key order; none: the catalog adds _row, behind the columns: CHECKs
                              go by column number */
    uint32_t key_count;
    CatalogCheck *checks;
    uint32_t check_count;
    TableOptions options;
    Slice storage; /* empty: the default */
} BoundCreateTable;

typedef enum AlterKind {
    ALTER_ADD_COLUMN,
    ALTER_DROP_COLUMN,
    ALTER_RENAME_COLUMN,
    ALTER_COLUMN_TYPE,
    ALTER_SET_DEFAULT,
    ALTER_DROP_DEFAULT,
    ALTER_SET_NOT_NULL,
    ALTER_DROP_NOT_NULL,
    ALTER_SET_OPTIONS,
    ALTER_RENAME_TABLE,
} AlterKind;

/* A column that is added stands last, also behind a hidden _row. Its initial_default is the
 * executor's to set: default_value evaluated once (volatile ones are refused here). */
typedef struct BoundAlterTable {
    const CatalogTable *table; /* NULL: missing, and IF EXISTS */
    AlterKind kind;
    uint32_t column;    /* of the table, where one is meant */
    BoundColumn added;  /* ADD COLUMN; SET DEFAULT: its default; TYPE: the column as it will be,
                           its default bound for the new type */
    bool if_exists;     /* ADD COLUMN IF NOT EXISTS, DROP COLUMN IF EXISTS */
    bool nothing_to_do; /* because of it, or because it is so already */
    const CatalogCheck *checks; /* the table's CHECKs afterwards, by its new column numbers */
    uint32_t check_count;
    Type type; /* ALTER COLUMN TYPE */
    Slice new_name;
    TableOptions options; /* SET (…): only what options_set names */
    uint32_t options_set; /* bits of TableOptionBit */
    TableAccess access;
    Slice storage;
} BoundAlterTable;

enum TableOptionBit {
    OPTION_FLUSH_ROWS = 1,
    OPTION_FLUSH_INTERVAL = 2,
    OPTION_FLUSH_BYTES = 4,
    OPTION_TTL = 8,
    OPTION_SNAPSHOT_RETENTION = 16,
    OPTION_TARGET_FILE_SIZE = 32,
    OPTION_COMPRESSION = 64,
    OPTION_FORMAT_VERSION = 128,
    OPTION_ACCESS = 256,
    OPTION_STORAGE = 512,
};

/* USE: an empty namespace_name goes back to the one the session began with. DROP NAMESPACE: whether
 * it is there, and empty where not cascade (2BP01), is the executor's to say. */
typedef struct BoundDrop {
    Slice namespace_name;
    Slice name;
    bool if_exists;
    bool if_not_exists;        /* CREATE NAMESPACE */
    bool cascade;              /* DROP NAMESPACE */
    const CatalogTable *table; /* DROP TABLE, TRUNCATE, COMMENT; NULL: missing and IF EXISTS */
} BoundDrop;

typedef struct BoundUser {
    Slice name;
    Slice password; /* ALTER: empty: unchanged */
    bool has_role;
    Role role;
    Slice email;
    Slice storage;
    bool keep_data; /* DROP USER … KEEP DATA */
    bool if_exists;
    bool if_not_exists;
} BoundUser;

typedef struct BoundStorage {
    Slice id;
    Slice type;
    Slice path;
    Slice options_json;
} BoundStorage;

/* FLUSH TABLE of a USER table without FOR USER has the action FLUSH_OWN: with FLUSH the executor
 * flushes every user's rows, without it the caller's. */
typedef struct BoundMaintenance { /* FLUSH, COMPACT, DESCRIBE */
    const CatalogTable *table;    /* NULL with ALL */
    const SystemTable *system;    /* DESCRIBE system.x */
    Slice namespace_name;         /* ALL IN ns; empty: everywhere */
    Slice for_user;               /* FOR USER 'u'; empty: by the caller's role */
    bool is_async;
} BoundMaintenance;

typedef struct BoundSubscribe {
    BoundSelect *initial;      /* what the snapshot's rows are read with, by key order */
    BoundReference *reference; /* of `initial` */
    const Expression *filter;  /* row-local; NULL: every row */
    uint32_t *columns;         /* projected table columns, key columns added at the end; a
                                  column number, or SUBSCRIBE_SEQ … for system columns */
    uint32_t column_count;
    uint32_t written_count; /* how many of them the client named */
    bool has_updated; /* `initial` has further columns at its end that are not for the client: _seq,
                         and, where this is set, _updated */
    int64_t limit;    /* of the initial rows; -1: none */
} BoundSubscribe;

enum {
    SUBSCRIBE_SEQ = 0xfffffff0,
    SUBSCRIBE_UPDATED = 0xfffffff1,
    SUBSCRIBE_USER = 0xfffffff2,
};

typedef struct SubscribeOptions { /* OPTIONS (…) of SUBSCRIBE TO, or of the message */
    int64_t last_rows;            /* -1: not given, and so for all below */
    int64_t batch_size;
    int64_t from_seq;
    int64_t until_seq;
    int64_t from_time_us;
    int64_t until_time_us;
    bool pull;
} SubscribeOptions;

typedef struct BoundSetting {
    Slice name;
    Slice value;
    bool is_reset;
    ResultColumn shown; /* SHOW: the answer's column, named like the setting */
} BoundSetting;

/* ---- the plan ---- */

/* A schema that only this plan knows (a system table's); in the plan's arena. */
typedef struct HeldSchema {
    struct HeldSchema *next;
    Schema *schema;
} HeldSchema;

typedef struct Plan {
    Arena arena;
    _Atomic uint32_t references;
    CatalogSnapshot *snapshot; /* held */
    HeldSchema *held;          /* released with the plan */
    Slice sql;                 /* the statement's text, passwords in it overwritten */
    StatementKind kind;
    Action action; /* what the guard is asked about the statement as a whole. SHOW_OWN
                      with SELECT: a SHOW; rows the caller may not see are left out
                      instead of refused */
    Type *parameter_types;
    uint32_t parameter_count;
    Slice execute_as; /* EXECUTE AS USER 'u' (…) around it (also in `explained`); empty: none */
    bool explain_analyze;
    union {
        BoundSelect *select;
        BoundInsert *insert;
        BoundChange *change;
        BoundCreateTable *create_table;
        BoundAlterTable *alter_table;
        BoundDrop *drop; /* DROP TABLE/NAMESPACE, TRUNCATE, CREATE NAMESPACE, USE */
        BoundUser *user;
        BoundStorage *storage;
        BoundMaintenance *maintenance;
        BoundSubscribe *subscribe;
        BoundSetting *setting;  /* SET, SHOW, ALTER SYSTEM; BEGIN: the isolation level written */
        struct Plan *explained; /* EXPLAIN */
        Slice kill_id;
        struct {
            const CatalogTable *table;
            int32_t column; /* -1: the table */
            Slice text;
        } comment;
    } as;
    SubscribeOptions subscribe_options;
} Plan;

Plan *plan_clone(Plan *plan); /* one more reference */
void plan_release(Plan *plan);

#endif
