/* ALTER TABLE: what it binds to, what becomes of the table's CHECKs and defaults, and every way to
 * get it wrong. */
#include "tests/unit/sql/cases.h"

#define ODD_CHECK " check odd (lower(code) <> messages.author)"
#define MESSAGES_CHECKS \
    " check messages_n_check (n > 0)" ODD_CHECK " check priced (price > 0 AND n < 100)"

static const GoodCase good_alters[] = {
    {"ALTER TABLE rooms ADD COLUMN size INT", "ALTER TABLE chat.rooms add size INTEGER"},
    {"ALTER TABLE rooms ADD size INT NOT NULL DEFAULT 3",
     "ALTER TABLE chat.rooms add size INTEGER not null default (3)"},
    {"ALTER TABLE chat.messages ADD COLUMN IF NOT EXISTS body INT",
     "ALTER TABLE chat.messages nothing to do add " MESSAGES_CHECKS},
    {"ALTER TABLE IF EXISTS nothere ADD COLUMN a INT", "ALTER TABLE nothing to do"},
    {"ALTER TABLE messages DROP COLUMN body",
     "ALTER TABLE chat.messages drop body" MESSAGES_CHECKS},
    {"ALTER TABLE messages DROP COLUMN price",
     "ALTER TABLE chat.messages drop price check messages_n_check (n > 0)" ODD_CHECK},
    {"ALTER TABLE messages DROP COLUMN n", "ALTER TABLE chat.messages drop n" ODD_CHECK},
    {"ALTER TABLE messages DROP COLUMN IF EXISTS nothere",
     "ALTER TABLE chat.messages nothing to do drop" MESSAGES_CHECKS},
    {"ALTER TABLE messages ALTER COLUMN n TYPE BIGINT",
     "ALTER TABLE chat.messages type n BIGINT default (7)" MESSAGES_CHECKS},
    {"ALTER TABLE messages ALTER COLUMN n SET DATA TYPE INT",
     "ALTER TABLE chat.messages nothing to do type n INTEGER default (7)" MESSAGES_CHECKS},
    {"ALTER TABLE messages ALTER price TYPE NUMERIC(20,2)",
     "ALTER TABLE chat.messages type price DECIMAL(20,2)" MESSAGES_CHECKS},
    {"ALTER TABLE messages ALTER code TYPE VARCHAR(20)",
     "ALTER TABLE chat.messages type code VARCHAR(20)" MESSAGES_CHECKS},
    {"ALTER TABLE shop.orders ALTER b TYPE BIGINT",
     "ALTER TABLE shop.orders type b BIGINT not null key 1"},
    {"ALTER TABLE shop.orders ALTER c TYPE DOUBLE PRECISION",
     "ALTER TABLE shop.orders type c DOUBLE"},
    {"ALTER TABLE rooms ALTER topic SET DEFAULT 'none, yet'",
     "ALTER TABLE chat.rooms set default topic ='none, yet'"},
    {"ALTER TABLE messages ALTER n DROP DEFAULT",
     "ALTER TABLE chat.messages drop default n" MESSAGES_CHECKS},
    {"ALTER TABLE rooms ALTER topic SET NOT NULL", "ALTER TABLE chat.rooms set not null topic"},
    {"ALTER TABLE rooms ALTER topic DROP NOT NULL",
     "ALTER TABLE chat.rooms nothing to do drop not null topic"},
    {"ALTER TABLE messages ALTER author DROP NOT NULL",
     "ALTER TABLE chat.messages drop not null author" MESSAGES_CHECKS},
    {"ALTER TABLE messages RENAME COLUMN n TO number",
     "ALTER TABLE chat.messages rename n to=number check messages_n_check (\"number\" > "
     "0)" ODD_CHECK " check priced (price > 0 AND \"number\" < 100)"},
    {"ALTER TABLE messages RENAME author TO writer",
     "ALTER TABLE chat.messages rename author to=writer check messages_n_check (n > 0) "
     "check odd (lower(code) <> messages.\"writer\") check priced (price > 0 AND n < 100)"},
    {"ALTER TABLE messages RENAME code TO lower",
     "ALTER TABLE chat.messages rename code to=lower check messages_n_check (n > 0) "
     "check odd (lower(\"lower\") <> messages.author) check priced (price > 0 AND n < 100)"},
    {"ALTER TABLE messages RENAME body TO txt",
     "ALTER TABLE chat.messages rename body to=txt" MESSAGES_CHECKS},
    {"ALTER TABLE messages RENAME TO posts",
     "ALTER TABLE chat.messages to=posts check messages_n_check (n > 0) "
     "check odd (lower(code) <> \"posts\".author) check priced (price > 0 AND n < 100)"},
    {"ALTER TABLE shop.twin RENAME TO x",
     "ALTER TABLE shop.twin to=x check c (\"x\".twin > abs(abs) OR twin < 5)"},
    {"ALTER TABLE shop.twin RENAME twin TO x",
     "ALTER TABLE shop.twin rename twin to=x check c (twin.\"x\" > abs(abs) OR \"x\" < 5)"},
    {"ALTER TABLE shop.twin RENAME abs TO x",
     "ALTER TABLE shop.twin rename abs to=x check c (twin.twin > abs(\"x\") OR twin < 5)"},
    {"ALTER TABLE rooms SET (flush_rows = 5, flush_interval = 60s)",
     "ALTER TABLE chat.rooms set 3 flush_rows=5 flush_interval_ms=60000"},
    {"ALTER TABLE IF EXISTS rooms SET (access = 'protected', storage='s3-eu', compression=none)",
     "ALTER TABLE chat.rooms set 832 compression=none protected storage=s3-eu"},
    {"ALTER TABLE typing SET (ttl = 2h)", "ALTER TABLE chat.typing set 8 ttl_ms=7200000"},
    {"ALTER TABLE IF EXISTS nothere SET (flush_rows = 5)", "ALTER TABLE nothing to do"},
    {"ALTER TABLE IF EXISTS nothere RENAME TO x", "ALTER TABLE nothing to do"},
};

