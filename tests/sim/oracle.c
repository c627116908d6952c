#include <stdlib.h>

#include "base/assert.h"
#include "tests/sim/world.h"

Oracle *oracle_create(void)
{
    Oracle *oracle = calloc(1, sizeof *oracle);
    ASSERT(oracle != NULL);
    oracle->history = calloc(HISTORY_MAX, sizeof(Change));
    ASSERT(oracle->history != NULL);
    oracle->survivors = calloc(HISTORY_MAX, sizeof(uint64_t));
    ASSERT(oracle->survivors != NULL);
    oracle->told_writers = calloc(HISTORY_MAX, sizeof(Acknowledgement));
    ASSERT(oracle->told_writers != NULL);
    oracle->next_value = 1;
    return oracle;
}

void oracle_destroy(Oracle *oracle)
{
    free(oracle->told_writers);
    free(oracle->survivors);
    free(oracle->history);
    free(oracle);
}

void oracle_add(World *world, const Change *change)
{
    Oracle *oracle = world->oracle;
    size_t at = oracle->count;
    while (at > 0 && oracle->history[at - 1].seq >= change->seq)
        at--;
    if (at < oracle->count && oracle->history[at].seq == change->seq)
        return;
    if (oracle->count == HISTORY_MAX)
        world_fail(world, "the oracle is full");
    for (size_t i = oracle->count; i > at; i--)
        oracle->history[i] = oracle->history[i - 1];
    oracle->history[at] = *change;
    oracle->count++;
    oracle->rows_changed++;
}

void oracle_acknowledge(World *world, uint64_t seq)
{
    Oracle *oracle = world->oracle;
    if (seq > oracle->acked)
        oracle->acked = seq;
    oracle->acknowledged++;
    if (oracle->told_count < HISTORY_MAX)
        oracle->told_writers[oracle->told_count++] =
            (Acknowledgement){seq, env_monotonic_ns(world->env)};
}

static void apply(State *state, const Change *change)
{
    if (change->is_truncate) {
        for (size_t owner = 0; owner < OWNERS; owner++)
            for (size_t key = 0; key < KEYS; key++)
                state->value[change->table][owner][key] = -1;
        return;
    }
    state->value[change->table][change->owner][change->key] =
        change->is_delete ? -1 : change->value;
}

void oracle_state(const Oracle *oracle, uint64_t seq, State *out)
{
    for (size_t i = 0; i < sizeof out->value / sizeof(int64_t); i++)
        ((int64_t *)out->value)[i] = -1;
    for (size_t i = 0; i < oracle->count && oracle->history[i].seq <= seq; i++)
        apply(out, &oracle->history[i]);
}

bool oracle_ever_was(const Oracle *oracle, size_t table, size_t owner, const int64_t *values,
                     uint64_t from, uint64_t upto)
{
    State state;
    size_t i = 0;
    oracle_state(oracle, from, &state);
    while (i < oracle->count && oracle->history[i].seq <= from)
        i++;
    for (;;) {
        if (memcmp(state.value[table][owner], values, sizeof state.value[table][owner]) == 0)
            return true;
        if (i == oracle->count || oracle->history[i].seq > upto)
            return false;
        apply(&state, &oracle->history[i++]);
    }
}

/* ---- changes out of frames ---- */

static void take_frame(World *world, const LogFrame *frame)
{
    RowChange row;
    Error error;
    if (frame->kind != FRAME_ROW)
        return;
    world_expect(world, row_change_decode(frame, &row, &error), &error, "row change");
    Schema *layout = layout_of(world, row.schema_version);
    Slice bytes = row.kind == WRITE_PUT ? row.row : row.old_row;
    Change change = {.seq = row.seq,
                     .table = (uint8_t)(row.table_id - TABLE_ID_FIRST),
                     .owner = (uint8_t)(row.owner - FIRST_OWNER),
                     .key = (uint8_t)column_of_row(layout, bytes, 0),
                     .value = column_of_row(layout, bytes, 1),
                     .is_delete = row.kind == WRITE_DELETE};
    if (change.table >= TABLES || change.owner >= OWNERS || change.key >= KEYS)
        world_fail(world, "a frame says what nobody wrote");
    oracle_add(world, &change);
}

void oracle_take_chunk(World *world, const LogChunk *chunk)
{
    size_t at = 0;
    LogFrame frame;
    while (log_chunk_next(chunk, &at, &frame))
        take_frame(world, &frame);
}

/* ---- the counters: each change adds one to what stood there ---- */

