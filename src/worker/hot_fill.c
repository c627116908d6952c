/* Columns of hot rows: from packed rows (types/row.h) into DuckDB's vectors, a column at a time.
 *
 * Texts of 13 bytes and more are not copied: the vector's string points into the mapping, which
 * stays until the statement has ended. They were checked to be UTF-8 when they were written. */
#include "base/assert.h"
#include "worker/hot_int.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "slots are copied as they lie");

/* ---- NULLs ---- */

/* A NULL's slot is zero, so values are copied without a look at the null bits, which come after in
 * one pass; columns without a NULL never make a validity mask. */
static void put_nulls(const FillPlan *plan, const HotBatch *batch, duckdb_vector vector)
{
    uint32_t byte = plan->column / 8;
    uint8_t bit = (uint8_t)(1u << (plan->column % 8));
    uint8_t any = 0;
    for (uint32_t i = 0; i < batch->count; i++)
        any |= batch->rows[i][byte];
    if ((any & bit) == 0)
        return;
    duckdb_vector_ensure_validity_writable(vector);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    for (uint32_t i = 0; i < batch->count; i++) {
        if ((batch->rows[i][byte] & bit) != 0)
            validity[i / 64] &= ~(1ull << (i % 64));
    }
}

/* ---- values of a fixed size ---- */

#define FILL_NUMBERS(name, slot_type, vector_type_)                               \
    static void name(const FillPlan *plan, HotBatch *batch, duckdb_vector vector) \
    {                                                                             \
        vector_type_ *out = duckdb_vector_get_data(vector);                       \
        uint32_t offset = plan->offset;                                           \
        for (uint32_t i = 0; i < batch->count; i++) {                             \
            slot_type slot;                                                       \
            memcpy(&slot, batch->rows[i] + offset, sizeof slot);                  \
            out[i] = (vector_type_)slot;                                          \
        }                                                                         \
        put_nulls(plan, batch, vector);                                           \
    }

FILL_NUMBERS(fill_8, uint8_t, uint8_t)
FILL_NUMBERS(fill_16, int16_t, int16_t)
FILL_NUMBERS(fill_32, int32_t, int32_t)
FILL_NUMBERS(fill_64, int64_t, int64_t)
FILL_NUMBERS(fill_128, Int128, Int128)
FILL_NUMBERS(fill_16_as_32, int16_t, int32_t)
FILL_NUMBERS(fill_16_as_64, int16_t, int64_t)
FILL_NUMBERS(fill_32_as_64, int32_t, int64_t)
FILL_NUMBERS(fill_64_as_16, int64_t, int16_t) /* DECIMAL slots have 8 bytes from one digit on */
FILL_NUMBERS(fill_64_as_32, int64_t, int32_t)
FILL_NUMBERS(fill_64_as_128, int64_t, Int128)
FILL_NUMBERS(fill_float, float, float)
FILL_NUMBERS(fill_double, double, double)
FILL_NUMBERS(fill_float_as_double, float, double)

_Static_assert(sizeof(Int128) == sizeof(duckdb_hugeint), "the same number");

static void fill_uuid(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    duckdb_hugeint *out = duckdb_vector_get_data(vector);
    for (uint32_t i = 0; i < batch->count; i++)
        out[i] = uuid_to_hugeint(batch->rows[i] + plan->offset);
    put_nulls(plan, batch, vector);
}

static void fill_vector(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    float *out = duckdb_vector_get_data(duckdb_array_vector_get_child(vector));
    size_t size = (size_t)plan->dimension * sizeof *out;
    for (uint32_t i = 0; i < batch->count; i++)
        memcpy(out + (size_t)i * plan->dimension, batch->rows[i] + plan->offset, size);
    put_nulls(plan, batch, vector);
}

/* ---- values that vary ---- */

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof n);
    return n;
}

static Slice variable_bytes(const FillPlan *plan, HotBatch *batch, uint32_t i)
{
    const uint8_t *row = batch->rows[i];
    uint32_t before = plan->variable_before;
    uint32_t begin = before == 0 ? plan->fixed_size : read_u32(row + before);
    uint32_t end = read_u32(row + plan->offset);
    if (begin > end || end > batch->sizes[i]) {
        batch->is_damaged = true;
        return SLICE_EMPTY;
    }
    return slice_of(row + begin, end - begin);
}

static void put_string(duckdb_string_t *out, Slice bytes)
{
    enum { INLINED = sizeof out->value.inlined.inlined };
    *out = (duckdb_string_t){.value.inlined.length = (uint32_t)bytes.size};
    if (bytes.size <= INLINED) {
        if (bytes.size > 0)
            memcpy(out->value.inlined.inlined, bytes.data, bytes.size);
        return;
    }
    memcpy(out->value.pointer.prefix, bytes.data, sizeof out->value.pointer.prefix);
    out->value.pointer.ptr = (char *)(uintptr_t)bytes.data;
}

static void fill_string(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    duckdb_string_t *out = duckdb_vector_get_data(vector);
    for (uint32_t i = 0; i < batch->count; i++)
        put_string(&out[i], variable_bytes(plan, batch, i));
    put_nulls(plan, batch, vector);
}

