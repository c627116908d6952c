/* Numbers and names of Iceberg's manifests and manifest lists that their writers and readers share.
 * For this folder only. */
#ifndef FIRN_COLD_ICEBERG_MANIFEST_INT_H
#define FIRN_COLD_ICEBERG_MANIFEST_INT_H

#include "cold/iceberg.h"

/* Key in a manifest's header for the schema version of its data files. Readers know a schema only
 * by "schema-id", which must be one that the metadata still lists. */
#define ICEBERG_SCHEMA_VERSION_KEY "firn.schema-version"

#define ICEBERG_USER_PARTITION_FIELDS \
    "[{\"source-id\":2000000003,\"field-id\":1000,\"name\":\"_user\",\"transform\":\"identity\"}]"

enum {
    ICEBERG_FIELD_STATUS = 0,
    ICEBERG_FIELD_SNAPSHOT_ID = 1,
    ICEBERG_FIELD_DATA_FILE = 2,
    ICEBERG_FIELD_SEQUENCE = 3,
    ICEBERG_FIELD_FILE_SEQUENCE = 4,
    ICEBERG_FIELD_CONTENT = 134,
    ICEBERG_FIELD_PATH = 100,
    ICEBERG_FIELD_FORMAT = 101,
    ICEBERG_FIELD_PARTITION = 102,
    ICEBERG_FIELD_ROWS = 103,
    ICEBERG_FIELD_SIZE = 104,
    ICEBERG_FIELD_COLUMN_SIZES = 108,
    ICEBERG_FIELD_VALUE_COUNTS = 109,
    ICEBERG_FIELD_NULL_COUNTS = 110,
    ICEBERG_FIELD_NAN_COUNTS = 137,
    ICEBERG_FIELD_LOWER_BOUNDS = 125,
    ICEBERG_FIELD_UPPER_BOUNDS = 128,
    ICEBERG_FIELD_KEY_METADATA = 131,
    ICEBERG_FIELD_SPLITS = 132,
    ICEBERG_FIELD_EQUALITY_IDS = 135,
    ICEBERG_FIELD_SORT_ORDER = 140,
    ICEBERG_FIELD_REFERENCED_FILE = 143,

    ICEBERG_FIELD_LIST_PATH = 500,
    ICEBERG_FIELD_LIST_SIZE = 501,
    ICEBERG_FIELD_LIST_SPEC = 502,
    ICEBERG_FIELD_LIST_CONTENT = 517,
    ICEBERG_FIELD_LIST_SEQUENCE = 515,
    ICEBERG_FIELD_LIST_SEQUENCE_MIN = 516,
    ICEBERG_FIELD_LIST_SNAPSHOT_ID = 503,
    ICEBERG_FIELD_LIST_ADDED_FILES = 504,
    ICEBERG_FIELD_LIST_EXISTING_FILES = 505,
    ICEBERG_FIELD_LIST_DELETED_FILES = 506,
    ICEBERG_FIELD_LIST_ADDED_ROWS = 512,
    ICEBERG_FIELD_LIST_EXISTING_ROWS = 513,
    ICEBERG_FIELD_LIST_DELETED_ROWS = 514,
    ICEBERG_FIELD_LIST_PARTITIONS = 507,
    ICEBERG_FIELD_LIST_LOWER_BOUND = 510,
    ICEBERG_FIELD_LIST_UPPER_BOUND = 511,
    ICEBERG_FIELD_LIST_KEY_METADATA = 519,

    ICEBERG_FIELD_DELETE_FILE_PATH = 2147483546, /* column of position delete files */
};

/* Their Avro schemas, as JSON. */
void iceberg_put_manifest_schema(Buffer *out, TableKind kind);
void iceberg_put_manifest_list_schema(Buffer *out);

#endif
