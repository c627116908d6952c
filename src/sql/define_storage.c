/* CREATE|ALTER|DROP STORAGE. Filesystems only yet: what needs credentials or templates is refused
 * by name. */
#include <stdio.h>

#include "sql/front_int.h"

static Status new_storage(Front *front, StatementKind kind, BoundStorage **out, Error *error)
{
    BoundStorage *storage = ARENA_NEW(&front->plan->arena, BoundStorage);
    if (storage == NULL)
        return arena_error(&front->plan->arena, error);
    TRY(front_allow(front, ACTION_STORAGE, (GuardedObject){0}, error));
    storage->options_json = SLICE("{}");
    front->plan->as.storage = storage;
    front_plan_is(front, kind, ACTION_STORAGE);
    *out = storage;
    return OK;
}

/* As names of tables, with hyphens inside: they are shown and written in options ('s3-eu'). */
static bool is_storage_id(Slice id)
{
    if (id.size == 0 || id.size > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.size; i++) {
        uint8_t c = id.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!letter && !(inner && i > 0))
            return false;
    }
    return true;
}

static Status read_id(Front *front, Slice *out, Error *error)
{
    TokenReader *reader = &front->reader;
    int32_t position = reader_position(reader);
    TRY(reader_name_or_string(reader, "a storage's id", out, error));
    if (is_storage_id(*out))
        return OK;
    (void)error_set_at(error, position, STATUS_INVALID_NAME, "\"%.*s\" cannot be a storage's id",
                       SLICE_ARGUMENTS(*out));
    error_set_hint(error, "Ids have 1 to %d letters, digits, _ and -, a letter first.",
                   NAME_BYTES_MAX);
    return error->status;
}

static Status read_type(Front *front, BoundStorage *storage, Error *error)
{
    static const char *const types[] = {"filesystem", "s3", "gcs", "azure", NULL};
    OptionValue value = {.name = SLICE("type")};
    uint32_t chosen;
    TRY(reader_expect(&front->reader, "type", error));
    TRY(option_value(&front->reader, &value, error));
    TRY(option_choice(&value, types, &chosen, error));
    if (chosen > 0)
        return error_set_at(error, value.position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "storage of type '%s' is not supported yet", types[chosen]);
    storage->type = slice_of_text(types[chosen]);
    return OK;
}

static Status read_path(Front *front, BoundStorage *storage, Error *error)
{
    TokenReader *reader = &front->reader;
    TRY(reader_expect(reader, "path", error));
    int32_t position = reader_position(reader);
    TRY(reader_string(reader, "the path as a string", &storage->path, error));
    Slice path = storage->path;
    if (path.size == 0 || path.data[0] != '/' || path.size > PATH_BYTES_MAX / 2)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "a storage's path begins with / and has at most %d bytes",
                            PATH_BYTES_MAX / 2);
    return OK;
}

/* Options of other types and templates: known, so that they are refused by their name. */
static Status refuse_options(Front *front, Error *error)
{
    static const char *const known[] = {"endpoint",        "region",        "credentials",
                                        "shared_template", "user_template", NULL};
    TokenReader *reader = &front->reader;
    OptionValue value;
    char feature[64];
    TRY(reader_expect_punctuation(reader, '(', error));
    TRY(option_pair(reader, &value, error));
    for (size_t i = 0; known[i] != NULL; i++) {
        if (!slice_equal_text(value.name, known[i]))
            continue;
        (void)snprintf(feature, sizeof feature, "\"%s\" of a storage", known[i]);
        return fail_unsupported(value.name_byte, feature, error);
    }
    return error_set_at(error, value.name_byte, STATUS_INVALID_PARAMETER_VALUE,
                        "unrecognized parameter \"%.*s\"", SLICE_ARGUMENTS(value.name));
}

Status own_create_storage(Front *front, Error *error)
{
    BoundStorage *storage = NULL;
    TRY(new_storage(front, STATEMENT_CREATE_STORAGE, &storage, error));
    TRY(read_id(front, &storage->id, error));
    TRY(read_type(front, storage, error));
    TRY(read_path(front, storage, error));
    return reader_take(&front->reader, "with") ? refuse_options(front, error) : OK;
}

Status own_alter_storage(Front *front, Error *error)
{
    BoundStorage *storage = NULL;
    TRY(new_storage(front, STATEMENT_ALTER_STORAGE, &storage, error));
    TRY(read_id(front, &storage->id, error));
    TRY(reader_expect(&front->reader, "set", error));
    if (reader_sees_punctuation(&front->reader, '('))
        return refuse_options(front, error);
    return read_path(front, storage, error);
}

Status own_drop_storage(Front *front, Error *error)
{
    BoundStorage *storage = NULL;
    TRY(new_storage(front, STATEMENT_DROP_STORAGE, &storage, error));
    return reader_name_or_string(&front->reader, "a storage's id", &storage->id, error);
}
