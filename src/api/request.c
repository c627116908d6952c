#include "api/request.h"

#include "api/api_int.h"
#include "sql/guess.h"

static bool is_named(Slice key, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++) {
        if (slice_equal_text(key, *names))
            return true;
    }
    return false;
}

static Status refuse_field(Slice key, const char *const *names, const char *const *others,
                           Error *error)
{
    NameGuess guess;
    guess_open(&guess, key);
    for (; names != NULL && *names != NULL; names++)
        guess_offer(&guess, slice_of_text(*names));
    for (; others != NULL && *others != NULL; others++)
        guess_offer(&guess, slice_of_text(*others));
    (void)error_set(error, STATUS_INVALID_PARAMETER_VALUE, "unknown field \"%.*s\"",
                    SLICE_ARGUMENTS(slice_part(key, 0, 64)));
    guess_hint(&guess, error);
    return error->status;
}

/* ---- members ---- */

static bool is_repeated(const JsonValue *object, uint32_t number)
{
    for (uint32_t i = 0; i < number; i++) {
        if (slice_equal(object->children[i].key, object->children[number].key))
            return true;
    }
    return false;
}

/* A field that stands twice can be read in two ways: whoever checked the one may not have seen the
 * other. */
static Status check_fields(const JsonValue *object, const char *const *names,
                           const char *const *others, Error *error)
{
    if (object->kind != JSON_OBJECT)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "a JSON object is expected");
    for (uint32_t i = 0; i < object->count; i++) {
        Slice key = object->children[i].key;
        if (!is_named(key, names) && !is_named(key, others))
            return refuse_field(key, names, others, error);
        if (is_repeated(object, i))
            return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "field \"%.*s\" stands twice",
                             SLICE_ARGUMENTS(key));
    }
    return OK;
}

Status request_check_fields(const JsonValue *object, const char *const *names, Error *error)
{
    return check_fields(object, names, NULL, error);
}

Status request_text(const JsonValue *object, const char *name, Slice *out, Error *error)
{
    const JsonValue *member = json_member(object, name);
    *out = SLICE_EMPTY;
    if (member == NULL || member->kind == JSON_NULL)
        return OK;
    if (member->kind != JSON_STRING)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "\"%s\" must be a text", name);
    *out = member->text.data == NULL ? SLICE("") : member->text;
    return OK;
}

static Status read_params(const JsonValue *object, const SqlRequestLimits *limits,
                          const JsonValue **out, Error *error)
{
    const JsonValue *params = json_member(object, "params");
    *out = NULL;
    if (params == NULL || params->kind == JSON_NULL)
        return OK;
    if (params->kind != JSON_ARRAY)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "\"params\" must be an array");
    if (params->count > limits->params_max)
        return error_set(error, STATUS_TOO_MANY_ARGUMENTS,
                         "%u parameters (at most %llu: limits.params_max)", params->count,
                         (unsigned long long)limits->params_max);
    for (uint32_t i = 0; i < params->count; i++) {
        if (params->children[i].raw.size > limits->param_bytes_max)
            return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                             "parameter $%u is longer than %llu bytes (limits.param_bytes_max)",
                             i + 1, (unsigned long long)limits->param_bytes_max);
    }
    *out = params;
    return OK;
}

static Status read_bigint(const JsonValue *object, unsigned *flags, Error *error)
{
    Slice text;
    TRY(request_text(object, "bigint", &text, error));
    *flags = 0;
    if (text.data == NULL || slice_equal_text(text, "number"))
        return OK;
    if (!slice_equal_text(text, "string"))
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"bigint\" must be \"string\" or \"number\"");
    *flags = JSON_BIGINT_AS_STRING;
    return OK;
}

/* ---- requests ---- */

Status sql_request_of(const JsonValue *object, const char *const *others,
                      const SqlRequestLimits *limits, SqlRequest *out, Error *error)
{
    static const char *const names[] = {"sql", "params", "namespace", "bigint", NULL};
    TRY(check_fields(object, names, others, error));
    TRY(request_text(object, "sql", &out->sql, error));
    if (slice_trim(out->sql).size == 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"sql\" is missing: the statement, as a text");
    TRY(read_params(object, limits, &out->params, error));
    TRY(request_text(object, "namespace", &out->namespace_name, error));
    if (out->namespace_name.size > NAMESPACE_BYTES_MAX)
        return error_set(error, STATUS_INVALID_SCHEMA_NAME, "namespace \"%.*s…\" does not exist",
                         SLICE_ARGUMENTS(slice_part(out->namespace_name, 0, NAMESPACE_BYTES_MAX)));
    return read_bigint(object, &out->json_flags, error);
}

Status sql_request_read(Arena *arena, Slice text, const SqlRequestLimits *limits, SqlRequest *out,
                        Error *error)
{
    JsonValue *object;
    if (slice_trim(text).size == 0)
        return error_set(error, STATUS_INVALID_JSON_TEXT,
                         "the body is empty: {\"sql\": \"SELECT 1\"} is expected");
    TRY(json_read(arena, text, API_JSON_DEPTH_MAX, &object, error));
    return sql_request_of(object, NULL, limits, out, error);
}

/* ---- options of subscriptions ---- */

static Status read_count(const JsonValue *options, const char *name, int64_t *out, Error *error)
{
    const JsonValue *member = json_member(options, name);
    int64_t number = -1;
    if (member == NULL || member->kind == JSON_NULL)
        return OK;
    bool is_number = member->kind == JSON_NUMBER && member->is_integer;
    bool is_text = member->kind == JSON_STRING && slice_to_int64(member->text, &number);
    if (is_number)
        number = member->integer;
    if ((!is_number && !is_text) || number < 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "option \"%s\" must be a whole number, not below 0", name);
    *out = number;
    return OK;
}

static Status read_time(Arena *arena, const JsonValue *options, const char *name, int64_t *out,
                        Error *error)
{
    Slice text;
    Value value;
    TRY(request_text(options, name, &text, error));
    if (text.data == NULL)
        return OK;
    Status status = value_from_text(arena, TYPE(TIMESTAMPTZ), text, &value, error);
    if (status != OK)
        return error_prefix(error, "option \"%s\": ", name);
    *out = value.as.integer;
    return OK;
}

Status subscribe_options_read(Arena *arena, const JsonValue *object, SubscribeOptions *out,
                              Error *error)
{
    static const char *const names[] = {"last_rows", "batch_size", "from_seq", "until_seq",
                                        "from_time", "until_time", "pull",     NULL};
    const JsonValue *options = json_member(object, "options");
    *out = (SubscribeOptions){-1, -1, -1, -1, -1, -1, false};
    if (options == NULL || options->kind == JSON_NULL)
        return OK;
    TRY(check_fields(options, names, NULL, error));
    TRY(read_count(options, "last_rows", &out->last_rows, error));
    TRY(read_count(options, "batch_size", &out->batch_size, error));
    TRY(read_count(options, "from_seq", &out->from_seq, error));
    TRY(read_count(options, "until_seq", &out->until_seq, error));
    TRY(read_time(arena, options, "from_time", &out->from_time_us, error));
    TRY(read_time(arena, options, "until_time", &out->until_time_us, error));
    const JsonValue *pull = json_member(options, "pull");
    if (pull != NULL && pull->kind != JSON_BOOLEAN && pull->kind != JSON_NULL)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "option \"pull\" must be true or false");
    out->pull = json_member_boolean(options, "pull", false);
    return OK;
}
