/* The real Env without its pen. What opens a log or a table tidies up a little while it does so (a
 * spare segment that was not finished, an index that can be made again): here it finds that it
 * cannot, or believes that it did. */
#include "check/check_int.h"

static Env *real_env;
static EnvOperations operations;
static Env read_only = {&operations};

static Status refuse(const char *what, const char *path, Error *error)
{
    (void)error_set(error, STATUS_IO_ERROR, "nothing is written here: %s", what);
    return error_wrap(error, "%s", path);
}

static Status open_for_reading(Env *env, const char *path, unsigned flags, File **out, Error *error)
{
    (void)env;
    if (flags & (FILE_WRITE | FILE_CREATE | FILE_TRUNCATE))
        return refuse("open", path, error);
    return file_open(real_env, path, flags, out, error);
}

static Status make_nothing(Env *env, const char *path, Error *error)
{
    FileInformation information;
    (void)env;
    TRY(env_stat(real_env, path, &information, error));
    if (information.exists)
        return error_of(error, STATUS_FILE_EXISTS);
    return refuse("make", path, error);
}

static Status do_nothing(Env *env, const char *path, Error *error)
{
    (void)env;
    (void)path;
    (void)error;
    return OK;
}

static Status refuse_two(Env *env, const char *from, const char *to, Error *error)
{
    (void)env;
    (void)from;
    return refuse("rename or link", to, error);
}

Env *env_read_only(Env *real)
{
    real_env = real;
    operations = *real->operations;
    operations.file_open = open_for_reading;
    operations.make_directory = make_nothing;
    operations.sync_directory = do_nothing;
    operations.rename = refuse_two;
    operations.link = refuse_two;
    operations.remove = do_nothing;
    operations.remove_directory = do_nothing;
    return &read_only;
}
