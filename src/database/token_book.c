#include "database/token_book.h"

#include "base/assert.h"
#include "base/cursor.h"

enum { RECORD_VERSION = 1, SLOTS_FIRST = 64 };

/* Ids are random, so they are their own hash. 0 is a free slot and never an id. */
typedef struct Revoked {
    uint64_t id;
    int64_t expires_us;
} Revoked;

struct TokenBook {
    Env *env;
    Mutex mutex; /* a leaf */
    Revoked *slots;
    size_t slot_count; /* a power of two */
    size_t count;
};

Status token_book_open(Env *env, TokenBook **out, Error *error)
{
    TokenBook *book = MEMORY_NEW(TokenBook);
    if (book == NULL)
        return error_out_of_memory(error);
    book->slots = memory_allocate_zeroed(SLOTS_FIRST, sizeof(Revoked));
    if (book->slots == NULL) {
        memory_free(book);
        return error_out_of_memory(error);
    }
    book->slot_count = SLOTS_FIRST;
    book->env = env;
    mutex_open(&book->mutex, env, "token_book");
    *out = book;
    return OK;
}

void token_book_close(TokenBook *book)
{
    if (book == NULL)
        return;
    mutex_close(&book->mutex);
    memory_free(book->slots);
    memory_free(book);
}

/* Where the id stands, or would. */
static Revoked *find_slot(Revoked *slots, size_t slot_count, uint64_t id)
{
    size_t at = id & (slot_count - 1);
    while (slots[at].id != 0 && slots[at].id != id)
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

/* Room for one more: without those that have expired, in more slots if needed. */
static Status make_room(TokenBook *book, Error *error)
{
    if (book->count + 1 <= book->slot_count / 2)
        return OK;
    int64_t now_us = env_wall_us(book->env);
    size_t kept = 0;
    for (size_t i = 0; i < book->slot_count; i++)
        kept += book->slots[i].id != 0 && book->slots[i].expires_us > now_us;
    if (kept >= TOKENS_REVOKED_MAX)
        return error_set(error, STATUS_TOO_MANY_REQUESTS, "too many refresh tokens were used");
    size_t slot_count = SLOTS_FIRST;
    while (slot_count < (kept + 1) * 4)
        slot_count *= 2;
    Revoked *slots = memory_allocate_zeroed(slot_count, sizeof(Revoked));
    if (slots == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < book->slot_count; i++) {
        if (book->slots[i].id != 0 && book->slots[i].expires_us > now_us)
            *find_slot(slots, slot_count, book->slots[i].id) = book->slots[i];
    }
    memory_free(book->slots);
    book->slots = slots;
    book->slot_count = slot_count;
    book->count = kept;
    return OK;
}

/* *is_new is false where it was there. With the mutex held. */
static Status enter(TokenBook *book, Revoked revoked, bool *is_new, Error *error)
{
    TRY(make_room(book, error));
    Revoked *slot = find_slot(book->slots, book->slot_count, revoked.id);
    *is_new = slot->id == 0;
    if (*is_new) {
        *slot = revoked;
        book->count++;
    }
    return OK;
}

Status token_book_revoke(TokenBook *book, Engine *engine, uint64_t token_id, int64_t expires_us,
                         Error *error)
{
    bool is_new;
    if (token_id == 0)
        return error_of(error, STATUS_INVALID_AUTHORIZATION);
    mutex_lock(&book->mutex);
    Status status = enter(book, (Revoked){token_id, expires_us}, &is_new, error);
    mutex_unlock(&book->mutex);
    TRY(status);
    if (!is_new)
        return error_set(error, STATUS_INVALID_AUTHORIZATION, "the refresh token was used already");
    Buffer record;
    buffer_open(&record, 0);
    buffer_put_u8(&record, RECORD_VERSION);
    buffer_put_u64(&record, token_id);
    buffer_put_u64(&record, (uint64_t)expires_us);
    status = buffer_status(&record, error);
    if (status == OK)
        status = engine_append_upper(engine, FRAME_TOKEN, buffer_slice(&record), NULL, NULL, true,
                                     error);
    buffer_close(&record);
    return status;
}

static Status recover(TokenBook *book, Cursor *cursor, Error *error)
{
    bool is_new;
    Revoked revoked;
    revoked.id = cursor_u64(cursor);
    revoked.expires_us = (int64_t)cursor_u64(cursor);
    if (cursor->failed || revoked.id == 0)
        return error_set(error, STATUS_DATA_CORRUPTED, "a token record is damaged");
    mutex_lock(&book->mutex);
    Status status = enter(book, revoked, &is_new, error);
    mutex_unlock(&book->mutex);
    return status;
}

Status token_book_recover_record(TokenBook *book, Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint8_t version = cursor_u8(&cursor);
    if (version != RECORD_VERSION)
        return error_set_format(error, "a token record", version, RECORD_VERSION);
    return recover(book, &cursor, error);
}

Status token_book_recover_checkpoint(TokenBook *book, Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint32_t count = cursor_u32(&cursor);
    if (cursor.failed)
        return error_set(error, STATUS_DATA_CORRUPTED, "the list of tokens is damaged");
    for (uint32_t i = 0; i < count; i++)
        TRY(recover(book, &cursor, error));
    return OK;
}

void token_book_encode(TokenBook *book, Buffer *out)
{
    mutex_lock(&book->mutex);
    buffer_put_u32(out, (uint32_t)book->count);
    for (size_t i = 0; i < book->slot_count; i++) {
        if (book->slots[i].id == 0)
            continue;
        buffer_put_u64(out, book->slots[i].id);
        buffer_put_u64(out, (uint64_t)book->slots[i].expires_us);
    }
    mutex_unlock(&book->mutex);
}
