#include "cli/live.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/cell.h"
#include "cli/interrupt.h"
#include "cli/json_walk.h"
#include "cli/live_line.h"
#include "cli/live_socket.h"

enum { LIVE_MESSAGE_ARENA_BYTES_MAX = 1 << 30, LIVE_COLUMNS_ARENA_BYTES_MAX = 64 << 20 };

typedef struct Live {
    Shell *shell;
    LiveSocket socket;
    Slice sql;
    LiveLines lines;
    Arena columns_arena; /* of the subscription */
    Arena arena;         /* of one message */
    unsigned attempt;    /* the subscription's id: answers to an earlier one are passed over */
    bool is_over;
    int code;
} Live;

/* ---- what we say ---- */

static Status send(Live *live, Buffer *message, Error *error)
{
    TRY(buffer_status(message, error));
    return live_socket_send(&live->socket, buffer_slice(message), error);
}

static Status authenticate(Live *live, Error *error)
{
    JsonWriter writer;
    Buffer message;
    buffer_open(&message, 0);
    json_begin(&writer, &message);
    json_open_object(&writer);
    json_key(&writer, "type");
    json_text(&writer, "auth");
    json_key(&writer, "token");
    if (live->shell->session.token.size > 0)
        json_slice(&writer, buffer_slice(&live->shell->session.token));
    else
        json_null(&writer); /* anonymous */
    json_close_object(&writer);
    Status status = send(live, &message, error);
    buffer_close(&message);
    return status;
}

static Status put_subscription(Live *live, Buffer *message, Error *error)
{
    const Options *options = live->shell->options;
    JsonWriter writer;
    char id[16];
    (void)snprintf(id, sizeof id, "%u", ++live->attempt);
    json_begin(&writer, message);
    json_open_object(&writer);
    json_key(&writer, "type");
    json_text(&writer, "subscribe");
    json_key(&writer, "id");
    json_text(&writer, id);
    json_key(&writer, "sql");
    json_slice(&writer, live->sql);
    if (options->parameter_count > 0) {
        json_key(&writer, "params");
        json_before_raw(&writer);
        TRY(session_put_parameters(options, message, error));
    }
    if (live->shell->session.namespace_name[0] != '\0') {
        json_key(&writer, "namespace");
        json_text(&writer, live->shell->session.namespace_name);
    }
    json_close_object(&writer);
    return OK;
}

static Status subscribe(Live *live, Error *error)
{
    Buffer message;
    buffer_open(&message, 0);
    Status status = put_subscription(live, &message, error);
    if (status == OK)
        status = send(live, &message, error);
    buffer_close(&message);
    return status;
}

/* ---- what the server says ---- */

static Slice text_member(Live *live, Slice object, const char *key)
{
    Slice raw;
    Cell cell;
    Error ignored;
    if (json_walk_member(object, key, &raw, &ignored) != OK || raw.data == NULL ||
        cell_read(&live->arena, raw, &cell, &ignored) != OK || cell.is_null)
        return SLICE_EMPTY;
    return cell.text;
}

static int64_t integer_member(Live *live, Slice object, const char *key)
{
    int64_t value = 0;
    return slice_to_int64(text_member(live, object, key), &value) ? value : 0;
}

static Status on_subscribed(Live *live, Slice message, Error *error)
{
    ResponseColumn *columns;
    Slice raw;
    Slice kept;
    bool is_first = live->lines.columns == NULL;
    TRY(json_walk_member(message, "columns", &raw, error));
    live->lines.columns = NULL;
    arena_reset(&live->columns_arena);
    TRY(arena_clone(&live->columns_arena, raw, &kept, error));
    TRY(response_read_columns(&live->columns_arena, kept, &columns, &live->lines.column_count,
                              error));
    live->lines.columns = columns;
    if (is_first)
        live_lines_begin(&live->lines);
    return OK;
}

static Status on_row(Live *live, Slice row, Error *error)
{
    LiveChange change = {.op = SLICE("row"), .row = row};
    return live_lines_put(&live->lines, &live->arena, &change, error);
}

static Status on_change(Live *live, Slice raw, Error *error)
{
    LiveChange change = {.op = text_member(live, raw, "op"),
                         .seq = integer_member(live, raw, "seq")};
    TRY(json_walk_member(raw, "row", &change.row, error));
    TRY(json_walk_member(raw, "old", &change.old, error));
    if (slice_equal_text(change.row, "null"))
        change.row = SLICE_EMPTY;
    if (slice_equal_text(change.old, "null"))
        change.old = SLICE_EMPTY;
    return live_lines_put(&live->lines, &live->arena, &change, error);
}

