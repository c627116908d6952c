/* Row expressions: what WHERE on the short path, live filters and CHECK are evaluated with.
 *
 * sql/ binds and type-checks a statement and lowers what is row-local into these nodes; every node
 * knows its type, every cast is a node, every function is a pointer to its implementation. Three
 * valued logic as in SQL; AND, OR, CASE, COALESCE evaluate only what they need.
 *
 * Threading: an expression is immutable and may be evaluated by many threads at once, each with its
 * own EvaluationContext. Ownership: nodes and results live in arenas; results may also point into
 * the row. Errors: those of PostgreSQL's functions, with `position_byte` of the failing node. */
#ifndef FIRN_TYPES_EXPRESSION_H
#define FIRN_TYPES_EXPRESSION_H

#include "base/env.h"
#include "types/key.h"

typedef struct Expression Expression;
typedef struct EvaluationContext EvaluationContext;

/* One call of a scalar function. `arguments` are never NULL values for strict functions. The
 * result's kind is that of the node's type. */
typedef Status (*ScalarFunction)(EvaluationContext *context, const Value *arguments, uint32_t count,
                                 Value *result, Error *error);

typedef enum ExpressionKind {
    EXPRESSION_CONSTANT,  /* constant */
    EXPRESSION_PARAMETER, /* index: $1 is 0 */
    EXPRESSION_COLUMN,    /* index: column of the row */
    EXPRESSION_SYSTEM,    /* index: SystemColumn */
    EXPRESSION_CALL,      /* function(children) */
    EXPRESSION_CAST,      /* children[0] to type, context in index */
    EXPRESSION_AND,       /* children */
    EXPRESSION_OR,
    EXPRESSION_NOT,
    EXPRESSION_IS_NULL,     /* children[0]; negated */
    EXPRESSION_IS_TRUE,     /* children[0] IS [NOT] TRUE/FALSE/UNKNOWN: index 1, 0, 2; negated */
    EXPRESSION_IS_DISTINCT, /* children[0], children[1]; negated: IS NOT DISTINCT FROM */
    EXPRESSION_COMPARE,     /* children[0] index(CompareOperator) children[1] */
    EXPRESSION_IN,          /* children[0] IN (children[1] …); negated */
    EXPRESSION_CASE,        /* when, then, when, then, …, else; searched form only */
    EXPRESSION_COALESCE,
    EXPRESSION_EXCLUDED, /* index: column of the proposed row (ON CONFLICT DO UPDATE) */
    EXPRESSION_ARRAY,    /* children as an ARRAY of the type's element */
} ExpressionKind;

typedef enum CompareOperator {
    COMPARE_EQUAL,
    COMPARE_NOT_EQUAL,
    COMPARE_LESS,
    COMPARE_LESS_OR_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_OR_EQUAL,
} CompareOperator;

typedef enum SystemColumn {
    SYSTEM_SEQ,     /* _seq BIGINT */
    SYSTEM_UPDATED, /* _updated TIMESTAMPTZ */
    SYSTEM_USER,    /* _user TEXT */
    SYSTEM_DELETED, /* _deleted BOOLEAN */
} SystemColumn;

struct Expression {
    ExpressionKind kind;
    Type type;
    int32_t position_byte; /* in the statement's text, -1: none */
    uint32_t index;        /* by kind, above */
    bool negated;
    bool is_strict;   /* CALL: NULL in, NULL out, without calling */
    bool is_volatile; /* CALL: each evaluation may differ (random(), gen_random_uuid()) */
    ScalarFunction function;
    const char *name; /* CALL: the function's SQL name, for messages */
    Value constant;
    uint32_t child_count;
    Expression **children;
};

/* What an evaluation may look at. Unused parts may be zero. */
struct EvaluationContext {
    Env *env;     /* volatile functions draw time and randomness from here */
    Arena *arena; /* results and scratch */
    const RowLayout *layout;
    Slice row; /* EXPRESSION_COLUMN */
    const RowLayout *excluded_layout;
    Slice excluded; /* EXPRESSION_EXCLUDED */
    const Value *parameters;
    uint32_t parameter_count;
    int64_t now_us;   /* now(), fixed for the statement (its transaction) */
    int64_t clock_us; /* 0: clock_timestamp() asks env */
    Slice current_user;
    int64_t seq;        /* SYSTEM_SEQ */
    int64_t updated_us; /* SYSTEM_UPDATED */
    Slice owner;        /* SYSTEM_USER */
    uint32_t node_id;   /* for snowflake_id() */
};

CHECKED Status expression_evaluate(const Expression *expression, EvaluationContext *context,
                                   Value *out, Error *error);

/* As WHERE has it: true only where the value is true (NULL is not). */
CHECKED Status expression_is_true(const Expression *filter, EvaluationContext *context, bool *out,
                                  Error *error);

/* As CHECK has it: false only where the value is false (NULL passes). */
CHECKED Status expression_passes(const Expression *check, EvaluationContext *context, bool *out,
                                 Error *error);

/* A deep copy into another arena, so that a subscription outlives its statement. Parameters are
 * replaced by their values. */
CHECKED Status expression_clone(Arena *arena, const Expression *expression, const Value *parameters,
                                uint32_t parameter_count, Expression **out, Error *error);

/* Binary form for the catalog (CHECK constraints): functions go by symbol (function.h). */
void expression_encode(Buffer *out, const Expression *expression);
CHECKED Status expression_decode(Arena *arena, Cursor *cursor, Expression **out, Error *error);

/* Levels of nesting an evaluator or decoder accepts; deeper is STATEMENT_TOO_COMPLEX. The binder
 * keeps AND and OR chains flat. */
enum { EXPRESSION_DEPTH_MAX = 1000 };

#endif
