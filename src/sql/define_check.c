/* CHECK constraints: bound over the columns of the table that is being made, named as PostgreSQL
 * names them, and bound once more when ALTER TABLE changes what they read. */
#include <stdio.h>

#include "sql/define_int.h"

/* ---- what an expression reads; its depth was limited when it was bound ---- */

bool expression_reads_column(const Expression *expression, uint32_t column)
{
    if (expression->kind == EXPRESSION_COLUMN && expression->index == column)
        return true;
    for (uint32_t i = 0; i < expression->child_count; i++) {
        if (expression_reads_column(expression->children[i], column))
            return true;
    }
    return false;
}

bool expression_is_volatile(const Expression *expression)
{
    if (expression->is_volatile)
        return true;
    for (uint32_t i = 0; i < expression->child_count; i++) {
        if (expression_is_volatile(expression->children[i]))
            return true;
    }
    return false;
}

/* ---- names ---- */

static bool is_taken(const CatalogCheck *checks, uint32_t count, Slice name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slice_equal(checks[i].name, name))
            return true;
    }
    return false;
}

/* "table_column_check" in at most NAME_BYTES_MAX bytes: the longer part is cut. */
static void put_name(char *out, size_t capacity, Slice table, Slice column, uint32_t number)
{
    char suffix[24];
    if (number == 0)
        (void)snprintf(suffix, sizeof suffix, "_check");
    else
        (void)snprintf(suffix, sizeof suffix, "_check%u", number);
    size_t room = NAME_BYTES_MAX - strlen(suffix) - (column.size > 0 ? 1 : 0);
    while (table.size + column.size > room) {
        if (table.size > column.size)
            table.size--;
        else
            column.size--;
    }
    (void)snprintf(out, capacity, "%.*s%s%.*s%s", SLICE_ARGUMENTS(table),
                   column.size > 0 ? "_" : "", SLICE_ARGUMENTS(column), suffix);
}

/* PostgreSQL puts the column's name in where exactly one is read. */
static Slice only_column(const Expression *expression, const Column *columns, uint32_t count)
{
    Slice found = SLICE_EMPTY;
    for (uint32_t i = 0; i < count; i++) {
        if (!expression_reads_column(expression, i))
            continue;
        if (found.size > 0)
            return SLICE_EMPTY;
        found = columns[i].name;
    }
    return found;
}

static Status choose_name(Front *front, Slice table, Slice column, const CatalogCheck *checks,
                          uint32_t count, Slice *out, Error *error)
{
    char name[NAME_BYTES_MAX + 8];
    for (uint32_t number = 0; number <= count; number++) {
        put_name(name, sizeof name, table, column, number);
        if (!is_taken(checks, count, slice_of_text(name)))
            return arena_clone(&front->plan->arena, slice_of_text(name), out, error);
    }
    UNREACHABLE();
}

static Status take_name(Front *front, const Node *constraint, const CatalogCheck *checks,
                        uint32_t count, Slice *out, Error *error)
{
    Slice name = node_text(constraint, "conname");
    Status status = object_name_check(name, "constraint", error);
    if (status == OK && is_taken(checks, count, name))
        status = error_set(error, STATUS_DUPLICATE_OBJECT,
                           "check constraint \"%.*s\" already exists", SLICE_ARGUMENTS(name));
    if (status != OK) {
        error->position_byte = node_location(constraint);
        return status;
    }
    return arena_clone(&front->plan->arena, name, out, error);
}

/* ---- text ---- */

/* Between the parentheses behind CHECK. */
static Slice check_text(Front *front, const Node *constraint)
{
    TokenReader reader = front->reader;
    reader.at = front_token_at(front, node_location(constraint));
    if (reader_take(&reader, "constraint"))
        reader_skip(&reader);
    (void)reader_take(&reader, "check");
    uint32_t open = reader.at;
    reader_skip_parentheses(&reader);
    if (reader.at < open + 2)
        return SLICE_EMPTY;
    return front_source(front, reader.tokens[open].begin + 1, reader.tokens[reader.at - 1].begin);
}

/* ---- binding ---- */

Status check_define(Front *front, Slice table_name, const Column *columns, uint32_t column_count,
                    const Node *constraint, CatalogCheck *checks, uint32_t *check_count,
                    Error *error)
{
    CatalogCheck check = {.sql = check_text(front, constraint)};
    BindContext context = front_context(front);
    TRY(bind_expression_in_table(&context, table_name, columns, column_count,
                                 node_field(constraint, "raw_expr"), EXPRESSION_OF_CHECK,
                                 TYPE(BOOLEAN), &check.expression, error));
    if (node_text(constraint, "conname").size > 0) {
        TRY(take_name(front, constraint, checks, *check_count, &check.name, error));
    } else {
        Slice read = only_column(check.expression, columns, column_count);
        TRY(choose_name(front, table_name, read, checks, *check_count, &check.name, error));
    }
    checks[(*check_count)++] = check;
    return OK;
}

Status check_rebind(Front *front, Slice table_name, const Column *columns, uint32_t column_count,
                    const CatalogCheck *check, CatalogCheck *out, Error *error)
{
    CatalogCheck bound = *check;
    BindContext context = front_context(front);
    const Node *expression;
    TRY(front_parse_expression(front, check->sql, &context.sql, &expression, error));
    Status status =
        bind_expression_in_table(&context, table_name, columns, column_count, expression,
                                 EXPRESSION_OF_CHECK, TYPE(BOOLEAN), &bound.expression, error);
    if (status != OK) {
        error->position_byte = -1; /* it is no place in this statement */
        return error_prefix(error, "check constraint \"%.*s\"", SLICE_ARGUMENTS(check->name));
    }
    *out = bound;
    return OK;
}

void checks_sort(CatalogCheck *checks, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        CatalogCheck check = checks[i];
        uint32_t at = i;
        for (; at > 0 && slice_compare(checks[at - 1].name, check.name) > 0; at--)
            checks[at] = checks[at - 1];
        checks[at] = check;
    }
}
