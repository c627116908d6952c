/* Env: the one seam through which time, randomness, files, threads, shared memory and sockets reach
 * the code, so that a test can stop the clock, tear a write, cut a link and choose every
 * interleaving.
 *
 * Two implementations: the real one (env_real) and the simulated one (simulation.h), in which
 * threads are coroutines of a deterministic scheduler and the disk forgets what was not synced.
 * No room calls the operating system for these things itself; tools/check-tree refuses it.
 *
 * Threading: an Env and its functions may be used from any thread. Files: reads and writes at
 * offsets may run at once on one file; the rest is one thread at a time. Ownership: what *_open and
 * *_start give is released by the matching *_close and *_join, always, also after an error.
 * Errors: those of error_set_errno; short reads and writes are completed inside, EINTR is retried.
 * Paths are NUL-terminated texts of at most PATH_BYTES_MAX - 1 bytes. */
#ifndef FIRN_BASE_ENV_H
#define FIRN_BASE_ENV_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

typedef struct Env Env;
typedef struct EnvOperations EnvOperations;

struct Env {
    const EnvOperations *operations;
};

/* The operating system's. One for the whole process, never closed. */
Env *env_real(void);

/* ---- time and randomness ---- */

int64_t env_wall_us(Env *env);      /* microseconds since 1970-01-01 UTC; may jump */
int64_t env_monotonic_ns(Env *env); /* nanoseconds since some start; never goes back */
void env_sleep_ns(Env *env, int64_t duration_ns);

/* Cryptographically strong in the real Env, from the seed in the simulated one. Cannot fail: a
 * machine without randomness stops the process. */
void env_random(Env *env, void *out, size_t size);
uint64_t env_random_u64(Env *env);

/* ---- threads, locks, waiting ---- */

typedef struct Thread Thread;

typedef struct Mutex {
    Env *env;
    const char *name; /* of the lock order page in ARCHITECTURE.md */
    union {
        pthread_mutex_t real;
        struct {
            void *holder; /* the coroutine that holds it, or NULL */
            void *waiting;
        } simulated;
    } as;
} Mutex;

typedef struct Condition {
    Env *env;
    union {
        pthread_cond_t real;
        void *simulated_waiting;
    } as;
} Condition;

void mutex_open(Mutex *mutex, Env *env, const char *name);
void mutex_close(Mutex *mutex);
void mutex_lock(Mutex *mutex);
void mutex_unlock(Mutex *mutex);

/* True where the lock was free and is now held. */
__attribute__((warn_unused_result)) bool mutex_try_lock(Mutex *mutex);

void condition_open(Condition *condition, Env *env);
void condition_close(Condition *condition);
void condition_wait(Condition *condition, Mutex *mutex);

/* False where `deadline_ns` (env_monotonic_ns) passed first. INT64_MAX waits for ever. */
bool condition_wait_until(Condition *condition, Mutex *mutex, int64_t deadline_ns);
void condition_signal(Condition *condition);
void condition_broadcast(Condition *condition);

enum { THREAD_STACK_BYTES_DEFAULT = 512 * 1024 };

/* `name` (at most 15 bytes are shown) and `argument` must outlive the thread. Stack pages are only
 * committed when touched. */
CHECKED Status thread_start(Env *env, const char *name, size_t stack_bytes,
                            void (*run)(void *argument), void *argument, Thread **out,
                            Error *error);
void thread_join(Thread *thread); /* waits, and frees */

/* A point at which another thread may run: nothing in the real Env, a choice of the scheduler in
 * the simulated one. `point` is the name that engine_model.py and the tests use. */
void env_yield(Env *env, const char *point);

/* ---- files ---- */

enum { PATH_BYTES_MAX = 1024 };

typedef struct Path {
    char text[PATH_BYTES_MAX];
} Path;

