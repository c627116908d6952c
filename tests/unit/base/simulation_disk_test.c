/* The simulated disk: that it behaves like the real one, and what a crash may leave of it. */
#include <unistd.h>

#include "base/random.h"
#include "tests/unit/base/machine.h"

/* ---- like a real disk ---- */

enum { NAMES = 8, OPERATIONS = 3000, FILE_BYTES_MAX = 20000 };

typedef struct Side {
    Env *env;
    Path root;
    Buffer result; /* what the last operation gave */
} Side;

static const char *path_of(const Side *side, uint64_t number)
{
    static const char *const names[NAMES] = {"a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a"};
    static Path paths[2];
    static int next;
    Error error;
    Path *path = &paths[next++ % 2];
    assert_ok(path_join(path, side->root.text, names[number % NAMES], &error), &error);
    return path->text;
}

static void list_into(Side *side, const char *path, Error *error)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    arena_open(&arena, 0);
    Status status = env_list(side->env, path, &arena, &entries, &count, error);
    buffer_put_text(&side->result, status_name(status));
    for (size_t i = 0; status == OK && i < count; i++)
        buffer_put_format(&side->result, " %s%s", (const char *)entries[i].name.data,
                          entries[i].is_directory ? "/" : "");
    arena_close(&arena);
}

static Status change_file(Side *side, uint64_t what, const char *path, uint64_t a, uint64_t b,
                          Error *error)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    size_t got = 0;
    uint64_t size;
    File *file;
    unsigned flags = FILE_READ | FILE_WRITE | (a % 3 == 0 ? 0u : (unsigned)FILE_CREATE) |
                     (a % 7 == 0 ? (unsigned)FILE_EXCLUSIVE : 0) |
                     (a % 11 == 0 ? (unsigned)FILE_TRUNCATE : 0);
    TRY(file_open(side->env, path, flags, &file, error));
    Status status = OK;
    memset(bytes, (int)(a + b), sizeof bytes);
    if (what == 0)
        status = file_write_at(file, a % 9000, slice_of(bytes, b % 9000), error);
    else if (what == 1)
        status = file_truncate(file, a % FILE_BYTES_MAX, error);
    else if (what == 2)
        status = file_allocate(file, 1 + a % FILE_BYTES_MAX, error);
    else
        status = file_sync(file, error);
    buffer_put_format(&side->result, "%s ", status_name(status));
    GO(file_read_at(file, b % 5000, bytes, sizeof bytes, &got, error));
    buffer_put(&side->result, bytes, got);
    GO(file_size(file, &size, error));
    buffer_put_format(&side->result, " %llu", (unsigned long long)size);
done:
    KEEP_FIRST(file_close(file, error));
    return status;
}

static Status do_operation(Side *side, uint64_t what, uint64_t a, uint64_t b, Error *error)
{
    const char *path = path_of(side, a);
    FileInformation information;
    switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
        return change_file(side, what, path, a, b, error);
    case 4:
        return env_make_directory(side->env, path, error);
    case 5:
        return env_rename(side->env, path, path_of(side, b), error);
    case 6:
        return env_link(side->env, path, path_of(side, b), error);
    case 7:
        return env_remove(side->env, path, error);
    case 8:
        return env_remove_directory(side->env, path, error);
    case 9:
        list_into(side, path, error);
        return OK;
    default:
        TRY(env_stat(side->env, path, &information, error));
        buffer_put_format(&side->result, "%d %d %llu", information.exists, information.is_directory,
                          information.is_directory ? 0 : (unsigned long long)information.size);
        return OK;
    }
}

/* Which error it is may differ where several are true; that it is one may not. */
static bool same_status(Status a, Status b)
{
    return (a == OK) == (b == OK);
}

