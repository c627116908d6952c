/* Protocol: what the server and a worker process say to each other, in frames (channel.h).
 *
 *     server to worker
 *      1 SETUP     WorkerSetup; descriptor: the ring. First, and once
 *      2 REGIONS   regions to map: each u64 id, u64 bytes; as many descriptors
 *      3 FORGET    u32 n, n u64 region ids; u32 n, n u64 bitmap ids
 *      4 BITMAP    u64 id, u64 rows of the file, sized roaring bitmap: kept by its id
 *      5 TABLE     u64 each, appended to the table of the RUN that comes
 *      6 RUN       WorkerRequest
 *      7 SLOT_FREE u32 slot of the ring: it was copied out
 *      8 STOP      nobody wants the rest of the rows
 *     worker to server
 *     16 READY     u32 version of this protocol
 *     17 SLOT      u32 slot, u32 bytes, u64 rows that end in it
 *     18 DONE      WorkerDone: the statement's end, with the last bytes
 *     19 FAILED    WorkerFailure: the statement's end
 *     20 STARTED   nothing: RUN was received. Who never says it was dead before, and did nothing
 *
 * A statement is REGIONS, BITMAP, TABLE and FORGET as needed, then RUN; the answer is STARTED,
 * any number of SLOTs and one DONE or FAILED. The ring is memory of SLOT_COUNT slots of SLOT_BYTES,
 * written by the worker and mapped read-only by the server: a slot is the worker's until its SLOT
 * is sent, and again after its SLOT_FREE. What varies in number is u32 n and n items; texts are
 * sized (varint length). A schema and a value have the forms of types/.
 *
 * Rows of results are bytes in slots, cut anywhere. JSON rows: one text with a comma between rows.
 * Packed rows, each begun at a multiple of 8 bytes:
 *     u32  size of the row          u32  leading columns n
 *     i64  each of the n first columns, which are not part of the row (NULL is 0)
 *     row  packed (types/row.h), then zeros up to a multiple of 8
 *
 * Either side may be hostile to the other: decoding checks every number against its maximum below,
 * takes nothing twice from shared memory, and follows no offset it has not compared with the size.
 *
 * Threading: pure functions. Ownership: what is decoded lives in the arena and points into the
 * bytes decoded; request_close releases its schemas. Errors: PROTOCOL_VIOLATION, OUT_OF_MEMORY. */
#ifndef FIRN_WORKER_PROTOCOL_H
#define FIRN_WORKER_PROTOCOL_H

#include "base/cursor.h"
#include "types/row.h"
#include "worker/channel.h"

typedef uint32_t WorkerOwner; /* OwnerId of types/key.h */

/* The engine's variable with the path of a Parquet file that has no rows. */
#define WORKER_NO_ROWS_VARIABLE "firn_no_rows"

enum {
    PROTOCOL_VERSION = 2,
    WORKER_DESCRIPTOR = 3, /* where a worker finds its socket */

    SLOT_BYTES = 256 << 10,
    SLOT_COUNT = 4,
    RING_BYTES = SLOT_BYTES * SLOT_COUNT,
    DONE_BYTES_MAX = 32 << 10, /* of rows that ride with DONE instead of a slot */

    REQUEST_BYTES_MAX = 256 << 20, /* body of a frame to a worker */
    ANSWER_BYTES_MAX = 64 << 10,   /* body of a frame to the server */

    REQUEST_REFERENCES_MAX = 1000,
    REQUEST_PARAMETERS_MAX = 65535 + 16,
    REQUEST_LEAD_MAX = 8,
    REQUEST_RESULTS_MAX = COLUMNS_MAX + REQUEST_LEAD_MAX,
    REFERENCE_FILES_MAX = 1 << 20,
    REFERENCE_HOT_MAX = 4096,
    REFERENCE_OWNERS_MAX = 1 << 22,
    HOT_BLOCKS_MAX = 1 << 20,
    ALIVE_SLOTS_MAX = 16,
    DELETE_LISTS_MAX = 1 << 20,
    SETUP_FOLDERS_MAX = 256,
    TABLE_PART_ITEMS_MAX = 32 << 10,
    TABLE_ITEMS_MAX = 1 << 28,
    BITMAPS_MAX = 16384, /* kept by a worker at a time */
};

_Static_assert(DONE_BYTES_MAX + 1024 <= ANSWER_BYTES_MAX, "DONE fits a frame");
_Static_assert(SLOT_BYTES >= DONE_BYTES_MAX, "a slot holds at least what DONE does");

typedef enum WorkerMessage {
    MESSAGE_SETUP = 1,
    MESSAGE_REGIONS = 2,
    MESSAGE_FORGET = 3,
    MESSAGE_BITMAP = 4,
    MESSAGE_TABLE = 5,
    MESSAGE_RUN = 6,
    MESSAGE_SLOT_FREE = 7,
    MESSAGE_STOP = 8,
    MESSAGE_READY = 16,
    MESSAGE_SLOT = 17,
    MESSAGE_DONE = 18,
    MESSAGE_FAILED = 19,
    MESSAGE_STARTED = 20,
} WorkerMessage;

/* ---- setting up ---- */

typedef struct WorkerSetup {
    uint32_t threads;          /* to begin with; each request says its own */
    uint64_t memory_bytes_max; /* DuckDB's memory_limit */
    uint64_t data_bytes_max;   /* RLIMIT_DATA; 0: none */
    uint64_t spill_bytes_max;  /* max_temp_directory_size, and of a held result */
    Slice spill_folder;        /* this worker's own, absolute */
    const Slice *folders;      /* where data lies, absolute: nothing else is opened */
    uint32_t folder_count;
} WorkerSetup;

