/* What the files of the writer share. */
#ifndef FIRN_SQL_WRITER_INT_H
#define FIRN_SQL_WRITER_INT_H

#include "sql/function_writer.h"
#include "sql/write.h"

typedef struct Writer {
    Binder *binder;
    Buffer out; /* the piece being written */
    Slice *pieces;
    uint32_t *holes;
    uint32_t hole_count;
    uint32_t hole_capacity;
    uint32_t piece_capacity;
    size_t written;  /* bytes in all pieces */
    bool *mentioned; /* by parameter of the statement */
    bool uses_now;
    bool uses_user;
    const char *operands[2];        /* what BOUND_OPERAND stands for just now */
    const Bound *operand_values[2]; /* or the expression itself */
    uint32_t lambda_count;
    uint32_t depth;
} Writer;

/* ---- text (write_text.c) ---- */

void put(Writer *writer, const char *text);
void put_format(Writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_slice(Writer *writer, Slice text);
void put_identifier(Writer *writer, Slice name);
void put_literal(Writer *writer, Slice text); /* quotes doubled, no type */

/* Ends the piece: here stands the reference. */
CHECKED Status put_hole(Writer *writer, uint32_t reference, Error *error);

CHECKED Status writer_down(Writer *writer, Error *error);

/* ---- types and constants ---- */

/* DuckDB's name of what values of the type are kept as: `scale` of a DECIMAL as bound. */
void put_type(Writer *writer, Type type, int16_t scale, uint8_t precision);
CHECKED Status write_constant(Writer *writer, const Bound *bound, Error *error);

/* ---- expressions ---- */

/* In the form its type and scale say. */
CHECKED Status write_expression(Writer *writer, const Bound *bound, Error *error);

/* A number as text in PostgreSQL's form. */
CHECKED Status write_open_value(Writer *writer, const Bound *bound, Error *error);

/* In the form of a column (its scale may vary where the expression's does not). */
CHECKED Status write_as(Writer *writer, const Bound *bound, Type type, int16_t scale,
                        uint8_t precision, Error *error);

/* For comparing, grouping and sorting: numbers of varying scale by their key, arrays of numbers
 * by those of their elements; JSONB, whose numbers may have zeros at their end, by a key that says
 * only what is equal. */
CHECKED Status write_key(Writer *writer, const Bound *bound, Error *error);
bool needs_key(const Bound *bound);
bool column_needs_key(const RelationColumn *column);

/* What stands before and behind a value of the type to make it a key. */
void put_key_open(Writer *writer, Type type);
void put_key_close(Writer *writer, Type type);

/* WHERE and its like: an expression of which only true matters. */
CHECKED Status write_condition(Writer *writer, const Bound *bound, Error *error);

CHECKED Status write_cast(Writer *writer, const Bound *cast, Error *error);

/* The value's text form, as a cast to TEXT gives it. */
CHECKED Status write_text_of(Writer *writer, const Bound *child, Error *error);
CHECKED Status write_call(Writer *writer, const Bound *call, Error *error);
CHECKED Status write_compare(Writer *writer, CompareOperator operation, const Bound *left,
                             const Bound *right, Error *error);
CHECKED Status write_subquery(Writer *writer, const Bound *bound, Error *error);
CHECKED Status write_quantified(Writer *writer, const Bound *bound, Error *error);
CHECKED Status write_row_text(Writer *writer, const Bound *row, Error *error);
CHECKED Status write_regex_call(Writer *writer, const Bound *call, Error *error);
CHECKED Status write_time_call(Writer *writer, const Bound *call, Error *error);
CHECKED Status write_set_call(Writer *writer, const Bound *call, Error *error);

/* The list that a set-returning call unnests. */
CHECKED Status write_set_list(Writer *writer, const Bound *call, Error *error);

CHECKED Status write_set_argument(Writer *writer, const Bound *call, uint32_t i, Error *error);
CHECKED Status write_list_template(Writer *writer, const Bound *call, Error *error);

/* to_json or to_jsonb of a value: NULL stays NULL. */
CHECKED Status write_to_json(Writer *writer, const Bound *value, bool binary, Error *error);
CHECKED Status write_json_call(Writer *writer, const Bound *call, Error *error);

/* An argument that becomes an element of an array: numbers as text. */
CHECKED Status write_open_element(Writer *writer, const Bound *call, uint32_t argument,
                                  Error *error);

/* A constant zone with a name like Europe/Berlin: the row evaluator has none of those. */
bool zone_is_named(const Bound *zone);

/* fn_<symbol>(arguments) */
CHECKED Status write_bridge(Writer *writer, const Bound *call, Error *error);

/* May it be written several times? Small, without subqueries, the same each time. */
bool is_cheap(const Bound *bound);

const char *operator_text(CompareOperator operation);

/* ---- aggregates and windows ---- */

CHECKED Status write_aggregate(Writer *writer, const Bound *aggregate, Error *error);
CHECKED Status write_window(Writer *writer, const Bound *window, Error *error);

/* FILTER (…) and OVER (…) of a call. */
CHECKED Status write_suffix(Writer *writer, const Bound *call, Error *error);
CHECKED Status write_order(Writer *writer, const BoundOrder *order, uint32_t count, Error *error);
void put_direction(Writer *writer, const BoundOrder *order);

/* ---- queries ---- */

/* Columns c0 … in the forms of `columns`, without parentheses. */
CHECKED Status write_query(Writer *writer, const BoundQuery *query, const RelationColumn *columns,
                           Error *error);
CHECKED Status write_from(Writer *writer, const BoundQuery *query, Error *error);

Status error_unwritable(const Bound *bound, Error *error, const char *what);

#endif
