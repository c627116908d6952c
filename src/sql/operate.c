/* Operations: STORAGE FLUSH|COMPACT|CHECK, DESCRIBE, KILL, USE, ALTER SYSTEM. */
#include "sql/front_int.h"

static Status new_maintenance(Front *front, BoundMaintenance **out, Error *error)
{
    BoundMaintenance *maintenance = ARENA_NEW(&front->plan->arena, BoundMaintenance);
    if (maintenance == NULL)
        return arena_error(&front->plan->arena, error);
    front->plan->as.maintenance = maintenance;
    *out = maintenance;
    return OK;
}

/* A name from our own reader, checked by a rule that knows no place. */
static Status at(int32_t position, Status status, Error *error)
{
    if (status != OK)
        error->position_byte = position;
    return status;
}

/* ---- STORAGE ---- */

static Status read_user(TokenReader *reader, Slice *out, Error *error)
{
    int32_t position = reader_position(reader);
    TRY(reader_name_or_string(reader, "a user's name", out, error));
    return at(position, user_name_check(*out, error), error);
}

static Status read_all(Front *front, BoundMaintenance *maintenance, Error *error)
{
    TokenReader *reader = &front->reader;
    if (!reader_take(reader, "in"))
        return OK;
    int32_t position = reader_position(reader);
    const CatalogNamespace *found;
    Slice name;
    TRY(reader_name(reader, "a namespace's name", &name, error));
    TRY(front_find_namespace(front, name, position, &found, error));
    maintenance->namespace_name = found->name;
    return OK;
}

/* FOR USER 'u': the owner whose rows are flushed. */
static Status read_flushed_user(Front *front, BoundMaintenance *maintenance, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    if (!reader_take(reader, "for user"))
        return OK;
    const CatalogTable *table = maintenance->table;
    if (table->schema->kind != TABLE_USER)
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "\"%.*s.%.*s\" is not a USER table",
                            SLICE_ARGUMENTS(table->namespace_name), SLICE_ARGUMENTS(table->name));
    return read_user(reader, &maintenance->for_user, error);
}

static Status read_flush(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundMaintenance *maintenance = NULL;
    GuardedObject any = {.kind = OBJECT_USER_TABLE};
    TRY(front_allow(front, ACTION_FLUSH_OWN, any, error));
    TRY(new_maintenance(front, &maintenance, error));
    if (reader_take(reader, "table")) {
        QualifiedName name;
        TRY(reader_table_name(reader, &name, error));
        TRY(front_find_user_table(front, &name, &maintenance->table, error));
        TRY(read_flushed_user(front, maintenance, error));
        bool own =
            maintenance->table->schema->kind == TABLE_USER && maintenance->for_user.size == 0;
        front_plan_is(front, STATEMENT_FLUSH_TABLE, own ? ACTION_FLUSH_OWN : ACTION_FLUSH);
    } else if (reader_take(reader, "all")) {
        TRY(read_all(front, maintenance, error));
        front_plan_is(front, STATEMENT_FLUSH_ALL, ACTION_FLUSH);
    } else {
        return reader_fail(reader, "TABLE or ALL", error);
    }
    maintenance->is_async = reader_take(reader, "async");
    return OK;
}

static Status read_compact(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundMaintenance *maintenance = NULL;
    GuardedObject any = {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PUBLIC};
    TRY(front_allow(front, ACTION_COMPACT, any, error));
    TRY(new_maintenance(front, &maintenance, error));
    if (reader_take(reader, "table")) {
        QualifiedName name;
        TRY(reader_table_name(reader, &name, error));
        TRY(front_find_user_table(front, &name, &maintenance->table, error));
        if (maintenance->table->schema->kind == TABLE_STREAM)
            return error_set_at(error, name.position_byte, STATUS_WRONG_OBJECT_TYPE,
                                "\"%.*s\" is a STREAM table: it has no data files to compact",
                                SLICE_ARGUMENTS(name.name));
        front_plan_is(front, STATEMENT_COMPACT_TABLE, ACTION_COMPACT);
    } else if (reader_take(reader, "all")) {
        TRY(read_all(front, maintenance, error));
        front_plan_is(front, STATEMENT_COMPACT_ALL, ACTION_COMPACT);
    } else {
        return reader_fail(reader, "TABLE or ALL", error);
    }
    maintenance->is_async = reader_take(reader, "async");
    return OK;
}

static Status read_check(Front *front, Error *error)
{
    BoundStorage *storage = ARENA_NEW(&front->plan->arena, BoundStorage);
    if (storage == NULL)
        return arena_error(&front->plan->arena, error);
    TRY(front_allow(front, ACTION_STORAGE, (GuardedObject){0}, error));
    TRY(reader_name_or_string(&front->reader, "a storage's id", &storage->id, error));
    front->plan->as.storage = storage;
    front_plan_is(front, STATEMENT_CHECK_STORAGE, ACTION_STORAGE);
    return OK;
}

