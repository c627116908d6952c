/* Private to engine.
 *
 * Lock order (a thread that holds one may take those below it, never those above):
 *     define_mutex        one DDL statement or checkpoint at a time
 *     table_lock          shared by statements, exclusive by DDL (table_lock.c)
 *     flush_mutex         one flush of a table at a time
 *     cold_lock           one cold commit of a table at a time
 *     key locks           in order of hash within a statement (key_lock.c)
 *     sequencer           assigns order; log buffer, memtables, marks
 *     root                what is installed and visible; pins
 *     leaves              pins' and tables' small mutexes, log, marks, row cache, file cache
 * No disk is touched under sequencer or root. */
#ifndef FIRN_ENGINE_ENGINE_INT_H
#define FIRN_ENGINE_ENGINE_INT_H

#include "base/assert.h"
#include "base/breakage.h"
#include "base/fault.h"
#include "base/memory.h"
#include "engine/engine.h"

/* ---- memtables in their table's life (super_version.c) ---- */

/* A row here was replaced by a version in a newer memtable: at this one's flush that becomes a mark
 * there. */
typedef struct Superseded {
    RecordHeader *record;
    uint64_t seq;
    struct TableMemtable *newer; /* outlives this memtable's flush: flushes go oldest first */
} Superseded;

typedef struct TableMemtable {
    _Atomic uint32_t references;
    Engine *engine;
    Memtable *rows;

    /* Under the sequencer. */
    LogPosition first_position; /* where its first operation begins; UINT64_MAX: it has none */
    uint64_t hi;                /* last sequence applied */
    uint64_t operations;
    uint64_t bytes_counted; /* in engine->memory_bytes */
    bool sealed;
    bool flush_wanted; /* asked for already */
    Superseded *superseded;
    size_t superseded_count;
    size_t superseded_capacity;
    size_t notes_on_it;      /* notes of older memtables that name it: its marks have room */
    uint64_t *settled_files; /* ids of files made from it: RecordHeader.settled counts in here */
    size_t settled_file_count;
    int64_t first_put_ns; /* monotonic; 0: empty */
} TableMemtable;

CHECKED Status table_memtable_create(Engine *engine, Schema *schema, TableMemtable **out,
                                     Error *error);
TableMemtable *table_memtable_clone(TableMemtable *memtable);
void table_memtable_release(TableMemtable *memtable);

typedef struct SealedEntry {
    TableMemtable *memtable;
    OwnerId *without; /* ascending; owners flushed out of it */
    size_t without_count;
} SealedEntry;

typedef struct SuperVersion {
    _Atomic uint32_t references;
    EngineTable *table; /* whose list it is in; whoever holds a version holds its table */
    struct SuperVersion *next_alive; /* under root: the sweep leaves alone what any of them names */
    Schema *schema;
    TableMemtable *active;
    SealedEntry *sealed; /* newest first */
    size_t sealed_count;
    ColdVersion *cold;
    StreamVersion *stream;  /* STREAM tables; else NULL */
    PinnedMemtable *pinned; /* the same memtables as readers see them: active first */
} SuperVersion;

/* Takes a reference on everything. `without` arrays are copied. */
CHECKED Status super_version_create(EngineTable *table, Schema *schema, TableMemtable *active,
                                    const SealedEntry *sealed, size_t sealed_count,
                                    ColdVersion *cold, StreamVersion *stream, SuperVersion **out,
                                    Error *error);
SuperVersion *super_version_clone(SuperVersion *version);
void super_version_release(SuperVersion *version);

/* The entry that holds `rows`, or NULL where it is the active one or gone. */
const SealedEntry *super_version_sealed(const SuperVersion *version, const Memtable *rows);
bool owner_is_without(const OwnerId *without, size_t count, OwnerId owner);

/* ---- tables (table.c) ---- */

typedef struct TableLock {
    Mutex mutex;
    Condition changed;
    uint32_t shared;
    bool exclusive;
    uint32_t exclusive_waiting;
} TableLock;

