/* Private to catalog: how a snapshot holds its objects. */
#ifndef FIRN_CATALOG_SNAPSHOT_INT_H
#define FIRN_CATALOG_SNAPSHOT_INT_H

#include "catalog/snapshot.h"

enum { CATALOG_KIND_COUNT = CATALOG_SETTING };

/* One object with everything it points to; shared by all snapshots that have it. */
typedef struct CatalogObject {
    _Atomic uint32_t references;
    CatalogObjectKind kind;
    Arena arena;
    union {
        CatalogNamespace name_space;
        CatalogTable table;
        CatalogUser user;
        CatalogStorage storage;
        CatalogSetting setting;
    } as;
} CatalogObject;

/* The objects of one kind: in order of name for look-ups by name, of id for look-ups by id. The
 * pointers lead to the typed part (CatalogObject.as). */
typedef struct CatalogIndex {
    const void **by_name;
    const void **by_id; /* namespaces, tables, users */
    size_t count;
} CatalogIndex;

struct CatalogSnapshot {
    _Atomic uint32_t references;
    uint64_t version;
    CatalogIndex index[CATALOG_KIND_COUNT]; /* by kind - 1 */
};

CatalogObject *catalog_object_of(const void *typed);

/* Copies the change's object into a new one with a reference. */
CHECKED Status catalog_object_create(const CatalogChange *change, CatalogObject **out,
                                     Error *error);
void catalog_object_release(CatalogObject *object);

/* The id (or name hash order) by which two objects are the same one. */
uint64_t catalog_object_id(CatalogObjectKind kind, const void *typed);

/* Order by name (tables: namespace first; users: by id among equal names). */
int catalog_object_compare(CatalogObjectKind kind, const void *a, const void *b);

#endif
