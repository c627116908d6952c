/* FROM. */
#include "sql/writer_int.h"

static Status write_item(Writer *writer, const FromItem *item, Error *error);

/* ---- functions ---- */

/* The lists beside each other, as rows: SELECT unnest(…) AS c0, … */
static Status write_lists(Writer *writer, const Relation *relation, Error *error)
{
    uint32_t column = 0;
    put(writer, "(SELECT ");
    for (uint32_t i = 0; i < relation->function_count; i++) {
        const Bound *function = relation->functions[i];
        const SetColumn *fixed;
        bool is_set = function->kind == BOUND_CALL && function->as.function->kind == FUNCTION_SET;
        if (is_set && catalogue_set_columns(function->as.function, &fixed) > 0)
            return error_unwritable(function, error, "ROWS FROM with this function");
        put(writer, column == 0 ? "unnest(" : ", unnest(");
        if (!is_set)
            put(writer, "[");
        TRY(is_set ? write_set_list(writer, function, error)
                   : write_expression(writer, function, error));
        put_format(writer, is_set ? ") AS c%u" : "]) AS c%u", column++);
    }
    put(writer, ")");
    return OK;
}

/* json_each: the keys beside the values. */
static Status write_pairs(Writer *writer, const Relation *relation, Error *error)
{
    const Bound *call = relation->functions[0];
    put(writer, "(SELECT unnest(pg_json_keys(");
    TRY(write_expression(writer, call->children[0], error));
    put(writer, ")) AS c0, unnest(");
    TRY(write_set_list(writer, call, error));
    put(writer, ") AS c1)");
    return OK;
}

static bool gives_pairs(const Relation *relation)
{
    const Bound *function = relation->functions[0];
    const SetColumn *fixed;
    return relation->function_count == 1 && function->kind == BOUND_CALL &&
           catalogue_set_columns(function->as.function, &fixed) > 0;
}

/* A series that depends on nothing beside it is DuckDB's own table function: no list is built. */
static bool is_plain_series(const Relation *relation)
{
    const Bound *function = relation->functions[0];
    return relation->function_count == 1 && function->kind == BOUND_CALL &&
           function->as.function->writer == WRITE_SERIES && type_is_integer(function->type) &&
           !bound_reads_columns(function) && !bound_has_subquery(function);
}

static Status write_series(Writer *writer, const Bound *call, Error *error)
{
    put(writer, "(SELECT CAST(generate_series AS ");
    put_type(writer, call->type, 0, 0);
    put(writer, ") AS c0 FROM generate_series(");
    for (uint32_t i = 0; i < call->child_count; i++) {
        put(writer, i == 0 ? "CAST(" : ", CAST(");
        TRY(write_set_argument(writer, call, i, error));
        put(writer, " AS BIGINT)");
    }
    put(writer, "))");
    return OK;
}

static Status write_function(Writer *writer, const Relation *relation, Error *error)
{
    if (relation->with_ordinality) {
        uint32_t last = relation->column_count - 1;
        put(writer, "(SELECT *, row_number() OVER () AS ");
        put_format(writer, "c%u FROM ", last);
    }
    if (gives_pairs(relation))
        TRY(write_pairs(writer, relation, error));
    else if (is_plain_series(relation))
        TRY(write_series(writer, relation->functions[0], error));
    else
        TRY(write_lists(writer, relation, error));
    put(writer, relation->with_ordinality ? " AS o)" : "");
    return OK;
}

/* ---- relations ---- */

static bool is_correlated(const Relation *relation)
{
    for (uint32_t i = 0; i < relation->function_count; i++) {
        if (bound_reads_columns(relation->functions[i]))
            return true;
    }
    return relation->kind != RELATION_FUNCTION && relation->lateral;
}

static Status write_relation(Writer *writer, const Relation *relation, Error *error)
{
    if (is_correlated(relation))
        put(writer, "LATERAL ");
    switch (relation->kind) {
    case RELATION_TABLE:
        TRY(put_hole(writer, relation->reference, error));
        break;
    case RELATION_QUERY:
        put(writer, "(");
        TRY(write_query(writer, relation->query, relation->columns, error));
        put(writer, ")");
        break;
    case RELATION_COMMON:
        put_format(writer, "w%u", relation->common->number);
        break;
    case RELATION_FUNCTION:
        TRY(write_function(writer, relation, error));
        break;
    case RELATION_ROW:
        return error_set(error, STATUS_INTERNAL, "a row has no FROM");
    }
    put_format(writer, " AS t%u", relation->number);
    return OK;
}

/* ---- joins ---- */

static Status write_join(Writer *writer, const FromItem *item, Error *error)
{
    static const char *const NAMES[] = {" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ",
                                        " CROSS JOIN "};
    put(writer, "(");
    TRY(write_item(writer, item->left, error));
    bool is_cross = item->join == JOIN_INNER && item->condition == NULL;
    put(writer, is_cross ? " CROSS JOIN " : NAMES[item->join]);
    TRY(write_item(writer, item->right, error));
    if (!is_cross) {
        put(writer, " ON ");
        if (item->condition == NULL)
            put(writer, "true");
        else
            TRY(write_condition(writer, item->condition, error));
    }
    put(writer, ")");
    return OK;
}

static Status write_item(Writer *writer, const FromItem *item, Error *error)
{
    TRY(writer_down(writer, error));
    TRY(item->relation != NULL ? write_relation(writer, item->relation, error)
                               : write_join(writer, item, error));
    writer->depth--;
    return OK;
}

Status write_from(Writer *writer, const BoundQuery *query, Error *error)
{
    for (uint32_t i = 0; i < query->from_count; i++) {
        put(writer, i == 0 ? " FROM " : ", ");
        TRY(write_item(writer, query->from[i], error));
    }
    return OK;
}