void table_lock_open(TableLock *lock, Env *env);
void table_lock_close(TableLock *lock);
CHECKED Status table_lock_shared(TableLock *lock, int64_t deadline_ns, Error *error);
CHECKED Status table_lock_exclusive(TableLock *lock, int64_t deadline_ns, Error *error);
bool table_lock_try_shared(TableLock *lock);
void table_unlock_shared(TableLock *lock);
void table_unlock_exclusive(TableLock *lock);

/* What recovery has to know of a table: as of the last record appended (under the sequencer) it is
 * what a checkpoint writes. */
typedef struct OwnerFlushed {
    OwnerId owner;
    uint64_t hi;
} OwnerFlushed;

typedef struct ColdState {
    char metadata_path[128]; /* relative; STREAM: the manifest; "": nothing was ever committed */
    uint64_t hi;             /* everything up to here is settled … */
    OwnerFlushed *owners;    /* … and of these owners up to theirs; ascending by owner */
    size_t owner_count;
} ColdState;

void cold_state_close(ColdState *state);
uint64_t cold_state_hi(const ColdState *state, OwnerId owner); /* for rows of the owner */

/* Makes room so that cold_state_flush cannot fail. */
CHECKED Status cold_state_reserve(ColdState *state, Error *error);
void cold_state_flush(ColdState *state, OwnerId owner, uint64_t hi); /* owner 0: all */

struct EngineTable {
    _Atomic uint32_t references;
    Engine *engine;
    uint64_t id;
    TableKind kind;
    TableLock lock;
    Mutex flush_mutex;
    Mutex cold_lock;
    ColdTable *cold_table;
    char folder[PATH_BYTES_MAX];
    char stream_state[PATH_BYTES_MAX]; /* STREAM: the folder of manifests and key indexes */

    /* Under root. */
    SuperVersion *current;
    SuperVersion *alive;            /* all that exist, in any order */
    EngineTable *next_in_graveyard; /* dropped, but somebody holds it */
    bool in_graveyard;

    /* Under the sequencer; `current` is also written only under both. */
    uint32_t schema_version; /* of the newest definition appended */
    bool dropped;
    TablePolicy policy;         /* set by table_take_policy */
    _Atomic int64_t ttl_us;     /* of the policy; STREAM tables, else 0 */
    _Atomic int64_t expired_us; /* rows committed at or before this are gone; never goes back */
    ColdState appended;         /* as of the log's end */
    bool compaction_wanted;
    _Atomic uint64_t merge_rows;           /* compact.c; 0: the most */
    struct Compaction *pending_compaction; /* appended, not installed: marks go on both sides */

    /* Recovery only. */
    Schema **old_schemas;
    size_t old_schema_count;
    Schema *recovered_schema;

    EngineTable *next_in_bucket;
};

CHECKED Status table_create(Engine *engine, const TableDefinition *definition, EngineTable **out,
                            Error *error);
EngineTable *table_clone(EngineTable *table);
bool table_is_dropped(EngineTable *table);

/* What recovery found instead of what table_create made: the newest schema, an empty memtable of
 * it, the cold version of the last commit. */
CHECKED Status table_finish_recovery(EngineTable *table, Error *error);

/* Under the sequencer. `expires`: what the old TTL has let expire until now stays so (not in
 * recovery, where that TTL ended in the past). */
void table_take_policy(EngineTable *table, const TablePolicy *policy, bool expires);

/* Rows of the table that were committed at or before this are seen by nobody from now on: moves on
 * with the clock. INT64_MIN: a table whose rows do not expire. */
int64_t table_expired_us(EngineTable *table);

/* Swaps what is installed; under sequencer and root. The old one is to be released outside. */
SuperVersion *table_install(EngineTable *table, SuperVersion *version);

/* Takes a reference to what is installed. */
SuperVersion *table_current(EngineTable *table);

/* Makes the active memtable a sealed one, if it holds anything. Takes the cold lock, under which
 * alone super-versions change, and the sequencer. */
CHECKED Status table_seal(EngineTable *table, Error *error);

/* ---- the map of tables (table_map.c); under root ---- */

enum { TABLE_BUCKETS = 4096 };

