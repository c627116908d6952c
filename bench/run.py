#!/usr/bin/env python3
"""The benchmarks: Firn beside PostgreSQL and plain DuckDB, on one machine in one run.

    run.py [--only PART,PART] [--runs 5] [--seconds 3] [--out bench/results]

Every figure is the median of --runs runs, taken in turn with the other side's. The durability mode
is stated with each write: both sync before they acknowledge. Prints a table; writes it and all
single runs as JSON.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import parts  # noqa: E402
import servers  # noqa: E402


DURABILITY = "durability always: fdatasync before every acknowledgement, on both sides"


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(file.readline().split()[1]) // 1024
    return {"processor": model, "cores": os.cpu_count(), "memory_mib": memory,
            "kernel": platform.release(), "system": "Debian " + _read("/etc/debian_version")}


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def version():
    out = subprocess.run([os.path.join(servers.ROOT, "build", "release", "firnd"), "--version"],
                         capture_output=True, text=True, check=True).stdout
    return " ".join(out.split())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--out", default=os.path.join(servers.ROOT, "bench", "results"))
    parser.add_argument("--folder", default="/var/tmp", help="where the servers' data go")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name]
    unknown = set(chosen) - set(parts.PARTS)
    if unknown:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(parts.PARTS)}")
    folder = tempfile.mkdtemp(prefix="firn-bench-", dir=options.folder)
    os.chmod(folder, 0o755)
    bench = parts.Bench(folder, options)
    began = time.monotonic()
    print(f"{machine()}\n{version()}\n{DURABILITY}", flush=True)
    try:
        for name, part in parts.PARTS.items():
            if not chosen or name in chosen:
                print(f"# {name}", flush=True)
                part(bench)
    finally:
        bench.close()
        servers.remove(folder)
    results = {"when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
               "machine": machine(), "firn": version(), "postgresql": bench.postgres_version,
               "durability": DURABILITY,
               "runs": options.runs, "seconds_of_a_run": options.seconds,
               "took_seconds": round(time.monotonic() - began), "figures": bench.figures}
    print()
    print_table(bench.figures)
    if not chosen:
        os.makedirs(options.out, exist_ok=True)
        path = os.path.join(options.out, results["when"][:19].replace(":", "") + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
            file.write("\n")
        print(f"\nwritten to {os.path.relpath(path)}")


def print_table(figures):
    rows = [("what", "Firn", "other", "", "ratio", "to reach", "more")]
    for figure in figures:
        rows.append((figure["what"], number(figure["firn"]), number(figure.get("other")),
                     figure.get("beside", ""), ratio(figure), figure.get("target", ""),
                     figure.get("more", "")))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(figure):
    if not figure.get("other"):
        return ""
    return f"{figure['firn'] / figure['other']:.2f}x"


if __name__ == "__main__":
    main()