void oracle_check_counters(World *world)
{
    Oracle *oracle = world->oracle;
    State state;
    oracle_state(oracle, 0, &state);
    for (size_t i = 0; i < oracle->count; i++) {
        const Change *change = &oracle->history[i];
        int64_t before = state.value[change->table][change->owner][change->key];
        if (!change->is_truncate && !change->is_delete && change->key == COUNTER_KEY &&
            change->value != (before < 0 ? 0 : before) + 1)
            world_fail(world, "C: a counter went from %ld to %ld at %lu", before, change->value,
                       change->seq);
        apply(&state, change);
    }
}

/* ---- after a crash ---- */

/* Where reading can begin: the oldest frame that is still there. */
static bool first_position(World *world, const LogStatistics *statistics, LogPosition *out)
{
    Error error;
    Log *log = engine_log(world->engine);
    if (statistics->first_seq == 0)
        return false;
    world_expect(world, log_find(log, statistics->first_seq, out, &error), &error, "find");
    return *out < statistics->written;
}

static void read_log(World *world, uint64_t *first_seq)
{
    Oracle *oracle = world->oracle;
    LogStatistics statistics;
    LogReader *reader;
    LogPosition from;
    LogFrame frame;
    Error error;
    bool has = true;
    log_statistics(engine_log(world->engine), &statistics);
    oracle->survivor_count = 0;
    *first_seq = statistics.first_seq;
    if (!first_position(world, &statistics, &from))
        return;
    world_expect(world, log_reader_open(engine_log(world->engine), from, &reader, &error), &error,
                 "reader");
    for (;;) {
        Status status = log_reader_next(reader, statistics.written, &frame, &has, &error);
        world_expect(world, status, &error, "read back");
        if (!has)
            break;
        take_frame(world, &frame);
        if (oracle->survivor_count < HISTORY_MAX)
            oracle->survivors[oracle->survivor_count++] = frame.seq;
    }
    log_reader_close(reader);
}

static bool survived(const Oracle *oracle, uint64_t seq)
{
    size_t from = 0;
    size_t upto = oracle->survivor_count;
    while (from < upto) {
        size_t middle = (from + upto) / 2;
        if (oracle->survivors[middle] == seq)
            return true;
        if (oracle->survivors[middle] < seq)
            from = middle + 1;
        else
            upto = middle;
    }
    return false;
}

static void add_pending_truncates(World *world)
{
    for (size_t i = 0; i < TABLES; i++) {
        uint64_t seq = world->oracle->pending_truncate[i];
        Change change = {.seq = seq, .table = (uint8_t)i, .is_truncate = true};
        if (seq != 0 && survived(world->oracle, seq))
            oracle_add(world, &change);
        world->oracle->pending_truncate[i] = 0;
    }
}

/* What the crash cost, where it may cost something: those who were told, and are not there. */
static void count_lost(Oracle *oracle, uint64_t first_seq)
{
    oracle->lost = 0;
    oracle->lost_ns = 0;
    for (size_t i = 0; i < oracle->told_count; i++) {
        const Acknowledgement *told = &oracle->told_writers[i];
        if (told->seq < first_seq || survived(oracle, told->seq))
            continue;
        int64_t age_ns = oracle->crashed_ns - told->at_ns;
        oracle->lost++;
        if (age_ns > oracle->lost_ns)
            oracle->lost_ns = age_ns;
    }
    oracle->told_count = 0;
}

/* What is lost is the end of the log, and nobody was told of it. */
static void forget_lost(World *world, uint64_t first_seq)
{
    Oracle *oracle = world->oracle;
    size_t kept = 0;
    while (kept < oracle->count &&
           (oracle->history[kept].seq < first_seq || survived(oracle, oracle->history[kept].seq)))
        kept++;
    for (size_t i = kept; i < oracle->count; i++) {
        uint64_t seq = oracle->history[i].seq;
        if (survived(oracle, seq))
            world_fail(world, "C: %lu is lost, but %lu behind it is not", oracle->history[kept].seq,
                       seq);
        if (seq <= oracle->floor)
            world_fail(world, "C: %lu survived the crash before and is lost now", seq);
    }
    oracle->count = kept;
    if (world->may_lose_acked)
        return;
    if (oracle->acked >= first_seq && !survived(oracle, oracle->acked))
        world_fail(world, "C: %lu was acknowledged and is lost", oracle->acked);
    if (oracle->told >= first_seq && !survived(oracle, oracle->told))
        world_fail(world, "N: %lu is lost, and an answer spoke of it", oracle->told);
}

void oracle_recover(World *world)
{
    Oracle *oracle = world->oracle;
    uint64_t first_seq;
    read_log(world, &first_seq);
    count_lost(oracle, first_seq);
    add_pending_truncates(world);
    forget_lost(world, first_seq);
    oracle->acked = oracle->told = 0; /* the floor has them */
    oracle_check_counters(world);
    if (oracle->survivor_count > 0)
        oracle->floor = oracle->survivors[oracle->survivor_count - 1];
    oracle->handed_out = engine_visible(world->engine);
}
