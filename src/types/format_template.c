#include "types/format_int.h"

#define WORD(text, name, ...)             \
    {                                     \
        text, PATTERN_##name, __VA_ARGS__ \
    }
#define UPPER     CASE_UPPER
#define TITLE     CASE_TITLE
#define LOWER     CASE_LOWER
#define GREGORIAN CONVENTION_GREGORIAN
#define ISO_WEEK  CONVENTION_ISO_WEEK

/* Where one word begins another the longer stands first: the first that fits is taken. */
static const PatternWord datetime_words[] = {
    WORD("A.D.", ERA_DOTS, UPPER, 0, false, 0),
    WORD("A.M.", MERIDIEM_DOTS, UPPER, 0, false, 0),
    WORD("AD", ERA, UPPER, 0, false, 0),
    WORD("AM", MERIDIEM, UPPER, 0, false, 0),
    WORD("B.C.", ERA_DOTS, UPPER, 0, false, 0),
    WORD("BC", ERA, UPPER, 0, false, 0),
    WORD("CC", CENTURY, UPPER, 0, true, 0),
    WORD("DAY", DAY_NAME, UPPER, 0, false, 0),
    WORD("DDD", DAY_OF_YEAR, UPPER, 0, true, GREGORIAN),
    WORD("DD", DAY, UPPER, 0, true, GREGORIAN),
    WORD("DY", DAY_SHORT, UPPER, 0, false, 0),
    WORD("Day", DAY_NAME, TITLE, 0, false, 0),
    WORD("Dy", DAY_SHORT, TITLE, 0, false, 0),
    WORD("D", DAY_OF_WEEK, UPPER, 0, true, GREGORIAN),
    WORD("FF1", FRACTION, UPPER, 1, false, 0),
    WORD("FF2", FRACTION, UPPER, 2, false, 0),
    WORD("FF3", FRACTION, UPPER, 3, false, 0),
    WORD("FF4", FRACTION, UPPER, 4, false, 0),
    WORD("FF5", FRACTION, UPPER, 5, false, 0),
    WORD("FF6", FRACTION, UPPER, 6, false, 0),
    WORD("FX", EXACT, UPPER, 0, false, 0),
    WORD("HH24", HOUR_24, UPPER, 0, true, 0),
    WORD("HH12", HOUR_12, UPPER, 0, true, 0),
    WORD("HH", HOUR_12, UPPER, 0, true, 0),
    WORD("IDDD", ISO_DAY_OF_YEAR, UPPER, 0, true, ISO_WEEK),
    WORD("ID", ISO_DAY_OF_WEEK, UPPER, 0, true, ISO_WEEK),
    WORD("IW", ISO_WEEK, UPPER, 0, true, ISO_WEEK),
    WORD("IYYY", ISO_YEAR, UPPER, 4, true, ISO_WEEK),
    WORD("IYY", ISO_YEAR, UPPER, 3, true, ISO_WEEK),
    WORD("IY", ISO_YEAR, UPPER, 2, true, ISO_WEEK),
    WORD("I", ISO_YEAR, UPPER, 1, true, ISO_WEEK),
    WORD("J", JULIAN, UPPER, 0, true, 0),
    WORD("MI", MINUTE, UPPER, 0, true, 0),
    WORD("MM", MONTH, UPPER, 0, true, GREGORIAN),
    WORD("MONTH", MONTH_NAME, UPPER, 0, false, GREGORIAN),
    WORD("MON", MONTH_SHORT, UPPER, 0, false, GREGORIAN),
    WORD("MS", MILLISECOND, UPPER, 3, true, 0),
    WORD("Month", MONTH_NAME, TITLE, 0, false, GREGORIAN),
    WORD("Mon", MONTH_SHORT, TITLE, 0, false, GREGORIAN),
    WORD("OF", OFFSET, UPPER, 0, false, 0),
    WORD("P.M.", MERIDIEM_DOTS, UPPER, 0, false, 0),
    WORD("PM", MERIDIEM, UPPER, 0, false, 0),
    WORD("Q", QUARTER, UPPER, 0, true, 0),
    WORD("RM", MONTH_ROMAN, UPPER, 0, false, GREGORIAN),
    WORD("SSSSS", SECOND_OF_DAY, UPPER, 0, true, 0),
    WORD("SSSS", SECOND_OF_DAY, UPPER, 0, true, 0),
    WORD("SS", SECOND, UPPER, 0, true, 0),
    WORD("TZH", ZONE_HOUR, UPPER, 0, false, 0),
    WORD("TZM", ZONE_MINUTE, UPPER, 0, true, 0),
    WORD("TZ", ZONE, UPPER, 0, false, 0),
    WORD("US", MICROSECOND, UPPER, 6, true, 0),
    WORD("WW", WEEK_OF_YEAR, UPPER, 0, true, GREGORIAN),
    WORD("W", WEEK_OF_MONTH, UPPER, 0, true, GREGORIAN),
    WORD("Y,YYY", YEAR_COMMA, UPPER, 4, true, GREGORIAN),
    WORD("YYYY", YEAR, UPPER, 4, true, GREGORIAN),
    WORD("YYY", YEAR, UPPER, 3, true, GREGORIAN),
    WORD("YY", YEAR, UPPER, 2, true, GREGORIAN),
    WORD("Y", YEAR, UPPER, 1, true, GREGORIAN),
    WORD("a.d.", ERA_DOTS, LOWER, 0, false, 0),
    WORD("a.m.", MERIDIEM_DOTS, LOWER, 0, false, 0),
    WORD("ad", ERA, LOWER, 0, false, 0),
    WORD("am", MERIDIEM, LOWER, 0, false, 0),
    WORD("b.c.", ERA_DOTS, LOWER, 0, false, 0),
    WORD("bc", ERA, LOWER, 0, false, 0),
    WORD("cc", CENTURY, LOWER, 0, true, 0),
    WORD("day", DAY_NAME, LOWER, 0, false, 0),
    WORD("ddd", DAY_OF_YEAR, LOWER, 0, true, GREGORIAN),
    WORD("dd", DAY, LOWER, 0, true, GREGORIAN),
    WORD("dy", DAY_SHORT, LOWER, 0, false, 0),
    WORD("d", DAY_OF_WEEK, LOWER, 0, true, GREGORIAN),
    WORD("ff1", FRACTION, LOWER, 1, false, 0),
    WORD("ff2", FRACTION, LOWER, 2, false, 0),
    WORD("ff3", FRACTION, LOWER, 3, false, 0),
    WORD("ff4", FRACTION, LOWER, 4, false, 0),
    WORD("ff5", FRACTION, LOWER, 5, false, 0),
    WORD("ff6", FRACTION, LOWER, 6, false, 0),
    WORD("fx", EXACT, LOWER, 0, false, 0),
    WORD("hh24", HOUR_24, LOWER, 0, true, 0),
    WORD("hh12", HOUR_12, LOWER, 0, true, 0),
    WORD("hh", HOUR_12, LOWER, 0, true, 0),
    WORD("iddd", ISO_DAY_OF_YEAR, LOWER, 0, true, ISO_WEEK),
    WORD("id", ISO_DAY_OF_WEEK, LOWER, 0, true, ISO_WEEK),
    WORD("iw", ISO_WEEK, LOWER, 0, true, ISO_WEEK),
    WORD("iyyy", ISO_YEAR, LOWER, 4, true, ISO_WEEK),
    WORD("iyy", ISO_YEAR, LOWER, 3, true, ISO_WEEK),
    WORD("iy", ISO_YEAR, LOWER, 2, true, ISO_WEEK),
    WORD("i", ISO_YEAR, LOWER, 1, true, ISO_WEEK),
    WORD("j", JULIAN, LOWER, 0, true, 0),
    WORD("mi", MINUTE, LOWER, 0, true, 0),
    WORD("mm", MONTH, LOWER, 0, true, GREGORIAN),
    WORD("month", MONTH_NAME, LOWER, 0, false, GREGORIAN),
    WORD("mon", MONTH_SHORT, LOWER, 0, false, GREGORIAN),
    WORD("ms", MILLISECOND, LOWER, 3, true, 0),
    WORD("of", OFFSET, LOWER, 0, false, 0),
    WORD("p.m.", MERIDIEM_DOTS, LOWER, 0, false, 0),
    WORD("pm", MERIDIEM, LOWER, 0, false, 0),
    WORD("q", QUARTER, LOWER, 0, true, 0),
    WORD("rm", MONTH_ROMAN, LOWER, 0, false, GREGORIAN),
    WORD("sssss", SECOND_OF_DAY, LOWER, 0, true, 0),
    WORD("ssss", SECOND_OF_DAY, LOWER, 0, true, 0),
    WORD("ss", SECOND, LOWER, 0, true, 0),
    WORD("tzh", ZONE_HOUR, LOWER, 0, false, 0),
    WORD("tzm", ZONE_MINUTE, LOWER, 0, true, 0),
    WORD("tz", ZONE, LOWER, 0, false, 0),
    WORD("us", MICROSECOND, LOWER, 6, true, 0),
    WORD("ww", WEEK_OF_YEAR, LOWER, 0, true, GREGORIAN),
    WORD("w", WEEK_OF_MONTH, LOWER, 0, true, GREGORIAN),
    WORD("y,yyy", YEAR_COMMA, LOWER, 4, true, GREGORIAN),
    WORD("yyyy", YEAR, LOWER, 4, true, GREGORIAN),
    WORD("yyy", YEAR, LOWER, 3, true, GREGORIAN),
    WORD("yy", YEAR, LOWER, 2, true, GREGORIAN),
    WORD("y", YEAR, LOWER, 1, true, GREGORIAN),
};

