#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void assert_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: this must be true and is not: %s\n", file, line, expression);
    abort();
}
