/* The first half of reading dates, times and intervals: fields and words (PostgreSQL's
 * ParseDateTime and its tables of tokens). */
#include <math.h>

#include "types/datetime_int.h"
#include "types/text_int.h"

enum { WORD_BYTES_MAX = 10 }; /* PostgreSQL compares no more of a word (TOKMAXLEN) */

typedef struct Word {
    const char *text;
    uint8_t kind;
    int8_t value;
} Word;

static const Word datetime_words[] = {
    {"-infinity", WORD_SPECIAL, SPECIAL_MINUS_INFINITY},
    {"ad", WORD_ERA, 0},
    {"allballs", WORD_SPECIAL, SPECIAL_ZULU},
    {"am", WORD_MERIDIEM, 1},
    {"apr", WORD_MONTH, 4},
    {"april", WORD_MONTH, 4},
    {"at", WORD_IGNORED, 0},
    {"aug", WORD_MONTH, 8},
    {"august", WORD_MONTH, 8},
    {"bc", WORD_ERA, 1},
    {"d", WORD_UNIT, UNIT_DAY},
    {"dec", WORD_MONTH, 12},
    {"december", WORD_MONTH, 12},
    {"dow", WORD_UNIT, UNIT_DAY_OF_WEEK},
    {"doy", WORD_UNIT, UNIT_DAY_OF_YEAR},
    {"dst", WORD_DAYLIGHT, 0},
    {"epoch", WORD_SPECIAL, SPECIAL_EPOCH},
    {"feb", WORD_MONTH, 2},
    {"february", WORD_MONTH, 2},
    {"fri", WORD_WEEKDAY, 5},
    {"friday", WORD_WEEKDAY, 5},
    {"h", WORD_UNIT, UNIT_HOUR},
    {"infinity", WORD_SPECIAL, SPECIAL_INFINITY},
    {"isodow", WORD_UNIT, UNIT_ISO_DAY_OF_WEEK},
    {"isoyear", WORD_UNIT, UNIT_ISO_YEAR},
    {"j", WORD_UNIT, UNIT_JULIAN},
    {"jan", WORD_MONTH, 1},
    {"january", WORD_MONTH, 1},
    {"jd", WORD_UNIT, UNIT_JULIAN},
    {"jul", WORD_MONTH, 7},
    {"julian", WORD_UNIT, UNIT_JULIAN},
    {"july", WORD_MONTH, 7},
    {"jun", WORD_MONTH, 6},
    {"june", WORD_MONTH, 6},
    {"m", WORD_UNIT, UNIT_MONTH},
    {"mar", WORD_MONTH, 3},
    {"march", WORD_MONTH, 3},
    {"may", WORD_MONTH, 5},
    {"mm", WORD_UNIT, UNIT_MINUTE},
    {"mon", WORD_WEEKDAY, 1},
    {"monday", WORD_WEEKDAY, 1},
    {"nov", WORD_MONTH, 11},
    {"november", WORD_MONTH, 11},
    {"now", WORD_SPECIAL, SPECIAL_NOW},
    {"oct", WORD_MONTH, 10},
    {"october", WORD_MONTH, 10},
    {"on", WORD_IGNORED, 0},
    {"pm", WORD_MERIDIEM, 2},
    {"s", WORD_UNIT, UNIT_SECOND},
    {"sat", WORD_WEEKDAY, 6},
    {"saturday", WORD_WEEKDAY, 6},
    {"sep", WORD_MONTH, 9},
    {"sept", WORD_MONTH, 9},
    {"september", WORD_MONTH, 9},
    {"sun", WORD_WEEKDAY, 0},
    {"sunday", WORD_WEEKDAY, 0},
    {"t", WORD_ISO_TIME, UNIT_TIME},
    {"thu", WORD_WEEKDAY, 4},
    {"thur", WORD_WEEKDAY, 4},
    {"thurs", WORD_WEEKDAY, 4},
    {"thursday", WORD_WEEKDAY, 4},
    {"today", WORD_SPECIAL, SPECIAL_TODAY},
    {"tomorrow", WORD_SPECIAL, SPECIAL_TOMORROW},
    {"tue", WORD_WEEKDAY, 2},
    {"tues", WORD_WEEKDAY, 2},
    {"tuesday", WORD_WEEKDAY, 2},
    {"wed", WORD_WEEKDAY, 3},
    {"wednesday", WORD_WEEKDAY, 3},
    {"weds", WORD_WEEKDAY, 3},
    {"y", WORD_UNIT, UNIT_YEAR},
    {"yesterday", WORD_SPECIAL, SPECIAL_YESTERDAY},
};

