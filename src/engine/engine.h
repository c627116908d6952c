/* Engine: log, memtables and cold files kept one truth (design/engine.md is its protocol).
 *
 * Writers look keys up, lock them, and pass one sequencer that orders everything; one committer
 * makes groups durable and, at the hand-out point, advances the visible sequence, installs what
 * waited for it, acknowledges, and passes changes on, in this order, in one step. Readers pin
 * super-versions and one visible sequence together. Flush, compaction and DDL change what is
 * installed, never what a pin sees.
 *
 * Tables, records of upper rooms and jobs are known here by id only; names are the catalog's.
 *
 * Threading: any thread unless said otherwise. Ownership: tables, pins and batches are handles with
 * explicit ends. Errors: LOG_POISONED after the log refused a write: reads go on, writes are
 * refused until the engine is opened again; STALLED where a writer waited too long for room. */
#ifndef FIRN_ENGINE_ENGINE_H
#define FIRN_ENGINE_ENGINE_H

#include "cold/cold.h"
#include "log/log.h"
#include "memtable/memtable.h"
#include "stream/stream.h"

typedef struct Engine Engine;
typedef struct EngineTable EngineTable;

enum {
    ENGINE_TABLES_IN_STATEMENT_MAX = 256,
    SEALED_MEMTABLES_MAX = 8, /* of one table; writers wait at it */
};

/* ---- kinds of frames in the log ---- */

typedef enum RecordFrameKind {
    FRAME_ROW = 2,        /* one row operation */
    FRAME_COLD = 3,       /* a cold commit: flush, one owner's flush, compaction */
    FRAME_DEFINITION = 4, /* DDL: an upper record and what it does to tables here */
    FRAME_CEILING = 5,    /* sequences up to here may be given out */
    FRAME_UPPER = 32,     /* and above: records of upper rooms, opaque here */
} RecordFrameKind;

/* ---- what the engine asks of the rooms above ---- */

typedef enum FlushTrigger {
    TRIGGER_ROWS,
    TRIGGER_INTERVAL,
    TRIGGER_BYTES,
    TRIGGER_MEMORY,
    TRIGGER_LOG,
    TRIGGER_COMMAND,
    TRIGGER_START,
} FlushTrigger;

const char *flush_trigger_name(FlushTrigger trigger);

typedef struct EngineHooks {
    void *context;

    /* Recovery: the upper part of a checkpoint, then the upper payload of each FRAME_DEFINITION and
     * FRAME_UPPER record behind it, in order. Tables are registered from here, with
     * engine_recover_table. */
    Status (*recover_checkpoint)(void *context, Slice payload, Error *error);
    Status (*recover_record)(void *context, uint8_t kind, uint64_t seq, Slice payload,
                             Error *error);

    /* The upper part of a checkpoint: the state as of everything appended until now. Called under
     * the sequencer: must be quick and must not call the engine; `finish` is called outside with
     * what it returned. */
    void *(*checkpoint_begin)(void *context);
    Status (*checkpoint_finish)(void *context, void *begun, Buffer *out, Error *error);

    /* A flush or compaction of the table is wanted (any thread, maybe under the sequencer: queue it
     * and return). May be called again while one is queued. */
    void (*flush_wanted)(void *context, uint64_t table_id, FlushTrigger trigger);
    void (*compaction_wanted)(void *context, uint64_t table_id);

    /* After a group was acknowledged: its frames, and what is visible now. On the committer's
     * thread: must not wait. */
    void (*handed_out)(void *context, LogChunk *chunk, uint64_t visible);

    /* The name of an owner, for folders and `_user`; and back. */
    Status (*owner_name)(void *context, OwnerId owner, Arena *arena, Slice *out, Error *error);
    OwnerId (*owner_of)(void *context, Slice name);

    /* Something in the background failed; the engine tries again. */
    void (*background_error)(void *context, const char *what, uint64_t table_id,
                             const Error *error);
} EngineHooks;

/* ---- opening ---- */

