#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void error_clear(Error *error)
{
    error->status = OK;
    error->position_byte = -1;
    error->message[0] = '\0';
    error->detail[0] = '\0';
    error->hint[0] = '\0';
    error->internal[0] = '\0';
}

/* Cuts at a whole UTF-8 character, so that a long value cannot make a message invalid text. */
static void cut_at_character(char *text, size_t capacity)
{
    size_t size = strlen(text);
    if (size + 1 < capacity)
        return;
    size_t start = size;
    while (start > 0 && size - start < 4 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (uint8_t)text[start - 1] >= 0xc0)
        start--;
    if (!slice_is_utf8_text(slice_of(text + start, size - start)))
        text[start] = '\0';
}

__attribute__((format(printf, 3, 0))) static void format_into(char *text, size_t capacity,
                                                              const char *format, va_list arguments)
{
    int size = vsnprintf(text, capacity, format, arguments);
    if (size < 0)
        text[0] = '\0';
    cut_at_character(text, capacity);
}

Status error_set(Error *error, Status status, const char *format, ...)
{
    va_list arguments;
    error_clear(error);
    error->status = status;
    va_start(arguments, format);
    format_into(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

Status error_set_at(Error *error, int32_t position_byte, Status status, const char *format, ...)
{
    va_list arguments;
    error_clear(error);
    error->status = status;
    error->position_byte = position_byte;
    va_start(arguments, format);
    format_into(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}

Status error_of(Error *error, Status status)
{
    return error_set(error, status, "%s", status_text(status));
}

static Status status_of_errno(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return STATUS_DISK_FULL;
    case ENOENT:
        return STATUS_FILE_NOT_FOUND;
    case EEXIST:
        return STATUS_FILE_EXISTS;
    case ENOMEM:
        return STATUS_OUT_OF_MEMORY;
    default:
        return STATUS_IO_ERROR;
    }
}

/* strerror_r in its GNU form returns the text, which may or may not be in the buffer given. */
Status error_set_errno(Error *error, int error_number, const char *verb, const char *path)
{
    char buffer[128];
    const char *reason = strerror_r(error_number, buffer, sizeof buffer);
    Status status = status_of_errno(error_number);
    (void)error_set(error, status, "could not %s: %s", verb, reason);
    (void)snprintf(error->internal, sizeof error->internal, "%s %s: %s (%d)", verb, path, reason,
                   error_number);
    return status;
}

Status error_out_of_memory(Error *error)
{
    return error_of(error, STATUS_OUT_OF_MEMORY);
}

Status error_set_format(Error *error, const char *what, uint64_t found, uint64_t supported)
{
    (void)error_set(error, STATUS_VERSION_NOT_SUPPORTED,
                    "%s has format %llu, this version of Firn reads up to %llu", what,
                    (unsigned long long)found, (unsigned long long)supported);
    error_set_hint(error, "A newer version wrote it: open the directory with that one.");
    return error->status;
}

void error_set_detail(Error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_into(error->detail, sizeof error->detail, format, arguments);
    va_end(arguments);
}

void error_set_hint(Error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_into(error->hint, sizeof error->hint, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 3, 0))) static void put_before(char *text, size_t capacity,
                                                             const char *format, va_list arguments)
{
    char rest[ERROR_MESSAGE_BYTES_MAX];
    char context[ERROR_MESSAGE_BYTES_MAX];
    (void)snprintf(rest, sizeof rest, "%s", text);
    format_into(context, sizeof context, format, arguments);
    int size = snprintf(text, capacity, "%s%s%s", context, rest[0] == '\0' ? "" : ": ", rest);
    if (size < 0)
        text[0] = '\0';
    cut_at_character(text, capacity);
}

Status error_wrap(Error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_before(error->internal, sizeof error->internal, format, arguments);
    va_end(arguments);
    return error->status;
}

Status error_prefix(Error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_before(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return error->status;
}
