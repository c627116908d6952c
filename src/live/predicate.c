/* Of a filter's conjuncts, all of which hold for a row that matches, the one is taken that names
 * the fewest rows: values of a column first, then ranges with two ends, prefixes, ranges with one.
 * What is not understood is no key; that is never wrong, only slower. */
#include "live/predicate_int.h"

#include "base/assert.h"
#include "base/memory.h"
#include "types/function.h"

/* ---- what an expression reads ---- */

static Status reads_of(const Expression *node, uint32_t depth, ExpressionReads *reads, Error *error)
{
    if (depth > EXPRESSION_DEPTH_MAX)
        return error_of(error, STATUS_STATEMENT_TOO_COMPLEX);
    if (node->kind == EXPRESSION_COLUMN) {
        reads->any_column = true;
        if (reads->columns != NULL && node->index >= reads->column_count)
            return error_set(error, STATUS_INTERNAL, "a filter's column is not in its table");
        if (reads->columns != NULL)
            reads->columns[node->index] = true;
    }
    if (node->kind == EXPRESSION_SYSTEM) {
        reads->any_column = true;
        reads->owner_name = reads->owner_name || node->index == SYSTEM_USER;
        reads->moment = reads->moment || node->index == SYSTEM_SEQ || node->index == SYSTEM_UPDATED;
    }
    reads->excluded = reads->excluded || node->kind == EXPRESSION_EXCLUDED;
    reads->is_volatile = reads->is_volatile || node->is_volatile;
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(reads_of(node->children[i], depth + 1, reads, error));
    return OK;
}

Status expression_reads(const Expression *expression, ExpressionReads *reads, Error *error)
{
    return reads_of(expression, 0, reads, error);
}

/* ---- constants and columns ---- */

typedef struct Search {
    const Schema *schema;
    Arena *arena;
    EvaluationContext *context;
    /* The best so far. */
    LiveKey *keys;
    size_t key_count;
    int rank;
    LiveFilterKind kind;
    /* Ranges, merged by column. */
    LiveKey *ranges;
    size_t range_count;
} Search;

enum { RANK_NONE, RANK_ONE_END, RANK_PREFIX, RANK_TWO_ENDS, RANK_EQUAL };

/* The value of an expression that reads no row; false where it does, or cannot be computed. */
static bool constant_of(Search *search, const Expression *node, Value *out)
{
    ExpressionReads reads = {0};
    Error ignored;
    if (expression_reads(node, &reads, &ignored) != OK)
        return false;
    if (reads.any_column || reads.is_volatile || reads.excluded)
        return false;
    if (expression_evaluate(node, search->context, out, &ignored) != OK)
        return false;
    /* A result may point into what an evaluation has in static or scratch memory. */
    return value_clone(search->arena, out, out, &ignored) == OK;
}

/* A cast after which values are equal and ordered as they were. */
static bool cast_keeps_order(Type from, Type to)
{
    if (type_is_integer(from) && type_is_integer(to))
        return from.kind <= to.kind;
    if (from.kind == TYPE_VARCHAR)
        return to.kind == TYPE_TEXT || (to.kind == TYPE_VARCHAR && to.a == 0);
    return from.kind == TYPE_REAL && to.kind == TYPE_DOUBLE;
}

static bool column_of(const Search *search, const Expression *node, uint32_t *column, Type *type)
{
    if (node->kind == EXPRESSION_CAST && cast_keeps_order(node->children[0]->type, node->type))
        node = node->children[0];
    if (node->kind == EXPRESSION_SYSTEM && node->index == SYSTEM_USER) {
        *column = LIVE_COLUMN_USER;
        *type = TYPE(TEXT);
        return true;
    }
    if (node->kind != EXPRESSION_COLUMN || node->index >= search->schema->column_count)
        return false;
    *column = node->index;
    *type = search->schema->columns[node->index].type;
    return true;
}

/* ---- values of a column ---- */

static LiveKey key_of_value(Type type, uint32_t column, const Value *value)
{
    LiveKey key = {.column = column, .value = *value};
    if (!value_is_hashable(type, value)) {
        key.is_range = true;
        key.low = (LiveBound){.value = *value, .is_inclusive = true};
        key.high = key.low;
    }
    return key;
}

typedef struct KeyList {
    LiveKey keys[LIVE_KEYS_MAX];
    size_t count;
} KeyList;

/* NULL equals nothing: it adds no key. */
static bool add_equal(Search *search, const Expression *column_node, const Expression *value_node,
                      KeyList *list)
{
    uint32_t column;
    Type type;
    Value value;
    if (!column_of(search, column_node, &column, &type) || !constant_of(search, value_node, &value))
        return false;
    if (value.is_null)
        return true;
    if (!value_is_indexable(type, &value) || list->count == LIVE_KEYS_MAX)
        return false;
    list->keys[list->count++] = key_of_value(type, column, &value);
    return true;
}

