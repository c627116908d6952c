/* Segments: when one is full, how large they are, spares, and disks without room. */
#include "tests/unit/log/machine.h"

static const char *const payload =
    "some payload that takes a little room in its segment, so that it fills";

/* ---- rollover ---- */

static void roll_over(void *argument)
{
    (void)argument;
    open_log(0);
    for (int i = 0; i < 3; i++) {
        const Segment *before = log_->current;
        fill_segment(payload);
        CHECK(log_->current->id == before->id + 1);
        CHECK(log_->current->base == before->end);
        CHECK(log_->current->first_seq == last_seq); /* its first frame's */
        CHECK(before->file == NULL);
        CHECK(statistics().durable == statistics().written);
    }
    close_log();
}

static void read_over(void *argument)
{
    (void)argument;
    open_log(0);
    CHECK(recovery.segments == 4);
    size_t count = recovery.frames;
    CHECK(strlen(replayed) == count * (strlen(payload) + 1));
    close_log();
}

static void a_full_segment_is_followed_by_another(void **state)
{
    (void)state;
    run(roll_over);
    run(read_over);
}

static void a_change_of_segment_syncs_in_every_mode(void *argument)
{
    (void)argument;
    open_log(0);
    log_set_durability(log_, LOG_NONE, 0);
    put(payload);
    CHECK(statistics().durable < statistics().written);
    fill_segment(payload);
    CHECK(statistics().durable == statistics().written);
    close_log();
}

/* The power goes at the n-th change of the disk from the moment in which the next segment is begun,
 * behind groups that no sync made durable. */
static void change_segment_without_power(void *argument)
{
    const uint64_t *n = argument;
    Error error;
    open_log(0);
    log_set_durability(log_, LOG_NONE, 0);
    for (int i = 0; i < 5; i++)
        put(payload);
    while (!log_->has_next)
        CHECK_OK(append(payload, 1, &error), &error);
    simulation_crash_at_change(machine, *n, SIMULATION_LOSE_ALL);
    CHECK_OK(commit(&error), &error);
    simulation_crash_at_change(machine, 0, SIMULATION_LOSE_ALL);
    close_log();
}

static void open_again(void *argument)
{
    (void)argument;
    open_log(0);
    close_log();
}

/* The canary of rotate_sync. */
static void a_segment_begins_behind_what_is_durable_wherever_the_power_goes(void **state)
{
    SimulationEnd end = SIMULATION_CRASHED;
    (void)state;
    for (uint64_t n = 1; end == SIMULATION_CRASHED; n++) {
        end = simulation_run(machine, change_segment_without_power, &n);
        if (end != SIMULATION_CRASHED)
            assert_end(SIMULATION_FINISHED, end, machine);
        log_ = NULL;
        run(open_again);
    }
}

static void the_start_of_a_segment_is_durable_in_mode_none(void **state)
{
    (void)state;
    run(a_change_of_segment_syncs_in_every_mode);
}

static void append_until_it_needs_another(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    uint64_t id = log_->current->id;
    while (!log_->has_next)
        CHECK_OK(append(payload, 1, &error), &error);
    CHECK(log_->current->id == id); /* the group is not written yet */
    CHECK_OK(append(payload, 200, &error), &error);
    CHECK_OK(commit(&error), &error);
    CHECK(log_->current->id == id + 1);
    put("behind");
    CHECK(log_->current->id == id + 1);
    close_log();
}

/* A group is never split: where it outgrows the segment it begins the next one, whole. */
static void a_group_that_does_not_fit_begins_the_next_segment(void **state)
{
    (void)state;
    run(append_until_it_needs_another);
}

/* The committer is at the change of one segment while the next group is too large for it, too. */
static void change_twice(void *argument)
{
    static char text[TEST_SEGMENT_BYTES];
    LogGroup first;
    Error error;
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    open_log(0);
    put("before");
    uint64_t id = log_->current->id;
    for (uint64_t i = 1; i < 30; i++) {
        while (!log_->has_next)
            CHECK_OK(append(text, 1, &error), &error);
        log_take_group(log_, last_seq, &first);
        CHECK(first.changes_segment);
        while (!log_->has_next)
            CHECK_OK(append(text, 1, &error), &error);
        CHECK_OK(log_write_group(log_, &first, &error), &error);
        log_chunk_release(first.chunk);
        CHECK_OK(commit(&error), &error);
        CHECK(log_->current->id == id + 2 * i);
    }
    close_log();
}

/* Bug: the memory for one segment was counted on by both, and the server stopped. */
static void bug_two_groups_that_begin_segments_counted_on_the_same_memory(void **state)
{
    (void)state;
    run(change_twice);
}

static void append_large(void *argument)
{
    static char text[3 * TEST_SEGMENT_BYTES];
    Error error;
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    open_log(0);
    put("before");
    CHECK_OK(append(text, 1, &error), &error);
    CHECK_OK(commit(&error), &error);
    CHECK(log_->current->file_bytes > sizeof text);
    put("behind");
    CHECK(statistics().frames == 3);
    close_log();
}

