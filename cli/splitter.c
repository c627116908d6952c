#include "cli/splitter.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool begins_name(uint8_t c)
{
    return c == '_' || c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool continues_name(uint8_t c)
{
    return begins_name(c) || is_digit(c) || c == '$';
}

static bool follows_name(const Splitter *splitter, Slice text)
{
    return splitter->at > splitter->begin && splitter->has_text &&
           continues_name(text.data[splitter->at - 1]);
}

/* 'E' or 'e' right before the quote, as a word of its own. */
static bool follows_escape_letter(const Splitter *splitter, Slice text)
{
    size_t at = splitter->at;
    if (!splitter->has_text || at == splitter->begin || (text.data[at - 1] | 0x20) != 'e')
        return false;
    return at - 1 == splitter->begin || !continues_name(text.data[at - 2]);
}

static bool is_parameter(const Splitter *splitter, Slice text)
{
    Slice here = slice_part(text, splitter->at, 2);
    return here.size == 2 && here.data[0] == '$' && is_digit(here.data[1]) &&
           !follows_name(splitter, text);
}

static void mark_text(Splitter *splitter)
{
    if (!splitter->has_text)
        splitter->begin = splitter->at;
    splitter->has_text = true;
}

/* "$tag$" at the splitter's place: true where it is one. *wait where its end has not come. */
static bool read_tag(Splitter *splitter, Slice text, bool *wait)
{
    size_t end = splitter->at + 1;
    if (end < text.size && is_digit(text.data[end]))
        return false;
    while (end < text.size && text.data[end] != '$' && continues_name(text.data[end]))
        end++;
    *wait = end == text.size;
    size_t size = end + 1 - splitter->at;
    if (*wait || text.data[end] != '$' || size > SPLITTER_TAG_BYTES_MAX)
        return false;
    memcpy(splitter->tag, text.data + splitter->at, size);
    splitter->tag_size = size;
    return true;
}

static void open_quote(Splitter *splitter, SplitState state)
{
    mark_text(splitter);
    splitter->state = state;
    splitter->at++;
}

/* The two bytes that begin or end a comment. */
static bool has_pair(const Splitter *splitter, Slice text, const char *pair)
{
    return slice_equal_text(slice_part(text, splitter->at, 2), pair);
}

/* One step outside quotes and comments; true at a semicolon. False and no step where more of the
 * text is needed to know. */
static bool step_plain(Splitter *splitter, Slice text, bool *wait)
{
    uint8_t c = text.data[splitter->at];
    bool is_last = splitter->at + 1 == text.size;
    if ((c == '-' || c == '/') && is_last) {
        *wait = true;
        return false;
    }
    if (c == ';')
        return true;
    if (has_pair(splitter, text, "--")) {
        splitter->state = SPLIT_LINE_COMMENT;
        splitter->at += 2;
    } else if (has_pair(splitter, text, "/*")) {
        splitter->state = SPLIT_BLOCK_COMMENT;
        splitter->depth = 1;
        splitter->at += 2;
    } else if (c == '\'') {
        bool escapes = follows_escape_letter(splitter, text);
        open_quote(splitter, escapes ? SPLIT_ESCAPE_STRING : SPLIT_STRING);
    } else if (c == '"') {
        open_quote(splitter, SPLIT_NAME);
    } else if (c == '$' && !follows_name(splitter, text) && read_tag(splitter, text, wait)) {
        mark_text(splitter);
        splitter->state = SPLIT_DOLLAR;
        splitter->at += splitter->tag_size;
    } else if (!*wait) {
        if (!is_space(c))
            mark_text(splitter);
        splitter->has_parameter |= is_parameter(splitter, text);
        splitter->at++;
    }
    return false;
}

static void step_quote(Splitter *splitter, Slice text, uint8_t quote)
{
    if (text.data[splitter->at] == quote)
        splitter->state = SPLIT_PLAIN; /* a doubled one opens it again at once */
    splitter->at++;
}

static void step_escape_string(Splitter *splitter, Slice text, bool *wait)
{
    uint8_t c = text.data[splitter->at];
    bool is_last = splitter->at + 1 == text.size;
    if ((c == '\\' || c == '\'') && is_last) {
        *wait = true;
    } else if (c == '\\' || has_pair(splitter, text, "''")) {
        splitter->at += 2;
    } else {
        step_quote(splitter, text, '\'');
    }
}

static void step_dollar(Splitter *splitter, Slice text, bool *wait)
{
    Slice tag = slice_of(splitter->tag, splitter->tag_size);
    Slice here = slice_part(text, splitter->at, tag.size);
    if (slice_equal(here, tag)) {
        splitter->at += tag.size;
        splitter->state = SPLIT_PLAIN;
    } else if (here.size < tag.size && slice_starts_with(tag, here)) {
        *wait = true;
    } else {
        splitter->at++;
    }
}

static void step_block_comment(Splitter *splitter, Slice text, bool *wait)
{
    uint8_t c = text.data[splitter->at];
    if ((c == '*' || c == '/') && splitter->at + 1 == text.size) {
        *wait = true;
    } else if (has_pair(splitter, text, "/*")) {
        splitter->depth++;
        splitter->at += 2;
    } else if (has_pair(splitter, text, "*/")) {
        splitter->depth--;
        splitter->at += 2;
        if (splitter->depth == 0)
            splitter->state = SPLIT_PLAIN;
    } else {
        splitter->at++;
    }
}

/* One step; true at a semicolon that ends a statement. */
static bool step(Splitter *splitter, Slice text, bool *wait)
{
    switch (splitter->state) {
    case SPLIT_PLAIN:
        return step_plain(splitter, text, wait);
    case SPLIT_STRING:
        step_quote(splitter, text, '\'');
        break;
    case SPLIT_ESCAPE_STRING:
        step_escape_string(splitter, text, wait);
        break;
    case SPLIT_NAME:
        step_quote(splitter, text, '"');
        break;
    case SPLIT_DOLLAR:
        step_dollar(splitter, text, wait);
        break;
    case SPLIT_LINE_COMMENT:
        step_quote(splitter, text, '\n');
        break;
    case SPLIT_BLOCK_COMMENT:
        step_block_comment(splitter, text, wait);
        break;
    }
    return false;
}

bool splitter_next(Splitter *splitter, Slice text, Slice *statement)
{
    bool wait = false;
    while (splitter->at < text.size && !wait) {
        if (!step(splitter, text, &wait))
            continue;
        size_t end = splitter->at++;
        bool has_text = splitter->has_text;
        splitter->has_text = false;
        if (has_text) {
            *statement = slice_trim(slice_part(text, splitter->begin, end - splitter->begin));
            return true;
        }
    }
    return false;
}

bool splitter_rest(Splitter *splitter, Slice text, Slice *statement)
{
    bool is_lone = splitter->at < text.size && splitter->state == SPLIT_PLAIN;
    if (is_lone)
        mark_text(splitter); /* a '-' or the like that waited for its neighbour */
    if (!splitter->has_text)
        return false;
    *statement = slice_trim(slice_part(text, splitter->begin, text.size));
    *splitter = (Splitter){.at = text.size, .has_parameter = splitter->has_parameter};
    return statement->size > 0;
}

char splitter_prompt(const Splitter *splitter)
{
    switch (splitter->state) {
    case SPLIT_STRING:
    case SPLIT_ESCAPE_STRING:
        return '\'';
    case SPLIT_NAME:
        return '"';
    case SPLIT_DOLLAR:
        return '$';
    case SPLIT_BLOCK_COMMENT:
        return '*';
    case SPLIT_PLAIN:
    case SPLIT_LINE_COMMENT:
        break;
    }
    return splitter->has_text ? '-' : '=';
}

bool statement_begins_with(Slice statement, const char *word)
{
    size_t size = 0;
    while (size < statement.size && continues_name(statement.data[size]))
        size++;
    return slice_equal_ignoring_case(slice_part(statement, 0, size), slice_of_text(word));
}
