/* Options: what was written behind `firnd`.
 *
 * Threading: one thread. Ownership: texts point into argv, but for the list of addresses, which
 * options_close frees. Errors: INVALID_PARAMETER_VALUE, saying which argument is wrong. */
#ifndef FIRN_SERVER_OPTIONS_H
#define FIRN_SERVER_OPTIONS_H

#include "base/buffer.h"

enum {
    OPTIONS_SETTINGS_MAX = 256,
    OPTIONS_ADDRESSES_MAX = 16,
    OPTIONS_LISTEN_BYTES_MAX = 4096, /* of all addresses together */
};

typedef enum OptionsAction {
    OPTIONS_SERVE,
    OPTIONS_CHECK_CONFIG,
    OPTIONS_VERSION,
    OPTIONS_LIST_FAILPOINTS,
    OPTIONS_HELP,
} OptionsAction;

typedef struct Options {
    OptionsAction action;
    const char *directory;                      /* --data */
    const char *config_file;                    /* --config; NULL: DIR/firn.toml */
    const char *settings[OPTIONS_SETTINGS_MAX]; /* --set, and one for all --listen */
    size_t setting_count;
    Buffer listen; /* "server.listen=A, B"; empty: --listen was not given */
} Options;

/* `arguments` without the program's name. */
CHECKED Status options_read(const char *const *arguments, size_t count, Options *out, Error *error);
void options_close(Options *options);

const char *options_usage(void);

#endif
