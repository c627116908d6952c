/* Constant folding: calls of immutable functions on constants become constants while binding.
 *
 * The row evaluator computes them, so both executors see the same value. What fails is left as it
 * is: it may stand in a branch that never runs, and whoever runs it raises the error then. */
#ifndef FIRN_SQL_FOLD_H
#define FIRN_SQL_FOLD_H

#include "sql/binder_int.h"

/* Puts a constant at *place where it can be had. */
CHECKED Status bound_fold(Binder *binder, Bound **place, Error *error);

#endif
