/* The table of rights, spec/sql.md §8, as data.
 *
 * A rule says: on objects of these kinds (and, for SHARED tables, with this access), these actions
 * are allowed to this role and to those above it; where an action is about another user, to one of
 * the role `other_most` at most. What no rule allows is denied. Where kinds make no difference to
 * an action, all are listed, so that a statement may be asked about before its objects are known.
 */
#include "auth/auth.h"

#define DO(action) ((uint64_t)1 << ACTION_##action)

_Static_assert(ACTION_COUNT <= 64, "actions fit a word");

#define READ  (DO(SELECT) | DO(SUBSCRIBE) | DO(SHOW_OWN))
#define WRITE (DO(INSERT) | DO(UPDATE) | DO(DELETE) | DO(BULK_LOAD))
#define DEFINE                                                                                \
    (DO(CREATE_TABLE) | DO(ALTER_TABLE) | DO(TRUNCATE) | DO(CREATE_INDEX) | DO(CREATE_VIEW) | \
     DO(COMMENT))
#define MAINTAIN (DO(FLUSH) | DO(COMPACT))
#define ADMINISTER                                                                           \
    (DO(CREATE_NAMESPACE) | DO(DROP_NAMESPACE) | DO(STORAGE) | DO(SHOW_ALL) | DO(KILL_ALL) | \
     DO(ALTER_SYSTEM) | DO(GRANT) | DO(POLICY) | DO(BACKUP) | DO(CLUSTER))

enum {
    ON_NONE = 1 << OBJECT_NONE,
    ON_SHARED = 1 << OBJECT_SHARED_TABLE,
    ON_USER = 1 << OBJECT_USER_TABLE,
    ON_STREAM = 1 << OBJECT_STREAM_TABLE,
    ON_SYSTEM = 1 << OBJECT_SYSTEM_TABLE,
    ON_SYSTEM_OWN = 1 << OBJECT_SYSTEM_TABLE_OWN,
    ON_SYSTEM_OPEN = 1 << OBJECT_SYSTEM_TABLE_OPEN,

    ON_OWNED = ON_USER | ON_STREAM, /* the caller's own rows: no other is within his reach */
    ON_TABLES = ON_SHARED | ON_OWNED,
    ON_DEFINED = ON_NONE | ON_TABLES, /* all but system tables, which are read-only */
    ON_ANY = ON_DEFINED | ON_SYSTEM | ON_SYSTEM_OWN | ON_SYSTEM_OPEN,

    IF_PRIVATE = 1 << ACCESS_PRIVATE,
    IF_PROTECTED = 1 << ACCESS_PROTECTED,
    IF_PUBLIC = 1 << ACCESS_PUBLIC,
    IF_OPEN = IF_PROTECTED | IF_PUBLIC,
    IF_ANY = IF_PRIVATE | IF_OPEN,
};

typedef struct Rule {
    uint64_t actions; /* DO(…) */
    uint8_t on;       /* ON_… */
    uint8_t access;   /* IF_…, of SHARED tables */
    Role least;       /* this role and those above it */
    Role other_most;  /* another user's role at most, and at least ROLE_USER; NOBODY: not asked */
} Rule;

/* In the place of another user's role where the action is about nobody else. */
#define NOBODY ROLE_ANONYMOUS

