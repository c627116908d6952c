/* to_char of numbers, printing: PostgreSQL's NUM_processor, step by step, because its habits with
 * blanks, zeros and signs follow from the order of its steps. The locale is C. */
#include "types/format_number_int.h"

typedef struct Printer {
    const Picture *picture;
    Buffer *out;
    Slice digits;
    size_t at;            /* the next of them */
    size_t last_relevant; /* FM: where the digits that count end (the point's place where none
                             behind it does); SIZE_MAX: all count */
    int blanks;           /* template digits before the first of the number */
    int place;            /* digits of the template done */
    int place_count;
    int zero_start; /* from 0 */
    bool is_negative;
    bool sign_written;
    bool in_number; /* a digit was written last */
    enum LeadingSign sign_place;
    bool has_bracket;
} Printer;

static void put(Printer *printer, char c)
{
    buffer_put_u8(printer->out, (uint8_t)c);
}

static uint8_t digit(const Printer *printer)
{
    return printer->at < printer->digits.size ? printer->digits.data[printer->at] : 0;
}

static bool at_point_of_relevance(const Printer *printer)
{
    return printer->last_relevant != SIZE_MAX &&
           printer->digits.data[printer->last_relevant] == '.';
}

/* The zero before the point of "0.1" in a template that has digits behind it: a blank. */
static bool is_zero_before_point(const Printer *printer)
{
    return !printer->picture->has_zero && printer->at == 0 && digit(printer) == '0' &&
           printer->picture->behind != 0;
}

/* ---- one digit of the template ---- */

static bool must_write_sign(const Printer *printer)
{
    bool reached = printer->place >= printer->blanks ||
                   (printer->picture->has_zero && printer->zero_start == printer->place);
    return !printer->sign_written && reached &&
           (!is_zero_before_point(printer) || at_point_of_relevance(printer));
}

static void write_sign(Printer *printer)
{
    if (printer->picture->has_sign) {
        if (printer->sign_place != LEADING_BEFORE)
            return;
        put(printer, printer->is_negative ? '-' : '+');
    } else if (printer->has_bracket) {
        put(printer, printer->is_negative ? '<' : ' ');
    } else if (printer->is_negative) {
        put(printer, '-');
    } else if (!printer->picture->has_fill) {
        put(printer, ' ');
    }
    printer->sign_written = true;
}

static void write_number_part(Printer *printer, bool is_zero_pattern)
{
    bool is_cut = printer->last_relevant != SIZE_MAX && printer->at > printer->last_relevant;
    if (digit(printer) == '.') {
        put(printer, '.');
    } else if (is_cut && !is_zero_pattern) {
        /* FM: zeros at the end */
    } else if (is_zero_before_point(printer)) {
        if (!printer->picture->has_fill)
            put(printer, ' ');
        else if (at_point_of_relevance(printer))
            put(printer, '0');
    } else {
        put(printer, (char)digit(printer)); /* 0 where the digits are used up: it ends the text */
        printer->in_number = true;
    }
    if (digit(printer) != 0)
        printer->at++;
}

static void write_end(Printer *printer)
{
    int end = printer->place_count + (printer->blanks != 0) + printer->picture->has_point;
    if (printer->last_relevant != SIZE_MAX && printer->last_relevant == printer->at)
        end = printer->place;
    if (printer->place + 1 != end)
        return;
    if (printer->sign_written && printer->has_bracket)
        put(printer, printer->is_negative ? '>' : ' ');
    else if (printer->picture->has_sign && printer->sign_place == LEADING_BEHIND)
        put(printer, printer->is_negative ? '-' : '+');
}

static void write_digit(Printer *printer, bool is_zero_pattern)
{
    const Picture *picture = printer->picture;
    printer->in_number = false;
    if (picture->has_roman)
        return;
    if (must_write_sign(printer))
        write_sign(printer);
    bool is_before = printer->place < printer->blanks;
    if (is_before && (printer->zero_start > printer->place || !picture->has_zero)) {
        if (!picture->has_fill)
            put(printer, ' ');
    } else if (is_before && picture->has_zero) {
        put(printer, '0');
        printer->in_number = true;
    } else {
        write_number_part(printer, is_zero_pattern);
    }
    write_end(printer);
    printer->place++;
}

/* ---- the other patterns ---- */

/* A separator stands only between digits. */
static void write_separator(Printer *printer)
{
    if (printer->in_number)
        put(printer, ',');
    else if (!printer->picture->has_fill)
        put(printer, ' ');
}

static void write_roman(Printer *printer, const FormatNode *node)
{
    Slice digits = printer->digits;
    for (size_t i = digits.size; i < 15 && !printer->picture->has_fill; i++)
        put(printer, ' ');
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t c = digits.data[i];
        put(printer, (char)(node->word->letters == CASE_LOWER ? text_lower_ascii(c) : c));
    }
}

