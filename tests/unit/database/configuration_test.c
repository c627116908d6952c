/* The configuration: sources and their order, what is refused and how, changes while it runs. */
#include "database/configuration.h"

#include "base/memory.h"
#include "sql/quantity.h"
#include "tests/unit/database/test.h"

static Configuration *load(const ConfigurationSources *sources)
{
    Configuration *made;
    Error error;
    assert_ok(configuration_load(env_real(), sources, &made, &error), &error);
    return made;
}

static Configuration *load_defaults(void)
{
    ConfigurationSources none = {.machine = {.cores = 6, .memory_bytes = (uint64_t)8 << 30}};
    return load(&none);
}

static void assert_refused(const ConfigurationSources *sources, const char *message,
                           const char *hint)
{
    Configuration *made;
    Error error;
    if (configuration_load(env_real(), sources, &made, &error) == OK)
        fail_msg("loaded, instead of \"%s\"", message);
    assert_status(STATUS_INVALID_CONFIGURATION, error.status);
    assert_contains(error.message, message);
    if (hint != NULL)
        assert_contains(error.hint, hint);
}

static void assert_file_refused(const char *text, const char *message)
{
    Path folder;
    make_folder(&folder);
    write_text(&folder, "firn.toml", text);
    assert_refused(&(ConfigurationSources){.directory = folder.text}, message, NULL);
    remove_folder(&folder);
}

static void assert_value(const Configuration *configuration, const char *key, const char *wanted)
{
    Slice value;
    assert_true(configuration_get(configuration, slice_of_text(key), &value));
    assert_slice(value, wanted);
}

static ConfigurationSetting setting_of(const Configuration *configuration, const char *name)
{
    ConfigurationSetting setting;
    ConfigurationKey key;
    assert_true(configuration_find_key(slice_of_text(name), &key));
    configuration_setting(configuration, key, &setting);
    return setting;
}

/* ---- defaults ---- */

static void defaults_have_their_types(void **state)
{
    (void)state;
    Configuration *c = load_defaults();
    assert_int_equal(c->server_listen.count, 1);
    assert_slice(c->server_listen.items[0], "127.0.0.1:7700");
    assert_int_equal(c->server_workers, 6);
    assert_int_equal(c->server_loops, 3);
    assert_true(c->engine_worker_memory_bytes == (uint64_t)2 << 30);
    assert_true(c->statement_timeout_ns == INT64_C(60000000000));
    assert_true(c->http_body_bytes == 64 << 20);
    assert_int_equal(c->stall_soft_percent, 75);
    assert_int_equal(c->cold_deleted_percent, 30);
    assert_true(c->auth_anonymous);
    assert_false(c->tls_required);
    assert_int_equal(c->http_cors_origins.count, 0);
    assert_string_equal(configuration_choice(c, CONFIGURATION_cold_compression), "zstd");
    assert_value(c, "cold.deleted_ratio_max", "0.3");
    assert_value(c, "engine.worker_path", "firn-worker");
    configuration_release(c);
}

static void a_small_machine_gets_what_works(void **state)
{
    (void)state;
    Configuration *c = load(&(ConfigurationSources){.machine = {.cores = 1, .memory_bytes = 1}});
    assert_int_equal(c->server_loops, 1);
    assert_int_equal(c->server_workers, 1);
    assert_true(c->engine_worker_memory_bytes == 64 << 20);
    configuration_release(c);
}

/* ---- sources and their order ---- */

