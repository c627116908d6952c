/* Log: the one ordered, checksummed, group-committed sequence of records that is the database.
 *
 * Writers append frames to a group buffer under the caller's own lock (the engine's sequencer); one
 * committer thread writes and syncs whole groups while the next one fills. What a frame means is
 * the engine's affair. The format is at the top of segment.c.
 *
 * Threading: log_reserve, log_append, log_notify and log_take_group under the caller's lock (the
 * sequencer); log_wait and log_write_group by the committer only; the rest by any thread.
 * Ownership: LogChunk is reference counted; everything else belongs to the Log.
 * Errors: DISK_FULL from log_reserve, before anything was appended, and writing works again when
 * there is room. A failed write or sync poisons the log: LOG_POISONED from then on, for ever (in
 * this process); what is on disk decides at the next open. DATA_CORRUPTED at open for damage that
 * is not a torn tail. */
#ifndef FIRN_LOG_LOG_H
#define FIRN_LOG_LOG_H

#include "base/env.h"

typedef struct Log Log;

/* A place in the endless stream of frames: bytes from its very beginning. */
typedef uint64_t LogPosition;

enum {
    LOG_FRAME_BYTES_MAX = 512 << 20,
    LOG_SEGMENT_HEADER_BYTES = 4096,
};

typedef enum LogDurability {
    LOG_ALWAYS,   /* acknowledged after fdatasync */
    LOG_INTERVAL, /* acknowledged after write; synced every interval */
    LOG_NONE,     /* acknowledged after write; synced when the system likes */
} LogDurability;

typedef struct LogOptions {
    LogDurability durability;
    int64_t interval_ns;
    uint64_t segment_bytes;  /* of a full-grown segment; the first ones are smaller */
    uint32_t spare_segments; /* made ahead, beside the one kept for commit records */
} LogOptions;

/* ---- frames ---- */

enum LogFrameFlags {
    LOG_FRAME_COMMIT = 1, /* the last frame of its transaction: all of it counts from here on */
};

typedef struct LogFrame {
    LogPosition position; /* of its first byte */
    LogPosition end;      /* one past its last */
    uint64_t seq;
    uint64_t transaction; /* frames of one have one number; 0 inside one-frame transactions */
    uint8_t kind;         /* the engine's */
    uint8_t flags;        /* LogFrameFlags */
    Slice payload;
} LogFrame;

/* What each group says of itself. */
typedef struct LogGroupHeader {
    LogPosition durable;  /* synced when the group was written */
    uint64_t highest_seq; /* assigned so far */
    int64_t wall_us;      /* when it was written */
} LogGroupHeader;

typedef Status (*LogVisitor)(void *context, const LogFrame *frame, Error *error);

/* ---- opening and recovery ---- */

typedef struct LogRecovery {
    uint64_t segments;
    uint64_t frames; /* from the start position to the end, whole transactions only */
    uint64_t bytes;
    LogPosition end;      /* one past the last whole transaction */
    LogPosition durable;  /* the highest that a group called synced */
    LogPosition first;    /* where the oldest segment that is there begins */
    uint64_t highest_seq; /* of any frame or group header seen */
    int64_t last_wall_us; /* of the last group */
    uint64_t torn_bytes;  /* of the tail that was dropped */
    bool found_any;       /* a segment was there */
} LogRecovery;

/* Opens the folder, checks every frame from `from` (0: the first segment) on, and decides where the
 * torn tail begins. Damage below a position that a later valid group calls durable is refused:
 * DATA_CORRUPTED, with segment and offset, and nothing is changed. So are a first segment that
 * begins beyond `from` and a missing one. The log cannot be written before log_start. */
CHECKED Status log_open(Env *env, const char *directory, const LogOptions *options,
                        LogPosition from, Log **out, LogRecovery *recovery, Error *error);

/* Calls `visit` for every frame of whole transactions from `from` to the end that log_open found.
 */
CHECKED Status log_replay(Log *log, LogPosition from, LogVisitor visit, void *context,
                          Error *error);

/* Writes the undecided tail (whatever no group header called durable) again into a new segment and
 * syncs it, then starts writing. `seq` names the segment: never used before, and below every
 * sequence appended later. */
CHECKED Status log_start(Log *log, uint64_t seq, Error *error);

/* Stops the thread that zeroes segments ahead and closes the files. Groups not committed are lost:
 * commit them first. */
void log_close(Log *log);

/* ---- appending (under the sequencer) ---- */

