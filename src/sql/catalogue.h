/* The catalogue of functions, operators and aggregates: what SQL can call.
 *
 * One table, in files by subject. An entry is one overload: name, argument types, result, how our
 * row evaluator computes it (a symbol of types/function.h) and how DuckDB's SQL says it. What the
 * catalogue does not know is refused by name, so nothing else ever reaches the engine.
 *
 * DuckDB's form is a template: "$1" … stand for the arguments; or nothing, where the engine calls
 * the row evaluator's own implementation through the bridge (fn_<symbol>), so that both executors
 * mean the same; or a writer of its own.
 *
 * Threading: constants. Ownership: static. */
#ifndef FIRN_SQL_CATALOGUE_H
#define FIRN_SQL_CATALOGUE_H

#include "types/expression.h"

/* The type of an argument or result: a TypeKind; with ARGUMENT_ARRAY an array of that kind; or one
 * of the polymorphic ones, which stand for whatever the call has. */
typedef uint8_t ArgumentType;

enum {
    ARGUMENT_ARRAY = 0x40,
    ARGUMENT_ANY = 0x80,           /* anything, each on its own, no coercion */
    ARGUMENT_ELEMENT,              /* anyelement: all of one type */
    ARGUMENT_ANY_ARRAY,            /* anyarray: of that type */
    ARGUMENT_NOT_ARRAY,            /* anynonarray */
    ARGUMENT_COMPATIBLE,           /* anycompatible: all made one type */
    ARGUMENT_COMPATIBLE_ARRAY,     /* anycompatiblearray */
    ARGUMENT_COMPATIBLE_NOT_ARRAY, /* anycompatiblenonarray */
    FUNCTION_ARGUMENTS_MAX = 7,    /* of an entry; a variadic one takes more */
    CALL_ARGUMENTS_MAX = 100,      /* of a call, as in PostgreSQL */
};

typedef enum FunctionKind {
    FUNCTION_SCALAR,
    FUNCTION_AGGREGATE,
    FUNCTION_ORDERED_SET, /* aggregate(direct …) WITHIN GROUP (ORDER BY argument) */
    FUNCTION_WINDOW,
    FUNCTION_SET, /* gives a set: FROM f(…), or in a select list */
    FUNCTION_OPERATOR,
} FunctionKind;

enum FunctionFlags {
    FUNCTION_NULL_CALLED = 1,      /* called with NULLs too (not strict) */
    FUNCTION_VOLATILE = 2,         /* each call may differ */
    FUNCTION_STABLE = 4,           /* constant within a statement: now() */
    FUNCTION_VARIADIC = 8,         /* the last argument may come any number of times, also none */
    FUNCTION_WIDEN = 16,           /* arguments are cast to the result's type first */
    FUNCTION_COMPARISON = 32,      /* an operator =, <>, <, <=, >, >= : becomes BOUND_COMPARE */
    FUNCTION_HIDDEN = 64,          /* called by the binder only, never by name */
    FUNCTION_NUMERIC_NATIVE = 128, /* the template computes with DECIMAL where scales are known */
    FUNCTION_SWAPPED = 256, /* the same as the overload with the arguments the other way round */
    FUNCTION_NEGATED = 512, /* NOT of the operator without the '!' */
    FUNCTION_JOINS_TEXT = 1024, /* text || anything: the other side becomes text */
};

/* The digits behind the point of a DECIMAL result, from those of the DECIMAL arguments. */
typedef enum ScaleRule {
    SCALE_RULE_OPEN, /* varies */
    SCALE_RULE_ZERO,
    SCALE_RULE_FIRST,           /* the first argument's */
    SCALE_RULE_MAX,             /* the greatest */
    SCALE_RULE_SUM,             /* their sum */
    SCALE_RULE_SECOND_CONSTANT, /* the second argument's value, where it is a constant */
    SCALE_RULE_EXTRACT,         /* by the field that the first argument names */
} ScaleRule;

typedef struct CatalogueFunction CatalogueFunction;

struct CatalogueFunction {
    const char *name;
    uint8_t kind; /* FunctionKind */
    uint8_t argument_count;
    uint16_t flags;
    ArgumentType arguments[FUNCTION_ARGUMENTS_MAX];
    ArgumentType result;
    uint8_t scale;      /* ScaleRule */
    uint8_t writer;     /* FunctionWriter, write_special.c; 0: template or bridge */
    const char *symbol; /* of types/function.h; NULL: the row evaluator has none */
    const char *engine; /* DuckDB's template; NULL: the bridge */
    const char *description;
};

static inline bool function_is_strict(const CatalogueFunction *function)
{
    return !(function->flags & FUNCTION_NULL_CALLED);
}

static inline bool function_is_volatile(const CatalogueFunction *function)
{
    return function->flags & FUNCTION_VOLATILE;
}

enum { CATALOGUE_OVERLOADS_MAX = 96 };

/* All overloads of a name, operators only or all but operators; the count (0: no such name). */
uint32_t catalogue_find(Slice name, bool operators,
                        const CatalogueFunction *out[CATALOGUE_OVERLOADS_MAX]);

/* Is it a function of PostgreSQL's that the catalogue lacks (catalogue_absent.c)? */
bool catalogue_is_absent(Slice name);

/* The entry with exactly these arguments, for calls the binder makes itself; aborts where there is
 * none. */
const CatalogueFunction *catalogue_get(const char *name, const ArgumentType *arguments,
                                       uint32_t count);

/* The columns of a set-returning function that gives rows (json_each: key, value); 0: it gives
 * values. */
typedef struct SetColumn {
    const char *name;
    ArgumentType type;
} SetColumn;

enum { SET_COLUMNS_MAX = 2 };

uint32_t catalogue_set_columns(const CatalogueFunction *function, const SetColumn **out);

/* One after the other, for system.functions and for tests: NULL at the end. */
const CatalogueFunction *catalogue_next(size_t *position);

/* The argument type of a value's type, and back (0 modifiers). */
ArgumentType argument_type_of(Type type);
Type argument_type_to_type(ArgumentType argument);

/* As messages name it: "integer", "text[]", "anyelement". */
void argument_type_name(ArgumentType argument, char out[TYPE_NAME_BYTES_MAX]);

#endif