static void later_sources_win(void **state)
{
    (void)state;
    Path folder;
    make_folder(&folder);
    write_text(&folder, "firn.toml",
               "# first\n[flush]\nrows = 1_000 # few\ninterval = '5m'\nbytes = \"1MiB\"\n"
               "[server]\nlisten = [\"127.0.0.1:1\", # one\n  '[::1]:2',\n]\nui = false\n"
               "[cold]\ndeleted_ratio_max = 0.25\n");
    const char *environment[] = {"HOME=/x",
                                 "FIRN_FLUSH_INTERVAL=2s",
                                 "FIRN_FLUSH_BYTES=2MB",
                                 "FIRN_ROOT_PASSWORD=x",
                                 "FIRN_PASSWORD=y",
                                 "FIRN_PORT=tcp://a",
                                 "FIRN_SERVICE_HOST=10.0.0.1",
                                 NULL};
    const char *settings[] = {"flush.bytes=3M", "http.cors_origins=https://a, https://b",
                              "LOG.Durability=Interval"};
    Configuration *c = load(&(ConfigurationSources){.directory = folder.text,
                                                    .environment = environment,
                                                    .settings = settings,
                                                    .setting_count = COUNT(settings)});
    assert_int_equal(c->flush_rows, 1000);
    assert_true(c->flush_interval_ns == INT64_C(2000000000));
    assert_true(c->flush_bytes == 3 << 20);
    assert_int_equal(c->server_listen.count, 2);
    assert_slice(c->server_listen.items[1], "[::1]:2");
    assert_string_equal((const char *)c->server_listen.items[1].data, "[::1]:2");
    assert_false(c->server_ui);
    assert_int_equal(c->cold_deleted_percent, 25);
    assert_int_equal(c->log_durability, 1);
    assert_value(c, "http.cors_origins", "https://a, https://b");
    assert_int_equal(setting_of(c, "flush.rows").source, CONFIGURATION_FROM_FILE);
    assert_int_equal(setting_of(c, "flush.rows").line, 3);
    assert_int_equal(setting_of(c, "flush.interval").source, CONFIGURATION_FROM_ENVIRONMENT);
    assert_int_equal(setting_of(c, "flush.bytes").source, CONFIGURATION_FROM_COMMAND);
    assert_int_equal(setting_of(c, "log.interval").source, CONFIGURATION_FROM_DEFAULT);
    configuration_release(c);
    remove_folder(&folder);
}

static void printed_with_sources(void **state)
{
    (void)state;
    const char *settings[] = {"flush.rows=7"};
    Configuration *c = load(&(ConfigurationSources){.settings = settings, .setting_count = 1});
    Buffer out;
    Error error;
    buffer_open(&out, 0);
    configuration_print(c, &out);
    buffer_put_u8(&out, 0);
    assert_ok(buffer_status(&out, &error), &error);
    assert_contains((const char *)out.data, "\nflush.rows = 7  # command\n");
    assert_contains((const char *)out.data, "\nserver.node_id = 1  # default\n");
    size_t lines = 0;
    for (size_t i = 0; i < out.size; i++)
        lines += out.data[i] == '\n';
    assert_int_equal(lines, CONFIGURATION_KEY_COUNT);
    buffer_close(&out);
    configuration_release(c);
}

/* ---- what is refused ---- */

