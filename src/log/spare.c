/* Spares: files made ahead, so that a change of segment finds its blocks allocated and written (an
 * fdatasync of an overwrite does not have to wait for the file system's own journal) and so that a
 * full disk is met before anything is sequenced.
 *
 * Sizes grow with the log: the first segments of a small database take a megabyte, not 64. */
#include <stdio.h>

#include "base/assert.h"
#include "base/memory.h"
#include "log/log_int.h"

enum { ZERO_STEP_BYTES = 1 << 20 };

void spare_path(const Log *log, uint64_t number, Path *out)
{
    Error ignored;
    Status status = path_format(out, &ignored, "%s/spare-%llu", log->directory.text,
                                (unsigned long long)number);
    ASSERT(status == OK); /* the directory's path was checked for room at open */
}

uint64_t segment_bytes_least(const Log *log)
{
    uint64_t full = log->options.segment_bytes;
    return full < SEGMENT_BYTES_MIN ? full : SEGMENT_BYTES_MIN;
}

uint64_t segment_bytes_wanted(const Log *log)
{
    uint64_t total = atomic_load(&log->total_bytes);
    uint64_t bytes = segment_bytes_least(log);
    while (bytes < total && bytes < log->options.segment_bytes)
        bytes *= 2;
    return bytes < log->options.segment_bytes ? bytes : log->options.segment_bytes;
}

static bool parse_spare_name(Slice name, uint64_t *number)
{
    int64_t value;
    if (!slice_starts_with(name, SLICE("spare-")) ||
        !slice_to_int64(slice_part(name, 6, name.size), &value) || value < 0)
        return false;
    *number = (uint64_t)value;
    return true;
}

/* What is in a spare does not matter, only that its blocks are there. */
Status spares_adopt(Log *log, Error *error)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    Status status = OK;
    arena_open(&arena, 0);
    GO(env_list(log->env, log->directory.text, &arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        Path path;
        FileInformation information;
        if (!parse_spare_name(entries[i].name, &number))
            continue;
        if (number >= log->next_spare_number)
            log->next_spare_number = number + 1;
        spare_path(log, number, &path);
        GO(env_stat(log->env, path.text, &information, error));
        bool whole = information.size >= segment_bytes_least(log) &&
                     log->spare_count < SPARES_MAX && information.blocks_size >= information.size;
        if (whole)
            log->spares[log->spare_count++] = (Spare){number, information.size};
        else
            GO(env_remove(log->env, path.text, error));
    }
done:
    arena_close(&arena);
    return status;
}

static Status fill_with_zeros(File *file, uint64_t bytes, Error *error)
{
    uint8_t *zeros = memory_allocate_zeroed(1, ZERO_STEP_BYTES);
    if (zeros == NULL)
        return error_out_of_memory(error);
    Status status = OK;
    for (uint64_t at = 0; at < bytes && status == OK; at += ZERO_STEP_BYTES) {
        uint64_t step = bytes - at < ZERO_STEP_BYTES ? bytes - at : ZERO_STEP_BYTES;
        status = file_write_at(file, at, slice_of(zeros, (size_t)step), error);
    }
    memory_free(zeros);
    return status;
}

static Status make_spare(Log *log, uint64_t number, uint64_t bytes, bool with_zeros, Error *error)
{
    Path path;
    File *file = NULL;
    Status status = OK;
    spare_path(log, number, &path);
    GO(file_open(log->env, path.text, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE, &file, error));
    GO(file_allocate(file, bytes, error));
    if (with_zeros) {
        GO(fill_with_zeros(file, bytes, error));
        GO(file_sync(file, error));
    }
done:
    if (file != NULL)
        KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    if (status != OK && file != NULL) {
        Error ignored;
        Status removed = env_remove(log->env, path.text, &ignored);
        (void)removed; /* it is a spare: the next open removes or adopts it */
    }
    return status;
}

/* Keeps it; the smallest goes where there are too many, or none could ever be large enough. */
static Status keep_spare(Log *log, const Spare *spare, Error *error)
{
    Spare goes = {0};
    mutex_lock(&log->mutex);
    bool is_full = log->spare_count == SPARES_MAX;
    if (is_full) {
        uint32_t smallest = 0;
        for (uint32_t i = 1; i < log->spare_count; i++) {
            if (log->spares[i].file_bytes < log->spares[smallest].file_bytes)
                smallest = i;
        }
        goes = log->spares[smallest];
        log->spares[smallest] = *spare;
    } else {
        log->spares[log->spare_count++] = *spare;
    }
    mutex_unlock(&log->mutex);
    if (!is_full)
        return OK;
    Path path;
    spare_path(log, goes.number, &path);
    return env_remove(log->env, path.text, error);
}

