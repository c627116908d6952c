/* A set of texts: open addressing over pointers into an arena. */
#include "base/hash.h"
#include "check/check_int.h"

enum { PATH_SET_MIN = 256 };

void path_set_open(PathSet *set)
{
    *set = (PathSet){0};
    arena_open(&set->arena, 0);
}

void path_set_close(PathSet *set)
{
    memory_free(set->slots);
    arena_close(&set->arena);
    *set = (PathSet){0};
}

static const char **slot_of(const char **slots, size_t size, const char *path)
{
    size_t at = hash_64(slice_of_text(path)) & (size - 1);
    while (slots[at] != NULL && strcmp(slots[at], path) != 0)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

bool path_set_has(const PathSet *set, const char *path)
{
    return set->size > 0 && *slot_of(set->slots, set->size, path) != NULL;
}

static Status grow(PathSet *set, Error *error)
{
    size_t size = set->size == 0 ? PATH_SET_MIN : set->size * 2;
    const char **slots = memory_allocate_zeroed(size, sizeof *slots);
    if (slots == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < set->size; i++) {
        if (set->slots[i] != NULL)
            *slot_of(slots, size, set->slots[i]) = set->slots[i];
    }
    memory_free(set->slots);
    set->slots = slots;
    set->size = size;
    return OK;
}

Status path_set_add(PathSet *set, const char *path, bool *is_new, Error *error)
{
    if (set->count * 2 >= set->size)
        TRY(grow(set, error));
    const char **slot = slot_of(set->slots, set->size, path);
    if (is_new != NULL)
        *is_new = *slot == NULL;
    if (*slot != NULL)
        return OK;
    const char *copy = arena_text(&set->arena, slice_of_text(path));
    if (copy == NULL)
        return arena_error(&set->arena, error);
    *slot = copy;
    set->count++;
    return OK;
}
