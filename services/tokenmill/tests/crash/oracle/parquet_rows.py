"""Prints the rows of each split of a sample repository, as pyarrow counts them: {"train": n, …}."""

import collections
import json
import pathlib
import sys

import pyarrow.parquet as pq

rows = collections.Counter()
for file in sorted(pathlib.Path(sys.argv[1]).glob("data/*.parquet")):
    rows[file.name.split("-")[0]] += pq.read_metadata(file).num_rows
print(json.dumps(rows))
