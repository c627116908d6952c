/* What the tests of the cold room share: a folder that goes away, random numbers of a seed, and
 * the loop that fails every allocation once. */
#ifndef FIRN_TESTS_UNIT_COLD_TEST_H
#define FIRN_TESTS_UNIT_COLD_TEST_H

#include <unistd.h>

#include "base/random.h"
#include "tests/unit/base/test.h"

typedef struct Folder {
    char path[64];
    Env *env;
} Folder;

static inline Folder folder_make(void)
{
    Folder folder = {"/tmp/firn-cold-XXXXXX", env_real()};
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

static inline void folder_remove(Folder *folder)
{
    Error error;
    assert_ok(env_remove_tree(folder->env, folder->path, &error), &error);
}

static inline Path folder_path(const Folder *folder, const char *name)
{
    Error error;
    Path path;
    assert_ok(path_join(&path, folder->path, name, &error), &error);
    return path;
}

static inline void write_file(const char *path, Slice bytes)
{
    Error error;
    File *file;
    unsigned flags = FILE_WRITE | FILE_CREATE | FILE_TRUNCATE;
    assert_ok(file_open(env_real(), path, flags, &file, &error), &error);
    assert_ok(file_write_at(file, 0, bytes, &error), &error);
    assert_ok(file_close(file, &error), &error);
}

static inline void read_file(const char *path, Buffer *out)
{
    Error error;
    buffer_open(out, 0);
    assert_ok(env_read_file(env_real(), path, 1 << 30, out, &error), &error);
}

/* Runs `call`, which returns a Status, with its n-th allocation failing, for every n, until it
 * succeeds. Any other failure is one of the test. */
#define FAIL_EVERY_ALLOCATION(call, error)                                           \
    do {                                                                             \
        Status fail_status_ = STATUS_OUT_OF_MEMORY;                                  \
        for (int64_t fail_n_ = 1; fail_status_ == STATUS_OUT_OF_MEMORY; fail_n_++) { \
            memory_fail_at(fail_n_, 1);                                              \
            fail_status_ = (call);                                                   \
            memory_fail_at(0, 0);                                                    \
        }                                                                            \
        if (fail_status_ != OK)                                                      \
            fail_msg("%s: %s [%s]", #call, (error)->message, (error)->internal);     \
    } while (0)

#endif
