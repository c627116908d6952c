/* Who may run what: the guard is asked for every object of a plan at every run. */
#include "execute/execute_int.h"

GuardedObject object_of_table(const CatalogTable *table)
{
    static const ObjectKind kinds[] = {[TABLE_SHARED] = OBJECT_SHARED_TABLE,
                                       [TABLE_USER] = OBJECT_USER_TABLE,
                                       [TABLE_STREAM] = OBJECT_STREAM_TABLE};
    return (GuardedObject){.kind = kinds[table->kind], .access = table->access};
}

OwnerId owner_for(const Run *run, const CatalogTable *table)
{
    return table->kind == TABLE_SHARED ? 0 : run->who.acting_as;
}

Status check_reference(const Run *run, const BoundReference *reference, Action action, Error *error)
{
    GuardedObject object;
    bool is_show = run->plan->action == ACTION_SHOW_OWN && run->plan->kind == STATEMENT_SELECT;
    if (reference->system != NULL) {
        /* SHOW leaves out what the caller may not see (the filler does) instead of refusing. */
        object = (GuardedObject){.kind = is_show ? OBJECT_SYSTEM_TABLE_OPEN
                                                 : reference->system->guarded_as};
        return guard_check(&run->who, ACTION_SELECT, &object, error);
    }
    object = object_of_table(reference->table);
    TRY(guard_check(&run->who, action, &object, error));
    if (reference->all_users)
        return guard_check(&run->who, ACTION_SELECT_ALL_USERS, &object, error);
    return OK;
}

static Status check_select(const Run *run, const BoundSelect *select, Error *error)
{
    for (uint32_t i = 0; i < select->reference_count; i++)
        TRY(check_reference(run, &select->references[i], ACTION_SELECT, error));
    return OK;
}

Status act_as(Run *run, Slice name, Error *error)
{
    if (name.size == 0)
        return OK;
    const CatalogUser *user = catalog_find_user(run->plan->snapshot, name);
    /* Who may not impersonate at all does not learn who exists. */
    GuardedObject object = {.kind = OBJECT_NONE,
                            .other_role = user == NULL ? ROLE_USER : user->role};
    TRY(guard_check(&run->who, ACTION_ACT_AS, &object, error));
    if (user == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "user \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(name));
    run->who.acting_as = user->id;
    run->who.acting_name = user->name;
    return OK;
}

/* Everything but the impersonator's own name is the other's: also what the statement may do. */
static Status execute_as(Run *run, Slice name, Error *error)
{
    if (name.size == 0)
        return OK;
    TRY(act_as(run, name, error));
    const CatalogUser *user = catalog_find_user(run->plan->snapshot, name);
    run->who = (Principal){.user_id = user->id,
                           .name = user->name,
                           .role = user->role,
                           .acting_as = user->id,
                           .acting_name = user->name};
    return OK;
}

static Status check_insert(Run *run, const BoundInsert *insert, Error *error)
{
    TRY(act_as(run, insert->target.as_user, error));
    TRY(check_reference(run, &insert->target, ACTION_INSERT, error));
    if (insert->conflict == CONFLICT_UPDATE)
        TRY(check_reference(run, &insert->target, ACTION_UPDATE, error));
    return insert->query == NULL ? OK : check_select(run, insert->query, error);
}

static Status check_change(Run *run, const BoundChange *change, Error *error)
{
    Action action = run->plan->kind == STATEMENT_UPDATE ? ACTION_UPDATE : ACTION_DELETE;
    TRY(act_as(run, change->target.as_user, error));
    TRY(check_reference(run, &change->target, action, error));
    for (uint32_t i = 0; i < change->find->reference_count; i++)
        TRY(check_reference(run, &change->find->references[i], ACTION_SELECT, error));
    return OK;
}

static Status check_subscribe(Run *run, const BoundSubscribe *subscribe, Error *error)
{
    TRY(check_reference(run, subscribe->reference, ACTION_SELECT, error));
    return check_reference(run, subscribe->reference, ACTION_SUBSCRIBE, error);
}

static Role role_of_user(const Run *run, Slice name)
{
    const CatalogUser *user = catalog_find_user(run->plan->snapshot, name);
    return user == NULL ? ROLE_USER : user->role;
}

/* A plan that sets a password asks for the least right that takes; whose password it is decides
 * here, by who logged in: acting for somebody is no right to his password. */
static Action action_on_user(const Run *run)
{
    Slice name = run->plan->as.user->name;
    if (run->plan->action == ACTION_ALTER_OWN_PASSWORD &&
        !slice_equal(name, run->session->principal.name))
        return ACTION_ALTER_USER;
    return run->plan->action;
}

static Status check_user_statement(const Run *run, Error *error)
{
    const BoundUser *user = run->plan->as.user;
    Action action = action_on_user(run);
    GuardedObject object = {.kind = OBJECT_NONE, .other_role = role_of_user(run, user->name)};
    if (run->plan->kind == STATEMENT_CREATE_USER)
        object.other_role = user->role;
    TRY(guard_check(&run->who, action, &object, error));
    if (run->plan->kind == STATEMENT_ALTER_USER && user->has_role) {
        object.other_role = user->role;
        return guard_check(&run->who, action, &object, error);
    }
    return OK;
}

static const CatalogTable *table_of_plan(const Plan *plan)
{
    switch (plan->kind) {
    case STATEMENT_ALTER_TABLE:
        return plan->as.alter_table->table;
    case STATEMENT_DROP_TABLE:
    case STATEMENT_TRUNCATE:
        return plan->as.drop->table;
    case STATEMENT_COMMENT:
        return plan->as.comment.table;
    case STATEMENT_FLUSH_TABLE:
    case STATEMENT_COMPACT_TABLE:
    case STATEMENT_DESCRIBE:
        return plan->as.maintenance->table;
    default:
        return NULL;
    }
}

static Status check_other(const Run *run, Error *error)
{
    const CatalogTable *table = table_of_plan(run->plan);
    GuardedObject object = {.kind = OBJECT_NONE};
    if (table != NULL)
        object = object_of_table(table);
    return guard_check(&run->who, run->plan->action, &object, error);
}

static Status check_kind(Run *run, Error *error)
{
    const Plan *plan = run->plan;
    switch (plan->kind) {
    case STATEMENT_SELECT:
        return check_select(run, plan->as.select, error);
    case STATEMENT_INSERT:
        return check_insert(run, plan->as.insert, error);
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        return check_change(run, plan->as.change, error);
    case STATEMENT_SUBSCRIBE:
        return check_subscribe(run, plan->as.subscribe, error);
    case STATEMENT_CREATE_USER:
    case STATEMENT_ALTER_USER:
    case STATEMENT_DROP_USER:
        return check_user_statement(run, error);
    default:
        return check_other(run, error);
    }
}

Status check_plan(Run *run, Error *error)
{
    TRY(execute_as(run, run->plan->execute_as, error));
    return check_kind(run, error);
}

Status execute_guard(Executor *executor, const Session *session, const Plan *plan, Error *error)
{
    Run run = {.executor = executor,
               .session = (Session *)(uintptr_t)session,
               .plan = (Plan *)(uintptr_t)plan,
               .who = session->principal};
    return check_plan(&run, error);
}
