#include "cold/key_index.h"

#include <dirent.h>

#include "tests/unit/cold/test.h"

enum { FILES = 12 };

static Path file_path(const Folder *folder, int i)
{
    Error error;
    Path path;
    assert_ok(path_format(&path, &error, "%s/%d", folder->path, i), &error);
    return path;
}

static void make_files(const Folder *folder)
{
    for (int i = 0; i < FILES; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "contents of %d", i);
        write_file(file_path(folder, i).text, slice_of_text(text));
    }
}

/* Descriptors of this process that point into the folder. */
static int open_descriptors(const Folder *folder)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char name[300];
        char target[300];
        (void)snprintf(name, sizeof name, "/proc/self/fd/%s", entry->d_name);
        ssize_t size = readlink(name, target, sizeof target - 1);
        if (size > 0) {
            target[size] = '\0';
            count += strncmp(target, folder->path, strlen(folder->path)) == 0;
        }
    }
    (void)closedir(directory);
    return count;
}

static void expect(FileCache *cache, const Folder *folder, int i)
{
    Error error;
    char wanted[32];
    char got_text[32] = {0};
    size_t got;
    (void)snprintf(wanted, sizeof wanted, "ents of %d", i);
    assert_ok(file_cache_read(cache, file_path(folder, i).text, 4, got_text, 31, &got, &error),
              &error);
    assert_string_equal(got_text, wanted);
    assert_int_equal(got, strlen(wanted));
}

static void opens_at_most_so_many(void **state)
{
    (void)state;
    Error error;
    Folder folder = folder_make();
    FileCache *cache;
    make_files(&folder);
    assert_ok(file_cache_open(env_real(), 3, &cache, &error), &error);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < FILES; i++) {
            expect(cache, &folder, i);
            assert_true(open_descriptors(&folder) <= 3);
        }
    }
    assert_int_equal(open_descriptors(&folder), 3);
    file_cache_close(cache);
    assert_int_equal(open_descriptors(&folder), 0);
    folder_remove(&folder);
}

static void closes_the_one_used_longest_ago(void **state)
{
    (void)state;
    Error error;
    Folder folder = folder_make();
    FileCache *cache;
    char byte;
    size_t got;
    make_files(&folder);
    assert_ok(file_cache_open(env_real(), 2, &cache, &error), &error);
    expect(cache, &folder, 0);
    expect(cache, &folder, 1);
    expect(cache, &folder, 0);
    expect(cache, &folder, 2); /* closes 1 */
    assert_ok(env_remove(env_real(), file_path(&folder, 0).text, &error), &error);
    assert_ok(env_remove(env_real(), file_path(&folder, 1).text, &error), &error);
    expect(cache, &folder, 0); /* its descriptor is still there */
    assert_status(STATUS_FILE_NOT_FOUND,
                  file_cache_read(cache, file_path(&folder, 1).text, 0, &byte, 1, &got, &error));
    file_cache_close(cache);
    folder_remove(&folder);
}

static void forgets(void **state)
{
    (void)state;
    Error error;
    Folder folder = folder_make();
    FileCache *cache;
    char byte;
    size_t got;
    make_files(&folder);
    assert_ok(file_cache_open(env_real(), 2, &cache, &error), &error);
    Path path = file_path(&folder, 3);
    expect(cache, &folder, 3);
    file_cache_forget(cache, path.text);
    file_cache_forget(cache, "/never/seen");
    assert_int_equal(open_descriptors(&folder), 0);
    assert_ok(env_remove(env_real(), path.text, &error), &error);
    assert_status(STATUS_FILE_NOT_FOUND,
                  file_cache_read(cache, path.text, 0, &byte, 1, &got, &error));
    file_cache_close(cache);
    folder_remove(&folder);
}

static void a_failed_open_gives_its_place_back(void **state)
{
    (void)state;
    Error error;
    Folder folder = folder_make();
    FileCache *cache;
    char byte;
    size_t got;
    make_files(&folder);
    assert_ok(file_cache_open(env_real(), 1, &cache, &error), &error);
    for (int i = 0; i < 5; i++)
        assert_status(STATUS_FILE_NOT_FOUND, file_cache_read(cache, file_path(&folder, 99).text, 0,
                                                             &byte, 1, &got, &error));
    expect(cache, &folder, 1); /* would wait for ever if a place were lost */
    file_cache_close(cache);
    folder_remove(&folder);
}

static void a_failed_allocation_loses_nothing(void **state)
{
    (void)state;
    Error error;
    Folder folder = folder_make();
    FileCache *cache = NULL;
    char byte;
    size_t got;
    make_files(&folder);
    FAIL_EVERY_ALLOCATION(file_cache_open(env_real(), 1, &cache, &error), &error);
    for (int i = 0; i < 4; i++)
        FAIL_EVERY_ALLOCATION(
            file_cache_read(cache, file_path(&folder, i).text, 0, &byte, 1, &got, &error), &error);
    file_cache_close(cache);
    folder_remove(&folder);
}

/* ---- many threads ---- */

typedef struct Reader {
    FileCache *cache;
    const Folder *folder;
    uint64_t seed;
    bool forgets;
} Reader;

static void read_at_random(void *argument)
{
    Reader *reader = argument;
    Random random = random_of(reader->seed);
    for (int i = 0; i < 3000; i++) {
        int file = (int)random_below(&random, FILES);
        expect(reader->cache, reader->folder, file);
        if (reader->forgets && random_chance(&random, 1, 3))
            file_cache_forget(reader->cache, file_path(reader->folder, file).text);
    }
}

/* More threads than descriptors: they must wait for each other, and each read its own file. */
static void threads_share_few_descriptors(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    Error error;
    Folder folder = folder_make();
    FileCache *cache;
    Reader readers[THREADS];
    Thread *threads[THREADS];
    uint64_t seed = test_seed();
    make_files(&folder);
    assert_ok(file_cache_open(env_real(), 2, &cache, &error), &error);
    for (int i = 0; i < THREADS; i++) {
        readers[i] = (Reader){cache, &folder, seed + (uint64_t)i, i % 2 == 0};
        assert_ok(thread_start(env_real(), "reader", THREAD_STACK_BYTES_DEFAULT, read_at_random,
                               &readers[i], &threads[i], &error),
                  &error);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_true(open_descriptors(&folder) <= 2);
    file_cache_close(cache);
    assert_int_equal(open_descriptors(&folder), 0);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_at_most_so_many),
        cmocka_unit_test(closes_the_one_used_longest_ago),
        cmocka_unit_test(forgets),
        cmocka_unit_test(a_failed_open_gives_its_place_back),
        cmocka_unit_test(a_failed_allocation_loses_nothing),
        cmocka_unit_test(threads_share_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
