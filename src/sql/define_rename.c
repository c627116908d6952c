/* ALTER TABLE … RENAME and ALTER TABLE … SET (…). */
#include "sql/define_int.h"

/* ---- names inside the texts of CHECKs ---- */

typedef struct Renaming {
    Slice old_name;
    Slice new_name;
    bool of_table; /* its name before a point; else a column's */
} Renaming;

static bool token_named(Arena *arena, Slice text, Token token, Slice name)
{
    Error ignored;
    Slice value;
    error_clear(&ignored);
    return token_is_name(token) && token_value(arena, text, token, '\\', &value, &ignored) == OK &&
           slice_equal(value, name);
}

/* A column's name is no function's (before a parenthesis), no type's (behind a cast) and no
 * qualifier (before a point); a table's is a qualifier. */
static bool is_renamed(const Renaming *renaming, Arena *arena, Slice text, const Token *tokens,
                       uint32_t i)
{
    if (!token_named(arena, text, tokens[i], renaming->old_name))
        return false;
    bool before_point = token_is(text, tokens[i + 1], '.');
    if (renaming->of_table)
        return before_point;
    bool behind_cast = i > 0 && slice_equal_text(token_text(text, tokens[i - 1]), "::");
    return !before_point && !behind_cast && !token_is(text, tokens[i + 1], '(');
}

static void put_quoted(Buffer *out, Slice name)
{
    buffer_put_u8(out, '"');
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"')
            buffer_put_u8(out, '"');
        buffer_put_u8(out, name.data[i]);
    }
    buffer_put_u8(out, '"');
}

static Status rename_in_text(Front *front, const Renaming *renaming, Slice text, Slice *out,
                             Error *error)
{
    Token *tokens;
    uint32_t count;
    uint32_t copied = 0;
    Buffer made;
    Status status = OK;
    TRY(tokens_read(front->scratch, text, UINT32_MAX - 1, &tokens, &count, error));
    buffer_open(&made, 0);
    for (uint32_t i = 0; i + 1 < count; i++) {
        if (!is_renamed(renaming, front->scratch, text, tokens, i))
            continue;
        buffer_put_slice(&made, slice_part(text, copied, tokens[i].begin - copied));
        put_quoted(&made, renaming->new_name);
        copied = tokens[i].begin + tokens[i].size;
    }
    buffer_put_slice(&made, slice_part(text, copied, text.size));
    GO(buffer_status(&made, error));
    GO(arena_clone(&front->plan->arena, buffer_slice(&made), out, error));
done:
    buffer_close(&made);
    return status;
}

static Status rename_in_checks(Front *front, const Renaming *renaming, BoundAlterTable *alter,
                               Slice table_name, const Column *columns, Error *error)
{
    const CatalogTable *table = alter->table;
    CatalogCheck *checks = ARENA_ARRAY(&front->plan->arena, CatalogCheck, table->check_count);
    if (checks == NULL)
        return arena_error(&front->plan->arena, error);
    for (uint32_t i = 0; i < table->check_count; i++) {
        CatalogCheck renamed = table->checks[i];
        TRY(rename_in_text(front, renaming, renamed.sql, &renamed.sql, error));
        TRY(check_rebind(front, table_name, columns, table->schema->column_count, &renamed,
                         &checks[i], error));
    }
    alter->checks = checks;
    return OK;
}

/* ---- RENAME ---- */

static Status take_new_name(Front *front, const Node *node, const char *what, Slice *out,
                            Error *error)
{
    Slice name = node_text(node, "newname");
    Status status = object_name_check(name, what, error);
    if (status != OK) {
        error->position_byte = front_name_position(front, 0, name);
        return status;
    }
    return arena_clone(&front->plan->arena, name, out, error);
}

