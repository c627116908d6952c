/* A table of the cold tier: what is the same for all its versions, and its metadata files' bytes.
 */
#include "base/assert.h"
#include "base/hash.h"
#include "cold/cold_int.h"

/* ---- opening ---- */

static Status check_options(const ColdTableOptions *options, Error *error)
{
    ASSERT(options->kind == TABLE_SHARED || options->kind == TABLE_USER);
    Slice folder = slice_of_text(options->folder);
    if (options->format_version != ICEBERG_FORMAT_VERSION)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "Iceberg format version %d is not supported, only %d",
                         options->format_version, ICEBERG_FORMAT_VERSION);
    /* Paths stand in JSON, where only UTF-8 can. */
    if (folder.size < 2 || folder.data[0] != '/' || folder.data[folder.size - 1] == '/' ||
        folder.size >= PATH_BYTES_MAX / 2 || !slice_is_utf8_text(folder)) {
        (void)error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                        "a table's folder must be an absolute path of UTF-8 of at most %d bytes",
                        PATH_BYTES_MAX / 2 - 1);
        return error_wrap(error, "%s", options->folder);
    }
    return OK;
}

static Status fill_table(ColdTable *table, const ColdTableOptions *options, Error *error)
{
    table->kind = options->kind;
    iceberg_uuid_text(options->uuid, table->uuid);
    table->folder = arena_text(&table->arena, slice_of_text(options->folder));
    if (table->folder == NULL)
        return arena_error(&table->arena, error);
    TRY(arena_clone(&table->arena, options->namespace_name, &table->namespace_name, error));
    return arena_clone(&table->arena, options->table_name, &table->table_name, error);
}

Status cold_table_open(const ColdContext *context, const ColdTableOptions *options, ColdTable **out,
                       Error *error)
{
    TRY(check_options(options, error));
    ColdTable *table = MEMORY_NEW(ColdTable);
    if (table == NULL)
        return error_out_of_memory(error);
    atomic_init(&table->references, 1);
    table->context = *context;
    arena_open(&table->arena, 0);
    Status status = fill_table(table, options, error);
    if (status == OK)
        *out = table;
    else
        cold_table_close(table);
    return status;
}

ColdTable *cold_table_clone(ColdTable *table)
{
    uint32_t before = atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return table;
}

void cold_table_close(ColdTable *table)
{
    if (table == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    arena_close(&table->arena);
    memory_free(table);
}

const char *cold_table_folder(const ColdTable *table)
{
    return table->folder;
}

/* ---- metadata files ---- */

static bool hex_value(Slice text, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = value;
    return true;
}

/* The CRC in a name: "c" and eight digits between "-" and "-" or ".". No part of a UUID has nine.
 */
static bool crc_of_name(Slice name, uint32_t *out)
{
    for (size_t begin = 0; begin < name.size;) {
        Slice rest = slice_part(name, begin, name.size);
        size_t end = 0;
        while (end < rest.size && rest.data[end] != '-' && rest.data[end] != '.')
            end++;
        if (end == 9 && rest.data[0] == 'c' && hex_value(slice_part(rest, 1, 8), out))
            return true;
        begin += end + 1;
    }
    return false;
}

Status cold_read_metadata(const ColdTable *table, const char *relative, Buffer *out, Error *error)
{
    Path path;
    uint32_t crc;
    TRY(cold_absolute(table, relative, &path, error));
    TRY(env_read_file(table->context.env, path.text, ICEBERG_METADATA_BYTES_MAX, out, error));
    Slice name = cold_last_part(slice_of_text(relative), '/');
    if (!crc_of_name(name, &crc) || crc == crc32c(0, buffer_slice(out)))
        return OK;
    (void)iceberg_damaged("its checksum is not that in its name", error);
    return error_wrap(error, "%s", path.text);
}
