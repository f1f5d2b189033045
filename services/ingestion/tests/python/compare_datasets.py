"""Compares converted files with what `datasets` reads from their sources: compare_datasets.py RESULT.arrow SOURCE …

Prints the rows of each. Values are compared, not widths: pandas makes floats of whole numbers beside a gap.
"""

import os
import sys
import tempfile

import datasets
import pyarrow as pa

datasets.disable_progress_bars()


def load(source, cache):
    if source.endswith(".txt"):
        return datasets.load_dataset("text", data_files=source, split="train", cache_dir=cache)
    if source.endswith(".arrow"):
        return datasets.load_dataset("arrow", data_files=source, split="train", cache_dir=cache)
    options = {"sep": "\t" if ".tsv" in source else ",", "float_precision": "round_trip"}
    return datasets.load_dataset("csv", data_files=source, split="train", cache_dir=cache, **options)


for result, source in zip(sys.argv[1::2], sys.argv[2::2]):
    with tempfile.TemporaryDirectory() as cache:
        expected = load(source, cache)
        actual = pa.ipc.open_file(pa.memory_map(result)).read_all()
        assert expected.column_names == actual.column_names, (expected.column_names, actual.column_names)
        assert expected.num_rows == actual.num_rows, (source, expected.num_rows, actual.num_rows)
        for column in expected.column_names:
            left, right = expected[column][:], actual.column(column).to_pylist()
            for row, (one, other) in enumerate(zip(left, right)):
                assert one == other, (source, column, row, one, other)
        print(actual.num_rows, os.path.basename(source))
