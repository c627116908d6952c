/* The bound tree: a query after names and types are settled and before it is written out for the
 * engine or lowered for the row evaluator.
 *
 * Every node knows its type; every cast PostgreSQL would make is a node; a column is a pointer to
 * the relation it comes from, however deep the query that reads it stands.
 *
 * A number's scale: PostgreSQL keeps the digits behind the point per value, DuckDB per column.
 * `scale` is the count where it is the same in every row (a column, a literal, a sum of such), and
 * SCALE_VARIES where it is not (quotients, averages, parameters): such a number is text in
 * PostgreSQL's form on the engine, and only our functions compute with it.
 *
 * Threading: one thread at a time while binding, immutable after. Ownership: the statement's
 * arena. */
#ifndef FIRN_SQL_BOUND_H
#define FIRN_SQL_BOUND_H

#include "sql/catalogue.h"
#include "sql/plan.h"

typedef struct Bound Bound;
typedef struct BoundQuery BoundQuery;
typedef struct Relation Relation;
typedef struct CommonTable CommonTable;

enum {
    SCALE_VARIES = -1,
    BIND_DEPTH_MAX = 400,      /* levels of expressions and queries; deeper is 54001 */
    BIND_RELATIONS_MAX = 1000, /* relations of one statement; more are 54000 */
    BIND_NODES_MAX = 2000000,  /* nodes of one statement; more is 54001 */
    PARAMETERS_MAX = 65535,
    TARGETS_MAX = 1664, /* columns of a result; more are 54011, as in PostgreSQL */
    COMPARE_OPERATOR_COUNT = 6,
};

typedef enum BoundKind {
    BOUND_CONSTANT,
    BOUND_PARAMETER, /* index: $1 is 0 */
    BOUND_COLUMN,    /* index: column of as.relation */
    BOUND_EXCLUDED,  /* index: column of the proposed row (ON CONFLICT DO UPDATE) */
    BOUND_CALL,      /* as.function(children); a set where the function gives one */
    BOUND_CAST,      /* children[0] to type */
    BOUND_AND,       /* children, flat */
    BOUND_OR,
    BOUND_NOT,
    BOUND_IS_NULL,     /* negated */
    BOUND_IS_TRUE,     /* index 1: TRUE, 0: FALSE, 2: UNKNOWN; negated */
    BOUND_IS_DISTINCT, /* negated: IS NOT DISTINCT FROM */
    BOUND_COMPARE,     /* children[0] index(CompareOperator) children[1] */
    BOUND_IN,          /* children[0] IN (the others); negated */
    BOUND_QUANTIFIED,  /* children[0] op ANY or ALL (children[1], an array) */
    BOUND_CASE,        /* when, then, …, else */
    BOUND_COALESCE,
    BOUND_GREATEST,
    BOUND_LEAST,
    BOUND_NULLIF,
    BOUND_ARRAY,
    BOUND_ROW,
    BOUND_SUBSCRIPT, /* children[0][children[1]] */
    BOUND_SLICE,     /* children[0][children[1]:children[2]], NULL where left out */
    BOUND_SUBQUERY,
    BOUND_AGGREGATE,
    BOUND_WINDOW,
    BOUND_GROUPING, /* GROUPING(children) */
    BOUND_KEY,      /* index: grouping key of as.query */
    BOUND_RESULT,   /* index: aggregate of as.query */
    BOUND_OPERAND,  /* what stands for one side inside a quantified comparison */
} BoundKind;

typedef enum SubqueryKind {
    SUBQUERY_SCALAR,
    SUBQUERY_EXISTS,
    SUBQUERY_ARRAY,
    SUBQUERY_ANY, /* tests: compare operands with its columns */
    SUBQUERY_ALL,
} SubqueryKind;

/* x op ANY/ALL (…): `test` computes the comparison of operands 0 (the left side) and 1 (an element
 * or a row's column); each is a BOUND_OPERAND node in it. */
typedef struct BoundSubquery {
    SubqueryKind kind;
    BoundQuery *query;
    Bound **lefts; /* ANY, ALL: one for each column of the query */
    Bound **tests;
    uint32_t test_count;
    CompareOperator row_operator; /* rows: how the comparisons of columns go together */
} BoundSubquery;

typedef struct BoundOrder {
    Bound *value;    /* in aggregates and windows; NULL in a query, where … */
    uint32_t target; /* … it is this target (or column of a set operation) */
    bool descending;
    bool nulls_first;
} BoundOrder;

