/* Tokens: PostgreSQL's rules, our durations, what is malformed; and libpg_query's own scanner as
 * the judge of both, over random texts. */
#include <pg_query.h>

#include "sql/lexer.h"
#include "tests/unit/sql/test.h"

static const char *const kind_names[] = {
    [TOKEN_END] = "end",
    [TOKEN_WORD] = "word",
    [TOKEN_QUOTED] = "quoted",
    [TOKEN_UNICODE_QUOTED] = "uquoted",
    [TOKEN_STRING] = "string",
    [TOKEN_ESCAPE_STRING] = "estring",
    [TOKEN_UNICODE_STRING] = "ustring",
    [TOKEN_DOLLAR_STRING] = "dollar",
    [TOKEN_BITS] = "bits",
    [TOKEN_INTEGER] = "int",
    [TOKEN_NUMBER] = "num",
    [TOKEN_DURATION] = "dur",
    [TOKEN_PARAMETER] = "param",
    [TOKEN_OPERATOR] = "op",
    [TOKEN_PUNCTUATION] = "punct",
    [TOKEN_JUNK_NUMBER] = "junk",
    [TOKEN_JUNK_PARAMETER] = "junkparam",
    [TOKEN_EMPTY_QUOTED] = "empty",
    [TOKEN_OPEN_STRING] = "openstring",
    [TOKEN_OPEN_QUOTED] = "openquoted",
    [TOKEN_OPEN_DOLLAR] = "opendollar",
    [TOKEN_OPEN_BITS] = "openbits",
    [TOKEN_OPEN_COMMENT] = "opencomment",
    [TOKEN_STRANGE] = "strange",
};

/* "kind:text kind:text …" */
static const struct {
    const char *text;
    const char *tokens;
} token_cases[] = {
    {"", ""},
    {"  \t\n\r\f ", ""},
    {"select", "word:select"},
    {"SELECT a.b", "word:SELECT word:a punct:. word:b"},
    {"_x9$y", "word:_x9$y"},
    {"\xc3\xa9t\xc3\xa9", "word:\xc3\xa9t\xc3\xa9"},
    {"\"a\"\"b\"", "quoted:\"a\"\"b\""},
    {"\"\"", "empty:\"\""},
    {"\"a", "openquoted:\"a"},
    {"U&\"d\\0061\"", "uquoted:U&\"d\\0061\""},
    {"u&'x'", "ustring:u&'x'"},
    {"U & 'x'", "word:U op:& string:'x'"},
    {"'it''s'", "string:'it''s'"},
    {"''", "string:''"},
    {"'a\\'", "string:'a\\'"},
    {"'a", "openstring:'a"},
    {"'a''", "openstring:'a''"},
    {"E'a\\'b'", "estring:E'a\\'b'"},
    {"e'a\\\\'", "estring:e'a\\\\'"},
    {"E'a\\", "openstring:E'a\\"},
    {"N'x'", "string:N'x'"},
    {"B'01' x'ff'", "bits:B'01' bits:x'ff'"},
    {"X'1", "openbits:X'1"},
    {"x'1''2'", "bits:x'1' string:'2'"},
    {"'a'\n'b'", "string:'a'\n'b'"},
    {"'a' 'b'", "string:'a' string:'b'"},
    {"'a' -- c\n 'b'", "string:'a' -- c\n 'b'"},
    {"'a' -- it's\n, 'b'", "string:'a' punct:, string:'b'"},
    {"'a' /* c */\n'b'", "string:'a' string:'b'"},
    {"$$a$b$$", "dollar:$$a$b$$"},
    {"$t$a$$b$t$", "dollar:$t$a$$b$t$"},
    {"$t$a", "opendollar:$t$a"},
    {"a$t$b", "word:a$t$b"},
    {"$1", "param:$1"},
    {"$12+$3", "param:$12 op:+ param:$3"},
    {"$1a", "junkparam:$1a"},
    {"$", "strange:$"},
    {"$ 1", "strange:$ int:1"},
    {"42", "int:42"},
    {"4.2", "num:4.2"},
    {"4.", "num:4."},
    {".5", "num:.5"},
    {"1..10", "int:1 punct:.. int:10"},
    {"1e5 1E+5 1.5e-3 .5e1 5.e2", "num:1e5 num:1E+5 num:1.5e-3 num:.5e1 num:5.e2"},
    {"1e", "junk:1e"},
    {"1e+", "junk:1e+"},
    {"1ex", "junk:1ex"},
    {"60s", "dur:60s"},
    {"250ms", "dur:250ms"},
    {"5m 2h 7d", "dur:5m dur:2h dur:7d"},
    {"60S", "dur:60S"},
    {"60sec", "junk:60sec"},
    {"1.5h", "junk:1.5h"},
    {"64MB", "junk:64MB"},
    {"60s)", "dur:60s punct:)"},
    {"60 s", "int:60 word:s"},
    {"(a,b)[1:2];", "punct:( word:a punct:, word:b punct:) punct:[ int:1 punct:: int:2 punct:] "
                    "punct:;"},
    {"a::int := b", "word:a punct::: word:int punct::= word:b"},
    {"a=>b <= >= <> !=", "word:a op:=> word:b op:<= op:>= op:<> op:!="},
    {"a+-b", "word:a op:+ op:- word:b"},
    {"a*-b", "word:a op:* op:- word:b"},
    {"a@-b", "word:a op:@- word:b"},
    {"a<->b <=> <#>", "word:a op:<-> word:b op:<=> op:<#>"},
    {"a->>'b'", "word:a op:->> string:'b'"},
    {"a+/*c*/b", "word:a op:+ word:b"},
    {"a--c\nb", "word:a word:b"},
    {"a-- c", "word:a"},
    {"/* a /* b */ c */d", "word:d"},
    {"/* a /* b */", "opencomment:/* a /* b */"},
    {"a /*", "word:a opencomment:/*"},
    {"{", "strange:{"},
    {"\\d", "strange:\\ word:d"},
    {"a\vb", "word:a strange:\v word:b"},
};

