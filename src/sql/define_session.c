/* Settings and transactions: SET, RESET, SHOW, BEGIN, COMMIT, ROLLBACK. What a setting means and
 * whether there is one is the executor's to say. */
#include <inttypes.h>

#include "sql/front_int.h"

static Status new_setting(Front *front, Slice name, BoundSetting **out, Error *error)
{
    BoundSetting *setting = ARENA_NEW(&front->plan->arena, BoundSetting);
    if (setting == NULL)
        return arena_error(&front->plan->arena, error);
    TRY(arena_clone(&front->plan->arena, name, &setting->name, error));
    front->plan->as.setting = setting;
    *out = setting;
    return OK;
}

/* ---- SET ---- */

/* A constant as text; false for anything that is none. */
static bool put_constant(Buffer *out, const Node *constant)
{
    const Node *integer = node_field(constant, "ival");
    const Node *number = node_field(constant, "fval");
    const Node *text = node_field(constant, "sval");
    if (!node_is(constant, "A_Const"))
        return false;
    if (integer != NULL)
        buffer_put_format(out, "%" PRId64, node_integer(integer, "ival", 0));
    else if (number != NULL)
        buffer_put_slice(out, node_text(number, "fval"));
    else if (text != NULL)
        buffer_put_slice(out, node_text(text, "sval"));
    return integer != NULL || number != NULL || text != NULL;
}

static Status read_values(Front *front, const Node *arguments, BoundSetting *setting, Error *error)
{
    Buffer text;
    Status status = OK;
    buffer_open(&text, 0);
    for (uint32_t i = 0; i < node_count(arguments); i++) {
        const Node *argument = node_item(arguments, i);
        if (i > 0)
            buffer_put_text(&text, ", ");
        if (!put_constant(&text, argument))
            GO(fail_unsupported(node_location(argument), "SET to such a value", error));
    }
    GO(buffer_status(&text, error));
    GO(arena_clone(&front->plan->arena, buffer_slice(&text), &setting->value, error));
done:
    buffer_close(&text);
    return status;
}

/* The namespaces that PostgreSQL searches besides those that a path names. */
static bool is_implied_namespace(Slice name)
{
    return slice_equal_text(name, "$user") || slice_equal_text(name, "pg_catalog");
}

/* SET search_path = ns: the session's namespace, the same as USE ns. As in PostgreSQL it need not
 * exist. */
static Status set_search_path(Front *front, const Node *arguments, Error *error)
{
    BoundDrop *target = ARENA_NEW(&front->plan->arena, BoundDrop);
    if (target == NULL)
        return arena_error(&front->plan->arena, error);
    for (uint32_t i = 0; i < node_count(arguments); i++) {
        const Node *argument = node_item(arguments, i);
        Slice name = node_text(node_field(argument, "sval"), "sval");
        if (node_field(argument, "sval") == NULL)
            return fail_unsupported(node_location(argument), "SET to such a value", error);
        if (is_implied_namespace(name))
            continue;
        if (target->namespace_name.size > 0)
            return fail_unsupported(node_location(argument), "search_path of several namespaces",
                                    error);
        TRY(arena_clone(&front->plan->arena, name, &target->namespace_name, error));
    }
    front->plan->as.drop = target;
    front_plan_is(front, STATEMENT_USE, ACTION_SET);
    return OK;
}

Status define_set(Front *front, const Node *node, Error *error)
{
    static const char *const refused[][2] = {
        {"TRANSACTION", "SET TRANSACTION"},
        {"SESSION CHARACTERISTICS", "SET SESSION CHARACTERISTICS"},
        {"TRANSACTION SNAPSHOT", "SET TRANSACTION SNAPSHOT"},
        {"role", "SET ROLE"},
        {"session_authorization", "SET SESSION AUTHORIZATION"},
    };
    int32_t position = reader_position(&front->reader);
    Slice kind = node_text(node, "kind");
    Slice name = node_text(node, "name");
    BoundSetting *setting = NULL;
    TRY(front_allow(front, ACTION_SET, (GuardedObject){0}, error));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (slice_equal_text(name, refused[i][0]))
            return fail_unsupported(position, refused[i][1], error);
    }
    if (node_boolean(node, "is_local"))
        return fail_unsupported(position, "SET LOCAL", error);
    if (slice_equal_text(kind, "VAR_SET_CURRENT"))
        return fail_unsupported(position, "SET … FROM CURRENT", error);
    if (slice_equal_text(name, "search_path"))
        return set_search_path(front, node_field(node, "args"), error);
    bool all = slice_equal_text(kind, "VAR_RESET_ALL");
    TRY(new_setting(front, all ? SLICE("all") : name, &setting, error));
    setting->is_reset = !slice_equal_text(kind, "VAR_SET_VALUE");
    front_plan_is(front, STATEMENT_SET, ACTION_SET);
    return read_values(front, node_field(node, "args"), setting, error);
}

