/* What must hold of a node before it may be evaluated: a damaged one could lead the evaluator to
 * read a number as a text. */
#include "types/expression_int.h"
#include "types/function.h"

enum { CALL_ARGUMENTS_MAX = 1664 }; /* as many as anything of PostgreSQL's may have */

static TypeKind child_kind(const Expression *node, uint32_t i)
{
    return (TypeKind)node->children[i]->type.kind;
}

static bool children_are(const Expression *node, uint32_t from, uint32_t step, TypeKind kind)
{
    for (uint32_t i = from; i < node->child_count; i += step) {
        if (child_kind(node, i) != kind)
            return false;
    }
    return true;
}

static bool children_compare(const Expression *node)
{
    for (uint32_t i = 1; i < node->child_count; i++) {
        if (!value_kinds_compare(child_kind(node, 0), child_kind(node, i)))
            return false;
    }
    return node->child_count >= 1;
}

static bool is_sound_call(const Expression *node)
{
    Type types[CALL_ARGUMENTS_MAX];
    if (node->function == NULL || node->child_count > CALL_ARGUMENTS_MAX)
        return false;
    for (uint32_t i = 0; i < node->child_count; i++)
        types[i] = node->children[i]->type;
    const FunctionImplementation *function =
        function_describe(slice_of_text(function_symbol(node->function)));
    return function_takes(function, types, node->child_count, node->type) &&
           (node->is_strict || !function->is_strict);
}

/* when, then, …, else: conditions are BOOLEAN, the rest is of the node's kind. */
static bool is_sound_case(const Expression *node)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        bool is_when = i % 2 == 0 && i + 1 < node->child_count;
        if (child_kind(node, i) != (is_when ? TYPE_BOOLEAN : (TypeKind)node->type.kind))
            return false;
    }
    return node->child_count >= 2;
}

static bool is_sound_system(const Expression *node)
{
    static const uint8_t kinds[] = {[SYSTEM_SEQ] = TYPE_BIGINT,
                                    [SYSTEM_UPDATED] = TYPE_TIMESTAMPTZ,
                                    [SYSTEM_USER] = TYPE_TEXT,
                                    [SYSTEM_DELETED] = TYPE_BOOLEAN};
    return node->index <= SYSTEM_DELETED && node->type.kind == kinds[node->index];
}

static bool is_sound_constant(const Expression *node)
{
    const Value *value = &node->constant;
    if (node->child_count > 0 || value->is_null)
        return node->child_count == 0;
    if (value->kind != TYPE_ARRAY || node->type.kind != TYPE_ARRAY)
        return value->kind == node->type.kind;
    return value->as.array->count == 0 || value->as.array->elements[0].kind == node->type.element;
}

bool expression_is_sound(const Expression *node)
{
    bool is_boolean = node->type.kind == TYPE_BOOLEAN;
    switch (node->kind) {
    case EXPRESSION_CONSTANT:
        return is_sound_constant(node);
    case EXPRESSION_PARAMETER:
    case EXPRESSION_COLUMN:
    case EXPRESSION_EXCLUDED:
        return node->child_count == 0;
    case EXPRESSION_SYSTEM:
        return node->child_count == 0 && is_sound_system(node);
    case EXPRESSION_CALL:
        return is_sound_call(node);
    case EXPRESSION_CAST:
        return node->child_count == 1 && node->index <= CAST_EXPLICIT;
    case EXPRESSION_AND:
    case EXPRESSION_OR:
        return is_boolean && children_are(node, 0, 1, TYPE_BOOLEAN);
    case EXPRESSION_NOT:
    case EXPRESSION_IS_TRUE:
        return is_boolean && node->child_count == 1 && node->index <= 2 &&
               children_are(node, 0, 1, TYPE_BOOLEAN);
    case EXPRESSION_IS_NULL:
        return is_boolean && node->child_count == 1;
    case EXPRESSION_IS_DISTINCT:
    case EXPRESSION_COMPARE:
        return is_boolean && node->child_count == 2 && node->index <= COMPARE_GREATER_OR_EQUAL &&
               children_compare(node);
    case EXPRESSION_IN:
        return is_boolean && children_compare(node);
    case EXPRESSION_CASE:
        return is_sound_case(node);
    case EXPRESSION_COALESCE:
        return children_are(node, 0, 1, (TypeKind)node->type.kind);
    case EXPRESSION_ARRAY:
        return node->type.kind == TYPE_ARRAY &&
               children_are(node, 0, 1, (TypeKind)node->type.element);
    }
    return false;
}
