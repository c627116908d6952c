/* Reading position sets. The format (roaring bitmaps, portable form), integers little-endian:
 *     0   4  cookie: 12346 and then 4 bytes of container count C, or 12347 in the low half and
 *            C - 1 in the high one, and then one bit for each container: is it of runs?
 *     ..     for each container: key u16 (the high halves of its positions), cardinality - 1 u16
 *     ..     for each container its offset from the start, u32; missing where the cookie is 12347
 *            and C is below 4
 *     ..     containers, of the low halves: sorted u16 up to 4,096 of them; 8,192 bytes of bits
 *            above that; runs as u16 count, then start and length - 1 of each as u16 */
#include "cold/position_set.h"

#include "base/assert.h"
#include "cold/position_set_int.h"

enum { CONTAINERS_MAX = 1 << 16, OFFSETS_FROM = 4 };

typedef enum ContainerKind { CONTAINER_ARRAY, CONTAINER_BITS, CONTAINER_RUNS } ContainerKind;

typedef struct Layout {
    const uint8_t *data;
    size_t size;
    uint32_t count;      /* containers */
    const uint8_t *runs; /* one bit for each, or NULL */
    size_t descriptors;  /* offset */
    size_t offsets;      /* offset of the table, 0: there is none */
    size_t body;         /* offset of the first container */
} Layout;

typedef struct Container {
    ContainerKind kind;
    uint32_t key;
    uint32_t count; /* values */
    uint32_t runs;  /* RUNS: how many */
    size_t offset;
    size_t size;         /* bytes */
    const uint8_t *data; /* of values, bits or runs (behind their count) */
} Container;

static uint32_t load_u16(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t load_u32(const uint8_t *at)
{
    return load_u16(at) | load_u16(at + 2) << 16;
}

/* Says where the tables lie and makes sure that they lie inside. */
static bool read_layout(Slice set, Layout *out)
{
    *out = (Layout){.data = set.data, .size = set.size};
    if (set.size < 4)
        return false;
    uint32_t cookie = load_u32(set.data);
    size_t at;
    if (cookie == POSITION_SET_COOKIE && set.size >= 8) {
        out->count = load_u32(set.data + 4);
        at = 8;
    } else if ((cookie & 0xffff) == POSITION_SET_COOKIE_RUNS) {
        out->count = (cookie >> 16) + 1;
        out->runs = set.data + 4;
        at = 4 + (out->count + 7) / 8;
    } else {
        return false;
    }
    if (out->count > CONTAINERS_MAX)
        return false;
    bool has_offsets = out->runs == NULL || out->count >= OFFSETS_FROM;
    out->descriptors = at;
    out->offsets = has_offsets ? at + (size_t)out->count * 4 : 0;
    out->body = at + (size_t)out->count * (has_offsets ? 8 : 4);
    return out->body <= set.size;
}

static ContainerKind kind_of(const Layout *layout, uint32_t i, uint32_t count)
{
    if (layout->runs != NULL && ((layout->runs[i / 8] >> (i % 8)) & 1))
        return CONTAINER_RUNS;
    return count > POSITION_SET_ARRAY_MAX ? CONTAINER_BITS : CONTAINER_ARRAY;
}

/* The i-th container, lying at `offset`; false where it does not lie inside. */
static bool open_container(const Layout *layout, uint32_t i, size_t offset, Container *out)
{
    const uint8_t *descriptor = layout->data + layout->descriptors + (size_t)i * 4;
    *out = (Container){.key = load_u16(descriptor),
                       .count = load_u16(descriptor + 2) + 1,
                       .offset = offset,
                       .data = layout->data + offset};
    out->kind = kind_of(layout, i, out->count);
    if (offset > layout->size)
        return false;
    switch (out->kind) {
    case CONTAINER_ARRAY:
        out->size = (size_t)out->count * 2;
        break;
    case CONTAINER_BITS:
        out->size = POSITION_SET_BITS_BYTES;
        break;
    case CONTAINER_RUNS:
        if (layout->size - offset < 2)
            return false;
        out->runs = load_u16(out->data);
        out->data += 2;
        out->size = 2 + (size_t)out->runs * 4;
        break;
    }
    return out->size <= layout->size - offset;
}

/* ---- checking ---- */

static bool check_array(const Container *container, uint32_t *last)
{
    for (uint32_t i = 1; i < container->count; i++) {
        if (load_u16(container->data + 2 * i - 2) >= load_u16(container->data + 2 * i))
            return false;
    }
    *last = load_u16(container->data + 2 * (size_t)(container->count - 1));
    return true;
}

static bool check_bits(const Container *container, uint32_t *last)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < POSITION_SET_BITS_BYTES; i++) {
        uint32_t byte = container->data[i];
        count += (uint32_t)__builtin_popcount(byte);
        if (byte != 0)
            *last = i * 8 + 31 - (uint32_t)__builtin_clz(byte);
    }
    return count == container->count;
}

