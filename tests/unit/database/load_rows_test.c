/* Bulk load's readers: what they make of good bodies, wherever these are cut, and of bad ones. */
#include "database/load_rows.h"

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/database/test.h"

/* ---- a body in pieces, and rows as text ---- */

typedef struct Body {
    Slice rest;
    size_t piece;     /* bytes at a time */
    uint64_t *random; /* … or up to so many, at random */
} Body;

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t x = *state;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static Status read_body(void *context, void *out, size_t size, size_t *got, Error *error)
{
    Body *body = context;
    (void)error;
    size_t n = body->random == NULL ? body->piece : 1 + next_random(body->random) % body->piece;
    n = n < size ? n : size;
    n = n < body->rest.size ? n : body->rest.size;
    if (n > 0)
        memcpy(out, body->rest.data, n);
    body->rest = slice_part(body->rest, n, SIZE_MAX);
    *got = n;
    return OK;
}

static Status read_nothing(void *context, void *out, size_t size, size_t *got, Error *error)
{
    (void)context, (void)out, (void)size, (void)got;
    return error_set(error, STATUS_CONNECTION_FAILURE, "the client is gone");
}

static const LoadColumn columns[] = {
    {{(const uint8_t *)"id", 2}, {.kind = TYPE_INTEGER}},
    {{(const uint8_t *)"body", 4}, {.kind = TYPE_TEXT}},
    {{(const uint8_t *)"score", 5}, {.kind = TYPE_DOUBLE}},
    {{(const uint8_t *)"extra", 5}, {.kind = TYPE_JSON}},
    {{(const uint8_t *)"raw", 3}, {.kind = TYPE_BYTEA}},
    {{(const uint8_t *)"price", 5}, {.kind = TYPE_DECIMAL, .a = 10, .b = 2}},
    {{(const uint8_t *)"at", 2}, {.kind = TYPE_TIMESTAMPTZ}},
};

typedef struct Taken {
    Buffer text;
    uint64_t rows;
    uint64_t refuse_at;
} Taken;

static Status take_row(void *context, const LoadRow *row, Error *error)
{
    Taken *taken = context;
    if (++taken->rows == taken->refuse_at)
        return error_set(error, STATUS_UNIQUE_VIOLATION, "there is one");
    buffer_put_format(&taken->text, "%llu:", (unsigned long long)row->line);
    for (size_t i = 0; i < COUNT(columns); i++) {
        if (!row->given[i])
            continue;
        buffer_put_format(&taken->text, " %s=", (const char *)columns[i].name.data);
        if (row->values[i].is_null)
            buffer_put_text(&taken->text, "~");
        else
            value_put_text(&taken->text, columns[i].type, &row->values[i]);
    }
    buffer_put_u8(&taken->text, '\n');
    return buffer_status(&taken->text, error);
}

typedef Status (*Loader)(const LoadTarget *target, const LoadSource *source, Error *error);

static Status load_with(Loader loader, Body body, size_t row_bytes_max, Taken *taken, Error *error)
{
    LoadTarget target = {.columns = columns,
                         .column_count = COUNT(columns),
                         .row_bytes_max = row_bytes_max,
                         .visit = take_row,
                         .context = taken};
    LoadSource source = {read_body, &body};
    return loader(&target, &source, error);
}

/* Every cut gives the same rows. */
static void assert_rows(Loader loader, const char *body, const char *wanted)
{
    static const size_t pieces[] = {1, 2, 3, 7, 1000, 1 << 20};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        Taken taken = {0};
        Error error;
        buffer_open(&taken.text, 0);
        Body whole = {slice_of_text(body), pieces[i], NULL};
        assert_ok(load_with(loader, whole, 0, &taken, &error), &error);
        assert_slice(buffer_slice(&taken.text), wanted);
        buffer_close(&taken.text);
    }
}

static void assert_fails(Loader loader, const char *body, Status wanted, const char *message)
{
    static const size_t pieces[] = {1, 1000};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        Taken taken = {0};
        Error error;
        buffer_open(&taken.text, 0);
        Body whole = {slice_of_text(body), pieces[i], NULL};
        Status status = load_with(loader, whole, 0, &taken, &error);
        buffer_close(&taken.text);
        if (status == OK)
            fail_msg("loaded: %s", body);
        assert_status(wanted, status);
        assert_contains(error.message, message);
    }
}

/* ---- NDJSON ---- */

