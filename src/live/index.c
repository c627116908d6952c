#include "live/index_int.h"

#include <math.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

enum {
    BUCKETS_MIN = 16,
    HASHED_BYTES_MAX = 16,
};

/* Everybody who stands under one value of one column in one scope; or the tree of those who stand
 * under ranges of it. */
struct LiveBucket {
    LiveBucket *next;
    uint64_t hash;
    uint64_t scope;
    uint32_t column;
    bool is_range;
    LiveNode *first; /* or the root */
    size_t size;     /* bytes of the value */
    uint8_t value[];
};

/* What a bucket is found by. */
typedef struct BucketKey {
    uint64_t scope;
    uint32_t column;
    bool is_range;
    Slice value;
} BucketKey;

/* ---- values ---- */

static bool is_real(unsigned kind)
{
    return kind == TYPE_REAL || kind == TYPE_DOUBLE;
}

static bool is_integer(unsigned kind)
{
    return type_is_integer(TYPE_OF_KIND(kind));
}

bool is_open_text(unsigned kind)
{
    return kind == TYPE_TEXT || kind == TYPE_VARCHAR;
}

/* Only kinds whose common order is exact: an index in another order would lose matches. */
bool value_is_indexable(Type column, const Value *value)
{
    unsigned own = column.kind;
    unsigned other = value->kind;
    if (value->is_null)
        return false;
    if (is_integer(own))
        return is_integer(other);
    if (is_real(own))
        return is_real(other);
    if (is_open_text(own))
        return is_open_text(other);
    if (own == TYPE_DECIMAL)
        return other == TYPE_DECIMAL || is_integer(other);
    return own == other && type_is_keyable(column);
}

/* Equal decimals may have different scales. */
bool value_is_hashable(Type column, const Value *value)
{
    return column.kind != TYPE_DECIMAL && value_is_indexable(column, value);
}

/* Bytes that are equal exactly where value_compare says so. */
static Slice hashed_bytes(const Value *value, uint8_t room[HASHED_BYTES_MAX])
{
    double real;
    switch ((TypeKind)value->kind) {
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_BYTEA:
        return value->as.bytes;
    case TYPE_CHAR: {
        Slice text = value->as.bytes;
        while (text.size > 0 && text.data[text.size - 1] == ' ')
            text.size--;
        return text;
    }
    case TYPE_REAL:
    case TYPE_DOUBLE:
        real = isnan(value->as.real) ? (double)NAN : value->as.real + 0.0; /* -0 is 0 */
        memcpy(room, &real, sizeof real);
        return slice_of(room, sizeof real);
    case TYPE_UUID:
        memcpy(room, value->as.uuid, sizeof value->as.uuid);
        return slice_of(room, sizeof value->as.uuid);
    case TYPE_BOOLEAN:
        room[0] = value->as.boolean;
        return slice_of(room, 1);
    default:
        memcpy(room, &value->as.integer, sizeof value->as.integer);
        return slice_of(room, sizeof value->as.integer);
    }
}

/* ---- buckets ---- */

static uint64_t hash_key(const BucketKey *key)
{
    uint64_t parts[2] = {key->scope, (uint64_t)key->column << 1 | key->is_range};
    return hash_64_seeded(key->value, hash_64(slice_of(parts, sizeof parts)));
}

static LiveBucket *find_bucket(const LiveIndex *index, const BucketKey *key, uint64_t hash)
{
    if (index->bucket_count == 0)
        return NULL;
    LiveBucket *bucket = index->buckets[hash & (index->bucket_count - 1)];
    for (; bucket != NULL; bucket = bucket->next) {
        bool same = bucket->hash == hash && bucket->scope == key->scope &&
                    bucket->column == key->column && bucket->is_range == key->is_range;
        if (same && slice_equal(slice_of(bucket->value, bucket->size), key->value))
            return bucket;
    }
    return NULL;
}

