/* The short path: which reads the row executor answers by itself, and what a WHERE says about a
 * table's keys and files. */
#ifndef FIRN_SQL_SHORT_H
#define FIRN_SQL_SHORT_H

#include "sql/binder_int.h"

/* *out is NULL where only the engine can answer. Lives in the plan's arena. */
CHECKED Status short_read_find(Binder *binder, const BoundQuery *query, ShortRead **out,
                               Error *error);

/* The same for the rows an UPDATE or DELETE changes: no projections, no order. */
CHECKED Status short_read_of_change(Binder *binder, const Relation *relation, const Bound *where,
                                    ShortRead **out, Error *error);

/* Terms for every reference of the query and of those inside it. */
CHECKED Status pruning_find(Binder *binder, BoundQuery *query, Error *error);

/* SELECT count(*) FROM t */
bool query_counts_table(const BoundQuery *query);

#endif