static Status for_each(Live *live, Slice message, const char *member,
                       Status (*handle)(Live *live, Slice raw, Error *error), Error *error)
{
    JsonWalk walk;
    Slice list;
    TRY(json_walk_member(message, member, &list, error));
    bool has = list.data != NULL && json_walk_array(&walk, list);
    if (live->lines.columns == NULL)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "rows came before their columns");
    while (has) {
        Slice key;
        Slice raw;
        TRY(json_walk_next(&walk, &has, &key, &raw, error));
        if (has)
            TRY(handle(live, raw, error));
    }
    return OK;
}

static Status on_resync(Live *live, Slice message, Error *error)
{
    Slice reason = text_member(live, message, "reason");
    live_lines_put_event(&live->lines, "resync", 0,
                         reason.size > 0 ? reason : SLICE("the server lost its place"));
    if (live->lines.format == FORMAT_TABLE)
        printer_text(live->lines.output, "        subscribed again: all rows follow\n");
    return subscribe(live, error);
}

/* The subscription failed: the error is the statement's. */
static Status on_error(Live *live, Slice message, Error *error)
{
    Response response;
    Slice body = message;
    Slice raw;
    TRY(json_walk_member(message, "error", &raw, error));
    response = (Response){.error = {.byte = -1}};
    if (raw.data != NULL) {
        JsonValue *told;
        TRY(json_read(&live->arena, body, RESPONSE_DEPTH_MAX, &told, error));
        response_read_error(json_member(told, "error"), &response.error);
    } else {
        response.error.message = text_member(live, message, "message");
    }
    printer_flush(&live->shell->out);
    complaint_put(&live->shell->err, &response.error, live->sql, &live->shell->place);
    live->is_over = true;
    live->code = EXIT_STATEMENT_FAILED;
    return OK;
}

static Status on_end(Live *live, Slice message, const char *what, Error *error)
{
    Slice reason = text_member(live, message, "reason");
    Slice detail = text_member(live, message, "detail");
    live->is_over = true;
    live->code = EXIT_STATEMENT_FAILED;
    error_set(error, STATUS_OBJECT_NOT_IN_PREREQUISITE_STATE, "%s: %.*s", what,
              SLICE_ARGUMENTS(reason));
    error_set_detail(error, "%.*s", SLICE_ARGUMENTS(detail));
    return error->status;
}

static bool is_ours(Live *live, Slice message)
{
    Slice id = text_member(live, message, "id");
    int64_t number;
    return id.size == 0 || (slice_to_int64(id, &number) && number == live->attempt);
}

static Status on_message(Live *live, Slice message, Error *error)
{
    Slice type = text_member(live, message, "type");
    if (!is_ours(live, message))
        return OK;
    if (slice_equal_text(type, "ready"))
        return subscribe(live, error);
    if (slice_equal_text(type, "subscribed"))
        return on_subscribed(live, message, error);
    if (slice_equal_text(type, "rows"))
        return for_each(live, message, "rows", on_row, error);
    if (slice_equal_text(type, "changes"))
        return for_each(live, message, "changes", on_change, error);
    if (slice_equal_text(type, "live"))
        live_lines_put_event(&live->lines, "live", integer_member(live, message, "seq"),
                             SLICE_EMPTY);
    if (slice_equal_text(type, "resync"))
        return on_resync(live, message, error);
    if (slice_equal_text(type, "error"))
        return on_error(live, message, error);
    if (slice_equal_text(type, "unsubscribed"))
        return on_end(live, message, "the server ended the live query", error);
    if (slice_equal_text(type, "closing"))
        return on_end(live, message, "the server closes the connection", error);
    return OK; /* pong; what a newer server adds */
}

/* ---- the whole ---- */

static Status listen_on(Live *live, Error *error)
{
    const Options *options = live->shell->options;
    TRY(session_renew(&live->shell->session, error));
    TRY(live_socket_open(&live->socket, live->shell->session.env, options->host, options->port,
                         "/v1/ws", error));
    TRY(authenticate(live, error));
    while (!live->is_over && !live->shell->out.failed) {
        Slice message;
        TRY(live_socket_receive(&live->socket, &message, error));
        arena_reset(&live->arena);
        TRY(on_message(live, message, error));
        printer_flush(&live->shell->out);
    }
    return OK;
}

int live_run(Shell *shell, Slice sql)
{
    Error error;
    Live live = {
        .shell = shell, .sql = sql, .lines = {.output = &shell->out, .format = shell->format}};
    arena_open(&live.columns_arena, LIVE_COLUMNS_ARENA_BYTES_MAX);
    arena_open(&live.arena, LIVE_MESSAGE_ARENA_BYTES_MAX);
    Status status = listen_on(&live, &error);
    printer_flush(&shell->out);
    if (status == STATUS_QUERY_CANCELED) {
        interrupt_clear(); /* the way a live query ends */
        printer_text(&shell->err, shell->is_interactive ? "\n" : "");
        printer_flush(&shell->err);
    } else if (status != OK) {
        live.code = shell_fail(shell, &error);
    }
    live_socket_close(&live.socket);
    arena_close(&live.arena);
    arena_close(&live.columns_arena);
    return live.code;
}
