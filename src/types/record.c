#include "types/record.h"

static void put_padded(uint8_t *at, Slice bytes)
{
    size_t padded = record_align(bytes.size);
    if (padded > bytes.size)
        memset(at + bytes.size, 0, padded - bytes.size);
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
}

RecordHeader *record_write(uint8_t *at, const RecordHeader *header, Slice key, Slice row)
{
    ASSERT((uintptr_t)at % 8 == 0);
    ASSERT(header->key_size == key.size && header->row_size == row.size);
    ASSERT(header->kind == RECORD_PUT || row.size == 0);
    RecordHeader *record = (RecordHeader *)(void *)at;
    *record = *header;
    put_padded(at + sizeof *record, key);
    put_padded(at + sizeof *record + record_align(key.size), row);
    return record;
}
