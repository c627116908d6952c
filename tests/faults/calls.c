/* One call to the machine fails, once or for good, somewhere in a life. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/acts.h"
#include "tests/faults/faults.h"

typedef struct Walk {
    Life life;
    Text answer;
    Text state;
    firn_error error;
    const CallPlan *plan; /* NULL: nothing fails */
} Walk;

static const char *wanted_state(size_t step, bool after)
{
    uint32_t offset = after       ? notes->steps[step].state
                      : step == 0 ? notes->first_state
                                  : notes->steps[step - 1].state;
    return notes_text(offset);
}

static const char *name_of(size_t step)
{
    return step < step_count ? step_name(&steps[step]) : "the end";
}

/* Is all as before the step, or as after it? */
static bool is_as(Walk *walk, size_t step, bool after)
{
    return state_agrees(wanted_state(step, after), text_of(&walk->state));
}

noreturn static void wrong_state(Walk *walk, size_t step, const char *when)
{
    Text difference = {0};
    text_put_difference(&difference, wanted_state(step, notes->is_applied), text_of(&walk->state));
    broken("%s of \"%s\" (%s: %s): %s", when, name_of(step), walk->error.name, walk->error.message,
           text_of(&difference));
}

/* What was refused says so; the rest is as before the step, or as after it where that may be. */
static void check_state(Walk *walk, size_t step, const char *when)
{
    state_read(&walk->life, &walk->state);
    if (is_as(walk, step, notes->is_applied))
        return;
    if (notes->may_be_applied && !notes->is_applied && is_as(walk, step, true))
        return;
    wrong_state(walk, step, when);
}

/* ---- a step ---- */

static void check_answer(const Walk *walk, size_t step)
{
    const char *wanted = notes_text(notes->steps[step].answer);
    Text difference = {0};
    if (steps[step].varies || strcmp(wanted, text_of(&walk->answer)) == 0)
        return;
    text_put_difference(&difference, wanted, text_of(&walk->answer));
    broken("\"%s\" answered wrongly: %s", name_of(step), text_of(&difference));
}

/* True where the step ended as it has to. */
static bool try_step(Walk *walk, size_t step)
{
    Status status = step_run(&walk->life, &steps[step], &walk->answer, &walk->error);
    if (status != steps[step].expected)
        return false;
    check_answer(walk, step);
    return true;
}

static void must_open(Walk *walk, const char *when)
{
    firn_error error;
    if (life_open(&walk->life, &error) != FIRN_OK)
        broken("%s the database does not open: %s: %s", when, error.name, error.message);
}

static void must_close(Walk *walk)
{
    firn_error error;
    if (life_close(&walk->life, &error) != FIRN_OK)
        broken("the database does not close: %s: %s", error.name, error.message);
    life_check_closed("closed");
}

/* The whole machine works again: the step too. */
static void repeat_step(Walk *walk, size_t step)
{
    state_read(&walk->life, &walk->state);
    if (strchr(text_of(&walk->state), '!') != NULL && !is_as(walk, step, true) &&
        !is_as(walk, step, false))
        wrong_state(walk, step, "mended, the state");
    bool changes =
        notes->steps[step].state != (step == 0 ? notes->first_state : notes->steps[step - 1].state);
    if (changes && is_as(walk, step, true))
        return;
    if (!try_step(walk, step))
        broken("mended, \"%s\" fails again: %s: %s", name_of(step), walk->error.name,
               walk->error.message);
    notes->is_applied = true;
}

/* ---- after a failure ---- */

static bool is_poisoned(const Walk *walk)
{
    return walk->life.database != NULL &&
           engine_is_poisoned(database_engine(walk->life.database->database));
}

static void note_error(Walk *walk)
{
    if (!machine_has_failed())
        broken("\"%s\" fails by itself: %s: %s", name_of(notes->step), walk->error.name,
               walk->error.message);
    notes->refused++;
    if (strcmp(walk->error.name, "LOG_POISONED") == 0)
        notes->may_be_applied = true;
    if (step_was_done(&walk->error))
        notes->is_applied = true;
}

/* While the machine is still broken. */
static void look_around(Walk *walk, size_t step)
{
    if (walk->life.database == NULL)
        return;
    check_state(walk, step, "with the fault, the state");
    if (!walk->plan->for_good)
        return;
    if (try_step(walk, step)) {
        notes->is_applied = true;
        check_state(walk, step, "tried again, the state");
    } else if (walk->life.database != NULL) {
        note_error(walk);
        check_state(walk, step, "tried again in vain, the state");
    }
}

static void mend(void)
{
    machine_repair();
    is_troubled = false;
}

