/* LIKE: a matcher that goes back to the last '%' only, so its time is at most the product of both
 * lengths and its memory constant. */
#include "types/function_int.h"

typedef struct Matcher {
    Slice text;
    Slice pattern;
    bool by_byte; /* BYTEA: '_' is one byte */
    Error *error;
} Matcher;

/* Where a match goes on, and where it goes back to. */
typedef struct MatchState {
    size_t text;
    size_t pattern;
    size_t retry_text;    /* the last '%' takes one character more from here */
    size_t retry_pattern; /* behind the last '%'; SIZE_MAX: there was none */
} MatchState;

static size_t step(const Matcher *matcher, Slice s, size_t at)
{
    return matcher->by_byte ? 1 : text_step(s, at);
}

static Status ends_with_escape(Error *error)
{
    return error_set(error, STATUS_INVALID_ESCAPE_SEQUENCE,
                     "LIKE pattern must not end with escape character");
}

/* A '%': what follows it is looked for from here on. */
static Status take_wildcard(Matcher *matcher, MatchState *state)
{
    state->pattern++;
    state->retry_pattern = state->pattern;
    state->retry_text = state->text;
    bool escapes_nothing = state->pattern + 1 == matcher->pattern.size &&
                           matcher->pattern.data[state->pattern] == '\\';
    return escapes_nothing ? ends_with_escape(matcher->error) : OK;
}

/* One step of pattern and text where both have something left; *matched where they agree. */
static Status match_one(Matcher *matcher, MatchState *state, bool *matched)
{
    uint8_t wanted = matcher->pattern.data[state->pattern];
    size_t at = state->pattern;
    if (wanted == '\\') {
        if (++at == matcher->pattern.size)
            return ends_with_escape(matcher->error);
    } else if (wanted == '_') {
        state->pattern++;
        state->text += step(matcher, matcher->text, state->text);
        *matched = true;
        return OK;
    }
    size_t size = step(matcher, matcher->pattern, at);
    Slice character = slice_part(matcher->text, state->text, size);
    *matched = slice_equal(character, slice_part(matcher->pattern, at, size));
    if (*matched) {
        state->pattern = at + size;
        state->text += size;
    }
    return OK;
}

static Status match(Matcher *matcher, bool *out)
{
    MatchState state = {.retry_pattern = SIZE_MAX};
    while (state.text < matcher->text.size) {
        bool matched = false;
        bool has_pattern = state.pattern < matcher->pattern.size;
        if (has_pattern && matcher->pattern.data[state.pattern] == '%') {
            TRY(take_wildcard(matcher, &state));
            continue;
        }
        if (has_pattern)
            TRY(match_one(matcher, &state, &matched));
        if (matched)
            continue;
        if (state.retry_pattern == SIZE_MAX) {
            *out = false;
            return OK;
        }
        if (state.retry_pattern == matcher->pattern.size) { /* it ends with '%' */
            *out = true;
            return OK;
        }
        state.retry_text += step(matcher, matcher->text, state.retry_text);
        state.text = state.retry_text;
        state.pattern = state.retry_pattern;
    }
    while (state.pattern < matcher->pattern.size && matcher->pattern.data[state.pattern] == '%')
        state.pattern++;
    *out = state.pattern == matcher->pattern.size;
    return OK;
}

static Status like(Slice text, Slice pattern, bool by_byte, Value *result, Error *error)
{
    Matcher matcher = {text, pattern, by_byte, error};
    bool matched;
    TRY(match(&matcher, &matched));
    *result = value_boolean(matched);
    return OK;
}

FUNCTION(text_like)
{
    return like(arguments[0].as.bytes, arguments[1].as.bytes, false, result, error);
}

FUNCTION(bytea_like)
{
    return like(arguments[0].as.bytes, arguments[1].as.bytes, true, result, error);
}

FUNCTION(text_ilike)
{
    Slice text;
    Slice pattern;
    TRY(text_to_lower(context, arguments[0].as.bytes, &text, error));
    TRY(text_to_lower(context, arguments[1].as.bytes, &pattern, error));
    return like(text, pattern, false, result, error);
}

/* A pattern with another escape character as one with the backslash. */
FUNCTION(text_like_escape)
{
    Slice pattern = arguments[0].as.bytes;
    Slice escape = arguments[1].as.bytes;
    if (escape.size > 0 && text_step(escape, 0) != escape.size) {
        Status status = error_set(error, STATUS_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        error_set_hint(error, "Escape string must be empty or one character.");
        return status;
    }
    if (slice_equal_text(escape, "\\")) {
        *result = value_text(pattern);
        return OK;
    }
    Buffer out;
    bool escaped = false;
    text_buffer_open(&out);
    for (size_t at = 0, size; at < pattern.size; at += size) {
        size = text_step(pattern, at);
        Slice character = slice_part(pattern, at, size);
        bool is_escape = !escaped && escape.size > 0 && slice_equal(character, escape);
        if (is_escape || (!escaped && character.data[0] == '\\'))
            buffer_put_u8(&out, '\\');
        if (!is_escape)
            buffer_put_slice(&out, character);
        escaped = is_escape;
    }
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}
