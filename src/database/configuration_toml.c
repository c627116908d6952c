/* The reader of firn.toml, a subset of TOML 1.0 that leaves nothing to guess:
 *
 *     # comment
 *     [section]
 *     key = "text with \" \\ \b \f \n \r \t \u00e9"      or 'text as it stands'
 *     key = 100000      10_000   -1   0.3
 *     key = true
 *     key = ["a", "b",           # a list of strings, over several lines
 *            "c"]
 *
 * Anything else (dates, tables in tables, dotted and quoted keys, strings over several lines, other
 * bases, a key before the first section, a section twice) is an error that names the line. A key
 * given twice is found by the visitor, who knows the keys. */
#include "database/configuration_int.h"

enum {
    SECTIONS_MAX = 64,
    NAME_BYTES_LIMIT = 64,
};

typedef struct Reader {
    Slice text;
    size_t at;
    uint32_t line;
    Arena *arena;
    Buffer value; /* of the entry being read */
    Slice section;
    Slice sections[SECTIONS_MAX];
    uint32_t section_count;
} Reader;

static Status fail(const Reader *reader, const char *what, Error *error)
{
    return error_set(error, STATUS_INVALID_CONFIGURATION, "line %u: %s", reader->line, what);
}

/* 0 at the end; the text holds no NUL. */
static uint8_t peek(const Reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : 0;
}

static bool take(Reader *reader, uint8_t wanted)
{
    if (peek(reader) != wanted)
        return false;
    reader->at++;
    return true;
}

static void skip_blanks(Reader *reader)
{
    while (peek(reader) == ' ' || peek(reader) == '\t')
        reader->at++;
}

static bool take_line_end(Reader *reader)
{
    if (peek(reader) == '\r' && reader->at + 1 < reader->text.size &&
        reader->text.data[reader->at + 1] == '\n')
        reader->at++;
    if (!take(reader, '\n'))
        return false;
    reader->line++;
    return true;
}

static void skip_comment(Reader *reader)
{
    if (peek(reader) != '#')
        return;
    while (reader->at < reader->text.size && peek(reader) != '\n')
        reader->at++;
}

/* Blanks, comments and line ends. */
static void skip_space(Reader *reader)
{
    do {
        skip_blanks(reader);
        skip_comment(reader);
    } while (take_line_end(reader));
}

