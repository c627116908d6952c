/* Private to log.
 *
 * On disk: log/<16 hex digits of a sequence>.log, made ahead as log/spare-<n>. All integers are
 * little-endian, frames are 8-byte aligned.
 *
 *     segment header, LOG_SEGMENT_HEADER_BYTES, the rest of it zero
 *        0  8   magic "FIRNLOG1"
 *        8  4   CRC32C of bytes [12, 64)
 *       12  4   format version (1)
 *       16  8   segment id, grows by one, never used twice
 *       24  8   base: position of its first frame. Everything below it was durable when the
 *               segment was made: what an older segment holds from here on does not count
 *       32  8   the first sequence that may be in it
 *       40  8   wall clock, µs
 *       48  8   salt: random, so that what an attempt at this segment left behind is not it
 *       56  8   zero
 *     frame, at file offset LOG_SEGMENT_HEADER_BYTES + (position - base)
 *        0  4   CRC32C of segment id, salt, position (u64 each) and bytes [4, 32 + size)
 *        4  4   size of the payload
 *        8  8   sequence
 *       16  8   transaction
 *       24  1   kind
 *       25  1   flags
 *       26  2   0x17f1
 *       28  4   zero
 *       32  …   payload, then zeros up to 8-byte alignment
 *     payload of a group header (kind 0): durable position, highest sequence, wall clock µs
 *     payload of a seal (kind 1): id of the next segment, which exists: it is made before the seal.
 *         A seal stands at its segment's end position and takes no position itself.
 *
 * The checksum covers segment id, salt and position, so an old frame in a recycled file is never
 * valid, nor is one in a spare that a crash or an error kept from becoming the segment of that id.
 */
#ifndef FIRN_LOG_LOG_INT_H
#define FIRN_LOG_LOG_INT_H

#include "base/breakage.h"
#include "base/fault.h"
#include "log/log.h"

enum {
    FRAME_HEADER_BYTES = 32,
    FRAME_MAGIC = 0x17f1,
    LOG_FRAME_GROUP = 0,
    LOG_FRAME_SEAL = 1,
    LOG_FRAME_KIND_MIN = 2, /* kinds of the caller begin here */
    GROUP_PAYLOAD_BYTES = 24,
    SEAL_PAYLOAD_BYTES = 8,
    GROUP_FRAME_BYTES = FRAME_HEADER_BYTES + GROUP_PAYLOAD_BYTES,
    SEAL_FRAME_BYTES = FRAME_HEADER_BYTES + SEAL_PAYLOAD_BYTES,
    SEGMENT_FORMAT = 1,
    SEGMENT_BYTES_MIN = 1 << 20,
    SEGMENT_NAME_DIGITS = 16,
    SPARES_MAX = 8,
    SEGMENTS_READY = 2,             /* for the group being written, and for the one being filled */
    CHUNK_BYTES_KEPT_MAX = 4 << 20, /* a larger group's buffer is not kept for the next one */
};

struct LogChunk {
    _Atomic uint32_t references;
    Log *log;          /* where an unused one goes back to */
    Buffer frames;     /* begins with the group header */
    LogPosition begin; /* of the group header */
    uint64_t frame_count;
    LogChunk *next_free;
};

typedef struct Spare {
    uint64_t number; /* log/spare-<number> */
    uint64_t file_bytes;
} Spare;

/* A segment that holds frames. */
typedef struct Segment {
    uint64_t id;
    uint64_t salt;
    uint64_t first_seq;
    LogPosition base;
    LogPosition end;     /* one past its last frame; grows in the current one */
    uint64_t file_bytes; /* size of the file */
    File *file;          /* open in the current one, else NULL */
    char name[SEGMENT_NAME_DIGITS + 5];
    uint32_t readers; /* LogReaders that stand in it */
    bool released;
    int64_t released_us;  /* wall clock */
    int64_t last_wall_us; /* of its last group header, 0: unknown */
} Segment;

struct Log {
    Env *env;
    Path directory;
    LogOptions options;

    /* Under the sequencer (the caller's lock). */
    LogChunk *filling;
    LogPosition appended;
    bool filling_must_sync;
    uint64_t room; /* bytes that the current segment has left for groups not taken yet */
    bool has_next; /* the spare that the group being filled will need … */
    Spare next;
    uint64_t next_room; /* … and the bytes it has for it */

    Mutex expiry; /* one log_expire at a time, or it could leave a hole; taken before the mutex */
    Mutex mutex;  /* everything below; never held while the disk works */
    Condition committer; /* the committer waits */
    Condition preparer;  /* the thread that makes spares waits */
    bool committer_waits;
    bool wake_committer;
    bool closing;
    bool started;
    Thread *preparer_thread;
    Status preparer_status; /* of its last attempt */
    uint64_t next_spare_number;
    Spare spares[SPARES_MAX];
    uint32_t spare_count;
    Segment **segments; /* oldest first; the last is the current one */
    size_t segment_count;
    size_t segment_capacity;
    Segment *segments_ready[SEGMENTS_READY]; /* so that a change of segment needs no memory */
    size_t segments_ready_count;
    uint64_t next_segment_id;
    LogChunk *free_chunks;
    LogDurability durability;
    int64_t interval_ns;
    LogStatistics statistics;

    /* The committer only (and log_start, before there is one). */
    Segment *current;
    Buffer scratch; /* of a segment's header, allocated at open */
    int64_t last_sync_ns;

