/* Showing a committed version to outside readers, for whom the name v<N>.metadata.json is the
 * commit. Everything here may be done again after a crash at any point. */
#include <stdio.h>

#include "base/assert.h"
#include "base/fault.h"
#include "cold/cold_int.h"

enum { HINT_BYTES_MAX = 64 };

typedef struct Publishing {
    Env *env;
    const ColdVersion *version;
    Path folder; /* metadata */
    Path private_path;
    Path name; /* v<N>.metadata.json */
    uint32_t *foreign;
    Error *error;
} Publishing;

static Status find_paths(Publishing *publishing, const ColdTable *table)
{
    const ColdVersion *version = publishing->version;
    TRY(cold_absolute(table, "metadata", &publishing->folder, publishing->error));
    TRY(cold_absolute(table, version->metadata_path, &publishing->private_path, publishing->error));
    return path_format(&publishing->name, publishing->error, "%s/v%llu.metadata.json",
                       publishing->folder.text, (unsigned long long)cold_version_number(version));
}

/* Two metadata files of ours differ at least in their snapshots. */
static Status is_ours(Publishing *publishing, bool *out)
{
    Buffer mine;
    Buffer other;
    Status status = OK;
    buffer_open(&mine, 0);
    buffer_open(&other, 0);
    GO(env_read_file(publishing->env, publishing->private_path.text, ICEBERG_METADATA_BYTES_MAX,
                     &mine, publishing->error));
    status = env_read_file(publishing->env, publishing->name.text, ICEBERG_METADATA_BYTES_MAX,
                           &other, publishing->error);
    if (status == STATUS_PROGRAM_LIMIT_EXCEEDED) { /* longer than any of ours */
        *out = false;
        status = OK;
        goto done;
    }
    GO(status);
    *out = slice_equal(buffer_slice(&mine), buffer_slice(&other));
done:
    buffer_close(&mine);
    buffer_close(&other);
    return status;
}

static Status move_aside(Publishing *publishing)
{
    for (uint32_t number = 1; number <= COLD_FOREIGN_MAX; number++) {
        Path aside;
        FileInformation information;
        TRY(path_format(&aside, publishing->error, "%s.foreign-%u", publishing->name.text, number));
        TRY(env_stat(publishing->env, aside.text, &information, publishing->error));
        if (information.exists)
            continue;
        TRY(env_rename(publishing->env, publishing->name.text, aside.text, publishing->error));
        ++*publishing->foreign;
        return OK;
    }
    return error_set(publishing->error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                     "more than %d foreign commits of one number lie in a table's folder",
                     COLD_FOREIGN_MAX);
}

static Status link_name(Publishing *publishing)
{
    for (;;) {
        bool ours;
        Status status = env_link(publishing->env, publishing->private_path.text,
                                 publishing->name.text, publishing->error);
        if (status != STATUS_FILE_EXISTS)
            return status;
        TRY(is_ours(publishing, &ours));
        if (ours)
            return OK;
        TRY(move_aside(publishing));
    }
}

/* Readers of a hint that is behind go on from it by themselves. */
static Status move_hint(Publishing *publishing)
{
    char text[24];
    Path path;
    Buffer old;
    int size = snprintf(text, sizeof text, "%llu",
                        (unsigned long long)cold_version_number(publishing->version));
    Slice wanted = slice_of(text, (size_t)size);
    TRY(path_join(&path, publishing->folder.text, "version-hint.text", publishing->error));
    buffer_open(&old, 0);
    Status status =
        env_read_file(publishing->env, path.text, HINT_BYTES_MAX, &old, publishing->error);
    bool is_there = status == OK && slice_equal(buffer_slice(&old), wanted);
    buffer_close(&old);
    return is_there ? OK
                    : env_replace_file(publishing->env, path.text, wanted, 0, publishing->error);
}

Status cold_version_publish(ColdTable *table, const ColdVersion *version, uint32_t *foreign,
                            Error *error)
{
    Publishing publishing = {
        .env = table->context.env, .version = version, .foreign = foreign, .error = error};
    ASSERT(cold_version_number(version) > 0);
    TRY(find_paths(&publishing, table));
    TRY(link_name(&publishing));
    TRY(env_sync_directory(publishing.env, publishing.folder.text, error));
    TRY(FAULT(publishing.env, flush_after_link, error));
    return move_hint(&publishing);
}
