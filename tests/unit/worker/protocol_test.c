/* Messages: what is encoded comes back, and what is cut or changed is refused. */
#include "tests/unit/worker/harness.h"
#include "worker/errors.h"

static Schema *schema_of_one(void)
{
    const Column columns[] = {test_column("id", TYPE(BIGINT), 1), test_column("t", TYPE(TEXT), 2)};
    return test_schema(TABLE_USER, 3, columns, 2);
}

typedef struct Sample {
    Schema *schema;
    uint32_t offsets[3];
    WorkerOwner without[2];
    WorkerBlock blocks[2];
    WorkerHot hot;
    WorkerOwnerName names[2];
    uint16_t columns[2];
    WorkerFile files[2];
    WorkerReference reference;
    Value parameters[2];
    Type results[2];
    DeleteList deletes[1];
    WorkerRequest request;
} Sample;

static void sample_open(Sample *sample)
{
    *sample = (Sample){
        .schema = schema_of_one(),
        .offsets = {0, 64, 128},
        .without = {3, 9},
        .names = {{1, SLICE("anna")}, {5, SLICE("bob")}},
        .columns = {1, 0},
        .files = {{100, 7, SLICE_EMPTY}, {200, 0, SLICE("marks")}},
        .parameters = {value_integer(TYPE_BIGINT, -5), value_text(SLICE("text"))},
        .results = {{.kind = TYPE_BIGINT}, {.kind = TYPE_DECIMAL, .a = 10, .b = 2}},
        .deletes = {{SLICE("data/x.parquet"), SLICE("bitmap")}},
    };
    sample->blocks[0] = (WorkerBlock){.region_id = 9, .offset = 4096, .published = 640};
    sample->blocks[1] = (WorkerBlock){
        .region_id = 10, .published = 1 << 20, .offsets = sample->offsets, .offset_count = 3};
    sample->hot = (WorkerHot){sample->schema, sample->blocks, 2, sample->without, 2};
    sample->reference = (WorkerReference){.schema = sample->schema,
                                          .seq = 1ull << 60,
                                          .has_owner = true,
                                          .owner = 5,
                                          .with_owner_column = true,
                                          .with_location = true,
                                          .owner_names = sample->names,
                                          .owner_name_count = 2,
                                          .columns = sample->columns,
                                          .column_count = 2,
                                          .files = sample->files,
                                          .file_count = 2,
                                          .hot = &sample->hot,
                                          .hot_count = 1};
    sample->request = (WorkerRequest){.sql = SLICE("SELECT 1"),
                                      .format = FORMAT_ROWS,
                                      .holds = true,
                                      .json_flags = 1,
                                      .threads = 2,
                                      .rows_max = 10,
                                      .now_us = -7,
                                      .parameters = sample->parameters,
                                      .parameter_count = 2,
                                      .result_types = sample->results,
                                      .result_count = 2,
                                      .lead_count = 1,
                                      .references = &sample->reference,
                                      .reference_count = 1,
                                      .alive_slots = {{0, 1}},
                                      .alive_slot_count = 1,
                                      .deletes = sample->deletes,
                                      .delete_count = 1};
}

static void check_reference(const WorkerReference *r)
{
    assert_int_equal(3, r->schema->version);
    assert_int_equal(1ull << 60, r->seq);
    assert_true(r->has_owner && r->with_owner_column && r->with_location && !r->is_ordered);
    assert_int_equal(5, r->owner);
    assert_int_equal(2, r->owner_name_count);
    assert_true(slice_equal_text(r->owner_names[1].name, "bob"));
    assert_int_equal(1, r->columns[0]);
    assert_int_equal(2, r->file_count);
    assert_int_equal(7, r->files[0].bitmap_id);
    assert_true(slice_equal_text(r->files[1].marks, "marks"));
    assert_int_equal(1, r->hot_count);
    assert_int_equal(9, r->hot[0].without[1]);
    assert_null(r->hot[0].blocks[0].offsets);
    assert_int_equal(4096, r->hot[0].blocks[0].offset);
    assert_int_equal(3, r->hot[0].blocks[1].offset_count);
    assert_int_equal(128, r->hot[0].blocks[1].offsets[2]);
}

