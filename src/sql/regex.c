#include "sql/regex.h"

#include "base/buffer.h"

enum {
    REGEX_POSITIONS_MAX = 256, /* characters and classes of a pattern whose extent matters */
    REGEX_DEPTH_MAX = 50,
    REGEX_REPEAT_MAX = 255,
};

/* Which characters a position reads: ASCII by bits, all others as one. */
typedef struct CharacterSet {
    uint64_t ascii[2];
    bool others;
} CharacterSet;

typedef struct PositionSet {
    uint64_t bits[REGEX_POSITIONS_MAX / 64];
} PositionSet;

/* A part of the pattern, as Glushkov's construction sees it. */
typedef struct Part {
    bool nullable;
    bool is_single; /* one character or class */
    bool is_flat;   /* a row of quantified single ones */
    PositionSet first;
    PositionSet last;
} Part;

typedef struct Regex {
    Slice text;
    size_t at;
    RegexOptions options;
    Buffer out;
    uint32_t depth;
    uint32_t group_count;
    uint32_t position_count;
    bool has_lazy;
    bool has_optional_group;
    CharacterSet sets[REGEX_POSITIONS_MAX];
    PositionSet follow[REGEX_POSITIONS_MAX];
} Regex;

/* ---- sets ---- */

static void add_character(CharacterSet *set, uint32_t c)
{
    if (c < 128)
        set->ascii[c / 64] |= 1ull << (c % 64);
    else
        set->others = true;
}

static void add_range(CharacterSet *set, uint32_t from, uint32_t to)
{
    for (uint32_t c = from; c <= to && c < 128; c++)
        add_character(set, c);
    if (to >= 128)
        set->others = true;
}

static void complement(CharacterSet *set)
{
    set->ascii[0] = ~set->ascii[0];
    set->ascii[1] = ~set->ascii[1];
    set->others = true; /* not exact, which only makes it refuse more */
}

static bool sets_meet(const CharacterSet *a, const CharacterSet *b)
{
    return (a->ascii[0] & b->ascii[0]) || (a->ascii[1] & b->ascii[1]) || (a->others && b->others);
}

static void join(PositionSet *into, const PositionSet *from)
{
    for (size_t i = 0; i < sizeof into->bits / sizeof into->bits[0]; i++)
        into->bits[i] |= from->bits[i];
}

static bool has(const PositionSet *set, uint32_t position)
{
    return (set->bits[position / 64] >> (position % 64)) & 1;
}

static void connect(Regex *regex, const PositionSet *from, const PositionSet *to)
{
    for (uint32_t p = 0; p < regex->position_count && p < REGEX_POSITIONS_MAX; p++) {
        if (has(from, p))
            join(&regex->follow[p], to);
    }
}

/* ---- errors ---- */

static Status invalid(Error *error, const char *why)
{
    return error_set(error, STATUS_INVALID_REGULAR_EXPRESSION, "invalid regular expression: %s",
                     why);
}

static Status unsupported(Error *error, const char *what)
{
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "%s in regular expressions is not supported", what);
}

/* ---- reading ---- */

static bool at_end(const Regex *regex)
{
    return regex->at >= regex->text.size;
}

static uint8_t peek(const Regex *regex, size_t ahead)
{
    return regex->at + ahead < regex->text.size ? regex->text.data[regex->at + ahead] : 0;
}

static bool eat(Regex *regex, uint8_t c)
{
    if (at_end(regex) || peek(regex, 0) != c)
        return false;
    regex->at++;
    return true;
}

/* One character of UTF-8 (the statement's text was checked). */
static Slice next_character(Regex *regex, uint32_t *code)
{
    const uint8_t *start = regex->text.data + regex->at;
    size_t size = 1;
    while (regex->at + size < regex->text.size && (start[size] & 0xc0) == 0x80)
        size++;
    *code = size == 1 ? start[0] : 0x80;
    regex->at += size;
    return slice_of(start, size);
}

static void put_quoted(Regex *regex, Slice character)
{
    static const char SPECIAL[] = "\\.+*?()|[]{}^$-/&~#";
    bool is_special = character.size == 1 && strchr(SPECIAL, character.data[0]) != NULL;
    if (is_special)
        buffer_put_u8(&regex->out, '\\');
    buffer_put_slice(&regex->out, character);
}

/* ---- positions ---- */

