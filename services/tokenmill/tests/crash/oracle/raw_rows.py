"""Reads the raw rows of a split over Flight and those of its JSON lines; prints how many, and a digest of each.

usage: raw_rows.py grpc://HOST:PORT DATASET SPLIT FOLDER
"""

import hashlib
import json
import sys
from pathlib import Path

import pyarrow.flight as flight

address, dataset, split, folder = sys.argv[1:]
client = flight.connect(address)
info = client.get_flight_info(flight.FlightDescriptor.for_path("datasets", dataset, "raw", split))
rows = [row for endpoint in info.endpoints for row in client.do_get(endpoint.ticket).read_all().to_pylist()]
source = [json.loads(line) for file in sorted(Path(folder).glob("*.jsonl")) for line in file.open()]


def digest(rows: list[dict]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


print(json.dumps({"rows": len(rows), "flight": digest(rows), "source": digest(source)}))
