/* One user's rows of one window, written into their file: behind what is committed of it, or under
 * a temporary name that becomes its own when all of it is safe. */
#include "stream/stream_int.h"

typedef struct Writing {
    StreamSettle *settle;
    StreamFile *file;
    File *handle;
    uint64_t offset;
    Section section;
    Path temporary; /* of a new file; "": none was made */
    Path path;
} Writing;

/* ---- names ---- */

/* "<window>/<user>.log". Where something stands there, of another user who had the name, of another
 * schema, or left by a settle that came to nothing: "<window>/<user>~<id>.log", which nothing ever
 * had. */
static Status choose_name(Writing *writing, Error *error)
{
    StreamSettle *settle = writing->settle;
    StreamFile *file = writing->file;
    char folder[WINDOW_NAME_BYTES];
    FileInformation there;
    Arena arena;
    Buffer name;
    Slice owner;
    Path relative;
    Path path;
    arena_open(&arena, 0);
    buffer_open(&name, 0);
    window_name(file->window.begin_us, folder);
    Status status = OK;
    GO(settle->options.owner_name(settle->options.context, file->owner, &arena, &owner, error));
    GO(owner_file_name(owner, &name, error));
    GO(path_format(&relative, error, "%s/%.*s.log", folder, SLICE_ARGUMENTS(buffer_slice(&name))));
    GO(stream_absolute(&settle->context, relative.text, &path, error));
    GO(env_stat(settle->context.env, path.text, &there, error));
    if (there.exists)
        GO(path_format(&relative, error, "%s/%.*s~%016llx.log", folder,
                       SLICE_ARGUMENTS(buffer_slice(&name)), (unsigned long long)file->id));
    ASSERT(strlen(relative.text) < sizeof file->path);
    memcpy(file->path, relative.text, strlen(relative.text) + 1); /* from now on it is ours */
done:
    buffer_close(&name);
    arena_close(&arena);
    return status;
}

/* ---- opening ---- */

static Status open_new(Writing *writing, Error *error)
{
    StreamSettle *settle = writing->settle;
    Env *env = settle->context.env;
    Buffer head;
    TRY(choose_name(writing, error));
    TRY(stream_absolute(&settle->context, writing->file->path, &writing->path, error));
    TRY(path_format(&writing->temporary, error, "%s.tmp", writing->path.text));
    TRY(file_open(env, writing->temporary.text, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE,
                  &writing->handle, error));
    buffer_open(&head, 0);
    window_put_head(&head, settle->context.table_id, writing->file);
    Status status = buffer_status(&head, error);
    if (status == OK)
        status = file_write_at(writing->handle, 0, buffer_slice(&head), error);
    buffer_close(&head);
    writing->offset = WINDOW_HEAD_BYTES;
    return status;
}

/* What a settle that came to nothing left behind the committed bytes goes first. */
static Status open_old(Writing *writing, const StreamFile *base, Error *error)
{
    StreamSettle *settle = writing->settle;
    uint64_t page = WINDOW_PAGE_BYTES;
    TRY(stream_absolute(&settle->context, base->path, &writing->path, error));
    TRY(file_open(settle->context.env, writing->path.text, FILE_READ | FILE_WRITE, &writing->handle,
                  error));
    TRY(file_truncate(writing->handle, base->bytes, error));
    writing->offset = (base->bytes + page - 1) / page * page;
    return OK;
}

/* ---- writing ---- */

static Status write_section(Writing *writing, Error *error)
{
    Section *section = &writing->section;
    TRY(buffer_status(&section->bytes, error)); /* a record that found no room is not in `rows` */
    if (section->rows == 0)
        return OK;
    section_finish(section);
    TRY(buffer_status(&section->bytes, error));
    TRY(FAULT(writing->settle->context.env, flush_write, error));
    TRY(file_write_at(writing->handle, writing->offset, buffer_slice(&section->bytes), error));
    writing->offset += section->bytes.size;
    section_begin(section);
    return OK;
}

static void note_record(StreamFile *file, const RecordHeader *record)
{
    if (file->rows == 0 || record->seq < file->first_seq)
        file->first_seq = record->seq;
    if (file->rows == 0 || record->seq > file->last_seq)
        file->last_seq = record->seq;
    if (file->rows == 0 || record->updated_us < file->first_updated_us)
        file->first_updated_us = record->updated_us;
    if (file->rows == 0 || record->updated_us > file->last_updated_us)
        file->last_updated_us = record->updated_us;
    file->rows++;
}

static Status write_records(Writing *writing, const SettleGroup *group, Error *error)
{
    Section *section = &writing->section;
    section_begin(section);
    for (size_t i = 0; i < group->count; i++) {
        uint64_t at = writing->offset + section->bytes.size;
        group->places[i] = (uint32_t)(at / 8);
        section_add(section, group->records[i]);
        note_record(writing->file, group->records[i]);
        if (section->bytes.size >= STREAM_SECTION_BYTES || section->bytes.failed)
            TRY(write_section(writing, error));
        if (writing->offset > (uint64_t)UINT32_MAX * 8 - 2 * (uint64_t)ROW_BYTES_MAX)
            return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                             "one user's rows of one window are too many for one flush");
    }
    return write_section(writing, error);
}

static Status finish(Writing *writing, Error *error)
{
    StreamSettle *settle = writing->settle;
    TRY(FAULT(settle->context.env, flush_after_write, error));
    if (!BROKEN(skip_data_sync))
        TRY(file_sync(writing->handle, error));
    settle->bytes_added += writing->offset - writing->file->bytes;
    writing->file->bytes = writing->offset;
    return OK;
}

static Status take_name(Writing *writing, Error *error)
{
    if (writing->temporary.text[0] == '\0')
        return OK;
    Env *env = writing->settle->context.env;
    TRY(env_rename(env, writing->temporary.text, writing->path.text, error));
    writing->temporary.text[0] = '\0';
    return OK;
}

static void close_writing(Writing *writing)
{
    Error ignored;
    buffer_close(&writing->section.bytes);
    if (writing->temporary.text[0] == '\0')
        return;
    Status status = env_remove(writing->settle->context.env, writing->temporary.text, &ignored);
    (void)status; /* what stays is an orphan: the sweep removes it */
}

Status settle_group_write(StreamSettle *settle, const SettleGroup *group, StreamFile *file,
                          Error *error)
{
    Writing writing = {.settle = settle, .file = file};
    Status status = OK;
    buffer_open(&writing.section.bytes, 0);
    status =
        group->base == NULL ? open_new(&writing, error) : open_old(&writing, group->base, error);
    if (status == OK)
        status = write_records(&writing, group, error);
    if (status == OK)
        status = finish(&writing, error);
    if (writing.handle != NULL)
        KEEP_FIRST(file_close(writing.handle, LATER_ERROR(error)));
    if (status == OK)
        status = take_name(&writing, error);
    close_writing(&writing);
    return status;
}
