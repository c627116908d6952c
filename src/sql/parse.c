/* plan_bind: one statement through the steps of front_int.h. */
#include "sql/front_int.h"

/* Tokens, tree and what definitions need on the way. The tree of 50,000 tokens takes some 60 MB. */
#define SCRATCH_BYTES_MAX ((size_t)512 << 20)

/* ---- tokens ---- */

static Status check_parameter(const Front *front, Token token, Error *error)
{
    SqlLimits limits = sql_limits_filled(&front->request->limits);
    Slice digits = slice_part(token_text(front->reader.text, token), 1, token.size);
    int64_t number;
    if (!slice_to_int64(digits, &number) || number > limits.parameters_max)
        return error_set_at(error, (int32_t)token.begin, STATUS_TOO_MANY_ARGUMENTS,
                            "parameter $%.*s is above the limit of %u", SLICE_ARGUMENTS(digits),
                            limits.parameters_max);
    if (number == 0)
        return error_set_at(error, (int32_t)token.begin, STATUS_UNDEFINED_PARAMETER,
                            "there is no parameter $%.*s", SLICE_ARGUMENTS(digits));
    return OK;
}

/* Ends the statement at token `at`. */
static void cut_tokens(Front *front, Token *tokens, uint32_t at)
{
    tokens[at].kind = TOKEN_END;
    tokens[at].size = 0;
    front->token_count = at + 1;
}

static Status read_tokens(Front *front, Error *error)
{
    SqlLimits limits = sql_limits_filled(&front->request->limits);
    Slice text = front->plan->sql;
    Token *tokens;
    uint32_t count;
    int64_t depth = 0;
    TRY(tokens_read(front->scratch, text, limits.tokens_max, &tokens, &count, error));
    while (count >= 2 && token_is(text, tokens[count - 2], ';'))
        count--;
    front->reader = (TokenReader){.text = text, .tokens = tokens, .arena = &front->plan->arena};
    cut_tokens(front, tokens, count - 1);
    for (uint32_t i = 0; i < front->token_count; i++) {
        if (tokens[i].kind == TOKEN_PARAMETER)
            TRY(check_parameter(front, tokens[i], error));
        depth += token_is(text, tokens[i], '(');
        depth -= token_is(text, tokens[i], ')');
        if (depth <= 0 && token_is(text, tokens[i], ';'))
            return error_set_at(error, (int32_t)tokens[i].begin, STATUS_SYNTAX_ERROR,
                                "several statements where one is expected");
    }
    if (front->token_count == 1)
        return error_set(error, STATUS_SYNTAX_ERROR, "the statement is empty");
    return reader_match_parentheses(&front->reader, front->token_count, front->scratch, error);
}

/* ---- EXPLAIN ---- */

/* EXPLAIN (ANALYZE, FORMAT TEXT) …; a parenthesis may also begin the query. */
static bool sees_explain_options(const TokenReader *reader)
{
    static const char *const queries[] = {"select", "with", "values", "table"};
    if (!reader_sees_punctuation(reader, '('))
        return false;
    Token next = reader->tokens[reader->at + 1];
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        if (token_is_word(reader->text, next, queries[i]))
            return false;
    }
    return next.kind == TOKEN_WORD;
}

static Status read_explain_option(Front *front, bool *analyze, Error *error)
{
    TokenReader *reader = &front->reader;
    OptionValue option = {.name_byte = reader_position(reader), .text = SLICE("true")};
    TRY(reader_name(reader, "an option of EXPLAIN", &option.name, error));
    if (!reader_sees_punctuation(reader, ',') && !reader_sees_punctuation(reader, ')'))
        TRY(option_value(reader, &option, error));
    if (slice_equal_text(option.name, "analyze"))
        return option_boolean(&option, analyze, error);
    if (slice_equal_text(option.name, "format") &&
        slice_equal_ignoring_case(option.text, SLICE("text")))
        return OK;
    char *name = arena_format(front->scratch, "EXPLAIN (%.*s)", SLICE_ARGUMENTS(option.name));
    if (name == NULL)
        return arena_error(front->scratch, error);
    return fail_unsupported(option.name_byte, name, error);
}

static Status read_explain_options(Front *front, bool *analyze, Error *error)
{
    TokenReader *reader = &front->reader;
    TRY(reader_expect_punctuation(reader, '(', error));
    do
        TRY(read_explain_option(front, analyze, error));
    while (reader_take_punctuation(reader, ','));
    return reader_expect_punctuation(reader, ')', error);
}

/* EXPLAIN becomes a plan around the one that is bound from here on. */
static Status take_explain(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    Plan *outer = front->plan;
    if (outer->kind == STATEMENT_EXPLAIN || !reader_take(reader, "explain"))
        return OK;
    bool analyze = false;
    if (sees_explain_options(reader))
        TRY(read_explain_options(front, &analyze, error));
    else
        analyze = reader_take(reader, "analyze");
    if (reader_sees(reader, "verbose"))
        return fail_unsupported(reader_position(reader), "EXPLAIN VERBOSE", error);
    Plan *inner;
    TRY(plan_create(outer->snapshot, outer->sql, &inner, error));
    outer->kind = STATEMENT_EXPLAIN;
    outer->explain_analyze = analyze;
    outer->as.explained = inner;
    front->outer = outer;
    front->plan = inner;
    reader->arena = &inner->arena;
    return OK;
}