static const BadCase bad_alters[] = {
    {"ALTER TABLE nothere ADD COLUMN a INT", "42P01", 12, "relation \"nothere\" does not exist"},
    {"ALTER TABLE system.tables ADD COLUMN a INT", "42501", 12, "system tables are read-only"},
    {"ALTER TABLE messages ADD COLUMN body INT", "42701", 32,
     "column \"body\" of relation \"messages\" already exists"},
    {"ALTER TABLE messages ADD COLUMN _x INT", "42939", 32,
     "\"_x\" cannot be a column's name: names that begin with _ are reserved"},
    {"ALTER TABLE rooms ADD COLUMN a INT PRIMARY KEY", "0A000", 35,
     "ADD COLUMN with PRIMARY KEY is not supported yet"},
    {"ALTER TABLE rooms ADD COLUMN a INT CHECK (a > 0)", "0A000", 35,
     "ADD COLUMN with CHECK is not supported yet"},
    {"ALTER TABLE rooms ADD COLUMN a INT UNIQUE", "0A000", 35, "UNIQUE is not supported yet"},
    {"ALTER TABLE rooms ADD COLUMN a UUID DEFAULT gen_random_uuid()", "0A000", 44,
     "ADD COLUMN with a volatile DEFAULT is not supported yet"},
    {"ALTER TABLE rooms ADD COLUMN a INT, ADD COLUMN b INT", "0A000", 0,
     "ALTER TABLE with several actions is not supported yet"},
    {"ALTER TABLE messages DROP COLUMN id", "0A000", 33,
     "column \"id\" is part of the key and cannot be dropped"},
    {"ALTER TABLE messages DROP COLUMN bdy", "42703", 33,
     "column \"bdy\" of relation \"messages\" does not exist"},
    {"ALTER TABLE rooms DROP COLUMN _row", "42703", 30,
     "column \"_row\" of relation \"rooms\" does not exist"},
    {"ALTER TABLE messages ALTER n TYPE SMALLINT", "0A000", 34,
     "column \"n\" cannot change from INTEGER to SMALLINT"},
    {"ALTER TABLE messages ALTER n TYPE TEXT", "0A000", 34,
     "column \"n\" cannot change from INTEGER to TEXT"},
    {"ALTER TABLE messages ALTER price TYPE NUMERIC(20,4)", "0A000", 38,
     "column \"price\" cannot change from DECIMAL(10,2) to DECIMAL(20,4)"},
    {"ALTER TABLE messages ALTER n TYPE BIGINT USING n + 1", "0A000", 49,
     "ALTER COLUMN TYPE … USING is not supported yet"},
    {"ALTER TABLE messages ALTER id DROP NOT NULL", "42P16", 27,
     "column \"id\" is in a primary key"},
    {"ALTER TABLE messages ALTER nope SET NOT NULL", "42703", 27,
     "column \"nope\" of relation \"messages\" does not exist"},
    {"ALTER TABLE messages RENAME body TO author", "42701", 36,
     "column \"author\" of relation \"messages\" already exists"},
    {"ALTER TABLE messages RENAME body TO _body", "42939", 36,
     "\"_body\" cannot be a column's name: names that begin with _ are reserved"},
    {"ALTER TABLE messages RENAME TO rooms", "42P07", 31, "relation \"rooms\" already exists"},
    {"ALTER TABLE messages RENAME CONSTRAINT priced TO x", "0A000", 0,
     "ALTER TABLE … RENAME CONSTRAINT is not supported yet"},
    {"ALTER TABLE messages ADD CONSTRAINT x CHECK (n > 1)", "0A000", 0,
     "ALTER TABLE … ADD CONSTRAINT is not supported yet"},
    {"ALTER TABLE messages ADD UNIQUE (n)", "0A000", 25, "UNIQUE is not supported yet"},
    {"ALTER TABLE messages DROP CONSTRAINT priced", "0A000", 0,
     "ALTER TABLE … DROP CONSTRAINT is not supported yet"},
    {"ALTER TABLE messages OWNER TO bob", "0A000", 0,
     "ALTER TABLE … OWNER TO is not supported yet"},
    {"ALTER TABLE messages SET SCHEMA shop", "0A000", 0, "ALTER TABLE is not supported yet"},
    {"ALTER TABLE messages ENABLE ROW LEVEL SECURITY", "0A000", 0,
     "ROW LEVEL SECURITY is not supported yet"},
    {"ALTER TABLE messages CLUSTER ON x", "0A000", 0,
     "this action of ALTER TABLE is not supported yet"},
    {"ALTER TABLE rooms RESET (flush_rows)", "0A000", 0,
     "ALTER TABLE … RESET is not supported yet"},
    {"ALTER TABLE rooms SET (ttl = 5m)", "42P16", 23, "TTL is for STREAM tables only"},
    {"ALTER TABLE messages SET (access = 'public')", "42P16", 26,
     "\"access\" is for SHARED tables only"},
    {"ALTER TABLE rooms SET (type = 'user')", "0A000", 23,
     "changing a table's kind is not supported yet"},
    {"ALTER TABLE rooms SET (flush_rows = 5) nonsense", "42601", 39,
     "syntax error at or near \"nonsense\": expected the end of the statement"},
    {"ALTER TABLE rooms SET (nonsense = 5)", "22023", 23, "unrecognized parameter \"nonsense\""},
    {"ALTER TABLE nothere SET (flush_rows = 5)", "42P01", 12,
     "relation \"nothere\" does not exist"},
    {"ALTER VIEW v RENAME TO w", "0A000", 0, "ALTER VIEW is not supported yet"},
    {"ALTER INDEX i RENAME TO j", "0A000", 0, "ALTER INDEX is not supported yet"},
};

