/* Functions of regular expressions. Their patterns are constants, translated while writing. */
#include <stdio.h>

#include "sql/regex.h"
#include "sql/writer_int.h"

static Status error_at(Status status, const Bound *call, Error *error)
{
    if (status != OK && error->position_byte < 0)
        error->position_byte = call->position_byte;
    return status;
}

static Status constant_text(const Bound *call, uint32_t i, Slice *out, Error *error)
{
    const Bound *argument = call->children[i];
    if (argument->kind == BOUND_CONSTANT && !argument->as.constant.is_null) {
        *out = argument->as.constant.as.bytes;
        return OK;
    }
    return error_set_at(error, argument->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                        "%s with a pattern that is not a constant is not supported",
                        call->as.function->name);
}

static bool is_null_argument(const Bound *call)
{
    for (uint32_t i = 0; i < call->child_count; i++) {
        if (bound_is_null_constant(call->children[i]))
            return true;
    }
    return false;
}

static Status write_null(Writer *writer, const Bound *call)
{
    put(writer, "CAST(NULL AS ");
    put_type(writer, call->type, 0, 0);
    put(writer, ")");
    return OK;
}

/* The pattern: a text, or what similar_to_escape makes of one. */
static Status read_pattern(Writer *writer, const Bound *call, Slice *out, Error *error)
{
    const Bound *pattern = call->children[1];
    bool is_similar = pattern->kind == BOUND_CALL && pattern->as.function->writer == WRITE_SIMILAR;
    if (!is_similar)
        return constant_text(call, 1, out, error);
    Slice text;
    Slice escape = SLICE("\\");
    TRY(constant_text(pattern, 0, &text, error));
    if (pattern->child_count > 1)
        TRY(constant_text(pattern, 1, &escape, error));
    return similar_translate(writer->binder->arena, text, escape, out, error);
}

static Status read_flags(const Bound *call, uint32_t i, RegexOptions *options, bool *global,
                         Error *error)
{
    Slice flags;
    *global = false;
    if (i >= call->child_count)
        return OK;
    TRY(constant_text(call, i, &flags, error));
    for (size_t f = 0; f < flags.size; f++) {
        uint8_t flag = flags.data[f];
        if (flag == 'g')
            *global = true;
        else if (flag == 'i')
            options->ignore_case = true;
        else if (flag == 'c')
            options->ignore_case = false;
        else
            return error_set_at(error, call->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                                "the regular expression option \"%c\" is not supported", flag);
    }
    return OK;
}

typedef struct RegexCall {
    const Bound *call;
    TranslatedRegex regex;
    bool global;
} RegexCall;

static Status open_call(Writer *writer, const Bound *call, bool needs_extent, uint32_t flags_at,
                        RegexCall *out, Error *error)
{
    Slice pattern;
    RegexOptions options = {.needs_extent = needs_extent};
    *out = (RegexCall){.call = call};
    options.ignore_case = strcmp(call->as.function->name, "~*") == 0;
    TRY(read_flags(call, flags_at, &options, &out->global, error));
    TRY(read_pattern(writer, call, &pattern, error));
    return error_at(regex_translate(writer->binder->arena, pattern, options, &out->regex, error),
                    call, error);
}

static void put_pattern(Writer *writer, const RegexCall *regex)
{
    put(writer, "CAST(");
    put_literal(writer, regex->regex.pattern);
    put(writer, " AS VARCHAR)");
}

/* name(text, pattern rest */
static Status write_form(Writer *writer, const RegexCall *regex, const char *before,
                         const char *after, Error *error)
{
    put(writer, before);
    TRY(write_expression(writer, regex->call->children[0], error));
    put(writer, ", ");
    put_pattern(writer, regex);
    put(writer, after);
    return OK;
}

static Status write_match(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    TRY(open_call(writer, call, false, 2, &regex, error));
    return write_form(writer, &regex, "regexp_matches(", ")", error);
}

