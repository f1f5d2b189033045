"""Reads a tokenization over Flight and counts anew what its statistics claim."""

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight

client = flight.connect(sys.argv[1])
info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", sys.argv[2]))
table = pa.concat_tables(client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints)
column = table.column("input_ids").combine_chunks()
ids = column.flatten().to_numpy()
lengths = np.sort(np.diff(column.offsets.to_numpy()))
documents, windows = np.unique(table.column("doc").to_numpy(), return_counts=True)
values, counts = np.unique(ids, return_counts=True)
order = np.lexsort((values, -counts))[:100]


def percentile(part: int) -> int:
    """Nearest rank."""
    return int(lengths[max(0, -(-len(lengths) * part // 100) - 1)])


print(json.dumps({
    "total_tokens": len(ids),
    "unique_tokens": len(values),
    "total_sequences": table.num_rows,
    "vocab": [[int(values[n]), int(counts[n])] for n in order],
    "percentiles": {"p50": percentile(50), "p90": percentile(90), "p99": percentile(99), "max": int(lengths[-1])},
    "documents": len(documents),
    "truncated_fraction": float((windows > 1).mean()),
    "lengths": [int(n) for n in lengths],
}))
