"""Writes parquet files that are small and claim much, and large ones that are honest: hostile_parquet.py FOLDER."""

import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

MIB = 1 << 20
folder = sys.argv[1]


def write(name, table, **options):
    options = {"compression": "zstd", **options}
    pq.write_table(table, os.path.join(folder, name + ".parquet"), **options)


def zeros(kind, width, count):
    return pa.Array.from_buffers(kind, count, [None, pa.py_buffer(bytes(width * count))])


one_page = {"use_dictionary": False, "data_page_size": 1 << 30, "write_batch_size": 1 << 28, "max_rows_per_page": 1 << 28, "row_group_size": 1 << 26}
write("page", pa.table({"n": zeros(pa.int64(), 8, 60 * MIB)}), **one_page)
write("pages", pa.table({f"n{n}": zeros(pa.int64(), 8, 8 * MIB) for n in range(16)}), **one_page)
big = pa.array(["x" * (40 * MIB)])
write("dictionary", pa.table({"text": pa.DictionaryArray.from_arrays(zeros(pa.int32(), 4, 20_000), big)}))
items = pa.DictionaryArray.from_arrays(zeros(pa.int8(), 1, 100 * MIB), pa.array([7], pa.int32()))
offsets = pa.array([0, 100 * MIB], pa.int32())
write("list", pa.table({"list": pa.ListArray.from_arrays(offsets, items.dictionary_decode())}))
write("fixed", pa.table({"b": pa.nulls(1, pa.binary(512 * MIB))}))

# Honest: a row of 60 MiB among small ones; a page of 200 MiB; lists; a dictionary that blows a file up a hundred times; lengths as differences.
noise = os.urandom(MIB).hex()
write("row", pa.table({"text": ["a", noise * 30, "b"], "n": [1, 2, 3]}))
rows = [noise[n : n + MIB] for n in range(200)]
write("large_page", pa.table({"text": rows}), use_dictionary=False, compression="none", data_page_size=1 << 30)
values = pa.Array.from_buffers(pa.float32(), 4 * MIB, [None, pa.py_buffer(os.urandom(16 * MIB))])
offsets = pa.array(range(0, 4 * MIB + 1, 1024), pa.int32())
write("vectors", pa.table({"v": pa.ListArray.from_arrays(offsets, values)}), use_dictionary=False, compression="snappy")
words = pa.array([noise[n : n + 1000] for n in range(900)])
write("words", pa.table({"w": pa.DictionaryArray.from_arrays(pa.array([n % 900 for n in range(20_000)]), words)}))
for name in ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"]:
    table = pa.table({"t": [f"row {n // 10} {noise[:n % 50]}" for n in range(20_000)], "l": [["a", str(n)] for n in range(20_000)]})
    options = {"use_dictionary": False, "column_encoding": {"t": name, "l.list.element": name}}
    write(name.lower(), table, data_page_version="2.0", **options)
    write(name.lower() + "_older", table, **options)
