/* WITH, also recursive. */
#include "sql/binder_int.h"

/* ---- does the query read its own name? ---- */

static bool reads_name(const Node *node, Slice name, uint32_t depth)
{
    if (node == NULL || depth > SQL_TREE_DEPTH_MAX)
        return false;
    if (node_is(node, "RangeVar") && node_text(node, "schemaname").size == 0 &&
        slice_equal(node_text(node, "relname"), name))
        return true;
    for (uint32_t i = 0; i < node->count; i++) {
        if ((node->kind == JSON_OBJECT || node->kind == JSON_ARRAY) &&
            reads_name(&node->children[i], name, depth + 1))
            return true;
    }
    return false;
}

/* ---- columns ---- */

/* The query's columns under the names of WITH a(x, y). */
static Status name_columns(Binder *binder, CommonTable *table, const Node *node,
                           const BoundQuery *query, Error *error)
{
    const Node *names = node_field(node, "aliascolnames");
    if (node_count(names) > query->column_count)
        return error_set_at(error, node_location(node), STATUS_INVALID_COLUMN_REFERENCE,
                            "WITH query \"%.*s\" has %u columns available but %u columns "
                            "specified",
                            SLICE_ARGUMENTS(table->name), query->column_count, node_count(names));
    table->column_count = query->column_count;
    table->columns = ARENA_ARRAY(binder->arena, RelationColumn, query->column_count);
    if (table->columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < query->column_count; i++) {
        table->columns[i] = query->columns[i];
        if (i < node_count(names))
            table->columns[i].name = node_string(node_item(names, i));
    }
    return OK;
}

/* ---- recursion ---- */

static Status error_recursion(const CommonTable *table, const char *why, Error *error)
{
    return error_set(error, STATUS_INVALID_RECURSION,
                     "recursive reference to query \"%.*s\" must not appear %s",
                     SLICE_ARGUMENTS(table->name), why);
}

static bool item_reads(const FromItem *item, const CommonTable *table, bool *in_outer_join)
{
    if (item->relation != NULL) {
        if (item->relation->kind != RELATION_COMMON || item->relation->common != table)
            return false;
        *in_outer_join = item->relation->nullable;
        return true;
    }
    return item_reads(item->left, table, in_outer_join) ||
           item_reads(item->right, table, in_outer_join);
}

/* The recursive term may read the table once, at its own level, ungrouped. */
static Status check_recursive_term(const BoundQuery *term, const CommonTable *table, Error *error)
{
    bool in_outer_join = false;
    bool direct = false;
    for (uint32_t i = 0; term->kind == QUERY_SELECT && i < term->from_count; i++)
        direct = direct || item_reads(term->from[i], table, &in_outer_join);
    if (table->uses > 1)
        return error_recursion(table, "more than once", error);
    if (!direct)
        return error_recursion(table, "within a subquery", error);
    if (in_outer_join)
        return error_recursion(table, "within an outer join", error);
    if (term->is_grouped)
        return error_set(error, STATUS_INVALID_RECURSION,
                         "aggregate functions are not allowed in a recursive query's recursive "
                         "term");
    return OK;
}

/* The rows that are there at first say what the columns are. */
static Status check_column_types(const CommonTable *table, const BoundQuery *query, Error *error)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        Type type;
        Bound left = {.type = query->left->columns[i].type, .position_byte = -1};
        Bound right = {.type = query->right->columns[i].type, .position_byte = -1};
        Bound *both[2] = {&left, &right};
        TRY(common_type(both, 2, "UNION", &type, error));
        if (type.kind == left.type.kind && type.element == left.type.element)
            continue;
        char has[TYPE_NAME_BYTES_MAX];
        char overall[TYPE_NAME_BYTES_MAX];
        type_postgres_name(type_plain(left.type), has);
        type_postgres_name(type, overall);
        error_set(error, STATUS_DATATYPE_MISMATCH,
                  "recursive query \"%.*s\" column %u has type %s in non-recursive term but type "
                  "%s overall",
                  SLICE_ARGUMENTS(table->name), i + 1, has, overall);
        error_set_hint(error, "Cast the output of the non-recursive term to the correct type.");
        return error->status;
    }
    return OK;
}

static Status refuse_in_recursion(const Node *select, Error *error)
{
    static const struct {
        const char *field;
        const char *name;
    } PARTS[] = {{"sortClause", "ORDER BY"},
                 {"limitOffset", "OFFSET"},
                 {"limitCount", "LIMIT"},
                 {"lockingClause", "FOR UPDATE/SHARE"}};
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (node_field(select, PARTS[i].field) != NULL)
            return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                             "%s in a recursive query is not implemented", PARTS[i].name);
    }
    return OK;
}

/* The table's columns while the recursive term is bound: numbers keep their own scales. */
static void open_numbers(CommonTable *table, BoundQuery *left)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].type.kind != TYPE_DECIMAL)
            continue;
        table->columns[i].type = TYPE(DECIMAL);
        table->columns[i].scale = SCALE_VARIES;
        left->columns[i].type = TYPE(DECIMAL);
    }
}

