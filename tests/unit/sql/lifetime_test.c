/* A plan outlives what it was made from: request, text, tokens and tree. Under ASan every text in
 * it is read after they are gone. */
#include "base/hash.h"
#include "sql/bind.h"
#include "tests/unit/sql/cases.h"

static uint64_t sum; /* so that nothing that is read is optimised away */

static void touch(Slice s)
{
    sum += hash_64(s);
}

/* The binder limited the depth. */
static void touch_expression(const Expression *expression)
{
    if (expression == NULL)
        return;
    sum += expression->index;
    if (expression->name != NULL)
        touch(slice_of_text(expression->name));
    if (expression->kind == EXPRESSION_CONSTANT && !expression->constant.is_null &&
        type_is_text((Type){.kind = expression->constant.kind}))
        touch(expression->constant.as.bytes);
    for (uint32_t i = 0; i < expression->child_count; i++)
        touch_expression(expression->children[i]);
}

static void touch_columns(const ResultColumn *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        touch(columns[i].name);
}

static void touch_reference(const BoundReference *reference)
{
    touch(reference->as_user);
    for (uint32_t i = 0; i < reference->pruning_count; i++)
        touch_expression(reference->pruning[i].value);
    for (uint32_t i = 0; i < reference->schema->column_count; i++)
        sum += reference->columns != NULL && reference->columns[i];
}

static void touch_short_read(const ShortRead *read, uint32_t projections)
{
    if (read == NULL)
        return;
    for (uint32_t i = 0; i < read->key_value_count; i++)
        touch_expression(read->key_values[i]);
    for (uint32_t i = 0; i < projections; i++)
        touch_expression(read->projections[i]);
    touch_expression(read->lower);
    touch_expression(read->upper);
    touch_expression(read->filter);
    touch_expression(read->limit);
    touch_expression(read->offset);
}

static void touch_select(const BoundSelect *select)
{
    if (select == NULL)
        return;
    touch_columns(select->columns, select->column_count);
    for (uint32_t i = 0; i < select->reference_count; i++)
        touch_reference(&select->references[i]);
    for (size_t i = 0; i <= select->text.hole_count && select->text.pieces != NULL; i++)
        touch(select->text.pieces[i]);
    touch_short_read(select->short_read, select->column_count);
}

static void touch_returning(const Returning *returning)
{
    touch_columns(returning->columns, returning->column_count);
    for (uint32_t i = 0; i < returning->column_count; i++)
        touch_expression(returning->projections[i]);
}

static void touch_insert(const BoundInsert *insert)
{
    touch_reference(&insert->target);
    for (uint32_t i = 0; i < insert->row_count; i++) {
        for (uint32_t k = 0; k < insert->column_count; k++)
            touch_expression(insert->rows[i][k]);
    }
    touch_select(insert->query);
    for (uint32_t i = 0; i < insert->conflict_set_count; i++)
        touch_expression(insert->conflict_set[i].value);
    touch_expression(insert->conflict_where);
    touch_returning(&insert->returning);
}

static void touch_change(const BoundChange *change)
{
    touch_reference(&change->target);
    touch_select(change->find);
    touch_short_read(change->short_read, 0);
    touch_expression(change->where);
    for (uint32_t i = 0; i < change->set_count; i++)
        touch_expression(change->set[i].value);
    touch_returning(&change->returning);
}

static void touch_plan(const Plan *plan)
{
    touch(plan->sql);
    touch(plan->execute_as);
    for (uint32_t i = 0; i < plan->parameter_count; i++)
        sum += plan->parameter_types[i].kind;
    switch (plan->kind) {
    case STATEMENT_SELECT:
        touch_select(plan->as.select);
        break;
    case STATEMENT_INSERT:
        touch_insert(plan->as.insert);
        break;
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        touch_change(plan->as.change);
        break;
    case STATEMENT_SUBSCRIBE:
        touch_select(plan->as.subscribe->initial);
        touch_expression(plan->as.subscribe->filter);
        break;
    case STATEMENT_CREATE_TABLE:
        for (uint32_t i = 0; i < plan->as.create_table->column_count; i++) {
            touch(plan->as.create_table->columns[i].column.default_sql);
            touch_expression(plan->as.create_table->columns[i].default_value);
        }
        for (uint32_t i = 0; i < plan->as.create_table->check_count; i++)
            touch_expression(plan->as.create_table->checks[i].expression);
        break;
    default:
        break;
    }
}