EngineTable *table_map_find(Engine *engine, uint64_t id);
void table_map_add(Engine *engine, EngineTable *table); /* takes the reference */
EngineTable *table_map_remove(Engine *engine, uint64_t id);
void graveyard_add(Engine *engine, EngineTable *table);
void graveyard_remove(Engine *engine, EngineTable *table);
bool graveyard_has(Engine *engine, uint64_t id);

/* ---- key locks (key_lock.c) ---- */

enum { KEY_LOCK_STRIPES = 1024 };

typedef struct KeyLock {
    uint64_t hash; /* of table and key: two keys with one hash only wait for each other */
    struct KeyLock *next;
} KeyLock;

typedef struct KeyLockStripe {
    Mutex mutex;
    Condition released;
    KeyLock *held;
    uint32_t waiting;
} KeyLockStripe;

typedef struct KeyLocks {
    KeyLockStripe stripes[KEY_LOCK_STRIPES];
} KeyLocks;

void key_locks_open(KeyLocks *locks, Env *env);
void key_locks_close(KeyLocks *locks);
uint64_t key_lock_hash(uint64_t table_id, Slice key);
bool key_lock_try(KeyLocks *locks, KeyLock *lock);
CHECKED Status key_lock_wait(KeyLocks *locks, KeyLock *lock, int64_t deadline_ns, Error *error);
void key_lock_release(KeyLocks *locks, KeyLock *lock);

/* ---- the sequencer and what waits for it (sequencer.c, committer.c) ---- */

typedef struct CommitWaiter {
    struct CommitWaiter *next;
    uint64_t seq; /* waits until this is visible */
    CommitCallback callback;
    void *context;
    CommitResult result;
    int64_t appended_ns;
} CommitWaiter;

/* ---- threads that wait for it (commit_wait.c) ---- */

typedef struct CommitWait {
    struct CommitWait *next; /* while nobody has it */
    Mutex mutex;
    Condition done;
    bool is_done;
    Status status;
    CommitWaiter waiter; /* to be put into a list; has the result */
} CommitWait;

void commit_waits_open(Engine *engine);
void commit_waits_close(Engine *engine);      /* when no thread waits any more */
CommitWait *commit_wait_take(Engine *engine); /* NULL: no memory */
CHECKED Status commit_wait_for(CommitWait *wait);
void commit_wait_give(Engine *engine, CommitWait *wait);

/* Something to be installed in the hand-out step, once the log is durable up to `position`. */
typedef struct Install {
    struct Install *next;
    LogPosition position;
    uint64_t seq;
    void (*run)(struct Install *install); /* under sequencer and root: no waiting, no allocation */
    void *context;
    Status status; /* set with done */
    bool done;     /* under root */
} Install;

/* ---- pins (pin.c) ---- */

struct Pin {
    _Atomic uint32_t references;
    Engine *engine;
    uint64_t seq;
    int64_t opened_ns;
    _Atomic bool cancelled;
    Pin *before; /* list of all, oldest first; under root */
    Pin *after;
    size_t count;
    EngineTable **tables;
    SuperVersion **versions;
    int64_t *expired_us;
};

/* Cancels pins that are too old or hold too much. */
void pins_check(Engine *engine);

/* ---- looking up (lookup.c) ---- */

/* From where a look-up looks: a pin's sequence, or the head (UINT64_MAX); and what has expired. */
typedef struct Horizon {
    uint64_t seq;
    int64_t expired_us;
} Horizon;

Horizon horizon_at_head(EngineTable *table);

void version_find_hot(const SuperVersion *version, Slice key, OwnerId owner, Horizon horizon,
                      RowLocation *out, bool *may_be_cold);
CHECKED Status version_find(EngineTable *table, const SuperVersion *version, Slice key,
                            OwnerId owner, Horizon horizon, bool want_row, Arena *arena,
                            RowFound *out, bool *found, Error *error);
/* Is the file's row at the position there for a reader of `seq`? */
bool version_is_alive(const SuperVersion *version, uint64_t file_id, uint32_t position,
                      uint64_t seq);

/* The row at the position of a file, with its neighbours if it was not in the cache. */
CHECKED Status version_fetch_row(EngineTable *table, const SuperVersion *version,
                                 const DataFile *file, uint32_t position, Arena *arena,
                                 FetchedRow *out, bool *was_cached, Error *error);

