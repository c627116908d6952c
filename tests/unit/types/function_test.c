/* The table of functions, every function with random arguments, without memory, and those that have
 * no answer from PostgreSQL to be compared with. */
#include <math.h>

#include "tests/unit/types/random_call.h"

static const FunctionImplementation *describe(const char *symbol)
{
    const FunctionImplementation *function = function_describe(slice_of_text(symbol));
    assert_non_null(function);
    return function;
}

static void test_table(void **state)
{
    (void)state;
    size_t count;
    const FunctionImplementation *all = function_all(&count);
    assert_true(count > 300);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(all[i - 1].symbol, all[i].symbol) < 0);
        assert_ptr_equal(function_find(slice_of_text(all[i].symbol)), all[i].function);
        assert_string_equal(function_symbol(all[i].function), all[i].symbol);
    }
    assert_null(function_find(SLICE("")));
    assert_null(function_find(SLICE("int4_ad")));
    assert_null(function_find(SLICE("zzz")));
}

static bool takes(const char *symbol, Type result, uint32_t count, const Type *types)
{
    return function_takes(describe(symbol), types, count, result);
}

static void test_signatures(void **state)
{
    (void)state;
    const Type texts[] = {TYPE(TEXT), TYPE(VARCHAR), TYPE(CHAR), TYPE(INTEGER)};
    const Type arrays[] = {TYPE_ARRAY_OF(TEXT), TYPE(TEXT), TYPE(TEXT)};
    const Type json[] = {TYPE(JSONB), TYPE_ARRAY_OF(TEXT), TYPE(JSONB), TYPE(BOOLEAN)};
    assert_true(takes("text_replace", TYPE(TEXT), 3, texts));
    assert_false(takes("text_replace", TYPE(TEXT), 2, texts));
    assert_false(takes("text_replace", TYPE(INTEGER), 3, texts));
    assert_false(takes("text_replace", TYPE(TEXT), 4, texts));
    assert_true(takes("concat", TYPE(TEXT), 0, texts));
    assert_true(takes("concat", TYPE(TEXT), 4, texts));
    assert_true(takes("concat_ws", TYPE(TEXT), 1, texts));
    assert_false(takes("concat_ws", TYPE(TEXT), 1, texts + 3));
    assert_true(takes("array_to_text", TYPE(TEXT), 2, arrays));
    assert_true(takes("array_to_text", TYPE(TEXT), 3, arrays));
    assert_false(takes("array_to_text", TYPE(TEXT), 2, texts));
    assert_true(takes("jsonb_set", TYPE(JSONB), 3, json));
    assert_true(takes("jsonb_set", TYPE(JSONB), 4, json));
    assert_false(takes("jsonb_set", TYPE(JSONB), 2, json));
    assert_true(takes("now", TYPE(TIMESTAMPTZ), 0, NULL));
    assert_true(takes("text_to_array", TYPE_ARRAY_OF(TEXT), 2, texts));
    assert_false(takes("text_to_array", TYPE_ARRAY_OF(INTEGER), 2, texts));
}

/* ---- every function ---- */

static EvaluationContext context_of(Arena *arena)
{
    return (EvaluationContext){.env = env_real(),
                               .arena = arena,
                               .now_us = 1582113906000000,
                               .current_user = SLICE("alice"),
                               .node_id = 5};
}

static bool has_null(const RandomCall *call)
{
    for (uint32_t i = 0; i < call->count; i++) {
        if (call->values[i].is_null)
            return true;
    }
    return false;
}

static void check_result(const FunctionImplementation *function, const RandomCall *call,
                         const Value *result)
{
    bool is_any = strstr(function->signature, "-> any") != NULL ||
                  strstr(function->signature, "-> array") != NULL;
    if (result->is_null || is_any)
        return;
    if (result->kind != call->result.kind)
        fail_msg("%s gives kind %d", function->symbol, result->kind);
    bool is_text = type_is_text(TYPE_OF_KIND(result->kind)) || result->kind == TYPE_JSON ||
                   result->kind == TYPE_JSONB;
    if (is_text && !slice_is_utf8_text(result->as.bytes))
        fail_msg("%s gives broken text", function->symbol);
}

static void check_error(const FunctionImplementation *function, const Error *error)
{
    if (error->status == STATUS_INTERNAL || error->message[0] == '\0' ||
        !slice_is_utf8_text(slice_of_text(error->message)))
        fail_msg("%s fails with \"%s\"", function->symbol, error->message);
}

static Status invoke(const FunctionImplementation *function, const RandomCall *call,
                     EvaluationContext *context, Value *result, Error *error)
{
    *result = value_null((TypeKind)call->result.kind);
    if (function->is_strict && has_null(call))
        return OK;
    return function->function(context, call->values, call->count, result, error);
}

static void test_random_arguments(void **state)
{
    (void)state;
    Random random = random_from_environment();
    size_t count;
    const FunctionImplementation *all = function_all(&count);
    Arena arena;
    arena_open(&arena, 0);
    for (size_t i = 0; i < count; i++) {
        for (int round = 0; round < 150; round++) {
            Value result;
            Error error;
            error_clear(&error);
            RandomCall call = random_call(&random, &arena, &all[i]);
            EvaluationContext context = context_of(&arena);
            if (!function_takes(&all[i], call.types, call.count, call.result))
                fail_msg("%s does not take what it says", all[i].symbol);
            if (invoke(&all[i], &call, &context, &result, &error) == OK)
                check_result(&all[i], &call, &result);
            else
                check_error(&all[i], &error);
            arena_reset(&arena);
        }
    }
    arena_close(&arena);
}

