/* What the steps of the front half share. */
#include "sql/front_int.h"

Status fail_unsupported(int32_t position, const char *feature, Error *error)
{
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED, "%s is not supported yet",
                        feature);
}

Status front_allow(const Front *front, Action action, GuardedObject object, Error *error)
{
    const BindRequest *request = front->request;
    if (request->allow == NULL)
        return OK;
    return request->allow(request->allow_context, action, &object, error);
}

/* Whoever may do anything with a table's rows may read them. */
static Status allow_table(void *context, const CatalogTable *table, Error *error)
{
    static const ObjectKind kinds[] = {[TABLE_SHARED] = OBJECT_SHARED_TABLE,
                                       [TABLE_USER] = OBJECT_USER_TABLE,
                                       [TABLE_STREAM] = OBJECT_STREAM_TABLE};
    GuardedObject object = {.kind = kinds[table->kind], .access = table->access};
    return front_allow(context, ACTION_SELECT, object, error);
}

void front_plan_is(Front *front, StatementKind kind, Action action)
{
    front->plan->kind = kind;
    front->plan->action = action;
}

void front_blank(Front *front, uint32_t from, uint32_t to)
{
    if (from >= to)
        return;
    Token first = front->reader.tokens[from];
    Token last = front->reader.tokens[to - 1];
    memset(front->rest + first.begin, ' ', last.begin + last.size - first.begin);
}

/* A plan owns its copy of the text; Slice is const for everybody else. */
static void hide_in(Plan *plan, Token hidden)
{
    ASSERT(hidden.begin + hidden.size <= plan->sql.size);
    memset((uint8_t *)plan->sql.data + hidden.begin, '*', hidden.size);
}

void front_hide(Front *front, uint32_t token)
{
    hide_in(front->plan, front->reader.tokens[token]);
    if (front->outer != NULL)
        hide_in(front->outer, front->reader.tokens[token]);
}

BindContext front_context(const Front *front)
{
    return (BindContext){.arena = &front->plan->arena,
                         .keep_constants = front->request->keep_constants,
                         .snapshot = front->plan->snapshot,
                         .sql = front->plan->sql,
                         .namespace_name = front->namespace_name,
                         .clauses = front->clauses,
                         .clause_count = front->clause_count,
                         .held = front->plan->held,
                         .allow_table = allow_table,
                         .allow_context = (void *)(uintptr_t)front};
}

/* ---- tables ---- */

static JsonValue text_member(const char *key, Slice text)
{
    return (JsonValue){.kind = JSON_STRING, .key = slice_of_text(key), .text = text};
}

/* As PostgreSQL's grammar would have made it, so that one function finds all tables. */
static Status range_of(Front *front, const QualifiedName *name, Node **out, Error *error)
{
    JsonValue *range = ARENA_NEW(front->scratch, JsonValue);
    JsonValue *members = ARENA_ARRAY(front->scratch, JsonValue, 3);
    if (range == NULL || members == NULL)
        return arena_error(front->scratch, error);
    uint32_t count = 0;
    members[count++] = text_member("relname", name->name);
    if (name->namespace_name.size > 0)
        members[count++] = text_member("schemaname", name->namespace_name);
    members[count++] = (JsonValue){.kind = JSON_NUMBER,
                                   .key = SLICE("location"),
                                   .is_integer = true,
                                   .integer = name->position_byte};
    *range = (JsonValue){.kind = JSON_OBJECT, .count = count, .children = members};
    *out = range;
    return OK;
}

Status front_find_table(Front *front, const QualifiedName *name, const CatalogTable **table,
                        const SystemTable **system, Error *error)
{
    Node *range = NULL;
    TRY(range_of(front, name, &range, error));
    BindContext context = front_context(front);
    return bind_table_name(&context, range, table, system, error);
}

Status front_find_user_table(Front *front, const QualifiedName *name, const CatalogTable **table,
                             Error *error)
{
    const SystemTable *system;
    TRY(front_find_table(front, name, table, &system, error));
    if (system != NULL)
        return error_set_at(error, name->position_byte, STATUS_INSUFFICIENT_PRIVILEGE,
                            "system tables are read-only");
    return OK;
}

