#!/usr/bin/env python3
"""Cases of src/types with PostgreSQL 15's answers: tests/unit/types/cases.tsv.

    types_cases.py write    asks a PostgreSQL and writes the file
    types_cases.py check    asks it again and says what differs
    types_cases.py fuzz N   N random cases into build/types_fuzz.tsv, for CASES=… cases_test

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

# ---- the cases: calls ----------------------------------------------------------------------------

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


exec(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "types_cases_list.py")).read())

# ---- asking PostgreSQL ----------------------------------------------------------------------------

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
        script.append("SELECT encode(convert_to(pg_temp.try(%s), 'UTF8'), 'hex');" % quoted)
    return [bytes.fromhex(line).decode() for line in psql("\n".join(script))]


# ---- the file ---------------------------------------------------------------------------------------


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
        random_cases(int(sys.argv[2]), int(os.environ.get("SEED", random.randrange(1 << 30))))
        return 0
    lines = lines_of(calls, casts)
    if mode == "write":
        with open(CASES, "w") as out:
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
