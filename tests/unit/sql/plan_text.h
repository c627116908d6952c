/* Plans of definitions and operations as one line of text, for tables of cases. */
#ifndef FIRN_TESTS_UNIT_SQL_PLAN_TEXT_H
#define FIRN_TESTS_UNIT_SQL_PLAN_TEXT_H

#include <inttypes.h>

#include "sql/parse.h"

static inline void put_slice_field(Buffer *out, const char *name, Slice value)
{
    if (value.size > 0)
        buffer_put_format(out, " %s=%.*s", name, SLICE_ARGUMENTS(value));
}

static inline void put_number_field(Buffer *out, const char *name, int64_t value)
{
    if (value != 0)
        buffer_put_format(out, " %s=%" PRId64, name, value);
}

static inline void put_flag(Buffer *out, const char *name, bool value)
{
    if (value)
        buffer_put_format(out, " %s", name);
}

static inline void put_table(Buffer *out, const CatalogTable *table)
{
    if (table != NULL)
        buffer_put_format(out, " %.*s.%.*s", SLICE_ARGUMENTS(table->namespace_name),
                          SLICE_ARGUMENTS(table->name));
}

static inline void put_type(Buffer *out, Type type)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_name(type, name);
    buffer_put_text(out, name);
}

/* "id BIGINT not null key 1 default (now())" */
static inline void put_column(Buffer *out, const BoundColumn *bound)
{
    const Column *column = &bound->column;
    buffer_put_format(out, "%.*s ", SLICE_ARGUMENTS(column->name));
    put_type(out, column->type);
    put_flag(out, "not null", column->not_null);
    if (column->key_position >= 0)
        buffer_put_format(out, " key %d", column->key_position + 1);
    if (column->default_sql.size > 0)
        buffer_put_format(out, " default (%.*s)", SLICE_ARGUMENTS(column->default_sql));
    if ((bound->default_value != NULL) != (column->default_sql.size > 0))
        buffer_put_text(out, " DEFAULT WITHOUT ITS OTHER HALF");
}

static inline void put_options(Buffer *out, const TableOptions *options)
{
    put_number_field(out, "flush_rows", options->flush_rows);
    put_number_field(out, "flush_interval_ms", options->flush_interval_ms);
    put_number_field(out, "flush_bytes", options->flush_bytes);
    put_number_field(out, "ttl_ms", options->ttl_ms);
    put_number_field(out, "snapshot_retention_ms", options->snapshot_retention_ms);
    put_number_field(out, "target_file_bytes", options->target_file_bytes);
    put_slice_field(out, "compression", slice_of_text(options->compression));
    put_number_field(out, "format_version", options->format_version);
}

static inline void put_access(Buffer *out, TableAccess access)
{
    static const char *const names[] = {"", " protected", " public"};
    buffer_put_text(out, names[access]);
}

static inline void put_checks(Buffer *out, const CatalogCheck *checks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        buffer_put_format(out, " check %.*s (%.*s)", SLICE_ARGUMENTS(checks[i].name),
                          SLICE_ARGUMENTS(checks[i].sql));
}

static inline void put_create_table(Buffer *out, const BoundCreateTable *table)
{
    static const char *const kinds[] = {"", "shared", "user", "stream"};
    buffer_put_format(out, " %.*s.%.*s", SLICE_ARGUMENTS(table->namespace_name),
                      SLICE_ARGUMENTS(table->name));
    put_flag(out, "if not exists", table->if_not_exists);
    if (table->exists_already) {
        buffer_put_text(out, " exists");
        return;
    }
    buffer_put_format(out, " %s (", kinds[table->kind]);
    for (uint32_t i = 0; i < table->column_count; i++) {
        buffer_put_text(out, i == 0 ? "" : ", ");
        put_column(out, &table->columns[i]);
    }
    buffer_put_text(out, ")");
    put_checks(out, table->checks, table->check_count);
    put_options(out, &table->options);
    put_access(out, table->access);
    put_slice_field(out, "storage", table->storage);
}

