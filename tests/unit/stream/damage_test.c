/* Damaged files: noticed wherever a byte is not what was written, and never believed. */
#include "tests/unit/stream/fixture.h"

static void read_whole(const Fixture *fixture, const char *relative, Buffer *out)
{
    Error error;
    Path path;
    buffer_open(out, 0);
    assert_ok(path_join(&path, folder_of(fixture, relative), relative, &error), &error);
    assert_ok(env_read_file(env_real(), path.text, 1 << 30, out, &error), &error);
}

static void write_whole(Fixture *fixture, const char *relative, Slice bytes)
{
    Error error;
    Path path;
    File *file;
    assert_ok(path_join(&path, folder_of(fixture, relative), relative, &error), &error);
    file_cache_forget(fixture->context.cache, path.text);
    assert_ok(
        file_open(env_real(), path.text, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE, &file, &error),
        &error);
    assert_ok(file_write_at(file, 0, bytes, &error), &error);
    assert_ok(file_close(file, &error), &error);
}

static Fixture *two_settles(void)
{
    Fixture *fixture = fixture_open();
    fixture_add(fixture, 1, 1, MORNING_US);
    fixture_add(fixture, 1, 2, MORNING_US + 1);
    settle_from(fixture, 0);
    fixture_add(fixture, 1, 3, MORNING_US + 2);
    settle_from(fixture, 2);
    return fixture;
}

static Status count_row(void *context, const StreamFile *file, uint32_t place,
                        const RecordHeader *record, Error *error)
{
    uint64_t *sum = context;
    (void)file;
    (void)place;
    (void)error;
    *sum += record->seq;
    return OK;
}

/* A changed byte is an error, or it is none of ours (between sections), and then nothing changes.
 */
static void every_byte_of_a_window_file_counts(void **state)
{
    (void)state;
    Error error;
    Buffer bytes;
    size_t unnoticed = 0;
    Fixture *fixture = two_settles();
    const StreamFile *file = stream_version_file(fixture->version, 0);
    read_whole(fixture, file->path, &bytes);
    assert_int_equal(bytes.size, file->bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        uint64_t sum = 0;
        bytes.data[i] ^= 0x40;
        write_whole(fixture, file->path, buffer_slice(&bytes));
        Status status = stream_scan(&fixture->context, file, count_row, &sum, &error);
        bytes.data[i] ^= 0x40;
        unnoticed += status == OK;
        if (status == OK)
            assert_int_equal(sum, 6);
        else
            assert_true(status == STATUS_DATA_CORRUPTED || status == STATUS_VERSION_NOT_SUPPORTED);
        if (bytes.data[i] != 0)
            assert_int_not_equal(status, OK);
    }
    assert_true(unnoticed < 4096); /* the zeros before the second section's page */
    write_whole(fixture, file->path, buffer_slice(&bytes));
    expect_rows(fixture, fixture->version, 3);
    buffer_close(&bytes);
    fixture_close(fixture);
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    Error error;
    Buffer bytes;
    Fixture *fixture = two_settles();
    const StreamFile *file = stream_version_file(fixture->version, 0);
    StreamVersion *opened;
    read_whole(fixture, file->path, &bytes);
    for (size_t cut = 1; cut <= bytes.size; cut += 97) {
        uint64_t sum = 0;
        write_whole(fixture, file->path, slice_of(bytes.data, bytes.size - cut));
        assert_int_equal(stream_scan(&fixture->context, file, count_row, &sum, &error),
                         STATUS_DATA_CORRUPTED);
        assert_int_equal(stream_version_open(&fixture->context,
                                             stream_version_manifest(fixture->version), NULL, NULL,
                                             &opened, &error),
                         STATUS_DATA_CORRUPTED);
    }
    buffer_close(&bytes);
    fixture_close(fixture);
}