static void it_behaves_like_a_real_disk(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    Error error;
    char root[] = "/tmp/simulation_disk_test_XXXXXX";
    assert_non_null(mkdtemp(root));
    Side real = {.env = env_real()};
    Side simulated = {.env = env};
    assert_ok(path_format(&real.root, &error, "%s", root), &error);
    assert_ok(path_format(&simulated.root, &error, "/data"), &error);
    assert_ok(env_make_directory(env, "/data", &error), &error);
    buffer_open(&real.result, 0);
    buffer_open(&simulated.result, 0);
    for (int i = 0; i < OPERATIONS; i++) {
        uint64_t what = random_below(&random, 11);
        uint64_t a = random_u64(&random) >> 1;
        uint64_t b = random_u64(&random) >> 1;
        buffer_clear(&real.result);
        buffer_clear(&simulated.result);
        Status wanted = do_operation(&real, what, a, b, &error);
        Status got = do_operation(&simulated, what, a, b, &error);
        if (!same_status(wanted, got))
            fail_msg("operation %d (%d): %s, wanted %s", i, (int)what, status_name(got),
                     status_name(wanted));
        assert_int_equal(real.result.size, simulated.result.size);
        if (real.result.size > 0)
            assert_memory_equal(real.result.data, simulated.result.data, real.result.size);
    }
    buffer_close(&real.result);
    buffer_close(&simulated.result);
    assert_ok(env_remove_tree(env_real(), root, &error), &error);
    assert_ok(env_remove_tree(env, "/data", &error), &error);
}

/* ---- what a crash leaves ---- */

static void unsynced_writes_are_lost(void **state)
{
    (void)state;
    put_file(env, "f", 0, SLICE("synced"), true);
    sync_directory(env, ".");
    put_file(env, "f", 0, SLICE("unsync"), false);
    assert_slice(get_file(env, "f"), "unsync");
    simulation_crash(machine, SIMULATION_KILL); /* the system still has it, but not on the disk */
    assert_slice(get_file(env, "f"), "unsync");
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    assert_slice(get_file(env, "f"), "synced");
}

static void entries_are_lost_without_a_sync_of_their_directory(void **state)
{
    (void)state;
    Error error;
    assert_ok(env_make_directory(env, "d", &error), &error);
    sync_directory(env, ".");
    put_file(env, "d/kept", 0, SLICE("x"), true);
    sync_directory(env, "d");
    put_file(env, "d/lost", 0, SLICE("x"), true); /* its content is durable, its name is not */
    put_file(env, "d/empty", 0, SLICE("x"), false);
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    assert_slice(get_file(env, "d/kept"), "x");
    assert_false(file_exists(env, "d/lost"));
    put_file(env, "d/empty", 0, SLICE("x"), false);
    sync_directory(env, "d"); /* its name is durable, its content is not */
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    assert_slice(get_file(env, "d/empty"), "");

    assert_ok(env_remove(env, "d/kept", &error), &error);
    assert_false(file_exists(env, "d/kept"));
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    assert_slice(get_file(env, "d/kept"), "x"); /* back again */
}

static void a_directory_takes_its_files_with_it(void **state)
{
    (void)state;
    Error error;
    assert_ok(env_make_directories(env, "a/b", &error), &error);
    put_file(env, "a/b/f", 0, SLICE("x"), true);
    sync_directory(env, "a/b");
    sync_directory(env, "a");
    simulation_crash(machine, SIMULATION_LOSE_ALL); /* "a" itself was never synced into the root */
    assert_false(file_exists(env, "a"));
}

enum { SECTORS = 8 };

/* 'o' where the sector is the old one, 'n' where it is the new one; fails where it is a mixture. */
static void sectors_of(Slice content, char *out)
{
    assert_int_equal(content.size, SECTORS * SIMULATION_SECTOR_BYTES);
    for (size_t i = 0; i < SECTORS; i++) {
        const uint8_t *sector = content.data + i * SIMULATION_SECTOR_BYTES;
        for (size_t at = 1; at < SIMULATION_SECTOR_BYTES; at++)
            assert_int_equal(sector[at], sector[0]);
        out[i] = (char)sector[0];
    }
    out[SECTORS] = '\0';
}