/* Could the file hold a key in [from, to)? (view.c) */
bool data_file_overlaps(const DataFile *file, Slice from, Slice to);

bool version_is_marked(const SuperVersion *version, uint64_t file_id, uint32_t position,
                       uint64_t seq);

/* The row at a file's position, of the version's schema, through the row cache. */
CHECKED Status version_fetch(EngineTable *table, const SuperVersion *version, uint64_t file_id,
                             uint32_t position, Arena *arena, RowFound *out, Error *error);

OwnerId key_owner_of(TableKind kind, Slice key);

/* ---- STREAM tables (stream_read.c, stream_settle.c) ---- */

StreamContext stream_context_of(const EngineTable *table);

/* DATA/catalog/streams/<table id>: beside the windows stands nothing but windows. */
CHECKED Status stream_state_folder(const Engine *engine, uint64_t table_id, Path *out,
                                   Error *error);
CHECKED Status stream_find(EngineTable *table, const SuperVersion *version, Slice key,
                           Horizon horizon, bool want_row, Arena *arena, RowFound *out, bool *found,
                           Error *error);
bool stream_has_range(const SuperVersion *version, int64_t expired_us, Slice from, Slice to);
CHECKED Status stream_count(const Pin *pin, size_t table, OwnerId owner, TableCount *out,
                            Error *error);

/* The version of the last commit, at recovery. */
CHECKED Status stream_recover(EngineTable *table, StreamVersion **out, Error *error);

/* Installs what becomes of the table's windows, under its cold lock. `next` may be the installed
 * one's. */
CHECKED Status stream_commit(EngineTable *table, StreamVersion *next, Error *error);

/* Makes what has expired until now survive a restart. */
CHECKED Status stream_keep_expired(EngineTable *table, Error *error);

/* The manifest of a version that was replaced, once nothing can ask for it. */
void stream_remove_manifest(EngineTable *table, const char *manifest);

CHECKED Status stream_sweep(EngineTable *table, bool only_looks, SweepResult *out, Error *error);

/* ---- row cache (row_cache.c) ---- */

typedef struct RowCache RowCache;

CHECKED Status row_cache_create(Env *env, uint64_t bytes_max, RowCache **out, Error *error);
void row_cache_destroy(RowCache *cache);

/* Rows of a file that are fetched and kept together, beginning at a multiple of their number. */
typedef struct RowCacheKey {
    uint64_t table_id;
    uint64_t file_id;
    uint32_t first; /* position */
    uint32_t schema_version;
} RowCacheKey;

enum { CACHED_BLOCK_ROWS_MAX = 1024 };

/* How many rows of a file with rows like these make a block: a power of two. */
uint32_t row_cache_block_rows(const RowCache *cache, uint64_t file_rows, uint64_t file_bytes);

/* Copies the row at the position, which is one of the block's, into the arena; false where it is
 * not there (or there is no memory). */
bool row_cache_get(RowCache *cache, const RowCacheKey *key, uint32_t position, Arena *arena,
                   FetchedRow *out);

/* `rows` are the block: neighbours, in order. */
void row_cache_put(RowCache *cache, const RowCacheKey *key, const FetchedRow *rows, size_t count);
void row_cache_statistics(RowCache *cache, uint64_t *bytes, uint64_t *hits, uint64_t *misses);

/* ---- records of the log (record.c) ---- */

/* A FRAME_ROW payload is the commit's wall clock (8 bytes) and then this. Slices set in the
 * operation point into `out`. */
void row_body_put(Buffer *out, uint64_t table_id, uint32_t schema_version,
                  const WriteOperation *operation);

typedef struct ColdRecord {
    uint64_t table_id;
    uint8_t kind;  /* ColdRecordKind */
    OwnerId owner; /* FLUSH of one owner; else 0 */
    uint64_t hi;
    Slice metadata_path;
} ColdRecord;

typedef enum ColdRecordKind {
    COLD_RECORD_FLUSH = 1,
    COLD_RECORD_COMPACTION = 2,
} ColdRecordKind;