void setup_encode(Buffer *out, const WorkerSetup *setup);
CHECKED Status setup_decode(Arena *arena, Slice bytes, WorkerSetup *out, Error *error);

/* ---- requests ---- */

/* A file that alive() is asked about. */
typedef struct WorkerFile {
    uint64_t row_count;
    uint64_t bitmap_id; /* of its committed deletes, sent before by BITMAP; 0: none */
    Slice marks;        /* portable roaring bitmap; empty: none */
} WorkerFile;

typedef struct WorkerBlock {
    uint64_t region_id;
    uint64_t offset; /* in the region, a multiple of 8 */
    uint64_t published;
    const uint32_t *offsets; /* of records in the block; NULL: all of them */
    uint32_t offset_count;
} WorkerBlock;

typedef struct WorkerHot {
    Schema *schema; /* of its records */
    const WorkerBlock *blocks;
    uint32_t block_count;
    const WorkerOwner *without; /* owners whose records are skipped, ascending */
    uint32_t without_count;
} WorkerHot;

typedef struct WorkerOwnerName {
    WorkerOwner owner;
    Slice name;
} WorkerOwnerName;

typedef struct WorkerReference {
    Schema *schema;
    uint64_t seq;
    bool has_owner; /* only records of this owner */
    WorkerOwner owner;
    bool with_owner_column;
    bool with_location;
    bool is_ordered; /* not a scan: the records that the table names (block << 32 | offset, blocks
                        of hot[0]), in its order */
    const WorkerOwnerName *owner_names; /* ascending by owner */
    uint32_t owner_name_count;
    const uint16_t *columns; /* column numbers that the SQL names */
    uint32_t column_count;
    const WorkerFile *files; /* in the order of file_index of alive_any */
    uint32_t file_count;
    const WorkerHot *hot;
    uint32_t hot_count;
} WorkerReference;

/* What alive_<slot>(file_row_number) is about. */
typedef struct AliveSlot {
    uint32_t reference;
    uint32_t file;
} AliveSlot;

/* One data file of a delete file being written. */
typedef struct DeleteList {
    Slice path;
    Slice positions; /* portable roaring bitmap */
} DeleteList;

typedef enum WorkerFormat {
    FORMAT_ROWS = 1,
    FORMAT_JSON = 2,
} WorkerFormat;

typedef struct WorkerRequest {
    Slice sql;
    WorkerFormat format;
    bool holds; /* no row is sent before the statement has ended well */
    uint32_t json_flags;
    uint32_t threads;
    uint64_t rows_max; /* 0: all */
    int64_t now_us;
    const Value *parameters;
    uint32_t parameter_count;
    const Type *result_types;
    uint32_t result_count;
    uint32_t lead_count; /* FORMAT_ROWS: so many integer columns stand before the packed row */
    const WorkerReference *references;
    uint32_t reference_count;
    AliveSlot alive_slots[ALIVE_SLOTS_MAX];
    uint32_t alive_slot_count;
    const DeleteList *deletes;
    uint32_t delete_count;
} WorkerRequest;

CHECKED Status request_encode(Buffer *out, const WorkerRequest *request, Error *error);
CHECKED Status request_decode(Arena *arena, Slice bytes, WorkerRequest *out, Error *error);

/* Releases the schemas of a decoded request. */
void request_close(WorkerRequest *request);

/* `_position` of a record in shared memory: its region's number above, its place in it below. */
enum { HOT_POSITION_BITS = 28 }; /* places are multiples of 8: regions up to 2 GiB */

static inline uint64_t hot_position(uint64_t region_id, uint64_t offset)
{
    return region_id << HOT_POSITION_BITS | offset / 8;
}

/* ---- small ones ---- */

typedef struct RegionAnnouncement {
    uint64_t id;
    uint64_t size;
} RegionAnnouncement;

void regions_encode(Buffer *out, const RegionAnnouncement *regions, uint32_t count);
CHECKED Status regions_decode(Slice bytes, RegionAnnouncement out[DESCRIPTORS_MAX], uint32_t *count,
                              Error *error);

typedef struct BitmapMessage {
    uint64_t id;
    uint64_t row_count;
    Slice roaring;
} BitmapMessage;

void bitmap_encode(Buffer *out, const BitmapMessage *bitmap);
CHECKED Status bitmap_decode(Slice bytes, BitmapMessage *out, Error *error);

/* Ids in the arena. */
typedef struct ForgetMessage {
    const uint64_t *regions;
    uint32_t region_count;
    const uint64_t *bitmaps;
    uint32_t bitmap_count;
} ForgetMessage;

void forget_encode(Buffer *out, const ForgetMessage *forget);
CHECKED Status forget_decode(Arena *arena, Slice bytes, ForgetMessage *out, Error *error);

/* ---- answers ---- */

typedef struct SlotMessage {
    uint32_t slot;
    uint32_t size;
    uint64_t rows;
} SlotMessage;

void slot_encode(Buffer *out, const SlotMessage *slot);
CHECKED Status slot_decode(Slice bytes, SlotMessage *out, Error *error);

typedef struct WorkerDone {
    uint64_t rows; /* in all */
    uint64_t hot_rows_read;
    uint64_t last_rows; /* that end in `last` */
    Slice last;         /* bytes behind those of the slots, at most DONE_BYTES_MAX */
} WorkerDone;

void done_encode(Buffer *out, const WorkerDone *done);
CHECKED Status done_decode(Slice bytes, WorkerDone *out, Error *error);

/* u8[5] SQLSTATE, i32 position, then message, detail, hint, internal text (sized). */
void failure_encode(Buffer *out, const Error *failure);

/* `*out` is the error that the worker reports: its texts are cut to what an Error holds and made
 * UTF-8. */
CHECKED Status failure_decode(Slice bytes, Error *out, Error *error);

#endif
