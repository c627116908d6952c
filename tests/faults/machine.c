#include "tests/faults/machine.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/env.h"

typedef struct Call {
    const char *name;
    bool fills;
} Call;

static const Call calls[MACHINE_CALL_COUNT] = {
#define X(name, fills) {#name, fills},
    MACHINE_CALLS(X)
#undef X
};

enum { NONE = -1 };

static const EnvOperations *real;                   /* what stood there before */
static _Atomic(const FileOperations *) real_file;   /* of every file of the real Env */
static _Atomic uint64_t counts[MACHINE_CALL_COUNT]; /* since machine_install */
static _Atomic int armed = NONE;
static _Atomic uint64_t passed; /* of the armed kind, since it was armed */
static _Atomic uint64_t first;
static _Atomic bool for_ever;
static _Atomic bool says_full;
static _Atomic bool has_failed;
static _Atomic int64_t open_files;
static _Atomic int64_t open_maps;
static _Atomic int64_t open_threads;

/* ---- deciding ---- */

static bool must_fail(MachineCall call)
{
    atomic_fetch_add(&counts[call], 1);
    if (atomic_load(&armed) != (int)call)
        return false;
    uint64_t n = atomic_fetch_add(&passed, 1) + 1;
    if (n != atomic_load(&first) && (n < atomic_load(&first) || !atomic_load(&for_ever)))
        return false;
    atomic_store(&has_failed, true);
    return true;
}

static Status fail(MachineCall call, const char *path, Error *error)
{
    int number = atomic_load(&says_full) && calls[call].fills ? ENOSPC : EIO;
    if (call == MACHINE_thread || call == MACHINE_map)
        number = ENOMEM;
    return error_set_errno(error, number, calls[call].name, path);
}