typedef struct EngineOptions {
    const char *directory; /* DATA */
    LogOptions log;
    uint64_t log_bytes_max; /* not flushed */
    int64_t feed_retention_us;
    uint64_t feed_bytes_max;
    uint64_t memory_bytes_max;   /* of all memtables */
    uint32_t stall_soft_percent; /* of memory and log bytes: writers are slowed */
    uint32_t stall_hard_percent; /* writers wait */
    uint32_t sealed_soft;        /* sealed memtables of one table */
    uint32_t sealed_hard;
    int64_t snapshot_age_max_ns;
    uint64_t snapshot_bytes_max;
    uint64_t row_cache_bytes;
    uint32_t key_files_open_max; /* descriptors for key indexes */
    uint32_t snapshots_max;      /* Iceberg snapshots kept */
    bool seals_only_by_command;  /* tests: no trigger flushes */
} EngineOptions;

typedef struct EngineRecovery {
    LogRecovery log;
    uint64_t rows_replayed;
    uint64_t rows_skipped; /* already settled */
    uint64_t records_applied;
    int64_t duration_ns;
    int64_t replay_ns;
    bool used_checkpoint;
    uint32_t foreign_metadata; /* vN files that were not ours, moved aside */
} EngineRecovery;

/* Locks the directory, recovers, starts the committer. `io` and `hooks` outlive the engine. */
CHECKED Status engine_open(Env *env, const EngineOptions *options, const EngineHooks *hooks,
                           DataFileIo *io, Engine **out, EngineRecovery *recovery, Error *error);

/* Commits what is pending, writes a checkpoint, and closes. Every batch and pin must be ended. */
CHECKED Status engine_close(Engine *engine, Error *error);

/* For tests: lets go of everything as a killed process would, without writing. */
void engine_abandon(Engine *engine);

Env *engine_env(const Engine *engine);
uint64_t engine_visible(const Engine *engine);
uint64_t engine_head(const Engine *engine);
uint64_t engine_next_id(Engine *engine); /* for tables, users, jobs …: never given twice */
bool engine_is_poisoned(const Engine *engine);
Log *engine_log(Engine *engine); /* for readers and statistics; borrowed */

/* Waits until everything up to `seq` is visible; LOG_POISONED where it never will be. */
CHECKED Status engine_wait_visible(Engine *engine, uint64_t seq, Error *error);

/* Limits changed while running. */
void engine_set_limits(Engine *engine, const EngineOptions *options);

/* ---- tables ---- */

typedef struct TablePolicy { /* all given: defaults are resolved by the catalog */
    int64_t flush_rows;
    int64_t flush_interval_ns;
    int64_t flush_bytes;
    int64_t ttl_us; /* STREAM */
    int64_t snapshot_retention_us;
    int64_t target_file_bytes;
    uint32_t small_files_max;
    uint32_t deleted_percent_max;
    uint32_t delete_files_max;
    char compression[8];
    uint8_t format_version;
} TablePolicy;

typedef struct TableDefinition {
    Schema *schema;             /* table id inside; a reference is taken */
    Schema *const *old_schemas; /* earlier versions, for replay */
    uint32_t old_schema_count;
    TablePolicy policy;
    const char *folder; /* absolute; of the cold tier or of the stream's windows */
    Slice namespace_name;
    Slice table_name;
    uint8_t uuid[16];
    int64_t created_us;
} TableDefinition;

/* The table for use: one more reference; NULL where it is not (or no longer) there. */
EngineTable *engine_table(Engine *engine, uint64_t table_id);
void engine_table_release(EngineTable *table);
uint64_t engine_table_id(const EngineTable *table);
Schema *engine_table_schema(EngineTable *table); /* the installed one; a new reference */
/* The absolute path of a file of the table's folder. */
CHECKED Status engine_table_path(const EngineTable *table, const char *relative, Path *out,
                                 Error *error);
void engine_table_set_policy(EngineTable *table, const TablePolicy *policy);
void engine_table_policy(EngineTable *table, TablePolicy *out);