static void fill_file(const char *path, size_t from, size_t count, char with, bool sync)
{
    static uint8_t bytes[SECTORS * SIMULATION_SECTOR_BYTES];
    memset(bytes, with, sizeof bytes);
    put_file(env, path, from * SIMULATION_SECTOR_BYTES,
             slice_of(bytes, count * SIMULATION_SECTOR_BYTES), sync);
}

static void writes_are_torn_at_sectors(void **state)
{
    (void)state;
    int old = 0;
    int new = 0;
    int torn = 0;
    fill_file("f", 0, SECTORS, 'o', true);
    sync_directory(env, ".");
    for (int i = 0; i < 300; i++) {
        char sectors[SECTORS + 1];
        fill_file("f", 0, SECTORS, 'n', false);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        sectors_of(get_file(env, "f"), sectors);
        old += strcmp(sectors, "oooooooo") == 0;
        new += strcmp(sectors, "nnnnnnnn") == 0;
        torn += strchr(sectors, 'o') != NULL && strchr(sectors, 'n') != NULL;
        fill_file("f", 0, SECTORS, 'o', true);
    }
    assert_true(old > 20 && new > 20 && torn > 20);
    assert_int_equal(old + new + torn, 300);
}

static void later_writes_may_survive_earlier_ones(void **state)
{
    (void)state;
    int reordered = 0;
    fill_file("f", 0, SECTORS, 'o', true);
    sync_directory(env, ".");
    for (int i = 0; i < 300; i++) {
        char sectors[SECTORS + 1];
        fill_file("f", 0, 1, '1', false);
        fill_file("f", 5, 1, '2', false);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        sectors_of(get_file(env, "f"), sectors);
        reordered += sectors[0] == 'o' && sectors[5] == '2';
        fill_file("f", 0, SECTORS, 'o', true);
    }
    assert_true(reordered > 10);
}

static void corruption_must_be_asked_for(void **state)
{
    (void)state;
    boot_with(&(SimulationOptions){.seed = 3, .corrupts_unsynced = true});
    int garbage = 0;
    fill_file("f", 0, SECTORS, 'o', true);
    sync_directory(env, ".");
    for (int i = 0; i < 300; i++) {
        fill_file("f", 2, 3, 'n', false);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        Slice content = get_file(env, "f");
        for (size_t at = 0; at < SECTORS; at++) {
            uint8_t first = content.data[at * SIMULATION_SECTOR_BYTES];
            bool is_garbage = first != 'o' && first != 'n';
            assert_true(!is_garbage || (at >= 2 && at < 5)); /* only where it was being written */
            garbage += is_garbage;
        }
        fill_file("f", 0, SECTORS, 'o', true);
    }
    assert_true(garbage > 0);
}

/* Random writes and cuts of one file; after each crash every sector is one that it really was. */
enum { MODEL_SECTORS = 16, MODEL_STEPS = 40, VERSIONS_MAX = MODEL_STEPS + 2 };

typedef struct Model {
    uint8_t versions[MODEL_SECTORS][VERSIONS_MAX]; /* first byte of each; 0: zeros */
    size_t counts[MODEL_SECTORS];
} Model;

static void model_add(Model *model, size_t sector, uint8_t version)
{
    model->versions[sector][model->counts[sector]++] = version;
}

static bool model_has(const Model *model, size_t sector, uint8_t version)
{
    for (size_t i = 0; i < model->counts[sector]; i++) {
        if (model->versions[sector][i] == version)
            return true;
    }
    return false;
}

static void model_restart(Model *model, Slice content)
{
    for (size_t i = 0; i < MODEL_SECTORS; i++) {
        size_t at = i * SIMULATION_SECTOR_BYTES;
        model->counts[i] = 0;
        model_add(model, i, at < content.size ? content.data[at] : 0);
    }
}

