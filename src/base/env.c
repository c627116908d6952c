/* The dispatch from the public calls to an Env's implementation, and what is built from them alone.
 * The real Env's locks are called inline: they are the hottest calls there are. */
#include "base/env.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/env_int.h"

int64_t env_wall_us(Env *env)
{
    return env->operations->wall_us(env);
}

int64_t env_monotonic_ns(Env *env)
{
    return env->operations->monotonic_ns(env);
}

void env_sleep_ns(Env *env, int64_t duration_ns)
{
    env->operations->sleep_ns(env, duration_ns);
}

void env_random(Env *env, void *out, size_t size)
{
    env->operations->random(env, out, size);
}

uint64_t env_random_u64(Env *env)
{
    uint64_t value;
    env_random(env, &value, sizeof value);
    return value;
}

void env_yield(Env *env, const char *point)
{
    if (env->operations->yield != NULL)
        env->operations->yield(env, point);
}

/* ---- locks ---- */

/* Most sections are shorter than putting a thread to sleep and waking it: who finds the lock taken
 * spins for a moment first. */
static void open_real(Mutex *mutex)
{
    pthread_mutexattr_t attributes;
    ASSERT(pthread_mutexattr_init(&attributes) == 0);
    ASSERT(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP) == 0);
    ASSERT(pthread_mutex_init(&mutex->as.real, &attributes) == 0);
    ASSERT(pthread_mutexattr_destroy(&attributes) == 0);
}

void mutex_open(Mutex *mutex, Env *env, const char *name)
{
    *mutex = (Mutex){.env = env, .name = name};
    if (env->operations->mutex_open != NULL)
        env->operations->mutex_open(mutex);
    else
        open_real(mutex);
}

void mutex_close(Mutex *mutex)
{
    if (mutex->env->operations->mutex_open != NULL)
        mutex->env->operations->mutex_close(mutex);
    else
        ASSERT(pthread_mutex_destroy(&mutex->as.real) == 0);
}

void mutex_lock(Mutex *mutex)
{
    if (mutex->env->operations->mutex_open != NULL)
        mutex->env->operations->mutex_lock(mutex);
    else
        ASSERT(pthread_mutex_lock(&mutex->as.real) == 0);
}

bool mutex_try_lock(Mutex *mutex)
{
    if (mutex->env->operations->mutex_open != NULL)
        return mutex->env->operations->mutex_try_lock(mutex);
    int result = pthread_mutex_trylock(&mutex->as.real);
    ASSERT(result == 0 || result == EBUSY);
    return result == 0;
}

void mutex_unlock(Mutex *mutex)
{
    if (mutex->env->operations->mutex_open != NULL)
        mutex->env->operations->mutex_unlock(mutex);
    else
        ASSERT(pthread_mutex_unlock(&mutex->as.real) == 0);
}

void condition_open(Condition *condition, Env *env)
{
    *condition = (Condition){.env = env};
    env->operations->condition_open(condition);
}

void condition_close(Condition *condition)
{
    condition->env->operations->condition_close(condition);
}

void condition_wait(Condition *condition, Mutex *mutex)
{
    (void)condition_wait_until(condition, mutex, INT64_MAX);
}

bool condition_wait_until(Condition *condition, Mutex *mutex, int64_t deadline_ns)
{
    return condition->env->operations->condition_wait_until(condition, mutex, deadline_ns);
}

void condition_signal(Condition *condition)
{
    condition->env->operations->condition_wake(condition, false);
}

void condition_broadcast(Condition *condition)
{
    condition->env->operations->condition_wake(condition, true);
}

Status thread_start(Env *env, const char *name, size_t stack_bytes, void (*run)(void *argument),
                    void *argument, Thread **out, Error *error)
{
    return env->operations->thread_start(env, name, stack_bytes, run, argument, out, error);
}

void thread_join(Thread *thread)
{
    thread->env->operations->thread_join(thread);
}

/* ---- paths ---- */

Status path_join(Path *out, const char *directory, const char *name, Error *error)
{
    return path_format(out, error, "%s/%s", directory, name);
}

Status path_format(Path *out, Error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size < sizeof out->text)
        return OK;
    out->text[0] = '\0';
    return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a file's path is longer than %d bytes",
                     PATH_BYTES_MAX - 1);
}

/* ---- files ---- */

Status file_open(Env *env, const char *path, unsigned flags, File **out, Error *error)
{
    return env->operations->file_open(env, path, flags, out, error);
}