Status own_storage(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    if (reader_take(reader, "flush"))
        return read_flush(front, error);
    if (reader_take(reader, "compact"))
        return read_compact(front, error);
    if (reader_take(reader, "check"))
        return read_check(front, error);
    return reader_fail(reader, "FLUSH, COMPACT or CHECK", error);
}

/* ---- DESCRIBE, KILL, USE ---- */

Status own_describe(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundMaintenance *maintenance = NULL;
    QualifiedName name;
    (void)reader_take(reader, "table");
    TRY(reader_table_name(reader, &name, error));
    TRY(front_allow(front, ACTION_SHOW_OWN, (GuardedObject){0}, error));
    TRY(new_maintenance(front, &maintenance, error));
    TRY(front_find_table(front, &name, &maintenance->table, &maintenance->system, error));
    front_plan_is(front, STATEMENT_DESCRIBE, ACTION_SHOW_OWN);
    return OK;
}

Status own_kill(Front *front, Error *error)
{
    static const struct {
        const char *words;
        StatementKind kind;
    } victims[] = {{"job", STATEMENT_KILL_JOB},
                   {"query", STATEMENT_KILL_QUERY},
                   {"live query", STATEMENT_KILL_LIVE_QUERY},
                   {"connection", STATEMENT_KILL_CONNECTION}};
    TokenReader *reader = &front->reader;
    for (size_t i = 0; i < sizeof victims / sizeof victims[0]; i++) {
        if (!reader_take(reader, victims[i].words))
            continue;
        OptionValue id = {.name = SLICE("id")};
        TRY(option_value(reader, &id, error));
        front->plan->as.kill_id = id.text;
        front_plan_is(front, victims[i].kind, ACTION_KILL_OWN);
        return OK;
    }
    return reader_fail(reader, "JOB, QUERY, LIVE QUERY or CONNECTION", error);
}

Status own_use(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundDrop *target = ARENA_NEW(&front->plan->arena, BoundDrop);
    if (target == NULL)
        return arena_error(&front->plan->arena, error);
    (void)reader_take(reader, "namespace");
    int32_t position = reader_position(reader);
    const CatalogNamespace *found;
    TRY(reader_name(reader, "a namespace's name", &target->namespace_name, error));
    TRY(front_allow(front, ACTION_SET, (GuardedObject){0}, error));
    if (!namespace_is_system(target->namespace_name))
        TRY(front_find_namespace(front, target->namespace_name, position, &found, error));
    front->plan->as.drop = target;
    front_plan_is(front, STATEMENT_USE, ACTION_SET);
    return OK;
}

/* ---- ALTER SYSTEM ---- */

/* section.key, folded. */
static Status read_setting_name(Front *front, Slice *out, Error *error)
{
    TokenReader *reader = &front->reader;
    Slice name;
    TRY(reader_name(reader, "a setting's name", &name, error));
    while (reader_take_punctuation(reader, '.')) {
        Slice part;
        TRY(reader_name(reader, "a setting's name", &part, error));
        char *joined = arena_format(&front->plan->arena, "%.*s.%.*s", SLICE_ARGUMENTS(name),
                                    SLICE_ARGUMENTS(part));
        if (joined == NULL)
            return arena_error(&front->plan->arena, error);
        name = slice_of_text(joined);
    }
    *out = name;
    return OK;
}

static Status read_setting_value(Front *front, BoundSetting *setting, Error *error)
{
    TokenReader *reader = &front->reader;
    if (!reader_take_punctuation(reader, '=') && !reader_take(reader, "to"))
        return reader_fail(reader, "\"=\" or TO", error);
    if (reader_take(reader, "default")) {
        setting->is_reset = true;
        return OK;
    }
    OptionValue value = {.name = setting->name};
    TRY(option_value(reader, &value, error));
    setting->value = value.text;
    return OK;
}

Status own_alter_system(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundSetting *setting = ARENA_NEW(&front->plan->arena, BoundSetting);
    if (setting == NULL)
        return arena_error(&front->plan->arena, error);
    setting->is_reset = reader_take(reader, "reset");
    if (!setting->is_reset && !reader_take(reader, "set"))
        return reader_fail(reader, "SET or RESET", error);
    TRY(front_allow(front, ACTION_ALTER_SYSTEM, (GuardedObject){0}, error));
    TRY(read_setting_name(front, &setting->name, error));
    if (!setting->is_reset)
        TRY(read_setting_value(front, setting, error));
    front->plan->as.setting = setting;
    front_plan_is(front, STATEMENT_ALTER_SYSTEM, ACTION_ALTER_SYSTEM);
    return OK;
}