void cold_record_put(Buffer *out, const ColdRecord *record);
CHECKED Status cold_record_get(Slice payload, ColdRecord *out, Error *error);

/* FRAME_DEFINITION: what it does to tables here, then the upper payload. */
typedef struct DefinitionChange {
    uint8_t kind; /* TableChangeKind */
    uint64_t table_id;
    Slice metadata_path; /* TRUNCATE, ALTER: of the cold version it installs; may be empty */
} DefinitionChange;

void definition_put(Buffer *out, const DefinitionChange *changes, size_t count, Slice payload);
CHECKED Status definition_get(Slice record, Arena *arena, DefinitionChange **changes, size_t *count,
                              Slice *payload, Error *error);

/* ---- settling (flush.c, settle.c, compact.c) ---- */

/* Files that a running flush or compaction makes: the sweep leaves them alone. */
typedef struct InFlight {
    struct InFlight *next;
    uint64_t table_id;
    uint64_t file_sequence;
} InFlight;

void in_flight_add(Engine *engine, InFlight *entry, uint64_t table_id, uint64_t file_sequence);
void in_flight_remove(Engine *engine, InFlight *entry);
bool in_flight_has(Engine *engine, uint64_t table_id, uint64_t file_sequence);

/* The move of rows by a compaction (compact.c): where row `position` of an input went. False where
 * it was dead already. */
typedef struct Compaction Compaction;
bool compaction_moved(const Compaction *compaction, uint64_t file_id, uint32_t position,
                      uint64_t *new_file_id, uint32_t *new_position);

/* Writes, syncs and describes data files (data_write.c). */
typedef struct NewFiles {
    Engine *engine;
    EngineTable *table;
    uint64_t file_sequence;
    InFlight in_flight;
    DataFile **files;
    size_t file_count;
    size_t file_capacity;
    uint32_t next_ordinal; /* grows also where a file is given up: workers keep what they know of a
                              file by its name, so no name is given twice */
    KeyIndexEntry *entries;
    size_t entry_count;
    size_t entry_capacity;
    KeyIndex *index;
    Path index_path; /* absolute; "" before it is written */
} NewFiles;

CHECKED Status new_files_open(EngineTable *table, NewFiles *out, Error *error);

/* One file of sorted records of one owner; its keys join the index entries. */
CHECKED Status new_files_write(NewFiles *files, Schema *schema, OwnerId owner,
                               const RecordHeader *const *records, size_t count,
                               const RowBlockView *blocks, size_t block_count, Error *error);

/* One file merged from others; `rows` (memory_free) says where each came from. Its keys are the
 * caller's to add. *written is false where no row was alive; then, and after an error, no file is.
 */
CHECKED Status new_files_merge(NewFiles *files, Schema *schema, OwnerId owner,
                               const DataFileInput *inputs, size_t count, bool is_in_order,
                               MergedRow **rows, bool *written, Error *error);
CHECKED Status new_files_add_entry(NewFiles *files, const KeyIndexEntry *entry, Error *error);

/* Syncs the files and their folders, writes and opens the index. */
CHECKED Status new_files_finish(NewFiles *files, Error *error);

/* `committed`: a commit record names them, or may. Else they are removed as far as possible. */
void new_files_close(NewFiles *files, bool committed);

/* Appends a cold record, waits until `install` ran. Under the table's cold lock. *appended says
 * whether the record was handed to the log: from then on only recovery may decide about its files.
 */
typedef Status (*BeforeAppend)(void *context, Error *error); /* under the sequencer */

CHECKED Status cold_commit(EngineTable *table, const ColdRecord *record, Install *install,
                           BeforeAppend before, void *context, bool *appended, Error *error);

/* Turns notes [from, upto) into marks of newer memtables; there must be room: notes make some when
 * they are taken, superseded_reserve makes it for another attempt. Under the sequencer. Notes about
 * rows that a flush did not write (another owner's) are left. */
CHECKED Status superseded_reserve(TableMemtable *memtable, size_t from, size_t upto, Error *error);
void superseded_to_marks(TableMemtable *memtable, OwnerId owner, size_t from, size_t upto);

/* ---- the sweep (sweep.c) ---- */

