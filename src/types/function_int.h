/* How scalar functions are written, and what several of them need.
 *
 * FUNCTION(symbol) { … } defines call_<symbol> with the parameters of ScalarFunction. `result`
 * comes as a NULL of the node's kind: a function that returns OK without touching it returns NULL.
 *
 * Threading: pure but for the volatile ones. Ownership: results in context->arena, in the arguments
 * or static. Errors: PostgreSQL's codes and texts. */
#ifndef FIRN_TYPES_FUNCTION_INT_H
#define FIRN_TYPES_FUNCTION_INT_H

#include "base/assert.h"
#include "types/function_list_int.h"
#include "types/text_int.h"

#define UNUSED __attribute__((unused))

#define FUNCTION(symbol)                                                                   \
    Status call_##symbol(UNUSED EvaluationContext *context, UNUSED const Value *arguments, \
                         UNUSED uint32_t count, UNUSED Value *result, UNUSED Error *error)

/* Longer results of text functions are PROGRAM_LIMIT_EXCEEDED: no row could hold them. */
enum { TEXT_RESULT_BYTES_MAX = ROW_BYTES_MAX };

/* "integer out of range" */
Status integer_out_of_range(TypeKind kind, Error *error);

/* n as a value of an integer kind, or that error. */
CHECKED Status integer_result(TypeKind kind, Int128 n, Value *result, Error *error);

/* A double or (rounded) a float. */
static inline Value value_real(TypeKind kind, double x)
{
    return (Value){.kind = (uint8_t)kind, .as.real = kind == TYPE_REAL ? (double)(float)x : x};
}

/* Room for a text of `size` bytes in the arena; "requested length too large" beyond the limit. */
CHECKED Status text_room(EvaluationContext *context, size_t size, uint8_t **out, Error *error);

/* A buffer with that limit, and its bytes as a result; closes it, also after an error. */
void text_buffer_open(Buffer *buffer);
CHECKED Status text_buffer_result(EvaluationContext *context, Buffer *buffer, TypeKind kind,
                                  Value *result, Error *error);

/* Offset of `wanted` at or behind `from`, or SIZE_MAX. */
size_t text_find(Slice text, Slice wanted, size_t from);

/* lower(), into the arena. */
CHECKED Status text_to_lower(EvaluationContext *context, Slice text, Slice *out, Error *error);

/* An array of `elements` in the arena. */
CHECKED Status array_result(EvaluationContext *context, const Value *elements, uint32_t count,
                            Value *result, Error *error);

/* The time of the statement; an error where the caller gave none. */
CHECKED Status context_now(const EvaluationContext *context, int64_t *out, Error *error);

/* The type of a value as far as it shows: an array's element from its first. */
Type type_of_value(const Value *value);

#endif