static void requests_come_back(void **state)
{
    (void)state;
    Sample sample;
    Buffer out;
    Arena arena;
    Error error;
    WorkerRequest request;
    sample_open(&sample);
    buffer_open(&out, 0);
    arena_open(&arena, 0);
    assert_int_equal(OK, request_encode(&out, &sample.request, &error));
    assert_int_equal(OK, request_decode(&arena, buffer_slice(&out), &request, &error));
    assert_true(slice_equal_text(request.sql, "SELECT 1"));
    assert_int_equal(FORMAT_ROWS, request.format);
    assert_true(request.holds);
    assert_int_equal(10, request.rows_max);
    assert_int_equal(-7, request.now_us);
    assert_int_equal(-5, request.parameters[0].as.integer);
    assert_int_equal(2, request.result_types[1].b);
    assert_int_equal(1, request.lead_count);
    assert_int_equal(1, request.alive_slots[0].file);
    assert_true(slice_equal_text(request.deletes[0].path, "data/x.parquet"));
    check_reference(&request.references[0]);
    request_close(&request);
    arena_close(&arena);
    buffer_close(&out);
    schema_release(sample.schema);
}

static void cut_requests_are_refused(void **state)
{
    (void)state;
    Sample sample;
    Buffer out;
    Arena arena;
    Error error;
    WorkerRequest request;
    sample_open(&sample);
    buffer_open(&out, 0);
    arena_open(&arena, 0);
    assert_int_equal(OK, request_encode(&out, &sample.request, &error));
    for (size_t size = 0; size < out.size; size++) {
        assert_int_not_equal(OK,
                             request_decode(&arena, slice_of(out.data, size), &request, &error));
        arena_reset(&arena);
    }
    buffer_put_u8(&out, 0);
    assert_int_not_equal(OK, request_decode(&arena, buffer_slice(&out), &request, &error));
    arena_close(&arena);
    buffer_close(&out);
    schema_release(sample.schema);
}

static void expect_refused(Sample *sample)
{
    Buffer out;
    Arena arena;
    Error error;
    WorkerRequest request;
    buffer_open(&out, 0);
    arena_open(&arena, 0);
    assert_int_equal(OK, request_encode(&out, &sample->request, &error));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     request_decode(&arena, buffer_slice(&out), &request, &error));
    arena_close(&arena);
    buffer_close(&out);
    schema_release(sample->schema);
    sample_open(sample);
}

static void requests_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    Sample sample;
    sample_open(&sample);
    sample.columns[0] = 2;
    expect_refused(&sample);
    sample.without[1] = 3;
    expect_refused(&sample);
    sample.names[1].owner = 1;
    expect_refused(&sample);
    sample.blocks[0].offset = 12;
    expect_refused(&sample);
    sample.request.alive_slots[0].file = 2;
    expect_refused(&sample);
    sample.request.alive_slots[0].reference = 1;
    expect_refused(&sample);
    sample.results[1].a = 39;
    expect_refused(&sample);
    sample.results[0].kind = TYPE_KIND_COUNT;
    expect_refused(&sample);
    sample.request.lead_count = 2; /* a DECIMAL cannot lead */
    expect_refused(&sample);
    sample.request.format = (WorkerFormat)3;
    expect_refused(&sample);
    sample.reference.is_ordered = true;
    sample.reference.hot_count = 0;
    expect_refused(&sample);
    schema_release(sample.schema);
}

static void allocation_failures_are_errors(void **state)
{
    (void)state;
    Sample sample;
    Buffer out;
    Arena arena;
    Error error;
    WorkerRequest request;
    sample_open(&sample);
    buffer_open(&out, 0);
    assert_int_equal(OK, request_encode(&out, &sample.request, &error));
    for (int64_t n = 1;; n++) {
        arena_open(&arena, 0);
        memory_fail_at(n, 1);
        Status status = request_decode(&arena, buffer_slice(&out), &request, &error);
        memory_fail_at(0, 0);
        if (status == OK)
            request_close(&request);
        else
            assert_int_equal(STATUS_OUT_OF_MEMORY, status);
        arena_close(&arena);
        if (status == OK)
            break;
    }
    buffer_close(&out);
    schema_release(sample.schema);
}

/* ---- the small ones ---- */

