/* The plan cache: what makes two requests the same, what a catalog change does, both bounds, use by
 * several threads. */
#include "sql/plan_cache.h"
#include "tests/unit/sql/catalog_fixture.h"

static const char *const fixture[] = {"CREATE NAMESPACE a", "CREATE NAMESPACE b",
                                      "CREATE TABLE a.t (x INT)", "CREATE TABLE b.t (x INT)"};

static CatalogSnapshot *catalog;
static CatalogSnapshot *newer; /* the same with one namespace more */

static PlanCache *create(size_t entries, size_t bytes)
{
    PlanCache *cache;
    Error error;
    assert_ok(plan_cache_create(env_real(), entries, bytes, &cache, &error), &error);
    return cache;
}

static Plan *bind(const BindRequest *request)
{
    Plan *plan;
    Error error;
    if (plan_bind(request, &plan, &error) != OK)
        fail_msg("%.*s: %s", SLICE_ARGUMENTS(request->sql), error.message);
    return plan;
}

static BindRequest request_of(const char *sql)
{
    return (BindRequest){
        .sql = slice_of_text(sql), .snapshot = catalog, .namespace_name = SLICE("a")};
}

static void put(PlanCache *cache, const BindRequest *request)
{
    Plan *plan = bind(request);
    plan_cache_put(cache, request, plan);
    plan_release(plan);
}

static bool finds(PlanCache *cache, const BindRequest *request)
{
    Plan *plan = plan_cache_find(cache, request);
    if (plan != NULL) {
        assert_true(slice_equal(plan->sql, request->sql));
        plan_release(plan);
    }
    return plan != NULL;
}

static void test_keys(void **state)
{
    (void)state;
    PlanCache *cache = create(100, 1 << 20);
    Type integer[] = {TYPE(INTEGER)};
    Type bigint[] = {TYPE(BIGINT)};
    BindRequest request = request_of("SELECT x FROM t WHERE x = 5");
    assert_false(finds(cache, &request));
    put(cache, &request);
    assert_true(finds(cache, &request));
    BindRequest other = request;
    other.namespace_name = SLICE("b");
    assert_false(finds(cache, &other));
    other = request;
    other.sql = SLICE("SELECT x FROM t WHERE x = 6");
    assert_false(finds(cache, &other));
    other = request;
    other.as_subscription = true;
    assert_false(finds(cache, &other));
    other = request;
    other.parameter_types = integer;
    other.parameter_count = 1;
    assert_false(finds(cache, &other));
    put(cache, &other);
    assert_true(finds(cache, &other));
    other.parameter_types = bigint;
    assert_false(finds(cache, &other));
    assert_true(finds(cache, &request));
    plan_cache_destroy(cache);
}

/* The same plan comes back, and what is not to be repeated is not kept. */
static void test_what_is_kept(void **state)
{
    (void)state;
    PlanCache *cache = create(100, 1 << 20);
    BindRequest request = request_of("SELECT 1");
    Plan *plan = bind(&request);
    plan_cache_put(cache, &request, plan);
    Plan *again = bind(&request);
    plan_cache_put(cache, &request, again); /* the first stays */
    Plan *found = plan_cache_find(cache, &request);
    assert_ptr_equal(found, plan);
    plan_release(found);
    plan_release(plan);
    plan_release(again);
    BindRequest definition = request_of("CREATE TABLE u (x INT)");
    put(cache, &definition);
    assert_false(finds(cache, &definition));
    BindRequest show = request_of("SHOW TABLES");
    put(cache, &show);
    assert_true(finds(cache, &show));
    plan_cache_clear(cache);
    assert_false(finds(cache, &request));
    PlanCacheStatistics statistics;
    plan_cache_statistics(cache, &statistics);
    assert_int_equal(statistics.entries, 0);
    assert_int_equal(statistics.bytes, 0);
    plan_cache_destroy(cache);
}

static void test_catalog_versions(void **state)
{
    (void)state;
    PlanCache *cache = create(100, 1 << 20);
    BindRequest old = request_of("SELECT 1");
    BindRequest current = old;
    current.snapshot = newer;
    put(cache, &old);
    assert_true(finds(cache, &old));
    assert_false(finds(cache, &current)); /* empties the cache */
    assert_false(finds(cache, &old));
    put(cache, &old); /* too late: not kept */
    assert_false(finds(cache, &old));
    put(cache, &current);
    assert_true(finds(cache, &current));
    assert_false(finds(cache, &old));
    assert_true(finds(cache, &current)); /* an old session does not empty it */
    plan_cache_destroy(cache);
}

static BindRequest numbered(char *text, size_t size, unsigned number)
{
    (void)snprintf(text, size, "SELECT %u", number);
    return request_of(text);
}

static void test_entries_bound(void **state)
{
    (void)state;
    PlanCache *cache = create(8, 1 << 20);
    PlanCacheStatistics statistics;
    char text[32];
    for (unsigned i = 0; i < 20; i++) {
        BindRequest first = request_of("SELECT 0");
        BindRequest request = numbered(text, sizeof text, i);
        put(cache, &request);
        assert_true(finds(cache, &first)); /* used each time: stays */
    }
    plan_cache_statistics(cache, &statistics);
    assert_int_equal(statistics.entries, 8);
    assert_int_equal(statistics.evictions, 12);
    for (unsigned i = 1; i < 20; i++) {
        BindRequest request = numbered(text, sizeof text, i);
        assert_int_equal(finds(cache, &request), i >= 13);
    }
    plan_cache_destroy(cache);
}

