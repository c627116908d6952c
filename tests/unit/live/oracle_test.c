/* The contract as one oracle: a snapshot and the changes after it, applied in order, are what a
 * SELECT at the same sequence shows; under writers, flushes, compactions, clients that come late,
 * begin anew from where they were, and with queues so small that the log is read back. */
#include "base/breakage.h"
#include "tests/unit/live/client.h"

enum { WRITERS = 3, CLIENTS = 8, SNAPSHOTS = 60, WATCHES = 7 };

typedef struct Snapshot {
    uint64_t seq;
    Pin *pin;
} Snapshot;

typedef struct Run {
    Machine machine;
    uint64_t seed;
    uint64_t table;
    size_t rounds;
    _Atomic bool stopping;
    Snapshot snapshots[SNAPSHOTS];
    _Atomic size_t snapshot_count;
    Arena arena;
} Run;

typedef struct Worker {
    Run *run;
    Random random;
    size_t number;
    Thread *thread;
} Worker;

/* ---- who writes ---- */

static TestWrite random_write(Run *run, Random *random, int64_t id)
{
    static const char *const names[] = {"ann", "anna", "bob", "", NULL, "b", "zoe", "anton"};
    static const char *const codes[] = {"a", "ab", NULL, "zz"};
    bool is_owned = run->table == run->machine.owned;
    return (TestWrite){.owner = is_owned ? run->machine.owners[random_below(random, OWNERS)] : 0,
                       .is_delete = random_chance(random, 1, 4),
                       .row = {.id = id,
                               .room = (int64_t)random_below(random, 6),
                               .name = names[random_below(random, 8)],
                               .cents = (int64_t)random_below(random, 1000),
                               .code = codes[random_below(random, 4)]}};
}

static void write_randomly(Run *run, Random *random)
{
    TestWrite writes[WRITES_MAX];
    int64_t ids = run->table == run->machine.owned ? 6 : IDS; /* few, so that writers meet */
    size_t count = 1 + random_below(random, random_chance(random, 1, 4) ? 6 : 2);
    int64_t id = (int64_t)random_below(random, (uint64_t)ids);
    for (size_t i = 0; i < count; i++)
        writes[i] = random_write(run, random, (id + (int64_t)i) % ids);
    (void)machine_write(&run->machine, run->table, writes, count);
}

static void run_writer(void *context)
{
    Worker *worker = context;
    for (size_t i = 0; i < worker->run->rounds; i++)
        write_randomly(worker->run, &worker->random);
}

static void run_settler(void *context)
{
    Worker *worker = context;
    Run *run = worker->run;
    while (!atomic_load(&run->stopping)) {
        bool one = run->table == run->machine.owned && random_chance(&worker->random, 1, 2);
        OwnerId owner = one ? run->machine.owners[random_below(&worker->random, OWNERS)] : 0;
        machine_flush(&run->machine, run->table, owner);
        if (random_chance(&worker->random, 1, 5))
            machine_compact(&run->machine, run->table);
        env_sleep_ns(run->machine.env, 1000000);
    }
}

static void run_snapshots(void *context)
{
    Worker *worker = context;
    Run *run = worker->run;
    while (!atomic_load(&run->stopping)) {
        size_t at = atomic_load(&run->snapshot_count);
        if (at < SNAPSHOTS - 1) {
            Pin *pin = machine_pin(&run->machine, run->table);
            run->snapshots[at] = (Snapshot){pin_seq(pin), pin};
            atomic_store(&run->snapshot_count, at + 1);
        }
        env_sleep_ns(run->machine.env, (int64_t)random_below(&worker->random, 8000000));
    }
}

/* ---- who watches ---- */

