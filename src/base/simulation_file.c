/* Open files of the simulated disk. Writes change what everybody reads and are remembered as
 * changes that a sync makes durable and a power loss may take back. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

static const FileOperations disk_file_operations;

static Simulation *simulation_of_file(const DiskFile *file)
{
    return simulation_of(file->base.env);
}

/* ---- opening and closing ---- */

static DiskFile *make_handle(Simulation *simulation, Inode *inode, const char *path, unsigned flags)
{
    size_t size = strlen(path) + 1;
    DiskFile *file = simulation_allocate(sizeof *file + size);
    file->base = (File){&simulation->env, &disk_file_operations};
    file->inode = inode_take(inode);
    file->flags = flags;
    file->run = simulation->current == NULL ? 0 : simulation->runs;
    memcpy(file->path, path, size);
    inode->handles++;
    file->next = simulation->files;
    if (file->next != NULL)
        file->next->previous = file;
    simulation->files = file;
    return file;
}

void disk_file_free(Simulation *simulation, DiskFile *file)
{
    if (file->previous != NULL)
        file->previous->next = file->next;
    else
        simulation->files = file->next;
    if (file->next != NULL)
        file->next->previous = file->previous;
    Inode *inode = file->inode;
    if (file->is_lock)
        inode->is_locked = false;
    inode->handles--;
    if (inode->handles == 0 && inode->links == 0)
        inode_count_pages(simulation, inode);
    inode_release(simulation, inode);
    simulation_free(file);
}

