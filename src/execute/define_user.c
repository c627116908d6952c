/* CREATE, ALTER and DROP USER. */
#include <stdio.h>

#include "execute/execute_int.h"
#include "sql/parse.h"

static Status hash_password(Run *run, Slice password, Slice *out, Error *error)
{
    char verifier[PASSWORD_VERIFIER_BYTES_MAX];
    TRY(password_hash(run->executor->env, password, verifier, error));
    return arena_clone(&run->arena, slice_of_text(verifier), out, error);
}

static Status create_user(Run *run, Error *error)
{
    const BoundUser *bound = run->plan->as.user;
    CatalogUser user = {.name = bound->name,
                        .role = bound->has_role ? bound->role : ROLE_USER,
                        .email = bound->email,
                        .storage = bound->storage,
                        .version = 1};
    OwnerId id;
    if (bound->if_not_exists && catalog_find_user(run->plan->snapshot, bound->name) != NULL) {
        add_notice(run, "user \"%.*s\" already exists, skipping", SLICE_ARGUMENTS(bound->name));
        return OK;
    }
    if (bound->password.size > 0)
        TRY(hash_password(run, bound->password, &user.verifier, error));
    return catalog_put_user(run->executor->catalog, &user, &id, error);
}

static Status find_user(const Run *run, Slice name, const CatalogUser **out, Error *error)
{
    *out = catalog_find_user(run->plan->snapshot, name);
    if (*out != NULL)
        return OK;
    return error_set(error, STATUS_UNDEFINED_OBJECT, "user \"%.*s\" does not exist",
                     SLICE_ARGUMENTS(name));
}

static Status alter_user(Run *run, Error *error)
{
    const BoundUser *bound = run->plan->as.user;
    const CatalogUser *old;
    const ExecutorHooks *hooks = &run->executor->hooks;
    OwnerId id;
    TRY(find_user(run, bound->name, &old, error));
    CatalogUser user = *old;
    if (bound->has_role)
        user.role = bound->role;
    if (bound->password.size > 0)
        TRY(hash_password(run, bound->password, &user.verifier, error));
    user.version++; /* tokens given out before end here */
    TRY(catalog_put_user(run->executor->catalog, &user, &id, error));
    hooks->rights_changed(hooks->context, id);
    return OK;
}

/* The rows go by the same statement, table by table, as changes that subscribers see. */
static Status delete_rows(Run *run, OwnerId owner, uint64_t *count, Error *error)
{
    const CatalogTable *const *tables;
    size_t all = catalog_tables(run->plan->snapshot, &tables);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        uint64_t deleted = 0;
        if (tables[i]->kind == TABLE_SHARED)
            continue;
        TRY(delete_owner_rows(run, tables[i], owner, &deleted, error));
        *count += deleted;
    }
    return OK;
}

/* The user is gone when this begins, whatever becomes of his rows: what cannot be deleted now is
 * left to a job, and the statement has done what it says. Only of a log that refuses writes nobody
 * knows what it kept. */
static Status delete_data(Run *run, OwnerId owner, uint64_t *rows, Error *error)
{
    Error failure;
    Status status = delete_rows(run, owner, rows, &failure);
    if (status == OK)
        status = clean_up_owner(run, owner, &failure);
    else if (status != STATUS_LOG_POISONED)
        submit_user_cleanup(run, owner);
    if (status == STATUS_LOG_POISONED) {
        *error = failure;
        return status;
    }
    if (status != OK)
        add_notice(run, "not all of the rows could be deleted yet, a job does that: %s",
                   failure.message);
    return OK;
}

/* First the user, so that nobody writes as him any more; then his rows. */
static Status drop_user(Run *run, Error *error)
{
    const BoundUser *bound = run->plan->as.user;
    const CatalogUser *user = catalog_find_user(run->plan->snapshot, bound->name);
    const ExecutorHooks *hooks = &run->executor->hooks;
    uint64_t rows = 0;
    if (user == NULL && bound->if_exists) {
        add_notice(run, "user \"%.*s\" does not exist, skipping", SLICE_ARGUMENTS(bound->name));
        return OK;
    }
    TRY(find_user(run, bound->name, &user, error));
    if (user->id == run->who.user_id)
        return error_set(error, STATUS_OBJECT_IN_USE, "you cannot drop yourself");
    TRY(catalog_drop_user(run->executor->catalog, user->id, bound->keep_data, error));
    hooks->rights_changed(hooks->context, user->id);
    if (!bound->keep_data)
        TRY(delete_data(run, user->id, &rows, error));
    run->summary->row_count = rows;
    if (rows > 0)
        (void)snprintf(run->summary->message, sizeof run->summary->message, "%llu rows deleted",
                       (unsigned long long)rows);
    return OK;
}

Status run_user(Run *run, Error *error)
{
    switch (run->plan->kind) {
    case STATEMENT_CREATE_USER:
        TRY(create_user(run, error));
        break;
    case STATEMENT_ALTER_USER:
        TRY(alter_user(run, error));
        break;
    default:
        TRY(drop_user(run, error));
        break;
    }
    set_tag(run, "%s", statement_name(run->plan->kind));
    return OK;
}
