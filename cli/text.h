/* Text on a terminal: how wide it is, cut to a width, and without anything that would move the
 * cursor or change colours.
 *
 * Threading: pure functions, but for the locale that main has set (C.UTF-8: what wcwidth knows).
 * Ownership: none. Errors: none. */
#ifndef FIRN_CLI_TEXT_H
#define FIRN_CLI_TEXT_H

#include "base/buffer.h"

/* The next code point of valid or invalid UTF-8 at *at, which is moved behind it; U+FFFD for bytes
 * that are not UTF-8. */
uint32_t text_next(Slice text, size_t *at);

/* Columns that text_put writes. Control characters are shown as escapes (\n, \x1b). */
size_t text_width(Slice text);

/* At most `width` columns (0: all), cut with an ellipsis; returns the columns written. */
size_t text_put(Buffer *out, Slice text, size_t width, bool is_unicode);

void text_put_spaces(Buffer *out, size_t count);

#endif
