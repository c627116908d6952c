/* A conversation: what the worker does not have yet, the request, slots of rows, the end.
 *
 * Happy path: keep_send, TABLE …, RUN; for each SLOT the bytes are copied out of the ring, the slot
 * is given back, the sink is called; DONE brings the last bytes. Failure modes:
 *   - the worker reports an error: it is the statement's, the worker serves the next one;
 *   - the sink wants no more: STOP, and what still comes is dropped until the statement's end;
 *   - deadline, cancel, a worker that is gone or breaks the protocol: it is killed. */
#include <endian.h>

#include "query/talk_int.h"

enum {
    TALK_TRIES_MAX = 3,     /* workers found dead before they were told anything */
    TALK_STOP_MS_MAX = 500, /* for a worker to end a statement that nobody wants any more */
};

typedef struct Talk {
    QueryPool *pool;
    PoolWorker *worker;
    const TalkRequest *request;
    const TalkSink *sink;
    int64_t deadline_ns;
    bool was_sent;    /* RUN went out: another worker must not do it again, unless … */
    bool was_heard;   /* … this one never said that it started */
    bool has_ended;   /* the worker said so: it is free for the next statement */
    bool is_stopping; /* nobody wants the rest */
    uint8_t *copy;    /* SLOT_BYTES; NULL until the first is needed */
    uint64_t rows;
    uint64_t bytes;
} Talk;

static Status make_copy(Talk *talk, Error *error)
{
    if (talk->copy == NULL)
        talk->copy = memory_allocate(SLOT_BYTES);
    return talk->copy == NULL ? error_out_of_memory(error) : OK;
}

/* ---- asking ---- */

static Status send_table(Talk *talk, Error *error)
{
    const TalkRequest *request = talk->request;
    if (request->table_count > 0)
        TRY(make_copy(talk, error));
    uint64_t *items = (uint64_t *)(void *)talk->copy;
    _Static_assert(TABLE_PART_ITEMS_MAX * sizeof *items <= SLOT_BYTES, "one part fits the copy");
    for (size_t from = 0; from < request->table_count; from += TABLE_PART_ITEMS_MAX) {
        size_t rest = request->table_count - from;
        size_t count = rest < TABLE_PART_ITEMS_MAX ? rest : TABLE_PART_ITEMS_MAX;
        request->fill_table(request->table_context, from, count, items);
        TRY(channel_send(&talk->worker->channel, MESSAGE_TABLE, talk->worker->statement,
                         slice_of(items, count * sizeof *items), NULL, 0, talk->deadline_ns,
                         error));
    }
    return OK;
}

static Status send_run(Talk *talk, Error *error)
{
    talk->request->request->threads = pool_threads(talk->pool, talk->worker);
    Buffer body;
    buffer_open(&body, REQUEST_BYTES_MAX);
    Status status = request_encode(&body, talk->request->request, error);
    if (status == OK) {
        talk->was_sent = true;
        status = channel_send(&talk->worker->channel, MESSAGE_RUN, talk->worker->statement,
                              buffer_slice(&body), NULL, 0, talk->deadline_ns, error);
    } else if (talk->request->table_count == 0) {
        talk->has_ended = true; /* the worker has heard nothing of a statement */
    }
    buffer_close(&body);
    return status;
}

static Status ask(Talk *talk, Error *error)
{
    int64_t now_ns = env_monotonic_ns(talk->pool->env);
    TRY(keep_send(talk->worker, &talk->request->keep, now_ns, talk->deadline_ns, error));
    TRY(send_table(talk, error));
    return send_run(talk, error);
}

/* ---- hearing ---- */

static Status set_broken(Error *error)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "the worker broke the protocol");
}

static Status send_number(Talk *talk, WorkerMessage kind, uint32_t number, Error *error)
{
    uint32_t body = htole32(number);
    return channel_send(&talk->worker->channel, (uint8_t)kind, talk->worker->statement,
                        slice_of(&body, kind == MESSAGE_STOP ? 0 : sizeof body), NULL, 0,
                        talk->deadline_ns, error);
}

/* From here on the worker has only to end the statement, and not much time for it. */
static Status stop(Talk *talk, Error *error)
{
    int64_t limit_ns = env_monotonic_ns(talk->pool->env) + TALK_STOP_MS_MAX * POOL_MS_NS;
    if (limit_ns < talk->deadline_ns)
        talk->deadline_ns = limit_ns;
    talk->is_stopping = true;
    return send_number(talk, MESSAGE_STOP, 0, error);
}

/* `*own` is the sink's error: the statement's from here on. */
static Status give_sink(Talk *talk, Slice bytes, uint64_t rows, Error *own, Error *error)
{
    if (talk->is_stopping || (bytes.size == 0 && rows == 0))
        return OK;
    talk->rows += rows;
    talk->bytes += bytes.size;
    Status status = talk->sink->bytes(talk->sink->context, bytes, rows, own);
    if (status == OK)
        return OK;
    return status == STATUS_WORKER_FAILED ? set_broken(error) : stop(talk, error);
}