static bool add_in(Search *search, const Expression *node, KeyList *list)
{
    for (uint32_t i = 1; i < node->child_count; i++) {
        if (!add_equal(search, node->children[0], node->children[i], list))
            return false;
    }
    return true;
}

/* All values that a row may have where this holds. OR: those of each branch. */
static bool add_values(Search *search, const Expression *node, uint32_t depth, KeyList *list)
{
    enum { OR_DEPTH_MAX = 8 };
    if (node->kind == EXPRESSION_COMPARE && node->index == COMPARE_EQUAL)
        return add_equal(search, node->children[0], node->children[1], list) ||
               add_equal(search, node->children[1], node->children[0], list);
    if (node->kind == EXPRESSION_IN && !node->negated)
        return add_in(search, node, list);
    if (node->kind != EXPRESSION_OR || depth == OR_DEPTH_MAX)
        return false;
    for (uint32_t i = 0; i < node->child_count; i++) {
        if (!add_values(search, node->children[i], depth + 1, list))
            return false;
    }
    return true;
}

static Status keep_best(Search *search, const LiveKey *keys, size_t count, int rank,
                        LiveFilterKind kind, Error *error)
{
    bool better = rank > search->rank || (rank == search->rank && count < search->key_count);
    if (!better || count == 0)
        return OK;
    LiveKey *kept = ARENA_ARRAY(search->arena, LiveKey, count);
    if (kept == NULL)
        return arena_error(search->arena, error);
    memcpy(kept, keys, count * sizeof *keys);
    search->keys = kept;
    search->key_count = count;
    search->rank = rank;
    search->kind = kind;
    return OK;
}

/* ---- ranges ---- */

static LiveKey *range_of_column(Search *search, uint32_t column)
{
    for (size_t i = 0; i < search->range_count; i++) {
        if (search->ranges[i].column == column)
            return &search->ranges[i];
    }
    LiveKey *range = &search->ranges[search->range_count++];
    *range = (LiveKey){.column = column, .is_range = true};
    range->low.is_endless = true;
    range->high.is_endless = true;
    return range;
}

/* Both must hold; either alone would be right, the narrower one is better. */
static void narrow_low(LiveBound *low, const Value *value, bool inclusive)
{
    if (low->is_endless || value_compare(value, &low->value) > 0)
        *low = (LiveBound){.value = *value, .is_inclusive = inclusive};
}

static void narrow_high(LiveBound *high, const Value *value, bool inclusive)
{
    if (high->is_endless || value_compare(value, &high->value) < 0)
        *high = (LiveBound){.value = *value, .is_inclusive = inclusive};
}

static void add_bound(Search *search, uint32_t column, CompareOperator comparison,
                      const Value *value)
{
    LiveKey *range = range_of_column(search, column);
    bool inclusive = comparison == COMPARE_LESS_OR_EQUAL || comparison == COMPARE_GREATER_OR_EQUAL;
    if (comparison == COMPARE_LESS || comparison == COMPARE_LESS_OR_EQUAL)
        narrow_high(&range->high, value, inclusive);
    else
        narrow_low(&range->low, value, inclusive);
}

static CompareOperator turned(CompareOperator comparison)
{
    switch (comparison) {
    case COMPARE_LESS:
        return COMPARE_GREATER;
    case COMPARE_LESS_OR_EQUAL:
        return COMPARE_GREATER_OR_EQUAL;
    case COMPARE_GREATER:
        return COMPARE_LESS;
    case COMPARE_GREATER_OR_EQUAL:
        return COMPARE_LESS_OR_EQUAL;
    case COMPARE_EQUAL:
    case COMPARE_NOT_EQUAL:
        return comparison;
    }
    UNREACHABLE();
}

static void look_for_range(Search *search, const Expression *node)
{
    if (node->kind != EXPRESSION_COMPARE || node->index < COMPARE_LESS)
        return;
    for (uint32_t side = 0; side < 2; side++) {
        CompareOperator comparison = (CompareOperator)node->index;
        uint32_t column;
        Type type;
        Value value;
        if (!column_of(search, node->children[side], &column, &type) ||
            !constant_of(search, node->children[1 - side], &value))
            continue;
        if (value_is_indexable(type, &value))
            add_bound(search, column, side == 0 ? comparison : turned(comparison), &value);
        return;
    }
}

