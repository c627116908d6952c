/* Limits of one user: requests in a second, statements at one time. Both are off by default, and
 * cost one load then.
 *
 * A fixed table by user id. Where it is full of users who are under way, a further one is not
 * counted: these limits keep programs in bounds, they are no guard. */
#include "api/api_int.h"

enum {
    RATES_PLACES = 4096,
    RATES_TRIED = 8, /* places looked at for one user */
};

typedef struct UserRate {
    OwnerId user_id;
    bool is_taken;
    int64_t second; /* of the count */
    uint64_t requests;
    uint64_t statements; /* under way */
} UserRate;

struct Rates {
    Env *env;
    Mutex mutex;
    UserRate *places; /* made when first needed */
};

Status rates_create(Env *env, Rates **out, Error *error)
{
    Rates *rates = MEMORY_NEW(Rates);
    if (rates == NULL)
        return error_out_of_memory(error);
    rates->env = env;
    mutex_open(&rates->mutex, env, "api_rates");
    *out = rates;
    return OK;
}

void rates_destroy(Rates *rates)
{
    if (rates == NULL)
        return;
    mutex_close(&rates->mutex);
    memory_free(rates->places);
    memory_free(rates);
}

static bool is_free(const UserRate *place, int64_t second)
{
    return !place->is_taken || (place->statements == 0 && place->second != second);
}

/* The user's place, or one for him; NULL where there is none. */
static UserRate *place_of(Rates *rates, OwnerId user_id, int64_t second)
{
    uint64_t at = (uint64_t)user_id * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    UserRate *empty = NULL;
    if (rates->places == NULL)
        rates->places = memory_allocate_zeroed(RATES_PLACES, sizeof(UserRate));
    if (rates->places == NULL)
        return NULL;
    for (uint64_t i = 0; i < RATES_TRIED; i++) {
        UserRate *place = &rates->places[(at + i) % RATES_PLACES];
        if (place->is_taken && place->user_id == user_id)
            return place;
        if (empty == NULL && is_free(place, second))
            empty = place;
    }
    if (empty != NULL)
        *empty = (UserRate){.user_id = user_id, .is_taken = true, .second = second};
    return empty;
}

static int64_t second_now(const Rates *rates)
{
    return env_monotonic_ns(rates->env) / 1000000000;
}

Status rate_check_request(Api *api, const DatabaseSession *session, Error *error)
{
    uint64_t limit = atomic_load_explicit(&api->limits.requests_per_second, memory_order_relaxed);
    Rates *rates = api->rates;
    bool is_within = true;
    if (limit == 0)
        return OK;
    int64_t second = second_now(rates);
    mutex_lock(&rates->mutex);
    UserRate *place = place_of(rates, session->session.principal.user_id, second);
    if (place != NULL) {
        place->requests = place->second == second ? place->requests + 1 : 1;
        place->second = second;
        is_within = place->requests <= limit;
    }
    mutex_unlock(&rates->mutex);
    if (is_within)
        return OK;
    return error_set(error, STATUS_TOO_MANY_REQUESTS,
                     "more than %llu requests in a second (limits.requests_per_second)",
                     (unsigned long long)limit);
}

/* Counted also while the limit is off, once the table is there, so that it holds when it is set. */
Status rate_begin_statement(Api *api, const DatabaseSession *session, Error *error)
{
    uint64_t limit = atomic_load_explicit(&api->limits.statements_per_user, memory_order_relaxed);
    Rates *rates = api->rates;
    bool is_within = true;
    mutex_lock(&rates->mutex);
    if (limit > 0 || rates->places != NULL) {
        UserRate *place = place_of(rates, session->session.principal.user_id, second_now(rates));
        is_within = place == NULL || limit == 0 || place->statements < limit;
        if (place != NULL && is_within)
            place->statements++;
    }
    mutex_unlock(&rates->mutex);
    if (is_within)
        return OK;
    return error_set(error, STATUS_TOO_MANY_REQUESTS,
                     "more than %llu statements at one time (limits.statements_per_user)",
                     (unsigned long long)limit);
}

void rate_end_statement(Api *api, const DatabaseSession *session)
{
    Rates *rates = api->rates;
    mutex_lock(&rates->mutex);
    if (rates->places != NULL) {
        UserRate *place = place_of(rates, session->session.principal.user_id, second_now(rates));
        if (place != NULL && place->statements > 0)
            place->statements--;
    }
    mutex_unlock(&rates->mutex);
}
