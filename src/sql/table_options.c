/* A table's options: the rules of each, and which kinds of table they are for. */
#include <stddef.h>

#include "base/assert.h"
#include "sql/guess.h"
#include "sql/options_int.h"

typedef enum OptionForm {
    FORM_DURATION,
    FORM_SIZE,
    FORM_COUNT,
    FORM_TEXT, /* has a reader of its own */
} OptionForm;

typedef struct OptionRule {
    const char *name;
    uint32_t bit;
    OptionForm form;
    size_t offset; /* of its int64_t in TableOptions */
    int64_t min;
    int64_t max;
    Status (*read)(const OptionValue *value, TableOptionSet *set, Error *error);
} OptionRule;

/* ---- options with a reader of their own ---- */

static Status read_kind(const OptionValue *value, TableOptionSet *set, Error *error)
{
    static const char *const kinds[] = {"shared", "user", "stream", NULL};
    uint32_t chosen;
    TRY(option_choice(value, kinds, &chosen, error));
    set->kind = (TableKind)(TABLE_SHARED + chosen);
    return OK;
}

static Status read_access(const OptionValue *value, TableOptionSet *set, Error *error)
{
    static const char *const levels[] = {"private", "protected", "public", NULL};
    uint32_t chosen;
    TRY(option_choice(value, levels, &chosen, error));
    set->access = (TableAccess)chosen;
    return OK;
}

static Status read_compression(const OptionValue *value, TableOptionSet *set, Error *error)
{
    static const char *const codecs[] = {"zstd", "snappy", "lz4", "none", NULL};
    uint32_t chosen;
    TRY(option_choice(value, codecs, &chosen, error));
    size_t size = strlen(codecs[chosen]);
    ASSERT(size < sizeof set->options.compression);
    memcpy(set->options.compression, codecs[chosen], size + 1);
    return OK;
}

static Status read_format_version(const OptionValue *value, TableOptionSet *set, Error *error)
{
    int64_t version;
    TRY(option_integer(value, 2, 3, &version, error));
    if (version != 2)
        return error_set_at(error, value->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "format_version 3 is not supported yet");
    set->options.format_version = (uint8_t)version;
    return OK;
}

static Status read_storage(const OptionValue *value, TableOptionSet *set, Error *error)
{
    (void)error;
    set->storage = value->text;
    return OK;
}

#define TEXT_OPTION(name, bit, read)        \
    {                                       \
        name, bit, FORM_TEXT, 0, 0, 0, read \
    }
#define NUMBER_OPTION(name, bit, form, field, min, max)                       \
    {                                                                         \
        name, bit, FORM_##form, offsetof(TableOptions, field), min, max, NULL \
    }

static const OptionRule rules[] = {
    TEXT_OPTION("type", OPTION_KIND, read_kind),
    TEXT_OPTION("storage", OPTION_STORAGE, read_storage),
    TEXT_OPTION("compression", OPTION_COMPRESSION, read_compression),
    TEXT_OPTION("format_version", OPTION_FORMAT_VERSION, read_format_version),
    TEXT_OPTION("access", OPTION_ACCESS, read_access),
    NUMBER_OPTION("flush_rows", OPTION_FLUSH_ROWS, COUNT, flush_rows, 1, FLUSH_ROWS_MAX),
    NUMBER_OPTION("flush_interval", OPTION_FLUSH_INTERVAL, DURATION, flush_interval_ms,
                  FLUSH_INTERVAL_MS_MIN, FLUSH_INTERVAL_MS_MAX),
    NUMBER_OPTION("flush_bytes", OPTION_FLUSH_BYTES, SIZE, flush_bytes, FLUSH_BYTES_MIN,
                  FLUSH_BYTES_MAX),
    NUMBER_OPTION("ttl", OPTION_TTL, DURATION, ttl_ms, TTL_MS_MIN, TTL_MS_MAX),
    NUMBER_OPTION("snapshot_retention", OPTION_SNAPSHOT_RETENTION, DURATION, snapshot_retention_ms,
                  RETENTION_MS_MIN, RETENTION_MS_MAX),
    NUMBER_OPTION("target_file_size", OPTION_TARGET_FILE_SIZE, SIZE, target_file_bytes,
                  TARGET_FILE_BYTES_MIN, TARGET_FILE_BYTES_MAX),
};

enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

/* ---- reading ---- */

static const OptionRule *rule_named(Slice name)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (slice_equal_text(name, rules[i].name))
            return &rules[i];
    }
    return NULL;
}

static Status fail_unknown(const OptionValue *value, Error *error)
{
    NameGuess guess;
    guess_open(&guess, value->name);
    for (size_t i = 0; i < RULE_COUNT; i++)
        guess_offer(&guess, slice_of_text(rules[i].name));
    (void)error_set_at(error, value->name_byte, STATUS_INVALID_PARAMETER_VALUE,
                       "unrecognized parameter \"%.*s\"", SLICE_ARGUMENTS(value->name));
    guess_hint(&guess, error);
    return error->status;
}

static int32_t *position_of(TableOptionSet *set, uint32_t bit)
{
    return &set->position[__builtin_ctz(bit)];
}