static const Word interval_words[] = {
    {"ago", WORD_AGO, 0},
    {"c", WORD_UNIT, UNIT_CENTURY},
    {"cent", WORD_UNIT, UNIT_CENTURY},
    {"centuries", WORD_UNIT, UNIT_CENTURY},
    {"century", WORD_UNIT, UNIT_CENTURY},
    {"d", WORD_UNIT, UNIT_DAY},
    {"day", WORD_UNIT, UNIT_DAY},
    {"days", WORD_UNIT, UNIT_DAY},
    {"dec", WORD_UNIT, UNIT_DECADE},
    {"decade", WORD_UNIT, UNIT_DECADE},
    {"decades", WORD_UNIT, UNIT_DECADE},
    {"decs", WORD_UNIT, UNIT_DECADE},
    {"h", WORD_UNIT, UNIT_HOUR},
    {"hour", WORD_UNIT, UNIT_HOUR},
    {"hours", WORD_UNIT, UNIT_HOUR},
    {"hr", WORD_UNIT, UNIT_HOUR},
    {"hrs", WORD_UNIT, UNIT_HOUR},
    {"m", WORD_UNIT, UNIT_MINUTE},
    {"microsecon", WORD_UNIT, UNIT_MICROSECOND},
    {"mil", WORD_UNIT, UNIT_MILLENNIUM},
    {"millennia", WORD_UNIT, UNIT_MILLENNIUM},
    {"millennium", WORD_UNIT, UNIT_MILLENNIUM},
    {"millisecon", WORD_UNIT, UNIT_MILLISECOND},
    {"mils", WORD_UNIT, UNIT_MILLENNIUM},
    {"min", WORD_UNIT, UNIT_MINUTE},
    {"mins", WORD_UNIT, UNIT_MINUTE},
    {"minute", WORD_UNIT, UNIT_MINUTE},
    {"minutes", WORD_UNIT, UNIT_MINUTE},
    {"mon", WORD_UNIT, UNIT_MONTH},
    {"mons", WORD_UNIT, UNIT_MONTH},
    {"month", WORD_UNIT, UNIT_MONTH},
    {"months", WORD_UNIT, UNIT_MONTH},
    {"ms", WORD_UNIT, UNIT_MILLISECOND},
    {"msec", WORD_UNIT, UNIT_MILLISECOND},
    {"mseconds", WORD_UNIT, UNIT_MILLISECOND},
    {"msecs", WORD_UNIT, UNIT_MILLISECOND},
    {"qtr", WORD_UNIT, UNIT_QUARTER},
    {"quarter", WORD_UNIT, UNIT_QUARTER},
    {"s", WORD_UNIT, UNIT_SECOND},
    {"sec", WORD_UNIT, UNIT_SECOND},
    {"second", WORD_UNIT, UNIT_SECOND},
    {"seconds", WORD_UNIT, UNIT_SECOND},
    {"secs", WORD_UNIT, UNIT_SECOND},
    {"timezone", WORD_UNIT, UNIT_ZONE},
    {"timezone_h", WORD_UNIT, UNIT_ZONE_HOUR},
    {"timezone_m", WORD_UNIT, UNIT_ZONE_MINUTE},
    {"us", WORD_UNIT, UNIT_MICROSECOND},
    {"usec", WORD_UNIT, UNIT_MICROSECOND},
    {"useconds", WORD_UNIT, UNIT_MICROSECOND},
    {"usecs", WORD_UNIT, UNIT_MICROSECOND},
    {"w", WORD_UNIT, UNIT_WEEK},
    {"week", WORD_UNIT, UNIT_WEEK},
    {"weeks", WORD_UNIT, UNIT_WEEK},
    {"y", WORD_UNIT, UNIT_YEAR},
    {"year", WORD_UNIT, UNIT_YEAR},
    {"years", WORD_UNIT, UNIT_YEAR},
    {"yr", WORD_UNIT, UNIT_YEAR},
    {"yrs", WORD_UNIT, UNIT_YEAR},
};

