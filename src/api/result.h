/* Result: the JSON of statements' results, as all doors send it (spec/protocols.md §1).
 *
 *     {"columns":[{"name":…,"type":…}],"rows":[[…]],"row_count":1,"message":"SELECT 1",
 *      "notices":[]}
 * one object after the other, with commas: what stands between the brackets of "results". A write
 * also says "seq" and "durability": up to where a reader must see, and what was promised.
 *
 * Threading: one thread. Ownership: the writer owns its bytes until result_writer_close; the
 * request's text is borrowed. Errors: those of `overflow`, PROGRAM_LIMIT_EXCEEDED, OUT_OF_MEMORY.
 */
#ifndef FIRN_API_RESULT_H
#define FIRN_API_RESULT_H

#include "database/database.h"

enum { RESULT_HEAD_BYTES = 64 }; /* kept free in front, for {"status":…,"took":…,"results":[ */

typedef struct ResultWriter {
    Buffer out;
    size_t statement_start; /* where the present statement's object begins */
    uint32_t results;
    bool has_columns; /* of the present statement */
    bool has_rows;
    bool is_within_row; /* the rest of a row is to come */
    size_t limit;       /* bytes; above it `overflow` is asked */
    /* Takes what was written so far away (result_writer_take), or says why not. */
    Status (*overflow)(struct ResultWriter *writer, Error *error);
    void *context;
} ResultWriter;

void result_writer_open(ResultWriter *writer, size_t limit);
void result_writer_close(ResultWriter *writer);

/* For database_execute; for database_execute_quick its `rows`, result_begin and result_end. */
StatementSink result_writer_sink(ResultWriter *writer);
void result_begin(ResultWriter *writer);
CHECKED Status result_end(ResultWriter *writer, const ResultSummary *summary, Error *error);

/* What SUBSCRIBE TO is answered by a door that cannot push. */
void result_put_subscription(ResultWriter *writer, Slice url, Slice sql);

/* As if nothing had been written for the present statement. */
void result_drop(ResultWriter *writer);

/* What stands between the brackets; borrowed. */
Slice result_content(const ResultWriter *writer);

/* Empties it: `content` was sent. */
void result_sent(ResultWriter *writer);

/* {"status":"success","took":…,"results":[…]}, in place: the writer takes nothing more. */
CHECKED Status result_finish(ResultWriter *writer, int64_t took_ns, Slice *out, Error *error);

/* [{"name":…,"type":…,"key":true}]; is_key may be NULL. */
void result_put_columns(Buffer *out, const ResultColumn *columns, const bool *is_key,
                        uint32_t count);

#endif
