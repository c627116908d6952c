/* Figures: what the engine and its log count by themselves, as metrics.
 *
 * The engine keeps its own statistics, below the metrics; they are copied here whenever somebody is
 * about to look (database_metrics), so that /metrics and system.stats say the same and cost nothing
 * in between.
 *
 * Threading: any thread; one copy at a time. Ownership: the metrics are the Metrics object's; the
 * figures the database's. Errors: those of registering. */
#ifndef FIRN_DATABASE_FIGURES_H
#define FIRN_DATABASE_FIGURES_H

#include "base/metrics.h"
#include "engine/engine.h"

typedef struct Figures Figures;

/* Registers them all; what recovery did is said once. */
CHECKED Status figures_open(Env *env, Metrics *metrics, const EngineRecovery *recovery,
                            Figures **out, Error *error);
void figures_close(Figures *figures); /* NULL is allowed */

void figures_update(Figures *figures, Engine *engine);

#endif
