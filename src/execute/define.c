/* Definitions: from plans to the catalog. */
#include <stdarg.h>
#include <stdio.h>

#include "execute/execute_int.h"
#include "sql/parse.h"

void add_notice(Run *run, const char *format, ...)
{
    ResultSummary *summary = run->summary;
    if (summary->notice_count == NOTICES_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(summary->notices[summary->notice_count++], NOTICE_BYTES_MAX, format, arguments);
    va_end(arguments);
}

void set_tag(Run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(run->summary->tag, sizeof run->summary->tag, format, arguments);
    va_end(arguments);
}

static int64_t lock_deadline(const Run *run)
{
    return env_monotonic_ns(run->executor->env) + run->options.lock_timeout_ns;
}

/* ---- namespaces ---- */

static Status create_namespace(Run *run, Error *error)
{
    const BoundDrop *bound = run->plan->as.drop;
    bool existed = false;
    TRY(catalog_create_namespace(run->executor->catalog, bound->namespace_name, run->who.user_id,
                                 bound->if_not_exists, &existed, error));
    if (existed)
        add_notice(run, "namespace \"%.*s\" already exists, skipping",
                   SLICE_ARGUMENTS(bound->namespace_name));
    return OK;
}

static Status submit_cleanup(Run *run, uint64_t table_id, const char *folder, Error *error)
{
    char id[JOB_ID_BYTES];
    JobRequest request = {.type = JOB_CLEANUP,
                          .table_id = table_id,
                          .submitter = run->who.user_id,
                          .trigger = TRIGGER_COMMAND,
                          .folder = folder};
    return jobs_submit(run->executor->jobs, &request, id, error);
}

/* The folders go with a job: somebody may still be reading. The tables are gone already, so what
 * cannot be handed to a job is no error of the statement. */
static void clean_up(Run *run, const DropCounts *dropped)
{
    const ExecutorHooks *hooks = &run->executor->hooks;
    for (uint32_t i = 0; i < dropped->tables; i++) {
        Error failure;
        jobs_cancel_table(run->executor->jobs, dropped->table_ids[i]);
        hooks->table_dropped(hooks->context, dropped->table_ids[i]);
        if (submit_cleanup(run, dropped->table_ids[i], dropped->folders[i], &failure) != OK)
            add_notice(run, "the files of a dropped table were not removed yet: %s",
                       failure.message);
    }
}

static Status drop_namespace(Run *run, Error *error)
{
    const BoundDrop *bound = run->plan->as.drop;
    DropCounts dropped;
    bool missing = false;
    TRY(catalog_drop_namespace(run->executor->catalog, bound->namespace_name, bound->if_exists,
                               bound->cascade, lock_deadline(run), &run->arena, &dropped, &missing,
                               error));
    if (missing)
        add_notice(run, "namespace \"%.*s\" does not exist, skipping",
                   SLICE_ARGUMENTS(bound->namespace_name));
    run->summary->row_count = dropped.tables;
    if (dropped.tables > 0)
        (void)snprintf(run->summary->message, sizeof run->summary->message, "%u tables dropped",
                       dropped.tables);
    clean_up(run, &dropped);
    return OK;
}

/* ---- tables ---- */

static Status draft_of(Run *run, const BoundCreateTable *bound, TableDraft *out, Error *error)
{
    Column *columns = ARENA_ARRAY(&run->arena, Column, bound->column_count);
    const Expression **defaults = ARENA_ARRAY(&run->arena, const Expression *, bound->column_count);
    if (columns == NULL || defaults == NULL)
        return arena_error(&run->arena, error);
    for (uint32_t i = 0; i < bound->column_count; i++) {
        columns[i] = bound->columns[i].column;
        defaults[i] = bound->columns[i].default_value;
    }
    *out = (TableDraft){.namespace_name = bound->namespace_name,
                        .name = bound->name,
                        .kind = bound->kind,
                        .access = bound->access,
                        .columns = columns,
                        .column_count = bound->column_count,
                        .defaults = defaults,
                        .key_columns = bound->key_columns,
                        .key_count = bound->key_count,
                        .checks = bound->checks,
                        .check_count = bound->check_count,
                        .options = bound->options,
                        .storage = bound->storage,
                        .creator = run->who.user_id};
    return OK;
}

static Status create_table(Run *run, Error *error)
{
    const BoundCreateTable *bound = run->plan->as.create_table;
    TableDraft draft;
    bool existed = bound->exists_already;
    if (!existed) {
        TRY(draft_of(run, bound, &draft, error));
        TRY(catalog_create_table(run->executor->catalog, &draft, bound->if_not_exists, &existed,
                                 error));
    }
    if (existed)
        add_notice(run, "relation \"%.*s\" already exists, skipping", SLICE_ARGUMENTS(bound->name));
    return OK;
}

static void skip_missing(Run *run, const BoundDrop *bound)
{
    add_notice(run, "table \"%.*s\" does not exist, skipping", SLICE_ARGUMENTS(bound->name));
}

static Status drop_table(Run *run, Error *error)
{
    const BoundDrop *bound = run->plan->as.drop;
    DropCounts dropped;
    if (bound->table == NULL) {
        skip_missing(run, bound);
        return OK;
    }
    TRY(catalog_drop_table(run->executor->catalog, bound->table->id, lock_deadline(run),
                           &run->arena, &dropped, error));
    clean_up(run, &dropped);
    return OK;
}

static Status truncate_table(Run *run, Error *error)
{
    const BoundDrop *bound = run->plan->as.drop;
    if (bound->table == NULL) {
        skip_missing(run, bound);
        return OK;
    }
    return catalog_truncate_table(run->executor->catalog, bound->table->id, lock_deadline(run),
                                  error);
}

static Status comment_on(Run *run, Error *error)
{
    const Plan *plan = run->plan;
    TableEdit edit = {.kind = plan->as.comment.column < 0 ? EDIT_COMMENT : EDIT_COLUMN_COMMENT,
                      .table_id = plan->as.comment.table->id,
                      .column = (uint32_t)plan->as.comment.column,
                      .text = plan->as.comment.text,
                      .checks = plan->as.comment.table->checks,
                      .check_count = plan->as.comment.table->check_count};
    return catalog_edit_table(run->executor->catalog, &edit, lock_deadline(run), error);
}

/* ---- ALTER TABLE ---- */

static void take_options(const BoundAlterTable *bound, TableEdit *edit)
{
    TableOptions *options = &edit->options;
    uint32_t set = bound->options_set;
    *options = bound->table->options;
    edit->access = set & OPTION_ACCESS ? bound->access : bound->table->access;
    if (set & OPTION_FLUSH_ROWS)
        options->flush_rows = bound->options.flush_rows;
    if (set & OPTION_FLUSH_INTERVAL)
        options->flush_interval_ms = bound->options.flush_interval_ms;
    if (set & OPTION_FLUSH_BYTES)
        options->flush_bytes = bound->options.flush_bytes;
    if (set & OPTION_TTL)
        options->ttl_ms = bound->options.ttl_ms;
    if (set & OPTION_SNAPSHOT_RETENTION)
        options->snapshot_retention_ms = bound->options.snapshot_retention_ms;
    if (set & OPTION_TARGET_FILE_SIZE)
        options->target_file_bytes = bound->options.target_file_bytes;
    if (set & OPTION_COMPRESSION)
        memcpy(options->compression, bound->options.compression, sizeof options->compression);
}

static TableEditKind edit_kind(AlterKind kind)
{
    static const TableEditKind kinds[] = {
        [ALTER_ADD_COLUMN] = EDIT_ADD_COLUMN,       [ALTER_DROP_COLUMN] = EDIT_DROP_COLUMN,
        [ALTER_RENAME_COLUMN] = EDIT_RENAME_COLUMN, [ALTER_COLUMN_TYPE] = EDIT_COLUMN_TYPE,
        [ALTER_SET_DEFAULT] = EDIT_SET_DEFAULT,     [ALTER_DROP_DEFAULT] = EDIT_SET_DEFAULT,
        [ALTER_SET_NOT_NULL] = EDIT_SET_NOT_NULL,   [ALTER_DROP_NOT_NULL] = EDIT_DROP_NOT_NULL,
        [ALTER_SET_OPTIONS] = EDIT_OPTIONS,         [ALTER_RENAME_TABLE] = EDIT_RENAME_TABLE};
    return kinds[kind];
}

/* What rows that are there already have in a new column: its default, evaluated now. */
static Status initial_default(Run *run, const BoundColumn *added, Column *out, Error *error)
{
    EvaluationContext context = evaluation_of(run, &run->arena);
    out->initial_default = value_null(out->type.kind);
    if (added->default_value == NULL)
        return OK;
    return expression_evaluate(added->default_value, &context, &out->initial_default, error);
}

static bool needs_null_check(const BoundAlterTable *bound, const Column *added)
{
    return bound->kind == ALTER_SET_NOT_NULL ||
           (bound->kind == ALTER_ADD_COLUMN && added->not_null && added->initial_default.is_null);
}

static Status alter_table(Run *run, Error *error)
{
    const BoundAlterTable *bound = run->plan->as.alter_table;
    TableEdit edit = {.kind = edit_kind(bound->kind)};
    if (bound->table == NULL) {
        add_notice(run, "relation does not exist, skipping");
        return OK;
    }
    if (bound->nothing_to_do) {
        add_notice(run, "nothing to do, skipping");
        return OK;
    }
    if (bound->options_set & OPTION_STORAGE)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "moving a table to another storage is not built yet");
    edit.table_id = bound->table->id;
    edit.column = bound->column;
    edit.added = bound->added.column;
    edit.checks = bound->checks;
    edit.check_count = bound->check_count;
    edit.type = bound->type;
    edit.text = bound->new_name;
    if (bound->kind != ALTER_DROP_DEFAULT) {
        edit.default_value = bound->added.default_value;
        edit.default_sql = bound->added.column.default_sql;
    }
    if (bound->kind == ALTER_ADD_COLUMN)
        TRY(initial_default(run, &bound->added, &edit.added, error));
    if (bound->kind == ALTER_SET_OPTIONS)
        take_options(bound, &edit);
    NullCheck null_check = {run, bound};
    if (needs_null_check(bound, &edit.added)) {
        edit.check = check_not_null;
        edit.check_context = &null_check;
    }
    TRY(catalog_edit_table(run->executor->catalog, &edit, lock_deadline(run), error));
    if (bound->kind == ALTER_SET_OPTIONS && (bound->options_set & OPTION_ACCESS) != 0)
        run->executor->hooks.rights_changed(run->executor->hooks.context, 0); /* anybody's */
    if (bound->kind == ALTER_ADD_COLUMN && !edit.added.initial_default.is_null)
        add_notice(run, "rows in files keep the default through Firn; other readers of the Iceberg "
                        "table see NULL there until a compaction writes them again");
    return OK;
}