/* Nothing but a comment may follow on the line. */
static Status end_line(Reader *reader, Error *error)
{
    skip_blanks(reader);
    skip_comment(reader);
    if (reader->at == reader->text.size || take_line_end(reader))
        return OK;
    return fail(reader, "something follows that does not belong there", error);
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static Status read_name(Reader *reader, const char *what, Slice *out, Error *error)
{
    size_t begin = reader->at;
    while (is_name_byte(peek(reader)))
        reader->at++;
    Slice name = slice_part(reader->text, begin, reader->at - begin);
    if (name.size == 0 || name.size > NAME_BYTES_LIMIT)
        return fail(reader, what, error);
    *out = name;
    return OK;
}

/* ---- values ---- */

static bool hex_digits(Reader *reader, unsigned count, uint32_t *out)
{
    uint32_t code = 0;
    for (unsigned i = 0; i < count; i++) {
        uint8_t c = peek(reader);
        uint8_t lower = c | 0x20;
        if (c >= '0' && c <= '9')
            code = code << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
        reader->at++;
    }
    *out = code;
    return true;
}

static bool put_character(Buffer *out, uint32_t code)
{
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return false;
    if (code < 0x80) {
        buffer_put_u8(out, (uint8_t)code);
        return true;
    }
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    buffer_put_u8(out, (uint8_t)(first[more] | code >> (6 * more)));
    while (more-- > 0)
        buffer_put_u8(out, (uint8_t)(0x80 | (code >> (6 * more) & 0x3f)));
    return true;
}

static Status read_escape(Reader *reader, Error *error)
{
    static const char names[] = "btnfr\"\\";
    static const char meanings[] = "\b\t\n\f\r\"\\";
    uint8_t c = peek(reader);
    const char *found = c == 0 ? NULL : strchr(names, c);
    if (found != NULL) {
        reader->at++;
        buffer_put_u8(&reader->value, (uint8_t)meanings[found - names]);
        return OK;
    }
    uint32_t code;
    unsigned digits = take(reader, 'u') ? 4 : take(reader, 'U') ? 8 : 0;
    if (digits == 0 || !hex_digits(reader, digits, &code) || !put_character(&reader->value, code))
        return fail(reader, "an escape that is none", error);
    return OK;
}

/* A string into reader->value, behind what is there. */
static Status read_string(Reader *reader, Error *error)
{
    uint8_t quote = peek(reader);
    reader->at++;
    while (!take(reader, quote)) {
        uint8_t c = peek(reader);
        if (c == 0 || c == '\n' || c == '\r')
            return fail(reader, "a string without its end", error);
        reader->at++;
        if (c == '\\' && quote == '"')
            TRY(read_escape(reader, error));
        else
            buffer_put_u8(&reader->value, c);
    }
    return buffer_status(&reader->value, error);
}

static Status read_list(Reader *reader, Error *error)
{
    reader->at++;
    skip_space(reader);
    while (!take(reader, ']')) {
        size_t before = reader->value.size;
        if (peek(reader) != '"' && peek(reader) != '\'')
            return fail(reader, "a list holds strings", error);
        if (before > 0)
            buffer_put_u8(&reader->value, ',');
        size_t begin = reader->value.size;
        TRY(read_string(reader, error));
        Slice item = slice_part(buffer_slice(&reader->value), begin, SIZE_MAX);
        if (item.size == 0 || slice_find(item, ',') < item.size)
            return fail(reader, "an item of a list is not empty and has no comma", error);
        skip_space(reader);
        if (!take(reader, ',') && peek(reader) != ']')
            return fail(reader, "a list without its end", error);
        skip_space(reader);
    }
    return OK;
}

/* Digits, with single underscores between them. */
static bool read_digits(Reader *reader)
{
    size_t count = 0;
    bool after_underscore = false;
    for (;; reader->at++) {
        uint8_t c = peek(reader);
        if (c >= '0' && c <= '9') {
            buffer_put_u8(&reader->value, c);
            after_underscore = false;
            count++;
        } else if (c == '_' && count > 0 && !after_underscore) {
            after_underscore = true;
        } else {
            return count > 0 && !after_underscore;
        }
    }
}

static Status read_number(Reader *reader, Error *error)
{
    static const char wrong[] =
        "a number has digits and at most one point; what has a unit is a string: \"60s\"";
    if (!take(reader, '+') && take(reader, '-'))
        buffer_put_u8(&reader->value, '-');
    if (!read_digits(reader))
        return fail(reader, wrong, error);
    if (take(reader, '.')) {
        buffer_put_u8(&reader->value, '.');
        if (!read_digits(reader))
            return fail(reader, wrong, error);
    }
    return is_name_byte(peek(reader)) || peek(reader) == '-' || peek(reader) == ':'
               ? fail(reader, wrong, error)
               : OK;
}

static Status read_word(Reader *reader, Error *error)
{
    Slice word;
    TRY(read_name(reader, "a value is missing", &word, error));
    if (!slice_equal_text(word, "true") && !slice_equal_text(word, "false"))
        return fail(reader, "a value is \"text\", a number, true, false or a list of strings",
                    error);
    buffer_put_slice(&reader->value, word);
    return OK;
}

static Status read_value(Reader *reader, TomlKind *kind, Error *error)
{
    uint8_t c = peek(reader);
    buffer_clear(&reader->value);
    if (c == '"' || c == '\'') {
        *kind = TOML_STRING;
        return read_string(reader, error);
    }
    if (c == '[') {
        *kind = TOML_LIST;
        return read_list(reader, error);
    }
    if ((c >= '0' && c <= '9') || c == '+' || c == '-') {
        *kind = TOML_NUMBER;
        return read_number(reader, error);
    }
    *kind = TOML_BOOLEAN;
    return read_word(reader, error);
}

/* ---- lines ---- */

static Status read_section(Reader *reader, TomlEntry *out, Error *error)
{
    Slice name;
    reader->at++;
    skip_blanks(reader);
    TRY(read_name(reader, "a section is [name]", &name, error));
    skip_blanks(reader);
    if (!take(reader, ']'))
        return fail(reader, "a section is [name]", error);
    for (uint32_t i = 0; i < reader->section_count; i++) {
        if (slice_equal(reader->sections[i], name))
            return fail(reader, "this section was there before", error);
    }
    if (reader->section_count == SECTIONS_MAX)
        return fail(reader, "too many sections", error);
    reader->sections[reader->section_count++] = name;
    reader->section = name;
    *out = (TomlEntry){.kind = TOML_SECTION, .line = reader->line, .section = name};
    return OK;
}

static Status read_entry(Reader *reader, TomlEntry *out, Error *error)
{
    TomlEntry entry = {.line = reader->line, .section = reader->section};
    TRY(read_name(reader, "a line is [section] or key = value", &entry.key, error));
    skip_blanks(reader);
    if (!take(reader, '='))
        return fail(reader, "a line is [section] or key = value", error);
    if (entry.section.size == 0)
        return fail(reader, "a key before the first [section]", error);
    skip_blanks(reader);
    TRY(read_value(reader, &entry.kind, error));
    TRY(buffer_status(&reader->value, error));
    TRY(arena_clone(reader->arena, buffer_slice(&reader->value), &entry.text, error));
    *out = entry;
    return OK;
}

Status toml_read(Slice text, Arena *arena, TomlVisitor visit, void *context, Error *error)
{
    Reader reader = {.text = text, .line = 1, .arena = arena};
    Status status = OK;
    TomlEntry entry;
    if (slice_starts_with(text, SLICE("\xef\xbb\xbf")))
        reader.at = 3;
    if (!slice_is_utf8_text(text))
        return error_set(error, STATUS_INVALID_CONFIGURATION, "it is not UTF-8 text");
    buffer_open(&reader.value, CONFIGURATION_VALUE_BYTES_MAX);
    for (skip_space(&reader); reader.at < text.size; skip_space(&reader)) {
        if (peek(&reader) == '[')
            GO(read_section(&reader, &entry, error));
        else
            GO(read_entry(&reader, &entry, error));
        GO(end_line(&reader, error));
        GO(visit(context, &entry, error));
    }
done:
    buffer_close(&reader.value);
    return status;
}
