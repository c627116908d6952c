/* Functions about the session, and makers of ids. */
#include "sql/catalogue_int.h"

#define MAKES(NAME, RESULT, SYMBOL, TEXT_)                              \
    ROW(FUNCTION_SCALAR, NAME, RESULT, TAKES_NOTHING, .symbol = SYMBOL, \
        .flags = FUNCTION_VOLATILE, .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    ROW(FUNCTION_SCALAR, "current_database", TEXT, TAKES_NOTHING, .engine = "'firn'",
        .description = "The name of the database"),
    ROW(FUNCTION_SCALAR, "current_user", TEXT, TAKES_NOTHING, .symbol = "current_user",
        .flags = FUNCTION_STABLE | FUNCTION_HIDDEN, .writer = WRITE_CURRENT_USER,
        .description = "Who asks"),
    MAKES("gen_random_uuid", UUID, "gen_random_uuid", "A random UUID (version 4)"),
    ROW(FUNCTION_SCALAR, "pg_typeof", TEXT, TAKES(ANY), .flags = FUNCTION_NULL_CALLED,
        .engine = "''", .description = "The type of an expression"),
    MAKES("snowflake_id", INT8, "snowflake_id", "A unique number that grows with time"),
    MAKES("ulid", TEXT, "ulid", "A unique text that sorts by time"),
    MAKES("uuid_v7", UUID, "uuid_v7", "A UUID that sorts by time (version 7)"),
    ROW(FUNCTION_SCALAR, "version", TEXT, TAKES_NOTHING, .engine = "'PostgreSQL 15 (Firn)'",
        .description = "The version"),
};

const CatalogueFamily catalogue_session = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