/* Paths that are named. `names` is freed by the caller, the texts are the arena's. */
typedef struct NameSet {
    const char **names;
    size_t count;
    size_t capacity;
    Arena *arena;
    bool failed;
} NameSet;

void name_set_add(void *name_set, const char *path);
CHECKED Status name_set_finish(NameSet *set, Error *error); /* then it may be asked */
bool name_set_has(const NameSet *set, const char *path);

/* ---- checkpoint (checkpoint.c) and recovery (recover.c, replay.c) ---- */

CHECKED Status engine_recover(Engine *engine, EngineRecovery *out, Error *error);
CHECKED Status replay_rows(Engine *engine, LogPosition from, EngineRecovery *out, Error *error);

/* Key indexes that were missing or damaged are made again from their data files. */
CHECKED Status rebuild_index(EngineTable *table, ColdVersion *version, Schema *schema,
                             uint64_t file_sequence, Error *error);

/* Waits until the log is durable up to the position, whatever the mode. */
CHECKED Status engine_wait_durable(Engine *engine, LogPosition position, Error *error);

typedef struct CheckpointImage CheckpointImage;

/* Where the oldest operation of the table that is not settled stands in the log; UINT64_MAX: none.
 * Under the sequencer. */
LogPosition table_first_position(const EngineTable *table);

/* The newest checkpoint of the directory; *found is false where there is none. */
CHECKED Status checkpoint_read(Engine *engine, bool *found, CheckpointImage *out, Error *error);

struct CheckpointImage {
    LogPosition position;    /* records behind it are to be applied */
    LogPosition replay_from; /* rows from here on may be unsettled */
    uint64_t seq_ceiling;
    uint64_t id_ceiling;
    Slice upper;
    Slice tables; /* encoded ColdStates */
    Buffer bytes; /* owns the two */
};

enum { CHECKPOINT_BYTES_MAX = 1 << 30 };

/* Fills the image from its bytes; and what a checkpoint's file name says. */
CHECKED Status checkpoint_decode(CheckpointImage *image, Error *error);
bool checkpoint_name_parse(Slice name, uint64_t *number);

/* Writes one when enough was logged since the last, so that segments can be released. */
CHECKED Status checkpoint_if_due(Engine *engine, Error *error);

CHECKED Status checkpoint_tables_apply(Engine *engine, Slice tables, Error *error);
void checkpoint_close(CheckpointImage *image);
/* The newest checkpoint, which the image was read from, under its name once more, and durable. */
CHECKED Status checkpoint_write_again(Engine *engine, const CheckpointImage *image, Error *error);

/* Where the log may be released up to: the oldest unsettled operation of all tables, and the last
 * durable checkpoint. */
void engine_release_log(Engine *engine);

/* ---- the engine ---- */

struct Engine {
    Env *env;
    EngineOptions options;
    EngineHooks hooks;
    DataFileIo *io;
    Path directory;
    File *lock_file;
    Log *log;
    RowStore *row_store;
    RowCache *row_cache;
    FileCache *file_cache;
    ColdContext cold_context;
    KeyLocks key_locks;
    Mutex define_mutex;

    Mutex sequencer;
    /* Under the sequencer. */
    uint64_t head;        /* last sequence appended and applied */
    uint64_t seq_ceiling; /* highest sequence that may be given out */
    uint64_t next_transaction;
    LogPosition oldest_unsettled; /* of any table's first operation; UINT64_MAX: none */
    LogPosition replaying_from;   /* rows behind it are in no memtable yet; UINT64_MAX: all are */
    CommitWaiter *waiters;        /* of the group being filled, in order */
    CommitWaiter **waiters_end;
    Install *installs; /* in order of position */
    Install **installs_end;
    uint64_t definitions_appended;

    Mutex commit_waits_mutex;
    CommitWait *commit_waits; /* that nobody has */

    Mutex root;
    Condition handed_out; /* broadcast after each hand-out that installed something or that
                             somebody waits for */
    /* Under root. */
    EngineTable *tables[TABLE_BUCKETS];
    size_t table_count;
    Pin *oldest_pin;
    Pin *newest_pin;
    size_t pin_count;
    uint64_t pins_cancelled;
    uint32_t visible_waiting;
    CommitWaiter *visible_waiters;
    InFlight *in_flight;
    EngineTable *graveyard;

