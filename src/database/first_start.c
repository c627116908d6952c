/* What a directory has from its first start on: the key of tokens, root, the namespace `public`. */
#include <stdio.h>

#include "database/database_int.h"

static const char root_name[] = "root";

static Status file_path(const Database *database, const char *name, Path *out, Error *error)
{
    return path_join(out, database->directory.text, name, error);
}

/* Another key would end every token, which is no loss; a damaged file is told all the same. */
Status open_signer(Database *database, Error *error)
{
    Path path;
    FileInformation information;
    uint8_t secret[TOKEN_SECRET_BYTES];
    Buffer buffer;
    TRY(file_path(database, "token-key", &path, error));
    TRY(env_stat(database->env, path.text, &information, error));
    if (!information.exists) {
        env_random(database->env, secret, sizeof secret);
        TRY(env_replace_file(database->env, path.text, slice_of(secret, sizeof secret),
                             FILE_PRIVATE, error));
        return token_signer_create(secret, &database->signer, error);
    }
    buffer_open(&buffer, 4096);
    Status status = OK;
    GO(env_read_file(database->env, path.text, 4096, &buffer, error));
    if (buffer.size != sizeof secret) {
        status = error_set(error, STATUS_DATA_CORRUPTED, "the file token-key has %zu bytes, not %d",
                           buffer.size, (int)sizeof secret);
        error_set_hint(error, "remove it: a new one is made, and everybody logs in again");
        goto done;
    }
    GO(token_signer_create(buffer.data, &database->signer, error));
done:
    buffer_close(&buffer);
    return status;
}

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
