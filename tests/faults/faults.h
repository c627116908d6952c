/* Faults: a life of a database that touches every kind of statement, in which one allocation or one
 * call to the machine fails, once or for good. README.md says what has to hold.
 *
 * Threading: one thread, but for what the library starts. Ownership: what *_open gives is ended by
 * *_close. Errors: a step's error is looked at; what must not be ends the process by `broken`. */
#ifndef FIRN_TESTS_FAULTS_FAULTS_H
#define FIRN_TESTS_FAULTS_FAULTS_H

#include <stdnoreturn.h>

#include "base/env.h"
#include "database/library_int.h"
#include "tests/faults/machine.h"
#include "tests/faults/text.h"

/* ---- notes: what outlives a process, shared by the parent and its children ---- */

enum {
    STEPS_MAX = 160,
    NOTES_TEXT_BYTES = 32 << 20,
    BROKEN_BYTES_MAX = 4096,
};

/* What the life without a fault was like, step by step; offsets of texts. */
typedef struct StepNote {
    Status status;
    uint32_t answer;
    uint32_t state; /* after it */
} StepNote;

typedef struct Notes {
    uint64_t seed;
    bool has_reference;
    uint32_t first_state; /* of the new database */
    StepNote steps[STEPS_MAX];
    uint64_t calls[MACHINE_CALL_COUNT]; /* of the whole life */
    /* How far the child is, for the parent. */
    size_t step;
    uint64_t tried;     /* failures that were made */
    uint64_t refused;   /* … that the step answered with an error */
    uint64_t recovered; /* … after which the directory was opened anew */
    /* What a child that died on purpose left to be looked at. */
    bool is_applied;     /* the step: it answered OK */
    bool may_be_applied; /* the step: it answered that nobody knows */
    char doing[256];     /* what to run to see it again */
    char broken[BROKEN_BYTES_MAX];
    size_t text_size;
    char text[NOTES_TEXT_BYTES];
} Notes;

extern Notes *notes;
extern bool is_verbose;
extern bool is_troubled; /* something may be failing now */

uint32_t notes_keep(const char *text); /* its offset */
const char *notes_text(uint32_t offset);

/* Ends the process: something that must not be is so. */
noreturn void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- a database, opened ---- */

typedef struct Life {
    Path directory;
    firn_database *database; /* NULL: closed */
} Life;

int life_open(Life *life, firn_error *error);
int life_close(Life *life, firn_error *error);

/* Nothing may be open any more. */
void life_check_closed(const char *when);

/* Whatever the checker calls damage. The directory is closed. */
void life_check_directory(const Life *life);

/* ---- the steps ---- */

typedef enum Actor { ROOT, ANN, BEN } Actor;

typedef struct Step {
    Actor actor;
    const char *sql; /* %D is the directory's path; NULL: `act` */
    int (*act)(Life *life, firn_session *session, Text *answer, firn_error *error);
    const char *name; /* of `act` */
    Status expected;
    bool varies;       /* its answer is not the same in every life */
    bool only_settles; /* moves rows from memory to files */
    const char *undo;  /* SQL: what it did is as if it had not been; NULL: nothing, or it may be
                          repeated */
} Step;

extern const Step steps[];
extern const size_t step_count;

const char *step_name(const Step *step);

/* Its status; the answer as text. */
Status step_run(Life *life, const Step *step, Text *answer, firn_error *error);

/* Does the error say that the step was done, and only its rows could not be returned? */
bool step_was_done(const firn_error *error);

/* Whether the steps cover every kind of statement; called while the first life is lived. */
void kinds_note(Life *life, const Step *step);
void kinds_check(void);

/* ---- what there is ---- */

/* A visitor of rows: appends each to a Text. */
int row_put(void *text, const firn_value *row, size_t columns);

/* All of the catalog, and all rows as statements read them; a part that was refused is a line that
 * begins with '!'. */
void state_read(Life *life, Text *out);

/* The same from memory: the catalog, and how many rows each table has; with `rows` also what the
 * rows in memory are. Cheap, and asks no worker. */
void state_glance(Life *life, bool rows, Text *out);

/* Do they agree in what was not refused? */
bool state_agrees(const char *wanted, const char *got);

/* ---- the two kinds of trouble, each in a process of its own ---- */

/* How the n-th allocation fails, and which n are tried. */
typedef struct MemoryPlan {
    size_t first_step;
    size_t last_step;
    uint64_t nth;     /* only this one; 0: all, or so many samples of them */
    uint64_t samples; /* 0: all */
    bool once;
    bool for_good;
} MemoryPlan;

/* The steps one after the other, each with its n-th allocation failing until it has no n-th. */
void memory_steps(const char *directory, const MemoryPlan *plan);

/* The same with opening what a crash left after the last step, and with closing. memory_prepare
 * makes what is left: its process dies. */
void memory_prepare(const char *directory, size_t last);
void memory_openings(const char *crashed, const char *directory, const MemoryPlan *plan);

/* A life in which one call fails. */
typedef struct CallPlan {
    MachineCall call;
    uint64_t nth;
    bool for_good;
    bool is_full;
    bool dies; /* after the failure, instead of closing */
} CallPlan;

enum { EXIT_BROKEN = 9, EXIT_DIED = 10 };

/* Without a fault: what every other life is compared with. */
void calls_reference(const char *directory);
void calls_life(const char *directory, const CallPlan *plan);
void calls_afterlife(const char *directory); /* where one died */

#endif
