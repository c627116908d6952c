/* Private to sql's front half: what libpg_query cannot do.
 *
 * PostgreSQL cuts names to 63 bytes, ours may have 64 (NAME_BYTES_MAX). A name of exactly 64 is
 * given to the grammar as "\001NNNNN" (in quotes, blanks behind it up to its old size, so that
 * positions hold) and put back into the tree's text before that is read. */
#ifndef FIRN_SQL_TREE_INT_H
#define FIRN_SQL_TREE_INT_H

#include "sql/tree.h"

typedef struct MarkedNames {
    Slice *names; /* by their number */
    uint32_t count;
} MarkedNames;

/* Replaces them in `sql`, a copy that ends with a NUL. NAME_TOO_LONG for longer ones. */
CHECKED Status tree_mark_names(Arena *arena, char *sql, size_t size, MarkedNames *out,
                               Error *error);

/* Each mark in the tree's JSON text becomes its name again. */
CHECKED Status tree_unmark_names(Arena *arena, const char *json, const MarkedNames *marked,
                                 Slice *out, Error *error);

/* Negative integer constants, which the tree's text has lost, from the statement's. */
CHECKED Status tree_repair_integers(Arena *arena, Slice sql, Slice json, JsonValue *root,
                                    Error *error);

#endif