static void refusals_name_place_and_remedy(void **state)
{
    static const char *const cases[][3] = {
        {"flush.row=1", "--set: there is no configuration key \"flush.row\"", "flush.rows"},
        {"flush.rows", "write --set section.key=value", NULL},
        {"statement.timeout=0", "statement.timeout = 0 is out of range: 1ms to 7d", NULL},
        {"statement.timeout=8d", "out of range: 1ms to 7d", NULL},
        {"statement.timeout=5 m", "has to be a duration", NULL},
        {"http.header_bytes_max=64K", "out of range: 1KiB to 32KiB", NULL},
        {"server.node_id=65536", "out of range: 1 to 65535", NULL},
        {"server.node_id=-1", "out of range", NULL},
        {"server.node_id=1.5", "has to be a whole number", NULL},
        {"server.listen=", "out of range: 1 to 16 items", NULL},
        {"server.listen=a,,b", "has to be a list", NULL},
        {"server.listen=a,", "has to be a list", NULL},
        {"stall.soft=abc", "has to be a whole number of percent", NULL},
        {"stall.soft=101%", "stall.soft (101%) must not be above stall.hard (100%)", NULL},
        {"cold.deleted_ratio_max=0.333", "has to be a share in hundredths", NULL},
        {"cold.deleted_ratio_max=1.01", "out of range: 0.01 to 1", NULL},
        {"cold.deleted_ratio_max=NaN", "has to be a share", NULL},
        {"log.durability=sometimes", "has to be one of always|interval|none", NULL},
        {"server.ui=maybe", "has to be on or off", NULL},
        {"tls.required=on", "tls.required cannot be set: TLS is not built yet", NULL},
        {"tls.key=/a", "TLS is not built yet", NULL},
        {"auth.oidc_issuers=https://a", "OpenID Connect is not built yet", NULL},
        {"cluster.anything=1", "cluster is not built yet", NULL},
        {"engine.worker_path=a\nb", "has to be a text", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(&(ConfigurationSources){.settings = &cases[i][0], .setting_count = 1},
                       cases[i][1], cases[i][2]);
}

static void features_that_are_not_built_take_their_default(void **state)
{
    static const char *const settings[] = {"tls.required=false", "tls.key=", "audit.retention=90d",
                                           "limits.key_bytes_max=16384"};
    (void)state;
    Configuration *c =
        load(&(ConfigurationSources){.settings = settings, .setting_count = COUNT(settings)});
    assert_value(c, "tls.required", "off");
    configuration_release(c);
}

static void variables_that_are_no_keys_are_refused(void **state)
{
    const char *mistyped[] = {"FIRN_FLUSH_ROW=1", NULL};
    const char *later[] = {"FIRN_CLUSTER_NODES=a", NULL};
    const char *out_of_range[] = {"FIRN_FLUSH_ROWS=0", NULL};
    (void)state;
    assert_refused(&(ConfigurationSources){.environment = mistyped},
                   "FIRN_FLUSH_ROW: there is no such configuration key", "FIRN_FLUSH_ROWS");
    assert_refused(&(ConfigurationSources){.environment = later}, "cluster is not built yet", NULL);
    assert_refused(&(ConfigurationSources){.environment = out_of_range},
                   "FIRN_FLUSH_ROWS: flush.rows = 0 is out of range", NULL);
}

static void files_that_are_not_the_subset_are_refused_by_line(void **state)
{
    static const char *const cases[][2] = {
        {"rows = 1\n", "firn.toml: line 1: a key before the first [section]"},
        {"[flush]\nrows 1\n", "line 2: a line is [section] or key = value"},
        {"[flush]\n\nrows = 1 2\n", "line 3: something follows"},
        {"[flush]\nrows =\n", "line 2: a value is missing"},
        {"[flush]\nrows = yes\n", "line 2: a value is"},
        {"[flush]\nrows = 10s\n", "line 2: a number has digits"},
        {"[flush]\nrows = 0x10\n", "line 2: a number has digits"},
        {"[flush]\nrows = 1979-05-27\n", "line 2: a number has digits"},
        {"[flush]\nrows = 1__0\n", "line 2: a number has digits"},
        {"[flush]\nrows = 1_\n", "line 2: a number has digits"},
        {"[flush]\nrows = [1]\n", "line 2: a list holds strings"},
        {"[flush]\nrows = [\"1\"]\n", "line 2: flush.rows has one value, not a list"},
        {"[flush]\nrows = 1\nrows = 2\n", "line 3: flush.rows was given on line 2 already"},
        {"[flush]\n[flush]\n", "line 2: this section was there before"},
        {"[flsh]\n", "line 1: there is no section [flsh]"},
        {"[flush.a]\n", "line 1: a section is [name]"},
        {"[[flush]]\n", "line 1: a section is [name]"},
        {"[flush]\na.b = 1\n", "line 2: a line is"},
        {"[flush]\n\"rows\" = 1\n", "line 2: a line is"},
        {"[flush]\nrow = 1\n", "line 2: there is no configuration key \"flush.row\""},
        {"[flush]\nrows = \"a\n", "line 2: a string without its end"},
        {"[flush]\nrows = \"a\\q\"\n", "line 2: an escape"},
        {"[flush]\nrows = \"\\ud800\"\n", "line 2: an escape"},
        {"[flush]\nrows = {a = 1}\n", "line 2: a value is missing"},
        {"[server]\nlisten = [\"a\" \"b\"]\n", "line 2: a list without its end"},
        {"[server]\nlisten = [\"a,b\"]\n", "line 2: an item of a list"},
        {"[server]\nlisten = 7700\n", "line 2: server.listen is a text"},
        {"[server]\nlisten = [\n\n\"a\"\n", "line 5: a list without its end"},
        {"[cluster]\n", "line 1: cluster cannot be set: cluster is not built yet"},
        {"[flush]\nrows = 0\n", "line 2: flush.rows = 0 is out of range: 1 to 1000000000"},
        {"[flush]\nrows = \"\xff\"\n", "firn.toml: it is not UTF-8 text"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_file_refused(cases[i][0], cases[i][1]);
}

static void strings_are_unescaped(void **state)
{
    Path folder;
    (void)state;
    make_folder(&folder);
    write_text(&folder, "firn.toml",
               "\xef\xbb\xbf[engine]\r\nworker_path = \"/a \\\"b\\\\ \\u00e9\\U0001F600\"\r\n"
               "[http]\ncors_origins = ['https://\\a']");
    Configuration *c = load(&(ConfigurationSources){.directory = folder.text});
    assert_value(c, "engine.worker_path", "/a \"b\\ \xc3\xa9\xf0\x9f\x98\x80");
    assert_value(c, "http.cors_origins", "https://\\a");
    configuration_release(c);
    remove_folder(&folder);
}

/* ---- while it runs ---- */

static void live_keys_change_and_old_readers_keep_theirs(void **state)
{
    Configuration *before = load_defaults();
    Configuration *after;
    Configuration *back;
    Error error;
    (void)state;
    assert_ok(configuration_set_live(before, SLICE("flush.rows"), SLICE("5"), &after, &error),
              &error);
    assert_int_equal(before->flush_rows, 100000);
    assert_int_equal(after->flush_rows, 5);
    assert_string_equal(configuration_source_name(setting_of(after, "flush.rows").source),
                        "command");
    assert_slice(setting_of(after, "flush.rows").default_text, "100000");
    assert_ok(configuration_reset_live(after, SLICE("flush.rows"), &back, &error), &error);
    assert_int_equal(back->flush_rows, 100000);
    assert_int_equal(setting_of(back, "flush.rows").source, CONFIGURATION_FROM_DEFAULT);
    configuration_release(before);
    configuration_release(after);
    configuration_release(back);
}

static void live_changes_are_refused_with_sqls_codes(void **state)
{
    static const struct {
        const char *key;
        const char *value;
        Status status;
    } cases[] = {
        {"flush.row", "1", STATUS_UNDEFINED_OBJECT},
        {"flush.rows", "x", STATUS_INVALID_PARAMETER_VALUE},
        {"flush.rows", "0", STATUS_INVALID_PARAMETER_VALUE},
        {"stall.hard", "10%", STATUS_INVALID_PARAMETER_VALUE},
        {"server.node_id", "2", STATUS_OBJECT_NOT_IN_PREREQUISITE_STATE},
        {"tls.required", "on", STATUS_FEATURE_NOT_SUPPORTED},
        {"cluster.x", "on", STATUS_FEATURE_NOT_SUPPORTED},
    };
    Configuration *base = load_defaults();
    Configuration *made;
    Error error;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        Status status = configuration_set_live(base, slice_of_text(cases[i].key),
                                               slice_of_text(cases[i].value), &made, &error);
        assert_status(cases[i].status, status);
        assert_status(cases[i].status, error.status);
    }
    configuration_release(base);
}

typedef struct Told {
    uint32_t count;
    char keys[8][64];
    Status whys[8];
} Told;

static void told(void *context, Slice key, const Error *why)
{
    Told *heard = context;
    assert_true(heard->count < 8);
    (void)snprintf(heard->keys[heard->count], 64, "%.*s", SLICE_ARGUMENTS(key));
    heard->whys[heard->count++] = why->status;
}

static CatalogSnapshot *stored(const char *const (*settings)[2], size_t count)
{
    CatalogChange changes[8] = {0};
    CatalogSnapshot *empty;
    CatalogSnapshot *out;
    Error error;
    assert_ok(catalog_snapshot_empty(&empty, &error), &error);
    for (size_t i = 0; i < count; i++) {
        changes[i].kind = CATALOG_SETTING;
        changes[i].as.setting =
            (CatalogSetting){slice_of_text(settings[i][0]), slice_of_text(settings[i][1])};
    }
    assert_ok(catalog_snapshot_apply(empty, changes, count, &out, &error), &error);
    catalog_snapshot_release(empty);
    return out;
}

static void stored_values_win_and_bad_ones_never_stop_the_start(void **state)
{
    static const char *const settings[][2] = {{"flush.rows", "9"},
                                              {"flush.bytes", "much"},
                                              {"gone.key", "1"},
                                              {"stall.hard", "60%"},
                                              {"stall.soft", "50%"}};
    CatalogSnapshot *snapshot = stored(settings, COUNT(settings));
    Configuration *base = load_defaults();
    Configuration *made;
    Told heard = {0};
    Error error;
    (void)state;
    assert_ok(configuration_apply_stored(base, snapshot, told, &heard, &made, &error), &error);
    assert_int_equal(made->flush_rows, 9);
    assert_int_equal(made->stall_hard_percent, 60);
    assert_int_equal(made->stall_soft_percent, 50);
    assert_true(made->flush_bytes == 64 << 20);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.keys[0], "flush.bytes");
    assert_string_equal(heard.keys[1], "gone.key");
    configuration_release(base);
    configuration_release(made);
    catalog_snapshot_release(snapshot);
}

static void stored_values_that_do_not_fit_together_fall_back(void **state)
{
    static const char *const settings[][2] = {{"stall.hard", "60%"}};
    CatalogSnapshot *snapshot = stored(settings, 1);
    Configuration *base = load_defaults();
    Configuration *made;
    Told heard = {0};
    Error error;
    (void)state;
    assert_ok(configuration_apply_stored(base, snapshot, told, &heard, &made, &error), &error);
    assert_int_equal(made->stall_hard_percent, 100);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.keys[0], "stall.hard");
    configuration_release(base);
    configuration_release(made);
    catalog_snapshot_release(snapshot);
}

static void reload_takes_live_keys_and_keeps_the_others(void **state)
{
    Path folder;
    Configuration *first;
    Configuration *altered;
    Configuration *second;
    Told heard = {0};
    Error error;
    (void)state;
    make_folder(&folder);
    write_text(&folder, "firn.toml", "[flush]\nrows = 10\n[server]\nnode_id = 3\n");
    first = load(&(ConfigurationSources){.directory = folder.text});
    assert_ok(configuration_set_live(first, SLICE("flush.bytes"), SLICE("5MiB"), &altered, &error),
              &error);
    write_text(&folder, "firn.toml", "[flush]\nrows = 20\nbytes = '9MiB'\n[server]\nnode_id = 4\n");
    assert_ok(configuration_reload(env_real(), altered, told, &heard, &second, &error), &error);
    assert_int_equal(second->flush_rows, 20);
    assert_true(second->flush_bytes == 5 << 20);
    assert_int_equal(second->server_node_id, 3);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.keys[0], "server.node_id");
    assert_status(STATUS_OBJECT_NOT_IN_PREREQUISITE_STATE, heard.whys[0]);
    configuration_release(altered);
    assert_ok(configuration_reset_live(second, SLICE("flush.bytes"), &altered, &error), &error);
    assert_true(altered->flush_bytes == 9 << 20);

    write_text(&folder, "firn.toml", "[flush]\nrows = none\n");
    configuration_release(altered);
    assert_status(STATUS_INVALID_CONFIGURATION,
                  configuration_reload(env_real(), second, NULL, NULL, &altered, &error));
    configuration_release(first);
    configuration_release(second);
    remove_folder(&folder);
}