static WordKind find_word(const Word *words, size_t count, Slice word, int *value)
{
    Slice head = slice_part(word, 0, WORD_BYTES_MAX);
    size_t low = 0;
    while (low < count) {
        size_t middle = (low + count) / 2;
        int order = slice_compare(head, slice_of_text(words[middle].text));
        if (order == 0) {
            *value = words[middle].value;
            return (WordKind)words[middle].kind;
        }
        if (order < 0)
            count = middle;
        else
            low = middle + 1;
    }
    return WORD_UNKNOWN;
}

WordKind datetime_word(Slice word, int *value)
{
    return find_word(datetime_words, sizeof datetime_words / sizeof *datetime_words, word, value);
}

WordKind interval_word(Slice word, int *value)
{
    return find_word(interval_words, sizeof interval_words / sizeof *interval_words, word, value);
}

/* ---- fields ---- */

typedef struct Splitter {
    Slice text;
    size_t at;
    DatetimeFields *out;
    size_t size; /* bytes of out->text in use */
    size_t limit;
    bool is_full;
} Splitter;

static uint8_t peek(const Splitter *splitter)
{
    return splitter->at < splitter->text.size ? splitter->text.data[splitter->at] : 0;
}

static void take(Splitter *splitter)
{
    if (splitter->size + 1 >= splitter->limit) {
        splitter->is_full = true;
        splitter->at = splitter->text.size;
        return;
    }
    splitter->out->text[splitter->size++] = (char)text_lower_ascii(peek(splitter));
    splitter->at++;
}

static bool peek_is(const Splitter *splitter, const char *more, bool digits, bool letters)
{
    uint8_t c = peek(splitter);
    return (digits && text_is_digit(c)) || (letters && text_is_letter(c)) ||
           (c != 0 && strchr(more, c) != NULL);
}

static void take_while(Splitter *splitter, const char *more, bool digits, bool letters)
{
    while (peek_is(splitter, more, digits, letters))
        take(splitter);
}

/* "2020-01-05", "1.5", "5-jan-2020": behind the first digits, at the delimiter. */
static FieldKind split_date(Splitter *splitter)
{
    const char delimiter[2] = {(char)peek(splitter), '\0'};
    take(splitter);
    if (!text_is_digit(peek(splitter))) {
        take_while(splitter, delimiter, true, true);
        return FIELD_DATE;
    }
    take_while(splitter, "", true, false);
    if (!peek_is(splitter, delimiter, false, false))
        return delimiter[0] == '.' ? FIELD_NUMBER : FIELD_DATE;
    take_while(splitter, delimiter, true, false);
    return FIELD_DATE;
}

static FieldKind split_number(Splitter *splitter)
{
    take_while(splitter, "", true, false);
    if (peek(splitter) == ':') {
        take_while(splitter, ":.", true, false);
        return FIELD_TIME;
    }
    if (peek_is(splitter, "-/.", false, false))
        return split_date(splitter);
    return FIELD_NUMBER;
}

/* Letters; with punctuation behind them a date, or the name of a zone. */
static FieldKind split_letters(Splitter *splitter, const char *begin)
{
    take_while(splitter, "", false, true);
    bool is_date = peek_is(splitter, "-/.", false, false);
    if (peek_is(splitter, "+", true, false)) {
        int ignored;
        Slice word = slice_of(begin, (size_t)(splitter->out->text + splitter->size - begin));
        is_date = datetime_word(word, &ignored) == WORD_UNKNOWN;
    }
    if (!is_date)
        return FIELD_TEXT;
    take_while(splitter, "+-/_.:", true, true);
    return FIELD_DATE;
}

/* False where nothing may follow a sign here. */
static bool split_signed(Splitter *splitter, FieldKind *kind)
{
    take(splitter);
    while (text_is_space(peek(splitter)))
        splitter->at++;
    if (text_is_digit(peek(splitter))) {
        take_while(splitter, ":.-", true, false);
        *kind = FIELD_ZONE;
        return true;
    }
    *kind = FIELD_SPECIAL;
    bool has_letters = text_is_letter(peek(splitter));
    take_while(splitter, "", false, true);
    return has_letters;
}

static bool is_punctuation(uint8_t c)
{
    return c > ' ' && c < 0x7f && !text_is_digit(c) && !text_is_letter(c);
}

