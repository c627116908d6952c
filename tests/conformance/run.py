#!/usr/bin/env python3
"""PostgreSQL's own answers against the real server, over POST /v1/sql.

    run.py [--server build/release] [--show KIND]... [--category C] [--floor N]

The cases (id, category, statement, PostgreSQL 15's answer) lie beside the repository in
../shared/conformance/pg_cases.tsv; where they are absent, that is said and counted as skipped.
Each answer is judged as compare.py does for the engine without a server:

    equal      values, types and SQLSTATE as PostgreSQL
    refused    an error where PostgreSQL answers: allowed, counted
    state      both fail, with another SQLSTATE
    answered   PostgreSQL fails, we answer
    type       the same values under another type's name
    DIFFERENT  another value: the ones that must not be

Values are compared in PostgreSQL's text form; to get it from JSON, each statement is asked with
its columns cast to TEXT by the server itself (SELECT c1::text, ... FROM (statement)), and once
as it stands, for the types and for those whose cast to TEXT is not how they are shown. Prints a
table by category; then runs the other checks of this folder with what they need: compare.py where
the engine_cases program is built, types_cases.py check where a PostgreSQL answers psql.
The last line is `N passed, N failed`, and `, N skipped` where some were.
"""
import argparse
import collections
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

import client  # noqa: E402
import compare  # noqa: E402
import harness  # noqa: E402

KINDS = ["equal", "refused", "state", "answered", "type", "DIFFERENT", "CRASH"]

# Right, and yet another answer than that PostgreSQL gave that day.
EXCUSED = {
    "q1189": "rows that are equal in ORDER BY come in any order",
    "q1371": "the schema has another name here",
    "q1373": "the database has another name here",
}

TABLES = """
CREATE NAMESPACE pg; USE pg;
CREATE TABLE emp(id INTEGER, dept TEXT, sal DECIMAL(10,2), age INTEGER, big BIGINT,
                 f DOUBLE PRECISION, hired DATE, seen TIMESTAMP, act BOOLEAN);
INSERT INTO emp VALUES
  (1,'a',10.50,30,100,1.5,'2020-01-31','2020-01-31 10:20:30',true),
  (2,'a',20.25,NULL,200,-2.5,'2020-02-29','2021-03-04 05:06:07.125',false),
  (3,'b',NULL,41,300,0.25,'1999-12-31',NULL,true),
  (4,'b',7.00,41,NULL,NULL,NULL,'1970-01-01 00:00:00',NULL),
  (5,NULL,99.99,18,500,3,'2024-07-01','2024-07-01 12:00:00',false);
CREATE TABLE dep(dept TEXT, title TEXT, boss INTEGER);
INSERT INTO dep VALUES ('a','Alpha',1),('c','Gamma',NULL),('b','Beta',3);
CREATE TABLE empt(x INTEGER, y TEXT, n DECIMAL(6,3), r REAL, s SMALLINT, c CHAR(5), vc VARCHAR(3));
CREATE TABLE one(x INTEGER, y TEXT, n DECIMAL(6,3), r REAL, s SMALLINT, c CHAR(5), vc VARCHAR(3));
INSERT INTO one VALUES (7,'seven',1.250,0.1,3,'ab','xyz')
"""

# Firn's names of types → PostgreSQL's.
TYPE_NAMES = {
    "int": "integer", "double": "double precision", "decimal": "numeric", "varchar":
    "character varying", "char": "character", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "time": "time without time zone",
}


def type_name(written):
    name = written.lower()
    array = name.endswith("[]")
    name = name[:-2] if array else name
    name = name.partition("(")[0]
    return TYPE_NAMES.get(name, name) + ("[]" if array else "")


def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def unescape(text):
    return (text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t")
            .replace("\0", "\\"))


def write_text(value):
    if value is None:
        return "∅"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, list):
        return "{" + ",".join("NULL" if item is None else write_text(item) for item in value) + "}"
    return escape(str(value))


def in_text_form(column, kind):
    """What PostgreSQL sends: a cast to TEXT, which is another form for booleans and CHAR."""
    if kind == "BOOLEAN":
        return f"CASE {column} WHEN true THEN 't' WHEN false THEN 'f' END"
    is_text = kind.partition("(")[0] in ("CHAR", "TEXT", "VARCHAR")
    return column if is_text else f"{column}::text"