/* One filter of each kind, and none. */
static void watch(Run *run, size_t which, LiveRequest *request)
{
    Arena *arena = &run->arena;
    const Schema *schema = request->schema;
    Expression *room = column_node(arena, schema, COLUMN_ROOM);
    Expression *name = column_node(arena, schema, COLUMN_NAME);
    Expression *amount = column_node(arena, schema, COLUMN_AMOUNT);
    Expression *nodes[2];
    switch (which % WATCHES) {
    case 0:
        return;
    case 1:
        request->filter = compare_node(arena, COMPARE_EQUAL, room, integer_node(arena, 2));
        return;
    case 2:
        nodes[0] = compare_node(arena, COMPARE_GREATER_OR_EQUAL, amount, integer_node(arena, 2));
        nodes[1] =
            compare_node(arena, COMPARE_LESS, amount, constant_node(arena, value_decimal(555, 2)));
        request->filter = pair_node(arena, EXPRESSION_AND, 0, nodes[0], nodes[1]);
        return;
    case 3:
        request->filter =
            call_node(arena, "text_like", TYPE(BOOLEAN), name, text_node(arena, "an%"));
        return;
    case 4:
        request->filter = compare_node(arena, COMPARE_NOT_EQUAL, room, integer_node(arena, 1));
        return;
    case 5:
        request->all_users = false;
        request->owner = run->machine.owners[1];
        return;
    default:
        nodes[0] = compare_node(arena, COMPARE_EQUAL, room, integer_node(arena, 5));
        nodes[1] = compare_node(arena, COMPARE_EQUAL, name, text_node(arena, "bob"));
        request->filter = pair_node(arena, EXPRESSION_OR, 0, nodes[0], nodes[1]);
        return;
    }
}

typedef struct Watcher {
    Client client;
    LiveRequest request;
    Picture begin;
    uint64_t begin_seq;
} Watcher;

/* Initial rows take a while, in which others write. */
static void watcher_start(Run *run, Watcher *watcher, size_t which, Random *random)
{
    Error error;
    Client *client = &watcher->client;
    client_open(client, &run->machine);
    client->encode_bytes = random_chance(random, 1, 2) ? 4096 : 0;
    watcher->request = client_request(client, run->table);
    watch(run, which, &watcher->request);
    client_subscribe(client, &watcher->request);
    Pin *pin = machine_pin(&run->machine, run->table);
    env_sleep_ns(run->machine.env, (int64_t)random_below(random, 4000000));
    picture_of_pin(&run->machine, pin, &watcher->request, &watcher->begin);
    watcher->begin_seq = pin_seq(pin);
    pin_release(pin);
    assert_ok(live_go(client->subscription, watcher->begin_seq, &error), &error);
}

/* A second life of a client: from somewhere in what it heard. */
static void watcher_resume(Run *run, Watcher *watcher, const Watcher *from, size_t which,
                           Random *random)
{
    Error error;
    Client *client = &watcher->client;
    const Client *old = &from->client;
    client_open(client, &run->machine);
    watcher->request = client_request(client, run->table);
    watch(run, which, &watcher->request);
    watcher->begin_seq = from->begin_seq;
    watcher->begin = (Picture){0};
    for (size_t i = 0; i < PLACES; i++)
        watcher->begin.rows[i] = slice_copy(from->begin.rows[i]);
    size_t until = old->batch_count == 0 ? 0 : random_below(random, old->batch_count);
    while (until > 0 && old->batches[until - 1].more)
        until--; /* a transaction is whole, or not there */
    for (size_t i = 0, h = 0; i < until; i++) {
        for (size_t k = 0; k < old->batches[i].count; k++)
            picture_apply(&run->machine, old->schema, &watcher->begin, &old->heard[h++]);
        watcher->begin_seq = old->batches[i].commit;
    }
    client_subscribe(client, &watcher->request);
    assert_ok(live_seek(client->subscription, watcher->begin_seq, &error), &error);
    assert_ok(live_go(client->subscription, watcher->begin_seq, &error), &error);
}

/* At every snapshot taken after it began the client's picture is the snapshot's. */
static size_t watcher_check(Run *run, Watcher *watcher)
{
    Client *client = &watcher->client;
    Picture picture = watcher->begin;
    size_t heard = 0;
    size_t checked = 0;
    assert_false(client->is_ended);
    for (size_t s = 0; s < atomic_load(&run->snapshot_count); s++) {
        const Snapshot *snapshot = &run->snapshots[s];
        Picture wanted;
        if (snapshot->seq < watcher->begin_seq)
            continue;
        for (; heard < client->heard_count && client->heard[heard].commit <= snapshot->seq; heard++)
            picture_apply(&run->machine, client->schema, &picture, &client->heard[heard]);
        picture_of_pin(&run->machine, snapshot->pin, &watcher->request, &wanted);
        assert_same_picture(&picture, &wanted, snapshot->seq);
        picture_close(&wanted);
        checked++;
    }
    watcher->begin = picture; /* to be freed */
    return checked;
}

