/* The n-th allocation fails, for every n of a step: the steps are taken in one process, one after
 * the other, each again and again until it has no n-th allocation any more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/faults/acts.h"
#include "tests/faults/faults.h"

enum {
    COPY_FILE_BYTES_MAX = 64 << 20,
    COPY_DEPTH_MAX = 12,
    OPENING_STEP = 1 << 20, /* in what is to be run to see it again: no step */
    REOPENING_SAMPLES = 64,
    UNDO_ATTEMPTS_MAX = 200,
    UNDO_PAUSE_NS = 20000000,
};

typedef struct Trial {
    Life life;
    const MemoryPlan *plan;
    Random random;
    Text answer;
    Text before;
    Text after;
    firn_error error;
    uint64_t nth;
    bool for_good;
    bool was_hit; /* the last attempt had an n-th allocation, and it failed */
} Trial;

/* ---- which n ---- */

static uint64_t first_of(Trial *trial)
{
    return trial->plan->nth > 0 ? trial->plan->nth : 1;
}

/* All n, or samples that lie the further apart the further they are. Of closing and opening again
 * in the midst of a life always samples: memory_openings has them all. */
static uint64_t next_of(Trial *trial, uint64_t nth)
{
    uint64_t samples = trial->plan->samples;
    if (samples == 0 && notes->step < step_count && steps[notes->step].act == act_reopen)
        samples = REOPENING_SAMPLES;
    if (samples == 0)
        return nth + 1;
    uint64_t stride = 1 + nth * 4 / samples;
    return nth + 1 + random_below(&trial->random, 2 * stride);
}

static void begin_attempt(Trial *trial, size_t step)
{
    notes->step = step;
    (void)snprintf(notes->doing, sizeof notes->doing, "--kind %s --step %zu --nth %llu %s",
                   step == OPENING_STEP ? "opening" : "allocation", step == OPENING_STEP ? 0 : step,
                   (unsigned long long)trial->nth, trial->for_good ? "--for-good" : "--once");
    is_troubled = true;
    memory_fail_at((int64_t)trial->nth, trial->for_good ? -1 : 1);
}

static void end_attempt(Trial *trial)
{
    trial->was_hit = memory_allocations() >= (int64_t)trial->nth;
    memory_fail_at(0, 0);
    is_troubled = false;
    notes->tried += trial->was_hit;
}

/* ---- what must hold ---- */

static void open_or_break(Trial *trial, const char *when)
{
    firn_error error;
    if (life_open(&trial->life, &error) != FIRN_OK)
        broken("%s the database does not open: %s: %s", when, error.name, error.message);
}

static bool is_poisoned(const Trial *trial)
{
    return engine_is_poisoned(database_engine(trial->life.database->database));
}

static bool only_counts(const Step *step)
{
    return step->only_settles || step->act == act_reopen;
}

static void check_untouched(Trial *trial, size_t step)
{
    Text difference = {0};
    notes->refused++;
    if (trial->life.database == NULL) {
        life_check_closed("not opened");
        open_or_break(trial, "with memory again");
        notes->recovered++;
    }
    if (is_poisoned(trial))
        broken("\"%s\": an allocation that failed poisoned the log", step_name(&steps[step]));
    state_glance(&trial->life, !only_counts(&steps[step]), &trial->after);
    if (strcmp(text_of(&trial->before), text_of(&trial->after)) == 0)
        return;
    text_put_difference(&difference, text_of(&trial->before), text_of(&trial->after));
    broken("\"%s\" failed (%s: %s) and left something: %s", step_name(&steps[step]),
           trial->error.name, trial->error.message, text_of(&difference));
}

static void check_answer(const Trial *trial, size_t step)
{
    const char *wanted = notes_text(notes->steps[step].answer);
    Text difference = {0};
    if (steps[step].varies || strcmp(wanted, text_of(&trial->answer)) == 0)
        return;
    text_put_difference(&difference, wanted, text_of(&trial->answer));
    broken("\"%s\" answered wrongly: %s", step_name(&steps[step]), text_of(&difference));
}

static void check_state(Trial *trial, size_t step)
{
    Text difference = {0};
    const char *wanted = notes_text(notes->steps[step].state);
    state_read(&trial->life, &trial->after);
    if (strcmp(wanted, text_of(&trial->after)) == 0)
        return;
    text_put_difference(&difference, wanted, text_of(&trial->after));
    broken("after \"%s\" with failures before, the state: %s", step_name(&steps[step]),
           text_of(&difference));
}

/* ---- one step ---- */

/* What housekeeping does on the way is not to look like the step's doing. */
static void wait_for_jobs(Trial *trial)
{
    if (act_jobs_rest(&trial->life, NULL, &trial->answer, &trial->error) != FIRN_OK)
        broken("jobs cannot be listed: %s", trial->error.message);
}