static void model_step(Model *model, Random *random, uint8_t version, size_t *sectors_now)
{
    size_t first = (size_t)random_below(random, MODEL_SECTORS);
    size_t count = 1 + (size_t)random_below(random, MODEL_SECTORS - first);
    uint8_t bytes[MODEL_SECTORS * SIMULATION_SECTOR_BYTES];
    Error error;
    File *file = open_file("f");
    if (random_chance(random, 1, 5)) {
        assert_ok(file_truncate(file, first * SIMULATION_SECTOR_BYTES, &error), &error);
        for (size_t i = first; i < *sectors_now; i++)
            model_add(model, i, 0);
        *sectors_now = first;
    } else {
        memset(bytes, version, sizeof bytes);
        assert_ok(file_write_at(file, first * SIMULATION_SECTOR_BYTES,
                                slice_of(bytes, count * SIMULATION_SECTOR_BYTES), &error),
                  &error);
        for (size_t i = *sectors_now; i < first + count; i++)
            model_add(model, i, 0); /* a hole, or not yet written */
        for (size_t i = first; i < first + count; i++)
            model_add(model, i, version);
        *sectors_now = *sectors_now > first + count ? *sectors_now : first + count;
    }
    close_file(file);
}

static void every_sector_is_one_that_it_was(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    put_file(env, "f", 0, SLICE_EMPTY, true);
    sync_directory(env, ".");
    for (int round = 0; round < 400; round++) {
        Model model;
        Slice content = get_file(env, "f");
        size_t sectors_now = content.size / SIMULATION_SECTOR_BYTES;
        model_restart(&model, content);
        uint64_t steps = random_below(&random, MODEL_STEPS / 4);
        for (uint64_t i = 1; i <= steps; i++)
            model_step(&model, &random, (uint8_t)i, &sectors_now);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        content = get_file(env, "f");
        assert_int_equal(content.size % SIMULATION_SECTOR_BYTES, 0);
        for (size_t i = 0; i * SIMULATION_SECTOR_BYTES < content.size; i++) {
            const uint8_t *sector = content.data + i * SIMULATION_SECTOR_BYTES;
            for (size_t at = 1; at < SIMULATION_SECTOR_BYTES; at++)
                assert_int_equal(sector[at], sector[0]);
            assert_true(model_has(&model, i, sector[0]));
        }
    }
}

/* Shorter, and written anew: the old file or the new size, never the old tail behind a new head. */
static void what_was_cut_off_does_not_come_back(void **state)
{
    (void)state;
    int cut = 0;
    for (int i = 0; i < 300; i++) {
        Error error;
        char sectors[SECTORS + 1];
        fill_file("f", 0, SECTORS, 'o', true);
        sync_directory(env, ".");
        File *file = open_file("f");
        assert_ok(file_truncate(file, 0, &error), &error);
        assert_ok(file_truncate(file, SECTORS * SIMULATION_SECTOR_BYTES, &error), &error);
        close_file(file);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        Slice content = get_file(env, "f");
        if (content.size == 0)
            continue;
        sectors_of(content, sectors);
        cut += sectors[0] == 0;
        for (size_t at = 1; at < SECTORS; at++)
            assert_int_equal(sectors[at], sectors[0]);
    }
    assert_true(cut > 0);
}

/* Cut off and written anew: the new blocks are the file's only where the cut is durable too. */
static void old_and_new_contents_do_not_mix_over_a_cut(void **state)
{
    (void)state;
    int old = 0;
    for (int i = 0; i < 300; i++) {
        Error error;
        char sectors[SECTORS + 1];
        fill_file("f", 0, SECTORS, 'o', true);
        sync_directory(env, ".");
        File *file = open_file("f");
        assert_ok(file_truncate(file, 0, &error), &error);
        close_file(file);
        fill_file("f", 0, SECTORS, 'n', false);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        Slice content = get_file(env, "f");
        if (content.size == 0)
            continue;
        sectors_of(content, sectors);
        bool is_old = memchr(sectors, 'o', SECTORS) != NULL;
        for (size_t at = 0; is_old && at < SECTORS; at++)
            assert_int_equal(sectors[at], 'o');
        old += is_old;
    }
    assert_true(old > 20 && old < 280);
}

