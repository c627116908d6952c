/* Plan cache: plans by the text they were bound from, so that a statement that comes again is
 * neither parsed nor bound.
 *
 * A plan is found for the same text, namespace, declared parameter types and form (statement or
 * subscription), and for the same catalog version: a newer version empties the cache as it is
 * noticed, part by part, and an older one (a session that still holds its snapshot) misses.
 * Bounded by entries and by bytes of plans; what was not used longest goes first. Large caches are
 * cut into parts with a lock each, and the bounds hold for the parts.
 *
 * Threading: any thread. Ownership: the cache holds one reference to each plan; find gives one
 * more. Errors: none: where there is no memory a plan is simply not kept. */
#ifndef FIRN_SQL_PLAN_CACHE_H
#define FIRN_SQL_PLAN_CACHE_H

#include "sql/parse.h"

typedef struct PlanCache PlanCache;

enum {
    PLAN_CACHE_TEXT_BYTES_MAX = 64 << 10, /* longer statements are not kept */
    PLAN_CACHE_PARTS_MAX = 16,
    PLAN_CACHE_ENTRIES_OF_PART_MIN = 64,
};

CHECKED Status plan_cache_create(Env *env, size_t entries_max, size_t bytes_max, PlanCache **out,
                                 Error *error);
void plan_cache_destroy(PlanCache *cache);

/* A reference, or NULL. */
Plan *plan_cache_find(PlanCache *cache, const BindRequest *request);

/* Keeps the plan that was bound from this request, if plan_is_cacheable. */
void plan_cache_put(PlanCache *cache, const BindRequest *request, Plan *plan);

void plan_cache_clear(PlanCache *cache);

typedef struct PlanCacheStatistics {
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions; /* for room; not those of an old catalog version */
    size_t entries;
    size_t bytes;
} PlanCacheStatistics;

void plan_cache_statistics(PlanCache *cache, PlanCacheStatistics *out);

#endif
