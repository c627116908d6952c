#include "sql/results.h"

#define COLUMN(column_name, kind)                                                              \
    {                                                                                          \
        .name = {(const uint8_t *)(column_name), sizeof(column_name) - 1}, .type = TYPE(kind), \
        .sent = TYPE(kind)                                                                     \
    }

static const ResultColumn maintenance[MAINTENANCE_COLUMN_COUNT] = {
    [MAINTENANCE_NAMESPACE] = COLUMN("namespace", TEXT),
    [MAINTENANCE_TABLE] = COLUMN("table_name", TEXT),
    [MAINTENANCE_ROWS] = COLUMN("rows", BIGINT),
    [MAINTENANCE_BYTES] = COLUMN("bytes", BIGINT),
    [MAINTENANCE_FILES] = COLUMN("files", BIGINT),
    [MAINTENANCE_SNAPSHOT] = COLUMN("snapshot", BIGINT),
    [MAINTENANCE_STATUS] = COLUMN("status", TEXT),
};

static const ResultColumn job[] = {COLUMN("job_id", TEXT)};

static const ResultColumn describe[DESCRIBE_COLUMN_COUNT] = {
    [DESCRIBE_SECTION] = COLUMN("section", TEXT),
    [DESCRIBE_NAME] = COLUMN("name", TEXT),
    [DESCRIBE_TYPE] = COLUMN("type", TEXT),
    [DESCRIBE_NULLABLE] = COLUMN("nullable", BOOLEAN),
    [DESCRIBE_KEY_POSITION] = COLUMN("key_position", INTEGER),
    [DESCRIBE_DEFAULT] = COLUMN("default", TEXT),
    [DESCRIBE_VALUE] = COLUMN("value", TEXT),
    [DESCRIBE_COMMENT] = COLUMN("comment", TEXT),
};

static const ResultColumn explain[] = {COLUMN("QUERY PLAN", TEXT)};

static const ResultColumn check_storage[CHECK_STORAGE_COLUMN_COUNT] = {
    [CHECK_STORAGE_ID] = COLUMN("storage_id", TEXT),
    [CHECK_STORAGE_STATUS] = COLUMN("status", TEXT),
    [CHECK_STORAGE_FREE_BYTES] = COLUMN("free_bytes", BIGINT),
};

#define ANSWER(columns) (*count = sizeof(columns) / sizeof(columns)[0], (columns))

const ResultColumn *statement_result_columns(const Plan *plan, uint32_t *count)
{
    switch (plan->kind) {
    case STATEMENT_FLUSH_TABLE:
    case STATEMENT_FLUSH_ALL:
    case STATEMENT_COMPACT_TABLE:
    case STATEMENT_COMPACT_ALL:
        return plan->as.maintenance->is_async ? ANSWER(job) : ANSWER(maintenance);
    case STATEMENT_DESCRIBE:
        return ANSWER(describe);
    case STATEMENT_EXPLAIN:
        return ANSWER(explain);
    case STATEMENT_CHECK_STORAGE:
        return ANSWER(check_storage);
    case STATEMENT_SHOW_SETTING:
        *count = 1;
        return &plan->as.setting->shown;
    default:
        *count = 0;
        return NULL;
    }
}
