/* Private to live: what a filter says about the rows that match it, in a form that the index can
 * look rows up by; and what it reads. */
#ifndef FIRN_LIVE_PREDICATE_INT_H
#define FIRN_LIVE_PREDICATE_INT_H

#include "live/index_int.h"
#include "live/live.h"

/* What an expression reads. */
typedef struct ExpressionReads {
    bool *columns; /* by column number; NULL: they are not asked for */
    uint32_t column_count;
    bool any_column;
    bool owner_name;
    bool moment; /* _seq, _updated: not the same for one row at any time */
    bool is_volatile;
    bool excluded;
} ExpressionReads;

/* STATEMENT_TOO_COMPLEX beyond EXPRESSION_DEPTH_MAX; INTERNAL for a column that is not there. */
CHECKED Status expression_reads(const Expression *expression, ExpressionReads *reads, Error *error);

typedef struct LivePredicate {
    LiveFilterKind kind;
    LiveKey *keys; /* at least one */
    size_t key_count;
} LivePredicate;

/* Every row for which the filter is true has one of the keys. `context` evaluates what is constant;
 * everything is in the arena. */
CHECKED Status predicate_of(const Expression *filter, const Schema *schema, Arena *arena,
                            EvaluationContext *context, LivePredicate *out, Error *error);

#endif
