/* Private to base: the checksum without the processor's instruction, so that a test can reach it on
 * processors that have it. */
#ifndef FIRN_BASE_HASH_INT_H
#define FIRN_BASE_HASH_INT_H

#include "base/slice.h"

uint32_t crc32c_plain(uint32_t crc, Slice s);

#endif
