#include "worker/id_table.h"

#include "base/assert.h"
#include "base/memory.h"

enum { ID_TABLE_FIRST = 16 };

/* The first item whose id is not below. */
static size_t place_of(const IdTable *table, uint64_t id)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void *id_table_find(const IdTable *table, uint64_t id)
{
    size_t place = place_of(table, id);
    bool found = place < table->count && table->items[place].id == id;
    return found ? table->items[place].value : NULL;
}

Status id_table_reserve(IdTable *table, Error *error)
{
    if (table->count < table->capacity)
        return OK;
    size_t capacity = table->capacity == 0 ? ID_TABLE_FIRST : table->capacity * 2;
    IdItem *items = memory_resize(table->items, capacity * sizeof *items);
    if (items == NULL)
        return error_out_of_memory(error);
    table->items = items;
    table->capacity = capacity;
    return OK;
}

void id_table_add(IdTable *table, uint64_t id, void *value)
{
    ASSERT(table->count < table->capacity);
    size_t place = place_of(table, id);
    ASSERT(place == table->count || table->items[place].id != id);
    memmove(table->items + place + 1, table->items + place,
            (table->count - place) * sizeof *table->items);
    table->items[place] = (IdItem){id, value};
    table->count++;
}

void *id_table_remove(IdTable *table, uint64_t id)
{
    size_t place = place_of(table, id);
    if (place == table->count || table->items[place].id != id)
        return NULL;
    void *value = table->items[place].value;
    table->count--;
    memmove(table->items + place, table->items + place + 1,
            (table->count - place) * sizeof *table->items);
    return value;
}

void id_table_close(IdTable *table)
{
    memory_free(table->items);
    *table = (IdTable){.count = 0};
}
