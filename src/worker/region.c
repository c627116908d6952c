#include "worker/region.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/memory.h"

const Region *region_find(const RegionTable *table, uint64_t id)
{
    return id_table_find(&table->regions, id);
}

/* A mapping beyond the end of what lies under it would end the process when it is read. */
static Status map_region(uint64_t size, int descriptor, const uint8_t **out, Error *error)
{
    struct stat information;
    if (fstat(descriptor, &information) != 0)
        return error_set_errno(error, errno, "look at", "region");
    if (size == 0 || information.st_size < 0 || (uint64_t)information.st_size < size)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a region is smaller than announced");
    void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (data == MAP_FAILED)
        return error_set_errno(error, errno, "map", "region");
    *out = data;
    return OK;
}

Status region_add(RegionTable *table, uint64_t id, uint64_t size, int descriptor, Error *error)
{
    if (region_find(table, id) != NULL)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a region was sent twice");
    if (table->regions.count >= REGIONS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "more than %d regions of memory",
                         REGIONS_MAX);
    TRY(id_table_reserve(&table->regions, error));
    Region *region = MEMORY_NEW(Region);
    if (region == NULL)
        return error_out_of_memory(error);
    Status status = map_region(size, descriptor, &region->data, error);
    if (status != OK) {
        memory_free(region);
        return status;
    }
    region->id = id;
    region->size = size;
    id_table_add(&table->regions, id, region);
    return OK;
}

static void region_unmap(Region *region)
{
    ASSERT(munmap((void *)(uintptr_t)region->data, region->size) == 0);
    memory_free(region);
}

Status region_forget(RegionTable *table, uint64_t id, Error *error)
{
    Region *region = id_table_remove(&table->regions, id);
    if (region == NULL)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a region to forget is not known");
    region_unmap(region);
    return OK;
}

void region_table_close(RegionTable *table)
{
    for (size_t i = 0; i < table->regions.count; i++)
        region_unmap(table->regions.items[i].value);
    id_table_close(&table->regions);
}