typedef struct BoundAggregate {
    BoundQuery *query; /* whose rows it goes over */
    bool is_star;
    bool distinct;
    bool within_group; /* ordered-set: `order` is its argument, children its direct ones */
    BoundOrder *order;
    uint32_t order_count;
    Bound *filter;
} BoundAggregate;

typedef enum FrameMode {
    FRAME_RANGE,
    FRAME_ROWS,
    FRAME_GROUPS,
} FrameMode;

typedef enum FrameBound {
    FRAME_UNBOUNDED_PRECEDING,
    FRAME_OFFSET_PRECEDING,
    FRAME_CURRENT_ROW,
    FRAME_OFFSET_FOLLOWING,
    FRAME_UNBOUNDED_FOLLOWING,
} FrameBound;

typedef enum FrameExclusion {
    EXCLUDE_NOTHING,
    EXCLUDE_CURRENT_ROW,
    EXCLUDE_GROUP,
    EXCLUDE_TIES,
} FrameExclusion;

typedef struct WindowDefinition {
    Slice name; /* of WINDOW w AS (…); empty: inline */
    Bound **partition;
    uint32_t partition_count;
    BoundOrder *order;
    uint32_t order_count;
    bool has_frame; /* one was written */
    FrameMode mode;
    FrameBound start;
    FrameBound end;
    Bound *start_offset;
    Bound *end_offset;
    FrameExclusion exclusion;
} WindowDefinition;

typedef struct BoundWindow {
    WindowDefinition *definition;
    bool is_star;
    bool is_aggregate;
    Bound *filter;
} BoundWindow;

struct Bound {
    BoundKind kind;
    Type type;         /* with PostgreSQL's modifiers; of CHAR: the width it is shown in */
    int16_t scale;     /* DECIMAL: above */
    uint8_t precision; /* DECIMAL of a known scale: digits at most, 1–38 */
    bool negated;
    bool is_all;         /* QUANTIFIED */
    bool is_huge_number; /* an UNKNOWN that was written as a number too large for DECIMAL */
    enum CastContext cast_context;
    int32_t position_byte;
    uint32_t index;
    uint32_t child_count;
    Bound **children;
    union {
        Value constant;
        Relation *relation;
        const CatalogueFunction *function; /* CALL, AGGREGATE (see aggregate), WINDOW */
        BoundQuery *query;
        BoundSubquery *subquery;
        Bound *test; /* QUANTIFIED: of operands 0 and 1 */
    } as;
    BoundAggregate *aggregate;
    BoundWindow *window;
    const Slice *field_names; /* ROW of a table's columns; NULL: f1, f2 … */
};

typedef struct BoundList {
    Bound **items;
    uint32_t count;
    uint32_t capacity;
} BoundList;

/* ---- relations ---- */

typedef enum RelationKind {
    RELATION_TABLE,    /* a hole: references[reference] */
    RELATION_QUERY,    /* (SELECT …) AS x, also VALUES */
    RELATION_COMMON,   /* of WITH */
    RELATION_FUNCTION, /* f(…) in FROM */
    RELATION_ROW,      /* the row a CHECK or RETURNING looks at: no FROM is written */
} RelationKind;

typedef struct RelationColumn {
    Slice name;
    Type type;
    int16_t scale;
    uint8_t precision;
    bool hidden;          /* from `*` */
    const char *location; /* "_file" or "_position": where the row lies, for UPDATE and DELETE */
    bool is_system;
    SystemColumn system; /* _seq … */
} RelationColumn;

struct Relation {
    RelationKind kind;
    uint32_t number;      /* "t7" in the text */
    uint32_t depth;       /* of the query whose FROM it stands in */
    Slice alias;          /* empty: none */
    Slice namespace_name; /* a table's, for namespace.table.column */
    Slice table_name;     /* a table's own, whatever the alias */
    RelationColumn *columns;
    uint32_t column_count;
    uint32_t reference;
    const Schema *schema; /* TABLE, ROW */
    BoundQuery *query;
    CommonTable *common;
    Bound **functions; /* FUNCTION: one, or several of ROWS FROM */
    uint32_t function_count;
    bool with_ordinality;
    bool lateral;
    bool nullable; /* the inner side of an outer join: WHERE's conjuncts may not prune it */
    int32_t position_byte;
};