/* All of them, each with a reference; the array is in the arena. */
CHECKED Status engine_tables(Engine *engine, Arena *arena, EngineTable ***out, size_t *count,
                             Error *error);

/* Only inside the recovery hooks: the table exists from here on (a later call for the same id
 * replaces its definition), or is gone. */
CHECKED Status engine_recover_table(Engine *engine, const TableDefinition *definition,
                                    Error *error);
void engine_recover_drop(Engine *engine, uint64_t table_id);

/* ---- definitions: DDL and other records of the rooms above ---- */

typedef enum TableChangeKind {
    TABLE_CHANGE_CREATE,
    TABLE_CHANGE_DROP,
    TABLE_CHANGE_TRUNCATE,
    TABLE_CHANGE_ALTER,
} TableChangeKind;

typedef struct TableChange {
    TableChangeKind kind;
    uint64_t table_id;
    const TableDefinition *definition; /* CREATE, ALTER */
} TableChange;

typedef struct Definition {
    Slice payload; /* the upper record; handed back at recovery */
    const TableChange *changes;
    size_t change_count;
    /* Under the tables' exclusive locks, with everything written before visible: may refuse the
     * definition by what rows there are. NULL: nothing to ask. */
    Status (*check)(void *context, Error *error);
    void *check_context;
    /* In the step in which the record is appended (under the sequencer), and in the hand-out step
     * in which visible passes it. Both quick, neither may call the engine. */
    void (*appended)(void *context, uint64_t seq);
    void (*install)(void *context, uint64_t seq);
    void *context;
    int64_t lock_deadline_ns; /* monotonic, for the tables' exclusive locks: LOCK_NOT_AVAILABLE */
} Definition;

/* One DDL statement, whole: locks, seals, appends, installs with visible. Returns when it is
 * durable and visible. */
CHECKED Status engine_define(Engine *engine, const Definition *definition, uint64_t *seq,
                             Error *error);

/* A record of an upper room that touches no table (jobs, tokens): appended; durable and visible
 * when it returns, unless `wait` is false. */
CHECKED Status engine_append_upper(Engine *engine, uint8_t kind, Slice payload,
                                   void (*appended)(void *context, uint64_t seq), void *context,
                                   bool wait, Error *error);

/* ---- reading: pins ---- */

typedef struct Pin Pin;

/* All tables at one moment, with the sequence visible at it. */
CHECKED Status pin_open(Engine *engine, EngineTable *const *tables, size_t count, Pin **out,
                        Error *error);
Pin *pin_clone(Pin *pin);
void pin_release(Pin *pin);
uint64_t pin_seq(const Pin *pin);

/* SNAPSHOT_TOO_OLD once the pin was cancelled by age or memory. */
CHECKED Status pin_check(const Pin *pin, Error *error);

/* One memtable as a pin sees it. */
typedef struct PinnedMemtable {
    Memtable *memtable;
    const OwnerId *without; /* owners whose rows were flushed out of it, ascending */
    size_t without_count;
} PinnedMemtable;

Schema *pin_schema(const Pin *pin, size_t table);        /* borrowed */
ColdVersion *pin_cold(const Pin *pin, size_t table);     /* borrowed */
StreamVersion *pin_stream(const Pin *pin, size_t table); /* borrowed; NULL: not a STREAM table */
size_t pin_memtables(const Pin *pin, size_t table, const PinnedMemtable **out); /* newest first */
EngineTable *pin_table(const Pin *pin, size_t table);                           /* borrowed */

/* Where a key's row stands for the pin. */
typedef enum RowPlace {
    ROW_NOWHERE,
    ROW_IN_MEMORY,
    ROW_IN_FILE,
} RowPlace;

typedef struct RowLocation {
    RowPlace place;
    const RecordHeader *record; /* IN_MEMORY; lives as long as the pin */
    Memtable *memtable;         /* IN_MEMORY: which one; borrowed from the pin */
    uint64_t file_id;           /* IN_FILE */
    uint32_t position;
    bool is_confirmed; /* IN_FILE: the stored key was compared */
    uint64_t seq;      /* IN_MEMORY: of the version found (also of a delete that hides it) */
} RowLocation;