static void close_or_break(Trial *trial)
{
    firn_error error;
    if (life_close(&trial->life, &error) != FIRN_OK)
        broken("the database does not close: %s: %s", error.name, error.message);
    life_check_closed("closed");
}

/* What could not be handed to a job is housekeeping's, once it is in files; and housekeeping comes
 * first when a life begins. */
static Status undo_later(Trial *trial, const Step *back, firn_error *error)
{
    Step settle = {.sql = "STORAGE FLUSH ALL IN app"};
    Status status = step_run(&trial->life, &settle, &trial->answer, error);
    if (status != OK)
        return status;
    status = STATUS_OBJECT_IN_USE;
    close_or_break(trial);
    open_or_break(trial, "after a drop");
    for (int i = 0; i < UNDO_ATTEMPTS_MAX && status == STATUS_OBJECT_IN_USE; i++) {
        env_sleep_ns(env_real(), UNDO_PAUSE_NS);
        status = step_run(&trial->life, back, &trial->answer, error);
    }
    return status;
}

static void undo(Trial *trial, size_t step)
{
    Step back = {.sql = steps[step].undo};
    firn_error error;
    if (back.sql == NULL)
        return;
    wait_for_jobs(trial);
    Status status = step_run(&trial->life, &back, &trial->answer, &error);
    if (status == STATUS_OBJECT_IN_USE)
        status = undo_later(trial, &back, &error);
    if (status != OK)
        broken("\"%s\" cannot be undone: %s: %s", step_name(&steps[step]), error.name,
               error.message);
}

static bool changes_state(size_t step)
{
    uint32_t before = step == 0 ? notes->first_state : notes->steps[step - 1].state;
    return notes->steps[step].state != before;
}

static Status attempt(Trial *trial, size_t step)
{
    wait_for_jobs(trial);
    state_glance(&trial->life, !only_counts(&steps[step]), &trial->before);
    begin_attempt(trial, step);
    Status status = step_run(&trial->life, &steps[step], &trial->answer, &trial->error);
    end_attempt(trial);
    if (status != steps[step].expected && !trial->was_hit)
        broken("\"%s\" fails by itself: %s: %s", step_name(&steps[step]), trial->error.name,
               trial->error.message);
    if (status != steps[step].expected && step_was_done(&trial->error)) {
        notes->refused++;
        return steps[step].expected;
    }
    if (status != steps[step].expected)
        check_untouched(trial, step);
    else
        check_answer(trial, step);
    return status;
}

/* The step with each n; when this returns it is done, or it is undone and is to be done. */
static bool fail_step(Trial *trial, size_t step)
{
    for (trial->nth = first_of(trial);; trial->nth = next_of(trial, trial->nth)) {
        bool is_done = attempt(trial, step) == steps[step].expected;
        if (is_done && steps[step].undo == NULL && changes_state(step))
            return true;
        if (is_done)
            undo(trial, step);
        if (!trial->was_hit || trial->plan->nth > 0)
            return false;
    }
}

static void do_step(Trial *trial, size_t step)
{
    notes->step = step;
    Status status = step_run(&trial->life, &steps[step], &trial->answer, &trial->error);
    if (status != steps[step].expected)
        broken("after failures, \"%s\" fails: %s: %s", step_name(&steps[step]), trial->error.name,
               trial->error.message);
}

static void try_step(Trial *trial, size_t step)
{
    bool is_done = false;
    trial->for_good = false;
    if (trial->plan->once)
        is_done = fail_step(trial, step);
    trial->for_good = true;
    if (trial->plan->for_good && !is_done)
        is_done = fail_step(trial, step);
    if (!is_done)
        do_step(trial, step);
    check_state(trial, step);
    if (is_verbose)
        (void)printf("%4llu allocations: %s\n", (unsigned long long)trial->nth,
                     step_name(&steps[step]));
}

static void begin(Trial *trial, const char *directory, const MemoryPlan *plan)
{
    *trial = (Trial){.plan = plan, .random = random_of(notes->seed)};
    (void)snprintf(trial->life.directory.text, sizeof trial->life.directory.text, "%s", directory);
    machine_install();
}

static void end(Trial *trial)
{
    text_close(&trial->answer);
    text_close(&trial->before);
    text_close(&trial->after);
}

void memory_steps(const char *directory, const MemoryPlan *plan)
{
    Trial trial;
    begin(&trial, directory, plan);
    open_or_break(&trial, "new,");
    for (size_t i = 0; i <= plan->last_step; i++) {
        if (i < plan->first_step)
            do_step(&trial, i);
        else
            try_step(&trial, i);
    }
    close_or_break(&trial);
    open_or_break(&trial, "at the end");
    check_state(&trial, plan->last_step);
    close_or_break(&trial);
    life_check_directory(&trial.life);
    end(&trial);
}