typedef struct CommonBinding {
    const Node *node; /* CommonTableExpr */
    CommonTable *table;
    CommonScope *own; /* with the table itself in front */
} CommonBinding;

static Status bind_recursive(Binder *binder, Scope *parent, CommonBinding *binding, Error *error)
{
    CommonTable *table = binding->table;
    const Node *select = node_field(binding->node, "ctequery");
    BoundQuery *query;
    TRY(refuse_in_recursion(select, error));
    if (reads_name(node_field(select, "larg"), table->name, 0))
        return error_recursion(table, "within its non-recursive term", error);
    TRY(query_new(binder, parent, QUERY_SET, &query, error));
    query->operation = SET_UNION;
    query->is_all = node_boolean(select, "all");
    TRY(bind_query(binder, parent, binding->own->outer, node_field(select, "larg"), false,
                   &query->left, error));
    TRY(name_columns(binder, table, binding->node, query->left, error));
    open_numbers(table, query->left);
    TRY(bind_query(binder, parent, binding->own, node_field(select, "rarg"), true, &query->right,
                   error));
    if (query->left->column_count != query->right->column_count)
        return error_set(error, STATUS_SYNTAX_ERROR,
                         "each UNION query must have the same number of columns");
    TRY(check_recursive_term(query->right, table, error));
    TRY(check_column_types(table, query, error));
    Type *types = ARENA_ARRAY(binder->arena, Type, table->column_count);
    if (types == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < table->column_count; i++)
        types[i] = table->columns[i].type;
    TRY(query_coerce(binder, &query->right, types, error));
    query->columns = table->columns;
    query->column_count = table->column_count;
    table->query = query;
    table->recursive = true;
    return OK;
}

/* ---- the clause ---- */

static bool is_recursive(const Node *node, Slice name)
{
    const Node *select = node_field(node, "ctequery");
    return slice_equal_text(node_text(select, "op"), "SETOP_UNION") && reads_name(select, name, 0);
}

static Status bind_common(Binder *binder, Scope *parent, CommonBinding *binding, bool recursive,
                          Error *error)
{
    CommonTable *table = binding->table;
    const Node *query = node_field(binding->node, "ctequery");
    if (!node_is(query, "SelectStmt"))
        return error_set_at(error, node_location(binding->node), STATUS_FEATURE_NOT_SUPPORTED,
                            "data-modifying statements in WITH are not supported");
    if (node_field(binding->node, "search_clause") != NULL ||
        node_field(binding->node, "cycle_clause") != NULL)
        return error_set_at(error, node_location(binding->node), STATUS_FEATURE_NOT_SUPPORTED,
                            "SEARCH and CYCLE are not supported");
    if (recursive && is_recursive(binding->node, table->name))
        return bind_recursive(binder, parent, binding, error);
    TRY(bind_query(binder, parent, binding->own->outer, query, false, &table->query, error));
    return name_columns(binder, table, binding->node, table->query, error);
}

static Status new_common(Binder *binder, const Node *node, CommonTable **out, Error *error)
{
    CommonTable *table = ARENA_NEW(binder->arena, CommonTable);
    if (table == NULL)
        return arena_error(binder->arena, error);
    Slice materialized = node_text(node, "ctematerialized");
    table->name = node_text(node, "ctename");
    table->number = binder->common_count++;
    table->is_materialized = slice_equal_text(materialized, "CTEMaterializeAlways");
    table->is_not_materialized = slice_equal_text(materialized, "CTEMaterializeNever");
    *out = table;
    return OK;
}

static Status check_new_name(const BoundQuery *query, const Node *node, Error *error)
{
    Slice name = node_text(node, "ctename");
    for (uint32_t i = 0; i < query->common_count; i++) {
        if (slice_equal(query->common[i]->name, name))
            return error_set_at(error, node_location(node), STATUS_DUPLICATE_ALIAS,
                                "WITH query name \"%.*s\" specified more than once",
                                SLICE_ARGUMENTS(name));
    }
    return OK;
}

Status bind_with(Binder *binder, Scope *parent, const Node *clause, BoundQuery *query,
                 CommonScope **common, Error *error)
{
    const Node *list = node_field(clause, "ctes");
    bool recursive = node_boolean(clause, "recursive");
    query->common = ARENA_ARRAY(binder->arena, CommonTable *, node_count(list));
    if (query->common == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *node = node_item(list, i);
        CommonScope *own = ARENA_NEW(binder->arena, CommonScope);
        if (own == NULL)
            return arena_error(binder->arena, error);
        CommonBinding binding = {.node = node, .own = own};
        TRY(check_new_name(query, node, error));
        TRY(new_common(binder, node, &binding.table, error));
        *own = (CommonScope){.table = binding.table, .outer = *common};
        TRY(bind_common(binder, parent, &binding, recursive, error));
        query->common[query->common_count++] = binding.table;
        query->is_recursive = query->is_recursive || binding.table->recursive;
        *common = own;
    }
    return OK;
}
