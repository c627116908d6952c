/* Any text as SQL, against a small catalog: it is split, and each statement becomes a plan or an
 * error that points into it. Parameters and the query half are reached as well. */
#include "base/assert.h"
#include "sql/lexer.h"
#include "sql/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TEXT_BYTES_MAX = 16 << 10,
    TOKENS_MAX = 1000, /* the fuzzer's thread has an ordinary stack */
    STATEMENTS_MAX = 8,
};

static const SqlLimits limits = {.bytes_max = TEXT_BYTES_MAX, .tokens_max = TOKENS_MAX};

static void apply(CatalogSnapshot **snapshot, const CatalogChange *change)
{
    CatalogSnapshot *next;
    Error error;
    ASSERT(catalog_snapshot_apply(*snapshot, change, 1, &next, &error) == OK);
    catalog_snapshot_release(*snapshot);
    *snapshot = next;
}

static void add_table(CatalogSnapshot **snapshot, uint64_t id, Slice name, TableKind kind)
{
    Column columns[] = {
        {.name = SLICE("id"), .type = TYPE(BIGINT), .field_id = 1, .not_null = true},
        {.name = SLICE("body"), .type = TYPE(TEXT), .field_id = 2, .key_position = -1},
        {.name = SLICE("n"), .type = TYPE(INTEGER), .field_id = 3, .key_position = -1},
    };
    CatalogChange change = {.kind = CATALOG_TABLE};
    CatalogTable *table = &change.as.table;
    const Expression *defaults[3] = {NULL};
    Error error;
    for (size_t i = 0; i < 3; i++)
        columns[i].initial_default = value_null((TypeKind)columns[i].type.kind);
    *table = (CatalogTable){.id = id,
                            .namespace_id = 1,
                            .namespace_name = SLICE("a"),
                            .name = name,
                            .kind = kind,
                            .storage = SLICE("local"),
                            .folder = name,
                            .defaults = defaults};
    ASSERT(schema_create(id, 1, kind, columns, 3, 4, &table->schema, &error) == OK);
    apply(snapshot, &change);
    schema_release(table->schema);
}

static CatalogSnapshot *make_catalog(void)
{
    CatalogSnapshot *snapshot;
    CatalogChange change = {.kind = CATALOG_NAMESPACE};
    Error error;
    ASSERT(catalog_snapshot_empty(&snapshot, &error) == OK);
    change.as.name_space = (CatalogNamespace){.id = 1, .name = SLICE("a")};
    apply(&snapshot, &change);
    add_table(&snapshot, 11, SLICE("t"), TABLE_SHARED);
    add_table(&snapshot, 12, SLICE("u"), TABLE_USER);
    add_table(&snapshot, 13, SLICE("s"), TABLE_STREAM);
    return snapshot;
}

/* Tokens follow one another and cover everything but blanks and comments. */
static void check_tokens(Slice text)
{
    Lexer lexer;
    size_t end = 0;
    lexer_open(&lexer, text);
    for (Token token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer)) {
        ASSERT(token.size > 0 && token.begin >= end);
        end = (size_t)token.begin + token.size;
        ASSERT(end <= text.size);
    }
}

static void check_error(const Error *error, Slice sql)
{
    ASSERT(error->status != OK && error->status != STATUS_INTERNAL);
    ASSERT(error->position_byte >= -1 && error->position_byte <= (int64_t)sql.size);
    ASSERT(error->message[0] != '\0');
    ASSERT(slice_is_utf8_text(slice_of_text(error->message)));
}

static void bind(CatalogSnapshot *catalog, Slice sql, bool as_subscription)
{
    BindRequest request = {.sql = sql,
                           .snapshot = catalog,
                           .namespace_name = SLICE("a"),
                           .as_subscription = as_subscription,
                           .limits = limits};
    Plan *plan;
    Error error;
    error_clear(&error);
    if (plan_bind(&request, &plan, &error) != OK) {
        check_error(&error, sql);
        return;
    }
    ASSERT(plan->sql.size == sql.size);
    ASSERT(statement_name(plan->kind)[0] != '\0');
    plan_release(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static CatalogSnapshot *catalog;
    Slice text = slice_of(data, size);
    Slice *statements;
    uint32_t count;
    Arena arena;
    Error error;
    if (catalog == NULL)
        catalog = make_catalog();
    arena_open(&arena, 0);
    error_clear(&error);
    if (statement_split(&arena, text, &limits, &statements, &count, &error) != OK) {
        check_error(&error, text);
    } else {
        check_tokens(text);
        for (uint32_t i = 0; i < count && i < STATEMENTS_MAX; i++) {
            bind(catalog, statements[i], false);
            bind(catalog, statements[i], true);
        }
    }
    arena_close(&arena);
    return 0;
}