#define MAY_FAIL(call, path, error)                   \
    do {                                              \
        if (must_fail(MACHINE_##call))                \
            return fail(MACHINE_##call, path, error); \
    } while (0)

/* ---- files ---- */

static const FileOperations *behind(void)
{
    return atomic_load(&real_file);
}

static Status file_close_(File *file, Error *error)
{
    bool fails = must_fail(MACHINE_close);
    atomic_fetch_sub(&open_files, 1);
    TRY(behind()->close(file, error));
    return fails ? fail(MACHINE_close, "a file", error) : OK;
}

static Status file_read_at_(File *file, uint64_t offset, void *out, size_t size, size_t *got,
                            Error *error)
{
    MAY_FAIL(read, "a file", error);
    return behind()->read_at(file, offset, out, size, got, error);
}

static Status file_write_at_(File *file, uint64_t offset, Slice data, Error *error)
{
    if (!must_fail(MACHINE_write))
        return behind()->write_at(file, offset, data, error);
    TRY(behind()->write_at(file, offset, slice_part(data, 0, data.size / 2), error));
    return fail(MACHINE_write, "a file", error);
}

static Status file_sync_(File *file, bool data_only, Error *error)
{
    MAY_FAIL(sync, "a file", error);
    return behind()->sync(file, data_only, error);
}

static Status file_truncate_(File *file, uint64_t size, Error *error)
{
    MAY_FAIL(truncate, "a file", error);
    return behind()->truncate(file, size, error);
}

static Status file_allocate_(File *file, uint64_t size, Error *error)
{
    MAY_FAIL(reserve, "a file", error);
    return behind()->allocate(file, size, error);
}

static Status file_size_(File *file, uint64_t *out, Error *error)
{
    MAY_FAIL(size, "a file", error);
    return behind()->size(file, out, error);
}

static int file_descriptor_(const File *file)
{
    return behind()->descriptor(file);
}

static const FileOperations file_operations = {
    .close = file_close_,
    .read_at = file_read_at_,
    .write_at = file_write_at_,
    .sync = file_sync_,
    .truncate = file_truncate_,
    .allocate = file_allocate_,
    .size = file_size_,
    .descriptor = file_descriptor_,
};

/* From now on the file goes through here. */
static void take(File *file)
{
    atomic_store(&real_file, file->operations);
    file->operations = &file_operations;
    atomic_fetch_add(&open_files, 1);
}

static Status machine_file_open(Env *env, const char *path, unsigned flags, File **out,
                                Error *error)
{
    if ((flags & FILE_CREATE) != 0)
        MAY_FAIL(create, path, error);
    else
        MAY_FAIL(open, path, error);
    TRY(real->file_open(env, path, flags, out, error));
    take(*out);
    return OK;
}

static Status machine_lock_open(Env *env, const char *path, File **out, Error *error)
{
    MAY_FAIL(lock, path, error);
    TRY(real->lock_open(env, path, out, error));
    take(*out);
    return OK;
}

/* ---- names ---- */

static Status machine_stat(Env *env, const char *path, FileInformation *out, Error *error)
{
    MAY_FAIL(stat, path, error);
    return real->stat(env, path, out, error);
}

static Status machine_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries,
                           size_t *count, Error *error)
{
    MAY_FAIL(list, path, error);
    return real->list(env, path, arena, entries, count, error);
}

static Status machine_make_directory(Env *env, const char *path, Error *error)
{
    MAY_FAIL(make_directory, path, error);
    return real->make_directory(env, path, error);
}

static Status machine_sync_directory(Env *env, const char *path, Error *error)
{
    MAY_FAIL(sync_directory, path, error);
    return real->sync_directory(env, path, error);
}

static Status machine_rename(Env *env, const char *from, const char *to, Error *error)
{
    MAY_FAIL(rename, from, error);
    return real->rename(env, from, to, error);
}

static Status machine_link(Env *env, const char *from, const char *to, Error *error)
{
    MAY_FAIL(link, to, error);
    return real->link(env, from, to, error);
}

static Status machine_remove(Env *env, const char *path, Error *error)
{
    MAY_FAIL(remove, path, error);
    return real->remove(env, path, error);
}

static Status machine_remove_directory(Env *env, const char *path, Error *error)
{
    MAY_FAIL(remove_directory, path, error);
    return real->remove_directory(env, path, error);
}

static Status machine_free_space(Env *env, const char *path, uint64_t *out, Error *error)
{
    MAY_FAIL(free_space, path, error);
    return real->free_space(env, path, out, error);
}

/* ---- memory and threads ---- */

static Status machine_map(Env *env, const char *name, size_t size, SharedMemory *out, Error *error)
{
    MAY_FAIL(map, name, error);
    TRY(real->shared_memory_open(env, name, size, out, error));
    atomic_fetch_add(&open_maps, 1);
    return OK;
}

static void machine_unmap(Env *env, SharedMemory *memory)
{
    if (memory->data != NULL)
        atomic_fetch_sub(&open_maps, 1);
    real->shared_memory_close(env, memory);
}

static Status machine_thread_start(Env *env, const char *name, size_t stack_bytes,
                                   void (*run)(void *), void *argument, Thread **out, Error *error)
{
    MAY_FAIL(thread, name, error);
    TRY(real->thread_start(env, name, stack_bytes, run, argument, out, error));
    atomic_fetch_add(&open_threads, 1);
    return OK;
}

static void machine_thread_join(Thread *thread)
{
    real->thread_join(thread);
    atomic_fetch_sub(&open_threads, 1);
}

/* ---- for the tests ---- */

void machine_install(void)
{
    static EnvOperations operations;
    real = env_real()->operations;
    operations = *real;
    operations.file_open = machine_file_open;
    operations.lock_open = machine_lock_open;
    operations.stat = machine_stat;
    operations.list = machine_list;
    operations.make_directory = machine_make_directory;
    operations.sync_directory = machine_sync_directory;
    operations.rename = machine_rename;
    operations.link = machine_link;
    operations.remove = machine_remove;
    operations.remove_directory = machine_remove_directory;
    operations.free_space = machine_free_space;
    operations.shared_memory_open = machine_map;
    operations.shared_memory_close = machine_unmap;
    operations.thread_start = machine_thread_start;
    operations.thread_join = machine_thread_join;
    env_real()->operations = &operations;
}

void machine_fail(MachineCall call, uint64_t nth, bool for_good, bool is_full)
{
    atomic_store(&armed, NONE);
    atomic_store(&passed, 0);
    atomic_store(&first, nth);
    atomic_store(&for_ever, for_good);
    atomic_store(&says_full, is_full);
    atomic_store(&has_failed, false);
    atomic_store(&armed, (int)call);
}

void machine_repair(void)
{
    atomic_store(&armed, NONE);
}

bool machine_has_failed(void)
{
    return atomic_load(&has_failed);
}

uint64_t machine_count(MachineCall call)
{
    return atomic_load(&counts[call]);
}

const char *machine_call_name(MachineCall call)
{
    return calls[call].name;
}

bool machine_call_fills(MachineCall call)
{
    return calls[call].fills;
}

MachineUse machine_use(void)
{
    return (MachineUse){atomic_load(&open_files), atomic_load(&open_maps),
                        atomic_load(&open_threads)};
}
