/* Definitions of PostgreSQL's grammar: which node is whose, and the small ones. */
#include <stdio.h>

#include "sql/front_int.h"

static const GuardedObject any_table = {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PUBLIC};

/* ---- names in lists: DROP TABLE a.b, COMMENT ON COLUMN a.b.c ---- */

/* ns.t or t (or firn.ns.t), of `count` parts of a list of strings. */
static Status table_of_list(Front *front, const Node *list, uint32_t count, QualifiedName *out,
                            Error *error)
{
    Slice first = node_string(node_item(list, 0));
    int32_t position = front_name_position(front, 0, first);
    if (count > 3)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "improper relation name (too many dotted names)");
    if (count == 3 && !slice_equal_text(first, "firn"))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "cross-database references are not implemented: \"%.*s\"",
                            SLICE_ARGUMENTS(first));
    *out = (QualifiedName){.position_byte = position};
    out->name = node_string(node_item(list, count - 1));
    if (count > 1)
        out->namespace_name = node_string(node_item(list, count - 2));
    return OK;
}

static Status new_drop(Front *front, StatementKind kind, Action action, BoundDrop **out,
                       Error *error)
{
    TRY(front_allow(front, action, any_table, error));
    BoundDrop *drop = ARENA_NEW(&front->plan->arena, BoundDrop);
    if (drop == NULL)
        return arena_error(&front->plan->arena, error);
    front->plan->as.drop = drop;
    front_plan_is(front, kind, action);
    *out = drop;
    return OK;
}

static void drop_is_of_table(BoundDrop *drop, const CatalogTable *table)
{
    drop->table = table;
    drop->namespace_name = table->namespace_name;
    drop->name = table->name;
}

/* ---- DROP, TRUNCATE ---- */

static Status drop_table(Front *front, const Node *node, Error *error)
{
    const Node *objects = node_field(node, "objects");
    const CatalogTable *table = NULL;
    BoundDrop *drop = NULL;
    QualifiedName name;
    TRY(new_drop(front, STATEMENT_DROP_TABLE, ACTION_DROP_TABLE, &drop, error));
    if (node_count(objects) != 1)
        return fail_unsupported(reader_position(&front->reader), "DROP TABLE of several tables",
                                error);
    const Node *list = node_item(objects, 0);
    drop->if_exists = node_boolean(node, "missing_ok");
    TRY(table_of_list(front, list, node_count(list), &name, error));
    Status status = front_find_user_table(front, &name, &table, error);
    if (status == STATUS_UNDEFINED_TABLE && drop->if_exists) {
        TRY(arena_clone(&front->plan->arena, name.namespace_name, &drop->namespace_name, error));
        return arena_clone(&front->plan->arena, name.name, &drop->name, error);
    }
    if (status == OK)
        drop_is_of_table(drop, table);
    return status;
}

static bool ends_with_word(const Front *front, const char *word)
{
    ASSERT(front->token_count >= 2);
    return token_is_word(front->reader.text, front->reader.tokens[front->token_count - 2], word);
}

/* CASCADE is the default of DROP NAMESPACE, RESTRICT that of DROP SCHEMA. */
static Status drop_namespace(Front *front, const Node *node, Error *error)
{
    const Node *objects = node_field(node, "objects");
    BoundDrop *drop = NULL;
    TRY(new_drop(front, STATEMENT_DROP_NAMESPACE, ACTION_DROP_NAMESPACE, &drop, error));
    if (node_count(objects) != 1)
        return fail_unsupported(reader_position(&front->reader),
                                "DROP SCHEMA of several namespaces", error);
    Slice name = node_string(node_item(objects, 0));
    Status status = namespace_name_check(name, error);
    if (status != OK) {
        error->position_byte = front_name_position(front, 0, name);
        return status;
    }
    drop->if_exists = node_boolean(node, "missing_ok");
    drop->cascade =
        front->is_namespace ? !ends_with_word(front, "restrict") : ends_with_word(front, "cascade");
    return arena_clone(&front->plan->arena, name, &drop->namespace_name, error);
}

static Status define_truncate(Front *front, const Node *node, Error *error)
{
    const Node *relations = node_field(node, "relations");
    const CatalogTable *table = NULL;
    BoundDrop *drop = NULL;
    QualifiedName name;
    TRY(new_drop(front, STATEMENT_TRUNCATE, ACTION_TRUNCATE, &drop, error));
    if (node_count(relations) != 1)
        return fail_unsupported(reader_position(&front->reader), "TRUNCATE of several tables",
                                error);
    if (node_boolean(node, "restart_seqs"))
        return fail_unsupported(reader_position(&front->reader), "TRUNCATE … RESTART IDENTITY",
                                error);
    TRY(front_range_name(node_item(relations, 0), &name, error));
    TRY(front_find_user_table(front, &name, &table, error));
    drop_is_of_table(drop, table);
    return OK;
}

/* ---- CREATE SCHEMA ---- */