static Status single(Regex *regex, const CharacterSet *set, Part *out, Error *error)
{
    *out = (Part){.is_single = true, .is_flat = true};
    uint32_t position = regex->position_count++;
    if (position >= REGEX_POSITIONS_MAX)
        return regex->options.needs_extent ? unsupported(error, "so long a pattern") : OK;
    regex->sets[position] = *set;
    out->first.bits[position / 64] = 1ull << (position % 64);
    out->last = out->first;
    return OK;
}

static Part empty_part(void)
{
    return (Part){.nullable = true, .is_flat = true};
}

/* ---- classes ---- */

typedef struct NamedClass {
    const char *name;
    const char *text;  /* inside brackets */
    const char *ascii; /* pairs of bounds */
    bool others;
} NamedClass;

static const NamedClass CLASSES[] = {
    {"alpha", "\\p{L}", "azAZ", true},
    {"alnum", "\\p{L}\\p{Nd}", "azAZ09", true},
    {"digit", "0-9", "09", false},
    {"lower", "\\p{Ll}", "az", true},
    {"upper", "\\p{Lu}", "AZ", true},
    {"space", "\\s\\x{0b}", "\t\r  ", false},
    {"blank", " \\t", "\t\t  ", false},
    {"xdigit", "0-9A-Fa-f", "09afAF", false},
    {"punct", "!-/:-@\\[-`{-~", "!/:@[`{~", false},
    {"word", "\\p{L}\\p{Nd}_", "azAZ09__", true},
};

static void put_class(Regex *regex, const NamedClass *named, CharacterSet *set)
{
    buffer_put_text(&regex->out, named->text);
    for (const char *pair = named->ascii; *pair != 0; pair += 2)
        add_range(set, (uint8_t)pair[0], (uint8_t)pair[1]);
    set->others = set->others || named->others;
}

static const NamedClass *class_of_escape(uint8_t c)
{
    const char *name = c == 'd' ? "digit" : c == 's' ? "space" : c == 'w' ? "word" : NULL;
    for (size_t i = 0; name != NULL && i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if (strcmp(CLASSES[i].name, name) == 0)
            return &CLASSES[i];
    }
    return NULL;
}

static Status named_class(Regex *regex, CharacterSet *set, Error *error)
{
    size_t from = regex->at;
    while (!at_end(regex) && peek(regex, 0) != ':')
        regex->at++;
    Slice name = slice_of(regex->text.data + from, regex->at - from);
    if (!eat(regex, ':') || !eat(regex, ']'))
        return invalid(error, "brackets [] not balanced");
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if (slice_equal_text(name, CLASSES[i].name)) {
            put_class(regex, &CLASSES[i], set);
            return OK;
        }
    }
    return invalid(error, "invalid character class");
}

/* The character behind a backslash, where it stands for itself or for a control character. */
static Status escaped_character(Regex *regex, uint8_t c, uint32_t *code, Error *error)
{
    static const char NAMES[] = "abefnrtv";
    static const uint8_t CODES[] = {7, 8, 27, 12, 10, 13, 9, 11};
    const char *found = c == 0 ? NULL : strchr(NAMES, c);
    if (found != NULL) {
        *code = CODES[found - NAMES];
        return OK;
    }
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    (void)regex;
    if (is_word)
        return c >= '1' && c <= '9' ? unsupported(error, "a back-reference")
                                    : unsupported(error, "this escape");
    *code = c;
    return OK;
}

static void put_code(Regex *regex, uint32_t code)
{
    uint8_t c = (uint8_t)code;
    if (code < 32)
        buffer_put_format(&regex->out, "\\x{%02x}", code);
    else
        put_quoted(regex, slice_of(&c, 1));
}

static Status bracket_escape(Regex *regex, CharacterSet *set, uint32_t *code, bool *is_class,
                             Error *error)
{
    uint8_t c = peek(regex, 0);
    const NamedClass *named = class_of_escape(c);
    regex->at++;
    *is_class = named != NULL;
    if (named != NULL) {
        put_class(regex, named, set);
        return OK;
    }
    TRY(escaped_character(regex, c, code, error));
    put_code(regex, *code);
    return OK;
}

