#include "cold/data_file.h"

#include "base/assert.h"

Status data_file_create(DataFile **out, Error *error)
{
    DataFile *file = MEMORY_NEW(DataFile);
    if (file == NULL)
        return error_out_of_memory(error);
    arena_open(&file->arena, 0);
    atomic_init(&file->references, 1);
    *out = file;
    return OK;
}

DataFile *data_file_clone(DataFile *file)
{
    uint32_t before = atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return file;
}

void data_file_release(DataFile *file)
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
