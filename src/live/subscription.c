#include "live/live_int.h"
#include "live/predicate_int.h"

/* ---- names ---- */

const char *live_filter_kind_name(LiveFilterKind kind)
{
    static const char *const names[] = {"equal", "range", "prefix", "eval", "none"};
    ASSERT(kind <= LIVE_FILTER_NONE);
    return names[kind];
}

const char *live_state_name(LiveState state)
{
    static const char *const names[] = {"starting", "catching up", "live", "ended"};
    ASSERT(state <= LIVE_STATE_ENDED);
    return names[state];
}

/* Without l and o, which look like digits. */
static void make_id(Env *env, char out[LIVE_ID_BYTES])
{
    static const char letters[] = "0123456789abcdefghijkmnpqrstuvwxyz";
    memcpy(out, "LQ-", 3);
    for (size_t i = 3; i < LIVE_ID_BYTES - 1; i++)
        out[i] = letters[env_random_u64(env) % (sizeof letters - 1)];
    out[LIVE_ID_BYTES - 1] = '\0';
}

/* ---- copies of the request ---- */

static Status copy_text(LiveSubscription *subscription, Slice text, size_t size_max, Slice *out,
                        Error *error)
{
    size_t size = text.size;
    while (size > size_max || (size < text.size && size > 0 && (text.data[size] & 0xc0) == 0x80))
        size--; /* cut between characters */
    return arena_clone(&subscription->arena, slice_part(text, 0, size), out, error);
}

static Status copy_texts(LiveSubscription *subscription, const LiveRequest *request, Error *error)
{
    TRY(copy_text(subscription, request->sql, LIVE_SQL_BYTES_MAX, &subscription->sql, error));
    TRY(copy_text(subscription, request->user_name, LIVE_TEXT_BYTES_MAX, &subscription->user_name,
                  error));
    TRY(copy_text(subscription, request->connection_id, LIVE_TEXT_BYTES_MAX,
                  &subscription->connection_id, error));
    TRY(copy_text(subscription, request->client_address, LIVE_TEXT_BYTES_MAX,
                  &subscription->client_address, error));
    return arena_clone(&subscription->arena, request->current_user, &subscription->current_user,
                       error);
}

static Status use_column(LiveSubscription *subscription, uint32_t column, Error *error)
{
    const Schema *schema = subscription->schema;
    if (column == LIVE_COLUMN_USER)
        subscription->uses_owner_name = schema_has_owner(schema);
    if (column == LIVE_COLUMN_USER || column == LIVE_COLUMN_SEQ || column == LIVE_COLUMN_UPDATED)
        return OK;
    if (column >= schema->column_count)
        return error_set(error, STATUS_INTERNAL, "a subscription's column is not in its table");
    subscription->used_columns[column] = true;
    return OK;
}

static Status copy_projection(LiveSubscription *subscription, const LiveRequest *request,
                              Error *error)
{
    LiveProjection *projection = &subscription->projection;
    const Schema *schema = subscription->schema;
    Slice columns = slice_of(request->columns, request->column_count * sizeof(uint32_t));
    Slice copied;
    TRY(arena_clone(&subscription->arena, columns, &copied, error));
    projection->columns = (const uint32_t *)(const void *)copied.data;
    projection->count = request->column_count;
    projection->json_flags = request->json_flags;
    for (uint32_t i = 0; i < projection->count; i++)
        TRY(use_column(subscription, projection->columns[i], error));
    for (uint32_t i = 0; i < schema->key_count; i++)
        TRY(use_column(subscription, schema->key_columns[i], error));
    return OK;
}

/* ---- the filter ---- */

static Status refuse(Error *error, const char *what)
{
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "the filter of a subscription cannot use %s", what);
}

/* What was there before a change is evaluated too, and has neither sequence nor time any more; and
 * one row must always be evaluated alike, or what a client holds is not what a SELECT says. */
static Status check_reads(const ExpressionReads *reads, Error *error)
{
    if (reads->moment)
        return refuse(error, "_seq or _updated");
    if (reads->is_volatile)
        return refuse(error, "a function whose result changes");
    return reads->excluded ? refuse(error, "EXCLUDED") : OK;
}

static Status copy_filter(LiveSubscription *subscription, const LiveRequest *request, Error *error)
{
    ExpressionReads reads = {.columns = subscription->used_columns,
                             .column_count = subscription->schema->column_count};
    if (request->filter == NULL)
        return OK;
    TRY(expression_clone(&subscription->arena, request->filter, request->parameters,
                         request->parameter_count, &subscription->filter, error));
    TRY(expression_reads(subscription->filter, &reads, error));
    if (reads.owner_name && schema_has_owner(subscription->schema))
        subscription->uses_owner_name = true;
    return check_reads(&reads, error);
}

static Status find_keys(LiveSubscription *subscription, Error *error)
{
    LivePredicate predicate;
    Arena scratch;
    arena_open(&scratch, 0);
    EvaluationContext context = {.env = subscription->live->env,
                                 .arena = &scratch,
                                 .now_us = subscription->now_us,
                                 .current_user = subscription->current_user};
    Status status = predicate_of(subscription->filter, subscription->schema, &subscription->arena,
                                 &context, &predicate, error);
    arena_close(&scratch);
    TRY(status);
    subscription->filter_kind = predicate.kind;
    subscription->keys = predicate.keys;
    subscription->key_count = predicate.key_count;
    subscription->nodes = memory_allocate_zeroed(predicate.key_count, sizeof(LiveNode));
    return subscription->nodes == NULL ? error_out_of_memory(error) : OK;
}

/* ---- life ---- */

