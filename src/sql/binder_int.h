/* What the files of the binder share: the statement being bound, scopes of names, coercion and
 * resolution. */
#ifndef FIRN_SQL_BINDER_INT_H
#define FIRN_SQL_BINDER_INT_H

#include "base/assert.h"
#include "sql/bind.h"
#include "sql/bound.h"

/* The clause an expression stands in: what may be called there, and how messages say it. */
typedef enum Clause {
    CLAUSE_SELECT,
    CLAUSE_WHERE,
    CLAUSE_ON,
    CLAUSE_FROM_FUNCTION,
    CLAUSE_GROUP_BY,
    CLAUSE_HAVING,
    CLAUSE_FILTER,
    CLAUSE_ORDER_BY,
    CLAUSE_DISTINCT_ON,
    CLAUSE_LIMIT,
    CLAUSE_OFFSET,
    CLAUSE_VALUES,
    CLAUSE_WINDOW,
    CLAUSE_WINDOW_FRAME,
    CLAUSE_RETURNING,
    CLAUSE_UPDATE_SET,
    CLAUSE_CHECK,
    CLAUSE_DEFAULT,
    CLAUSE_COUNT
} Clause;

/* One column that a name can mean: of a relation, or merged by JOIN USING. */
typedef struct ScopeColumn {
    Slice name;
    Relation *relation;
    uint32_t index;
    Bound *merged; /* instead of relation and index */
    bool hidden;
} ScopeColumn;

/* One entry of FROM as names see it. */
typedef struct ScopeItem {
    Slice name; /* empty: none */
    Slice namespace_name;
    Relation *relation; /* NULL: a join */
    ScopeColumn *columns;
    uint32_t column_count;
    bool columns_visible; /* without a qualifier */
    bool name_visible;
    bool lateral_only; /* stands to the left of what is being bound: LATERAL only */
    bool lateral_ok;   /* … and may be read so (not behind RIGHT or FULL JOIN) */
} ScopeItem;

/* Names of WITH, innermost first. */
typedef struct CommonScope {
    CommonTable *table;
    struct CommonScope *outer;
} CommonScope;

typedef struct Scope Scope;

struct Scope {
    Scope *parent; /* the query around this one */
    BoundQuery *query;
    ScopeItem **items;
    uint32_t item_count;
    uint32_t item_capacity;
    CommonScope *common;
    Clause clause;
    bool lateral_active;      /* what is being bound may see items that are lateral_only */
    uint32_t aggregate_depth; /* inside the arguments of so many aggregates */
    uint32_t window_depth;    /* inside the arguments of a window function */
    Relation *excluded;       /* ON CONFLICT DO UPDATE */
};

typedef struct Binder {
    BindContext *context;
    Arena *arena;   /* of the bound tree, which ends with the binding */
    Arena *kept;    /* the plan's: what the result points to */
    uint32_t depth; /* of the recursion */
    uint32_t node_count;
    uint32_t relation_count;
    uint32_t query_count;
    uint32_t common_count;
    BoundReference *references;
    uint32_t reference_count;
    uint32_t reference_capacity;
} Binder;

void binder_open(Binder *binder, BindContext *context, Arena *scratch);

/* One level deeper; STATEMENT_TOO_COMPLEX at BIND_DEPTH_MAX. Each call is undone by binder_up. */
CHECKED Status binder_down(Binder *binder, int32_t position, Error *error);

static inline void binder_up(Binder *binder)
{
    binder->depth--;
}

/* ---- memory ---- */

/* Makes room for one more item in an arena's array. */
CHECKED Status list_grow(Arena *arena, void **items, uint32_t count, uint32_t *capacity,
                         size_t item_size, Error *error);

CHECKED Status bound_list_add(Arena *arena, BoundList *list, Bound *bound, Error *error);

/* ---- nodes (node.c) ---- */

CHECKED Status bound_new(Binder *binder, BoundKind kind, Type type, int32_t position,
                         uint32_t child_count, Bound **out, Error *error);
/* The blanks of a CHAR(n) where the function shows them (blanks.c); *padded where the value itself
 * became TEXT by that. Arrays cannot show them. */
