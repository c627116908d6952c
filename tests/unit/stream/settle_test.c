/* Rows into window files and back: names, growing, old versions, deletes, eviction, and a long
 * random life against a model. */
#include "tests/unit/stream/fixture.h"

#define OPEN(fixture) Fixture *fixture = fixture_open()

static const StreamFile *only_file(const Fixture *fixture)
{
    assert_int_equal(stream_version_file_count(fixture->version), 1);
    return stream_version_file(fixture->version, 0);
}

static void each_user_and_window_has_a_file(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US + 1);
    fixture_add(fixture, 1, 2, MORNING_US + 59 * SECOND_US);
    fixture_add(fixture, 1, 3, MORNING_US + 60 * SECOND_US);
    fixture_add(fixture, 2, 1, MORNING_US + 2);
    settle_from(fixture, 0);
    assert_int_equal(stream_version_file_count(fixture->version), 3);
    assert_string_equal(stream_version_file(fixture->version, 0)->path,
                        "2026-11-21T10-00-00/alice.log");
    assert_string_equal(stream_version_file(fixture->version, 1)->path,
                        "2026-11-21T10-01-00/alice.log");
    assert_string_equal(stream_version_file(fixture->version, 2)->path,
                        "2026-11-21T10-00-00/bob@x.org.log");
    expect_rows(fixture, fixture->version, 4);
    reopen(fixture);
    expect_rows(fixture, fixture->version, 4);
    fixture_close(fixture);
}

static void a_file_grows_and_older_versions_do_not_see_it(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US);
    settle_from(fixture, 0);
    StreamVersion *old = stream_version_clone(fixture->version);
    uint64_t id = only_file(fixture)->id;
    fixture_add(fixture, 1, 2, MORNING_US + 1);
    settle_from(fixture, 1);
    const StreamFile *file = only_file(fixture);
    assert_int_equal(file->id, id);
    assert_int_equal(file->rows, 2);
    assert_true(file->bytes > 4096); /* what was added begins at a page of its own */
    expect_rows(fixture, fixture->version, 2);
    expect_rows(fixture, old, 1);
    stream_version_release(old);
    reopen(fixture);
    expect_rows(fixture, fixture->version, 2);
    fixture_close(fixture);
}

static void what_a_failed_settle_left_behind_is_nobodys(void **state)
{
    (void)state;
    OPEN(fixture);
    Error error;
    StreamSettle *settle;
    fixture_add(fixture, 1, 1, MORNING_US);
    settle_from(fixture, 0);
    fixture_add(fixture, 1, 7, MORNING_US + 1); /* a long one */
    fixture_add(fixture, 2, 2, MORNING_US + 1);
    Batch batch = batch_of(fixture, 1);
    assert_ok(try_settle(fixture, &batch, &settle, &error), &error);
    stream_settle_close(settle, false);
    batch_free(&batch);
    assert_false(file_is_there(fixture, "2026-11-21T10-00-00/bob@x.org.log"));
    expect_rows(fixture, fixture->version, 1);
    reopen(fixture);
    expect_rows(fixture, fixture->version, 1);
    fixture->row_count = 1;
    fixture_add(fixture, 1, 3, MORNING_US + 2);
    settle_from(fixture, 1);
    expect_rows(fixture, fixture->version, 2);
    fixture_close(fixture);
}

/* Users 1 and 3 are both called alice: the first was dropped. */
static void a_new_user_of_an_old_name_gets_a_file_of_his_own(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US);
    settle_from(fixture, 0);
    fixture_add(fixture, 3, 1, MORNING_US + 1);
    settle_from(fixture, 1);
    assert_int_equal(stream_version_file_count(fixture->version), 2);
    assert_string_equal(stream_version_file(fixture->version, 1)->path,
                        "2026-11-21T10-00-00/alice~0000000003000000.log");
    expect_rows(fixture, fixture->version, 2);
    reopen(fixture);
    expect_rows(fixture, fixture->version, 2);
    fixture_close(fixture);
}

