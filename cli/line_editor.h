/* Line editor: a line from the terminal with libedit, and the history in ~/.firn/history.
 *
 * Lines that speak of a password are not kept.
 *
 * Threading: one thread, one editor. Ownership: a line lives until the next call. Errors: a history
 * that cannot be read or written is no history, and no error. */
#ifndef FIRN_CLI_LINE_EDITOR_H
#define FIRN_CLI_LINE_EDITOR_H

#include "base/env.h"

enum { HISTORY_LINES_MAX = 2000 };

typedef struct LineEditor {
    struct editline *edit;
    struct history *history;
    Path path; /* of the history; "": none */
    char prompt[100];
} LineEditor;

typedef enum LineResult {
    LINE_READ,
    LINE_END,       /* Ctrl-D */
    LINE_CANCELLED, /* Ctrl-C */
} LineResult;

/* False where the terminal or libedit does not do. */
__attribute__((warn_unused_result)) bool line_editor_open(LineEditor *editor);
void line_editor_close(LineEditor *editor);

/* Reads a line, without its end. `state` is script_prompt's, '+' within a transaction. */
LineResult line_editor_read(LineEditor *editor, const char *place, char state, Slice *line);

#endif
