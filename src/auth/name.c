#include "auth/auth.h"

static bool is_name_byte(uint8_t c)
{
    bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return is_letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@' || c == '+' ||
           c == '-';
}

/* User names stand in paths as they are, so nothing here may be loosened lightly. */
Status user_name_check(Slice name, Error *error)
{
    if (name.size == 0)
        return error_set(error, STATUS_INVALID_NAME, "a user name must not be empty");
    if (name.size > USER_NAME_BYTES_MAX)
        return error_set(error, STATUS_INVALID_NAME,
                         "a user name of %zu bytes is too long (at most %d)", name.size,
                         USER_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.size; i++) {
        if (!is_name_byte(name.data[i]))
            return error_set(error, STATUS_INVALID_NAME,
                             "a user name has letters, digits and . _ @ + - only: byte %zu is "
                             "none of them",
                             i + 1);
    }
    if (name.data[0] == '.' || name.data[0] == '-')
        return error_set(error, STATUS_INVALID_NAME, "a user name must not begin with \"%c\"",
                         name.data[0]);
    return OK;
}