struct CommonTable {
    Slice name;
    uint32_t number; /* "w3" in the text */
    RelationColumn *columns;
    uint32_t column_count;
    BoundQuery *query;
    bool recursive;
    bool is_materialized; /* MATERIALIZED was written */
    bool is_not_materialized;
    uint32_t uses;
};

typedef enum JoinKind {
    JOIN_INNER,
    JOIN_LEFT,
    JOIN_RIGHT,
    JOIN_FULL,
    JOIN_CROSS,
} JoinKind;

typedef struct FromItem FromItem;

struct FromItem {
    Relation *relation; /* a leaf; else a join */
    JoinKind join;
    FromItem *left;
    FromItem *right;
    Bound *condition; /* NULL: true */
};

/* ---- queries ---- */

typedef enum QueryKind {
    QUERY_SELECT,
    QUERY_VALUES_LIST,
    QUERY_SET,
} QueryKind;

typedef enum SetOperation {
    SET_UNION,
    SET_INTERSECT,
    SET_EXCEPT,
} SetOperation;

typedef enum DistinctKind {
    DISTINCT_NONE,
    DISTINCT_ALL,
    DISTINCT_ON,
} DistinctKind;

typedef struct BoundTarget {
    Slice name;
    Bound *value;
} BoundTarget;

typedef struct GroupingSetList {
    uint32_t **sets; /* each: numbers of keys */
    uint32_t *sizes;
    uint32_t count;
    uint32_t capacity;
} GroupingSetList;

struct BoundQuery {
    QueryKind kind;
    uint32_t number; /* "q2" in the text */
    uint32_t depth;  /* 0: the statement's own */

    CommonTable **common;
    uint32_t common_count;
    bool is_recursive;

    FromItem **from;
    uint32_t from_count;
    Bound *where;
    bool is_grouped; /* GROUP BY, HAVING or an aggregate */
    BoundList keys;
    GroupingSetList sets; /* none: one set of all keys */
    BoundList aggregates; /* AGGREGATE and GROUPING nodes */
    Bound *having;
    WindowDefinition **windows;
    uint32_t window_count;
    uint32_t window_capacity;
    bool has_windows;
    bool has_sets; /* a set-returning function in the select list */
    DistinctKind distinct;
    uint32_t *distinct_on; /* numbers of targets, the hidden ones included */
    uint32_t distinct_on_count;
    BoundTarget *targets;
    uint32_t target_count;  /* with the hidden ones, which only ORDER BY or DISTINCT ON read */
    uint32_t visible_count; /* of them, at the front */
    uint32_t target_capacity;

    Bound ***rows; /* VALUES */
    uint32_t row_count;

    SetOperation operation;
    bool is_all;
    BoundQuery *left;
    BoundQuery *right;

    BoundOrder *order;
    uint32_t order_count;
    Bound *limit;
    Bound *offset;
    bool with_ties;

    RelationColumn *columns; /* what it gives */
    uint32_t column_count;
};

/* ---- walking (bound.c) ---- */

/* Called with the place of each child in turn; may put another node there. */
typedef Status (*BoundVisitor)(Bound **place, void *context, Error *error);

/* The children of one node, those of aggregates, windows and subqueries' left sides included; not
 * what is inside a subquery's query. */
CHECKED Status bound_visit_children(Bound *bound, BoundVisitor visit, void *context, Error *error);

/* Every expression that stands directly in the query or in queries inside its FROM, WITH and set
 * operands; not those inside subqueries of expressions. */
CHECKED Status query_visit(BoundQuery *query, BoundVisitor visit, void *context, Error *error);

/* Every node below (and including) the one at `place`, depth first, also inside subqueries'
 * queries; the visitor is called before the children. */
CHECKED Status bound_visit_all(Bound **place, BoundVisitor visit, void *context, Error *error);

/* The same meaning, however the two were written? Volatile calls never are. */
bool bound_equal(const Bound *a, const Bound *b);

/* Is there no column, parameter, aggregate, volatile call or subquery in it? */
bool bound_is_constant(const Bound *bound);

/* Is there a call in it that may differ each time? */
bool bound_is_volatile(const Bound *bound);

/* Does it read a column of any relation? */
bool bound_reads_columns(const Bound *bound);

bool bound_has_subquery(const Bound *bound);

static inline bool bound_is_null_constant(const Bound *bound)
{
    return bound->kind == BOUND_CONSTANT && bound->as.constant.is_null;
}

static inline bool bound_is_open_number(const Bound *bound)
{
    return bound->type.kind == TYPE_DECIMAL && bound->scale == SCALE_VARIES;
}

#endif