typedef struct RowFound {
    RowLocation location;
    Slice row; /* of the pin's schema; in the arena or in memory of the pin */
    uint64_t seq;
    int64_t updated_us;
} RowFound;

/* Looks in memory only: ROW_NOWHERE with *may_be_cold where files have to be asked. */
void pin_find_hot(const Pin *pin, size_t table, Slice key, RowLocation *out, bool *may_be_cold);

/* The row of a key, from memory, the row cache or a file. *found is false where there is none. */
CHECKED Status pin_get(const Pin *pin, size_t table, Slice key, Arena *arena, RowFound *out,
                       bool *found, Error *error);

/* Rows of a STREAM table that were committed at or before this have expired for the pin: nothing
 * here shows them any more. INT64_MIN: none have. */
int64_t pin_expired_us(const Pin *pin, size_t table);

/* The rows of a STREAM table's window files that the pin sees, with keys in [from, to) (empty `to`:
 * no upper end), of one owner (0: all), those of one schema version together, in no order besides.
 * The record lives until the visitor returns; its row is of `schema`. */
typedef Status (*WindowVisitor)(void *context, Schema *schema, const RecordHeader *record,
                                Error *error);
CHECKED Status pin_visit_windows(const Pin *pin, size_t table, OwnerId owner, Slice from, Slice to,
                                 WindowVisitor visit, void *context, Error *error);

/* Bytes that those records take at most (record_whole_size, all of them together), and how many
 * schema versions they may be of. */
uint64_t pin_window_bytes(const Pin *pin, size_t table, OwnerId owner, size_t *schemas);

/* Rows in memory with keys in [from, to), merged over the memtables, newest version each, visible
 * at the pin's sequence, in key order (or backwards). Rows of files are not in it. */
typedef struct HotScan HotScan;
CHECKED Status hot_scan_open(const Pin *pin, size_t table, Slice from, Slice to, bool backward,
                             HotScan **out, Error *error);
const RecordHeader *hot_scan_next(HotScan *scan); /* NULL at the end */
Schema *hot_scan_schema(const HotScan *scan);     /* of the record given last; borrowed */
void hot_scan_close(HotScan *scan);

/* The record's row as one of another version of its schema, in the arena where it has to be
 * converted. */
CHECKED Status record_row_in(const RecordHeader *record, Schema *own, Schema *wanted, Arena *arena,
                             Slice *out, Error *error);

/* Could any file of the pin hold a row with a key in [from, to)? (Empty `to`: no upper end.) */
bool pin_has_cold_range(const Pin *pin, size_t table, Slice from, Slice to);

/* The rows with keys in [from, to), in order of the key, at most rows_max of them; in the arena.
 * *complete is false where they are more than can be read well like this, or lie in too many files:
 * then the analytic engine has to. */
typedef struct RangeRequest {
    Slice from;
    Slice to; /* empty: no upper end */
    bool backward;
    uint64_t rows_max;
} RangeRequest;

typedef struct RangeRow {
    Slice key;
    Slice row; /* of the pin's schema */
    uint64_t seq;
    int64_t updated_us;
} RangeRow;

CHECKED Status pin_read_range(const Pin *pin, size_t table, const RangeRequest *request,
                              Arena *arena, RangeRow **rows, size_t *count, bool *complete,
                              Error *error);

/* Positions of a file that memtables of the pin mark at its sequence, as a portable roaring bitmap
 * in the arena; empty where there are none. */
CHECKED Status pin_marks(const Pin *pin, size_t table, uint64_t file_id, Arena *arena, Slice *out,
                         Error *error);

/* The same for every file that has any, in order of id. */
typedef struct FileMarks {
    uint64_t file_id;
    Slice bitmap;
    uint64_t count;
} FileMarks;

CHECKED Status pin_all_marks(const Pin *pin, size_t table, Arena *arena, FileMarks **out,
                             size_t *count, Error *error);

