/* Private to catalog: the live catalog. */
#ifndef FIRN_CATALOG_CATALOG_INT_H
#define FIRN_CATALOG_CATALOG_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "catalog/catalog.h"

struct Catalog {
    Env *env;
    Engine *engine;
    Path directory;
    Mutex define_mutex; /* one definition at a time; above everything of the engine */
    Mutex mutex;        /* the rest; a leaf */
    CatalogSnapshot *head;
    CatalogSnapshot *visible;
    CatalogDefaults defaults;
    _Atomic uint64_t version; /* of the visible one */
};

/* A definition in the making, under define_mutex. */
typedef struct CatalogWork {
    Catalog *catalog;
    CatalogSnapshot *head; /* what it builds on; borrowed */
    CatalogSnapshot *next;
    CatalogSnapshot *replaced; /* references to release outside the engine's locks */
    CatalogSnapshot *hidden;
} CatalogWork;

/* Makes the next snapshot from the changes, logs it with what it does to tables, and waits until it
 * is visible. */
CHECKED Status catalog_define(Catalog *catalog, const CatalogChange *changes, size_t count,
                              const TableChange *table_changes, size_t table_change_count,
                              int64_t deadline_ns, Error *error);
CHECKED Status catalog_define_checked(Catalog *catalog, const CatalogChange *changes, size_t count,
                                      const TableChange *table_changes, size_t table_change_count,
                                      int64_t deadline_ns, TableEditCheck check,
                                      void *check_context, Error *error);

/* The engine's view of a table, pointing into `table`; `folder` holds the path. */
CHECKED Status catalog_table_definition(Catalog *catalog, const CatalogTable *table, Path *folder,
                                        TableDefinition *out, Error *error);

#endif
