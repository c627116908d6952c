/* The library's statements and results. */
#include "base/version.h"
#include "database/library_int.h"

/* ---- results ---- */

Status library_result_open(firn_result **out, Error *error)
{
    *out = MEMORY_NEW(firn_result);
    if (*out == NULL)
        return error_out_of_memory(error);
    arena_open(&(*out)->arena, RESULT_BYTES_MAX);
    return OK;
}

FIRN_EXPORTED void firn_result_close(firn_result *result)
{
    if (result == NULL)
        return;
    arena_close(&result->arena);
    memory_free(result);
}

FIRN_EXPORTED size_t firn_column_count(const firn_result *result)
{
    return result->column_count;
}

FIRN_EXPORTED const char *firn_column_name(const firn_result *result, size_t column)
{
    return column < result->column_count ? result->names[column] : NULL;
}

FIRN_EXPORTED const char *firn_column_type(const firn_result *result, size_t column)
{
    return column < result->column_count ? result->types[column] : NULL;
}

FIRN_EXPORTED uint64_t firn_row_count(const firn_result *result)
{
    return result->row_count;
}

FIRN_EXPORTED uint64_t firn_sequence(const firn_result *result)
{
    return result->seq;
}

FIRN_EXPORTED bool firn_next(firn_result *result)
{
    result->at = result->has_begun && result->at != NULL ? result->at->next
                 : result->has_begun                     ? NULL
                                                         : result->first;
    result->has_begun = true;
    return result->at != NULL;
}

FIRN_EXPORTED const firn_value *firn_row(const firn_result *result)
{
    return result->at == NULL ? NULL : result->at->values;
}

/* ---- rows on their way ---- */

static Status name_columns(firn_result *result, const ResultColumn *columns, uint32_t count,
                           Error *error)
{
    Arena *arena = &result->arena;
    arena_reset(arena);
    result->first = result->last = NULL;
    result->column_count = count;
    result->names = ARENA_ARRAY(arena, const char *, count);
    result->types = ARENA_ARRAY(arena, const char *, count);
    if (result->names == NULL || result->types == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < count; i++) {
        char type[TYPE_NAME_BYTES_MAX];
        type_name(columns[i].type, type);
        result->names[i] = arena_text(arena, columns[i].name);
        result->types[i] = arena_text(arena, slice_of_text(type));
        if (result->names[i] == NULL || result->types[i] == NULL)
            return arena_error(arena, error);
    }
    return OK;
}

static Status sink_columns(void *context, const ResultColumn *columns, uint32_t count, Error *error)
{
    LibrarySink *sink = context;
    sink->columns = columns;
    sink->column_count = count;
    return sink->result != NULL ? name_columns(sink->result, columns, count, error) : OK;
}

static Status make_row(const LibrarySink *sink, Arena *arena, const Value *values, firn_value **out,
                       Error *error)
{
    *out = ARENA_ARRAY(arena, firn_value, sink->column_count);
    if (*out == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < sink->column_count; i++)
        TRY(library_from_value(arena, sink->columns[i].type, &values[i], &(*out)[i], error));
    return OK;
}

static Status keep_row(LibrarySink *sink, const Value *values, Error *error)
{
    firn_result *result = sink->result;
    ResultRow *row = ARENA_NEW(&result->arena, ResultRow);
    if (row == NULL)
        return arena_error(&result->arena, error);
    TRY(make_row(sink, &result->arena, values, &row->values, error));
    if (result->last == NULL)
        result->first = row;
    else
        result->last->next = row;
    result->last = row;
    return OK;
}

static Status sink_row(void *context, const Value *values, uint32_t count, Error *error)
{
    LibrarySink *sink = context;
    firn_value *row;
    (void)count;
    if (sink->result != NULL)
        return keep_row(sink, values, error);
    if (sink->visit == NULL)
        return OK;
    arena_reset(&sink->row_arena);
    TRY(make_row(sink, &sink->row_arena, values, &row, error));
    if (sink->visit(sink->visit_context, row, sink->column_count) == 0)
        return OK;
    return error_set(error, STATUS_QUERY_CANCELED, "the visitor ended the statement");
}

ResultSink library_sink(LibrarySink *sink)
{
    return (ResultSink){.columns = sink_columns, .row = sink_row, .context = sink};
}

/* ---- statements ---- */