/* ---- renames ---- */

static void a_rename_is_whole_or_not_at_all(void **state)
{
    (void)state;
    int renamed = 0;
    for (int i = 0; i < 200; i++) {
        Error error;
        put_file(env, "f", 0, SLICE("old"), true);
        sync_directory(env, ".");
        put_file(env, "f.tmp", 0, SLICE("new"), true);
        assert_ok(env_rename(env, "f.tmp", "f", &error), &error);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        bool is_new = slice_equal_text(get_file(env, "f"), "new");
        renamed += is_new;
        if (!is_new)
            assert_slice(get_file(env, "f"), "old");
        else
            assert_false(file_exists(env, "f.tmp"));
    }
    assert_true(renamed > 20 && renamed < 180);
}

static void a_rename_between_directories_is_one_step(void **state)
{
    (void)state;
    Error error;
    int moved = 0;
    assert_ok(env_make_directory(env, "a", &error), &error);
    assert_ok(env_make_directory(env, "b", &error), &error);
    sync_directory(env, ".");
    for (int i = 0; i < 300; i++) {
        put_file(env, "a/f", 0, SLICE("x"), true);
        sync_directory(env, "a");
        if (i % 3 == 0)
            put_file(env, "a/before", 0, SLICE("y"), true);
        assert_ok(env_rename(env, "a/f", "b/f", &error), &error);
        if (i % 2 == 0)
            put_file(env, "b/after", 0, SLICE("y"), true);
        if (i % 5 == 0)
            sync_directory(env, i % 10 == 0 ? "a" : "b"); /* takes the other half with it */
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        bool is_here = file_exists(env, "a/f");
        bool is_there = file_exists(env, "b/f");
        assert_int_not_equal(is_here, is_there);
        assert_true(i % 5 != 0 || is_there);
        moved += is_there;
        assert_ok(env_remove_tree(env, "a", &error), &error);
        assert_ok(env_remove_tree(env, "b", &error), &error);
        assert_ok(env_make_directory(env, "a", &error), &error);
        assert_ok(env_make_directory(env, "b", &error), &error);
        sync_directory(env, ".");
    }
    assert_true(moved > 60 && moved < 280);
}

/* ---- protocols, crashed at each change of the disk ---- */

static void replace_file(void *argument)
{
    Error error;
    (void)argument;
    simulation_ok(machine, env_replace_file(env, "f", SLICE("new content"), 0, &error), &error);
}

static void replacing_a_file_survives_every_crash(void **state)
{
    (void)state;
    for (int policy = SIMULATION_KILL; policy <= SIMULATION_LOSE_ALL; policy++) {
        for (int round = 0; round < 50; round++) {
            SimulationEnd end = SIMULATION_CRASHED;
            for (uint64_t n = 1; end == SIMULATION_CRASHED; n++) {
                put_file(env, "f", 0, SLICE("old content"), true);
                sync_directory(env, ".");
                simulation_crash_at_change(machine, n, (SimulationCrash)policy);
                end = simulation_run(machine, replace_file, NULL);
                bool is_new = slice_equal_text(get_file(env, "f"), "new content");
                if (!is_new)
                    assert_slice(get_file(env, "f"), "old content");
                assert_true(is_new || end == SIMULATION_CRASHED);
                assert_true(n < 10);
            }
            assert_end(SIMULATION_FINISHED, end, machine);
            simulation_crash(machine, SIMULATION_LOSE_ALL);
            assert_slice(get_file(env, "f"), "new content");
        }
    }
}

