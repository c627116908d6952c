/* Private to the two halves of protocol.c: what they share. */
#ifndef FIRN_WORKER_PROTOCOL_INT_H
#define FIRN_WORKER_PROTOCOL_INT_H

#include "worker/protocol.h"

/* Reads a count and makes a zeroed array of so many items: at most `count_max`, and no more than
 * the rest of the bytes can hold at `bytes_min` each. `*count` and the array are set on success. */
CHECKED Status decode_array(Arena *arena, Cursor *cursor, uint32_t count_max, size_t bytes_min,
                            size_t item_bytes, uint32_t *count, void **out, Error *error);

CHECKED Status protocol_violation(Error *error, const char *what);

/* PROTOCOL_VIOLATION unless everything was read and nothing was missing. */
CHECKED Status decode_end(const Cursor *cursor, const char *what, Error *error);

#endif
