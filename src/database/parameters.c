/* Parameters of statements: from JSON or from an embedder's values to what the plan wants. */
#include "database/database_int.h"

const Type *declared_types(const Parameters *parameters, uint32_t *count)
{
    *count = 0;
    if (parameters->json != NULL || parameters->types == NULL)
        return NULL;
    *count = parameters->count;
    return parameters->types;
}

static Status check_size(size_t size, uint32_t number, const Configuration *configuration,
                         Error *error)
{
    if (size <= configuration->limits_param_bytes)
        return OK;
    return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                     "parameter $%u is too long: %zu bytes (maximum %llu bytes)", number, size,
                     (unsigned long long)configuration->limits_param_bytes);
}

static Status read_json(Arena *arena, const Plan *plan, const JsonValue *json,
                        const Configuration *configuration, Value *out, Error *error)
{
    for (uint32_t i = 0; i < json->count; i++) {
        Slice raw = json->children[i].raw;
        TRY(check_size(raw.size, i + 1, configuration, error));
        if (value_from_json(arena, plan->parameter_types[i], raw, &out[i], error) != OK)
            return error_prefix(error, "parameter $%u", i + 1);
    }
    return OK;
}

/* A value of the wanted type is taken as it is: nothing of it could be changed by a cast. */
static bool is_taken_as_is(const Value *value, Type to)
{
    if (value->kind != to.kind || to.a != 0 || to.b != 0)
        return false;
    return to.kind == TYPE_BOOLEAN || to.kind == TYPE_BIGINT || to.kind == TYPE_DOUBLE ||
           to.kind == TYPE_TEXT || to.kind == TYPE_BYTEA;
}

static Status read_values(Arena *arena, const Plan *plan, const Parameters *parameters,
                          const Configuration *configuration, Value *out, Error *error)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        const Value *value = &parameters->values[i];
        Type from = {.kind = value->kind};
        Type to = plan->parameter_types[i];
        TRY(check_size(value_heap_size(value), i + 1, configuration, error));
        if (parameters->types == NULL && is_taken_as_is(value, to)) {
            out[i] = *value;
            continue;
        }
        if (parameters->types != NULL)
            from = parameters->types[i];
        if (from.kind == TYPE_TEXT && to.kind != TYPE_TEXT)
            from.kind = TYPE_UNKNOWN; /* text reads as anything, as a client's parameter does */
        Value given = *value;
        given.kind = from.kind;
        if (value_cast(arena, &given, from, to, CAST_ASSIGNMENT, &out[i], error) != OK)
            return error_prefix(error, "parameter $%u", i + 1);
    }
    return OK;
}

Status read_parameters(Arena *arena, const Plan *plan, const Parameters *parameters,
                       const Configuration *configuration, Value **out, uint32_t *count,
                       Error *error)
{
    *count = parameters->json != NULL ? parameters->json->count : parameters->count;
    if (*count != plan->parameter_count)
        return error_set(error, STATUS_UNDEFINED_PARAMETER,
                         *count < plan->parameter_count
                             ? "the statement has %u parameters, %u were given"
                             : "the statement has only %u parameters, %u were given",
                         plan->parameter_count, *count);
    *out = ARENA_ARRAY(arena, Value, *count);
    if (*out == NULL)
        return arena_error(arena, error);
    return parameters->json != NULL
               ? read_json(arena, plan, parameters->json, configuration, *out, error)
               : read_values(arena, plan, parameters, configuration, *out, error);
}
