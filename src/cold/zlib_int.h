/* zlib with this house's memory, so that a failed allocation is an error like any other.
 *
 * Threading: as zlib's, a stream is one thread's. */
#ifndef FIRN_COLD_ZLIB_INT_H
#define FIRN_COLD_ZLIB_INT_H

#include <zlib.h>

#include "base/memory.h"

static inline voidpf zlib_allocate(voidpf unused, uInt count, uInt size)
{
    (void)unused;
    return memory_allocate_zeroed(count, size);
}

static inline void zlib_free(voidpf unused, voidpf memory)
{
    (void)unused;
    memory_free(memory);
}

static inline z_stream zlib_stream(void)
{
    return (z_stream){.zalloc = zlib_allocate, .zfree = zlib_free};
}

#endif