Status file_close(File *file, Error *error)
{
    return file == NULL ? OK : file->operations->close(file, error);
}

Status file_read_at(File *file, uint64_t offset, void *out, size_t size, size_t *got, Error *error)
{
    return file->operations->read_at(file, offset, out, size, got, error);
}

Status file_write_at(File *file, uint64_t offset, Slice data, Error *error)
{
    return file->operations->write_at(file, offset, data, error);
}

Status file_sync_data(File *file, Error *error)
{
    return file->operations->sync(file, true, error);
}

Status file_sync(File *file, Error *error)
{
    return file->operations->sync(file, false, error);
}

Status file_truncate(File *file, uint64_t size, Error *error)
{
    return file->operations->truncate(file, size, error);
}

Status file_allocate(File *file, uint64_t size, Error *error)
{
    return file->operations->allocate(file, size, error);
}

Status file_size(File *file, uint64_t *out, Error *error)
{
    return file->operations->size(file, out, error);
}

int file_descriptor(const File *file)
{
    return file->operations->descriptor(file);
}

Status env_stat(Env *env, const char *path, FileInformation *out, Error *error)
{
    return env->operations->stat(env, path, out, error);
}

Status env_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries, size_t *count,
                Error *error)
{
    return env->operations->list(env, path, arena, entries, count, error);
}

Status env_make_directory(Env *env, const char *path, Error *error)
{
    return env->operations->make_directory(env, path, error);
}

static Status sync_parent(Env *env, const char *path, Error *error)
{
    Path parent;
    TRY(path_format(&parent, error, "%s", path));
    char *separator = strrchr(parent.text, '/');
    if (separator == NULL)
        return env_sync_directory(env, ".", error);
    separator[separator == parent.text ? 1 : 0] = '\0';
    return env_sync_directory(env, parent.text, error);
}

/* One level. The last one is synced though it was there: who made it may have died before. */
static Status make_level(Env *env, const char *path, bool is_last, bool durable, Error *error)
{
    Status status = env_make_directory(env, path, error);
    if (status != OK && status != STATUS_FILE_EXISTS)
        return status;
    return durable && (status == OK || is_last) ? sync_parent(env, path, error) : OK;
}

static Status make_directories(Env *env, const char *path, bool durable, Error *error)
{
    Path part;
    TRY(path_format(&part, error, "%s", path));
    for (char *at = part.text + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        Status status = make_level(env, part.text, false, durable, error);
        *at = '/';
        if (status != OK)
            return status;
    }
    return make_level(env, part.text, true, durable, error);
}

Status env_make_directories(Env *env, const char *path, Error *error)
{
    return make_directories(env, path, false, error);
}

Status env_make_durable_directories(Env *env, const char *path, Error *error)
{
    return make_directories(env, path, true, error);
}

Status env_sync_directory(Env *env, const char *path, Error *error)
{
    return env->operations->sync_directory(env, path, error);
}

Status env_rename(Env *env, const char *from, const char *to, Error *error)
{
    return env->operations->rename(env, from, to, error);
}

Status env_link(Env *env, const char *from, const char *to, Error *error)
{
    return env->operations->link(env, from, to, error);
}

Status env_remove(Env *env, const char *path, Error *error)
{
    return env->operations->remove(env, path, error);
}

Status env_remove_directory(Env *env, const char *path, Error *error)
{
    return env->operations->remove_directory(env, path, error);
}