/* ---- EXECUTE AS USER 'u' ( … ) ---- */

static Status take_execute_as(Front *front, Slice *user, Error *error)
{
    TokenReader *reader = &front->reader;
    if (!reader_take(reader, "execute as user"))
        return OK;
    int32_t position = reader_position(reader);
    TRY(reader_name_or_string(reader, "a user's name", user, error));
    Status status = user_name_check(*user, error);
    if (status != OK) {
        error->position_byte = position;
        return status;
    }
    TRY(reader_expect_punctuation(reader, '(', error));
    uint32_t last = front->token_count - 2;
    TokenReader close = *reader;
    close.at--;
    reader_skip_parentheses(&close);
    if (!reader_is_at_end(&close) || close.at != last + 1 ||
        !token_is(reader->text, reader->tokens[last], ')')) {
        if (reader_is_at_end(&close))
            return reader_fail(&close, "\")\"", error);
        return reader_expect_end(&close, error);
    }
    cut_tokens(front, (Token *)reader->tokens, last);
    return OK;
}

/* Both in either order, each once. */
static Status take_wrappers(Front *front, Error *error)
{
    Slice user = SLICE_EMPTY;
    TRY(take_explain(front, error));
    TRY(take_execute_as(front, &user, error));
    if (front->outer == NULL)
        TRY(take_explain(front, error));
    front->plan->execute_as = user;
    if (front->outer != NULL && user.size > 0)
        TRY(arena_clone(&front->outer->arena, user, &front->outer->execute_as, error));
    return OK;
}

/* ---- the query half ---- */

static bool is_clause_used(const TableClause *clause, const BoundReference *references,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (references[i].position_byte == clause->table_byte)
            return true;
    }
    return false;
}

/* FOR ALL USERS behind something that is no table of the query (a WITH name, a function's argument)
 * must not vanish. */
static Status check_clauses(const Front *front, const BoundReference *references, uint32_t count,
                            Error *error)
{
    for (uint32_t i = 0; i < front->clause_count; i++) {
        const TableClause *clause = &front->clauses[i];
        if (clause->all_users && !is_clause_used(clause, references, count))
            return error_set_at(error, clause->table_byte, STATUS_SYNTAX_ERROR,
                                "FOR ALL USERS must stand directly behind a table's name");
    }
    return OK;
}

static Status bind_query(Front *front, BindContext *context, const Node *node, Error *error)
{
    Plan *plan = front->plan;
    if (front->is_subscription) {
        front_plan_is(front, STATEMENT_SUBSCRIBE, ACTION_SUBSCRIBE);
        TRY(bind_subscribe_statement(context, node, &plan->as.subscribe, error));
        const BoundSelect *initial = plan->as.subscribe->initial;
        return check_clauses(front, initial->references, initial->reference_count, error);
    }
    front_plan_is(front, STATEMENT_SELECT, ACTION_SELECT);
    TRY(bind_select_statement(context, node, &plan->as.select, error));
    return check_clauses(front, plan->as.select->references, plan->as.select->reference_count,
                         error);
}

static Status bind_insert(Front *front, BindContext *context, const Node *node, Error *error)
{
    Plan *plan = front->plan;
    front_plan_is(front, STATEMENT_INSERT, ACTION_INSERT);
    TRY(bind_insert_statement(context, node, &plan->as.insert, error));
    const BoundSelect *query = plan->as.insert->query;
    return check_clauses(front, query == NULL ? NULL : query->references,
                         query == NULL ? 0 : query->reference_count, error);
}

static Status bind_change(Front *front, BindContext *context, const Node *node, bool is_update,
                          Error *error)
{
    Plan *plan = front->plan;
    front_plan_is(front, is_update ? STATEMENT_UPDATE : STATEMENT_DELETE,
                  is_update ? ACTION_UPDATE : ACTION_DELETE);
    TRY(bind_change_statement(context, node, &plan->as.change, error));
    const BoundSelect *find = plan->as.change->find;
    return check_clauses(front, find == NULL ? NULL : find->references,
                         find == NULL ? 0 : find->reference_count, error);
}

static Status bind_rows(Front *front, BindContext *context, const Node *node, bool *is_rows,
                        Error *error)
{
    *is_rows = true;
    if (node_is(node, "SelectStmt"))
        return bind_query(front, context, node, error);
    if (node_is(node, "InsertStmt"))
        return bind_insert(front, context, node, error);
    if (node_is(node, "UpdateStmt") || node_is(node, "DeleteStmt"))
        return bind_change(front, context, node, node_is(node, "UpdateStmt"), error);
    *is_rows = false;
    return OK;
}

