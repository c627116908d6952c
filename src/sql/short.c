#include "sql/short.h"

#include "sql/function_writer.h"
#include "sql/lower.h"

enum {
    SHORT_POINTS_MAX = 1000,
    SHORT_KEY_COLUMNS_MAX = 32,
};

/* What the WHERE says about one key column. */
typedef struct KeyTerm {
    const Bound *equal;
    const Bound *in; /* column IN (…) */
    const Bound *lower;
    const Bound *upper;
    bool lower_inclusive;
    bool upper_inclusive;
} KeyTerm;

typedef struct ShortSearch {
    Binder *binder;
    const Relation *relation;
    const Schema *schema;
    KeyTerm terms[SHORT_KEY_COLUMNS_MAX]; /* by place in the key */
    uint32_t key_count;
    ShortRead *out;
} ShortSearch;

/* ---- conjuncts ---- */

static bool is_number_family(uint8_t a, uint8_t b)
{
    bool integers = type_is_integer(TYPE_OF_KIND(a)) && type_is_integer(TYPE_OF_KIND(b));
    bool floats = (a == TYPE_REAL || a == TYPE_DOUBLE) && (b == TYPE_REAL || b == TYPE_DOUBLE);
    bool texts = type_is_text(TYPE_OF_KIND(a)) && type_is_text(TYPE_OF_KIND(b));
    return integers || floats || texts;
}

/* Can the value stand in a key of the column's type, unchanged? */
static bool fits_key(Type column, const Bound *value)
{
    if (bound_reads_columns(value) || bound_has_subquery(value) || bound_is_volatile(value))
        return false;
    if (column.kind == TYPE_DECIMAL)
        return value->kind == BOUND_CONSTANT && value->type.kind == TYPE_DECIMAL &&
               value->scale != SCALE_VARIES && value->scale <= column.b;
    return column.kind == value->type.kind || is_number_family(column.kind, value->type.kind);
}

/* The key column that the expression is, or -1. */
static int32_t key_place(const ShortSearch *search, const Bound *bound)
{
    if (bound->kind != BOUND_COLUMN || bound->as.relation != search->relation)
        return -1;
    for (uint32_t k = 0; k < search->key_count; k++) {
        if (search->schema->key_columns[k] == bound->index)
            return (int32_t)k;
    }
    return -1;
}

static void note_bound(KeyTerm *term, CompareOperator operation, const Bound *value)
{
    bool inclusive = operation == COMPARE_LESS_OR_EQUAL || operation == COMPARE_GREATER_OR_EQUAL;
    if (operation == COMPARE_EQUAL) {
        term->equal = value;
    } else if (operation == COMPARE_LESS || operation == COMPARE_LESS_OR_EQUAL) {
        term->upper = value;
        term->upper_inclusive = inclusive;
    } else if (operation == COMPARE_GREATER || operation == COMPARE_GREATER_OR_EQUAL) {
        term->lower = value;
        term->lower_inclusive = inclusive;
    }
}

static CompareOperator turned(CompareOperator operation)
{
    static const CompareOperator TURNED[] = {
        COMPARE_EQUAL, COMPARE_NOT_EQUAL,     COMPARE_GREATER, COMPARE_GREATER_OR_EQUAL,
        COMPARE_LESS,  COMPARE_LESS_OR_EQUAL,
    };
    return TURNED[operation];
}

static void note_comparison(ShortSearch *search, const Bound *bound)
{
    const Bound *left = bound->children[0];
    const Bound *right = bound->children[1];
    CompareOperator operation = (CompareOperator)bound->index;
    int32_t place = key_place(search, left);
    if (place < 0) {
        place = key_place(search, right);
        const Bound *swap = left;
        left = right;
        right = swap;
        operation = turned(operation);
    }
    if (place >= 0 && fits_key(left->type, right))
        note_bound(&search->terms[place], operation, right);
}

static void note_in(ShortSearch *search, const Bound *bound)
{
    int32_t place = key_place(search, bound->children[0]);
    if (place < 0 || bound->negated || bound->child_count - 1 > SHORT_POINTS_MAX)
        return;
    for (uint32_t i = 1; i < bound->child_count; i++) {
        if (!fits_key(bound->children[0]->type, bound->children[i]))
            return;
    }
    search->terms[place].in = bound;
}

static void note_conjunct(ShortSearch *search, const Bound *bound)
{
    if (bound->kind == BOUND_AND) {
        for (uint32_t i = 0; i < bound->child_count; i++) {
            if (bound->children[i]->kind != BOUND_AND)
                note_conjunct(search, bound->children[i]);
        }
    } else if (bound->kind == BOUND_COMPARE) {
        note_comparison(search, bound);
    } else if (bound->kind == BOUND_IN) {
        note_in(search, bound);
    }
}

/* ---- making the read ---- */

