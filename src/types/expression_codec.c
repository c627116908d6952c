/* Copies of expressions, and their binary form. One node:
 *     kind           u8, ExpressionKind
 *     flags          u8: 1 negated, 2 strict, 4 volatile
 *     type           u8 kind, u8 element, i32 a, i32 b
 *     position_byte  i32
 *     index          u32
 *     CALL:          symbol and name, each varint size, bytes
 *     CONSTANT:      value (value_binary.c)
 *     children       varint count, nodes
 * Integers are little-endian. */
#include "base/assert.h"
#include "types/expression_int.h"
#include "types/function.h"

enum {
    NODE_NEGATED = 1,
    NODE_STRICT = 2,
    NODE_VOLATILE = 4,
    NODE_FLAGS = 7,
    NODE_BYTES_MIN = 21, /* of a node without children: bounds a damaged count */
};

/* ---- copies ---- */

typedef struct Cloner {
    Arena *arena;
    const Value *parameters;
    uint32_t parameter_count;
    uint32_t depth;
    Error *error;
} Cloner;

static Status replace_parameter(Cloner *cloner, Expression *node)
{
    if (cloner->parameters == NULL)
        return OK;
    if (node->index >= cloner->parameter_count)
        return error_set_at(cloner->error, node->position_byte, STATUS_UNDEFINED_PARAMETER,
                            "there is no parameter $%u", node->index + 1);
    node->kind = EXPRESSION_CONSTANT;
    TRY(value_clone(cloner->arena, &cloner->parameters[node->index], &node->constant,
                    cloner->error));
    node->constant.kind = node->type.kind;
    return OK;
}

static Status clone_node(Cloner *cloner, const Expression *node, Expression **out);

static Status clone_children(Cloner *cloner, const Expression *node, Expression *copy)
{
    copy->children = ARENA_ARRAY(cloner->arena, Expression *, node->child_count);
    if (copy->children == NULL)
        return arena_error(cloner->arena, cloner->error);
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(clone_node(cloner, node->children[i], &copy->children[i]));
    return OK;
}

static Status clone_parts(Cloner *cloner, const Expression *node, Expression *copy)
{
    if (node->kind == EXPRESSION_CONSTANT)
        TRY(value_clone(cloner->arena, &node->constant, &copy->constant, cloner->error));
    if (node->kind == EXPRESSION_PARAMETER)
        TRY(replace_parameter(cloner, copy));
    if (node->name != NULL) {
        copy->name = arena_text(cloner->arena, slice_of_text(node->name));
        if (copy->name == NULL)
            return arena_error(cloner->arena, cloner->error);
    }
    return node->child_count == 0 ? OK : clone_children(cloner, node, copy);
}

static Status clone_node(Cloner *cloner, const Expression *node, Expression **out)
{
    if (cloner->depth >= EXPRESSION_DEPTH_MAX)
        return expression_too_deep(cloner->error);
    Expression *copy = ARENA_NEW(cloner->arena, Expression);
    if (copy == NULL)
        return arena_error(cloner->arena, cloner->error);
    *copy = *node;
    cloner->depth++;
    Status status = clone_parts(cloner, node, copy);
    cloner->depth--;
    if (status == OK)
        *out = copy;
    return status;
}

Status expression_clone(Arena *arena, const Expression *expression, const Value *parameters,
                        uint32_t parameter_count, Expression **out, Error *error)
{
    Cloner cloner = {arena, parameters, parameter_count, 0, error};
    return clone_node(&cloner, expression, out);
}

/* ---- binary form ---- */

static void put_type(Buffer *out, Type type)
{
    buffer_put_u8(out, type.kind);
    buffer_put_u8(out, type.element);
    buffer_put_u32(out, (uint32_t)type.a);
    buffer_put_u32(out, (uint32_t)type.b);
}

