/* What the reader and the writer of position sets share (the format is at the top of
 * position_set.c). For this folder only. */
#ifndef FIRN_COLD_POSITION_SET_INT_H
#define FIRN_COLD_POSITION_SET_INT_H

#include "cold/position_set.h"

enum {
    POSITION_SET_COOKIE = 12346,
    POSITION_SET_COOKIE_RUNS = 12347,
    POSITION_SET_ARRAY_MAX = 4096,  /* values in an array container */
    POSITION_SET_BITS_BYTES = 8192, /* of a bit container */
};

/* How many containers a set has; the key of one; and its values as bits, which were all zero. */
uint32_t position_set_containers(Slice set);
uint32_t position_set_key(Slice set, uint32_t container);
void position_set_load(Slice set, uint32_t container, uint8_t bits[POSITION_SET_BITS_BYTES]);

#endif
