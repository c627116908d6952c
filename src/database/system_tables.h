/* System tables: the rows of system.* as one principal may see them (spec/catalog.md §1).
 *
 * Threading: any thread. Ownership: values handed to the sink live in the arena, or until the call
 * returns. Errors: of the sources and of the sink. */
#ifndef FIRN_DATABASE_SYSTEM_TABLES_H
#define FIRN_DATABASE_SYSTEM_TABLES_H

#include "database/database.h"

typedef struct SystemSources {
    Env *env;
    Engine *engine;
    Catalog *catalog;
    Jobs *jobs;
    QueryPool *pool;
    Executor *executor;
    Live *live;
    Metrics *metrics;
    const Configuration *configuration;
    /* Of DatabaseHooks; NULL: there are no connections. */
    Status (*visit_connections)(void *context, ConnectionVisitor visit, void *visit_context,
                                Error *error);
    void *connections_context;
} SystemSources;

/* UNDEFINED_TABLE where nobody makes the table's rows. */
CHECKED Status system_rows(const SystemSources *sources, const SystemTable *table,
                           const Principal *who, Arena *arena, const SystemRowSink *sink,
                           Error *error);

#endif