static bool check_runs(const Container *container, uint32_t *last)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < container->runs; i++) {
        uint32_t start = load_u16(container->data + 4 * (size_t)i);
        uint32_t length = load_u16(container->data + 4 * (size_t)i + 2) + 1;
        if ((i > 0 && start <= *last) || start + length > 1 << 16)
            return false;
        *last = start + length - 1;
        count += length;
    }
    return count == container->count;
}

static bool check_container(const Container *container, uint32_t *last)
{
    switch (container->kind) {
    case CONTAINER_ARRAY:
        return check_array(container, last);
    case CONTAINER_BITS:
        return check_bits(container, last);
    case CONTAINER_RUNS:
        return check_runs(container, last);
    }
    UNREACHABLE();
}

/* Containers follow one another without gaps, in the order of their keys, up to the end. */
bool position_set_check(Slice set, uint64_t limit, uint64_t *count)
{
    Layout layout;
    Container container = {0};
    *count = 0;
    if (set.size == 0)
        return true;
    if (!read_layout(set, &layout))
        return false;
    size_t at = layout.body;
    for (uint32_t i = 0; i < layout.count; i++) {
        uint32_t key_before = container.key;
        uint32_t last = 0;
        if (!open_container(&layout, i, at, &container) || (i > 0 && container.key <= key_before) ||
            !check_container(&container, &last))
            return false;
        if (layout.offsets != 0 &&
            load_u32(layout.data + layout.offsets + (size_t)i * 4) != (uint32_t)at)
            return false;
        if (((uint64_t)container.key << 16 | last) >= limit)
            return false;
        at += container.size;
        *count += container.count;
    }
    return at == set.size;
}

/* ---- asking, of sets that passed ---- */

static Layout layout_of(Slice set)
{
    Layout layout = {0};
    if (set.size > 0)
        ASSERT(read_layout(set, &layout));
    return layout;
}

static Container container_of(const Layout *layout, uint32_t i)
{
    Container container;
    size_t at = layout->body;
    if (layout->offsets != 0) {
        at = load_u32(layout->data + layout->offsets + (size_t)i * 4);
    } else {
        for (uint32_t before = 0; before < i; before++) { /* fewer than OFFSETS_FROM */
            ASSERT(open_container(layout, before, at, &container));
            at += container.size;
        }
    }
    ASSERT(open_container(layout, i, at, &container));
    return container;
}

static uint32_t key_of(const Layout *layout, uint32_t i)
{
    return load_u16(layout->data + layout->descriptors + (size_t)i * 4);
}

uint64_t position_set_count(Slice set)
{
    Layout layout = layout_of(set);
    uint64_t count = 0;
    for (uint32_t i = 0; i < layout.count; i++)
        count += load_u16(layout.data + layout.descriptors + (size_t)i * 4 + 2) + 1;
    return count;
}

/* Number of the first of `count` values, `step` bytes apart, that is above `value`. */
static uint32_t first_above(const uint8_t *values, uint32_t count, size_t step, uint32_t value)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (load_u16(values + middle * step) > value)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool container_has(const Container *container, uint32_t value)
{
    uint32_t above;
    switch (container->kind) {
    case CONTAINER_BITS:
        return (container->data[value / 8] >> (value % 8)) & 1;
    case CONTAINER_ARRAY:
        above = first_above(container->data, container->count, 2, value);
        return above > 0 && load_u16(container->data + 2 * (size_t)(above - 1)) == value;
    case CONTAINER_RUNS:
        above = first_above(container->data, container->runs, 4, value);
        if (above == 0)
            return false;
        const uint8_t *run = container->data + 4 * (size_t)(above - 1);
        return value - load_u16(run) <= load_u16(run + 2);
    }
    UNREACHABLE();
}

