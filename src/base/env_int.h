/* Private to base: pieces of the real Env that live in files of their own. */
#ifndef FIRN_BASE_ENV_INT_H
#define FIRN_BASE_ENV_INT_H

#include "base/env.h"

struct Thread {
    Env *env;
};

/* env_real_file.c */
Status real_file_open(Env *env, const char *path, unsigned flags, File **out, Error *error);
Status real_stat(Env *env, const char *path, FileInformation *out, Error *error);
Status real_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries, size_t *count,
                 Error *error);
Status real_make_directory(Env *env, const char *path, Error *error);
Status real_sync_directory(Env *env, const char *path, Error *error);
Status real_rename(Env *env, const char *from, const char *to, Error *error);
Status real_link(Env *env, const char *from, const char *to, Error *error);
Status real_remove(Env *env, const char *path, Error *error);
Status real_remove_directory(Env *env, const char *path, Error *error);
Status real_free_space(Env *env, const char *path, uint64_t *out, Error *error);
Status real_working_directory(Env *env, Path *out, Error *error);
Status real_lock_open(Env *env, const char *path, File **out, Error *error);

/* env_real_memory.c */
Status real_shared_memory_open(Env *env, const char *name, size_t size, SharedMemory *out,
                               Error *error);
void real_shared_memory_close(Env *env, SharedMemory *memory);

/* env_real_socket.c */
Status real_socket_listen(Env *env, const char *address, int backlog, Socket **out, Error *error);
Status real_socket_connect(Env *env, const char *address, int64_t timeout_ns, Socket **out,
                           Error *error);

/* env_real_thread.c */
void real_condition_open(Condition *condition);
void real_condition_close(Condition *condition);
bool real_condition_wait_until(Condition *condition, Mutex *mutex, int64_t deadline_ns);
void real_condition_wake(Condition *condition, bool all);
Status real_thread_start(Env *env, const char *name, size_t stack_bytes, void (*run)(void *),
                         void *argument, Thread **out, Error *error);
void real_thread_join(Thread *thread);

#endif
