/* Statements that need no waiting, run where they arrive: on a network loop. A hop to a statement
 * thread costs more than a single-row write does. */
#include <stdio.h>

#include "execute/execute_int.h"

static bool is_quick_change(const Plan *plan)
{
    const BoundChange *change = plan->as.change;
    const BoundReference *target = &change->target;
    if (change->short_read == NULL || !is_point_read(target, change->short_read) ||
        change->short_read->point_count > 1 || change->returning.column_count > 0 ||
        target->as_user.size > 0 || target->table->kind == TABLE_STREAM)
        return false;
    for (uint32_t i = 0; i < change->set_count; i++) {
        const Column *column = &target->schema->columns[change->set[i].column];
        if (change->set[i].value == NULL || column->key_position >= 0)
            return false;
    }
    return true;
}

static bool is_quick_select(const Plan *plan)
{
    const BoundSelect *select = plan->as.select;
    const ShortRead *read = select->short_read;
    if (read == NULL || select->is_count_of_table)
        return false;
    if (!read->has_table)
        return true;
    const BoundReference *reference = &select->references[read->reference];
    return reference->system == NULL && is_point_read(reference, read) && read->point_count <= 1;
}

bool plan_is_quick(const Plan *plan)
{
    if (plan->execute_as.size > 0)
        return false;
    switch (plan->kind) {
    case STATEMENT_SELECT:
        return is_quick_select(plan);
    case STATEMENT_INSERT:
        return plan->as.insert->is_single_row_fast &&
               plan->as.insert->returning.column_count == 0 &&
               plan->as.insert->target.as_user.size == 0 &&
               !plan->as.insert->target.schema
                    ->columns[plan->as.insert->target.schema->key_columns[0]]
                    .hidden;
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        return is_quick_change(plan);
    default:
        return false;
    }
}

/* ---- writes ---- */

typedef struct QuickWrite {
    Run *run;
    const CatalogTable *table;
    OwnerId owner;
    BuiltRow built; /* INSERT: the proposed row */
    bool affected;
    Status refused; /* by the decision: told once what it saw is visible */
    Error refusal;
} QuickWrite;

static Status skip(QuickWrite *write, bool *skipped)
{
    write->affected = false;
    *skipped = true;
    return OK;
}

static Status refuse(QuickWrite *write, Status status, const Error *error, bool *skipped)
{
    write->refused = status;
    write->refusal = *error;
    *skipped = true;
    return OK;
}

static EvaluationContext old_row_context(QuickWrite *write, const RowFound *old)
{
    EvaluationContext context = evaluation_of(write->run, &write->run->arena);
    context.layout = &write->table->schema->layout;
    context.row = old->row;
    context.seq = (int64_t)old->seq;
    context.updated_us = old->updated_us;
    context.owner = write->run->who.acting_name;
    return context;
}

static Status assign(QuickWrite *write, const ColumnAssignment *set, uint32_t set_count,
                     EvaluationContext *context, BuiltRow *out, Error *error)
{
    Run *run = write->run;
    Value *values = ARENA_ARRAY(&run->arena, Value, write->table->schema->column_count);
    if (values == NULL)
        return arena_error(&run->arena, error);
    TRY(assign_row(run, write->table, set, set_count, context, NULL, SLICE_EMPTY, values, error));
    return build_row(run, write->table, values, write->owner, &run->arena, out, error);
}

static Status update_conflicting(QuickWrite *write, const RowFound *old, WriteOperation *operation,
                                 bool *skipped, Error *error)
{
    const BoundInsert *bound = write->run->plan->as.insert;
    EvaluationContext context = old_row_context(write, old);
    BuiltRow built;
    bool applies = true;
    context.excluded_layout = context.layout;
    context.excluded = write->built.row;
    if (bound->conflict_where != NULL)
        TRY(expression_is_true(bound->conflict_where, &context, &applies, error));
    if (!applies)
        return skip(write, skipped);
    TRY(assign(write, bound->conflict_set, bound->conflict_set_count, &context, &built, error));
    if (!slice_equal(built.key, write->built.key))
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "ON CONFLICT DO UPDATE that changes the primary key is not supported");
    operation->row = built.row;
    write->affected = true;
    return OK;
}

