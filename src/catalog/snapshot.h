/* Catalog snapshots: everything that has a name, as one immutable value.
 *
 * A DDL statement makes a new snapshot from the old one and one record; statements bind against
 * the snapshot they took. Names are looked up here and nowhere else; everything below goes by id.
 *
 * Threading: immutable, reference counted. Ownership: objects are borrowed from their snapshot.
 * Errors: the lookups return NULL; callers know which code their statement needs. */
#ifndef FIRN_CATALOG_SNAPSHOT_H
#define FIRN_CATALOG_SNAPSHOT_H

#include "auth/auth.h"
#include "types/expression.h"

typedef struct CatalogSnapshot CatalogSnapshot;

enum {
    NAMESPACE_BYTES_MAX = 32,
};

typedef struct CatalogNamespace {
    uint64_t id;
    Slice name;
    OwnerId owner; /* user who made it; 0: the system */
    int64_t created_us;
} CatalogNamespace;

typedef struct CatalogCheck {
    Slice name;
    Slice sql; /* as written */
    const Expression *expression;
} CatalogCheck;

typedef struct TableOptions {
    int64_t flush_rows; /* 0: the server's default, and so for all below */
    int64_t flush_interval_ms;
    int64_t flush_bytes;
    int64_t ttl_ms; /* STREAM */
    int64_t snapshot_retention_ms;
    int64_t target_file_bytes;
    char compression[8];    /* "": the default */
    uint8_t format_version; /* 2 */
} TableOptions;

typedef struct CatalogTable {
    uint64_t id;
    uint64_t namespace_id;
    Slice namespace_name;
    Slice name;
    TableKind kind;
    TableAccess access;
    Slice storage;  /* storage id; "local" is the default one */
    Slice folder;   /* below the storage's root: "<namespace>.<table>-<id>" as it was first named */
    Schema *schema; /* the current version; borrowed */
    const Expression *const *defaults; /* by column number; NULL: none (NULL value) */
    const CatalogCheck *checks;
    uint32_t check_count;
    TableOptions options;
    Slice comment;
    OwnerId creator;
    int64_t created_us;
    int64_t altered_us;
    uint8_t uuid[16];
    Schema *const *old_schemas; /* earlier versions, oldest first: for reading the log back */
    uint32_t old_schema_count;
} CatalogTable;

typedef struct CatalogUser {
    OwnerId id;
    Slice name;
    Role role;
    Slice verifier; /* argon2id, NUL-terminated behind its end; empty: cannot log in */
    Slice email;
    Slice storage;
    uint64_t version; /* of password and role: older tokens are refused */
    int64_t created_us;
    int64_t last_seen_us; /* 0: never */
    int64_t deleted_us;   /* 0: not deleted */
    bool keeps_name;      /* deleted with KEEP DATA: nobody else may have the name */
} CatalogUser;

typedef struct CatalogStorage {
    Slice id;
    Slice type; /* "filesystem" */
    Slice path;
    Slice options_json;
    int64_t created_us;
} CatalogStorage;

typedef struct CatalogSetting {
    Slice name;
    Slice value;
} CatalogSetting;

CatalogSnapshot *catalog_snapshot_clone(CatalogSnapshot *snapshot);
void catalog_snapshot_release(CatalogSnapshot *snapshot);

/* Grows with every change; plans remember the one they were bound against. */
uint64_t catalog_snapshot_version(const CatalogSnapshot *snapshot);

const CatalogNamespace *catalog_find_namespace(const CatalogSnapshot *snapshot, Slice name);
const CatalogTable *catalog_find_table(const CatalogSnapshot *snapshot, Slice namespace_name,
                                       Slice name);
const CatalogTable *catalog_table_by_id(const CatalogSnapshot *snapshot, uint64_t id);
const CatalogUser *catalog_find_user(const CatalogSnapshot *snapshot, Slice name); /* not deleted */
const CatalogUser *catalog_user_by_id(const CatalogSnapshot *snapshot, OwnerId id);
const CatalogStorage *catalog_find_storage(const CatalogSnapshot *snapshot, Slice id);
const CatalogSetting *catalog_find_setting(const CatalogSnapshot *snapshot, Slice name);

/* Arrays in order of name (tables: namespace, then name; users: id). */
size_t catalog_namespaces(const CatalogSnapshot *snapshot, const CatalogNamespace *const **out);
size_t catalog_tables(const CatalogSnapshot *snapshot, const CatalogTable *const **out);
size_t catalog_users(const CatalogSnapshot *snapshot, const CatalogUser *const **out);
size_t catalog_storages(const CatalogSnapshot *snapshot, const CatalogStorage *const **out);
size_t catalog_settings(const CatalogSnapshot *snapshot, const CatalogSetting *const **out);

/* ---- changes: what a catalog record of the log holds ---- */

typedef enum CatalogObjectKind {
    CATALOG_NAMESPACE = 1,
    CATALOG_TABLE = 2,
    CATALOG_USER = 3,
    CATALOG_STORAGE = 4,
    CATALOG_SETTING = 5,
} CatalogObjectKind;

/* One object put (made or replaced) or removed. */
typedef struct CatalogChange {
    CatalogObjectKind kind;
    bool removed;
    union {
        CatalogNamespace name_space; /* removed: id is enough; and so for all below */
        CatalogTable table;
        CatalogUser user;
        CatalogStorage storage; /* removed: by its id */
        CatalogSetting setting; /* removed: by its name */
    } as;
} CatalogChange;

/* An empty catalog, version 0. */
CHECKED Status catalog_snapshot_empty(CatalogSnapshot **out, Error *error);

/* A new snapshot with the changes applied, all or none; everything is copied. */
CHECKED Status catalog_snapshot_apply(CatalogSnapshot *base, const CatalogChange *changes,
                                      size_t count, CatalogSnapshot **out, Error *error);

void catalog_change_encode(Buffer *out, const CatalogChange *change);

/* Texts point into the cursor's memory, the rest is in the arena; close it when it was applied
 * (its schemas are references). */
CHECKED Status catalog_change_decode(Arena *arena, Cursor *cursor, CatalogChange *out,
                                     Error *error);
void catalog_change_close(CatalogChange *change);

/* The whole snapshot as changes, for a checkpoint. */
CHECKED Status catalog_snapshot_encode(const CatalogSnapshot *snapshot, Buffer *out, Error *error);

/* ---- system tables (spec/catalog.md §1): names and columns; their rows are database/'s ---- */

typedef struct SystemColumnDefinition {
    const char *name;
    Type type;
} SystemColumnDefinition;

typedef struct SystemTable {
    const char *name;
    ObjectKind guarded_as;
    const SystemColumnDefinition *columns;
    uint32_t column_count;
} SystemTable;

const SystemTable *system_table_find(Slice name);
const SystemTable *system_table_all(size_t *count);

/* Ids of system tables' schemas begin here, above every table's. */
#define SYSTEM_TABLE_ID_FIRST ((uint64_t)1 << 48)

/* Its columns as a new schema (SHARED, one reference for the caller). */
CHECKED Status system_table_schema(const SystemTable *table, Schema **out, Error *error);

/* ---- names ---- */

/* A table's, column's or index's name: 1–64 bytes of [A-Za-z0-9_], not starting with a digit or
 * '_'. INVALID_NAME, NAME_TOO_LONG or RESERVED_NAME, saying what would be right. */
CHECKED Status object_name_check(Slice name, const char *what, Error *error);

/* The same with at most 32 bytes and the reserved namespaces refused. */
CHECKED Status namespace_name_check(Slice name, Error *error);
bool namespace_is_system(Slice name); /* system, sys */

#endif