static void change_size(Simulation *simulation, Inode *inode, uint64_t size)
{
    size_t pages = (size_t)((size + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES);
    if (size < inode->current.size && inode->reserved_pages > pages)
        inode->reserved_pages = pages;
    content_set_size(&inode->current, size);
    inode_add_size_change(simulation, inode);
    inode_count_pages(simulation, inode);
}

static Status open_inode(Simulation *simulation, const char *path, unsigned flags, Inode **out,
                         Error *error)
{
    Place place;
    TRY(place_find(simulation, path, "open", &place, error));
    bool exists = place.inode != NULL;
    if (!exists && (flags & FILE_CREATE) == 0)
        return error_set_errno(error, ENOENT, "open", path);
    if (exists && (flags & FILE_CREATE) != 0 && (flags & FILE_EXCLUSIVE) != 0)
        return error_set_errno(error, EEXIST, "open", path);
    if (exists && place.inode->is_directory)
        return error_set_errno(error, EISDIR, "open", path);
    if (exists) {
        if ((flags & FILE_TRUNCATE) != 0 && place.inode->current.size > 0)
            change_size(simulation, place.inode, 0);
        *out = inode_take(place.inode);
        return OK;
    }
    *out = inode_create(simulation, false);
    directory_set(simulation, place.directory, place.name, *out, 0, false);
    return OK;
}

static bool is_there(Simulation *simulation, const char *path)
{
    Place place;
    return place_look(simulation, path, &place) == 0 && place.inode != NULL;
}

static Status open_handle(Simulation *simulation, const char *path, unsigned flags,
                          SimulationOperation kind, DiskFile **out, Error *error)
{
    Inode *inode;
    Operation operation = operation_begin(simulation, kind, path, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    Status status = open_inode(simulation, path, flags, &inode, error);
    if (status == OK) {
        *out = make_handle(simulation, inode, path, flags);
        inode_release(simulation, inode);
    }
    return operation_end(&operation, status);
}

Status simulated_file_open(Env *env, const char *path, unsigned flags, File **out, Error *error)
{
    Simulation *simulation = simulation_of(env);
    DiskFile *file;
    bool creates = (flags & FILE_CREATE) != 0 && !is_there(simulation, path);
    bool changes = creates || (flags & FILE_TRUNCATE) != 0;
    TRY(open_handle(simulation, path, flags, changes ? SIMULATION_CREATE : SIMULATION_OPEN, &file,
                    error));
    *out = &file->base;
    return OK;
}

Status simulated_lock_open(Env *env, const char *path, File **out, Error *error)
{
    Simulation *simulation = simulation_of(env);
    DiskFile *file;
    TRY(open_handle(simulation, path, FILE_READ | FILE_WRITE | FILE_CREATE, SIMULATION_LOCK, &file,
                    error));
    if (file->inode->is_locked) {
        disk_file_free(simulation, file);
        return error_set(error, STATUS_DIRECTORY_LOCKED,
                         "the data directory is locked: another process has it open");
    }
    file->is_lock = true;
    file->inode->is_locked = true;
    *out = &file->base;
    return OK;
}

static Status disk_file_close(File *base, Error *error)
{
    (void)error;
    DiskFile *file = (DiskFile *)base;
    Simulation *simulation = simulation_of_file(file);
    simulation_step(simulation, "CLOSE", file->path);
    disk_file_free(simulation, file);
    return OK;
}

/* ---- reading and writing ---- */

static Status disk_file_read_at(File *base, uint64_t offset, void *out, size_t size, size_t *got,
                                Error *error)
{
    DiskFile *file = (DiskFile *)base;
    Simulation *simulation = simulation_of_file(file);
    Operation operation = operation_begin(simulation, SIMULATION_READ, file->path, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    if ((file->flags & FILE_READ) == 0)
        return error_set_errno(error, EBADF, "read", file->path);
    const Content *content = &file->inode->current;
    uint64_t rest = offset < content->size ? content->size - offset : 0;
    *got = size < rest ? size : (size_t)rest;
    content_read(content, offset, out, *got);
    return operation_end(&operation, OK);
}

static uint64_t free_pages(const Simulation *simulation)
{
    uint64_t bytes = simulation->options.disk_bytes;
    uint64_t pages = bytes == 0 ? UINT64_MAX : bytes / DISK_PAGE_BYTES;
    return pages < simulation->used_pages ? 0 : pages - simulation->used_pages;
}

static bool takes_new_page(const Inode *inode, uint64_t index)
{
    if (index < inode->reserved_pages)
        return false;
    return index >= inode->current.page_count || inode->current.pages[index] == NULL;
}

/* How much of a write fits; the pages that it takes anew are taken. */
static size_t take_pages(Simulation *simulation, Inode *inode, uint64_t offset, size_t size)
{
    uint64_t left = free_pages(simulation);
    uint64_t end = offset + size;
    for (uint64_t at = offset; at < end;) {
        uint64_t index = at / DISK_PAGE_BYTES;
        if (takes_new_page(inode, index)) {
            if (left-- == 0)
                return (size_t)(at - offset);
            simulation->used_pages++;
            inode->used_pages++;
        }
        at = (index + 1) * DISK_PAGE_BYTES;
    }
    return size;
}

static Status refuse(Simulation *simulation, const char *what, const char *path, Error *error)
{
    simulation->refusals++;
    return error_set_errno(error, ENOSPC, what, path);
}

static void write_now(Simulation *simulation, Inode *inode, uint64_t offset, Slice data)
{
    if (data.size == 0)
        return;
    content_write(&inode->current, offset, data.data, data.size);
    if (offset + data.size > inode->current.size)
        inode->current.size = offset + data.size;
    inode_add_change(simulation, inode, offset, data.size);
}

static Status disk_file_write_at(File *base, uint64_t offset, Slice data, Error *error)
{
    DiskFile *file = (DiskFile *)base;
    Simulation *simulation = simulation_of_file(file);
    Operation operation = operation_begin(simulation, SIMULATION_WRITE, file->path, error);
    if ((file->flags & FILE_WRITE) == 0)
        return error_set_errno(error, EBADF, "write", file->path);
    size_t size = data.size;
    if (operation.fault != OK || operation.crashes)
        size = (size_t)random_below(&simulation->disk_random, data.size + 1);
    size_t fits = take_pages(simulation, file->inode, offset, size);
    write_now(simulation, file->inode, offset, slice_part(data, 0, fits));
    Status status = operation.fault;
    if (status == OK && fits < size)
        status = refuse(simulation, "write", file->path, error);
    return operation_end(&operation, status);
}

/* ---- syncing and sizes ---- */

static int64_t sync_duration(Simulation *simulation)
{
    int64_t min = simulation->options.sync_ns_min;
    int64_t max = simulation->options.sync_ns_max;
    if (max <= min)
        return min;
    return min + (int64_t)random_below(&simulation->disk_random, (uint64_t)(max - min) + 1);
}

static Status disk_file_sync(File *base, bool data_only, Error *error)
{
    (void)data_only; /* the size is needed to read the data: both make it durable */
    DiskFile *file = (DiskFile *)base;
    Simulation *simulation = simulation_of_file(file);
    Operation operation = operation_begin(simulation, SIMULATION_SYNC, file->path, error);
    uint64_t up_to = simulation->sequences;
    int64_t duration_ns = sync_duration(simulation);
    if (duration_ns > 0)
        simulation_sleep(simulation, duration_ns, "syncing", file->path);
    if (operation.fault != OK) {
        inode_settle(simulation, file->inode, up_to, SETTLE_RANDOM);
        file->inode->has_lost_writes = true;
    } else {
        inode_settle(simulation, file->inode, up_to, SETTLE_ALL);
    }
    return operation_end(&operation, operation.fault);
}

static Status disk_file_truncate(File *base, uint64_t size, Error *error)
{
    DiskFile *file = (DiskFile *)base;
    Simulation *simulation = simulation_of_file(file);
    Operation operation = operation_begin(simulation, SIMULATION_TRUNCATE, file->path, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    if (size != file->inode->current.size)
        change_size(simulation, file->inode, size);
    return operation_end(&operation, OK);
}

static Status disk_file_allocate(File *base, uint64_t size, Error *error)
{
    DiskFile *file = (DiskFile *)base;
    Inode *inode = file->inode;
    Simulation *simulation = simulation_of_file(file);
    Operation operation = operation_begin(simulation, SIMULATION_ALLOCATE, file->path, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    size_t pages = (size_t)((size + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES);
    uint64_t wanted = 0;
    for (size_t i = inode->reserved_pages; i < pages; i++)
        wanted += takes_new_page(inode, i);
    if (wanted > free_pages(simulation))
        return operation_end(&operation, refuse(simulation, "allocate", file->path, error));
    if (pages > inode->reserved_pages)
        inode->reserved_pages = pages;
    simulation->used_pages += wanted;
    inode->used_pages += (size_t)wanted;
    if (size > inode->current.size)
        change_size(simulation, inode, size);
    return operation_end(&operation, OK);
}

static Status disk_file_size(File *base, uint64_t *out, Error *error)
{
    DiskFile *file = (DiskFile *)base;
    Simulation *simulation = simulation_of_file(file);
    Operation operation = operation_begin(simulation, SIMULATION_STAT, file->path, error);
    if (operation.fault == OK)
        *out = file->inode->current.size;
    return operation_end(&operation, operation.fault);
}

static int disk_file_descriptor(const File *base)
{
    (void)base;
    return -1;
}

static const FileOperations disk_file_operations = {
    .close = disk_file_close,
    .read_at = disk_file_read_at,
    .write_at = disk_file_write_at,
    .sync = disk_file_sync,
    .truncate = disk_file_truncate,
    .allocate = disk_file_allocate,
    .size = disk_file_size,
    .descriptor = disk_file_descriptor,
};

/* ---- space ---- */

Status simulated_free_space(Env *env, const char *path, uint64_t *out, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Operation operation = operation_begin(simulation, SIMULATION_STAT, path, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    uint64_t pages = free_pages(simulation);
    *out =
        pages > (UINT64_C(1) << 40) / DISK_PAGE_BYTES ? UINT64_C(1) << 40 : pages * DISK_PAGE_BYTES;
    return operation_end(&operation, OK);
}

uint64_t simulation_refusals(const Simulation *simulation)
{
    return simulation->refusals;
}

void simulation_set_disk_bytes(Simulation *simulation, uint64_t disk_bytes)
{
    simulation->options.disk_bytes = disk_bytes;
}

uint64_t simulation_disk_used(const Simulation *simulation)
{
    return simulation->used_pages * DISK_PAGE_BYTES;
}
