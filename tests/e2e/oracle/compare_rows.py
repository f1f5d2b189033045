"""Compares a dataset over Flight with its source files: rows and a hash of all values, for each split.

Arguments: the repository's folder, Flight's address, the dataset's id. Prints {"train": {"source": …, "flight": …}}.
"""

import collections
import hashlib
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.json
import pyarrow.parquet as pq

BLOCK = 64 << 20


def describe(table: pa.Table) -> dict:
    """Rows, and a hash of columns and values in order, whatever the batches and the string types are."""
    found = hashlib.sha256()
    for name in sorted(table.column_names):
        found.update(name.encode() + b"\0")
        for value in table.column(name).to_pylist():
            text = repr(value).encode()
            found.update(len(text).to_bytes(8, "little") + text)
    return {"rows": table.num_rows, "hash": found.hexdigest()}


def read_source(file: pathlib.Path) -> pa.Table:
    if file.suffix == ".parquet":
        return pq.read_table(file)
    with pa.input_stream(str(file), compression="detect") as stream:
        return pyarrow.json.read_json(stream, read_options=pyarrow.json.ReadOptions(block_size=BLOCK))


def read_flight(client: flight.FlightClient, dataset: str, split: str) -> pa.Table:
    info = client.get_flight_info(flight.FlightDescriptor.for_path("datasets", dataset, "raw", split))
    return pa.concat_tables(client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints)


def main(folder: str, location: str, dataset: str) -> None:
    splits = collections.defaultdict(list)
    for file in sorted((pathlib.Path(folder) / "data").iterdir()):
        splits[file.name.split("-")[0]].append(read_source(file))
    client = flight.connect(location)
    print(json.dumps({
        split: {"source": describe(pa.concat_tables(tables, promote_options="permissive")), "flight": describe(read_flight(client, dataset, split))}
        for split, tables in splits.items()
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
