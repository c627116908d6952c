"""Hostile and mistaken requests, each with the exact error it must get.

    SQL      (name, who, statement, SQLSTATE, message)         over POST /v1/sql
    JSON     (name, body, HTTP status, SQLSTATE, message)      bodies of POST /v1/sql, as root
    HTTP     (name, bytes, HTTP status, message)               whole requests, byte by byte
    FRAMES   (name, frames, close code)                        of a WebSocket that is logged in

A message of None means: any, but there must be one. test_hostile.py runs them and looks at what
they left behind: nothing may have changed, nothing may have been told, nobody may have died.
"""
import json
import struct

MIB = 1 << 20
REPEAT = "({})".format


def nested(opening, inner, closing, depth):
    return opening * depth + inner + closing * depth


NO_FUNCTION = "42883"
NO_TABLE = "42P01"


def no_function(call):
    return f"function {call} does not exist"


# ---- SQL ----

SQL = [
    # files, settings and other doors out of the database, inside a SELECT
    ("read_csv", "user", "SELECT * FROM read_csv('/etc/passwd')", NO_FUNCTION,
     no_function("read_csv(unknown)")),
    ("read_csv_auto", "root", "SELECT * FROM read_csv_auto('/etc/passwd')", NO_FUNCTION,
     no_function("read_csv_auto(unknown)")),
    ("read_parquet", "user", "SELECT * FROM read_parquet('{data}/**/*.parquet')", NO_FUNCTION,
     no_function("read_parquet(unknown)")),
    ("parquet_scan", "root", "SELECT * FROM parquet_scan('x')", NO_FUNCTION,
     no_function("parquet_scan(unknown)")),
    ("read_text", "root", "SELECT * FROM read_text('/etc/passwd')", NO_FUNCTION,
     no_function("read_text(unknown)")),
    ("read_blob", "root", "SELECT * FROM read_blob('/etc/shadow')", NO_FUNCTION,
     no_function("read_blob(unknown)")),
    ("read_json", "root", "SELECT * FROM read_json('/etc/passwd')", NO_FUNCTION,
     no_function("read_json(unknown)")),
    ("glob", "user", "SELECT * FROM glob('/**')", NO_FUNCTION, no_function("glob(unknown)")),
    ("iceberg_scan", "root", "SELECT * FROM iceberg_scan('x')", NO_FUNCTION,
     no_function("iceberg_scan(unknown)")),
    ("a file as a table", "root", "SELECT * FROM '/etc/passwd'", "42601", None),
    ("a file as a quoted name", "root", 'SELECT * FROM "/etc/passwd"', "3F000",
     'no namespace: write ns./etc/passwd or USE ns'),
    ("pg_read_file", "root", "SELECT pg_read_file('/etc/passwd')", NO_FUNCTION,
     no_function("pg_read_file(unknown)")),
    ("pg_ls_dir", "root", "SELECT pg_ls_dir('/')", NO_FUNCTION, no_function("pg_ls_dir(unknown)")),
    ("lo_import", "root", "SELECT lo_import('/etc/passwd')", NO_FUNCTION,
     no_function("lo_import(unknown)")),
    ("getenv", "root", "SELECT getenv('FIRN_ROOT_PASSWORD')", NO_FUNCTION,
     no_function("getenv(unknown)")),
    ("current_setting", "user", "SELECT current_setting('data_directory')", "0A000",
     "function current_setting is not supported yet"),
    ("set_config", "user", "SELECT set_config('x', 'y', false)", "0A000",
     "function set_config is not supported yet"),
    ("pg_sleep", "user", "SELECT pg_sleep(1000)", "0A000",
     "function pg_sleep is not supported yet"),
    ("pg_terminate_backend", "user", "SELECT pg_terminate_backend(1)", NO_FUNCTION,
     no_function("pg_terminate_backend(integer)")),
    ("duckdb_settings", "root", "SELECT * FROM duckdb_settings()", NO_FUNCTION,
     no_function("duckdb_settings()")),
    ("duckdb_secrets", "root", "SELECT * FROM duckdb_secrets()", NO_FUNCTION,
     no_function("duckdb_secrets()")),
    ("query", "root", "SELECT * FROM query('SELECT 1')", NO_FUNCTION,
     no_function("query(unknown)")),
    ("pragma function", "root", "SELECT * FROM pragma_database_list()", NO_FUNCTION,
     no_function("pragma_database_list()")),
    ("load_extension", "root", "SELECT load_extension('httpfs')", NO_FUNCTION,
     no_function("load_extension(unknown)")),
    ("dblink", "root", "SELECT * FROM dblink('host=x', 'SELECT 1') AS t(a int)", None, None),
    ("system schema of DuckDB", "root", "SELECT * FROM main.sqlite_master", NO_TABLE,
     'relation "main.sqlite_master" does not exist'),
    ("catalog of DuckDB", "root", "SELECT * FROM system.main.duckdb_tables", "0A000", None),
    # statements that are DuckDB's or the machine's
    ("pragma", "root", "PRAGMA database_list", "42601", None),
    ("attach", "root", "ATTACH '/tmp/x.db' AS x", "42601", None),
    ("detach", "root", "DETACH x", "42601", None),
    ("install", "root", "INSTALL httpfs", "42601", None),
    ("load", "root", "LOAD '/tmp/x.so'", "0A000", None),
    ("copy to a file", "root", "COPY h.shared TO '/tmp/out.csv'", "0A000", None),
    ("copy from a file", "root", "COPY h.shared FROM '/etc/passwd'", "0A000", None),
    ("copy to a program", "root", "COPY h.shared TO PROGRAM 'id'", "0A000", None),
    ("export database", "root", "EXPORT DATABASE '/tmp/x'", None, None),
    ("set of the engine", "root", "SET enable_external_access = true", None, None),
    ("set memory_limit", "user", "SET memory_limit = '1GB'", None, None),
    ("create function", "root", "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/x.so'",
     "0A000", None),
    ("do block", "root", "DO $$ BEGIN END $$", "0A000", None),
    ("create extension", "root", "CREATE EXTENSION plpython3u", "0A000", None),
    ("select into", "root", "SELECT 1 INTO h.made", "0A000", None),
    ("create table as", "root", "CREATE TABLE h.made AS SELECT 1", "0A000", None),
    ("vacuum", "root", "VACUUM", "0A000", None),
    ("lock", "root", "LOCK TABLE h.shared", "0A000", None),
    # other tenants
    ("a private table", "user", "SELECT * FROM h.shared", "42501", "permission denied"),
    ("a private table in a subquery", "user",
     "SELECT 1 WHERE EXISTS (SELECT 1 FROM h.shared)", "42501", "permission denied"),
    ("a private table in a CTE", "user", "WITH a AS (SELECT * FROM h.shared) SELECT * FROM a",
     "42501", "permission denied"),
    ("a private table nobody reads", "user", "SELECT 1 FROM h.own LEFT JOIN h.shared ON false",
     "42501", "permission denied"),
    ("a private table of a missing column", "user", "SELECT nix FROM h.shared", "42501",
     "permission denied"),
    ("all users' rows", "user", "SELECT * FROM h.own FOR ALL USERS", "42501", "permission denied"),
    ("another's name", "user", "EXECUTE AS USER 'root' (SELECT 1)", "42501", "permission denied"),
    ("a system table", "user", "SELECT * FROM system.users", "42501", "permission denied"),
    ("the system's data", "anonymous", "SELECT * FROM system.settings", "42501",
     "permission denied"),
    ("own rows of nobody", "anonymous", "SELECT * FROM h.own", "42501", "permission denied"),
    ("a write by nobody", "anonymous", "DELETE FROM h.shared", "42501", "permission denied"),
    ("the owner column", "user", "INSERT INTO h.own(id, _user) VALUES (5, 'root')", "42601",
     'cannot assign to system column "_user"'),
    ("the sequence column", "user", "UPDATE h.own SET _seq = 1", "42601",
     'cannot assign to system column "_seq"'),
    ("two statements in one", "user", "SELECT 1; DROP TABLE h.shared", "42501",
     "permission denied"),
    ("a comment hides it", "user", "SELECT 1 /* ; */; /* x */ TRUNCATE h.shared", "42501",
     "permission denied"),
    # values and sizes
    ("a number too large", "root", "SELECT 99999999999999999999::bigint", "22003",
     "bigint out of range"),
    ("a wrong boolean", "root", "SELECT 'maybe'::boolean", "22P02",
     'invalid input syntax for type boolean: "maybe"'),
    ("a wrong date", "root", "SELECT '2020-02-30'::date", "22008",
     'date/time field value out of range: "2020-02-30"'),
    ("a wrong uuid", "root", "SELECT 'x'::uuid", "22P02",
     'invalid input syntax for type uuid: "x"'),
    ("wrong json", "root", "SELECT '{{'::json", "22P02", "invalid input syntax for type json"),
    ("division by zero", "root", "SELECT 1 / (id - id) FROM h.shared", "22012",
     "division by zero"),
    ("overflow", "root", "SELECT 2147483647 + 1", "22003", "integer out of range"),
    ("a key too long", "root", "INSERT INTO h.texts VALUES ('" + "k" * 17000 + "')", "54000",
     None),
    ("repeat without end", "root", "SELECT repeat('x', 2000000000)", None, None),
    ("lpad without end", "root", "SELECT lpad('x', 2000000000, 'y')", None, None),
    ("factorial without end", "root", "SELECT 1e131073::numeric", None, None),
    ("a bad escape", "root", "SELECT E'\\xff'", None, None),
    ("a zero character", "root", "SELECT 'a\x00b'", None, None),
    ("a bad regular expression", "root", "SELECT 'x' ~ '['", "2201B", None),
    ("a LIKE that ends in its escape", "root", r"SELECT 'xy' LIKE 'x\'", "22025",
     "LIKE pattern must not end with escape character"),
    ("a missing parameter", "root", "SELECT $1", "42P02", None),
    ("parameter zero", "root", "SELECT $0", None, None),
    ("parameter of a million", "root", "SELECT $1000000", None, None),
    # depth and length
    ("deep parentheses", "root", "SELECT " + nested("(", "1", ")", 20000), "54001", None),
    ("deep NOT", "root", "SELECT " + "NOT " * 20000 + "true", "54001", None),
    ("deep minus", "root", "SELECT " + "- " * 20000 + "1", "54001", None),
    ("deep subqueries", "root", nested("SELECT (", "SELECT 1", ")", 5000), "54001", None),
    ("deep CASE", "root", "SELECT " + nested("CASE WHEN true THEN ", "1", " END", 5000), "54001",
     None),
    ("deep arrays", "root", "SELECT " + nested("ARRAY[", "1", "]", 5000), None, None),
    ("many terms", "root", "SELECT " + "1+" * 30000 + "1", "54001", None),
    ("many columns", "root", "SELECT " + ",".join(["1"] * 20000), "54011", None),
    ("many unions", "root", " UNION ALL ".join(["SELECT 1"] * 5000), "54001", None),
    ("deep JSON value", "root", "SELECT '" + nested("[", "", "]", 100000) + "'::json", None, None),
    ("too long", "root", "SELECT '" + "x" * MIB + "'", "54000",
     f"SQL query too long: {MIB + 9} bytes (maximum 1048576 bytes)"),
    ("recursion without end", "root",
     "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT sum(n) FROM r",
     None, None),
    # mistakes
    ("nothing", "root", "", None, None),
    ("a lone semicolon", "root", ";", None, None),
    ("a lone comment", "root", "-- nothing", None, None),
    ("an open string", "root", "SELECT 'x", "42601", None),
    ("an open comment", "root", "SELECT 1 /* x", "42601", None),
    ("an open identifier", "root", 'SELECT "x', "42601", None),
    ("an open dollar", "root", "SELECT $$x", "42601", None),
    ("no such table", "root", "SELECT * FROM h.nix", NO_TABLE, 'relation "h.nix" does not exist'),
    ("no such namespace", "root", "SELECT * FROM nix.t", None, None),
    ("no such column", "root", "SELECT idd FROM h.shared", "42703",
     'column "idd" does not exist'),
    ("no such type", "root", "SELECT 1::nix", "42704", 'type "nix" does not exist'),
    ("a typo", "root", "SELCT 1", "42601", 'syntax error at or near "SELCT"'),
    ("a name too long", "root", "CREATE NAMESPACE " + "n" * 100, "42622", None),
    ("a path as a name", "root", 'CREATE NAMESPACE "../../tmp"', "42602", None),
    ("a path as a table", "root", 'CREATE TABLE h."../x" (id INT)', "42602", None),
    ("a path as a user", "root", "CREATE USER '../../x' WITH PASSWORD 'x' ROLE user", "42602",
     None),
]

