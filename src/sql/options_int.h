/* Private to sql's front half: options and their values, of CREATE TABLE and ALTER TABLE (FLUSH,
 * TTL, WITH, SET), of SUBSCRIBE, STORAGE and ALTER SYSTEM. */
#ifndef FIRN_SQL_OPTIONS_INT_H
#define FIRN_SQL_OPTIONS_INT_H

#include "sql/plan.h"
#include "sql/reader_int.h"

/* Ranges of a table's options. */
#define FLUSH_ROWS_MAX        ((int64_t)1000000000)
#define FLUSH_INTERVAL_MS_MIN ((int64_t)10)
#define FLUSH_INTERVAL_MS_MAX ((int64_t)365 * 86400000)
#define FLUSH_BYTES_MIN       ((int64_t)1 << 10)
#define FLUSH_BYTES_MAX       ((int64_t)1 << 40)
#define TTL_MS_MIN            ((int64_t)100)
#define TTL_MS_MAX            ((int64_t)31 * 86400000)
#define RETENTION_MS_MIN      ((int64_t)1)
#define RETENTION_MS_MAX      ((int64_t)3650 * 86400000)
#define TARGET_FILE_BYTES_MIN ((int64_t)1 << 16)
#define TARGET_FILE_BYTES_MAX ((int64_t)1 << 36)

/* Of a subscription's. */
#define SUBSCRIBE_LAST_ROWS_MAX  ((int64_t)1000000000)
#define SUBSCRIBE_BATCH_SIZE_MAX ((int64_t)100000)

/* `name = value`, with the value as it stands. */
typedef struct OptionValue {
    Slice name; /* folded */
    int32_t name_byte;
    bool is_interval; /* INTERVAL '…' */
    uint8_t kind;     /* TokenKind */
    Slice text;       /* strings and names: what they stand for; else as written */
    int32_t position_byte;
} OptionValue;

/* A value alone. */
CHECKED Status option_value(TokenReader *reader, OptionValue *out, Error *error);

/* A name, the equals sign, a value. */
CHECKED Status option_pair(TokenReader *reader, OptionValue *out, Error *error);

/* What a value means; `option` in messages is its name. INVALID_PARAMETER_VALUE with the range. */
CHECKED Status option_duration(TokenReader *reader, const OptionValue *option, int64_t min,
                               int64_t max, int64_t *milliseconds, Error *error);
CHECKED Status option_size(const OptionValue *option, int64_t min, int64_t max, int64_t *bytes,
                           Error *error);
CHECKED Status option_integer(const OptionValue *option, int64_t min, int64_t max, int64_t *out,
                              Error *error);
CHECKED Status option_boolean(const OptionValue *option, bool *out, Error *error);

/* One of `choices`, a NULL-terminated list. */
CHECKED Status option_choice(const OptionValue *option, const char *const *choices,
                             uint32_t *chosen, Error *error);

Status option_fail(const OptionValue *option, const char *wanted, Error *error);

/* ---- a table's ---- */

enum { OPTION_KIND = 1 << 16 }; /* beside TableOptionBit: type='user' */

typedef struct TableOptionSet {
    TableOptions options;
    uint32_t set;         /* TableOptionBit and OPTION_KIND */
    int32_t position[32]; /* of each bit's name, by its number */
    TableKind kind;
    TableAccess access;
    Slice storage;
} TableOptionSet;

/* Behind FLUSH, behind TTL, and a parenthesised list behind WITH or SET. */
CHECKED Status table_flush_policy(TokenReader *reader, TableOptionSet *set, Error *error);
CHECKED Status table_ttl(TokenReader *reader, TableOptionSet *set, Error *error);
CHECKED Status table_option_list(TokenReader *reader, TableOptionSet *set, Error *error);

/* Are these options for a table of this kind, and does the storage exist? */
CHECKED Status table_options_check(const TableOptionSet *set, TableKind kind,
                                   const CatalogSnapshot *snapshot, Error *error);

#endif
