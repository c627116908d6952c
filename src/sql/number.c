/* Scales of numbers: how many digits stand behind the point, where that can be known. */
#include "sql/binder_int.h"

/* A number as the rules see it. */
typedef struct Digits {
    int16_t scale;
    uint8_t precision;
} Digits;

static const Digits VARIES = {SCALE_VARIES, DECIMAL_PRECISION_MAX};

static Digits digits_of(int whole, int scale)
{
    /* One digit before the point always: DuckDB prints DECIMAL(1,1) without its zero. */
    int precision = (whole < 1 ? 1 : whole) + scale;
    if (scale >= DECIMAL_PRECISION_MAX)
        return VARIES;
    if (precision > DECIMAL_PRECISION_MAX)
        precision = DECIMAL_PRECISION_MAX;
    return (Digits){(int16_t)scale, (uint8_t)precision};
}

static int whole_digits(const Bound *bound)
{
    return bound->precision - bound->scale;
}

static int count_digits(Int128 unscaled)
{
    unsigned __int128 rest =
        unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    int count = 0;
    for (; rest > 0; rest /= 10)
        count++;
    return count;
}

static Digits digits_of_constant(const Value *value)
{
    if (value->is_null)
        return digits_of(1, 0);
    return digits_of(count_digits(value->as.decimal) - value->scale, value->scale);
}

static Digits digits_of_cast(const Bound *cast)
{
    const Bound *child = cast->children[0];
    if (cast->type.a > 0)
        return digits_of(cast->type.a - cast->type.b, cast->type.b);
    switch (child->type.kind) {
    case TYPE_SMALLINT:
        return digits_of(5, 0);
    case TYPE_INTEGER:
        return digits_of(10, 0);
    case TYPE_BIGINT:
        return digits_of(19, 0);
    case TYPE_DECIMAL:
        return (Digits){child->scale, child->precision};
    default:
        return VARIES;
    }
}

/* The scale that all children share; NULLs fit any. */
static Digits digits_shared(Bound *const *children, uint32_t count, uint32_t first, uint32_t step)
{
    int scale = -2;
    int whole = 1;
    for (uint32_t i = 0; i < count; i++) {
        bool counts = i + 1 == count || (i >= first && (i - first) % step == 0);
        const Bound *child = children[i];
        if (!counts || bound_is_null_constant(child))
            continue;
        if (child->scale == SCALE_VARIES || (scale != -2 && child->scale != scale))
            return VARIES;
        scale = child->scale;
        if (whole_digits(child) > whole)
            whole = whole_digits(child);
    }
    return digits_of(whole, scale == -2 ? 0 : scale);
}

/* round(x, 2): the scale is the constant's value. */
static Digits digits_of_second(const Bound *call)
{
    if (call->child_count < 2 || call->children[0]->scale == SCALE_VARIES)
        return call->child_count < 2 ? digits_of(whole_digits(call->children[0]) + 1, 0) : VARIES;
    const Bound *second = call->children[1];
    if (second->kind != BOUND_CONSTANT || second->as.constant.is_null)
        return VARIES;
    int64_t scale = second->as.constant.as.integer;
    if (scale >= DECIMAL_PRECISION_MAX)
        return VARIES;
    return digits_of(whole_digits(call->children[0]) + 1, scale < 0 ? 0 : (int)scale);
}

/* extract(second FROM x) has six digits, milliseconds three, years none. */
static Digits digits_of_field(const Bound *call)
{
    const Bound *field = call->children[0];
    if (field->kind != BOUND_CONSTANT || field->as.constant.is_null)
        return VARIES;
    Slice name = field->as.constant.as.bytes;
    bool of_date = call->children[1]->type.kind == TYPE_DATE;
    static const struct {
        const char *name;
        int scale;
    } FIELDS[] = {
        {"second", 6}, {"seconds", 6}, {"milliseconds", 3}, {"millisecond", 3}, {"century", 0},
        {"day", 0},    {"decade", 0},  {"dow", 0},          {"doy", 0},         {"hour", 0},
        {"isodow", 0}, {"isoyear", 0}, {"microseconds", 0}, {"millennium", 0},  {"minute", 0},
        {"month", 0},  {"quarter", 0}, {"week", 0},         {"year", 0},
    };
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        if (slice_equal_ignoring_case(name, slice_of_text(FIELDS[i].name)))
            return digits_of(18, FIELDS[i].scale);
    }
    if (slice_equal_ignoring_case(name, SLICE("epoch")))
        return digits_of(18, of_date ? 0 : 6);
    return VARIES;
}

