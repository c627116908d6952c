/* Negative integers. libpg_query 15-4.0.0 writes an Integer's value only where it is above zero: -1
 * and 0 look the same ({"ival":{}}). The grammar folds a minus into the constant and puts the
 * constant's location at the minus, so the text says what the value was: minuses, parentheses,
 * digits. */
#include "sql/lexer.h"
#include "sql/tree_int.h"

/* The integer that the grammar folded from the tokens at `location`; false where it was zero. */
static bool folded_integer(Slice sql, int64_t location, int64_t *out)
{
    Lexer lexer;
    bool negative = false;
    if (location < 0 || (uint64_t)location >= sql.size)
        return false;
    lexer_open(&lexer, sql);
    lexer.at = (size_t)location;
    for (;;) {
        Token token = lexer_next(&lexer);
        if (token_is(sql, token, '-'))
            negative = !negative;
        else if (!token_is(sql, token, '('))
            return negative && token.kind == TOKEN_INTEGER &&
                   slice_to_int64(token_text(sql, token), out) && *out != 0;
    }
}

static Status put_integer(Arena *arena, JsonValue *wrapper, int64_t integer, Error *error)
{
    JsonValue *member = ARENA_NEW(arena, JsonValue);
    char *text = arena_format(arena, "%lld", (long long)integer);
    if (member == NULL || text == NULL)
        return arena_error(arena, error);
    *member = (JsonValue){.kind = JSON_NUMBER,
                          .is_integer = true,
                          .integer = integer,
                          .key = wrapper->key,
                          .text = slice_of_text(text),
                          .raw = slice_of_text(text)};
    wrapper->count = 1;
    wrapper->children = member;
    return OK;
}

/* `constant` has the fields of an A_Const, perhaps. */
static Status repair_constant(Arena *arena, Slice sql, JsonValue *constant, Error *error)
{
    for (uint32_t i = 0; i < constant->count; i++) {
        JsonValue *value = &constant->children[i];
        int64_t integer;
        if (value->kind != JSON_OBJECT || value->count != 0 ||
            !slice_equal_text(value->key, "ival"))
            continue;
        int64_t location = json_member_integer(constant, "location", -1);
        if (folded_integer(sql, location, &integer))
            return put_integer(arena, value, -integer, error);
    }
    return OK;
}

/* The reader limited the depth of what is walked here to SQL_TREE_DEPTH_MAX. */
static Status repair(Arena *arena, Slice sql, JsonValue *value, Error *error)
{
    if (value->kind == JSON_OBJECT)
        TRY(repair_constant(arena, sql, value, error));
    for (uint32_t i = 0; i < value->count; i++) {
        if (value->children[i].count > 0)
            TRY(repair(arena, sql, &value->children[i], error));
    }
    return OK;
}

Status tree_repair_integers(Arena *arena, Slice sql, Slice json, JsonValue *root, Error *error)
{
    static const char lost[] = "\"ival\":{}";
    if (memmem(json.data, json.size, lost, sizeof lost - 1) == NULL)
        return OK;
    return repair(arena, sql, root, error);
}
