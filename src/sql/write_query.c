/* Queries.
 *
 * A grouped query is written in two layers: the inner one has the keys (k0 …) and the aggregates
 * (a0 …), the outer one HAVING, windows, the select list and the order, over columns only. So
 * nothing depends on whether DuckDB finds two expressions equal. */
#include "sql/writer_int.h"

/* ---- WITH ---- */

static Status write_common(Writer *writer, const BoundQuery *query, Error *error)
{
    for (uint32_t i = 0; i < query->common_count; i++) {
        const CommonTable *table = query->common[i];
        put(writer, i == 0 ? (query->is_recursive ? "WITH RECURSIVE " : "WITH ") : ", ");
        put_format(writer, "w%u(", table->number);
        for (uint32_t c = 0; c < table->column_count; c++)
            put_format(writer, c == 0 ? "c%u" : ", c%u", c);
        put(writer, ") AS ");
        /* Read twice, computed once: volatile functions in it give the same to both. */
        bool materialized = !table->recursive && !table->is_not_materialized &&
                            (table->is_materialized || table->uses > 1);
        put(writer, materialized ? "MATERIALIZED (" : "(");
        TRY(write_query(writer, table->query, table->columns, error));
        put(writer, ")");
    }
    if (query->common_count > 0)
        put(writer, " ");
    return OK;
}

/* ---- grouping ---- */

static Status write_grouping(Writer *writer, const BoundQuery *query, const Bound *grouping,
                             Error *error)
{
    put(writer, "CAST(GROUPING(");
    for (uint32_t i = 0; i < grouping->child_count; i++) {
        if (i > 0)
            put(writer, ", ");
        TRY(write_key(writer, query->keys.items[grouping->children[i]->index], error));
    }
    put(writer, ") AS INTEGER)");
    return OK;
}

static Status write_group_columns(Writer *writer, const BoundQuery *query, Error *error)
{
    uint32_t written = 0;
    for (uint32_t i = 0; i < query->keys.count; i++) {
        const Bound *key = query->keys.items[i];
        put(writer, written++ == 0 ? "" : ", ");
        if (needs_key(key) && query->sets.count > 0)
            return error_unwritable(key, error, "grouping sets over such numbers");
        put(writer, needs_key(key) ? "first(" : "");
        TRY(write_expression(writer, key, error));
        put_format(writer, needs_key(key) ? ") AS k%u" : " AS k%u", i);
    }
    for (uint32_t i = 0; i < query->aggregates.count; i++) {
        const Bound *aggregate = query->aggregates.items[i];
        put(writer, written++ == 0 ? "" : ", ");
        TRY(aggregate->kind == BOUND_GROUPING ? write_grouping(writer, query, aggregate, error)
                                              : write_expression(writer, aggregate, error));
        put_format(writer, " AS a%u", i);
    }
    if (written == 0)
        put(writer, "count(*) AS n");
    return OK;
}

static Status write_group_key(Writer *writer, const BoundQuery *query, uint32_t i, Error *error)
{
    const Bound *key = query->keys.items[i];
    if (key->kind == BOUND_CONSTANT) {
        put_format(writer, "k%u", i); /* a literal would be a position */
        return OK;
    }
    return write_key(writer, key, error);
}

static Status write_sets(Writer *writer, const BoundQuery *query, Error *error)
{
    put(writer, " GROUP BY GROUPING SETS (");
    for (uint32_t s = 0; s < query->sets.count; s++) {
        put(writer, s == 0 ? "(" : ", (");
        for (uint32_t k = 0; k < query->sets.sizes[s]; k++) {
            if (k > 0)
                put(writer, ", ");
            TRY(write_group_key(writer, query, query->sets.sets[s][k], error));
        }
        put(writer, ")");
    }
    put(writer, ")");
    return OK;
}

