/* Schemas and rows: the packed form in which a row lies in memory, in the log and in a worker's
 * mapping, with access to any column in constant time.
 *
 * A packed row, R its first byte (8-byte aligned in arenas; any alignment elsewhere):
 *     null bits    (columns + 7) / 8 bytes; bit c is 1 where column c is NULL
 *     slots        at layout.offset[c] from R, each aligned to its size (at most 8):
 *                      BOOLEAN 1, SMALLINT 2, INTEGER REAL DATE 4, BIGINT DOUBLE TIME TIMESTAMP
 *                      TIMESTAMPTZ 8, DECIMAL 8 (precision 1–18) or 16, UUID 16, INTERVAL 16
 *                      (months i32, days i32, microseconds i64; results only), VECTOR(n) 4n,
 *                      everything that varies: u32, the END of its bytes from R
 *     bytes        of the variable columns, in column order, without gaps
 * The bytes of variable column c begin where those of the one before it end (the first: at
 * layout.fixed_size). A NULL's slot is zero; a variable NULL's holds its (empty) end. An ARRAY's
 * bytes are its binary form (value_binary.c).
 * Integers are little-endian. A row is at most ROW_BYTES_MAX.
 *
 * Threading: schemas and layouts are immutable once built. Ownership: values read from a row point
 * into it. Errors: encoding checks nothing but sizes (engine validates before); row_check is for
 * rows from outside. */
#ifndef FIRN_TYPES_ROW_H
#define FIRN_TYPES_ROW_H

#include "types/value.h"

enum {
    COLUMNS_MAX = 1600,
    ROW_BYTES_MAX = 64 << 20,
    NAME_BYTES_MAX = 64,
};

typedef struct RowLayout {
    uint32_t column_count;
    uint32_t fixed_size;             /* null bits and slots */
    const Type *types;               /* of each column */
    const uint32_t *offset;          /* of each slot */
    const uint32_t *variable_before; /* slot offset of the variable column before, or 0 */
} RowLayout;

/* Builds a layout in the arena; `types` is cloned. */
CHECKED Status row_layout_open(Arena *arena, const Type *types, uint32_t column_count,
                               RowLayout *out, Error *error);

/* Appends the packed row to the buffer; alignment is relative to its own start. Values have the
 * kinds of the layout (DECIMAL at the column's scale, CHAR without trailing blanks) or are NULL.
 * PROGRAM_LIMIT_EXCEEDED above ROW_BYTES_MAX. */
CHECKED Status row_encode(const RowLayout *layout, const Value *values, Buffer *out, Error *error);

/* One column; O(1). DECIMAL values have the column's scale. */
void row_get(const RowLayout *layout, Slice row, uint32_t column, Value *out);

/* The same for ARRAY columns too, whose elements are built in the arena (row_get refuses them by
 * assertion). DATA_CORRUPTED where the bytes are no array of the column's type. */
CHECKED Status row_get_in(const RowLayout *layout, Slice row, uint32_t column, Arena *arena,
                          Value *out, Error *error);

static inline bool row_is_null(Slice row, uint32_t column)
{
    return (row.data[column / 8] >> (column % 8)) & 1;
}

/* Is it a well-formed row of this layout (sizes, ends in order, nothing outside)? */
bool row_check(const RowLayout *layout, Slice row);

/* ---- schemas ---- */

typedef struct Column {
    Slice name;
    Type type;
    uint32_t field_id; /* for life; 1 and up, never reused */
    bool not_null;
    bool hidden;           /* `_row`, the identity of a table without a key */
    int16_t key_position;  /* 0-based place in the key, -1: not in it */
    Slice default_sql;     /* PostgreSQL text of the default, empty: none */
    Value initial_default; /* what rows written before ADD COLUMN have; NULL where none */
    Slice comment;
} Column;

typedef enum TableKind {
    TABLE_SHARED = 1,
    TABLE_USER = 2,
    TABLE_STREAM = 3,
} TableKind;

/* A table's columns in one version. Immutable, reference counted. */
typedef struct Schema {
    uint64_t table_id;
    uint32_t version; /* 1 and up */
    TableKind kind;
    uint32_t column_count;
    const Column *columns; /* in their order; dropped ones are gone */
    uint32_t key_count;
    const uint16_t *key_columns; /* column numbers in key order; at least one */
    RowLayout layout;
    uint32_t next_field_id;
    Arena arena; /* owns all of the above */
    _Atomic uint32_t references;
} Schema;

/* Copies everything into a new schema with one reference. At least one column must be in the key
 * (the catalog adds `_row` where a table has none). */
CHECKED Status schema_create(uint64_t table_id, uint32_t version, TableKind kind,
                             const Column *columns, uint32_t column_count, uint32_t next_field_id,
                             Schema **out, Error *error);
Schema *schema_clone(Schema *schema); /* one more reference */
void schema_release(Schema *schema);

/* Column number, or -1. */
int32_t schema_find(const Schema *schema, Slice name);
int32_t schema_find_field(const Schema *schema, uint32_t field_id);

/* Are rows of this kind of table chosen by owner? (USER and STREAM: keys begin with the owner.) */
static inline bool schema_has_owner(const Schema *schema)
{
    return schema->kind != TABLE_SHARED;
}

void schema_encode(Buffer *out, const Schema *schema);
CHECKED Status schema_decode(Cursor *cursor, Schema **out, Error *error);

/* A row of one version as a row of a later one, by field id: added columns get their initial
 * default, widened ones are converted. Appends to `out`. */
CHECKED Status row_convert(const Schema *from, Slice row, const Schema *to, Arena *arena,
                           Buffer *out, Error *error);

#endif
