#include "api/outlet.h"

static Status begin(Outlet *outlet, Error *error)
{
    HttpAnswer answer = {.status = 200, .content_type = outlet->content_type};
    TRY(http_stream_begin(outlet->exchange, &answer, error));
    outlet->is_open = true;
    metric_add(outlet->api->metrics.streamed, 1);
    if (outlet->opening == NULL)
        return OK;
    return http_stream_write(outlet->exchange, slice_of_text(outlet->opening), error);
}

/* Each piece has the time of a statement: what counts is that the client goes on reading. */
Status outlet_send(Outlet *outlet, Slice piece, Error *error)
{
    Api *api = outlet->api;
    if (!outlet->is_open)
        TRY(begin(outlet, error));
    int64_t patience_ns = atomic_load(&api->limits.statement_timeout_ns);
    http_stream_set_deadline(outlet->exchange, env_monotonic_ns(api->env) + patience_ns);
    return http_stream_write(outlet->exchange, piece, error);
}

void outlet_end(Outlet *outlet, bool whole)
{
    ASSERT(outlet->is_open);
    http_stream_end(outlet->exchange, whole);
}