/* ---- taking a template apart ---- */

typedef struct Parser {
    Slice text;
    size_t at;
    const PatternWord *words;
    size_t word_count;
    bool is_datetime;
    FormatNode *nodes;
    size_t count;
} Parser;

static bool take_word(Parser *parser, const char *word)
{
    Slice wanted = slice_of_text(word);
    if (!slice_equal(slice_part(parser->text, parser->at, wanted.size), wanted))
        return false;
    parser->at += wanted.size;
    return true;
}

static const PatternWord *find_pattern(Parser *parser)
{
    for (size_t i = 0; i < parser->word_count; i++) {
        if (take_word(parser, parser->words[i].text))
            return &parser->words[i];
    }
    return NULL;
}

static void add_character(Parser *parser, bool is_quoted)
{
    size_t size = text_step(parser->text, parser->at);
    Slice character = slice_part(parser->text, parser->at, size);
    uint8_t c = character.data[0];
    bool is_separator = c > ' ' && c < 0x7f && !text_is_letter(c) && !text_is_digit(c);
    FormatNode node = {.kind = NODE_CHARACTER, .character = character};
    if (!is_quoted && parser->is_datetime && is_separator)
        node.kind = NODE_SEPARATOR;
    else if (!is_quoted && text_is_space(c))
        node.kind = NODE_SPACE;
    parser->nodes[parser->count++] = node;
    parser->at += size;
}

