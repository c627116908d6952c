#include "worker/macros.h"

#include "base/memory.h"
#include "worker/names.h"

typedef struct Macro {
    const char *name;
    const char *definition; /* what follows the name in CREATE MACRO */
} Macro;

/* Notes on what looks odd:
 * - greatest(NULL, 1) is 1 in DuckDB, CASE without a match is its ELSE: hence the IS NULL tests.
 * - error('PGxxxxx text') carries an SQLSTATE to errors.c.
 * - JSON keys go as JSON pointers, whose two escapes are all there is to quote; a pointer would
 * also find '0' in an array, PostgreSQL's -> 'text' does not. */
static const Macro macros[] = {
    /* numbers */
    {"pg_chk", "(x) AS CASE WHEN isinf(x)"
               " THEN error('PG22003 value out of range: overflow')::DOUBLE ELSE x END"},
    {"pg_idiv", "(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL"
                " THEN error('PG22012 division by zero') ELSE a // b END"},
    {"pg_fdiv", "(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL"
                " THEN error('PG22012 division by zero')::DOUBLE ELSE a / b END"},
    {"pg_mod", "(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL"
               " THEN error('PG22012 division by zero') WHEN b = -1 THEN a - a ELSE a % b END"},
    {"pg_div_num", "(a, b) AS CASE WHEN b = 0 AND a IS NOT NULL"
                   " THEN error('PG22012 division by zero') ELSE a // b END"},
    {"pg_round_f", "(x) AS round_even(x, 0)"},
    {"pg_power",
     "(a, b) AS CASE WHEN a = 0 AND b < 0"
     " THEN error('PG2201F zero raised to a negative power is undefined')::DOUBLE"
     " WHEN a < 0 AND b <> floor(b) THEN error('PG2201F a negative number raised to a non-integer"
     " power yields a complex result')::DOUBLE ELSE pg_chk(power(a::DOUBLE, b::DOUBLE)) END"},
    {"pg_exp", "(a) AS pg_chk(exp(a))"},
    {"pg_to_hex4",
     "(n) AS"
     " lower(to_hex(CASE WHEN n < 0 THEN n::BIGINT + 4294967296 ELSE n::BIGINT END))"},
    {"pg_cast_i4",
     "(x VARCHAR) AS CASE WHEN x IS NULL THEN NULL"
     " WHEN regexp_full_match(trim(x), '[-+]?[0-9]+') THEN x::INTEGER"
     " ELSE error('PG22P02 invalid input syntax for type integer: \"' || x || '\"') END,"
     " (x) AS x::INTEGER"},
    {"pg_cast_i8",
     "(x VARCHAR) AS CASE WHEN x IS NULL THEN NULL"
     " WHEN regexp_full_match(trim(x), '[-+]?[0-9]+') THEN x::BIGINT"
     " ELSE error('PG22P02 invalid input syntax for type bigint: \"' || x || '\"') END,"
     " (x BOOLEAN) AS error('PG42846 cannot cast type boolean to bigint')::BIGINT,"
     " (x) AS x::BIGINT"},
    {"pg_cbool", "(x) AS"
                 " CASE WHEN typeof(x) = 'BOOLEAN' THEN left(x::VARCHAR, 1) ELSE x::VARCHAR END"},
    /* texts */
    {"pg_substr", "(s, p) AS"
                  " CASE WHEN p IS NOT NULL THEN substring(s, greatest(p, 1)::BIGINT) END"},
    {"pg_substr3",
     "(s, p, n) AS CASE WHEN s IS NULL OR p IS NULL OR n IS NULL THEN NULL"
     " WHEN n < 0 THEN error('PG22011 negative substring length not allowed')"
     " WHEN p::BIGINT + n <= 1 THEN ''"
     " ELSE substring(s, greatest(p, 1)::BIGINT, (p::BIGINT + n - greatest(p, 1))::BIGINT) END"},
    {"pg_substr_re",
     "(s, p) AS CASE WHEN regexp_matches(s, p)"
     " THEN regexp_extract(s, p, CASE WHEN contains(p, '(') THEN 1 ELSE 0 END) END"},
    {"pg_lpad", "(s, n, f := ' ') AS CASE"
                " WHEN s IS NULL OR n IS NULL OR f IS NULL THEN NULL WHEN n <= 0 THEN ''"
                " WHEN n > 268435000 THEN error('PG54000 requested length too large')"
                " WHEN f = '' OR length(s) >= n THEN left(s, n) ELSE lpad(s, n::INTEGER, f) END"},
    {"pg_rpad", "(s, n, f := ' ') AS CASE"
                " WHEN s IS NULL OR n IS NULL OR f IS NULL THEN NULL WHEN n <= 0 THEN ''"
                " WHEN n > 268435000 THEN error('PG54000 requested length too large')"
                " WHEN f = '' OR length(s) >= n THEN left(s, n) ELSE rpad(s, n::INTEGER, f) END"},
    {"pg_overlay", "(s, r, p, n) AS CASE"
                   " WHEN s IS NULL OR r IS NULL OR p IS NULL OR n IS NULL THEN NULL"
                   " WHEN p <= 0 THEN error('PG22011 negative substring length not allowed')"
                   " ELSE left(s, p - 1) || r || substring(s, greatest(p::BIGINT + n, 1)) END"},
    {"pg_split_part",
     "(s, d, n) AS CASE WHEN s IS NULL OR d IS NULL OR n IS NULL THEN NULL"
     " WHEN n = 0 THEN error('PG22023 field position must not be zero')"
     " WHEN d = '' THEN CASE WHEN n IN (1, -1) THEN s ELSE '' END ELSE split_part(s, d, n) END"},
    {"pg_chr", "(n) AS CASE"
               " WHEN n < 0 THEN error('PG22023 character number must be positive')"
               " WHEN n = 0 THEN error('PG54000 null character not permitted')"
               " WHEN n > 1114111 OR n BETWEEN 55296 AND 57343"
               " THEN error('PG54000 requested character not valid for encoding: ' || n)"
               " ELSE chr(n::INTEGER) END"},
    {"pg_string_to_array", "(s, d) AS CASE WHEN s IS NULL THEN NULL"
                           " WHEN s = '' THEN []::VARCHAR[] WHEN d IS NULL THEN string_split(s, '')"
                           " WHEN d = '' THEN [s] ELSE string_split(s, d) END"},
    {"pg_string_to_array3", "(s, d, z) AS"
                            " list_transform(pg_string_to_array(s, d), lambda x: nullif(x, z))"},
    {"pg_array_to_string3",
     "(a, d, z) AS"
     " array_to_string(list_transform(a, lambda x: coalesce(x::VARCHAR, z)), d)"},
    {"pg_regexp_match",
     "(s, p) AS CASE WHEN regexp_matches(s, p) THEN"
     " CASE WHEN contains(p, '(') THEN list_filter([regexp_extract(s, p, 1),"
     " CASE WHEN length(p) - length(replace(p, '(', '')) > 1 THEN regexp_extract(s, p, 2) END],"
     " lambda x: x IS NOT NULL) ELSE [regexp_extract(s, p)] END END"},
    {"pg_regexp_count", "(s, p) AS len(regexp_extract_all(s, p))::INTEGER"},
    {"pg_regexp_instr",
     "(s, p) AS CASE WHEN s IS NULL OR p IS NULL THEN NULL"
     " WHEN regexp_matches(s, p) THEN strpos(s, regexp_extract(s, p))::INTEGER ELSE 0 END"},
    {"pg_regexp_substr", "(s, p) AS"
                         " CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p) END"},
    /* dates and times */
    {"pg_date_trunc", "(f, x DATE) AS date_trunc(f, x::TIMESTAMPTZ),"
                      " (f, x) AS date_trunc(f, x)"},
    {"pg_date_trunc3", "(f, x, z) AS timezone(z, date_trunc(f, timezone(z, x)))"},
    {"pg_extract_s", "(x) AS (date_part('microseconds', x) / 1000000.0)::DECIMAL(18,6)"},
    {"pg_extract_ms", "(x) AS (date_part('microseconds', x) / 1000.0)::DECIMAL(18,3)"},
    {"pg_epoch", "(x DATE) AS epoch(x)::DECIMAL(18,0), (x) AS epoch(x)::DECIMAL(30,6)"},
    {"pg_sub_date",
     "(a, b) AS CASE WHEN NOT isfinite(a) OR NOT isfinite(b)"
     " THEN error('PG22008 cannot subtract infinite dates') ELSE (a - b)::INTEGER END"},
    {"pg_sub_time", "(a, b) AS to_microseconds(epoch_us(a) - epoch_us(b))"},
    {"pg_make_interval",
     "(years := 0, months := 0, weeks := 0, days := 0, hours := 0,"
     " mins := 0, secs := 0) AS to_years(years) + to_months(months) + to_days(weeks * 7 + days)"
     " + to_hours(hours) + to_minutes(mins) + to_seconds(secs)"},
    {"pg_time_of", "(t) AS CASE WHEN isfinite(t) THEN t::TIME END"},
    {"pg_date_bin", "(i, t, o) AS time_bucket(i::INTERVAL, t, o)"},
    {"pg_overlaps", "(a, b, c, d) AS (least(a, b) < greatest(c, d)"
                    " AND least(c, d) < greatest(a, b)) OR least(a, b) = least(c, d)"},
    /* arrays: of one dimension, from 1 */
    {"pg_cardinality", "(a) AS len(a)::INTEGER"},
    {"pg_array_length", "(a, d) AS CASE WHEN d = 1 AND len(a) > 0 THEN len(a)::INTEGER END"},
    {"pg_array_lower", "(a, d) AS CASE WHEN d = 1 AND len(a) > 0 THEN 1 END"},
    {"pg_array_dims", "(a) AS CASE WHEN len(a) > 0 THEN '[1:' || len(a) || ']' END"},
    {"pg_array_positions", "(a, v) AS CASE WHEN a IS NOT NULL THEN"
                           " list_transform(list_filter(list_zip(a, range(1, len(a) + 1)),"
                           " lambda p: p[1] IS NOT DISTINCT FROM v), lambda p: p[2]::INTEGER) END"},
    {"pg_array_remove", "(a, v) AS list_filter(a, lambda x: x IS DISTINCT FROM v)"},
    {"pg_array_replace",
     "(a, v, w) AS"
     " list_transform(a, lambda x: CASE WHEN x IS NOT DISTINCT FROM v THEN w ELSE x END)"},
    {"pg_array_fill",
     "(v, d) AS CASE WHEN d IS NULL"
     " THEN error('PG22004 dimension array or low bound array cannot be null')"
     " WHEN len(d) > 1 THEN error('PG0A000 arrays of more than one dimension are not supported')"
     " WHEN len(d) = 1 AND d[1] IS NULL"
     " THEN error('PG22004 dimension values cannot be null')"
     " WHEN d[1] NOT BETWEEN 0 AND 134217727"
     " THEN error('PG54000 array size exceeds the maximum allowed (134217727)')"
     " ELSE list_transform(range(coalesce(d[1], 0)), lambda i: v) END"},
    {"pg_trim_array",
     "(a, n) AS CASE WHEN n < 0 OR n > len(a) THEN"
     " error('PG2202E number of elements to trim must be between 0 and ' || len(a))"
     " ELSE a[1:len(a) - n] END"},
    {"pg_idx", "(a, i) AS CASE WHEN i < 1 THEN NULL ELSE a[i] END"},
    /* JSON */
    {"pg_json_typeof",
     "(j) AS CASE json_type(j::JSON) WHEN 'OBJECT' THEN 'object'"
     " WHEN 'ARRAY' THEN 'array' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean'"
     " WHEN 'NULL' THEN 'null' ELSE CASE WHEN j IS NOT NULL THEN 'number' END END"},
    {"pg_json_array_length",
     "(j) AS CASE WHEN j IS NULL THEN NULL"
     " WHEN json_type(j::JSON) = 'ARRAY' THEN json_array_length(j::JSON)::INTEGER"
     " ELSE error('PG22023 cannot get array length of a non-array') END"},
    {"pg_pointer", "(k) AS '/' || replace(replace(k, '~', '~0'), '/', '~1')"},
    {"pg_jget_i",
     "(j, i) AS CASE WHEN json_type(j::JSON) = 'ARRAY' THEN"
     " json_extract(j::JSON, '$[' || CASE WHEN i < 0 THEN '#' ELSE '' END || i || ']') END"},
    {"pg_jget_k", "(j, k) AS CASE WHEN json_type(j::JSON) = 'OBJECT' THEN"
                  " json_extract(j::JSON, pg_pointer(k)) END"},
    {"pg_jgets_i",
     "(j, i) AS CASE WHEN json_type(j::JSON) = 'ARRAY' THEN"
     " json_extract_string(j::JSON, '$[' || CASE WHEN i < 0 THEN '#' ELSE '' END || i || ']') END"},
    {"pg_jgets_k", "(j, k) AS CASE WHEN json_type(j::JSON) = 'OBJECT' THEN"
                   " json_extract_string(j::JSON, pg_pointer(k)) END"},
};

