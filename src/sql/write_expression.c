/* Expressions. */
#include "sql/writer_int.h"

typedef Status (*BoundWriter)(Writer *, const Bound *, Error *);

/* ---- forms of numbers ---- */

static bool type_has_key(Type type, int16_t scale)
{
    return (type.kind == TYPE_DECIMAL && scale == SCALE_VARIES) || type.kind == TYPE_JSONB ||
           (type.kind == TYPE_ARRAY && type.element == TYPE_DECIMAL);
}

bool needs_key(const Bound *bound)
{
    return type_has_key(bound->type, bound->scale);
}

bool column_needs_key(const RelationColumn *column)
{
    return type_has_key(column->type, column->scale);
}

void put_key_open(Writer *writer, Type type)
{
    put(writer, type.kind == TYPE_ARRAY   ? "list_transform("
                : type.kind == TYPE_JSONB ? "pg_jsonb_key("
                                          : "pg_num_key(");
}

void put_key_close(Writer *writer, Type type)
{
    put(writer, type.kind == TYPE_ARRAY ? ", lambda e: pg_num_key(e))" : ")");
}

Status write_open_value(Writer *writer, const Bound *bound, Error *error)
{
    if (bound->type.kind != TYPE_DECIMAL || bound->scale == SCALE_VARIES)
        return write_expression(writer, bound, error);
    put(writer, "CAST(");
    TRY(write_expression(writer, bound, error));
    put(writer, " AS VARCHAR)");
    return OK;
}

Status write_as(Writer *writer, const Bound *bound, Type type, int16_t scale, uint8_t precision,
                Error *error)
{
    if (type.kind == TYPE_RECORD && bound->kind == BOUND_ROW)
        return write_row_text(writer, bound, error);
    if (type.kind != TYPE_DECIMAL)
        return write_expression(writer, bound, error);
    if (scale == SCALE_VARIES)
        return write_open_value(writer, bound, error);
    put(writer, "CAST(");
    if (bound_is_null_constant(bound))
        put(writer, "NULL");
    else
        TRY(write_expression(writer, bound, error));
    put(writer, " AS ");
    put_type(writer, type, scale, precision);
    put(writer, ")");
    return OK;
}

Status write_key(Writer *writer, const Bound *bound, Error *error)
{
    if (!needs_key(bound))
        return write_expression(writer, bound, error);
    put_key_open(writer, bound->type);
    TRY(write_expression(writer, bound, error));
    put_key_close(writer, bound->type);
    return OK;
}

/* A child of a node in the node's own form. */
static Status write_child(Writer *writer, const Bound *node, const Bound *child, Error *error)
{
    if (node->type.kind == TYPE_DECIMAL && child->type.kind == TYPE_DECIMAL &&
        node->scale == child->scale)
        return write_expression(writer, child, error);
    return write_as(writer, child, node->type, node->scale, node->precision, error);
}

/* ---- leaves ---- */

static Status write_parameter(Writer *writer, const Bound *bound, Error *error)
{
    (void)error;
    writer->mentioned[bound->index] = true;
    put_format(writer, "CAST($%u AS ", bound->index + 1);
    put_type(writer, bound->type, bound->scale, bound->precision);
    put(writer, ")");
    return OK;
}

static void write_table_column(Writer *writer, const Relation *relation, uint32_t index)
{
    const RelationColumn *column = &relation->columns[index];
    BoundReference *reference = &writer->binder->references[relation->reference];
    if (!column->is_system) {
        reference->columns[index] = true;
        put_format(writer, "t%u.", relation->number);
        put_identifier(writer, relation->schema->columns[index].name);
        return;
    }
    if (column->location != NULL) {
        put_format(writer, "CAST(t%u.%s AS BIGINT)", relation->number, column->location);
        return;
    }
    if (column->system == SYSTEM_DELETED) {
        put(writer, "false"); /* a deleted row is not there */
        return;
    }
    if (column->system == SYSTEM_USER)
        reference->uses_owner = true;
    const char *name = column->system == SYSTEM_SEQ       ? "_seq"
                       : column->system == SYSTEM_UPDATED ? "_updated"
                                                          : "_user";
    put_format(writer, "t%u.%s", relation->number, name);
}

