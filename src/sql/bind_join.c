/* Joins: ON, USING, NATURAL, and the columns they show. */
#include "sql/binder_int.h"

typedef struct Join {
    const Node *node;
    JoinKind kind;
    FromItem *item;
    FromNames left;
    FromNames right;
    ScopeItem *left_top;
    ScopeItem *right_top;
    ScopeColumn *columns; /* what it shows: merged, left, right */
    uint32_t column_count;
    const Slice *merged; /* names in USING */
    uint32_t merged_count;
} Join;

static JoinKind join_kind(const Node *node)
{
    Slice type = node_text(node, "jointype");
    if (slice_equal_text(type, "JOIN_LEFT"))
        return JOIN_LEFT;
    if (slice_equal_text(type, "JOIN_RIGHT"))
        return JOIN_RIGHT;
    return slice_equal_text(type, "JOIN_FULL") ? JOIN_FULL : JOIN_INNER;
}

/* ---- the two sides ---- */

/* The left side can be seen by LATERAL on the right. */
static Status bind_right(Binder *binder, Scope *scope, Join *join, Error *error)
{
    uint32_t before = scope->item_count;
    bool lateral_ok = join->kind == JOIN_INNER || join->kind == JOIN_LEFT;
    for (uint32_t i = 0; i < join->left.count; i++) {
        join->left.items[i]->lateral_only = true;
        join->left.items[i]->lateral_ok = lateral_ok;
        TRY(scope_add(binder, scope, join->left.items[i], error));
    }
    TRY(bind_from_item(binder, scope, node_field(join->node, "rarg"), &join->item->right,
                       &join->right, error));
    scope->item_count = before;
    return OK;
}

static Status check_side_names(const Join *join, Error *error)
{
    Scope left = {.items = join->left.items, .item_count = join->left.count};
    return scope_check_names(&left, join->right.items, join->right.count, error);
}

static void mark_nullable(FromItem *item)
{
    if (item->relation != NULL) {
        item->relation->nullable = true;
        return;
    }
    mark_nullable(item->left);
    mark_nullable(item->right);
}

/* ---- USING ---- */

static Status find_using(const ScopeItem *side, Slice name, const char *side_name,
                         const ScopeColumn **out, Error *error)
{
    *out = NULL;
    for (uint32_t i = 0; i < side->column_count; i++) {
        if (!slice_equal(side->columns[i].name, name))
            continue;
        if (*out != NULL)
            return error_set(error, STATUS_AMBIGUOUS_COLUMN,
                             "common column name \"%.*s\" appears more than once in %s table",
                             SLICE_ARGUMENTS(name), side_name);
        *out = &side->columns[i];
    }
    if (*out != NULL)
        return OK;
    return error_set(error, STATUS_UNDEFINED_COLUMN,
                     "column \"%.*s\" specified in USING clause does not exist in %s table",
                     SLICE_ARGUMENTS(name), side_name);
}

/* The one column that USING shows for two: both as COALESCE in a FULL JOIN, else the side that is
 * always there. */
static Status merge_column(Binder *binder, const Join *join, const ScopeColumn *left,
                           const ScopeColumn *right, Bound **out, Error *error)
{
    Bound *sides[2];
    Type type;
    TRY(scope_column_value(binder, left, -1, &sides[0], error));
    TRY(scope_column_value(binder, right, -1, &sides[1], error));
    bool right_fits = sides[0]->type.kind != sides[1]->type.kind;
    TRY(common_type(sides, 2, "JOIN/USING", &type, error));
    bool prefer_right = join->kind == JOIN_RIGHT || (join->kind == JOIN_INNER && right_fits &&
                                                     sides[1]->type.kind == type.kind);
    TRY(coerce_all(binder, sides, 2, &type, "JOIN/USING", error));
    if (join->kind != JOIN_FULL) {
        *out = sides[prefer_right ? 1 : 0];
        return OK;
    }
    TRY(bound_new(binder, BOUND_COALESCE, type, -1, 2, out, error));
    (*out)->children[0] = sides[0];
    (*out)->children[1] = sides[1];
    bound_settle(*out);
    return OK;
}