static void ndjson_rows(void **state)
{
    (void)state;
    assert_rows(load_ndjson, "", "");
    assert_rows(load_ndjson, "\n \r\n", "");
    assert_rows(load_ndjson,
                "\xef\xbb\xbf{\"id\": 1, \"body\": \"a\\n\\u00e9\"}\r\n\n"
                "{\"score\": 1.5, \"id\": \"2\", \"body\": null}\n"
                "{\"extra\": {\"a\": [1, 2]}, \"raw\": \"AQI=\", \"price\": 1.005}\n"
                "{\"id\": 3.0, \"id\": 4}\n{}",
                "1: id=1 body=a\n\xc3\xa9\n3: id=2 body=~ score=1.5\n"
                "4: extra={\"a\": [1, 2]} raw=\\x0102 price=1.01\n5: id=4\n6:\n");
    assert_rows(load_ndjson, "{\"raw\": \"\\\\x0a\", \"at\": \"2026-01-02T03:04:05Z\"}\n",
                "1: raw=\\x0a at=2026-01-02 03:04:05+00\n");
}

static void ndjson_refusals(void **state)
{
    static const struct {
        const char *body;
        Status status;
        const char *message;
    } cases[] = {
        {"{\"id\": 1}\n{\"id\": \"x\"}\n", STATUS_INVALID_TEXT_REPRESENTATION,
         "line 2, column id: invalid input syntax for type integer: \"x\""},
        {"\n\n{\"id\": 3000000000}", STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "line 3, column id: "},
        {"{\"id\": true}", STATUS_INVALID_TEXT_REPRESENTATION, "line 1, column id: "},
        {"{\"bdy\": 1}", STATUS_UNDEFINED_COLUMN, "line 1: column \"bdy\" does not exist"},
        {"{\"id\": 1\n", STATUS_INVALID_JSON_TEXT, "line 1: "},
        {"{\"id\": 1} {\"id\": 2}\n", STATUS_INVALID_JSON_TEXT, "line 1: "},
        {"{}\n[1]\n", STATUS_INVALID_JSON_TEXT, "line 2: a row is a JSON object"},
        {"{\"body\": \"\xff\"}", STATUS_INVALID_JSON_TEXT, "line 1: "},
        {"{\"raw\": \"*\"}", STATUS_INVALID_TEXT_REPRESENTATION, "line 1, column raw: "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(load_ndjson, cases[i].body, cases[i].status, cases[i].message);
}

/* ---- CSV ---- */

static void csv_rows(void **state)
{
    (void)state;
    assert_rows(load_csv, "id,body\n", "");
    assert_rows(load_csv, "id", "");
    assert_rows(load_csv,
                "\xef\xbb\xbfscore,id,body\r\n1.5,1,\"a, \"\"quoted\"\"\nline\"\r\n,2,\r\n\r\n"
                "NaN,3,\"\"",
                "2: id=1 body=a, \"quoted\"\nline score=1.5\n4: id=2 body=~ score=~\n"
                "6: id=3 body= score=NaN\n");
    assert_rows(load_csv, "\"id\",\"raw\"\n1,\\x00ff\n", "2: id=1 raw=\\x00ff\n");
    assert_rows(load_csv, "body\n\nx\n\"\"\n", "2: body=~\n3: body=x\n4: body=\n");
    assert_rows(load_csv, "body,id\n  spaces kept ,1\r\n", "2: id=1 body=  spaces kept \n");
    assert_rows(load_csv, "body,id\n\"\"\"\",1\n\"a\r\nb\",2\n",
                "2: id=1 body=\"\n3: id=2 body=a\r\nb\n");
}

static void csv_refusals(void **state)
{
    static const struct {
        const char *body;
        Status status;
        const char *message;
    } cases[] = {
        {"", STATUS_BAD_COPY_FILE_FORMAT, "line 1: a CSV body begins"},
        {"id,nix\n1,2\n", STATUS_UNDEFINED_COLUMN, "line 1: column \"nix\" does not exist"},
        {"id,\n", STATUS_UNDEFINED_COLUMN, "line 1: column \"\" does not exist"},
        {"id,id\n", STATUS_DUPLICATE_COLUMN, "line 1: column \"id\" is named twice"},
        {"id,body\n1,\"open\n2,3\n", STATUS_BAD_COPY_FILE_FORMAT, "line 2: a quoted field"},
        {"id,body\n\n1,2,3\n", STATUS_BAD_COPY_FILE_FORMAT, "line 3: more fields"},
        {"id,body\n1\n", STATUS_BAD_COPY_FILE_FORMAT, "line 2: fewer fields"},
        {"id,body\n1,a\"b\n", STATUS_BAD_COPY_FILE_FORMAT, "line 2: a quote inside"},
        {"id,body\n1,\"a\"b\n", STATUS_BAD_COPY_FILE_FORMAT, "line 2: something follows"},
        {"id,body\n1,\"a\nb\"\nx,\n", STATUS_INVALID_TEXT_REPRESENTATION, "line 4, column id: "},
        {"body\n\xff\n", STATUS_CHARACTER_NOT_IN_REPERTOIRE, "line 2, column body: "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(load_csv, cases[i].body, cases[i].status, cases[i].message);
}

/* ---- both ---- */

static void rows_longer_than_the_limit_are_refused(void **state)
{
    static char body[200 << 10];
    static const Loader loaders[] = {load_ndjson, load_csv};
    static const char *const begins[] = {"{\"body\": \"", "body\n\""};
    static const char *const ends[] = {"\"}\n", "\"\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(loaders); i++) {
        size_t at = strlen(begins[i]);
        memset(body, 'x', sizeof body);
        memcpy(body, begins[i], at);
        memcpy(body + sizeof body - 4, ends[i], strlen(ends[i]) + 1);
        for (size_t limit = 100 << 10; limit <= 400 << 10; limit += 300 << 10) {
            Taken taken = {0};
            Error error;
            buffer_open(&taken.text, 0);
            Body whole = {slice_of_text(body), 4096, NULL};
            Status status = load_with(loaders[i], whole, limit, &taken, &error);
            assert_status(limit > sizeof body ? STATUS_OK : STATUS_PROGRAM_LIMIT_EXCEEDED, status);
            assert_int_equal(taken.rows, limit > sizeof body ? 1 : 0);
            buffer_close(&taken.text);
        }
    }
}

static void callbacks_errors_pass_as_they_are(void **state)
{
    LoadTarget target = {.columns = columns, .column_count = COUNT(columns), .visit = take_row};
    LoadSource source = {read_nothing, NULL};
    Taken taken = {.refuse_at = 2};
    Error error;
    (void)state;
    assert_status(STATUS_CONNECTION_FAILURE, load_ndjson(&target, &source, &error));
    assert_status(STATUS_CONNECTION_FAILURE, load_csv(&target, &source, &error));
    buffer_open(&taken.text, 0);
    Body body = {SLICE("{}\n{}\n{}\n"), 2, NULL};
    assert_status(STATUS_UNIQUE_VIOLATION, load_with(load_ndjson, body, 0, &taken, &error));
    assert_string_equal(error.message, "there is one");
    assert_int_equal(taken.rows, 2);
    buffer_close(&taken.text);
}

/* Random rows, written as CSV and as NDJSON and cut at random, come back the same. */
static void random_bodies_come_back(void **state)
{
    static const char *const parts[] = {"a", "\"", ",", "\n", "\r\n", "\xc3\xa9", " ", "\\", "'"};
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : env_random_u64(env_real());
    uint64_t random = seed;
    (void)state;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    for (int round = 0; round < 200; round++) {
        Buffer csv, json, wanted, wanted_json;
        buffer_open(&csv, 0);
        buffer_open(&json, 0);
        buffer_open(&wanted, 0);
        buffer_open(&wanted_json, 0);
        buffer_put_text(&csv, "body,id\n");
        uint64_t line = 2;
        for (int row = 1; row <= 20; row++) {
            Buffer text;
            buffer_open(&text, 0);
            for (uint64_t n = next_random(&random) % 12; n > 0; n--)
                buffer_put_text(&text, parts[next_random(&random) % COUNT(parts)]);
            Slice body = buffer_slice(&text);
            buffer_put_text(&csv, "\"");
            for (size_t i = 0; i < body.size; i++) {
                buffer_put_u8(&csv, body.data[i]);
                if (body.data[i] == '"')
                    buffer_put_u8(&csv, '"');
            }
            buffer_put_format(&csv, "\",%d%s", row, next_random(&random) % 2 ? "\n" : "\r\n");
            buffer_put_text(&json, "{\"body\": ");
            json_put_string(&json, body);
            buffer_put_format(&json, ", \"id\": %d}\n", row);
            buffer_put_format(&wanted, "%llu: id=%d body=", (unsigned long long)line, row);
            buffer_put_slice(&wanted, body);
            buffer_put_u8(&wanted, '\n');
            buffer_put_format(&wanted_json, "%d: id=%d body=", row, row);
            buffer_put_slice(&wanted_json, body);
            buffer_put_u8(&wanted_json, '\n');
            for (size_t i = 0; i < body.size; i++)
                line += body.data[i] == '\n';
            line++;
            buffer_close(&text);
        }
        Taken taken = {0};
        Error error;
        buffer_open(&taken.text, 0);
        Body cut = {buffer_slice(&csv), 50, &random};
        assert_ok(load_with(load_csv, cut, 0, &taken, &error), &error);
        assert_true(slice_equal(buffer_slice(&taken.text), buffer_slice(&wanted)));
        buffer_clear(&taken.text);
        cut = (Body){buffer_slice(&json), 50, &random};
        assert_ok(load_with(load_ndjson, cut, 0, &taken, &error), &error);
        assert_true(slice_equal(buffer_slice(&taken.text), buffer_slice(&wanted_json)));
        buffer_close(&taken.text);
        buffer_close(&csv);
        buffer_close(&json);
        buffer_close(&wanted);
        buffer_close(&wanted_json);
    }
}

static void every_allocation_may_fail(void **state)
{
    static const Loader loaders[] = {load_ndjson, load_csv};
    static const char *const bodies[] = {
        "{\"id\": 1, \"body\": \"a\\n\", \"extra\": [1], \"raw\": \"AQI=\"}\n",
        "id,body,extra,raw\n1,\"a\"\"\",[1],\\x01\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(loaders); i++) {
        for (int64_t n = 1;; n++) {
            Taken taken = {0};
            Error error;
            buffer_open(&taken.text, 0);
            memory_fail_at(n, 1);
            Body body = {slice_of_text(bodies[i]), 10, NULL};
            Status status = load_with(loaders[i], body, 0, &taken, &error);
            bool all_failed = memory_allocations() < n;
            memory_fail_at(0, 0);
            buffer_close(&taken.text);
            if (all_failed) {
                assert_status(OK, status);
                break;
            }
            assert_status(STATUS_OUT_OF_MEMORY, status);
        }
    }
}

/* ---- Parquet: with the real worker ---- */

typedef struct ParquetTest {
    QueryPool *pool;
    Path folder;
    Path file;
} ParquetTest;

static Status ignore_rows(void *context, const RowLayout *layout, const Slice *rows, size_t count,
                          Error *error)
{
    (void)context, (void)layout, (void)rows, (void)count, (void)error;
    return OK;
}

/* Writes the query's result as a new file. */
static void write_parquet(ParquetTest *test, const char *query)
{
    static unsigned number;
    static const Type types[] = {{.kind = TYPE_BIGINT}};
    Buffer sql;
    Error error;
    assert_ok(path_format(&test->file, &error, "%s/%u.parquet", test->folder.text, number++),
              &error);
    buffer_open(&sql, 0);
    buffer_put_format(&sql, "COPY (%s) TO '%s' (FORMAT parquet)", query, test->file.text);
    Slice pieces[] = {buffer_slice(&sql)};
    QueryText text = {.pieces = pieces};
    QueryRequest request = {.text = &text,
                            .result_types = types,
                            .result_count = 1,
                            .format = QUERY_ROWS,
                            .deadline_ns = INT64_MAX};
    QuerySink sink = {.rows = ignore_rows};
    QueryHandle handle = {0};
    QueryResult result;
    assert_ok(query_run(test->pool, &request, &sink, &handle, &result, &error), &error);
    buffer_close(&sql);
}

static Status load_file(ParquetTest *test, Taken *taken, Error *error)
{
    LoadTarget target = {
        .columns = columns, .column_count = COUNT(columns), .visit = take_row, .context = taken};
    QueryHandle handle = {0};
    return load_parquet(&target, test->pool, test->file.text, &handle, error);
}

static void assert_parquet(ParquetTest *test, const char *query, const char *wanted)
{
    Taken taken = {0};
    Error error;
    write_parquet(test, query);
    buffer_open(&taken.text, 0);
    assert_ok(load_file(test, &taken, &error), &error);
    assert_slice(buffer_slice(&taken.text), wanted);
    buffer_close(&taken.text);
}

static void assert_parquet_fails(ParquetTest *test, const char *query, Status wanted,
                                 const char *message)
{
    Taken taken = {0};
    Error error;
    if (query != NULL)
        write_parquet(test, query);
    buffer_open(&taken.text, 0);
    assert_status(wanted, load_file(test, &taken, &error));
    assert_contains(error.message, message);
    assert_null(strstr(error.message, test->folder.text));
    assert_null(strstr(error.hint, test->folder.text));
    buffer_close(&taken.text);
}

static void parquet_rows(ParquetTest *test)
{
    assert_parquet(test, "SELECT 'x' AS body, 7::TINYINT AS id, 1 AS _seq, 2 AS _row",
                   "1: id=7 body=x\n");
    assert_parquet(test, "SELECT 2.5::DOUBLE AS id UNION ALL SELECT 3.5",
                   "1: id=2\n2: id=4\n"); /* PostgreSQL's rounding */
    assert_parquet(test,
                   "SELECT '12' AS id, 5 AS body, 1::FLOAT AS score, '{\"a\":1}' AS extra,"
                   " '\\x01'::BLOB AS raw, 1.005::DECIMAL(9,3) AS price,"
                   " TIMESTAMPTZ '2026-01-02 03:04:05+00' AS at",
                   "1: id=12 body=5 score=1 extra={\"a\":1} raw=\\x01 price=1.01"
                   " at=2026-01-02 03:04:05+00\n");
    assert_parquet(test, "SELECT NULL::INTEGER AS id, '2026-01-02' AS at",
                   "1: id=~ at=2026-01-02 00:00:00+00\n");
    assert_parquet(test, "SELECT 1 AS id WHERE false", "");
}

static void parquet_refusals(ParquetTest *test)
{
    assert_parquet_fails(test, "SELECT 1 AS id, 2 AS nix", STATUS_UNDEFINED_COLUMN,
                         "column \"nix\" does not exist");
    assert_parquet_fails(test, "SELECT 1 AS _seq", STATUS_BAD_COPY_FILE_FORMAT, "none of");
    assert_parquet_fails(test, "SELECT 3000000000 AS id", STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "row 1, column id: ");
    assert_parquet_fails(test, "SELECT '1' AS id UNION ALL SELECT 'x'",
                         STATUS_INVALID_TEXT_REPRESENTATION, "row 2, column id: ");
    assert_parquet_fails(test, "SELECT true AS id", STATUS_DATATYPE_MISMATCH,
                         "column \"id\" is INTEGER, and BOOLEAN in the file");
    assert_parquet_fails(test, "SELECT {'a': 1} AS extra", STATUS_DATATYPE_MISMATCH,
                         "column \"extra\" is JSON, and STRUCT");
    write_text(&test->folder, "bad", "PAR1 this is no parquet PAR1");
    Error error;
    assert_ok(path_join(&test->file, test->folder.text, "bad", &error), &error);
    assert_parquet_fails(test, NULL, STATUS_BAD_COPY_FILE_FORMAT, "no Parquet file");
    assert_ok(path_join(&test->file, test->folder.text, "missing", &error), &error);
    assert_parquet_fails(test, NULL, STATUS_BAD_COPY_FILE_FORMAT, "no Parquet file");
}

static void parquet_by_the_worker(void **state)
{
    const char *given = getenv("FIRN_WORKER");
    ParquetTest test;
    FileInformation worker;
    Path spill;
    Error error;
    (void)state;
    if (given == NULL)
        given = "build/release/firn-worker";
    assert_ok(env_stat(env_real(), given, &worker, &error), &error);
    if (!worker.exists) {
        print_message("SKIPPED: there is no %s\n", given);
        skip();
    }
    make_folder(&test.folder);
    assert_ok(path_join(&spill, test.folder.text, "spill", &error), &error);
    QueryPoolOptions options = {.worker_path = given,
                                .spill_folder = spill.text,
                                .staging_folder = test.folder.text,
                                .workers = 1,
                                .threads = 1,
                                .memory_bytes_max = 1 << 30,
                                .spill_bytes_max = 1 << 30};
    assert_ok(query_pool_open(env_real(), &options, &test.pool, &error), &error);
    parquet_rows(&test);
    parquet_refusals(&test);
    query_pool_close(test.pool);
    remove_folder(&test.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ndjson_rows),
        cmocka_unit_test(ndjson_refusals),
        cmocka_unit_test(csv_rows),
        cmocka_unit_test(csv_refusals),
        cmocka_unit_test(rows_longer_than_the_limit_are_refused),
        cmocka_unit_test(callbacks_errors_pass_as_they_are),
        cmocka_unit_test(random_bodies_come_back),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(parquet_by_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
