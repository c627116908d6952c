#include "worker/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* A sanitizer maps terabytes of its own, all of which RLIMIT_DATA counts: with it the worker would
 * end at its first allocation. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

/* Raising one's own score is always allowed; a system without the file has no such choice. */
static void offer_to_oom_killer(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, "1000", 4);
    (void)written;
    (void)close(file);
}

static Status set_limit(int resource, const char *name, uint64_t bytes, Error *error)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0
               ? OK
               : error_set_errno(error, errno, "limit", name);
}

Status limits_begin(Error *error)
{
    /* The signal follows the thread that spawned us: the server keeps one for that. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return error_set_errno(error, errno, "prctl", "parent's death");
    (void)prctl(PR_SET_NAME, "firn-worker");
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    offer_to_oom_killer();
    return set_limit(RLIMIT_CORE, "core", 0, error);
}

Status limits_restrict(uint64_t data_bytes_max, Error *error)
{
    if (data_bytes_max == 0 || HAS_SANITIZER)
        return OK;
    return set_limit(RLIMIT_DATA, "data", data_bytes_max, error);
}
