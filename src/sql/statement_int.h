/* What the entry points of the binder share. */
#ifndef FIRN_SQL_STATEMENT_INT_H
#define FIRN_SQL_STATEMENT_INT_H

#include "sql/binder_int.h"

/* One statement being bound, with the memory of its tree. */
typedef struct Statement {
    Binder binder;
    Arena scratch;
} Statement;

void statement_open(Statement *statement, BindContext *context);
void statement_close(Statement *statement);

/* 42P18 for a parameter nothing gave a type to. */
CHECKED Status statement_check_parameters(const BindContext *context, Error *error);

/* Writes the query and finds its short path; the references come last, when all are known. */
CHECKED Status statement_make_select(Binder *binder, BoundQuery *query, BoundSelect **out,
                                     Error *error);
CHECKED Status statement_keep_references(Binder *binder, BoundSelect *select, Error *error);

#endif
