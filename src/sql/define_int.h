/* Private to sql's front half: a table being defined or altered. */
#ifndef FIRN_SQL_DEFINE_INT_H
#define FIRN_SQL_DEFINE_INT_H

#include "sql/front_int.h"

/* A column as it is written: the constraints of it that concern the table are the caller's. */
typedef struct ColumnDefinition {
    const Node *node;
    int32_t position_byte;
    const Node *default_node; /* NULL: none */
    uint32_t default_begin;   /* its text: [begin, end) in the statement */
    uint32_t default_end;
    const Node *primary; /* PRIMARY KEY on the column; NULL: none */
    bool null_written;
    bool not_null_written;
} ColumnDefinition;

/* Name, type and NOT NULL of a ColumnDef node; what else stands in it goes to `definition`. CHECKs
 * are left to whoever may have them. */
CHECKED Status column_define(Front *front, Slice table_name, const Node *node, Column *out,
                             ColumnDefinition *definition, Error *error);

/* The DEFAULT of a column whose type is known: its text in the column, its expression in *out (NULL
 * for DEFAULT NULL and for none). */
CHECKED Status column_bind_default(Front *front, Slice table_name,
                                   const ColumnDefinition *definition, Column *column,
                                   const Expression **out, Error *error);

/* Refuses what a column cannot be (0A000, 22023). */
CHECKED Status column_type(Front *front, const Node *type_name, Type *out, Error *error);

/* The CHECK at a Constraint node, of a column or of the table, added to `checks`. */
CHECKED Status check_define(Front *front, Slice table_name, const Column *columns,
                            uint32_t column_count, const Node *constraint, CatalogCheck *checks,
                            uint32_t *check_count, Error *error);

/* The same from the text of one that is there already, over columns that have changed. */
CHECKED Status check_rebind(Front *front, Slice table_name, const Column *columns,
                            uint32_t column_count, const CatalogCheck *check, CatalogCheck *out,
                            Error *error);

/* The checks of a table in the order in which PostgreSQL asks them. */
void checks_sort(CatalogCheck *checks, uint32_t count);

/* An ALTER TABLE of this table, whose `table` stays NULL where it is missing and `missing_ok`. */
CHECKED Status alter_new(Front *front, const QualifiedName *name, bool missing_ok,
                         BoundAlterTable **out, Error *error);

/* A table's columns as a list that an action may change. */
CHECKED Status columns_copy(Front *front, const CatalogTable *table, Column **out, Error *error);

/* Does it read this column? */
bool expression_reads_column(const Expression *expression, uint32_t column);
bool expression_is_volatile(const Expression *expression);

/* "the constraint X is not supported yet" for kinds that nothing builds; OK for the others. */
CHECKED Status constraint_refuse(const Node *constraint, Error *error);

#endif