static Status grow_buckets(LiveIndex *index, Error *error)
{
    if (index->entry_count < index->bucket_count)
        return OK;
    size_t count = index->bucket_count == 0 ? BUCKETS_MIN : index->bucket_count * 2;
    LiveBucket **grown = memory_allocate_zeroed(count, sizeof(LiveBucket *));
    if (grown == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < index->bucket_count; i++) {
        while (index->buckets[i] != NULL) {
            LiveBucket *bucket = index->buckets[i];
            index->buckets[i] = bucket->next;
            bucket->next = grown[bucket->hash & (count - 1)];
            grown[bucket->hash & (count - 1)] = bucket;
        }
    }
    memory_free(index->buckets);
    index->buckets = grown;
    index->bucket_count = count;
    return OK;
}

static Status bucket_for(LiveIndex *index, const BucketKey *key, LiveBucket **out, Error *error)
{
    uint64_t hash = hash_key(key);
    LiveBucket *bucket = find_bucket(index, key, hash);
    if (bucket == NULL) {
        TRY(grow_buckets(index, error));
        bucket = memory_allocate(sizeof(LiveBucket) + key->value.size);
        if (bucket == NULL)
            return error_out_of_memory(error);
        *bucket = (LiveBucket){.hash = hash,
                               .scope = key->scope,
                               .column = key->column,
                               .is_range = key->is_range,
                               .size = key->value.size};
        if (key->value.size > 0)
            memcpy(bucket->value, key->value.data, key->value.size);
        bucket->next = index->buckets[hash & (index->bucket_count - 1)];
        index->buckets[hash & (index->bucket_count - 1)] = bucket;
        index->entry_count++;
    }
    *out = bucket;
    return OK;
}

static void remove_empty_bucket(LiveIndex *index, LiveBucket *bucket)
{
    if (bucket->first != NULL)
        return;
    LiveBucket **at = &index->buckets[bucket->hash & (index->bucket_count - 1)];
    while (*at != bucket)
        at = &(*at)->next;
    *at = bucket->next;
    index->entry_count--;
    memory_free(bucket);
}

/* ---- which columns are in use ---- */

static LiveUse *find_use(const LiveIndex *index, uint32_t column, bool is_range)
{
    for (size_t i = 0; i < index->use_count; i++) {
        if (index->uses[i].column == column && index->uses[i].is_range == is_range)
            return &index->uses[i];
    }
    return NULL;
}

static Status use_for(LiveIndex *index, uint32_t column, bool is_range, LiveUse **out, Error *error)
{
    LiveUse *use = find_use(index, column, is_range);
    if (use == NULL && index->use_count == index->use_capacity) {
        size_t capacity = index->use_capacity * 2 + 4;
        LiveUse *grown = memory_resize(index->uses, capacity * sizeof(LiveUse));
        if (grown == NULL)
            return error_out_of_memory(error);
        index->uses = grown;
        index->use_capacity = capacity;
    }
    if (use == NULL) {
        use = &index->uses[index->use_count++];
        *use = (LiveUse){.column = column, .is_range = is_range};
    }
    *out = use;
    return OK;
}

/* A use without keys stays as long as nobody else needs its place: the last one moves there. */
static void count_use(LiveIndex *index, LiveUse *use, uint64_t scope, bool adds)
{
    size_t *count = scope == LIVE_SCOPE_ALL ? &use->all : &use->owned;
    *count = adds ? *count + 1 : *count - 1;
    if (use->all == 0 && use->owned == 0)
        *use = index->uses[--index->use_count];
}

/* ---- adding and removing ---- */

static void link_node(LiveBucket *bucket, LiveNode *node)
{
    node->bucket = bucket;
    if (bucket->is_range) {
        interval_add(&bucket->first, node);
        return;
    }
    node->before = NULL;
    node->after = bucket->first;
    if (bucket->first != NULL)
        bucket->first->before = node;
    bucket->first = node;
}

static void unlink_node(LiveBucket *bucket, LiveNode *node)
{
    node->bucket = NULL;
    if (bucket->is_range) {
        interval_remove(&bucket->first, node);
        return;
    }
    if (node->before != NULL)
        node->before->after = node->after;
    else
        bucket->first = node->after;
    if (node->after != NULL)
        node->after->before = node->before;
}

