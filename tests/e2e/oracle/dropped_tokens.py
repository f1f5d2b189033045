"""Encodes the texts of a split with Python's `tokenizers` and counts which tokens a tokenization of it left out.

Its rows are windows; what is left of a document is its first window and what each later one adds to the stride.
"""

import json
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.flight as flight
from tokenizers import Tokenizer

address, dataset, split, tokenization, tokenizer_json = sys.argv[1:]
client = flight.connect(address)


def rows(*path: str) -> pa.Table:
    info = client.get_flight_info(flight.FlightDescriptor.for_path(*path))
    return pa.concat_tables(client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints)


texts = [text or "" for text in rows("datasets", dataset, "raw", split).column("text").to_pylist()]
tokenizer = Tokenizer.from_file(tokenizer_json)
# Some files ship both.
tokenizer.no_padding()
tokenizer.no_truncation()
encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]

stored = rows("tokenizations", tokenization)
stride = int(stored.schema.metadata[b"stride"])
kept = Counter()
for ids, window in zip(stored.column("input_ids").to_pylist(), stored.column("window").to_pylist()):
    kept.update(ids[stride if window > 0 else 0:])
dropped = Counter(token for ids in encoded for token in ids)
dropped.subtract(kept)

print(json.dumps({
    "text_bytes": sum(len(text.encode()) for text in texts),
    "text_tokens": sum(map(len, encoded)),
    "dropped": {str(token): count for token, count in dropped.items() if count != 0},
}))
