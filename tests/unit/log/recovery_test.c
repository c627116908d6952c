/* Opening: what is kept, what is a torn tail, what is damage. */
#include "tests/unit/log/machine.h"

/* ---- what is replayed ---- */

static void write_three(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    put("a");
    CHECK_OK(append("b", 3, &error), &error);
    CHECK_OK(append("c", 1, &error), &error);
    CHECK_OK(commit(&error), &error);
    close_log();
}

static const char *wanted_rows;

static void replay_all(void *argument)
{
    (void)argument;
    open_log(0);
    check_replayed(wanted_rows);
    close_log();
}

static void expect(const char *wanted)
{
    wanted_rows = wanted;
    run(replay_all);
}

static void what_was_written_is_replayed_in_order(void **state)
{
    (void)state;
    run(write_three);
    for (int i = 0; i < 3; i++)
        expect("a b b b c ");
    assert_true(recovery.found_any);
    assert_int_equal(5, recovery.frames);
    assert_int_equal(0, recovery.torn_bytes);
}

static void write_part_of_a_transaction(void *argument)
{
    Error error;
    Slice part = SLICE("half");
    (void)argument;
    open_log(0);
    put("whole");
    CHECK_OK(log_reserve(log_, 1, part.size, false, &error), &error);
    (void)log_append(log_, LOG_FRAME_KIND_MIN, 0, ++last_seq, 9, &part, 1);
    CHECK_OK(commit(&error), &error);
    close_log();
}

static void a_transaction_without_its_end_is_dropped(void **state)
{
    (void)state;
    run(write_part_of_a_transaction);
    expect("whole ");
    assert_true(recovery.torn_bytes > 0);
    expect("whole ");
    assert_int_equal(0, recovery.torn_bytes);
}

static LogPosition positions[4];

static void write_with_positions(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    for (int i = 0; i < 4; i++) {
        char text[2] = {(char)('0' + i), 0};
        CHECK_OK(append(text, 1, &error), &error);
        CHECK_OK(commit(&error), &error);
        positions[i] = log_appended(log_);
    }
    close_log();
}

static void replay_from_each(void *argument)
{
    static const char *const wanted[] = {"1 2 3 ", "2 3 ", "3 ", ""};
    (void)argument;
    for (int i = 0; i < 4; i++) {
        open_log(positions[i]);
        check_replayed(wanted[i]);
        CHECK(recovery.end >= positions[3]);
        close_log();
    }
}

static void replay_begins_where_it_is_told(void **state)
{
    (void)state;
    run(write_with_positions);
    run(replay_from_each);
}

/* ---- torn tails ---- */

static uint64_t tail_begin;
static uint64_t tail_end;

/* Two durable groups and one whose sync never came. */
static void write_tail(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    put("one");
    put("two");
    tail_begin = LOG_SEGMENT_HEADER_BYTES + (log_->current->end - log_->current->base);
    log_set_durability(log_, LOG_NONE, 0);
    CHECK_OK(append("tail-of-some-bytes-that-may-be-lost", 2, &error), &error);
    CHECK_OK(commit(&error), &error);
    tail_end = LOG_SEGMENT_HEADER_BYTES + (log_->current->end - log_->current->base);
    close_log();
}

static void replay_torn(void *argument)
{
    (void)argument;
    open_log(0);
    CHECK(strncmp(replayed, "one two ", 8) == 0);
    put("after");
    close_log();
    open_log(0);
    CHECK(strncmp(replayed, "one two ", 8) == 0);
    CHECK(strcmp(replayed + strlen(replayed) - 6, "after ") == 0);
    close_log();
}

static void zero_from(const char *path, uint64_t offset, uint64_t size)
{
    static const uint8_t zeros[4096];
    assert_true(size <= sizeof zeros);
    put_file(env, path, offset, slice_of(zeros, size), true);
}

/* Cut at each byte of the last group: what was durable before it is kept, and writing goes on. */
static void a_torn_last_group_loses_nothing_before_it(void **state)
{
    (void)state;
    char path[64];
    run(write_tail);
    uint64_t size = tail_end - tail_begin;
    for (uint64_t kept = 0; kept < size; kept++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        run(write_tail);
        segment_number(0, path);
        zero_from(path, tail_begin + kept, size - kept);
        run(replay_torn);
    }
}

/* B2: any 512 bytes above the durable position may be missing. */
static void lost_sectors_of_the_last_group_are_a_tail(void **state)
{
    (void)state;
    char path[64];
    for (uint64_t lost = 0; lost < 4; lost++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        run(write_tail);
        segment_number(0, path);
        uint64_t at = (tail_begin + lost * 32) / 8 * 8;
        zero_from(path, at, 40);
        run(replay_torn);
    }
}

/* ---- damage ---- */

static void refuse(void *argument)
{
    Error error;
    (void)argument;
    CHECK_STATUS(STATUS_DATA_CORRUPTED, open_from(0, &error));
    CHECK(strstr(error.message, ".log") != NULL || strstr(error.message, "segment") != NULL);
}

