/* Our clauses inside PostgreSQL's statements: found, read, and overwritten with blanks in the copy
 * that libpg_query gets, so that its byte positions stay those of the statement.
 *
 * Our words are special only where they stand here: a column may be called flush, ttl or user.
 *
 *     CREATE USER|SHARED|STREAM TABLE t (…) FLUSH … TTL … WITH (…)
 *     CREATE|DROP NAMESPACE                   becomes SCHEMA
 *     SUBSCRIBE TO t WHERE … OPTIONS (…)      becomes SELECT*FROM t WHERE …
 *     INSERT INTO|UPDATE|DELETE FROM t AS USER 'u'
 *     FROM t FOR ALL USERS */
#include <stddef.h>

#include "sql/front_int.h"

/* Words of ours at the statement's head that PostgreSQL has others for. */
static void replace_tokens(Front *front, uint32_t from, uint32_t to, const char *words)
{
    front_blank(front, from, to);
    memcpy(front->rest + front->reader.tokens[from].begin, words, strlen(words));
}

/* ---- CREATE TABLE ---- */

static Status check_kind(Front *front, Error *error)
{
    TableOptionSet *options = &front->table_options;
    if (!(options->set & OPTION_KIND))
        return OK;
    if (front->has_table_kind && options->kind != front->table_kind)
        return error_set_at(error, options->position[__builtin_ctz(OPTION_KIND)],
                            STATUS_INVALID_TABLE_DEFINITION,
                            "\"type\" names another kind of table than CREATE does");
    front->table_kind = options->kind;
    front->has_table_kind = true;
    return OK;
}

/* One clause of ours at the reader, or none. */
static Status take_table_clause(Front *front, bool *taken, Error *error)
{
    TokenReader *reader = &front->reader;
    TableOptionSet *options = &front->table_options;
    uint32_t from = reader->at;
    *taken = true;
    if (reader_take(reader, "flush")) {
        TRY(table_flush_policy(reader, options, error));
    } else if (reader_take(reader, "ttl")) {
        TRY(table_ttl(reader, options, error));
    } else if (reader_sees(reader, "with") &&
               token_is(reader->text, reader->tokens[from + 1], '(')) {
        reader_skip(reader);
        TRY(table_option_list(reader, options, error));
    } else {
        *taken = false;
        return OK;
    }
    front_blank(front, from, reader->at);
    return OK;
}

/* Behind the list of columns, up to AS of CREATE TABLE AS. */
static Status take_table_clauses(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    while (!reader_is_at_end(reader) && !reader_sees(reader, "as")) {
        bool taken;
        TRY(take_table_clause(front, &taken, error));
        if (!taken && reader_sees_punctuation(reader, '('))
            reader_skip_parentheses(reader);
        else if (!taken)
            reader_skip(reader);
    }
    return OK;
}

Status clauses_of_create_table(Front *front, Error *error)
{
    static const struct {
        const char *words;
        TableKind kind;
    } kinds[] = {{"create user table", TABLE_USER},
                 {"create shared table", TABLE_SHARED},
                 {"create stream table", TABLE_STREAM}};
    TokenReader *reader = &front->reader;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!reader_take(reader, kinds[i].words))
            continue;
        front->has_table_kind = true;
        front->table_kind = kinds[i].kind;
        front_blank(front, reader->at - 2, reader->at - 1);
    }
    if (!front->has_table_kind && !reader_take(reader, "create table"))
        return OK;
    (void)reader_take(reader, "if not exists");
    if (!reader_skip_table_name(reader) || !reader_sees_punctuation(reader, '('))
        return OK;
    reader_skip_parentheses(reader);
    TRY(take_table_clauses(front, error));
    return check_kind(front, error);
}

/* ---- SUBSCRIBE TO ---- */

static Status read_time(const Front *front, const OptionValue *option, int64_t *out, Error *error)
{
    Value value;
    Status status = value_from_text(front->scratch, TYPE(TIMESTAMPTZ), option->text, &value, error);
    if (status != OK) {
        error->position_byte = option->position_byte;
        return status;
    }
    if (value.as.integer < 0)
        return option_fail(option, "a time after 1970", error);
    *out = value.as.integer;
    return OK;
}

typedef struct SubscribeRule {
    const char *name;
    size_t offset;
    int64_t max;
    bool is_time;
} SubscribeRule;

