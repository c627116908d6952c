/* Clauses: their names in messages, and what may be called in each. */
#include "sql/binder_int.h"

static const struct {
    const char *name;
    bool aggregates;
    bool windows;
    bool sets;
} CLAUSES[CLAUSE_COUNT] = {
    [CLAUSE_SELECT] = {"SELECT", true, true, true},
    [CLAUSE_WHERE] = {"WHERE", false, false, false},
    [CLAUSE_ON] = {"JOIN conditions", false, false, false},
    [CLAUSE_FROM_FUNCTION] = {"functions in FROM", false, false, true},
    [CLAUSE_GROUP_BY] = {"GROUP BY", false, false, true},
    [CLAUSE_HAVING] = {"HAVING", true, false, false},
    [CLAUSE_FILTER] = {"FILTER", false, false, false},
    [CLAUSE_ORDER_BY] = {"ORDER BY", true, true, true},
    [CLAUSE_DISTINCT_ON] = {"DISTINCT ON", true, true, true},
    [CLAUSE_LIMIT] = {"LIMIT", false, false, false},
    [CLAUSE_OFFSET] = {"OFFSET", false, false, false},
    [CLAUSE_VALUES] = {"VALUES", false, false, false},
    [CLAUSE_WINDOW] = {"window definitions", true, false, false},
    [CLAUSE_WINDOW_FRAME] = {"window definitions", false, false, false},
    [CLAUSE_RETURNING] = {"RETURNING", false, false, false},
    [CLAUSE_UPDATE_SET] = {"UPDATE", false, false, false},
    [CLAUSE_CHECK] = {"check constraints", false, false, false},
    [CLAUSE_DEFAULT] = {"DEFAULT expressions", false, false, false},
};

const char *clause_name(Clause clause)
{
    return CLAUSES[clause].name;
}

Status clause_allows_aggregate(Clause clause, int32_t position, Error *error)
{
    if (CLAUSES[clause].aggregates)
        return OK;
    return error_set_at(error, position, STATUS_GROUPING_ERROR,
                        "aggregate functions are not allowed in %s", CLAUSES[clause].name);
}

Status clause_allows_window(Clause clause, int32_t position, Error *error)
{
    if (CLAUSES[clause].windows)
        return OK;
    return error_set_at(error, position, STATUS_WINDOWING_ERROR,
                        "window functions are not allowed in %s", CLAUSES[clause].name);
}

Status clause_allows_set(Clause clause, int32_t position, Error *error)
{
    if (CLAUSES[clause].sets)
        return OK;
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "set-returning functions are not allowed in %s", CLAUSES[clause].name);
}