static void a_group_may_be_larger_than_segments_are(void **state)
{
    (void)state;
    run(append_large);
}

static void refuse_too_large(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    CHECK_STATUS(STATUS_PROGRAM_LIMIT_EXCEEDED,
                 log_reserve(log_, 1, (size_t)LOG_FRAME_BYTES_MAX + 1, false, &error));
    CHECK(log_pending_bytes(log_) == 0);
    put("works");
    close_log();
}

static void a_transaction_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    run(refuse_too_large);
}

static void grow(void *argument)
{
    static char text[100 * 1024];
    Error error;
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    options.segment_bytes = 8 << 20;
    open_log(0);
    CHECK(log_->current->file_bytes == SEGMENT_BYTES_MIN);
    for (int i = 0; i < 120; i++) {
        CHECK_OK(append(text, 1, &error), &error);
        CHECK_OK(commit(&error), &error);
        env_sleep_ns(env, 1000000); /* the spares of another size come by and by */
    }
    CHECK(log_->current->file_bytes > SEGMENT_BYTES_MIN);
    CHECK(segment_bytes_wanted(log_) == 8 << 20);
    close_log();
}

static void segments_grow_with_the_log(void **state)
{
    (void)state;
    run(grow);
}

/* ---- spares ---- */

static size_t count_spares(void)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    size_t spares = 0;
    Error error;
    arena_open(&arena, 0);
    CHECK_OK(env_list(env, LOG_FOLDER, &arena, &entries, &count, &error), &error);
    for (size_t i = 0; i < count; i++)
        spares += slice_starts_with(entries[i].name, SLICE("spare-"));
    arena_close(&arena);
    return spares;
}

static void make_spares(void *argument)
{
    (void)argument;
    options.spare_segments = 3;
    open_log(0);
    env_sleep_ns(env, 1000000000);
    CHECK(count_spares() == 4); /* one more for commit records */
    close_log();
    uint64_t made = simulation_count(machine, SIMULATION_CREATE);
    open_log(0); /* takes one of them for the new segment */
    CHECK(simulation_count(machine, SIMULATION_CREATE) <= made + 1); /* in place of that one */
    env_sleep_ns(env, 1000000000);
    CHECK(count_spares() == 4);
    close_log();
}

static void spares_are_made_ahead_and_adopted(void **state)
{
    (void)state;
    run(make_spares);
}

static void too_small_spares_go(void *argument)
{
    (void)argument;
    options.segment_bytes = SEGMENT_BYTES_MIN;
    options.spare_segments = 0;
    put_file(env, LOG_FOLDER "/spare-7", 0, SLICE("short"), true);
    put_file(env, LOG_FOLDER "/spare-x", 0, SLICE("not ours"), true);
    open_log(0);
    CHECK(!file_exists(env, LOG_FOLDER "/spare-7"));
    CHECK(file_exists(env, LOG_FOLDER "/spare-x"));
    CHECK(log_->next_spare_number > 7);
    close_log();
}

static void a_spare_without_blocks_is_removed(void **state)
{
    (void)state;
    run(roll_over);
    run(too_small_spares_go);
}

static void need_a_large_one(void *argument)
{
    static char text[4 * TEST_SEGMENT_BYTES];
    Error error;
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    options.spare_segments = SPARES_MAX;
    open_log(0);
    env_sleep_ns(env, 10000000000);
    CHECK(log_->spare_count == SPARES_MAX);
    CHECK_OK(append(text, 1, &error), &error);
    CHECK_OK(commit(&error), &error);
    CHECK(log_->spare_count <= SPARES_MAX);
    close_log();
}

/* Bug: with all places taken by small spares a large transaction was told that the disk is full. */
static void bug_small_spares_left_no_place_for_a_large_one(void **state)
{
    (void)state;
    run(need_a_large_one);
}

static void recycle(void *argument)
{
    Error error;
    (void)argument;
    options.spare_segments = 2;
    open_log(0);
    for (int i = 0; i < 8; i++)
        fill_segment(payload);
    close_log();
    open_log(0);
    log_release(log_, log_appended(log_));
    mutex_lock(&log_->mutex);
    log_->spare_count = 0; /* as if the thread that makes them were behind */
    mutex_unlock(&log_->mutex);
    uint64_t removed = simulation_count(machine, SIMULATION_REMOVE);
    size_t expired = log_->segment_count - 1;
    CHECK_OK(log_expire(log_, INT64_MAX, 0, &error), &error);
    CHECK(statistics().bytes_released == 0);
    CHECK(log_->spare_count > 0);
    removed = simulation_count(machine, SIMULATION_REMOVE) - removed;
    CHECK(removed < expired); /* some were renamed instead */
    for (int i = 0; i < 4; i++)
        fill_segment("frames of another life lie behind these, and are none");
    put("end");
    LogPosition from = log_->segments[0]->base;
    close_log();
    open_log(from);
    CHECK(strcmp(replayed + strlen(replayed) - 4, "end ") == 0);
    const char *old = strstr(replayed, payload); /* the tail that recovery wrote again */
    CHECK(old == NULL || strstr(old + 1, payload) == NULL);
    close_log();
}

