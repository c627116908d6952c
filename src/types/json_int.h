/* JSON inside values: reading it with PostgreSQL's errors, and JSONB's normal form.
 *
 * Threading: pure functions. Ownership: trees live in the arena, their texts point into it or into
 * the text read. Errors: INVALID_TEXT_REPRESENTATION "invalid input syntax for type json". */
#ifndef FIRN_TYPES_JSON_INT_H
#define FIRN_TYPES_JSON_INT_H

#include "base/json.h"
#include "types/value.h"

/* Deeper JSON is STATEMENT_TOO_COMPLEX. What is read was limited, so walks of it may recurse. */
enum { JSON_DEPTH_MAX = 1000 };

CHECKED Status json_parse(Arena *arena, Slice text, JsonValue **out, Error *error);

/* Sorts every object's members (by length, then bytes) and keeps the last of equal keys. False
 * where a number is beyond what numeric can be. */
CHECKED bool json_normalise(JsonValue *value);

/* Puts an object's members, whose keys are all different, in their order. */
void json_sort_members(JsonValue *object);

/* JSONB's order (and equality: numbers by value). */
int json_compare(const JsonValue *a, const JsonValue *b);

/* @>: is every part of `b` found in `a`? */
bool json_contains(const JsonValue *a, const JsonValue *b);

/* The member of an object, the last one where its key stands twice; NULL where there is none. */
const JsonValue *json_find_member(const JsonValue *object, Slice key);

/* The element of an array, from its end where `index` is negative; NULL where there is none. */
const JsonValue *json_find_element(const JsonValue *array, int64_t index);

/* A normalised tree as JSONB's text: {"a": 1, "b": [1, 2.50]}. */
void json_put_normal(Buffer *out, const JsonValue *value);

/* A number of such a tree as numeric prints it: without exponent, with its scale. */
void json_put_number(Buffer *out, Slice number);

/* Text → JSONB value in the arena. */
CHECKED Status jsonb_from_text(Arena *arena, Slice text, Value *out, Error *error);
CHECKED Status jsonb_from_tree(Arena *arena, JsonValue *tree, Value *out, Error *error);

/* PostgreSQL's to_json of a value: numbers bare, everything else a string, unless it is JSON. */
void json_put_value(Buffer *out, Type type, const Value *value);

/* The bytes of a buffer into the arena; closes the buffer, also after an error. */
CHECKED Status buffer_into_arena(Buffer *buffer, Arena *arena, Slice *out, Error *error);

#endif
