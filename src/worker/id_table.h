/* IdTable: things by id, for a few thousand of them. Ids mostly come in ascending order, so a
 * sorted array is all it takes.
 *
 * Threading: one thread at a time changes it, with no reader beside. Ownership: the values are the
 * owner's; the table frees only itself. Errors: OUT_OF_MEMORY. */
#ifndef FIRN_WORKER_ID_TABLE_H
#define FIRN_WORKER_ID_TABLE_H

#include "base/error.h"

typedef struct IdItem {
    uint64_t id;
    void *value;
} IdItem;

typedef struct IdTable {
    IdItem *items; /* in order of id */
    size_t count;
    size_t capacity;
} IdTable;

void id_table_close(IdTable *table);

/* NULL where there is none. */
void *id_table_find(const IdTable *table, uint64_t id);

/* Makes room for one more, so that the next id_table_add cannot fail. */
CHECKED Status id_table_reserve(IdTable *table, Error *error);

/* The id is not in it, and room was made. */
void id_table_add(IdTable *table, uint64_t id, void *value);

/* The value that was there, or NULL. */
void *id_table_remove(IdTable *table, uint64_t id);

#endif
