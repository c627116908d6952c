/* Filters: what changes are for them, what the index makes of them, and that a write costs as much
 * as it has matches, however many subscriptions there are. */
#include "live/index_int.h"
#include "tests/unit/live/client.h"

static int open_machine(void **state)
{
    Machine *machine = calloc(1, sizeof(Machine));
    assert_non_null(machine);
    machine_open(machine);
    *state = machine;
    return 0;
}

static int close_machine(void **state)
{
    machine_close(*state);
    free(*state);
    return 0;
}

static uint64_t put(Machine *machine, int64_t id, int64_t room, const char *name, int64_t cents)
{
    TestRow row = {.id = id, .room = room, .name = name, .cents = cents, .code = name};
    return machine_put(machine, machine->shared, 0, row);
}

/* ---- transitions ---- */

static void expect(const Client *client, size_t at, LiveOperation operation, bool row, bool old)
{
    assert_true(at < client->heard_count);
    const Heard *heard = &client->heard[at];
    assert_string_equal(live_operation_name(heard->operation), live_operation_name(operation));
    assert_true((heard->row.size > 0) == row);
    assert_true((heard->old_row.size > 0) == old);
}

static void rows_come_into_a_filter_and_leave_it(void **state)
{
    Machine *machine = *state;
    Client client;
    Arena arena;
    arena_open(&arena, 0);
    client_open(&client, machine);
    LiveRequest request = client_request(&client, machine->shared);
    request.filter =
        compare_node(&arena, COMPARE_EQUAL, column_node(&arena, request.schema, COLUMN_ROOM),
                     integer_node(&arena, 1));
    (void)client_start(&client, &request);
    (void)put(machine, 1, 2, "a", 0); /* nothing */
    (void)put(machine, 1, 1, "a", 0);
    (void)put(machine, 1, 1, "b", 0);
    (void)put(machine, 1, 2, "b", 0);
    (void)machine_delete(machine, machine->shared, 0, 1); /* nothing: it was not there */
    (void)put(machine, 1, 1, "c", 0);
    uint64_t seq = machine_delete(machine, machine->shared, 0, 1);
    client_wait(&client, has_commit, seq);
    assert_int_equal(client.heard_count, 5);
    expect(&client, 0, LIVE_INSERT, true, false);
    expect(&client, 1, LIVE_UPDATE, true, true);
    expect(&client, 2, LIVE_LEAVE, false, true);
    expect(&client, 3, LIVE_INSERT, true, false);
    expect(&client, 4, LIVE_DELETE, false, true);
    client_close(&client);
    arena_close(&arena);
}

static void owners_see_their_own_rows(void **state)
{
    Machine *machine = *state;
    Client one, all, named;
    Arena arena;
    arena_open(&arena, 0);
    client_open(&one, machine);
    client_open(&all, machine);
    client_open(&named, machine);
    LiveRequest request = client_request(&all, machine->owned);
    (void)client_start(&all, &request);
    request = client_request(&one, machine->owned);
    request.all_users = false;
    request.owner = machine->owners[1];
    (void)client_start(&one, &request);
    request = client_request(&named, machine->owned);
    request.filter =
        compare_node(&arena, COMPARE_EQUAL, user_node(&arena), text_node(&arena, "user2"));
    (void)client_start(&named, &request);
    uint64_t seq = 0;
    for (size_t i = 0; i < OWNERS; i++)
        seq = machine_put(machine, machine->owned, machine->owners[i], (TestRow){.id = 5});
    client_wait(&all, has_commit, seq);
    client_wait(&named, has_commit, seq);
    machine_settle(machine, machine->shared);
    assert_int_equal(all.heard_count, 3);
    assert_int_equal(one.heard_count, 1);
    assert_int_equal(one.heard[0].owner, machine->owners[1]);
    assert_int_equal(named.heard_count, 1);
    assert_int_equal(named.heard[0].owner, machine->owners[2]);
    client_close(&one);
    client_close(&all);
    client_close(&named);
    arena_close(&arena);
}

/* ---- kinds ---- */

typedef struct KindCase {
    const char *what;
    const char *kind;
    Expression *filter;
} KindCase;

static Expression *column(Arena *arena, const Schema *schema, uint32_t number)
{
    return column_node(arena, schema, number);
}

static Expression *cast_node(Arena *arena, Type type, Expression *child)
{
    Expression *node = node_of(arena, EXPRESSION_CAST, type, 1);
    node->children[0] = child;
    return node;
}

