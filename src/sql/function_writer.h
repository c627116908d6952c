/* Functions whose DuckDB form is more than a template: what the catalogue's `writer` says. */
#ifndef FIRN_SQL_FUNCTION_WRITER_H
#define FIRN_SQL_FUNCTION_WRITER_H

typedef enum FunctionWriter {
    WRITE_PLAIN, /* template, or the bridge */

    /* scalar */
    WRITE_DIVIDE, /* integers: a constant divisor needs no check */
    WRITE_MODULO,
    WRITE_ROUND,       /* numeric, int4: DuckDB keeps the larger scale */
    WRITE_LIKE,        /* patterns without an escape are DuckDB's */
    WRITE_REGEX_MATCH, /* patterns are translated to RE2's, or refused */
    WRITE_REGEX_LIKE,
    WRITE_REGEX_REPLACE,
    WRITE_REGEX_SUBSTRING,
    WRITE_REGEX_EXTRACT,
    WRITE_REGEX_SPLIT,
    WRITE_REGEX_COUNT,
    WRITE_REGEX_POSITION,
    WRITE_SIMILAR,
    WRITE_EXTRACT, /* a constant field is DuckDB's own date_part */
    WRITE_DATE_PART,
    WRITE_DATE_TRUNC,
    WRITE_ZONE, /* AT TIME ZONE 'name' */
    WRITE_NOW,  /* the parameter behind the statement's own */
    WRITE_CURRENT_DATE,
    WRITE_LOCALTIMESTAMP,
    WRITE_LOCALTIME,
    WRITE_CURRENT_USER,
    WRITE_ARRAY_CONCAT,
    WRITE_BY_ELEMENTS,      /* compares elements, which numbers are by their keys */
    WRITE_ELEMENTS_CHANGED, /* the same, and gives an array of them */
    WRITE_AGE_NOW,          /* age(x): from midnight of today */
    WRITE_TO_JSON,          /* numbers and JSON are text on the engine */
    WRITE_JSON_OBJECT,
    WRITE_JSON_ARRAY,

    /* aggregates */
    WRITE_AGGREGATE, /* the engine's function of the same meaning: `engine` is its name */
    WRITE_COUNT,
    WRITE_SUM,
    WRITE_AVERAGE,
    WRITE_EXTREME,
    WRITE_STRING_AGGREGATE,
    WRITE_ARRAY_AGGREGATE,
    WRITE_VARIANCE,
    WRITE_REGRESSION,
    WRITE_PERCENTILE,
    WRITE_MODE,
    WRITE_JSON_AGGREGATE,
    WRITE_JSON_OBJECT_AGGREGATE,

    /* window functions */
    WRITE_WINDOW,
    WRITE_NTILE,
    WRITE_NTH_VALUE,

    /* sets */
    WRITE_SERIES,
    WRITE_LIST_SET, /* the template is a list, which is unnested */
} FunctionWriter;

#endif