/* The n-th allocation fails, for every n: the call says so and leaves nothing behind. */
static void test_without_memory(void **state)
{
    (void)state;
    Random random = random_from_environment();
    size_t count;
    const FunctionImplementation *all = function_all(&count);
    for (size_t i = 0; i < count; i++) {
        Arena inputs;
        arena_open(&inputs, 0);
        RandomCall call = random_call(&random, &inputs, &all[i]);
        bool failed = true;
        for (int64_t n = 1; failed; n++) {
            Arena arena;
            Value result;
            Error error;
            error_clear(&error);
            arena_open(&arena, 0);
            EvaluationContext context = context_of(&arena);
            memory_fail_at(n, 1);
            Status status = invoke(&all[i], &call, &context, &result, &error);
            failed = memory_allocations() >= n;
            memory_fail_at(0, 0);
            if (failed && status == OK)
                fail_msg("%s did not notice that allocation %lld failed", all[i].symbol,
                         (long long)n);
            arena_close(&arena);
        }
        arena_close(&inputs);
    }
}

/* ---- what PostgreSQL has no answer to ---- */

static Value call(EvaluationContext *context, const char *symbol, uint32_t count,
                  const Value *arguments)
{
    Value result = value_null(TYPE_UNKNOWN);
    Error error;
    Status status = describe(symbol)->function(context, arguments, count, &result, &error);
    if (status != OK)
        fail_msg("%s: %s", symbol, error.message);
    return result;
}

static Value vector_of(const float *elements, uint32_t count)
{
    Value value = {.kind = TYPE_VECTOR};
    value.as.vector.elements = elements;
    value.as.vector.count = count;
    return value;
}

static void test_vectors(void **state)
{
    (void)state;
    static const float a[] = {1, 2, 3};
    static const float b[] = {4, 5, 6};
    static const float zero[] = {0, 0, 0};
    const Value both[] = {vector_of(a, 3), vector_of(b, 3)};
    const Value same[] = {vector_of(a, 3), vector_of(a, 3)};
    const Value with_zero[] = {vector_of(a, 3), vector_of(zero, 3)};
    const Value shorter[] = {vector_of(a, 3), vector_of(b, 2)};
    Arena arena;
    Error error;
    Value result;
    arena_open(&arena, 0);
    EvaluationContext context = context_of(&arena);
    assert_true(call(&context, "vector_inner_product", 2, both).as.real == 32);
    assert_true(call(&context, "vector_negative_inner_product", 2, both).as.real == -32);
    assert_true(call(&context, "vector_l2_distance", 2, both).as.real == sqrt(27));
    assert_true(call(&context, "vector_l1_distance", 2, both).as.real == 9);
    assert_true(fabs(call(&context, "vector_cosine_distance", 2, both).as.real -
                     0.025368153802923787) < 1e-15);
    assert_true(call(&context, "vector_cosine_distance", 2, same).as.real == 0);
    assert_true(isnan(call(&context, "vector_cosine_distance", 2, with_zero).as.real));
    assert_true(call(&context, "vector_norm", 1, both).as.real == sqrt(14));
    assert_int_equal(call(&context, "vector_dims", 1, both).as.integer, 3);
    result = call(&context, "vector_add", 2, both);
    assert_true(vector_element(&result, 2) == 9);
    result = call(&context, "vector_multiply", 2, both);
    assert_true(vector_element(&result, 1) == 10);
    assert_int_equal(
        describe("vector_l2_distance")->function(&context, shorter, 2, &result, &error),
        STATUS_DATA_EXCEPTION);
    assert_string_equal(error.message, "different vector dimensions 3 and 2");
    arena_close(&arena);
}

static void test_identities(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    EvaluationContext context = context_of(&arena);
    int64_t last = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t id = call(&context, "snowflake_id", 0, NULL).as.integer;
        assert_true(id > last);
        assert_int_equal(id >> 12 & 1023, 5);
        last = id;
    }
    Value v4 = call(&context, "gen_random_uuid", 0, NULL);
    Value v7 = call(&context, "uuid_v7", 0, NULL);
    assert_int_equal(v4.as.uuid[6] >> 4, 4);
    assert_int_equal(v4.as.uuid[8] >> 6, 2);
    assert_int_equal(v7.as.uuid[6] >> 4, 7);
    Value ulid = call(&context, "ulid", 0, NULL);
    assert_int_equal(ulid.as.bytes.size, 26);
    assert_true(ulid.as.bytes.data[0] <= '7');
    for (int i = 0; i < 1000; i++) {
        double x = call(&context, "random", 0, NULL).as.real;
        assert_true(x >= 0 && x < 1);
    }
    context.env = NULL;
    Value result;
    Error error;
    assert_int_equal(describe("random")->function(&context, NULL, 0, &result, &error),
                     STATUS_FEATURE_NOT_SUPPORTED);
    arena_close(&arena);
}

static void test_clock(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    EvaluationContext context = context_of(&arena);
    const Value two = value_integer(TYPE_INTEGER, 2);
    context.now_us = 1582113906123456;
    assert_true(call(&context, "now", 0, NULL).as.integer == 1582113906123456);
    assert_true(call(&context, "now", 1, &two).as.integer == 1582113906120000);
    assert_int_equal(call(&context, "current_date", 0, NULL).as.integer, 18311);
    assert_true(call(&context, "localtime", 0, NULL).as.integer == 43506123456);
    assert_true(call(&context, "clock_timestamp", 0, NULL).as.integer > 1582113906123456);
    context.now_us = 0;
    Value result;
    Error error;
    assert_int_equal(describe("now")->function(&context, NULL, 0, &result, &error),
                     STATUS_FEATURE_NOT_SUPPORTED);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_random_arguments),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
