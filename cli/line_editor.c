#include "cli/line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/interrupt.h"

static char *prompt_of(EditLine *edit)
{
    LineEditor *editor = NULL;
    (void)el_get(edit, EL_CLIENTDATA, &editor);
    return editor->prompt;
}

/* libedit's own reader goes on after Ctrl-C. */
static int read_character(EditLine *edit, wchar_t *out)
{
    mbstate_t state = {0};
    (void)edit;
    for (;;) {
        char byte;
        if (!interrupt_wait_input(STDIN_FILENO))
            return -1;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        size_t size = mbrtowc(out, &byte, 1, &state);
        if (size == (size_t)-2)
            continue;
        if (size == (size_t)-1)
            *out = L'\xfffd';
        return 1;
    }
}

/* ---- the history ---- */

static void find_history(LineEditor *editor)
{
    const char *home = getenv("HOME");
    Path folder;
    Error ignored;
    editor->path.text[0] = '\0';
    if (home == NULL || home[0] == '\0' || path_join(&folder, home, ".firn", &ignored) != OK)
        return;
    if (mkdir(folder.text, 0700) != 0 && errno != EEXIST)
        return;
    if (path_join(&editor->path, folder.text, "history", &ignored) != OK)
        editor->path.text[0] = '\0';
}

static void load_history(LineEditor *editor)
{
    HistEvent event;
    find_history(editor);
    (void)history(editor->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
    (void)history(editor->history, &event, H_SETUNIQUE, 1);
    if (editor->path.text[0] != '\0')
        (void)history(editor->history, &event, H_LOAD, editor->path.text);
}

/* The mode first: the file is made by libedit, as the umask says. */
static void save_history(LineEditor *editor)
{
    HistEvent event;
    if (editor->path.text[0] == '\0')
        return;
    mode_t before = umask(077);
    (void)history(editor->history, &event, H_SAVE, editor->path.text);
    (void)umask(before);
}

static bool is_secret(Slice line)
{
    static const char word[] = "password";
    for (size_t at = 0; at + sizeof word - 1 <= line.size; at++) {
        if (slice_equal_ignoring_case(slice_part(line, at, sizeof word - 1), slice_of_text(word)))
            return true;
    }
    return false;
}

/* ---- lines ---- */

bool line_editor_open(LineEditor *editor)
{
    *editor = (LineEditor){0};
    editor->edit = el_init("firn", stdin, stdout, stderr);
    editor->history = editor->edit == NULL ? NULL : history_init();
    if (editor->history == NULL) {
        if (editor->edit != NULL)
            el_end(editor->edit);
        return false;
    }
    (void)el_set(editor->edit, EL_CLIENTDATA, editor);
    (void)el_set(editor->edit, EL_PROMPT, prompt_of);
    (void)el_set(editor->edit, EL_EDITOR, "emacs");
    (void)el_set(editor->edit, EL_HIST, history, editor->history);
    (void)el_set(editor->edit, EL_GETCFN, read_character);
    (void)el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_source(editor->edit, NULL); /* ~/.editrc, where there is one */
    load_history(editor);
    return true;
}

void line_editor_close(LineEditor *editor)
{
    save_history(editor);
    history_end(editor->history);
    el_end(editor->edit);
}

LineResult line_editor_read(LineEditor *editor, const char *place, char state, Slice *line)
{
    HistEvent event;
    int size = 0;
    (void)snprintf(editor->prompt, sizeof editor->prompt, "%s%c> ", place, state);
    (void)el_set(editor->edit, EL_PREP_TERM, 1); /* before the prompt says that keys are read */
    const char *text = el_gets(editor->edit, &size);
    if (interrupt_is_pending()) {
        el_reset(editor->edit);
        (void)puts("^C");
        return LINE_CANCELLED;
    }
    if (text == NULL || size <= 0) {
        (void)puts("");
        return LINE_END;
    }
    *line = slice_of(text, (size_t)size);
    while (line->size > 0 &&
           (line->data[line->size - 1] == '\n' || line->data[line->size - 1] == '\r'))
        line->size--;
    if (slice_trim(*line).size > 0 && !is_secret(*line))
        (void)history(editor->history, &event, H_ENTER, text);
    return LINE_READ;
}
