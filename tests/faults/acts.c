#include "tests/faults/acts.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    LARGE_BYTES = 300000,
    WAIT_MS_MAX = 10000,
    TROUBLED_MS_MAX = 50,
    T_COLUMNS = 4,
};

static int failed(const Error *failure, firn_error *error)
{
    return library_error(failure, NULL, error);
}

static int run(firn_session *session, const char *sql, firn_error *error)
{
    return firn_session_execute(session, sql, NULL, 0, NULL, error);
}

/* ---- rows by key ---- */

static void make_row(int64_t id, firn_value row[T_COLUMNS])
{
    row[0] = firn_integer(id);
    row[1] = firn_text("put");
    row[2] = firn_integer(5);
    row[3] = firn_text("0.5");
}

int act_put(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    firn_value row[T_COLUMNS];
    firn_table *table;
    (void)life, (void)answer;
    make_row(100, row);
    int code = firn_table_open(session, "app.t", &table, error);
    if (code != FIRN_OK)
        return code;
    code = firn_put(table, row, T_COLUMNS, error);
    firn_table_close(table);
    return code;
}

int act_put_batch(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    firn_value rows[2 * T_COLUMNS];
    firn_table *table;
    (void)life, (void)answer;
    make_row(101, rows);
    make_row(102, rows + T_COLUMNS);
    int code = firn_table_open(session, "app.t", &table, error);
    if (code != FIRN_OK)
        return code;
    code = firn_put_batch(table, rows, T_COLUMNS, 2, error);
    firn_table_close(table);
    return code;
}

/* Long enough that the log begins a new segment after a few. */
int act_put_large(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    static char large[LARGE_BYTES];
    (void)life, (void)answer;
    memset(large, 'x', sizeof large);
    firn_value row[] = {firn_integer(1000), firn_bytes(large, sizeof large)};
    row[1].kind = FIRN_TEXT;
    return firn_session_execute(session, "INSERT INTO app.bare VALUES ($1, $2)", row, 2, NULL,
                                error);
}

int act_delete(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    firn_value key = firn_integer(100);
    firn_table *table;
    bool existed = false;
    (void)life;
    int code = firn_table_open(session, "app.t", &table, error);
    if (code != FIRN_OK)
        return code;
    code = firn_delete(table, &key, 1, &existed, error);
    text_put(answer, "existed %d", existed);
    firn_table_close(table);
    return code;
}

int act_get(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    firn_result *result = NULL;
    firn_table *table;
    (void)life;
    int code = firn_table_open(session, "app.t", &table, error);
    for (int64_t id = 13; code == FIRN_OK && id < 15; id++) {
        firn_value key = firn_integer(id);
        code = firn_get(table, &key, 1, &result, error);
        if (code == FIRN_OK && result != NULL)
            (void)row_put(answer, firn_row(result), firn_column_count(result));
        firn_result_close(result);
        result = NULL;
    }
    firn_table_close(table);
    return code;
}

int act_scan(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    firn_value from = firn_integer(2);
    firn_value to = firn_integer(20);
    firn_table *table;
    (void)life;
    int code = firn_table_open(session, "app.t", &table, error);
    if (code != FIRN_OK)
        return code;
    code = firn_scan(table, &from, &to, 6, row_put, answer, error);
    firn_table_close(table);
    return code;
}

int act_each(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    (void)session;
    return firn_each(life->database, "SELECT id, name FROM app.t WHERE id < 5 ORDER BY id", NULL, 0,
                     row_put, answer, error);
}

int act_statistics(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    firn_table_stats found = {0};
    firn_table *table;
    (void)life;
    int code = firn_table_open(session, "app.t", &table, error);
    if (code != FIRN_OK)
        return code;
    code = firn_stats(table, &found, error);
    text_put(answer, "%llu rows", (unsigned long long)(found.hot_rows + found.cold_rows));
    firn_table_close(table);
    return code;
}

/* ---- bulk load ---- */

static Status read_body(void *context, void *out, size_t size, size_t *got, Error *error)
{
    Slice *rest = context;
    (void)error;
    *got = size < rest->size ? size : rest->size;
    if (*got > 0)
        memcpy(out, rest->data, *got);
    *rest = slice_part(*rest, *got, SIZE_MAX);
    return OK;
}

static int load(Life *life, firn_session *session, LoadFormat format, Slice body, Text *answer,
                firn_error *error)
{
    LoadRequest request = {.namespace_name = SLICE("app"),
                           .table_name = SLICE("t"),
                           .format = format,
                           .is_atomic = true,
                           .read = read_body,
                           .context = &body};
    LoadResult result;
    Error failure;
    Status status =
        database_load(life->database->database, &session->session, &request, &result, &failure);
    if (status != OK)
        return failed(&failure, error);
    text_put(answer, "%llu rows", (unsigned long long)result.rows);
    return FIRN_OK;
}

int act_load(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    Slice body = SLICE("{\"id\":200,\"name\":\"a\",\"n\":1}\n{\"id\":201,\"name\":\"b\"}\n"
                       "{\"id\":202,\"name\":\"c\",\"price\":1.25}\n{\"id\":203,\"name\":\"d\"}\n");
    return load(life, session, LOAD_NDJSON, body, answer, error);
}

int act_load_csv(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    Slice body = SLICE("id,name,n\n210,a,1\n211,\"b, too\",2\n212,c,3\n");
    return load(life, session, LOAD_CSV, body, answer, error);
}

/* ---- jobs ---- */

static bool has_jobs(Life *life, Status *status, Error *failure)
{
    JobRow *rows;
    size_t count = 0;
    bool busy = false;
    Arena arena;
    arena_open(&arena, 0);
    *status = jobs_list(database_jobs(life->database->database), &arena, &rows, &count, failure);
    for (size_t i = 0; *status == OK && i < count; i++)
        busy = busy || rows[i].state == JOB_QUEUED || rows[i].state == JOB_RUNNING;
    arena_close(&arena);
    return busy;
}

