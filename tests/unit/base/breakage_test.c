#include "base/breakage.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/test.h"

static void every_rule_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = BREAKAGE_NONE + 1; i < BREAKAGE_COUNT; i++) {
        enum Breakage found;
        assert_true(breakage_find(breakage_name((enum Breakage)i), &found));
        assert_int_equal(found, i);
        assert_true(strlen(breakage_meaning((enum Breakage)i)) > 10);
    }
    enum Breakage untouched = BREAKAGE_tail;
    assert_false(breakage_find("none", &untouched));
    assert_false(breakage_find("", &untouched));
    assert_int_equal(untouched, BREAKAGE_tail);
}

/* In a program that asks for the first time: 1 where the rule `tail` is broken in it. */
static int run_child(const char *broken)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        (void)setenv("FIRN_BREAKAGE", broken, 1);
        (void)execl("/proc/self/exe", "breakage_test", "child", (char *)NULL);
        _exit(127);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    return result;
}

static void the_variable_breaks_one_rule(void **state)
{
    (void)state;
#ifdef FIRN_FAULTS
    assert_int_equal(WEXITSTATUS(run_child("tail")), 1);
    assert_int_equal(WEXITSTATUS(run_child("order")), 0);
    int result = run_child("no such rule");
    assert_true(WIFSIGNALED(result));
    assert_int_equal(WTERMSIG(result), SIGABRT);
#else
    assert_int_equal(WEXITSTATUS(run_child("tail")), 0);
#endif
}

int main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "child") == 0)
        return BROKEN(tail) ? 1 : 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_found_by_its_name),
        cmocka_unit_test(the_variable_breaks_one_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