# ---- bodies of POST /v1/sql ----

JSON = [
    ("no body", b"", 400, None),
    ("no JSON", b"hello", 400, None),
    ("an open object", b'{"sql":', 400, None),
    ("a list", b"[]", 400, None),
    ("a number", b"1", 400, None),
    ("no sql", b"{}", 400, None),
    ("sql a number", b'{"sql":1}', 400, None),
    ("sql null", b'{"sql":null}', 400, None),
    ("an unknown member", b'{"sql":"SELECT 1","nix":1}', 400, None),
    ("a member twice", b'{"sql":"SELECT 1","sql":"SELECT 2"}', 400, None),
    ("params an object", b'{"sql":"SELECT 1","params":{}}', 400, None),
    ("namespace a number", b'{"sql":"SELECT 1","namespace":1}', 400, None),
    ("namespace unknown", b'{"sql":"SELECT * FROM t","namespace":"nix"}', 404, None),
    ("bigint something", b'{"sql":"SELECT 1","bigint":"float"}', 400, None),
    ("text behind", b'{"sql":"SELECT 1"}{}', 400, None),
    ("a trailing comma", b'{"sql":"SELECT 1",}', 400, None),
    ("single quotes", b"{'sql':'SELECT 1'}", 400, None),
    ("a bad escape", b'{"sql":"\\x"}', 400, None),
    ("half a surrogate", b'{"sql":"SELECT \'\\ud800\'"}', 400, None),
    ("bad UTF-8", b'{"sql":"SELECT \'\xff\xfe\'"}', 400, None),
    ("an overlong character", b'{"sql":"SELECT \'\xc0\xaf\'"}', 400, None),
    ("a zero character", b'{"sql":"SELECT \'a\\u0000b\'"}', 400, None),
    ("deep lists", b"[" * 200000, 400, None),
    ("deep objects", b'{"a":' * 100000, 400, None),
    ("deep params", b'{"sql":"SELECT $1","params":[' + b"[" * 50000, 400, None),
    ("a huge number", b'{"sql":"SELECT $1::bigint","params":[' + b"9" * 5000 + b"]}", 400, None),
    ("a huge exponent", b'{"sql":"SELECT $1::double precision","params":[1e999999999]}', 400,
     None),
    ("NaN", b'{"sql":"SELECT $1","params":[NaN]}', 400, None),
    ("too many params", json.dumps({"sql": "SELECT 1", "params": [1] * 70000}).encode(), 400,
     None),
    ("a param for nothing", b'{"sql":"SELECT 1","params":[1,2,3]}', 400, None),
    ("wrong type of param", b'{"sql":"SELECT id FROM h.shared WHERE id = $1","params":["x"]}', 400,
     "22P02"),
    ("an object where an integer is due",
     b'{"sql":"SELECT id FROM h.shared WHERE id = $1","params":[{"a":1}]}', 400, None),
    ("true where an integer is due",
     b'{"sql":"SELECT id FROM h.shared WHERE id = $1","params":[true]}', 400, None),
]

