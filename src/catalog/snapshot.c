#include "catalog/snapshot.h"

#include "base/assert.h"
#include "base/memory.h"
#include "catalog/snapshot_int.h"

static bool has_ids(CatalogObjectKind kind)
{
    return kind <= CATALOG_USER;
}

static CatalogIndex *index_of(CatalogSnapshot *snapshot, CatalogObjectKind kind)
{
    return &snapshot->index[kind - 1];
}

/* ---- life ---- */

CatalogSnapshot *catalog_snapshot_clone(CatalogSnapshot *snapshot)
{
    atomic_fetch_add(&snapshot->references, 1);
    return snapshot;
}

static void free_snapshot(CatalogSnapshot *snapshot)
{
    for (int k = 0; k < CATALOG_KIND_COUNT; k++) {
        CatalogIndex *index = &snapshot->index[k];
        for (size_t i = 0; i < index->count; i++)
            catalog_object_release(catalog_object_of(index->by_name[i]));
        memory_free(index->by_name);
        memory_free(index->by_id);
    }
    memory_free(snapshot);
}

void catalog_snapshot_release(CatalogSnapshot *snapshot)
{
    if (snapshot != NULL && atomic_fetch_sub(&snapshot->references, 1) == 1)
        free_snapshot(snapshot);
}

uint64_t catalog_snapshot_version(const CatalogSnapshot *snapshot)
{
    return snapshot->version;
}

Status catalog_snapshot_empty(CatalogSnapshot **out, Error *error)
{
    CatalogSnapshot *snapshot = MEMORY_NEW(CatalogSnapshot);
    if (snapshot == NULL)
        return error_out_of_memory(error);
    snapshot->references = 1;
    *out = snapshot;
    return OK;
}

/* ---- applying changes ---- */

/* A copy with room for `more` objects of each kind, each with a new reference. */
static Status copy_index(CatalogObjectKind kind, const CatalogIndex *from, size_t more,
                         CatalogIndex *to, Error *error)
{
    size_t capacity = from->count + more;
    if (capacity == 0)
        return OK;
    to->by_name = memory_allocate_zeroed(capacity, sizeof(void *));
    if (to->by_name == NULL)
        return error_out_of_memory(error);
    if (has_ids(kind)) {
        to->by_id = memory_allocate_zeroed(capacity, sizeof(void *));
        if (to->by_id == NULL)
            return error_out_of_memory(error);
    }
    for (size_t i = 0; i < from->count; i++) {
        to->by_name[i] = from->by_name[i];
        if (to->by_id != NULL)
            to->by_id[i] = from->by_id[i];
        atomic_fetch_add(&catalog_object_of(from->by_name[i])->references, 1);
    }
    to->count = from->count;
    return OK;
}

static bool is_same_object(CatalogObjectKind kind, const void *a, const void *b)
{
    if (has_ids(kind))
        return catalog_object_id(kind, a) == catalog_object_id(kind, b);
    return catalog_object_compare(kind, a, b) == 0;
}

static void remove_at(const void **array, size_t count, size_t at)
{
    memmove(array + at, array + at + 1, (count - at - 1) * sizeof(void *));
}

static void remove_object(CatalogObjectKind kind, CatalogIndex *index, const void *typed)
{
    for (size_t i = 0; i < index->count; i++) {
        if (!is_same_object(kind, index->by_name[i], typed))
            continue;
        const void *found = index->by_name[i];
        remove_at(index->by_name, index->count, i);
        for (size_t j = 0; index->by_id != NULL && j < index->count; j++) {
            if (index->by_id[j] == found) {
                remove_at(index->by_id, index->count, j);
                break;
            }
        }
        index->count--;
        catalog_object_release(catalog_object_of(found));
        return;
    }
}

static void insert_at(const void **array, size_t count, size_t at, const void *typed)
{
    memmove(array + at + 1, array + at, (count - at) * sizeof(void *));
    array[at] = typed;
}

/* Room was made by copy_index. */
static void insert_object(CatalogObjectKind kind, CatalogIndex *index, const void *typed)
{
    size_t at = 0;
    while (at < index->count && catalog_object_compare(kind, index->by_name[at], typed) < 0)
        at++;
    insert_at(index->by_name, index->count, at, typed);
    if (index->by_id != NULL) {
        uint64_t id = catalog_object_id(kind, typed);
        size_t j = index->count;
        while (j > 0 && catalog_object_id(kind, index->by_id[j - 1]) > id)
            j--;
        insert_at(index->by_id, index->count, j, typed);
    }
    index->count++;
}

static Status apply_change(CatalogSnapshot *snapshot, const CatalogChange *change, Error *error)
{
    CatalogIndex *index = index_of(snapshot, change->kind);
    if (change->removed) {
        remove_object(change->kind, index, &change->as);
        return OK;
    }
    CatalogObject *object;
    TRY(catalog_object_create(change, &object, error));
    remove_object(change->kind, index, &change->as);
    insert_object(change->kind, index, &object->as);
    return OK;
}

static size_t count_of_kind(const CatalogChange *changes, size_t count, CatalogObjectKind kind)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += changes[i].kind == kind && !changes[i].removed;
    return found;
}

