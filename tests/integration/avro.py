"""Reads Avro container files: enough for Iceberg's manifests, and written apart from Firn's own
reader and writer, so that the two cannot be wrong in the same way."""
import json
import struct
import zlib

MAGIC = b"Obj\x01"
DEPTH_MAX = 30


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        piece = self.data[self.at:self.at + size]
        if len(piece) != size:
            raise ValueError("the Avro file ends too early")
        self.at += size
        return piece

    def long(self):
        result, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            result |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (result >> 1) ^ -(result & 1)
            shift += 7

    def bytes(self):
        return self.take(self.long())


def read_value(reader, schema, names, depth=0):
    if depth > DEPTH_MAX:
        raise ValueError("nested too deeply")
    if isinstance(schema, list):
        return read_value(reader, schema[reader.long()], names, depth + 1)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, (dict, list)):
        return read_value(reader, kind, names, depth + 1)
    if kind in names and kind not in ("record", "fixed"):
        return read_value(reader, names[kind], names, depth + 1)
    if kind == "record":
        names[schema["name"]] = schema
        return {field["name"]: read_value(reader, field["type"], names, depth + 1)
                for field in schema["fields"]}
    if kind in ("array", "map"):
        return read_blocks(reader, schema, kind, names, depth)
    if kind == "fixed":
        names[schema["name"]] = schema
        return reader.take(schema["size"])
    return SCALARS[kind](reader)


def read_blocks(reader, schema, kind, names, depth):
    items = [] if kind == "array" else {}
    while True:
        count = reader.long()
        if count == 0:
            return items
        if count < 0:
            count = -count
            reader.long()
        for _ in range(count):
            if kind == "array":
                items.append(read_value(reader, schema["items"], names, depth + 1))
            else:
                key = reader.bytes().decode()
                items[key] = read_value(reader, schema["values"], names, depth + 1)


SCALARS = {
    "null": lambda reader: None,
    "boolean": lambda reader: reader.take(1) == b"\x01",
    "int": Reader.long,
    "long": Reader.long,
    "float": lambda reader: struct.unpack("<f", reader.take(4))[0],
    "double": lambda reader: struct.unpack("<d", reader.take(8))[0],
    "bytes": Reader.bytes,
    "string": lambda reader: reader.bytes().decode(),
}


def read_file(path):
    """(metadata, records)."""
    with open(path, "rb") as file:
        reader = Reader(file.read())
    if reader.take(4) != MAGIC:
        raise ValueError(f"{path} is no Avro file")
    metadata = read_value(reader, {"type": "map", "values": "bytes"}, {})
    sync = reader.take(16)
    schema = json.loads(metadata["avro.schema"])
    codec = metadata.get("avro.codec", b"null")
    records = []
    while reader.at < len(reader.data):
        count = reader.long()
        block = reader.bytes()
        if codec == b"deflate":
            block = zlib.decompress(block, -15)
        elif codec != b"null":
            raise ValueError(f"codec {codec!r}")
        inner = Reader(block)
        records += [read_value(inner, schema, {}) for _ in range(count)]
        if inner.at != len(block) or reader.take(16) != sync:
            raise ValueError("a block does not end where it says")
    return metadata, records
