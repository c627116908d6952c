/* Firn inside a program: a table, a live query, durable writes, settling, and a question. */
#include <firn/firn.h>
#include <stdio.h>
#include <stdlib.h>

static firn_error error;

static void must(int code)
{
    if (code == FIRN_OK)
        return;
    fprintf(stderr, "%s: %s\n", error.name, error.message);
    exit(1);
}

static void heard(void *context, const firn_event *event)
{
    (void)context;
    if (event->kind == FIRN_EVENT_INSERT)
        printf("live: %s\n", (const char *)event->row[1].as.bytes.data);
}

int main(int argc, char **argv)
{
    firn_options options = {.worker_path = argc > 2 ? argv[2] : NULL};
    firn_database *database;
    firn_session *session;
    firn_table *notes;
    firn_subscription *live;
    firn_result *result;

    must(firn_open(argc > 1 ? argv[1] : "./embedded", &options, &database, &error));
    must(firn_execute(database,
                      "CREATE TABLE IF NOT EXISTS public.notes (id BIGINT PRIMARY KEY, text TEXT)",
                      NULL, 0, NULL, &error));
    must(firn_session_open(database, NULL, &session, &error));
    must(firn_subscribe(session, "SELECT id, text FROM public.notes", NULL, 0, heard, NULL, &live,
                        &error));

    must(firn_table_open(session, "public.notes", &notes, &error));
    for (int i = 1; i <= 3; i++) {
        char text[32];
        snprintf(text, sizeof text, "note %d", i);
        must(firn_put(notes, (firn_value[]){firn_integer(i), firn_text(text)}, 2, &error));
    }
    must(firn_flush(notes, &error)); /* into Parquet, in an Iceberg table */
    must(firn_execute(database, "SELECT count(*), max(text) FROM public.notes", NULL, 0, &result,
                      &error));
    while (firn_next(result))
        printf("%lld notes, the last is '%s'\n", (long long)firn_row(result)[0].as.integer,
               (const char *)firn_row(result)[1].as.bytes.data);
    firn_result_close(result);
    firn_table_close(notes);
    firn_unsubscribe(live);
    firn_session_close(session);
    must(firn_close(database, &error));
    return 0;
}
