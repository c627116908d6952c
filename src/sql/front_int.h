/* Private to sql's front half: one statement on its way from text to plan.
 *
 *     wrappers.c  EXPLAIN and EXECUTE AS USER are taken off
 *     own.c       is it a statement that PostgreSQL does not have? operate.c, define_user.c … bind
 * it clauses.c   our clauses are taken out of the others, which go to libpg_query define.c
 * definitions of PostgreSQL's; the query half (bind.h) has the rest
 *
 * Functions are named by the words they read. The reader stands behind the words that chose them.
 */
#ifndef FIRN_SQL_FRONT_INT_H
#define FIRN_SQL_FRONT_INT_H

#include "base/assert.h"
#include "sql/bind.h"
#include "sql/guess.h"
#include "sql/options_int.h"
#include "sql/parse.h"
#include "sql/reader_int.h"

typedef struct Front {
    const BindRequest *request;
    Plan *plan;           /* what is being bound: inside EXPLAIN, the explained one */
    Plan *outer;          /* EXPLAIN around it, or NULL */
    Slice namespace_name; /* the session's, in the plan's arena */
    Arena *scratch;       /* tokens and tree: ends with plan_bind */
    TokenReader reader;
    uint32_t token_count; /* with the one at the end */

    /* clauses.c */
    char *rest; /* the text for libpg_query: what is ours is blank; NUL-terminated */
    TableClause *clauses;
    uint32_t clause_count;
    uint32_t clause_capacity;
    bool is_subscription;
    bool has_table_kind; /* CREATE USER|SHARED|STREAM TABLE */
    TableKind table_kind;
    TableOptionSet table_options;
    bool is_namespace; /* DROP NAMESPACE: CASCADE is the default */
} Front;

/* ---- plan.c ---- */

/* An empty plan that holds the snapshot and a copy of the text; one reference. */
CHECKED Status plan_create(CatalogSnapshot *snapshot, Slice text, Plan **out, Error *error);

/* ---- text.c ---- */

extern const SqlLimits sql_limits_default;
SqlLimits sql_limits_filled(const SqlLimits *limits);

/* Size, encoding, no NUL. */
CHECKED Status sql_text_check(Slice text, const SqlLimits *limits, Error *error);

/* ---- shared by all ---- */

/* "X is not supported yet" */
Status fail_unsupported(int32_t position, const char *feature, Error *error);

/* Asks the request's `allow` before names are looked up; `object` as BindRequest says. */
CHECKED Status front_allow(const Front *front, Action action, GuardedObject object, Error *error);

/* Sets kind and action of the plan. */
void front_plan_is(Front *front, StatementKind kind, Action action);

/* Overwrites tokens [from, to) with blanks in `rest`. */
void front_blank(Front *front, uint32_t from, uint32_t to);

/* The same in the plan's own text: a password is in no log and no list of statements. */
void front_hide(Front *front, uint32_t token);

BindContext front_context(const Front *front);

/* A table by a name that our own reader read. One of both is set. */
CHECKED Status front_find_table(Front *front, const QualifiedName *name, const CatalogTable **table,
                                const SystemTable **system, Error *error);

/* The same where only a table of ours will do: 42501 for system tables. */
CHECKED Status front_find_user_table(Front *front, const QualifiedName *name,
                                     const CatalogTable **table, Error *error);

/* The name in a RangeVar node; another database than "firn" is refused. */
CHECKED Status front_range_name(const Node *range, QualifiedName *out, Error *error);

/* A column that can be named in a definition (a hidden _row cannot): 42703 with the nearest name,
 * at the first place behind byte `from` where the name stands. */
CHECKED Status front_find_column(Front *front, const CatalogTable *table, Slice name, int32_t from,
                                 int32_t *out, Error *error);

/* 3F000 with the nearest name. */
CHECKED Status front_find_namespace(Front *front, Slice name, int32_t position,
                                    const CatalogNamespace **out, Error *error);

/* The token a name of the tree stands in: the first one from byte `from` on with this value, for
 * nodes without a location. -1 where it is not found. */
int32_t front_name_position(Front *front, int32_t from, Slice name);

/* The first token at or behind a byte. */
uint32_t front_token_at(const Front *front, int32_t byte);

/* The byte at which an expression that begins at token `from` ends: a comma, semicolon or closing
 * parenthesis outside of its own, the statement's end, or byte `stop`, whichever comes first. */
uint32_t front_expression_end(const Front *front, uint32_t from, int32_t stop);

/* Parses the text of one expression; `sql` is what its positions point into. */
CHECKED Status front_parse_expression(Front *front, Slice text, Slice *sql, const Node **expression,
                                      Error *error);

/* The text between two bytes, trimmed, in the plan. */
Slice front_source(const Front *front, uint32_t begin, uint32_t end);

/* ---- the steps ---- */

typedef Status (*OwnStatement)(Front *front, Error *error);

/* The function for the statement at the reader, which is moved behind the words that chose it; NULL
 * where PostgreSQL's grammar is to read it. */
CHECKED Status own_statement_find(Front *front, OwnStatement *out, Error *error);

/* Takes our clauses out of the statement; makes `rest`. */
CHECKED Status clauses_take(Front *front, Error *error);
CHECKED Status clauses_of_tables(Front *front, Error *error); /* AS USER, FOR ALL USERS, the past */
CHECKED Status clauses_of_create_table(Front *front, Error *error);

/* Everything of PostgreSQL's that is no query and no change of rows. */
CHECKED Status define_statement(Front *front, const Node *statement, Error *error);

/* define_table.c, define_alter.c, define_session.c: by kind of node. */
Status define_create_table(Front *front, const Node *node, Error *error);
Status define_alter_table(Front *front, const Node *node, Error *error);
Status define_rename(Front *front, const Node *node, Error *error);
Status define_set(Front *front, const Node *node, Error *error);
Status define_show(Front *front, const Node *node, Error *error);
Status define_transaction(Front *front, const Node *node, Error *error);

/* 0A000 with the statement's first words. */
Status front_unsupported_statement(Front *front, Error *error);

/* What is left of a statement of ours when it is a query over system tables: binds `sql`. */
CHECKED Status front_bind_query(Front *front, Slice sql, Error *error);

/* Statements of our own. */
Status own_storage(Front *front, Error *error);
Status own_show(Front *front, Error *error);
Status own_describe(Front *front, Error *error);
Status own_kill(Front *front, Error *error);
Status own_use(Front *front, Error *error);
Status own_alter_system(Front *front, Error *error);
Status own_alter_table_set(Front *front, Error *error);
Status own_create_storage(Front *front, Error *error);
Status own_alter_storage(Front *front, Error *error);
Status own_drop_storage(Front *front, Error *error);
Status own_create_user(Front *front, Error *error);
Status own_alter_user(Front *front, Error *error);
Status own_drop_user(Front *front, Error *error);

#endif