static Status take_parameters(Front *front, BindContext *context, Error *error)
{
    const BindRequest *request = front->request;
    uint32_t count = request->parameter_count;
    context->parameter_types = ARENA_ARRAY(&front->plan->arena, Type, count);
    if (context->parameter_types == NULL)
        return arena_error(&front->plan->arena, error);
    if (count > 0)
        memcpy(context->parameter_types, request->parameter_types, count * sizeof(Type));
    context->parameter_count = count;
    return OK;
}

/* Definitions and operations take no parameters. */
static Status refuse_parameters(const Front *front, Error *error)
{
    for (uint32_t i = 0; i < front->token_count; i++) {
        Token token = front->reader.tokens[i];
        if (token.kind == TOKEN_PARAMETER)
            return error_set_at(error, (int32_t)token.begin, STATUS_UNDEFINED_PARAMETER,
                                "there is no parameter %.*s",
                                SLICE_ARGUMENTS(token_text(front->reader.text, token)));
    }
    return OK;
}

/* ---- all of it ---- */

static Status bind_tree(Front *front, const Node *node, Error *error)
{
    BindContext context = front_context(front);
    bool is_rows;
    TRY(take_parameters(front, &context, error));
    Status status = bind_rows(front, &context, node, &is_rows, error);
    front->plan->held = context.held;
    front->plan->parameter_types = context.parameter_types;
    front->plan->parameter_count = context.parameter_count;
    if (status != OK || is_rows)
        return status;
    TRY(refuse_parameters(front, error));
    return define_statement(front, node, error);
}

/* A first word that is no statement's: which was meant? */
static void hint_statement(const Front *front, Error *error)
{
    static const char *const verbs[] = {
        "select", "insert",  "update", "delete",   "create", "alter", "drop",    "truncate",
        "with",   "explain", "show",   "describe", "use",    "set",   "storage", "subscribe",
        "kill",   "begin",   "commit", "rollback", "values", "table", "comment", "execute"};
    Token first = reader_token(&front->reader);
    NameGuess guess;
    if (error->status != STATUS_SYNTAX_ERROR || error->position_byte != (int32_t)first.begin ||
        first.kind != TOKEN_WORD)
        return;
    guess_open(&guess, token_text(front->reader.text, first));
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        guess_offer(&guess, slice_of_text(verbs[i]));
    if (guess.distance > 0)
        guess_hint(&guess, error);
}

static Status parse_rest(Front *front, const Node **node, Error *error)
{
    const Node *statements;
    Status status = tree_parse(front->scratch, slice_of(front->rest, front->plan->sql.size),
                               &statements, error);
    if (status != OK) {
        hint_statement(front, error);
        return status;
    }
    *node = node_field(node_item(statements, 0), "stmt");
    if (node_count(statements) != 1 || *node == NULL)
        return error_set(error, STATUS_SYNTAX_ERROR, "one statement is expected");
    return OK;
}

/* A copy in which everything outside of the statement (EXPLAIN, EXECUTE AS USER, the last
 * semicolon) is blank. */
static Status make_rest(Front *front, Error *error)
{
    Slice text = front->plan->sql;
    front->rest = arena_text(front->scratch, text);
    if (front->rest == NULL)
        return arena_error(front->scratch, error);
    uint32_t begin = reader_token(&front->reader).begin;
    uint32_t end = front->reader.tokens[front->token_count - 1].begin;
    memset(front->rest, ' ', begin);
    memset(front->rest + end, ' ', text.size - end);
    return OK;
}

static Status bind_front(Front *front, Error *error)
{
    OwnStatement own;
    const Node *node;
    TRY(arena_clone(&front->plan->arena, front->request->namespace_name, &front->namespace_name,
                    error));
    TRY(read_tokens(front, error));
    TRY(take_wrappers(front, error));
    if (reader_is_at_end(&front->reader))
        return token_error(front->reader.text, reader_token(&front->reader), error);
    TRY(own_statement_find(front, &own, error));
    if (own != NULL) {
        TRY(refuse_parameters(front, error));
        TRY(own(front, error));
        return reader_expect_end(&front->reader, error);
    }
    front->is_subscription = front->request->as_subscription;
    TRY(make_rest(front, error));
    TRY(clauses_take(front, error));
    TRY(parse_rest(front, &node, error));
    return bind_tree(front, node, error);
}

Status plan_bind(const BindRequest *request, Plan **out, Error *error)
{
    SqlLimits limits = sql_limits_filled(&request->limits);
    Arena scratch;
    Plan *plan;
    TRY(sql_text_check(request->sql, &limits, error));
    TRY(plan_create(request->snapshot, request->sql, &plan, error));
    arena_open(&scratch, SCRATCH_BYTES_MAX);
    Front front = {.request = request, .plan = plan, .scratch = &scratch};
    Status status = bind_front(&front, error);
    arena_close(&scratch);
    if (status == OK && request->as_subscription && plan->kind != STATEMENT_SUBSCRIBE)
        status = fail_unsupported(0, "a subscription to anything but a SELECT", error);
    if (status != OK) {
        plan_release(plan);
        return status;
    }
    if (plan->kind == STATEMENT_EXPLAIN)
        plan->action = plan->as.explained->action;
    *out = plan;
    return OK;
}
