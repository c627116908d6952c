# JSON, casts, and the answers that are ours on purpose; run by types_cases.py after types_calls.py.

# ---- json ----
documents = ('{"a": 1, "b": [1, 2, {"c": null}], "d": "x\\u00e9\\n", "e": 1.50, "a": 2}',
    "[1, 2, 3]", "1.0",
             '"str"', "null", "true", "[]", "{}", '{"b": 1e3, "aa": -0.0, "c": 1E-2}',
             " [ 1 , [ 2 ] ] ",
             '["a", "b", "a", null, 1]')
for kind in ("json", "jsonb"):
    call(kind + "_get_field", kind, "{0} -> {1}", kind + " text",
         *[(d, k) for d in documents for k in ("a", "b", "d", "z", "")])
    call(kind + "_get_field_text", "text", "{0} ->> {1}", kind + " text",
         *[(d, k) for d in documents for k in ("a", "b", "d", "e")])
    call(kind + "_get_element", kind, "{0} -> {1}", kind + " int4",
         *[(d, k) for d in documents for k in ("0", "-1", "5", "-9")])
    call(kind + "_get_element_text", "text", "{0} ->> {1}", kind + " int4",
         *[(d, k) for d in documents for k in ("0", "1", "3", "-2147483648")])
    call(kind + "_get_path", kind, "{0} #> {1}", kind + " text[]",
         *[(d, k) for d in documents for k in ("{b,2,c}", "{b,-1}", "{a}", "{}", "{1}", "{b,x}",
         "{NULL}",
                                               "{a,b}", "{b, 1}")])
    call(kind + "_get_path_text", "text", "{0} #>> {1}", kind + " text[]",
         *[(d, k) for d in documents for k in ("{b,2,c}", "{d}", "{}", "{0}")])
    call(kind + "_typeof", "text", kind + "_typeof({0})", kind, *documents)
    call(kind + "_array_length", "int4", kind + "_array_length({0})", kind, *documents)
    call(kind + "_strip_nulls", kind, kind + "_strip_nulls({0})", kind, *documents,
         '{"a": null, "b": {"c": null, "d": [null]}}')
    call(kind + "_build_object", kind, kind + "_build_object({*})", "text int4 text text",
         ("a", "1", "b", "x"), ("a", None), (), ("a", "1", "b"), (None, "1"), ("b\"", "1", "a",
         None))
    call(kind + "_build_object", kind, kind + "_build_object({*})",
    "int4 float8 bool numeric date timestamptz",
         ("1", "1.5", "t", "1.50", "2020-01-05", "2020-01-05 10:00:00"), ("1", "NaN"))
    call(kind + "_build_object", kind, kind + "_build_object({*})", "int4[] int4", ("{1}", "1"))
    call(kind + "_build_array", kind, kind + "_build_array({*})",
    "int4 text bool json jsonb int4[]",
         ("1", "a", "t", '{"x" : 1}', '{"x": 1}', "{1,2}"), (None, None), ())
    for source, values in (("text", ("a\"b\\\n\x01é", "")), ("int4", ("5",)), ("numeric",
    ("1.50",)),
                           ("float8", ("1.5", "NaN", "1e20", "Infinity")), ("bool", ("t",)),
                           ("date", ("2020-01-05", "infinity", "0044-03-15 BC")),
                           ("timestamp", ("2020-01-05 10:00:00.5",)),
                           ("timestamptz", ("2020-01-05 10:00:00",)), ("time", ("10:00",)),
                           ("interval", ("1 day",)), ("uuid",
                           ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",)),
                           ("bytea", ("\\x0102",)), ("int4[]", ("{1,NULL}", "{}")), ("text[]",
                           ("{a,\"b c\"}",)),
                           ("json", ("{\"b\" : 1}",)), ("jsonb", ("{\"b\": 1}",)), ("bpchar",
                           ("ab",))):
        call("any_to_" + kind, kind, "to_%s({0})" % kind, source, *values)
for verb, operator in (("contains", "@>"), ("contained", "<@"), ("equal", "="), ("not_equal",
    "<>"), ("less", "<"),
                       ("less_or_equal", "<="), ("greater", ">"), ("greater_or_equal", ">=")):
    call("jsonb_" + verb, "bool", "{0} %s {1}" % operator, "jsonb jsonb",
         *[(a, b) for a in documents for b in documents],
         ("[1, 2, 3]", "[3, 1]"), ("[1, 2, 3]", "1"), ('{"a": {"b": 1, "c": 2}}',
         '{"a": {"b": 1}}'),
         ("[[1, 2]]", "[[1]]"), ("[1]", "[1, 1]"), ("1.0", "1.00"), ('{"a": [1]}', '{"a": 1}'),
         ("1", "[1]"),
         ('"a"', '"b"'), ("-1", "1"), ("-10", "-9"), ("100", "99.9"), ("false", "true"),
         ('{"a": 1}', '{"b": 1}'),
         ('{"aa": 1}', '{"b": 2}'), ("[1, 2]", "[3]"), ("[]", "null"), ("[]", "1"))
call("jsonb_exists", "bool", "{0} ? {1}", "jsonb text", *[(d, k) for d in documents for k in ("a",
    "str", "zz")])
call("jsonb_exists_any", "bool", "{0} ?| {1}", "jsonb text[]",
     *[(d, k) for d in documents for k in ("{a,z}", "{z}", "{}", "{NULL,a}")])
call("jsonb_exists_all", "bool", "{0} ?& {1}", "jsonb text[]",
     *[(d, k) for d in documents for k in ("{a,b}", "{a,z}", "{}", "{NULL}")])
call("jsonb_concat", "jsonb", "{0} || {1}", "jsonb jsonb", *[(a,
    b) for a in documents for b in documents])
call("jsonb_delete_key", "jsonb", "{0} - {1}", "jsonb text", *[(d, "a") for d in documents])
call("jsonb_delete_keys", "jsonb", "{0} - {1}", "jsonb text[]", *[(d,
    "{a,b,NULL}") for d in documents])
call("jsonb_delete_index", "jsonb", "{0} - {1}", "jsonb int4",
     *[(d, i) for d in documents for i in ("0", "-1", "9")])
paths = ("{a}", "{b,1}", "{b,-1}", "{b,2,c}", "{z}", "{z,y}", "{b,9}", "{b,-9}", "{0}", "{-9}",
    "{9}", "{}",
         "{b,x}", "{NULL}", "{0,0}")
call("jsonb_delete_path", "jsonb", "{0} #- {1}", "jsonb text[]", *[(d,
    p) for d in documents for p in paths])
call("jsonb_set", "jsonb", "jsonb_set({*})", "jsonb text[] jsonb bool",
     *[(d, p, '{"n": 1}') for d in documents for p in paths],
     *[(d, p, '2', "f") for d in documents for p in paths])
call("jsonb_insert", "jsonb", "jsonb_insert({*})", "jsonb text[] jsonb bool",
     *[(d, p, '"n"') for d in documents for p in paths],
     *[(d, p, '2', "t") for d in documents for p in paths])
call("jsonb_pretty", "text", "jsonb_pretty({0})", "jsonb", *documents)

# ---- casts: text to everything ----
cast("unknown", "bool", "t", "true", "TRUE ", "yes", "y", "on", "1", "f", "off", "of", "o", "no",
    "0", "tr", "tru",
     "", "2", "nope", " t ", "truee")
for kind in ("int2", "int4", "int8"):
    cast("unknown", kind, "42", " 42 ", "+5", "-0", "4.2", "abc", "", "1e3", "0x10", "99999999999",
         "99999999999999999999", "32768", "-32768", "-32769", "1_000", "- 1", "--1", "+", "\t7\n",
         "1 2")
for kind in ("float4", "float8"):
    cast("unknown", kind, "42", " 4.2 ", "1e3", ".5", "5.", "-0", "NaN", "nan", "inf",
    "-Infinity", "+inf", "infinit",
         "abc", "", "1e400", "-1e400", "1e-400", "1e39", "1e-46", "0x10", "0x1.8p3", "1e", "e5",
         "1.5e+3", "1e23",
         "0.1", "123456789012345678", "1e15", "1e16", "123456.7", "1234567", "3.4e38", "1e-5",
         "0.0001", "5e-324",
         "2.2250738585072014e-308", "1.7976931348623157e308", "1 2", "1.17549435e-38",
         "9007199254740993", "- 1")
cast("unknown", "numeric", "42", " 4.20 ", "1e3", ".5", "5.", "-0", "-0.00", "1e-5", "1.5e3",
    "1.50e1", "abc", "", ".",
     "1e", "+5", "0x10", "00012.30", "12345678901234567890123456789012345678",
     "0.1234567890123456789012345678901234567",
     "1e37", "-1.0E-10", "1 2", "--1", "1e2147483648", "1.2.3", "e5", "0e5", "0.0e-3")
cast("unknown", "numeric(10,2)", "1.005", "-1.005", "12345678.99", "99999999.995", "123456789",
    "1e8", "0", "1e-20",
     "0.005", "0.00499999999999999999999999999999999999999999999999", "1e40")
cast("unknown", "numeric(3,3)", "0.1234", "0.9996", "1", "-0.999")
cast("unknown", "numeric(5,0)", "99999.4", "99999.5", "-3.5")
cast("unknown", "varchar(3)", "abc", "abcdef", "ab ", "éèê日", "")
cast("unknown", "bpchar(3)", "abc", "abcdef", "a", "ab    ", "日本")
cast("text", "varchar(3)", "abcdef", "abc  ", "ab")
cast("text", "bpchar(5)", "abcdefg", "ab", "")
cast("bpchar(5)", "text", "ab", "abcde")
cast("varchar", "bpchar(2)", "abc", "a")
cast("unknown", "bytea", "", "\\x", "\\x0102", "\\xFFab", "\\x0 1", "\\x01 02", "\\x1", "\\xzz",
    "abc", "a\\\\b", "a\\001",
     "a\\1", "a\\", "\\X01", "é", "\\377")
cast("unknown", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
     "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
     "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
     "a0eebc99", "",
     "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
cast("unknown", "json", "1", " {\"a\":1} ", "[1,2", "", "nul", "\"\\u00e9\"", "{\"a\":1,}", "01",
    "1.", "'a'", "\"a\nb\"",
     "[1 2]", "{a:1}", "tru", "\"\\x\"")
cast("unknown", "jsonb", "1", "{\"b\":1,\"aa\":2,\"a\":3}", "{\"a\":1,\"a\":2}", "[1,2", "1.50",
    "1e3", "1.5e-3", "-0", "-0.0",
     "0.000", "12345678901234567890123.4500", "\"\\u00e9\\n\\t\\\\\\\"\\/\"", "[]", "{}",
     "[[],{}]", "1E400", "\"\\u0000\"",
     "0e10", "0.10e1", "123.456e-2", "100e-2", "1e-10", "{\"\":1}")
dates = ("2020-01-05", "2020-1-5", "20200105", "200105", "Jan 5, 2020", "5 January 2020",
    "January 5 2020", "01/02/2020",
         "13/02/2020", "1/2/3", "70-01-01", "69-01-01", "99-1-2", "0044-03-15 BC", "44-03-15 BC",
         "2020-02-30", "2020-13-01",
         "epoch", "infinity", "-infinity", "today", "now", "yesterday", "tomorrow", "J2451187",
         "j 2451187", "2020.032", "2020 32",
         "2020-01-05 10:11:12", "2020-01-05T10:11:12Z", "Sun Jan 5 2020", "5-Jan-2020",
         "Jan-5-2020", "2020-Jan-5", "2020-jan-05",
         "99999-01-01", "5874897-12-31", "5874898-01-01", "4714-11-24 BC", "4714-11-23 BC",
         "0000-01-01", "", "abc", "2020",
         "2020-01", "01-05-2020", "1999.01.08", "08-Jan-99", "Jan 08 99", "99 Jan 08", "19990108",
         "990108", "1999.008",
         "January 8, 99 BC", "2020-01-05 BC", "2020-01-05 AD", "y2020m01d05", "2020-01-05 +05",
         "2020-01-05 10:00 EST",
         "2020-060", "2019-366", "12 Feb", "Feb 2020", "1/1/1", "  2020-01-05  ", "2020-01-05,",
         "2020/01/05", "2020_01_05",
         "20200105T101112", "2020-W01-1", "on 2020-01-05", "2020-01-05 at", "Monday",
         "Jan 32 2020", "2020-01-05 25:00",
         "infinityy", "+infinity", "2020-é-05", "1-2-3-4", "12:00", "allballs", "20200230",
         "00000101", "2020-01-05 10:00 zulu")
cast("unknown", "date", *dates)
stamps = dates + ("2020-01-05 10:11", "2020-01-05 10:11:12.1234567", "2020-01-05 24:00:00",
    "2020-01-05 24:00:01",
                  "2020-01-05 23:59:60", "2020-01-05 10:11 PM", "2020-01-05 10:11 am",
                  "2020-01-05 12:00 AM",
                  "2020-01-05 13:00 PM", "2020-01-05 101112", "20200105 101112.5",
                  "20200105 1011", "2020-01-05 10",
                  "2020-01-05 10:11:12+02", "2020-01-05 10:11:12-05:30",
                  "2020-01-05 10:11:12+0530", "2020-01-05 10:11:12 +02",
                  "2020-01-05 10:11:12+16", "2020-01-05 10:11:12+15:59:59",
                  "2020-01-05 10:11:12 UTC", "2020-01-05 10:11:12 EST",
                  "2020-07-05 10:11:12 EDT", "2020-01-05 10:11:12 z", "2020-01-05 10:11:12Z",
                  "2020-01-05 10:11:12 PST8",
                  "2020-01-05 10:11:12 UTC+3", "2020-01-05 10:11:12 Etc/UTC",
                  "2020-01-05 10:11:12 BC",
                  "Sat Feb 16 17:32:01 1997 PST", "Feb 16 1997 17:32:01-0800",
                  "1997-02-16 17:32:01 PST", "19970216 173201 PST",
                  "19970216T173201-08", "J2450495.5", "J2450495-08", "1997.060 17:32:01",
                  "Feb 16 17:32:01 1997", "epoch 1",
                  "2020-01-05 10:11:12.", "2020-01-05 10:11:12.5.5", "2020-01-05 10:11:12:13",
                  "2020-01-05 t 10:11", "T10:11",
                  "2020-01-05 10::5", "2020-01-05 10:60", "2020-01-05 -08",
                  "2020-01-05 04:05:06.789-8", "2020-01-05 040506-8",
                  "2020-01-05 040506+08", "2020-01-05 040506.789-08", "294247-01-10 04:00:54",
                  "4714-11-24 00:00:00 BC",
                  "2020-01-05 10:11:12 MET DST", "2020-01-05 10:11:12 DST",
                  "2020-01-05 10:11:12 EST EST", "2020-01-05 10:11:12 foo",
                  "2020-01-05 10:11:12 +5:", "2020-01-05 h10",
                  "2020-01-05 10:11:12.123456789012345678901234567890")
cast("unknown", "timestamp", *stamps)
cast("unknown", "timestamptz", *stamps)
cast("unknown", "time", "10:11", "10:11:12", "10:11:12.345678", "10:11:12.3456789", "24:00",
    "24:00:01", "23:59:60", "25:00", "10:60",
     "10:11 PM", "10:11 AM", "12:00 AM", "12:00 PM", "13:00 PM", "101112", "1011", "101112.5",
     "T10:11:12", "t101112", "now",
     "allballs", "epoch", "today", "10:11:12+02", "10:11:12 EST", "2020-01-05 10:11:12",
     "2020-01-05", "10", "", "abc", "10:11:12.",
     "04:05:06 PST", "040506-08", "04:05-08:00", "10::5", "1:2:3", "0:0", "Jan 5 2020 10:11",
     "10:11:12 BC", "h10m11", "10:11:12.5.5",
     "0405", "04:05 pm 2020-01-05", "2003-04-12 04:05:06 UTC", "  10:11  ", "10:11:12 z",
     "00:00:00.0000005")
cast("unknown", "interval", "1 day", "1 ago", "1 day ago", "@ 1 day 2 hours ago", "5", "1 2:03",
    "1 day 2", "2 1 day", "1.5 days", "1.5",
     "10:20 5", "1.", ".5 day", "1 . 5", "-1-2 3 -4:05", "1-2", "1 sec 1:2:3", "1 day 1 day",
     "P1Y2M3DT4H5M6.5S", "P0001-02-03T04:05:06",
     "PT1.5e3S", "p1y", "1e3 days", "1 quarter", "12 hours 3 minutes 70 seconds",
     "9223372036854775807 us", "2147483648 days", "1:2",
     "1:2.5", "1 month 5 -3 hours", "+1 -2 +3", "1.5 years", "1.5 months", "1.25 weeks",
     "0.3 decades", "1 century 2 millennia", "1 mil",
     "100 ms", "1.5 ms", "2.5 us", "-1 mon +2 days", "1 year 2 mons 3 days 04:05:06.789",
     "-00:00:00.5", "- 5 days", "5 days -3:00",
     "25:61", "1:2:3:4", "infinity", "", "abc", "P", "P1", "PT", "P1W", "P1Y1W", "P-1Y-2M",
     "P20200105", "P20200105T101112", "P1-2-3",
     "P2020-01", "PT10:20:30", "PT102030", "P1M1M", "P1DT", "P1H", "PT1D", "P1.5Y", "P1.5M",
     "PT0.000001S", "P1Y extra", "178956970 years",
     "178956971 years", "-178956970 years -8 mons", "2562047788:00:54.775807", "2562047789 hours",
     "1 day 24:00", "1 y 1 m 1 d 1 h 1 min 1 s",
     "1 timezone", "1 day day", "day 1", "1 january", "epoch", "1d", "1d2h", "1h30m",
     "999999999999 secs", "0.0000001 s", "1.0000005 sec",
     "0.5 0.5 hour", "1e2", "1 c", "3 dec", "1 week 3 days", "12:30 ago", "P1Y2M10DT2H30M ago",
     "1 fortnight", "@", "5-", "1--2")
cast("unknown", "int4[]", "{1,2}", "{}", "{1,NULL}", "{1,x}", "{ 1 , 2 }", "{1,2", "1,2",
    "{1,,2}", "{99999999999}", "{\"1\"}", "{+1}")
cast("unknown", "text[]", "{a,\"b c\"}", "{a b , c}", "{\"a\\\"b\"}", "{a\\,b}",
    "{NULL,\"NULL\",null}", "{\"\"}", "{ }", "{a}x", "{\"a\" b}",
     "{a\"b\"}", "{a,}", "", "{\\\\}", "{a,b}}", "{\"a\"\"b\"}", "{é,日本}", "{\ta\t}")
cast("unknown", "bool[]", "{t,f,NULL}")
cast("unknown", "float8[]", "{1.5,NaN}")
cast("unknown", "date[]", "{2020-01-05,infinity}")

# ---- casts: between types ----
for source, values in (("int2", ("0", "1", "-32768", "32767")), ("int4", ("0", "1", "70000",
    "-70000", "16777217")),
                       ("int8", ("0", "5", "3000000000", "-3000000000", "9223372036854775807",
                       "9007199254740993")),
                       ("numeric", ("0", "1.5", "2.5", "-2.5", "0.49", "1e10", "1e20", "-1.005",
                       "99999.5")),
                       ("float4", ("0", "1.5", "2.5", "-2.5", "0.1", "1e10", "1e20", "NaN",
                       "Infinity")),
                       ("float8", ("0", "1.5", "2.5", "3.5", "-2.5", "0.1", "1e10", "1e20",
                       "1e39", "1e-50", "NaN", "-Infinity",
                                   "123456789.123456789", "2147483647.5", "32767.5",
                                   "9223372036854775807"))):
    for target in ("int2", "int4", "int8", "numeric", "numeric(6,2)", "float4", "float8", "text",
    "bool", "varchar(4)", "date"):
        for value in values:
            if target.startswith("numeric") and value in ("NaN", "Infinity", "-Infinity"):
                continue
            cast(source, target, value)
for target in ("int4", "int8", "text", "varchar(2)", "bpchar(6)", "float8"):
    cast("bool", target, "t", "f", None)
for source in ("date", "timestamp", "timestamptz", "time", "interval"):
    values = {"date": ("2020-01-05", "infinity", "0044-03-15 BC", "5874897-12-31"),
    "time": ("10:11:12.5", "24:00"),
              "interval": ("1 day 10:11:12", "-01:00:00", "25:00", "1 year 2 mons", "-25:00",
              "24:00")}.get(
                  source, ("2020-01-05 10:11:12.5", "infinity", "-infinity", "1969-12-31 23:00",
                  "0044-03-15 10:00 BC"))
    for target in ("date", "timestamp", "timestamptz", "time", "interval", "text", "int4",
    "varchar(7)"):
        cast(source, target, *values)
for target in ("text", "int4", "int8", "float8", "bool", "numeric", "jsonb", "json", "date"):
    cast("jsonb", target, "5", "1.5", "\"x\"", "true", "null", "[1]", "{\"a\": 1}", "2.5")
cast("json", "jsonb", "{\"b\":1, \"a\": 2}", "[1,2]")
cast("json", "text", "{\"b\":1, \"a\": 2}")
cast("text", "int4", "42", "x")
cast("text", "date", "2020-01-05", "x")
cast("text", "jsonb", "{\"b\":1, \"a\": 2}", "x")
cast("text", "bytea", "\\x01", "abc")
cast("bytea", "text", "abc")
cast("uuid", "text", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
cast("uuid", "int4", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
cast("int4[]", "text[]", "{1,NULL,3}")
cast("float8[]", "int4[]", "{1.5,2.5}")
cast("text[]", "int4[]", "{1,x}", "{1,2}")
cast("int4[]", "text", "{1,NULL,3}")
cast("text", "int4[]", "{1,2}")
cast("int4[]", "int4", "{1}")
cast("int4", "uuid", "1")

# ---- what is ours on purpose ----
NO_INFINITY = "!0A000 NaN and infinity are not supported in type numeric"
for moment in ("infinity", "-infinity"):
    for kind in ("date", "timestamp", "timestamptz"):
        for unit in ("year", "decade", "century", "millennium", "julian", "isoyear", "epoch", "y",
        "mil", "j"):
            ours[("extract_" + kind, (unit, moment))] = NO_INFINITY
    for kind in ("timestamp", "timestamptz"):  # garbage in PostgreSQL 15
        for other in moments + ("infinity", "-infinity"):
            ours[(kind + "_age", (moment, other))] = "!22008 timestamp out of range"
            ours[(kind + "_age", (other, moment))] = "!22008 timestamp out of range"
OVERFLOW = "!22003 value overflows numeric format"
ours[("numeric_divide", ("12345678901234567890", "1e-10"))] = OVERFLOW
ours[("float8", "1e39", "numeric")] = OVERFLOW
ours[("float8", "1e-50", "numeric")] = OVERFLOW
ours[("float8_width_bucket", ("1", "-1.7e308", "1.7e308",
    "10"))] = "=6"  # overflows in PostgreSQL 15
ours[("int4_to_char", ("2147483647", "99V99"))] = "!22003 integer out of range"  # wraps there
for word, day in (("today", "19"), ("now", "19"), ("yesterday", "18"), ("tomorrow", "20")):
    clock = "12:05:06" if word == "now" else "00:00:00"  # the clock of cases_test.c
    ours[("unknown", word, "date")] = "=2020-02-" + day
    ours[("unknown", word, "timestamp")] = "=2020-02-%s %s" % (day, clock)
    ours[("unknown", word, "timestamptz")] = "=2020-02-%s %s+00" % (day, clock)
ours[("unknown", "now", "time")] = "=12:05:06"
for interval in intervals:  # PostgreSQL computes them as of a date that does not exist
    for pattern in ("WW IW W", "IYYY IYY IY I", "Mi mI"):
        ours[("interval_to_char", (interval, pattern))] = \
            "!0A000 ISO weeks and years of an interval are not supported"