static void test_alters(void **state)
{
    (void)state;
    expect_good(good_alters, COUNT(good_alters));
    expect_bad(bad_alters, COUNT(bad_alters));
}

/* CHECKs that stay are bound by the new columns' numbers and types. */
static void test_checks_are_bound_again(void **state)
{
    (void)state;
    Plan *plan;
    Error error;
    assert_ok(bind("ALTER TABLE messages DROP COLUMN body", &plan, &error), &error);
    const BoundAlterTable *alter = plan->as.alter_table;
    const CatalogCheck *old = alter->table->checks;
    for (uint32_t i = 0; i < alter->check_count; i++)
        assert_ptr_not_equal(alter->checks[i].expression, old[i].expression);
    plan_release(plan);
    assert_ok(bind("ALTER TABLE messages ADD COLUMN x INT", &plan, &error), &error);
    assert_ptr_equal(plan->as.alter_table->checks, plan->as.alter_table->table->checks);
    plan_release(plan);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "ALTER TABLE messages RENAME COLUMN n TO number",
        "ALTER TABLE messages ALTER COLUMN n TYPE BIGINT",
        "ALTER TABLE rooms ADD COLUMN IF NOT EXISTS x INT NOT NULL DEFAULT 5",
        "ALTER TABLE rooms SET (flush_interval = '1 hour', storage = 's3-eu')",
    };
    for (size_t i = 0; i < COUNT(statements); i++)
        expect_no_leaks(statements[i]);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alters),
        cmocka_unit_test(test_checks_are_bound_again),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_catalog, drop_catalog);
}

int main(void)
{
    return run_on_big_stack(run);
}
