/* Machine: the real Env with a hand on each of its calls, so that the n-th of one kind fails, once
 * or from then on.
 *
 * machine_install puts itself in front of env_real()'s operations for the whole process: what asks
 * for env_real() by itself, as the library does, is met as well. Nothing else differs from a real
 * machine, worker processes included; what those do to the disk is not met.
 *
 * Threading: machine_install before any other thread; the rest from any. Ownership: nothing.
 * Errors: what is made to fail says EIO, or ENOSPC where the disk is to be full; a write has then
 * written its first half, a close has closed. */
#ifndef FIRN_TESTS_FAULTS_MACHINE_H
#define FIRN_TESTS_FAULTS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, is the disk being full an error of it?) */
#define MACHINE_CALLS(X)       \
    X(open, false)             \
    X(create, true)            \
    X(close, false)            \
    X(read, false)             \
    X(write, true)             \
    X(sync, true)              \
    X(truncate, true)          \
    X(reserve, true)           \
    X(size, false)             \
    X(stat, false)             \
    X(list, false)             \
    X(make_directory, true)    \
    X(sync_directory, true)    \
    X(rename, true)            \
    X(link, true)              \
    X(remove, false)           \
    X(remove_directory, false) \
    X(free_space, false)       \
    X(lock, true)              \
    X(map, false)              \
    X(thread, false)

typedef enum MachineCall {
#define X(name, fills) MACHINE_##name,
    MACHINE_CALLS(X)
#undef X
        MACHINE_CALL_COUNT
} MachineCall;

const char *machine_call_name(MachineCall call);
bool machine_call_fills(MachineCall call); /* may it say that the disk is full? */

void machine_install(void);

/* The n-th call of this kind from now on, or it and all after it; in place of what was armed. */
void machine_fail(MachineCall call, uint64_t nth, bool for_good, bool is_full);
void machine_repair(void);
bool machine_has_failed(void); /* did anything, since machine_fail? */

uint64_t machine_count(MachineCall call); /* since machine_install */

/* What is open now, and has to be nothing once a database is closed. */
typedef struct MachineUse {
    int64_t files;
    int64_t maps;
    int64_t threads;
} MachineUse;

MachineUse machine_use(void);

#endif