Status front_find_namespace(Front *front, Slice name, int32_t position,
                            const CatalogNamespace **out, Error *error)
{
    const CatalogNamespace *found = catalog_find_namespace(front->plan->snapshot, name);
    if (found != NULL) {
        *out = found;
        return OK;
    }
    const CatalogNamespace *const *all;
    size_t count = catalog_namespaces(front->plan->snapshot, &all);
    NameGuess guess;
    guess_open(&guess, name);
    for (size_t i = 0; i < count; i++)
        guess_offer(&guess, all[i]->name);
    (void)error_set_at(error, position, STATUS_INVALID_SCHEMA_NAME,
                       "namespace \"%.*s\" does not exist", SLICE_ARGUMENTS(name));
    guess_hint(&guess, error);
    return error->status;
}

Status front_range_name(const Node *range, QualifiedName *out, Error *error)
{
    Slice database = node_text(range, "catalogname");
    QualifiedName name = {.namespace_name = node_text(range, "schemaname"),
                          .name = node_text(range, "relname"),
                          .position_byte = node_location(range)};
    if (database.size > 0 && !slice_equal_text(database, "firn"))
        return error_set_at(error, name.position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "cross-database references are not implemented: \"%.*s\"",
                            SLICE_ARGUMENTS(database));
    *out = name;
    return OK;
}

Status front_find_column(Front *front, const CatalogTable *table, Slice name, int32_t from,
                         int32_t *out, Error *error)
{
    const Schema *schema = table->schema;
    int32_t found = schema_find(schema, name);
    if (found >= 0 && !schema->columns[found].hidden) {
        *out = found;
        return OK;
    }
    NameGuess guess;
    guess_open(&guess, name);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (!schema->columns[i].hidden)
            guess_offer(&guess, schema->columns[i].name);
    }
    (void)error_set_at(error, front_name_position(front, from, name), STATUS_UNDEFINED_COLUMN,
                       "column \"%.*s\" of relation \"%.*s\" does not exist", SLICE_ARGUMENTS(name),
                       SLICE_ARGUMENTS(table->name));
    guess_hint(&guess, error);
    return error->status;
}

/* ---- places ---- */

uint32_t front_token_at(const Front *front, int32_t byte)
{
    uint32_t low = 0;
    uint32_t high = front->token_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((int64_t)front->reader.tokens[middle].begin < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t front_name_position(Front *front, int32_t from, Slice name)
{
    Error ignored;
    error_clear(&ignored);
    for (uint32_t i = front_token_at(front, from); i < front->token_count; i++) {
        Token token = front->reader.tokens[i];
        Slice value;
        if (token_is_name(token) &&
            token_value(front->scratch, front->reader.text, token, '\\', &value, &ignored) == OK &&
            slice_equal(value, name))
            return (int32_t)token.begin;
    }
    return -1;
}

Slice front_source(const Front *front, uint32_t begin, uint32_t end)
{
    return slice_trim(slice_part(front->plan->sql, begin, end - begin));
}

uint32_t front_expression_end(const Front *front, uint32_t from, int32_t stop)
{
    Slice text = front->reader.text;
    uint32_t depth = 0;
    uint32_t end = front->reader.tokens[from].begin;
    for (uint32_t i = from; front->reader.tokens[i].kind != TOKEN_END; i++) {
        Token token = front->reader.tokens[i];
        bool closes = token_is(text, token, ')') || token_is(text, token, ']');
        if ((int64_t)token.begin >= stop || (depth == 0 && (closes || token_is(text, token, ','))))
            break;
        if (token_is(text, token, '(') || token_is(text, token, '['))
            depth++;
        depth -= closes;
        end = token.begin + token.size;
    }
    return end;
}

Status front_parse_expression(Front *front, Slice text, Slice *sql, const Node **expression,
                              Error *error)
{
    const Node *statements;
    char *query =
        arena_format(front->scratch, "SELECT (%.*s)", (int)text.size, (const char *)text.data);
    if (query == NULL)
        return arena_error(front->scratch, error);
    *sql = slice_of_text(query);
    TRY(tree_parse(front->scratch, *sql, &statements, error));
    const Node *select = node_field(node_item(statements, 0), "stmt");
    *expression = node_field(node_item(node_field(select, "targetList"), 0), "val");
    ASSERT(*expression != NULL);
    return OK;
}
