#include "sql/quantity.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* Largest first for writing; "" is the bare number. */
static const Unit durations[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                 {"s", 1000},     {"", 1000},     {"ms", 1}};

static const Unit sizes[] = {{"TiB", (int64_t)1 << 40},
                             {"GiB", 1 << 30},
                             {"MiB", 1 << 20},
                             {"KiB", 1 << 10},
                             {"TB", (int64_t)1 << 40},
                             {"GB", 1 << 30},
                             {"MB", 1 << 20},
                             {"KB", 1 << 10},
                             {"T", (int64_t)1 << 40},
                             {"G", 1 << 30},
                             {"M", 1 << 20},
                             {"K", 1 << 10},
                             {"B", 1},
                             {"", 1}};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool quantity_from_text(Slice text, const Unit *units, size_t unit_count, int64_t *out)
{
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    int64_t number;
    if (!slice_to_int64(slice_part(text, 0, digits), &number))
        return false;
    Slice name = slice_part(text, digits, text.size);
    for (size_t i = 0; i < unit_count; i++) {
        if (slice_equal_ignoring_case(name, slice_of_text(units[i].name)))
            return !__builtin_mul_overflow(number, units[i].factor, out);
    }
    return false;
}

static void quantity_put_text(int64_t value, const Unit *units, size_t unit_count, char *out)
{
    size_t i = 0;
    while (i + 1 < unit_count &&
           (units[i].name[0] == '\0' || value == 0 || value % units[i].factor != 0))
        i++;
    (void)snprintf(out, QUANTITY_TEXT_BYTES_MAX, "%" PRId64 "%s", value / units[i].factor,
                   units[i].name);
}

bool duration_from_text(Slice text, int64_t *milliseconds)
{
    return quantity_from_text(text, durations, COUNT(durations), milliseconds);
}

bool size_from_text(Slice text, int64_t *bytes)
{
    return quantity_from_text(text, sizes, COUNT(sizes), bytes);
}

void duration_put_text(int64_t milliseconds, char out[QUANTITY_TEXT_BYTES_MAX])
{
    quantity_put_text(milliseconds, durations, COUNT(durations), out);
}

void size_put_text(int64_t bytes, char out[QUANTITY_TEXT_BYTES_MAX])
{
    quantity_put_text(bytes, sizes, COUNT(sizes), out);
}