static uint64_t changes_of_files(void)
{
    return simulation_count(machine, SIMULATION_WRITE) +
           simulation_count(machine, SIMULATION_CREATE) +
           simulation_count(machine, SIMULATION_RENAME) +
           simulation_count(machine, SIMULATION_REMOVE) +
           simulation_count(machine, SIMULATION_TRUNCATE);
}

static void write_durable(void *argument)
{
    (void)argument;
    open_log(0);
    put("number-1"); /* eight bytes: what fills up a frame is not checked */
    tail_begin = LOG_SEGMENT_HEADER_BYTES + (log_->current->end - log_->current->base);
    put("number-2");
    put("number-3"); /* its group header says that the one before is durable */
    close_log();
}

static void a_flipped_bit_below_the_durable_position_is_refused(void **state)
{
    (void)state;
    char path[64];
    run(write_durable);
    segment_number(0, path);
    for (uint64_t offset = LOG_SEGMENT_HEADER_BYTES; offset < tail_begin; offset += 5) {
        damage(path, offset);
        uint64_t changes = changes_of_files();
        run(refuse);
        assert_true(changes == changes_of_files());
        damage(path, offset);
    }
    expect("number-1 number-2 number-3 ");
}

static void a_damaged_header_of_a_segment_is_refused(void **state)
{
    (void)state;
    char path[64];
    run(write_durable);
    segment_number(0, path);
    for (uint64_t offset = 0; offset < 64; offset += 3) {
        damage(path, offset);
        run(refuse);
        damage(path, offset);
    }
    expect("number-1 number-2 number-3 ");
}

static void write_segments(void *argument)
{
    (void)argument;
    open_log(0);
    for (int i = 0; i < 3; i++)
        fill_segment("some payload that takes a little room in its segment, so that it fills");
    put("last");
    close_log();
}

static void a_missing_segment_is_refused(void **state)
{
    (void)state;
    char path[64];
    for (size_t n = 0; n < 4; n++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        run(write_segments);
        assert_int_equal(4, count_segments());
        segment_number(n, path);
        remove_file(path);
        run(refuse);
    }
}

/* The newest segment is gone, and recovery was to begin in it. */
static LogPosition durable_end;

static void write_and_remember(void *argument)
{
    (void)argument;
    open_log(0);
    fill_segment("some payload that takes a little room in its segment, so that it fills");
    put("settled");
    durable_end = log_appended(log_);
    put("acknowledged");
    close_log();
}

static void refuse_from_the_end(void *argument)
{
    Error error;
    (void)argument;
    CHECK_STATUS(STATUS_DATA_CORRUPTED, open_from(durable_end, &error));
}

static void a_missing_segment_is_refused_where_replay_begins_in_it(void **state)
{
    (void)state;
    char path[64];
    run(write_and_remember);
    assert_int_equal(2, count_segments());
    segment_number(1, path);
    remove_file(path);
    run(refuse_from_the_end);
}

static void a_log_that_ends_before_replay_begins_is_refused(void **state)
{
    (void)state;
    run(write_three);
    durable_end = 1 << 20;
    run(refuse_from_the_end);
}

static void refuse_without_segments(void *argument)
{
    Error error;
    (void)argument;
    CHECK_STATUS(STATUS_DATA_CORRUPTED, open_from(4096, &error));
}

static void a_log_without_segments_is_refused_where_one_is_needed(void **state)
{
    (void)state;
    run(refuse_without_segments);
}

/* ---- names ---- */

static void names_only_grow(void *argument)
{
    (void)argument;
    char before[SEGMENT_NAME_DIGITS + 5] = "";
    for (int i = 0; i < 5; i++) {
        open_log(0);
        CHECK(strcmp(before, log_->current->name) < 0);
        memcpy(before, log_->current->name, sizeof before);
        close_log(); /* nothing was written: the segment has a name only */
    }
}

/* Bug: a recovered log gave the next segment the name of one that had no frames. */
static void bug_segment_name_reused_after_recovery(void **state)
{
    (void)state;
    run(names_only_grow);
}

static void roll_over_after_recovery(void *argument)
{
    (void)argument;
    open_log(0);
    put("one");
    close_log();
    open_log(0);
    uint64_t named = log_->current->first_seq;
    fill_segment("the first frame after recovery is in the segment that recovery made");
    CHECK(log_->current->first_seq > named);
    CHECK(statistics().first_seq == 1);
    close_log();
}

/* Bug: the first segment after recovery was named by a sequence that frames were given later. */
static void bug_first_seq_after_recovery(void **state)
{
    (void)state;
    run(roll_over_after_recovery);
}

/* ---- spares with a past ---- */

static void open_only(void *argument)
{
    (void)argument;
    open_log(0);
    close_log();
}

static void write_large_first_group(void *argument)
{
    static char text[TEST_SEGMENT_BYTES];
    Error error;
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    open_log(0);
    SimulationFault fault = {.operation = SIMULATION_RENAME, .nth = 1, .status = STATUS_IO_ERROR};
    simulation_inject(machine, &fault);
    CHECK_OK(append(text, 1, &error), &error);
    CHECK_STATUS(STATUS_IO_ERROR, commit(&error));
    CHECK(log_is_poisoned(log_));
    close_log();
}