/* *complete is false where the expression is not row-local. */
static Status lower_one(const ShortSearch *search, const Bound *bound, const Expression **out,
                        bool *complete, Error *error)
{
    *out = NULL;
    if (bound == NULL)
        return OK;
    TRY(lower_expression(search->binder->kept, bound, search->relation, out, NULL, error));
    *complete = *complete && *out != NULL;
    return OK;
}

/* DECIMAL keys are encoded at the column's scale. */
static Status lower_key(const ShortSearch *search, uint32_t place, const Bound *value,
                        const Expression **out, bool *complete, Error *error)
{
    const Column *column = &search->schema->columns[search->schema->key_columns[place]];
    Bound *cast = (Bound *)(uintptr_t)value;
    if (column->type.kind == TYPE_DECIMAL)
        TRY(coerce_explicit(search->binder, cast, column->type, value->position_byte, &cast,
                            error));
    return lower_one(search, cast, out, complete, error);
}

static Status set_prefix(ShortSearch *search, bool *complete, Error *error)
{
    ShortRead *read = search->out;
    read->key_values = ARENA_ARRAY(search->binder->kept, const Expression *, search->key_count);
    if (read->key_values == NULL)
        return arena_error(search->binder->kept, error);
    while (read->key_value_count < search->key_count &&
           search->terms[read->key_value_count].equal != NULL) {
        uint32_t place = read->key_value_count;
        TRY(lower_key(search, place, search->terms[place].equal, &read->key_values[place], complete,
                      error));
        read->key_value_count++;
    }
    return OK;
}

static Status set_range(ShortSearch *search, bool *complete, Error *error)
{
    ShortRead *read = search->out;
    if (read->key_value_count == search->key_count)
        return OK;
    const KeyTerm *term = &search->terms[read->key_value_count];
    if (term->lower != NULL)
        TRY(lower_key(search, read->key_value_count, term->lower, &read->lower, complete, error));
    if (term->upper != NULL)
        TRY(lower_key(search, read->key_value_count, term->upper, &read->upper, complete, error));
    read->lower_inclusive = term->lower_inclusive;
    read->upper_inclusive = term->upper_inclusive;
    return OK;
}

/* Every key column fixed but one, and that one among several values: so many points. */
static int32_t place_of_in(const ShortSearch *search)
{
    int32_t found = -1;
    for (uint32_t k = 0; k < search->key_count; k++) {
        const KeyTerm *term = &search->terms[k];
        if (term->equal != NULL)
            continue;
        if (term->in == NULL || found >= 0)
            return -1;
        found = (int32_t)k;
    }
    return found;
}

static Status set_points(ShortSearch *search, bool *complete, Error *error)
{
    ShortRead *read = search->out;
    int32_t in_place = place_of_in(search);
    if (in_place < 0)
        return OK;
    const Bound *in = search->terms[in_place].in;
    uint32_t count = in->child_count - 1;
    read->points = ARENA_ARRAY(search->binder->kept, const Expression **, count);
    if (read->points == NULL)
        return arena_error(search->binder->kept, error);
    for (uint32_t i = 0; i < count; i++) {
        read->points[i] = ARENA_ARRAY(search->binder->kept, const Expression *, search->key_count);
        if (read->points[i] == NULL)
            return arena_error(search->binder->kept, error);
        for (uint32_t k = 0; k < search->key_count; k++) {
            const Bound *value =
                (int32_t)k == in_place ? in->children[i + 1] : search->terms[k].equal;
            TRY(lower_key(search, k, value, &read->points[i][k], complete, error));
        }
    }
    read->point_count = count;
    return OK;
}

static Status search_keys(ShortSearch *search, const Bound *where, bool *complete, Error *error)
{
    search->schema = search->relation->schema;
    search->key_count = search->schema->key_count;
    if (search->key_count > SHORT_KEY_COLUMNS_MAX) {
        *complete = false;
        return OK;
    }
    if (where != NULL)
        note_conjunct(search, where);
    TRY(set_prefix(search, complete, error));
    TRY(set_range(search, complete, error));
    return set_points(search, complete, error);
}

/* ---- order ---- */

/* Does the key's order, forwards or backwards, answer ORDER BY? */
static bool key_answers_order(const ShortSearch *search, const BoundQuery *query, bool *backward)
{
    uint32_t place = search->out->key_value_count;
    bool is_first = true;
    if (place == search->key_count)
        return true; /* one row at most */
    for (uint32_t i = 0; i < query->order_count && place < search->key_count; i++) {
        const BoundOrder *order = &query->order[i];
        const Bound *value = query->targets[order->target].value;
        int32_t at = key_place(search, value);
        if (value->kind == BOUND_CONSTANT ||
            (at >= 0 && search->terms[at].equal != NULL && (uint32_t)at < place))
            continue; /* the same in all rows */
        if (at != (int32_t)place || (!is_first && order->descending != *backward))
            return false;
        *backward = order->descending;
        is_first = false;
        place++;
    }
    return true;
}

/* ---- SELECT ---- */