/* One member of a bracket; its code for ranges. */
static Status bracket_member(Regex *regex, CharacterSet *set, uint32_t *code, bool *is_class,
                             Error *error)
{
    *is_class = false;
    if (peek(regex, 0) == '[' && peek(regex, 1) == ':') {
        regex->at += 2;
        *is_class = true;
        return named_class(regex, set, error);
    }
    if (peek(regex, 0) == '[' && (peek(regex, 1) == '.' || peek(regex, 1) == '='))
        return unsupported(error, "a collating element");
    if (eat(regex, '\\'))
        return bracket_escape(regex, set, code, is_class, error);
    put_quoted(regex, next_character(regex, code));
    return OK;
}

static Status bracket_range(Regex *regex, CharacterSet *set, Error *error)
{
    uint32_t from = 0;
    uint32_t to = 0;
    bool is_class;
    TRY(bracket_member(regex, set, &from, &is_class, error));
    bool is_range =
        !is_class && peek(regex, 0) == '-' && peek(regex, 1) != ']' && peek(regex, 1) != 0;
    if (!is_range) {
        if (!is_class)
            add_character(set, from);
        return OK;
    }
    regex->at++;
    buffer_put_u8(&regex->out, '-');
    TRY(bracket_member(regex, set, &to, &is_class, error));
    if (is_class || to < from)
        return invalid(error, "invalid character range");
    add_range(set, from, to);
    return OK;
}

static Status bracket(Regex *regex, Part *out, Error *error)
{
    CharacterSet set = {{0, 0}, false};
    bool negated = eat(regex, '^');
    buffer_put_text(&regex->out, negated ? "[^" : "[");
    bool first = true;
    while (first || peek(regex, 0) != ']') {
        if (at_end(regex))
            return invalid(error, "brackets [] not balanced");
        if (first && peek(regex, 0) == ']') {
            regex->at++;
            buffer_put_text(&regex->out, "\\]");
            add_character(&set, ']');
        } else {
            TRY(bracket_range(regex, &set, error));
        }
        first = false;
    }
    regex->at++;
    buffer_put_u8(&regex->out, ']');
    if (negated)
        complement(&set);
    return single(regex, &set, out, error);
}

/* ---- atoms ---- */

static Status parse_choice(Regex *regex, Part *out, Error *error);

static Status group(Regex *regex, Part *out, Error *error)
{
    bool captures = true;
    if (eat(regex, '?')) {
        if (!eat(regex, ':'))
            return unsupported(error, "look-around");
        captures = false;
    }
    regex->group_count += captures;
    buffer_put_text(&regex->out, captures ? "(" : "(?:");
    if (++regex->depth > REGEX_DEPTH_MAX)
        return unsupported(error, "so deep a pattern");
    TRY(parse_choice(regex, out, error));
    regex->depth--;
    if (!eat(regex, ')'))
        return invalid(error, "parentheses () not balanced");
    buffer_put_u8(&regex->out, ')');
    out->is_single = false;
    return OK;
}