/* Bug: a segment that was written but never got its name stayed as a spare; the next segment had
 * its number and its beginning, and took its frames for its own. */
static void bug_frames_of_a_spare_come_back(void **state)
{
    (void)state;
    run(write_large_first_group);
    simulation_clear_faults(machine);
    options.segment_bytes = SEGMENT_BYTES_MIN; /* smaller spares are of no use now */
    run(open_only);                            /* nothing is there: that group failed */
    assert_string_equal("", replayed);
    assert_int_equal(0, recovery.frames);
    run(open_only);
    assert_string_equal("", replayed);
    assert_int_equal(0, recovery.frames);
}

/* ---- crashes ---- */

static char acknowledged[TEXT_MAX];

static void write_until_crash(void *argument)
{
    uint64_t *round = argument;
    open_log(0);
    size_t size = strlen(acknowledged);
    if (strncmp(replayed, acknowledged, size) != 0)
        simulation_fail(machine, "\"%.300s\" was acknowledged, \"%.300s\" is there", acknowledged,
                        replayed);
    memcpy(acknowledged, replayed, strlen(replayed) + 1); /* what survived once stays */
    for (int i = 0; i < 20; i++) {
        char text[32];
        Error error;
        (void)snprintf(text, sizeof text, "%lu.%d", *round, i);
        CHECK_OK(append(text, 1, &error), &error);
        if (i % 3 != 0)
            continue;
        CHECK_OK(commit(&error), &error);
        size = strlen(acknowledged);
        for (int n = i < 3 ? 0 : i - 2; n <= i; n++)
            size += (size_t)snprintf(acknowledged + size, TEXT_MAX - size, "%lu.%d ", *round, n);
    }
    close_log();
}

/* A crash at every change of the disk, then another one, then a quiet day. */
static void a_crash_anywhere_loses_nothing_acknowledged(void **state)
{
    static const SimulationCrash policies[] = {SIMULATION_KILL, SIMULATION_POWER_LOSS,
                                               SIMULATION_LOSE_ALL};
    (void)state;
    uint64_t seed = test_seed();
    for (uint64_t n = 1; n < 60; n++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        simulation_destroy(machine);
        machine = simulation_create(
            &(SimulationOptions){.seed = seed + n, .corrupts_unsynced = n % 2 == 0});
        env = simulation_env(machine);
        acknowledged[0] = '\0';
        for (uint64_t round = 0; round < 4; round++) {
            SimulationCrash policy = policies[(n + round) % 3];
            simulation_crash_at_change(machine, round == 3 ? 0 : 1 + (n + round * 17) % 60, policy);
            SimulationEnd end = simulation_run(machine, write_until_crash, &round);
            if (end != SIMULATION_CRASHED)
                assert_end(SIMULATION_FINISHED, end, machine);
        }
    }
}

static Status open_and_close(Error *error)
{
    TRY(open_from(0, error));
    Status status = log_start(log_, ++last_seq, error);
    log_close(log_);
    return status;
}

static void fail_allocations(void *argument)
{
    Status status = STATUS_OUT_OF_MEMORY;
    (void)argument;
    for (int64_t n = 1; status == STATUS_OUT_OF_MEMORY; n++) {
        Error error;
        memory_fail_at(n, 1);
        status = open_and_close(&error);
        memory_fail_at(0, 0);
        last_seq++;
        CHECK(status == OK || status == STATUS_OUT_OF_MEMORY);
    }
    open_log(0);
    check_replayed("a b b b c ");
    close_log();
}

static void every_allocation_of_an_open_can_fail(void **state)
{
    (void)state;
    run(write_three);
    run(fail_allocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(what_was_written_is_replayed_in_order),
        ON_A_MACHINE(a_transaction_without_its_end_is_dropped),
        ON_A_MACHINE(replay_begins_where_it_is_told),
        ON_A_MACHINE(a_torn_last_group_loses_nothing_before_it),
        ON_A_MACHINE(lost_sectors_of_the_last_group_are_a_tail),
        ON_A_MACHINE(a_flipped_bit_below_the_durable_position_is_refused),
        ON_A_MACHINE(a_damaged_header_of_a_segment_is_refused),
        ON_A_MACHINE(a_missing_segment_is_refused),
        ON_A_MACHINE(a_missing_segment_is_refused_where_replay_begins_in_it),
        ON_A_MACHINE(a_log_that_ends_before_replay_begins_is_refused),
        ON_A_MACHINE(a_log_without_segments_is_refused_where_one_is_needed),
        ON_A_MACHINE(bug_segment_name_reused_after_recovery),
        ON_A_MACHINE(bug_first_seq_after_recovery),
        ON_A_MACHINE(bug_frames_of_a_spare_come_back),
        ON_A_MACHINE(a_crash_anywhere_loses_nothing_acknowledged),
        ON_A_MACHINE(every_allocation_of_an_open_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
