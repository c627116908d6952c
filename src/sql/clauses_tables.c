/* Clauses behind a table's name, wherever in a statement it stands.
 *
 *     INSERT INTO t [(…)] AS USER 'u'    UPDATE t AS USER 'u'    DELETE FROM t AS USER 'u'
 *     FROM t FOR ALL USERS
 * and what reads the past, which is refused by name. None of these word sequences occurs in
 * PostgreSQL's grammar: USER and ALL are reserved, so they are no aliases. */
#include "sql/front_int.h"

enum { TABLE_CLAUSES_MAX = 1000 };

static Status add_clause(Front *front, int32_t table_byte, TableClause **out, Error *error)
{
    for (uint32_t i = 0; i < front->clause_count; i++) {
        if (front->clauses[i].table_byte != table_byte)
            continue;
        *out = &front->clauses[i];
        return OK;
    }
    if (front->clause_count == TABLE_CLAUSES_MAX)
        return error_set_at(error, table_byte, STATUS_PROGRAM_LIMIT_EXCEEDED,
                            "more than %d clauses behind tables in one statement",
                            TABLE_CLAUSES_MAX);
    if (front->clause_count == front->clause_capacity) {
        uint32_t capacity = front->clause_capacity == 0 ? 8 : front->clause_capacity * 2;
        TableClause *larger = ARENA_ARRAY(front->scratch, TableClause, capacity);
        if (larger == NULL)
            return arena_error(front->scratch, error);
        if (front->clause_count > 0)
            memcpy(larger, front->clauses, front->clause_count * sizeof *larger);
        front->clauses = larger;
        front->clause_capacity = capacity;
    }
    *out = &front->clauses[front->clause_count++];
    (*out)->table_byte = table_byte;
    return OK;
}

/* ---- AS USER ---- */

static bool sees_as_user(const TokenReader *reader)
{
    return reader_sees(reader, "as user") && token_is_string(reader->tokens[reader->at + 2]);
}

static Status take_as_user(Front *front, int32_t table_byte, Error *error)
{
    TokenReader *reader = &front->reader;
    uint32_t from = reader->at;
    int32_t position = reader_position(reader);
    TableClause *clause;
    Slice user;
    TRY(reader_expect(reader, "as user", error));
    TRY(reader_string(reader, "a user's name", &user, error));
    Status status = user_name_check(user, error);
    if (status != OK) {
        error->position_byte = (int32_t)reader->tokens[reader->at - 1].begin;
        return status;
    }
    TRY(add_clause(front, table_byte, &clause, error));
    if (clause->as_user.size > 0)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "AS USER is given more than once");
    clause->as_user = user;
    front_blank(front, from, reader->at);
    return OK;
}

/* INSERT has a second place: behind its column list. */
static void skip_to_second_place(TokenReader *reader)
{
    if (reader_sees(reader, "as") && token_is_name(reader->tokens[reader->at + 1]))
        reader->at += 2;
    if (reader_sees_punctuation(reader, '('))
        reader_skip_parentheses(reader);
}

/* At the words of a write: looks behind its table's name, and leaves the reader behind that. */
static Status take_write_clauses(Front *front, bool is_insert, Error *error)
{
    TokenReader *reader = &front->reader;
    (void)reader_take(reader, "only");
    int32_t table_byte = reader_position(reader);
    if (!reader_skip_table_name(reader))
        return OK;
    if (!is_insert)
        (void)reader_take_punctuation(reader, '*');
    uint32_t behind_name = reader->at;
    if (sees_as_user(reader))
        TRY(take_as_user(front, table_byte, error));
    if (is_insert) {
        uint32_t behind_clause = reader->at;
        skip_to_second_place(reader);
        if (sees_as_user(reader))
            return take_as_user(front, table_byte, error);
        behind_name = behind_clause;
    }
    reader->at = behind_name;
    return OK;
}

