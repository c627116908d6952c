/* The portable form of a roaring bitmap (32 bit), integers little-endian:
 *     cookie      u32: 12346, then u32 containers;
 *                 or low 16 bits 12347, high 16 bits containers - 1, then a bit for each container
 *                 ((containers + 7) / 8 bytes): 1 where it is a run container
 *     headers     for each container u16 key (the positions' high 16 bits), u16 cardinality - 1
 *     offsets     u32 for each container; not there with cookie 12347 and fewer than 4 of them
 *     containers  in key order, one after the other:
 *                 run     u16 runs, then for each u16 first, u16 length - 1
 *                 array   (cardinality <= 4096) u16 each, ascending
 *                 bitset  1024 u64
 * Offsets say nothing that the order does not: they are skipped. */
#include "worker/dead_set.h"

#include "base/cursor.h"
#include "base/memory.h"

enum {
    COOKIE_PLAIN = 12346,
    COOKIE_WITH_RUNS = 12347,
    CONTAINERS_MAX = 1 << 16,
    OFFSETS_FROM = 4,
    ARRAY_CARDINALITY_MAX = 4096,
};

typedef struct BitmapHeader {
    uint32_t containers;
    Slice run_bits; /* empty: no run container */
    Slice headers;  /* 4 bytes each */
} BitmapHeader;

static Status set_corrupted(Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "a bitmap of deleted rows is damaged");
}

static bool read_header(Cursor *cursor, BitmapHeader *out)
{
    uint32_t cookie = cursor_u32(cursor);
    *out = (BitmapHeader){.containers = 0};
    if ((cookie & 0xffff) == COOKIE_WITH_RUNS) {
        out->containers = (cookie >> 16) + 1;
        out->run_bits = cursor_bytes(cursor, (out->containers + 7) / 8);
    } else if (cookie == COOKIE_PLAIN) {
        out->containers = cursor_u32(cursor);
    } else {
        return false;
    }
    if (cursor->failed || out->containers > CONTAINERS_MAX)
        return false;
    out->headers = cursor_bytes(cursor, (size_t)out->containers * 4);
    if (out->run_bits.size == 0 || out->containers >= OFFSETS_FROM)
        cursor_skip(cursor, (size_t)out->containers * 4);
    return !cursor->failed;
}

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void set_bit(uint64_t *chunk, uint32_t bit)
{
    chunk[bit / 64] |= 1ull << (bit % 64);
}

static bool read_runs(Cursor *cursor, uint64_t *chunk)
{
    uint32_t runs = cursor_u16(cursor);
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t first = cursor_u16(cursor);
        uint32_t last = first + cursor_u16(cursor);
        if (cursor->failed || last >= DEAD_CHUNK_ROWS)
            return false;
        for (uint32_t bit = first; bit <= last; bit++)
            set_bit(chunk, bit);
    }
    return !cursor->failed;
}

static bool read_array(Cursor *cursor, uint32_t cardinality, uint64_t *chunk)
{
    Slice items = cursor_bytes(cursor, (size_t)cardinality * 2);
    if (cursor->failed)
        return false;
    for (uint32_t i = 0; i < cardinality; i++)
        set_bit(chunk, read_u16(items.data + (size_t)i * 2));
    return true;
}

static bool read_bitset(Cursor *cursor, uint64_t *chunk)
{
    for (size_t i = 0; i < DEAD_CHUNK_WORDS; i++)
        chunk[i] = cursor_u64(cursor);
    return !cursor->failed;
}

static uint64_t count_bits(const uint64_t *chunk)
{
    uint64_t count = 0;
    for (size_t i = 0; i < DEAD_CHUNK_WORDS; i++)
        count += (uint64_t)__builtin_popcountll(chunk[i]);
    return count;
}

/* Is a bit set that stands for no row of the file? */
static bool passes_end(const DeadSet *set, uint32_t key)
{
    uint64_t from = (uint64_t)key * DEAD_CHUNK_ROWS;
    if (from + DEAD_CHUNK_ROWS <= set->row_count)
        return false;
    for (uint64_t position = set->row_count; position < from + DEAD_CHUNK_ROWS; position++)
        if (dead_set_has(set, position))
            return true;
    return false;
}

static Status read_container(DeadSet *set, Cursor *cursor, const BitmapHeader *header, uint32_t i,
                             Error *error)
{
    uint32_t key = read_u16(header->headers.data + (size_t)i * 4);
    uint32_t cardinality = read_u16(header->headers.data + (size_t)i * 4 + 2) + 1u;
    bool is_run = header->run_bits.size > 0 && ((header->run_bits.data[i / 8] >> (i % 8)) & 1) != 0;
    if (set->chunks[key] != NULL)
        return set_corrupted(error);
    uint64_t *chunk = memory_allocate_zeroed(DEAD_CHUNK_WORDS, sizeof *chunk);
    if (chunk == NULL)
        return error_out_of_memory(error);
    set->chunks[key] = chunk;
    bool good = is_run                                 ? read_runs(cursor, chunk)
                : cardinality <= ARRAY_CARDINALITY_MAX ? read_array(cursor, cardinality, chunk)
                                                       : read_bitset(cursor, chunk);
    if (!good || count_bits(chunk) != cardinality || passes_end(set, key))
        return set_corrupted(error);
    set->dead_count += cardinality;
    return OK;
}