static Status write_column(Writer *writer, const Bound *bound, Error *error)
{
    const Relation *relation = bound->as.relation;
    if (relation->kind == RELATION_ROW)
        return error_unwritable(bound, error, "this reference to the changed row");
    if (relation->kind == RELATION_TABLE)
        write_table_column(writer, relation, bound->index);
    else
        put_format(writer, "t%u.c%u", relation->number, bound->index);
    return OK;
}

static Status write_group_column(Writer *writer, const Bound *bound, Error *error)
{
    (void)error;
    put_format(writer, bound->kind == BOUND_KEY ? "q%u.k%u" : "q%u.a%u", bound->as.query->number,
               bound->index);
    return OK;
}

static Status write_operand(Writer *writer, const Bound *bound, Error *error)
{
    if (writer->operand_values[bound->index] != NULL)
        return write_expression(writer, writer->operand_values[bound->index], error);
    put(writer, writer->operands[bound->index]);
    return OK;
}

/* ---- logic ---- */

static Status write_connective(Writer *writer, const Bound *bound, Error *error)
{
    put(writer, "(");
    for (uint32_t i = 0; i < bound->child_count; i++) {
        if (i > 0)
            put(writer, bound->kind == BOUND_AND ? " AND " : " OR ");
        TRY(write_expression(writer, bound->children[i], error));
    }
    put(writer, ")");
    return OK;
}

static Status write_not(Writer *writer, const Bound *bound, Error *error)
{
    put(writer, "(NOT ");
    TRY(write_expression(writer, bound->children[0], error));
    put(writer, ")");
    return OK;
}

static Status write_null_test(Writer *writer, const Bound *bound, Error *error)
{
    put(writer, "(");
    TRY(write_expression(writer, bound->children[0], error));
    put(writer, bound->negated ? " IS NOT NULL)" : " IS NULL)");
    return OK;
}

static Status write_truth_test(Writer *writer, const Bound *bound, Error *error)
{
    static const char *const WHAT[] = {"FALSE", "TRUE", "NULL"};
    put(writer, "(");
    TRY(write_expression(writer, bound->children[0], error));
    put_format(writer, " IS %s%s)", bound->negated ? "NOT " : "", WHAT[bound->index]);
    return OK;
}

/* ---- comparisons ---- */

