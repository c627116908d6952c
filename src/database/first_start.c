/* What a directory has from its first start on: the key of tokens, root, the namespace `public`.
 *
 *     token-key     0   8  "FIRNTKEY"
 *                   8   4  CRC32C of everything behind it
 *                   12  4  format (1), little-endian
 *                   16  32 the secret that signs tokens
 *                   a file of 32 bytes is the secret alone, as the first directories had it */
#include <stdio.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "database/database_int.h"

static const char key_magic[8] = "FIRNTKEY";

enum {
    KEY_FORMAT = 1,
    KEY_CHECKED_FROM = 12,
    KEY_FILE_BYTES = 16 + TOKEN_SECRET_BYTES,
    KEY_FILE_BYTES_MAX = 4096,
};

static const char root_name[] = "root";

static Status file_path(const Database *database, const char *name, Path *out, Error *error)
{
    return path_join(out, database->directory.text, name, error);
}

/* ---- the key of tokens ---- */

static Status make_key(Database *database, const char *path, uint8_t secret[TOKEN_SECRET_BYTES],
                       Error *error)
{
    Buffer file;
    env_random(database->env, secret, TOKEN_SECRET_BYTES);
    buffer_open(&file, KEY_FILE_BYTES);
    buffer_put(&file, key_magic, sizeof key_magic);
    buffer_put_u32(&file, 0);
    buffer_put_u32(&file, KEY_FORMAT);
    buffer_put(&file, secret, TOKEN_SECRET_BYTES);
    Status status = buffer_status(&file, error);
    if (status == OK) {
        Slice checked = slice_part(buffer_slice(&file), KEY_CHECKED_FROM, SIZE_MAX);
        buffer_set_u32(&file, sizeof key_magic, crc32c(0, checked));
        status = env_replace_file(database->env, path, buffer_slice(&file), FILE_PRIVATE, error);
    }
    buffer_close(&file);
    return status;
}

/* Another key would end every token, which is no loss; a damaged file is told all the same. */
static Status damaged_key(size_t size, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "the file token-key is damaged (%zu bytes)",
                    size);
    error_set_hint(error, "remove it: a new one is made, and everybody logs in again");
    return error->status;
}

static Status decode_key(Slice file, const uint8_t **secret, Error *error)
{
    if (file.size == TOKEN_SECRET_BYTES) {
        *secret = file.data;
        return OK;
    }
    Cursor cursor = cursor_of(file);
    Slice magic = cursor_bytes(&cursor, sizeof key_magic);
    uint32_t crc = cursor_u32(&cursor);
    uint32_t format = cursor_u32(&cursor);
    if (cursor.failed || memcmp(magic.data, key_magic, sizeof key_magic) != 0 ||
        crc != crc32c(0, slice_part(file, KEY_CHECKED_FROM, SIZE_MAX)))
        return damaged_key(file.size, error);
    if (format != KEY_FORMAT)
        return error_set_format(error, "the file token-key", format, KEY_FORMAT);
    if (file.size != KEY_FILE_BYTES)
        return damaged_key(file.size, error);
    *secret = cursor_bytes(&cursor, TOKEN_SECRET_BYTES).data;
    return OK;
}

Status read_signer(Database *database, Error *error)
{
    Path path;
    FileInformation information;
    const uint8_t *secret;
    Buffer file;
    Status status = OK;
    TRY(file_path(database, "token-key", &path, error));
    TRY(env_stat(database->env, path.text, &information, error));
    if (!information.exists)
        return OK;
    buffer_open(&file, KEY_FILE_BYTES_MAX);
    GO(env_read_file(database->env, path.text, KEY_FILE_BYTES_MAX, &file, error));
    GO(decode_key(buffer_slice(&file), &secret, error));
    GO(token_signer_create(secret, &database->signer, error));
done:
    buffer_close(&file);
    return status;
}

Status make_signer(Database *database, Error *error)
{
    Path path;
    uint8_t secret[TOKEN_SECRET_BYTES];
    if (database->signer != NULL)
        return OK;
    TRY(file_path(database, "token-key", &path, error));
    TRY(make_key(database, path.text, secret, error));
    return token_signer_create(secret, &database->signer, error);
}

/* ---- root ---- */

/* The file first: a password that nobody knows is of no use. */
static Status make_password(Database *database, char out[64], DatabaseOpening *opening,
                            Error *error)
{
    Path path;
    char line[64];
    char password[21];
    password_generate(database->env, password);
    memcpy(out, password, sizeof password);
    int size = snprintf(line, sizeof line, "%s\n", password);
    ASSERT(size > 0 && (size_t)size < sizeof line);
    TRY(file_path(database, "root-password", &path, error));
    TRY(env_replace_file(database->env, path.text, slice_of(line, (size_t)size), FILE_PRIVATE,
                         error));
    memcpy(opening->root_password, password, sizeof password);
    memcpy(opening->root_password_file, path.text, sizeof path.text);
    return OK;
}

static Status make_root(Database *database, Slice given, const CatalogUser *old,
                        DatabaseOpening *opening, Error *error)
{
    char password[64] = "";
    char verifier[PASSWORD_VERIFIER_BYTES_MAX] = "";
    CatalogUser root = {.name = slice_of_text(root_name), .role = ROLE_SYSTEM, .version = 1};
    OwnerId id;
    if (old != NULL) {
        root = *old;
        root.version++;
    }
    if (given.size == 0 && !database->is_embedded) {
        TRY(make_password(database, password, opening, error));
        given = slice_of_text(password);
    }
    if (given.size > 0)
        TRY(password_hash(database->env, given, verifier, error));
    root.verifier = slice_of_text(verifier);
    TRY(catalog_put_user(database->catalog, &root, &id, error));
    ASSERT(id == ROOT_USER_ID);
    return OK;
}

Status make_first_objects(Database *database, Slice root_password, DatabaseOpening *opening,
                          Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogUser *root = catalog_user_by_id(snapshot, ROOT_USER_ID);
    bool existed;
    Status status = OK;
    opening->is_new = root == NULL;
    /* Before root: whether he is there says whether all of this was done. */
    if (opening->is_new)
        GO(catalog_create_namespace(database->catalog, SLICE("public"), ROOT_USER_ID, true,
                                    &existed, error));
    /* A directory that only a program has used so far has a root without a password. */
    if (root == NULL || (root->verifier.size == 0 && !database->is_embedded))
        GO(make_root(database, root_password, root, opening, error));
done:
    catalog_snapshot_release(snapshot);
    return status;
}

void forget_root_password(Database *database)
{
    Path path;
    FileInformation information;
    Error error;
    Status status = file_path(database, "root-password", &path, &error);
    if (status == OK)
        status = env_stat(database->env, path.text, &information, &error);
    if (status == OK && information.exists)
        status = env_remove(database->env, path.text, &error);
    if (status != OK)
        LOG_WARN(database->logger, "root_password_file",
                 "the file root-password, which is no longer true, was not removed",
                 LOG_ERROR_OF(&error));
}
