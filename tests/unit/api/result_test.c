/* The shape of results. */
#include "api/result.h"

#include "tests/unit/base/test.h"

static const ResultColumn columns[] = {
    {.name = {(const uint8_t *)"id", 2}, .type = {.kind = TYPE_BIGINT}},
    {.name = {(const uint8_t *)"a\"b", 3}, .type = {.kind = TYPE_DECIMAL, .a = 10, .b = 2}},
};

static ResultSummary summary_of(const char *tag, uint64_t rows)
{
    ResultSummary summary = {.row_count = rows};
    (void)snprintf(summary.tag, sizeof summary.tag, "%s", tag);
    return summary;
}

static void rows_in_pieces_become_one_array(void **state)
{
    (void)state;
    ResultWriter writer;
    Error error;
    Slice body;
    result_writer_open(&writer, SIZE_MAX);
    StatementSink sink = result_writer_sink(&writer);
    ResultSummary summary = summary_of("SELECT 5", 5);
    assert_ok(sink.begin(sink.context, 1, &error), &error);
    assert_ok(sink.rows.columns(sink.rows.context, columns, 2, &error), &error);
    assert_ok(sink.rows.json(sink.rows.context, SLICE("[1,\"1.00\"],[2,\"2.00\"]"), 2, &error),
              &error);
    assert_ok(sink.rows.json(sink.rows.context, SLICE("[3,\"3.00\"]"), 1, &error), &error);
    /* the engine's pieces: the comma comes along, and a long row comes in parts */
    assert_ok(sink.rows.json(sink.rows.context, SLICE(",[4,"), 0, &error), &error);
    assert_ok(sink.rows.json(sink.rows.context, SLICE("\"4.00\"]"), 1, &error), &error);
    assert_ok(sink.rows.json(sink.rows.context, SLICE_EMPTY, 0, &error), &error);
    assert_ok(sink.rows.json(sink.rows.context, SLICE(",[5,null]"), 1, &error), &error);
    assert_ok(sink.end(sink.context, 1, &summary, 1, &error), &error);
    assert_ok(result_finish(&writer, 1234567, &body, &error), &error);
    assert_slice(
        body, "{\"status\":\"success\",\"took\":1.234,\"results\":[{\"columns\":[{\"name\":\"id\","
              "\"type\":\"BIGINT\"},{\"name\":\"a\\\"b\",\"type\":\"DECIMAL(10,2)\"}],\"rows\":["
              "[1,\"1.00\"],[2,\"2.00\"],[3,\"3.00\"],[4,\"4.00\"],[5,null]],\"row_count\":5,"
              "\"message\":\"SELECT 5\",\"notices\":[]}]}\n");
    result_writer_close(&writer);
}

static void statements_follow_each_other(void **state)
{
    (void)state;
    ResultWriter writer;
    Error error;
    Slice body;
    result_writer_open(&writer, SIZE_MAX);
    ResultSummary write = summary_of("INSERT 0 1", 1);
    write.seq = 12;
    write.durability = "always";
    result_begin(&writer);
    assert_ok(result_end(&writer, &write, &error), &error);
    ResultSummary notice = summary_of("CREATE TABLE", 0);
    notice.notice_count = 2;
    (void)snprintf(notice.notices[0], NOTICE_BYTES_MAX, "relation \"t\" already exists, skipping");
    (void)snprintf(notice.notices[1], NOTICE_BYTES_MAX, "second");
    (void)snprintf(notice.message, sizeof notice.message, "more");
    result_begin(&writer);
    assert_ok(result_end(&writer, &notice, &error), &error);
    assert_ok(result_finish(&writer, 0, &body, &error), &error);
    assert_slice(
        body,
        "{\"status\":\"success\",\"took\":0.000,\"results\":[{\"row_count\":1,\"message\":"
        "\"INSERT 0 1\",\"seq\":12,\"durability\":\"always\",\"notices\":[]},{\"row_count\":0,"
        "\"message\":\"CREATE TABLE\",\"information\":\"more\",\"notices\":[\"relation "
        "\\\"t\\\" already exists, skipping\",\"second\"]}]}\n");
    result_writer_close(&writer);
}