static void test_bytes_bound(void **state)
{
    (void)state;
    enum { BYTES = 64 << 10 };
    PlanCache *cache = create(50, BYTES);
    PlanCacheStatistics statistics;
    char text[32];
    for (unsigned i = 0; i < 50; i++) {
        BindRequest request = numbered(text, sizeof text, i);
        put(cache, &request);
        plan_cache_statistics(cache, &statistics);
        assert_true(statistics.bytes <= BYTES);
        assert_true(finds(cache, &request));
    }
    assert_true(statistics.entries > 2 && statistics.entries < 50);
    plan_cache_destroy(cache);
    cache = create(50, 100); /* no plan fits */
    BindRequest request = request_of("SELECT 1");
    put(cache, &request);
    assert_false(finds(cache, &request));
    plan_cache_destroy(cache);
    cache = create(0, 1 << 20); /* switched off */
    put(cache, &request);
    assert_false(finds(cache, &request));
    plan_cache_destroy(cache);
}

static void test_long_texts(void **state)
{
    (void)state;
    PlanCache *cache = create(100, 64 << 20);
    Buffer text;
    buffer_open(&text, 0);
    buffer_put_text(&text, "SELECT 1 -- ");
    while (text.size <= PLAN_CACHE_TEXT_BYTES_MAX)
        buffer_put_u8(&text, 'x');
    BindRequest request = request_of("");
    request.sql = buffer_slice(&text);
    put(cache, &request);
    assert_false(finds(cache, &request));
    request.sql.size--;
    put(cache, &request);
    assert_true(finds(cache, &request));
    buffer_close(&text);
    plan_cache_destroy(cache);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (int64_t n = 1;; n++) {
        PlanCache *cache = NULL;
        BindRequest request = request_of("SELECT 1");
        Plan *plan = bind(&request);
        Error error;
        memory_fail_at(n, 1);
        Status status = plan_cache_create(env_real(), 1000, 1 << 20, &cache, &error);
        if (status == OK)
            plan_cache_put(cache, &request, plan);
        bool reached = memory_allocations() >= n;
        memory_fail_at(0, 0);
        assert_true(status == OK || status == STATUS_OUT_OF_MEMORY);
        plan_cache_destroy(cache);
        plan_release(plan);
        if (!reached)
            return;
    }
}

/* ---- several threads ---- */

enum { THREADS = 4, ROUNDS = 20000, TEXTS = 40 };

typedef struct Worker {
    PlanCache *cache;
    uint64_t seed;
    Plan **plans;
    uint64_t found;
} Worker;

static void work(void *argument)
{
    Worker *worker = argument;
    for (int i = 0; i < ROUNDS; i++) {
        char text[32];
        uint64_t random = test_random(&worker->seed);
        unsigned number = (unsigned)(random % TEXTS);
        BindRequest request = numbered(text, sizeof text, number);
        Plan *plan = plan_cache_find(worker->cache, &request);
        if (plan != NULL) {
            worker->found++;
            plan_release(plan);
        } else {
            plan_cache_put(worker->cache, &request, worker->plans[number]);
        }
        if (random >> 54 == 0)
            plan_cache_clear(worker->cache);
    }
}

static void test_threads(void **state)
{
    (void)state;
    PlanCache *cache = create(20, 1 << 20);
    Plan *plans[TEXTS];
    Worker workers[THREADS];
    Thread *threads[THREADS];
    char text[32];
    uint64_t seed = test_seed();
    Error error;
    for (unsigned i = 0; i < TEXTS; i++) {
        BindRequest request = numbered(text, sizeof text, i);
        plans[i] = bind(&request);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (Worker){.cache = cache, .seed = seed + i, .plans = plans};
        assert_ok(thread_start(env_real(), "worker", THREAD_STACK_BYTES_DEFAULT, work, &workers[i],
                               &threads[i], &error),
                  &error);
    }
    uint64_t found = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
        found += workers[i].found;
    }
    PlanCacheStatistics statistics;
    plan_cache_statistics(cache, &statistics);
    assert_int_equal(statistics.hits, found);
    assert_int_equal(statistics.hits + statistics.misses, THREADS * ROUNDS);
    plan_cache_destroy(cache);
    for (unsigned i = 0; i < TEXTS; i++)
        plan_release(plans[i]);
}

static int make_catalog(void **state)
{
    (void)state;
    Error error;
    CatalogChange change = {.kind = CATALOG_NAMESPACE};
    change.as.name_space = (CatalogNamespace){.id = 99, .name = SLICE("c")};
    catalog = fixture_create(fixture, COUNT(fixture));
    return catalog_snapshot_apply(catalog, &change, 1, &newer, &error) == OK ? 0 : 1;
}

static int drop_catalog(void **state)
{
    (void)state;
    catalog_snapshot_release(newer);
    catalog_snapshot_release(catalog);
    return 0;
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_catalog_versions),
        cmocka_unit_test(test_entries_bound),
        cmocka_unit_test(test_bytes_bound),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, make_catalog, drop_catalog);
}

int main(void)
{
    return run_on_big_stack(run);
}
