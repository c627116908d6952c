/* Files and directories of the simulated disk, what of them is not durable yet, and paths. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

/* ---- inodes ---- */

Inode *inode_create(Simulation *simulation, bool is_directory)
{
    Inode *inode = simulation_allocate(sizeof *inode);
    inode->number = ++simulation->inode_numbers;
    inode->references = 1;
    inode->is_directory = is_directory;
    inode->modified_us = env_wall_us(&simulation->env);
    inode->next = simulation->inodes;
    if (inode->next != NULL)
        inode->next->previous = inode;
    simulation->inodes = inode;
    return inode;
}

Inode *inode_take(Inode *inode)
{
    inode->references++;
    return inode;
}

static void free_inode(Simulation *simulation, Inode *inode)
{
    ASSERT(inode->handles == 0);
    if (inode->previous != NULL)
        inode->previous->next = inode->next;
    else
        simulation->inodes = inode->next;
    if (inode->next != NULL)
        inode->next->previous = inode->previous;
    entries_close(simulation, &inode->entries);
    entries_close(simulation, &inode->durable_entries);
    ASSERT(inode->entry_change_count == 0);
    simulation_free(inode->entry_changes);
    content_close(&inode->current);
    content_close(&inode->durable);
    for (size_t i = 0; i < inode->change_count; i++)
        simulation_free(inode->changes[i].sectors);
    simulation_free(inode->changes);
    simulation_free(inode);
}

/* Frees depth first; paths bound the depth. */
void inode_release(Simulation *simulation, Inode *inode)
{
    ASSERT(inode->references > 0);
    if (--inode->references > 0)
        return;
    simulation->used_pages -= inode->used_pages;
    for (size_t i = 0; i < inode->entry_change_count; i++) {
        EntryChange *change = &inode->entry_changes[i];
        simulation_free(change->name);
        if (change->inode != NULL)
            inode_release(simulation, change->inode);
    }
    inode->entry_change_count = 0;
    free_inode(simulation, inode);
}

/* A file that nothing names and nobody has open takes no space, although a crash may bring it back.
 */
void inode_count_pages(Simulation *simulation, Inode *inode)
{
    size_t used = inode->reserved_pages;
    for (size_t i = used; i < inode->current.page_count; i++)
        used += inode->current.pages[i] != NULL;
    if (inode->links == 0 && inode->handles == 0)
        used = 0;
    simulation->used_pages += used;
    simulation->used_pages -= inode->used_pages;
    inode->used_pages = used;
}

static Change *add_change(Simulation *simulation, Inode *inode)
{
    if (inode->change_count == inode->change_capacity) {
        inode->change_capacity = inode->change_capacity * 2 + 4;
        inode->changes =
            simulation_resize(inode->changes, inode->change_capacity * sizeof *inode->changes);
    }
    Change *change = &inode->changes[inode->change_count++];
    *change = (Change){.sequence = ++simulation->sequences, .size_after = inode->current.size};
    inode->modified_us = env_wall_us(&simulation->env);
    return change;
}

/* After a write to `current`: its sectors, whole, as they are now. */
void inode_add_change(Simulation *simulation, Inode *inode, uint64_t offset, size_t size)
{
    const uint64_t sector = SIMULATION_SECTOR_BYTES;
    uint64_t begin = offset / sector * sector;
    uint64_t end = (offset + size + sector - 1) / sector * sector;
    Change *change = add_change(simulation, inode);
    change->is_write = true;
    change->offset = begin;
    change->size = (size_t)(end - begin);
    change->sectors = simulation_allocate(change->size);
    content_read(&inode->current, begin, change->sectors, change->size);
}

void inode_add_size_change(Simulation *simulation, Inode *inode)
{
    (void)add_change(simulation, inode);
}

/* ---- entries ---- */

/* Where the name is, or where it belongs. */
static size_t entry_place(const EntryList *list, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(list->entries[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    *found = false;
    return low;
}

Inode *entries_find(const EntryList *list, const char *name)
{
    bool found;
    size_t place = entry_place(list, name, &found);
    return found ? list->entries[place].inode : NULL;
}

static void insert_entry(EntryList *list, size_t place, const char *name, Inode *inode)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 4;
        list->entries = simulation_resize(list->entries, list->capacity * sizeof(Entry));
    }
    memmove(list->entries + place + 1, list->entries + place,
            (list->count - place) * sizeof(Entry));
    list->entries[place] = (Entry){simulation_clone_text(name), inode_take(inode)};
    list->count++;
}

