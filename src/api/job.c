/* GET /v1/jobs/{id}: the row of system.jobs, for who asked for the job, or a dba. */
#include "api/api_int.h"
#include "base/json.h"

static void put_text(JsonWriter *writer, const char *key, const char *text)
{
    json_key(writer, key);
    if (text[0] == '\0')
        json_null(writer);
    else
        json_text(writer, text);
}

static void put_time(JsonWriter *writer, const char *key, int64_t time_us)
{
    Value value = value_integer(TYPE_TIMESTAMPTZ, time_us);
    json_key(writer, key);
    if (time_us == 0) {
        json_null(writer);
        return;
    }
    json_before_raw(writer);
    value_put_json(writer->out, TYPE(TIMESTAMPTZ), &value, 0);
}

static void put_user(JsonWriter *writer, Catalog *catalog, OwnerId owner)
{
    CatalogSnapshot *snapshot = catalog_snapshot(catalog);
    const CatalogUser *user = owner == 0 ? NULL : catalog_user_by_id(snapshot, owner);
    json_key(writer, "user_name");
    if (user == NULL)
        json_null(writer);
    else
        json_slice(writer, user->name);
    catalog_snapshot_release(snapshot);
}

static void put_numbers(JsonWriter *writer, const JobRow *row)
{
    json_key(writer, "rows");
    json_unsigned(writer, row->rows);
    json_key(writer, "bytes");
    json_unsigned(writer, row->bytes);
    json_key(writer, "files");
    json_unsigned(writer, row->files);
    json_key(writer, "progress");
    json_double(writer, row->progress);
}

static void put_job(Buffer *out, Database *database, const JobRow *row)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    put_text(&writer, "job_id", row->id);
    put_text(&writer, "type", job_type_name(row->type));
    put_text(&writer, "state", job_state_name(row->state));
    put_text(&writer, "namespace", row->namespace_name);
    put_text(&writer, "table_name", row->table_name);
    put_user(&writer, database_catalog(database), row->owner);
    json_key(&writer, "parameters");
    json_raw(&writer, row->parameters[0] == '\0' ? SLICE("{}") : slice_of_text(row->parameters));
    put_text(&writer, "trigger", flush_trigger_name(row->trigger));
    put_numbers(&writer, row);
    put_text(&writer, "message", row->message);
    put_text(&writer, "error", row->error);
    json_key(&writer, "attempts");
    json_unsigned(&writer, row->attempts);
    put_time(&writer, "created_at", row->created_us);
    put_time(&writer, "started_at", row->started_us);
    put_time(&writer, "finished_at", row->finished_us);
    put_time(&writer, "heartbeat_at", row->heartbeat_us);
    json_close_object(&writer);
    buffer_put_u8(out, '\n');
}

static bool may_see(const Principal *who, const JobRow *row)
{
    GuardedObject own = {.kind = OBJECT_SYSTEM_TABLE_OWN};
    if (guard_allows(who->role, ACTION_SHOW_ALL, &(GuardedObject){.kind = OBJECT_NONE}))
        return true;
    return guard_allows(who->role, ACTION_SELECT, &own) &&
           (row->submitter == who->user_id || row->owner == who->user_id);
}

/* Whose it is not does not learn that there is one. */
static Status find_job(Api *api, HttpExchange *exchange, Slice id, JobRow *out, Error *error)
{
    DatabaseSession session;
    char text[JOB_ID_BYTES];
    TRY(session_of_request(api, exchange, &session, error));
    TRY(database_session_refresh(api->database, &session, error));
    const Principal *who = &session.session.principal;
    if (who->role == ROLE_ANONYMOUS)
        return error_of(error, STATUS_INVALID_AUTHORIZATION);
    bool found = id.size < sizeof text;
    if (found) {
        memcpy(text, id.data, id.size);
        text[id.size] = '\0';
        found = jobs_get(database_jobs(api->database), text, out, error) == OK && may_see(who, out);
    }
    return found ? OK : error_set(error, STATUS_NOT_FOUND, "there is no such job");
}

void job_request(Api *api, HttpExchange *exchange, Slice id)
{
    JobRow row;
    Error error;
    Buffer body;
    buffer_open(&body, 0);
    Status status = find_job(api, exchange, id, &row, &error);
    if (status == OK) {
        put_job(&body, api->database, &row);
        status = buffer_status(&body, &error);
    }
    if (status == OK)
        answer_json(exchange, 200, buffer_slice(&body));
    else
        http_answer_error(exchange, &error);
    buffer_close(&body);
}