static Status write_group_by(Writer *writer, const BoundQuery *query, Error *error)
{
    if (query->sets.count > 0)
        return write_sets(writer, query, error);
    for (uint32_t i = 0; i < query->keys.count; i++) {
        put(writer, i == 0 ? " GROUP BY " : ", ");
        TRY(write_group_key(writer, query, i, error));
    }
    return OK;
}

static Status write_source(Writer *writer, const BoundQuery *query, Error *error)
{
    TRY(write_from(writer, query, error));
    if (query->where != NULL) {
        put(writer, " WHERE ");
        TRY(write_condition(writer, query->where, error));
    }
    return OK;
}

static Status write_grouped_source(Writer *writer, const BoundQuery *query, Error *error)
{
    put(writer, " FROM (SELECT ");
    TRY(write_group_columns(writer, query, error));
    TRY(write_source(writer, query, error));
    TRY(write_group_by(writer, query, error));
    put_format(writer, ") AS q%u", query->number);
    if (query->having != NULL) {
        put(writer, " WHERE ");
        TRY(write_condition(writer, query->having, error));
    }
    return OK;
}

/* ---- targets and order ---- */

static Status write_targets(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                            uint32_t count, Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        const Bound *value = query->targets[i].value;
        put(writer, i == 0 ? "" : ", ");
        if (i < query->visible_count)
            TRY(write_as(writer, value, columns[i].type, columns[i].scale, columns[i].precision,
                         error));
        else
            TRY(write_expression(writer, value, error));
        put_format(writer, " AS c%u", i);
    }
    if (count == 0)
        put(writer, "1 AS c0"); /* rows without columns */
    return OK;
}

static void put_key_column(Writer *writer, const char *alias, uint32_t column, bool by_key,
                           Type type)
{
    if (by_key)
        put_key_open(writer, type);
    put_format(writer, "%s.c%u", alias, column);
    if (by_key)
        put_key_close(writer, type);
}

/* What a sort key is called: an expression of its own, or an output column of `alias`. */
static Status write_query_order(Writer *writer, const BoundQuery *query, const char *alias,
                                Error *error)
{
    uint32_t written = 0;
    for (uint32_t i = 0; i < query->order_count; i++) {
        const BoundOrder *order = &query->order[i];
        const Bound *value =
            query->kind == QUERY_SELECT ? query->targets[order->target].value : NULL;
        const RelationColumn *column = &query->columns[order->target];
        bool by_key = value != NULL ? needs_key(value) : column_needs_key(column);
        Type type = value != NULL ? value->type : column->type;
        if (value != NULL && value->kind == BOUND_CONSTANT)
            continue; /* sorts nothing */
        put(writer, written++ == 0 ? " ORDER BY " : ", ");
        if (alias == NULL) {
            ASSERT(value != NULL); /* only a query without grouping has no alias */
            TRY(write_key(writer, value, error));
        } else {
            put_key_column(writer, alias, order->target, by_key, type);
        }
        put_direction(writer, order);
    }
    return OK;
}

/* ---- LIMIT ---- */

static Status write_count_of_rows(Writer *writer, const Bound *value, const char *clause,
                                  const char *error_text, Error *error)
{
    if (value == NULL)
        return OK;
    put(writer, clause);
    if (value->kind == BOUND_CONSTANT)
        return write_expression(writer, value, error);
    if (!is_cheap(value)) {
        put(writer, "(");
        TRY(write_expression(writer, value, error));
        put(writer, ")");
        return OK;
    }
    put(writer, "(CASE WHEN ");
    TRY(write_expression(writer, value, error));
    put_format(writer, " < 0 THEN CAST(error('%s') AS BIGINT) ELSE ", error_text);
    TRY(write_expression(writer, value, error));
    put(writer, " END)");
    return OK;
}

static Status write_limit(Writer *writer, const BoundQuery *query, Error *error)
{
    TRY(write_count_of_rows(writer, query->limit, " LIMIT ", "PG2201W LIMIT must not be negative",
                            error));
    return write_count_of_rows(writer, query->offset, " OFFSET ",
                               "PG2201X OFFSET must not be negative", error);
}

/* ---- SELECT ---- */

