/* What becomes durable: by a sync, by a sync that fails, by a power loss.
 *
 * A file's unsynced changes are writes of whole sectors and changes of its size. Each sector ends
 * up as the durable one or as it was after one of the writes to it: so writes may be lost, torn and
 * reordered, but within a sector there is no mixture. The size is metadata of a journal: it is as
 * it was after some prefix of the changes. A cut in that prefix has zeroed what lay behind it; a
 * cut behind the prefix has not happened, and what was written behind it afterwards went to new
 * blocks that nothing names. A directory keeps a prefix of its changes. The halves of one rename
 * are kept or lost together. */
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

/* ---- files ---- */

typedef enum Mode {
    MODE_ALL,
    MODE_NONE,
    MODE_PREFIX,  /* what was written first; the write at the cut is torn */
    MODE_WRITES,  /* each write whole, lost or torn */
    MODE_SECTORS, /* each sector by itself */
    MODE_COUNT,
} Mode;

typedef enum Fate { FATE_KEPT, FATE_LOST, FATE_TORN } Fate;

/* What is kept of the first `count` changes. */
typedef struct Choice {
    Mode mode;
    size_t count;
    size_t prefix;   /* of the content, in MODE_PREFIX */
    size_t sizes;    /* of the changes of size */
    uint64_t chance; /* of 4, of a sector in MODE_SECTORS */
    bool corrupts;
} Choice;

static Choice choose(Simulation *simulation, size_t count, Settlement settlement)
{
    Random *random = &simulation->disk_random;
    if (settlement == SETTLE_ALL)
        return (Choice){.mode = MODE_ALL, .count = count, .sizes = count};
    if (settlement == SETTLE_NONE)
        return (Choice){.mode = MODE_NONE, .count = count, .sizes = 0};
    Choice choice = {.mode = (Mode)random_below(random, MODE_COUNT), .count = count};
    choice.prefix = (size_t)random_below(random, count + 1);
    choice.chance = 1 + random_below(random, 3);
    choice.corrupts = simulation->options.corrupts_unsynced;
    choice.sizes = (size_t)random_below(random, count + 1);
    if (choice.mode == MODE_ALL || choice.mode == MODE_NONE)
        choice.sizes = choice.mode == MODE_ALL ? count : 0;
    if (choice.mode == MODE_PREFIX)
        choice.sizes = choice.prefix;
    return choice;
}

static Fate fate_of(Simulation *simulation, const Choice *choice, size_t index)
{
    switch (choice->mode) {
    case MODE_ALL:
        return FATE_KEPT;
    case MODE_NONE:
        return FATE_LOST;
    case MODE_PREFIX:
        return index < choice->prefix ? FATE_KEPT : index > choice->prefix ? FATE_LOST : FATE_TORN;
    case MODE_WRITES:
        return (Fate)random_below(&simulation->disk_random, 3);
    case MODE_SECTORS:
        return FATE_TORN;
    case MODE_COUNT:
        break;
    }
    UNREACHABLE();
}

/* What was to change in a sector becomes anything; the bytes beside it stay. (Nothing that appends
 * to a file could live with a disk that damages those.) */
static void spoil(Random *random, const Content *durable, uint64_t offset, const uint8_t *wanted,
                  uint8_t *out)
{
    uint8_t before[SIMULATION_SECTOR_BYTES];
    content_read(durable, offset, before, sizeof before);
    random_bytes(random, out, sizeof before);
    for (size_t i = 0; i < sizeof before; i++) {
        if (wanted[i] == before[i])
            out[i] = before[i];
    }
}

static void settle_sector(Simulation *simulation, Content *durable, const Choice *choice,
                          const Change *change, size_t at)
{
    enum { GARBAGE_IN = 16 };
    Random *random = &simulation->disk_random;
    uint64_t chance = choice->mode == MODE_SECTORS ? choice->chance : 2;
    uint8_t garbage[SIMULATION_SECTOR_BYTES];
    const uint8_t *sector = change->sectors + at;
    if (!random_chance(random, chance, 4)) {
        if (!choice->corrupts || !random_chance(random, 1, GARBAGE_IN))
            return;
        spoil(random, durable, change->offset + at, sector, garbage);
        sector = garbage;
    }
    content_write(durable, change->offset + at, sector, SIMULATION_SECTOR_BYTES);
}