static Status rename_column(Front *front, const Node *node, BoundAlterTable *alter, Error *error)
{
    const Schema *schema = alter->table->schema;
    int32_t place = node_location(node_field(node, "relation"));
    int32_t found;
    alter->kind = ALTER_RENAME_COLUMN;
    TRY(front_find_column(front, alter->table, node_text(node, "subname"), place, &found, error));
    alter->column = (uint32_t)found;
    TRY(take_new_name(front, node, "column", &alter->new_name, error));
    if (schema_find(schema, alter->new_name) >= 0)
        return error_set_at(error, front_name_position(front, place, alter->new_name),
                            STATUS_DUPLICATE_COLUMN,
                            "column \"%.*s\" of relation \"%.*s\" already exists",
                            SLICE_ARGUMENTS(alter->new_name), SLICE_ARGUMENTS(alter->table->name));
    Column *columns;
    TRY(columns_copy(front, alter->table, &columns, error));
    Renaming renaming = {schema->columns[found].name, alter->new_name, false};
    columns[found].name = alter->new_name;
    return rename_in_checks(front, &renaming, alter, alter->table->name, columns, error);
}

static Status rename_table(Front *front, const Node *node, BoundAlterTable *alter, Error *error)
{
    const CatalogTable *table = alter->table;
    alter->kind = ALTER_RENAME_TABLE;
    TRY(take_new_name(front, node, "table", &alter->new_name, error));
    if (catalog_find_table(front->plan->snapshot, table->namespace_name, alter->new_name) != NULL)
        return error_set_at(error, front_name_position(front, 0, alter->new_name),
                            STATUS_DUPLICATE_TABLE, "relation \"%.*s\" already exists",
                            SLICE_ARGUMENTS(alter->new_name));
    Renaming renaming = {table->name, alter->new_name, true};
    return rename_in_checks(front, &renaming, alter, alter->new_name, table->schema->columns,
                            error);
}

Status define_rename(Front *front, const Node *node, Error *error)
{
    Slice kind = node_text(node, "renameType");
    bool of_column = slice_equal_text(kind, "OBJECT_COLUMN") &&
                     slice_equal_text(node_text(node, "relationType"), "OBJECT_TABLE");
    BoundAlterTable *alter = NULL;
    QualifiedName name;
    if (slice_equal_text(kind, "OBJECT_TABCONSTRAINT"))
        return fail_unsupported(reader_position(&front->reader), "ALTER TABLE … RENAME CONSTRAINT",
                                error);
    if (!of_column && !slice_equal_text(kind, "OBJECT_TABLE"))
        return front_unsupported_statement(front, error);
    TRY(front_range_name(node_field(node, "relation"), &name, error));
    TRY(alter_new(front, &name, node_boolean(node, "missing_ok"), &alter, error));
    if (alter->table == NULL)
        return OK;
    return of_column ? rename_column(front, node, alter, error)
                     : rename_table(front, node, alter, error);
}

/* ---- SET ---- */

Status own_alter_table_set(Front *front, Error *error)
{
    TokenReader *reader = &front->reader;
    BoundAlterTable *alter = NULL;
    QualifiedName name;
    TableOptionSet set = {0};
    TRY(reader_expect(reader, "alter table", error));
    bool if_exists = reader_take(reader, "if exists");
    (void)reader_take(reader, "only");
    TRY(reader_table_name(reader, &name, error));
    TRY(reader_expect(reader, "set", error));
    TRY(table_option_list(reader, &set, error));
    TRY(alter_new(front, &name, if_exists, &alter, error));
    alter->kind = ALTER_SET_OPTIONS;
    if (alter->table == NULL)
        return OK;
    if (set.set & OPTION_KIND)
        return fail_unsupported(set.position[__builtin_ctz(OPTION_KIND)], "changing a table's kind",
                                error);
    TRY(table_options_check(&set, alter->table->schema->kind, front->plan->snapshot, error));
    alter->options = set.options;
    alter->options_set = set.set;
    alter->access = set.access;
    alter->storage = set.storage;
    return OK;
}