static void put_token(Buffer *out, Slice text, Token token)
{
    if (out->size > 0)
        buffer_put_u8(out, ' ');
    buffer_put_text(out, kind_names[token.kind]);
    buffer_put_u8(out, ':');
    buffer_put_slice(out, token_text(text, token));
}

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(token_cases); i++) {
        Slice text = slice_of_text(token_cases[i].text);
        Buffer shown;
        Lexer lexer;
        buffer_open(&shown, 0);
        lexer_open(&lexer, text);
        for (Token token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer))
            put_token(&shown, text, token);
        assert_slice(buffer_slice(&shown), token_cases[i].tokens);
        buffer_close(&shown);
    }
}

/* ---- values ---- */

static const struct {
    const char *text;
    const char *value; /* NULL: an error … */
    const char *message;
} value_cases[] = {
    {"AbC", "abc", NULL},
    {"\xc3\x89x", "\xc3\x89x", NULL},
    {"\"AbC\"", "AbC", NULL},
    {"\"a\"\"b\"", "a\"b", NULL},
    {"U&\"d\\0061t\\+000061\"", "data", NULL},
    {"U&\"a\\\\b\"", "a\\b", NULL},
    {"U&'\\D83D\\DE00'", "\xf0\x9f\x98\x80", NULL},
    {"U&'\\D83D'", NULL, "invalid Unicode surrogate pair"},
    {"U&'\\DE00'", NULL, "invalid Unicode surrogate pair"},
    {"U&'\\00'", NULL, "invalid Unicode escape"},
    {"U&'\\0000'", NULL, "invalid Unicode escape value"},
    {"'it''s'", "it's", NULL},
    {"N'x'", "x", NULL},
    {"''", "", NULL},
    {"'a\\n'", "a\\n", NULL},
    {"'a'\n'b' -- it's\n 'c'", "abc", NULL},
    {"E'a\\n\\t\\b\\f\\r\\v\\\\\\'z'", "a\n\t\b\f\rv\\'z", NULL},
    {"E'\\101\\x42\\u0043\\U00000044'", "ABCD", NULL},
    {"E'\\ud83d\\ude00'", "\xf0\x9f\x98\x80", NULL},
    {"E'\\ud83dx'", NULL, "invalid Unicode surrogate pair"},
    {"E'\\u00'", NULL, "invalid Unicode escape"},
    {"E'\\U00110000'", NULL, "invalid Unicode escape value"},
    {"E'\\0'", NULL, "invalid byte sequence for encoding \"UTF8\": 0x00"},
    {"E'\\400'", NULL, "invalid byte sequence for encoding \"UTF8\": 0x00"},
    {"E'\\xff'", NULL, "invalid byte sequence for encoding \"UTF8\" in a literal"},
    {"E'\\xc3\\xa9'", "\xc3\xa9", NULL},
    {"E'\\xg'", "xg", NULL},
    {"E'a'\n'\\x41'", "aA", NULL},
    {"$$a'b$$", "a'b", NULL},
    {"$q$a$$b$q$", "a$$b", NULL},
    {"$q$$q$", "", NULL},
};

