/* vector_search('ns.t', 'col', query, k): the key columns of the nearest rows and their _distance,
 * nearest first. It is SELECT keys, cosine_distance(col, query) AS _distance FROM ns.t
 * ORDER BY 2 LIMIT k, made here instead of parsed. */
#include "sql/binder_int.h"

typedef struct VectorSearch {
    Slice namespace_name;
    Slice table;
    Slice column;
    Bound *query;
    Bound *limit;
    int32_t position;
} VectorSearch;

static Status text_argument(const Node *node, const char *what, Slice *out, Error *error)
{
    const Node *text = node_field(node, "sval");
    if (text == NULL)
        return error_set_at(error, node_location(node), STATUS_INVALID_PARAMETER_VALUE,
                            "vector_search: the %s must be a text literal", what);
    *out = node_text(text, "sval");
    return OK;
}

static Status read_arguments(Binder *binder, Scope *scope, const Node *call, VectorSearch *out,
                             Error *error)
{
    const Node *arguments = node_field(call, "args");
    Slice name;
    out->position = node_location(call);
    if (node_count(arguments) != 4)
        return error_set_at(error, out->position, STATUS_UNDEFINED_FUNCTION,
                            "vector_search takes four arguments: vector_search('ns.t', 'column', "
                            "query, k)");
    TRY(text_argument(node_item(arguments, 0), "table", &name, error));
    TRY(text_argument(node_item(arguments, 1), "column", &out->column, error));
    size_t dot = slice_find(name, '.');
    bool qualified = dot < name.size;
    out->namespace_name = qualified ? slice_part(name, 0, dot) : binder->context->namespace_name;
    out->table = qualified ? slice_part(name, dot + 1, name.size) : name;
    TRY(bind_expression_in(binder, scope, CLAUSE_FROM_FUNCTION, node_item(arguments, 2),
                           &out->query, error));
    TRY(bind_expression_in(binder, scope, CLAUSE_LIMIT, node_item(arguments, 3), &out->limit,
                           error));
    TRY(coerce_to(binder, out->limit, TYPE(BIGINT), "vector_search", &out->limit, error));
    if (bound_reads_columns(out->limit))
        return error_set_at(error, out->limit->position_byte, STATUS_INVALID_COLUMN_REFERENCE,
                            "argument of vector_search must not contain variables");
    return OK;
}

static Status find_table(Binder *binder, const VectorSearch *search, const CatalogTable **out,
                         Error *error)
{
    if (search->namespace_name.size == 0)
        return error_set_at(error, search->position, STATUS_INVALID_SCHEMA_NAME,
                            "no namespace: write ns.%.*s or USE ns",
                            SLICE_ARGUMENTS(search->table));
    *out = catalog_find_table(binder->context->snapshot, search->namespace_name, search->table);
    if (*out != NULL)
        return bind_allow_table(binder->context, *out, error);
    return error_set_at(error, search->position, STATUS_UNDEFINED_TABLE,
                        "relation \"%.*s.%.*s\" does not exist",
                        SLICE_ARGUMENTS(search->namespace_name), SLICE_ARGUMENTS(search->table));
}

static Status make_distance(Binder *binder, const VectorSearch *search, Relation *relation,
                            Bound **out, Error *error)
{
    int32_t column = schema_find(relation->schema, search->column);
    if (column < 0)
        return error_set_at(error, search->position, STATUS_UNDEFINED_COLUMN,
                            "column \"%.*s\" does not exist", SLICE_ARGUMENTS(search->column));
    if (relation->columns[column].type.kind != TYPE_VECTOR)
        return error_set_at(error, search->position, STATUS_DATATYPE_MISMATCH,
                            "column \"%.*s\" is not a vector", SLICE_ARGUMENTS(search->column));
    Bound *arguments[2];
    Resolution resolution;
    TRY(bound_column(binder, relation, (uint32_t)column, search->position, &arguments[0], error));
    arguments[1] = search->query;
    TRY(resolve_function(SLICE("cosine_distance"), arguments, 2, search->position, &resolution,
                         error));
    return call_make(binder, &resolution, arguments, 2, search->position, out, error);
}

/* The vectors that are NULL are near to nothing. */
static Status make_query(Binder *binder, Scope *scope, const VectorSearch *search,
                         const CatalogTable *table, BoundQuery **out, Error *error)
{
    BoundQuery *query;
    Bound *distance;
    Bound *copy;
    TRY(query_new(binder, scope, QUERY_SELECT, &query, error));
    FromItem *item = ARENA_NEW(binder->arena, FromItem);
    query->from = ARENA_ARRAY(binder->arena, FromItem *, 1);
    query->order = ARENA_ARRAY(binder->arena, BoundOrder, 1);
    if (item == NULL || query->from == NULL || query->order == NULL)
        return arena_error(binder->arena, error);
    query->from[0] = item;
    query->from_count = 1;
    TRY(relation_of_table(binder, query->depth, table, NULL, search->position, &item->relation,
                          error));
    const Schema *schema = item->relation->schema;
    for (uint32_t k = 0; k < schema->key_count; k++) {
        Bound *key;
        TRY(bound_column(binder, item->relation, schema->key_columns[k], search->position, &key,
                         error));
        TRY(query_add_target(binder, query, schema->columns[schema->key_columns[k]].name, key,
                             error));
    }
    TRY(make_distance(binder, search, item->relation, &distance, error));
    TRY(query_add_target(binder, query, SLICE("_distance"), distance, error));
    query->visible_count = query->target_count;
    TRY(bound_clone(binder, distance, &copy, error));
    TRY(bound_unary(binder, BOUND_IS_NULL, TYPE(BOOLEAN), copy, search->position, &query->where,
                    error));
    query->where->negated = true;
    query->order[0].target = query->visible_count - 1;
    query->order_count = 1;
    query->limit = search->limit;
    *out = query;
    return query_settle_columns(binder, query, error);
}

Status bind_vector_search(Binder *binder, Scope *scope, const Node *node, Relation **out,
                          Error *error)
{
    const Node *call = node_item(node_item(node_field(node, "functions"), 0), 0);
    const Node *alias = node_field(node, "alias");
    const CatalogTable *table;
    VectorSearch search = {.position = -1};
    Relation *relation;
    bool before = scope->lateral_active;
    scope->lateral_active = true;
    Status status = read_arguments(binder, scope, call, &search, error);
    scope->lateral_active = before;
    TRY(status);
    if (node_boolean(node, "ordinality"))
        return error_set_at(error, search.position, STATUS_FEATURE_NOT_SUPPORTED,
                            "WITH ORDINALITY of vector_search is not supported");
    TRY(find_table(binder, &search, &table, error));
    TRY(relation_new(binder, RELATION_QUERY, scope->query->depth, search.position, &relation,
                     error));
    TRY(make_query(binder, scope, &search, table, &relation->query, error));
    relation->columns = relation->query->columns;
    relation->column_count = relation->query->column_count;
    relation->alias = SLICE("vector_search");
    relation->lateral = true;
    *out = relation;
    return relation_rename(binder, relation, alias, error);
}