static void write_and_sync(void *argument)
{
    Error error;
    simulation_ok(machine, file_write_at(argument, 0, SLICE("new"), &error), &error);
    simulation_ok(machine, file_sync(argument, &error), &error);
}

static void a_sync_that_is_cut_off_has_not_happened(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        put_file(env, "f", 0, SLICE("old"), true);
        sync_directory(env, ".");
        simulation_crash_at_change(machine, 2, SIMULATION_LOSE_ALL);
        assert_end(SIMULATION_CRASHED, simulation_run(machine, write_and_sync, open_file("f")),
                   machine);
        assert_slice(get_file(env, "f"), "old");
    }
}

static void rename_only(void *argument)
{
    Error error;
    (void)argument;
    simulation_ok(machine, env_rename(env, "a", "b", &error), &error);
}

static void a_crash_comes_before_a_change_or_after_it(void **state)
{
    (void)state;
    int renamed = 0;
    for (int i = 0; i < 100; i++) {
        Error error;
        put_file(env, "a", 0, SLICE("x"), false);
        simulation_crash_at_change(machine, 1, SIMULATION_KILL);
        assert_end(SIMULATION_CRASHED, simulation_run(machine, rename_only, NULL), machine);
        bool is_renamed = file_exists(env, "b");
        assert_int_not_equal(is_renamed, file_exists(env, "a"));
        renamed += is_renamed;
        if (is_renamed)
            assert_ok(env_remove(env, "b", &error), &error);
    }
    assert_true(renamed > 20 && renamed < 80);
}

/* The same without the sync of the file: some crash must show it, or the simulation proves nothing.
 */
static void replace_carelessly(void *argument)
{
    Error error;
    File *file;
    (void)argument;
    simulation_ok(machine, file_open(env, "f.tmp", FILE_WRITE | FILE_CREATE, &file, &error),
                  &error);
    simulation_ok(machine, file_write_at(file, 0, SLICE("new content"), &error), &error);
    simulation_ok(machine, file_close(file, &error), &error);
    simulation_ok(machine, env_rename(env, "f.tmp", "f", &error), &error);
    simulation_ok(machine, env_sync_directory(env, ".", &error), &error);
}

static void a_missing_sync_is_found(void **state)
{
    (void)state;
    int broken = 0;
    for (int round = 0; round < 100; round++) {
        put_file(env, "f", 0, SLICE("old content"), true);
        sync_directory(env, ".");
        assert_end(SIMULATION_FINISHED, simulation_run(machine, replace_carelessly, NULL), machine);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        broken += !slice_equal_text(get_file(env, "f"), "new content");
    }
    assert_true(broken > 10);
}

/* ---- large and many ---- */

static void a_large_file_costs_what_is_written(void **state)
{
    (void)state;
    Error error;
    uint64_t size;
    File *file = open_file("large");
    assert_ok(file_allocate(file, UINT64_C(1) << 30, &error), &error);
    assert_ok(file_write_at(file, (UINT64_C(1) << 30) - 3, SLICE("end"), &error), &error);
    assert_ok(file_sync(file, &error), &error);
    close_file(file);
    sync_directory(env, ".");
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    file = open_file("large");
    uint8_t bytes[6];
    size_t got;
    assert_ok(file_size(file, &size, &error), &error);
    assert_int_equal(size, 1 << 30);
    assert_ok(file_read_at(file, size - 5, bytes, sizeof bytes, &got, &error), &error);
    assert_int_equal(got, 5);
    assert_memory_equal(bytes, "\0\0end", 5);
    close_file(file);
}

static void paths_have_their_limits(void **state)
{
    (void)state;
    Error error;
    char name[300];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_status(env_make_directory(env, name, &error), STATUS_IO_ERROR);
    assert_status(env_make_directory(env, "a/../b", &error), STATUS_IO_ERROR);
    assert_status(env_make_directory(env, "/", &error), STATUS_FILE_EXISTS);
    assert_status(env_make_directory(env, "none/b", &error), STATUS_FILE_NOT_FOUND);
    assert_status(env_remove_directory(env, ".", &error), STATUS_IO_ERROR);
    assert_ok(env_make_directory(env, "./a//", &error), &error);
    assert_true(file_exists(env, "/a/."));
    assert_status(env_rename(env, "a", "a/b", &error), STATUS_IO_ERROR); /* into itself */
}

