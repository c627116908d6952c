/* PostgreSQL's grammar, by libpg_query, and its tree's nodes. Only the JSON call is used: the one
 * by protobuf is quadratic in places and recurses much deeper. */
#include <pg_query.h>

#include "sql/lexer.h"
#include "sql/tree_int.h"
#include "types/row.h"

/* ---- errors ---- */

/* libpg_query counts characters from 1; 0 where it knows no place. */
static int32_t byte_of_character(const char *sql, int cursor)
{
    if (cursor <= 0)
        return -1;
    int32_t at = 0;
    for (int passed = 1; sql[at] != '\0'; at++) {
        bool starts = ((uint8_t)sql[at] & 0xc0) != 0x80;
        if (starts && passed++ == cursor)
            break;
    }
    return at;
}

/* What the grammar and the scanner raise with another code than 42601. */
static Status status_of_message(const char *message)
{
    static const struct {
        const char *part;
        Status status;
    } known[] = {
        {"memory exhausted", STATUS_STATEMENT_TOO_COMPLEX},
        {"out of memory", STATUS_OUT_OF_MEMORY},
        {"not yet implemented", STATUS_FEATURE_NOT_SUPPORTED},
        {"not implemented", STATUS_FEATURE_NOT_SUPPORTED},
        {"invalid byte sequence", STATUS_CHARACTER_NOT_IN_REPERTOIRE},
        {"precision for type float", STATUS_INVALID_PARAMETER_VALUE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strstr(message, known[i].part) != NULL)
            return known[i].status;
    }
    return STATUS_SYNTAX_ERROR;
}

/* Its scanner may cut a message in the middle of a character. */
static void copy_whole_characters(char *out, size_t capacity, const char *text)
{
    size_t size = 0;
    for (const char *at = text; *at != '\0' && size + 5 < capacity;) {
        size_t length = 1;
        while (length < 4 && ((uint8_t)at[length] & 0xc0) == 0x80)
            length++;
        if (slice_is_utf8_text(slice_of(at, length))) {
            memcpy(out + size, at, length);
            size += length;
        }
        at += length;
    }
    out[size] = '\0';
}

static Status fail(const PgQueryError *failure, const char *sql, Error *error)
{
    char message[ERROR_MESSAGE_BYTES_MAX];
    Status status = status_of_message(failure->message);
    int32_t position = byte_of_character(sql, failure->cursorpos);
    if (status == STATUS_STATEMENT_TOO_COMPLEX)
        return error_set_at(error, position, status, "the statement nests too deeply");
    copy_whole_characters(message, sizeof message, failure->message);
    return error_set_at(error, position, status, "%s", message);
}

/* ---- the tree ---- */

static Status read_tree(Arena *arena, Slice sql, Slice json, const Node **statements, Error *error)
{
    JsonValue *root;
    Status status = json_read(arena, json, SQL_TREE_DEPTH_MAX, &root, error);
    if (status == STATUS_STATEMENT_TOO_COMPLEX)
        return error_set(error, status, "the statement nests too deeply");
    if (status == STATUS_INVALID_JSON_TEXT) {
        char reason[ERROR_MESSAGE_BYTES_MAX];
        memcpy(reason, error->message, sizeof reason);
        (void)error_set(error, STATUS_INTERNAL, "the parse tree cannot be read");
        return error_wrap(error, "%s", reason);
    }
    if (status != OK)
        return status;
    TRY(tree_repair_integers(arena, sql, json, root, error));
    *statements = json_member(root, "stmts");
    return OK;
}

static Status parse(Arena *arena, const char *sql, const MarkedNames *marked,
                    const Node **statements, Error *error)
{
    PgQueryParseResult result = pg_query_parse(sql);
    Status status = OK;
    Slice json;
    if (result.error != NULL)
        GO(fail(result.error, sql, error));
    if (marked->count > 0)
        GO(tree_unmark_names(arena, result.parse_tree, marked, &json, error));
    else
        GO(arena_clone(arena, slice_of_text(result.parse_tree), &json, error));
    GO(read_tree(arena, slice_of_text(sql), json, statements, error));
done:
    pg_query_free_parse_result(result);
    return status;
}