int act_jobs_rest(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    Status status = OK;
    Error failure;
    (void)session, (void)answer;
    for (int ms = 0; has_jobs(life, &status, &failure); ms++) {
        if (is_troubled && ms > TROUBLED_MS_MAX)
            break; /* they are tried again and again, until it is over */
        if (ms > WAIT_MS_MAX)
            broken("jobs do not end");
        env_sleep_ns(env_real(), 1000000);
    }
    return status == OK ? FIRN_OK : failed(&failure, error);
}

static int run_on_table(firn_session *session, int (*call)(firn_table *, firn_error *),
                        firn_error *error)
{
    firn_table *table;
    int code = firn_table_open(session, "app.t", &table, error);
    if (code != FIRN_OK)
        return code;
    code = call(table, error);
    firn_table_close(table);
    return code;
}

int act_flush(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    (void)life, (void)answer;
    return run_on_table(session, firn_flush, error);
}

int act_compact(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    (void)life, (void)answer;
    return run_on_table(session, firn_compact, error);
}

int act_flush_async(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    int code = run(session, "STORAGE FLUSH TABLE app.t ASYNC", error);
    return code == FIRN_OK ? act_jobs_rest(life, session, answer, error) : code;
}

/* ---- live queries ---- */

typedef struct Heard {
    _Atomic int rows;
    _Atomic int changes;
    _Atomic int endings; /* RESYNC counts: the subscriber was told */
} Heard;

static void hear(void *context, const firn_event *event)
{
    Heard *heard = context;
    if (event->kind == FIRN_EVENT_ROW)
        atomic_fetch_add(&heard->rows, 1);
    else if (event->kind == FIRN_EVENT_RESYNC || event->kind == FIRN_EVENT_ENDED)
        atomic_fetch_add(&heard->endings, 1);
    else if (event->kind != FIRN_EVENT_LIVE)
        atomic_fetch_add(&heard->changes, 1);
}

static void wait_for(_Atomic int *wanted, Heard *heard, const char *what)
{
    for (int ms = 0; atomic_load(wanted) == 0 && atomic_load(&heard->endings) == 0; ms++) {
        if (ms > WAIT_MS_MAX)
            broken("a subscriber was told nothing of %s", what);
        env_sleep_ns(env_real(), 1000000);
    }
}

static int subscribe(firn_session *session, Heard *heard, firn_subscription **out,
                     firn_error *error)
{
    return firn_subscribe(session, "SELECT id, name FROM app.t WHERE id < 5", NULL, 0, hear, heard,
                          out, error);
}

/* The change is one that changes nothing, so that it may be made again. */
int act_subscribe(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    Heard heard = {0};
    firn_subscription *subscription;
    (void)life;
    int code = subscribe(session, &heard, &subscription, error);
    if (code != FIRN_OK)
        return code;
    code = run(session, "UPDATE app.t SET n = n WHERE id = 1", error);
    if (code == FIRN_OK)
        wait_for(&heard.changes, &heard, "a change");
    firn_unsubscribe(subscription);
    text_put(answer, "%d rows", atomic_load(&heard.rows));
    return code;
}

static int find_live(firn_session *session, char *out, size_t size, firn_error *error)
{
    firn_result *result;
    int code = firn_session_execute(session, "SELECT live_id FROM system.live_queries", NULL, 0,
                                    &result, error);
    if (code != FIRN_OK)
        return code;
    if (!firn_next(result))
        broken("system.live_queries does not have the subscription");
    (void)snprintf(out, size, "KILL LIVE QUERY '%s'",
                   (const char *)firn_row(result)[0].as.bytes.data);
    firn_result_close(result);
    return FIRN_OK;
}

int act_kill_live(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    Heard heard = {0};
    firn_subscription *subscription;
    char sql[128];
    (void)life, (void)answer;
    int code = subscribe(session, &heard, &subscription, error);
    if (code != FIRN_OK)
        return code;
    code = find_live(session, sql, sizeof sql, error);
    if (code == FIRN_OK)
        code = run(session, sql, error);
    if (code == FIRN_OK)
        wait_for(&heard.endings, &heard, "its end");
    firn_unsubscribe(subscription);
    return code;
}

/* ---- who asks ---- */

int act_login(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    Database *database = life->database->database;
    DatabaseSession mine;
    LoginTokens tokens;
    LoginTokens more;
    Error failure;
    (void)session;
    Status status = database_login(database, SLICE("ann"), SLICE("first-password"), SLICE("here"),
                                   &tokens, &failure);
    if (status == OK)
        status = database_authenticate(database, slice_of_text(tokens.access), &mine, &failure);
    if (status == OK)
        status = database_refresh(database, slice_of_text(tokens.refresh), &more, &failure);
    if (status == OK)
        status = database_logout(database, slice_of_text(more.refresh), &failure);
    if (status != OK)
        return failed(&failure, error);
    text_put(answer, "%s", tokens.user_name);
    return FIRN_OK;
}

int act_system_tables(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    size_t count;
    const SystemTable *tables = system_table_all(&count);
    (void)life, (void)answer;
    for (size_t i = 0; i < count; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM system.%s", tables[i].name);
        int code = run(session, sql, error);
        if (code != FIRN_OK)
            return code;
    }
    return FIRN_OK;
}

/* ---- closed and opened again ---- */

int act_reopen(Life *life, firn_session *session, Text *answer, firn_error *error)
{
    (void)session, (void)answer;
    int code = life_close(life, error);
    if (code != FIRN_OK)
        return code;
    return life_open(life, error);
}
