/* Statements: composed, run in a worker, and run again behind the barrier where an error may have
 * come from a row that is not there. */
#include "query/compose.h"

/* ---- one run ---- */

static Status give_rows(void *context, const RowLayout *layout, const Slice *rows,
                        const int64_t *lead, size_t count, Error *error)
{
    (void)lead;
    const QuerySink *sink = context;
    return sink->rows(sink->context, layout, rows, count, error);
}

static Status give_json(void *context, Slice bytes, uint64_t rows, Error *error)
{
    const QuerySink *sink = context;
    return sink->bytes(sink->context, bytes, rows, error);
}

/* Could the worker's error be that of an expression over a dead row? Not where it is about the
 * worker itself. */
static bool is_doubtful(const TalkResult *result, Status status)
{
    return result->was_refused && status != STATUS_OUT_OF_MEMORY && status != STATUS_QUERY_CANCELED;
}

static Status run_once(QueryPool *pool, Arena *arena, const QueryRequest *request,
                       const QuerySink *sink, QueryHandle *handle, QueryResult *out, bool *again,
                       Error *error)
{
    Composition composition;
    TRY(compose(arena, request, "", &composition, error));
    bool is_guess = composition.has_dead_rows && !request->retry_behind_barrier;
    composition.request.holds = is_guess; /* no row is seen before the statement has ended well */
    TalkRequest talk_request = {.roles = ROLE_QUERY,
                                .request = &composition.request,
                                .keep = composition.keep,
                                .deadline_ns = request->deadline_ns,
                                .handle = handle};
    TalkResult result = {.rows = 0};
    void *context = (void *)(uintptr_t)sink;
    TalkSink json = {.bytes = give_json, .context = context};
    RowSink packed = {.rows = give_rows, .context = context};
    Status status = request->format == QUERY_JSON
                        ? talk(pool, &talk_request, &json, &result, error)
                        : talk_rows(pool, arena, &talk_request, packed, &result, error);
    *again = status != OK && is_guess && is_doubtful(&result, status);
    *out = (QueryResult){result.rows, result.bytes, composition.files, result.hot_rows_read};
    return status;
}

/* ---- statements ---- */

static void count_statement(QueryPool *pool)
{
    mutex_lock(&pool->mutex);
    pool->statistics.statements++;
    mutex_unlock(&pool->mutex);
}

Status query_run(QueryPool *pool, const QueryRequest *request, const QuerySink *sink,
                 QueryHandle *handle, QueryResult *out, Error *error)
{
    Arena arena;
    arena_open(&arena, 0);
    count_statement(pool);
    bool again = false;
    QueryResult result = {.rows = 0};
    Status status = run_once(pool, &arena, request, sink, handle, &result, &again, error);
    if (again) {
        QueryRequest behind = *request;
        behind.retry_behind_barrier = true;
        arena_reset(&arena);
        status = run_once(pool, &arena, &behind, sink, handle, &result, &again, error);
    }
    arena_close(&arena);
    if (status == OK)
        *out = result;
    return status;
}

/* ---- EXPLAIN ---- */

/* Two columns: which plan it is, and its picture. */
static Status take_plan(void *context, const RowLayout *layout, const Slice *rows,
                        const int64_t *lead, size_t count, Error *error)
{
    (void)lead;
    Buffer *out = context;
    for (size_t i = 0; i < count; i++) {
        Value picture;
        row_get(layout, rows[i], 1, &picture);
        if (!picture.is_null)
            buffer_put_slice(out, picture.as.bytes);
    }
    return buffer_status(out, error);
}

static Status explain(QueryPool *pool, Arena *arena, const QueryRequest *request, Buffer *out,
                      Error *error)
{
    static const Type types[2] = {{.kind = TYPE_TEXT}, {.kind = TYPE_TEXT}};
    Composition composition;
    TRY(compose(arena, request, "EXPLAIN ", &composition, error));
    composition.request.format = FORMAT_ROWS;
    composition.request.result_types = types;
    composition.request.result_count = 2;
    TalkRequest talk_request = {.roles = ROLE_QUERY,
                                .request = &composition.request,
                                .keep = composition.keep,
                                .deadline_ns = request->deadline_ns};
    TalkResult result;
    return talk_rows(pool, arena, &talk_request, (RowSink){take_plan, out}, &result, error);
}

Status query_explain(QueryPool *pool, const QueryRequest *request, Buffer *out, Error *error)
{
    Arena arena;
    arena_open(&arena, 0);
    Status status = explain(pool, &arena, request, out, error);
    arena_close(&arena);
    return status;
}
