/* Parse: the room's entry. A text becomes statements, a statement becomes a plan.
 *
 *     text ── statement_split ──> statements ── plan_bind ──> plan (plan.h)
 *
 * plan_bind takes our own statements and clauses out (clauses.c), gives the rest to PostgreSQL's
 * grammar (tree.c) and binds what comes back. It needs a thread with a stack of SQL_STACK_BYTES
 * (tree.h): libpg_query recurses, and check_stack_depth is compiled out of it.
 *
 * Threading: pure functions over an immutable snapshot; any number of threads. Ownership: a plan
 * copies the statement's text and holds its snapshot; the caller releases it.
 * Errors: PostgreSQL's codes and texts, with the byte offset in the statement's text. */
#ifndef FIRN_SQL_PARSE_H
#define FIRN_SQL_PARSE_H

#include "sql/plan.h"

/* limits.* of the configuration; 0 stands for the default. */
typedef struct SqlLimits {
    size_t bytes_max;
    uint32_t tokens_max; /* of one statement */
    uint32_t parameters_max;
} SqlLimits;

enum {
    SQL_BYTES_MAX_DEFAULT = 1 << 20,
    SQL_TOKENS_MAX_DEFAULT = 50000,
    SQL_PARAMETERS_MAX_DEFAULT = 65535,
};

/* The statements of a text, without the semicolons between them and without empty ones; each points
 * into the text, so that a position in it can be told as one in the text.
 * PROGRAM_LIMIT_EXCEEDED, STATEMENT_TOO_COMPLEX, CHARACTER_NOT_IN_REPERTOIRE; what is malformed in
 * another way is found when its statement is bound. */
CHECKED Status statement_split(Arena *arena, Slice text, const SqlLimits *limits, Slice **out,
                               uint32_t *count, Error *error);

typedef struct BindRequest {
    Slice sql; /* one statement; a semicolon may end it */
    CatalogSnapshot *snapshot;
    Slice namespace_name;        /* the session's, for unqualified names; empty: none */
    const Type *parameter_types; /* declared by the client; TYPE_UNKNOWN: to be found out */
    uint32_t parameter_count;
    bool keep_constants;  /* tests: constant expressions are left to the executors */
    bool as_subscription; /* `subscribe` message: a SELECT is bound as SUBSCRIBE */
    SqlLimits limits;
    /* Asked before anything is said about the names in a definition or an operation: may this
     * action be tried at all? `object` is the most open one it could be about, so a refusal holds
     * for all of them. What it returns ends the binding. NULL: everything may be tried; the
     * executor asks about the objects themselves at every run in either case. */
    Status (*allow)(void *context, Action action, const GuardedObject *object, Error *error);
    void *allow_context;
} BindRequest;

CHECKED Status plan_bind(const BindRequest *request, Plan **out, Error *error);

/* May the plan be kept for the same text? Queries and changes of rows only: definitions are not
 * repeated, and some carry passwords. */
bool plan_is_cacheable(const Plan *plan);

/* The tag PostgreSQL's clients expect ("CREATE TABLE"); of INSERT, UPDATE, DELETE, SELECT without
 * the count. Also what messages call the statement. */
const char *statement_name(StatementKind kind);

#endif
