#include "query/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "worker/protocol.h"

void process_close(int descriptor)
{
    if (descriptor >= 0)
        (void)close(descriptor);
}

Status process_socket_pair(int *ours, int *theirs, Error *error)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set_errno(error, errno, "make a socket pair", "worker");
    *ours = pair[0];
    *theirs = pair[1];
    return OK;
}

/* ---- rings ---- */

static Status give_up(int descriptor, const char *verb, Error *error)
{
    int number = errno;
    (void)close(descriptor);
    return error_set_errno(error, number, verb, "ring");
}

Status process_ring_open(ProcessRing *ring, size_t size, Error *error)
{
    int descriptor = memfd_create("firn-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0)
        return error_set_errno(error, errno, "make shared memory", "ring");
    if (ftruncate(descriptor, (off_t)size) != 0)
        return give_up(descriptor, "size shared memory", error);
    if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return give_up(descriptor, "seal shared memory", error);
    void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (data == MAP_FAILED)
        return give_up(descriptor, "map shared memory", error);
    *ring = (ProcessRing){.data = data, .size = size, .descriptor = descriptor};
    return OK;
}

void process_ring_sent(ProcessRing *ring)
{
    process_close(ring->descriptor);
    ring->descriptor = -1;
}

void process_ring_close(ProcessRing *ring)
{
    if (ring->data == NULL)
        return;
    ASSERT(munmap((void *)(uintptr_t)ring->data, ring->size) == 0);
    process_ring_sent(ring);
    *ring = (ProcessRing){.descriptor = -1};
}

/* ---- processes ---- */

enum { ENVIRONMENT_MAX = 16 };

/* What a worker may know of our environment: how to find libraries, and what sanitizers were told.
 * Passwords are given to servers in variables, and stay there. */
static void pick_environment(char *out[ENVIRONMENT_MAX + 1])
{
    static const char *const names[] = {
        "LD_LIBRARY_PATH=", "PATH=",         "LANG=",        "ASAN_OPTIONS=",
        "UBSAN_OPTIONS=",   "TSAN_OPTIONS=", "LSAN_OPTIONS="};
    size_t count = 0;
    for (char **variable = environ; *variable != NULL && count < ENVIRONMENT_MAX; variable++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (strncmp(*variable, names[i], strlen(names[i])) == 0) {
                out[count++] = *variable;
                break;
            }
        }
    }
    out[count] = NULL;
}

static int prepare_actions(posix_spawn_file_actions_t *actions, int socket)
{
    int result = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (result == 0)
        result = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    if (result == 0)
        result = posix_spawn_file_actions_adddup2(actions, socket, WORKER_DESCRIPTOR);
    return result;
}

static int prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int result = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (result == 0)
        result = posix_spawnattr_setsigmask(attributes, &none);
    if (result == 0)
        result = posix_spawnattr_setsigdefault(attributes, &all);
    return result;
}

static int spawn(const char *path, posix_spawn_file_actions_t *actions,
                 posix_spawnattr_t *attributes, pid_t *pid)
{
    char name[] = "firn-worker";
    char *arguments[] = {name, NULL};
    char *environment[ENVIRONMENT_MAX + 1];
    pick_environment(environment);
    return posix_spawn(pid, path, actions, attributes, arguments, environment);
}

Status process_spawn(const char *path, int socket, int64_t *pid, Error *error)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t child = 0;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return error_out_of_memory(error);
    int result = posix_spawnattr_init(&attributes);
    if (result == 0) {
        result = prepare_actions(&actions, socket);
        if (result == 0)
            result = prepare_attributes(&attributes);
        if (result == 0)
            result = spawn(path, &actions, &attributes, &child);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    if (result != 0)
        return error_set_errno(error, result, "start the engine's worker process", path);
    *pid = child;
    return OK;
}

void process_kill(int64_t pid)
{
    ASSERT(pid > 0);
    (void)kill((pid_t)pid, SIGKILL);
}

bool process_reap(int64_t pid, int *signal)
{
    int state = 0;
    pid_t ended = waitpid((pid_t)pid, &state, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR))
        return false;
    *signal = ended > 0 && WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    return true;
}
