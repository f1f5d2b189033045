"""Writes a parquet file with every kind of column: many_types.py PATH ROWS."""

import datetime
import decimal
import random
import sys

import pyarrow as pa
import pyarrow.parquet

path, rows = sys.argv[1], int(sys.argv[2])
rng = random.Random(7)
epoch = datetime.datetime(2020, 1, 1)


def some(make):
    return [None if rng.random() < 0.1 else make(n) for n in range(rows)]


words = ["lorem", "ipsum", "dolor", "sit", "amet", "größer", "数据", ""]
text = lambda n: " ".join(rng.choices(words, k=rng.randrange(200)))
columns = {
    "text": pa.array(some(text), pa.string()),
    "large_text": pa.array(some(lambda n: words[n % 8]), pa.large_string()),
    "category": pa.array(some(lambda n: words[n % 8]), pa.string()).dictionary_encode(),
    "blob": pa.array(some(lambda n: rng.randbytes(n % 64)), pa.binary()),
    "digest": pa.array(some(lambda n: rng.randbytes(16)), pa.binary(16)),
    "flag": pa.array(some(lambda n: n % 3 == 0), pa.bool_()),
    "tiny": pa.array(some(lambda n: n % 100), pa.int8()),
    "unsigned": pa.array(some(lambda n: n * 2**40), pa.uint64()),
    "real": pa.array(some(lambda n: n / 7), pa.float64()),
    "half": pa.array(some(lambda n: n / 8), pa.float32()),
    "price": pa.array(some(lambda n: decimal.Decimal(n) / 100), pa.decimal128(12, 2)),
    "day": pa.array(some(lambda n: (epoch + datetime.timedelta(days=n % 9999)).date()), pa.date32()),
    "at": pa.array(some(lambda n: epoch + datetime.timedelta(seconds=n)), pa.timestamp("us", "UTC")),
    "clock": pa.array(some(lambda n: n * 1000), pa.time64("us")),
    "nothing": pa.nulls(rows),
    "tags": pa.array(some(lambda n: [words[i % 8] for i in range(n % 4)]), pa.list_(pa.string())),
    "pair": pa.array(some(lambda n: [n, -n]), pa.list_(pa.int32(), 2)),
    "chat": pa.array(
        some(lambda n: [{"role": "user", "content": text(n)[:40], "score": None}] * (n % 3)),
        pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("score", pa.float64())])),
    ),
    "attributes": pa.array(some(lambda n: [(words[n % 8] + "k", n)]), pa.map_(pa.string(), pa.int64())),
}
schema = pa.table(columns).schema.append(pa.field("required", pa.int32(), nullable=False))
table = pa.table({**columns, "required": pa.array(range(rows), pa.int32())}, schema=schema)
pa.parquet.write_table(table, path, row_group_size=rows // 3, compression="zstd", use_dictionary=["category", "text"])