CHECKED Status blanks_show(Binder *binder, const CatalogueFunction *function, uint32_t argument,
                           Bound **place, bool *padded, Error *error);
CHECKED Status blanks_refuse_array(Type element, int32_t position, Error *error);

/* Where the expression's leftmost part stands. */
int32_t bound_begin(const Bound *bound);
CHECKED Status bound_constant(Binder *binder, Type type, Value value, int32_t position, Bound **out,
                              Error *error);
CHECKED Status bound_boolean(Binder *binder, bool value, int32_t position, Bound **out,
                             Error *error);
CHECKED Status bound_column(Binder *binder, Relation *relation, uint32_t column, int32_t position,
                            Bound **out, Error *error);

/* AND or OR of two; NULL stands for true in an AND. Chains are kept flat. */
CHECKED Status bound_and(Binder *binder, Bound *left, Bound *right, Bound **out, Error *error);
CHECKED Status bound_compare(Binder *binder, CompareOperator operation, Bound *left, Bound *right,
                             int32_t position, Bound **out, Error *error);
CHECKED Status bound_unary(Binder *binder, BoundKind kind, Type type, Bound *child,
                           int32_t position, Bound **out, Error *error);

/* A deep copy (merged columns and defaults stand in several places). Subqueries are shared. */
CHECKED Status bound_clone(Binder *binder, const Bound *bound, Bound **out, Error *error);

/* Settles scale and precision of a number, and the width of a CHAR, from the children. Every
 * constructor ends with it. */
void bound_settle(Bound *bound);

/* The same for a column that has these values, one for each row or branch. */
void column_settle(RelationColumn *column, Bound *const *values, uint32_t count);

/* ---- types and coercion (coerce.c, cast_path.c) ---- */

typedef enum CastMethod {
    CAST_NONE,    /* there is no such cast */
    CAST_SAME,    /* nothing to do */
    CAST_CALL,    /* converts */
    CAST_BY_TEXT, /* through the text form */
} CastMethod;

/* How PostgreSQL casts between the kinds in this context. */
CastMethod cast_find(Type from, Type to, enum CastContext context);

typedef enum TypeCategory {
    CATEGORY_UNKNOWN,
    CATEGORY_BOOLEAN,
    CATEGORY_NUMBER,
    CATEGORY_TEXT,
    CATEGORY_TIME,
    CATEGORY_SPAN,
    CATEGORY_ARRAY,
    CATEGORY_OTHER,
} TypeCategory;

TypeCategory type_category(Type type);
bool type_is_preferred(Type type);

/* The type without modifiers. */
Type type_plain(Type type);

/* Can values of it (an unknown literal always) become the other type? */
bool coerce_is_possible(const Bound *bound, Type to, enum CastContext context);

/* Makes it the type, without its modifiers unless they are given; the caller knows that it can.
 * Unknown literals are read, parameters get the type. */
CHECKED Status coerce(Binder *binder, Bound *bound, Type to, enum CastContext context,
                      int32_t position, Bound **out, Error *error);

/* A written or assigned cast: the type with its modifiers; CANNOT_COERCE where there is none. */
CHECKED Status coerce_explicit(Binder *binder, Bound *bound, Type to, int32_t position, Bound **out,
                               Error *error);

/* Into a column: 42804 "column \"a\" is of type integer but expression is of type text". */
CHECKED Status coerce_assignment(Binder *binder, Bound *bound, Type to, Slice column, Bound **out,
                                 Error *error);

/* 42804: "argument of WHERE must be type boolean, not type integer". */
CHECKED Status coerce_boolean(Binder *binder, Bound *bound, const char *what, Bound **out,
                              Error *error);

/* "argument of LIMIT must be type bigint, not type …". */
CHECKED Status coerce_to(Binder *binder, Bound *bound, Type to, const char *what, Bound **out,
                         Error *error);

/* One type for all, as UNION, CASE and VALUES choose it: 42804 "UNION types integer and date
 * cannot be matched". `what` NULL: no error, TYPE_UNKNOWN where there is none. */
CHECKED Status common_type(Bound *const *items, uint32_t count, const char *what, Type *out,
                           Error *error);