/* ---- memory ---- */

static Status load_and_change(const char *directory, Error *error)
{
    static const char *const environment[] = {"FIRN_FLUSH_ROWS=5", NULL};
    static const char *const settings[] = {"http.cors_origins=a,b"};
    ConfigurationSources sources = {.directory = directory,
                                    .environment = environment,
                                    .settings = settings,
                                    .setting_count = 1};
    Configuration *first = NULL;
    Configuration *second = NULL;
    Configuration *third = NULL;
    Status status = OK;
    GO(configuration_load(env_real(), &sources, &first, error));
    GO(configuration_set_live(first, SLICE("flush.bytes"), SLICE("1MiB"), &second, error));
    GO(configuration_reload(env_real(), second, NULL, NULL, &third, error));
    assert_true(third->flush_bytes == 1 << 20);
    assert_int_equal(third->flush_rows, 5);
done:
    configuration_release(first);
    configuration_release(second);
    configuration_release(third);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    Path folder;
    Error error;
    int64_t n = 1;
    (void)state;
    make_folder(&folder);
    write_text(&folder, "firn.toml", "[server]\nlisten = ['127.0.0.1:1', '127.0.0.1:2']\n");
    for (;; n++) {
        memory_fail_at(n, 1);
        Status status = load_and_change(folder.text, &error);
        bool all_failed = memory_allocations() < n;
        memory_fail_at(0, 0);
        if (all_failed) {
            assert_ok(status, &error);
            break;
        }
        assert_status(STATUS_OUT_OF_MEMORY, status);
    }
    assert_true(n > 10);
    remove_folder(&folder);
}

