/* Login limit: how often an address may try a wrong password.
 *
 * Each address has a minute that begins with its first failure; above the limit it is refused until
 * the minute is over. Addresses share LOGIN_LIMIT_SLOTS places: where two meet, the later one takes
 * the place over, unless the earlier one is being refused.
 *
 * Threading: any thread. Ownership: none. Errors: TOO_MANY_REQUESTS. */
#ifndef FIRN_DATABASE_LOGIN_LIMIT_H
#define FIRN_DATABASE_LOGIN_LIMIT_H

#include "base/env.h"

typedef struct LoginLimit LoginLimit;

enum { LOGIN_LIMIT_SLOTS = 4096 };

CHECKED Status login_limit_open(Env *env, LoginLimit **out, Error *error);
void login_limit_close(LoginLimit *limit);

/* May the address ("127.0.0.1:5000": the port does not count) try? `failures_max` 0: always. */
CHECKED Status login_limit_check(LoginLimit *limit, Slice address, uint32_t failures_max,
                                 Error *error);
void login_limit_failed(LoginLimit *limit, Slice address, uint32_t failures_max);

#endif
