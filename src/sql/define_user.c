/* CREATE|ALTER|DROP USER. Whether a user exists is the executor's to say, behind the guard: nothing
 * here looks one up. */
#include "sql/front_int.h"

enum { EMAIL_BYTES_MAX = 254 };

typedef enum UserClause {
    USER_PASSWORD = 1,
    USER_ROLE = 2,
    USER_EMAIL = 4,
    USER_STORAGE = 8,
} UserClause;

static Status new_user(Front *front, BoundUser **out, Error *error)
{
    BoundUser *user = ARENA_NEW(&front->plan->arena, BoundUser);
    if (user == NULL)
        return arena_error(&front->plan->arena, error);
    front->plan->as.user = user;
    *out = user;
    return OK;
}

static Status read_name(Front *front, BoundUser *user, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    TRY(reader_name_or_string(reader, "a user's name", &user->name, error));
    Status status = user_name_check(user->name, error);
    if (status != OK)
        error->position_byte = position;
    return status;
}

/* ---- clauses ---- */

static Status read_password(Front *front, BoundUser *user, Error *error)
{
    TokenReader *reader = &front->reader;
    uint32_t token = reader->at;
    int32_t position = reader_position(reader);
    TRY(reader_string(reader, "the password as a string", &user->password, error));
    front_hide(front, token);
    if (user->password.size == 0 || user->password.size > PASSWORD_BYTES_MAX)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "a password has 1 to %d bytes", PASSWORD_BYTES_MAX);
    return OK;
}

static Status read_role(Front *front, BoundUser *user, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    Slice name;
    TRY(reader_name_or_string(reader, "a role's name", &name, error));
    if (!role_from_name(name, &user->role) || user->role == ROLE_ANONYMOUS) {
        (void)error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                           "\"%.*s\" is not a role", SLICE_ARGUMENTS(name));
        error_set_hint(error, "Roles are user, service, dba and system.");
        return error->status;
    }
    user->has_role = true;
    return OK;
}

static Status read_email(Front *front, BoundUser *user, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    TRY(reader_string(reader, "the address as a string", &user->email, error));
    size_t before_at = slice_find(user->email, '@');
    if (before_at == 0 || before_at + 1 >= user->email.size || user->email.size > EMAIL_BYTES_MAX)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "\"%.*s\" is not an e-mail address", SLICE_ARGUMENTS(user->email));
    return OK;
}

static Status read_user_storage(Front *front, BoundUser *user, Error *error)
{
    return reader_name_or_string(&front->reader, "a storage's id", &user->storage, error);
}

static const struct {
    const char *word;
    UserClause clause;
    Status (*read)(Front *front, BoundUser *user, Error *error);
} clauses[] = {{"password", USER_PASSWORD, read_password},
               {"role", USER_ROLE, read_role},
               {"email", USER_EMAIL, read_email},
               {"storage", USER_STORAGE, read_user_storage}};

enum { CLAUSE_COUNT = sizeof clauses / sizeof clauses[0] };

/* One clause, each at most once; *done where none stands here. */
static Status read_clause(Front *front, BoundUser *user, unsigned *seen, bool *done, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    for (size_t i = 0; i < CLAUSE_COUNT; i++) {
        if (!reader_take(reader, clauses[i].word))
            continue;
        if (*seen & clauses[i].clause)
            return error_set_at(error, position, STATUS_SYNTAX_ERROR, "%s is given more than once",
                                clauses[i].word);
        *seen |= clauses[i].clause;
        return clauses[i].read(front, user, error);
    }
    *done = true;
    return OK;
}

static Status read_clauses(Front *front, BoundUser *user, unsigned *seen, Error *error)
{
    *seen = 0;
    for (bool done = false; !done;)
        TRY(read_clause(front, user, seen, &done, error));
    if (*seen == 0 || !reader_is_at_end(&front->reader))
        return reader_fail(&front->reader, "PASSWORD, ROLE, EMAIL or STORAGE", error);
    return OK;
}

/* ---- statements ---- */

Status own_create_user(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundUser *user = NULL;
    unsigned seen;
    TRY(new_user(front, &user, error));
    user->if_not_exists = reader_take(reader, "if not exists");
    TRY(read_name(front, user, error));
    user->role = ROLE_USER;
    bool any = reader_take(reader, "with") || !reader_is_at_end(reader);
    if (any)
        TRY(read_clauses(front, user, &seen, error));
    user->has_role = true;
    GuardedObject object = {.other_role = user->role};
    TRY(front_allow(front, ACTION_CREATE_USER, object, error));
    front_plan_is(front, STATEMENT_CREATE_USER, ACTION_CREATE_USER);
    return OK;
}

/* One's own password may be changed with fewer rights than anything else of a user: the action is
 * the weaker one, and the executor asks for ALTER_USER where it is another user's. */
Status own_alter_user(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundUser *user = NULL;
    unsigned seen;
    TRY(new_user(front, &user, error));
    user->if_exists = reader_take(reader, "if exists");
    TRY(read_name(front, user, error));
    if (!reader_take(reader, "set"))
        (void)reader_take(reader, "with");
    TRY(read_clauses(front, user, &seen, error));
    Action action = seen == USER_PASSWORD ? ACTION_ALTER_OWN_PASSWORD : ACTION_ALTER_USER;
    TRY(front_allow(front, action, (GuardedObject){.other_role = ROLE_USER}, error));
    front_plan_is(front, STATEMENT_ALTER_USER, action);
    return OK;
}

Status own_drop_user(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundUser *user = NULL;
    TRY(new_user(front, &user, error));
    user->if_exists = reader_take(reader, "if exists");
    TRY(read_name(front, user, error));
    user->keep_data = reader_take(reader, "keep data");
    TRY(front_allow(front, ACTION_DROP_USER, (GuardedObject){.other_role = ROLE_USER}, error));
    front_plan_is(front, STATEMENT_DROP_USER, ACTION_DROP_USER);
    return OK;
}