static Status add_using(Binder *binder, Join *join, Slice name, Error *error)
{
    const ScopeColumn *left;
    const ScopeColumn *right;
    Bound *left_value;
    Bound *right_value;
    Bound *condition;
    TRY(find_using(join->left_top, name, "left", &left, error));
    TRY(find_using(join->right_top, name, "right", &right, error));
    ScopeColumn *column = &join->columns[join->column_count++];
    *column = (ScopeColumn){.name = name};
    TRY(merge_column(binder, join, left, right, &column->merged, error));
    TRY(scope_column_value(binder, left, -1, &left_value, error));
    TRY(scope_column_value(binder, right, -1, &right_value, error));
    TRY(bind_operator(binder, SLICE("="), left_value, right_value, -1, &condition, error));
    TRY(coerce_boolean(binder, condition, "JOIN/USING", &condition, error));
    return bound_and(binder, join->item->condition, condition, &join->item->condition, error);
}

static bool is_merged(const Join *join, Slice name)
{
    for (uint32_t i = 0; i < join->merged_count; i++) {
        if (slice_equal(join->merged[i], name))
            return true;
    }
    return false;
}

static bool has_column(const ScopeItem *side, Slice name)
{
    for (uint32_t i = 0; i < side->column_count; i++) {
        if (!side->columns[i].hidden && slice_equal(side->columns[i].name, name))
            return true;
    }
    return false;
}

/* USING's names, or those that both sides of a NATURAL JOIN have. */
static Status collect_merged(Binder *binder, Join *join, Error *error)
{
    const Node *list = node_field(join->node, "usingClause");
    uint32_t most = node_count(list) + join->left_top->column_count;
    Slice *names = ARENA_ARRAY(binder->arena, Slice, most);
    if (names == NULL)
        return arena_error(binder->arena, error);
    join->merged = names;
    for (uint32_t i = 0; i < node_count(list); i++) {
        Slice name = node_string(node_item(list, i));
        if (is_merged(join, name))
            return error_set(error, STATUS_DUPLICATE_COLUMN,
                             "column name \"%.*s\" appears more than once in USING clause",
                             SLICE_ARGUMENTS(name));
        names[join->merged_count++] = name;
    }
    const ScopeItem *left = join->left_top;
    for (uint32_t i = 0; node_boolean(join->node, "isNatural") && i < left->column_count; i++) {
        Slice name = left->columns[i].name;
        if (!left->columns[i].hidden && has_column(join->right_top, name) && !is_merged(join, name))
            names[join->merged_count++] = name;
    }
    return OK;
}

static void add_rest(Join *join, const ScopeItem *side)
{
    for (uint32_t i = 0; i < side->column_count; i++) {
        if (!is_merged(join, side->columns[i].name))
            join->columns[join->column_count++] = side->columns[i];
    }
}

static Status collect_columns(Binder *binder, Join *join, Error *error)
{
    uint32_t most =
        join->merged_count + join->left_top->column_count + join->right_top->column_count;
    join->columns = ARENA_ARRAY(binder->arena, ScopeColumn, most);
    if (join->columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < join->merged_count; i++)
        TRY(add_using(binder, join, join->merged[i], error));
    add_rest(join, join->left_top);
    add_rest(join, join->right_top);
    return OK;
}

/* ---- ON ---- */