void entries_set(Simulation *simulation, EntryList *list, const char *name, Inode *inode)
{
    bool found;
    size_t place = entry_place(list, name, &found);
    if (!found && inode != NULL)
        insert_entry(list, place, name, inode);
    if (!found)
        return;
    Entry *entry = &list->entries[place];
    Inode *old = entry->inode;
    if (inode != NULL) {
        entry->inode = inode_take(inode);
    } else {
        simulation_free(entry->name);
        list->count--;
        memmove(entry, entry + 1, (list->count - place) * sizeof(Entry));
    }
    inode_release(simulation, old);
}

void entries_close(Simulation *simulation, EntryList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        simulation_free(list->entries[i].name);
        inode_release(simulation, list->entries[i].inode);
    }
    simulation_free(list->entries);
    *list = (EntryList){.count = 0};
}

static void add_entry_change(Inode *directory, const char *name, Inode *inode, uint64_t rename_id,
                             bool crosses)
{
    if (directory->entry_change_count == directory->entry_change_capacity) {
        directory->entry_change_capacity = directory->entry_change_capacity * 2 + 4;
        directory->entry_changes = simulation_resize(
            directory->entry_changes, directory->entry_change_capacity * sizeof(EntryChange));
    }
    directory->entry_changes[directory->entry_change_count++] = (EntryChange){
        simulation_clone_text(name), inode == NULL ? NULL : inode_take(inode), rename_id, crosses};
}

static void unlink_inode(Simulation *simulation, Inode *inode)
{
    inode->links--;
    if (inode->is_directory && inode->links == 0)
        inode->parent = NULL;
    inode_count_pages(simulation, inode);
}

void directory_set(Simulation *simulation, Inode *directory, const char *name, Inode *inode,
                   uint64_t rename_id, bool crosses)
{
    Inode *old = entries_find(&directory->entries, name);
    if (inode != NULL) {
        inode->links++;
        if (inode->is_directory)
            inode->parent = directory;
    }
    if (old != NULL)
        unlink_inode(simulation, old);
    add_entry_change(directory, name, inode, rename_id, crosses);
    entries_set(simulation, &directory->entries, name, inode);
    directory->modified_us = env_wall_us(&simulation->env);
}

/* ---- paths ---- */

/* The next part of the path behind *at, into `name`; empty where there is none. 0 or an errno. */
static int next_part(const char **at, char *name)
{
    name[0] = '\0';
    for (;;) {
        while (**at == '/')
            (*at)++;
        const char *part = *at;
        size_t size = strcspn(part, "/");
        *at += size;
        if (size == 1 && part[0] == '.')
            continue;
        if (size > DISK_NAME_BYTES_MAX)
            return ENAMETOOLONG;
        if (size == 2 && memcmp(part, "..", 2) == 0)
            return EINVAL; /* nobody of ours writes that */
        memcpy(name, part, size);
        name[size] = '\0';
        return 0;
    }
}

/* Relative paths begin at the root too: there is no other working directory. */
int place_look(Simulation *simulation, const char *path, Place *out)
{
    char next[DISK_NAME_BYTES_MAX + 1];
    const char *at = path;
    *out = (Place){.directory = simulation->root, .inode = simulation->root};
    if (path[0] == '\0')
        return ENOENT;
    int number = next_part(&at, next);
    while (number == 0 && next[0] != '\0') {
        if (out->inode == NULL)
            return ENOENT;
        if (!out->inode->is_directory)
            return ENOTDIR;
        out->directory = out->inode;
        memcpy(out->name, next, sizeof next);
        out->inode = entries_find(&out->directory->entries, next);
        number = next_part(&at, next);
    }
    return number;
}

Status place_find(Simulation *simulation, const char *path, const char *verb, Place *out,
                  Error *error)
{
    int number = place_look(simulation, path, out);
    return number == 0 ? OK : error_set_errno(error, number, verb, path);
}

Status path_find(Simulation *simulation, const char *path, const char *verb, Inode **out,
                 Error *error)
{
    Place place;
    TRY(place_find(simulation, path, verb, &place, error));
    if (place.inode == NULL)
        return error_set_errno(error, ENOENT, verb, path);
    *out = place.inode;
    return OK;
}