/* The sectors of a write that lie before `barrier`. */
static void settle_write(Simulation *simulation, Content *durable, const Choice *choice,
                         size_t index, const Change *change, uint64_t barrier)
{
    Fate fate = fate_of(simulation, choice, index);
    if (fate == FATE_LOST || change->offset >= barrier)
        return;
    uint64_t rest = barrier - change->offset;
    size_t size = change->size < rest ? change->size : (size_t)rest;
    if (fate == FATE_KEPT) {
        content_write(durable, change->offset, change->sectors, size);
        return;
    }
    for (size_t at = 0; at < size; at += SIMULATION_SECTOR_BYTES)
        settle_sector(simulation, durable, choice, change, at);
}

static uint64_t sector_end(uint64_t offset)
{
    const uint64_t sector = SIMULATION_SECTOR_BYTES;
    return (offset + sector - 1) / sector * sector;
}

static void settle_changes(Simulation *simulation, Inode *inode, const Choice *choice)
{
    Content *durable = &inode->durable;
    uint64_t size = durable->size;
    uint64_t size_before = size;
    uint64_t barrier = UINT64_MAX; /* whole sectors from here on were cut off, but not durably */
    for (size_t i = 0; i < choice->count; i++) {
        const Change *change = &inode->changes[i];
        bool cuts = !change->is_write && change->size_after < size_before;
        bool has_its_size = i < choice->sizes;
        if (change->is_write)
            settle_write(simulation, durable, choice, i, change, barrier);
        if (cuts && has_its_size)
            content_set_size(durable, change->size_after);
        if (cuts && !has_its_size && sector_end(change->size_after) < barrier)
            barrier = sector_end(change->size_after);
        if (has_its_size)
            size = change->size_after;
        size_before = change->size_after;
    }
    content_set_size(durable, size);
}

static void drop_changes(Inode *inode, size_t count)
{
    for (size_t i = 0; i < count; i++)
        simulation_free(inode->changes[i].sectors);
    inode->change_count -= count;
    memmove(inode->changes, inode->changes + count, inode->change_count * sizeof(Change));
}

void inode_settle(Simulation *simulation, Inode *inode, uint64_t up_to, Settlement settlement)
{
    size_t count = 0;
    while (count < inode->change_count && inode->changes[count].sequence <= up_to)
        count++;
    if (count == 0)
        return;
    Choice choice = choose(simulation, count, settlement);
    settle_changes(simulation, inode, &choice);
    drop_changes(inode, count);
}

static void crash_file(Simulation *simulation, Inode *inode, bool lose_all)
{
    bool differs = inode->change_count > 0 || inode->has_lost_writes;
    inode_settle(simulation, inode, UINT64_MAX, lose_all ? SETTLE_NONE : SETTLE_RANDOM);
    inode->has_lost_writes = false;
    if (!differs)
        return;
    content_share(&inode->current, &inode->durable);
    size_t pages = (size_t)((inode->current.size + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES);
    if (inode->reserved_pages > pages)
        inode->reserved_pages = pages;
}

/* ---- directories ---- */

/* The directory that has the other half of a rename among its changes, and where. */
static Inode *find_other_half(Simulation *simulation, const Inode *directory, uint64_t rename_id,
                              size_t *index)
{
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next) {
        if (inode == directory)
            continue;
        for (size_t i = 0; i < inode->entry_change_count; i++) {
            if (inode->entry_changes[i].rename_id == rename_id) {
                *index = i;
                return inode;
            }
        }
    }
    return NULL; /* it is durable already, or its directory is gone */
}

static void settle_entries(Simulation *simulation, Inode *directory)
{
    size_t count = directory->settled;
    for (size_t i = 0; i < count; i++) {
        EntryChange *change = &directory->entry_changes[i];
        entries_set(simulation, &directory->durable_entries, change->name, change->inode);
        simulation_free(change->name);
        if (change->inode != NULL)
            inode_release(simulation, change->inode);
    }
    directory->settled = 0;
    directory->entry_change_count -= count;
    if (directory->entry_change_count > 0)
        memmove(directory->entry_changes, directory->entry_changes + count,
                directory->entry_change_count * sizeof(EntryChange));
}

static void drop_entry_changes(Simulation *simulation, Inode *directory)
{
    for (size_t i = 0; i < directory->entry_change_count; i++) {
        EntryChange *change = &directory->entry_changes[i];
        simulation_free(change->name);
        if (change->inode != NULL)
            inode_release(simulation, change->inode);
    }
    directory->entry_change_count = 0;
}