static void watcher_close(Watcher *watcher)
{
    client_close(&watcher->client);
    picture_close(&watcher->begin);
}

/* ---- a run ---- */

static void worker_start(Run *run, Worker *worker, size_t number, void (*body)(void *))
{
    Error error;
    *worker = (Worker){.run = run, .number = number, .random = random_of(run->seed + number)};
    assert_ok(
        thread_start(run->machine.env, "test", 4 << 20, body, worker, &worker->thread, &error),
        &error);
}

static void last_snapshot(Run *run)
{
    Pin *pin = machine_pin(&run->machine, run->table);
    size_t at = atomic_load(&run->snapshot_count);
    run->snapshots[at] = (Snapshot){pin_seq(pin), pin};
    atomic_store(&run->snapshot_count, at + 1);
}

static void run_once(Run *run, bool is_owned)
{
    Worker workers[WRITERS + 2];
    Watcher *watchers = calloc(CLIENTS * 2, sizeof(Watcher));
    Random random = random_of(run->seed);
    size_t checked = 0;
    assert_non_null(watchers);
    machine_open(&run->machine);
    arena_open(&run->arena, 0);
    run->table = is_owned ? run->machine.owned : run->machine.shared;
    for (size_t i = 0; i < WRITERS; i++)
        worker_start(run, &workers[i], i, run_writer);
    worker_start(run, &workers[WRITERS], WRITERS, run_settler);
    worker_start(run, &workers[WRITERS + 1], WRITERS + 1, run_snapshots);
    for (size_t i = 0; i < CLIENTS; i++)
        watcher_start(run, &watchers[i], is_owned ? i : i == 5 ? 0 : i, &random);
    for (size_t i = 0; i < WRITERS; i++)
        thread_join(workers[i].thread);
    atomic_store(&run->stopping, true);
    thread_join(workers[WRITERS].thread);
    thread_join(workers[WRITERS + 1].thread);
    last_snapshot(run);
    machine_settle(&run->machine, run->table);
    for (size_t i = 0; i < CLIENTS; i++)
        watcher_resume(run, &watchers[CLIENTS + i], &watchers[i],
                       is_owned ? i
                       : i == 5 ? 0
                                : i,
                       &random);
    for (size_t i = 0; i < CLIENTS * 2; i++)
        checked += watcher_check(run, &watchers[i]);
    assert_true(checked >= CLIENTS * 2);
    for (size_t i = 0; i < CLIENTS * 2; i++)
        watcher_close(&watchers[i]);
    for (size_t i = 0; i < run->snapshot_count; i++)
        pin_release(run->snapshots[i].pin);
    free(watchers);
    LiveStatistics statistics;
    live_statistics(run->machine.live, &statistics);
    print_message("%zu checks, %llu changes sent, %llu caught up, %llu times behind\n", checked,
                  (unsigned long long)statistics.changes_sent,
                  (unsigned long long)statistics.caught_up,
                  (unsigned long long)statistics.times_behind);
    arena_close(&run->arena);
    machine_close(&run->machine);
}

static void changes_make_the_next_snapshot(void **state)
{
    Run run = {.seed = test_seed(), .rounds = 300};
    (void)state;
    run_once(&run, false);
}

static void changes_make_the_next_snapshot_of_each_owner(void **state)
{
    Run run = {.seed = test_seed(), .rounds = 300};
    (void)state;
    run_once(&run, true);
}

/* A queue that holds next to nothing, slices of a few rows, segments that end soon. */
static void a_fan_out_that_falls_behind_loses_nothing(void **state)
{
    Run run = {.seed = test_seed(), .rounds = 400};
    (void)state;
    run.machine.segment_bytes = 64 << 10;
    run.machine.options = LIVE_OPTIONS_DEFAULT;
    run.machine.options.queue_bytes_max = 300;
    run.machine.options.slice_bytes_max = 100;
    run_once(&run, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_make_the_next_snapshot),
        cmocka_unit_test(changes_make_the_next_snapshot_of_each_owner),
        cmocka_unit_test(a_fan_out_that_falls_behind_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
