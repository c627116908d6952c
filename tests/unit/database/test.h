/* What the unit tests of the database share: cmocka with its includes, and a folder of its own. */
#ifndef FIRN_TESTS_UNIT_DATABASE_TEST_H
#define FIRN_TESTS_UNIT_DATABASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"

#define assert_ok(call, error)                                                   \
    do {                                                                         \
        if ((call) != OK)                                                        \
            fail_msg("%s: %s [%s]", #call, (error)->message, (error)->internal); \
    } while (0)

#define assert_status(wanted, got) assert_string_equal(status_name(wanted), status_name(got))

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline void assert_slice(Slice got, const char *wanted)
{
    if (!slice_equal_text(got, wanted))
        fail_msg("got \"%.*s\", wanted \"%s\"", SLICE_ARGUMENTS(got), wanted);
}

static inline void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* An empty folder, removed by remove_folder. */
static inline void make_folder(Path *out)
{
    static unsigned number;
    Error error;
    assert_ok(path_format(out, &error, "/tmp/firn-database-test-%016llx-%u",
                          (unsigned long long)env_random_u64(env_real()), number++),
              &error);
    assert_ok(env_make_directory(env_real(), out->text, &error), &error);
}

static inline void remove_folder(const Path *folder)
{
    Error error;
    assert_ok(env_remove_tree(env_real(), folder->text, &error), &error);
}

static inline void write_text(const Path *folder, const char *name, const char *text)
{
    Path path;
    Error error;
    assert_ok(path_join(&path, folder->text, name, &error), &error);
    assert_ok(env_replace_file(env_real(), path.text, slice_of_text(text), 0, &error), &error);
}

/* A page of the project's plans, which lie beside the repository on the machines where they are
 * written and nowhere else; NULL, said aloud, where they are not. */
static inline char *read_plan(const char *name, Buffer *out)
{
    const char *folder = getenv("FIRN_PLANS");
    Path path;
    Error error;
    assert_ok(path_format(&path, &error, "%s/%s", folder == NULL ? "../shared" : folder, name),
              &error);
    buffer_open(out, 0);
    if (env_read_file(env_real(), path.text, 1 << 20, out, &error) != OK) {
        print_message("SKIPPED: %s is not there to compare with\n", name);
        buffer_close(out);
        return NULL;
    }
    buffer_put_u8(out, 0);
    return (char *)out->data;
}

#endif
