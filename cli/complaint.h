/* Complaints: how errors are told: what is wrong, where in the statement, what would help.
 *
 *     ERROR 42703: column "bdy" does not exist
 *     LINE 1: SELECT id, bdy FROM chat.messages
 *                        ^
 *     HINT: Did you mean "body"?
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: none. */
#ifndef FIRN_CLI_COMPLAINT_H
#define FIRN_CLI_COMPLAINT_H

#include "cli/printer.h"
#include "cli/response.h"

/* Where a statement came from; name NULL: it was typed, or given by -c. */
typedef struct StatementPlace {
    const char *name;
    uint64_t line; /* of its first byte, from 1 */
} StatementPlace;

/* What the server said about a statement. */
void complaint_put(Printer *output, const ResponseError *error, Slice sql,
                   const StatementPlace *place);

/* What we ourselves found. `place` may be NULL. */
void complaint_put_own(Printer *output, const Error *error, const StatementPlace *place);

#endif