/* ON sees what is joined and nothing beside it. */
static Status bind_on(Binder *binder, Scope *scope, Join *join, Error *error)
{
    const Node *condition = node_field(join->node, "quals");
    if (condition == NULL)
        return OK;
    ScopeItem **items = scope->items;
    uint32_t count = scope->item_count;
    uint32_t capacity = scope->item_capacity;
    scope->items = NULL;
    scope->item_count = scope->item_capacity = 0;
    for (uint32_t i = 0; i < join->left.count + join->right.count; i++) {
        ScopeItem *item =
            i < join->left.count ? join->left.items[i] : join->right.items[i - join->left.count];
        item->lateral_only = false;
        TRY(scope_add(binder, scope, item, error));
    }
    Bound *bound;
    TRY(bind_expression_in(binder, scope, CLAUSE_ON, condition, &bound, error));
    TRY(coerce_boolean(binder, bound, "JOIN/ON", &join->item->condition, error));
    scope->items = items;
    scope->item_count = count;
    scope->item_capacity = capacity;
    return OK;
}

/* ---- names ---- */

static Status rename_columns(const Node *alias, Join *join, Error *error)
{
    const Node *names = node_field(alias, "colnames");
    if (node_count(names) > join->column_count)
        return error_set(error, STATUS_SYNTAX_ERROR,
                         "column alias list for \"%.*s\" has too many entries",
                         SLICE_ARGUMENTS(node_text(alias, "aliasname")));
    uint32_t next = 0;
    for (uint32_t i = 0; i < join->column_count && next < node_count(names); i++) {
        if (!join->columns[i].hidden)
            join->columns[i].name = node_string(node_item(names, next++));
    }
    return OK;
}

/* All names below stay, but only the join's columns are found without a qualifier. */
static Status collect_names(Binder *binder, Join *join, FromNames *names, Error *error)
{
    const Node *alias = node_field(join->node, "alias");
    uint32_t count = join->left.count + join->right.count + 1;
    ScopeItem *own = ARENA_NEW(binder->arena, ScopeItem);
    names->items = ARENA_ARRAY(binder->arena, ScopeItem *, count);
    if (own == NULL || names->items == NULL)
        return arena_error(binder->arena, error);
    names->count = count;
    for (uint32_t i = 0; i + 1 < count; i++) {
        names->items[i] =
            i < join->left.count ? join->left.items[i] : join->right.items[i - join->left.count];
        names->items[i]->columns_visible = false;
        if (alias != NULL)
            names->items[i]->name_visible = false;
    }
    if (alias != NULL)
        TRY(rename_columns(alias, join, error));
    *own = (ScopeItem){.columns = join->columns,
                       .column_count = join->column_count,
                       .columns_visible = true,
                       .lateral_ok = true};
    if (alias != NULL) {
        own->name = node_text(alias, "aliasname");
        own->name_visible = true;
    }
    names->items[count - 1] = own;
    return OK;
}

Status bind_join(Binder *binder, Scope *scope, const Node *node, FromItem **out, FromNames *names,
                 Error *error)
{
    Join join = {.node = node, .kind = join_kind(node)};
    if (node_field(node, "join_using_alias") != NULL)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "an alias of USING columns is not supported");
    join.item = ARENA_NEW(binder->arena, FromItem);
    if (join.item == NULL)
        return arena_error(binder->arena, error);
    join.item->join = join.kind;
    TRY(bind_from_item(binder, scope, node_field(node, "larg"), &join.item->left, &join.left,
                       error));
    TRY(bind_right(binder, scope, &join, error));
    TRY(check_side_names(&join, error));
    join.left_top = join.left.items[join.left.count - 1];
    join.right_top = join.right.items[join.right.count - 1];
    if (join.kind == JOIN_LEFT || join.kind == JOIN_FULL)
        mark_nullable(join.item->right);
    if (join.kind == JOIN_RIGHT || join.kind == JOIN_FULL)
        mark_nullable(join.item->left);
    TRY(collect_merged(binder, &join, error));
    TRY(collect_columns(binder, &join, error));
    TRY(bind_on(binder, scope, &join, error));
    *out = join.item;
    return collect_names(binder, &join, names, error);
}
