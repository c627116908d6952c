#include "live/encoding_int.h"

#include "base/hash.h"
#include "live/live_int.h"

enum { ENCODING_BUCKETS = 1024 };

typedef struct Encoding {
    struct Encoding *next;
    struct Encoding *older; /* of all */
    uint64_t hash;
    Slice key;
    LiveMessage *messages;
    size_t count;
} Encoding;

struct LiveEncodings {
    LiveFrameMaker maker;
    Arena arena;
    EncodingWork work;
    Encoding *buckets[ENCODING_BUCKETS];
    Encoding *newest;
    uint64_t written;
    uint64_t shared;
};

/* ---- life ---- */

Status encodings_create(const LiveFrameMaker *maker, LiveEncodings **out, Error *error)
{
    LiveEncodings *encodings = MEMORY_NEW(LiveEncodings);
    if (encodings == NULL)
        return error_out_of_memory(error);
    encodings->maker = *maker;
    arena_open(&encodings->arena, 0);
    encodings->work.maker = &encodings->maker;
    encodings->work.arena = &encodings->arena;
    buffer_open(&encodings->work.key, 0);
    buffer_open(&encodings->work.body, 0);
    buffer_open(&encodings->work.change, 0);
    *out = encodings;
    return OK;
}

static void release_frames(const LiveFrameMaker *maker, const LiveMessage *messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        maker->release(messages[i].frame);
}

void encodings_clear(LiveEncodings *encodings)
{
    while (encodings->newest != NULL) {
        Encoding *encoding = encodings->newest;
        encodings->newest = encoding->older;
        encodings->buckets[encoding->hash % ENCODING_BUCKETS] = NULL;
        release_frames(&encodings->maker, encoding->messages, encoding->count);
    }
    arena_reset(&encodings->arena);
}

void encodings_destroy(LiveEncodings *encodings)
{
    encodings_drop(encodings);
    encodings_clear(encodings);
    memory_free(encodings->work.messages);
    buffer_close(&encodings->work.key);
    buffer_close(&encodings->work.body);
    buffer_close(&encodings->work.change);
    arena_close(&encodings->arena);
    memory_free(encodings);
}

void encodings_count(LiveEncodings *encodings, uint64_t *written, uint64_t *shared)
{
    *written = encodings->written;
    *shared = encodings->shared;
    encodings->written = 0;
    encodings->shared = 0;
}

/* ---- writing ---- */

EncodingWork *encodings_work(LiveEncodings *encodings)
{
    return &encodings->work;
}

Status encoding_add_message(EncodingWork *work, Slice body, Error *error)
{
    if (work->message_count == work->message_capacity) {
        size_t capacity = work->message_capacity * 2 + 4;
        LiveMessage *grown = memory_resize(work->messages, capacity * sizeof(LiveMessage));
        if (grown == NULL)
            return error_out_of_memory(error);
        work->messages = grown;
        work->message_capacity = capacity;
    }
    void *frame = work->maker->make(work->maker->context, body);
    if (frame == NULL)
        return error_out_of_memory(error);
    work->messages[work->message_count++] = (LiveMessage){frame, body.size};
    return OK;
}

void encodings_drop(LiveEncodings *encodings)
{
    EncodingWork *work = &encodings->work;
    release_frames(&encodings->maker, work->messages, work->message_count);
    work->message_count = 0;
}

/* ---- sharing ---- */

bool encodings_find(LiveEncodings *encodings, const LiveMessage **messages, size_t *count)
{
    Slice key = buffer_slice(&encodings->work.key);
    uint64_t hash = hash_64(key);
    Encoding *encoding = encodings->buckets[hash % ENCODING_BUCKETS];
    while (encoding != NULL && (encoding->hash != hash || !slice_equal(encoding->key, key)))
        encoding = encoding->next;
    if (encoding == NULL)
        return false;
    encodings->shared++;
    *messages = encoding->messages;
    *count = encoding->count;
    return true;
}

Status encodings_keep(LiveEncodings *encodings, const LiveMessage **messages, size_t *count,
                      Error *error)
{
    EncodingWork *work = &encodings->work;
    Encoding *encoding = ARENA_NEW(&encodings->arena, Encoding);
    if (encoding == NULL)
        return arena_error(&encodings->arena, error);
    encoding->messages = ARENA_ARRAY(&encodings->arena, LiveMessage, work->message_count);
    if (encoding->messages == NULL)
        return arena_error(&encodings->arena, error);
    TRY(arena_clone(&encodings->arena, buffer_slice(&work->key), &encoding->key, error));
    memcpy(encoding->messages, work->messages, work->message_count * sizeof(LiveMessage));
    encoding->count = work->message_count;
    encoding->hash = hash_64(encoding->key);
    encoding->next = encodings->buckets[encoding->hash % ENCODING_BUCKETS];
    encodings->buckets[encoding->hash % ENCODING_BUCKETS] = encoding;
    encoding->older = encodings->newest;
    encodings->newest = encoding;
    work->message_count = 0; /* the frames are the encoding's now */
    encodings->written++;
    *messages = encoding->messages;
    *count = encoding->count;
    return OK;
}

/* ---- frames that are only their bytes ---- */

typedef struct PlainFrame {
    _Atomic uint32_t references;
    size_t size;
    uint8_t bytes[];
} PlainFrame;

static void *plain_make(void *context, Slice body)
{
    (void)context;
    PlainFrame *frame = memory_allocate(sizeof(PlainFrame) + body.size);
    if (frame == NULL)
        return NULL;
    atomic_init(&frame->references, 1);
    frame->size = body.size;
    memcpy(frame->bytes, body.data, body.size);
    return frame;
}

static void *plain_clone(void *context)
{
    PlainFrame *frame = context;
    atomic_fetch_add(&frame->references, 1);
    return frame;
}

static void plain_release(void *context)
{
    PlainFrame *frame = context;
    if (atomic_fetch_sub(&frame->references, 1) == 1)
        memory_free(frame);
}

const LiveFrameMaker live_plain_frames = {NULL, plain_make, plain_clone, plain_release};

Slice live_plain_frame_body(const void *frame)
{
    const PlainFrame *plain = frame;
    return slice_of(plain->bytes, plain->size);
}
