/* Windows of time, and the names of what lies in them. */
#include <stdio.h>
#include <time.h>

#include "base/hash.h"
#include "stream/stream_int.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)
#define WEEK_US   (7 * DAY_US)

/* 1970-01-01 was a Thursday. */
#define FIRST_MONDAY_US (4 * DAY_US)

static int64_t window_size(int64_t ttl_us)
{
    if (ttl_us <= HOUR_US)
        return MINUTE_US;
    if (ttl_us <= DAY_US)
        return HOUR_US;
    return ttl_us <= WEEK_US ? DAY_US : WEEK_US;
}

StreamWindow stream_window_at(int64_t ttl_us, int64_t at_us)
{
    int64_t size = window_size(ttl_us);
    int64_t shift = size == WEEK_US ? FIRST_MONDAY_US : 0;
    int64_t into = (at_us - shift) % size;
    if (into < 0)
        into += size;
    return (StreamWindow){at_us - into, at_us - into + size};
}

void window_name(int64_t begin_us, char out[WINDOW_NAME_BYTES])
{
    static const int64_t year_10000_us = 253402300800000000;
    struct tm parts;
    if (begin_us < 0 || begin_us >= year_10000_us)
        begin_us = 0;
    time_t seconds = (time_t)(begin_us / 1000000);
    ASSERT(gmtime_r(&seconds, &parts) != NULL);
    ASSERT(strftime(out, WINDOW_NAME_BYTES, "%Y-%m-%dT%H-%M-%S", &parts) > 0);
}

Status stream_absolute(const StreamContext *context, const char *relative, Path *out, Error *error)
{
    bool is_in_window = strchr(relative, '/') != NULL;
    return path_join(out, is_in_window ? context->folder : context->state, relative, error);
}

/* ---- users ---- */

enum { OWNER_NAME_BYTES_MAX = 160 };

static bool is_plain(uint8_t c, bool is_first)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '@' || c == '+' ||
           (c == '.' && !is_first);
}

/* User names stand as they are; what could not stand in a path never gets here, and is turned into
 * something that can all the same. */
Status owner_file_name(Slice owner_name, Buffer *out, Error *error)
{
    size_t begin = out->size;
    for (size_t i = 0; i < owner_name.size && out->size - begin <= OWNER_NAME_BYTES_MAX; i++) {
        if (is_plain(owner_name.data[i], i == 0))
            buffer_put_u8(out, owner_name.data[i]);
        else
            buffer_put_format(out, "~%02x", owner_name.data[i]);
    }
    if (owner_name.size == 0 || out->size - begin > OWNER_NAME_BYTES_MAX) {
        out->size = begin;
        buffer_put_format(out, "~~%016llx", (unsigned long long)hash_64(owner_name));
    }
    return buffer_status(out, error);
}
