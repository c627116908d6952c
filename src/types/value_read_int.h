/* Parts of reading values from text that casts and functions use too.
 *
 * Threading: pure functions. Ownership: results in the arena or in the text. Errors: PostgreSQL's.
 */
#ifndef FIRN_TYPES_VALUE_READ_INT_H
#define FIRN_TYPES_VALUE_READ_INT_H

#include "types/value.h"

/* VARCHAR(n) and CHAR(n): what is too long is cut, or is 22001 unless only blanks go. */
CHECKED Status text_apply_length(Type type, Slice text, bool cuts, Value *out, Error *error);

/* Pairs of digits, white space between them. */
CHECKED Status hex_decode(Arena *arena, Slice text, Slice *out, Error *error);

/* BYTEA's escape form: \\ and \ooo. */
CHECKED Status escape_decode(Arena *arena, Slice text, Slice *out, Error *error);

/* VECTOR(n): 22000 where the dimension is another (a 0: any). */
CHECKED Status vector_check_dimension(Type type, uint32_t count, Error *error);

/* "22003" texts of pgvector for what is no finite float. */
CHECKED Status vector_check_element(float x, Error *error);

/* '{…}' with elements of the array's type; the clock as in value_from_text_at. */
CHECKED Status array_from_text(Arena *arena, Type type, Slice text, int64_t now_us, Value *out,
                               Error *error);
CHECKED Status vector_from_text(Arena *arena, Type type, Slice text, Value *out, Error *error);

#endif
