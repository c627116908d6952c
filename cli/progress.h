/* Progress: a line on a terminal's stderr while a statement takes longer than two seconds: the
 * seconds passed, and how far the job is that the statement waits for, where system.jobs tells.
 *
 * The job is asked for on a connection of its own, for at most half a second every second; where
 * that fails once, the seconds alone are shown.
 *
 * Threading: one thread. Ownership: the session outlives it. Errors: none: it may show less. */
#ifndef FIRN_CLI_PROGRESS_H
#define FIRN_CLI_PROGRESS_H

#include "cli/printer.h"
#include "cli/session.h"

enum { PROGRESS_JOB_BYTES = 160 };

typedef struct Progress {
    Session *session;
    Printer *output; /* stderr */
    HttpClient http;
    bool is_shown;    /* on the terminal now */
    bool follows_job; /* the running statement makes a job */
    bool is_asking;
    int64_t asked_ns; /* of waiting, when the job was asked for */
    int64_t shown_seconds;
    char job[PROGRESS_JOB_BYTES];
} Progress;

CHECKED Status progress_open(Progress *progress, Session *session, Printer *output, Error *error);
void progress_close(Progress *progress);

/* Around a statement. */
void progress_begin(Progress *progress, Slice sql);
void progress_end(Progress *progress);

/* The line for so many seconds: for tests. */
void progress_put(Progress *progress, int64_t waited_ns);

#endif