static void test_values(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    for (size_t i = 0; i < COUNT(value_cases); i++) {
        Slice text = slice_of_text(value_cases[i].text);
        Lexer lexer;
        Error error;
        Slice value;
        lexer_open(&lexer, text);
        Status status = token_value(&arena, text, lexer_next(&lexer), '\\', &value, &error);
        if (value_cases[i].value != NULL) {
            assert_ok(status, &error);
            assert_slice(value, value_cases[i].value);
        } else {
            assert_int_not_equal(status, OK);
            assert_string_equal(error.message, value_cases[i].message);
        }
        assert_int_equal(lexer_next(&lexer).kind, TOKEN_END);
    }
    arena_close(&arena);
}

static void test_limit(void **state)
{
    (void)state;
    Arena arena;
    Error error;
    Token *tokens;
    uint32_t count;
    Slice text = SLICE("a + b + c");
    arena_open(&arena, 0);
    assert_ok(tokens_read(&arena, text, 5, &tokens, &count, &error), &error);
    assert_int_equal(count, 6);
    assert_int_equal(tokens[5].kind, TOKEN_END);
    assert_int_equal(tokens[5].begin, text.size);
    assert_status(STATUS_STATEMENT_TOO_COMPLEX,
                  tokens_read(&arena, text, 4, &tokens, &count, &error));
    assert_string_equal(error.message, "the statement has more than 4 tokens");
    arena_close(&arena);
}

/* ---- libpg_query as the judge ---- */

/* Pieces that random texts are made of: what begins, ends or interrupts a token. */
static const char *const pieces[] = {
    "a",  "B9",  "'",  "''", "\"", "\"\"", "E'",       "U&'", "U&\"", "N'", "x'", "\\", "\\'", "$",
    "$1", "$t$", "$$", "--", "/*", "*/",   "\n",       " ",   "+",    "-",  "<",  ">",  "=",   "@",
    "~",  "1",   "2.", ".5", "e",  "e5",   "e+",       ".",   "..",   ":",  "::", ":=", "(",   ")",
    ",",  ";",   "*",  "/",  "|",  "&",    "\xc3\xa9", "60s", "s",    "{",  "#",  "?",  "[",   "]",
};

/* The offsets at which libpg_query's tokens begin and end, unpacked by hand from its protobuf:
 * ScanResult{2: repeated ScanToken{1: start, 2: end, 4: token, 5: keyword kind}}. */