/* A message that shows a marked name is told again from the text that was written. */
static Status parse_marked(Arena *arena, Slice sql, char *text, const MarkedNames *marked,
                           const Node **statements, Error *error)
{
    Lexer lexer;
    Status status = parse(arena, text, marked, statements, error);
    if (status != STATUS_SYNTAX_ERROR || marked->count == 0 || error->position_byte < 0)
        return status;
    lexer_open(&lexer, sql);
    Token token = lexer_next(&lexer);
    while (token.kind != TOKEN_END && (int64_t)token.begin < error->position_byte)
        token = lexer_next(&lexer);
    bool is_marked = token_is_name(token) && token.size >= NAME_BYTES_MAX;
    return is_marked ? token_error(sql, token, error) : status;
}

Status tree_parse(Arena *arena, Slice sql, const Node **statements, Error *error)
{
    MarkedNames marked;
    char *text = arena_text(arena, sql);
    if (text == NULL)
        return arena_error(arena, error);
    TRY(tree_mark_names(arena, text, sql.size, &marked, error));
    return parse_marked(arena, sql, text, &marked, statements, error);
}

/* ---- nodes ---- */

/* {"SelectStmt": {…}}: kinds begin with a capital, fields do not. */
static const JsonValue *wrapped(const Node *node)
{
    if (node == NULL || node->kind != JSON_OBJECT || node->count != 1)
        return NULL;
    const JsonValue *only = &node->children[0];
    bool is_kind = only->key.size > 0 && only->key.data[0] >= 'A' && only->key.data[0] <= 'Z';
    return is_kind && only->kind == JSON_OBJECT ? only : NULL;
}

Slice node_kind(const Node *node)
{
    const JsonValue *only = wrapped(node);
    return only == NULL ? SLICE_EMPTY : only->key;
}

bool node_is(const Node *node, const char *kind)
{
    return slice_equal_text(node_kind(node), kind);
}

const Node *node_fields(const Node *node)
{
    const JsonValue *only = wrapped(node);
    return only == NULL ? node : only;
}

const Node *node_field(const Node *node, const char *name)
{
    return json_member(node_fields(node), name);
}

Slice node_text(const Node *node, const char *name)
{
    return json_member_text(node_fields(node), name, SLICE_EMPTY);
}

int64_t node_integer(const Node *node, const char *name, int64_t fallback)
{
    return json_member_integer(node_fields(node), name, fallback);
}

bool node_boolean(const Node *node, const char *name)
{
    return json_member_boolean(node_fields(node), name, false);
}

/* Offset 0 is left out of the tree like every other zero. */
int32_t node_location(const Node *node)
{
    const Node *fields = node_fields(node);
    return fields == NULL ? -1 : (int32_t)json_member_integer(fields, "location", -1);
}

int32_t node_begin(const Node *node)
{
    int32_t begin = -1;
    while (node != NULL) {
        int32_t at = node_location(node);
        if (at >= 0 && (begin < 0 || at < begin))
            begin = at;
        const Node *left = node_field(node, "lexpr");
        if (left == NULL)
            left = node_field(node, "arg");
        node = left != NULL ? left : node_item(node_field(node, "args"), 0);
    }
    return begin;
}

static const Node *items_of(const Node *list)
{
    return node_is(list, "List") ? node_field(list, "items") : list;
}

uint32_t node_count(const Node *list)
{
    const Node *items = items_of(list);
    return items != NULL && items->kind == JSON_ARRAY ? items->count : 0;
}

const Node *node_item(const Node *list, uint32_t i)
{
    const Node *items = items_of(list);
    return i < node_count(list) ? &items->children[i] : NULL;
}

Slice node_string(const Node *node)
{
    Slice text = node_text(node, "sval");
    return text.size > 0 ? text : node_text(node, "str");
}
