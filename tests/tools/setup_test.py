#!/usr/bin/env python3
"""tools/setup in a small tree, with an apt-get, a sudo, an id and an npm of our own: what it asks
them for, what it refuses, and that it leaves nothing half done."""
import hashlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What every Debian has; nothing else is found in the tests' PATH.
ESSENTIAL = ("sh cat chmod cp dirname env flock grep gzip id ls mkdir mktemp mv rm sed sha512sum "
             "tail tar touch uname").split()
LIBRARY = "duckdb/lib/libduckdb.so"
HEADER = "duckdb/include/duckdb.h"


def make_archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo("package/" + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


class Machine:
    """A tree with tools/setup, whose pins are those of archives made here."""

    def __init__(self, folder, tools=()):
        self.root = Path(folder) / "tree"
        self.bin = Path(folder) / "bin"
        self.said = Path(folder) / "said"
        self.archives = Path(folder) / "archives"
        for path in (self.root / "tools", self.bin, self.archives):
            path.mkdir(parents=True)
        shutil.copytree(ROOT / "tests" / "packages", self.root / "tests" / "packages")
        self.said.touch()
        for name in (*ESSENTIAL, *tools):
            found = shutil.which(name)
            if found:
                (self.bin / name).symlink_to(found)
        self.script = (ROOT / "tools" / "setup").read_text(encoding="utf-8")
        self.pin("node-bindings", {"libduckdb.so": b"library v1.5.6"})
        self.pin("'duckdb 1.4.4", {"src/duckdb/src/include/duckdb.h": b"header"})
        self.write_setup()
        self.fake("npm", f'''
            case "$*" in
            *node-bindings*) name=node-bindings ;;
            *duckdb@*) name="'duckdb 1.4.4" ;;
            esac
            while [ "$1" != --pack-destination ]; do shift; done
            cp "{self.archives}/$name" "$2/archive.tgz" && echo archive.tgz''')

    def pin(self, marker, files):
        archive = make_archive(files)
        (self.archives / marker).write_bytes(archive)
        place = self.script.index(marker)
        old = re.compile("[0-9a-f]{128}").search(self.script, place).group(0)
        self.script = self.script.replace(old, hashlib.sha512(archive).hexdigest())

    def write_setup(self):
        path = self.root / "tools" / "setup"
        path.write_text(self.script, encoding="utf-8")
        path.chmod(0o755)

    def fake(self, name, body):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.said}\n{body}\n', encoding="utf-8")
        path.chmod(0o755)

    def run(self, *groups, **environment):
        environment = {"PATH": str(self.bin), "HOME": str(self.root), **environment}
        return subprocess.run([str(self.root / "tools/setup"), *groups], env=environment,
                              capture_output=True, text=True, check=False)

    def lines(self):
        return self.said.read_text(encoding="utf-8").splitlines()

    def file(self, name):
        return self.root / "build" / "dependencies" / name


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def machine(self, tools=("gcc", "ar")):
        return Machine(self.folder.name, tools)

    def test_fetches_once(self):
        machine = self.machine()
        first = machine.run("build")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(machine.file(LIBRARY).read_bytes(), b"library v1.5.6")
        self.assertEqual(machine.file(HEADER).read_bytes(), b"header")
        self.assertEqual([line.split()[:2] for line in machine.lines()], [["npm", "pack"]] * 2)
        again = machine.run("build")
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        self.assertEqual(len(machine.lines()), 2)

    def test_another_pin_fetches_again(self):
        machine = self.machine()
        machine.run("build")
        machine.pin("node-bindings", {"libduckdb.so": b"library v1.5.7"})
        machine.write_setup()
        self.assertEqual(machine.run("build").returncode, 0)
        self.assertEqual(machine.file(LIBRARY).read_bytes(), b"library v1.5.7")

    def test_another_checksum_is_refused(self):
        machine = self.machine()
        archive = machine.archives / "node-bindings"
        archive.write_bytes(archive.read_bytes() + b"x")
        result = machine.run("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("is not the package that was pinned", result.stderr)
        self.assertFalse(machine.file("duckdb").exists())
        self.assertEqual([p.name for p in machine.file("").iterdir()], [".lock"])

    def test_what_was_there_stays_where_fetching_fails(self):
        machine = self.machine()
        machine.run("build")
        machine.pin("node-bindings", {"libduckdb.so": b"library v1.5.7"})
        machine.write_setup()
        machine.fake("npm", "exit 1")
        result = machine.run("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("npm could not fetch", result.stderr)
        self.assertEqual(machine.file(LIBRARY).read_bytes(), b"library v1.5.6")

    def test_missing_packages_are_installed(self):
        machine = self.machine(tools=("gcc",))
        machine.fake("id", "echo 0")
        machine.fake("apt-get", f'[ "$1" = update ] || touch {machine.bin}/ar && '
                                f'chmod +x {machine.bin}/ar || :')
        result = machine.run("build")
        self.assertEqual(result.returncode, 0, result.stderr)
        asked = [line for line in machine.lines() if line.startswith("apt-get")]
        self.assertTrue(asked[0].startswith("apt-get update"), asked)
        self.assertTrue(asked[1].endswith(" binutils"), asked)
        self.assertEqual(len(asked), 2)

    def test_sudo_where_not_root(self):
        machine = self.machine(tools=("gcc",))
        machine.fake("id", "echo 1000")
        machine.fake("sudo", "exit 0")
        machine.fake("apt-get", "")
        result = machine.run("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("still not found: binutils", result.stderr)
        self.assertTrue(any(line.startswith("sudo apt-get update") for line in machine.lines()))
        self.assertTrue(any(line.startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get")
                            for line in machine.lines()))

    def test_a_list_where_neither_root_nor_sudo(self):
        machine = self.machine(tools=())
        machine.fake("id", "echo 1000")
        machine.fake("apt-get", "")
        result = machine.run("build")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no root and no sudo here. These Debian packages are missing:\n    gcc\n"
                      "    binutils\n", result.stderr)
        self.assertIn("apt-get install gcc binutils", result.stderr)
        self.assertFalse(any(line.startswith("apt-get") for line in machine.lines()))

    def test_each_target_installs_its_own(self):
        machine = self.machine()
        machine.fake("id", "echo 1000")
        machine.run("build")
        for name in ("clang-tidy", "gcovr", "python3"):
            self.assertFalse((machine.bin / name).exists())
        self.assertNotIn("gcovr", machine.run("lint").stderr)
        self.assertIn("    clang-tidy\n", machine.run("lint").stderr)
        self.assertIn("    gcovr\n", machine.run("coverage").stderr)
        self.assertEqual(machine.run("build").returncode, 0)

    def test_npm_is_asked_for_only_where_something_is_to_be_fetched(self):
        machine = self.machine()
        machine.run("build")
        (machine.bin / "npm").unlink()
        self.assertEqual(machine.run("build").returncode, 0)
        machine.fake("id", "echo 1000")
        shutil.rmtree(machine.file("duckdb"))
        self.assertIn("    npm\n", machine.run("build").stderr)

    def test_duckdb_home(self):
        machine = self.machine()
        home = Path(self.folder.name) / "home"
        (home / "include").mkdir(parents=True)
        (home / "lib").mkdir()
        (home / "include" / "duckdb.h").touch()
        given = {"DUCKDB_HOME": str(home)}
        self.assertIn("has no lib/libduckdb.so", machine.run("build", **given).stderr)
        (home / "lib" / "libduckdb.so").write_bytes(b"library v1.4.4")
        self.assertIn("another version", machine.run("build", **given).stderr)
        (home / "lib" / "libduckdb.so").write_bytes(b"library v1.5.9")
        self.assertEqual(machine.run("build", **given).returncode, 0)
        self.assertFalse(machine.file("duckdb").exists())

    def test_wrong_use(self):
        machine = self.machine()
        for groups in ((), ("everything",)):
            result = machine.run(*groups)
            self.assertEqual(result.returncode, 1)
            self.assertIn("setup: ", result.stderr)

    def test_an_interrupted_run_is_cleaned_up_by_the_next(self):
        machine = self.machine()
        (machine.file(".incoming") / "half").mkdir(parents=True)
        self.assertEqual(machine.run("build").returncode, 0)
        self.assertFalse(machine.file(".incoming").exists())

    def test_pins_name_no_host(self):
        for path in (ROOT / "tests" / "packages").glob("*/package-lock.json"):
            self.assertNotIn("resolved", path.read_text(encoding="utf-8"), path)
        self.assertIsNone(re.search(r"https?://", (ROOT / "tools/setup").read_text("utf-8")))


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