/* The bytes are copied before anything looks at them: the worker can write there at any time. */
static Status take_slot(Talk *talk, Slice body, Error *own, Error *error)
{
    SlotMessage slot;
    TRY(slot_decode(body, &slot, error));
    TRY(make_copy(talk, error));
    memcpy(talk->copy, talk->worker->ring.data + (size_t)slot.slot * SLOT_BYTES, slot.size);
    TRY(send_number(talk, MESSAGE_SLOT_FREE, slot.slot, error));
    return give_sink(talk, slice_of(talk->copy, slot.size), slot.rows, own, error);
}

static Status take_done(Talk *talk, Slice body, TalkResult *out, Error *own, Error *error)
{
    WorkerDone done;
    TRY(done_decode(body, &done, error));
    talk->has_ended = true;
    if (talk->is_stopping)
        return OK;
    talk->rows += done.last_rows;
    talk->bytes += done.last.size;
    if (talk->rows != done.rows)
        return set_broken(error);
    const TalkSink *sink = talk->sink;
    Status status =
        done.last.size == 0 ? OK : sink->bytes(sink->context, done.last, done.last_rows, own);
    if (status == OK && sink->end != NULL)
        status = sink->end(sink->context, own);
    *out = (TalkResult){talk->rows, talk->bytes, done.hot_rows_read, false};
    return status == STATUS_WORKER_FAILED ? set_broken(error) : OK;
}

static Status take_failed(Talk *talk, Slice body, TalkResult *out, Error *own, Error *error)
{
    Error said;
    TRY(failure_decode(body, &said, error));
    talk->has_ended = true;
    out->was_refused = !talk->is_stopping;
    if (!talk->is_stopping)
        *own = said;
    return OK;
}

static Status take_frame(Talk *talk, const Frame *frame, TalkResult *out, Error *own, Error *error)
{
    if (frame->statement != talk->worker->statement)
        return set_broken(error);
    switch (frame->kind) {
    case MESSAGE_STARTED:
        return OK;
    case MESSAGE_SLOT:
        return take_slot(talk, frame->body, own, error);
    case MESSAGE_DONE:
        return take_done(talk, frame->body, out, own, error);
    case MESSAGE_FAILED:
        return take_failed(talk, frame->body, out, own, error);
    default:
        return set_broken(error);
    }
}

/* Until the statement's end; the deadline also holds while frames keep coming. */
static Status hear(Talk *talk, TalkResult *out, Error *own, Error *error)
{
    while (!talk->has_ended) {
        if (env_monotonic_ns(talk->pool->env) >= talk->deadline_ns)
            return error_of(error, STATUS_QUERY_CANCELED);
        Frame frame;
        TRY(channel_receive(&talk->worker->channel, talk->deadline_ns, &frame, error));
        talk->was_heard = true;
        TRY(take_frame(talk, &frame, out, own, error));
    }
    return OK;
}

/* ---- all together ---- */

/* Who is to blame decides what becomes of the worker. */
static Status converse(Talk *talk, TalkResult *out, WorkerFate *fate, Error *error)
{
    Error own;
    error_clear(&own);
    Status status = ask(talk, error);
    if (status == OK)
        status = hear(talk, out, &own, error);
    bool is_good = talk->has_ended && (status == OK || !talk->was_sent);
    bool is_over = status == STATUS_QUERY_CANCELED;
    *fate = is_good ? FATE_GOOD : is_over ? FATE_KILLED : FATE_FAILED;
    memory_free(talk->copy);
    if (own.status != OK) { /* the statement's own error, however the worker ended */
        if (own.status == STATUS_OUT_OF_MEMORY)
            *fate = FATE_SPENT;
        *error = own;
        return own.status;
    }
    if (status == OK || is_good)
        return status;
    return pool_explain_end(talk->pool, talk->worker, talk->request->handle, error);
}

/* A worker killed while it was idle takes a request before its end is seen: it never says that it
 * started. What only reads is asked again. */
static bool was_dead_already(const Talk *talk)
{
    return talk->was_sent && !talk->was_heard && (talk->request->roles & ROLE_WRITE) == 0;
}

static Status talk_once(Talk *talk, TalkResult *out, bool *again, Error *error)
{
    const TalkRequest *request = talk->request;
    TRY(pool_take(talk->pool, request->roles, request->deadline_ns, request->handle, &talk->worker,
                  error));
    WorkerFate fate = FATE_FAILED;
    Status status = converse(talk, out, &fate, error);
    *again = status == STATUS_WORKER_FAILED && (!talk->was_sent || was_dead_already(talk));
    pool_give_back(talk->pool, talk->worker, fate);
    return status;
}

Status talk(QueryPool *pool, const TalkRequest *request, const TalkSink *sink, TalkResult *out,
            Error *error)
{
    Status status = OK;
    bool again = true;
    for (int i = 0; i < TALK_TRIES_MAX && again; i++) {
        Talk attempt = {.pool = pool, .request = request, .sink = sink};
        attempt.deadline_ns = request->deadline_ns;
        again = false;
        *out = (TalkResult){.rows = 0};
        status = talk_once(&attempt, out, &again, error);
    }
    return status;
}
