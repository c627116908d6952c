/* Who is connected: system.connections, KILL CONNECTION, and whom a change of rights concerns. */
#include "api/api_int.h"

void clients_add(Api *api, ApiClient *client)
{
    Registry *registry = &api->registry;
    mutex_lock(&registry->mutex);
    client->before = NULL;
    client->after = registry->first;
    if (registry->first != NULL)
        registry->first->before = client;
    registry->first = client;
    registry->count++;
    mutex_unlock(&registry->mutex);
}

void clients_remove(Api *api, ApiClient *client)
{
    Registry *registry = &api->registry;
    mutex_lock(&registry->mutex);
    bool is_listed = client->before != NULL || registry->first == client;
    if (is_listed) {
        if (client->before != NULL)
            client->before->after = client->after;
        else
            registry->first = client->after;
        if (client->after != NULL)
            client->after->before = client->before;
        client->before = NULL;
        client->after = NULL;
        registry->count--;
    }
    mutex_unlock(&registry->mutex);
}

/* ---- system.connections ---- */

typedef struct SeenClient {
    DatabaseSession session;
    char address[CONNECTION_ADDRESS_BYTES];
    ConnectionInformation shown;
} SeenClient;

static void look_at(ApiClient *client, SeenClient *out)
{
    client->who(client, &out->session);
    memcpy(out->address, client->address, sizeof out->address);
    memcpy(out->shown.connection_id, client->id, sizeof out->shown.connection_id);
    out->shown.protocol = client->protocol;
    out->shown.user_id = out->session.session.principal.user_id;
    out->shown.user_name = slice_of_text(out->session.session.user_name);
    out->shown.role = role_name(out->session.session.principal.role);
    out->shown.client_address = slice_of_text(out->address);
    out->shown.connected_us = client->connected_us;
    out->shown.last_active_us = atomic_load(&client->active_us);
    out->shown.requests = atomic_load(&client->requests);
    out->shown.subscriptions = atomic_load(&client->subscriptions);
    out->shown.queued_bytes = client->queued == NULL ? 0 : client->queued(client);
}

/* Those there are now; *out is freed by the caller. */
static Status look_at_all(Registry *registry, SeenClient **out, size_t *count, Error *error)
{
    mutex_lock(&registry->mutex);
    SeenClient *seen =
        memory_allocate_zeroed(registry->count == 0 ? 1 : registry->count, sizeof *seen);
    size_t done = 0;
    for (ApiClient *at = registry->first; seen != NULL && at != NULL; at = at->after)
        look_at(at, &seen[done++]);
    mutex_unlock(&registry->mutex);
    if (seen == NULL)
        return error_out_of_memory(error);
    *out = seen;
    *count = done;
    return OK;
}

/* Visitors take locks of the database, under some of which rights_changed is called: they run
 * without ours. */
Status clients_visit(void *context, ConnectionVisitor visit, void *visit_context, Error *error)
{
    Api *api = context;
    SeenClient *seen = NULL;
    size_t count = 0;
    Status status = OK;
    TRY(look_at_all(&api->registry, &seen, &count, error));
    for (size_t i = 0; i < count && status == OK; i++)
        status = visit(visit_context, &seen[i].shown, error);
    memory_free(seen);
    return status;
}

/* ---- KILL CONNECTION ---- */

static bool is_users(ApiClient *client, OwnerId user_id)
{
    DatabaseSession session;
    client->who(client, &session);
    return session.session.principal.user_id == user_id;
}

Status clients_kill(void *context, Slice id, bool only_of_user, OwnerId user_id, Error *error)
{
    Api *api = context;
    Registry *registry = &api->registry;
    bool found = false;
    mutex_lock(&registry->mutex);
    for (ApiClient *at = registry->first; at != NULL; at = at->after) {
        if (!slice_equal_text(id, at->id) || (only_of_user && !is_users(at, user_id)))
            continue;
        at->kill(at, "killed");
        found = true;
    }
    mutex_unlock(&registry->mutex);
    if (found)
        return OK;
    return error_set(error, STATUS_UNDEFINED_OBJECT, "connection \"%.*s\" does not exist",
                     SLICE_ARGUMENTS(id));
}

void api_cancel_all(Api *api)
{
    Registry *registry = &api->registry;
    mutex_lock(&registry->mutex);
    for (ApiClient *at = registry->first; at != NULL; at = at->after)
        at->kill(at, "shutdown");
    mutex_unlock(&registry->mutex);
}

/* ---- rights ---- */

void clients_rights_changed(void *context, OwnerId user_id)
{
    Api *api = context;
    Registry *registry = &api->registry;
    mutex_lock(&registry->mutex);
    for (ApiClient *at = registry->first; at != NULL; at = at->after) {
        if (at->look_again != NULL && (user_id == 0 || is_users(at, user_id)))
            at->look_again(at);
    }
    mutex_unlock(&registry->mutex);
}