static void rows_of_another_schema_go_into_another_file(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US);
    settle_from(fixture, 0);
    schema_release(fixture->schema);
    fixture->schema = fixture_schema(2);
    fixture_add(fixture, 1, 2, MORNING_US + 1);
    settle_from(fixture, 1);
    assert_int_equal(stream_version_file_count(fixture->version), 2);
    assert_int_equal(stream_version_file(fixture->version, 0)->schema_version, 1);
    assert_int_equal(stream_version_file(fixture->version, 1)->schema_version, 2);
    reopen(fixture);
    assert_non_null(stream_version_schema(fixture->version, 1));
    assert_non_null(stream_version_schema(fixture->version, 2));
    assert_null(stream_version_schema(fixture->version, 3));
    expect_rows(fixture, fixture->version, 2);
    fixture_close(fixture);
}

static void large_rows_take_several_sections(void **state)
{
    (void)state;
    OPEN(fixture);
    for (int64_t i = 0; i < 3000; i++)
        fixture_add(fixture, 1, i * 7, MORNING_US); /* 2,500 bytes each */
    settle_from(fixture, 0);
    assert_true(only_file(fixture)->bytes > 7 * STREAM_SECTION_BYTES);
    expect_rows(fixture, fixture->version, 3000);
    fixture_close(fixture);
}

/* ---- deletes and eviction ---- */

/* Places of all rows that are gone in the model, in the version's files. */
typedef struct Gone {
    const Fixture *fixture;
    uint32_t places[ROWS_MAX];
    size_t count;
} Gone;

static Status note_gone(void *context, const StreamFile *file, uint32_t place,
                        const RecordHeader *record, Error *error)
{
    Gone *gone = context;
    (void)error;
    if (gone->fixture->rows[model_find(gone->fixture, record)].gone &&
        !stream_version_is_deleted(file, place))
        gone->places[gone->count++] = place;
    return OK;
}

static void delete_gone(Fixture *fixture)
{
    Error error;
    size_t files = stream_version_file_count(fixture->version);
    StreamDeletes *deletes = calloc(files + 1, sizeof *deletes);
    Gone *gone = calloc(1, sizeof *gone);
    size_t count = 0;
    gone->fixture = fixture;
    for (size_t i = 0; i < files; i++) {
        const StreamFile *file = stream_version_file(fixture->version, i);
        size_t before = gone->count;
        assert_ok(stream_scan(&fixture->context, file, note_gone, gone, &error), &error);
        if (gone->count > before)
            deletes[count++] =
                (StreamDeletes){file->id, gone->places + before, gone->count - before};
    }
    apply(fixture, (StreamChange){.deletes = deletes,
                                  .delete_count = count,
                                  .evict_until_us = INT64_MIN,
                                  .expired_us = INT64_MIN});
    free(deletes);
    free(gone);
}

static void a_file_of_deleted_rows_leaves_the_version(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US);
    fixture_add(fixture, 2, 1, MORNING_US);
    fixture_add(fixture, 2, 2, MORNING_US);
    settle_from(fixture, 0);
    fixture->rows[1].gone = true;
    delete_gone(fixture);
    assert_int_equal(stream_version_file_count(fixture->version), 2);
    expect_rows(fixture, fixture->version, 3);
    fixture->rows[2].gone = true;
    delete_gone(fixture);
    assert_int_equal(only_file(fixture)->owner, 1);
    reopen(fixture);
    expect_rows(fixture, fixture->version, 3);
    fixture_close(fixture);
}

static void windows_go_whole_and_only_when_they_have_ended(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US)->gone = true;
    fixture_add(fixture, 1, 2, MORNING_US + 60 * SECOND_US);
    settle_from(fixture, 0);
    int64_t end_us = MORNING_US + 60 * SECOND_US;
    assert_false(stream_version_has_expired(fixture->version, end_us - 1));
    assert_true(stream_version_has_expired(fixture->version, end_us));
    apply(fixture, (StreamChange){.evict_until_us = end_us - 1, .expired_us = INT64_MIN});
    assert_int_equal(stream_version_file_count(fixture->version), 2);
    apply(fixture, (StreamChange){.evict_until_us = end_us, .expired_us = end_us});
    assert_int_equal(stream_version_file_count(fixture->version), 1);
    assert_int_equal(stream_version_expired_us(fixture->version), end_us);
    reopen(fixture);
    assert_int_equal(stream_version_expired_us(fixture->version), end_us);
    expect_rows(fixture, fixture->version, 2);
    fixture_close(fixture);
}