static void an_expired_segment_lives_on_as_a_spare(void **state)
{
    (void)state;
    run(recycle);
}

/* ---- no room ---- */

static void fill_the_disk(void)
{
    simulation_set_disk_bytes(machine, simulation_disk_used(machine));
}

static void write_without_room(void *argument)
{
    static char text[TEST_SEGMENT_BYTES / 4];
    Error error;
    Status status = OK;
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    open_log(0);
    env_sleep_ns(env, 1000000000);
    fill_the_disk();
    uint64_t written = 0;
    for (int i = 0; i < 100 && status == OK; i++) {
        status = append(text, 1, &error);
        if (status != OK)
            break;
        CHECK_OK(commit(&error), &error);
        written++;
    }
    CHECK_STATUS(STATUS_DISK_FULL, status);
    CHECK(written > 2); /* a spare was used first */
    CHECK(!log_is_poisoned(log_) && log_pending_bytes(log_) == 0);
    LogPosition end = log_appended(log_);
    CHECK_STATUS(STATUS_DISK_FULL, append(text, 1, &error));
    CHECK(log_appended(log_) == end);
    CHECK_OK(log_reserve(log_, 1, sizeof text, true, &error), &error); /* space was kept */
    simulation_set_disk_bytes(machine, 0);
    CHECK_OK(append(text, 1, &error), &error);
    CHECK_OK(commit(&error), &error);
    close_log();
    open_log(0);
    CHECK(recovery.frames == written + 1);
    close_log();
}

/* A9: refused before anything is sequenced, and it works again when there is room. */
static void a_full_disk_refuses_and_recovers(void **state)
{
    (void)state;
    run(write_without_room);
}

static void write_commit_record(void *argument)
{
    static char text[TEST_SEGMENT_BYTES / 4];
    Error error;
    Slice part = SLICE("commit record");
    (void)argument;
    memset(text, 'x', sizeof text - 1);
    open_log(0);
    env_sleep_ns(env, 1000000000);
    fill_the_disk();
    while (append(text, 1, &error) == OK)
        CHECK_OK(commit(&error), &error);
    CHECK_OK(log_reserve(log_, 1, part.size, true, &error), &error);
    (void)log_append(log_, LOG_FRAME_KIND_MIN, LOG_FRAME_COMMIT, ++last_seq, 0, &part, 1);
    CHECK_OK(commit(&error), &error);
    CHECK(statistics().durable == log_appended(log_));
    close_log();
    open_log(0);
    CHECK(strcmp(replayed + strlen(replayed) - 14, "commit record ") == 0);
    close_log();
}

/* The flush that would free the log must be able to commit on a full disk. */
static void a_commit_record_has_room_on_a_full_disk(void **state)
{
    (void)state;
    run(write_commit_record);
}

static void fail_allocations(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    for (int64_t n = 1; n < 40; n++) {
        memory_fail_at(n, 1);
        Status status = append(payload, 3, &error);
        memory_fail_at(0, 0);
        CHECK(status == OK || status == STATUS_OUT_OF_MEMORY || status == STATUS_DISK_FULL);
        memory_fail_at(n, 1); /* what was reserved needs no memory */
        CHECK_OK(commit(&error), &error);
        memory_fail_at(0, 0);
    }
    while (log_->current->id < 3)
        put(payload);
    CHECK(!log_is_poisoned(log_));
    close_log();
    open_log(0);
    close_log();
}

static void every_allocation_of_a_write_can_fail(void **state)
{
    (void)state;
    run(fail_allocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(a_full_segment_is_followed_by_another),
        ON_A_MACHINE(the_start_of_a_segment_is_durable_in_mode_none),
        ON_A_MACHINE(a_segment_begins_behind_what_is_durable_wherever_the_power_goes),
        ON_A_MACHINE(a_group_that_does_not_fit_begins_the_next_segment),
        ON_A_MACHINE(a_group_may_be_larger_than_segments_are),
        ON_A_MACHINE(bug_two_groups_that_begin_segments_counted_on_the_same_memory),
        ON_A_MACHINE(a_transaction_beyond_the_limit_is_refused),
        ON_A_MACHINE(segments_grow_with_the_log),
        ON_A_MACHINE(spares_are_made_ahead_and_adopted),
        ON_A_MACHINE(a_spare_without_blocks_is_removed),
        ON_A_MACHINE(bug_small_spares_left_no_place_for_a_large_one),
        ON_A_MACHINE(an_expired_segment_lives_on_as_a_spare),
        ON_A_MACHINE(a_full_disk_refuses_and_recovers),
        ON_A_MACHINE(a_commit_record_has_room_on_a_full_disk),
        ON_A_MACHINE(every_allocation_of_a_write_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