static const char *const statements[] = {
    "SELECT id AS first, 'literal' AS second, lower(body) || 'x' FROM messages m "
    "WHERE author = 'somebody' AND n BETWEEN 3 AND 5 ORDER BY id LIMIT 10 OFFSET 2",
    "WITH w(a, b) AS (SELECT id, body FROM messages) SELECT w.a, count(*) AS how_many FROM w "
    "JOIN rooms r ON r.name = w.b GROUP BY w.a HAVING count(*) > 1",
    "SELECT body FROM messages WHERE id = $1",
    "SELECT body FROM messages WHERE id IN (1, 2, 3)",
    "SELECT x.column_name FROM system.columns AS x",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(number, letter)",
    "INSERT INTO messages (id, author, body) AS USER 'bob' VALUES (1, 'author', 'body text'), "
    "(2, lower('X'), $1) ON CONFLICT (id) DO UPDATE SET body = excluded.body || 'y' "
    "RETURNING id AS new_id, 'constant' AS c",
    "INSERT INTO messages (id, author) SELECT id + 1, 'copy of ' || author FROM messages",
    "UPDATE messages SET body = 'new body', n = n + 1 WHERE author = 'somebody' "
    "RETURNING body AS now_body",
    "DELETE FROM messages WHERE id = 5 AND author = 'somebody'",
    "SUBSCRIBE TO messages WHERE author = 'somebody' AND n > 5",
    "CREATE TABLE lasting (a TEXT DEFAULT 'some text', CHECK (a <> 'other text'))",
};

static void test_lifetime(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(statements); i++) {
        size_t size = strlen(statements[i]);
        char *sql = memory_clone(statements[i], size);
        char *name = memory_clone("chat", 4);
        BindRequest request = {
            .sql = slice_of(sql, size), .snapshot = catalog, .namespace_name = slice_of(name, 4)};
        Plan *plan;
        Error error;
        if (plan_bind(&request, &plan, &error) != OK)
            fail_msg("%s: %s", statements[i], error.message);
        memory_free(sql);
        memory_free(name);
        touch_plan(plan);
        plan_release(plan);
    }
    assert_int_not_equal(sum, 0);
}

/* A clone keeps the plan when the first owner lets go, and with it the snapshot. */
static void test_clone(void **state)
{
    (void)state;
    Plan *plan;
    Error error;
    assert_ok(bind("EXPLAIN SELECT * FROM system.tables", &plan, &error), &error);
    Plan *clone = plan_clone(plan);
    plan_release(plan);
    assert_int_equal(clone->kind, STATEMENT_EXPLAIN);
    touch_plan(clone->as.explained);
    plan_release(clone);
    plan_release(NULL);
}

/* Deep statements end in an error, on the stack that parsing is given. */
static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *repeated;
        uint32_t count;
    } cases[] = {
        {"SELECT 1", "+1", 20000},
        {"SELECT 1", " OR 1", 15000},
        {"SELECT 1", "::int", 15000},
        {"SELECT ", "-", 45000},
        {"SELECT 1", "||'x'", 15000},
        {"SELECT a", ".a", 20000},
        {"SELECT 1", " UNION SELECT 1", 10000},
        {"SELECT a", "[1]", 12000},
        {"SELECT * FROM messages", " JOIN messages ON true", 8000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Buffer sql;
        Plan *plan;
        Error error;
        buffer_open(&sql, 0);
        buffer_put_text(&sql, cases[i].before);
        for (uint32_t k = 0; k < cases[i].count; k++)
            buffer_put_text(&sql, cases[i].repeated);
        buffer_put_u8(&sql, '\0');
        error_clear(&error);
        Status status = bind((const char *)sql.data, &plan, &error);
        if (status == OK)
            plan_release(plan);
        assert_int_not_equal(status, STATUS_INTERNAL);
        buffer_close(&sql);
    }
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_clone),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, make_catalog, drop_catalog);
}

int main(void)
{
    return run_on_big_stack(run);
}
