/* Hashes and checksums. Threading: pure functions. */
#ifndef FIRN_BASE_HASH_H
#define FIRN_BASE_HASH_H

#include "base/slice.h"

/* XXH3 with 64 bits: key indexes on disk and tables in memory. Its value is part of a format. */
uint64_t hash_64(Slice s);
uint64_t hash_64_seeded(Slice s, uint64_t seed);

/* CRC32C (Castagnoli, as RFC 3720 has it), the checksum of every frame and block on disk.
 * `crc` is the value so far, 0 at the start. By the processor's instruction where it has one. */
uint32_t crc32c(uint32_t crc, Slice s);

#endif