static Status add_key(LiveIndex *index, uint64_t scope, const LiveKey *key, LiveNode *node,
                      Error *error)
{
    uint8_t room[HASHED_BYTES_MAX];
    BucketKey wanted = {scope, key->column, key->is_range, SLICE_EMPTY};
    LiveBucket *bucket;
    LiveUse *use;
    if (!key->is_range && key->column != LIVE_ANY_ROW)
        wanted.value = hashed_bytes(&key->value, room);
    TRY(bucket_for(index, &wanted, &bucket, error));
    Status status = use_for(index, key->column, key->is_range, &use, error);
    if (status != OK) {
        remove_empty_bucket(index, bucket);
        return status;
    }
    link_node(bucket, node);
    count_use(index, use, scope, true);
    return OK;
}

static void check_key(const Schema *schema, const LiveKey *key)
{
    if (key->column == LIVE_ANY_ROW)
        return;
    Type type = key->column == LIVE_COLUMN_USER ? TYPE(TEXT) : schema->columns[key->column].type;
    if (!key->is_range)
        ASSERT(value_is_hashable(type, &key->value));
    if (key->is_range && !key->low.is_endless)
        ASSERT(value_is_indexable(type, &key->low.value));
    if (key->is_range && !key->high.is_endless)
        ASSERT(value_is_indexable(type, &key->high.value));
}

Status index_add(LiveIndex *index, Random *random, const Schema *schema, uint64_t scope,
                 const LiveKey *keys, size_t count, LiveSubscription *subscription, LiveNode *nodes,
                 Error *error)
{
    for (size_t i = 0; i < count; i++) {
        check_key(schema, &keys[i]);
        nodes[i] = (LiveNode){.subscription = subscription,
                              .priority = random_u64(random),
                              .low = keys[i].low,
                              .high = keys[i].high};
        Status status = add_key(index, scope, &keys[i], &nodes[i], error);
        if (status != OK) {
            index_remove(index, nodes, i, scope);
            return status;
        }
    }
    return OK;
}

void index_remove(LiveIndex *index, LiveNode *nodes, size_t count, uint64_t scope)
{
    for (size_t i = 0; i < count; i++) {
        LiveBucket *bucket = nodes[i].bucket;
        if (bucket == NULL)
            continue;
        LiveUse *use = find_use(index, bucket->column, bucket->is_range);
        ASSERT(use != NULL);
        count_use(index, use, scope, false);
        unlink_node(bucket, &nodes[i]);
        remove_empty_bucket(index, bucket);
    }
}

void index_close(LiveIndex *index)
{
    ASSERT(index->entry_count == 0 && index->use_count == 0);
    memory_free(index->buckets);
    memory_free(index->uses);
    *index = (LiveIndex){0};
}

/* ---- finding ---- */

static void find_in_scope(const LiveIndex *index, const BucketKey *key, const Value *value,
                          LiveVisit visit, void *context)
{
    LiveBucket *bucket = find_bucket(index, key, hash_key(key));
    if (bucket == NULL)
        return;
    if (bucket->is_range) {
        interval_find(bucket->first, value, visit, context);
        return;
    }
    for (LiveNode *node = bucket->first; node != NULL; node = node->after)
        visit(context, node->subscription);
}

static void value_of_probe(const LiveProbe *probe, uint32_t column, Value *out)
{
    if (column == LIVE_COLUMN_USER)
        *out = value_text(probe->owner_name);
    else
        row_get(&probe->schema->layout, probe->row, column, out);
}

static void find_by_use(const LiveIndex *index, const LiveUse *use, const LiveProbe *probe,
                        LiveVisit visit, void *context)
{
    uint8_t room[HASHED_BYTES_MAX];
    BucketKey key = {.column = use->column, .is_range = use->is_range};
    Value value = {0};
    if (use->column != LIVE_ANY_ROW) {
        value_of_probe(probe, use->column, &value);
        if (value.is_null)
            return; /* no comparison with it is true */
        if (!use->is_range)
            key.value = hashed_bytes(&value, room);
    }
    key.scope = probe->owner;
    if (use->owned > 0 && schema_has_owner(probe->schema))
        find_in_scope(index, &key, &value, visit, context);
    key.scope = LIVE_SCOPE_ALL;
    if (use->all > 0)
        find_in_scope(index, &key, &value, visit, context);
}

void index_find(const LiveIndex *index, const LiveProbe *probe, LiveVisit visit, void *context)
{
    for (size_t i = 0; i < index->use_count; i++)
        find_by_use(index, &index->uses[i], probe, visit, context);
}
