#include "base/assert.h"
#include "base/memory.h"
#include "sql/bind.h"
#include "sql/front_int.h"

/* What a plan may take: bound trees are a few hundred bytes a token. */
#define PLAN_BYTES_MAX ((size_t)256 << 20)

Status plan_create(CatalogSnapshot *snapshot, Slice text, Plan **out, Error *error)
{
    Plan *plan = MEMORY_NEW(Plan);
    if (plan == NULL)
        return error_out_of_memory(error);
    arena_open(&plan->arena, PLAN_BYTES_MAX);
    atomic_init(&plan->references, 1);
    plan->snapshot = catalog_snapshot_clone(snapshot);
    plan->kind = STATEMENT_SELECT;
    plan->subscribe_options = (SubscribeOptions){.last_rows = -1,
                                                 .batch_size = -1,
                                                 .from_seq = -1,
                                                 .until_seq = -1,
                                                 .from_time_us = -1,
                                                 .until_time_us = -1};
    Status status = arena_clone(&plan->arena, text, &plan->sql, error);
    if (status != OK) {
        plan_release(plan);
        return status;
    }
    *out = plan;
    return OK;
}

Plan *plan_clone(Plan *plan)
{
    uint32_t before = atomic_fetch_add_explicit(&plan->references, 1, memory_order_relaxed);
    ASSERT(before > 0);
    return plan;
}

void plan_release(Plan *plan)
{
    if (plan == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&plan->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    for (HeldSchema *held = plan->held; held != NULL; held = held->next)
        schema_release(held->schema);
    if (plan->kind == STATEMENT_EXPLAIN)
        plan_release(plan->as.explained); /* one level: EXPLAIN EXPLAIN is refused */
    catalog_snapshot_release(plan->snapshot);
    arena_close(&plan->arena);
    memory_free(plan);
}

Status bind_hold_schema(BindContext *context, Schema *schema, Error *error)
{
    HeldSchema *held = ARENA_NEW(context->arena, HeldSchema);
    if (held == NULL) {
        schema_release(schema);
        return arena_error(context->arena, error);
    }
    *held = (HeldSchema){.next = context->held, .schema = schema};
    context->held = held;
    return OK;
}

bool plan_is_cacheable(const Plan *plan)
{
    switch (plan->kind) {
    case STATEMENT_SELECT:
    case STATEMENT_INSERT:
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        return true;
    default:
        return false;
    }
}

const char *statement_name(StatementKind kind)
{
    static const char *const names[] = {
        [STATEMENT_SELECT] = "SELECT",
        [STATEMENT_INSERT] = "INSERT",
        [STATEMENT_UPDATE] = "UPDATE",
        [STATEMENT_DELETE] = "DELETE",
        [STATEMENT_CREATE_NAMESPACE] = "CREATE SCHEMA",
        [STATEMENT_DROP_NAMESPACE] = "DROP SCHEMA",
        [STATEMENT_CREATE_TABLE] = "CREATE TABLE",
        [STATEMENT_ALTER_TABLE] = "ALTER TABLE",
        [STATEMENT_DROP_TABLE] = "DROP TABLE",
        [STATEMENT_TRUNCATE] = "TRUNCATE TABLE",
        [STATEMENT_COMMENT] = "COMMENT",
        [STATEMENT_CREATE_USER] = "CREATE ROLE",
        [STATEMENT_ALTER_USER] = "ALTER ROLE",
        [STATEMENT_DROP_USER] = "DROP ROLE",
        [STATEMENT_CREATE_STORAGE] = "CREATE STORAGE",
        [STATEMENT_ALTER_STORAGE] = "ALTER STORAGE",
        [STATEMENT_DROP_STORAGE] = "DROP STORAGE",
        [STATEMENT_CHECK_STORAGE] = "STORAGE CHECK",
        [STATEMENT_FLUSH_TABLE] = "STORAGE FLUSH",
        [STATEMENT_FLUSH_ALL] = "STORAGE FLUSH",
        [STATEMENT_COMPACT_TABLE] = "STORAGE COMPACT",
        [STATEMENT_COMPACT_ALL] = "STORAGE COMPACT",
        [STATEMENT_DESCRIBE] = "DESCRIBE",
        [STATEMENT_EXPLAIN] = "EXPLAIN",
        [STATEMENT_USE] = "SET",
        [STATEMENT_SET] = "SET",
        [STATEMENT_SHOW_SETTING] = "SHOW",
        [STATEMENT_ALTER_SYSTEM] = "ALTER SYSTEM",
        [STATEMENT_KILL_JOB] = "KILL JOB",
        [STATEMENT_KILL_QUERY] = "KILL QUERY",
        [STATEMENT_KILL_LIVE_QUERY] = "KILL LIVE QUERY",
        [STATEMENT_KILL_CONNECTION] = "KILL CONNECTION",
        [STATEMENT_SUBSCRIBE] = "SUBSCRIBE",
        [STATEMENT_BEGIN] = "BEGIN",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
    };
    ASSERT((size_t)kind < sizeof names / sizeof names[0] && names[kind] != NULL);
    return names[kind];
}