static Status fill(LiveSubscription *subscription, const LiveRequest *request, Error *error)
{
    Schema *schema = request->schema;
    subscription->schema = schema_clone(schema);
    subscription->scope = LIVE_SCOPE_ALL;
    if (schema_has_owner(schema) && !request->all_users)
        subscription->scope = request->owner;
    subscription->used_columns = ARENA_ARRAY(&subscription->arena, bool, schema->column_count);
    if (subscription->used_columns == NULL)
        return arena_error(&subscription->arena, error);
    subscription->now_us = request->now_us;
    subscription->user_id = request->user_id;
    subscription->owner = request->owner;
    subscription->created_us = env_wall_us(subscription->live->env);
    subscription->sink = request->sink;
    TRY(copy_texts(subscription, request, error));
    TRY(copy_projection(subscription, request, error));
    TRY(copy_filter(subscription, request, error));
    return find_keys(subscription, error);
}

Status subscription_create(Live *live, const LiveRequest *request, LiveSubscription **out,
                           Error *error)
{
    LiveSubscription *subscription = MEMORY_NEW(LiveSubscription);
    if (subscription == NULL)
        return error_out_of_memory(error);
    subscription->references = 1;
    subscription->live = live;
    arena_open(&subscription->arena, 0);
    mutex_open(&subscription->mutex, live->env, "subscription");
    make_id(live->env, subscription->id);
    Status status = fill(subscription, request, error);
    if (status != OK) {
        live_subscription_release(subscription);
        return status;
    }
    *out = subscription;
    return OK;
}

LiveSubscription *live_subscription_clone(LiveSubscription *subscription)
{
    atomic_fetch_add(&subscription->references, 1);
    return subscription;
}

void live_subscription_release(LiveSubscription *subscription)
{
    if (subscription == NULL || atomic_fetch_sub(&subscription->references, 1) != 1)
        return;
    ASSERT(!subscription->registered);
    if (subscription->sought)
        source_close(&subscription->source);
    if (subscription->schema != NULL)
        schema_release(subscription->schema);
    mutex_close(&subscription->mutex);
    memory_free(subscription->nodes);
    arena_close(&subscription->arena);
    memory_free(subscription);
}

uint64_t live_subscription_table(const LiveSubscription *subscription)
{
    return subscription->schema->table_id;
}

const char *live_subscription_id(const LiveSubscription *subscription)
{
    return subscription->id;
}

bool live_subscription_is_ended(const LiveSubscription *subscription)
{
    return atomic_load(&subscription->state) == LIVE_STATE_ENDED;
}

uint64_t subscription_queued(LiveSubscription *subscription)
{
    uint64_t bytes = 0;
    mutex_lock(&subscription->mutex);
    bool asks = !live_subscription_is_ended(subscription) && subscription->sink.queued != NULL;
    if (asks)
        bytes = subscription->sink.queued(subscription->sink.context);
    mutex_unlock(&subscription->mutex);
    return bytes;
}

/* Renamed is as good as before: it goes by what the column is. */
bool subscription_survives(const LiveSubscription *subscription, const Schema *newest)
{
    const Schema *schema = subscription->schema;
    if (schema == newest)
        return true;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (!subscription->used_columns[c])
            continue;
        int32_t now = schema_find_field(newest, schema->columns[c].field_id);
        if (now < 0 || !type_equal(newest->columns[now].type, schema->columns[c].type))
            return false;
    }
    return true;
}

/* ---- subscribing ---- */

/* The caller's pin comes later, so that it sees whatever the hook did not queue for it. */
static Status register_subscription(LiveSubscription *subscription, Error *error)
{
    Live *live = subscription->live;
    mutex_lock(&live->mutex);
    Status status = registry_add(live, subscription, error);
    mutex_unlock(&live->mutex);
    return status;
}

static bool is_allowed(LiveSubscription *subscription)
{
    mutex_lock(&subscription->mutex);
    bool allowed = subscription->sink.allowed(subscription->sink.context);
    mutex_unlock(&subscription->mutex);
    return allowed;
}

/* After it is registered: what changes from here on ends it by subscription_check. */
static Status check_table(LiveSubscription *subscription, Error *error)
{
    Live *live = subscription->live;
    CatalogSnapshot *snapshot = catalog_snapshot(live->catalog);
    const CatalogTable *table = catalog_table_by_id(snapshot, subscription->schema->table_id);
    Status status = OK;
    if (table == NULL)
        status = error_of(error, STATUS_UNDEFINED_TABLE);
    else if (table->schema->version != subscription->schema->version)
        status = error_of(error, STATUS_SCHEMA_CHANGED);
    else if (!is_allowed(subscription))
        status = error_of(error, STATUS_INSUFFICIENT_PRIVILEGE);
    catalog_snapshot_release(snapshot);
    return status;
}

Status live_subscribe(Live *live, const LiveRequest *request, LiveSubscription **out, Error *error)
{
    LiveSubscription *subscription;
    TRY(subscription_create(live, request, &subscription, error));
    Status status = OK;
    if (!BROKEN(handover))
        GO(register_subscription(subscription, error));
    GO(check_table(subscription, error));
    *out = subscription;
    return OK;
done:
    live_unsubscribe(subscription);
    live_subscription_release(subscription);
    return status;
}

void live_unsubscribe(LiveSubscription *subscription)
{
    Live *live = subscription->live;
    mutex_lock(&live->mutex);
    mutex_lock(&subscription->mutex);
    atomic_store(&subscription->state, LIVE_STATE_ENDED);
    mutex_unlock(&subscription->mutex);
    registry_remove(live, subscription);
    mutex_unlock(&live->mutex);
}
