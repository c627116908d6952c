/* The world of the engine's simulation: two USER tables of two owners on a simulated machine, with
 * an oracle that knows every change the log holds.
 *
 * Actors (actors.c) are threads of the simulated machine; whatever they see is compared with the
 * oracle. Checked all the time (design/engine_model.py):
 *   R  a reader pinned at S sees exactly the state of the log up to S, nothing twice
 *   O  files minus committed deletes are the state at their flush boundary, for each owner
 *   C  after a crash every acknowledged change is there, nothing is invented, and R and O hold
 *   L  a subscriber's snapshot plus changes is the state
 *   N  an answer without a record never speaks of what a crash takes away
 * What the oracle holds lives outside the simulated memory, so that it survives the crash. */
#ifndef FIRN_TESTS_SIM_WORLD_H
#define FIRN_TESTS_SIM_WORLD_H

#include "base/breakage.h"
#include "base/simulation.h"
#include "cold/memory_io.h"
#include "engine/engine.h"

enum {
    TABLES = 2,
    OWNERS = 2,
    KEYS = 6, /* of one owner in one table; the last is the counter's */
    COUNTER_KEY = KEYS - 1,
    FIRST_OWNER = 2,
    HISTORY_MAX = 100000,
    TABLE_ID_FIRST = 10,
};

/* One change as the log has it. */
typedef struct Change {
    uint64_t seq;
    uint8_t table;
    uint8_t owner; /* number, from 0 */
    uint8_t key;
    bool is_delete;
    bool is_truncate; /* of the whole table */
    int64_t value;
} Change;

/* value[table][owner][key]; -1: no row. */
typedef struct State {
    int64_t value[TABLES][OWNERS][KEYS];
} State;

/* When a writer was told. */
typedef struct Acknowledgement {
    uint64_t seq;
    int64_t at_ns;
} Acknowledgement;

/* Memory of malloc: it outlives crashes. */
typedef struct Oracle {
    Change *history; /* in order of seq */
    size_t count;
    uint64_t handed_out; /* visible when the hook was last called */
    uint64_t acked;      /* highest sequence acknowledged to a writer */
    uint64_t floor;      /* what is below has survived a crash, and survives the next */
    uint64_t told;       /* highest sequence an answer without a record rested on */
    uint64_t pending_truncate[TABLES]; /* appended, not known to be durable */
    uint64_t settled[TABLES][OWNERS];  /* files hold everything up to here, or more */
    int64_t next_value;
    uint64_t *survivors; /* sequences that the log still had after the last crash, ascending */
    size_t survivor_count;
    Acknowledgement *told_writers; /* of this life */
    size_t told_count;
    int64_t crashed_ns; /* when the last life ended */
    uint64_t lost;      /* acknowledgements that the last crash took back */
    int64_t lost_ns;    /* how long before the crash the first of them was */
    uint64_t acknowledged;
    uint64_t crashes;
    uint64_t checks;
    uint64_t keys_read;
    uint64_t flushes;
    uint64_t compactions;
    uint64_t definitions;
    uint64_t rows_changed;
} Oracle;

typedef struct World {
    Simulation *simulation;
    Env *env;
    Oracle *oracle;
    LogDurability durability;
    int64_t interval_ns;
    uint64_t segment_bytes;
    bool has_stream;     /* table 1 is a STREAM table */
    bool has_faults;     /* the disk refuses something, or is full for a while */
    bool may_lose_acked; /* the power may take what was not synced: modes interval and none */
    MemoryIo io;
    Engine *engine;
    Schema *schemas[TABLES];   /* of what was appended last */
    Schema *layouts[2];        /* of rows in the log: version 1, and all later ones */
    uint32_t appended[TABLES]; /* versions of schemas, as a checkpoint would say */
    uint64_t head_opened;      /* every sequence above it is a frame's */
    bool stopping;
    Thread *threads[32];
    size_t thread_count;
} World;

/* ---- world.c ---- */

void world_open(World *world); /* opens the engine on what the disk holds, and checks it */
void world_stop(World *world); /* the actors end */
void world_close(World *world);
EngineTable *world_table(World *world, size_t number); /* a reference */
bool world_is_stream(const World *world, size_t number);
uint64_t world_random(World *world, uint64_t below);
noreturn void world_fail(World *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Is this what a faulty disk makes of a call? */
bool world_tolerates(const World *world, Status status);

/* Stops the run where the status is not OK; `what` says which call. */
void world_expect(World *world, Status status, const Error *error, const char *what);
void world_pause(World *world, uint64_t steps);

/* A definition of table `number`, whole: CREATE, ALTER to `version`, or TRUNCATE. */
CHECKED Status world_define(World *world, size_t number, TableChangeKind kind, uint32_t version,
                            Error *error);

/* ---- rows ---- */

void row_of_value(World *world, Schema *schema, int64_t key, int64_t value, Buffer *row);
void key_of(World *world, Schema *schema, size_t owner, int64_t key, Buffer *out);
int64_t column_of_row(const Schema *schema, Slice row, uint32_t column);
Schema *layout_of(World *world, uint32_t version); /* borrowed */

/* The value of a row, whose third column must be its schema's version. */
int64_t value_of_row(World *world, const Schema *schema, Slice row);

/* ---- oracle.c ---- */

Oracle *oracle_create(void);
void oracle_destroy(Oracle *oracle);
void oracle_add(World *world, const Change *change); /* kept in order; one seen before is skipped */
void oracle_state(const Oracle *oracle, uint64_t seq, State *out);
void oracle_acknowledge(World *world, uint64_t seq); /* a writer was told */
void oracle_take_chunk(World *world, const LogChunk *chunk);

/* No update of a counter was lost. */
void oracle_check_counters(World *world);

/* Reads everything the log still has, after recovery: what survived. What an answer spoke of must
 * be among it, unless the power was lost in a mode that allows it. */
void oracle_recover(World *world);

/* What a table held at a sequence for one owner: does this agree for any sequence in
 * [from, upto]? */
bool oracle_ever_was(const Oracle *oracle, size_t table, size_t owner, const int64_t *values,
                     uint64_t from, uint64_t upto);

/* ---- checks.c ---- */

/* R: everything a pin sees, by scan and by key. Waits until the oracle knows the pin's sequence. */
void check_pin(World *world, Pin *pin);

/* O: what the files of the pin's version say without us: each owner's rows as they were at one
 * moment, not before what was known to be settled. */
void check_outside(World *world, Pin *pin, size_t table, const uint64_t *settled);

/* ---- actors.c ---- */

void actors_start(World *world);

/* Writers alone, who do what they can. */
void actors_start_writers(World *world);

#endif
