"""Writes the sample documents as tables of other formats: tables.py SAMPLE.parquet FOLDER. Prints a size for each."""

import bz2
import csv
import gzip
import lzma
import os
import random
import sys

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

sample, folder = sys.argv[1:]
rng = random.Random(11)
rows = pyarrow.parquet.read_table(sample).to_pylist()
# What a spreadsheet may hold: numbers, gaps, words that mean nothing, quotes and line breaks inside cells.
gaps = ["", "NA", "null", "None", "nan", "#N/A"]
table = [
    {
        "id": row["id"],
        "title": rng.choice(gaps) if rng.random() < 0.05 else row["title"],
        "text": row["text"],
        "score": rng.choice(gaps) if rng.random() < 0.1 else repr(rng.random() * 10 ** rng.randrange(-8, 8)),
        "count": "" if rng.random() < 0.1 else rng.randrange(-(10**12), 10**12),
        "flag": rng.choice(["True", "False", "TRUE", "false"]),
        "unsigned": 2**63 + row["id"],
        "mixed": rng.choice(["1", "2.5", "x, \"y\"", "a\nb", " padded "]),
        "nothing": rng.choice(gaps),
    }
    for row in rows
]
# Duplicated and missing names, as pandas sees them in hand-made files.
names = [*table[0], "id", ""]


def path(name):
    return os.path.join(folder, name)


def write(name, opened, **dialect):
    with opened as file:
        writer = csv.writer(file, **dialect)
        writer.writerow(names)
        for number, row in enumerate(table):
            writer.writerow([*row.values(), number, "last"])
            if number % 1000 == 7:
                file.write(dialect.get("lineterminator", "\r\n"))  # a blank line


write("table.csv", open(path("table.csv"), "w", newline="", encoding="utf-8"))
write("table.tsv", open(path("table.tsv"), "w", newline="", encoding="utf-8"), delimiter="\t", lineterminator="\n")
write("table.csv.gz", gzip.open(path("table.csv.gz"), "wt", newline="", encoding="utf-8"))
write("table.csv.bz2", bz2.open(path("table.csv.bz2"), "wt", newline="", encoding="utf-8"))
with open(path("table.csv"), "rb") as plain:
    content = plain.read()
# Two streams and two frames: readers that stop after the first lose half of the file.
half = content.index(b"\n", len(content) // 2) + 1
with open(path("table.csv.xz"), "wb") as file:
    file.write(lzma.compress(content[:half], preset=0) + lzma.compress(content[half:], preset=0))
codec = pa.Codec("lz4")
with open(path("table.csv.lz4"), "wb") as file:
    for part in (content[:half], content[half:]):
        with pa.output_stream(pa.BufferOutputStream(), compression=None) as sink:
            with pa.CompressedOutputStream(sink, "lz4") as packed:
                packed.write(part)
            file.write(sink.getvalue().to_pybytes())

with open(path("lines.txt"), "wb") as file:
    for number, row in enumerate(rows):
        line_break = [b"\n", b"\r\n", b"\r", b"\n\n"][number % 4]
        file.write(row["text"].encode() + "\u2028\x85\f".encode() + line_break)
    file.write(b"no line break at the end")

arrow = pyarrow.parquet.read_table(sample)
arrow = arrow.append_column("category", arrow["title"].dictionary_encode())
arrow = arrow.append_column("view", arrow["title"].cast(pa.string_view()))
with pa.ipc.new_file(path("file.arrow"), arrow.schema) as writer:
    writer.write_table(arrow, max_chunksize=1000)
with pa.ipc.new_stream(path("stream.arrow"), arrow.schema) as writer:
    writer.write_table(arrow, max_chunksize=777)
for name in sorted(os.listdir(folder)):
    print(name, os.path.getsize(path(name)))
