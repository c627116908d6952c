/* One column of CREATE TABLE and ADD COLUMN: type, NOT NULL, DEFAULT. */
#include <stdio.h>

#include "sql/define_int.h"

/* ---- types ---- */

/* Types that are spec'd and not built, which the binder does not know at all. */
static const char *unbuilt_type(const Node *type_name)
{
    static const char *const unbuilt[][2] = {
        {"serial", "SERIAL"},      {"serial4", "SERIAL"},          {"bigserial", "BIGSERIAL"},
        {"serial8", "BIGSERIAL"},  {"smallserial", "SMALLSERIAL"}, {"serial2", "SMALLSERIAL"},
        {"file", "the type FILE"},
    };
    const Node *names = node_field(type_name, "names");
    Slice last = node_string(node_item(names, node_count(names) - 1));
    for (size_t i = 0; i < sizeof unbuilt / sizeof unbuilt[0]; i++) {
        if (node_count(names) == 1 && slice_equal_text(last, unbuilt[i][0]))
            return unbuilt[i][1];
    }
    return NULL;
}

/* A column needs to know how large its values can be: that is part of its file's schema. */
static Status check_modifiers(Type type, int32_t position, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    char feature[TYPE_NAME_BYTES_MAX + 32];
    type_name(type, name);
    if (type.kind == TYPE_DECIMAL && type.a == 0) {
        (void)fail_unsupported(position, "a NUMERIC column without a precision", error);
        error_set_hint(error, "Write NUMERIC(18, 4), say: up to %d digits.", DECIMAL_PRECISION_MAX);
        return error->status;
    }
    if (type.kind == TYPE_CHAR && type.a == 0)
        return fail_unsupported(position, "a BPCHAR column without a length", error);
    if (type.kind == TYPE_VECTOR && type.a == 0)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "a VECTOR column needs its dimension, as in VECTOR(384)");
    if (type_is_storable(type))
        return OK;
    (void)snprintf(feature, sizeof feature, "a column of type %s", name);
    return fail_unsupported(position, feature, error);
}

Status column_type(Front *front, const Node *type_name, Type *out, Error *error)
{
    Type type;
    BindContext context = front_context(front);
    const char *unbuilt = unbuilt_type(type_name);
    if (unbuilt != NULL)
        return fail_unsupported(node_location(type_name), unbuilt, error);
    TRY(bind_type_name(&context, type_name, &type, error));
    TRY(check_modifiers(type, node_location(type_name), error));
    *out = type;
    return OK;
}

/* ---- constraints ---- */

Status constraint_refuse(const Node *constraint, Error *error)
{
    static const char *const refused[][2] = {
        {"CONSTR_UNIQUE", "UNIQUE"},
        {"CONSTR_FOREIGN", "a FOREIGN KEY"},
        {"CONSTR_EXCLUSION", "EXCLUDE"},
        {"CONSTR_IDENTITY", "GENERATED … AS IDENTITY"},
        {"CONSTR_GENERATED", "a GENERATED column"},
        {"CONSTR_ATTR_DEFERRABLE", "a DEFERRABLE constraint"},
        {"CONSTR_ATTR_DEFERRED", "a DEFERRED constraint"},
    };
    Slice kind = node_text(constraint, "contype");
    int32_t position = node_location(constraint);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (slice_equal_text(kind, refused[i][0]))
            return fail_unsupported(position, refused[i][1], error);
    }
    if (node_boolean(constraint, "deferrable") || node_boolean(constraint, "initdeferred"))
        return fail_unsupported(position, "a DEFERRABLE constraint", error);
    if (node_boolean(constraint, "is_no_inherit"))
        return fail_unsupported(position, "NO INHERIT", error);
    if (node_count(node_field(constraint, "including")) > 0)
        return fail_unsupported(position, "INCLUDE", error);
    if (node_text(constraint, "indexname").size > 0)
        return fail_unsupported(position, "USING INDEX", error);
    if (node_text(constraint, "indexspace").size > 0)
        return fail_unsupported(position, "TABLESPACE", error);
    if (node_count(node_field(constraint, "options")) > 0)
        return fail_unsupported(position, "WITH of a constraint", error);
    return OK;
}

static Status fail_null_conflict(const Column *column, Slice table_name, int32_t position,
                                 Error *error)
{
    return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                        "conflicting NULL/NOT NULL declarations for column \"%.*s\" of table "
                        "\"%.*s\"",
                        SLICE_ARGUMENTS(column->name), SLICE_ARGUMENTS(table_name));
}

/* The DEFAULT's text goes from behind its word to the column's next constraint, or to the comma or
 * parenthesis that ends the column. */
