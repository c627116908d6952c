/* Shared memory of the real Env: a memfd that only its maker may write.
 *
 * The writable mapping is made first and the seals after it: the kernel then refuses every later
 * writable mapping and every change of size, in every process, but keeps this one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/env_int.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static Status give_up(int descriptor, const char *verb, const char *name, Error *error)
{
    int number = errno;
    (void)close(descriptor);
    return error_set_errno(error, number, verb, name);
}

Status real_shared_memory_open(Env *env, const char *name, size_t size, SharedMemory *out,
                               Error *error)
{
    (void)env;
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0)
        return error_set_errno(error, errno, "make shared memory", name);
    if (ftruncate(descriptor, (off_t)size) != 0)
        return give_up(descriptor, "size shared memory", name, error);
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (data == MAP_FAILED)
        return give_up(descriptor, "map shared memory", name, error);
    int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    if (fcntl(descriptor, F_ADD_SEALS, seals) != 0) {
        Status status = give_up(descriptor, "seal shared memory", name, error);
        ASSERT(munmap(data, size) == 0);
        return status;
    }
    *out = (SharedMemory){.data = data, .size = size, .descriptor = descriptor};
    return OK;
}

void real_shared_memory_close(Env *env, SharedMemory *memory)
{
    (void)env;
    if (memory->data == NULL)
        return;
    ASSERT(munmap(memory->data, memory->size) == 0);
    ASSERT(close(memory->descriptor) == 0);
    *memory = (SharedMemory){.descriptor = -1};
}