Status define_show(Front *front, const Node *node, Error *error)
{
    BoundSetting *setting = NULL;
    TRY(front_allow(front, ACTION_SET, (GuardedObject){0}, error));
    TRY(new_setting(front, node_text(node, "name"), &setting, error));
    setting->shown = (ResultColumn){.name = setting->name, .type = TYPE(TEXT), .sent = TYPE(TEXT)};
    front_plan_is(front, STATEMENT_SHOW_SETTING, ACTION_SET);
    return OK;
}

/* ---- transactions ---- */

static Status read_isolation(Front *front, const Node *option, BoundSetting *setting, Error *error)
{
    static const char *const served[] = {"read committed", "read uncommitted", "repeatable read"};
    Slice level = node_text(node_field(node_field(option, "arg"), "sval"), "sval");
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++) {
        if (slice_equal_text(level, served[i]))
            return arena_clone(&front->plan->arena, level, &setting->value, error);
    }
    return fail_unsupported(node_location(option), "isolation level SERIALIZABLE", error);
}

static Status read_begin(Front *front, const Node *options, Error *error)
{
    BoundSetting *setting = NULL;
    TRY(new_setting(front, SLICE("transaction_isolation"), &setting, error));
    for (uint32_t i = 0; i < node_count(options); i++) {
        const Node *option = node_item(options, i);
        Slice name = node_text(option, "defname");
        bool on = node_integer(node_field(node_field(option, "arg"), "ival"), "ival", 0) != 0;
        if (slice_equal_text(name, "transaction_isolation"))
            TRY(read_isolation(front, option, setting, error));
        else if (on)
            return fail_unsupported(node_location(option),
                                    slice_equal_text(name, "transaction_read_only")
                                        ? "a READ ONLY transaction"
                                        : "a DEFERRABLE transaction",
                                    error);
    }
    front_plan_is(front, STATEMENT_BEGIN, ACTION_SET);
    return OK;
}

Status define_transaction(Front *front, const Node *node, Error *error)
{
    static const struct {
        const char *kind;
        const char *feature; /* NULL: it is there */
        StatementKind statement;
    } kinds[] = {
        {"TRANS_STMT_BEGIN", NULL, STATEMENT_BEGIN},
        {"TRANS_STMT_START", NULL, STATEMENT_BEGIN},
        {"TRANS_STMT_COMMIT", NULL, STATEMENT_COMMIT},
        {"TRANS_STMT_ROLLBACK", NULL, STATEMENT_ROLLBACK},
        {"TRANS_STMT_SAVEPOINT", "SAVEPOINT", STATEMENT_BEGIN},
        {"TRANS_STMT_RELEASE", "RELEASE SAVEPOINT", STATEMENT_BEGIN},
        {"TRANS_STMT_ROLLBACK_TO", "ROLLBACK TO SAVEPOINT", STATEMENT_BEGIN},
        {"TRANS_STMT_PREPARE", "PREPARE TRANSACTION", STATEMENT_BEGIN},
        {"TRANS_STMT_COMMIT_PREPARED", "COMMIT PREPARED", STATEMENT_BEGIN},
        {"TRANS_STMT_ROLLBACK_PREPARED", "ROLLBACK PREPARED", STATEMENT_BEGIN},
    };
    int32_t position = reader_position(&front->reader);
    TRY(front_allow(front, ACTION_SET, (GuardedObject){0}, error));
    if (node_boolean(node, "chain"))
        return fail_unsupported(position, "AND CHAIN", error);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!slice_equal_text(node_text(node, "kind"), kinds[i].kind))
            continue;
        if (kinds[i].feature != NULL)
            return fail_unsupported(position, kinds[i].feature, error);
        if (kinds[i].statement == STATEMENT_BEGIN)
            return read_begin(front, node_field(node, "options"), error);
        front_plan_is(front, kinds[i].statement, ACTION_SET);
        return OK;
    }
    return front_unsupported_statement(front, error);
}
