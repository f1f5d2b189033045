"""Reads a tokenization over Flight and prints what pyarrow counts: sequences, tokens, documents and unique ids."""

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight

client = flight.connect(sys.argv[1])
info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", sys.argv[2]))
table = pa.concat_tables(client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints)
ids = table.column("input_ids").combine_chunks().flatten().to_numpy()
print(json.dumps({
    "sequences": table.num_rows,
    "tokens": len(ids),
    "documents": len(np.unique(table.column("doc").to_numpy())),
    "unique": len(np.unique(ids)),
}))