/* Depth first. Recursion is bounded by the path's length. */
Status env_remove_tree(Env *env, const char *path, Error *error)
{
    Arena arena;
    arena_open(&arena, 0);
    Status status = OK;
    DirectoryEntry *entries;
    size_t count;
    Path child;
    GO(env_list(env, path, &arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        GO(path_join(&child, path, (const char *)entries[i].name.data, error));
        GO(entries[i].is_directory ? env_remove_tree(env, child.text, error)
                                   : env_remove(env, child.text, error));
    }
    GO(env_remove_directory(env, path, error));
done:
    arena_close(&arena);
    return status;
}

Status env_absolute_path(Env *env, const char *path, Path *out, Error *error)
{
    Path directory = {""};
    if (path[0] == '/')
        return path_format(out, error, "%s", path);
    if (env->operations->working_directory != NULL)
        TRY(env->operations->working_directory(env, &directory, error));
    return path_join(out, directory.text, path, error);
}

Status env_free_space(Env *env, const char *path, uint64_t *out, Error *error)
{
    return env->operations->free_space(env, path, out, error);
}

/* Keeps the first error, its text included. */
static Status close_after(File *file, Status status, Error *error)
{
    Error ignored;
    if (file == NULL)
        return status;
    Status closed = file_close(file, status == OK ? error : &ignored);
    return status == OK ? closed : status;
}

Status env_read_file(Env *env, const char *path, size_t size_max, Buffer *out, Error *error)
{
    File *file = NULL;
    uint64_t size;
    size_t got;
    Status status = OK;
    GO(file_open(env, path, FILE_READ, &file, error));
    GO(file_size(file, &size, error));
    if (size > size_max)
        GO(error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a file is larger than %zu bytes",
                     size_max));
    uint8_t *at = buffer_reserve(out, (size_t)size + 1);
    GO(buffer_status(out, error));
    GO(file_read_at(file, 0, at, (size_t)size, &got, error));
    out->size += got;
done:
    return close_after(file, status, error);
}

static Status write_whole(Env *env, const char *path, Slice data, unsigned flags, Error *error)
{
    File *file = NULL;
    Status status = OK;
    GO(file_open(env, path, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE | flags, &file, error));
    GO(file_write_at(file, 0, data, error));
    GO(file_sync(file, error));
done:
    return close_after(file, status, error);
}

static Status sync_directory_of(Env *env, const char *path, Error *error)
{
    Path directory;
    TRY(path_format(&directory, error, "%s", path));
    char *slash = strrchr(directory.text, '/');
    if (slash == NULL)
        return env_sync_directory(env, ".", error);
    *(slash == directory.text ? slash + 1 : slash) = '\0';
    return env_sync_directory(env, directory.text, error);
}

Status env_replace_file(Env *env, const char *path, Slice data, unsigned flags, Error *error)
{
    Path beside;
    TRY(path_format(&beside, error, "%s.tmp", path));
    TRY(write_whole(env, beside.text, data, flags, error));
    TRY(env_rename(env, beside.text, path, error));
    return sync_directory_of(env, path, error);
}

Status file_lock_open(Env *env, const char *path, File **out, Error *error)
{
    return env->operations->lock_open(env, path, out, error);
}

/* ---- shared memory ---- */

Status shared_memory_open(Env *env, const char *name, size_t size, SharedMemory *out, Error *error)
{
    ASSERT(size > 0 && size % 4096 == 0);
    return env->operations->shared_memory_open(env, name, size, out, error);
}

void shared_memory_close(Env *env, SharedMemory *memory)
{
    env->operations->shared_memory_close(env, memory);
}

/* ---- sockets ---- */

Status socket_listen(Env *env, const char *address, int backlog, Socket **out, Error *error)
{
    return env->operations->socket_listen(env, address, backlog, out, error);
}

Status socket_accept(Socket *listener, Socket **out, Error *error)
{
    return listener->operations->accept(listener, out, error);
}

Status socket_connect(Env *env, const char *address, int64_t timeout_ns, Socket **out, Error *error)
{
    return env->operations->socket_connect(env, address, timeout_ns, out, error);
}

void socket_close(Socket *socket)
{
    if (socket != NULL)
        socket->operations->close(socket);
}

SocketResult socket_read(Socket *socket, void *out, size_t size, size_t *got)
{
    return socket->operations->read(socket, out, size, got);
}

SocketResult socket_write(Socket *socket, const SocketPart *parts, size_t count, size_t *written)
{
    ASSERT(count <= SOCKET_PARTS_MAX);
    return socket->operations->write(socket, parts, count, written);
}

bool socket_wait(Socket *socket, bool for_write, int64_t deadline_ns)
{
    return socket->operations->wait(socket, for_write, deadline_ns);
}

void socket_shutdown_write(Socket *socket)
{
    socket->operations->shutdown_write(socket);
}

void socket_set_send_buffer(Socket *socket, int size_bytes)
{
    if (socket->operations->set_send_buffer != NULL)
        socket->operations->set_send_buffer(socket, size_bytes);
}

int socket_descriptor(const Socket *socket)
{
    return socket->operations->descriptor(socket);
}

void socket_own_address(const Socket *socket, char *out, size_t size)
{
    socket->operations->address(socket, false, out, size);
}

void socket_peer_address(const Socket *socket, char *out, size_t size)
{
    socket->operations->address(socket, true, out, size);
}
