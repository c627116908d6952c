/* Error: what a failed call has to say, built up layer by layer without allocating.
 *
 * `message`, `detail` and `hint` go to the client: they never hold a path of this machine, a stack
 * or another user's value. `internal` goes to the server's log only: paths, errno, offsets.
 *
 * Threading: owned by one call chain. Ownership: the caller's memory, usually on its stack.
 * A function that returns a Status other than OK has set the error's status to the same code. */
#ifndef FIRN_BASE_ERROR_H
#define FIRN_BASE_ERROR_H

#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

enum {
    ERROR_MESSAGE_BYTES_MAX = 512,
    ERROR_DETAIL_BYTES_MAX = 512,
    ERROR_HINT_BYTES_MAX = 256,
    ERROR_INTERNAL_BYTES_MAX = 512,
};

typedef struct Error {
    Status status;
    int32_t position_byte; /* offset in the statement's text, -1 where it has none */
    char message[ERROR_MESSAGE_BYTES_MAX];
    char detail[ERROR_DETAIL_BYTES_MAX];
    char hint[ERROR_HINT_BYTES_MAX];
    char internal[ERROR_INTERNAL_BYTES_MAX];
} Error;

/* An error that says nothing yet. */
void error_clear(Error *error);

/* Sets code and message; detail, hint, position and internal text are emptied. Returns `status`. */
Status error_set(Error *error, Status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with the place in the statement (byte offset, -1 for none). */
Status error_set_at(Error *error, int32_t position_byte, Status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Code with its default text. */
Status error_of(Error *error, Status status);

/* A failed system call: picks the code from errno (ENOSPC, EDQUOT: DISK_FULL; ENOENT:
 * FILE_NOT_FOUND; EEXIST: FILE_EXISTS; ENOMEM: OUT_OF_MEMORY; else IO_ERROR). The message says
 * what failed ("write", "open"), the internal text also where. */
Status error_set_errno(Error *error, int error_number, const char *verb, const char *path);

Status error_out_of_memory(Error *error);

/* A file or record of a format that this build does not read: says what it is (a file by its name
 * below the data directory), the format found, and the newest that is read. */
Status error_set_format(Error *error, const char *what, uint64_t found, uint64_t supported);

void error_set_detail(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_set_hint(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the internal text: each layer that knows more says it. Returns the
 * error's status, so that `return error_wrap(...)` reads well. */
Status error_wrap(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the public message. */
Status error_prefix(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At done:, the error of a call whose own is told only if none came before:
 *     KEEP_FIRST(file_close(file, LATER_ERROR(error)));
 * `status` is the function's, as in KEEP_FIRST. */
#define LATER_ERROR(error) (status == OK ? (error) : &(Error){0})

#endif
