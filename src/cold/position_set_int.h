/* Constants of the roaring format (its table of bytes is at the top of position_set.c). */
#ifndef FIRN_COLD_POSITION_SET_INT_H
#define FIRN_COLD_POSITION_SET_INT_H

enum {
    POSITION_SET_COOKIE = 12346,
    POSITION_SET_COOKIE_RUNS = 12347,
    POSITION_SET_ARRAY_MAX = 4096,  /* values in an array container */
    POSITION_SET_BITS_BYTES = 8192, /* of a bit container */
};

#endif
