/* For the files of the catalogue: short names of types, and rows of the table. */
#ifndef FIRN_SQL_CATALOGUE_INT_H
#define FIRN_SQL_CATALOGUE_INT_H

#include "sql/catalogue.h"
#include "sql/function_writer.h"

enum {
    BOOL = TYPE_BOOLEAN,
    INT2 = TYPE_SMALLINT,
    INT4 = TYPE_INTEGER,
    INT8 = TYPE_BIGINT,
    FLOAT4 = TYPE_REAL,
    FLOAT8 = TYPE_DOUBLE,
    NUMERIC = TYPE_DECIMAL,
    TEXT = TYPE_TEXT,
    BPCHAR = TYPE_CHAR,
    BYTEA = TYPE_BYTEA,
    DATE = TYPE_DATE,
    TIME = TYPE_TIME,
    TIMESTAMP = TYPE_TIMESTAMP,
    TIMESTAMPTZ = TYPE_TIMESTAMPTZ,
    INTERVAL = TYPE_INTERVAL,
    UUID = TYPE_UUID,
    JSON = TYPE_JSON,
    JSONB = TYPE_JSONB,
    VECTOR = TYPE_VECTOR,
    RECORD = TYPE_RECORD,
    TEXTS = TYPE_TEXT | ARGUMENT_ARRAY,
    INT4S = TYPE_INTEGER | ARGUMENT_ARRAY,
    FLOAT8S = TYPE_DOUBLE | ARGUMENT_ARRAY,
    INTERVALS = TYPE_INTERVAL | ARGUMENT_ARRAY,
    ANY = ARGUMENT_ANY,
    ELEMENT = ARGUMENT_ELEMENT,
    ANY_ARRAY = ARGUMENT_ANY_ARRAY,
    NOT_ARRAY = ARGUMENT_NOT_ARRAY,
    COMPATIBLE = ARGUMENT_COMPATIBLE,
    COMPATIBLE_ARRAY = ARGUMENT_COMPATIBLE_ARRAY,
};

/* A row of any kind: what follows the arguments' list are further fields. */
#define ROW(KIND, NAME, RESULT, ARGUMENTS, ...)                              \
    {                                                                        \
        .name = NAME, .kind = KIND, .result = RESULT, ARGUMENTS, __VA_ARGS__ \
    }

#define TAKES(...) \
    .arguments = {__VA_ARGS__}, .argument_count = (uint8_t)sizeof((ArgumentType[]){__VA_ARGS__})
#define TAKES_NOTHING .argument_count = 0

/* The row evaluator's implementation, through the bridge on the engine too. */
#define SCALAR(NAME, RESULT, ARGUMENTS, SYMBOL, TEXT_) \
    ROW(FUNCTION_SCALAR, NAME, RESULT, ARGUMENTS, .symbol = SYMBOL, .description = TEXT_)

/* The same with a form of DuckDB's own. */
#define NATIVE(NAME, RESULT, ARGUMENTS, SYMBOL, ENGINE, TEXT_)                        \
    ROW(FUNCTION_SCALAR, NAME, RESULT, ARGUMENTS, .symbol = SYMBOL, .engine = ENGINE, \
        .description = TEXT_)

#define OPERATOR(NAME, RESULT, ARGUMENTS, SYMBOL, ENGINE, TEXT_)                        \
    ROW(FUNCTION_OPERATOR, NAME, RESULT, ARGUMENTS, .symbol = SYMBOL, .engine = ENGINE, \
        .description = TEXT_)

#define AGGREGATE(NAME, RESULT, ARGUMENTS, WRITER, TEXT_, ...)                               \
    ROW(FUNCTION_AGGREGATE, NAME, RESULT, ARGUMENTS, .writer = WRITER, .description = TEXT_, \
        .flags = FUNCTION_NULL_CALLED, __VA_ARGS__)

/* One subject's part of the table, in order of names. */
typedef struct CatalogueFamily {
    const CatalogueFunction *functions;
    size_t count;
} CatalogueFamily;

extern const CatalogueFamily catalogue_aggregates;
extern const CatalogueFamily catalogue_arrays;
extern const CatalogueFamily catalogue_comparisons;
extern const CatalogueFamily catalogue_json;
extern const CatalogueFamily catalogue_numbers;
extern const CatalogueFamily catalogue_operators;
extern const CatalogueFamily catalogue_session;
extern const CatalogueFamily catalogue_sets;
extern const CatalogueFamily catalogue_texts;
extern const CatalogueFamily catalogue_times;
extern const CatalogueFamily catalogue_vectors;
extern const CatalogueFamily catalogue_windows;

#endif
