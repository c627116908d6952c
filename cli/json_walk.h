/* Walking over JSON without reading it: the members of an object and the elements of an array, one
 * raw value after the other, so that a result of a million rows is never in memory as a tree.
 *
 * Only the form is followed (brackets, strings); what a value says is json_read's business.
 *
 * Threading: plain values. Ownership: slices point into the text. Errors: INVALID_JSON_TEXT. */
#ifndef FIRN_CLI_JSON_WALK_H
#define FIRN_CLI_JSON_WALK_H

#include "base/error.h"

typedef struct JsonWalk {
    Slice text;
    size_t at;
    uint8_t close; /* ']' or '}' */
    bool has_begun;
} JsonWalk;

/* Where `text` is an array (or an object): begins to walk over it; false where it is none. */
bool json_walk_array(JsonWalk *walk, Slice text);
bool json_walk_object(JsonWalk *walk, Slice text);

/* The next value; *has is false at the end. `key` is as written, without its quotes, and empty in
 * arrays. */
CHECKED Status json_walk_next(JsonWalk *walk, bool *has, Slice *key, Slice *value, Error *error);

/* The raw value of a member, data NULL where there is none. */
CHECKED Status json_walk_member(Slice object, const char *key, Slice *value, Error *error);

#endif