/* ---- the page that people read ---- */

typedef struct PageKey {
    char name[80];
    char usual[80];
    bool is_live;
} PageKey;

enum { PAGE_KEYS_MAX = 256 };

static Slice cell(Slice line, unsigned number)
{
    for (unsigned i = 0; i <= number; i++)
        line = slice_part(line, slice_find(line, '|') + 1, SIZE_MAX);
    return slice_trim(slice_part(line, 0, slice_find(line, '|')));
}

/* Splits at any of the separators, giving one part after the other. */
static bool next_part(Slice *rest, const char *separators, Slice *out)
{
    if (rest->size == 0)
        return false;
    size_t end = 0;
    while (end < rest->size && strchr(separators, rest->data[end]) == NULL)
        end++;
    *out = slice_trim(slice_part(*rest, 0, end));
    *rest = slice_part(*rest, end + 1, SIZE_MAX);
    return true;
}

/* "http.header_bytes_max / body_bytes_max | 16KiB / 64MiB | x |": a section is said once. */
static void add_line(Slice line, PageKey *keys, size_t *count)
{
    Slice names = cell(line, 0);
    Slice values = cell(line, 1);
    Slice name;
    Slice value = SLICE_EMPTY;
    char section[40] = "";
    while (next_part(&names, "/,", &name)) {
        PageKey *key = &keys[(*count)++];
        assert_true(*count < PAGE_KEYS_MAX);
        size_t dot = slice_find(name, '.');
        if (dot < name.size)
            (void)snprintf(section, sizeof section, "%.*s.", (int)dot, (const char *)name.data);
        Slice own = dot < name.size ? slice_part(name, dot + 1, SIZE_MAX) : name;
        (void)snprintf(key->name, sizeof key->name, "%s%.*s", section, SLICE_ARGUMENTS(own));
        if (!next_part(&values, "/,", &value))
            assert_true(value.size > 0); /* one default for all of them */
        (void)snprintf(key->usual, sizeof key->usual, "%.*s", SLICE_ARGUMENTS(value));
        key->is_live = slice_equal_text(cell(line, 2), "x");
    }
}

