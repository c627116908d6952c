/* Lowering: a bound expression as the row evaluator's.
 *
 * Row-local is what needs nothing but the row, the parameters and the moment: no subquery, no
 * aggregate, and only functions the evaluator has. */
#ifndef FIRN_SQL_LOWER_H
#define FIRN_SQL_LOWER_H

#include "sql/binder_int.h"

/* `*out` is NULL where the expression is not row-local; `why` (if given) then says what is not. The
 * result lives in the arena, also its constants. `relation`: whose row it reads (NULL: none). */
CHECKED Status lower_expression(Arena *arena, const Bound *bound, const Relation *relation,
                                const Expression **out, const char **why, Error *error);

#endif
