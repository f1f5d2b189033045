"""Writes the sample documents as files to upload: upload_files.py SAMPLE.parquet FOLDER. Prints a list of [name, bytes]."""

import csv
import gzip
import json
import pathlib
import shutil
import sys

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

sample, folder = sys.argv[1], pathlib.Path(sys.argv[2])
table = pq.read_table(sample)
part = table.num_rows // 5
rows = [table.slice(n * part, part) for n in range(5)]
shutil.copy(sample, folder / "all.parquet")
with gzip.open(folder / "lines.jsonl.gz", "wt") as file:
    file.writelines(json.dumps(row) + "\n" for row in rows[0].to_pylist())
for name, dialect, slice_ in (("table.csv", {}, rows[1]), ("table.TSV", {"delimiter": "\t"}, rows[2])):
    with open(folder / name, "w", newline="") as file:
        writer = csv.writer(file, **dialect)
        writer.writerow(slice_.column_names)
        writer.writerows(row.values() for row in slice_.to_pylist())
with pa.ipc.new_stream(folder / "stream.arrow", table.schema) as writer:
    writer.write_table(rows[3], max_chunksize=500)
(folder / "plain.txt").write_text("".join(text.replace("\n", " ") + "\n" for text in rows[4]["text"].to_pylist()))
with open(folder / "my test.jsonl", "w") as file:
    file.writelines(json.dumps(row) + "\n" for row in rows[0].to_pylist()[:100])
print(json.dumps([[file.name, file.stat().st_size] for file in sorted(folder.iterdir())]))