static const char *kind_of(Machine *machine, Expression *filter, const Value *parameters,
                           uint32_t count)
{
    Client client;
    LiveInformation *rows;
    size_t row_count;
    Error error;
    Arena arena;
    arena_open(&arena, 0);
    client_open(&client, machine);
    LiveRequest request = client_request(&client, machine->shared);
    request.filter = filter;
    request.parameters = parameters;
    request.parameter_count = count;
    client_subscribe(&client, &request);
    assert_ok(live_list(machine->live, false, 0, &arena, &rows, &row_count, &error), &error);
    const char *name = live_filter_kind_name(rows[row_count - 1].filter_kind);
    client_close(&client);
    arena_close(&arena);
    return name;
}

static void filters_are_found_by_what_they_say(void **state)
{
    Machine *machine = *state;
    Schema *schema = machine_schema(machine, machine->shared);
    Value parameter = value_integer(TYPE_INTEGER, 7);
    Arena a;
    arena_open(&a, 0);
    Expression *equal =
        compare_node(&a, COMPARE_EQUAL, integer_node(&a, 4), column(&a, schema, COLUMN_ROOM));
    Expression *in =
        pair_node(&a, EXPRESSION_IN, 0, column(&a, schema, COLUMN_NAME), text_node(&a, "x"));
    Expression *low =
        compare_node(&a, COMPARE_LESS, integer_node(&a, 4), column(&a, schema, COLUMN_AMOUNT));
    Expression *like = call_node(&a, "text_like", TYPE(BOOLEAN), column(&a, schema, COLUMN_NAME),
                                 text_node(&a, "ab\\_c%d"));
    Expression *begins = call_node(&a, "text_starts_with", TYPE(BOOLEAN),
                                   column(&a, schema, COLUMN_NAME), text_node(&a, "ab"));
    Expression *anything = call_node(&a, "text_like", TYPE(BOOLEAN),
                                     column(&a, schema, COLUMN_NAME), text_node(&a, "%b"));
    Expression *blank = call_node(&a, "text_like", TYPE(BOOLEAN), column(&a, schema, COLUMN_CODE),
                                  constant_node(&a, value_bytes(TYPE_CHAR, SLICE("ab"))));
    Expression *wide = compare_node(&a, COMPARE_EQUAL,
                                    cast_node(&a, TYPE(BIGINT), column(&a, schema, COLUMN_ROOM)),
                                    parameter_node(&a, 0, TYPE(INTEGER)));
    Expression *never = compare_node(&a, COMPARE_EQUAL, column(&a, schema, COLUMN_ROOM),
                                     constant_node(&a, value_null(TYPE_INTEGER)));
    const KindCase cases[] = {
        {"nothing", "none", NULL},
        {"4 = room", "equal", equal},
        {"name IN (…)", "equal", in},
        {"4 < amount", "range", low},
        {"amount = 5", "equal",
         compare_node(&a, COMPARE_EQUAL, column(&a, schema, COLUMN_AMOUNT), integer_node(&a, 5))},
        {"LIKE", "prefix", like},
        {"starts_with", "prefix", begins},
        {"LIKE '%b'", "eval", anything},
        {"CHAR LIKE CHAR", "eval", blank},
        {"room::bigint = $1", "equal", wide},
        {"room = NULL", "eval", never},
        {"range and equal", "equal", pair_node(&a, EXPRESSION_AND, 0, low, equal)},
        {"equal or equal", "equal", pair_node(&a, EXPRESSION_OR, 0, equal, in)},
        {"equal or range", "eval", pair_node(&a, EXPRESSION_OR, 0, equal, low)},
        {"room <> 4", "eval",
         compare_node(&a, COMPARE_NOT_EQUAL, column(&a, schema, COLUMN_ROOM), integer_node(&a, 4))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *kind = kind_of(machine, cases[i].filter, &parameter, 1);
        if (strcmp(kind, cases[i].kind) != 0)
            fail_msg("%s is %s", cases[i].what, kind);
    }
    schema_release(schema);
    arena_close(&a);
}

/* ---- the same answers, whatever finds them ---- */

enum { FILTERS = 300, WRITES = 150 };

static Expression *random_constant(Arena *arena, Random *random, uint32_t number)
{
    static const char *const texts[] = {"", "a", "ab", "abc", "b", "ba", "z", "ab "};
    const char *text = texts[random_below(random, 8)];
    switch (number) {
    case COLUMN_NAME:
        return text_node(arena, text);
    case COLUMN_CODE:
        return constant_node(arena, value_bytes(TYPE_CHAR, slice_of_text(text)));
    case COLUMN_AMOUNT:
        if (random_chance(random, 1, 2))
            return constant_node(arena, value_decimal((Int128)random_below(random, 9) * 10, 1));
        return integer_node(arena, (int64_t)random_below(random, 9));
    default:
        if (random_chance(random, 1, 9))
            return constant_node(arena, value_null(TYPE_INTEGER));
        return integer_node(arena, (int64_t)random_below(random, 9) - 1);
    }
}

static Expression *random_leaf(Arena *arena, const Schema *schema, Random *random)
{
    uint32_t number = (uint32_t)random_below(random, COLUMNS);
    Expression *left = column_node(arena, schema, number);
    Expression *right = random_constant(arena, random, number);
    if (number == COLUMN_NAME && random_chance(random, 1, 2))
        return call_node(arena, random_chance(random, 1, 2) ? "text_like" : "text_starts_with",
                         TYPE(BOOLEAN), left,
                         text_node(arena, (const char *[]){"a%", "ab%", "_b", "a", "",
                                                           "ab"}[random_below(random, 6)]));
    CompareOperator comparison = (CompareOperator)random_below(random, 6);
    bool turned = random_chance(random, 1, 3);
    return compare_node(arena, comparison, turned ? right : left, turned ? left : right);
}

static Expression *random_filter(Arena *arena, const Schema *schema, Random *random, int depth)
{
    if (depth == 0 || random_chance(random, 1, 3))
        return random_leaf(arena, schema, random);
    ExpressionKind kind = random_chance(random, 1, 2) ? EXPRESSION_AND : EXPRESSION_OR;
    return pair_node(arena, kind, 0, random_filter(arena, schema, random, depth - 1),
                     random_filter(arena, schema, random, depth - 1));
}

typedef struct Filtered {
    Client client;
    LiveRequest request;
} Filtered;

/* Each client's picture, from its changes alone, is what its filter says of the whole. */
static void random_filters_see_what_they_say(void **state)
{
    static const char *const names[] = {"", "a", "ab", "abc", "b", "ba", NULL, "zz"};
    Machine *machine = *state;
    Random random = random_of(test_seed());
    Filtered *all = calloc(FILTERS, sizeof(Filtered));
    Arena arena;
    uint64_t seq = 0;
    assert_non_null(all);
    arena_open(&arena, 0);
    for (size_t i = 0; i < FILTERS; i++) {
        client_open(&all[i].client, machine);
        all[i].request = client_request(&all[i].client, machine->shared);
        all[i].request.filter = random_filter(&arena, all[i].request.schema, &random, 2);
        (void)client_start(&all[i].client, &all[i].request);
    }
    for (size_t i = 0; i < WRITES; i++) {
        int64_t id = (int64_t)random_below(&random, 8);
        if (random_chance(&random, 1, 5))
            seq = machine_delete(machine, machine->shared, 0, id);
        else
            seq = put(machine, id, (int64_t)random_below(&random, 8),
                      names[random_below(&random, 8)], (int64_t)random_below(&random, 80) * 10);
    }
    (void)seq;
    machine_settle(machine, machine->shared);
    Pin *pin = machine_pin(machine, machine->shared);
    for (size_t i = 0; i < FILTERS; i++) {
        Picture picture = {0};
        Picture wanted;
        for (size_t h = 0; h < all[i].client.heard_count; h++)
            picture_apply(machine, all[i].client.schema, &picture, &all[i].client.heard[h]);
        picture_of_pin(machine, pin, &all[i].request, &wanted);
        assert_same_picture(&picture, &wanted, i);
        assert_false(all[i].client.is_ended);
        picture_close(&picture);
        picture_close(&wanted);
        client_close(&all[i].client);
    }
    pin_release(pin);
    free(all);
    arena_close(&arena);
}

/* ---- cost ---- */

enum { MANY = 2000 };

typedef Expression *(*FilterMaker)(Arena *arena, const Schema *schema, int64_t i);

static Expression *equal_to(Arena *arena, const Schema *schema, int64_t i)
{
    return compare_node(arena, COMPARE_EQUAL, column_node(arena, schema, COLUMN_ROOM),
                        integer_node(arena, i));
}

static Expression *between(Arena *arena, const Schema *schema, int64_t i)
{
    Expression *low = compare_node(arena, COMPARE_GREATER_OR_EQUAL,
                                   column_node(arena, schema, COLUMN_ROOM), integer_node(arena, i));
    Expression *high = compare_node(arena, COMPARE_LESS, column_node(arena, schema, COLUMN_ROOM),
                                    integer_node(arena, i + 1));
    return pair_node(arena, EXPRESSION_AND, 0, low, high);
}

static Expression *beginning_with(Arena *arena, const Schema *schema, int64_t i)
{
    char *pattern = arena_format(arena, "p%05lld%%", (long long)i);
    assert_non_null(pattern);
    return call_node(arena, "text_like", TYPE(BOOLEAN), column_node(arena, schema, COLUMN_NAME),
                     text_node(arena, pattern));
}

/* Matches out of MANY: one. A row that is new is evaluated once, one that changes within the
 * filter twice. */
static void check_cost(Machine *machine, FilterMaker make)
{
    Client *clients = calloc(MANY, sizeof(Client));
    LiveStatistics before, after;
    Arena arena;
    assert_non_null(clients);
    arena_open(&arena, 0);
    for (int64_t i = 0; i < MANY; i++) {
        client_open(&clients[i], machine);
        LiveRequest request = client_request(&clients[i], machine->shared);
        request.filter = make(&arena, request.schema, i);
        (void)client_start(&clients[i], &request);
    }
    live_statistics(machine->live, &before);
    assert_int_equal(before.subscriptions, MANY);
    for (int64_t i = 0; i < 10; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "p%05lld-", (long long)i * 7);
        uint64_t seq = put(machine, i + 1, i * 7, name, 0);
        client_wait(&clients[i * 7], has_commit, seq);
        seq = put(machine, i + 1, i * 7, name, 1);
        client_wait(&clients[i * 7], has_commit, seq);
        assert_int_equal(clients[i * 7].heard_count, 2);
    }
    for (int64_t i = 0; i < MANY; i++)
        client_close(&clients[i]);
    live_statistics(machine->live, &after);
    print_message("%d subscriptions, 20 writes: %llu candidates, %llu evaluations\n", MANY,
                  (unsigned long long)(after.candidates - before.candidates),
                  (unsigned long long)(after.evaluations - before.evaluations));
    assert_true(after.candidates - before.candidates <= 20);
    assert_true(after.evaluations - before.evaluations <= 30);
    free(clients);
    arena_close(&arena);
}