static Status keep_best_range(Search *search, Error *error)
{
    for (size_t i = 0; i < search->range_count; i++) {
        const LiveKey *range = &search->ranges[i];
        bool two_ends = !range->low.is_endless && !range->high.is_endless;
        TRY(keep_best(search, range, 1, two_ends ? RANK_TWO_ENDS : RANK_ONE_END, LIVE_FILTER_RANGE,
                      error));
    }
    return OK;
}

/* ---- prefixes ---- */

/* What every text that is LIKE the pattern begins with. */
static bool prefix_of_pattern(Slice pattern, Buffer *out)
{
    for (size_t i = 0; i < pattern.size; i++) {
        uint8_t byte = pattern.data[i];
        if (byte == '%' || byte == '_')
            break;
        if (byte == '\\' && ++i == pattern.size)
            return false;
        buffer_put_u8(out, pattern.data[i]);
    }
    return out->size > 0;
}

static Status key_of_prefix(Search *search, uint32_t column, Buffer *prefix, Error *error)
{
    LiveKey key = {.column = column, .is_range = true};
    Slice low;
    Slice high;
    TRY(buffer_status(prefix, error));
    TRY(arena_clone(search->arena, buffer_slice(prefix), &low, error));
    key.low = (LiveBound){.value = value_text(low), .is_inclusive = true};
    key.high.is_endless = !key_after_prefix(prefix);
    if (!key.high.is_endless) {
        TRY(arena_clone(search->arena, buffer_slice(prefix), &high, error));
        key.high.value = value_text(high);
    }
    return keep_best(search, &key, 1, RANK_PREFIX, LIVE_FILTER_PREFIX, error);
}

static Status look_for_prefix(Search *search, const Expression *node, Error *error)
{
    uint32_t column;
    Type type;
    Value value;
    if (node->kind != EXPRESSION_CALL || node->child_count != 2)
        return OK;
    bool is_like = node->function == function_find(SLICE("text_like"));
    bool is_start = node->function == function_find(SLICE("text_starts_with"));
    if ((!is_like && !is_start) || !column_of(search, node->children[0], &column, &type) ||
        !constant_of(search, node->children[1], &value) || !is_open_text(type.kind) ||
        !value_is_indexable(type, &value))
        return OK; /* CHAR is ordered without its trailing blanks, LIKE sees them */
    Buffer prefix;
    buffer_open(&prefix, 0);
    bool has = true;
    if (is_like)
        has = prefix_of_pattern(value.as.bytes, &prefix);
    else
        buffer_put_slice(&prefix, value.as.bytes);
    Status status = OK;
    if (has && prefix.size > 0)
        status = key_of_prefix(search, column, &prefix, error);
    buffer_close(&prefix);
    return status;
}

/* ---- conjuncts ---- */

static Status look_at_conjunct(Search *search, const Expression *node, KeyList *list, Error *error)
{
    list->count = 0;
    if (add_values(search, node, 0, list))
        return keep_best(search, list->keys, list->count, RANK_EQUAL, LIVE_FILTER_EQUAL, error);
    look_for_range(search, node);
    return look_for_prefix(search, node, error);
}

/* The binder keeps chains of AND flat; one nested in another is taken as a conjunct that says
 * nothing. */
static Status look_at(Search *search, const Expression *filter, KeyList *list, Error *error)
{
    bool is_and = filter->kind == EXPRESSION_AND;
    uint32_t count = is_and ? filter->child_count : 1;
    search->ranges = ARENA_ARRAY(search->arena, LiveKey, count);
    if (search->ranges == NULL)
        return arena_error(search->arena, error);
    for (uint32_t i = 0; i < count; i++)
        TRY(look_at_conjunct(search, is_and ? filter->children[i] : filter, list, error));
    return keep_best_range(search, error);
}

Status predicate_of(const Expression *filter, const Schema *schema, Arena *arena,
                    EvaluationContext *context, LivePredicate *out, Error *error)
{
    static const LiveKey any_row = {.column = LIVE_ANY_ROW};
    Search search = {.schema = schema, .arena = arena, .context = context};
    search.kind = filter == NULL ? LIVE_FILTER_NONE : LIVE_FILTER_EVAL;
    if (filter != NULL) {
        KeyList *list = MEMORY_NEW(KeyList);
        if (list == NULL)
            return error_out_of_memory(error);
        Status status = look_at(&search, filter, list, error);
        memory_free(list);
        TRY(status);
    }
    if (search.rank == RANK_NONE)
        TRY(keep_best(&search, &any_row, 1, RANK_ONE_END, search.kind, error));
    *out = (LivePredicate){search.kind, search.keys, search.key_count};
    return OK;
}