static Status write_distinct(Writer *writer, const BoundQuery *query, Error *error)
{
    if (query->distinct == DISTINCT_ALL)
        put(writer, "DISTINCT ");
    if (query->distinct != DISTINCT_ON)
        return OK;
    put(writer, "DISTINCT ON (");
    for (uint32_t i = 0; i < query->distinct_on_count; i++) {
        put(writer, i == 0 ? "" : ", ");
        TRY(write_key(writer, query->targets[query->distinct_on[i]].value, error));
    }
    put(writer, ") ");
    return OK;
}

static bool has_key(const Relation *relation)
{
    return relation->kind == RELATION_TABLE && relation->schema->key_count > 0;
}

/* One table without ORDER BY: pages come in the order of the key. */
static bool wants_key_order(const BoundQuery *query)
{
    return (query->limit != NULL || query->offset != NULL) && query->order_count == 0 &&
           !query->is_grouped && query->distinct == DISTINCT_NONE && !query->has_sets &&
           query->from_count == 1 && query->from[0]->relation != NULL &&
           has_key(query->from[0]->relation);
}

static void write_key_order(Writer *writer, const BoundQuery *query)
{
    const Relation *relation = query->from[0]->relation;
    BoundReference *reference = &writer->binder->references[relation->reference];
    for (uint32_t k = 0; k < relation->schema->key_count; k++) {
        uint32_t column = relation->schema->key_columns[k];
        reference->columns[column] = true;
        put_format(writer, "%st%u.", k == 0 ? " ORDER BY " : ", ", relation->number);
        put_identifier(writer, relation->schema->columns[column].name);
    }
}

static Status write_body(Writer *writer, const BoundQuery *query, Error *error)
{
    return query->is_grouped ? write_grouped_source(writer, query, error)
                             : write_source(writer, query, error);
}

static Status write_plain_select(Writer *writer, const BoundQuery *query,
                                 const RelationColumn *columns, Error *error)
{
    put(writer, "SELECT ");
    TRY(write_distinct(writer, query, error));
    TRY(write_targets(writer, query, columns, query->visible_count, error));
    TRY(write_body(writer, query, error));
    TRY(write_query_order(writer, query, NULL, error));
    if (wants_key_order(query))
        write_key_order(writer, query);
    return write_limit(writer, query, error);
}

/* ---- a layer around, for what must happen after the select list ---- */

static void put_outputs(Writer *writer, uint32_t count)
{
    put(writer, "SELECT ");
    for (uint32_t i = 0; i < count; i++)
        put_format(writer, i == 0 ? "s.c%u AS c%u" : ", s.c%u AS c%u", i, i);
    if (count == 0)
        put(writer, "1 AS c0");
}

/* DISTINCT where numbers of several scales are equal: one row for each key. */
static void put_distinct_outputs(Writer *writer, const RelationColumn *columns, uint32_t count)
{
    put(writer, "SELECT ");
    for (uint32_t i = 0; i < count; i++) {
        put(writer, i == 0 ? "" : ", ");
        put_format(writer, column_needs_key(&columns[i]) ? "first(s.c%u) AS c%u" : "s.c%u AS c%u",
                   i, i);
    }
}

static void put_distinct_keys(Writer *writer, const RelationColumn *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put(writer, i == 0 ? " GROUP BY " : ", ");
        put_key_column(writer, "s", i, column_needs_key(&columns[i]), columns[i].type);
    }
}

static bool any_needs_key(const RelationColumn *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (column_needs_key(&columns[i]))
            return true;
    }
    return false;
}

static Status write_distinct_by_key(Writer *writer, const BoundQuery *query,
                                    const RelationColumn *columns, Error *error)
{
    uint32_t count = query->visible_count;
    put(writer, "SELECT * FROM (");
    put_distinct_outputs(writer, columns, count);
    put(writer, " FROM (SELECT ");
    TRY(write_targets(writer, query, columns, count, error));
    TRY(write_body(writer, query, error));
    put(writer, ") AS s");
    put_distinct_keys(writer, columns, count);
    put(writer, ") AS d");
    TRY(write_query_order(writer, query, "d", error));
    return write_limit(writer, query, error);
}