static Digits digits_by_rule(ScaleRule rule, const Bound *call)
{
    int scale_max = 0;
    int scale_sum = 0;
    int whole_max = 1;
    int whole_sum = 0;
    const Bound *first = NULL;
    for (uint32_t i = 0; i < call->child_count; i++) {
        const Bound *child = call->children[i];
        if (child->type.kind != TYPE_DECIMAL)
            continue;
        if (child->scale == SCALE_VARIES)
            return VARIES;
        if (first == NULL)
            first = child;
        scale_max = child->scale > scale_max ? child->scale : scale_max;
        whole_max = whole_digits(child) > whole_max ? whole_digits(child) : whole_max;
        scale_sum += child->scale;
        whole_sum += whole_digits(child);
    }
    switch (rule) {
    case SCALE_RULE_ZERO:
        return digits_of(first == NULL ? DECIMAL_PRECISION_MAX : whole_max + 1, 0);
    case SCALE_RULE_FIRST:
        return first == NULL ? VARIES : digits_of(whole_digits(first), first->scale);
    case SCALE_RULE_MAX:
        return digits_of(whole_max + 1, scale_max);
    case SCALE_RULE_SUM:
        return digits_of(whole_sum, scale_sum);
    case SCALE_RULE_SECOND_CONSTANT:
        return digits_of_second(call);
    case SCALE_RULE_EXTRACT:
        return digits_of_field(call);
    case SCALE_RULE_OPEN:
        break;
    }
    return VARIES;
}

static Digits digits_of_call(const Bound *call)
{
    Digits digits = digits_by_rule(call->as.function->scale, call);
    /* A sum of many is as wide as there is room. */
    bool is_sum = call->kind == BOUND_AGGREGATE || call->kind == BOUND_WINDOW;
    if (is_sum && digits.scale != SCALE_VARIES)
        digits.precision = DECIMAL_PRECISION_MAX;
    return digits;
}

static Digits digits_of_node(const Bound *bound)
{
    switch (bound->kind) {
    case BOUND_CONSTANT:
        return digits_of_constant(&bound->as.constant);
    case BOUND_CAST:
        return digits_of_cast(bound);
    case BOUND_CALL:
    case BOUND_AGGREGATE:
    case BOUND_WINDOW:
        return digits_of_call(bound);
    case BOUND_CASE:
        return digits_shared(bound->children, bound->child_count, 1, 2);
    case BOUND_COALESCE:
    case BOUND_GREATEST:
    case BOUND_LEAST:
        return digits_shared(bound->children, bound->child_count, 0, 1);
    case BOUND_NULLIF:
        return (Digits){bound->children[0]->scale, bound->children[0]->precision};
    case BOUND_SUBQUERY: {
        const RelationColumn *column = &bound->as.subquery->query->columns[0];
        return (Digits){column->scale, column->precision};
    }
    case BOUND_COLUMN:
    case BOUND_KEY:
    case BOUND_RESULT:
    case BOUND_OPERAND:
    case BOUND_EXCLUDED:
        return (Digits){bound->scale, bound->precision};
    default:
        return VARIES;
    }
}

void column_settle(RelationColumn *column, Bound *const *values, uint32_t count)
{
    column->scale = 0;
    column->precision = 0;
    if (column->type.kind != TYPE_DECIMAL)
        return;
    Digits digits = digits_shared(values, count, 0, 1);
    column->scale = digits.scale;
    column->precision = digits.precision;
}

/* min(c) of a CHAR(5) is shown as wide as c: the blanks are part of PostgreSQL's value. */
static void settle_width(Bound *bound)
{
    for (uint32_t i = 0; i < bound->child_count && bound->type.a == 0; i++) {
        if (bound->children[i] != NULL && bound->children[i]->type.kind == TYPE_CHAR)
            bound->type.a = bound->children[i]->type.a;
    }
}

void bound_settle(Bound *bound)
{
    if (bound->type.kind == TYPE_CHAR)
        settle_width(bound);
    if (bound->type.kind != TYPE_DECIMAL)
        return;
    Digits digits = digits_of_node(bound);
    bound->scale = digits.scale;
    bound->precision = digits.precision;
}
