/* Names of a table's files, made and read back. */
#include <stdio.h>
#include <time.h>

#include "base/assert.h"
#include "base/hash.h"
#include "cold/cold_int.h"

/* ---- names ---- */

static bool is_plain(uint8_t c, bool is_first)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '@' ||
           (c == '.' && !is_first);
}

/* "~" never stands for itself, and "~~" begins a hash, so different users never share a folder. All
 * of it survives in a URL unchanged, where readers that take paths for URLs would decode "%". */
static Status put_owner_folder(Buffer *out, Slice name, Error *error)
{
    if (name.size == 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "a user's name is empty");
    for (size_t i = 0; i < name.size; i++) {
        if (is_plain(name.data[i], i == 0))
            buffer_put_u8(out, name.data[i]);
        else
            buffer_put_format(out, "~%02x", name.data[i]);
        if (out->size > COLD_OWNER_FOLDER_BYTES_MAX) {
            buffer_clear(out);
            buffer_put_format(out, "~~%016llx%016llx", (unsigned long long)hash_64_seeded(name, 1),
                              (unsigned long long)hash_64_seeded(name, 2));
            break;
        }
    }
    return buffer_status(out, error);
}

static void put_time(char *out, size_t size, int64_t wall_us)
{
    static const int64_t year_10000_us = 253402300800000000;
    struct tm parts;
    if (wall_us < 0 || wall_us >= year_10000_us)
        wall_us = 0;
    time_t seconds = (time_t)(wall_us / 1000000);
    ASSERT(gmtime_r(&seconds, &parts) != NULL);
    ASSERT(strftime(out, size, "%Y-%m-%dT%H-%M-%S", &parts) > 0);
}

Status cold_data_path(const ColdTable *table, uint64_t file_sequence, uint32_t ordinal,
                      Slice owner_name, int64_t wall_us, Path *out, Error *error)
{
    char tail[48] = "";
    char when[32];
    if (ordinal > 0)
        (void)snprintf(tail, sizeof tail, ".%u", ordinal);
    if (table->kind == TABLE_SHARED)
        return path_format(out, error, "data/batch-%lld-%llu%s.parquet",
                           (long long)(wall_us < 0 ? 0 : wall_us / 1000),
                           (unsigned long long)file_sequence, tail);
    Buffer folder;
    buffer_open(&folder, 0);
    put_time(when, sizeof when, wall_us);
    Status status = put_owner_folder(&folder, owner_name, error);
    if (status == OK)
        status = path_format(out, error, "data/%.*s/%s-%llu%s.parquet",
                             SLICE_ARGUMENTS(buffer_slice(&folder)), when,
                             (unsigned long long)file_sequence, tail);
    buffer_close(&folder);
    return status;
}

Status cold_index_path(const ColdTable *table, uint64_t file_sequence, Path *out, Error *error)
{
    (void)table;
    return path_format(out, error, "keys/%llu.keys", (unsigned long long)file_sequence);
}

Status cold_sidecar_path(uint64_t file_sequence, Path *out, Error *error)
{
    return path_format(out, error, "metadata/%llu.deletes", (unsigned long long)file_sequence);
}

Status cold_absolute(const ColdTable *table, const char *relative, Path *out, Error *error)
{
    return path_join(out, table->folder, relative, error);
}

/* ---- names read back ---- */

Slice cold_last_part(Slice text, uint8_t separator)
{
    for (size_t i = text.size; i > 0; i--) {
        if (text.data[i - 1] == separator)
            return slice_part(text, i, text.size);
    }
    return text;
}

static bool parse_sequence(Slice text, DataFileName *out)
{
    int64_t sequence;
    int64_t ordinal = 0;
    size_t point = slice_find(text, '.');
    if (!slice_to_int64(slice_part(text, 0, point), &sequence) || sequence < 0 ||
        sequence >= (int64_t)1 << (64 - DATA_FILE_ORDINAL_BITS - 1))
        return false;
    if (point < text.size && (!slice_to_int64(slice_part(text, point + 1, text.size), &ordinal) ||
                              ordinal <= 0 || ordinal >= 1 << DATA_FILE_ORDINAL_BITS))
        return false;
    out->file_sequence = (uint64_t)sequence;
    out->ordinal = (uint32_t)ordinal;
    return true;
}

static bool parse_time(Slice text, int64_t *wall_us)
{
    struct tm parts = {0};
    char copy[20];
    if (text.size != sizeof copy - 1)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    const char *end = strptime(copy, "%Y-%m-%dT%H-%M-%S", &parts);
    if (end == NULL || *end != '\0')
        return false;
    *wall_us = (int64_t)timegm(&parts) * 1000000;
    return true;
}

bool cold_parse_data_path(TableKind kind, const char *path, DataFileName *out)
{
    static const Slice extension = {(const uint8_t *)".parquet", 8};
    Slice name = cold_last_part(slice_of_text(path), '/');
    int64_t milliseconds;
    if (name.size <= extension.size ||
        !slice_equal(slice_part(name, name.size - extension.size, extension.size), extension))
        return false;
    name.size -= extension.size;
    Slice sequence = cold_last_part(name, '-');
    if (sequence.size + 1 >= name.size || !parse_sequence(sequence, out))
        return false;
    Slice when = slice_part(name, 0, name.size - sequence.size - 1);
    if (kind == TABLE_USER)
        return parse_time(when, &out->created_us);
    if (!slice_starts_with(when, SLICE("batch-")) ||
        !slice_to_int64(slice_part(when, 6, when.size), &milliseconds) || milliseconds < 0 ||
        milliseconds > INT64_MAX / 1000)
        return false;
    out->created_us = milliseconds * 1000;
    return true;
}

static bool ends_with(Slice text, Slice end)
{
    return text.size >= end.size &&
           slice_equal(slice_part(text, text.size - end.size, text.size), end);
}

/* Other files end in numbers too (a uuid may), but have other endings. */
uint64_t cold_path_sequence(const char *relative)
{
    Slice path = slice_of_text(relative);
    Slice name = cold_last_part(cold_last_part(path, '/'), '-');
    int64_t sequence;
    if (!ends_with(path, SLICE(".parquet")) && !ends_with(path, SLICE(".keys")) &&
        !ends_with(path, SLICE(".deletes")))
        return 0;
    if (!slice_to_int64(slice_part(name, 0, slice_find(name, '.')), &sequence) || sequence < 0)
        return 0;
    return (uint64_t)sequence;
}