static void equality_costs_what_it_matches(void **state)
{
    check_cost(*state, equal_to);
}

static void ranges_cost_what_they_match(void **state)
{
    check_cost(*state, between);
}

static void prefixes_cost_what_they_match(void **state)
{
    check_cost(*state, beginning_with);
}

/* ---- the index's trees, against looking at each range ---- */

enum { RANGES = 200 };

typedef struct Found {
    bool seen[RANGES];
    const LiveNode *nodes;
} Found;

static void see(void *context, LiveSubscription *subscription)
{
    Found *found = context;
    size_t at = (size_t)(uintptr_t)subscription - 1;
    assert_false(found->seen[at]);
    found->seen[at] = true;
}

static LiveBound random_bound(Random *random)
{
    return (LiveBound){.value = value_integer(TYPE_BIGINT, (int64_t)random_below(random, 30)),
                       .is_endless = random_chance(random, 1, 6),
                       .is_inclusive = random_chance(random, 1, 2)};
}

static bool holds(const LiveNode *node, int64_t n)
{
    int64_t low = node->low.value.as.integer;
    int64_t high = node->high.value.as.integer;
    return (node->low.is_endless || low < n || (low == n && node->low.is_inclusive)) &&
           (node->high.is_endless || high > n || (high == n && node->high.is_inclusive));
}

