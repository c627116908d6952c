/* A database opened and closed, what must be true in between, and the notes. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "tests/faults/faults.h"

Notes *notes;
bool is_verbose;
bool is_troubled;

/* ---- notes ---- */

uint32_t notes_keep(const char *text)
{
    size_t size = strlen(text) + 1;
    if (notes->text_size + size > NOTES_TEXT_BYTES)
        broken("the notes are full");
    size_t offset = notes->text_size;
    memcpy(notes->text + offset, text, size);
    notes->text_size += size;
    return (uint32_t)offset;
}

const char *notes_text(uint32_t offset)
{
    return notes->text + offset;
}

void broken(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(notes->broken, sizeof notes->broken, format, arguments);
    va_end(arguments);
    (void)fflush(NULL);
    _exit(EXIT_BROKEN);
}

/* ---- opening and closing ---- */

/* Nothing happens by itself: what is flushed and cleaned up is what the steps ask for. */
int life_open(Life *life, firn_error *error)
{
    static const char *const settings[] = {
        "flush.interval=365d", "flush.check_every=1h",   "engine.workers=1",
        "engine.threads=1",    "jobs.workers=1",         "server.workers=2",
        "shutdown.wait=20s",   "log.segment_bytes=1MiB", "cold.small_files_max=2"};
    firn_options options = {.worker_path = "build/release/firn-worker",
                            .settings = settings,
                            .setting_count = sizeof settings / sizeof settings[0]};
    return firn_open(life->directory.text, &options, &life->database, error);
}

int life_close(Life *life, firn_error *error)
{
    firn_database *database = life->database;
    life->database = NULL;
    return firn_close(database, error);
}

void life_check_closed(const char *when)
{
    MachineUse use = machine_use();
    if (use.files != 0 || use.maps != 0 || use.threads != 0)
        broken("%s: %lld files, %lld maps and %lld threads were left open", when,
               (long long)use.files, (long long)use.maps, (long long)use.threads);
}

/* ---- the checker ---- */

static void hear_finding(void *context, const CheckFinding *finding)
{
    if (finding->grade == CHECK_DAMAGE || finding->grade == CHECK_DERIVED)
        text_put(context, "%s: %s: %s\n", check_grade_name(finding->grade), finding->object,
                 finding->what);
}

void life_check_directory(const Life *life)
{
    Text found = {0};
    CheckOptions options = {
        .directory = life->directory.text, .context = &found, .found = hear_finding};
    CheckSummary summary;
    Error error;
    if (check_directory(env_real(), &options, &summary, &error) != OK)
        broken("the checker cannot look: %s [%s]", error.message, error.internal);
    if (found.size > 0)
        broken("the checker found: %s", found.data);
    text_close(&found);
}
