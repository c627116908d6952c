#include "cold/deletes_int.h"

#include "tests/unit/cold/test.h"

typedef struct Fixture {
    Folder folder;
    Path path;
    FileCache *cache;
    DeleteSet *sets[3];
    SidecarSet entries[3];
    SidecarDeleteFile files[2];
    SidecarIndex index;
} Fixture;

static const uint64_t covers[] = {3, 9, 1ull << 40};

static void fixture_open(Fixture *fixture)
{
    static const uint32_t positions[] = {1, 5, 70000};
    Error error;
    *fixture = (Fixture){.folder = folder_make()};
    fixture->path = folder_path(&fixture->folder, "7.deletes");
    assert_ok(file_cache_open(env_real(), 2, &fixture->cache, &error), &error);
    for (uint32_t i = 0; i < 3; i++) {
        Buffer set;
        buffer_open(&set, 0);
        assert_ok(position_set_union(SLICE_EMPTY, positions, i + 1, &set, &error), &error);
        assert_ok(delete_set_create(buffer_slice(&set), i + 1, &fixture->sets[i], &error), &error);
        buffer_close(&set);
        fixture->sets[i]->sidecar = i == 1 ? 4 : 7; /* the second lies in an older one */
        fixture->entries[i] = (SidecarSet){.file_id = covers[i], .set = fixture->sets[i]};
    }
    fixture->sets[1]->offset = 123;
    fixture->files[0] = (SidecarDeleteFile){SLICE("data/x-7.deletes.parquet"), covers, 3};
    fixture->files[1] = (SidecarDeleteFile){SLICE("data/y-7.deletes.parquet"), covers + 1, 1};
    fixture->index = (SidecarIndex){.file_sequence = 7,
                                    .previous = 6,
                                    .sets = fixture->entries,
                                    .set_count = 3,
                                    .delete_files = fixture->files,
                                    .delete_file_count = 2};
}

static void fixture_close(Fixture *fixture)
{
    for (int i = 0; i < 3; i++)
        delete_set_release(fixture->sets[i]);
    file_cache_close(fixture->cache);
    folder_remove(&fixture->folder);
}

static void put(Fixture *fixture, Buffer *out)
{
    Error error;
    buffer_open(out, 0);
    assert_ok(sidecar_put(out, &fixture->index, &error), &error);
    write_file(fixture->path.text, buffer_slice(out));
}

/* Index and own sets, read and compared: OK only where all is right. */
static Status read_all(Fixture *fixture, Error *error)
{
    Arena arena;
    SidecarIndex index = {0};
    arena_open(&arena, 1 << 24);
    file_cache_forget(fixture->cache, fixture->path.text);
    Status status = sidecar_read_index(fixture->cache, fixture->path.text, &arena, &index, error);
    for (size_t i = 0; status == OK && i < 3; i += 2) {
        DeleteSet *set;
        status = sidecar_read_set(fixture->cache, fixture->path.text, &index.sets[i], 70001, &set,
                                  error);
        if (status != OK)
            break;
        assert_true(slice_equal(delete_set_slice(set), delete_set_slice(fixture->sets[i])));
        assert_int_equal(set->count, i + 1);
        delete_set_release(set);
    }
    if (status == OK) {
        assert_int_equal(index.file_sequence, 7);
        assert_int_equal(index.previous, 6);
        assert_int_equal(index.index_bytes, fixture->index.index_bytes);
        assert_int_equal(index.set_count, 3);
        assert_int_equal(index.sets[1].sidecar, 4);
        assert_int_equal(index.sets[1].offset, 123);
        assert_int_equal(index.sets[2].file_id, 1ull << 40);
        assert_int_equal(index.delete_file_count, 2);
        assert_slice(index.delete_files[1].path, "data/y-7.deletes.parquet");
        assert_memory_equal(index.delete_files[0].covers, covers, sizeof covers);
    }
    arena_close(&arena);
    return status;
}

static void comes_back(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    fixture_open(&fixture);
    put(&fixture, &bytes);
    assert_ok(read_all(&fixture, &error), &error);
    buffer_close(&bytes);
    fixture_close(&fixture);
}

static void every_flipped_byte_and_cut_is_noticed(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    fixture_open(&fixture);
    put(&fixture, &bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 0x10;
        write_file(fixture.path.text, buffer_slice(&bytes));
        assert_status(STATUS_DATA_CORRUPTED, read_all(&fixture, &error));
        bytes.data[i] ^= 0x10;
        write_file(fixture.path.text, slice_of(bytes.data, i));
        assert_status(STATUS_DATA_CORRUPTED, read_all(&fixture, &error));
    }
    buffer_put_u8(&bytes, 0);
    write_file(fixture.path.text, buffer_slice(&bytes));
    assert_status(STATUS_DATA_CORRUPTED, read_all(&fixture, &error));
    buffer_close(&bytes);
    fixture_close(&fixture);
}

/* A set that names rows its file does not have is another file's. */
static void positions_outside_are_noticed(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    DeleteSet *set;
    fixture_open(&fixture);
    put(&fixture, &bytes);
    const SidecarSet at = {.sidecar = 7,
                           .offset = fixture.sets[2]->offset,
                           .size = fixture.sets[2]->size,
                           .count = 3,
                           .crc = fixture.sets[2]->crc};
    assert_status(STATUS_DATA_CORRUPTED,
                  sidecar_read_set(fixture.cache, fixture.path.text, &at, 70000, &set, &error));
    assert_ok(sidecar_read_set(fixture.cache, fixture.path.text, &at, 70001, &set, &error), &error);
    delete_set_release(set);
    buffer_close(&bytes);
    fixture_close(&fixture);
}

static void ids_are_never_used_twice(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture);
    assert_true(fixture.sets[0]->id != 0 && fixture.sets[0]->id < fixture.sets[1]->id);
    DeleteSet *again = delete_set_clone(fixture.sets[0]);
    assert_int_equal(again->id, fixture.sets[0]->id);
    delete_set_release(again);
    fixture_close(&fixture);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    fixture_open(&fixture);
    put(&fixture, &bytes);
    FAIL_EVERY_ALLOCATION(read_all(&fixture, &error), &error);
    buffer_close(&bytes);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(every_flipped_byte_and_cut_is_noticed),
        cmocka_unit_test(positions_outside_are_noticed),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