/* ---- storages ---- */

static Status storage_statement(Run *run, Error *error)
{
    const BoundStorage *bound = run->plan->as.storage;
    Catalog *catalog = run->executor->catalog;
    CatalogStorage storage = {.id = bound->id,
                              .type = bound->type,
                              .path = bound->path,
                              .options_json = bound->options_json};
    if (run->plan->kind == STATEMENT_DROP_STORAGE)
        return catalog_drop_storage(catalog, bound->id, error);
    if (!slice_equal_text(bound->type, "filesystem") && bound->type.size > 0)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "storages of type \"%.*s\" are not built yet",
                         SLICE_ARGUMENTS(bound->type));
    return catalog_put_storage(catalog, &storage, run->plan->kind == STATEMENT_CREATE_STORAGE,
                               error);
}

/* ---- the whole ---- */

static Status run_kind(Run *run, Error *error)
{
    switch (run->plan->kind) {
    case STATEMENT_CREATE_NAMESPACE:
        return create_namespace(run, error);
    case STATEMENT_DROP_NAMESPACE:
        return drop_namespace(run, error);
    case STATEMENT_CREATE_TABLE:
        return create_table(run, error);
    case STATEMENT_ALTER_TABLE:
        return alter_table(run, error);
    case STATEMENT_DROP_TABLE:
        return drop_table(run, error);
    case STATEMENT_TRUNCATE:
        return truncate_table(run, error);
    case STATEMENT_COMMENT:
        return comment_on(run, error);
    default:
        return storage_statement(run, error);
    }
}

Status run_definition(Run *run, Error *error)
{
    TRY(run_kind(run, error));
    set_tag(run, "%s", statement_name(run->plan->kind));
    return OK;
}
