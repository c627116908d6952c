/* Values of options: one reader for 60s, '60s', INTERVAL '1 minute', 64MB, '64MB', names, numbers.
 */
#include <inttypes.h>
#include <stdio.h>

#include "sql/options_int.h"
#include "sql/quantity.h"

Status option_fail(const OptionValue *option, const char *wanted, Error *error)
{
    return error_set_at(error, option->position_byte, STATUS_INVALID_PARAMETER_VALUE,
                        "invalid value for \"%.*s\": \"%.*s\" is not %s",
                        SLICE_ARGUMENTS(option->name), SLICE_ARGUMENTS(option->text), wanted);
}

static bool is_plain_value(Token token)
{
    return token.kind == TOKEN_INTEGER || token.kind == TOKEN_NUMBER ||
           token.kind == TOKEN_DURATION || token.kind == TOKEN_JUNK_NUMBER;
}

Status option_value(TokenReader *reader, OptionValue *out, Error *error)
{
    Token token = reader_token(reader);
    OptionValue option = *out;
    option.position_byte = (int32_t)token.begin;
    option.is_interval = token_is_word(reader->text, token, "interval") &&
                         token_is_string(reader->tokens[reader->at + 1]);
    if (option.is_interval)
        reader_skip(reader);
    option.kind = reader_token(reader).kind;
    if (is_plain_value(token)) {
        option.text = token_text(reader->text, token);
        reader_skip(reader);
    } else {
        TRY(reader_name_or_string(reader, "a value", &option.text, error));
    }
    *out = option;
    return OK;
}

Status option_pair(TokenReader *reader, OptionValue *out, Error *error)
{
    OptionValue option = {.name_byte = reader_position(reader)};
    TRY(reader_name(reader, "an option's name", &option.name, error));
    TRY(reader_expect_punctuation(reader, '=', error));
    TRY(option_value(reader, &option, error));
    *out = option;
    return OK;
}

/* ---- what values mean ---- */

static Status fail_range(const OptionValue *option, const char *min, const char *max, Error *error)
{
    return error_set_at(error, option->position_byte, STATUS_INVALID_PARAMETER_VALUE,
                        "\"%.*s\" must be between %s and %s, not %.*s",
                        SLICE_ARGUMENTS(option->name), min, max, SLICE_ARGUMENTS(option->text));
}

/* '1 hour 30 minutes', as PostgreSQL reads intervals; months have no fixed length. */
static bool duration_from_interval(TokenReader *reader, Slice text, int64_t *milliseconds)
{
    Error ignored;
    Value value;
    error_clear(&ignored);
    if (value_from_text(reader->arena, TYPE(INTERVAL), text, &value, &ignored) != OK)
        return false;
    Interval interval = value.as.interval;
    int64_t micros;
    if (interval.months != 0 ||
        __builtin_mul_overflow((int64_t)interval.days, (int64_t)86400000000, &micros) ||
        __builtin_add_overflow(micros, interval.micros, &micros) || micros % 1000 != 0)
        return false;
    *milliseconds = micros / 1000;
    return true;
}

Status option_duration(TokenReader *reader, const OptionValue *option, int64_t min, int64_t max,
                       int64_t *milliseconds, Error *error)
{
    int64_t value;
    bool is_string = option->kind >= TOKEN_STRING && option->kind <= TOKEN_DOLLAR_STRING;
    bool found = !option->is_interval && duration_from_text(option->text, &value);
    if (!found && is_string)
        found = duration_from_interval(reader, option->text, &value);
    if (!found)
        return option_fail(option, "a duration like 60s, 5m, 2h or 7d", error);
    if (value < min || value > max) {
        char least[QUANTITY_TEXT_BYTES_MAX];
        char most[QUANTITY_TEXT_BYTES_MAX];
        duration_put_text(min, least);
        duration_put_text(max, most);
        return fail_range(option, least, most, error);
    }
    *milliseconds = value;
    return OK;
}

Status option_size(const OptionValue *option, int64_t min, int64_t max, int64_t *bytes,
                   Error *error)
{
    int64_t value;
    if (option->is_interval || !size_from_text(option->text, &value))
        return option_fail(option, "a size like 64MB", error);
    if (value < min || value > max) {
        char least[QUANTITY_TEXT_BYTES_MAX];
        char most[QUANTITY_TEXT_BYTES_MAX];
        size_put_text(min, least);
        size_put_text(max, most);
        return fail_range(option, least, most, error);
    }
    *bytes = value;
    return OK;
}

Status option_integer(const OptionValue *option, int64_t min, int64_t max, int64_t *out,
                      Error *error)
{
    int64_t value;
    if (option->is_interval || !slice_to_int64(option->text, &value))
        return option_fail(option, "a whole number", error);
    if (value < min || value > max) {
        char least[32];
        char most[32];
        (void)snprintf(least, sizeof least, "%" PRId64, min);
        (void)snprintf(most, sizeof most, "%" PRId64, max);
        return fail_range(option, least, most, error);
    }
    *out = value;
    return OK;
}

Status option_boolean(const OptionValue *option, bool *out, Error *error)
{
    static const char *const choices[] = {"true", "on", "yes", "1", "false",
                                          "off",  "no", "0",   NULL};
    for (uint32_t i = 0; choices[i] != NULL; i++) {
        if (!slice_equal_ignoring_case(option->text, slice_of_text(choices[i])))
            continue;
        *out = i < 4;
        return OK;
    }
    return option_fail(option, "true or false", error);
}

Status option_choice(const OptionValue *option, const char *const *choices, uint32_t *chosen,
                     Error *error)
{
    char wanted[128] = "";
    size_t size = 0;
    for (uint32_t i = 0; choices[i] != NULL; i++) {
        if (slice_equal_ignoring_case(option->text, slice_of_text(choices[i]))) {
            *chosen = i;
            return OK;
        }
        const char *before = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";
        int added = snprintf(wanted + size, sizeof wanted - size, "%s%s", before, choices[i]);
        size += added > 0 && (size_t)added < sizeof wanted - size ? (size_t)added : 0;
    }
    return option_fail(option, wanted, error);
}
