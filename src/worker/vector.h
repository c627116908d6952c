/* Vectors: DuckDB's columns of values, and our Value.
 *
 * Writing is for single values (constants, arrays, results of functions); scans fill vectors column
 * by column themselves (hot_fill.c). Reading is by a reader made once for a column: it knows
 * DuckDB's type, the type wanted, and how to come from one to the other exactly.
 *
 * Threading: a vector belongs to one thread. Ownership: values read point into the vector or the
 * arena. Errors: NUMERIC_VALUE_OUT_OF_RANGE and the like where a value does not fit,
 * FEATURE_NOT_SUPPORTED for a type without a counterpart. */
#ifndef FIRN_WORKER_VECTOR_H
#define FIRN_WORKER_VECTOR_H

#include "types/value.h"
#include "worker/duckdb_extra.h"

/* DuckDB's type for values of ours; NULL where it has none. The caller destroys it. */
duckdb_logical_type vector_type(Type type);

/* Writes one value of `type` (DECIMAL: with the type's scale) at `index`. ARRAY elements are
 * appended, so the rows of a vector are written in order. */
CHECKED Status vector_put(duckdb_vector vector, idx_t index, Type type, const Value *value,
                          Error *error);

void vector_put_null(duckdb_vector vector, idx_t index);

/* Our 16 bytes of a UUID as DuckDB keeps them: a number whose order is that of the bytes. */
duckdb_hugeint uuid_to_hugeint(const uint8_t uuid[16]);
void uuid_from_hugeint(duckdb_hugeint number, uint8_t out[16]);

static inline duckdb_hugeint hugeint_of(Int128 number)
{
    return (duckdb_hugeint){.lower = (uint64_t)number, .upper = (int64_t)(number >> 64)};
}

static inline Int128 int128_of(duckdb_hugeint number)
{
    return (Int128)((unsigned __int128)(uint64_t)number.upper << 64 | number.lower);
}

/* Short strings lie in the struct itself. */
static inline Slice slice_of_string(const duckdb_string_t *string)
{
    uint32_t size = string->value.inlined.length;
    const char *data = size <= sizeof string->value.inlined.inlined ? string->value.inlined.inlined
                                                                    : string->value.pointer.ptr;
    return slice_of(data, size);
}

/* ---- reading ---- */

typedef struct VectorReader VectorReader;

/* One element that is not NULL, as a value of `natural`. */
typedef Status (*ReadElement)(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                              Error *error);

/* A reader is opened for a column's type and then pointed at one vector after the other. */
struct VectorReader {
    duckdb_type duckdb_kind;
    duckdb_type stored_kind; /* DECIMAL, ENUM: as what its numbers lie in memory */
    duckdb_logical_type logical;
    Type natural; /* what the elements are before they are cast */
    Type wanted;
    bool needs_cast;
    ReadElement read;
    VectorReader *children; /* of LIST and ARRAY one, of STRUCT and MAP one for each field */
    uint32_t child_count;
    uint32_t array_size;
    const void *data; /* of the vector it points at */
    const uint64_t *validity;
};

/* Takes the logical type, also after an error; readers live in the arena until reader_close. Wanted
 * types may be open: TYPE_UNKNOWN takes the elements as they are, DECIMAL without a precision any
 * scale, VECTOR without a dimension any number of floats. */
CHECKED Status reader_open(VectorReader *reader, Arena *arena, duckdb_logical_type logical,
                           Type wanted, Error *error);
void reader_close(VectorReader *reader);

void reader_point(VectorReader *reader, duckdb_vector vector);

static inline bool reader_is_null(const VectorReader *reader, idx_t index)
{
    return reader->validity != NULL && ((reader->validity[index / 64] >> (index % 64)) & 1) == 0;
}

/* One element as a value of the type wanted. */
CHECKED Status reader_get(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                          Error *error);

#endif
