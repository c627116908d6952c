/* Script: lines in, statements and commands out.
 *
 * A statement ends at its semicolon, wherever that is; a line that begins with a backslash between
 * two statements is a command. From BEGIN to COMMIT, ROLLBACK or END the statements are one: over
 * HTTP a transaction lives in one request, so they are sent together.
 *
 * Threading: one thread. Ownership: what the handlers get lives until they return. Errors: an exit
 * code: the first that is not 0 of a handler, and the rest of the line is dropped then;
 * EXIT_STATEMENT_FAILED for a statement above SCRIPT_BYTES_MAX and for a text that ends too early.
 */
#ifndef FIRN_CLI_SCRIPT_H
#define FIRN_CLI_SCRIPT_H

#include "base/buffer.h"
#include "cli/splitter.h"

enum { SCRIPT_BYTES_MAX = 64 << 20 };

typedef struct ScriptHandlers {
    void *context;
    int (*statement)(void *context, Slice sql, bool has_parameter, uint64_t line);
    int (*command)(void *context, Slice text, uint64_t line);
    void (*problem)(void *context, const Error *error, uint64_t line);
} ScriptHandlers;

typedef struct Script {
    const ScriptHandlers *handlers;
    Buffer text; /* of what is not finished yet */
    Splitter splitter;
    size_t counted;      /* bytes of the text whose lines are counted */
    uint64_t line;       /* of that place, from 1 */
    bool in_transaction; /* begun, and not sent */
    size_t group_begin;  /* of its BEGIN in the text */
    uint64_t group_line;
    bool group_has_parameter;
} Script;

void script_open(Script *script, const ScriptHandlers *handlers);
void script_close(Script *script);

/* One line, without its end. */
int script_feed(Script *script, Slice line);

/* At the end: a last statement needs no semicolon. */
int script_end(Script *script);

/* Forgets what is begun. */
void script_drop(Script *script);

/* Nothing is begun: the next line may be a command. */
bool script_is_idle(const Script *script);

/* '=', or what is missing: '-' the end of a statement, '*' that of a comment, a quote. */
char script_prompt(const Script *script);

#endif
