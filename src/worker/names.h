/* Names of our functions in a statement's SQL: what a worker has to make known to DuckDB before it
 * prepares the statement. A name inside a literal is taken for one too; that costs a registration.
 *
 * Threading: pure. Ownership: slices of the text. */
#ifndef FIRN_WORKER_NAMES_H
#define FIRN_WORKER_NAMES_H

#include "base/slice.h"

/* The next word of *rest that begins with the prefix, the prefix included; *rest goes behind it.
 * False at the end. */
bool names_next(Slice *rest, Slice prefix, Slice *name);

#endif
