/* Printer: where results go, and what the place can show.
 *
 * Threading: one thread. Ownership: the file is the caller's. Errors: a write that fails, or memory
 * that is gone, makes the output `failed`; the program ends with that. */
#ifndef FIRN_CLI_PRINTER_H
#define FIRN_CLI_PRINTER_H

#include <stdio.h>

#include "base/buffer.h"

typedef struct Printer {
    Buffer buffer;
    FILE *file; /* NULL: everything stays in the buffer (tests) */
    bool has_colors;
    bool is_unicode; /* box drawing, ellipsis */
    size_t width;    /* columns of the terminal; 0: no terminal, nothing is cut */
    bool failed;
} Printer;

/* Asks the terminal behind `file` what it can do. */
void printer_open(Printer *output, FILE *file, bool no_color);
void printer_close(Printer *output); /* flushes */

/* Asks for the terminal's width again: windows are resized. */
void printer_measure(Printer *output);

/* Writes what is buffered. */
void printer_flush(Printer *output);

/* The same where much is buffered: to be called after each row. */
void printer_drain(Printer *output);

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

void printer_color(Printer *output, OutputColor color);
void printer_text(Printer *output, const char *text);

/* The value as text_put writes it. */
void printer_clean(Printer *output, Slice text);

#endif