static Status find_default_text(Front *front, const Node *constraint, ColumnDefinition *definition,
                                Error *error)
{
    int32_t begin = node_location(constraint);
    uint32_t at = front_token_at(front, begin);
    const Node *siblings = node_field(definition->node, "constraints");
    int32_t stop = INT32_MAX;
    for (uint32_t i = 0; i < node_count(siblings); i++) {
        int32_t place = node_location(node_item(siblings, i));
        if (place > begin && place < stop)
            stop = place;
    }
    int32_t collation = node_location(node_field(definition->node, "collClause"));
    if (collation > begin && collation < stop)
        stop = collation;
    if (!token_is_word(front->reader.text, front->reader.tokens[at], "default"))
        return error_set_at(error, begin, STATUS_FEATURE_NOT_SUPPORTED,
                            "a name for a DEFAULT is not supported yet");
    definition->default_begin = front->reader.tokens[at + 1].begin;
    definition->default_end = front_expression_end(front, at + 1, stop);
    return OK;
}

static Status add_default(Front *front, Slice table_name, const Column *column,
                          const Node *constraint, ColumnDefinition *definition, Error *error)
{
    if (definition->default_node != NULL)
        return error_set_at(error, node_location(constraint), STATUS_SYNTAX_ERROR,
                            "multiple default values specified for column \"%.*s\" of table "
                            "\"%.*s\"",
                            SLICE_ARGUMENTS(column->name), SLICE_ARGUMENTS(table_name));
    definition->default_node = node_field(constraint, "raw_expr");
    return find_default_text(front, constraint, definition, error);
}

static Status add_constraint(Front *front, Slice table_name, const Node *constraint, Column *column,
                             ColumnDefinition *definition, Error *error)
{
    Slice kind = node_text(constraint, "contype");
    int32_t position = node_location(constraint);
    TRY(constraint_refuse(constraint, error));
    if (slice_equal_text(kind, "CONSTR_NULL")) {
        definition->null_written = true;
        if (column->not_null)
            return fail_null_conflict(column, table_name, position, error);
    } else if (slice_equal_text(kind, "CONSTR_NOTNULL")) {
        definition->not_null_written = true;
        if (definition->null_written)
            return fail_null_conflict(column, table_name, position, error);
        column->not_null = true;
    } else if (slice_equal_text(kind, "CONSTR_DEFAULT")) {
        return add_default(front, table_name, column, constraint, definition, error);
    } else if (slice_equal_text(kind, "CONSTR_PRIMARY")) {
        if (definition->primary != NULL)
            return error_set_at(error, position, STATUS_INVALID_TABLE_DEFINITION,
                                "multiple primary keys for table \"%.*s\" are not allowed",
                                SLICE_ARGUMENTS(table_name));
        if (definition->null_written)
            return fail_null_conflict(column, table_name, position, error);
        definition->primary = constraint;
        column->not_null = true;
    }
    return OK;
}

/* Texts are compared and sorted by bytes, which is what the collation "C" means. */
static Status check_collation(const Node *clause, Error *error)
{
    const Node *names = node_field(clause, "collname");
    Slice name = node_string(node_item(names, node_count(names) - 1));
    if (clause == NULL || slice_equal_text(name, "C") || slice_equal_text(name, "POSIX"))
        return OK;
    return fail_unsupported(node_location(clause), "a collation other than \"C\"", error);
}

Status column_define(Front *front, Slice table_name, const Node *node, Column *out,
                     ColumnDefinition *definition, Error *error)
{
    Column column = {.key_position = -1};
    *definition = (ColumnDefinition){.node = node, .position_byte = node_location(node)};
    Status status = object_name_check(node_text(node, "colname"), "column", error);
    if (status != OK) {
        error->position_byte = definition->position_byte;
        return status;
    }
    TRY(arena_clone(&front->plan->arena, node_text(node, "colname"), &column.name, error));
    TRY(column_type(front, node_field(node, "typeName"), &column.type, error));
    column.initial_default = value_null((TypeKind)column.type.kind);
    TRY(check_collation(node_field(node, "collClause"), error));
    if (node_text(node, "compression").size > 0)
        return fail_unsupported(definition->position_byte, "COMPRESSION of a column", error);
    const Node *constraints = node_field(node, "constraints");
    for (uint32_t i = 0; i < node_count(constraints); i++)
        TRY(add_constraint(front, table_name, node_item(constraints, i), &column, definition,
                           error));
    *out = column;
    return OK;
}

/* ---- DEFAULT ---- */

Status column_bind_default(Front *front, Slice table_name, const ColumnDefinition *definition,
                           Column *column, const Expression **out, Error *error)
{
    *out = NULL;
    if (definition->default_node == NULL)
        return OK;
    BindContext context = front_context(front);
    const Expression *expression;
    TRY(bind_expression_in_table(&context, table_name, NULL, 0, definition->default_node,
                                 EXPRESSION_OF_DEFAULT, column->type, &expression, error));
    if (expression->kind == EXPRESSION_CONSTANT && expression->constant.is_null)
        return OK;
    column->default_sql = front_source(front, definition->default_begin, definition->default_end);
    *out = expression;
    return OK;
}