/* Behind the opening quote; a backslash takes the next character as it is. */
static void parse_quoted(Parser *parser)
{
    while (parser->at < parser->text.size) {
        uint8_t c = parser->text.data[parser->at];
        if (c == '"') {
            parser->at++;
            return;
        }
        if (c == '\\' && parser->at + 1 < parser->text.size)
            parser->at++;
        add_character(parser, true);
    }
}

static uint8_t take_prefix(Parser *parser)
{
    if (take_word(parser, "FM") || take_word(parser, "fm"))
        return SUFFIX_FILL;
    bool is_locale = take_word(parser, "TM") || take_word(parser, "tm");
    return is_locale ? SUFFIX_LOCALE : 0; /* which is C here */
}

static uint8_t take_suffix(Parser *parser)
{
    if (take_word(parser, "TH"))
        return SUFFIX_TH_UPPER;
    if (take_word(parser, "th"))
        return SUFFIX_TH_LOWER;
    (void)take_word(parser, "SP"); /* spelling, which PostgreSQL never did */
    return 0;
}

static void parse_node(Parser *parser)
{
    uint8_t suffix = parser->is_datetime ? take_prefix(parser) : 0;
    if (parser->at == parser->text.size)
        return;
    const PatternWord *word = find_pattern(parser);
    if (word != NULL) {
        suffix |= parser->is_datetime ? take_suffix(parser) : 0;
        parser->nodes[parser->count++] =
            (FormatNode){.kind = NODE_PATTERN, .suffix = suffix, .word = word};
        return;
    }
    uint8_t c = parser->text.data[parser->at];
    if (c == '"') {
        parser->at++;
        parse_quoted(parser);
        return;
    }
    bool escapes_quote =
        c == '\\' && parser->at + 1 < parser->text.size && parser->text.data[parser->at + 1] == '"';
    if (escapes_quote)
        parser->at++;
    add_character(parser, false);
}

Status format_parse(Arena *arena, Slice text, const PatternWord *words, size_t word_count,
                    bool is_datetime, FormatTemplate *out, Error *error)
{
    Parser parser = {.text = text,
                     .words = words,
                     .word_count = word_count,
                     .is_datetime = is_datetime,
                     .nodes = ARENA_ARRAY(arena, FormatNode, text.size)};
    if (parser.nodes == NULL)
        return arena_error(arena, error);
    while (parser.at < text.size)
        parse_node(&parser);
    *out = (FormatTemplate){parser.nodes, parser.count};
    return OK;
}

Status format_parse_datetime(Arena *arena, Slice text, FormatTemplate *out, Error *error)
{
    return format_parse(arena, text, datetime_words, sizeof datetime_words / sizeof *datetime_words,
                        true, out, error);
}

/* ---- names ---- */

const char *format_ordinal(Slice number, bool upper)
{
    static const char *const lower_endings[] = {"th", "st", "nd", "rd"};
    static const char *const upper_endings[] = {"TH", "ST", "ND", "RD"};
    size_t size = number.size;
    uint8_t last = size == 0 ? '0' : number.data[size - 1];
    bool is_teen = size > 1 && number.data[size - 2] == '1';
    int ending = is_teen || last < '1' || last > '3' ? 0 : last - '0';
    return upper ? upper_endings[ending] : lower_endings[ending];
}

const char *format_month_name(int month)
{
    static const char *const names[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    return names[month];
}

const char *format_day_name(int weekday)
{
    static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
    return names[weekday];
}

const char *format_roman_month(int month)
{
    static const char *const names[] = {"i",   "ii",   "iii", "iv", "v",  "vi",
                                        "vii", "viii", "ix",  "x",  "xi", "xii"};
    return names[month - 1];
}
