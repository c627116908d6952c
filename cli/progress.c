#include "cli/progress.h"

#include <stdio.h>

#include "cli/row_walk.h"
#include "cli/splitter.h"

static const int64_t SECOND_NS = 1000000000;
static const int64_t QUIET_NS = 2000000000;
static const int64_t PATIENCE_NS = 500000000;

enum { JOB_COLUMNS = 5, JOB_BYTES_MAX = 1 << 20 };

static const char JOB_REQUEST[] =
    "{\"sql\":\"SELECT type, namespace, table_name, progress, message FROM system.jobs"
    " WHERE state = 'running' ORDER BY started_at DESC LIMIT 1\"}";

static void on_wait(void *context, int64_t waited_ns);

Status progress_open(Progress *progress, Session *session, Printer *output, Error *error)
{
    const Options *options = session->options;
    *progress = (Progress){.session = session, .output = output};
    TRY(http_client_open(&progress->http, session->env, options->host, options->port, error));
    progress->http.patience_ns = PATIENCE_NS;
    if (output->width > 0) { /* a terminal */
        session->http.on_wait = on_wait;
        session->http.context = progress;
    }
    return OK;
}

void progress_close(Progress *progress)
{
    http_client_close(&progress->http);
}

/* Statements that make a job and wait for it. */
static bool makes_job(Slice sql)
{
    static const char *const words[] = {"storage", "backup", "restore",
                                        "export",  "alter",  "create"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (statement_begins_with(sql, words[i]))
            return true;
    }
    return false;
}

void progress_begin(Progress *progress, Slice sql)
{
    progress->follows_job = makes_job(sql);
    progress->is_asking = false;
    progress->asked_ns = 0;
    progress->job[0] = '\0';
}

static void clear_line(Progress *progress)
{
    printer_text(progress->output, "\r\033[K");
}

void progress_end(Progress *progress)
{
    http_client_disconnect(&progress->http);
    if (!progress->is_shown)
        return;
    progress->is_shown = false;
    clear_line(progress);
    printer_flush(progress->output);
}

/* ---- the job ---- */

/* type, namespace, table, progress 0-1, message */
static void describe_job(Progress *progress, const Cell *cells)
{
    double done = 0;
    bool has_progress = !cells[3].is_null && slice_to_double(cells[3].text, &done);
    char percent[16] = "";
    if (has_progress && done >= 0 && done <= 1)
        (void)snprintf(percent, sizeof percent, " %d%%", (int)(done * 100));
    (void)snprintf(progress->job, sizeof progress->job, "%.*s%s%.*s%s%.*s%s%s%.*s",
                   SLICE_ARGUMENTS(cells[0].text), cells[2].is_null ? "" : " ",
                   cells[1].is_null ? 0 : (int)slice_part(cells[1].text, 0, 40).size,
                   (const char *)cells[1].text.data, cells[2].is_null ? "" : ".",
                   cells[2].is_null ? 0 : (int)slice_part(cells[2].text, 0, 64).size,
                   (const char *)cells[2].text.data, percent, cells[4].is_null ? "" : ": ",
                   cells[4].is_null ? 0 : (int)slice_part(cells[4].text, 0, 40).size,
                   (const char *)cells[4].text.data);
}

static Status read_job(Progress *progress, Arena *arena, Slice body, Error *error)
{
    Response response;
    JsonWalk results;
    RowWalk rows;
    Slice key;
    Slice raw;
    ResponseResult result;
    bool has = false;
    TRY(response_read(arena, body, &response, error));
    if (response.is_error || !json_walk_array(&results, response.results))
        return error_of(error, STATUS_NOT_FOUND);
    TRY(json_walk_next(&results, &has, &key, &raw, error));
    if (!has)
        return error_of(error, STATUS_NOT_FOUND);
    TRY(response_read_result(arena, raw, &result, error));
    if (result.column_count != JOB_COLUMNS)
        return error_of(error, STATUS_NOT_FOUND);
    Status status = row_walk_open(&rows, arena, result.rows, JOB_COLUMNS, error);
    if (status == OK)
        status = row_walk_next(&rows, &has, error);
    if (status == OK && has)
        describe_job(progress, rows.cells);
    row_walk_close(&rows);
    return status;
}

static void ask_for_job(Progress *progress)
{
    Arena arena;
    HttpReply reply;
    Error error;
    arena_open(&arena, JOB_BYTES_MAX);
    http_reply_open(&reply);
    Status status =
        http_client_ask(&progress->http, "POST", "/v1/sql", buffer_slice(&progress->session->token),
                        slice_of_text(JOB_REQUEST), &reply, &error);
    if (status == OK)
        status = read_job(progress, &arena, buffer_slice(&reply.body), &error);
    if (status != OK) {
        progress->follows_job = false;
        progress->job[0] = '\0';
    }
    http_reply_close(&reply);
    arena_close(&arena);
}

/* ---- the line ---- */

void progress_put(Progress *progress, int64_t waited_ns)
{
    Printer *output = progress->output;
    int64_t seconds = waited_ns / SECOND_NS;
    if (progress->is_shown && seconds == progress->shown_seconds)
        return;
    progress->shown_seconds = seconds;
    clear_line(progress);
    printer_color(output, COLOR_DIM);
    buffer_put_format(&output->buffer, "%lld:%02lld", (long long)(seconds / 60),
                      (long long)(seconds % 60));
    if (progress->job[0] != '\0') {
        printer_text(output, "  ");
        printer_clean(output, slice_of_text(progress->job));
    }
    printer_text(output, "  (Ctrl-C cancels)");
    printer_color(output, COLOR_NONE);
    printer_flush(output);
    progress->is_shown = true;
}

static void on_wait(void *context, int64_t waited_ns)
{
    Progress *progress = context;
    if (waited_ns < QUIET_NS || progress->is_asking)
        return;
    if (progress->follows_job && waited_ns - progress->asked_ns >= SECOND_NS) {
        progress->asked_ns = waited_ns;
        progress->is_asking = true;
        ask_for_job(progress);
        progress->is_asking = false;
    }
    progress_put(progress, waited_ns);
}
