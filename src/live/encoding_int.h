/* Private to live: batches written as messages, kept while one slice of a transaction is delivered,
 * so that the next subscriber with the same changes and columns gets the same frames. */
#ifndef FIRN_LIVE_ENCODING_INT_H
#define FIRN_LIVE_ENCODING_INT_H

#include "base/arena.h"
#include "base/buffer.h"
#include "live/encode.h"

/* What is being written. */
typedef struct EncodingWork {
    const LiveFrameMaker *maker;
    Arena *arena;
    Buffer key; /* all that the messages depend on */
    Buffer body;
    Buffer change;
    LiveMessage *messages; /* so far */
    size_t message_count;
    size_t message_capacity;
} EncodingWork;

EncodingWork *encodings_work(LiveEncodings *encodings);

/* What was written under work->key already. */
bool encodings_find(LiveEncodings *encodings, const LiveMessage **messages, size_t *count);

/* One more message of the work. */
CHECKED Status encoding_add_message(EncodingWork *work, Slice body, Error *error);

/* Keeps the work's messages under its key; or lets them go. */
CHECKED Status encodings_keep(LiveEncodings *encodings, const LiveMessage **messages, size_t *count,
                              Error *error);
void encodings_drop(LiveEncodings *encodings);

#endif
