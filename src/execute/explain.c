/* EXPLAIN: which executor answers, what each table costs it (files considered, pruned, opened; hot
 * rows offered), and the engine's own plan; with ANALYZE the statement is run, and counted. */
#include <stdarg.h>
#include <stdio.h>

#include "execute/execute_int.h"
#include "sql/parse.h"
#include "sql/results.h"

typedef struct Explain {
    Run *run;
    RowSender sender;
} Explain;

static Status put_line(Explain *explain, const char *text, size_t size, Error *error)
{
    Value value = value_text(slice_of(text, size));
    return row_sender_put(&explain->sender, &value, error);
}

static Status put_format(Explain *explain, Error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static Status put_format(Explain *explain, Error *error, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    return put_line(explain, line, strlen(line), error);
}

static const char *short_kind(const BoundSelect *select)
{
    const ShortRead *read = select->short_read;
    if (!read->has_table)
        return "expressions only";
    const BoundReference *reference = &select->references[read->reference];
    if (is_point_read(reference, read))
        return read->point_count > 1 ? "several keys" : "one key";
    return read->backward ? "key range, newest first" : "key range";
}

static Status explain_references(Explain *explain, const BoundSelect *select,
                                 const OpenReferences *open, Error *error)
{
    for (uint32_t i = 0; i < select->reference_count; i++) {
        const BoundReference *reference = &select->references[i];
        const QueryReference *query = &open->references[i];
        uint64_t dirty = 0;
        for (size_t f = 0; f < query->file_count; f++)
            dirty += query->files[f].deletes.size > 0 || query->files[f].marks.size > 0;
        if (reference->system != NULL) {
            TRY(put_format(explain, error, "  system.%s", reference->system->name));
            continue;
        }
        TRY(put_format(explain, error, "  %.*s.%.*s: %zu files opened, %llu of them with deletes",
                       SLICE_ARGUMENTS(reference->table->namespace_name),
                       SLICE_ARGUMENTS(reference->table->name), query->file_count,
                       (unsigned long long)dirty));
    }
    return put_format(
        explain, error, "Files: %llu considered, %llu pruned, %llu opened; hot rows: %llu",
        (unsigned long long)open->files_considered, (unsigned long long)open->files_pruned,
        (unsigned long long)(open->files_considered - open->files_pruned),
        (unsigned long long)open->hot_rows_offered);
}

/* ---- running it ---- */

static Status count_columns(void *context, const ResultColumn *columns, uint32_t count,
                            Error *error)
{
    (void)context;
    (void)columns;
    (void)count;
    (void)error;
    return OK;
}

static Status count_json(void *context, Slice rows, uint64_t count, Error *error)
{
    (void)rows;
    (void)error;
    *(uint64_t *)context += count;
    return OK;
}

static Status count_row(void *context, const Value *values, uint32_t count, Error *error)
{
    (void)values;
    (void)count;
    (void)error;
    *(uint64_t *)context += 1;
    return OK;
}

static Status analyze(Explain *explain, const Plan *plan, Error *error)
{
    Run *run = explain->run;
    uint64_t rows = 0;
    uint64_t returned = 0;
    ResultSink sink = {true, count_columns, count_json, count_row, &rows};
    int64_t begin_ns = env_monotonic_ns(run->executor->env);
    TRY(select_any(run, plan->as.select, &sink, &returned, error));
    double took_ms = (double)(env_monotonic_ns(run->executor->env) - begin_ns) / 1e6;
    return put_format(explain, error, "Ran: %llu rows in %.3f ms", (unsigned long long)returned,
                      took_ms);
}

/* ---- reads ---- */

static Status put_engine_plan(Explain *explain, const BoundSelect *select,
                              const OpenReferences *open, Error *error)
{
    Run *run = explain->run;
    Buffer text;
    Status status = OK;
    buffer_open(&text, 0);
    GO(explain_by_engine(run, select, open, &text, error));
    for (size_t at = 0; at < text.size;) {
        Slice rest = slice_part(buffer_slice(&text), at, SIZE_MAX);
        size_t size = slice_find(rest, '\n');
        GO(put_line(explain, (const char *)rest.data, size, error));
        at += size + 1;
    }
done:
    buffer_close(&text);
    return status;
}

/* What finds the rows of a change reads where they lie, too. */
static Status explain_select(Explain *explain, const BoundSelect *select, bool with_location,
                             Error *error)
{
    Run *run = explain->run;
    OpenReferences open;
    if (select->short_read != NULL)
        TRY(put_format(explain, error, "Row executor: %s%s", short_kind(select),
                       select->short_read->has_table
                           ? " (the engine where it is long, or in many files)"
                           : ""));
    if (select->is_count_of_table)
        TRY(put_format(explain, error, "Counts: answered without reading rows"));
    if (select->short_read != NULL && !select->short_read->has_table)
        return OK;
    TRY(put_format(explain, error, "Engine:"));
    TRY(references_open(run, select, with_location, &open, error));
    Status status = explain_references(explain, select, &open, error);
    if (status == OK)
        status = put_engine_plan(explain, select, &open, error);
    references_close(run, &open);
    return status;
}

static Status explain_plan(Explain *explain, Error *error)
{
    const Plan *plan = explain->run->plan->as.explained;
    switch (plan->kind) {
    case STATEMENT_SELECT:
        TRY(explain_select(explain, plan->as.select, false, error));
        return explain->run->plan->explain_analyze ? analyze(explain, plan, error) : OK;
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        TRY(put_format(explain, error, "%s: finds its rows, then looks again at the head",
                       statement_name(plan->kind)));
        return explain_select(explain, plan->as.change->find, true, error);
    case STATEMENT_INSERT:
        TRY(put_format(explain, error, "INSERT: %s",
                       plan->as.insert->query != NULL ? "rows of a query" : "rows of VALUES"));
        return plan->as.insert->query == NULL
                   ? OK
                   : explain_select(explain, plan->as.insert->query, false, error);
    default:
        return put_format(explain, error, "%s", statement_name(plan->kind));
    }
}

/* The guard asked about the explained statement, whose parameters are ours. */
Status run_explain(Run *run, Error *error)
{
    const ResultSink *sink = run->sink;
    Explain explain = {.run = run};
    uint32_t count;
    const Plan *plan = run->plan->as.explained;
    const ResultColumn *columns = statement_result_columns(run->plan, &count);
    Status status = OK;
    if (run->plan->explain_analyze && plan->kind != STATEMENT_SELECT)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "EXPLAIN ANALYZE of %s is not supported: it would run it",
                         statement_name(plan->kind));
    TRY(sink->columns(sink->context, columns, count, error));
    row_sender_open(run, columns, count, &explain.sender);
    GO(explain_plan(&explain, error));
    GO(row_sender_flush(&explain.sender, error));
    run->summary->has_rows = true;
    run->summary->row_count = explain.sender.sent;
    set_tag(run, "EXPLAIN");
done:
    row_sender_close(&explain.sender);
    return status;
}