void expression_encode(Buffer *out, const Expression *node)
{
    unsigned flags = (node->negated ? NODE_NEGATED : 0) | (node->is_strict ? NODE_STRICT : 0) |
                     (node->is_volatile ? NODE_VOLATILE : 0);
    buffer_put_u8(out, (uint8_t)node->kind);
    buffer_put_u8(out, (uint8_t)flags);
    put_type(out, node->type);
    buffer_put_u32(out, (uint32_t)node->position_byte);
    buffer_put_u32(out, node->index);
    if (node->kind == EXPRESSION_CALL) {
        buffer_put_sized(out, slice_of_text(function_symbol(node->function)));
        buffer_put_sized(out, node->name == NULL ? SLICE_EMPTY : slice_of_text(node->name));
    }
    if (node->kind == EXPRESSION_CONSTANT)
        value_encode(out, &node->constant);
    buffer_put_varint(out, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++)
        expression_encode(out, node->children[i]);
}

typedef struct Decoder {
    Arena *arena;
    Cursor *cursor;
    uint32_t depth;
    Error *error;
} Decoder;

static Status damaged(Decoder *decoder)
{
    return error_set(decoder->error, STATUS_DATA_CORRUPTED, "malformed expression");
}

static Status decode_node(Decoder *decoder, Expression **out);

static Status decode_call(Decoder *decoder, Expression *node)
{
    Slice symbol = cursor_sized(decoder->cursor);
    Slice name = cursor_sized(decoder->cursor);
    node->function = function_find(symbol);
    if (decoder->cursor->failed || node->function == NULL)
        return damaged(decoder);
    node->name = arena_text(decoder->arena, name);
    return node->name == NULL ? arena_error(decoder->arena, decoder->error) : OK;
}

static Status decode_children(Decoder *decoder, Expression *node)
{
    uint64_t count = cursor_varint(decoder->cursor);
    if (decoder->cursor->failed || count > cursor_rest(decoder->cursor) / NODE_BYTES_MIN)
        return damaged(decoder);
    node->child_count = (uint32_t)count;
    node->children = ARENA_ARRAY(decoder->arena, Expression *, (size_t)count);
    if (node->children == NULL)
        return arena_error(decoder->arena, decoder->error);
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(decode_node(decoder, &node->children[i]));
    return OK;
}

static Status decode_parts(Decoder *decoder, Expression *node)
{
    Cursor *cursor = decoder->cursor;
    uint8_t kind = cursor_u8(cursor);
    uint8_t flags = cursor_u8(cursor);
    node->type.kind = cursor_u8(cursor);
    node->type.element = cursor_u8(cursor);
    node->type.a = (int32_t)cursor_u32(cursor);
    node->type.b = (int32_t)cursor_u32(cursor);
    node->position_byte = (int32_t)cursor_u32(cursor);
    node->index = cursor_u32(cursor);
    if (cursor->failed || kind > EXPRESSION_ARRAY || flags > NODE_FLAGS ||
        !type_is_valid(node->type))
        return damaged(decoder);
    node->kind = (ExpressionKind)kind;
    node->negated = flags & NODE_NEGATED;
    node->is_strict = flags & NODE_STRICT;
    node->is_volatile = flags & NODE_VOLATILE;
    if (node->kind == EXPRESSION_CALL)
        TRY(decode_call(decoder, node));
    if (node->kind == EXPRESSION_CONSTANT)
        TRY(value_decode(decoder->arena, cursor, &node->constant, decoder->error));
    return decode_children(decoder, node);
}

static Status decode_node(Decoder *decoder, Expression **out)
{
    if (decoder->depth >= EXPRESSION_DEPTH_MAX)
        return expression_too_deep(decoder->error);
    Expression *node = ARENA_NEW(decoder->arena, Expression);
    if (node == NULL)
        return arena_error(decoder->arena, decoder->error);
    decoder->depth++;
    Status status = decode_parts(decoder, node);
    decoder->depth--;
    TRY(status);
    if (!expression_is_sound(node))
        return damaged(decoder);
    *out = node;
    return OK;
}

Status expression_decode(Arena *arena, Cursor *cursor, Expression **out, Error *error)
{
    Decoder decoder = {arena, cursor, 0, error};
    return decode_node(&decoder, out);
}
