/* Durations and sizes as people write them: in SQL's clauses and options, and in the configuration.
 *
 *     duration   60s 250ms 5m 2h 7d, a bare number is seconds
 *     size       64MB 64MiB 64M 16KiB 1G, powers of 1024 all of them, a bare number is bytes
 * Units in any case, no space, no sign, no fraction.
 *
 * Threading: pure functions. Ownership: none. Errors: false where the text is anything else or too
 * large for 63 bits; callers know which option it stood in and say so. */
#ifndef FIRN_SQL_QUANTITY_H
#define FIRN_SQL_QUANTITY_H

#include "base/slice.h"

#define QUANTITY_CHECKED __attribute__((warn_unused_result))

QUANTITY_CHECKED bool duration_from_text(Slice text, int64_t *milliseconds);
QUANTITY_CHECKED bool size_from_text(Slice text, int64_t *bytes);

/* The same in the other direction, in the largest unit that leaves no rest: "60s" is "1m". */
enum { QUANTITY_TEXT_BYTES_MAX = 32 };
void duration_put_text(int64_t milliseconds, char out[QUANTITY_TEXT_BYTES_MAX]);
void size_put_text(int64_t bytes, char out[QUANTITY_TEXT_BYTES_MAX]);

#endif