typedef struct TableCount {
    uint64_t hot_rows;  /* visible rows in memory */
    uint64_t cold_rows; /* visible rows in files */
    uint64_t hot_bytes;
    uint64_t cold_bytes;
    uint64_t files;
} TableCount;

/* Exact counts at the pin; owner 0 counts all rows. Costs a walk over the hot records. */
CHECKED Status pin_count(const Pin *pin, size_t table, OwnerId owner, TableCount *out,
                         Error *error);

/* ---- writing ---- */

/* Takes `count` sequences out of the order, for use as numbers that nobody else ever gets (`_row`);
 * the first of them. They are below every sequence given out later. */
CHECKED Status engine_take_sequences(Engine *engine, uint64_t count, uint64_t *first, Error *error);

typedef struct WriteBatch WriteBatch;

typedef enum WriteKind {
    WRITE_PUT,
    WRITE_DELETE,
} WriteKind;

/* Holds the table shared from here to its end; waits for room before that (STALLED after
 * `deadline_ns`). `schema_version` is what the statement was bound to: SCHEMA_CHANGED where it is
 * not the table's any more. */
CHECKED Status write_open(Engine *engine, EngineTable *table, uint32_t schema_version,
                          int64_t deadline_ns, WriteBatch **out, Error *error);

/* One more table in the same transaction. Tables added in the order of their ids never make batches
 * wait for each other; in another order the deadline may have to. */
CHECKED Status write_add_table(WriteBatch *batch, EngineTable *table, uint32_t schema_version,
                               size_t *number, Error *error);

/* Ends it without writing, for who answers nothing that was found. */
void write_abandon(WriteBatch *batch);

/* Locks keys (encoded, any order, repeated ones once) of the batch's table `number`. Keys already
 * locked by the batch stay so, but may be let go for a moment: if that happens after write_pin,
 * write_commit says to look again. LOCK_NOT_AVAILABLE after the batch's deadline. More than
 * KEY_LOCKS_MAX keys take the batch's tables whole. */
enum { KEY_LOCKS_MAX = 100000 };
CHECKED Status write_lock_keys(WriteBatch *batch, size_t number, const Slice *keys, size_t count,
                               Error *error);

/* Instead of key locks: nobody else writes to the batch's tables until it ends. No table may be
 * added after this. What was locked before is let go on the way: find again what was found
 * (write_commit says so where the batch had pinned). */
CHECKED Status write_lock_tables(WriteBatch *batch, Error *error);

/* Pins the head after the locks: what write_find looks in. Again after write_commit said to look
 * again. */
CHECKED Status write_pin(WriteBatch *batch, Error *error);

/* Where the key's newest row stands at the head, durable or not; with `want_row` also the row. What
 * the batch itself has put is not seen. */
CHECKED Status write_find(WriteBatch *batch, size_t number, Slice key, bool want_row, Arena *arena,
                          RowFound *out, bool *found, Error *error);

/* Ends it without writing, for an answer that rests on what it found: returns when all of that is
 * visible, so that no crash takes away what the answer spoke of. */
CHECKED Status write_end_unchanged(WriteBatch *batch, Error *error);

typedef struct WriteOperation {
    size_t table; /* number in the batch */
    WriteKind kind;
    OwnerId owner;
    Slice key;
    Slice row;     /* PUT: of the batch's schema version */
    Slice old_row; /* what stood there, of the same schema; empty: nothing did */
    bool had_old;
    RowLocation old; /* as write_find gave it */
} WriteOperation;

/* Adds an operation; bytes are copied. A second one for a key that the batch has already is allowed
 * and follows it. */
CHECKED Status write_add(WriteBatch *batch, const WriteOperation *operation, Error *error);

typedef struct CommitResult {
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t updated_us;
} CommitResult;

/* Called on the committer's thread when the transaction is visible (status OK) or never will be. */
typedef void (*CommitCallback)(void *context, Status status, const CommitResult *result);