/* Room for the chunks up to the last container. */
static Status make_chunks(DeadSet *set, const BitmapHeader *header, Error *error)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < header->containers; i++) {
        uint32_t key = read_u16(header->headers.data + (size_t)i * 4);
        last = key > last ? key : last;
    }
    if (header->containers > 0 && (uint64_t)last * DEAD_CHUNK_ROWS >= set->row_count)
        return set_corrupted(error);
    set->chunks = memory_allocate_zeroed(last + 1, sizeof *set->chunks);
    if (set->chunks == NULL)
        return error_out_of_memory(error);
    set->chunk_count = last + 1;
    return OK;
}

static Status read_bitmap(DeadSet *set, Slice roaring, Error *error)
{
    Cursor cursor = cursor_of(roaring);
    BitmapHeader header;
    if (!read_header(&cursor, &header))
        return set_corrupted(error);
    TRY(make_chunks(set, &header, error));
    for (uint32_t i = 0; i < header.containers; i++)
        TRY(read_container(set, &cursor, &header, i, error));
    return cursor_is_done(&cursor) ? OK : set_corrupted(error);
}

Status dead_set_open(DeadSet *set, uint64_t row_count, Slice roaring, Error *error)
{
    if (row_count > (uint64_t)UINT32_MAX + 1)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a file of too many rows");
    DeadSet made = {.row_count = row_count};
    Status status = roaring.size == 0 ? OK : read_bitmap(&made, roaring, error);
    if (status == OK)
        *set = made;
    else
        dead_set_close(&made);
    return status;
}

void dead_set_close(DeadSet *set)
{
    for (uint32_t i = 0; i < set->chunk_count; i++)
        memory_free(set->chunks[i]);
    memory_free(set->chunks);
    *set = (DeadSet){.row_count = 0};
}

size_t dead_set_bytes(const DeadSet *set)
{
    size_t bytes = set->chunk_count * sizeof *set->chunks;
    for (uint32_t i = 0; i < set->chunk_count; i++)
        bytes += set->chunks[i] == NULL ? 0 : DEAD_CHUNK_WORDS * sizeof(uint64_t);
    return bytes;
}

/* The bits of one word that lie in [first, end) of the chunk's rows. */
static uint64_t word_part(uint64_t word, size_t index, size_t first, size_t end)
{
    size_t from = index * 64;
    if (first > from)
        word &= ~0ull << (first - from);
    if (end < from + 64)
        word &= (1ull << (end - from)) - 1;
    return word;
}

static void clear_in_chunk(const uint64_t *chunk, size_t first, size_t count, bool *alive)
{
    size_t end = first + count;
    for (size_t i = first / 64; i * 64 < end; i++) {
        uint64_t word = word_part(chunk[i], i, first, end);
        while (word != 0) {
            alive[i * 64 + (size_t)__builtin_ctzll(word) - first] = false;
            word &= word - 1;
        }
    }
}

void dead_set_clear_range(const DeadSet *set, uint64_t first, size_t count, bool *alive)
{
    while (count > 0) {
        size_t in_chunk = first % DEAD_CHUNK_ROWS;
        size_t part = DEAD_CHUNK_ROWS - in_chunk < count ? DEAD_CHUNK_ROWS - in_chunk : count;
        const uint64_t *chunk = dead_set_chunk(set, first);
        if (chunk != NULL)
            clear_in_chunk(chunk, in_chunk, part, alive);
        first += part;
        count -= part;
        alive += part;
    }
}

/* Scans give the rows of a file in order and mostly all of them: that is worth a look. */
static bool is_run_of_rows(const int64_t *positions, size_t count)
{
    if (positions[count - 1] - positions[0] != (int64_t)count - 1)
        return false;
    bool same = true;
    for (size_t i = 0; i < count; i++)
        same &= positions[i] == positions[0] + (int64_t)i;
    return same;
}

bool dead_set_clear(const DeadSet *set, const int64_t *positions, size_t count, bool *alive)
{
    if (count == 0)
        return true;
    int64_t rows = (int64_t)set->row_count;
    bool ends_inside = positions[0] >= 0 && positions[0] < rows && positions[count - 1] < rows;
    if (ends_inside && is_run_of_rows(positions, count)) {
        dead_set_clear_range(set, (uint64_t)positions[0], count, alive);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (positions[i] < 0 || positions[i] >= rows)
            return false;
        alive[i] &= !dead_set_has(set, (uint64_t)positions[i]);
    }
    return true;
}

uint64_t dead_set_next(const DeadSet *set, uint64_t from)
{
    while (from / DEAD_CHUNK_ROWS < set->chunk_count) {
        const uint64_t *chunk = dead_set_chunk(set, from);
        size_t bit = from % DEAD_CHUNK_ROWS;
        if (chunk == NULL) {
            from += DEAD_CHUNK_ROWS - bit;
            continue;
        }
        uint64_t word = chunk[bit / 64] >> (bit % 64);
        if (word != 0)
            return from + (uint64_t)__builtin_ctzll(word);
        from += 64 - bit % 64;
    }
    return set->row_count;
}
