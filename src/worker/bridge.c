#include "worker/bridge.h"

#include <stdio.h>

#include "base/memory.h"
#include "worker/names.h"
#include "worker/vector.h"

enum {
    BRIDGE_ARGUMENTS_MAX = 8, /* that a signature names */
    BRIDGE_NAME_BYTES = 72,
};

typedef struct Signature {
    Type arguments[BRIDGE_ARGUMENTS_MAX]; /* UNKNOWN: any */
    uint32_t count;
    uint32_t required;
    bool is_variadic;
    Type result;
} Signature;

/* What a call of one overload needs; DuckDB frees it. */
typedef struct Overload {
    FunctionContext *context;
    ScalarFunction function;
    bool is_strict;
    Signature signature;
} Overload;

/* ---- signatures ---- */

static bool kind_of(Slice word, Type *out)
{
    static const struct {
        const char *name;
        Type type;
    } kinds[] = {
        {"any", {.kind = TYPE_UNKNOWN}},         {"array", {.kind = TYPE_UNKNOWN}},
        {"vector", {.kind = TYPE_VECTOR}},       {"bool", {.kind = TYPE_BOOLEAN}},
        {"int2", {.kind = TYPE_SMALLINT}},       {"int4", {.kind = TYPE_INTEGER}},
        {"int8", {.kind = TYPE_BIGINT}},         {"float4", {.kind = TYPE_REAL}},
        {"float8", {.kind = TYPE_DOUBLE}},       {"numeric", {.kind = TYPE_DECIMAL}},
        {"text", {.kind = TYPE_TEXT}},           {"bytea", {.kind = TYPE_BYTEA}},
        {"date", {.kind = TYPE_DATE}},           {"time", {.kind = TYPE_TIME}},
        {"timestamp", {.kind = TYPE_TIMESTAMP}}, {"timestamptz", {.kind = TYPE_TIMESTAMPTZ}},
        {"interval", {.kind = TYPE_INTERVAL}},   {"uuid", {.kind = TYPE_UUID}},
        {"json", {.kind = TYPE_JSON}},           {"jsonb", {.kind = TYPE_JSONB}},
    };
    bool is_array = word.size > 2 && word.data[word.size - 1] == ']';
    Slice name = is_array ? slice_part(word, 0, word.size - 2) : word;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!slice_equal_text(name, kinds[i].name))
            continue;
        *out = kinds[i].type;
        if (is_array)
            *out = (Type){.kind = TYPE_ARRAY, .element = kinds[i].type.kind};
        return true;
    }
    return false;
}

static Slice next_word(Slice *rest)
{
    *rest = slice_trim(*rest);
    Slice word = slice_part(*rest, 0, slice_find(*rest, ' '));
    *rest = slice_part(*rest, word.size, rest->size);
    return word;
}

static bool add_argument(Signature *signature, Slice word)
{
    bool is_optional = word.size > 2 && word.data[0] == '[';
    if (is_optional)
        word = slice_part(word, 1, word.size - 2);
    if (signature->count == BRIDGE_ARGUMENTS_MAX)
        return false;
    if (!kind_of(word, &signature->arguments[signature->count++]))
        return false;
    signature->required += !is_optional;
    return true;
}

/* "text int4 [text] -> text". A type of arguments before "..." is that of none or more. */
static Status read_signature(const char *text, Signature *out, Error *error)
{
    Slice rest = slice_of_text(text);
    *out = (Signature){.count = 0};
    for (Slice word = next_word(&rest); !slice_equal_text(word, "->"); word = next_word(&rest)) {
        bool is_more = slice_equal_text(word, "...") && out->count > 0;
        if (is_more) {
            out->is_variadic = true;
            out->count--;
            out->required--;
        } else if (!add_argument(out, word)) {
            return error_set(error, STATUS_INTERNAL, "signature \"%s\"", text);
        }
    }
    bool good = kind_of(next_word(&rest), &out->result) && out->result.kind != TYPE_UNKNOWN &&
                out->result.kind != TYPE_VECTOR;
    return good ? OK : error_set(error, STATUS_INTERNAL, "signature \"%s\"", text);
}

/* ---- calling ---- */

/* One call after the other over the rows of a chunk. */
typedef struct Calls {
    const Overload *overload;
    duckdb_vector output;
    VectorReader *readers;
    Value *arguments;
    uint32_t count;
    EvaluationContext evaluation;
    Buffer text; /* of a result that goes as text */
} Calls;