enum { MACRO_COUNT = sizeof macros / sizeof *macros, MACRO_DEPTH_MAX = 4 };

Status macros_open(Macros *set, Error *error)
{
    set->is_created = memory_allocate_zeroed(MACRO_COUNT, sizeof *set->is_created);
    return set->is_created == NULL ? error_out_of_memory(error) : OK;
}

void macros_close(Macros *set)
{
    memory_free(set->is_created);
    set->is_created = NULL;
}

static int find_macro(Slice name)
{
    for (int i = 0; i < MACRO_COUNT; i++) {
        if (slice_equal_text(name, macros[i].name))
            return i;
    }
    return -1;
}

static Status create_macro(duckdb_connection connection, const Macro *macro, Error *error)
{
    Buffer sql;
    buffer_open(&sql, 0);
    buffer_put_format(&sql, "CREATE MACRO %s%s", macro->name, macro->definition);
    buffer_put_u8(&sql, 0);
    Status status = buffer_status(&sql, error);
    if (status == OK && duckdb_query(connection, (const char *)sql.data, NULL) != DuckDBSuccess)
        status = error_set(error, STATUS_INTERNAL, "macro %s was refused", macro->name);
    buffer_close(&sql);
    return status;
}

/* A macro's own words come first: DuckDB looks at them when it is created. */
static Status prepare(Macros *set, duckdb_connection connection, Slice text, unsigned depth,
                      Error *error)
{
    Slice name;
    while (depth < MACRO_DEPTH_MAX && names_next(&text, SLICE("pg_"), &name)) {
        int number = find_macro(name);
        if (number < 0 || set->is_created[number])
            continue;
        TRY(prepare(set, connection, slice_of_text(macros[number].definition), depth + 1, error));
        TRY(create_macro(connection, &macros[number], error));
        set->is_created[number] = true;
    }
    return OK;
}

Status macros_prepare(Macros *set, duckdb_connection connection, Slice sql, Error *error)
{
    return prepare(set, connection, sql, 0, error);
}

const char *macros_name(size_t number)
{
    return number < MACRO_COUNT ? macros[number].name : NULL;
}
