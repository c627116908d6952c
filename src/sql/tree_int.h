/* Private to sql's front half: parsing a text in which long names were replaced.
 *
 * PostgreSQL cuts names to 63 bytes, our names may have 64. A name of exactly 64 is given to the
 * grammar as "\001NNNNN" (quoted, blanks behind it up to its old size) and put back in the tree. */
#ifndef FIRN_SQL_TREE_INT_H
#define FIRN_SQL_TREE_INT_H

#include "sql/tree.h"

enum {
    LONG_NAME_MARK = 1,     /* the byte before the number; a text that has it gets no long names */
    LONG_NAME_DIGITS = 5,
    LONG_NAME_COUNT_MAX = 99999,
};

/* tree_parse of a NUL-terminated text, with the names that its marks stand for. */
CHECKED Status tree_parse_marked(Arena *arena, const char *sql, const Slice *long_names,
                                 uint32_t long_name_count, const Node **statements, Error *error);

#endif