/* clang-format off */
static const Rule rules[] = {
    /* rows, and what they look like; a SELECT without a table shows nobody's */
    {DO(SELECT),                       ON_NONE,        IF_ANY,    ROLE_ANONYMOUS, NOBODY},
    {DO(SELECT) | DO(SUBSCRIBE),       ON_SHARED,      IF_PUBLIC, ROLE_ANONYMOUS, NOBODY},
    {READ,                             ON_SHARED,      IF_OPEN,   ROLE_USER,      NOBODY},
    {READ,                             ON_SHARED,      IF_ANY,    ROLE_SERVICE,   NOBODY},
    {READ,                             ON_OWNED,       IF_ANY,    ROLE_USER,      NOBODY},
    {READ,                             ON_SYSTEM_OWN,  IF_ANY,    ROLE_USER,      NOBODY},
    {READ,                             ON_SYSTEM_OPEN, IF_ANY,    ROLE_USER,      NOBODY},
    {READ,                             ON_SYSTEM,      IF_ANY,    ROLE_DBA,       NOBODY},
    {DO(SELECT_ALL_USERS),             ON_TABLES,      IF_ANY,    ROLE_SERVICE,   NOBODY},
    {WRITE,                            ON_OWNED,       IF_ANY,    ROLE_USER,      NOBODY},
    {WRITE,                            ON_SHARED,      IF_ANY,    ROLE_SERVICE,   NOBODY},

    /* in another's name */
    {DO(ACT_AS),                       ON_ANY,         IF_ANY,    ROLE_SERVICE,   ROLE_SERVICE},
    {DO(ACT_AS),                       ON_ANY,         IF_ANY,    ROLE_DBA,       ROLE_DBA},
    {DO(ACT_AS),                       ON_ANY,         IF_ANY,    ROLE_SYSTEM,    ROLE_SYSTEM},

    /* tables */
    {DEFINE,                           ON_DEFINED,     IF_ANY,    ROLE_SERVICE,   NOBODY},
    {DO(DROP_TABLE),                   ON_DEFINED,     IF_ANY,    ROLE_DBA,       NOBODY},
    {DO(FLUSH_OWN),                    ON_USER,        IF_ANY,    ROLE_USER,      NOBODY},
    {MAINTAIN,                         ON_DEFINED,     IF_ANY,    ROLE_SERVICE,   NOBODY},
    {DO(TOPIC) | DO(CONSUME),          ON_ANY,         IF_ANY,    ROLE_SERVICE,   NOBODY},

    /* users: nobody makes or changes one above himself */
    {DO(ALTER_OWN_PASSWORD),           ON_ANY,         IF_ANY,    ROLE_USER,      NOBODY},
    {DO(CREATE_USER),                  ON_ANY,         IF_ANY,    ROLE_SERVICE,   ROLE_USER},
    {DO(CREATE_USER),                  ON_ANY,         IF_ANY,    ROLE_DBA,       ROLE_DBA},
    {DO(CREATE_USER),                  ON_ANY,         IF_ANY,    ROLE_SYSTEM,    ROLE_SYSTEM},
    {DO(ALTER_USER) | DO(DROP_USER),   ON_ANY,         IF_ANY,    ROLE_DBA,       ROLE_DBA},
    {DO(ALTER_USER) | DO(DROP_USER),   ON_ANY,         IF_ANY,    ROLE_SYSTEM,    ROLE_SYSTEM},

    /* the server */
    {DO(SET),                          ON_ANY,         IF_ANY,    ROLE_ANONYMOUS, NOBODY},
    {DO(SHOW_OWN),                     ON_NONE,        IF_ANY,    ROLE_USER,      NOBODY},
    {DO(KILL_OWN),                     ON_ANY,         IF_ANY,    ROLE_USER,      NOBODY},
    {ADMINISTER,                       ON_ANY,         IF_ANY,    ROLE_DBA,       NOBODY},
};
/* clang-format on */

static const char *const role_names[] = {
    [ROLE_ANONYMOUS] = "anonymous", [ROLE_USER] = "user",
    [ROLE_SERVICE] = "service",     [ROLE_DBA] = "dba",
    [ROLE_SYSTEM] = "system",
};