/* Makes sure that `frames` frames with `bytes` of payload in all fit and have space on disk.
 * `for_commit_record` may use the space kept for cold commits and checkpoints. DISK_FULL or
 * LOG_POISONED otherwise, with nothing changed. */
CHECKED Status log_reserve(Log *log, size_t frames, size_t bytes, bool for_commit_record,
                           Error *error);

/* Cannot fail after its reserve. The payload is the parts one after the other. Returns the end. */
LogPosition log_append(Log *log, uint8_t kind, uint8_t flags, uint64_t seq, uint64_t transaction,
                       const Slice *parts, size_t part_count);

/* Tells the committer that something is there; after the last append of a batch. */
void log_notify(Log *log);

LogPosition log_appended(const Log *log); /* end of what was appended */
size_t log_pending_bytes(const Log *log); /* appended, not taken by the committer yet; any thread */

/* The group that holds what was just appended must be synced whatever the mode. */
void log_require_sync(Log *log);

/* ---- committing ---- */

/* The frames of one group, shared with live queries. */
typedef struct LogChunk LogChunk;
LogChunk *log_chunk_clone(LogChunk *chunk);
void log_chunk_release(LogChunk *chunk);

/* Walks the frames of a chunk, without group headers; false at the end. `at` starts at 0. */
bool log_chunk_next(const LogChunk *chunk, size_t *at, LogFrame *out);

typedef struct LogGroup {
    LogChunk *chunk;     /* NULL: nothing was appended */
    LogPosition end;     /* appended up to here */
    LogPosition durable; /* set by log_write_group: synced up to here */
    uint64_t highest_seq;
    bool must_sync;
    bool changes_segment; /* private, with the next two: it becomes the start of a new segment */
    uint64_t next_number;
    uint64_t next_bytes;
} LogGroup;

/* The committer: waits until frames are there, a sync is due, log_wake was called or `deadline_ns`
 * passed. */
void log_wait(Log *log, int64_t deadline_ns);
void log_wake(Log *log); /* any thread */

/* Takes what was appended as one group; under the sequencer, so that its end is what was applied.
 * The caller writes it and then releases its chunk. */
void log_take_group(Log *log, uint64_t highest_seq, LogGroup *out);

/* The committer: writes the group and syncs as the durability says; a group that must be synced,
 * and a change of segment, sync in every mode. An empty group may still sync what is due. After an
 * error the log is poisoned. */
CHECKED Status log_write_group(Log *log, LogGroup *group, Error *error);

bool log_is_poisoned(const Log *log);

/* ---- durability, changed while running ---- */

void log_set_durability(Log *log, LogDurability durability, int64_t interval_ns);
LogDurability log_durability(const Log *log);

/* ---- reading back: resume of live queries ---- */

typedef struct LogReader LogReader;

/* Reads frames from `from` (a frame's position) up to what is written at each moment. NOT_FOUND
 * where the segment is gone already. Segments are kept while a reader stands in them. */
CHECKED Status log_reader_open(Log *log, LogPosition from, LogReader **out, Error *error);
void log_reader_close(LogReader *reader);

/* *has is false where everything up to `until` was read; the payload lives until the next call. */
CHECKED Status log_reader_next(LogReader *reader, LogPosition until, LogFrame *out, bool *has,
                               Error *error);

/* The position of the first frame with a sequence >= seq; NOT_FOUND where the log does not reach
 * back so far. */
CHECKED Status log_find(Log *log, uint64_t seq, LogPosition *out, Error *error);

/* ---- release and retention ---- */

/* Frames below `position` are not needed for recovery any more: whole segments below it go to the
 * feed account. */
void log_release(Log *log, LogPosition position);

/* Removes released segments older than `before_wall_us` or beyond `bytes_max`, the oldest first,
 * but none that a reader stands in. A failed unlink is counted and tried again at the next call. */
CHECKED Status log_expire(Log *log, int64_t before_wall_us, uint64_t bytes_max, Error *error);

/* ---- statistics ---- */

typedef struct LogStatistics {
    uint64_t segments;         /* that hold frames */
    uint64_t bytes_unreleased; /* of frames recovery may need */
    uint64_t bytes_released;   /* of segments kept for feeds */
    uint64_t syncs;            /* successful ones, of log data */
    uint64_t sync_ns;          /* spent in them */
    uint64_t groups;
    uint64_t frames;
    uint64_t bytes_written;
    uint64_t unlink_failures;
    LogPosition written;
    LogPosition durable;
    LogPosition released;
    uint64_t first_seq; /* oldest sequence that can still be read; 0: none */
} LogStatistics;

void log_statistics(const Log *log, LogStatistics *out);

#endif