# ---- whole requests ----

LENGTH = b"Content-Length: %d" % 18
GOOD = b'{"sql":"SELECT 1"}'


def post(headers, body=GOOD):
    return b"POST /v1/sql HTTP/1.1\r\n" + headers + b"\r\n\r\n" + body


HTTP = [
    ("a line that ends in LF", b"GET /healthz HTTP/1.1\nHost: x\n\n", 400,
     "a line ends in LF without CR"),
    ("CR without LF", b"GET /healthz HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400, "a CR without LF"),
    ("no method", b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "the request has no method"),
    ("no target", b"GET HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    ("no version", b"GET /healthz\r\nHost: x\r\n\r\n", 400,
     "the request line is not METHOD TARGET VERSION"),
    ("an unknown method", b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501,
     "the method BREW is not known here"),
    ("a method that is no word", b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400,
     "the method is not a word"),
    ("HTTP/9", b"GET / HTTP/9.1\r\nHost: x\r\n\r\n", None, "only HTTP/1.1 and 1.0 are spoken"),
    ("space before the colon", post(b"Host: x\r\nContent-Length : 18"), 400,
     "a header line is not NAME: VALUE"),
    ("no host", post(LENGTH), 400, "the request has no Host header"),
    ("two hosts", post(b"Host: x\r\nHost: x\r\n" + LENGTH), 400, "more than one Host header"),
    ("a host with a path", post(b"Host: x/y\r\n" + LENGTH), 400,
     "the Host header names no valid host"),
    ("a folded header", post(b"Host: x\r\nX: 1\r\n 2\r\n" + LENGTH), 400,
     "a header line begins with white space"),
    ("equal lengths", post(b"Host: x\r\n" + LENGTH + b"\r\n" + LENGTH), 400,
     "more than one Content-Length"),
    ("a signed length", post(b"Host: x\r\nContent-Length: +18"), 400,
     "Content-Length is not a number"),
    ("a length in hex", post(b"Host: x\r\nContent-Length: 0x12"), 400,
     "Content-Length is not a number"),
    ("a length without end", post(b"Host: x\r\nContent-Length: 99999999999999999999999"), 413,
     None),
    ("a length beyond the limit", post(b"Host: x\r\nContent-Length: 999999999999"), 413, None),
    ("both lengths", post(b"Host: x\r\n" + LENGTH + b"\r\nTransfer-Encoding: chunked"), 400,
     "both Content-Length and Transfer-Encoding"),
    ("another coding", post(b"Host: x\r\nTransfer-Encoding: gzip"), 501,
     'the only Transfer-Encoding understood is "chunked"'),
    ("two codings", post(b"Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
     400, "more than one Transfer-Encoding"),
    ("a chunk of no size", post(b"Host: x\r\nContent-Type: application/json\r\n"
                                b"Transfer-Encoding: chunked", b"xyz\r\n"), 400, None),
    ("a chunk without end", post(b"Host: x\r\nContent-Type: application/json\r\n"
                                 b"Transfer-Encoding: chunked", b"fffffffffffffffff\r\n"), 400,
     None),
    ("a control character", b"GET / HTTP/1.1\r\nHost: x\r\nX: \x07\r\n\r\n", 400,
     "a control character in a header"),
    ("a head without end", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40000, 431, None),
    ("too many headers", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 150 + b"\r\n", 431,
     "more than 100 headers"),
    ("a path upwards", b"GET /ui/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    ("a hidden path upwards", b"GET /ui/%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400,
     None),
    ("a raw space in the path", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    ("a half escape", b"GET /v1/sq%6 HTTP/1.1\r\nHost: x\r\n\r\n", 400, None),
    ("an expectation", post(b"Host: x\r\nExpect: tea\r\n" + LENGTH), None,
     'the only expectation understood is "100-continue"'),
    ("gzip that is none", post(b"Host: x\r\nContent-Type: application/json\r\n"
                               b"Content-Encoding: gzip\r\n" + LENGTH), 400, None),
    ("an unknown packing", post(b"Host: x\r\nContent-Type: application/json\r\n"
                                b"Content-Encoding: br\r\n" + LENGTH), None, None),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50, None, None),
    ("PostgreSQL", struct.pack(">II", 8, 80877103), None, None),
    ("noise", bytes(range(256)) * 4, None, None),
]

# ---- frames: a list of (opcode, payload, options), and the close code that must come ----

FRAMES = [
    ("not masked", [(1, b"{}", {"masked": False})], 1002),
    ("a reserved bit", [(1, b"{}", {"reserved": 0x40})], 1002),
    ("an unknown opcode", [(3, b"", {})], 1002),
    ("a long ping", [(9, b"x" * 126, {})], 1002),
    ("a ping in pieces", [(9, b"x", {"final": False})], 1002),
    ("a continuation of nothing", [(0, b"x", {})], 1002),
    ("a text within a text", [(1, b"a", {"final": False}), (1, b"b", {})], 1002),
    ("bad UTF-8", [(1, b"\xff\xfe", {})], 1007),
    ("half a close code", [(8, b"\x03", {})], 1002),
    ("a forbidden close code", [(8, struct.pack(">H", 1005), {})], 1002),
    ("a message too large", [(1, b"x" * (MIB + 1), {})], 1009),
    ("a message too large in pieces", [(1, b"x" * (MIB // 2), {"final": False}),
                                       (0, b"x" * (MIB // 2 + 100), {})], 1009),
]

# Messages of a logged-in WebSocket, each answered by an error (its SQLSTATE, None: any).
MESSAGES = [
    ("no JSON", "hello", None),
    ("a list", "[]", None),
    ("no type", "{}", None),
    ("an unknown type", '{"type":"nix"}', None),
    ("a type of number", '{"type":1}', None),
    ("subscribe without id", '{"type":"subscribe","sql":"SELECT * FROM h.shared"}', None),
    ("subscribe without sql", '{"type":"subscribe","id":"a"}', None),
    ("an id of a list", '{"type":"subscribe","id":[],"sql":"SELECT * FROM h.shared"}', None),
    ("an unknown option",
     '{"type":"subscribe","id":"a","sql":"SELECT * FROM h.shared","options":{"nix":1}}', None),
    ("a negative option",
     '{"type":"subscribe","id":"a","sql":"SELECT * FROM h.shared","options":{"last_rows":-5}}',
     None),
    ("a query that fails", '{"type":"query","id":"a","sql":"SELEC"}', "42601"),
    ("next of nothing", '{"type":"next","id":"zzz"}', None),
    ("unsubscribe from nothing", '{"type":"unsubscribe","id":"zzz"}', None),
    ("deep", "[" * 100000, None),
    ("auth again with a bad token", '{"type":"auth","token":"x.y.z"}', None),
]
