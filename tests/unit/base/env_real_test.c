/* What only the real Env has: other processes, threads that really run at once, the kernel's seals.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/test.h"

static Env *env;
static char root[] = "/tmp/env_real_test_XXXXXX";

static int make_root(void **state)
{
    (void)state;
    env = env_real();
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    (void)state;
    Error error;
    return env_remove_tree(env, root, &error) != OK;
}

static const char *in_root(const char *name)
{
    static Path path;
    Error error;
    assert_ok(path_join(&path, root, name, &error), &error);
    return path.text;
}

/* Runs in a process of its own; gives its exit code. */
static int in_child(int (*run)(void *argument), void *argument)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run(argument));
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

/* ---- files ---- */

static int try_lock(void *argument)
{
    File *file;
    Error error;
    return (int)file_lock_open(env_real(), argument, &file, &error);
}

static void a_lock_holds_against_other_processes(void **state)
{
    (void)state;
    File *file;
    Error error;
    char path[PATH_BYTES_MAX];
    (void)snprintf(path, sizeof path, "%s", in_root("lock"));
    assert_ok(file_lock_open(env, path, &file, &error), &error);
    assert_int_equal(in_child(try_lock, path), STATUS_DIRECTORY_LOCKED);
    assert_ok(file_close(file, &error), &error);
    assert_int_equal(in_child(try_lock, path), OK); /* and its end releases it */
    assert_ok(file_lock_open(env, path, &file, &error), &error);
    assert_ok(file_close(file, &error), &error);
}

/* A child between fork and exec has what its parent had, and the parent is gone. */
static void a_lock_that_a_dying_child_has_is_waited_for(void **state)
{
    (void)state;
    File *file;
    Error error;
    assert_ok(file_lock_open(env, in_root("lock"), &file, &error), &error);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)usleep(200 * 1000);
        _exit(0);
    }
    assert_ok(file_close(file, &error), &error);
    assert_ok(file_lock_open(env, in_root("lock"), &file, &error), &error);
    assert_ok(file_close(file, &error), &error);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void private_files_are_private(void **state)
{
    (void)state;
    File *file;
    Error error;
    struct stat information;
    mode_t mask = umask(0);
    assert_ok(
        file_open(env, in_root("private"), FILE_WRITE | FILE_CREATE | FILE_PRIVATE, &file, &error),
        &error);
    assert_int_equal(fstat(file_descriptor(file), &information), 0);
    assert_int_equal(information.st_mode & 0777, 0600);
    assert_true((fcntl(file_descriptor(file), F_GETFD) & FD_CLOEXEC) != 0);
    assert_ok(file_close(file, &error), &error);
    assert_ok(file_open(env, in_root("public"), FILE_WRITE | FILE_CREATE, &file, &error), &error);
    assert_int_equal(fstat(file_descriptor(file), &information), 0);
    assert_int_equal(information.st_mode & 0777, 0644);
    assert_ok(file_close(file, &error), &error);
    (void)umask(mask);
}

static void allocated_space_is_taken(void **state)
{
    (void)state;
    File *file;
    Error error;
    FileInformation information;
    assert_ok(
        file_open(env, in_root("allocated"), FILE_READ | FILE_WRITE | FILE_CREATE, &file, &error),
        &error);
    assert_ok(file_allocate(file, 1 << 20, &error), &error);
    assert_ok(file_close(file, &error), &error);
    assert_ok(env_stat(env, in_root("allocated"), &information, &error), &error);
    assert_int_equal(information.size, 1 << 20);
    assert_true(information.blocks_size >= 1 << 20);
    assert_true(information.modified_us > env_wall_us(env) - 60000000);
}

static void errors_keep_paths_from_clients(void **state)
{
    (void)state;
    File *file;
    Error error;
    assert_status(file_open(env, in_root("secret/file"), FILE_READ, &file, &error),
                  STATUS_FILE_NOT_FOUND);
    assert_null(strstr(error.message, "secret"));
    assert_non_null(strstr(error.internal, "secret/file"));
}

static void a_full_disk_is_said_to_be_full(void **state)
{
    (void)state;
    File *file;
    Error error;
    assert_ok(file_open(env, "/dev/full", FILE_WRITE, &file, &error), &error);
    assert_status(file_write_at(file, 0, SLICE("x"), &error), STATUS_DISK_FULL);
    assert_ok(file_close(file, &error), &error);
}

/* ---- shared memory ---- */

