/* The upper part of a checkpoint, as this room puts it together (hooks.c has the table of bytes).
 *
 * Threading: pure. Ownership: slices into the payload. Errors: DATA_CORRUPTED,
 * VERSION_NOT_SUPPORTED. */
#ifndef FIRN_DATABASE_CHECKPOINT_PARTS_H
#define FIRN_DATABASE_CHECKPOINT_PARTS_H

#include "base/error.h"
#include "base/status.h"

typedef struct CheckpointParts {
    Slice catalog;
    Slice jobs;
    Slice tokens;
} CheckpointParts;

CHECKED Status checkpoint_parts_get(Slice payload, CheckpointParts *out, Error *error);

#endif