/* "a/b" from "a" and "b"; PROGRAM_LIMIT_EXCEEDED where it would be too long. */
CHECKED Status path_join(Path *out, const char *directory, const char *name, Error *error);
CHECKED Status path_format(Path *out, Error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A relative path made absolute by the process's working directory (the root in the simulated Env).
 */
CHECKED Status env_absolute_path(Env *env, const char *path, Path *out, Error *error);

typedef struct File File;

enum FileFlags {
    FILE_READ = 1,
    FILE_WRITE = 2,
    FILE_CREATE = 4,    /* make it where it is not there */
    FILE_EXCLUSIVE = 8, /* with FILE_CREATE: FILE_EXISTS where it is there */
    FILE_TRUNCATE = 16,
    FILE_PRIVATE = 32, /* mode 0600 instead of 0644 */
};

CHECKED Status file_open(Env *env, const char *path, unsigned flags, File **out, Error *error);
CHECKED Status file_close(File *file, Error *error);

/* Reads until `size` bytes or the end of the file; *got says how many. */
CHECKED Status file_read_at(File *file, uint64_t offset, void *out, size_t size, size_t *got,
                            Error *error);

/* All of it, or an error; then any part may have been written. */
CHECKED Status file_write_at(File *file, uint64_t offset, Slice data, Error *error);

CHECKED Status file_sync_data(File *file, Error *error); /* fdatasync */
CHECKED Status file_sync(File *file, Error *error);      /* fsync */
CHECKED Status file_truncate(File *file, uint64_t size, Error *error);

/* Space for [0, size) that later writes cannot run out of; reads as zeros. */
CHECKED Status file_allocate(File *file, uint64_t size, Error *error);
CHECKED Status file_size(File *file, uint64_t *out, Error *error);

/* The operating system's descriptor, or -1 in the simulated Env. Borrowed. */
int file_descriptor(const File *file);

typedef struct FileInformation {
    bool exists;
    bool is_directory;
    uint64_t size;        /* bytes */
    int64_t modified_us;  /* since 1970-01-01 UTC */
    uint64_t blocks_size; /* bytes really taken on the disk */
} FileInformation;

/* A missing file is no error: exists is false. */
CHECKED Status env_stat(Env *env, const char *path, FileInformation *out, Error *error);

typedef struct DirectoryEntry {
    Slice name; /* NUL-terminated behind its end */
    bool is_directory;
} DirectoryEntry;

/* Names in byte order, without "." and "..", in the arena. */
CHECKED Status env_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries,
                        size_t *count, Error *error);

CHECKED Status env_make_directory(Env *env, const char *path, Error *error);   /* FILE_EXISTS */
CHECKED Status env_make_directories(Env *env, const char *path, Error *error); /* mkdir -p */

/* The same, and safe from a loss of power: syncs the folder that holds it, and those that hold what
 * was made on the way. */
CHECKED Status env_make_durable_directories(Env *env, const char *path, Error *error);
CHECKED Status env_sync_directory(Env *env, const char *path, Error *error);
CHECKED Status env_rename(Env *env, const char *from, const char *to, Error *error);
CHECKED Status env_link(Env *env, const char *from, const char *to, Error *error); /* FILE_EXISTS */
CHECKED Status env_remove(Env *env, const char *path, Error *error);               /* a file */
CHECKED Status env_remove_directory(Env *env, const char *path, Error *error); /* an empty one */
CHECKED Status env_remove_tree(Env *env, const char *path, Error *error);      /* rm -r */

/* Bytes free for us on the file system that holds `path`. */
CHECKED Status env_free_space(Env *env, const char *path, uint64_t *out, Error *error);

/* The whole file into a buffer owned by the caller; PROGRAM_LIMIT_EXCEEDED above `size_max`. */
CHECKED Status env_read_file(Env *env, const char *path, size_t size_max, Buffer *out,
                             Error *error);

/* Writes beside (`path`.tmp), syncs, renames, syncs the directory: all of it or nothing. */
CHECKED Status env_replace_file(Env *env, const char *path, Slice data, unsigned flags,
                                Error *error);

/* One process for each directory: holds `path` (a file, made where missing) until closed or the
 * process ends. DIRECTORY_LOCKED where somebody else does. */
CHECKED Status file_lock_open(Env *env, const char *path, File **out, Error *error);

/* ---- shared memory ---- */

/* Memory that another process may map read-only by its descriptor; nobody may ever map it writable
 * or change its size after this call. */
typedef struct SharedMemory {
    uint8_t *data;  /* read and write, zeroed */
    size_t size;    /* bytes, a multiple of 4096 */
    int descriptor; /* -1 in the simulated Env */
} SharedMemory;

CHECKED Status shared_memory_open(Env *env, const char *name, size_t size, SharedMemory *out,
                                  Error *error);
void shared_memory_close(Env *env, SharedMemory *memory);

/* ---- sockets ---- */

typedef struct Socket Socket;

/* Stream sockets that never block: SOCKET_AGAIN where a call would have to wait. */
typedef enum SocketResult {
    SOCKET_DONE,
    SOCKET_AGAIN,
    SOCKET_CLOSED, /* the other side is gone, for whatever reason */
} SocketResult;

/* Listens on "HOST:PORT" (IPv6 hosts in brackets; port 0 picks one). Several sockets may listen on
 * one address (SO_REUSEPORT). */
CHECKED Status socket_listen(Env *env, const char *address, int backlog, Socket **out,
                             Error *error);

/* The next waiting connection; *out is NULL where there is none now. */
CHECKED Status socket_accept(Socket *listener, Socket **out, Error *error);

/* Connects and waits for at most `timeout_ns`. */
CHECKED Status socket_connect(Env *env, const char *address, int64_t timeout_ns, Socket **out,
                              Error *error);
void socket_close(Socket *socket);

SocketResult socket_read(Socket *socket, void *out, size_t size, size_t *got);

typedef struct SocketPart {
    const void *data;
    size_t size;
} SocketPart;

enum { SOCKET_PARTS_MAX = 64 };

/* Writes as much of the parts as fits now; *written counts bytes. */
SocketResult socket_write(Socket *socket, const SocketPart *parts, size_t count, size_t *written);