static Status put_text(Calls *calls, idx_t row, Type type, const Value *value, Error *error)
{
    buffer_clear(&calls->text);
    value_put_text(&calls->text, type, value);
    TRY(buffer_status(&calls->text, error));
    duckdb_unsafe_vector_assign_string_element_len(
        calls->output, row, (const char *)calls->text.data, calls->text.size);
    return OK;
}

static Status call_row(Calls *calls, idx_t row, Error *error)
{
    const Overload *overload = calls->overload;
    bool any_null = false;
    for (uint32_t i = 0; i < calls->count; i++) {
        TRY(reader_get(&calls->readers[i], row, calls->evaluation.arena, &calls->arguments[i],
                       error));
        any_null |= calls->arguments[i].is_null;
    }
    Type type = overload->signature.result;
    Value result = value_null((TypeKind)type.kind);
    if (!any_null || !overload->is_strict)
        TRY(overload->function(&calls->evaluation, calls->arguments, calls->count, &result, error));
    if (type.kind == TYPE_DECIMAL && !result.is_null)
        return put_text(calls, row, type, &result, error);
    return vector_put(calls->output, row, type, &result, error);
}

static Type argument_type(const Signature *signature, uint32_t i)
{
    return i < signature->count ? signature->arguments[i] : TYPE(UNKNOWN);
}

static Status open_calls(Calls *calls, Arena *arena, duckdb_data_chunk input, Error *error)
{
    uint32_t count = (uint32_t)duckdb_data_chunk_get_column_count(input);
    calls->readers = ARENA_ARRAY(arena, VectorReader, count);
    calls->arguments = ARENA_ARRAY(arena, Value, count);
    if (calls->readers == NULL || calls->arguments == NULL)
        return arena_error(arena, error);
    for (; calls->count < count; calls->count++) {
        uint32_t i = calls->count;
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, i);
        TRY(reader_open(&calls->readers[i], arena, duckdb_vector_get_column_type(vector),
                        argument_type(&calls->overload->signature, i), error));
        reader_point(&calls->readers[i], vector);
    }
    return OK;
}

static Status call_rows(Calls *calls, Arena *arena, duckdb_data_chunk input, Error *error)
{
    TRY(open_calls(calls, arena, input, error));
    Arena scratch;
    arena_open(&scratch, 0);
    calls->evaluation.arena = &scratch;
    Status status = OK;
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows && status == OK; row++) {
        status = call_row(calls, row, error);
        if (scratch.used > 0)
            arena_reset(&scratch);
    }
    arena_close(&scratch);
    return status;
}

static void bridge_call(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const Overload *overload = duckdb_scalar_function_get_extra_info(info);
    const Statement *statement = overload->context->statement;
    Calls calls = {.overload = overload, .output = output};
    calls.evaluation.env = overload->context->env;
    calls.evaluation.now_us = statement == NULL ? 0 : statement->request->now_us;
    Arena arena;
    arena_open(&arena, 0);
    buffer_open(&calls.text, 0);
    Error error;
    Status status = call_rows(&calls, &arena, input, &error);
    for (uint32_t i = 0; i < calls.count; i++)
        reader_close(&calls.readers[i]);
    buffer_close(&calls.text);
    arena_close(&arena);
    if (status == OK)
        return;
    char text[FUNCTION_ERROR_BYTES];
    function_error_text(&error, text);
    duckdb_scalar_function_set_error(info, text);
}

/* ---- registering ---- */

/* What DuckDB is told of an argument: numbers without a fixed scale, vectors and arrays of any size
 * are anything to it. */
static duckdb_logical_type declared_type(Type type)
{
    bool is_any = type.kind == TYPE_UNKNOWN || type.kind == TYPE_DECIMAL ||
                  (type.kind == TYPE_VECTOR && type.a == 0);
    return is_any ? duckdb_create_logical_type(DUCKDB_TYPE_ANY) : vector_type(type);
}

static void add_parameters(duckdb_scalar_function function, const Signature *signature,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        duckdb_logical_type type = declared_type(signature->arguments[i]);
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_destroy_logical_type(&type);
    }
    if (!signature->is_variadic)
        return;
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_scalar_function_set_varargs(function, any);
    duckdb_destroy_logical_type(&any);
}

