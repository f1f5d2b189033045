#!/usr/bin/env python3
"""Writes the seeds that the fuzzer starts from: small inputs that reach far. Needs pyarrow, of .tools/venv.

What was once a crash is kept beside them as `crash-…`, and is not written here.
"""

import bz2
import datetime
import decimal
import gzip
import io
import json
import lzma
import pathlib
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

SEEDS = pathlib.Path(__file__).parent / "seeds"
ROWS = 40


def write(target: str, seeds: dict[str, bytes | str]) -> None:
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def tree() -> dict[str, str]:
    blob, sha256 = "ce013625030ba8dba906f756967f9e9ca394464a", "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    small = {"type": "file", "oid": blob, "size": 6, "path": "README.md"}
    large = small | {"path": "data/a b.parquet", "lfs": {"oid": sha256, "size": 6, "pointerSize": 130}, "xetHash": sha256}
    info = {"id": "acme/corpus", "sha": blob, "gated": "auto", "private": False, "disabled": False, "cardData": {"a": [1]}}
    return {
        "page": json.dumps([{"type": "directory", "oid": blob, "size": 0, "path": "data"}, small, large]),
        "empty": "[]",
        "climbs": json.dumps([small | {"path": "../x"}]),
        "info": json.dumps(info),
        "link": '<https://hub.test/a?x=1,2>; rel="prev", <https://hub.test/b?cursor=Q%3D>; rel="next"',
    }


def jsonl() -> dict[str, bytes | str]:
    lines = '{"a": 1, "b": [1.5, null], "c": {"d": "x\\u00e9"}}\n{"a": 18446744073709551615, "e": true}\n'
    return {
        "lines": lines,
        "array": '[{"a": 1, "t": "2024-01-02"}, {"a": 2.5}]',
        "objects": '{\n "a": "x",\n "b": {}\n}\n{\n "a": null\n}\n',
        "bad": '{"a": 1}\n{"a": nope}\n{"a": 3}\n',
        "mixed": '{"a": 1}\n{"a": "x"}\n{"a": [1]}\n',
        "mark": "\ufeff" + lines,
        "gz": gzip.compress(lines.encode(), mtime=0),
        "bz2": bz2.compress(lines.encode()),
        "xz": lzma.compress(lines.encode()),
        "zst": pa.compress(lines.encode(), "zstd", asbytes=True),
        "lz4": pa.compress(lines.encode(), "lz4", asbytes=True),
        "zip": zipped({"a.jsonl": lines, "b/c.jsonl": '{"a": 2}\n'}),
    }


