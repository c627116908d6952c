/* SHOW …: queries over the system tables, bound like any other, so that there is one truth about
 * what is shown. The statement's action is SHOW_OWN: the executor leaves out what the caller may
 * not see. */
#include "sql/front_int.h"

typedef struct ShowRule {
    const char *words;
    const char *shown_as;
    const char *table; /* of system: what is not there yet is refused */
    const char *query;
    const char *order;
} ShowRule;

static const ShowRule rules[] = {
    {"tables", "SHOW TABLES", "tables",
     "SELECT namespace, table_name, kind, access, storage, comment, created_at, altered_at"
     " FROM system.tables",
     "namespace, table_name"},
    {"namespaces", "SHOW NAMESPACES", "namespaces",
     "SELECT namespace, owner, tables, created_at FROM system.namespaces", "namespace"},
    {"views", "SHOW VIEWS", "views",
     "SELECT namespace, view_name, sql, created_at FROM system.views", "namespace, view_name"},
    {"users", "SHOW USERS", "users",
     "SELECT user_name, role, email, storage, created_at, last_seen FROM system.users"
     " WHERE deleted_at IS NULL",
     "user_name"},
    {"storages", "SHOW STORAGES", "storages",
     "SELECT storage_id, type, path, tables, bytes, status, checked_at FROM system.storages",
     "storage_id"},
    {"jobs", "SHOW JOBS", "jobs",
     "SELECT job_id, type, state, namespace, table_name, user_name, progress, rows, bytes, files,"
     " message, error, created_at, started_at, finished_at FROM system.jobs",
     "created_at DESC, job_id"},
    {"live queries", "SHOW LIVE QUERIES", "live_queries",
     "SELECT live_id, connection_id, user_name, namespace, table_name, sql, state, last_seq,"
     " changes_sent, queued_bytes, lag_ms, client_address, created_at FROM system.live_queries",
     "created_at, live_id"},
    {"manifest", "SHOW MANIFEST", "manifest", "SELECT * FROM system.manifest",
     "namespace, table_name, user_name"},
};

/* Hot and cold of one table, all its users together. */
static const char stats_query[] =
    ", coalesce(sum(hot_rows), 0)::bigint AS hot_rows, coalesce(sum(rows), 0)::bigint AS cold_rows,"
    " coalesce(sum(hot_rows + rows), 0)::bigint AS total_rows,"
    " coalesce(sum(files), 0)::bigint AS files, coalesce(sum(bytes), 0)::bigint AS bytes,"
    " coalesce(sum(hot_bytes), 0)::bigint AS hot_bytes,"
    " min(min_seq) AS min_seq, max(max_seq) AS max_seq, max(committed_at) AS committed_at"
    " FROM system.manifest";

Status front_bind_query(Front *front, Slice sql, Error *error)
{
    const Node *statements;
    TRY(tree_parse(front->scratch, sql, &statements, error));
    BindContext context = front_context(front);
    context.sql = sql;
    context.namespace_name = SLICE_EMPTY;
    context.clause_count = 0;
    Status status = bind_select_statement(&context, node_field(node_item(statements, 0), "stmt"),
                                          &front->plan->as.select, error);
    front->plan->held = context.held;
    if (status != OK)
        error->position_byte = -1; /* it is no place in the statement the client wrote */
    return status;
}

static void put_literal(Buffer *out, Slice text)
{
    buffer_put_u8(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'')
            buffer_put_u8(out, '\'');
        buffer_put_u8(out, text.data[i]);
    }
    buffer_put_u8(out, '\'');
}

static void put_condition(Buffer *out, const char *before, const char *column, Slice value)
{
    buffer_put_format(out, " %s %s = ", before, column);
    put_literal(out, value);
}

static Status bind_text(Front *front, const Buffer *text, Error *error)
{
    Slice sql;
    TRY(buffer_status(text, error));
    TRY(arena_clone(&front->plan->arena, buffer_slice(text), &sql, error));
    TRY(front_bind_query(front, sql, error));
    front_plan_is(front, STATEMENT_SELECT, ACTION_SHOW_OWN);
    return OK;
}

static Status read_table(Front *front, const CatalogTable **table, Error *error)
{
    QualifiedName name;
    TRY(reader_table_name(&front->reader, &name, error));
    return front_find_user_table(front, &name, table, error);
}

/* IN ns of SHOW TABLES, FOR t of SHOW MANIFEST. */
static Status put_restriction(Front *front, const ShowRule *rule, Buffer *out, Error *error)
{
    TokenReader *reader = &front->reader;
    if (slice_equal_text(slice_of_text(rule->words), "tables") && reader_take(reader, "in")) {
        int32_t position = reader_position(reader);
        const CatalogNamespace *found;
        Slice name;
        TRY(reader_name(reader, "a namespace's name", &name, error));
        TRY(front_find_namespace(front, name, position, &found, error));
        put_condition(out, "WHERE", "namespace", found->name);
    }
    if (slice_equal_text(slice_of_text(rule->words), "manifest") && reader_take(reader, "for")) {
        const CatalogTable *table;
        TRY(read_table(front, &table, error));
        put_condition(out, "WHERE", "namespace", table->namespace_name);
        put_condition(out, "AND", "table_name", table->name);
    }
    return OK;
}

static Status show_rule(Front *front, const ShowRule *rule, int32_t position, Error *error)
{
    if (system_table_find(slice_of_text(rule->table)) == NULL)
        return fail_unsupported(position, rule->shown_as, error);
    Buffer text;
    Status status = OK;
    buffer_open(&text, 0);
    buffer_put_text(&text, rule->query);
    GO(put_restriction(front, rule, &text, error));
    GO(reader_expect_end(&front->reader, error));
    buffer_put_format(&text, " ORDER BY %s", rule->order);
    GO(bind_text(front, &text, error));
done:
    buffer_close(&text);
    return status;
}

static Status show_stats(Front *front, Error *error)
{
    const CatalogTable *table;
    Buffer text;
    Status status = OK;
    buffer_open(&text, 0);
    GO(read_table(front, &table, error));
    GO(reader_expect_end(&front->reader, error));
    buffer_put_text(&text, "SELECT ");
    put_literal(&text, table->namespace_name);
    buffer_put_text(&text, "::text AS namespace, ");
    put_literal(&text, table->name);
    buffer_put_text(&text, "::text AS table_name");
    buffer_put_text(&text, stats_query);
    put_condition(&text, "WHERE", "namespace", table->namespace_name);
    put_condition(&text, "AND", "table_name", table->name);
    GO(bind_text(front, &text, error));
done:
    buffer_close(&text);
    return status;
}

Status own_show(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    TRY(reader_expect(reader, "show", error));
    TRY(front_allow(front, ACTION_SHOW_OWN, (GuardedObject){0}, error));
    if (reader_take(reader, "stats")) {
        TRY(reader_expect(reader, "for table", error));
        return show_stats(front, error);
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (reader_take(reader, rules[i].words))
            return show_rule(front, &rules[i], position, error);
    }
    return reader_fail(reader, "what to show", error);
}