Status library_run(firn_session *session, Slice sql, const Parameters *parameters,
                   const ResultSink *sink, ResultSummary *summary, Error *error)
{
    Database *database = session->database;
    Status status = STATUS_SCHEMA_CHANGED;
    Arena arena;
    arena_open(&arena, 0);
    for (uint32_t i = 0; status == STATUS_SCHEMA_CHANGED && i < BIND_ATTEMPTS_MAX; i++) {
        Plan *plan = NULL;
        arena_reset(&arena);
        status = find_plan(database, &session->session, sql, parameters, false, &plan, error);
        if (status != OK)
            break;
        status =
            run_plan(database, &session->session, plan, parameters, &arena, sink, summary, error);
        plan_release(plan);
    }
    arena_close(&arena);
    return status;
}

static Status end_statement(void *context, uint32_t number, const ResultSummary *summary,
                            int64_t took_ns, Error *error)
{
    firn_result *result = ((LibrarySink *)context)->result;
    (void)number;
    (void)took_ns;
    (void)error;
    if (result != NULL) {
        result->row_count = summary->row_count;
        result->seq = summary->seq;
    }
    return OK;
}

static Status execute(firn_session *session, const char *sql, const firn_value *parameters,
                      size_t count, LibrarySink *into, StatementPlace *place, Error *error)
{
    Status status = OK;
    Value *values;
    Arena arena;
    StatementSink sink = {.rows = library_sink(into), .end = end_statement, .context = into};
    *place = (StatementPlace){0};
    arena_open(&arena, 0);
    arena_open(&into->row_arena, 0);
    GO(library_values(&arena, parameters, count, &values, error));
    StatementRequest request = {.text = slice_of_text(sql),
                                .parameters = {.values = values, .count = (uint32_t)count}};
    GO(database_execute(session->database, &session->session, &request, &sink, place, error));
done:
    arena_close(&into->row_arena);
    arena_close(&arena);
    return status;
}

FIRN_EXPORTED int firn_session_execute(firn_session *session, const char *sql,
                                       const firn_value *parameters, size_t count,
                                       firn_result **out, firn_error *error)
{
    Error failure = {.position_byte = -1};
    StatementPlace place = {0};
    LibrarySink sink = {0};
    if (out != NULL)
        *out = NULL;
    Status status = out != NULL ? library_result_open(&sink.result, &failure) : OK;
    if (status == OK)
        status = execute(session, sql, parameters, count, &sink, &place, &failure);
    if (status != OK) {
        firn_result_close(sink.result);
        return library_error(&failure, &place, error);
    }
    if (out != NULL)
        *out = sink.result;
    return FIRN_OK;
}

FIRN_EXPORTED int firn_execute(firn_database *database, const char *sql,
                               const firn_value *parameters, size_t count, firn_result **out,
                               firn_error *error)
{
    firn_session *session;
    int code = firn_session_open(database, NULL, &session, error);
    if (code != FIRN_OK)
        return code;
    code = firn_session_execute(session, sql, parameters, count, out, error);
    firn_session_close(session);
    return code;
}

FIRN_EXPORTED int firn_each(firn_database *database, const char *sql, const firn_value *parameters,
                            size_t count, firn_row_visitor visit, void *context, firn_error *error)
{
    Error failure = {.position_byte = -1};
    StatementPlace place = {0};
    LibrarySink sink = {.visit = visit, .visit_context = context};
    firn_session *session;
    int code = firn_session_open(database, NULL, &session, error);
    if (code != FIRN_OK)
        return code;
    Status status = execute(session, sql, parameters, count, &sink, &place, &failure);
    firn_session_close(session);
    return status == OK ? FIRN_OK : library_error(&failure, &place, error);
}

FIRN_EXPORTED int firn_session_open(firn_database *database, const char *user, firn_session **out,
                                    firn_error *error)
{
    Error failure;
    firn_session *session = MEMORY_NEW(firn_session);
    Status status = session == NULL ? error_out_of_memory(&failure) : OK;
    *out = NULL;
    if (status == OK) {
        session->database = database->database;
        status = database_session_as(database->database, slice_of_text(user ? user : "root"),
                                     &session->session, &failure);
    }
    if (status != OK) {
        memory_free(session);
        return library_error(&failure, NULL, error);
    }
    database_connection_id(database->database, session->session.session.id);
    *out = session;
    return FIRN_OK;
}

FIRN_EXPORTED void firn_session_close(firn_session *session)
{
    memory_free(session);
}
