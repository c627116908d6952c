/* Pieces of DuckDB's SQL. Private to query/. Threading: pure functions. */
#ifndef FIRN_QUERY_SQL_TEXT_H
#define FIRN_QUERY_SQL_TEXT_H

#include "types/row.h"

/* 'it''s' */
void sql_put_literal(Buffer *out, Slice text);

/* "col""umn" */
void sql_put_identifier(Buffer *out, Slice name);

/* DuckDB's name of a column's type, as its values are in a statement: "DECIMAL(10,2)",
 * "FLOAT[384]"; and as they lie in a file: "INTEGER" for SMALLINT, "FLOAT[]" for VECTOR. */
void sql_put_type(Buffer *out, Type type);
void sql_put_stored_type(Buffer *out, Type type);

/* read_parquet of the paths, with these columns of the schema (by number) as c<field id>, and the
 * stored system columns; `with_owner` also _user's. Old files are read by field id.
 *
 * DuckDB gives a list of files to all of its threads, but a single one whose schema is told to it
 * to one thread only: `for_all_threads` makes a list of it, with a file that has no rows. */
void sql_put_read_parquet(Buffer *out, const char *const *paths, size_t path_count,
                          const Schema *schema, const uint16_t *columns, uint32_t column_count,
                          bool with_owner, bool for_all_threads);

/* One such column as the value that the schema's type says: `c7`, or `c8::FLOAT[3]` where it lies
 * in files as something else. */
void sql_put_file_column(Buffer *out, const Column *column);

#endif