/* Waits until the socket can be read (or written); false where `deadline_ns` passed first. For
 * clients: the server's loops wait in libuv on socket_descriptor. */
bool socket_wait(Socket *socket, bool for_write, int64_t deadline_ns);
void socket_shutdown_write(Socket *socket);

/* Bytes the system may hold for a peer that does not read (SO_SNDBUF), so that our own limit on
 * what waits for it means something. A wish: nothing where the system has no such thing. */
void socket_set_send_buffer(Socket *socket, int size_bytes);
int socket_descriptor(const Socket *socket);

/* "127.0.0.1:7700": its own (or its peer's) address, numeric. */
void socket_own_address(const Socket *socket, char *out, size_t size);
void socket_peer_address(const Socket *socket, char *out, size_t size);

/* ---- what an implementation provides ---- */

struct EnvOperations {
    int64_t (*wall_us)(Env *env);
    int64_t (*monotonic_ns)(Env *env);
    void (*sleep_ns)(Env *env, int64_t duration_ns);
    void (*random)(Env *env, void *out, size_t size);
    void (*yield)(Env *env, const char *point); /* NULL: nothing to do */
    void (*kill)(Env *env);                     /* NULL: SIGKILL; what a fault point asks for */

    void (*mutex_open)(Mutex *mutex); /* NULL in the real Env: pthread calls are made inline */
    void (*mutex_close)(Mutex *mutex);
    void (*mutex_lock)(Mutex *mutex);
    bool (*mutex_try_lock)(Mutex *mutex);
    void (*mutex_unlock)(Mutex *mutex);
    void (*condition_open)(Condition *condition);
    void (*condition_close)(Condition *condition);
    bool (*condition_wait_until)(Condition *condition, Mutex *mutex, int64_t deadline_ns);
    void (*condition_wake)(Condition *condition, bool all);
    Status (*thread_start)(Env *env, const char *name, size_t stack_bytes, void (*run)(void *),
                           void *argument, Thread **out, Error *error);
    void (*thread_join)(Thread *thread);

    Status (*file_open)(Env *env, const char *path, unsigned flags, File **out, Error *error);
    Status (*stat)(Env *env, const char *path, FileInformation *out, Error *error);
    Status (*list)(Env *env, const char *path, Arena *arena, DirectoryEntry **entries,
                   size_t *count, Error *error);
    Status (*make_directory)(Env *env, const char *path, Error *error);
    Status (*sync_directory)(Env *env, const char *path, Error *error);
    Status (*rename)(Env *env, const char *from, const char *to, Error *error);
    Status (*link)(Env *env, const char *from, const char *to, Error *error);
    Status (*remove)(Env *env, const char *path, Error *error);
    Status (*remove_directory)(Env *env, const char *path, Error *error);
    Status (*free_space)(Env *env, const char *path, uint64_t *out, Error *error);
    Status (*working_directory)(Env *env, Path *out, Error *error); /* NULL: the root */
    Status (*lock_open)(Env *env, const char *path, File **out, Error *error);

    Status (*shared_memory_open)(Env *env, const char *name, size_t size, SharedMemory *out,
                                 Error *error);
    void (*shared_memory_close)(Env *env, SharedMemory *memory);

    Status (*socket_listen)(Env *env, const char *address, int backlog, Socket **out, Error *error);
    Status (*socket_connect)(Env *env, const char *address, int64_t timeout_ns, Socket **out,
                             Error *error);
};

/* First member of an implementation's file. */
struct File {
    Env *env;
    const struct FileOperations *operations;
};

typedef struct FileOperations {
    Status (*close)(File *file, Error *error);
    Status (*read_at)(File *file, uint64_t offset, void *out, size_t size, size_t *got,
                      Error *error);
    Status (*write_at)(File *file, uint64_t offset, Slice data, Error *error);
    Status (*sync)(File *file, bool data_only, Error *error);
    Status (*truncate)(File *file, uint64_t size, Error *error);
    Status (*allocate)(File *file, uint64_t size, Error *error);
    Status (*size)(File *file, uint64_t *out, Error *error);
    int (*descriptor)(const File *file);
} FileOperations;

/* First member of an implementation's socket. */
struct Socket {
    Env *env;
    const struct SocketOperations *operations;
};

typedef struct SocketOperations {
    Status (*accept)(Socket *listener, Socket **out, Error *error);
    void (*close)(Socket *socket);
    SocketResult (*read)(Socket *socket, void *out, size_t size, size_t *got);
    SocketResult (*write)(Socket *socket, const SocketPart *parts, size_t count, size_t *written);
    bool (*wait)(Socket *socket, bool for_write, int64_t deadline_ns);
    void (*shutdown_write)(Socket *socket);
    void (*set_send_buffer)(Socket *socket, int size_bytes); /* NULL: nothing to set */
    int (*descriptor)(const Socket *socket);
    void (*address)(const Socket *socket, bool of_peer, char *out, size_t size);
} SocketOperations;

#endif
