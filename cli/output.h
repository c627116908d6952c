/* Output: where results go, and what the place can show.
 *
 * Threading: one thread. Ownership: the file is the caller's. Errors: a write that fails, or memory
 * that is gone, makes the output `failed`; the program ends with that. */
#ifndef FIRN_CLI_OUTPUT_H
#define FIRN_CLI_OUTPUT_H

#include <stdio.h>

#include "base/buffer.h"

typedef struct Output {
    Buffer buffer;
    FILE *file; /* NULL: everything stays in the buffer (tests) */
    bool has_colors;
    bool is_unicode; /* box drawing, ellipsis */
    size_t width;    /* columns of the terminal; 0: no terminal, nothing is cut */
    bool failed;
} Output;

/* Asks the terminal behind `file` what it can do. */
void output_open(Output *output, FILE *file, bool no_color);
void output_close(Output *output); /* flushes */

/* Asks for the terminal's width again: windows are resized. */
void output_measure(Output *output);

/* Writes what is buffered. */
void output_flush(Output *output);

/* The same where much is buffered: to be called after each row. */
void output_drain(Output *output);

/* The beginning and end of a colour; nothing where there are none. */
typedef enum OutputColor {
    COLOR_NONE,
    COLOR_DIM,
    COLOR_BOLD,
    COLOR_RED,
    COLOR_GREEN,
    COLOR_YELLOW,
    COLOR_CYAN,
} OutputColor;

void output_color(Output *output, OutputColor color);
void output_text(Output *output, const char *text);

/* The value as text_put writes it. */
void output_clean(Output *output, Slice text);

#endif
