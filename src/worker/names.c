#include "worker/names.h"

#include <ctype.h>

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_';
}

bool names_next(Slice *rest, Slice prefix, Slice *name)
{
    const uint8_t *end = rest->data + rest->size;
    const uint8_t *at = rest->data;
    while (at < end && (at = memmem(at, (size_t)(end - at), prefix.data, prefix.size)) != NULL) {
        const uint8_t *word = at;
        bool begins = word == rest->data || !is_word(word[-1]);
        while (at < end && is_word(*at))
            at++;
        if (!begins)
            continue;
        *name = slice_of(word, (size_t)(at - word));
        *rest = slice_of(at, (size_t)(end - at));
        return true;
    }
    return false;
}