/* Without zeros: the caller is waiting. The disk's space is what counts. */
Status spare_prepare_now(Log *log, uint64_t bytes, Error *error)
{
    uint64_t wanted = segment_bytes_wanted(log);
    mutex_lock(&log->mutex);
    uint64_t number = log->next_spare_number++;
    mutex_unlock(&log->mutex);
    if (bytes > wanted)
        wanted = (bytes + ZERO_STEP_BYTES - 1) / ZERO_STEP_BYTES * ZERO_STEP_BYTES;
    TRY(make_spare(log, number, wanted, false, error));
    return keep_spare(log, &(Spare){number, wanted}, error);
}

/* Under the mutex: the smallest that is large enough, or -1. */
static int best_spare(const Log *log, uint64_t bytes)
{
    int best = -1;
    for (uint32_t i = 0; i < log->spare_count; i++) {
        if (log->spares[i].file_bytes < bytes)
            continue;
        if (best < 0 || log->spares[i].file_bytes < log->spares[best].file_bytes)
            best = (int)i;
    }
    return best;
}

Status spare_take(Log *log, uint64_t bytes, uint32_t kept, Spare *out, Error *error)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        mutex_lock(&log->mutex);
        int best = log->spare_count > kept ? best_spare(log, bytes) : -1;
        if (best >= 0) {
            *out = log->spares[best];
            log->spares[best] = log->spares[--log->spare_count];
            condition_signal(&log->preparer);
        }
        mutex_unlock(&log->mutex);
        if (best >= 0)
            return OK;
        TRY(spare_prepare_now(log, bytes, error));
    }
    return error_set(error, STATUS_DISK_FULL, "no log segment of %llu bytes could be made",
                     (unsigned long long)bytes);
}

void spare_give_back(Log *log, const Spare *spare)
{
    mutex_lock(&log->mutex);
    bool kept = log->spare_count < SPARES_MAX;
    if (kept)
        log->spares[log->spare_count++] = *spare;
    mutex_unlock(&log->mutex);
    if (kept)
        return;
    Path path;
    Error ignored;
    spare_path(log, spare->number, &path);
    Status status = env_remove(log->env, path.text, &ignored);
    (void)status; /* the next open removes or adopts it */
}

/* One more for commit records than the options ask for. */
static bool wants_spare(const Log *log)
{
    uint32_t wanted = log->options.spare_segments + 1;
    if (wanted > SPARES_MAX)
        wanted = SPARES_MAX;
    return log->spare_count < wanted;
}

enum { PREPARE_RETRY_NS = 500 * 1000 * 1000 };

void spare_run(void *argument)
{
    Log *log = argument;
    mutex_lock(&log->mutex);
    while (!log->closing) {
        if (!wants_spare(log)) {
            condition_wait(&log->preparer, &log->mutex);
            continue;
        }
        uint64_t number = log->next_spare_number++;
        uint64_t bytes = segment_bytes_wanted(log);
        mutex_unlock(&log->mutex);
        Error error;
        Status status = make_spare(log, number, bytes, true, &error);
        mutex_lock(&log->mutex);
        log->preparer_status = status;
        if (status == OK && log->spare_count < SPARES_MAX)
            log->spares[log->spare_count++] = (Spare){number, bytes};
        if (status != OK && !log->closing)
            (void)condition_wait_until(&log->preparer, &log->mutex,
                                       env_monotonic_ns(log->env) + PREPARE_RETRY_NS);
    }
    mutex_unlock(&log->mutex);
}

/* True where the file lives on as a spare. */
bool spare_recycle(Log *log, const Segment *segment)
{
    mutex_lock(&log->mutex);
    bool wanted = wants_spare(log) && segment->file_bytes >= segment_bytes_wanted(log);
    uint64_t number = wanted ? log->next_spare_number++ : 0;
    mutex_unlock(&log->mutex);
    if (!wanted)
        return false;
    Path from;
    Path to;
    Error error;
    spare_path(log, number, &to);
    if (segment_path(log, segment->name, &from, &error) != OK ||
        env_rename(log->env, from.text, to.text, &error) != OK)
        return false;
    mutex_lock(&log->mutex);
    bool kept = log->spare_count < SPARES_MAX;
    if (kept)
        log->spares[log->spare_count++] = (Spare){number, segment->file_bytes};
    mutex_unlock(&log->mutex);
    if (!kept)
        return env_remove(log->env, to.text, &error) == OK;
    return true;
}