static void check_tree(LiveNode *root, const LiveNode *nodes, const bool *in)
{
    for (int64_t n = -1; n <= 30; n++) {
        Found found = {.nodes = nodes};
        Value value = value_integer(TYPE_BIGINT, n);
        interval_find(root, &value, see, &found);
        for (size_t i = 0; i < RANGES; i++)
            assert_true(found.seen[i] == (in[i] && holds(&nodes[i], n)));
    }
}

static void a_tree_of_ranges_finds_what_holds_a_value(void **state)
{
    Random random = random_of(test_seed());
    LiveNode *nodes = calloc(RANGES, sizeof(LiveNode));
    bool in[RANGES] = {false};
    LiveNode *root = NULL;
    (void)state;
    assert_non_null(nodes);
    for (size_t step = 0; step < 3000; step++) {
        size_t at = random_below(&random, RANGES);
        if (in[at]) {
            interval_remove(&root, &nodes[at]);
        } else {
            nodes[at] = (LiveNode){.subscription = (LiveSubscription *)(uintptr_t)(at + 1),
                                   .priority = random_u64(&random) >> (step % 2 ? 0 : 60),
                                   .low = random_bound(&random),
                                   .high = random_bound(&random)};
            interval_add(&root, &nodes[at]);
        }
        in[at] = !in[at];
        if (step % 20 == 0)
            check_tree(root, nodes, in);
    }
    free(nodes);
}

#define WITH_MACHINE(test) cmocka_unit_test_setup_teardown(test, open_machine, close_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MACHINE(rows_come_into_a_filter_and_leave_it),
        WITH_MACHINE(owners_see_their_own_rows),
        WITH_MACHINE(filters_are_found_by_what_they_say),
        WITH_MACHINE(random_filters_see_what_they_say),
        WITH_MACHINE(equality_costs_what_it_matches),
        WITH_MACHINE(ranges_cost_what_they_match),
        WITH_MACHINE(prefixes_cost_what_they_match),
        cmocka_unit_test(a_tree_of_ranges_finds_what_holds_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