    _Atomic bool poisoned;
    _Atomic uint64_t pending_bytes;
    _Atomic uint64_t total_bytes; /* appended in this log's life, as far as known: sizes segments */

    /* Recovery. */
    LogPosition recovered_from;
    LogPosition recovered_end;   /* one past the last whole transaction */
    LogPosition recovered_known; /* below it everything was called durable */
};

/* ---- frames (frame.c) ---- */

typedef enum FrameCheck {
    FRAME_VALID,
    FRAME_NONE, /* all zero where a frame could begin: nothing was written here */
    FRAME_BAD,
} FrameCheck;

static inline size_t frame_bytes(size_t payload)
{
    return FRAME_HEADER_BYTES + ((payload + 7) & ~(size_t)7);
}

/* Puts header, payload and padding; the checksum is set by frame_finish. */
void frame_put(Buffer *out, uint8_t kind, uint8_t flags, uint64_t seq, uint64_t transaction,
               const Slice *parts, size_t part_count);
void frame_finish(uint8_t *frame, const Segment *segment, LogPosition position);

/* Sets the checksums of all frames in a run of them. */
void frames_finish(uint8_t *frames, size_t size, const Segment *segment, LogPosition begin);

/* The frame at the start of `bytes`, which reaches to the end of what is known of the file. */
FrameCheck frame_check(Slice bytes, const Segment *segment, LogPosition position, LogFrame *out);

/* Splits a frame that is known to be whole (memory of ours). */
void frame_split(const uint8_t *frame, LogPosition position, LogFrame *out);
void group_header_put(Buffer *out, const LogGroupHeader *header);
bool group_header_get(const LogFrame *frame, LogGroupHeader *out);

/* ---- segments (segment.c) ---- */

CHECKED Status segment_path(const Log *log, const char *name, Path *out, Error *error);
void segment_name(uint64_t seq, char out[SEGMENT_NAME_DIGITS + 5]);
bool segment_name_parse(Slice name, uint64_t *seq);
void segment_header_put(Buffer *out, const Segment *segment, int64_t wall_us);
CHECKED Status segment_header_read(const Log *log, Segment *segment, Error *error);

/* Memory for every segment that may be begun before the next call. Any thread. */
CHECKED Status segments_reserve(Log *log, Error *error);

/* Adds it at the end, with memory that was reserved; the current one from now on. */
void segments_add(Log *log, const Segment *segment);

/* Makes the spare into the segment `segment` (id, base and first_seq are set; it is named after
 * first_seq); `content` (frames with checksums for its id) is written behind its header. Durable
 * when it returns, its file open. */
CHECKED Status segment_make(Log *log, const Spare *spare, Slice content, Segment *segment,
                            Error *error);
CHECKED Status segment_close(Segment *segment, Error *error);

/* Which segment holds the position, or segment_count. Under the mutex. */
size_t segment_find(const Log *log, LogPosition position);

/* ---- spares (spare.c) ---- */

void spare_path(const Log *log, uint64_t number, Path *out);
CHECKED Status spares_adopt(Log *log, Error *error); /* at open: those left behind */
CHECKED Status spare_prepare_now(Log *log, uint64_t bytes, Error *error);

/* A spare of at least `bytes`, such that at least `kept` others stay; made now where there is none.
 */
CHECKED Status spare_take(Log *log, uint64_t bytes, uint32_t kept, Spare *out, Error *error);
void spare_give_back(Log *log, const Spare *spare);
void spare_run(void *log);                            /* the preparer's thread */
bool spare_recycle(Log *log, const Segment *segment); /* an expired segment's file; under no lock */
uint64_t segment_bytes_wanted(const Log *log);        /* of the next one: they grow with the log */
uint64_t segment_bytes_least(const Log *log);

/* ---- reading segments (scan.c) ---- */

/* Reads a segment's file piece by piece and hands out frames. */
typedef struct SegmentScan {
    Log *log;
    const Segment *segment;
    File *file;
    Buffer bytes;    /* a window of the file */
    uint64_t window; /* file offset of its first byte */
    uint64_t file_bytes;
    LogPosition position; /* of the next frame */
    LogPosition limit;    /* frames that reach beyond it do not count; UINT64_MAX: the file's end */
} SegmentScan;

CHECKED Status segment_scan_open(Log *log, const Segment *segment, LogPosition from,
                                 LogPosition limit, SegmentScan *out, Error *error);
void segment_scan_close(SegmentScan *scan);

/* The frame at scan->position; FRAME_VALID moves on (a seal does not). Its payload lives until the
 * next call. */
CHECKED Status segment_scan_next(SegmentScan *scan, FrameCheck *check, LogFrame *out, Error *error);

/* The first valid frame in the rest of the file that claims a durable position above
 * scan->position: *claim, or 0 where there is none. */
CHECKED Status segment_scan_claim(SegmentScan *scan, LogPosition *claim, Error *error);

/* Pins the segment that holds the position (reader.c); NULL where it is gone. *limit is where its
 * frames end to count: the base of the next one, or UINT64_MAX. */
Segment *segment_pin(Log *log, LogPosition position, LogPosition *limit);
void segment_unpin(Log *log, Segment *segment);

/* ---- recovery (recover.c) ---- */

CHECKED Status log_recover(Log *log, LogPosition from, LogRecovery *recovery, Error *error);

/* Marks the log poisoned and says so in the error. */
Status log_poison(Log *log, Error *error);

#endif
