#include "server/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t waited_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void process_begin(void)
{
    sigset_t set = waited_signals();
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* threads started from here on inherit it */
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)umask(0027); /* the log holds everybody's rows: nothing of it is for other accounts */
    raise_descriptor_limit();
}

ProcessSignal process_wait(int timeout_ms)
{
    sigset_t set = waited_signals();
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    int number = 0;
    do
        number = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
    while (number < 0 && errno == EINTR);
    if (number == SIGHUP)
        return PROCESS_RELOAD;
    return number == SIGINT || number == SIGTERM ? PROCESS_STOP : PROCESS_NOTHING;
}

uint32_t process_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : (uint32_t)online;
}

uint64_t process_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    return pages <= 0 || page_bytes <= 0 ? 0 : (uint64_t)pages * (uint64_t)page_bytes;
}

const char *const *process_environment(void)
{
    return (const char *const *)(const void *)environ;
}

bool process_sibling(const char *name, Path *out)
{
    Path own;
    Error error;
    ssize_t size = readlink("/proc/self/exe", own.text, sizeof own.text - 1);
    if (size <= 0 || (size_t)size >= sizeof own.text - 1)
        return false;
    own.text[size] = '\0';
    char *slash = strrchr(own.text, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return path_join(out, own.text, name, &error) == OK;
}

/* Everything it writes that fits; NUL-terminated. */
static void read_all(int descriptor, char *out, size_t size)
{
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used + 1 < size) {
        got = read(descriptor, out + used, size - 1 - used);
        if (got > 0)
            used += (size_t)got;
    }
    while (used > 0 && out[used - 1] == '\n')
        used--;
    out[used] = '\0';
}

bool process_ask(const char *program, const char *argument, char *out, size_t size)
{
    int ends[2];
    pid_t child;
    int state = -1;
    char *arguments[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0)
        return false;
    bool is_set = posix_spawn_file_actions_init(&actions) == 0 &&
                  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0 &&
                  posix_spawn_file_actions_addclose(&actions, ends[0]) == 0;
    bool is_run = is_set && posix_spawn(&child, program, &actions, NULL, arguments, environ) == 0;
    (void)close(ends[1]);
    if (is_run) {
        read_all(ends[0], out, size);
        is_run = waitpid(child, &state, 0) == child && state == 0;
    }
    (void)close(ends[0]);
    if (is_set)
        (void)posix_spawn_file_actions_destroy(&actions);
    return is_run;
}

void process_end_now(int code)
{
    _exit(code);
}
