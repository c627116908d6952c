#include "cli/printer.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"

enum { OUTPUT_DRAIN_BYTES = 64 << 10 };

static size_t terminal_width(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

/* What the user's environment says, not the locale the program has set for itself. */
static bool terminal_is_unicode(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL;
    }
    return false;
}

void printer_open(Printer *output, FILE *file, bool no_color)
{
    *output = (Printer){.file = file};
    buffer_open(&output->buffer, 0);
    if (file == NULL || !isatty(fileno(file)))
        return;
    const char *terminal = getenv("TERM");
    const char *wish = getenv("NO_COLOR");
    bool is_dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
    output->has_colors = !no_color && !is_dumb && (wish == NULL || wish[0] == '\0');
    output->is_unicode = terminal_is_unicode();
    output->width = terminal_width(fileno(file));
}

void printer_measure(Printer *output)
{
    if (output->width > 0 && output->file != NULL)
        output->width = terminal_width(fileno(output->file));
}

void printer_flush(Printer *output)
{
    Buffer *buffer = &output->buffer;
    output->failed = output->failed || buffer->failed;
    if (output->file == NULL)
        return;
    if (buffer->size > 0 && fwrite(buffer->data, 1, buffer->size, output->file) != buffer->size)
        output->failed = true;
    if (fflush(output->file) != 0)
        output->failed = true;
    buffer_clear(buffer);
}

void printer_drain(Printer *output)
{
    if (output->buffer.size >= OUTPUT_DRAIN_BYTES || output->buffer.failed)
        printer_flush(output);
}

void printer_close(Printer *output)
{
    printer_flush(output);
    buffer_close(&output->buffer);
}

void printer_color(Printer *output, OutputColor color)
{
    static const char *const codes[] = {"\033[0m",  "\033[2m",  "\033[1m", "\033[31m",
                                        "\033[32m", "\033[33m", "\033[36m"};
    if (output->has_colors)
        buffer_put_text(&output->buffer, codes[color]);
}

void printer_text(Printer *output, const char *text)
{
    buffer_put_text(&output->buffer, text);
}

void printer_clean(Printer *output, Slice text)
{
    (void)text_put(&output->buffer, text, 0, output->is_unicode);
}