Status catalog_snapshot_apply(CatalogSnapshot *base, const CatalogChange *changes, size_t count,
                              CatalogSnapshot **out, Error *error)
{
    CatalogSnapshot *snapshot;
    TRY(catalog_snapshot_empty(&snapshot, error));
    snapshot->version = base->version + 1;
    Status status = OK;
    for (int k = 1; k <= CATALOG_KIND_COUNT; k++) {
        CatalogObjectKind kind = (CatalogObjectKind)k;
        GO(copy_index(kind, index_of(base, kind), count_of_kind(changes, count, kind),
                      index_of(snapshot, kind), error));
    }
    for (size_t i = 0; i < count; i++)
        GO(apply_change(snapshot, &changes[i], error));
    *out = snapshot;
    snapshot = NULL;
done:
    catalog_snapshot_release(snapshot);
    return status;
}

/* ---- look-ups ---- */

static const CatalogIndex *index_of_const(const CatalogSnapshot *snapshot, CatalogObjectKind kind)
{
    return &snapshot->index[kind - 1];
}

/* Number of the first object not below `typed` in name order. */
static size_t lower_bound(CatalogObjectKind kind, const CatalogIndex *index, const void *typed)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog_object_compare(kind, index->by_name[middle], typed) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const void *find_by_name(const CatalogSnapshot *snapshot, CatalogObjectKind kind,
                                const void *wanted)
{
    const CatalogIndex *index = index_of_const(snapshot, kind);
    size_t at = lower_bound(kind, index, wanted);
    if (at == index->count || catalog_object_compare(kind, index->by_name[at], wanted) != 0)
        return NULL;
    return index->by_name[at];
}

static const void *find_by_id(const CatalogSnapshot *snapshot, CatalogObjectKind kind, uint64_t id)
{
    const CatalogIndex *index = index_of_const(snapshot, kind);
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog_object_id(kind, index->by_id[middle]) < id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < index->count && catalog_object_id(kind, index->by_id[low]) == id;
    return found ? index->by_id[low] : NULL;
}

const CatalogNamespace *catalog_find_namespace(const CatalogSnapshot *snapshot, Slice name)
{
    CatalogNamespace wanted = {.name = name};
    return find_by_name(snapshot, CATALOG_NAMESPACE, &wanted);
}

const CatalogTable *catalog_find_table(const CatalogSnapshot *snapshot, Slice namespace_name,
                                       Slice name)
{
    CatalogTable wanted = {.namespace_name = namespace_name, .name = name};
    return find_by_name(snapshot, CATALOG_TABLE, &wanted);
}

const CatalogTable *catalog_table_by_id(const CatalogSnapshot *snapshot, uint64_t id)
{
    return find_by_id(snapshot, CATALOG_TABLE, id);
}

const CatalogUser *catalog_find_user(const CatalogSnapshot *snapshot, Slice name)
{
    const CatalogIndex *index = index_of_const(snapshot, CATALOG_USER);
    CatalogUser wanted = {.name = name};
    for (size_t i = lower_bound(CATALOG_USER, index, &wanted); i < index->count; i++) {
        const CatalogUser *user = index->by_name[i];
        if (!slice_equal(user->name, name))
            break;
        if (user->deleted_us == 0)
            return user;
    }
    return NULL;
}

const CatalogUser *catalog_user_by_id(const CatalogSnapshot *snapshot, OwnerId id)
{
    return find_by_id(snapshot, CATALOG_USER, id);
}

const CatalogStorage *catalog_find_storage(const CatalogSnapshot *snapshot, Slice id)
{
    CatalogStorage wanted = {.id = id};
    return find_by_name(snapshot, CATALOG_STORAGE, &wanted);
}

const CatalogSetting *catalog_find_setting(const CatalogSnapshot *snapshot, Slice name)
{
    CatalogSetting wanted = {.name = name};
    return find_by_name(snapshot, CATALOG_SETTING, &wanted);
}

size_t catalog_namespaces(const CatalogSnapshot *snapshot, const CatalogNamespace *const **out)
{
    const CatalogIndex *index = index_of_const(snapshot, CATALOG_NAMESPACE);
    *out = (const CatalogNamespace *const *)index->by_name;
    return index->count;
}

size_t catalog_tables(const CatalogSnapshot *snapshot, const CatalogTable *const **out)
{
    const CatalogIndex *index = index_of_const(snapshot, CATALOG_TABLE);
    *out = (const CatalogTable *const *)index->by_name;
    return index->count;
}

size_t catalog_users(const CatalogSnapshot *snapshot, const CatalogUser *const **out)
{
    const CatalogIndex *index = index_of_const(snapshot, CATALOG_USER);
    *out = (const CatalogUser *const *)index->by_id;
    return index->count;
}

size_t catalog_storages(const CatalogSnapshot *snapshot, const CatalogStorage *const **out)
{
    const CatalogIndex *index = index_of_const(snapshot, CATALOG_STORAGE);
    *out = (const CatalogStorage *const *)index->by_name;
    return index->count;
}

size_t catalog_settings(const CatalogSnapshot *snapshot, const CatalogSetting *const **out)
{
    const CatalogIndex *index = index_of_const(snapshot, CATALOG_SETTING);
    *out = (const CatalogSetting *const *)index->by_name;
    return index->count;
}
