#!/usr/bin/env python3
"""Cases of src/types with PostgreSQL 15's answers: tests/unit/types/cases.tsv.

    types_cases.py write       asks a PostgreSQL and writes the file (a part of all cases)
    types_cases.py check       asks it again and says what differs
    types_cases.py all FILE    all cases into another file, for CASES=FILE cases_test
    types_cases.py fuzz N FILE N random ones, from SEED; not every difference is a fault there

PostgreSQL is reached through psql with the usual variables (PGHOST, PGUSER …): version 15,
encoding UTF8, LC_CTYPE C.UTF-8, TimeZone UTC. Without one the script says so and ends with 0:
the unit test does not need it.
"""
import os
import random
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASES = os.path.join(ROOT, "tests/unit/types/cases.tsv")

# ---- the cases: calls -------------------------------------------------------------------------

calls = []  # (symbol, result type, SQL with {0} …, [types], [texts])


def call(symbol, result, sql, types, *rows):
    types = types.split()
    for row in rows:
        row = row if isinstance(row, tuple) else (row,)
        calls.append((symbol, result, sql, types[: len(row)], row))


casts = []  # (from, text, to, context)


def cast(source, target, *texts, context="e"):
    for text in texts:
        casts.append((source, text, target, context))


for name in ("types_calls.py", "types_casts.py"):
    exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name)).read())

# ---- asking PostgreSQL ------------------------------------------------------------------------

TRY = r"""
CREATE FUNCTION pg_temp.try(q text) RETURNS text LANGUAGE plpgsql AS $try$
DECLARE n boolean; r text;
BEGIN
    EXECUTE 'SELECT x IS NULL, format(''%s'', x) FROM (SELECT (' || q || ') AS x) AS s' INTO n, r;
    RETURN CASE WHEN n THEN '~' ELSE '=' || r END;
EXCEPTION WHEN OTHERS THEN
    RETURN '!' || SQLSTATE || ' ' || SQLERRM;
END $try$;
"""


def psql(script):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], input=script,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.split("\n")[:-1]


def literal(text, type_name):
    if text is None:
        return "NULL::" + type_name
    return "'" + text.replace("'", "''") + "'::" + type_name


def sql_of_call(case):
    _, result, sql, types, texts = case
    arguments = [literal(t, n) for t, n in zip(texts, types)]
    if "{*}" in sql:
        return sql.replace("{*}", ", ".join(arguments))
    if "{u}" in sql:  # extract takes its unit as a plain literal
        return sql.replace("{u}", "'" + texts[0] + "'").replace("{1}", arguments[1])
    return sql.format(*arguments)


def sql_of_cast(case):
    source, text, target, context = case
    if source == "unknown":
        return ("NULL" if text is None else "'" + text.replace("'", "''") + "'") + "::" + target
    return literal(text, source) + "::" + target


def ask(statements):
    script = [TRY]
    for statement in statements:
        quoted = "'" + statement.replace("'", "''") + "'"
        script.append("SELECT encode(textsend(left(pg_temp.try(%s), 20000)), 'hex');" % quoted)
    return [bytes.fromhex(line).decode(errors="replace") for line in psql("\n".join(script))]


# ---- the file ---------------------------------------------------------------------------------


def escape(text):
    if text is None:
        return "\\N"
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def lines_of(call_cases, cast_cases):
    statements = [sql_of_call(c) for c in call_cases] + [sql_of_cast(c) for c in cast_cases]
    answers = ask(statements)
    lines = []
    for (symbol, result, _, types, texts), answer in zip(call_cases, answers):
        answer = ours.get((symbol, texts), answer)
        fields = ["call", symbol, result, answer]
        for name, text in zip(types, texts):
            fields += [name, text]
        lines.append("\t".join(escape(f) for f in fields))
    for (source, text, target, context), answer in zip(cast_cases, answers[len(call_cases):]):
        answer = ours.get((source, text, target), answer)
        lines.append("\t".join(escape(f) for f in
                               ["cast", source, text, target, context, answer]))
    return lines


HEAD = ("# PostgreSQL 15's answers, made by tests/conformance/types_cases.py: do not edit.\n"
        "# Where numeric has no room, NaN or infinity, or a zone needs data, the answer is ours.\n")


# ---- random cases -----------------------------------------------------------------------------