static Status decide_insert(QuickWrite *write, const RowFound *old, bool had_old,
                            WriteOperation *operation, bool *skipped, Error *error)
{
    operation->kind = WRITE_PUT;
    operation->row = write->built.row;
    write->affected = true;
    if (!had_old)
        return OK;
    switch (write->run->plan->as.insert->conflict) {
    case CONFLICT_ERROR:
        return duplicate_key(write->table, write->built.key, error);
    case CONFLICT_NOTHING:
        return skip(write, skipped);
    case CONFLICT_UPDATE:
        return update_conflicting(write, old, operation, skipped, error);
    }
    UNREACHABLE();
}

static Status decide_change(QuickWrite *write, const RowFound *old, bool had_old,
                            WriteOperation *operation, bool *skipped, Error *error)
{
    const Plan *plan = write->run->plan;
    const BoundChange *bound = plan->as.change;
    bool wanted = had_old;
    if (!had_old)
        return skip(write, skipped);
    EvaluationContext context = old_row_context(write, old);
    if (bound->where != NULL)
        TRY(expression_is_true(bound->where, &context, &wanted, error));
    if (!wanted)
        return skip(write, skipped);
    write->affected = true;
    if (plan->kind == STATEMENT_DELETE) {
        operation->kind = WRITE_DELETE;
        return OK;
    }
    BuiltRow built;
    TRY(assign(write, bound->set, bound->set_count, &context, &built, error));
    operation->kind = WRITE_PUT;
    operation->row = built.row;
    return OK;
}

/* A refusal is an answer too, and waits until what it met is visible. */
static Status decide(void *context, const RowFound *old, bool had_old, WriteOperation *operation,
                     bool *skipped, Error *error)
{
    QuickWrite *write = context;
    Status status = write->run->plan->kind == STATEMENT_INSERT
                        ? decide_insert(write, old, had_old, operation, skipped, error)
                        : decide_change(write, old, had_old, operation, skipped, error);
    return status == OK ? OK : refuse(write, status, error, skipped);
}

/* ---- the key ---- */

static Status proposed_row(QuickWrite *write, Error *error)
{
    Run *run = write->run;
    const BoundInsert *bound = run->plan->as.insert;
    const Schema *schema = write->table->schema;
    EvaluationContext context = evaluation_of(run, &run->arena);
    Value *values = ARENA_ARRAY(&run->arena, Value, schema->column_count);
    bool *given = ARENA_ARRAY(&run->arena, bool, schema->column_count);
    if (values == NULL || given == NULL)
        return arena_error(&run->arena, error);
    for (uint32_t i = 0; i < bound->column_count; i++) {
        TRY(expression_evaluate(bound->rows[0][i], &context, &values[bound->columns[i]], error));
        given[bound->columns[i]] = true;
    }
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (given[c])
            continue;
        values[c] = value_null(schema->columns[c].type.kind);
        if (bound->defaults[c] != NULL)
            TRY(expression_evaluate(bound->defaults[c], &context, &values[c], error));
    }
    return build_row(run, write->table, values, write->owner, &run->arena, &write->built, error);
}

static Status change_key(QuickWrite *write, Slice *out, bool *is_null, Error *error)
{
    Run *run = write->run;
    const BoundChange *bound = run->plan->as.change;
    Buffer key;
    buffer_open(&key, 0);
    Status status = point_key(run, &bound->target, bound->short_read, 0, &key, is_null, error);
    if (status == OK)
        status = arena_clone(&run->arena, buffer_slice(&key), out, error);
    buffer_close(&key);
    return status;
}

/* ---- the commit ---- */

typedef struct QuickCommit {
    QuickDone done;
    void *context;
} QuickCommit;

static void committed(void *context, Status status, const CommitResult *result)
{
    QuickCommit *commit = context;
    commit->done(commit->context, status, result->last_seq);
    memory_free(commit);
}

