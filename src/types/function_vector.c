/* Vectors: pgvector's functions. Elements are float32, sums are kept in double. */
#include <math.h>

#include "types/function_int.h"
#include "types/value_read_int.h"

static Status check_same_size(const Value *arguments, Error *error)
{
    uint32_t a = arguments[0].as.vector.count;
    uint32_t b = arguments[1].as.vector.count;
    if (a == b)
        return OK;
    return error_set(error, STATUS_DATA_EXCEPTION, "different vector dimensions %u and %u", a, b);
}

/* Rows may hold elements at any alignment: they are never read through a float pointer. */
static double element(const Value *vector, uint32_t i)
{
    return (double)vector_element(vector, i);
}

static double dot_product(const Value *a, const Value *b)
{
    double sum = 0;
    for (uint32_t i = 0; i < a->as.vector.count; i++)
        sum += element(a, i) * element(b, i);
    return sum;
}

FUNCTION(vector_inner_product)
{
    TRY(check_same_size(arguments, error));
    *result = value_double(dot_product(&arguments[0], &arguments[1]));
    return OK;
}

FUNCTION(vector_negative_inner_product)
{
    TRY(check_same_size(arguments, error));
    *result = value_double(-dot_product(&arguments[0], &arguments[1]));
    return OK;
}

FUNCTION(vector_l2_distance)
{
    TRY(check_same_size(arguments, error));
    double sum = 0;
    for (uint32_t i = 0; i < arguments[0].as.vector.count; i++) {
        double difference = element(&arguments[0], i) - element(&arguments[1], i);
        sum += difference * difference;
    }
    *result = value_double(sqrt(sum));
    return OK;
}

FUNCTION(vector_l1_distance)
{
    TRY(check_same_size(arguments, error));
    double sum = 0;
    for (uint32_t i = 0; i < arguments[0].as.vector.count; i++)
        sum += fabs(element(&arguments[0], i) - element(&arguments[1], i));
    *result = value_double(sum);
    return OK;
}

/* NaN where a vector is all zeros, as pgvector has it; rounding does not lead out of [0, 2]. */
FUNCTION(vector_cosine_distance)
{
    TRY(check_same_size(arguments, error));
    double product = 0;
    double a_square = 0;
    double b_square = 0;
    for (uint32_t i = 0; i < arguments[0].as.vector.count; i++) {
        double a = element(&arguments[0], i);
        double b = element(&arguments[1], i);
        product += a * b;
        a_square += a * a;
        b_square += b * b;
    }
    double similarity = product / sqrt(a_square * b_square);
    if (similarity > 1)
        similarity = 1;
    else if (similarity < -1)
        similarity = -1;
    *result = value_double(1 - similarity);
    return OK;
}

FUNCTION(vector_dims)
{
    *result = value_integer(TYPE_INTEGER, arguments[0].as.vector.count);
    return OK;
}

FUNCTION(vector_norm)
{
    *result = value_double(sqrt(dot_product(&arguments[0], &arguments[0])));
    return OK;
}

/* ---- vectors of vectors ---- */

static Status new_vector(EvaluationContext *context, uint32_t size, float **elements, Value *result,
                         Error *error)
{
    *elements = arena_allocate(context->arena, size * sizeof(float));
    if (*elements == NULL)
        return arena_error(context->arena, error);
    *result = (Value){.kind = TYPE_VECTOR};
    result->as.vector.elements = *elements;
    result->as.vector.count = size;
    return OK;
}

static Status overflow(Error *error)
{
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}

#define ELEMENTWISE(name, operation)                                                      \
    FUNCTION(vector_##name)                                                               \
    {                                                                                     \
        float *elements;                                                                  \
        TRY(check_same_size(arguments, error));                                           \
        TRY(new_vector(context, arguments[0].as.vector.count, &elements, result, error)); \
        for (uint32_t i = 0; i < arguments[0].as.vector.count; i++) {                     \
            float a = vector_element(&arguments[0], i);                                   \
            float b = vector_element(&arguments[1], i);                                   \
            elements[i] = a operation b;                                                  \
            if (isinf(elements[i]))                                                       \
                return overflow(error);                                                   \
        }                                                                                 \
        return OK;                                                                        \
    }

ELEMENTWISE(add, +)
ELEMENTWISE(subtract, -)
ELEMENTWISE(multiply, *)

/* A vector of zeros stays one. */
FUNCTION(vector_normalize)
{
    float *elements;
    double norm = sqrt(dot_product(&arguments[0], &arguments[0]));
    TRY(new_vector(context, arguments[0].as.vector.count, &elements, result, error));
    for (uint32_t i = 0; i < arguments[0].as.vector.count; i++)
        elements[i] = norm > 0 ? (float)(element(&arguments[0], i) / norm) : 0;
    return OK;
}
