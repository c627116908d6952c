/* What env.c builds from the operations of an Env, on the real one and on the simulated one. */
#include <unistd.h>

#include "base/random.h"
#include "tests/unit/base/simulated.h"

static Env *env;
static Simulation *machine;
static Path root;

static int open_real(void **state)
{
    (void)state;
    char name[] = "/tmp/env_test_XXXXXX";
    Error error;
    env = env_real();
    return mkdtemp(name) == NULL || path_format(&root, &error, "%s", name) != OK;
}

static int open_simulated(void **state)
{
    (void)state;
    Error error;
    machine = simulation_of_seed(1);
    env = simulation_env(machine);
    return path_format(&root, &error, "/data") != OK ||
           env_make_directory(env, root.text, &error) != OK;
}

static int close_env(void **state)
{
    (void)state;
    Error error;
    Status status = env_remove_tree(env, root.text, &error);
    simulation_destroy(machine);
    machine = NULL;
    return status != OK;
}

static const char *in_root(const char *name)
{
    static Path paths[4];
    static int next;
    Error error;
    Path *path = &paths[next++ % 4];
    assert_ok(path_join(path, root.text, name, &error), &error);
    return path->text;
}

static void paths_are_joined_within_their_limit(void **state)
{
    (void)state;
    Path path;
    Error error;
    char name[PATH_BYTES_MAX + 10];
    assert_ok(path_join(&path, "a", "b", &error), &error);
    assert_string_equal(path.text, "a/b");
    memset(name, 'x', sizeof name);
    name[PATH_BYTES_MAX - 3] = '\0';
    assert_ok(path_join(&path, "a", name, &error), &error); /* 1,023 bytes */
    name[PATH_BYTES_MAX - 3] = 'x';
    name[PATH_BYTES_MAX - 2] = '\0';
    assert_status(path_join(&path, "a", name, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    assert_string_equal(path.text, "");
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    Error error;
    FileInformation information;
    assert_ok(env_make_directories(env, in_root("a/b/c"), &error), &error);
    assert_ok(env_make_directories(env, in_root("a/b/c"), &error), &error);
    assert_ok(env_make_directories(env, in_root("a//d/"), &error), &error);
    assert_ok(env_stat(env, in_root("a/b/c"), &information, &error), &error);
    assert_true(information.exists && information.is_directory);
    assert_true(file_exists(env, in_root("a/d")));
    put_file(env, in_root("file"), 0, SLICE("x"), false);
    assert_status(env_make_directories(env, in_root("file/below"), &error), STATUS_IO_ERROR);
    assert_status(env_make_directory(env, in_root("a"), &error), STATUS_FILE_EXISTS);
}

static void directories_are_listed_in_order(void **state)
{
    (void)state;
    Error error;
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    static const char *const names[] = {"b", "a", "C", "a.b", "ab"};
    arena_open(&arena, 0);
    assert_ok(env_list(env, root.text, &arena, &entries, &count, &error), &error);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < 5; i++)
        put_file(env, in_root(names[i]), 0, SLICE("x"), false);
    assert_ok(env_make_directory(env, in_root("aa"), &error), &error);
    assert_ok(env_list(env, root.text, &arena, &entries, &count, &error), &error);
    static const char *const wanted[] = {"C", "a", "a.b", "aa", "ab", "b"};
    assert_int_equal(count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal((const char *)entries[i].name.data, wanted[i]);
        assert_int_equal(entries[i].is_directory, i == 3);
    }
    assert_status(env_list(env, in_root("none"), &arena, &entries, &count, &error),
                  STATUS_FILE_NOT_FOUND);
    arena_close(&arena);
}

static void trees_are_removed(void **state)
{
    (void)state;
    Error error;
    assert_ok(env_make_directories(env, in_root("t/a/b"), &error), &error);
    put_file(env, in_root("t/f"), 0, SLICE("x"), false);
    put_file(env, in_root("t/a/b/f"), 0, SLICE("x"), false);
    assert_status(env_remove_directory(env, in_root("t"), &error), STATUS_IO_ERROR);
    assert_ok(env_remove_tree(env, in_root("t"), &error), &error);
    assert_false(file_exists(env, in_root("t")));
    assert_status(env_remove_tree(env, in_root("t"), &error), STATUS_FILE_NOT_FOUND);
}

static void files_are_read_whole(void **state)
{
    (void)state;
    Error error;
    Buffer out;
    buffer_open(&out, 0);
    put_file(env, in_root("f"), 0, SLICE("0123456789"), false);
    buffer_put_text(&out, "before ");
    assert_ok(env_read_file(env, in_root("f"), 10, &out, &error), &error);
    assert_slice(buffer_slice(&out), "before 0123456789");
    assert_status(env_read_file(env, in_root("f"), 9, &out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    assert_status(env_read_file(env, in_root("none"), 9, &out, &error), STATUS_FILE_NOT_FOUND);
    put_file(env, in_root("empty"), 0, SLICE_EMPTY, false);
    buffer_clear(&out);
    assert_ok(env_read_file(env, in_root("empty"), 0, &out, &error), &error);
    assert_int_equal(out.size, 0);
    memory_fail_at(1, -1);
    buffer_close(&out);
    Status status = env_read_file(env, in_root("f"), 100, &out, &error);
    memory_fail_at(0, 0);
    assert_status(status, STATUS_OUT_OF_MEMORY);
    buffer_close(&out);
    buffer_open(&out, 5);
    assert_status(env_read_file(env, in_root("f"), 100, &out, &error),
                  STATUS_PROGRAM_LIMIT_EXCEEDED);
    buffer_close(&out);
}

static void files_are_replaced(void **state)
{
    (void)state;
    Error error;
    assert_ok(env_replace_file(env, in_root("f"), SLICE("a longer first"), 0, &error), &error);
    assert_ok(env_replace_file(env, in_root("f"), SLICE("second"), FILE_PRIVATE, &error), &error);
    assert_slice(get_file(env, in_root("f")), "second");
    assert_false(file_exists(env, in_root("f.tmp")));
    assert_status(env_replace_file(env, in_root("none/f"), SLICE("x"), 0, &error),
                  STATUS_FILE_NOT_FOUND);
}

static void flags_say_how_to_open(void **state)
{
    (void)state;
    Error error;
    File *file;
    uint64_t size;
    assert_status(file_open(env, in_root("f"), FILE_READ, &file, &error), STATUS_FILE_NOT_FOUND);
    unsigned make = FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE;
    assert_ok(file_open(env, in_root("f"), make, &file, &error), &error);
    assert_ok(file_write_at(file, 3, SLICE("xyz"), &error), &error);
    assert_ok(file_close(file, &error), &error);
    assert_status(file_open(env, in_root("f"), make, &file, &error), STATUS_FILE_EXISTS);
    assert_ok(file_open(env, in_root("f"), FILE_READ, &file, &error), &error);
    assert_status(file_write_at(file, 0, SLICE("x"), &error), STATUS_IO_ERROR);
    char bytes[10];
    size_t got;
    assert_ok(file_read_at(file, 1, bytes, sizeof bytes, &got, &error), &error);
    assert_int_equal(got, 5);
    assert_memory_equal(bytes, "\0\0xyz", 5);
    assert_ok(file_read_at(file, 100, bytes, sizeof bytes, &got, &error), &error);
    assert_int_equal(got, 0);
    assert_ok(file_close(file, &error), &error);
    assert_ok(file_open(env, in_root("f"), FILE_READ | FILE_WRITE | FILE_TRUNCATE, &file, &error),
              &error);
    assert_ok(file_size(file, &size, &error), &error);
    assert_int_equal(size, 0);
    assert_ok(file_allocate(file, 10000, &error), &error);
    assert_ok(file_size(file, &size, &error), &error);
    assert_int_equal(size, 10000);
    assert_ok(file_sync_data(file, &error), &error);
    assert_ok(file_close(file, &error), &error);
    assert_ok(file_close(NULL, &error), &error);
}

static void one_lock_at_a_time(void **state)
{
    (void)state;
    Error error;
    File *first;
    File *second;
    uint64_t left;
    assert_ok(file_lock_open(env, in_root("lock"), &first, &error), &error);
    assert_status(file_lock_open(env, in_root("lock"), &second, &error), STATUS_DIRECTORY_LOCKED);
    assert_ok(file_close(first, &error), &error);
    assert_ok(file_lock_open(env, in_root("lock"), &second, &error), &error);
    assert_ok(file_close(second, &error), &error);
    assert_ok(env_free_space(env, root.text, &left, &error), &error);
    assert_true(left > 0);
}

static void links_are_other_names(void **state)
{
    (void)state;
    Error error;
    put_file(env, in_root("f"), 0, SLICE("x"), false);
    assert_ok(env_link(env, in_root("f"), in_root("g"), &error), &error);
    assert_status(env_link(env, in_root("f"), in_root("g"), &error), STATUS_FILE_EXISTS);
    assert_ok(env_remove(env, in_root("f"), &error), &error);
    assert_slice(get_file(env, in_root("g")), "x");
    assert_status(env_remove(env, in_root("f"), &error), STATUS_FILE_NOT_FOUND);
    assert_ok(env_rename(env, in_root("g"), in_root("h"), &error), &error);
    assert_status(env_rename(env, in_root("g"), in_root("h"), &error), STATUS_FILE_NOT_FOUND);
    assert_slice(get_file(env, in_root("h")), "x");
}

static void clocks_and_chance(void **state)
{
    (void)state;
    int64_t before_ns = env_monotonic_ns(env);
    env_sleep_ns(env, 2000000);
    env_sleep_ns(env, 0);
    env_sleep_ns(env, -5);
    env_yield(env, "here");
    assert_true(env_monotonic_ns(env) >= before_ns + 2000000);
    assert_true(env_wall_us(env) > INT64_C(1700000000000000));
    uint8_t bytes[64] = {0};
    env_random(env, bytes, sizeof bytes);
    int zeros = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        zeros += bytes[i] == 0;
    assert_true(zeros < 16);
    assert_true(env_random_u64(env) != env_random_u64(env));
}

#define ON_BOTH(test)                                               \
    {#test " (real)", test, open_real, close_env, NULL},            \
    {                                                               \
#test " (simulated)", test, open_simulated, close_env, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_within_their_limit),
        ON_BOTH(directories_are_made_with_their_parents),
        ON_BOTH(directories_are_listed_in_order),
        ON_BOTH(trees_are_removed),
        ON_BOTH(files_are_read_whole),
        ON_BOTH(files_are_replaced),
        ON_BOTH(flags_say_how_to_open),
        ON_BOTH(one_lock_at_a_time),
        ON_BOTH(links_are_other_names),
        ON_BOTH(clocks_and_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