static void setups_come_back(void **state)
{
    (void)state;
    const Slice folders[] = {SLICE("/data"), SLICE("/other")};
    WorkerSetup setup = {4, 1000, 2000, 3000, SLICE("/spill/1"), folders, 2};
    WorkerSetup back;
    Buffer out;
    Arena arena;
    Error error;
    buffer_open(&out, 0);
    arena_open(&arena, 0);
    setup_encode(&out, &setup);
    assert_int_equal(OK, setup_decode(&arena, buffer_slice(&out), &back, &error));
    assert_int_equal(2000, back.data_bytes_max);
    assert_int_equal(2, back.folder_count);
    assert_true(slice_equal_text(back.folders[1], "/other"));
    for (size_t size = 0; size < out.size; size++)
        assert_int_not_equal(OK, setup_decode(&arena, slice_of(out.data, size), &back, &error));
    out.data[0]++; /* another version */
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     setup_decode(&arena, buffer_slice(&out), &back, &error));
    buffer_clear(&out);
    setup.spill_folder = SLICE("relative");
    setup_encode(&out, &setup);
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     setup_decode(&arena, buffer_slice(&out), &back, &error));
    arena_close(&arena);
    buffer_close(&out);
}

static void answers_are_checked(void **state)
{
    (void)state;
    SlotMessage slot;
    WorkerDone done;
    Buffer out;
    Error error;
    buffer_open(&out, 0);
    const SlotMessage bad[] = {{SLOT_COUNT, 1, 1}, {0, SLOT_BYTES + 1, 1}, {0, 5, 6}};
    for (int i = 0; i < 3; i++) {
        buffer_clear(&out);
        slot_encode(&out, &bad[i]);
        assert_int_equal(STATUS_PROTOCOL_VIOLATION, slot_decode(buffer_slice(&out), &slot, &error));
    }
    static uint8_t large[DONE_BYTES_MAX + 1];
    WorkerDone too_large = {.last = slice_of(large, sizeof large)};
    buffer_clear(&out);
    done_encode(&out, &too_large);
    assert_int_equal(STATUS_PROTOCOL_VIOLATION, done_decode(buffer_slice(&out), &done, &error));
    too_large = (WorkerDone){.rows = 3, .last_rows = 3, .last = SLICE("ab")};
    buffer_clear(&out);
    done_encode(&out, &too_large);
    assert_int_equal(STATUS_PROTOCOL_VIOLATION, done_decode(buffer_slice(&out), &done, &error));
    buffer_close(&out);
}

static Status failure_of(const char *sqlstate, const char *message, Error *out)
{
    Buffer body;
    Error error;
    buffer_open(&body, 0);
    buffer_put(&body, sqlstate, 5);
    buffer_put_u32(&body, (uint32_t)-1);
    buffer_put_sized(&body, slice_of_text(message));
    buffer_put_sized(&body, SLICE("detail"));
    buffer_put_sized(&body, SLICE_EMPTY);
    buffer_put_sized(&body, SLICE_EMPTY);
    Status status = failure_decode(buffer_slice(&body), out, &error);
    buffer_close(&body);
    return status;
}

