/* Making the next version: what its steps share. For this folder only.
 *
 * Happy path (cold_prepare.c): files of the new version → delete files → sidecar → manifests →
 * manifest list → metadata → folders synced. Every file is synced when it is written; what is
 * written is noted first, and removed again if a later step fails. */
#ifndef FIRN_COLD_COLD_PREPARE_INT_H
#define FIRN_COLD_COLD_PREPARE_INT_H

#include "cold/cold_int.h"

typedef struct Preparation {
    ColdTable *table;
    ColdVersion *base;
    const ColdChange *change;
    ColdVersion *version; /* being made */
    IcebergSnapshot snapshot;
    char uuid[ICEBERG_UUID_TEXT_BYTES]; /* of this change: names its metadata files */
    uint64_t *removed;                  /* file ids, sorted */
    uint32_t manifests_written;
    size_t new_delete_files; /* the last ones of the version's */
    Buffer written;          /* const char *: relative paths made here */
    Arena arena;             /* of this preparation */
    Error *error;
} Preparation;

/* Notes a file that is about to be made; the text is kept in the preparation's arena. */
CHECKED Status preparation_note(Preparation *preparation, const char *relative, const char **out);

/* After making the file noted last ended so: one that was there before is not ours to remove. */
void preparation_forget_existing(Preparation *preparation, Status status);

/* Makes a new file of these bytes, synced. */
CHECKED Status preparation_write(Preparation *preparation, const char *relative, Slice bytes);

/* The same, with the CRC of its bytes in its name: "<before>c<crc><behind>". The path is in the
 * version's arena. */
CHECKED Status preparation_write_checked(Preparation *preparation, const char *before,
                                         const char *behind, Slice bytes, const char **out);

/* Was the file of the base removed by this change? */
bool preparation_removes(const Preparation *preparation, uint64_t file_id);

/* ---- steps ---- */

/* cold_prepare_files.c: the new version's files and indexes, with their sets of deletes. */
CHECKED Status prepare_files(Preparation *preparation);
CHECKED Status prepare_indexes(Preparation *preparation);

/* cold_prepare_deletes.c: its delete files, new ones written, and the sidecar. */
CHECKED Status prepare_delete_files(Preparation *preparation);
CHECKED Status prepare_sidecar(Preparation *preparation);

/* cold_prepare_manifests.c: its manifests, those that changed written. */
CHECKED Status prepare_manifests(Preparation *preparation);

/* cold_prepare_metadata.c: what the table is called and its schema; the snapshot, the manifest
 * list, the metadata. */
CHECKED Status prepare_table(Preparation *preparation);
CHECKED Status prepare_snapshot(Preparation *preparation);
CHECKED Status prepare_manifest_list(Preparation *preparation);
CHECKED Status prepare_metadata(Preparation *preparation);

#endif
