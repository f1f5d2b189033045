"""Compares a dataset over Flight with the files that were uploaded: compare_upload.py FLIGHT DATASET SPLIT FILE …

Each file is read by `datasets`; columns that a file lacks are null. Prints {"source": …, "flight": …}.
"""

import json
import sys
import tempfile

import datasets
import pyarrow as pa
import pyarrow.flight as flight
from compare_rows import describe, read_flight

FORMATS = {"parquet": "parquet", "jsonl": "json", "csv": "csv", "tsv": "csv", "arrow": "arrow", "txt": "text"}
datasets.disable_progress_bars()


def read(file: str, cache: str) -> pa.Table:
    extension = file.lower().removesuffix(".gz").rsplit(".", 1)[1]
    options = {"sep": "\t"} if extension == "tsv" else {}
    found = datasets.load_dataset(FORMATS[extension], data_files=file, split="train", cache_dir=cache, **options)
    return found.data.table.combine_chunks()


location, dataset, split, *files = sys.argv[1:]
with tempfile.TemporaryDirectory() as cache:
    source = pa.concat_tables([read(file, cache) for file in files], promote_options="permissive")
    stored = read_flight(flight.connect(location), dataset, split)
    print(json.dumps({"source": describe(source), "flight": describe(stored)}))