static void failures_say_only_what_a_worker_may(void **state)
{
    (void)state;
    Error out;
    assert_int_equal(OK, failure_of("22012", "division by zero", &out));
    assert_int_equal(STATUS_DIVISION_BY_ZERO, out.status);
    assert_string_equal("detail", out.detail);
    assert_int_equal(OK, failure_of("58P01", "the log is poisoned", &out));
    assert_int_equal(STATUS_INTERNAL, out.status);
    assert_int_equal(OK, failure_of("00000", "all is well", &out));
    assert_int_equal(STATUS_INTERNAL, out.status);
    assert_int_equal(OK, failure_of("XXXXX", "\xff\xfe", &out));
    assert_int_equal(STATUS_INTERNAL, out.status);
    assert_string_equal("", out.message); /* not text */
    char large[2000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    assert_int_equal(OK, failure_of("22012", large, &out));
    assert_int_equal(ERROR_MESSAGE_BYTES_MAX - 1, strlen(out.message));
}

static void forgetting_comes_back(void **state)
{
    (void)state;
    const uint64_t regions[] = {1, 2, 3};
    const uint64_t bitmaps[] = {9};
    ForgetMessage message = {regions, 3, bitmaps, 1};
    ForgetMessage back;
    Buffer out;
    Arena arena;
    Error error;
    buffer_open(&out, 0);
    arena_open(&arena, 0);
    forget_encode(&out, &message);
    assert_int_equal(OK, forget_decode(&arena, buffer_slice(&out), &back, &error));
    assert_int_equal(3, back.region_count);
    assert_int_equal(9, back.bitmaps[0]);
    for (size_t size = 0; size < out.size; size++)
        assert_int_not_equal(OK, forget_decode(&arena, slice_of(out.data, size), &back, &error));
    arena_close(&arena);
    buffer_close(&out);
}

/* ---- DuckDB's errors ---- */

static void duckdb_errors_are_read_by_their_table(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"Conversion Error: Could not convert string '099999999999' to INT32",
         "22003 value \"099999999999\" is out of range for type integer"},
        {"Conversion Error: Could not convert string '0bad' to BOOL",
         "22P02 invalid input syntax for type boolean: \"0bad\""},
        {"Conversion Error: Could not convert string \"0bad\" to DECIMAL(10,2)",
         "22P02 invalid input syntax for type numeric: \"0bad\""},
        {"Conversion Error: invalid date field format: \"0bad\", expected format is (YYYY-MM-DD)",
         "22007 invalid input syntax for type date: \"0bad\""},
        {"Conversion Error: invalid date field format: \"2020-13-45\", expected format is (Y)",
         "22008 date/time field value out of range: \"2020-13-45\""},
        {"Conversion Error: Type INT64 with value 99999 can't be cast because the value is out of "
         "range for the destination type INT16",
         "22003 smallint out of range"},
        {"Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!",
         "22003 bigint out of range"},
        {"Out of Range Error: cannot take logarithm of zero",
         "2201E cannot take logarithm of zero"},
        {"Out of Range Error: cannot take square root of a negative number",
         "2201F cannot take square root of a negative number"},
        {"Binder Error: Referenced column \"x\" not found in FROM clause!\nCandidates: "
         "\"y\"\n\nLINE "
         "1: SELECT x FROM read_parquet('/secret')",
         "42703 Referenced column \"x\" not found in FROM clause!"},
        {"Catalog Error: Table with name nope does not exist!\nDid you mean \"pg_enum\"?",
         "42P01 Table with name nope does not exist!"},
        {"Invalid Input Error: PG22012 division by zero", "22012 division by zero"},
        {"Invalid Input Error: PG22P02 invalid input: \"a\nb\"", "22P02 invalid input: \"a\nb\""},
        {"Invalid Input Error: PGQQQQQ what is this", "22023 PGQQQQQ what is this"},
        {"Invalid Input Error: More than one row returned by a subquery used as an expression - x",
         "21000 more than one row returned by a subquery used as an expression"},
        {"Invalid Input Error: missing ): (", "2201B missing ): ("},
        {"Invalid Input Error: Attempting to execute an unsuccessful or closed pending query "
         "result\n"
         "Error: Out of Memory Error: Failed to allocate block of 33554432 bytes (bad allocation)",
         "53200 the statement needs more memory than a worker may have"},
        {"Out of Memory Error: could not allocate block of size 256.0 KiB",
         "53200 the statement needs more memory than a worker may have"},
        {"IO Error: Cannot open file \"/data/t/x.parquet\": No such file",
         "58030 could not read or write a data file"},
        {"Binder Error: something about /data/t/x.parquet, and more",
         "42804 something about ..., and more"},
        {"INTERNAL Error: Attempted to dereference unique_ptr that is NULL!",
         "XX000 the engine failed"},
        {"no kind at all", "XX000 the engine failed"},
        {"", "XX000 the engine failed"},
    };
    const Slice folder = SLICE("/data");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Error error;
        char got[600];
        Status status = duckdb_error_set(&error, cases[i].text, &folder, 1);
        (void)snprintf(got, sizeof got, "%s %s", status_sqlstate(status), error.message);
        assert_string_equal(cases[i].expected, got);
        assert_int_equal(status, error.status);
    }
    Error error;
    assert_int_equal(STATUS_INTERNAL, duckdb_error_set(&error, NULL, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_back),
        cmocka_unit_test(cut_requests_are_refused),
        cmocka_unit_test(requests_that_contradict_themselves_are_refused),
        cmocka_unit_test(allocation_failures_are_errors),
        cmocka_unit_test(setups_come_back),
        cmocka_unit_test(answers_are_checked),
        cmocka_unit_test(failures_say_only_what_a_worker_may),
        cmocka_unit_test(forgetting_comes_back),
        cmocka_unit_test(duckdb_errors_are_read_by_their_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
