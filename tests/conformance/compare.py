#!/usr/bin/env python3
"""Runs the conformance cases through engine_cases and compares with PostgreSQL's answers.

    compare.py PROGRAM [--cases FILE] [--category C] [--show KIND] [--keep]

Kinds of outcome, for each executor:
    equal      value, column types and SQLSTATE as PostgreSQL
    refused    an error where PostgreSQL answers (0A000 and limits): allowed, counted
    state      both fail, with another SQLSTATE
    answered   PostgreSQL fails, we answer
    type       same values under another type's name
    DIFFERENT  another value: the ones that must not be
"""
import argparse
import collections
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(ROOT, "..", "shared", "conformance", "pg_cases.tsv")

TABLES = [
    "@emp id int4 dept text sal numeric(10,2) age int4 big int8 f float8 hired date"
    " seen timestamp act bool",
    "@dep dept text title text boss int4",
    "@empt x int4 y text n numeric(6,3) r float4 s int2 c bpchar(5) vc varchar(3)",
    "@one x int4 y text n numeric(6,3) r float4 s int2 c bpchar(5) vc varchar(3)",
    "!CREATE TABLE emp(id INTEGER, dept VARCHAR, sal DECIMAL(10,2), age INTEGER, big BIGINT,"
    " f DOUBLE, hired DATE, seen TIMESTAMP, act BOOLEAN, _row BIGINT)",
    "!INSERT INTO emp VALUES"
    " (1,'a',10.50,30,100,1.5,'2020-01-31','2020-01-31 10:20:30',true,1),"
    " (2,'a',20.25,NULL,200,-2.5,'2020-02-29','2021-03-04 05:06:07.125',false,2),"
    " (3,'b',NULL,41,300,0.25,'1999-12-31',NULL,true,3),"
    " (4,'b',7.00,41,NULL,NULL,NULL,'1970-01-01 00:00:00',NULL,4),"
    " (5,NULL,99.99,18,500,3,'2024-07-01','2024-07-01 12:00:00',false,5)",
    "!CREATE TABLE dep(dept VARCHAR, title VARCHAR, boss INTEGER, _row BIGINT)",
    "!INSERT INTO dep VALUES ('a','Alpha',1,1),('c','Gamma',NULL,2),('b','Beta',3,3)",
    "!CREATE TABLE empt(x INTEGER, y VARCHAR, n DECIMAL(6,3), r FLOAT, s SMALLINT, c VARCHAR,"
    " vc VARCHAR, _row BIGINT)",
    "!CREATE TABLE one(x INTEGER, y VARCHAR, n DECIMAL(6,3), r FLOAT, s SMALLINT, c VARCHAR,"
    " vc VARCHAR, _row BIGINT)",
    "!INSERT INTO one VALUES (7,'seven',1.250,0.1,3,'ab','xyz',1)",
]

# What a type is called in Firn's results, where PostgreSQL has a name of its own for it.
SAME_TYPES = {"regtype": "text", "name": "text"}


class Driver:
    def __init__(self, program, keep=False):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        for line in TABLES:
            self.send(line)
        if keep:
            self.send("#keep")

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, sql):
        """The statement is escaped already. Gives engine, short path, text."""
        self.send(sql)
        line = self.process.stdout.readline()
        if not line:
            return ["CRASH", "-", ""]
        return line.rstrip("\n").split("\t")


def split_result(text):
    """'[types] rows' as (types, [rows])."""
    end = text.index("] ") if "] " in text else len(text) - 1
    types = text[1:end].split(",")
    rows = text[end + 2:]
    return types, rows.split(" / ")


def is_ordered(sql):
    depth = 0
    words = sql.replace("(", " ( ").replace(")", " ) ").upper().split()
    for i, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word == "ORDER" and words[i + 1:i + 2] == ["BY"]:
            return True
    return False


def same_types(ours, theirs):
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs):
        b = SAME_TYPES.get(b, b)
        if a != b and not (b.isdigit() and a == "record"):
            return False
    return True


def judge(sql, expected, actual):
    if actual == "CRASH":
        return "CRASH"
    expected_fails = expected.startswith("ERROR")
    actual_fails = actual.startswith("ERROR")
    if expected_fails and actual_fails:
        return "equal" if expected.split()[1] == actual.split()[1] else "state"
    if actual_fails:
        return "refused"
    if expected_fails:
        return "answered"
    types, rows = split_result(expected)
    our_types, our_rows = split_result(actual)
    if not is_ordered(sql):
        rows, our_rows = sorted(rows), sorted(our_rows)
    if rows != our_rows:
        return "DIFFERENT"
    return "equal" if same_types(our_types, types) else "type"


def read_cases(path):
    with open(path, encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            yield line.rstrip("\n").split("\t")


def show(kind, case, actual, text):
    print(f"{kind}\t{case[0]}\t{case[2]}\n\tpostgres {case[3]}\n\tfirn     {actual}")
    if text:
        print(f"\ttext     {text}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--category")
    parser.add_argument("--show", action="append", default=[])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--floor", type=int, default=0, help="fail below so many equal")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.cases):
        print(f"SKIPPED: no conformance cases at {arguments.cases}", file=sys.stderr)
        return 0
    driver = Driver(arguments.program, arguments.keep)
    table = collections.defaultdict(collections.Counter)
    short = collections.Counter()
    for case in read_cases(arguments.cases):
        category, sql, expected = case[1], case[2], case[3]
        if arguments.category and category != arguments.category:
            continue
        if ";; " in sql:
            table[category]["refused"] += 1  # SET TimeZone: the server's zone is UTC
            continue
        answer = driver.run(sql)
        kind = judge(sql, expected, answer[0])
        table[category][kind] += 1
        if kind in arguments.show or "all" in arguments.show:
            show(kind, case, answer[0], answer[2] if len(answer) > 2 else "")
        if kind == "CRASH":
            print("the driver died at", sql)
            driver = Driver(arguments.program, arguments.keep)
        if len(answer) > 1 and answer[1] != "-":
            kind = judge(sql, expected, answer[1])
            short[kind] += 1
            if "short-" + kind in arguments.show:
                show("short-" + kind, case, answer[1], "")
    return report(table, short, arguments.floor)


KINDS = ["equal", "refused", "state", "answered", "type", "DIFFERENT", "CRASH"]


def report(table, short, floor):
    print("category   " + " ".join(f"{k:>9}" for k in KINDS) + "     total")
    sums = collections.Counter()
    for category in sorted(table):
        row = table[category]
        sums.update(row)
        print(f"{category:10} " + " ".join(f"{row[k]:9}" for k in KINDS)
              + f" {sum(row.values()):9}")
    total = sum(sums.values())
    print(f"{'all':10} " + " ".join(f"{sums[k]:9}" for k in KINDS) + f" {total:9}")
    print(f"equal: {sums['equal']} of {total}, {100 * sums['equal'] / max(total, 1):.1f} %")
    print("short path: " + ", ".join(f"{k} {short[k]}" for k in KINDS if short[k]))
    return 1 if sums["equal"] < floor or sums["CRASH"] else 0


if __name__ == "__main__":
    sys.exit(main())
