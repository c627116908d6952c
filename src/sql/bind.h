/* Binding: from PostgreSQL's parse tree to plans, with PostgreSQL's types, names and errors.
 *
 * The front half (lexer, clauses, DDL) calls these with the node of the statement it found; what
 * comes back is complete: types resolved, DuckDB's text written, the short path detected.
 *
 * Threading: a context serves one statement on one thread. Ownership: results live in the context's
 * arena and borrow from the snapshot and from the statement's text; both outlive them.
 * Errors: PostgreSQL's code and text, with the byte position in the statement. */
#ifndef FIRN_SQL_BIND_H
#define FIRN_SQL_BIND_H

#include "sql/plan.h"
#include "sql/tree.h"

/* A clause of ours that stood behind a table's name and was taken out before parsing. */
typedef struct TableClause {
    int32_t table_byte; /* where the table's (qualified) name begins: RangeVar.location */
    bool all_users;     /* FOR ALL USERS */
    Slice as_user;      /* AS USER 'u' of a write; empty: none */
} TableClause;

typedef struct BindContext {
    Arena *arena; /* the plan's. The parse tree lies in another one, which ends with plan_bind:
                     texts that results keep are copied out of it (arena_clone) */
    const CatalogSnapshot *snapshot;
    Slice sql;            /* the text that positions point into */
    Slice namespace_name; /* of unqualified names; empty: they are refused (3F000) */
    const TableClause *clauses;
    uint32_t clause_count;
    /* In: types the client declared (TYPE_UNKNOWN: to be found out). Out: one for each $n up to the
     * highest one used, none unknown. The array is replaced when it grows. */
    Type *parameter_types;
    uint32_t parameter_count;
    bool keep_constants; /* tests: leave constant expressions to the executors */
    HeldSchema *held;    /* schemas of system tables the binder made, by bind_hold_schema */
    /* Asked about every table found, before anything of it is told: names of columns are not for
     * who may not read it. NULL: nobody asks; the executor does at every run in either case. */
    Status (*allow_table)(void *context, const CatalogTable *table, Error *error);
    void *allow_context;
} BindContext;

/* The question itself; OK where nobody asks. */
CHECKED Status bind_allow_table(const BindContext *context, const CatalogTable *table,
                                Error *error);

/* Gives a schema's reference to the statement, whose plan releases it at its end (released at once
 * where this fails). The front half (plan.c) has it. */
CHECKED Status bind_hold_schema(BindContext *context, Schema *schema, Error *error);

/* SelectStmt: SELECT, VALUES, TABLE, set operations, WITH. */
CHECKED Status bind_select_statement(BindContext *context, const Node *statement, BoundSelect **out,
                                     Error *error);

/* InsertStmt. */
CHECKED Status bind_insert_statement(BindContext *context, const Node *statement, BoundInsert **out,
                                     Error *error);

/* UpdateStmt and DeleteStmt. */
CHECKED Status bind_change_statement(BindContext *context, const Node *statement, BoundChange **out,
                                     Error *error);

/* A SelectStmt as a subscription: one table, a row-local WHERE, columns, LIMIT; whatever else is
 * refused by name (0A000). SUBSCRIBE TO t WHERE … is bound as SELECT * FROM t WHERE …. */
CHECKED Status bind_subscribe_statement(BindContext *context, const Node *statement,
                                        BoundSubscribe **out, Error *error);

typedef enum ExpressionUse {
    EXPRESSION_OF_CHECK,   /* may read the columns; boolean */
    EXPRESSION_OF_DEFAULT, /* no columns; assigned to `type` */
} ExpressionUse;

/* CHECK and DEFAULT expressions of a table that is being defined: row-local ones only. `name` and
 * `columns` describe the table; `type` is that of the column whose default it is. */
CHECKED Status bind_expression_in_table(BindContext *context, Slice name, const Column *columns,
                                        uint32_t column_count, const Node *expression,
                                        ExpressionUse use, Type type, const Expression **out,
                                        Error *error);

/* A TypeName node: "type \"x\" does not exist" (42704), modifiers checked (22023, 42601). SERIAL
 * and its like are the caller's. */
CHECKED Status bind_type_name(BindContext *context, const Node *type_name, Type *out, Error *error);

/* The table of a RangeVar node, by the session's namespace. One of the two is set; 42P01 or 3F000
 * where there is neither. */
CHECKED Status bind_table_name(BindContext *context, const Node *range, const CatalogTable **table,
                               const SystemTable **system, Error *error);

#endif