/* RE2 does not tell a group that matched nothing from one that took no part. */
static Status check_groups(const RegexCall *regex, bool by_group, Error *error)
{
    if (by_group && regex->regex.has_optional_group)
        return error_unwritable(regex->call, error, "a group that may not take part");
    if (!is_cheap(regex->call->children[0]))
        return error_unwritable(regex->call, error, "this function of so large an expression");
    return OK;
}

/* The first group where there is one, else the whole match; NULL where nothing matches. */
static Status write_substring(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    TRY(open_call(writer, call, true, 2, &regex, error));
    bool first_group =
        regex.regex.group_count > 0 && strcmp(call->as.function->name, "substring") == 0;
    TRY(check_groups(&regex, first_group, error));
    TRY(write_form(writer, &regex, "(CASE WHEN regexp_matches(", ")", error));
    return write_form(writer, &regex, " THEN regexp_extract(",
                      first_group ? ", 1) END)" : ", 0) END)", error);
}

/* regexp_match: the groups as an array, or the whole match. */
static Status write_groups(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    TRY(open_call(writer, call, true, 2, &regex, error));
    if (regex.global)
        return error_set_at(error, call->position_byte, STATUS_INVALID_PARAMETER_VALUE,
                            "regexp_match() does not support the \"global\" option");
    TRY(check_groups(&regex, regex.regex.group_count > 0, error));
    uint32_t groups = regex.regex.group_count;
    TRY(write_form(writer, &regex, "(CASE WHEN regexp_matches(", ") THEN [", error));
    for (uint32_t g = groups > 0 ? 1 : 0; g <= groups; g++) {
        char after[32];
        snprintf(after, sizeof after, ", %u)", g);
        TRY(write_form(writer, &regex, g > 1 ? ", regexp_extract(" : "regexp_extract(", after,
                       error));
    }
    put(writer, "] END)");
    return OK;
}

static Status write_replace(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    Slice text;
    TRY(open_call(writer, call, true, 3, &regex, error));
    TRY(constant_text(call, 2, &text, error));
    TRY(replacement_translate(writer->binder->arena, text, &text, error));
    TRY(write_form(writer, &regex, "regexp_replace(", ", CAST(", error));
    put_literal(writer, text);
    put(writer, regex.global ? " AS VARCHAR), 'g')" : " AS VARCHAR))");
    return OK;
}

static Status write_split(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    TRY(open_call(writer, call, true, 2, &regex, error));
    return write_form(writer, &regex, "string_split_regex(", ")", error);
}

static Status write_count(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    TRY(open_call(writer, call, true, 2, &regex, error));
    return write_form(writer, &regex, "CAST(len(regexp_extract_all(", ")) AS INTEGER)", error);
}

static Status write_position(Writer *writer, const Bound *call, Error *error)
{
    RegexCall regex;
    TRY(open_call(writer, call, true, 2, &regex, error));
    return write_form(writer, &regex, "pg_regexp_instr(", ")", error);
}

Status write_regex_call(Writer *writer, const Bound *call, Error *error)
{
    if (is_null_argument(call))
        return write_null(writer, call);
    switch ((FunctionWriter)call->as.function->writer) {
    case WRITE_REGEX_MATCH:
    case WRITE_REGEX_LIKE:
        return write_match(writer, call, error);
    case WRITE_REGEX_SUBSTRING:
        return write_substring(writer, call, error);
    case WRITE_REGEX_EXTRACT:
        return write_groups(writer, call, error);
    case WRITE_REGEX_REPLACE:
        return write_replace(writer, call, error);
    case WRITE_REGEX_SPLIT:
        return write_split(writer, call, error);
    case WRITE_REGEX_COUNT:
        return write_count(writer, call, error);
    case WRITE_REGEX_POSITION:
        return write_position(writer, call, error);
    default:
        return error_unwritable(call, error, call->as.function->name);
    }
}