static Status write_ordinal(Printer *printer, const FormatNode *node, Error *error)
{
    Slice digits = printer->digits;
    bool is_overflow = digits.size > 0 && digits.data[0] == '#';
    if (printer->picture->has_roman || is_overflow || printer->is_negative ||
        printer->picture->has_point)
        return OK;
    if (digits.size == 0 || !text_is_digit(digits.data[digits.size - 1]))
        return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION, "\"%.*s\" is not a number",
                         SLICE_ARGUMENTS(digits));
    buffer_put_text(printer->out, format_ordinal(digits, node->word->letters == CASE_UPPER));
    return OK;
}

static void write_own_sign(Printer *printer, char c, bool wanted)
{
    if (wanted)
        put(printer, c);
    else if (!printer->picture->has_fill)
        put(printer, ' ');
}

static Status write_pattern(Printer *printer, const FormatNode *node, Error *error)
{
    switch ((enum NumberPattern)node->word->pattern) {
    case NUMBER_NINE:
    case NUMBER_ZERO:
    case NUMBER_POINT:
    case NUMBER_LOCALE_POINT:
        write_digit(printer, node->word->pattern == NUMBER_ZERO);
        return OK;
    case NUMBER_COMMA:
    case NUMBER_GROUP:
        write_separator(printer);
        return OK;
    case NUMBER_CURRENCY:
        put(printer, ' ');
        return OK;
    case NUMBER_ROMAN:
        write_roman(printer, node);
        return OK;
    case NUMBER_ORDINAL:
        return write_ordinal(printer, node, error);
    case NUMBER_MINUS:
        write_own_sign(printer, '-', printer->is_negative);
        return OK;
    case NUMBER_PLUS:
        write_own_sign(printer, '+', !printer->is_negative);
        return OK;
    case NUMBER_SIGN_HERE:
        put(printer, printer->is_negative ? '-' : '+');
        return OK;
    default:
        return OK;
    }
}

/* ---- the whole ---- */

/* FM: the last digit behind the point that is not zero, or the point. */
static size_t find_last_relevant(const Printer *printer)
{
    size_t point = slice_find(printer->digits, '.');
    if (!printer->picture->has_fill || !printer->picture->has_point ||
        point == printer->digits.size)
        return SIZE_MAX;
    size_t last = point;
    for (size_t i = point + 1; i < printer->digits.size; i++)
        last = printer->digits.data[i] != '0' ? i : last;
    if (printer->picture->zero_end > printer->blanks) { /* digits that '0' stands for stay */
        size_t kept = (size_t)(printer->picture->zero_end - printer->blanks);
        kept = kept < printer->digits.size - 1 ? kept : printer->digits.size - 1;
        last = last < kept ? kept : last;
    }
    return last;
}

static void prepare_sign(Printer *printer)
{
    const Picture *picture = printer->picture;
    if (picture->has_plus || picture->has_minus) {
        printer->sign_written = !(picture->has_plus && !picture->has_minus);
        return;
    }
    if (!printer->is_negative && picture->has_fill)
        printer->has_bracket = false;
    printer->sign_written = !printer->is_negative && picture->has_fill && !picture->has_sign;
    if (printer->sign_place == LEADING_BEFORE && picture->before == picture->digits_before_sign)
        printer->sign_place = LEADING_BEHIND;
}

/* Of a Roman number only FM counts. */
static void forget_all_but_roman(Picture *picture)
{
    *picture =
        (Picture){.format = picture->format, .has_roman = true, .has_fill = picture->has_fill};
}

Status picture_print(EvaluationContext *context, Picture *picture, Slice digits, int blanks,
                     bool is_negative, Value *result, Error *error)
{
    Buffer out;
    text_buffer_open(&out);
    if (picture->has_exponent) {
        buffer_put_slice(&out, digits);
        return text_buffer_result(context, &out, TYPE_TEXT, result, error);
    }
    if (picture->has_roman)
        forget_all_but_roman(picture);
    Printer printer = {.picture = picture,
                       .out = &out,
                       .digits = digits,
                       .blanks = picture->has_roman ? 0 : blanks,
                       .zero_start = picture->zero_start > 0 ? picture->zero_start - 1 : 0,
                       .is_negative = is_negative && !picture->has_roman,
                       .sign_place = picture->sign_place,
                       .has_bracket = picture->has_bracket};
    prepare_sign(&printer);
    printer.place_count = picture->before + picture->behind - 1;
    printer.last_relevant = find_last_relevant(&printer);
    if (!printer.sign_written && printer.blanks == 0)
        printer.place_count++;
    Status status = OK;
    for (size_t i = 0; i < picture->format.count && status == OK; i++) {
        const FormatNode *node = &picture->format.nodes[i];
        if (node->kind == NODE_PATTERN)
            status = write_pattern(&printer, node, error);
        else
            buffer_put_slice(&out, node->character);
    }
    if (status != OK) {
        buffer_close(&out);
        return status;
    }
    out.size = slice_find(buffer_slice(&out), 0);
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}
