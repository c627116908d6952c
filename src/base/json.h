/* JSON: a bounded reader into an arena, and a streaming writer.
 *
 * One reader serves client requests, Iceberg metadata and PostgreSQL's parse trees (which nest
 * deeper than any packaged library allows and whose depth must yet be limited): strict RFC 8259,
 * UTF-8 checked, integers exact, duplicate keys kept (the last one is found), depth limited by the
 * caller. Nesting is followed with a stack of its own, not with the thread's. Neither the values
 * nor that stack grow beyond the arena's limit.
 *
 * Threading: values are immutable. Ownership: values live in the arena; texts without escapes point
 * into the input. Errors: INVALID_JSON_TEXT with the byte offset in the message;
 * STATEMENT_TOO_COMPLEX beyond the depth. */
#ifndef FIRN_BASE_JSON_H
#define FIRN_BASE_JSON_H

#include "base/arena.h"
#include "base/buffer.h"

typedef enum JsonKind {
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} JsonKind;

typedef struct JsonValue JsonValue;

struct JsonValue {
    JsonKind kind;
    bool boolean;        /* BOOLEAN */
    bool is_integer;     /* NUMBER: without fraction and exponent, and within int64 */
    int64_t integer;     /* NUMBER where is_integer */
    Slice key;           /* its name where it is a member of an object, unescaped */
    Slice text;          /* STRING: unescaped; NUMBER: as written */
    Slice raw;           /* the whole value as it stands in the input */
    uint32_t count;      /* ARRAY and OBJECT: children */
    JsonValue *children; /* contiguous; OBJECT members carry their keys */
};

/* One whole document; anything but white space behind it is an error. */
CHECKED Status json_read(Arena *arena, Slice text, uint32_t depth_max, JsonValue **out,
                         Error *error);

/* The member of an object; NULL where there is none, or where `object` is NULL or no object. */
const JsonValue *json_member(const JsonValue *object, const char *key);

/* The texts and numbers of members; the fallback where they are missing or of another kind. */
Slice json_member_text(const JsonValue *object, const char *key, Slice fallback);
int64_t json_member_integer(const JsonValue *object, const char *key, int64_t fallback);
bool json_member_boolean(const JsonValue *object, const char *key, bool fallback);

double json_number(const JsonValue *number);

/* ---- writing: into a Buffer; commas are the writer's business ---- */

/* Of what our own code opens; deeper values of others go in by json_raw. More stops the process. */
enum { JSON_WRITER_DEPTH_MAX = 64 };

typedef struct JsonWriter {
    Buffer *out;
    uint32_t depth;
    bool needs_comma[JSON_WRITER_DEPTH_MAX];
} JsonWriter;

void json_begin(JsonWriter *writer, Buffer *out);
void json_open_object(JsonWriter *writer);
void json_close_object(JsonWriter *writer);
void json_open_array(JsonWriter *writer);
void json_close_array(JsonWriter *writer);
void json_key(JsonWriter *writer, const char *key);
void json_key_slice(JsonWriter *writer, Slice key);
void json_null(JsonWriter *writer);
void json_boolean(JsonWriter *writer, bool value);
void json_integer(JsonWriter *writer, int64_t value);
void json_unsigned(JsonWriter *writer, uint64_t value);
void json_double(JsonWriter *writer, double value); /* shortest; NaN and infinities as strings */
void json_text(JsonWriter *writer, const char *value);
void json_slice(JsonWriter *writer, Slice value);

/* A value written elsewhere (by value_put_json, say): only the comma is taken care of. */
void json_raw(JsonWriter *writer, Slice json);
void json_before_raw(JsonWriter *writer); /* comma, then the caller writes one value to out */

/* A string literal with quotes; bytes that are not UTF-8, and NUL, become U+FFFD: what is written
 * can always be read again. */
void json_put_string(Buffer *out, Slice s);

/* Shortest text that reads back as the same number, digit for digit as PostgreSQL prints it: plain
 * digits while the exponent is in -4..14 (float: -4..5), else "1.5e+15". NaN, Infinity, -Infinity
 * without quotes. In every locale. */
void put_double(Buffer *out, double value);
void put_float(Buffer *out, float value);

#endif