    _Atomic uint64_t visible;
    _Atomic uint64_t next_id;
    _Atomic uint64_t id_ceiling;
    _Atomic uint64_t memory_bytes;    /* of all memtables alive */
    _Atomic uint64_t unflushed_bytes; /* of the log, that recovery would have to replay */
    _Atomic bool relief_wanted;       /* a flush was asked for because of memory or log size */
    _Atomic uint64_t memtable_ids;
    _Atomic bool poisoned;

    Thread *committer;
    _Atomic bool closing;

    /* Pressure. */
    Mutex pressure_mutex;
    Condition pressure_changed;
    uint32_t stalled_writers;
    const char *_Atomic stall_reason;
    _Atomic uint64_t stalls;
    _Atomic uint64_t stall_ns;
    _Atomic uint64_t slowdowns;

    /* Checkpoints. Under define_mutex, but for the atomics. */
    uint64_t checkpoint_number;
    _Atomic uint64_t checkpoint_position;    /* of the last durable one */
    _Atomic uint64_t checkpoint_replay_from; /* recovery from it asks for the log from here on */
    _Atomic uint64_t checkpoints;

    _Atomic uint64_t commits;
    _Atomic uint64_t commit_ns;
    _Atomic uint64_t snapshots_committed;
    _Atomic uint64_t foreign_metadata;
};

/* committer.c */
void committer_run(void *engine);
void engine_add_install(Engine *engine, Install *install); /* under the sequencer */
CHECKED Status engine_wait_install(Engine *engine, Install *install, Error *error);

/* sequencer.c */
uint64_t sequencer_next(Engine *engine); /* the next sequence; a ceiling was reserved */

/* Reserves for `frames` frames, and one more for a ceiling if one is due. */
CHECKED Status sequencer_reserve(Engine *engine, size_t frames, size_t bytes, bool for_commit,
                                 Error *error);

/* Asks for a flush where the active memtable has passed its policy, once. Under the sequencer. */
void sequencer_check_triggers(Engine *engine, EngineTable *table);

/* Appends the ceiling record if one is due; then sequences may be taken. */
void sequencer_prepare(Engine *engine, size_t sequences);
void sequencer_add_waiter(Engine *engine, CommitWaiter *waiter);

/* pressure.c */
CHECKED Status pressure_admit(Engine *engine, EngineTable *table, int64_t deadline_ns,
                              Error *error);
bool pressure_is_clear(Engine *engine, EngineTable *table);
void pressure_relieved(Engine *engine);
void pressure_memory_check(Engine *engine); /* after memory grew: asks for flushes */

/* write.c */
enum { TABLES_IN_BATCH_MAX = 16 };

typedef struct BatchTable {
    EngineTable *table;
    uint32_t schema_version;
    SuperVersion *version; /* pinned at the head */
    bool exclusive;        /* its lock is held exclusively */
} BatchTable;

typedef struct BatchOperation {
    WriteOperation operation;
    Slice body; /* of its frame, behind the wall clock */
    TableMemtable
        *supersedes; /* the sealed memtable that holds the old row; set by the sequencer */
} BatchOperation;

struct WriteBatch {
    Engine *engine;
    Arena arena;
    BatchTable tables[TABLES_IN_BATCH_MAX];
    size_t table_count;
    KeyLock **locks; /* blocks of locks held */
    size_t *lock_counts;
    size_t lock_blocks;
    size_t lock_block_capacity;
    size_t locks_held;
    bool must_look_again; /* locks were let go, or taken too late, since write_pin */
    BatchOperation *operations;
    size_t operation_count;
    size_t operation_capacity;
    uint64_t seen;
    int64_t deadline_ns;
    CommitWaiter waiter;
};

/* Sequences, logs and applies the operations. Nothing has changed unless it returns OK. */
CHECKED Status sequence_operations(Engine *engine, BatchTable *tables, size_t table_count,
                                   BatchOperation *operations, size_t count, CommitWaiter *waiter,
                                   Error *error);

#endif