static Status read_number(TokenReader *reader, const OptionRule *rule, const OptionValue *value,
                          TableOptionSet *set, Error *error)
{
    int64_t number;
    if (rule->form == FORM_DURATION)
        TRY(option_duration(reader, value, rule->min, rule->max, &number, error));
    else if (rule->form == FORM_SIZE)
        TRY(option_size(value, rule->min, rule->max, &number, error));
    else
        TRY(option_integer(value, rule->min, rule->max, &number, error));
    memcpy((uint8_t *)&set->options + rule->offset, &number, sizeof number);
    return OK;
}

static Status set_option(TokenReader *reader, const OptionRule *rule, const OptionValue *value,
                         TableOptionSet *set, Error *error)
{
    if (set->set & rule->bit)
        return error_set_at(error, value->name_byte, STATUS_SYNTAX_ERROR,
                            "\"%s\" is given more than once", rule->name);
    if (rule->form == FORM_TEXT)
        TRY(rule->read(value, set, error));
    else
        TRY(read_number(reader, rule, value, set, error));
    set->set |= rule->bit;
    *position_of(set, rule->bit) = value->name_byte;
    return OK;
}

Status table_option_list(TokenReader *reader, TableOptionSet *set, Error *error)
{
    TRY(reader_expect_punctuation(reader, '(', error));
    do {
        OptionValue value;
        TRY(option_pair(reader, &value, error));
        const OptionRule *rule = rule_named(value.name);
        if (rule == NULL)
            return fail_unknown(&value, error);
        TRY(set_option(reader, rule, &value, set, error));
    } while (reader_take_punctuation(reader, ','));
    if (!reader_take_punctuation(reader, ')'))
        return reader_fail(reader, "\",\" or \")\"", error);
    return OK;
}

/* A clause is its option in other words: the same rule, range and "more than once". */
static Status read_clause(TokenReader *reader, const char *option, int32_t position,
                          TableOptionSet *set, Error *error)
{
    OptionValue value = {.name = slice_of_text(option), .name_byte = position};
    TRY(option_value(reader, &value, error));
    return set_option(reader, rule_named(value.name), &value, set, error);
}

Status table_flush_policy(TokenReader *reader, TableOptionSet *set, Error *error)
{
    bool any = false;
    for (;;) {
        int32_t position = reader_position(reader);
        if (reader_take(reader, "rows"))
            TRY(read_clause(reader, "flush_rows", position, set, error));
        else if (reader_take(reader, "interval"))
            TRY(read_clause(reader, "flush_interval", position, set, error));
        else
            return any ? OK : reader_fail(reader, "ROWS or INTERVAL", error);
        any = true;
    }
}

Status table_ttl(TokenReader *reader, TableOptionSet *set, Error *error)
{
    return read_clause(reader, "ttl", reader_position(reader), set, error);
}

/* ---- checking ---- */

static Status fail_for_kind(const TableOptionSet *set, uint32_t bit, const char *text, Error *error)
{
    return error_set_at(error, set->position[__builtin_ctz(bit)], STATUS_INVALID_TABLE_DEFINITION,
                        "%s", text);
}

/* A STREAM table never gets a cold tier: what describes one would only seem to work. */
static Status check_stream(const TableOptionSet *set, Error *error)
{
    static const uint32_t cold = OPTION_SNAPSHOT_RETENTION | OPTION_TARGET_FILE_SIZE |
                                 OPTION_COMPRESSION | OPTION_FORMAT_VERSION | OPTION_STORAGE;
    uint32_t wrong = set->set & cold;
    if (wrong == 0)
        return OK;
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (rules[i].bit & wrong)
            return error_set_at(
                error, set->position[__builtin_ctz(rules[i].bit)], STATUS_INVALID_TABLE_DEFINITION,
                "\"%s\" is not for STREAM tables: they have no data files", rules[i].name);
    }
    UNREACHABLE();
}

static Status check_storage(const TableOptionSet *set, const CatalogSnapshot *snapshot,
                            Error *error)
{
    if (slice_equal_text(set->storage, "local") ||
        catalog_find_storage(snapshot, set->storage) != NULL)
        return OK;
    const CatalogStorage *const *storages;
    size_t count = catalog_storages(snapshot, &storages);
    NameGuess guess;
    guess_open(&guess, set->storage);
    guess_offer(&guess, SLICE("local"));
    for (size_t i = 0; i < count; i++)
        guess_offer(&guess, storages[i]->id);
    (void)error_set_at(error, set->position[__builtin_ctz(OPTION_STORAGE)], STATUS_UNDEFINED_OBJECT,
                       "storage \"%.*s\" does not exist", SLICE_ARGUMENTS(set->storage));
    guess_hint(&guess, error);
    return error->status;
}

Status table_options_check(const TableOptionSet *set, TableKind kind,
                           const CatalogSnapshot *snapshot, Error *error)
{
    if ((set->set & OPTION_ACCESS) && kind != TABLE_SHARED)
        return fail_for_kind(set, OPTION_ACCESS, "\"access\" is for SHARED tables only", error);
    if ((set->set & OPTION_TTL) && kind != TABLE_STREAM)
        return fail_for_kind(set, OPTION_TTL, "TTL is for STREAM tables only", error);
    if (kind == TABLE_STREAM)
        TRY(check_stream(set, error));
    return set->set & OPTION_STORAGE ? check_storage(set, snapshot, error) : OK;
}