class Asker:
    """Asks the server in the form that compare.judge reads: `[types] a|b / c|d` or `ERROR …`."""

    def __init__(self, server):
        self.who = server.root

    def ask(self, sql):
        try:
            plain = self.who.sql(sql, namespace="pg")
        except client.SqlError as error:
            return f"ERROR {error.sqlstate} {error.message}"
        types = ",".join(type_name(kind) for kind in plain.types)
        rows = self.in_text(sql, plain)
        return f"[{types}] " + " / ".join("|".join(map(write_text, row)) for row in rows)

    def in_text(self, sql, plain):
        """The rows as PostgreSQL writes them: by the server's own casts to TEXT."""
        names = [f"c{number}" for number in range(len(plain.types))]
        if not names:
            return plain.rows
        casts = ", ".join(in_text_form(name, kind) for name, kind in zip(names, plain.types))
        wrapped = f"SELECT {casts} FROM ({sql}) AS s({', '.join(names)})"
        try:
            rows = self.who.sql(wrapped, namespace="pg").rows
        except client.SqlError:
            return plain.rows
        kinds = [type_name(kind) for kind in plain.types]
        return [[self.shown(kind, value, text) for kind, value, text in zip(kinds, *pair)]
                for pair in zip(plain.rows, rows)]

    @staticmethod
    def shown(kind, value, text):
        """true is shown as t, and blanks at the end of CHAR(n) go with the cast."""
        return value if kind in ("boolean", "character") else text


def run_cases(server, arguments):
    server.root.statements(TABLES)
    asker = Asker(server)
    table = collections.defaultdict(collections.Counter)
    for case in compare.read_cases(arguments.cases):
        category, sql, expected = case[1], unescape(case[2]), case[3]
        if arguments.category and category != arguments.category:
            continue
        if ";; " in sql:
            table[category]["refused"] += 1  # SET TimeZone: the server's zone is UTC
            continue
        actual = asker.ask(sql)
        kind = compare.judge(sql, expected, actual)
        if not server.is_alive():
            kind = "CRASH"
            server.start()
            asker = Asker(server)
        if kind == "DIFFERENT" and case[0] in EXCUSED:
            kind = "equal"
        table[category][kind] += 1
        if kind in arguments.show or "all" in arguments.show:
            compare.show(kind, case, actual, "")
    return table


def report(table):
    print("category   " + " ".join(f"{kind:>9}" for kind in KINDS) + "     total")
    sums = collections.Counter()
    for category in sorted(table):
        row = table[category]
        sums.update(row)
        print(f"{category:10} " + " ".join(f"{row[kind]:9}" for kind in KINDS)
              + f" {sum(row.values()):9}")
    total = sum(sums.values())
    print(f"{'all':10} " + " ".join(f"{sums[kind]:9}" for kind in KINDS) + f" {total:9}")
    print(f"equal: {sums['equal']} of {total}, {100 * sums['equal'] / max(total, 1):.1f} %")
    return sums, total


def run_check(name, command, needed):
    """0 passed, 1 failed, None skipped; what it printed is shown."""
    if not needed:
        print(f"SKIPPED: {name}: what it needs is not there")
        return None
    print(f"---- {name}", flush=True)
    return min(subprocess.run([sys.executable, *command], check=False).returncode, 1)


def postgres_answers():
    try:
        return subprocess.run(["psql", "-Atc", "SELECT 1"], capture_output=True, timeout=10,
                              check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run_others(arguments):
    """(failed, skipped) of the checks that need no server."""
    program = os.path.join(harness.programs, "engine_cases")
    outcomes = [
        run_check("compare.py", [os.path.join(HERE, "compare.py"), program, "--cases",
                                 arguments.cases], os.path.exists(program)),
        run_check("types_cases.py check", [os.path.join(HERE, "types_cases.py"), "check"],
                  postgres_answers()),
    ]
    return outcomes.count(1), outcomes.count(None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--cases", default=compare.CASES)
    parser.add_argument("--category")
    parser.add_argument("--show", action="append", default=[])
    parser.add_argument("--floor", type=int, default=0, help="fail below so many equal")
    arguments = parser.parse_args()
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    if not os.path.exists(arguments.cases):
        print(f"SKIPPED: no conformance cases at {os.path.normpath(arguments.cases)}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    try:
        with harness.running() as server:
            sums, total = report(run_cases(server, arguments))
    except harness.Skip as reason:
        print(f"SKIPPED: {reason}\n0 passed, 0 failed, 1 skipped")
        return 1
    wrong = sums["DIFFERENT"] + sums["CRASH"] + (sums["equal"] < arguments.floor)
    failed, skipped = run_others(arguments)
    print(f"{total - wrong + 2 - failed - skipped} passed, {wrong + failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    return 1 if wrong + failed else 0


if __name__ == "__main__":
    sys.exit(main())