static void what_has_expired_never_comes_back(void **state)
{
    (void)state;
    OPEN(fixture);
    apply(fixture, (StreamChange){.evict_until_us = INT64_MIN, .expired_us = MORNING_US});
    apply(fixture, (StreamChange){.evict_until_us = INT64_MIN, .expired_us = MORNING_US - 5});
    assert_int_equal(stream_version_expired_us(fixture->version), MORNING_US);
    fixture_close(fixture);
}

static void a_dropped_users_files_go(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US);
    fixture_add(fixture, 2, 1, MORNING_US)->gone = true;
    fixture_add(fixture, 2, 2, MORNING_US + HOUR_US)->gone = true;
    settle_from(fixture, 0);
    apply(fixture,
          (StreamChange){.evict_owner = 2, .evict_until_us = INT64_MIN, .expired_us = INT64_MIN});
    expect_rows(fixture, fixture->version, 3);
    fixture_close(fixture);
}

/* ---- the folder ---- */

typedef struct Named {
    char paths[4000][STREAM_PATH_BYTES_MAX];
    size_t count;
} Named;

static void note_path(void *context, const char *path)
{
    Named *named = context;
    (void)snprintf(named->paths[named->count++], STREAM_PATH_BYTES_MAX, "%s", path);
}

/* Removes what the version does not name, and sees that all it names is there. */
static void sweep(Fixture *fixture)
{
    Error error;
    Arena arena;
    const char **listed;
    size_t count;
    Named *named = calloc(1, sizeof *named);
    arena_open(&arena, 0);
    stream_version_visit_paths(fixture->version, note_path, named);
    assert_ok(stream_list(&fixture->context, &arena, &listed, &count, &error), &error);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_named = false;
        bool removed;
        uint64_t bytes;
        for (size_t n = 0; n < named->count && !is_named; n++)
            is_named = strcmp(named->paths[n], listed[i]) == 0;
        found += is_named;
        if (is_named)
            continue;
        assert_ok(stream_remove(&fixture->context, listed[i], &removed, &bytes, &error), &error);
        assert_true(removed);
    }
    assert_int_equal(found, named->count);
    arena_close(&arena);
    free(named);
}

static void an_empty_window_takes_its_folder_with_it(void **state)
{
    (void)state;
    OPEN(fixture);
    fixture_add(fixture, 1, 1, MORNING_US)->gone = true;
    settle_from(fixture, 0);
    apply(fixture, (StreamChange){.evict_until_us = MORNING_US + HOUR_US, .expired_us = 0});
    assert_true(file_is_there(fixture, "2026-11-21T10-00-00/alice.log"));
    sweep(fixture);
    Path folder;
    FileInformation information;
    Error error;
    assert_ok(path_join(&folder, fixture->folder, "2026-11-21T10-00-00", &error), &error);
    assert_ok(env_stat(env_real(), folder.text, &information, &error), &error);
    assert_false(information.exists);
    fixture_close(fixture);
}

/* ---- a long life ---- */

static void live_a_day(Fixture *fixture, Random *random, int64_t *now_us, int64_t *next_id)
{
    size_t from = fixture->row_count;
    size_t count = 1 + random_below(random, 30);
    for (size_t i = 0; i < count; i++) {
        *now_us += (int64_t)random_below(random, 5) * SECOND_US;
        fixture_add(fixture, 1 + (OwnerId)random_below(random, 6), (*next_id)++, *now_us);
    }
    settle_from(fixture, from);
    for (size_t i = 0; random_below(random, 4) == 0 && i < 5; i++)
        fixture->rows[random_below(random, fixture->row_count)].gone = true;
    delete_gone(fixture);
    if (random_below(random, 5) != 0)
        return;
    int64_t until_us = *now_us - 10 * 60 * SECOND_US;
    for (size_t i = 0; i < fixture->row_count; i++) {
        ModelRow *row = &fixture->rows[i];
        row->gone |= stream_window_at(fixture->ttl_us, row->updated_us).end_us <= until_us;
    }
    apply(fixture, (StreamChange){.evict_until_us = until_us, .expired_us = until_us});
}