enum { ROLE_COUNT = sizeof role_names / sizeof role_names[0] };

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_SELECT] = "SELECT",
    [ACTION_INSERT] = "INSERT",
    [ACTION_UPDATE] = "UPDATE",
    [ACTION_DELETE] = "DELETE",
    [ACTION_SELECT_ALL_USERS] = "SELECT FOR ALL USERS",
    [ACTION_ACT_AS] = "AS USER",
    [ACTION_SUBSCRIBE] = "SUBSCRIBE",
    [ACTION_CREATE_TABLE] = "CREATE TABLE",
    [ACTION_ALTER_TABLE] = "ALTER TABLE",
    [ACTION_DROP_TABLE] = "DROP TABLE",
    [ACTION_TRUNCATE] = "TRUNCATE",
    [ACTION_CREATE_INDEX] = "CREATE INDEX",
    [ACTION_CREATE_VIEW] = "CREATE VIEW",
    [ACTION_COMMENT] = "COMMENT",
    [ACTION_CREATE_NAMESPACE] = "CREATE NAMESPACE",
    [ACTION_DROP_NAMESPACE] = "DROP NAMESPACE",
    [ACTION_CREATE_USER] = "CREATE USER",
    [ACTION_ALTER_USER] = "ALTER USER",
    [ACTION_ALTER_OWN_PASSWORD] = "ALTER USER SET PASSWORD",
    [ACTION_DROP_USER] = "DROP USER",
    [ACTION_STORAGE] = "STORAGE",
    [ACTION_FLUSH_OWN] = "STORAGE FLUSH FOR USER",
    [ACTION_FLUSH] = "STORAGE FLUSH",
    [ACTION_COMPACT] = "STORAGE COMPACT",
    [ACTION_SHOW_OWN] = "SHOW",
    [ACTION_SHOW_ALL] = "SHOW ALL",
    [ACTION_KILL_OWN] = "KILL",
    [ACTION_KILL_ALL] = "KILL ALL",
    [ACTION_ALTER_SYSTEM] = "ALTER SYSTEM",
    [ACTION_GRANT] = "GRANT",
    [ACTION_POLICY] = "POLICY",
    [ACTION_BACKUP] = "BACKUP",
    [ACTION_CLUSTER] = "CLUSTER",
    [ACTION_TOPIC] = "TOPIC",
    [ACTION_CONSUME] = "CONSUME",
    [ACTION_BULK_LOAD] = "BULK LOAD",
    [ACTION_SET] = "SET",
};

const char *role_name(Role role)
{
    return (unsigned)role < ROLE_COUNT ? role_names[role] : "unknown";
}

bool role_from_name(Slice name, Role *out)
{
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        if (slice_equal_ignoring_case(name, slice_of_text(role_names[role]))) {
            *out = (Role)role;
            return true;
        }
    }
    return false;
}

const char *action_name(Action action)
{
    return (unsigned)action < ACTION_COUNT ? action_names[action] : "unknown";
}

static bool rule_allows(const Rule *rule, Role role, Action action, const GuardedObject *object)
{
    if ((rule->actions >> action & 1) == 0 || role < rule->least)
        return false;
    if ((rule->on >> object->kind & 1) == 0)
        return false;
    if (object->kind == OBJECT_SHARED_TABLE && (rule->access >> object->access & 1) == 0)
        return false;
    return rule->other_most == NOBODY ||
           (object->other_role >= ROLE_USER && object->other_role <= rule->other_most);
}

static bool object_is_known(const GuardedObject *object)
{
    return (unsigned)object->kind < OBJECT_KIND_COUNT && (unsigned)object->access < ACCESS_COUNT &&
           (unsigned)object->other_role < ROLE_COUNT;
}

bool guard_allows(Role role, Action action, const GuardedObject *object)
{
    if ((unsigned)role >= ROLE_COUNT || (unsigned)action >= ACTION_COUNT ||
        !object_is_known(object))
        return false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rule_allows(&rules[i], role, action, object))
            return true;
    }
    return false;
}

Status guard_check(const Principal *who, Action action, const GuardedObject *object, Error *error)
{
    if (guard_allows(who->role, action, object))
        return OK;
    return error_of(error, STATUS_INSUFFICIENT_PRIVILEGE);
}