static void every_byte_of_a_manifest_counts(void **state)
{
    (void)state;
    Error error;
    Buffer bytes;
    Fixture *fixture = two_settles();
    const char *name = stream_version_manifest(fixture->version);
    StreamVersion *opened;
    read_whole(fixture, name, &bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 0x01;
        write_whole(fixture, name, buffer_slice(&bytes));
        assert_int_equal(stream_version_open(&fixture->context, name, NULL, NULL, &opened, &error),
                         STATUS_DATA_CORRUPTED);
        bytes.data[i] ^= 0x01;
        write_whole(fixture, name, slice_of(bytes.data, i));
        assert_int_equal(stream_version_open(&fixture->context, name, NULL, NULL, &opened, &error),
                         STATUS_DATA_CORRUPTED);
    }
    buffer_close(&bytes);
    fixture_close(fixture);
}

/* With a checksum that is right for whatever stands there: what a writer with a bug, or somebody
 * who knows the format, could make. Errors are as good as opening; what must not happen is
 * anything else. */
static void a_manifest_is_not_believed_for_its_checksum(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    Error error;
    Buffer bytes;
    Fixture *fixture = two_settles();
    const char *name = stream_version_manifest(fixture->version);
    read_whole(fixture, name, &bytes);
    for (int round = 0; round < 3000; round++) {
        StreamVersion *opened;
        Buffer changed;
        buffer_open(&changed, 0);
        buffer_put_slice(&changed, buffer_slice(&bytes));
        for (uint64_t n = random_below(&random, 3) + 1; n > 0; n--)
            changed.data[24 + random_below(&random, changed.size - 24)] =
                (uint8_t)random_below(&random, 256);
        buffer_set_u32(&changed, 8, crc32c(0, slice_part(buffer_slice(&changed), 12, SIZE_MAX)));
        write_whole(fixture, name, buffer_slice(&changed));
        if (stream_version_open(&fixture->context, name, NULL, NULL, &opened, &error) == OK)
            stream_version_release(opened);
        buffer_close(&changed);
    }
    buffer_close(&bytes);
    fixture_close(fixture);
}

static void note_told(void *context, const Error *why)
{
    (void)why;
    ++*(int *)context;
}

typedef struct Keys {
    char path[STREAM_PATH_BYTES_MAX];
} Keys;

static void note_keys(void *context, const char *path)
{
    Keys *keys = context;
    if (strstr(path, ".keys") != NULL)
        (void)snprintf(keys->path, sizeof keys->path, "%s", path);
}

static void a_lost_index_is_made_again(void **state)
{
    (void)state;
    Error error;
    StreamVersion *opened;
    Keys keys = {""};
    Fixture *fixture = two_settles();
    stream_version_visit_paths(fixture->version, note_keys, &keys);
    for (int damage = 0; damage < 2; damage++) {
        int told = 0;
        Path path;
        if (damage == 0) {
            write_whole(fixture, keys.path, SLICE("nonsense"));
        } else {
            assert_ok(path_join(&path, fixture->state, keys.path, &error), &error);
            file_cache_forget(fixture->context.cache, path.text);
            assert_ok(env_remove(env_real(), path.text, &error), &error);
        }
        assert_ok(stream_version_open(&fixture->context, stream_version_manifest(fixture->version),
                                      note_told, &told, &opened, &error),
                  &error);
        assert_int_equal(told, 1);
        take_version(fixture, opened);
        expect_rows(fixture, fixture->version, 3);
    }
    fixture_close(fixture);
}

static void another_tables_manifest_is_refused(void **state)
{
    (void)state;
    Error error;
    StreamVersion *opened;
    Fixture *fixture = two_settles();
    StreamContext other = fixture->context;
    other.table_id++;
    assert_int_equal(stream_version_open(&other, stream_version_manifest(fixture->version), NULL,
                                         NULL, &opened, &error),
                     STATUS_DATA_CORRUPTED);
    assert_int_equal(
        stream_version_open(&fixture->context, "../x.manifest", NULL, NULL, &opened, &error),
        STATUS_DATA_CORRUPTED);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_window_file_counts),
        cmocka_unit_test(a_file_cut_short_is_refused),
        cmocka_unit_test(every_byte_of_a_manifest_counts),
        cmocka_unit_test(a_manifest_is_not_believed_for_its_checksum),
        cmocka_unit_test(a_lost_index_is_made_again),
        cmocka_unit_test(another_tables_manifest_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