/* Makes them all that type; `type` gets the modifiers that all share. */
CHECKED Status coerce_all(Binder *binder, Bound **items, uint32_t count, Type *type,
                          const char *what, Error *error);

/* What is still unknown becomes text. */
CHECKED Status coerce_unknown_to_text(Binder *binder, Bound **place, Error *error);

/* ---- resolution (resolve.c, polymorphic.c) ---- */

typedef struct Resolution {
    const CatalogueFunction *function;
    Type arguments[CALL_ARGUMENTS_MAX]; /* what each is coerced to */
    Type result;
} Resolution;

/* 42883, 42725 with PostgreSQL's texts. */
CHECKED Status resolve_function(Slice name, Bound *const *arguments, uint32_t count,
                                int32_t position, Resolution *out, Error *error);
CHECKED Status resolve_operator(Slice name, Bound *left, Bound *right, int32_t position,
                                Resolution *out, Error *error);

/* Does the entry take so many arguments? */
bool overload_takes(const CatalogueFunction *function, uint32_t count);
ArgumentType overload_argument(const CatalogueFunction *function, uint32_t i);

/* Fills in the types behind polymorphic arguments; false where they do not fit. */
bool polymorphic_settle(const CatalogueFunction *function, Bound *const *arguments, uint32_t count,
                        Resolution *out);

/* Can these arguments be coerced implicitly to the entry's (before polymorphism)? */
bool overload_accepts(const CatalogueFunction *function, Bound *const *arguments, uint32_t count);

/* Coerces the arguments and makes the call; operators of comparison become BOUND_COMPARE. */
CHECKED Status call_make(Binder *binder, const Resolution *resolution, Bound **arguments,
                         uint32_t count, int32_t position, Bound **out, Error *error);

/* An operator between two bound sides (left NULL: a prefix operator). */
CHECKED Status bind_operator(Binder *binder, Slice name, Bound *left, Bound *right,
                             int32_t position, Bound **out, Error *error);

/* ---- expressions (bind_expression.c and its siblings) ---- */

CHECKED Status bind_expression(Binder *binder, Scope *scope, const Node *node, Bound **out,
                               Error *error);

/* The same in another clause than the scope's. */
CHECKED Status bind_expression_in(Binder *binder, Scope *scope, Clause clause, const Node *node,
                                  Bound **out, Error *error);

CHECKED Status bind_expressions(Binder *binder, Scope *scope, const Node *list, Bound ***out,
                                uint32_t *count, Error *error);

CHECKED Status bind_column_reference(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                     Error *error);
CHECKED Status bind_constant(Binder *binder, const Node *node, Bound **out, Error *error);
CHECKED Status bind_operator_expression(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                        Error *error);
CHECKED Status bind_in_list(Binder *binder, Scope *scope, const Node *node, Bound **out,
                            Error *error);
CHECKED Status bind_quantified_array(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                     Error *error);

/* The comparison of operand 0 (like `left`) with operand 1 (an element or column like `right`). */
CHECKED Status make_test(Binder *binder, const Resolution *resolution, const Bound *left,
                         const Bound *right, int32_t position, Bound **out, Error *error);
CHECKED Status bind_case(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error);
CHECKED Status bind_call(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error);
CHECKED Status bind_aggregate_call(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                   Error *error);
CHECKED Status bind_window_call(Binder *binder, Scope *scope, const Node *node, Slice name,
                                Bound **out, Error *error);

/* FILTER (WHERE …) of a call; *out NULL where there is none. */
CHECKED Status bind_filter(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error);

/* Puts an aggregate (or GROUPING) among the query's; *out stands for its result. */
CHECKED Status aggregate_add(Binder *binder, BoundQuery *query, Bound *node, Bound **out,
                             Error *error);

/* DISTINCT, GROUP BY, PARTITION BY of json: 42883. */
CHECKED Status check_equality_operator(Type type, int32_t position, Error *error);

/* 0A000 where an argument is a row. */
CHECKED Status call_refuse_rows(Slice name, Bound *const *arguments, uint32_t count,
                                int32_t position, Error *error);