def mutate(rng, text):
    text = list(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(4)
        if kind == 0 and text:
            del text[at % len(text)]
        elif kind == 1:
            text.insert(at, rng.choice("0123456789.-+:eT /,abJ{}[]\"\\é"))
        elif kind == 2 and text:
            text[at % len(text)] = rng.choice("0123456789.-+: eZ")
        elif text:
            other = rng.randrange(len(text))
            text[at % len(text)], text[other] = text[other], text[at % len(text)]
    return "".join(text)


def random_value(rng, type_name, known):
    limits = {"int2": 15, "int4": 31, "int8": 63}
    if rng.random() < 0.03:
        return None
    if type_name in limits:
        bits = rng.randrange(1, limits[type_name] + 1)
        return str(rng.randrange(-(1 << bits), 1 << bits))
    if type_name == "numeric":
        digits = str(rng.randrange(10 ** rng.randrange(1, 20)))
        point = rng.randrange(0, 12)
        digits = digits.zfill(point + 1)
        return rng.choice(("",
        "-")) + (digits[:-point] + "." + digits[-point:] if point else digits)
    if type_name in ("float4", "float8"):
        return repr(rng.choice((rng.uniform(-10, 10), rng.uniform(-1e6, 1e6),
                                rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20))))
    if type_name in ("timestamp", "timestamptz", "date"):
        year = rng.choice((rng.randrange(1900, 2100), rng.randrange(1, 9999)))
        text = "%04d-%02d-%02d" % (year, rng.randrange(1, 13), rng.randrange(1, 29))
        if type_name != "date":
            text += " %02d:%02d:%02d.%06d" % (rng.randrange(24), rng.randrange(60),
                                              rng.randrange(60), rng.randrange(1000000))
        return text + rng.choice(("", "", "", " BC"))
    if type_name == "interval":
        return "%d mons %d days %d us" % (rng.randrange(-500, 500), rng.randrange(-400, 400),
                                          rng.randrange(-10 ** 12, 10 ** 12))
    text = rng.choice(known) if known else ""
    return text if text is None or rng.random() < 0.5 or "[" in type_name else mutate(rng, text)


def random_cases(count, seed, path):
    rng = random.Random(seed)
    known = {}
    for _, _, _, types, texts in calls:
        for name, text in zip(types, texts):
            known.setdefault(name, []).append(text)
    new_calls = []
    new_casts = []
    for _ in range(count):
        if rng.random() < 0.25:
            source, text, target, context = rng.choice(casts)
            if source == "unknown" and text:
                new_casts.append((source, mutate(rng, text), target, context))
            continue
        symbol, result, sql, types, texts = rng.choice(calls)
        row = tuple(random_value(rng, n, known.get(n)) for n in types)
        is_long = symbol in ("text_lpad", "text_rpad", "text_repeat")
        if "{u}" not in sql and "'alice'" not in sql and not is_long:
            new_calls.append((symbol, result, sql, types, row))
    lines = lines_of(new_calls, new_casts)
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    print("%d cases, SEED=%d" % (len(lines), seed))


def a_part():
    """At most 40 cases of each function, evenly; all casts."""
    by_symbol = {}
    for case in calls:
        by_symbol.setdefault(case[0], []).append(case)
    part = []
    for cases in by_symbol.values():
        step = max(1.0, len(cases) / 40)
        part += [cases[int(i * step)] for i in range(int(len(cases) / step))]
    return part


def main():
    try:
        version = psql("SHOW server_version_num")[0]
    except (FileNotFoundError, RuntimeError) as reason:
        print("SKIPPED: no PostgreSQL answers (%s)" % str(reason).strip())
        return 0
    if not version.startswith("15"):
        print("SKIPPED: PostgreSQL %s, these answers are 15's" % version)
        return 0
    mode = sys.argv[1] if len(sys.argv) > 1 else "check"
    if mode == "fuzz":
        random_cases(int(sys.argv[2]), int(os.environ.get("SEED", random.randrange(1 << 30))),
                     sys.argv[3])
        return 0
    lines = lines_of(calls if mode == "all" else a_part(), casts)
    if mode in ("write", "all"):
        with open(CASES if mode == "write" else sys.argv[2], "w") as out:
            out.write(HEAD + "\n".join(lines) + "\n")
        print("%d cases" % len(lines))
        return 0
    there = [line for line in open(CASES).read().split("\n") if line and line[0] != "#"]
    differ = [(a, b) for a, b in zip(there, lines) if a != b]
    for a, b in differ[:20]:
        print("file:       %s\nPostgreSQL: %s" % (a, b))
    print("%d cases, %d differ" % (len(lines), len(differ) + abs(len(there) - len(lines))))
    return 1 if differ or len(there) != len(lines) else 0


sys.exit(main())