static void summarise(Run *run, bool affected)
{
    run->summary->row_count = affected;
    run->summary->durability = durability_given(run->executor);
    switch (run->plan->kind) {
    case STATEMENT_INSERT:
        set_tag(run, "INSERT 0 %d", affected);
        return;
    case STATEMENT_UPDATE:
        set_tag(run, "UPDATE %d", affected);
        return;
    default:
        set_tag(run, "DELETE %d", affected);
        return;
    }
}

/* Nothing was written. Its answer may only be given here when what it saw is visible already;
 * waiting is for a statement thread. */
static Status answer_unwritten(QuickWrite *write, uint64_t seen, Error *error)
{
    if (engine_visible(write->run->executor->engine) < seen)
        return error_of(error, STATUS_WOULD_BLOCK);
    if (write->refused != OK) {
        *error = write->refusal;
        return write->refused;
    }
    summarise(write->run, false);
    return OK;
}

static Status write_key(QuickWrite *write, Slice key, QuickDone done, void *done_context,
                        bool *pending, Error *error)
{
    Run *run = write->run;
    EngineTable *table = engine_table(run->executor->engine, write->table->id);
    uint64_t seen = 0;
    bool skipped = false;
    if (table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    QuickCommit *commit = MEMORY_NEW(QuickCommit);
    Status status = commit == NULL ? error_out_of_memory(error) : OK;
    if (status == OK) {
        *commit = (QuickCommit){done, done_context};
        summarise(run, true); /* before: `done` may be called before write_single returns */
        status = write_single(run->executor->engine, table, write->table->schema->version, key,
                              decide, write, committed, commit, &seen, &skipped, error);
    }
    engine_table_release(table);
    *pending = status == OK && !skipped;
    if (!*pending)
        memory_free(commit);
    TRY(status);
    return skipped ? answer_unwritten(write, seen, error) : OK;
}

static Status quick_write(Run *run, QuickDone done, void *done_context, bool *pending, Error *error)
{
    QuickWrite write = {.run = run};
    Slice key;
    bool is_null = false;
    if (run->plan->kind == STATEMENT_INSERT) {
        write.table = run->plan->as.insert->target.table;
        write.owner = owner_for(run, write.table);
        TRY(proposed_row(&write, error));
        key = write.built.key;
    } else {
        write.table = run->plan->as.change->target.table;
        write.owner = owner_for(run, write.table);
        TRY(change_key(&write, &key, &is_null, error));
        if (is_null) {
            summarise(run, false);
            return OK;
        }
    }
    return write_key(&write, key, done, done_context, pending, error);
}

/* ---- reads ---- */

static Status quick_read(Run *run, Error *error)
{
    const BoundSelect *select = run->plan->as.select;
    const ResultSink *sink = run->sink;
    uint64_t rows;
    bool done;
    TRY(sink->columns(sink->context, select->columns, select->column_count, error));
    TRY(read_short(run, select, true, &rows, &done, error));
    if (!done)
        return error_of(error, STATUS_WOULD_BLOCK);
    run->summary->has_rows = true;
    run->summary->row_count = rows;
    set_tag(run, "SELECT %llu", (unsigned long long)rows);
    return OK;
}

Status execute_quick(Executor *executor, Session *session, Plan *plan, const Value *parameters,
                     uint32_t parameter_count, const ResultSink *sink, ResultSummary *summary,
                     QuickDone done, void *done_context, bool *pending, Error *error)
{
    Run run;
    *pending = false;
    if (!plan_is_quick(plan))
        return error_of(error, STATUS_WOULD_BLOCK);
    run_open(executor, session, plan, parameters, parameter_count, sink, summary, &run);
    Status status = check_plan(&run, error);
    if (status == OK)
        status = check_parameters(&run, error);
    if (status == OK)
        status = plan->kind == STATEMENT_SELECT
                     ? quick_read(&run, error)
                     : quick_write(&run, done, done_context, pending, error);
    run_close(&run);
    if (status != STATUS_WOULD_BLOCK) {
        atomic_fetch_add(&executor->statements, 1);
        atomic_fetch_add(&executor->quick, 1);
        atomic_fetch_add(&executor->failed, status != OK);
    }
    return status;
}
