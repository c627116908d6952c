/* Token book: the refresh tokens that were used or given back, until they would have expired.
 *
 * A refresh token serves once: its id is entered here, durably, before new tokens are given for it.
 *
 *     record (FRAME_TOKEN)    offset 0  u8   version, 1
 *                             1         u64  token id
 *                             9         i64  expiry, µs since 1970
 *     checkpoint              u32 count, then count records without their version
 *
 * Threading: any thread. Ownership: plain values. Errors: INVALID_AUTHORIZATION for a token that is
 * entered already; TOO_MANY_REQUESTS at TOKENS_REVOKED_MAX; DATA_CORRUPTED for a malformed record.
 */
#ifndef FIRN_DATABASE_TOKEN_BOOK_H
#define FIRN_DATABASE_TOKEN_BOOK_H

#include "engine/engine.h"

typedef struct TokenBook TokenBook;

enum {
    FRAME_TOKEN = FRAME_UPPER + 1,
    TOKENS_REVOKED_MAX = 1 << 18,
};

CHECKED Status token_book_open(Env *env, TokenBook **out, Error *error);
void token_book_close(TokenBook *book);

/* Enters it and makes that durable. */
CHECKED Status token_book_revoke(TokenBook *book, Engine *engine, uint64_t token_id,
                                 int64_t expires_us, Error *error);

CHECKED Status token_book_recover_record(TokenBook *book, Slice payload, Error *error);
CHECKED Status token_book_recover_checkpoint(TokenBook *book, Slice payload, Error *error);
void token_book_encode(TokenBook *book, Buffer *out);

#endif
