#include "tests/faults/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

enum { SHOWN_BYTES_MAX = 80, LINE_SHOWN_MAX = 300 };

static void grow(Text *text, size_t more)
{
    if (text->size + more + 1 <= text->capacity)
        return;
    text->capacity = (text->size + more + 1) * 2;
    text->data = realloc(text->data, text->capacity);
    ASSERT(text->data != NULL);
}

void text_put(Text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    grow(text, (size_t)size);
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->size += (size_t)size;
}

void text_put_bytes(Text *text, Slice bytes)
{
    size_t shown = bytes.size < SHOWN_BYTES_MAX ? bytes.size : SHOWN_BYTES_MAX;
    for (size_t i = 0; i < shown; i++)
        text_put(text, isprint(bytes.data[i]) ? "%c" : "\\x%02x", bytes.data[i]);
    if (shown < bytes.size)
        text_put(text, "... %zu bytes %016llx", bytes.size, (unsigned long long)hash_64(bytes));
}

void text_clear(Text *text)
{
    text->size = 0;
    if (text->data != NULL)
        text->data[0] = '\0';
}

void text_close(Text *text)
{
    free(text->data);
    *text = (Text){0};
}

const char *text_of(const Text *text)
{
    return text->data == NULL ? "" : text->data;
}

static size_t line_size(const char *line)
{
    size_t size = strcspn(line, "\n");
    return size < LINE_SHOWN_MAX ? size : LINE_SHOWN_MAX;
}

void text_put_difference(Text *out, const char *wanted, const char *got)
{
    size_t begin = 0;
    for (size_t i = 0; wanted[i] == got[i] && wanted[i] != '\0'; i++)
        if (wanted[i] == '\n')
            begin = i + 1;
    text_put(out, "wanted \"%.*s\", got \"%.*s\"", (int)line_size(wanted + begin), wanted + begin,
             (int)line_size(got + begin), got + begin);
}