static Status define_namespace(Front *front, const Node *node, Error *error)
{
    Slice name = node_text(node, "schemaname");
    int32_t position = front_name_position(front, 0, name);
    BoundDrop *created = NULL;
    TRY(new_drop(front, STATEMENT_CREATE_NAMESPACE, ACTION_CREATE_NAMESPACE, &created, error));
    if (node_field(node, "authrole") != NULL)
        return fail_unsupported(position, "CREATE SCHEMA … AUTHORIZATION", error);
    if (node_count(node_field(node, "schemaElts")) > 0)
        return fail_unsupported(position, "CREATE SCHEMA with elements", error);
    Status status = namespace_name_check(name, error);
    if (status != OK) {
        error->position_byte = position;
        return status;
    }
    created->if_not_exists = node_boolean(node, "if_not_exists");
    if (!created->if_not_exists && catalog_find_namespace(front->plan->snapshot, name) != NULL)
        return error_set_at(error, position, STATUS_DUPLICATE_SCHEMA,
                            "namespace \"%.*s\" already exists", SLICE_ARGUMENTS(name));
    return arena_clone(&front->plan->arena, name, &created->namespace_name, error);
}

/* ---- COMMENT ---- */

static Status define_comment(Front *front, const Node *node, Error *error)
{
    Slice kind = node_text(node, "objtype");
    bool of_column = slice_equal_text(kind, "OBJECT_COLUMN");
    const Node *list = node_field(node, "object");
    uint32_t parts = node_count(list);
    QualifiedName name;
    TRY(front_allow(front, ACTION_COMMENT, any_table, error));
    if (!of_column && !slice_equal_text(kind, "OBJECT_TABLE"))
        return fail_unsupported(reader_position(&front->reader),
                                "COMMENT on other objects than tables and columns", error);
    if (of_column && parts < 2)
        return error_set_at(error, front_name_position(front, 0, node_string(node_item(list, 0))),
                            STATUS_SYNTAX_ERROR, "column name must be qualified");
    TRY(table_of_list(front, list, of_column ? parts - 1 : parts, &name, error));
    Plan *plan = front->plan;
    plan->as.comment.column = -1;
    TRY(front_find_user_table(front, &name, &plan->as.comment.table, error));
    if (of_column)
        TRY(front_find_column(front, plan->as.comment.table,
                              node_string(node_item(list, parts - 1)), name.position_byte,
                              &plan->as.comment.column, error));
    front_plan_is(front, STATEMENT_COMMENT, ACTION_COMMENT);
    return arena_clone(&plan->arena, node_text(node, "comment"), &plan->as.comment.text, error);
}

/* ---- which is whose ---- */

static Status define_drop(Front *front, const Node *node, Error *error)
{
    Slice type = node_text(node, "removeType");
    if (slice_equal_text(type, "OBJECT_TABLE"))
        return drop_table(front, node, error);
    if (slice_equal_text(type, "OBJECT_SCHEMA"))
        return drop_namespace(front, node, error);
    return front_unsupported_statement(front, error);
}

static const struct {
    const char *kind;
    Status (*define)(Front *front, const Node *node, Error *error);
} definitions[] = {
    {"CreateStmt", define_create_table}, {"AlterTableStmt", define_alter_table},
    {"RenameStmt", define_rename},       {"DropStmt", define_drop},
    {"TruncateStmt", define_truncate},   {"CreateSchemaStmt", define_namespace},
    {"CommentStmt", define_comment},     {"VariableSetStmt", define_set},
    {"VariableShowStmt", define_show},   {"TransactionStmt", define_transaction},
};

/* Words between the verb and the thing: CREATE OR REPLACE TEMP VIEW is CREATE VIEW. */
static bool is_filler(Slice word)
{
    static const char *const fillers[] = {"or",        "replace", "temp",       "temporary",
                                          "global",    "local",   "unique",     "unlogged",
                                          "recursive", "trusted", "procedural", "constraint"};
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        if (slice_equal_ignoring_case(word, slice_of_text(fillers[i])))
            return true;
    }
    return false;
}

static bool takes_a_thing(Slice verb)
{
    static const char *const verbs[] = {"create", "alter",  "drop",     "comment", "set",
                                        "lock",   "import", "security", "refresh", "reassign"};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (slice_equal_ignoring_case(verb, slice_of_text(verbs[i])))
            return true;
    }
    return false;
}

/* CREATE TABLE and ALTER TABLE come here only for what they cannot do. */
Status front_unsupported_statement(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    Slice verb = token_text(reader->text, reader_token(reader));
    Slice thing = SLICE_EMPTY;
    char feature[64];
    reader_skip(reader);
    while (reader_token(reader).kind == TOKEN_WORD &&
           is_filler(token_text(reader->text, reader_token(reader))))
        reader_skip(reader);
    if (takes_a_thing(verb) && reader_token(reader).kind == TOKEN_WORD)
        thing = token_text(reader->text, reader_token(reader));
    int size = snprintf(feature, sizeof feature, "%.*s%s%.*s", SLICE_ARGUMENTS(verb),
                        thing.size > 0 ? " " : "", SLICE_ARGUMENTS(thing));
    for (int i = 0; i < size && i < (int)sizeof feature - 1; i++)
        feature[i] = (char)(feature[i] >= 'a' && feature[i] <= 'z' ? feature[i] - 32 : feature[i]);
    return fail_unsupported(position, feature, error);
}

Status define_statement(Front *front, const Node *statement, Error *error)
{
    for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++) {
        if (node_is(statement, definitions[i].kind))
            return definitions[i].define(front, statement, error);
    }
    if (node_is(statement, "CreateTableAsStmt") &&
        slice_equal_text(node_text(statement, "objtype"), "OBJECT_TABLE"))
        return fail_unsupported(reader_position(&front->reader), "CREATE TABLE AS", error);
    return front_unsupported_statement(front, error);
}