static bool split_field(Splitter *splitter)
{
    DatetimeFields *out = splitter->out;
    if (out->count == DATETIME_FIELDS_MAX)
        return false;
    char *begin = out->text + splitter->size;
    FieldKind kind = FIELD_NUMBER;
    uint8_t c = peek(splitter);
    if (text_is_digit(c)) {
        kind = split_number(splitter);
    } else if (c == '.') {
        take(splitter);
        take_while(splitter, "", true, false);
    } else if (text_is_letter(c)) {
        kind = split_letters(splitter, begin);
    } else if (!split_signed(splitter, &kind)) {
        return false;
    }
    if (splitter->is_full)
        return false;
    out->text[splitter->size++] = '\0';
    out->field[out->count] = begin;
    out->kind[out->count++] = kind;
    return true;
}

bool datetime_split(Slice text, size_t bytes_max, DatetimeFields *out)
{
    Splitter splitter = {.text = text, .out = out};
    splitter.limit = bytes_max < DATETIME_INPUT_BYTES_MAX ? bytes_max : DATETIME_INPUT_BYTES_MAX;
    out->count = 0;
    while (splitter.at < text.size) {
        uint8_t c = peek(&splitter);
        bool begins_field =
            text_is_digit(c) || text_is_letter(c) || c == '.' || c == '+' || c == '-';
        if (begins_field) {
            if (!split_field(&splitter))
                return false;
        } else if (text_is_space(c) || is_punctuation(c)) {
            splitter.at++;
        } else {
            return false;
        }
    }
    return true;
}

/* ---- numbers in fields ---- */

bool datetime_take_int64(const char **at, int64_t *out)
{
    const char *from = *at;
    bool negative = *from == '-';
    if (*from == '-' || *from == '+')
        from++;
    *out = 0;
    if (!text_is_digit((uint8_t)*from))
        return true;
    bool fits = true;
    for (; text_is_digit((uint8_t)*from); from++) {
        int64_t digit = negative ? -(*from - '0') : *from - '0';
        fits = fits && !__builtin_mul_overflow(*out, 10, out) &&
               !__builtin_add_overflow(*out, digit, out);
    }
    *at = from;
    return fits;
}

bool datetime_take_int(const char **at, int *out)
{
    int64_t wide;
    bool fits = datetime_take_int64(at, &wide) && wide >= INT32_MIN && wide <= INT32_MAX;
    *out = fits ? (int)wide : 0;
    return fits;
}

bool datetime_fraction(const char *at, double *out)
{
    *out = 0;
    if (at[1] == '\0')
        return true;
    Slice digits = slice_of_text(at);
    for (size_t i = 1; i < digits.size; i++) {
        if (!text_is_digit(digits.data[i]))
            return false;
    }
    return slice_to_double(digits, out);
}

bool datetime_micros(const char *at, int64_t *out)
{
    double fraction;
    if (!datetime_fraction(at, &fraction))
        return false;
    *out = (int64_t)rint(fraction * (double)MICROS_PER_SECOND);
    return true;
}

enum ClockResult datetime_clock(const char *text, ClockText *out)
{
    const char *at = text;
    *out = (ClockText){0};
    if (!datetime_take_int64(&at, &out->hour))
        return CLOCK_OUT_OF_RANGE;
    if (*at != ':')
        return CLOCK_BAD_FORMAT;
    at++;
    if (!datetime_take_int(&at, &out->minute))
        return CLOCK_OUT_OF_RANGE;
    bool has_seconds = *at == ':';
    if (has_seconds) {
        at++;
        if (!datetime_take_int(&at, &out->second))
            return CLOCK_OUT_OF_RANGE;
    }
    if (*at == '.' && !datetime_micros(at, &out->micro))
        return CLOCK_BAD_FORMAT;
    if (*at == '.' && !has_seconds) { /* mm:ss.ffffff */
        if (out->hour > INT32_MAX)
            return CLOCK_OUT_OF_RANGE;
        *out = (ClockText){0, (int)out->hour, out->minute, out->micro};
    } else if (*at != '.' && *at != '\0') {
        return CLOCK_BAD_FORMAT;
    }
    bool good = out->hour >= 0 && out->minute >= 0 && out->minute < 60 && out->second >= 0 &&
                out->second <= 60;
    return good ? CLOCK_GOOD : CLOCK_OUT_OF_RANGE;
}
