/* Rows in memory in key order: the memtables of a pin merged, the newest version of each key. */
#include "engine/engine_int.h"

typedef struct ScanSource {
    MemtableIterator iterator;
    const RecordHeader *record; /* its next one, or NULL */
    const PinnedMemtable *pinned;
} ScanSource;

struct HotScan {
    const SuperVersion *version;
    TableKind kind;
    int64_t expired_us;
    bool backward;
    ScanSource *sources; /* newest first */
    size_t source_count;
    Schema *schema;  /* of the record given last */
    uint8_t *bounds; /* copies of from and to */
};

static void advance(HotScan *scan, ScanSource *source)
{
    do {
        source->record = memtable_next(&source->iterator);
    } while (source->record != NULL && source->pinned->without_count > 0 &&
             owner_is_without(source->pinned->without, source->pinned->without_count,
                              key_owner_of(scan->kind, record_key(source->record))));
}

static Status copy_bounds(HotScan *scan, Slice *from, Slice *to, Error *error)
{
    scan->bounds = memory_allocate(from->size + to->size + 1);
    if (scan->bounds == NULL)
        return error_out_of_memory(error);
    if (from->size > 0)
        memcpy(scan->bounds, from->data, from->size);
    if (to->size > 0)
        memcpy(scan->bounds + from->size, to->data, to->size);
    *to = slice_of(scan->bounds + from->size, to->size);
    *from = slice_of(scan->bounds, from->size);
    return OK;
}

static void open_sources(HotScan *scan, uint64_t seq, Slice from, Slice to)
{
    for (size_t i = 0; i < scan->source_count; i++) {
        ScanSource *source = &scan->sources[i];
        source->pinned = &scan->version->pinned[i];
        memtable_iterate(source->pinned->memtable, seq, from, to, scan->backward,
                         &source->iterator);
        advance(scan, source);
    }
}

Status hot_scan_open(const Pin *pin, size_t table, Slice from, Slice to, bool backward,
                     HotScan **out, Error *error)
{
    ASSERT(table < pin->count);
    TRY(pin_check(pin, error));
    HotScan *scan = MEMORY_NEW(HotScan);
    if (scan == NULL)
        return error_out_of_memory(error);
    scan->version = pin->versions[table];
    scan->kind = pin->tables[table]->kind;
    scan->expired_us = pin->expired_us[table];
    scan->backward = backward;
    scan->source_count = scan->version->sealed_count + 1;
    scan->sources = memory_allocate_zeroed(scan->source_count, sizeof(ScanSource));
    Status status =
        scan->sources == NULL ? error_out_of_memory(error) : copy_bounds(scan, &from, &to, error);
    if (status != OK) {
        hot_scan_close(scan);
        return status;
    }
    open_sources(scan, pin->seq, from, to);
    *out = scan;
    return OK;
}

/* The source whose key comes next; the newest of equal ones, because it stands first. */
static ScanSource *next_source(HotScan *scan)
{
    ScanSource *best = NULL;
    for (size_t i = 0; i < scan->source_count; i++) {
        ScanSource *source = &scan->sources[i];
        if (source->record == NULL)
            continue;
        if (best == NULL) {
            best = source;
            continue;
        }
        int order = slice_compare(record_key(source->record), record_key(best->record));
        if (scan->backward ? order > 0 : order < 0)
            best = source;
    }
    return best;
}

static void skip_older_versions(HotScan *scan, const ScanSource *chosen, Slice key)
{
    for (size_t i = 0; i < scan->source_count; i++) {
        ScanSource *source = &scan->sources[i];
        if (source != chosen && source->record != NULL &&
            slice_equal(record_key(source->record), key))
            advance(scan, source);
    }
}

const RecordHeader *hot_scan_next(HotScan *scan)
{
    for (;;) {
        ScanSource *source = next_source(scan);
        if (source == NULL)
            return NULL;
        const RecordHeader *record = source->record;
        skip_older_versions(scan, source, record_key(record));
        advance(scan, source);
        if (record->kind != RECORD_PUT || record->updated_us <= scan->expired_us)
            continue;
        scan->schema = memtable_schema(source->pinned->memtable);
        return record;
    }
}

Schema *hot_scan_schema(const HotScan *scan)
{
    return scan->schema;
}

void hot_scan_close(HotScan *scan)
{
    if (scan == NULL)
        return;
    memory_free(scan->sources);
    memory_free(scan->bounds);
    memory_free(scan);
}