/* ---- opening and closing ---- */

static Status copy_file(const char *from, const char *to, Error *error)
{
    Env *env = env_real();
    Buffer bytes;
    File *file = NULL;
    Status status = OK;
    buffer_open(&bytes, 0);
    GO(env_read_file(env, from, COPY_FILE_BYTES_MAX, &bytes, error));
    GO(file_open(env, to, FILE_WRITE | FILE_CREATE, &file, error));
    GO(file_write_at(file, 0, buffer_slice(&bytes), error));
done:
    if (file != NULL)
        KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    buffer_close(&bytes);
    return status;
}

/* NOLINTNEXTLINE(misc-no-recursion) as deep as the directory, and no deeper than a limit */
static Status copy_tree(const char *from, const char *to, int depth, Arena *arena, Error *error)
{
    DirectoryEntry *entries;
    size_t count;
    ASSERT(depth < COPY_DEPTH_MAX);
    TRY(env_make_directories(env_real(), to, error));
    TRY(env_list(env_real(), from, arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        Path source;
        Path target;
        TRY(path_join(&source, from, (const char *)entries[i].name.data, error));
        TRY(path_join(&target, to, (const char *)entries[i].name.data, error));
        if (entries[i].is_directory)
            TRY(copy_tree(source.text, target.text, depth + 1, arena, error));
        else
            TRY(copy_file(source.text, target.text, error));
    }
    return OK;
}

static void put_back(Trial *trial, const char *crashed)
{
    Arena arena;
    Error error;
    const char *directory = trial->life.directory.text;
    arena_open(&arena, 0);
    Status status = env_remove_tree(env_real(), directory, &error);
    if (status == OK || status == STATUS_FILE_NOT_FOUND)
        status = copy_tree(crashed, directory, 0, &arena, &error);
    if (status != OK)
        broken("the directory cannot be copied: %s [%s]", error.message, error.internal);
    arena_close(&arena);
}

static bool attempt_opening(Trial *trial)
{
    begin_attempt(trial, OPENING_STEP);
    int code = life_open(&trial->life, &trial->error);
    end_attempt(trial);
    if (code != FIRN_OK && !trial->was_hit)
        broken("opening fails by itself: %s: %s", trial->error.name, trial->error.message);
    if (code != FIRN_OK) {
        notes->refused++;
        life_check_closed("not opened");
    }
    return code == FIRN_OK;
}

static void fail_openings(Trial *trial, const char *crashed)
{
    put_back(trial, crashed);
    for (trial->nth = first_of(trial);; trial->nth = next_of(trial, trial->nth)) {
        if (attempt_opening(trial)) {
            check_state(trial, trial->plan->last_step);
            close_or_break(trial);
            put_back(trial, crashed);
        }
        if (!trial->was_hit || trial->plan->nth > 0)
            return;
    }
}

/* An error of a close is told; what it did not do is made up for by the next opening. */
static void fail_closings(Trial *trial)
{
    Step touch = {.sql = "UPDATE app.t SET n = n WHERE id = 1"};
    for (trial->nth = first_of(trial);; trial->nth = next_of(trial, trial->nth)) {
        open_or_break(trial, "after a close without memory");
        if (step_run(&trial->life, &touch, &trial->answer, &trial->error) != OK)
            broken("after a close without memory: %s", trial->error.message);
        begin_attempt(trial, OPENING_STEP);
        int code = life_close(&trial->life, &trial->error);
        end_attempt(trial);
        if (code != FIRN_OK && !trial->was_hit)
            broken("closing fails by itself: %s: %s", trial->error.name, trial->error.message);
        life_check_closed("closed without memory");
        if (!trial->was_hit || trial->plan->nth > 0)
            break;
    }
    open_or_break(trial, "after closes without memory");
    check_state(trial, trial->plan->last_step);
    close_or_break(trial);
}

void memory_prepare(const char *directory, size_t last)
{
    Trial trial;
    MemoryPlan plan = {.last_step = last};
    begin(&trial, directory, &plan);
    open_or_break(&trial, "new,");
    for (size_t i = 0; i <= last; i++)
        do_step(&trial, i);
    _exit(EXIT_DIED);
}

void memory_openings(const char *crashed, const char *directory, const MemoryPlan *plan)
{
    Trial trial;
    begin(&trial, directory, plan);
    for (int i = 0; i < 2; i++) {
        trial.for_good = i == 1;
        if (!(trial.for_good ? plan->for_good : plan->once))
            continue;
        fail_openings(&trial, crashed);
        if (is_verbose)
            (void)printf("%4llu allocations: opening\n", (unsigned long long)trial.nth);
        fail_closings(&trial);
        if (is_verbose)
            (void)printf("%4llu allocations: closing\n", (unsigned long long)trial.nth);
    }
    life_check_directory(&trial.life);
    end(&trial);
}
