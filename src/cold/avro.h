/* Avro: the container files in which Iceberg keeps manifests and manifest lists, written and read.
 * Below cold.h: other rooms of the engine need it no more than the JSON of a table.
 *
 * libavro cannot serve here: it drops field ids and file metadata from schemas, which is what
 * Iceberg stands on. The reader takes any schema that the file brings (bounded), so that files of
 * other writers can be read by field id.
 *
 * Threading: one thread at a time. Ownership: writers append to the caller's buffer; values read
 * live in the arena given and in the reader's block, until the next call of avro_reader_next.
 * Errors: DATA_CORRUPTED, FEATURE_NOT_SUPPORTED for a codec we do not have, the limits below. */
#ifndef FIRN_COLD_AVRO_H
#define FIRN_COLD_AVRO_H

#include "base/cursor.h"
#include "base/env.h"
#include "base/json.h"

enum {
    AVRO_SYNC_BYTES = 16,
    AVRO_BLOCK_BYTES = 64 << 10,     /* a block is closed when it has grown so large */
    AVRO_BLOCK_BYTES_MAX = 64 << 20, /* of a block when it is read, uncompressed */
    AVRO_SCHEMA_BYTES_MAX = 16 << 20,
    AVRO_METADATA_MAX = 256,  /* entries of a file's metadata */
    AVRO_NAMES_MAX = 1024,    /* named types of a schema */
    AVRO_DEPTH_MAX = 32,      /* of a schema and of a value */
    AVRO_ITEMS_MAX = 1 << 20, /* of one array or map */
};

/* ---- writing ---- */

typedef struct AvroMetadata {
    Slice key;
    Slice value;
} AvroMetadata;

typedef struct AvroWriter {
    Buffer *out;      /* the file; the caller's */
    Buffer block;     /* encoded records that are not in the file yet */
    uint64_t records; /* in `block` */
    bool deflate;
    uint8_t sync[AVRO_SYNC_BYTES];
} AvroWriter;

/* Begins a file of deflated (or plain) blocks. avro_writer_close always follows. */
void avro_writer_open(AvroWriter *writer, Env *env, Buffer *out, Slice schema, bool deflate,
                      const AvroMetadata *metadata, size_t metadata_count);

/* Ends a record that was put into writer->block. */
CHECKED Status avro_writer_end_record(AvroWriter *writer, Error *error);

/* Writes what is left; the file is whole then. */
CHECKED Status avro_writer_finish(AvroWriter *writer, Error *error);
void avro_writer_close(AvroWriter *writer);

void avro_put_long(Buffer *out, int64_t value); /* INT and LONG, array counts, union branches */
void avro_put_boolean(Buffer *out, bool value);
void avro_put_bytes(Buffer *out, Slice value); /* BYTES and STRING */

/* ---- reading ---- */

typedef enum AvroKind {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_FIXED,
    AVRO_ENUM,
    AVRO_RECORD,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
} AvroKind;

typedef struct AvroType AvroType;

typedef struct AvroField {
    Slice name;
    int32_t field_id; /* Iceberg's; -1: none */
    const AvroType *type;
} AvroField;

struct AvroType {
    AvroKind kind;
    uint32_t size;  /* FIXED: bytes; ENUM: symbols */
    uint32_t count; /* RECORD: fields; UNION: branches */
    const AvroField *fields;
    const AvroType **branches;
    const AvroType *element; /* ARRAY, MAP */
};

typedef struct AvroValue AvroValue;

struct AvroValue {
    const AvroType *type; /* never a UNION: the branch that was taken */
    Slice key;            /* of a MAP's value */
    union {
        bool boolean;
        int64_t integer; /* INT, LONG, ENUM */
        double real;
        Slice bytes; /* BYTES, STRING, FIXED */
        struct {
            AvroValue *items; /* RECORD: one for each field; ARRAY, MAP */
            uint32_t count;
        } list;
    } as;
};

/* A schema as it stands in a file's metadata; in the arena. */
CHECKED Status avro_schema_read(Arena *arena, Slice json, const AvroType **out, Error *error);

typedef struct AvroReader {
    const AvroType *type; /* of every record */
    const AvroMetadata *metadata;
    size_t metadata_count;
    Cursor file; /* blocks that were not read */
    Slice sync;
    bool deflate;
    Buffer inflated; /* the block at hand, where it was deflated */
    Cursor block;
    uint64_t records; /* left in it */
} AvroReader;

/* `file` must outlive the reader; schema and metadata are in the arena. avro_reader_close follows
 * success. */
CHECKED Status avro_reader_open(AvroReader *reader, Arena *arena, Slice file, Error *error);
void avro_reader_close(AvroReader *reader);

/* *has is false at the end of the file. */
CHECKED Status avro_reader_next(AvroReader *reader, Arena *arena, AvroValue *out, bool *has,
                                Error *error);

/* Empty where the file's metadata does not have the key. */
Slice avro_reader_metadata(const AvroReader *reader, const char *key);

Status avro_damaged(const char *what, Error *error);

/* The field of a record with this id; NULL where there is none, or it is null, or `record` is NULL
 * or not one. */
const AvroValue *avro_field(const AvroValue *record, int32_t field_id);

/* The same for a field of a certain kind; the fallback where it is missing or of another one. */
int64_t avro_integer(const AvroValue *record, int32_t field_id, int64_t fallback);
Slice avro_text(const AvroValue *record, int32_t field_id); /* BYTES, STRING, FIXED; or empty */
bool avro_boolean(const AvroValue *record, int32_t field_id);

/* Items of an array (0 and no items where it is missing). */
uint32_t avro_items(const AvroValue *record, int32_t field_id, const AvroValue **out);

#endif