/* row_to_json, to_json and to_jsonb of a row. */
CHECKED Status bind_row_to_json(Binder *binder, Slice name, Bound *row, int32_t position,
                                Bound **out, Error *error);
CHECKED Status bind_subquery_expression(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                        Error *error);
CHECKED Status bind_array(Binder *binder, Scope *scope, const Node *node, Bound **out,
                          Error *error);

/* ARRAY[…]::type: the elements are read as the type's. */
CHECKED Status bind_array_as(Binder *binder, Scope *scope, const Node *node, Type type, Bound **out,
                             Error *error);
CHECKED Status bind_indirection(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                Error *error);
CHECKED Status bind_session_value(Binder *binder, const Node *node, Bound **out, Error *error);
CHECKED Status bind_grouping_call(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                  Error *error);

/* Comparison of two rows, column by column. */
CHECKED Status bind_row_comparison(Binder *binder, Slice name, Bound *left, Bound *right,
                                   int32_t position, Bound **out, Error *error);

/* "aggregate functions" are not allowed in …: 42803. */
CHECKED Status clause_allows_aggregate(Clause clause, int32_t position, Error *error);
CHECKED Status clause_allows_window(Clause clause, int32_t position, Error *error);
CHECKED Status clause_allows_set(Clause clause, int32_t position, Error *error);
const char *clause_name(Clause clause);

/* ---- queries ---- */

/* `keep_unknown` leaves untyped literals among the outputs to the caller (INSERT … SELECT, set
 * operations); else they become text. */
CHECKED Status bind_query(Binder *binder, Scope *parent, CommonScope *common, const Node *node,
                          bool keep_unknown, BoundQuery **out, Error *error);
CHECKED Status bind_with(Binder *binder, Scope *parent, const Node *clause, BoundQuery *query,
                         CommonScope **common, Error *error);
CHECKED Status bind_from_clause(Binder *binder, Scope *scope, const Node *list, Error *error);

/* What one element of FROM brings: the last name is that of the whole. */
typedef struct FromNames {
    ScopeItem **items;
    uint32_t count;
} FromNames;

CHECKED Status bind_from_item(Binder *binder, Scope *scope, const Node *node, FromItem **out,
                              FromNames *names, Error *error);
CHECKED Status bind_join(Binder *binder, Scope *scope, const Node *node, FromItem **out,
                         FromNames *names, Error *error);
CHECKED Status bind_function_reference(Binder *binder, Scope *scope, const Node *node,
                                       Relation **out, Error *error);
/* The type of a TypeName without its modifiers. */
CHECKED Status bind_plain_type_name(const Node *type_name, Type *out, Error *error);
CHECKED Status bind_unnest(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error);
CHECKED Status bind_vector_search(Binder *binder, Scope *scope, const Node *node, Relation **out,
                                  Error *error);
CHECKED Status bind_targets(Binder *binder, Scope *scope, const Node *list, Error *error);
CHECKED Status bind_group_clause(Binder *binder, Scope *scope, const Node *list, Error *error);
CHECKED Status bind_order_clause(Binder *binder, Scope *scope, const Node *list, Error *error);
CHECKED Status bind_set_order(Binder *binder, BoundQuery *query, const Node *list, Error *error);

/* The target that an expression of ORDER BY, GROUP BY or DISTINCT ON names by its position or its
 * output name, or that is equal to it; a new hidden one where there is none. */
CHECKED Status find_target(Binder *binder, Scope *scope, const Node *node, Clause clause,
                           uint32_t *out, Error *error);
CHECKED Status bind_distinct_clause(Binder *binder, Scope *scope, const Node *list, Error *error);
CHECKED Status bind_limit_clause(Binder *binder, Scope *scope, const Node *select, Error *error);
CHECKED Status bind_window_clause(Binder *binder, Scope *scope, const Node *list, Error *error);
CHECKED Status bind_window_definition(Binder *binder, Scope *scope, const Node *node,
                                      WindowDefinition **out, Error *error);
CHECKED Status bind_sort_key(Binder *binder, const Node *sort, Bound *value, BoundOrder *out,
                             Error *error);