bool position_set_has(Slice set, uint32_t position)
{
    Layout layout = layout_of(set);
    if (layout.count == 0)
        return false;
    uint32_t key = position >> 16;
    uint32_t above = first_above(layout.data + layout.descriptors, layout.count, 4, key);
    if (above == 0 || key_of(&layout, above - 1) != key)
        return false;
    Container container = container_of(&layout, above - 1);
    return container_has(&container, position & 0xffff);
}

/* ---- walking ---- */

PositionSetIterator position_set_begin(Slice set)
{
    return (PositionSetIterator){.set = set};
}

static bool next_container(PositionSetIterator *iterator)
{
    Layout layout = layout_of(iterator->set);
    if (iterator->container == layout.count)
        return false;
    Container container = container_of(&layout, iterator->container++);
    iterator->kind = container.kind;
    iterator->key = container.key;
    iterator->count = container.kind == CONTAINER_RUNS ? container.runs : container.count;
    iterator->data = container.data;
    iterator->at = 0;
    iterator->in_run = 0;
    return true;
}

static bool next_bit(PositionSetIterator *iterator, uint32_t *out)
{
    for (uint32_t byte = iterator->at / 8; byte < POSITION_SET_BITS_BYTES; byte++) {
        uint32_t bits = iterator->data[byte];
        if (byte == iterator->at / 8)
            bits &= 0xffu << (iterator->at % 8);
        if (bits != 0) {
            *out = byte * 8 + (uint32_t)__builtin_ctz(bits);
            iterator->at = *out + 1;
            return true;
        }
    }
    return false;
}

static bool next_in_runs(PositionSetIterator *iterator, uint32_t *out)
{
    if (iterator->at == iterator->count)
        return false;
    const uint8_t *run = iterator->data + 4 * (size_t)iterator->at;
    *out = load_u16(run) + iterator->in_run;
    bool was_last = iterator->in_run == load_u16(run + 2);
    iterator->in_run = was_last ? 0 : iterator->in_run + 1;
    iterator->at += was_last;
    return true;
}

/* The next low half in the container at hand; false at its end. */
static bool next_value(PositionSetIterator *iterator, uint32_t *out)
{
    switch ((ContainerKind)iterator->kind) {
    case CONTAINER_ARRAY:
        if (iterator->at == iterator->count)
            return false;
        *out = load_u16(iterator->data + 2 * (size_t)iterator->at++);
        return true;
    case CONTAINER_BITS:
        return next_bit(iterator, out);
    case CONTAINER_RUNS:
        return next_in_runs(iterator, out);
    }
    UNREACHABLE();
}

bool position_set_next(PositionSetIterator *iterator, uint32_t *out)
{
    uint32_t value;
    while (iterator->count == 0 || !next_value(iterator, &value)) {
        if (!next_container(iterator)) {
            iterator->count = 0;
            return false;
        }
    }
    *out = iterator->key << 16 | value;
    return true;
}

/* ---- whole containers ---- */

uint32_t position_set_containers(Slice set)
{
    return layout_of(set).count;
}

uint32_t position_set_key(Slice set, uint32_t container)
{
    Layout layout = layout_of(set);
    ASSERT(container < layout.count);
    return key_of(&layout, container);
}

static void set_bit(uint8_t *bits, uint32_t value)
{
    bits[value / 8] |= (uint8_t)(1u << (value % 8));
}

void position_set_load(Slice set, uint32_t number, uint8_t bits[POSITION_SET_BITS_BYTES])
{
    Layout layout = layout_of(set);
    Container container = container_of(&layout, number);
    if (container.kind == CONTAINER_BITS)
        memcpy(bits, container.data, POSITION_SET_BITS_BYTES);
    for (uint32_t i = 0; container.kind == CONTAINER_ARRAY && i < container.count; i++)
        set_bit(bits, load_u16(container.data + 2 * (size_t)i));
    for (uint32_t i = 0; container.kind == CONTAINER_RUNS && i < container.runs; i++) {
        uint32_t start = load_u16(container.data + 4 * (size_t)i);
        uint32_t last = start + load_u16(container.data + 4 * (size_t)i + 2);
        for (uint32_t value = start; value <= last; value++)
            set_bit(bits, value);
    }
}