/* Sequences, logs and applies everything in one step, lets the locks go, and returns when it is
 * visible. SCHEMA_CHANGED: bind again (the batch is ended). WOULD_BLOCK: a compaction moved what
 * was found, or a key was locked too late; the batch is still open with its locks: call write_pin,
 * find again, write_reset, add again. Every other end of it ends the batch. */
CHECKED Status write_commit(WriteBatch *batch, CommitResult *out, Error *error);

/* The same without waiting: `callback` is called later, exactly once, if this returns OK. */
CHECKED Status write_commit_async(WriteBatch *batch, CommitCallback callback, void *context,
                                  Error *error);

/* Forgets the operations added; keeps locks. */
void write_reset(WriteBatch *batch);

/* The whole of a single-row write on a thread that must not wait: WOULD_BLOCK, with nothing done,
 * where a lock is taken, files have to be read, or writers are being slowed. `decide` sees the row
 * at the head (row empty, had_old false where none) and fills in the operation, or sets *skip and a
 * status of its own. */
typedef Status (*WriteDecision)(void *context, const RowFound *old, bool had_old,
                                WriteOperation *operation, bool *skip, Error *error);
CHECKED Status write_single(Engine *engine, EngineTable *table, uint32_t schema_version, Slice key,
                            WriteDecision decide, void *decide_context, CommitCallback callback,
                            void *callback_context, uint64_t *seen, bool *skipped, Error *error);

/* Deletes every row the owner has in a USER or STREAM table, some at a time, each step a change of
 * its own; what is written meanwhile may stay. Each step waits for locks and room for `timeout_ns`.
 * *count is right after an error too. */
CHECKED Status engine_delete_owner_rows(Engine *engine, EngineTable *table, OwnerId owner,
                                        int64_t timeout_ns, uint64_t *count, Error *error);

/* Has any of these owners (ascending) a file in the table? Which, then. */
bool engine_find_owner(EngineTable *table, const OwnerId *owners, size_t count, OwnerId *out);

/* ---- the rows of the log, read back (live queries) ---- */

typedef struct RowChange {
    uint64_t table_id;
    uint32_t schema_version;
    uint64_t seq;
    uint64_t transaction; /* as in LogFrame */
    bool ends_transaction;
    WriteKind kind;
    OwnerId owner;
    int64_t updated_us;
    Slice key;
    Slice row;     /* PUT */
    Slice old_row; /* where had_old */
    bool had_old;
} RowChange;

/* DATA_CORRUPTED where the payload is not one. Slices point into the frame. */
CHECKED Status row_change_decode(const LogFrame *frame, RowChange *out, Error *error);

/* What a FRAME_DEFINITION does to tables, in the arena: rows that it takes away (TRUNCATE, DROP)
 * have no frames of their own. DATA_CORRUPTED where the frame is none. */
typedef struct DefinedChange {
    TableChangeKind kind;
    uint64_t table_id;
} DefinedChange;

CHECKED Status definition_changes_decode(const LogFrame *frame, Arena *arena, DefinedChange **out,
                                         size_t *count, Error *error);

/* ---- settling: flush and compaction; run by jobs ---- */

typedef struct SettleResult {
    uint64_t rows;
    uint64_t bytes;
    uint64_t files;
    uint64_t files_removed;
    int64_t snapshot_id; /* -1: nothing was written */
    uint64_t first_seq;
    uint64_t last_seq;
    char first_path[256]; /* relative path of the first file written */
} SettleResult;

/* Progress between 0 and 1, from the thread that works; may return something other than OK to stop
 * at the next safe place. */
typedef Status (*SettleProgress)(void *context, double progress, Error *error);

typedef struct SettleRequest {
    Slice job_id;
    OwnerId owner; /* 0: the whole table */
    SettleProgress progress;
    void *context;
} SettleRequest;

/* Everything written before the call is in files when it returns. Nothing to do is OK. */
CHECKED Status engine_flush(Engine *engine, EngineTable *table, const SettleRequest *request,
                            SettleResult *out, Error *error);

/* Merges what the policy finds worth merging, or, with `everything`, all files of each partition
 * into ones of the target size, applying deletes. */
