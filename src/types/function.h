/* The implementations of scalar functions and operators for the row evaluator, by symbol.
 *
 * A symbol names one implementation for one list of argument kinds ("int8_add", "text_lower",
 * "date_trunc_timestamp"). sql/'s catalogue of functions maps SQL names and overloads to symbols
 * and to DuckDB's form; this room only computes. PostgreSQL 15 is the reference for every result
 * and error.
 *
 * Threading: pure but for the volatile ones, which draw from the context's env. */
#ifndef FIRN_TYPES_FUNCTION_H
#define FIRN_TYPES_FUNCTION_H

#include "types/expression.h"

typedef struct FunctionImplementation {
    const char *symbol;
    ScalarFunction function;
    const char *signature; /* "int8 int8 -> int8"; the words are explained in function_list_int.h */
    bool is_strict;        /* what Expression.is_strict must be */
    bool is_volatile;
} FunctionImplementation;

/* NULL where there is none. */
ScalarFunction function_find(Slice symbol);

/* The same with everything known about it. */
const FunctionImplementation *function_describe(Slice symbol);

/* Do number and kinds of the arguments, and the result's kind, agree with the signature? (VARCHAR
 * and CHAR serve where it says text.) */
bool function_takes(const FunctionImplementation *function, const Type *arguments, uint32_t count,
                    Type result);

/* The symbol of an implementation; aborts for a stranger. */
const char *function_symbol(ScalarFunction function);

/* All of them, in symbol order; for tests and system.functions. */
const FunctionImplementation *function_all(size_t *count);

#endif
