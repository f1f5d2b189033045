"""A hash of a table's columns and values in order, whatever the batches and the string types are."""

import hashlib

import pyarrow as pa


def digest(table: pa.Table) -> str:
    found = hashlib.sha256()
    for name in sorted(table.column_names):
        found.update(name.encode() + b"\0")
        for value in table.column(name).to_pylist():
            text = repr(value).encode()
            found.update(len(text).to_bytes(8, "little") + text)
    return found.hexdigest()