/* Sets in the select list multiply rows before they are sorted and counted. */
static Status write_sets_inside(Writer *writer, const BoundQuery *query,
                                const RelationColumn *columns, Error *error)
{
    put_outputs(writer, query->visible_count);
    put(writer, " FROM (SELECT ");
    TRY(write_distinct(writer, query, error));
    TRY(write_targets(writer, query, columns, query->target_count, error));
    TRY(write_body(writer, query, error));
    put(writer, ") AS s");
    TRY(write_query_order(writer, query, "s", error));
    return write_limit(writer, query, error);
}

/* WITH TIES: rows whose rank is not beyond the last row wanted. */
static Status write_ties(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                         Error *error)
{
    if (query->distinct != DISTINCT_NONE || query->has_sets)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "WITH TIES with DISTINCT or set-returning functions is not supported");
    put_outputs(writer, query->visible_count);
    put(writer, " FROM (SELECT ");
    TRY(write_targets(writer, query, columns, query->visible_count, error));
    put(writer, ", rank() OVER (");
    TRY(write_query_order(writer, query, NULL, error));
    put(writer, ") AS r, row_number() OVER (");
    TRY(write_query_order(writer, query, NULL, error));
    put(writer, ") AS n");
    TRY(write_body(writer, query, error));
    put(writer, ") AS s WHERE true");
    if (query->limit != NULL) {
        put(writer, " AND s.r <= ");
        TRY(write_expression(writer, query->limit, error));
        put(writer, query->offset == NULL ? "" : " + ");
        if (query->offset != NULL)
            TRY(write_expression(writer, query->offset, error));
    }
    if (query->offset != NULL) {
        put(writer, " AND s.n > ");
        TRY(write_expression(writer, query->offset, error));
    }
    put(writer, " ORDER BY s.n");
    return OK;
}

static Status write_select(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                           Error *error)
{
    if (query->with_ties)
        return write_ties(writer, query, columns, error);
    if (query->distinct == DISTINCT_ALL && any_needs_key(columns, query->visible_count))
        return write_distinct_by_key(writer, query, columns, error);
    bool after = query->has_sets || (query->distinct == DISTINCT_ALL && query->order_count > 0);
    if (after)
        return write_sets_inside(writer, query, columns, error);
    return write_plain_select(writer, query, columns, error);
}

/* ---- VALUES and set operations ---- */

static Status write_values(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                           Error *error)
{
    put(writer, "SELECT ");
    for (uint32_t i = 0; i < query->column_count; i++)
        put_format(writer, i == 0 ? "s.c%u" : ", s.c%u", i);
    put(writer, " FROM (VALUES ");
    for (uint32_t r = 0; r < query->row_count; r++) {
        put(writer, r == 0 ? "(" : ", (");
        for (uint32_t i = 0; i < query->column_count; i++) {
            put(writer, i == 0 ? "" : ", ");
            TRY(write_as(writer, query->rows[r][i], columns[i].type, columns[i].scale,
                         columns[i].precision, error));
        }
        put(writer, ")");
    }
    put(writer, ") AS s(");
    for (uint32_t i = 0; i < query->column_count; i++)
        put_format(writer, i == 0 ? "c%u" : ", c%u", i);
    put(writer, ")");
    TRY(write_query_order(writer, query, "s", error));
    return write_limit(writer, query, error);
}

static Status write_branches(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                             bool all, Error *error)
{
    static const char *const NAMES[] = {" UNION ", " INTERSECT ", " EXCEPT "};
    put(writer, "(");
    TRY(write_query(writer, query->left, columns, error));
    put(writer, ")");
    put(writer, NAMES[query->operation]);
    put(writer, all ? "ALL (" : "(");
    TRY(write_query(writer, query->right, columns, error));
    put(writer, ")");
    return OK;
}