static void a_long_life_ends_as_the_model_says(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    Random random = random_of(seed);
    int64_t now_us = MORNING_US;
    int64_t next_id = 1;
    OPEN(fixture);
    for (int day = 0; day < 120; day++) {
        live_a_day(fixture, &random, &now_us, &next_id);
        if (day % 10 != 0)
            continue;
        sweep(fixture);
        reopen(fixture);
        expect_rows(fixture, fixture->version, fixture->row_count);
    }
    fixture_close(fixture);
}

/* ---- nothing is taken for granted ---- */

static Status settle_whole(Fixture *fixture, const Batch *batch, Error *error)
{
    StreamSettle *settle;
    StreamVersion *next = NULL;
    TRY(try_settle(fixture, batch, &settle, error));
    Status status = try_prepare(
        fixture,
        (StreamChange){.settle = settle, .evict_until_us = INT64_MIN, .expired_us = INT64_MIN},
        &next, error);
    stream_settle_close(settle, status == OK);
    if (status == OK)
        take_version(fixture, next);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    OPEN(fixture);
    Error error;
    fixture_add(fixture, 1, 1, MORNING_US);
    fixture_add(fixture, 2, 1, MORNING_US);
    settle_from(fixture, 0);
    fixture->rows[1].gone = true;
    delete_gone(fixture);
    fixture_add(fixture, 2, 5, MORNING_US + 1);
    settle_from(fixture, 2);
    fixture_add(fixture, 1, 2, MORNING_US + 1);
    fixture_add(fixture, 2, 2, MORNING_US + 61 * SECOND_US);
    Batch batch = batch_of(fixture, 3);
    bool failed = true;
    int64_t failures = 0;
    for (int64_t n = 1; failed; n++) { /* what can do without memory may succeed all the same */
        StreamVersion *before = stream_version_clone(fixture->version);
        memory_fail_at(n, 1);
        Status status = settle_whole(fixture, &batch, &error);
        failed = memory_allocations() >= n;
        memory_fail_at(0, 0);
        if (status != OK)
            assert_int_equal(status, STATUS_OUT_OF_MEMORY);
        failures += status != OK;
        expect_rows(fixture, fixture->version, status == OK ? fixture->row_count : 3);
        expect_rows(fixture, before, 3);
        stream_version_release(fixture->version);
        fixture->version = before;
    }
    assert_true(failures > 20);
    failed = true;
    for (int64_t n = 1; failed; n++) {
        StreamVersion *opened;
        memory_fail_at(n, 1);
        Status status =
            stream_version_open(&fixture->context, stream_version_manifest(fixture->version), NULL,
                                NULL, &opened, &error);
        failed = memory_allocations() >= n;
        memory_fail_at(0, 0);
        if (status == OK)
            stream_version_release(opened);
        else
            assert_int_equal(status, STATUS_OUT_OF_MEMORY);
    }
    batch_free(&batch);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_user_and_window_has_a_file),
        cmocka_unit_test(a_file_grows_and_older_versions_do_not_see_it),
        cmocka_unit_test(what_a_failed_settle_left_behind_is_nobodys),
        cmocka_unit_test(a_new_user_of_an_old_name_gets_a_file_of_his_own),
        cmocka_unit_test(rows_of_another_schema_go_into_another_file),
        cmocka_unit_test(large_rows_take_several_sections),
        cmocka_unit_test(a_file_of_deleted_rows_leaves_the_version),
        cmocka_unit_test(windows_go_whole_and_only_when_they_have_ended),
        cmocka_unit_test(what_has_expired_never_comes_back),
        cmocka_unit_test(a_dropped_users_files_go),
        cmocka_unit_test(an_empty_window_takes_its_folder_with_it),
        cmocka_unit_test(a_long_life_ends_as_the_model_says),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
