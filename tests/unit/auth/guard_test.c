/* Every cell of the guard's table against one written from spec/sql.md §8, not from the code.
 *
 * Rights only grow with the role, so a cell is the lowest role that may:
 *     a anonymous   u user   s service   d dba   y system   . nobody */
#include "auth/auth.h"

#include "tests/unit/base/test.h"

typedef struct Heading {
    const char *name;
    GuardedObject object;
} Heading;

static const Heading columns[] = {
    {"no object", {.kind = OBJECT_NONE}},
    {"public", {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PUBLIC}},
    {"protected", {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PROTECTED}},
    {"private", {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PRIVATE}},
    {"USER", {.kind = OBJECT_USER_TABLE}},
    {"STREAM", {.kind = OBJECT_STREAM_TABLE}},
    {"system", {.kind = OBJECT_SYSTEM_TABLE}},
    {"system own", {.kind = OBJECT_SYSTEM_TABLE_OWN}},
    {"system open", {.kind = OBJECT_SYSTEM_TABLE_OPEN}},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* One letter for each of the columns above. */
static const char *const wanted[ACTION_COUNT] = {
    [ACTION_SELECT] = "aausuuduu",
    [ACTION_INSERT] = ".sssuu...",
    [ACTION_UPDATE] = ".sssuu...",
    [ACTION_DELETE] = ".sssuu...",
    [ACTION_BULK_LOAD] = ".sssuu...",
    [ACTION_SELECT_ALL_USERS] = ".sssss...",
    [ACTION_SUBSCRIBE] = ".ausuuduu",
    [ACTION_CREATE_TABLE] = "ssssss...",
    [ACTION_ALTER_TABLE] = "ssssss...",
    [ACTION_DROP_TABLE] = "dddddd...",
    [ACTION_TRUNCATE] = "ssssss...",
    [ACTION_CREATE_INDEX] = "ssssss...",
    [ACTION_CREATE_VIEW] = "ssssss...",
    [ACTION_COMMENT] = "ssssss...",
    [ACTION_CREATE_NAMESPACE] = "ddddddddd",
    [ACTION_DROP_NAMESPACE] = "ddddddddd",
    [ACTION_ALTER_OWN_PASSWORD] = "uuuuuuuuu",
    [ACTION_STORAGE] = "ddddddddd",
    [ACTION_FLUSH_OWN] = "....u....",
    [ACTION_FLUSH] = "ssssss...",
    [ACTION_COMPACT] = "ssssss...",
    [ACTION_SHOW_OWN] = "uuusuuduu",
    [ACTION_SHOW_ALL] = "ddddddddd",
    [ACTION_KILL_OWN] = "uuuuuuuuu",
    [ACTION_KILL_ALL] = "ddddddddd",
    [ACTION_ALTER_SYSTEM] = "ddddddddd",
    [ACTION_GRANT] = "ddddddddd",
    [ACTION_POLICY] = "ddddddddd",
    [ACTION_BACKUP] = "ddddddddd",
    [ACTION_CLUSTER] = "ddddddddd",
    [ACTION_TOPIC] = "sssssssss",
    [ACTION_CONSUME] = "sssssssss",
    [ACTION_SET] = "aaaaaaaaa",
};

/* Those about another user: one letter for each role of the other, from anonymous (who is no user)
 * to system. */
static const char *const wanted_on[ACTION_COUNT] = {
    [ACTION_ACT_AS] = ".ssdy",
    [ACTION_CREATE_USER] = ".sddy",
    [ACTION_ALTER_USER] = ".dddy",
    [ACTION_DROP_USER] = ".dddy",
};

static bool letter_allows(char letter, Role role)
{
    static const char letters[] = "ausdy";
    const char *at = strchr(letters, letter);
    return letter != '.' && at != NULL && (int)role >= at - letters;
}

static char letter_of(Action action, const GuardedObject *object)
{
    for (unsigned role = ROLE_ANONYMOUS; role <= ROLE_SYSTEM; role++) {
        if (guard_allows((Role)role, action, object))
            return "ausdy"[role];
    }
    return '.';
}

static void print_table(void)
{
    print_message("%-24s", "");
    for (int c = 0; c < COLUMNS; c++)
        print_message(" %-11s", columns[c].name);
    print_message("\n");
    for (unsigned a = 0; a < ACTION_COUNT; a++) {
        print_message("%-24s", action_name((Action)a));
        for (int c = 0; c < COLUMNS && wanted_on[a] == NULL; c++)
            print_message(" %-11c", letter_of((Action)a, &columns[c].object));
        for (unsigned other = 0; other <= ROLE_SYSTEM && wanted_on[a] != NULL; other++) {
            GuardedObject object = {.other_role = (Role)other};
            print_message(" on %s: %c ", role_name((Role)other), letter_of((Action)a, &object));
        }
        print_message("\n");
    }
}

static bool is_wanted(Role role, Action action, int column, Role other)
{
    if (wanted_on[action] != NULL)
        return letter_allows(wanted_on[action][other], role);
    return letter_allows(wanted[action][column], role);
}

static void test_every_cell(void **state)
{
    (void)state;
    print_table();
    size_t cells = 0;
    for (unsigned a = 0; a < ACTION_COUNT; a++) {
        assert_true((wanted[a] == NULL) != (wanted_on[a] == NULL));
        assert_int_equal(strlen(wanted[a] != NULL ? wanted[a] : "123456789"), COLUMNS);
        for (int c = 0; c < COLUMNS; c++) {
            for (unsigned cell = 0; cell < 25; cell++, cells++) {
                Role role = (Role)(cell / 5);
                GuardedObject object = columns[c].object;
                object.other_role = (Role)(cell % 5);
                bool may = is_wanted(role, (Action)a, c, object.other_role);
                if (guard_allows(role, (Action)a, &object) != may)
                    fail_msg("%s may%s %s on %s of %s", role_name(role), may ? " not" : "",
                             action_name((Action)a), columns[c].name, role_name(object.other_role));
            }
        }
    }
    assert_int_equal(cells, (size_t)ACTION_COUNT * COLUMNS * 25);
}

/* Access is of SHARED tables only: on others it changes nothing, whatever stands there. */
static void test_access_is_of_shared_tables(void **state)
{
    (void)state;
    for (unsigned a = 0; a < ACTION_COUNT; a++) {
        for (unsigned kind = 0; kind < OBJECT_KIND_COUNT; kind++) {
            for (unsigned access = 0; access < ACCESS_COUNT && kind != OBJECT_SHARED_TABLE;
                 access++) {
                GuardedObject object = {.kind = (ObjectKind)kind, .access = (TableAccess)access};
                GuardedObject plain = {.kind = (ObjectKind)kind};
                assert_int_equal(letter_of((Action)a, &object), letter_of((Action)a, &plain));
            }
        }
    }
}

static void test_what_is_unknown_is_denied(void **state)
{
    (void)state;
    GuardedObject none = {.kind = OBJECT_NONE};
    GuardedObject kind = {.kind = (ObjectKind)OBJECT_KIND_COUNT};
    GuardedObject access = {.kind = OBJECT_SHARED_TABLE, .access = (TableAccess)3};
    GuardedObject other = {.other_role = (Role)5};
    assert_true(guard_allows(ROLE_SYSTEM, ACTION_SET, &none));
    assert_false(guard_allows((Role)5, ACTION_SET, &none));
    assert_false(guard_allows((Role)-1, ACTION_SET, &none));
    assert_false(guard_allows(ROLE_SYSTEM, ACTION_COUNT, &none));
    assert_false(guard_allows(ROLE_SYSTEM, (Action)-1, &none));
    assert_false(guard_allows(ROLE_SYSTEM, ACTION_SELECT, &kind));
    assert_false(guard_allows(ROLE_SYSTEM, ACTION_SELECT, &access));
    assert_false(guard_allows(ROLE_SYSTEM, ACTION_ACT_AS, &other));
}

/* Whatever is refused, and whyever: the same words, so that nobody learns what exists. */
static void test_one_text_for_every_refusal(void **state)
{
    (void)state;
    for (unsigned a = 0; a < ACTION_COUNT; a++) {
        for (int c = 0; c < COLUMNS; c++) {
            Error error;
            Principal nobody = {.role = ROLE_ANONYMOUS};
            Status status = guard_check(&nobody, (Action)a, &columns[c].object, &error);
            if (status == OK)
                continue;
            assert_status(STATUS_INSUFFICIENT_PRIVILEGE, status);
            assert_string_equal(error.message, "permission denied");
            assert_string_equal(error.detail, "");
            assert_string_equal(error.hint, "");
        }
    }
}

static void test_the_right_is_the_one_who_acts(void **state)
{
    (void)state;
    Error error;
    GuardedObject table = {.kind = OBJECT_SHARED_TABLE};
    Principal service = {.user_id = 5, .role = ROLE_SERVICE, .acting_as = 9};
    Principal user = {.user_id = 9, .role = ROLE_USER, .acting_as = 9};
    assert_ok(guard_check(&service, ACTION_INSERT, &table, &error), &error);
    assert_status(STATUS_INSUFFICIENT_PRIVILEGE, guard_check(&user, ACTION_INSERT, &table, &error));
}

static void test_role_names(void **state)
{
    (void)state;
    Role role = ROLE_ANONYMOUS;
    for (unsigned r = 0; r <= ROLE_SYSTEM; r++) {
        assert_true(role_from_name(slice_of_text(role_name((Role)r)), &role));
        assert_int_equal(role, r);
    }
    assert_true(role_from_name(SLICE("DBA"), &role));
    assert_int_equal(role, ROLE_DBA);
    assert_false(role_from_name(SLICE("root"), &role));
    assert_false(role_from_name(SLICE("use"), &role));
    assert_false(role_from_name(SLICE("users"), &role));
    assert_false(role_from_name(SLICE(""), &role));
    assert_int_equal(role, ROLE_DBA);
    assert_string_equal(role_name((Role)5), "unknown");
    assert_string_equal(action_name(ACTION_COUNT), "unknown");
    for (unsigned a = 0; a < ACTION_COUNT; a++)
        assert_true(strlen(action_name((Action)a)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_access_is_of_shared_tables),
        cmocka_unit_test(test_what_is_unknown_is_denied),
        cmocka_unit_test(test_one_text_for_every_refusal),
        cmocka_unit_test(test_the_right_is_the_one_who_acts),
        cmocka_unit_test(test_role_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