/* One pass that takes the other halves of what is settled; true where there was one to take. */
static bool settle_other_halves(Simulation *simulation)
{
    bool found = false;
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next) {
        for (size_t i = 0; i < inode->settled; i++) {
            const EntryChange *change = &inode->entry_changes[i];
            size_t index;
            if (!change->crosses)
                continue;
            Inode *other = find_other_half(simulation, inode, change->rename_id, &index);
            if (other == NULL || other->settled > index)
                continue;
            other->settled = index + 1;
            found = true;
        }
    }
    return found;
}

static bool has_crossing(const Inode *directory)
{
    for (size_t i = 0; i < directory->entry_change_count; i++) {
        if (directory->entry_changes[i].crosses)
            return true;
    }
    return false;
}

typedef struct Pinned {
    Inode **inodes;
    size_t count;
} Pinned;

/* All inodes, none of which goes before unpin_all. */
static Pinned pin_all(Simulation *simulation)
{
    size_t count = 0;
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next)
        count++;
    Pinned pinned = {simulation_allocate((count + 1) * sizeof(Inode *)), 0};
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next)
        pinned.inodes[pinned.count++] = inode_take(inode);
    return pinned;
}

static void unpin_all(Simulation *simulation, Pinned *pinned)
{
    for (size_t i = 0; i < pinned->count; i++)
        inode_release(simulation, pinned->inodes[i]);
    simulation_free(pinned->inodes);
}

void directory_settle(Simulation *simulation, Inode *directory)
{
    bool crosses = has_crossing(directory);
    directory->settled = directory->entry_change_count;
    if (!crosses) {
        settle_entries(simulation, directory);
        return;
    }
    while (settle_other_halves(simulation))
        ;
    Pinned pinned = pin_all(simulation);
    for (size_t i = 0; i < pinned.count; i++)
        settle_entries(simulation, pinned.inodes[i]);
    unpin_all(simulation, &pinned);
}

/* ---- the whole disk ---- */

static void choose_entries(Simulation *simulation, Inode *directory)
{
    Random *random = &simulation->disk_random;
    size_t count = directory->entry_change_count;
    size_t kept = (size_t)random_below(random, count + 1);
    if (random_chance(random, 1, 2))
        kept = random_chance(random, 1, 2) ? count : 0;
    const EntryChange *changes = directory->entry_changes;
    bool splits_rename = kept > 0 && kept < count && changes[kept].rename_id != 0 &&
                         changes[kept].rename_id == changes[kept - 1].rename_id;
    directory->settled = splits_rename ? kept - 1 : kept;
}

/* One pass that gives up halves whose others are lost; true where there was one. */
static bool cut_single_halves(Simulation *simulation)
{
    bool found = false;
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next) {
        for (size_t i = 0; i < inode->settled; i++) {
            const EntryChange *change = &inode->entry_changes[i];
            size_t index;
            if (!change->crosses)
                continue;
            Inode *other = find_other_half(simulation, inode, change->rename_id, &index);
            if (other == NULL || other->settled > index)
                continue;
            inode->settled = i;
            found = true;
        }
    }
    return found;
}

static void crash_directory(Simulation *simulation, Inode *directory)
{
    if (directory->entry_change_count == 0)
        return;
    settle_entries(simulation, directory);
    drop_entry_changes(simulation, directory);
    entries_close(simulation, &directory->entries);
    const EntryList *durable = &directory->durable_entries;
    for (size_t i = 0; i < durable->count; i++)
        entries_set(simulation, &directory->entries, durable->entries[i].name,
                    durable->entries[i].inode);
}

static void count_links(Simulation *simulation)
{
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next) {
        inode->links = inode == simulation->root;
        inode->is_locked = false;
        inode->parent = NULL;
    }
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next) {
        for (size_t i = 0; i < inode->entries.count; i++) {
            Inode *child = inode->entries.entries[i].inode;
            child->links++;
            if (child->is_directory)
                child->parent = inode;
        }
    }
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next)
        inode_count_pages(simulation, inode);
}

void disk_crash(Simulation *simulation, bool lose_all)
{
    for (Inode *inode = simulation->inodes; inode != NULL; inode = inode->next) {
        if (!lose_all)
            choose_entries(simulation, inode);
    }
    while (!lose_all && cut_single_halves(simulation))
        ;
    Pinned pinned = pin_all(simulation);
    for (size_t i = 0; i < pinned.count; i++) {
        if (pinned.inodes[i]->is_directory)
            crash_directory(simulation, pinned.inodes[i]);
        else
            crash_file(simulation, pinned.inodes[i], lose_all);
    }
    unpin_all(simulation, &pinned);
    count_links(simulation);
}