/* Arrays are rare (system tables): each is decoded and put element by element. */
static void fill_array(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    Arena arena;
    Error error;
    arena_open(&arena, 0);
    for (uint32_t i = 0; i < batch->count && !batch->is_damaged; i++) {
        Value value;
        Slice row = slice_of(batch->rows[i], batch->sizes[i]);
        bool is_null = row_is_null(row, plan->column);
        (void)(is_null ? SLICE_EMPTY : variable_bytes(plan, batch, i));
        if (batch->is_damaged)
            break;
        Status status = row_get_in(plan->layout, row, plan->column, &arena, &value, &error);
        if (status == OK)
            status = vector_put(vector, i, plan->type, &value, &error);
        batch->is_damaged = status != OK;
        arena_reset(&arena);
    }
    arena_close(&arena);
}

/* ---- columns that the records do not have ---- */

static void fill_constant(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    Error error;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (vector_put(vector, i, plan->type, &plan->constant, &error) != OK)
            batch->is_damaged = true;
    }
}

void fill_seq(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    (void)plan;
    int64_t *out = duckdb_vector_get_data(vector);
    for (uint32_t i = 0; i < batch->count; i++)
        out[i] = (int64_t)batch->records[i]->seq;
}

void fill_updated(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    (void)plan;
    int64_t *out = duckdb_vector_get_data(vector);
    for (uint32_t i = 0; i < batch->count; i++)
        out[i] = batch->records[i]->updated_us;
}

void fill_file(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    (void)plan;
    memset(duckdb_vector_get_data(vector), 0, batch->count * sizeof(uint64_t));
}

void fill_location(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    (void)plan;
    memcpy(duckdb_vector_get_data(vector), batch->locations, batch->count * sizeof(uint64_t));
}

static int compare_owner(const WorkerReference *reference, uint32_t i, WorkerOwner owner)
{
    WorkerOwner other = reference->owner_names[i].owner;
    return other < owner ? -1 : other > owner;
}

/* NULL where the owner has no name (any more). */
static const Slice *find_owner_name(const WorkerReference *reference, WorkerOwner owner)
{
    uint32_t low = 0;
    uint32_t high = reference->owner_name_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_owner(reference, middle, owner);
        if (order == 0)
            return &reference->owner_names[middle].name;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Rows of one owner mostly stand together: the last name is looked at first. */
void fill_owner(const FillPlan *plan, HotBatch *batch, duckdb_vector vector)
{
    duckdb_string_t *out = duckdb_vector_get_data(vector);
    WorkerOwner last = 0;
    const Slice *name = find_owner_name(plan->reference, last);
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->records[i]->owner != last) {
            last = batch->records[i]->owner;
            name = find_owner_name(plan->reference, last);
        }
        put_string(&out[i], name == NULL ? SLICE_EMPTY : *name);
        if (name == NULL)
            vector_put_null(vector, i);
    }
}

/* ---- choosing ---- */

static Fill fill_of_integer(TypeKind from, TypeKind to)
{
    if (from == TYPE_SMALLINT)
        return to == TYPE_SMALLINT ? fill_16 : to == TYPE_INTEGER ? fill_16_as_32 : fill_16_as_64;
    if (from == TYPE_INTEGER)
        return to == TYPE_INTEGER ? fill_32 : fill_32_as_64;
    return fill_64;
}

static Fill fill_of_decimal(Type from, Type to)
{
    if (from.a == 0 || from.a > 18)
        return fill_128;
    if (to.a <= 9)
        return to.a <= 4 ? fill_64_as_16 : fill_64_as_32;
    return to.a <= 18 ? fill_64 : fill_64_as_128;
}

/* For types of which one widens to the other. */
static Fill fill_of(Type from, Type to)
{
    switch ((TypeKind)from.kind) {
    case TYPE_BOOLEAN:
        return fill_8;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        return fill_of_integer((TypeKind)from.kind, (TypeKind)to.kind);
    case TYPE_DATE:
        return fill_32;
    case TYPE_REAL:
        return to.kind == TYPE_REAL ? fill_float : fill_float_as_double;
    case TYPE_DOUBLE:
        return fill_double;
    case TYPE_DECIMAL:
        return fill_of_decimal(from, to);
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return fill_64;
    case TYPE_UUID:
        return fill_uuid;
    case TYPE_VECTOR:
        return fill_vector;
    case TYPE_ARRAY:
        return fill_array;
    default:
        return type_is_variable(from) ? fill_string : NULL;
    }
}

Status fill_plan_column(FillPlan *plan, const Schema *from, const Column *to, Error *error)
{
    *plan = (FillPlan){.type = to->type, .layout = &from->layout};
    int32_t column = schema_find_field(from, to->field_id);
    if (column < 0) {
        plan->constant = to->initial_default;
        plan->constant.kind = to->type.kind;
        plan->fill = fill_constant;
        return OK;
    }
    Type type = from->columns[column].type;
    plan->fill = type_widens_to(type, to->type) ? fill_of(type, to->type) : NULL;
    if (plan->fill == NULL)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "a column's type changed in a way that rows cannot follow");
    plan->column = (uint32_t)column;
    plan->offset = from->layout.offset[column];
    plan->variable_before = from->layout.variable_before[column];
    plan->fixed_size = from->layout.fixed_size;
    plan->dimension = type.kind == TYPE_VECTOR ? (uint32_t)type.a : 0;
    return OK;
}