static bool is_simple(const BoundQuery *query)
{
    bool one_table = query->from_count == 1 && query->from[0]->relation != NULL &&
                     query->from[0]->relation->kind == RELATION_TABLE;
    return query->kind == QUERY_SELECT && query->common_count == 0 && !query->is_grouped &&
           !query->has_windows && !query->has_sets && query->distinct == DISTINCT_NONE &&
           !query->with_ties && (query->from_count == 0 || one_table);
}

static Status lower_projections(ShortSearch *search, const BoundQuery *query, bool *complete,
                                Error *error)
{
    ShortRead *read = search->out;
    read->projections = ARENA_ARRAY(search->binder->kept, const Expression *, query->visible_count);
    if (read->projections == NULL)
        return arena_error(search->binder->kept, error);
    for (uint32_t i = 0; i < query->visible_count && *complete; i++)
        TRY(lower_one(search, query->targets[i].value, &read->projections[i], complete, error));
    return OK;
}

/* Few rows for sure: by key, by a range of it, or the first so many. */
static bool is_narrow(const ShortRead *read, const BoundQuery *query)
{
    bool by_key = read->key_value_count > 0 || read->lower != NULL || read->upper != NULL ||
                  read->point_count > 0;
    bool first_rows = query->limit != NULL && query->where == NULL;
    return by_key || first_rows;
}

static Status search_table(ShortSearch *search, const BoundQuery *query, bool *complete,
                           Error *error)
{
    ShortRead *read = search->out;
    const BoundReference *reference = &search->binder->references[search->relation->reference];
    read->has_table = true;
    read->reference = search->relation->reference;
    if (reference->all_users) {
        *complete = false; /* rows of several owners lie apart */
        return OK;
    }
    if (reference->system != NULL) {
        *complete = query->order_count == 0; /* its rows come in any order, all of them */
        return OK;
    }
    TRY(search_keys(search, query->where, complete, error));
    *complete =
        *complete && key_answers_order(search, query, &read->backward) && is_narrow(read, query);
    read->order_matters = query->order_count > 0;
    return OK;
}

Status short_read_find(Binder *binder, const BoundQuery *query, ShortRead **out, Error *error)
{
    *out = NULL;
    if (!is_simple(query))
        return OK;
    ShortSearch *search = ARENA_NEW(binder->arena, ShortSearch);
    ShortRead *read = ARENA_NEW(binder->kept, ShortRead);
    if (search == NULL || read == NULL)
        return arena_error(binder->kept, error);
    bool complete = true;
    search->binder = binder;
    search->out = read;
    search->relation = query->from_count == 0 ? NULL : query->from[0]->relation;
    if (search->relation != NULL)
        TRY(search_table(search, query, &complete, error));
    if (complete)
        TRY(lower_one(search, query->where, &read->filter, &complete, error));
    if (complete)
        TRY(lower_projections(search, query, &complete, error));
    if (complete)
        TRY(lower_one(search, query->limit, &read->limit, &complete, error));
    if (complete)
        TRY(lower_one(search, query->offset, &read->offset, &complete, error));
    *out = complete ? read : NULL;
    return OK;
}

Status short_read_of_change(Binder *binder, const Relation *relation, const Bound *where,
                            ShortRead **out, Error *error)
{
    *out = NULL;
    ShortSearch *search = ARENA_NEW(binder->arena, ShortSearch);
    ShortRead *read = ARENA_NEW(binder->kept, ShortRead);
    if (search == NULL || read == NULL)
        return arena_error(binder->kept, error);
    bool complete = true;
    search->binder = binder;
    search->out = read;
    search->relation = relation;
    read->has_table = true;
    read->reference = relation->reference;
    TRY(search_keys(search, where, &complete, error));
    if (complete)
        TRY(lower_one(search, where, &read->filter, &complete, error));
    bool by_key = read->key_value_count > 0 || read->lower != NULL || read->upper != NULL ||
                  read->point_count > 0;
    *out = complete && by_key ? read : NULL;
    return OK;
}

/* count(*), or count(1) */
static bool counts_every_row(const Bound *count)
{
    if (count->child_count == 0)
        return true;
    const Bound *argument = count->children[0];
    return argument->kind == BOUND_CONSTANT && !argument->as.constant.is_null &&
           !count->aggregate->distinct;
}

bool query_counts_table(const BoundQuery *query)
{
    bool shape = query->kind == QUERY_SELECT && query->common_count == 0 && query->where == NULL &&
                 query->having == NULL && query->keys.count == 0 && query->sets.count == 0 &&
                 query->aggregates.count == 1 && query->target_count == 1 && query->limit == NULL &&
                 query->offset == NULL && query->distinct == DISTINCT_NONE &&
                 query->from_count == 1 && query->from[0]->relation != NULL &&
                 query->from[0]->relation->kind == RELATION_TABLE;
    if (!shape)
        return false;
    const Bound *count = query->aggregates.items[0];
    return query->targets[0].value->kind == BOUND_RESULT && count->kind == BOUND_AGGREGATE &&
           count->as.function->writer == WRITE_COUNT && counts_every_row(count) &&
           count->aggregate->filter == NULL;
}
