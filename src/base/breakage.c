#include "base/breakage.h"

#include "base/assert.h"

#ifdef FIRN_FAULTS
static enum Breakage broken;

bool breakage_is(enum Breakage breakage)
{
    return broken == breakage;
}

void breakage_set(enum Breakage breakage)
{
    broken = breakage;
}
#endif

static const struct {
    const char *name;
    const char *meaning;
} entries[BREAKAGE_COUNT] = {{"none", "nothing is broken"},
#define X(name, meaning) {#name, meaning},
                             BREAKAGES(X)
#undef X
};

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
