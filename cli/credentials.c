#include "cli/credentials.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/env.h"
#include "cli/interrupt.h"

static const char FILE_NAME[] = "/.firn/credentials";

void credentials_wipe(Buffer *secret)
{
    if (secret->data != NULL)
        explicit_bzero(secret->data, secret->capacity);
    buffer_close(secret);
}

/* ---- the file's text ---- */

/* The next part of a line, unescaped; *line is moved behind its colon. The last one takes all. */
static void take_part(Slice *line, bool is_last, Buffer *out)
{
    size_t at = 0;
    buffer_clear(out);
    for (; at < line->size && (is_last || line->data[at] != ':'); at++) {
        if (line->data[at] == '\\' && at + 1 < line->size)
            at++;
        buffer_put_u8(out, line->data[at]);
    }
    *line = slice_part(*line, at + 1, line->size);
}

static bool part_fits(const Buffer *part, const char *wanted)
{
    Slice text = buffer_slice(part);
    return slice_equal_text(text, "*") || slice_equal_text(text, wanted);
}

/* True where the line is for this user there; the password is in `part` then. */
static bool read_line(Slice line, const char *const wanted[3], Buffer *part)
{
    for (size_t i = 0; i < 3; i++) {
        take_part(&line, false, part);
        if (!part_fits(part, wanted[i]))
            return false;
    }
    take_part(&line, true, part);
    return part->size > 0 && !part->failed;
}

bool credentials_search(Slice text, const char *host, uint16_t port, const char *user,
                        Buffer *password)
{
    char port_text[8];
    (void)snprintf(port_text, sizeof port_text, "%u", (unsigned)port);
    const char *const wanted[3] = {host, port_text, user};
    while (text.size > 0) {
        size_t end = slice_find(text, '\n');
        Slice line = slice_part(text, 0, end);
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        if (read_line(line, wanted, password))
            return true;
        text = slice_part(text, end + 1, text.size);
    }
    buffer_clear(password);
    return false;
}

/* ---- the file ---- */

static Status check_private(int descriptor, Error *error)
{
    struct stat information;
    if (fstat(descriptor, &information) != 0 || !S_ISREG(information.st_mode))
        return error_set(error, STATUS_INVALID_AUTHORIZATION, "~/.firn/credentials is no file");
    if ((information.st_mode & 077) == 0)
        return OK;
    error_set(error, STATUS_INVALID_AUTHORIZATION,
              "~/.firn/credentials may be read by others: it is not used");
    error_set_hint(error, "chmod 600 ~/.firn/credentials");
    return error->status;
}

static Status read_all(int descriptor, Buffer *text, Error *error)
{
    for (;;) {
        uint8_t *at = buffer_reserve(text, 4096);
        TRY(buffer_status(text, error));
        ssize_t got = read(descriptor, at, 4096);
        if (got < 0)
            return error_set(error, STATUS_INVALID_AUTHORIZATION,
                             "~/.firn/credentials cannot be read");
        if (got == 0)
            return OK;
        text->size += (size_t)got;
    }
}

/* *found is false where there is no file, or nothing in it for this user. */
static Status search_file(const char *host, uint16_t port, const char *user, Buffer *password,
                          bool *found, Error *error)
{
    const char *home = getenv("HOME");
    Path path;
    Buffer text;
    Status status = OK;
    *found = false;
    if (home == NULL || home[0] == '\0')
        return OK;
    TRY(path_format(&path, error, "%s%s", home, FILE_NAME));
    int descriptor = open(path.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return OK;
    buffer_open(&text, CREDENTIALS_BYTES_MAX);
    GO(check_private(descriptor, error));
    GO(read_all(descriptor, &text, error));
    *found = credentials_search(buffer_slice(&text), host, port, user, password);
done:
    credentials_wipe(&text);
    (void)close(descriptor);
    return status;
}

/* ---- the terminal ---- */

static bool read_secret_line(int terminal, Buffer *password)
{
    uint8_t c;
    while (interrupt_wait_input(terminal) && read(terminal, &c, 1) == 1) {
        if (c == '\n')
            return !password->failed;
        buffer_put_u8(password, c);
    }
    return false;
}

static Status ask(const char *user, Buffer *password, Error *error)
{
    struct termios before;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0 || tcgetattr(terminal, &before) != 0) {
        if (terminal >= 0)
            (void)close(terminal);
        error_set(error, STATUS_INVALID_AUTHORIZATION, "no password for user \"%s\"", user);
        error_set_hint(error, "Set FIRN_PASSWORD, or write ~/.firn/credentials (mode 0600): "
                              "HOST:PORT:USER:PASSWORD");
        return error->status;
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(terminal, TCSAFLUSH, &silent);
    (void)dprintf(terminal, "Password for %s: ", user);
    bool is_read = read_secret_line(terminal, password);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)dprintf(terminal, "\n");
    (void)close(terminal);
    return is_read ? OK : error_set(error, STATUS_INVALID_AUTHORIZATION, "no password was given");
}

Status credentials_find(const char *host, uint16_t port, const char *user, Buffer *password,
                        Error *error)
{
    const char *given = getenv("FIRN_PASSWORD");
    bool found;
    buffer_open(password, PASSWORD_BYTES_MAX);
    if (user[0] == '\0')
        return OK;
    if (given != NULL) {
        buffer_put_text(password, given);
        return buffer_status(password, error);
    }
    TRY(search_file(host, port, user, password, &found, error));
    return found ? OK : ask(user, password, error);
}
