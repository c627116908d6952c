/* Where log lines go. A descriptor may be a pipe whose reader sleeps: it is only written to when it
 * says that it can take a whole piece, so that no thread of ours hangs on its own log. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/logger_int.h"

enum { PIECE_BYTES_MAX = 4096 }; /* PIPE_BUF: a pipe that is writable takes as much at once */

Status log_output_open(LogOutput *output, Env *env, const LoggerOptions *options, Error *error)
{
    *output = (LogOutput){.env = env,
                          .write = options->write,
                          .write_context = options->write_context,
                          .file = options->file,
                          .descriptor = options->descriptor};
    return options->file == NULL ? OK : file_size(options->file, &output->file_offset, error);
}

static bool can_write(const LogOutput *output, int64_t deadline_ns)
{
    struct pollfd waiting = {.fd = output->descriptor, .events = POLLOUT};
    for (;;) {
        int64_t left_ns = deadline_ns - env_monotonic_ns(output->env);
        int result = poll(&waiting, 1, left_ns <= 0 ? 0 : (int)(left_ns / 1000000));
        if (result > 0)
            return (waiting.revents & POLLOUT) != 0;
        if (result == 0 || errno != EINTR)
            return false;
    }
}

static bool write_pieces(LogOutput *output, Slice data, int64_t deadline_ns)
{
    while (data.size > 0) {
        if (!can_write(output, deadline_ns))
            return false;
        size_t piece = data.size < PIECE_BYTES_MAX ? data.size : PIECE_BYTES_MAX;
        ssize_t n = write(output->descriptor, data.data, piece);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (n <= 0)
            continue;
        data = slice_part(data, (size_t)n, data.size);
        output->is_in_line = data.size > 0;
    }
    return true;
}

static bool write_descriptor(LogOutput *output, Slice line)
{
    int64_t now_ns = env_monotonic_ns(output->env);
    int64_t deadline_ns = now_ns < output->stuck_until_ns ? now_ns : now_ns + LOG_OUTPUT_WAIT_NS;
    if (output->is_in_line && !write_pieces(output, SLICE("\n"), deadline_ns))
        return false;
    if (write_pieces(output, line, deadline_ns)) {
        output->stuck_until_ns = 0;
        return true;
    }
    if (now_ns >= output->stuck_until_ns)
        output->stuck_until_ns = env_monotonic_ns(output->env) + LOG_OUTPUT_STUCK_NS;
    return false;
}

static bool write_file(LogOutput *output, Slice line)
{
    Error ignored; /* there is no other place to say it; the caller counts it */
    if (file_write_at(output->file, output->file_offset, line, &ignored) != OK)
        return false;
    output->file_offset += line.size;
    return true;
}

bool log_output_write(LogOutput *output, Slice line)
{
    if (output->write != NULL)
        return output->write(output->write_context, line);
    if (output->file != NULL)
        return write_file(output, line);
    return write_descriptor(output, line);
}