static const SubscribeRule subscribe_rules[] = {
    {"last_rows", offsetof(SubscribeOptions, last_rows), SUBSCRIBE_LAST_ROWS_MAX, false},
    {"batch_size", offsetof(SubscribeOptions, batch_size), SUBSCRIBE_BATCH_SIZE_MAX, false},
    {"from_seq", offsetof(SubscribeOptions, from_seq), INT64_MAX, false},
    {"until_seq", offsetof(SubscribeOptions, until_seq), INT64_MAX, false},
    {"from_time", offsetof(SubscribeOptions, from_time_us), 0, true},
    {"until_time", offsetof(SubscribeOptions, until_time_us), 0, true},
};

enum { SUBSCRIBE_RULE_COUNT = sizeof subscribe_rules / sizeof subscribe_rules[0] };

static Status fail_unknown_option(const OptionValue *option, Error *error)
{
    NameGuess guess;
    guess_open(&guess, option->name);
    guess_offer(&guess, SLICE("pull"));
    for (size_t i = 0; i < SUBSCRIBE_RULE_COUNT; i++)
        guess_offer(&guess, slice_of_text(subscribe_rules[i].name));
    (void)error_set_at(error, option->name_byte, STATUS_INVALID_PARAMETER_VALUE,
                       "unrecognized parameter \"%.*s\"", SLICE_ARGUMENTS(option->name));
    guess_hint(&guess, error);
    return error->status;
}

static Status set_number(const Front *front, const SubscribeRule *rule, const OptionValue *option,
                         SubscribeOptions *out, Error *error)
{
    int64_t number;
    memcpy(&number, (const uint8_t *)out + rule->offset, sizeof number);
    if (number >= 0)
        return error_set_at(error, option->name_byte, STATUS_SYNTAX_ERROR,
                            "\"%s\" is given more than once", rule->name);
    if (rule->is_time)
        TRY(read_time(front, option, &number, error));
    else
        TRY(option_integer(option, 0, rule->max, &number, error));
    memcpy((uint8_t *)out + rule->offset, &number, sizeof number);
    return OK;
}

static Status set_subscribe_option(const Front *front, const OptionValue *option,
                                   SubscribeOptions *out, Error *error)
{
    if (slice_equal_text(option->name, "pull"))
        return option_boolean(option, &out->pull, error);
    for (size_t i = 0; i < SUBSCRIBE_RULE_COUNT; i++) {
        if (slice_equal_text(option->name, subscribe_rules[i].name))
            return set_number(front, &subscribe_rules[i], option, out, error);
    }
    return fail_unknown_option(option, error);
}

/* OPTIONS ( name = …, the last thing of the statement. A function of that name in WHERE is not
 * followed by a name and an equals sign and then the end. */
static bool sees_subscribe_options(const TokenReader *reader)
{
    if (!reader_sees(reader, "options"))
        return false;
    const Token *next = reader->tokens + reader->at + 1;
    if (!token_is(reader->text, next[0], '('))
        return false;
    return token_is(reader->text, next[1], ')') ||
           (next[1].kind == TOKEN_WORD && token_is(reader->text, next[2], '='));
}

static Status take_subscribe_options(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    uint32_t from = reader->at;
    reader->at += 2;
    bool empty = reader_take_punctuation(reader, ')');
    while (!empty) {
        OptionValue option;
        TRY(option_pair(reader, &option, error));
        TRY(set_subscribe_option(front, &option, &front->plan->subscribe_options, error));
        if (reader_take_punctuation(reader, ')'))
            break;
        TRY(reader_expect_punctuation(reader, ',', error));
    }
    TRY(reader_expect_end(reader, error));
    front_blank(front, from, reader->at);
    return OK;
}

static Status clauses_of_subscribe(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    uint32_t from = reader->at;
    if (!reader_take(reader, "subscribe"))
        return OK;
    TRY(reader_expect(reader, "to", error));
    if (!token_is_name(reader_token(reader)))
        return reader_fail(reader, "a table's name", error);
    front->is_subscription = true;
    replace_tokens(front, from, reader->at, "SELECT*FROM");
    while (!reader_is_at_end(reader)) {
        if (sees_subscribe_options(reader))
            return take_subscribe_options(front, error);
        reader_skip(reader);
    }
    return OK;
}

/* ---- NAMESPACE ---- */

static void take_namespace(Front *front)
{
    TokenReader *reader = &front->reader;
    front->is_namespace = reader_sees(reader, "drop namespace");
    if (!front->is_namespace && !reader_sees(reader, "create namespace"))
        return;
    replace_tokens(front, reader->at + 1, reader->at + 2, "SCHEMA");
}

/* ---- all of them ---- */

Status clauses_take(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    uint32_t start = reader->at;
    take_namespace(front);
    TRY(clauses_of_create_table(front, error));
    reader->at = start;
    TRY(clauses_of_subscribe(front, error));
    reader->at = start;
    TRY(clauses_of_tables(front, error));
    reader->at = start;
    return OK;
}