CHECKED Status engine_compact(Engine *engine, EngineTable *table, const SettleRequest *request,
                              bool everything, SettleResult *out, Error *error);

/* Would the policy compact it now? */
bool engine_wants_compaction(EngineTable *table);

/* Calls flush_wanted for tables whose time has come, and returns the monotonic time at which the
 * next one's comes (INT64_MAX: none). */
int64_t engine_check_intervals(Engine *engine);

/* ---- housekeeping; run by jobs ---- */

typedef struct SweepResult {
    uint64_t files_removed;
    uint64_t bytes_removed;
    uint64_t folders_removed;
} SweepResult;

/* Removes files of the table's folder that no retained snapshot, pin or running job names. */
CHECKED Status engine_sweep(Engine *engine, EngineTable *table, SweepResult *out, Error *error);

/* Would engine_sweep find anything? Would engine_expire_snapshots? (Jobs with nothing to do are not
 * made.) Where it cannot be told, they say yes. */
bool engine_has_orphans(EngineTable *table);
bool engine_has_expired(EngineTable *table);

/* Takes snapshots that are past the table's snapshot_retention out of its metadata; the sweep then
 * finds the files that only they named. *done says whether there were any. */
CHECKED Status engine_expire_snapshots(Engine *engine, EngineTable *table, bool *done,
                                       Error *error);

/* Takes the windows of a STREAM table all of whose time has expired out of it, and with `owner` (0:
 * nobody) every file of a dropped user; and removes the files as far as no pin needs them: what
 * stays is for the next call. */
CHECKED Status engine_evict_windows(Engine *engine, EngineTable *table, OwnerId owner,
                                    SweepResult *out, Error *error);

/* Would engine_evict_windows find a window that has expired? */
bool engine_has_expired_windows(EngineTable *table);

/* Removes the folder of a table that was dropped, once nothing pins it: OBJECT_IN_USE before. */
CHECKED Status engine_remove_folder(Engine *engine, uint64_t table_id, const char *folder,
                                    SweepResult *out, Error *error);

/* Expires log segments kept for feeds. */
CHECKED Status engine_expire_log(Engine *engine, Error *error);

CHECKED Status engine_checkpoint(Engine *engine, Error *error);

/* ---- statistics ---- */

typedef struct EngineStatistics {
    LogStatistics log;
    uint64_t head;
    uint64_t visible;
    uint64_t memory_active_bytes;
    uint64_t memory_sealed_bytes;
    uint64_t memory_active_rows;
    uint64_t memory_sealed_rows;
    uint64_t memory_mapped_bytes;
    uint32_t sealed_memtables;
    uint64_t commits;
    uint64_t commit_ns; /* from append to hand-out, summed */
    uint64_t snapshots_committed;
    uint64_t pins;
    int64_t oldest_pin_ns; /* age; 0: none */
    uint64_t pins_cancelled;
    uint64_t stalls;
    uint64_t stall_ns;
    const char *stall_reason; /* "" where nobody is stalled */
    uint64_t slowdowns;
    uint64_t oldest_unflushed_seq; /* 0: none */
    uint64_t unflushed_bytes;      /* of the log, what log_bytes_max bounds */
    uint64_t pinning_table;        /* the table that keeps the oldest log segment; 0: none */
    uint64_t row_cache_bytes;
    uint64_t row_cache_hits;
    uint64_t row_cache_misses;
    uint64_t checkpoints;
    uint64_t foreign_metadata;
    bool is_poisoned;
} EngineStatistics;

void engine_statistics(Engine *engine, EngineStatistics *out);

typedef struct TableStatistics {
    uint64_t active_rows;
    uint64_t active_bytes;
    uint64_t sealed_rows;
    uint64_t sealed_bytes;
    uint32_t sealed_memtables;
    uint64_t flushed_seq; /* everything up to here is settled */
    uint64_t last_seq;    /* newest in memory */
    bool needs_flush;
} TableStatistics;

void engine_table_statistics(EngineTable *table, TableStatistics *out);

#endif
