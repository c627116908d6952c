/* A catalog to bind against, made of statements: what CREATE binds is what later statements see. */
#ifndef FIRN_TESTS_UNIT_SQL_CATALOG_FIXTURE_H
#define FIRN_TESTS_UNIT_SQL_CATALOG_FIXTURE_H

#include "sql/parse.h"
#include "sql/tree.h"
#include "tests/unit/sql/test.h"

enum { FIXTURE_COLUMNS_MAX = 64 };

static inline void fixture_apply(CatalogSnapshot **snapshot, const CatalogChange *change)
{
    CatalogSnapshot *next;
    Error error;
    assert_ok(catalog_snapshot_apply(*snapshot, change, 1, &next, &error), &error);
    catalog_snapshot_release(*snapshot);
    *snapshot = next;
}

static inline uint64_t fixture_next_id(CatalogSnapshot *snapshot)
{
    return catalog_snapshot_version(snapshot) + 100;
}

/* As the executor makes a table of its definition: field ids, and `_row` where there is no key. */
static inline void fixture_add_table(CatalogSnapshot **snapshot, const BoundCreateTable *made)
{
    Column columns[FIXTURE_COLUMNS_MAX];
    const Expression *defaults[FIXTURE_COLUMNS_MAX] = {NULL};
    uint32_t count = made->column_count;
    Error error;
    assert_true(count < FIXTURE_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = made->columns[i].column;
        columns[i].field_id = i + 1;
        defaults[i] = made->columns[i].default_value;
    }
    if (made->key_count == 0) {
        columns[count++] = (Column){.name = SLICE("_row"),
                                    .type = TYPE(BIGINT),
                                    .field_id = count,
                                    .not_null = true,
                                    .hidden = true,
                                    .key_position = 0,
                                    .initial_default = value_null(TYPE_BIGINT)};
    }
    CatalogTable table = {.id = fixture_next_id(*snapshot),
                          .namespace_name = made->namespace_name,
                          .name = made->name,
                          .kind = made->kind,
                          .access = made->access,
                          .storage = made->storage.size > 0 ? made->storage : SLICE("local"),
                          .folder = made->name,
                          .defaults = defaults,
                          .checks = made->checks,
                          .check_count = made->check_count,
                          .options = made->options};
    table.namespace_id = catalog_find_namespace(*snapshot, made->namespace_name)->id;
    assert_ok(
        schema_create(table.id, 1, made->kind, columns, count, count + 1, &table.schema, &error),
        &error);
    CatalogChange change = {.kind = CATALOG_TABLE, .as.table = table};
    fixture_apply(snapshot, &change);
    schema_release(table.schema);
}

static inline void fixture_add(CatalogSnapshot **snapshot, const Plan *plan)
{
    CatalogChange change;
    switch (plan->kind) {
    case STATEMENT_CREATE_NAMESPACE:
        change = (CatalogChange){.kind = CATALOG_NAMESPACE};
        change.as.name_space = (CatalogNamespace){.id = fixture_next_id(*snapshot),
                                                  .name = plan->as.drop->namespace_name};
        fixture_apply(snapshot, &change);
        return;
    case STATEMENT_CREATE_STORAGE:
        change = (CatalogChange){.kind = CATALOG_STORAGE};
        change.as.storage = (CatalogStorage){.id = plan->as.storage->id,
                                             .type = plan->as.storage->type,
                                             .path = plan->as.storage->path,
                                             .options_json = plan->as.storage->options_json};
        fixture_apply(snapshot, &change);
        return;
    case STATEMENT_CREATE_TABLE:
        fixture_add_table(snapshot, plan->as.create_table);
        return;
    default:
        fail_msg("the fixture cannot make this: %.*s", SLICE_ARGUMENTS(plan->sql));
    }
}

static inline CatalogSnapshot *fixture_create(const char *const *statements, size_t count)
{
    CatalogSnapshot *snapshot;
    Error error;
    assert_ok(catalog_snapshot_empty(&snapshot, &error), &error);
    for (size_t i = 0; i < count; i++) {
        BindRequest request = {.sql = slice_of_text(statements[i]), .snapshot = snapshot};
        Plan *plan;
        if (plan_bind(&request, &plan, &error) != OK)
            fail_msg("%s: %s", statements[i], error.message);
        fixture_add(&snapshot, plan);
        plan_release(plan);
    }
    return snapshot;
}

/* Parsing recurses: everything that binds runs on a thread with a stack for it. */
typedef struct BigStack {
    int (*run)(void);
    int result;
} BigStack;

static inline void big_stack_run(void *argument)
{
    BigStack *stack = argument;
    stack->result = stack->run();
}

static inline int run_on_big_stack(int (*run)(void))
{
    BigStack stack = {.run = run, .result = 1};
    Thread *thread;
    Error error;
    if (thread_start(env_real(), "tests", SQL_STACK_BYTES, big_stack_run, &stack, &thread,
                     &error) != OK)
        return 1;
    thread_join(thread);
    return stack.result;
}

#endif