static size_t read_page(Slice page, PageKey *keys)
{
    size_t count = 0;
    Slice line;
    while (next_part(&page, "\n", &line)) {
        if (!slice_starts_with(line, SLICE("| ")) || slice_starts_with(line, SLICE("| key |")) ||
            slice_starts_with(line, SLICE("| cluster.*")))
            continue;
        add_line(line, keys, &count);
    }
    return count;
}

/* Does the page's default say the same as the program's? It has words for some. */
static bool says_the_same(const char *page, const Configuration *configuration,
                          ConfigurationKey key)
{
    ConfigurationSetting setting;
    Configuration *made;
    Error error;
    Slice text = slice_of_text(page);
    configuration_setting(configuration, key, &setting);
    if (setting.definition->default_text[0] == '@' || key == CONFIGURATION_metrics_listen)
        return true;
    text = slice_trim(slice_part(text, 0, slice_find(text, '(')));
    if (slice_starts_with(text, SLICE("75 %")) || slice_starts_with(text, SLICE("100 %")))
        text = slice_part(text, 0, slice_find(text, '%') + 1);
    text = slice_part(text, 0,
                      slice_find(text, ' ') < text.size &&
                              setting.definition->type != CONFIGURATION_PERCENT
                          ? slice_find(text, ' ')
                          : text.size);
    if (slice_equal_text(text, "none") && setting.value.size == 0)
        return true;
    if (setting.definition->feature != NULL)
        return slice_equal(text, setting.value) ||
               slice_equal_text(text, setting.definition->default_text);
    if (!setting.definition->is_live)
        return slice_equal(text, setting.value);
    if (configuration_set_live((Configuration *)configuration,
                               slice_of_text(setting.definition->name), text, &made, &error) != OK)
        return false;
    Slice got;
    bool same = configuration_get(made, slice_of_text(setting.definition->name), &got) &&
                slice_equal(got, setting.value);
    configuration_release(made);
    return same;
}

