/* DuckDB 1.5's C functions that the 1.4.4 header does not declare yet. The library is 1.5.6; the
 * header that can be installed is 1.4.4, and every function it declares is there unchanged. */
#ifndef FIRN_WORKER_DUCKDB_EXTRA_H
#define FIRN_WORKER_DUCKDB_EXTRA_H

#include <duckdb.h>

/* As duckdb_vector_assign_string_element_len, without looking whether it is UTF-8. */
void duckdb_unsafe_vector_assign_string_element_len(duckdb_vector vector, idx_t index,
                                                    const char *text, idx_t size);

#endif
