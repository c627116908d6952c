/* Private to live: frames in order, from a group in memory or from the log's files.
 *
 * Threading: one thread at a time. Ownership: a chunk is borrowed, a reader is the source's own.
 * Errors: those of LogReader. */
#ifndef FIRN_LIVE_SOURCE_INT_H
#define FIRN_LIVE_SOURCE_INT_H

#include "log/log.h"

typedef struct LiveSource {
    const LogChunk *chunk; /* or */
    Log *log;
    LogReader *reader;
    size_t at;            /* in the chunk */
    LogPosition until;    /* the log is written up to here, as far as known … */
    uint64_t seq_max;     /* … and handed out up to here: frames above it are not given yet */
    LogPosition position; /* behind the frame taken last */
    LogFrame frame;       /* the next one, where has_frame */
    bool has_frame;
} LiveSource;

void source_of_chunk(const LogChunk *chunk, LiveSource *out);
CHECKED Status source_of_log(Log *log, LogPosition from, LiveSource *out, Error *error);
void source_close(LiveSource *source);

/* A log's source gives frames up to `seq_max` from now on. Everything up to it must be written. */
void source_extend(LiveSource *source, uint64_t seq_max);

/* The next frame without taking it; NULL where there is none now. Its payload lives until the next
 * call after source_take (a chunk's: as long as the chunk). */
CHECKED Status source_peek(LiveSource *source, const LogFrame **out, Error *error);
void source_take(LiveSource *source);

/* Must a payload be copied to outlive the next frame? */
static inline bool source_is_fleeting(const LiveSource *source)
{
    return source->chunk == NULL;
}

/* The last sequence of the transaction whose frame is the next one. */
CHECKED Status source_commit_seq(LiveSource *source, uint64_t *out, Error *error);

#endif