/* ---- FOR ALL USERS ---- */

/* Where the qualified name that ends before token `at` begins. */
static uint32_t name_start(const TokenReader *reader, uint32_t at)
{
    uint32_t start = at - 1;
    while (start >= 2 && token_is(reader->text, reader->tokens[start - 1], '.') &&
           token_is_name(reader->tokens[start - 2]))
        start -= 2;
    return start;
}

static bool is_word_of(const TokenReader *reader, uint32_t at, const char *const *words)
{
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (token_is_word(reader->text, reader->tokens[at], words[i]))
            return true;
    }
    return false;
}

/* Does the name at `start` stand where FROM has tables? */
static bool is_table_place(const TokenReader *reader, uint32_t start)
{
    static const char *const before[] = {"from", "join", "only", "table", "using", "to", NULL};
    if (start == 0)
        return false;
    Token token = reader->tokens[start - 1];
    return token_is(reader->text, token, ',') || token_is(reader->text, token, '(') ||
           is_word_of(reader, start - 1, before);
}

static bool is_write_place(const TokenReader *reader, uint32_t start)
{
    static const char *const writes[] = {"update", "into", NULL};
    if (start >= 1 && token_is_word(reader->text, reader->tokens[start - 1], "only"))
        start--;
    if (start >= 1 && is_word_of(reader, start - 1, writes))
        return true;
    return start >= 2 && token_is_word(reader->text, reader->tokens[start - 1], "from") &&
           token_is_word(reader->text, reader->tokens[start - 2], "delete");
}

static Status take_all_users(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    uint32_t from = reader->at;
    int32_t position = reader_position(reader);
    TRY(reader_expect(reader, "for all users", error));
    uint32_t start =
        from > 0 && token_is_name(reader->tokens[from - 1]) ? name_start(reader, from) : 0;
    if (start > 0 && is_write_place(reader, start))
        return fail_unsupported(position, "FOR ALL USERS in a write", error);
    if (start == 0 || !is_table_place(reader, start))
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "FOR ALL USERS must stand directly behind a table's name");
    if (reader_sees(reader, "in storage"))
        return fail_unsupported(reader_position(reader), "FOR ALL USERS IN STORAGE", error);
    TableClause *clause;
    TRY(add_clause(front, (int32_t)reader->tokens[start].begin, &clause, error));
    clause->all_users = true;
    front_blank(front, from, reader->at);
    return OK;
}

/* ---- the past ---- */

/* AT (TIMESTAMP => …), AT (VERSION => …), FOR SYSTEM_TIME … behind a table. */
static Status refuse_the_past(const TokenReader *reader, Error *error)
{
    static const char *const coordinates[] = {"timestamp", "version", NULL};
    static const char *const periods[] = {"all", "as", "from", "between", NULL};
    const Token *tokens = reader->tokens + reader->at;
    if (reader_sees(reader, "at") && token_is(reader->text, tokens[1], '(') &&
        is_word_of(reader, reader->at + 2, coordinates) &&
        slice_equal_text(token_text(reader->text, tokens[3]), "=>"))
        return fail_unsupported(reader_position(reader), "AT (TIMESTAMP | VERSION => …)", error);
    if (reader_sees(reader, "for system_time") && is_word_of(reader, reader->at + 2, periods))
        return fail_unsupported(reader_position(reader), "FOR SYSTEM_TIME", error);
    return OK;
}

Status clauses_of_tables(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    while (!reader_is_at_end(reader)) {
        if (reader_take(reader, "insert into"))
            TRY(take_write_clauses(front, true, error));
        else if (reader_take(reader, "update") || reader_take(reader, "delete from"))
            TRY(take_write_clauses(front, false, error));
        else if (reader_sees(reader, "for all users"))
            TRY(take_all_users(front, error));
        else {
            TRY(refuse_the_past(reader, error));
            reader_skip(reader);
        }
    }
    return OK;
}