/* Closed with the fault still there, then opened without: that must do. */
static void open_anew(Walk *walk)
{
    firn_error ignored;
    if (walk->life.database != NULL && life_close(&walk->life, &ignored) != FIRN_OK)
        walk->life.database = NULL;
    life_check_closed("closed with a fault");
    mend();
    must_open(walk, "after a fault");
    notes->recovered++;
}

static void go_on(Walk *walk, size_t step)
{
    if (walk->plan->dies)
        _exit(EXIT_DIED);
    if (walk->life.database == NULL || walk->plan->for_good || is_poisoned(walk))
        open_anew(walk);
    mend();
    check_state(walk, step, "mended, the state");
    repeat_step(walk, step);
}

/* ---- lives ---- */

static void begin(Walk *walk, const char *directory, const CallPlan *plan)
{
    *walk = (Walk){.plan = plan};
    (void)snprintf(walk->life.directory.text, sizeof walk->life.directory.text, "%s", directory);
    machine_install();
    is_troubled = plan != NULL;
    if (plan != NULL)
        machine_fail(plan->call, plan->nth, plan->for_good, plan->is_full);
}

static void check_end(Walk *walk)
{
    Life *life = &walk->life;
    notes->is_applied = true;
    must_close(walk);
    must_open(walk, "at the end");
    check_state(walk, step_count - 1, "at the end, the state");
    must_close(walk);
    life_check_directory(life);
}

static void end(Walk *walk)
{
    text_close(&walk->answer);
    text_close(&walk->state);
}

static void note_step(Walk *walk, size_t i)
{
    kinds_note(&walk->life, &steps[i]);
    Status status = step_run(&walk->life, &steps[i], &walk->answer, &walk->error);
    if (status != steps[i].expected)
        broken("without a fault, \"%s\" is %s: %s", name_of(i), status_name(status),
               walk->error.message);
    state_read(&walk->life, &walk->state);
    if (strstr(text_of(&walk->state), "\n!") != NULL)
        broken("without a fault, the state after \"%s\": %s", name_of(i), text_of(&walk->state));
    notes->steps[i].answer = notes_keep(text_of(&walk->answer));
    bool same = strcmp(wanted_state(i, false), text_of(&walk->state)) == 0;
    if (!same && steps[i].expected != OK)
        broken("\"%s\" is %s, and changed something all the same", name_of(i), status_name(status));
    notes->steps[i].state = !same   ? notes_keep(text_of(&walk->state))
                            : i > 0 ? notes->steps[i - 1].state
                                    : notes->first_state;
    if (is_verbose)
        (void)printf("%zu: %s\n    %s\n%s", i, name_of(i), text_of(&walk->answer),
                     same ? "" : text_of(&walk->state));
}

void calls_reference(const char *directory)
{
    Walk walk;
    begin(&walk, directory, NULL);
    must_open(&walk, "without a fault");
    state_read(&walk.life, &walk.state);
    notes->first_state = notes_keep(text_of(&walk.state));
    for (size_t i = 0; i < step_count; i++) {
        notes->step = i;
        note_step(&walk, i);
    }
    kinds_check();
    check_end(&walk);
    end(&walk);
    notes->has_reference = true;
}

static void open_first(Walk *walk)
{
    if (life_open(&walk->life, &walk->error) == FIRN_OK)
        return;
    notes->step = 0;
    note_error(walk);
    life_check_closed("not opened");
    if (walk->plan->dies)
        _exit(EXIT_DIED);
    mend();
    must_open(walk, "after a first opening that failed");
}

void calls_life(const char *directory, const CallPlan *plan)
{
    Walk walk;
    begin(&walk, directory, plan);
    notes->is_applied = notes->may_be_applied = false;
    open_first(&walk);
    for (size_t i = 0; i < step_count; i++) {
        notes->step = i;
        notes->is_applied = notes->may_be_applied = false;
        if (try_step(&walk, i))
            continue;
        note_error(&walk);
        look_around(&walk, i);
        go_on(&walk, i);
    }
    for (MachineCall i = 0; i < MACHINE_CALL_COUNT; i++)
        notes->calls[i] = machine_count(i);
    if (machine_has_failed())
        notes->tried++;
    mend();
    check_end(&walk);
    end(&walk);
}

void calls_afterlife(const char *directory)
{
    Walk walk;
    begin(&walk, directory, NULL);
    must_open(&walk, "after a fault and a death");
    notes->recovered++;
    check_state(&walk, notes->step, "after a death, the state");
    if (!notes->is_applied)
        repeat_step(&walk, notes->step);
    check_state(&walk, notes->step, "after a death, mended, the state");
    must_close(&walk);
    life_check_directory(&walk.life);
    end(&walk);
}
