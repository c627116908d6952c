/* Catalog: what has a name, kept in the engine's log, and changed by definitions.
 *
 * Two snapshots are kept: the head, as of what was appended (what the next definition builds on,
 * and what a checkpoint writes), and the visible one, as of what is durable (what statements bind
 * against). A definition makes a new head, is logged by the engine with what it does to tables, and
 * becomes visible in the very step in which the engine's visible sequence passes it.
 *
 * Threading: any thread; definitions are made one at a time. Ownership: snapshots are reference
 * counted. Errors: those of PostgreSQL for what exists already or does not. */
#ifndef FIRN_CATALOG_CATALOG_H
#define FIRN_CATALOG_CATALOG_H

#include "catalog/snapshot.h"
#include "engine/engine.h"

typedef struct Catalog Catalog;

/* What a table has whose own options do not say. */
typedef struct CatalogDefaults {
    int64_t flush_rows;
    int64_t flush_interval_ms;
    int64_t flush_bytes;
    int64_t snapshot_retention_ms;
    int64_t target_file_bytes;
    uint32_t small_files_max;
    uint32_t deleted_percent_max;
    uint32_t delete_files_max;
    char compression[8];
} CatalogDefaults;

enum {
    ROOT_USER_ID = 1,
    TTL_MS_MAX = 31 * 24 * 3600 * (int64_t)1000,
};

CHECKED Status catalog_open(Env *env, const char *directory, const CatalogDefaults *defaults,
                            Catalog **out, Error *error);
void catalog_close(Catalog *catalog);

/* ---- for the engine's hooks ---- */

/* Before anything else: the engine whose tables these are. */
void catalog_bind(Catalog *catalog, Engine *engine);

CHECKED Status catalog_recover_checkpoint(Catalog *catalog, Slice payload, Error *error);
CHECKED Status catalog_recover_record(Catalog *catalog, Slice payload, Error *error);

/* The head snapshot, with a reference; and its bytes. */
CatalogSnapshot *catalog_head(Catalog *catalog);
CHECKED Status catalog_owner_name(Catalog *catalog, OwnerId owner, Arena *arena, Slice *out,
                                  Error *error);
OwnerId catalog_owner_of(Catalog *catalog, Slice name); /* also of deleted users; 0: nobody */

/* ---- for statements ---- */

/* What is visible, with a reference. */
CatalogSnapshot *catalog_snapshot(Catalog *catalog);
uint64_t catalog_version(Catalog *catalog); /* of the visible one; one atomic load */

/* How the engine is to treat the table: its options over the defaults. */
void catalog_policy(Catalog *catalog, const CatalogTable *table, TablePolicy *out);

/* New defaults, for tables that do not say themselves. */
CHECKED Status catalog_set_defaults(Catalog *catalog, const CatalogDefaults *defaults,
                                    Error *error);

/* Absolute root of a storage; UNDEFINED_OBJECT. */
CHECKED Status catalog_storage_path(Catalog *catalog, Slice id, Path *out, Error *error);

/* Absolute folder of a table: of its Iceberg table, or of its stream's windows. */
CHECKED Status catalog_table_folder(Catalog *catalog, const CatalogTable *table, Path *out,
                                    Error *error);

/* ---- definitions; `deadline_ns` bounds the wait for tables' locks ---- */

CHECKED Status catalog_create_namespace(Catalog *catalog, Slice name, OwnerId owner,
                                        bool if_not_exists, bool *existed, Error *error);

typedef struct DropCounts {
    uint32_t tables;
    uint64_t *table_ids;  /* in the arena given */
    const char **folders; /* absolute, in the arena given: for the cleanup job */
} DropCounts;

CHECKED Status catalog_drop_namespace(Catalog *catalog, Slice name, bool if_exists, bool cascade,
                                      int64_t deadline_ns, Arena *arena, DropCounts *out,
                                      bool *missing, Error *error);

/* A new table: everything a CatalogTable says but ids, uuid, folder, times and schema; the columns
 * instead. Without a key it gets `_row`. */
typedef struct TableDraft {
    Slice namespace_name;
    Slice name;
    TableKind kind;
    TableAccess access;
    const Column *columns; /* field_id 0 */
    uint32_t column_count;
    const Expression *const *defaults; /* by column; NULL: none at all */
    const uint32_t *key_columns;
    uint32_t key_count;
    const CatalogCheck *checks;
    uint32_t check_count;
    TableOptions options;
    Slice storage;
    OwnerId creator;
} TableDraft;

CHECKED Status catalog_create_table(Catalog *catalog, const TableDraft *draft, bool if_not_exists,
                                    bool *existed, Error *error);
CHECKED Status catalog_drop_table(Catalog *catalog, uint64_t table_id, int64_t deadline_ns,
                                  Arena *arena, DropCounts *out, Error *error);
CHECKED Status catalog_truncate_table(Catalog *catalog, uint64_t table_id, int64_t deadline_ns,
                                      Error *error);

typedef enum TableEditKind {
    EDIT_ADD_COLUMN,
    EDIT_DROP_COLUMN,
    EDIT_RENAME_COLUMN,
    EDIT_COLUMN_TYPE,
    EDIT_SET_DEFAULT, /* default_value NULL: DROP DEFAULT */
    EDIT_SET_NOT_NULL,
    EDIT_DROP_NOT_NULL,
    EDIT_OPTIONS,
    EDIT_RENAME_TABLE,
    EDIT_COMMENT, /* of the table */
    EDIT_COLUMN_COMMENT,
} TableEditKind;

/* Asked under the table's exclusive lock (engine.h, Definition.check). */
typedef Status (*TableEditCheck)(void *context, Error *error);

typedef struct TableEdit {
    TableEditKind kind;
    uint64_t table_id;
    uint32_t column;
    Column added; /* ADD_COLUMN */
    const Expression *default_value;
    Slice default_sql;
    Type type;
    const CatalogCheck *checks; /* edits of columns: all of them, by the new column numbers */
    uint32_t check_count;
    Slice text;           /* new name or comment */
    TableOptions options; /* EDIT_OPTIONS: all of them, as they shall be */
    TableAccess access;
    Slice storage;
    TableEditCheck check; /* edits of columns; NULL: nothing to ask */
    void *check_context;
} TableEdit;

CHECKED Status catalog_edit_table(Catalog *catalog, const TableEdit *edit, int64_t deadline_ns,
                                  Error *error);

/* Makes or replaces a user; id 0 makes a new one. Names of users deleted with KEEP DATA stay taken:
 * `keeps_name` says so. */
CHECKED Status catalog_put_user(Catalog *catalog, const CatalogUser *user, OwnerId *id,
                                Error *error);
CHECKED Status catalog_drop_user(Catalog *catalog, OwnerId id, bool keep_data, Error *error);

CHECKED Status catalog_put_storage(Catalog *catalog, const CatalogStorage *storage, bool is_new,
                                   Error *error);
CHECKED Status catalog_drop_storage(Catalog *catalog, Slice id, Error *error);
CHECKED Status catalog_put_setting(Catalog *catalog, Slice name, Slice value, bool removed,
                                   Error *error);

#endif
