/* What INSERT, UPDATE and DELETE share. */
#ifndef FIRN_SQL_DML_INT_H
#define FIRN_SQL_DML_INT_H

#include "sql/statement_int.h"

/* The table a statement changes. */
typedef struct Target {
    const CatalogTable *table;
    Schema *schema;
    Slice alias; /* the name its row has in expressions */
    int32_t position;
} Target;

/* The table of a RangeVar, which may be changed: STREAM tables only by INSERT, system tables never.
 * `verb` is "UPDATE" … for messages. */
CHECKED Status target_find(Binder *binder, const Node *range, const char *verb, Target *out,
                           Error *error);

/* Its reference, for plans whose query does not read it. */
CHECKED Status target_reference(Binder *binder, const Target *target, BoundReference *out,
                                Error *error);

/* The changed row itself, as expressions without a FROM see it. */
CHECKED Status target_row(Binder *binder, const Target *target, Relation **out, Error *error);

/* The number of a column that may be written: 42703, and why system columns may not. */
CHECKED Status target_column(const Target *target, Slice name, int32_t position, uint32_t *out,
                             Error *error);

/* One SET item: the column, and its value or DEFAULT. */
typedef struct Assignment {
    uint32_t column;
    Bound *value;               /* NULL: DEFAULT */
    const Expression *fallback; /* the default, NULL: NULL */
} Assignment;

typedef struct AssignmentList {
    Assignment *items;
    uint32_t count;
} AssignmentList;

CHECKED Status bind_assignments(Binder *binder, Scope *scope, const Target *target,
                                const Node *list, AssignmentList *out, Error *error);

/* RETURNING: over `row`, row-local. */
CHECKED Status bind_returning(Binder *binder, const Scope *scope, const Relation *row,
                              const Node *list, Returning *out, Error *error);

/* A NULL of the column's type, and the column's default as an expression of the plan. */
CHECKED Status null_expression(Binder *binder, Type type, const Expression **out, Error *error);
CHECKED Status default_expression(Binder *binder, const Target *target, uint32_t column,
                                  const Expression **out, Error *error);

/* "subqueries in RETURNING are not supported" */
Status refuse_not_local(const Bound *bound, const char *why, const char *where, Error *error);

#endif
