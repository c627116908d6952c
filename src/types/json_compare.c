/* JSONB values against one another. */
#include "types/json_int.h"
#include "types/text_int.h"

const JsonValue *json_find_member(const JsonValue *object, Slice key)
{
    for (uint32_t i = object->kind == JSON_OBJECT ? object->count : 0; i > 0; i--) {
        if (slice_equal(object->children[i - 1].key, key))
            return &object->children[i - 1];
    }
    return NULL;
}

const JsonValue *json_find_element(const JsonValue *array, int64_t index)
{
    if (array->kind != JSON_ARRAY)
        return NULL;
    if (index < 0)
        index += array->count;
    return index >= 0 && index < array->count ? &array->children[index] : NULL;
}

/* ---- numbers: by value, at any length ---- */

/* A number without exponent, taken apart: digits before the point without zeros in front, digits
 * behind it without zeros at the end. */
typedef struct Number {
    int sign; /* -1, 0, 1 */
    Slice whole;
    Slice fraction;
} Number;

static Number take_number(Slice s)
{
    Number number = {.sign = 1};
    if (s.size > 0 && s.data[0] == '-') {
        number.sign = -1;
        s = slice_part(s, 1, s.size);
    }
    size_t point = slice_find(s, '.');
    number.whole = slice_part(s, 0, point);
    number.fraction = slice_part(s, point + 1, s.size);
    while (number.whole.size > 0 && number.whole.data[0] == '0')
        number.whole = slice_part(number.whole, 1, number.whole.size);
    while (number.fraction.size > 0 && number.fraction.data[number.fraction.size - 1] == '0')
        number.fraction.size--;
    if (number.whole.size + number.fraction.size == 0)
        number.sign = 0;
    return number;
}

static int compare_numbers(Slice a, Slice b)
{
    Number x = take_number(a);
    Number y = take_number(b);
    if (x.sign != y.sign)
        return x.sign < y.sign ? -1 : 1;
    int order = x.whole.size != y.whole.size ? (x.whole.size < y.whole.size ? -1 : 1)
                                             : slice_compare(x.whole, y.whole);
    if (order == 0)
        order = slice_compare(x.fraction, y.fraction);
    return x.sign < 0 ? -order : order;
}

/* ---- order ---- */

static bool is_container(const JsonValue *value)
{
    return value->kind == JSON_ARRAY || value->kind == JSON_OBJECT;
}

static int rank_of(const JsonValue *value)
{
    static const int ranks[] = {[JSON_NULL] = 0,    [JSON_STRING] = 1, [JSON_NUMBER] = 2,
                                [JSON_BOOLEAN] = 3, [JSON_ARRAY] = 4,  [JSON_OBJECT] = 5};
    return ranks[value->kind];
}

static int compare_scalars(const JsonValue *a, const JsonValue *b)
{
    switch (a->kind) {
    case JSON_BOOLEAN:
        return (int)a->boolean - (int)b->boolean;
    case JSON_NUMBER:
        return compare_numbers(a->text, b->text);
    case JSON_STRING:
        return slice_compare(a->text, b->text);
    default:
        return 0;
    }
}

/* More members are more; else key, value, key, value … */
static int compare_containers(const JsonValue *a, const JsonValue *b);

static int compare_nested(const JsonValue *a, const JsonValue *b)
{
    if (a->kind != b->kind)
        return rank_of(a) < rank_of(b) ? -1 : 1;
    return is_container(a) ? compare_containers(a, b) : compare_scalars(a, b);
}

static int compare_containers(const JsonValue *a, const JsonValue *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = 0; i < a->count; i++) {
        int order = slice_compare(a->children[i].key, b->children[i].key);
        if (order == 0)
            order = compare_nested(&a->children[i], &b->children[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* At the top PostgreSQL keeps a scalar as an array of one, which is below every array but the empty
 * one. */
int json_compare(const JsonValue *a, const JsonValue *b)
{
    bool a_is_scalar = !is_container(a);
    bool b_is_scalar = !is_container(b);
    if (a_is_scalar && b->kind == JSON_ARRAY)
        return b->count == 0 ? 1 : -1;
    if (b_is_scalar && a->kind == JSON_ARRAY)
        return a->count == 0 ? -1 : 1;
    return compare_nested(a, b);
}

/* ---- containment ---- */

static bool is_equal_scalar(const JsonValue *a, const JsonValue *b)
{
    return a->kind == b->kind && !is_container(a) && compare_scalars(a, b) == 0;
}

static bool array_has(const JsonValue *array, const JsonValue *wanted)
{
    for (uint32_t i = 0; i < array->count; i++) {
        const JsonValue *element = &array->children[i];
        if (is_container(wanted) ? element->kind == wanted->kind && json_contains(element, wanted)
                                 : is_equal_scalar(element, wanted))
            return true;
    }
    return false;
}

static bool object_has(const JsonValue *object, const JsonValue *wanted)
{
    const JsonValue *member = json_find_member(object, wanted->key);
    if (member == NULL || member->kind != wanted->kind)
        return false;
    return is_container(wanted) ? json_contains(member, wanted) : is_equal_scalar(member, wanted);
}

/* An array also contains a scalar that is one of its elements. */
bool json_contains(const JsonValue *a, const JsonValue *b)
{
    if (!is_container(b))
        return a->kind == JSON_ARRAY ? array_has(a, b) : is_equal_scalar(a, b);
    if (a->kind != b->kind)
        return false;
    for (uint32_t i = 0; i < b->count; i++) {
        const JsonValue *part = &b->children[i];
        if (!(a->kind == JSON_OBJECT ? object_has(a, part) : array_has(a, part)))
            return false;
    }
    return true;
}
