/* Files and directories of the real Env. Short reads and writes are completed and EINTR is retried
 * here, so that no caller has to. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/env_int.h"
#include "base/memory.h"

enum {
    LOCK_TRIES_MAX = 50,
    LOCK_PAUSE_NS = 20 * 1000 * 1000,
};

typedef struct RealFile {
    File base;
    int descriptor;
    char path[]; /* for internal error texts */
} RealFile;

static const FileOperations real_file_operations;

static int open_retrying(const char *path, int flags, mode_t mode)
{
    int descriptor;
    do {
        descriptor = open(path, flags | O_CLOEXEC, mode);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

static int open_flags(unsigned flags)
{
    int result = (flags & FILE_WRITE) == 0 ? O_RDONLY : (flags & FILE_READ) ? O_RDWR : O_WRONLY;
    result |= flags & FILE_CREATE ? O_CREAT : 0;
    result |= flags & FILE_EXCLUSIVE ? O_EXCL : 0;
    result |= flags & FILE_TRUNCATE ? O_TRUNC : 0;
    return result;
}

Status real_file_open(Env *env, const char *path, unsigned flags, File **out, Error *error)
{
    size_t size = strlen(path) + 1;
    RealFile *file = memory_allocate(sizeof *file + size);
    if (file == NULL)
        return error_out_of_memory(error);
    file->base = (File){env, &real_file_operations};
    memcpy(file->path, path, size);
    file->descriptor = open_retrying(path, open_flags(flags), flags & FILE_PRIVATE ? 0600 : 0644);
    if (file->descriptor < 0) {
        int number = errno;
        memory_free(file);
        return error_set_errno(error, number, "open", path);
    }
    *out = &file->base;
    return OK;
}

static Status real_file_close(File *base, Error *error)
{
    RealFile *file = (RealFile *)base;
    Status status = OK;
    if (close(file->descriptor) != 0 && errno != EINTR)
        status = error_set_errno(error, errno, "close", file->path);
    memory_free(file);
    return status;
}

static Status real_file_read_at(File *base, uint64_t offset, void *out, size_t size, size_t *got,
                                Error *error)
{
    RealFile *file = (RealFile *)base;
    size_t done = 0;
    while (done < size) {
        ssize_t n =
            pread(file->descriptor, (uint8_t *)out + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(error, errno, "read", file->path);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *got = done;
    return OK;
}

static Status real_file_write_at(File *base, uint64_t offset, Slice data, Error *error)
{
    RealFile *file = (RealFile *)base;
    size_t done = 0;
    while (done < data.size) {
        ssize_t n =
            pwrite(file->descriptor, data.data + done, data.size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(error, errno, "write", file->path);
        done += (size_t)n;
    }
    return OK;
}

static Status real_file_sync(File *base, bool data_only, Error *error)
{
    RealFile *file = (RealFile *)base;
    int result = data_only ? fdatasync(file->descriptor) : fsync(file->descriptor);
    return result == 0 ? OK : error_set_errno(error, errno, "sync", file->path);
}

static Status real_file_truncate(File *base, uint64_t size, Error *error)
{
    RealFile *file = (RealFile *)base;
    int result;
    do {
        result = ftruncate(file->descriptor, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? OK : error_set_errno(error, errno, "truncate", file->path);
}

static Status real_file_allocate(File *base, uint64_t size, Error *error)
{
    RealFile *file = (RealFile *)base;
    int result;
    do {
        result = posix_fallocate(file->descriptor, 0, (off_t)size);
    } while (result == EINTR);
    return result == 0 ? OK : error_set_errno(error, result, "allocate", file->path);
}

static Status real_file_size(File *base, uint64_t *out, Error *error)
{
    RealFile *file = (RealFile *)base;
    struct stat information;
    if (fstat(file->descriptor, &information) != 0)
        return error_set_errno(error, errno, "stat", file->path);
    *out = (uint64_t)information.st_size;
    return OK;
}

static int real_file_descriptor(const File *base)
{
    return ((const RealFile *)base)->descriptor;
}

static const FileOperations real_file_operations = {
    .close = real_file_close,
    .read_at = real_file_read_at,
    .write_at = real_file_write_at,
    .sync = real_file_sync,
    .truncate = real_file_truncate,
    .allocate = real_file_allocate,
    .size = real_file_size,
    .descriptor = real_file_descriptor,
};

Status real_stat(Env *env, const char *path, FileInformation *out, Error *error)
{
    (void)env;
    struct stat information;
    *out = (FileInformation){0};
    if (lstat(path, &information) != 0)
        return errno == ENOENT || errno == ENOTDIR ? OK
                                                   : error_set_errno(error, errno, "stat", path);
    *out = (FileInformation){
        .exists = true,
        .is_directory = S_ISDIR(information.st_mode),
        .size = (uint64_t)information.st_size,
        .modified_us =
            (int64_t)information.st_mtim.tv_sec * 1000000 + information.st_mtim.tv_nsec / 1000,
        .blocks_size = (uint64_t)information.st_blocks * 512,
    };
    return OK;
}

static int compare_entries(const void *a, const void *b)
{
    return slice_compare(((const DirectoryEntry *)a)->name, ((const DirectoryEntry *)b)->name);
}

static bool is_itself_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static Status add_entry(const char *path, const char *name, Arena *arena, Buffer *found,
                        Error *error)
{
    Path whole;
    FileInformation information;
    DirectoryEntry entry;
    TRY(path_join(&whole, path, name, error));
    TRY(real_stat(NULL, whole.text, &information, error));
    TRY(arena_clone(arena, slice_of_text(name), &entry.name, error));
    entry.is_directory = information.is_directory;
    buffer_put(found, &entry, sizeof entry);
    return buffer_status(found, error);
}

static Status read_entries(DIR *directory, const char *path, Arena *arena, Buffer *found,
                           Error *error)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory); /* one thread for each DIR */
        if (entry == NULL)
            return errno == 0 ? OK : error_set_errno(error, errno, "list", path);
        if (!is_itself_or_parent(entry->d_name))
            TRY(add_entry(path, entry->d_name, arena, found, error));
    }
}

Status real_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries, size_t *count,
                 Error *error)
{
    (void)env;
    Buffer found;
    Slice copied;
    Status status = OK;
    buffer_open(&found, 0);
    DIR *directory = opendir(path);
    if (directory == NULL)
        GO(error_set_errno(error, errno, "list", path));
    GO(read_entries(directory, path, arena, &found, error));
    if (found.size > 0)
        qsort(found.data, found.size / sizeof(DirectoryEntry), sizeof(DirectoryEntry),
              compare_entries);
    GO(arena_clone(arena, buffer_slice(&found), &copied, error));
    *entries = (DirectoryEntry *)(uintptr_t)copied.data;
    *count = found.size / sizeof(DirectoryEntry);
done:
    if (directory != NULL && closedir(directory) != 0 && status == OK)
        status = error_set_errno(error, errno, "close", path);
    buffer_close(&found);
    return status;
}

Status real_make_directory(Env *env, const char *path, Error *error)
{
    (void)env;
    return mkdir(path, 0755) == 0 ? OK : error_set_errno(error, errno, "make a directory", path);
}

Status real_sync_directory(Env *env, const char *path, Error *error)
{
    (void)env;
    int descriptor = open_retrying(path, O_RDONLY | O_DIRECTORY, 0);
    if (descriptor < 0)
        return error_set_errno(error, errno, "open", path);
    Status status = OK;
    if (fsync(descriptor) != 0)
        status = error_set_errno(error, errno, "sync", path);
    if (close(descriptor) != 0 && status == OK)
        status = error_set_errno(error, errno, "close", path);
    return status;
}

Status real_rename(Env *env, const char *from, const char *to, Error *error)
{
    (void)env;
    return rename(from, to) == 0 ? OK : error_set_errno(error, errno, "rename", from);
}

Status real_link(Env *env, const char *from, const char *to, Error *error)
{
    (void)env;
    return link(from, to) == 0 ? OK : error_set_errno(error, errno, "link", to);
}

Status real_remove(Env *env, const char *path, Error *error)
{
    (void)env;
    return unlink(path) == 0 ? OK : error_set_errno(error, errno, "remove", path);
}

Status real_remove_directory(Env *env, const char *path, Error *error)
{
    (void)env;
    return rmdir(path) == 0 ? OK : error_set_errno(error, errno, "remove", path);
}

Status real_free_space(Env *env, const char *path, uint64_t *out, Error *error)
{
    (void)env;
    struct statvfs information;
    if (statvfs(path, &information) != 0)
        return error_set_errno(error, errno, "stat", path);
    *out = (uint64_t)information.f_bavail * information.f_frsize;
    return OK;
}

Status real_working_directory(Env *env, Path *out, Error *error)
{
    (void)env;
    if (getcwd(out->text, sizeof out->text) != NULL)
        return OK;
    return error_set_errno(error, errno, "getcwd", ".");
}

/* A process that was killed may have left a child behind that has not come to its exec yet, and has
 * the lock until then: a moment is given to it. */
static int lock_for_a_while(Env *env, int descriptor)
{
    for (int tries = 0;; tries++) {
        int result = flock(descriptor, LOCK_EX | LOCK_NB);
        if (result == 0 || (errno != EINTR && errno != EWOULDBLOCK) || tries == LOCK_TRIES_MAX)
            return result;
        env_sleep_ns(env, LOCK_PAUSE_NS);
    }
}

Status real_lock_open(Env *env, const char *path, File **out, Error *error)
{
    File *file;
    TRY(real_file_open(env, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, error));
    if (lock_for_a_while(env, real_file_descriptor(file)) == 0) {
        *out = file;
        return OK;
    }
    int number = errno;
    Error ignored;
    (void)real_file_close(file, &ignored);
    if (number == EWOULDBLOCK)
        return error_set(error, STATUS_DIRECTORY_LOCKED,
                         "the data directory is locked: another process has it open");
    return error_set_errno(error, number, "lock", path);
}