static void the_keys_are_those_of_the_page(void **state)
{
    static PageKey keys[PAGE_KEYS_MAX];
    Buffer content;
    (void)state;
    const char *page = read_plan("spec/config.md", &content);
    if (page == NULL)
        skip();
    Configuration *c = load_defaults();
    size_t count = read_page(slice_of_text(page), keys);
    for (size_t i = 0; i < count; i++) {
        ConfigurationKey key;
        if (!configuration_find_key(slice_of_text(keys[i].name), &key))
            fail_msg("the page has %s, the program has not", keys[i].name);
        if (configuration_definition(key)->is_live != keys[i].is_live)
            fail_msg("%s: live in one of page and program only", keys[i].name);
        if (!says_the_same(keys[i].usual, c, key))
            fail_msg("%s: the page's default is %s", keys[i].name, keys[i].usual);
    }
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found |= strcmp(keys[i].name, configuration_definition(key)->name) == 0;
        if (!found)
            fail_msg("the program has %s, the page has not", configuration_definition(key)->name);
    }
    configuration_release(c);
    buffer_close(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_have_their_types),
        cmocka_unit_test(a_small_machine_gets_what_works),
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(printed_with_sources),
        cmocka_unit_test(refusals_name_place_and_remedy),
        cmocka_unit_test(features_that_are_not_built_take_their_default),
        cmocka_unit_test(variables_that_are_no_keys_are_refused),
        cmocka_unit_test(files_that_are_not_the_subset_are_refused_by_line),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(live_keys_change_and_old_readers_keep_theirs),
        cmocka_unit_test(live_changes_are_refused_with_sqls_codes),
        cmocka_unit_test(stored_values_win_and_bad_ones_never_stop_the_start),
        cmocka_unit_test(stored_values_that_do_not_fit_together_fall_back),
        cmocka_unit_test(reload_takes_live_keys_and_keeps_the_others),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_keys_are_those_of_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