typedef struct ScannedToken {
    uint64_t start;
    uint64_t end;
    uint64_t token;
} ScannedToken;

static uint64_t read_varint(const uint8_t **at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static size_t unpack(const PgQueryProtobuf *packed, ScannedToken *out, size_t capacity)
{
    const uint8_t *at = (const uint8_t *)packed->data;
    const uint8_t *end = at + packed->len;
    size_t count = 0;
    while (at < end) {
        uint64_t field = read_varint(&at);
        if (field != (2 << 3 | 2)) { /* the version */
            (void)read_varint(&at);
            continue;
        }
        uint64_t size = read_varint(&at);
        const uint8_t *token_end = at + size;
        ScannedToken token = {0};
        while (at < token_end) {
            uint64_t part = read_varint(&at) >> 3;
            uint64_t value = read_varint(&at);
            if (part == 1)
                token.start = value;
            else if (part == 2)
                token.end = value;
            else if (part == 4)
                token.token = value;
        }
        assert_true(count < capacity);
        out[count++] = token;
    }
    return count;
}

enum { SCANNED_MAX = 512, PG_SQL_COMMENT = 275, PG_C_COMMENT = 276 };

/* Where PostgreSQL's scanner takes the text, ours finds the same places. It reports comments as
 * tokens, and ends quoted forms somewhere in their last part: of those only starts are compared. */
static void compare(const char *text)
{
    ScannedToken scanned[SCANNED_MAX];
    PgQueryScanResult result = pg_query_scan(text);
    Slice slice = slice_of_text(text);
    Lexer lexer;
    lexer_open(&lexer, slice);
    if (result.error != NULL) {
        bool malformed = false;
        for (Token t = lexer_next(&lexer); t.kind != TOKEN_END; t = lexer_next(&lexer))
            malformed |= t.kind >= TOKEN_DURATION;
        bool in_value = strstr(result.error->message, "Unicode") != NULL ||
                        strstr(result.error->message, "byte sequence") != NULL ||
                        strstr(result.error->message, "surrogate") != NULL;
        if (!malformed && !in_value)
            fail_msg("PostgreSQL refuses <%s>: %s", text, result.error->message);
    } else {
        size_t count = unpack(&result.pbuf, scanned, SCANNED_MAX);
        for (size_t i = 0; i < count; i++) {
            if (scanned[i].token == PG_SQL_COMMENT || scanned[i].token == PG_C_COMMENT)
                continue;
            Token token = lexer_next(&lexer);
            if (token.begin != scanned[i].start)
                fail_msg("<%s>: ours at %u, PostgreSQL's at %u", text, token.begin,
                         (unsigned)scanned[i].start);
            /* NCHAR and its literal are two there, and since it reports comments, it does not see
             * that a literal goes on behind one. */
            while (i + 1 < count && scanned[i + 1].start < token.begin + token.size)
                i++;
            bool has_parts = token.kind >= TOKEN_QUOTED && token.kind <= TOKEN_BITS;
            if (!has_parts && token.begin + token.size != scanned[i].end)
                fail_msg("<%s>: ours ends at %u, PostgreSQL's at %u (token %u)", text,
                         token.begin + token.size, (unsigned)scanned[i].end,
                         (unsigned)scanned[i].token);
        }
        if (lexer_next(&lexer).kind != TOKEN_END)
            fail_msg("<%s>: PostgreSQL has no more tokens", text);
    }
    pg_query_free_scan_result(result);
}

static void test_against_postgresql(void **state)
{
    (void)state;
    uint64_t random = test_seed();
    for (int round = 0; round < 30000; round++) {
        char text[128];
        size_t size = 0;
        uint64_t count = 1 + test_random(&random) % 12;
        for (uint64_t i = 0; i < count; i++) {
            const char *piece = pieces[test_random(&random) % COUNT(pieces)];
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        text[size] = '\0';
        compare(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_against_postgresql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