static inline void put_alter_column(Buffer *out, const BoundAlterTable *alter)
{
    const Column *column = &alter->table->schema->columns[alter->column];
    buffer_put_format(out, " %.*s", SLICE_ARGUMENTS(column->name));
}

static inline void put_alter_table(Buffer *out, const BoundAlterTable *alter)
{
    put_table(out, alter->table);
    put_flag(out, "nothing to do", alter->nothing_to_do);
    if (alter->table == NULL)
        return;
    switch (alter->kind) {
    case ALTER_ADD_COLUMN:
        buffer_put_text(out, " add ");
        if (!alter->nothing_to_do)
            put_column(out, &alter->added);
        break;
    case ALTER_DROP_COLUMN:
        buffer_put_text(out, " drop");
        if (!alter->nothing_to_do)
            put_alter_column(out, alter);
        break;
    case ALTER_RENAME_COLUMN:
        buffer_put_text(out, " rename");
        put_alter_column(out, alter);
        put_slice_field(out, "to", alter->new_name);
        break;
    case ALTER_COLUMN_TYPE:
        buffer_put_text(out, " type ");
        put_column(out, &alter->added);
        break;
    case ALTER_SET_DEFAULT:
    case ALTER_DROP_DEFAULT:
        buffer_put_text(out, alter->kind == ALTER_SET_DEFAULT ? " set default" : " drop default");
        put_alter_column(out, alter);
        put_slice_field(out, "", alter->added.column.default_sql);
        break;
    case ALTER_SET_NOT_NULL:
    case ALTER_DROP_NOT_NULL:
        buffer_put_text(out,
                        alter->kind == ALTER_SET_NOT_NULL ? " set not null" : " drop not null");
        put_alter_column(out, alter);
        break;
    case ALTER_SET_OPTIONS:
        buffer_put_format(out, " set %u", alter->options_set);
        put_options(out, &alter->options);
        put_access(out, alter->access);
        put_slice_field(out, "storage", alter->storage);
        break;
    case ALTER_RENAME_TABLE:
        put_slice_field(out, "to", alter->new_name);
        break;
    }
    put_checks(out, alter->checks, alter->check_count);
}

static inline void put_drop(Buffer *out, const BoundDrop *drop)
{
    put_slice_field(out, "namespace", drop->namespace_name);
    put_slice_field(out, "name", drop->name);
    put_flag(out, "if exists", drop->if_exists);
    put_flag(out, "if not exists", drop->if_not_exists);
    put_flag(out, "cascade", drop->cascade);
    put_flag(out, "found", drop->table != NULL);
}

static inline void put_user(Buffer *out, const BoundUser *user)
{
    put_slice_field(out, "name", user->name);
    put_slice_field(out, "password", user->password);
    if (user->has_role)
        buffer_put_format(out, " role=%s", role_name(user->role));
    put_slice_field(out, "email", user->email);
    put_slice_field(out, "storage", user->storage);
    put_flag(out, "keep data", user->keep_data);
    put_flag(out, "if exists", user->if_exists);
    put_flag(out, "if not exists", user->if_not_exists);
}

static inline void put_maintenance(Buffer *out, const BoundMaintenance *maintenance)
{
    put_table(out, maintenance->table);
    if (maintenance->system != NULL)
        buffer_put_format(out, " system.%s", maintenance->system->name);
    put_slice_field(out, "in", maintenance->namespace_name);
    put_slice_field(out, "for", maintenance->for_user);
    put_flag(out, "async", maintenance->is_async);
}

static inline void put_setting(Buffer *out, const BoundSetting *setting)
{
    put_slice_field(out, "name", setting->name);
    put_slice_field(out, "value", setting->value);
    put_flag(out, "reset", setting->is_reset);
}

static inline void put_references(Buffer *out, const BoundReference *references, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put_table(out, references[i].table);
        if (references[i].system != NULL)
            buffer_put_format(out, " system.%s", references[i].system->name);
        put_flag(out, "all users", references[i].all_users);
        put_slice_field(out, "as", references[i].as_user);
    }
}