/* (SELECT s.*, row_number() OVER (PARTITION BY keys) AS n FROM (branch) AS s) AS alias: the n-th
 * row of those that are equal. */
static Status write_numbered(Writer *writer, const BoundQuery *branch,
                             const RelationColumn *columns, uint32_t count, const char *alias,
                             Error *error)
{
    put(writer, "(SELECT s.*, row_number() OVER (PARTITION BY ");
    for (uint32_t i = 0; i < count; i++) {
        put(writer, i == 0 ? "" : ", ");
        put_key_column(writer, "s", i, column_needs_key(&columns[i]), columns[i].type);
    }
    put(writer, ") AS n FROM (");
    TRY(write_query(writer, branch, columns, error));
    put_format(writer, ") AS s) AS %s", alias);
    return OK;
}

/* INTERSECT and EXCEPT where equal values look different: the n-th of equal rows on the left has,
 * or has not, an n-th beside it on the right. Without ALL only the first counts. */
static Status write_set_by_key(Writer *writer, const BoundQuery *query,
                               const RelationColumn *columns, Error *error)
{
    uint32_t count = query->column_count;
    put(writer, "SELECT ");
    for (uint32_t i = 0; i < count; i++)
        put_format(writer, i == 0 ? "l.c%u" : ", l.c%u", i);
    put(writer, " FROM ");
    TRY(write_numbered(writer, query->left, columns, count, "l", error));
    put(writer, query->is_all ? " WHERE " : " WHERE l.n = 1 AND ");
    put(writer, query->operation == SET_EXCEPT ? "NOT " : "");
    put(writer, "EXISTS (SELECT 1 FROM ");
    TRY(write_numbered(writer, query->right, columns, count, "r", error));
    put(writer, " WHERE r.n = l.n");
    for (uint32_t i = 0; i < count; i++) {
        bool by_key = column_needs_key(&columns[i]);
        put(writer, " AND ");
        put_key_column(writer, "r", i, by_key, columns[i].type);
        put(writer, " IS NOT DISTINCT FROM ");
        put_key_column(writer, "l", i, by_key, columns[i].type);
    }
    put(writer, ")");
    return OK;
}

static Status write_union_by_key(Writer *writer, const BoundQuery *query,
                                 const RelationColumn *columns, Error *error)
{
    put_distinct_outputs(writer, columns, query->column_count);
    put(writer, " FROM (");
    TRY(write_branches(writer, query, columns, true, error));
    put(writer, ") AS s");
    put_distinct_keys(writer, columns, query->column_count);
    return OK;
}

static Status write_set(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                        Error *error)
{
    uint32_t count = query->column_count;
    bool by_key =
        any_needs_key(columns, count) && !(query->operation == SET_UNION && query->is_all);
    bool is_plain = query->order_count == 0 && query->limit == NULL && query->offset == NULL;
    if (query->with_ties)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "WITH TIES behind a set operation is not supported");
    if (is_plain && !by_key)
        return write_branches(writer, query, columns, query->is_all, error);
    put(writer, "SELECT * FROM (");
    if (!by_key)
        TRY(write_branches(writer, query, columns, query->is_all, error));
    else if (query->operation == SET_UNION)
        TRY(write_union_by_key(writer, query, columns, error));
    else
        TRY(write_set_by_key(writer, query, columns, error));
    put(writer, ") AS s");
    TRY(write_query_order(writer, query, "s", error));
    return write_limit(writer, query, error);
}

Status write_query(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                   Error *error)
{
    TRY(writer_down(writer, error));
    TRY(write_common(writer, query, error));
    switch (query->kind) {
    case QUERY_SELECT:
        TRY(write_select(writer, query, columns, error));
        break;
    case QUERY_VALUES_LIST:
        TRY(write_values(writer, query, columns, error));
        break;
    case QUERY_SET:
        TRY(write_set(writer, query, columns, error));
        break;
    }
    writer->depth--;
    return OK;
}
