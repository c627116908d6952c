/* Process: what the server needs of the operating system and base/env.h does not have: signals, the
 * machine's size, its own path, limits of the process.
 *
 * Threading: process_begin before any thread is started (the signals are blocked in all of them);
 * process_wait by one thread. Ownership: texts are the caller's buffers. Errors: what cannot be
 * found out has a default. */
#ifndef FIRN_SERVER_PROCESS_H
#define FIRN_SERVER_PROCESS_H

#include "base/env.h"

typedef enum ProcessSignal {
    PROCESS_NOTHING, /* the time passed */
    PROCESS_STOP,    /* SIGINT, SIGTERM */
    PROCESS_RELOAD,  /* SIGHUP */
} ProcessSignal;

/* Takes the signals over, ignores SIGPIPE, and raises the number of descriptors to what is allowed.
 */
void process_begin(void);

/* The next signal, at most `timeout_ms` from now; below 0: for ever. */
ProcessSignal process_wait(int timeout_ms);

uint32_t process_cores(void);        /* this process may use */
uint64_t process_memory_bytes(void); /* of the machine; 0: unknown */
const char *const *process_environment(void);

/* A program beside this one ("…/firn-worker"); false where the path is too long or unknown. */
bool process_sibling(const char *name, Path *out);

/* What a program says when it is run with one argument, without the newline at its end; false where
 * it cannot be run or fails. */
bool process_ask(const char *program, const char *argument, char *out, size_t size);

/* Ends without another word: what is durable stays so. */
_Noreturn void process_end_now(int code);

#endif