/* What a statement had sent before it failed is no result. */
static void a_failed_statement_leaves_the_ones_before_it(void **state)
{
    (void)state;
    ResultWriter writer;
    Error error;
    result_writer_open(&writer, SIZE_MAX);
    StatementSink sink = result_writer_sink(&writer);
    ResultSummary summary = summary_of("SET", 0);
    result_begin(&writer);
    assert_ok(result_end(&writer, &summary, &error), &error);
    result_begin(&writer);
    assert_ok(sink.rows.columns(sink.rows.context, columns, 2, &error), &error);
    assert_ok(sink.rows.json(sink.rows.context, SLICE("[1,2]"), 1, &error), &error);
    result_drop(&writer);
    assert_slice(result_content(&writer), "{\"row_count\":0,\"message\":\"SET\",\"notices\":[]}");
    result_writer_close(&writer);
}

static Status take_away(ResultWriter *writer, Error *error)
{
    Buffer *taken = writer->context;
    buffer_put_slice(taken, result_content(writer));
    result_sent(writer);
    return buffer_status(taken, error);
}

static void what_overflows_is_taken_away_and_nothing_is_lost(void **state)
{
    (void)state;
    ResultWriter writer;
    Buffer taken;
    Error error;
    buffer_open(&taken, 0);
    result_writer_open(&writer, 200);
    writer.overflow = take_away;
    writer.context = &taken;
    StatementSink sink = result_writer_sink(&writer);
    ResultSummary summary = summary_of("SELECT 1000", 1000);
    result_begin(&writer);
    assert_ok(sink.rows.columns(sink.rows.context, columns, 1, &error), &error);
    for (int i = 0; i < 1000; i++)
        assert_ok(sink.rows.json(sink.rows.context, SLICE("[1]"), 1, &error), &error);
    assert_true(writer.out.size < 300 + RESULT_HEAD_BYTES);
    assert_ok(result_end(&writer, &summary, &error), &error);
    buffer_put_slice(&taken, result_content(&writer));
    assert_false(taken.failed);
    assert_true(slice_starts_with(buffer_slice(&taken),
                                  SLICE("{\"columns\":[{\"name\":\"id\",\"type\":\"BIGINT\"}],"
                                        "\"rows\":[[1],[1],")));
    size_t rows = 0;
    for (size_t i = 0; i < taken.size; i++)
        rows += taken.data[i] == '1' && i > 0 && taken.data[i - 1] == '[';
    assert_int_equal(rows, 1000);
    result_writer_close(&writer);
    buffer_close(&taken);
}

static void without_a_taker_the_limit_is_an_error(void **state)
{
    (void)state;
    ResultWriter writer;
    Error error;
    result_writer_open(&writer, 100);
    StatementSink sink = result_writer_sink(&writer);
    result_begin(&writer);
    assert_status(STATUS_PROGRAM_LIMIT_EXCEEDED,
                  sink.rows.columns(sink.rows.context, columns, 2, &error));
    result_writer_close(&writer);
}

static void subscriptions_are_referred_to_the_websocket(void **state)
{
    (void)state;
    ResultWriter writer;
    result_writer_open(&writer, SIZE_MAX);
    result_begin(&writer);
    result_put_subscription(&writer, SLICE("ws://h/v1/ws"), SLICE("SUBSCRIBE TO \"t\""));
    assert_slice(result_content(&writer),
                 "{\"message\":\"connect by WebSocket\",\"subscription\":{\"ws_url\":"
                 "\"ws://h/v1/ws\",\"sql\":\"SUBSCRIBE TO \\\"t\\\"\",\"options\":{}}}");
    result_writer_close(&writer);
}

static void keys_are_marked(void **state)
{
    (void)state;
    static const bool is_key[] = {true, false};
    Buffer out;
    buffer_open(&out, 0);
    result_put_columns(&out, columns, is_key, 2);
    assert_slice(buffer_slice(&out), "[{\"name\":\"id\",\"type\":\"BIGINT\",\"key\":true},"
                                     "{\"name\":\"a\\\"b\",\"type\":\"DECIMAL(10,2)\"}]");
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_pieces_become_one_array),
        cmocka_unit_test(statements_follow_each_other),
        cmocka_unit_test(a_failed_statement_leaves_the_ones_before_it),
        cmocka_unit_test(what_overflows_is_taken_away_and_nothing_is_lost),
        cmocka_unit_test(without_a_taker_the_limit_is_an_error),
        cmocka_unit_test(subscriptions_are_referred_to_the_websocket),
        cmocka_unit_test(keys_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