def zipped(members: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def csv() -> dict[str, bytes | str]:
    rows = 'a,b,c\n1,"x, ""y""\nz",2024-01-02\n,NaN,true\n-1.5e3,,False\n'
    return {
        "rows": rows,
        "crlf": "a,b\r\n1,2\r\n3,4",
        "ragged": "a,b\n1\n1,2\n1,2,3\n",
        "twice": "a,a,\n1,2,3\n",
        "quote": 'a\n"x\n',
        "mark": "\ufeffa,b\n9223372036854775808,-9223372036854775808\n",
        "gz": gzip.compress(rows.encode(), mtime=0),
        "zip": zipped({"a.csv": rows}),
    }


def every(value: Callable[[int], object]) -> list[object]:
    return [None if row % 5 == 4 else value(row) for row in range(ROWS)]


def tables() -> dict[str, pa.Table]:
    day = datetime.date(2024, 1, 1)
    plain = {
        "n": pa.array(every(lambda row: row), pa.int64()),
        "small": pa.array(every(lambda row: row % 9), pa.uint8()),
        "x": pa.array(every(lambda row: row / 7), pa.float32()),
        "text": pa.array(every(lambda row: f"row {row % 6} é")),
        "yes": pa.array(every(lambda row: row % 3 == 0)),
        "bytes": pa.array(every(lambda row: bytes([row, 255]))),
        "fixed": pa.array(every(lambda row: bytes([row] * 4)), pa.binary(4)),
        "price": pa.array(every(lambda row: decimal.Decimal(row) / 4), pa.decimal128(20, 2)),
        "day": pa.array(every(lambda row: day + datetime.timedelta(row)), pa.date32()),
        "at": pa.array(every(lambda row: row * 10**9), pa.timestamp("us", "Europe/Berlin")),
        "took": pa.array(every(lambda row: row), pa.duration("ms")),
    }
    nested = {
        "list": pa.array(every(lambda row: list(range(row % 4)))),
        "large": pa.array(every(lambda row: ["x"] * (row % 3)), pa.large_list(pa.large_string())),
        "pair": pa.array(every(lambda row: [row, row + 1]), pa.list_(pa.int32(), 2)),
        "struct": pa.array(every(lambda row: {"a": row, "b": {"c": [str(row)]}})),
        "map": pa.array(every(lambda row: [("k", row)]), pa.map_(pa.string(), pa.int16())),
        "word": pa.array(every(lambda row: f"w{row % 3}")).dictionary_encode(),
    }
    exotic = {
        "view": pa.array(every(lambda row: f"a longer text of row {row}"), pa.string_view()),
        "null": pa.nulls(ROWS),
        "half": pa.array(every(lambda row: row / 2), pa.float16()),
        "time": pa.array(every(lambda row: row), pa.time64("ns")),
    }
    return {"plain": pa.table(plain), "nested": pa.table(nested), "exotic": pa.table(exotic), "empty": pa.table(plain)[:0]}


def parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=25, **options)
    return sink.getvalue()


def parquets() -> dict[str, bytes]:
    named = tables()
    text, numbers = named["plain"].select(["text", "yes"]), named["plain"].select(["n", "x"])
    seeds = {name: parquet(named[name]) for name in ("plain", "nested", "empty")}
    seeds["exotic"] = parquet(named["exotic"].drop(["view"]))
    for codec in ("none", "gzip", "brotli", "zstd", "lz4"):
        seeds[codec] = parquet(text, compression=codec, store_schema=False)
    seeds["deltas"] = parquet(numbers, use_dictionary=False, column_encoding={"n": "DELTA_BINARY_PACKED", "x": "BYTE_STREAM_SPLIT"})
    for encoding in ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
        seeds[encoding.lower()] = parquet(text.select(["text"]), use_dictionary=False, column_encoding={"text": encoding})
    seeds["pages"] = parquet(named["nested"], data_page_version="2.0", data_page_size=64, write_page_index=True)
    return seeds


def arrows() -> dict[str, bytes]:
    seeds = {}
    for name, table in tables().items():
        for kind, writer in (("file", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
            sink = io.BytesIO()
            with writer(sink, table.schema) as out:
                out.write_table(table, max_chunksize=25)
            seeds[f"{name}-{kind}"] = sink.getvalue()
    for codec in ("zstd", "lz4"):
        sink = io.BytesIO()
        pa.feather.write_feather(tables()["plain"].select(["text", "n"]), sink, compression=codec)
        seeds[codec] = sink.getvalue()
    sink = io.BytesIO()
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array(["x", None]))
    batch = pa.record_batch({"union": union, "runs": runs})
    with pa.ipc.new_stream(sink, batch.schema) as out:
        out.write_batch(batch)
    return seeds | {"union": sink.getvalue()}


if __name__ == "__main__":
    write("repo_id", {"plain": "gpt2", "owner": "acme/corpus-v1.0_x", "dots": "a/b..c", "dashes": "a--b", "git": "a/b.git", "slashes": "a/b/c"})
    write("path", {"plain": "data/train-00000-of-00001.parquet", "climbs": "a/../../b", "dots": "..a/b..", "drive": "C:/x",
                   "coded": "a%2f..%2F/b#?.txt", "other": "é/12:30.txt", "back": "a\\b"})
    write("tree", tree())
    write("jsonl", jsonl())
    write("csv", csv())
    write("parquet", parquets())
    write("arrow", arrows())