/* ---- env_make_durable_directories ---- */

static void make_deep_directory(void *argument)
{
    Error error;
    (void)argument;
    simulation_ok(machine, env_make_durable_directories(env, "/a/b/c/d", &error), &error);
    simulation_crash(machine, SIMULATION_LOSE_ALL);
}

static void make_over_a_kill(void *argument)
{
    Error error;
    (void)argument;
    simulation_ok(machine, env_make_directories(env, "/a/b/c/d", &error), &error);
    simulation_crash(machine, SIMULATION_KILL);
}

/* Bug: folders that held what was durable were not durable themselves. */
static void bug_durable_directories_lost(void **state)
{
    (void)state;
    assert_end(SIMULATION_CRASHED, simulation_run(machine, make_deep_directory, NULL), machine);
    assert_true(file_exists(env, "/a/b/c/d"));
    for (uint64_t seed = 1; seed < 200; seed++) {
        boot_with(&(SimulationOptions){.seed = seed});
        Error error;
        assert_ok(env_make_durable_directories(env, "/a/b/c/d", &error), &error);
        put_file(env, "/a/b/c/d/file", 0, SLICE("x"), true);
        simulation_crash(machine, SIMULATION_POWER_LOSS);
        assert_true(file_exists(env, "/a/b/c/d"));
    }
}

/* What a killed process had made and not synced is made safe by who finds it there: itself, and the
 * entry that names it. */
static void a_directory_left_by_a_killed_process_is_made_durable(void **state)
{
    (void)state;
    Error error;
    assert_end(SIMULATION_CRASHED, simulation_run(machine, make_over_a_kill, NULL), machine);
    for (const char *path = "/a"; path != NULL;) {
        assert_ok(env_make_durable_directories(env, path, &error), &error);
        path = strcmp(path, "/a") == 0       ? "/a/b"
               : strcmp(path, "/a/b") == 0   ? "/a/b/c"
               : strcmp(path, "/a/b/c") == 0 ? "/a/b/c/d"
                                             : NULL;
    }
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    assert_true(file_exists(env, "/a/b/c/d"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(bug_durable_directories_lost),
        ON_A_MACHINE(a_directory_left_by_a_killed_process_is_made_durable),
        ON_A_MACHINE(it_behaves_like_a_real_disk),
        ON_A_MACHINE(unsynced_writes_are_lost),
        ON_A_MACHINE(entries_are_lost_without_a_sync_of_their_directory),
        ON_A_MACHINE(a_directory_takes_its_files_with_it),
        ON_A_MACHINE(writes_are_torn_at_sectors),
        ON_A_MACHINE(later_writes_may_survive_earlier_ones),
        ON_A_MACHINE(corruption_must_be_asked_for),
        ON_A_MACHINE(every_sector_is_one_that_it_was),
        ON_A_MACHINE(what_was_cut_off_does_not_come_back),
        ON_A_MACHINE(old_and_new_contents_do_not_mix_over_a_cut),
        ON_A_MACHINE(a_sync_that_is_cut_off_has_not_happened),
        ON_A_MACHINE(a_crash_comes_before_a_change_or_after_it),
        ON_A_MACHINE(a_rename_is_whole_or_not_at_all),
        ON_A_MACHINE(a_rename_between_directories_is_one_step),
        ON_A_MACHINE(replacing_a_file_survives_every_crash),
        ON_A_MACHINE(a_missing_sync_is_found),
        ON_A_MACHINE(a_large_file_costs_what_is_written),
        ON_A_MACHINE(paths_have_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
