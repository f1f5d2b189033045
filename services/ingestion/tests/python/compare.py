"""Compares converted files with what pyarrow reads from their sources: same rows, same order, same values.

usage: compare.py RESULT.arrow[,RESULT.arrow…] SOURCE [SOURCE…]; prints the number of rows.
"""

import gzip
import json
import sys

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet


def source(path):
    if path.endswith(".parquet"):
        return pyarrow.parquet.ParquetFile(path).read()
    if path.endswith(".gz"):
        text = gzip.open(path, "rt", encoding="utf-8").read()
    elif path.endswith(".zst"):
        text = pa.input_stream(path, compression="zstd").read().decode("utf-8")
    else:
        text = open(path, encoding="utf-8").read()
    return pa.Table.from_pylist([json.loads(line) for line in text.split("\n") if line.strip()])


def nullable(kind):
    """The type without the nullability and the names of items that writers choose."""
    if pa.types.is_dictionary(kind):
        return nullable(kind.value_type)
    if pa.types.is_large_list(kind):
        return pa.large_list(nullable(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(nullable(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(nullable(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(kind.field(i).name, nullable(kind.field(i).type)) for i in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return pa.map_(nullable(kind.key_type), nullable(kind.item_type))
    return kind


results, *sources = sys.argv[1:]
expected = pa.concat_tables([source(path) for path in sources], promote_options="permissive")
actual = pa.concat_tables([pa.ipc.open_file(pa.memory_map(path)).read_all() for path in results.split(",")])

assert expected.num_rows == actual.num_rows, (expected.num_rows, actual.num_rows)
assert expected.column_names == actual.column_names, (expected.column_names, actual.column_names)
for name in expected.column_names:
    left, right = expected.schema.field(name).type, actual.schema.field(name).type
    assert nullable(left) == nullable(right), (name, left, right)
    assert actual.schema.field(name).nullable, name
    assert not pa.types.is_dictionary(right), name
    assert expected.column(name).to_pylist() == actual.column(name).to_pylist(), name
print(actual.num_rows)