const char *operator_text(CompareOperator operation)
{
    static const char *const TEXTS[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
    return TEXTS[operation];
}

/* A side in the form both have: two kinds of times meet as the longer one. */
static Status write_side(Writer *writer, const Bound *side, const Bound *other, bool by_key,
                         Error *error)
{
    uint8_t kind = side->type.kind;
    bool is_time = kind == TYPE_DATE || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
    if (by_key) {
        put_key_open(writer, side->type);
        TRY(write_open_value(writer, side, error));
        put_key_close(writer, side->type);
        return OK;
    }
    if (!is_time || other->type.kind <= kind)
        return write_expression(writer, side, error);
    put(writer, "CAST(");
    TRY(write_expression(writer, side, error));
    put(writer, " AS ");
    put_type(writer, other->type, 0, 0);
    put(writer, ")");
    return OK;
}

static CompareOperator turned(CompareOperator operation)
{
    static const CompareOperator TURNED[] = {
        COMPARE_EQUAL, COMPARE_NOT_EQUAL,     COMPARE_GREATER, COMPARE_GREATER_OR_EQUAL,
        COMPARE_LESS,  COMPARE_LESS_OR_EQUAL,
    };
    return TURNED[operation];
}

static Status write_bound_of(Writer *writer, const char *function, const Bound *value,
                             const Bound *column, Error *error)
{
    put_format(writer, "CAST(%s(", function);
    TRY(write_expression(writer, value, error));
    put_format(writer, ", %d) AS DECIMAL(%d,%d))", column->scale, DECIMAL_PRECISION_MAX,
               column->scale);
    return OK;
}

/* column > value, where the column's scale is known and the value is one for the whole statement:
 * compared as numbers with the value rounded to the column's grid, so that files can be pruned. */
static Status write_grid_compare(Writer *writer, CompareOperator operation, const Bound *column,
                                 const Bound *value, Error *error)
{
    bool up = operation == COMPARE_GREATER_OR_EQUAL || operation == COMPARE_LESS;
    put(writer, "(");
    if (operation == COMPARE_NOT_EQUAL)
        put(writer, "NOT (");
    TRY(write_expression(writer, column, error));
    put(writer, operator_text(operation == COMPARE_NOT_EQUAL ? COMPARE_EQUAL : operation));
    TRY(write_bound_of(writer, up ? "pg_num_ceil" : "pg_num_floor", value, column, error));
    if (operation == COMPARE_EQUAL || operation == COMPARE_NOT_EQUAL) {
        /* A value between two points of the grid is equal to none. */
        put(writer, " AND ");
        TRY(write_bound_of(writer, "pg_num_floor", value, column, error));
        put(writer, " = ");
        TRY(write_bound_of(writer, "pg_num_ceil", value, column, error));
    }
    put(writer, operation == COMPARE_NOT_EQUAL ? "))" : ")");
    return OK;
}

static bool is_fixed_value(const Bound *bound)
{
    return bound_is_open_number(bound) && !bound_reads_columns(bound) &&
           !bound_is_volatile(bound) && !bound_has_subquery(bound) && is_cheap(bound) &&
           bound->kind != BOUND_OPERAND;
}

static bool has_fixed_scale(const Bound *bound)
{
    return bound->type.kind == TYPE_DECIMAL && bound->scale != SCALE_VARIES;
}

Status write_compare(Writer *writer, CompareOperator operation, const Bound *left,
                     const Bound *right, Error *error)
{
    if (has_fixed_scale(left) && is_fixed_value(right))
        return write_grid_compare(writer, operation, left, right, error);
    if (has_fixed_scale(right) && is_fixed_value(left))
        return write_grid_compare(writer, turned(operation), right, left, error);
    bool by_key = needs_key(left) || needs_key(right);
    put(writer, "(");
    TRY(write_side(writer, left, right, by_key, error));
    put(writer, operator_text(operation));
    TRY(write_side(writer, right, left, by_key, error));
    put(writer, ")");
    return OK;
}

static Status write_comparison(Writer *writer, const Bound *bound, Error *error)
{
    return write_compare(writer, (CompareOperator)bound->index, bound->children[0],
                         bound->children[1], error);
}

static Status write_distinct(Writer *writer, const Bound *bound, Error *error)
{
    const Bound *left = bound->children[0];
    const Bound *right = bound->children[1];
    bool by_key = needs_key(left) || needs_key(right);
    put(writer, "(");
    TRY(write_side(writer, left, right, by_key, error));
    put(writer, bound->negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
    TRY(write_side(writer, right, left, by_key, error));
    put(writer, ")");
    return OK;
}

static Status write_in(Writer *writer, const Bound *bound, Error *error)
{
    bool by_key = false;
    const Bound *widest = bound->children[0];
    for (uint32_t i = 0; i < bound->child_count; i++) {
        by_key = by_key || needs_key(bound->children[i]);
        if (bound->children[i]->type.kind > widest->type.kind)
            widest = bound->children[i];
    }
    put(writer, "(");
    for (uint32_t i = 0; i < bound->child_count; i++) {
        TRY(write_side(writer, bound->children[i], widest, by_key, error));
        put(writer, i == 0 ? (bound->negated ? " NOT IN (" : " IN (")
                           : (i + 1 < bound->child_count ? ", " : ""));
    }
    put(writer, "))");
    return OK;
}

/* ---- choices ---- */

static Status write_case(Writer *writer, const Bound *bound, Error *error)
{
    put(writer, "(CASE");
    for (uint32_t i = 0; i + 1 < bound->child_count; i += 2) {
        put(writer, " WHEN ");
        TRY(write_expression(writer, bound->children[i], error));
        put(writer, " THEN ");
        TRY(write_child(writer, bound, bound->children[i + 1], error));
    }
    put(writer, " ELSE ");
    TRY(write_child(writer, bound, bound->children[bound->child_count - 1], error));
    put(writer, " END)");
    return OK;
}

static Status write_list_of(Writer *writer, const char *function, const Bound *bound, Error *error)
{
    put(writer, function);
    put(writer, "(");
    for (uint32_t i = 0; i < bound->child_count; i++) {
        if (i > 0)
            put(writer, ", ");
        TRY(write_child(writer, bound, bound->children[i], error));
    }
    put(writer, ")");
    return OK;
}

static Status write_coalesce(Writer *writer, const Bound *bound, Error *error)
{
    return write_list_of(writer, "coalesce", bound, error);
}

static Status write_extreme(Writer *writer, const Bound *bound, Error *error)
{
    bool greatest = bound->kind == BOUND_GREATEST;
    if (needs_key(bound) && bound->type.kind != TYPE_DECIMAL)
        return error_unwritable(bound, error, "GREATEST and LEAST of such values");
    if (needs_key(bound))
        return write_list_of(writer, greatest ? "pg_num_greatest" : "pg_num_least", bound, error);
    return write_list_of(writer, greatest ? "greatest" : "least", bound, error);
}

static Status write_nullif(Writer *writer, const Bound *bound, Error *error)
{
    const Bound *left = bound->children[0];
    bool plain = left->type.kind != TYPE_DECIMAL && !needs_key(left) &&
                 left->type.kind == bound->children[1]->type.kind;
    if (plain)
        return write_list_of(writer, "nullif", bound, error);
    if (!is_cheap(left))
        return error_unwritable(bound, error, "NULLIF of such a number");
    put(writer, "(CASE WHEN ");
    TRY(write_compare(writer, COMPARE_EQUAL, left, bound->children[1], error));
    put(writer, " THEN NULL ELSE ");
    TRY(write_child(writer, bound, left, error));
    put(writer, " END)");
    return OK;
}

/* ---- arrays and rows ---- */

static Status write_array_constructor(Writer *writer, const Bound *bound, Error *error)
{
    put(writer, "CAST([");
    for (uint32_t i = 0; i < bound->child_count; i++) {
        if (i > 0)
            put(writer, ", ");
        TRY(write_open_value(writer, bound->children[i], error));
    }
    put(writer, "] AS ");
    put_type(writer, bound->type, 0, 0);
    put(writer, ")");
    return OK;
}

/* Subscripts below 1 find nothing, where DuckDB counts from the end. */
static Status write_subscript(Writer *writer, const Bound *bound, Error *error)
{
    const Bound *index = bound->children[1];
    bool positive = index->kind == BOUND_CONSTANT && !index->as.constant.is_null &&
                    index->as.constant.as.integer >= 1;
    if (positive) {
        TRY(write_expression(writer, bound->children[0], error));
        put_format(writer, "[%lld]", (long long)index->as.constant.as.integer);
        return OK;
    }
    put(writer, "list_extract(");
    TRY(write_expression(writer, bound->children[0], error));
    put(writer, ", greatest(");
    TRY(write_expression(writer, index, error));
    put(writer, ", 0))");
    return OK;
}

/* What lies outside is left out; a slice without elements is an empty array. */
static Status write_slice(Writer *writer, const Bound *bound, Error *error)
{
    const Bound *lower = bound->children[1];
    const Bound *upper = bound->children[2];
    put(writer, "pg_slice(");
    TRY(write_expression(writer, bound->children[0], error));
    put(writer, ", ");
    if (lower == NULL)
        put(writer, "CAST(1 AS INTEGER)");
    else
        TRY(write_expression(writer, lower, error));
    put(writer, ", ");
    if (upper == NULL)
        put(writer, "CAST(2147483647 AS INTEGER)");
    else
        TRY(write_expression(writer, upper, error));
    put(writer, ")");
    return OK;
}

/* A row inside an expression: only aggregates see one (count(DISTINCT (a, b))). */
static Status write_row(Writer *writer, const Bound *bound, Error *error)
{
    put(writer, "row(");
    for (uint32_t i = 0; i < bound->child_count; i++) {
        if (i > 0)
            put(writer, ", ");
        TRY(write_key(writer, bound->children[i], error));
    }
    put(writer, ")");
    return OK;
}

/* (1,abc,"x y",): as PostgreSQL shows a row. */
Status write_row_text(Writer *writer, const Bound *row, Error *error)
{
    put(writer, "('(' ||");
    for (uint32_t i = 0; i < row->child_count; i++) {
        const Bound *field = row->children[i];
        bool is_padded = field->type.kind == TYPE_CHAR;
        put(writer, i == 0 ? " pg_row_field(" : " || ',' || pg_row_field(");
        put(writer, is_padded ? "rpad(" : "");
        TRY(write_open_value(writer, field, error));
        if (is_padded)
            put_format(writer, ", %d, ' ')", (int)field->type.a);
        put(writer, ")");
    }
    put(writer, row->child_count == 0 ? " ')')" : " || ')')");
    return OK;
}

/* ---- the table ---- */

static const BoundWriter WRITERS[] = {
    [BOUND_CONSTANT] = write_constant,
    [BOUND_PARAMETER] = write_parameter,
    [BOUND_COLUMN] = write_column,
    [BOUND_EXCLUDED] = NULL,
    [BOUND_CALL] = write_call,
    [BOUND_CAST] = write_cast,
    [BOUND_AND] = write_connective,
    [BOUND_OR] = write_connective,
    [BOUND_NOT] = write_not,
    [BOUND_IS_NULL] = write_null_test,
    [BOUND_IS_TRUE] = write_truth_test,
    [BOUND_IS_DISTINCT] = write_distinct,
    [BOUND_COMPARE] = write_comparison,
    [BOUND_IN] = write_in,
    [BOUND_QUANTIFIED] = write_quantified,
    [BOUND_CASE] = write_case,
    [BOUND_COALESCE] = write_coalesce,
    [BOUND_GREATEST] = write_extreme,
    [BOUND_LEAST] = write_extreme,
    [BOUND_NULLIF] = write_nullif,
    [BOUND_ARRAY] = write_array_constructor,
    [BOUND_ROW] = write_row,
    [BOUND_SUBSCRIPT] = write_subscript,
    [BOUND_SLICE] = write_slice,
    [BOUND_SUBQUERY] = write_subquery,
    [BOUND_AGGREGATE] = write_aggregate,
    [BOUND_WINDOW] = write_window,
    [BOUND_GROUPING] = NULL,
    [BOUND_KEY] = write_group_column,
    [BOUND_RESULT] = write_group_column,
    [BOUND_OPERAND] = write_operand,
};

Status write_expression(Writer *writer, const Bound *bound, Error *error)
{
    TRY(writer_down(writer, error));
    BoundWriter write = WRITERS[bound->kind];
    if (write == NULL)
        return error_unwritable(bound, error, "this expression here");
    TRY(write(writer, bound, error));
    writer->depth--;
    return OK;
}

/* ---- what may be repeated ---- */

enum { CHEAP_NODES_MAX = 8 };

static Status count_node(Bound **place, void *context, Error *error)
{
    (void)error;
    uint32_t *count = context;
    BoundKind kind = (*place)->kind;
    bool is_large = kind == BOUND_SUBQUERY || kind == BOUND_AGGREGATE || kind == BOUND_WINDOW ||
                    (kind == BOUND_CONSTANT && (*place)->type.kind == TYPE_ARRAY &&
                     !(*place)->as.constant.is_null);
    *count += is_large ? CHEAP_NODES_MAX + 1 : 1;
    return *count > CHEAP_NODES_MAX ? STATUS_PROGRAM_LIMIT_EXCEEDED : OK;
}

bool is_cheap(const Bound *bound)
{
    Error unseen;
    uint32_t count = 0;
    Bound *root = (Bound *)(uintptr_t)bound;
    return bound_visit_all(&root, count_node, &count, &unseen) == OK && !bound_is_volatile(bound);
}
