/* Sets of committed deletes and delete files as counted objects. */
#include "base/assert.h"
#include "base/hash.h"
#include "cold/deletes_int.h"

/* Workers cache sets by their ids, so no two sets of a process may have the same. */
static uint64_t next_set_id(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

Status delete_set_create(Slice bytes, uint64_t count, DeleteSet **out, Error *error)
{
    ASSERT(bytes.size <= UINT32_MAX);
    DeleteSet *set = memory_allocate_zeroed(1, sizeof *set + bytes.size);
    if (set == NULL)
        return error_out_of_memory(error);
    atomic_init(&set->references, 1);
    set->id = next_set_id();
    set->count = count;
    set->crc = crc32c(0, bytes);
    set->size = (uint32_t)bytes.size;
    if (bytes.size > 0)
        memcpy(set->bytes, bytes.data, bytes.size);
    *out = set;
    return OK;
}

DeleteSet *delete_set_clone(DeleteSet *set)
{
    uint32_t before = atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return set;
}

void delete_set_release(DeleteSet *set)
{
    if (set == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        memory_free(set);
}

Status delete_file_create(DeleteFile **out, Error *error)
{
    DeleteFile *file = MEMORY_NEW(DeleteFile);
    if (file == NULL)
        return error_out_of_memory(error);
    arena_open(&file->arena, 0);
    atomic_init(&file->references, 1);
    *out = file;
    return OK;
}

DeleteFile *delete_file_clone(DeleteFile *file)
{
    uint32_t before = atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return file;
}

void delete_file_release(DeleteFile *file)
{
    if (file == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    arena_close(&file->arena);
    memory_free(file);
}
