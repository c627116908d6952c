/* Credentials: where a user's password comes from: FIRN_PASSWORD, ~/.firn/credentials, or whoever
 * sits at the terminal.
 *
 * The file has lines HOST:PORT:USER:PASSWORD; the first that fits is taken. "*" stands for any
 * host, port or user; a colon or backslash within a part has a backslash before it. Other lines
 * (comments, say) fit nobody. It must be a file that only its owner may read.
 *
 * Threading: one thread. Ownership: the password is the caller's buffer; credentials_wipe it.
 * Errors: INVALID_AUTHORIZATION where no source has one, or where others may read the file. */
#ifndef FIRN_CLI_CREDENTIALS_H
#define FIRN_CLI_CREDENTIALS_H

#include "base/buffer.h"

enum {
    CREDENTIALS_BYTES_MAX = 64 << 10,
    PASSWORD_BYTES_MAX = 1024,
};

CHECKED Status credentials_find(const char *host, uint16_t port, const char *user, Buffer *password,
                                Error *error);

/* The password that a credentials file's text has; false where it has none. */
bool credentials_search(Slice text, const char *host, uint16_t port, const char *user,
                        Buffer *password);

/* Overwrites and frees. */
void credentials_wipe(Buffer *secret);

#endif
