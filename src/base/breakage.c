#include "base/breakage.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static const struct {
    const char *name;
    const char *meaning;
} entries[BREAKAGE_COUNT] = {{"none", "nothing is broken"},
#define X(name, meaning) {#name, meaning},
                             BREAKAGES(X)
#undef X
};

#ifdef FIRN_FAULTS
enum { BREAKAGE_UNREAD = -1 };

static _Atomic int broken = BREAKAGE_UNREAD;

static int read_environment(void)
{
    const char *name = getenv("FIRN_BREAKAGE");
    enum Breakage found = BREAKAGE_NONE;
    if (name != NULL && !breakage_find(name, &found)) {
        (void)fprintf(stderr, "FIRN_BREAKAGE: there is no rule %s\n", name);
        abort();
    }
    breakage_set(found);
    return (int)found;
}

bool breakage_is(enum Breakage breakage)
{
    int now = atomic_load_explicit(&broken, memory_order_relaxed);
    if (now == BREAKAGE_UNREAD)
        now = read_environment();
    return now == (int)breakage;
}

void breakage_set(enum Breakage breakage)
{
    atomic_store(&broken, (int)breakage);
}
#endif

const char *breakage_name(enum Breakage breakage)
{
    ASSERT(breakage < BREAKAGE_COUNT);
    return entries[breakage].name;
}

const char *breakage_meaning(enum Breakage breakage)
{
    ASSERT(breakage < BREAKAGE_COUNT);
    return entries[breakage].meaning;
}

bool breakage_find(const char *name, enum Breakage *out)
{
    for (int i = BREAKAGE_NONE + 1; i < BREAKAGE_COUNT; i++) {
        if (strcmp(name, entries[i].name) == 0) {
            *out = (enum Breakage)i;
            return true;
        }
    }
    return false;
}
