/* Splitter: finds where SQL statements end: at semicolons outside quotes and comments.
 *
 * It knows strings ('…', with backslashes in E'…'), names ("…"), $tag$…$tag$, line comments and
 * nested block comments, as PostgreSQL's lexer does; nothing else of SQL.
 *
 * Threading: one thread. Ownership: statements point into the text. Errors: none. */
#ifndef FIRN_CLI_SPLITTER_H
#define FIRN_CLI_SPLITTER_H

#include "base/slice.h"

enum { SPLITTER_TAG_BYTES_MAX = 64 };

typedef enum SplitState {
    SPLIT_PLAIN,
    SPLIT_STRING,
    SPLIT_ESCAPE_STRING,
    SPLIT_NAME,
    SPLIT_DOLLAR,
    SPLIT_LINE_COMMENT,
    SPLIT_BLOCK_COMMENT,
} SplitState;

/* All zero at the start. */
typedef struct Splitter {
    SplitState state;
    size_t at;          /* bytes of the text looked at */
    size_t begin;       /* of the statement: its first byte that is neither blank nor comment */
    bool has_text;      /* begin is set */
    bool has_parameter; /* a $1 was seen; stays until the user of the splitter clears it */
    uint32_t depth;     /* of block comments */
    char tag[SPLITTER_TAG_BYTES_MAX]; /* of a dollar quote, with both dollars */
    size_t tag_size;
} Splitter;

/* The next whole statement of the text, without its semicolon; false where none is complete. The
 * text may grow at its end between calls; empty statements are passed over. */
bool splitter_next(Splitter *splitter, Slice text, Slice *statement);

/* At the end of the text: the last statement, which has no semicolon; false where there is none. */
bool splitter_rest(Splitter *splitter, Slice text, Slice *statement);

/* For a prompt: '=' nothing begun, '-' a statement, or the quote or comment that is open. */
char splitter_prompt(const Splitter *splitter);

/* The first word of a statement equals this one, in any case. */
bool statement_begins_with(Slice statement, const char *word);

#endif
