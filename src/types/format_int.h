/* Templates of to_char, to_date and to_timestamp: PostgreSQL's patterns taken apart.
 *
 * Threading: pure functions. Ownership: nodes live in the arena, their texts in the template.
 * Errors: PostgreSQL's. */
#ifndef FIRN_TYPES_FORMAT_INT_H
#define FIRN_TYPES_FORMAT_INT_H

#include "types/calendar_int.h"
#include "types/function_int.h"

typedef enum DatetimePattern {
    PATTERN_MERIDIEM_DOTS, /* A.M. P.M. */
    PATTERN_MERIDIEM,
    PATTERN_ERA_DOTS, /* A.D. B.C. */
    PATTERN_ERA,
    PATTERN_CENTURY,
    PATTERN_DAY_NAME,
    PATTERN_DAY_SHORT,
    PATTERN_DAY_OF_YEAR,
    PATTERN_DAY,
    PATTERN_DAY_OF_WEEK,
    PATTERN_FRACTION, /* value: digits, 1–6; MS is 3, US is 6 */
    PATTERN_MILLISECOND,
    PATTERN_MICROSECOND,
    PATTERN_EXACT, /* FX */
    PATTERN_HOUR_24,
    PATTERN_HOUR_12,
    PATTERN_MINUTE,
    PATTERN_SECOND,
    PATTERN_SECOND_OF_DAY,
    PATTERN_ISO_DAY_OF_YEAR,
    PATTERN_ISO_DAY_OF_WEEK,
    PATTERN_ISO_WEEK,
    PATTERN_ISO_YEAR, /* value: digits, as for YEAR */
    PATTERN_JULIAN,
    PATTERN_MONTH,
    PATTERN_MONTH_NAME,
    PATTERN_MONTH_SHORT,
    PATTERN_MONTH_ROMAN,
    PATTERN_OFFSET,
    PATTERN_QUARTER,
    PATTERN_ZONE,
    PATTERN_ZONE_HOUR,
    PATTERN_ZONE_MINUTE,
    PATTERN_WEEK_OF_YEAR,
    PATTERN_WEEK_OF_MONTH,
    PATTERN_YEAR, /* value: digits, 1–4 */
    PATTERN_YEAR_COMMA,
} DatetimePattern;

enum PatternConvention { CONVENTION_NONE, CONVENTION_GREGORIAN, CONVENTION_ISO_WEEK };
enum PatternCase { CASE_UPPER, CASE_TITLE, CASE_LOWER };

typedef struct PatternWord {
    const char *text;
    uint8_t pattern; /* DatetimePattern or NumberPattern */
    uint8_t letters; /* PatternCase */
    uint8_t value;
    bool is_digit;      /* its input begins with a digit */
    uint8_t convention; /* PatternConvention */
} PatternWord;

enum NodeKind { NODE_PATTERN, NODE_CHARACTER, NODE_SEPARATOR, NODE_SPACE };

enum NodeSuffix {
    SUFFIX_FILL = 1, /* FM before it */
    SUFFIX_TH_UPPER = 2,
    SUFFIX_TH_LOWER = 4,
    SUFFIX_TH = 6,
    SUFFIX_LOCALE = 8, /* TM before it: names are not padded */
};

typedef struct FormatNode {
    uint8_t kind; /* NodeKind */
    uint8_t suffix;
    const PatternWord *word; /* PATTERN */
    Slice character;         /* the others */
} FormatNode;

typedef struct FormatTemplate {
    const FormatNode *nodes;
    size_t count;
} FormatTemplate;

/* A template of dates. */
CHECKED Status format_parse_datetime(Arena *arena, Slice text, FormatTemplate *out, Error *error);

/* The same with other words and neither prefixes nor suffixes, for numbers. */
CHECKED Status format_parse(Arena *arena, Slice text, const PatternWord *words, size_t word_count,
                            bool is_datetime, FormatTemplate *out, Error *error);

/* "st", "nd", "rd", "th" for a number's text; upper case with SUFFIX_TH_UPPER. */
const char *format_ordinal(Slice number, bool upper);

/* Month and day names, from 0 (January, Sunday); the first letters of the others. */
const char *format_month_name(int month);
const char *format_day_name(int weekday);

/* I to XII, from 1, in lower case. */
const char *format_roman_month(int month);

#endif
