/* Keys: values encoded so that memcmp orders them as SQL does, and no key is a prefix of another.
 *
 *     owner    USER and STREAM tables: the owner's id, u32 big-endian, first
 *     parts    one after the other, each begun by a tag byte
 *         0x01 NULL (indexes only; keys have none), first
 *         0x02 value:
 *             BOOLEAN                u8
 *             integers, DATE, TIME,
 *             TIMESTAMP(TZ)          i64 big-endian with the sign bit turned: one family, so that
 *                                    widening a column keeps its keys
 *             REAL, DOUBLE           IEEE double big-endian; negative: all bits turned, else the
 *                                    sign bit; -0 as +0, every NaN as one above infinity
 *             DECIMAL                16 bytes big-endian two's complement at the column's scale,
 *                                    sign bit turned
 *             TEXT VARCHAR CHAR
 *             BYTEA                  bytes, 0x00 as 0x00 0xff, ended by 0x00 0x01
 *             UUID                   16 bytes
 * The end mark 0x00 0x01 is below every continuation (0x00 0xff, or a byte above), so a shorter
 * text sorts first and never meets a longer one's prefix.
 *
 * Threading: pure functions. Errors: PROGRAM_LIMIT_EXCEEDED above KEY_BYTES_MAX. */
#ifndef FIRN_TYPES_KEY_H
#define FIRN_TYPES_KEY_H

#include "types/row.h"

enum {
    KEY_BYTES_MAX = 16 << 10,
    OWNER_BYTES = 4,
};

typedef uint32_t OwnerId; /* a user's id; 0: a table without owners */

void key_put_owner(Buffer *out, OwnerId owner);
void key_put_value(Buffer *out, Type type, const Value *value);

/* The key of a packed row: owner where the schema has one, then its key columns. Clears `out`
 * first. */
CHECKED Status key_of_row(const Schema *schema, OwnerId owner, Slice row, Buffer *out,
                          Error *error);

/* The same from one value for each key column, in key order; fewer values give a prefix. */
CHECKED Status key_of_values(const Schema *schema, OwnerId owner, const Value *values,
                             uint32_t count, Buffer *out, Error *error);

/* The owner at the front of a key of a table that has owners. */
OwnerId key_owner(Slice key);

/* Turns a prefix into the first key above all that begin with it; false where there is none. */
bool key_after_prefix(Buffer *prefix);

/* "(1, abc)" for messages and key_min/key_max. Damaged keys give "?". */
void key_put_text(const Schema *schema, Slice key, Buffer *out);

/* Reads the key back into values in key order. DATA_CORRUPTED where it is not one. */
CHECKED Status key_to_values(const Schema *schema, Slice key, Arena *arena, Value *out,
                             Error *error);

#endif