static bool is_word_character(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* \m and \M are word boundaries that say on which side the word is; RE2 knows only that there is
 * one. Beside a letter of the pattern that is the same. */
static Status boundary(Regex *regex, uint8_t c, Part *out, Error *error)
{
    uint8_t before = regex->at >= 3 ? regex->text.data[regex->at - 3] : 0;
    bool beside_word = c == 'm' ? is_word_character(peek(regex, 0)) : is_word_character(before);
    if (c != 'y' && !beside_word)
        return unsupported(error, "\\m or \\M that is not beside a letter");
    buffer_put_text(&regex->out, "\\b");
    *out = empty_part();
    return OK;
}

static Status escape(Regex *regex, Part *out, Error *error)
{
    if (at_end(regex))
        return invalid(error, "invalid escape \\ sequence");
    uint8_t c = peek(regex, 0);
    uint32_t code = 0;
    CharacterSet set = {{0, 0}, false};
    const NamedClass *named = class_of_escape(c);
    const NamedClass *negated = class_of_escape((uint8_t)(c | 32));
    if (c >= 0x80) {
        put_quoted(regex, next_character(regex, &code));
        add_character(&set, code);
        return single(regex, &set, out, error);
    }
    regex->at++;
    if (c == 'm' || c == 'M' || c == 'y')
        return boundary(regex, c, out, error);
    if (c == 'A' || c == 'Z') {
        buffer_put_text(&regex->out, c == 'A' ? "\\A" : "\\z");
        *out = empty_part();
        return OK;
    }
    if (named != NULL || negated != NULL) {
        buffer_put_text(&regex->out, named != NULL ? "[" : "[^");
        put_class(regex, named != NULL ? named : negated, &set);
        buffer_put_u8(&regex->out, ']');
        if (named == NULL)
            complement(&set);
        return single(regex, &set, out, error);
    }
    TRY(escaped_character(regex, c, &code, error));
    put_code(regex, code);
    add_character(&set, code);
    return single(regex, &set, out, error);
}

static Status anchor(Regex *regex, const char *text, Part *out)
{
    regex->at++;
    buffer_put_text(&regex->out, text);
    *out = empty_part();
    return OK;
}

static Status any_character(Regex *regex, Part *out, Error *error)
{
    CharacterSet set = {{UINT64_MAX, UINT64_MAX}, true};
    regex->at++;
    buffer_put_u8(&regex->out, '.');
    return single(regex, &set, out, error);
}

static Status plain_character(Regex *regex, Part *out, Error *error)
{
    CharacterSet set = {{0, 0}, false};
    uint32_t code;
    put_quoted(regex, next_character(regex, &code));
    add_character(&set, code);
    if (regex->options.ignore_case && code < 128)
        add_character(&set, code ^ 32);
    return single(regex, &set, out, error);
}

static Status parse_atom(Regex *regex, Part *out, Error *error)
{
    switch (peek(regex, 0)) {
    case '(':
        regex->at++;
        return group(regex, out, error);
    case '[':
        regex->at++;
        return bracket(regex, out, error);
    case '\\':
        regex->at++;
        return escape(regex, out, error);
    case '.':
        return any_character(regex, out, error);
    case '^':
        return anchor(regex, "^", out);
    case '$':
        return anchor(regex, "$", out);
    case '*':
    case '+':
    case '?':
        return invalid(error, "quantifier operand invalid");
    default:
        return plain_character(regex, out, error);
    }
}

/* ---- quantifiers ---- */

typedef struct Quantifier {
    int minimum;
    int maximum; /* -1: any number */
} Quantifier;

static bool read_number(Regex *regex, int *out)
{
    size_t from = regex->at;
    *out = 0;
    while (peek(regex, 0) >= '0' && peek(regex, 0) <= '9' && *out <= REGEX_REPEAT_MAX)
        *out = *out * 10 + (regex->text.data[regex->at++] - '0');
    return regex->at > from;
}

static Status read_bounds(Regex *regex, Quantifier *out, Error *error)
{
    if (!read_number(regex, &out->minimum))
        return invalid(error, "invalid repetition count(s)");
    out->maximum = out->minimum;
    if (eat(regex, ',') && !read_number(regex, &out->maximum))
        out->maximum = -1;
    if (!eat(regex, '}'))
        return invalid(error, "braces {} not balanced");
    bool is_wrong = out->minimum > REGEX_REPEAT_MAX || out->maximum > REGEX_REPEAT_MAX ||
                    (out->maximum >= 0 && out->maximum < out->minimum);
    return is_wrong ? invalid(error, "invalid repetition count(s)") : OK;
}

static Status read_quantifier(Regex *regex, bool *is_there, Quantifier *out, Error *error)
{
    *is_there = true;
    uint8_t c = peek(regex, 0);
    bool is_brace = c == '{' && peek(regex, 1) >= '0' && peek(regex, 1) <= '9';
    if (c == '*' || c == '+' || c == '?') {
        regex->at++;
        out->minimum = c == '+';
        out->maximum = c == '?' ? 1 : -1;
        return OK;
    }
    if (is_brace) {
        regex->at++;
        return read_bounds(regex, out, error);
    }
    *is_there = false;
    return OK;
}

static void put_quantifier(Regex *regex, const Quantifier *quantifier)
{
    if (quantifier->minimum == 0 && quantifier->maximum == -1)
        buffer_put_u8(&regex->out, '*');
    else if (quantifier->minimum == 1 && quantifier->maximum == -1)
        buffer_put_u8(&regex->out, '+');
    else if (quantifier->minimum == 0 && quantifier->maximum == 1)
        buffer_put_u8(&regex->out, '?');
    else if (quantifier->maximum == -1)
        buffer_put_format(&regex->out, "{%d,}", quantifier->minimum);
    else
        buffer_put_format(&regex->out, "{%d,%d}", quantifier->minimum, quantifier->maximum);
}

static Status parse_piece(Regex *regex, Part *out, Error *error)
{
    bool is_there;
    Quantifier quantifier;
    uint32_t groups = regex->group_count;
    TRY(parse_atom(regex, out, error));
    TRY(read_quantifier(regex, &is_there, &quantifier, error));
    if (!is_there)
        return OK;
    put_quantifier(regex, &quantifier);
    if (eat(regex, '?')) {
        buffer_put_u8(&regex->out, '?');
        regex->has_lazy = true;
    }
    uint8_t next = peek(regex, 0);
    if (next == '*' || next == '+' || next == '?')
        return invalid(error, "quantifier operand invalid");
    if (quantifier.maximum != 1)
        connect(regex, &out->last, &out->first);
    if (quantifier.minimum == 0 && regex->group_count > groups)
        regex->has_optional_group = true;
    out->nullable = out->nullable || quantifier.minimum == 0;
    out->is_flat = out->is_single;
    out->is_single = false;
    return OK;
}

/* ---- rows and choices ---- */

static Status parse_row(Regex *regex, Part *out, Error *error)
{
    *out = empty_part();
    while (!at_end(regex) && peek(regex, 0) != '|' && peek(regex, 0) != ')') {
        Part piece;
        TRY(parse_piece(regex, &piece, error));
        connect(regex, &out->last, &piece.first);
        if (out->nullable)
            join(&out->first, &piece.first);
        if (piece.nullable)
            join(&out->last, &piece.last);
        else
            out->last = piece.last;
        out->nullable = out->nullable && piece.nullable;
        out->is_flat = out->is_flat && piece.is_flat;
    }
    return OK;
}

static Status parse_choice(Regex *regex, Part *out, Error *error)
{
    uint32_t groups = regex->group_count;
    TRY(parse_row(regex, out, error));
    while (eat(regex, '|')) {
        Part other;
        buffer_put_u8(&regex->out, '|');
        TRY(parse_row(regex, &other, error));
        join(&out->first, &other.first);
        join(&out->last, &other.last);
        out->nullable = out->nullable || other.nullable;
        out->is_flat = false;
        out->is_single = false;
        regex->has_optional_group = regex->has_optional_group || regex->group_count > groups;
    }
    return OK;
}

/* ---- is there one way to read every text? ---- */

static bool is_unambiguous_set(const Regex *regex, const PositionSet *set)
{
    for (uint32_t a = 0; a < regex->position_count; a++) {
        for (uint32_t b = a + 1; has(set, a) && b < regex->position_count; b++) {
            if (has(set, b) && sets_meet(&regex->sets[a], &regex->sets[b]))
                return false;
        }
    }
    return true;
}

static bool is_unambiguous(const Regex *regex, const Part *whole)
{
    if (!is_unambiguous_set(regex, &whole->first))
        return false;
    for (uint32_t p = 0; p < regex->position_count; p++) {
        if (!is_unambiguous_set(regex, &regex->follow[p]))
            return false;
    }
    return true;
}

static Status parse_whole(Regex *regex, Error *error)
{
    Part whole;
    bool has_director =
        slice_starts_with(regex->text, SLICE("***")) || slice_starts_with(regex->text, SLICE("(?"));
    bool is_group = slice_starts_with(regex->text, SLICE("(?:"));
    if (has_director && !is_group)
        return unsupported(error, "an embedded option");
    buffer_put_text(&regex->out, regex->options.ignore_case ? "(?si)" : "(?s)");
    TRY(parse_choice(regex, &whole, error));
    if (!at_end(regex))
        return invalid(error, "parentheses () not balanced");
    if (!regex->options.needs_extent)
        return OK;
    if (regex->has_lazy)
        return unsupported(error, "a non-greedy quantifier here");
    if (!whole.is_flat && !is_unambiguous(regex, &whole))
        return unsupported(error, "a pattern that can match in more than one way, here,");
    return OK;
}

Status regex_translate(Arena *arena, Slice pattern, RegexOptions options, TranslatedRegex *out,
                       Error *error)
{
    Regex *regex = ARENA_NEW(arena, Regex);
    if (regex == NULL)
        return arena_error(arena, error);
    regex->text = pattern;
    regex->options = options;
    buffer_open(&regex->out, 0);
    Status status = parse_whole(regex, error);
    if (status == OK)
        status = buffer_status(&regex->out, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(&regex->out), &out->pattern, error);
    buffer_close(&regex->out);
    out->group_count = regex->group_count;
    out->has_optional_group = regex->has_optional_group;
    return status;
}