static int try_to_break_seals(void *argument)
{
    const SharedMemory *memory = argument;
    int flags = PROT_READ | PROT_WRITE;
    if (mmap(NULL, memory->size, flags, MAP_SHARED, memory->descriptor, 0) != MAP_FAILED)
        return 1;
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory->descriptor);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0 && mmap(NULL, memory->size, flags, MAP_SHARED, again, 0) != MAP_FAILED)
        return 2;
    if (pwrite(memory->descriptor, "x", 1, 0) >= 0)
        return 3;
    if (ftruncate(memory->descriptor, 0) == 0 ||
        ftruncate(memory->descriptor, (off_t)memory->size * 2) == 0)
        return 4;
    if (fallocate(memory->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
        return 5;
    const uint8_t *bytes = mmap(NULL, memory->size, PROT_READ, MAP_SHARED, memory->descriptor, 0);
    if (bytes == MAP_FAILED)
        return 6;
    if (mprotect((void *)(uintptr_t)bytes, memory->size, flags) == 0)
        return 7;
    return memcmp(bytes, "written", 7) == 0 && bytes[memory->size - 1] == 'z' ? 0 : 8;
}

static void shared_memory_is_writable_for_its_maker_only(void **state)
{
    (void)state;
    SharedMemory memory;
    Error error;
    assert_ok(shared_memory_open(env, "test", 1 << 16, &memory, &error), &error);
    for (size_t i = 0; i < memory.size; i++)
        assert_int_equal(memory.data[i], 0);
    memcpy(memory.data, "written", 7); /* after the seals */
    memory.data[memory.size - 1] = 'z';
    assert_int_equal(in_child(try_to_break_seals, &memory), 0);
    assert_int_equal(fcntl(memory.descriptor, F_ADD_SEALS, F_SEAL_WRITE), -1);
    memory.data[0] = 'W';
    assert_int_equal(try_to_break_seals(&memory), 8); /* the same page, seen at once */
    shared_memory_close(env, &memory);
    shared_memory_close(env, &memory);
    assert_int_equal(memory.descriptor, -1);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 5000 };

typedef struct Shared {
    Mutex lock;
    Condition changed;
    int64_t counter;
    int turn;
    _Atomic int started;
} Shared;

static void count_up(void *argument)
{
    Shared *shared = argument;
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&shared->lock);
        shared->counter++;
        mutex_unlock(&shared->lock);
    }
}

static void take_turns(void *argument)
{
    Shared *shared = argument;
    int self = atomic_fetch_add(&shared->started, 1);
    mutex_lock(&shared->lock);
    for (int i = 0; i < 100; i++) {
        while (shared->turn != self)
            condition_wait(&shared->changed, &shared->lock);
        shared->turn = (self + 1) % THREADS;
        shared->counter++;
        condition_broadcast(&shared->changed);
    }
    mutex_unlock(&shared->lock);
}

static void run_threads(Shared *shared, void (*work)(void *argument))
{
    Thread *threads[THREADS];
    Error error;
    *shared = (Shared){.counter = 0};
    mutex_open(&shared->lock, env, "shared");
    condition_open(&shared->changed, env);
    for (int i = 0; i < THREADS; i++)
        assert_ok(
            thread_start(env, "a name of more than 15 bytes", 1, work, shared, &threads[i], &error),
            &error);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    condition_close(&shared->changed);
    mutex_close(&shared->lock);
}

static void threads_share_by_locks(void **state)
{
    (void)state;
    Shared shared;
    run_threads(&shared, count_up);
    assert_int_equal(shared.counter, THREADS * ROUNDS);
    run_threads(&shared, take_turns);
    assert_int_equal(shared.counter, THREADS * 100);
    memory_fail_at(1, 1);
    Thread *thread;
    Error error;
    Status status = thread_start(env, "none", 1, count_up, &shared, &thread, &error);
    memory_fail_at(0, 0);
    assert_status(status, STATUS_OUT_OF_MEMORY);
}

static void a_lock_can_be_tried(void **state)
{
    (void)state;
    Mutex lock;
    mutex_open(&lock, env, "tried");
    assert_true(mutex_try_lock(&lock));
    assert_false(mutex_try_lock(&lock));
    mutex_unlock(&lock);
    assert_true(mutex_try_lock(&lock));
    mutex_unlock(&lock);
    mutex_close(&lock);
}

/* A deadline is a moment of the monotonic clock: the wait ends behind it, never before. */
static void waits_end_at_their_deadline(void **state)
{
    (void)state;
    Mutex lock;
    Condition never;
    mutex_open(&lock, env, "deadline");
    condition_open(&never, env);
    mutex_lock(&lock);
    int64_t deadline_ns = env_monotonic_ns(env) + 20000000;
    while (condition_wait_until(&never, &lock, deadline_ns))
        ; /* for no reason */
    assert_true(env_monotonic_ns(env) >= deadline_ns);
    assert_false(condition_wait_until(&never, &lock, deadline_ns));
    assert_false(condition_wait_until(&never, &lock, 0));
    assert_false(condition_wait_until(&never, &lock, INT64_MIN));
    mutex_unlock(&lock);
    condition_close(&never);
    mutex_close(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_holds_against_other_processes),
        cmocka_unit_test(a_lock_that_a_dying_child_has_is_waited_for),
        cmocka_unit_test(private_files_are_private),
        cmocka_unit_test(allocated_space_is_taken),
        cmocka_unit_test(errors_keep_paths_from_clients),
        cmocka_unit_test(a_full_disk_is_said_to_be_full),
        cmocka_unit_test(shared_memory_is_writable_for_its_maker_only),
        cmocka_unit_test(threads_share_by_locks),
        cmocka_unit_test(a_lock_can_be_tried),
        cmocka_unit_test(waits_end_at_their_deadline),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