CHECKED Status bind_set_operation(Binder *binder, Scope *scope, const Node *node, BoundQuery *query,
                                  bool keep_unknown, Error *error);
CHECKED Status bind_values(Binder *binder, Scope *scope, const Node *node, BoundQuery *query,
                           bool keep_unknown, Error *error);

/* After everything is bound: grouped columns become keys, aggregates results; 42803 for the rest.
 */
CHECKED Status group_settle(Binder *binder, BoundQuery *query, Error *error);

/* What the query gives, from its visible targets. */
CHECKED Status query_settle_columns(Binder *binder, BoundQuery *query, Error *error);

CHECKED Status values_settle_columns(Binder *binder, BoundQuery *query, Error *error);

/* Makes the outputs these types (with casts around or in the query); `*query` may change. */
CHECKED Status query_coerce(Binder *binder, BoundQuery **query, const Type *types, Error *error);

/* SELECT … FROM (inner), without targets yet; `relation` is the inner query in it. */
CHECKED Status query_wrap(Binder *binder, BoundQuery *inner, BoundQuery **out, Relation **relation,
                          Error *error);

/* A scalar subquery of one of a query's columns. */
CHECKED Status subquery_of_column(Binder *binder, BoundQuery *query, uint32_t column,
                                  int32_t position, Bound **out, Error *error);

/* An empty query, one level below `parent`. */
CHECKED Status query_new(Binder *binder, const Scope *parent, QueryKind kind, BoundQuery **out,
                         Error *error);

/* Adds a target; hidden ones come behind the visible ones. */
CHECKED Status query_add_target(Binder *binder, BoundQuery *query, Slice name, Bound *value,
                                Error *error);

/* The name PostgreSQL gives a column that has none (FigureColname). */
Slice target_name(const Node *value);

/* ---- names (scope.c) ---- */

CHECKED Status scope_add(Binder *binder, Scope *scope, ScopeItem *item, Error *error);
CHECKED Status scope_item_of(Binder *binder, Relation *relation, ScopeItem **out, Error *error);

/* Two visible entries of one name: 42712. */
CHECKED Status scope_check_names(const Scope *scope, ScopeItem *const *items, uint32_t count,
                                 Error *error);

/* The entry of this name, here or in queries around; NULL where there is none. Ambiguity is
 * 42P09-like: 42702. */
CHECKED Status scope_find_item(Scope *scope, Slice namespace_name, Slice name, int32_t position,
                               ScopeItem **out, Error *error);

/* The visible column, here or in queries around; *out NULL where there is none. */
CHECKED Status scope_find_column(Binder *binder, Scope *scope, Slice name, int32_t position,
                                 Bound **out, Error *error);

/* A column of one entry; *out NULL where there is none. */
CHECKED Status scope_item_column(Binder *binder, ScopeItem *item, Slice name, int32_t position,
                                 Bound **out, Error *error);
CHECKED Status scope_column_value(Binder *binder, const ScopeColumn *column, int32_t position,
                                  Bound **out, Error *error);

Status scope_error_ambiguous(Slice name, int32_t position, Error *error);

/* 42P01 "missing FROM-clause entry for table …". */
Status scope_error_no_item(const Scope *scope, Slice name, int32_t position, Error *error);
Status scope_error_no_column(const Scope *scope, Slice qualifier, Slice name, int32_t position,
                             Error *error);

/* ---- relations (relation.c) ---- */

CHECKED Status relation_new(Binder *binder, RelationKind kind, uint32_t depth, int32_t position,
                            Relation **out, Error *error);

/* A reference to the table, and its columns with the system columns behind them. */
CHECKED Status relation_of_table(Binder *binder, uint32_t depth, const CatalogTable *table,
                                 const SystemTable *system, int32_t position, Relation **out,
                                 Error *error);

RelationColumn relation_column_of(const Column *column);

/* Two columns without names behind the others: the file a row lies in, and its place there. */
CHECKED Status relation_add_location(Binder *binder, Relation *relation, Error *error);

/* Columns renamed by AS x(a, b); more names than columns are 42P10. */
CHECKED Status relation_rename(Binder *binder, Relation *relation, const Node *alias, Error *error);

#endif