static inline void put_subscribe(Buffer *out, const Plan *plan)
{
    const SubscribeOptions *options = &plan->subscribe_options;
    put_references(out, plan->as.subscribe->initial->references,
                   plan->as.subscribe->initial->reference_count);
    put_flag(out, "filter", plan->as.subscribe->filter != NULL);
    put_number_field(out, "last_rows", options->last_rows + 1);
    put_number_field(out, "batch_size", options->batch_size + 1);
    put_number_field(out, "from_seq", options->from_seq + 1);
    put_number_field(out, "until_seq", options->until_seq + 1);
    put_number_field(out, "from_time", options->from_time_us + 1);
    put_number_field(out, "until_time", options->until_time_us + 1);
    put_flag(out, "pull", options->pull);
}

static inline void plan_put_text(Buffer *out, const Plan *plan);

static inline void put_rows(Buffer *out, const Plan *plan)
{
    switch (plan->kind) {
    case STATEMENT_SELECT:
        put_references(out, plan->as.select->references, plan->as.select->reference_count);
        return;
    case STATEMENT_INSERT:
        put_references(out, &plan->as.insert->target, 1);
        return;
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        put_references(out, &plan->as.change->target, 1);
        return;
    case STATEMENT_SUBSCRIBE:
        put_subscribe(out, plan);
        return;
    default:
        return;
    }
}

static inline void put_body(Buffer *out, const Plan *plan)
{
    switch (plan->kind) {
    case STATEMENT_CREATE_TABLE:
        put_create_table(out, plan->as.create_table);
        return;
    case STATEMENT_ALTER_TABLE:
        put_alter_table(out, plan->as.alter_table);
        return;
    case STATEMENT_CREATE_NAMESPACE:
    case STATEMENT_DROP_NAMESPACE:
    case STATEMENT_DROP_TABLE:
    case STATEMENT_TRUNCATE:
    case STATEMENT_USE:
        put_drop(out, plan->as.drop);
        return;
    case STATEMENT_CREATE_USER:
    case STATEMENT_ALTER_USER:
    case STATEMENT_DROP_USER:
        put_user(out, plan->as.user);
        return;
    case STATEMENT_CREATE_STORAGE:
    case STATEMENT_ALTER_STORAGE:
    case STATEMENT_DROP_STORAGE:
    case STATEMENT_CHECK_STORAGE:
        put_slice_field(out, "id", plan->as.storage->id);
        put_slice_field(out, "type", plan->as.storage->type);
        put_slice_field(out, "path", plan->as.storage->path);
        return;
    case STATEMENT_FLUSH_TABLE:
    case STATEMENT_FLUSH_ALL:
    case STATEMENT_COMPACT_TABLE:
    case STATEMENT_COMPACT_ALL:
    case STATEMENT_DESCRIBE:
        put_maintenance(out, plan->as.maintenance);
        return;
    case STATEMENT_SET:
    case STATEMENT_SHOW_SETTING:
    case STATEMENT_ALTER_SYSTEM:
    case STATEMENT_BEGIN:
        put_setting(out, plan->as.setting);
        return;
    case STATEMENT_COMMENT:
        put_table(out, plan->as.comment.table);
        put_number_field(out, "column", plan->as.comment.column + 1);
        put_slice_field(out, "text", plan->as.comment.text);
        return;
    case STATEMENT_KILL_JOB:
    case STATEMENT_KILL_QUERY:
    case STATEMENT_KILL_LIVE_QUERY:
    case STATEMENT_KILL_CONNECTION:
        put_slice_field(out, "id", plan->as.kill_id);
        return;
    case STATEMENT_EXPLAIN:
        put_flag(out, "analyze", plan->explain_analyze);
        buffer_put_text(out, ": ");
        plan_put_text(out, plan->as.explained);
        return;
    default:
        put_rows(out, plan);
        return;
    }
}

static inline void plan_put_text(Buffer *out, const Plan *plan)
{
    buffer_put_text(out, statement_name(plan->kind));
    put_slice_field(out, "execute as", plan->execute_as);
    put_body(out, plan);
}

#endif
