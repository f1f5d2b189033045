"""Compares a dataset over Flight with the first rows of its source: compare_first.py FOLDER FLIGHT DATASET COUNT.

The source's order is that of its splits, train first. Prints {"train": {"source": …, "flight": …}}.
"""

import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.flight as flight
from compare_rows import describe, read_flight, read_source

folder, location, dataset, count = *sys.argv[1:4], int(sys.argv[4])
client, found = flight.connect(location), {}
for split in ("train", "validation", "test"):
    files = sorted((pathlib.Path(folder) / "data").glob(f"{split}-*"))
    if not files or not count:
        continue
    rows = pa.concat_tables([read_source(file) for file in files]).slice(0, count)
    count -= rows.num_rows
    found[split] = {"source": describe(rows), "flight": describe(read_flight(client, dataset, split))}
print(json.dumps(found))
