"""Firn's files as bytes: what test_formats.py changes in them, with their checksums made right again.

A second description of the formats, from their tables of bytes: where it and the product disagree,
a test fails. Threading: none. Nothing here is asked of a running server."""
import os
import re
import struct

SEGMENT_HEADER = 4096
FRAME_HEADER = 32
GROUP, SEAL, ROW, COLD, DEFINITION, CEILING, JOB, TOKEN = 0, 1, 2, 3, 4, 5, 32, 33


def make_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = make_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def put_u32(data, at, value):
    struct.pack_into("<I", data, at, value)


def varint(data, at):
    """(value, offset behind it)."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def change(path, edit):
    """edit(bytearray) in place, so that a second name of the file sees it too."""
    with open(path, "r+b") as file:
        data = bytearray(file.read())
        size = len(data)
        edit(data)
        assert len(data) == size, "a change may not move anything"
        file.seek(0)
        file.write(data)


def newest(folder, ending):
    names = sorted(name for name in os.listdir(folder) if name.endswith(ending))
    assert names, f"no *{ending} in {folder}"
    return os.path.join(folder, names[-1])


def find(top, pattern):
    """The files below `top` whose path matches, sorted."""
    found = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    found = sorted(path for path in found if re.search(pattern, path))
    assert found, f"no {pattern} in {top}"
    return found


# ---- the log ----

def bump_segment(data):
    put_u32(data, 12, u32(data, 12) + 1)
    put_u32(data, 8, crc32c(data[12:64]))


def frames(data):
    """(offset, kind, size of the payload) of each frame of a segment."""
    segment, base, salt = u64(data, 16), u64(data, 24), u64(data, 48)
    at = SEGMENT_HEADER
    while at + FRAME_HEADER <= len(data):
        size, kind = u32(data, at + 4), data[at + 24]
        if data[at + 26:at + 28] != b"\xf1\x17":
            return
        if u32(data, at) != frame_crc(data, at, segment, salt, base):
            return
        yield at, kind, size
        at += (FRAME_HEADER + size + 7) // 8 * 8


def frame_crc(data, at, segment, salt, base):
    position = base + at - SEGMENT_HEADER
    return crc32c(struct.pack("<QQQ", segment, salt, position)
                  + data[at + 4:at + FRAME_HEADER + u32(data, at + 4)])


def bump_frame(data, kind, offset_of):
    """The byte that offset_of(payload) names grows by one in the last frame of the kind."""
    found = [(at, size) for at, k, size in frames(data) if k == kind]
    if not found:
        return False
    at, size = found[-1]
    where = offset_of(bytes(data[at + FRAME_HEADER:at + FRAME_HEADER + size]))
    data[at + FRAME_HEADER + where] += 1
    put_u32(data, at, frame_crc(data, at, u64(data, 16), u64(data, 48), u64(data, 24)))
    return True


def first_byte(_payload):
    return 0


def catalog_change(payload):
    """Behind the engine's changes of a definition: the first change of the catalog."""
    number, at = varint(payload, 1)
    for _ in range(number):
        _, at = varint(payload, at + 1)
        size, at = varint(payload, at)
        at += size
    _, at = varint(payload, at)  # number of the catalog's changes
    return at


def bump_record(log, kind, offset_of=first_byte):
    """In the newest segment that has such a record."""
    for name in sorted(os.listdir(log), reverse=True):
        if not name.endswith(".log"):
            continue
        done = []
        change(os.path.join(log, name),
               lambda data: done.append(bump_frame(data, kind, offset_of)))
        if done[0]:
            return
    raise AssertionError(f"no frame of kind {kind} in the log")


# ---- the catalog ----

def bump_checkpoint(data):
    put_u32(data, 12, u32(data, 12) + 1)
    put_u32(data, 8, crc32c(data[12:]))


def upper_part(data):
    """Offset of what the upper rooms put into a checkpoint."""
    size, at = varint(data, 48)
    _, at = varint(data, at + size)
    return at


def bump_upper_part(data):
    data[upper_part(data)] += 1
    put_u32(data, 8, crc32c(data[12:]))


def bump_catalog_in_checkpoint(data):
    at = upper_part(data) + 1
    _, at = varint(data, at)  # size of the catalog's part
    _, at = varint(data, at)  # number of changes
    data[at] += 1
    put_u32(data, 8, crc32c(data[12:]))


def bump_token_key(data):
    bump_checkpoint(data)  # magic, checksum and format stand alike


# ---- tables ----

def bump_firn_format(data):
    found = re.search(rb'"firn\.format":"(\d)"', data)
    assert found, "the metadata has no firn.format"
    data[found.start(1)] += 1


def bump_iceberg_format(data):
    data[re.search(rb'"format-version":(\d)', data).start(1)] += 1


def cold_path(payload):
    """(offset, path) of the metadata that a cold commit names."""
    at = 2
    for _ in range(3):
        _, at = varint(payload, at)
    size, at = varint(payload, at)
    return at, bytes(payload[at:at + size]).decode()


def bump_metadata(top, edit):
    """In what the log's last cold commit names: its checksum stands in its name, so the file gets
    another one, and the commit names that."""
    log = os.path.join(top, "log")
    names = sorted((name for name in os.listdir(log) if name.endswith(".log")), reverse=True)
    for name in names:
        with open(os.path.join(log, name), "rb") as file:
            data = bytearray(file.read())
        found = [(at, size) for at, kind, size in frames(data) if kind == COLD]
        if found:
            break
    at, size = found[-1]
    where, path = cold_path(data[at + FRAME_HEADER:at + FRAME_HEADER + size])
    old = find(os.path.join(top, "storage"), re.escape(path) + "$")[0]
    change(old, edit)
    with open(old, "rb") as file:
        crc = crc32c(file.read())
    new = re.sub(r"c[0-9a-f]{8}\.metadata$", f"c{crc:08x}.metadata", path)
    os.rename(old, old[:-len(path)] + new)
    begin = at + FRAME_HEADER + where
    data[begin:begin + len(new)] = new.encode()
    put_u32(data, at, frame_crc(data, at, u64(data, 16), u64(data, 48), u64(data, 24)))
    with open(os.path.join(log, name), "r+b") as file:
        file.write(data)


def bump_key_index(data):
    put_u32(data, 8, u32(data, 8) + 1)
    put_u32(data, 4092, crc32c(data[:4092]))


def bump_sidecar(data):
    put_u32(data, 8, u32(data, 8) + 1)
    put_u32(data, 60, crc32c(data[:60]))


# ---- streams ----

def bump_stream_manifest(data):
    bump_checkpoint(data)


def bump_stream_schema(data):
    _, at = varint(data, 24)  # table
    _, at = varint(data, at)  # number of schemas
    _, at = varint(data, at)  # size of the first
    data[at] += 1
    put_u32(data, 8, crc32c(data[12:]))


def bump_window(data):
    put_u32(data, 12, u32(data, 12) + 1)
    put_u32(data, 8, crc32c(data[12:64]))