/* One overload with that many arguments. The extra info is DuckDB's from here on. */
static duckdb_scalar_function make_overload(const char *name, const FunctionImplementation *entry,
                                            Overload *overload, uint32_t count)
{
    Type result = overload->signature.result;
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, name);
    add_parameters(function, &overload->signature, count);
    duckdb_logical_type type = vector_type(result.kind == TYPE_DECIMAL ? TYPE(TEXT) : result);
    duckdb_scalar_function_set_return_type(function, type);
    duckdb_destroy_logical_type(&type);
    if (!entry->is_strict)
        duckdb_scalar_function_set_special_handling(function);
    if (entry->is_volatile)
        duckdb_scalar_function_set_volatile(function);
    duckdb_scalar_function_set_extra_info(function, overload, memory_free);
    duckdb_scalar_function_set_function(function, bridge_call);
    return function;
}

static Status add_overload(const Bridge *bridge, const char *name,
                           const FunctionImplementation *entry, const Signature *signature,
                           uint32_t count, duckdb_scalar_function_set set, Error *error)
{
    Overload *overload = MEMORY_NEW(Overload);
    if (overload == NULL)
        return error_out_of_memory(error);
    *overload = (Overload){.context = bridge->context,
                           .function = entry->function,
                           .is_strict = entry->is_strict,
                           .signature = *signature};
    duckdb_scalar_function function = make_overload(name, entry, overload, count);
    duckdb_state state = duckdb_add_scalar_function_to_set(set, function);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess ? OK : error_set(error, STATUS_INTERNAL, "%s was refused", name);
}

static Status register_entry(const Bridge *bridge, const char *name,
                             const FunctionImplementation *entry, Error *error)
{
    Signature signature;
    TRY(read_signature(entry->signature, &signature, error));
    duckdb_scalar_function_set set = duckdb_create_scalar_function_set(name);
    Status status = OK;
    for (uint32_t n = signature.required; n <= signature.count && status == OK; n++)
        status = add_overload(bridge, name, entry, &signature, n, set, error);
    if (status == OK &&
        duckdb_register_scalar_function_set(bridge->connection, set) != DuckDBSuccess)
        status = error_set(error, STATUS_INTERNAL, "%s was refused", name);
    duckdb_destroy_scalar_function_set(&set);
    return status;
}

Status bridge_register(const Bridge *bridge, const char *name, const char *signature,
                       bool with_nulls, ScalarFunction function, Error *error)
{
    FunctionImplementation entry = {
        .symbol = name, .function = function, .signature = signature, .is_strict = !with_nulls};
    return register_entry(bridge, name, &entry, error);
}

static bool has_result(const FunctionImplementation *entry)
{
    Signature signature;
    Error error;
    return read_signature(entry->signature, &signature, &error) == OK;
}

/* DuckDB says what it does not know. Functions whose result has the type of an argument are not for
 * the bridge: DuckDB wants to know the type before it knows the arguments. */
static Status register_symbol(Bridge *bridge, Slice symbol, Error *error)
{
    size_t count = 0;
    const FunctionImplementation *all = function_all(&count);
    const FunctionImplementation *entry = function_describe(symbol);
    if (entry == NULL || bridge->is_registered[entry - all] || !has_result(entry))
        return OK;
    char name[BRIDGE_NAME_BYTES];
    (void)snprintf(name, sizeof name, "fn_%s", entry->symbol);
    TRY(register_entry(bridge, name, entry, error));
    bridge->is_registered[entry - all] = true;
    return OK;
}

Status bridge_prepare(Bridge *bridge, Slice sql, Error *error)
{
    Slice name;
    while (names_next(&sql, SLICE("fn_"), &name))
        TRY(register_symbol(bridge, slice_part(name, 3, name.size), error));
    return OK;
}

Status bridge_alias(Bridge *bridge, const char *name, const char *symbol, Error *error)
{
    const FunctionImplementation *entry = function_describe(slice_of_text(symbol));
    if (entry == NULL)
        return error_set(error, STATUS_INTERNAL, "there is no function %s", symbol);
    return register_entry(bridge, name, entry, error);
}

Status bridge_open(Bridge *bridge, duckdb_connection connection, FunctionContext *context,
                   Error *error)
{
    *bridge = (Bridge){.connection = connection, .context = context};
    size_t count = 0;
    (void)function_all(&count);
    bridge->is_registered = memory_allocate_zeroed(count, sizeof *bridge->is_registered);
    return bridge->is_registered == NULL ? error_out_of_memory(error) : OK;
}

void bridge_close(Bridge *bridge)
{
    memory_free(bridge->is_registered);
    *bridge = (Bridge){.context = NULL};
}
