/* What may be a name, and what is reserved. */
#include <stdio.h>

#include "catalog/snapshot.h"

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static Status check_size(Slice name, size_t size_max, const char *what, Error *error)
{
    if (name.size == 0)
        return error_set(error, STATUS_INVALID_NAME, "the %s's name is empty", what);
    if (name.size > size_max)
        return error_set(error, STATUS_NAME_TOO_LONG, "the %s's name has %zu bytes (maximum %zu)",
                         what, name.size, size_max);
    return OK;
}

static Status check_characters(Slice name, const char *what, Error *error)
{
    if (name.data[0] == '_')
        return error_set(error, STATUS_RESERVED_NAME,
                         "\"%.*s\" cannot be a %s's name: names that begin with _ are reserved",
                         SLICE_ARGUMENTS(name), what);
    if (is_digit(name.data[0]))
        return error_set(error, STATUS_INVALID_NAME,
                         "\"%.*s\" cannot be a %s's name: it begins with a digit",
                         SLICE_ARGUMENTS(name), what);
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (is_letter(c) || is_digit(c) || c == '_')
            continue;
        (void)error_set(error, STATUS_INVALID_NAME, "\"%.*s\" cannot be a %s's name",
                        SLICE_ARGUMENTS(name), what);
        error_set_hint(error, "Names have letters, digits and _ only.");
        return error->status;
    }
    return OK;
}

Status object_name_check(Slice name, const char *what, Error *error)
{
    TRY(check_size(name, NAME_BYTES_MAX, what, error));
    return check_characters(name, what, error);
}

bool namespace_is_system(Slice name)
{
    return slice_equal_text(name, "system") || slice_equal_text(name, "sys");
}

Status namespace_name_check(Slice name, Error *error)
{
    static const char *const reserved[] = {"system",     "sys",     "information_schema",
                                           "pg_catalog", "firn",    "main",
                                           "default",    "sql",     "root",
                                           "admin",      "internal"};
    TRY(check_size(name, NAMESPACE_BYTES_MAX, "namespace", error));
    TRY(check_characters(name, "namespace", error));
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (slice_equal_ignoring_case(name, slice_of_text(reserved[i])))
            return error_set(error, STATUS_RESERVED_NAME, "\"%.*s\" is a reserved namespace",
                             SLICE_ARGUMENTS(name));
    }
    return OK;
}
