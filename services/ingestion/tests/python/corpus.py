"""Writes a repository for each rule, format, type and way of being broken: corpus.py FOLDER.

FOLDER/datasets/corpus/NAME/ is a repository, and FOLDER/corpus.json says of each what is expected beyond agreement
with `datasets`: `ours` is a reason, or a number of rows where `datasets` reads none; `differs` says how the types do.
"""

import io
import json
import os
import sys

import corpus_archives
import corpus_features
import corpus_json
import corpus_options
import corpus_packed
import corpus_schemas
import corpus_tables
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

ROWS = [{"id": n, "text": f"row {n} größer 数据", "score": n / 4, "flag": n % 2 == 0} for n in range(7)]
expectations = {}


def repository(name, files, card=None, ours=None, differs=None):
    if card is not None:
        files = {**files, "README.md": f"---\n{card}\n---\n# {name}\n"}
    for path, content in files.items():
        path = os.path.join(sys.argv[1], "datasets", "corpus", name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    assert name not in expectations, name
    expectations[name] = {"ours": ours, "differs": differs}


def lines(rows=ROWS):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def parquet(columns, **options):
    sink = io.BytesIO()
    pa.parquet.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), sink, **options)
    return sink.getvalue()


def arrow(table, opened, packing=None):
    sink = io.BytesIO()
    with opened(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=packing)) as writer:
        writer.write_table(table, max_chunksize=3)
    return sink.getvalue()


def csv(separator=",", rows=ROWS):
    text = [separator.join(rows[0])] + [separator.join(str(cell) for cell in row.values()) for row in rows]
    return "\n".join(text) + "\n"


TABLE = pa.Table.from_pylist(ROWS)
LINES, CSV = lines(), csv()
DAY = 1_700_000_000
PLAIN = "dictionaries are plain"

# Parquet and its types.
repository("parquet", {"train.parquet": parquet(TABLE)})
repository("parquet-row-groups", {"train.parquet": parquet(TABLE, row_group_size=2, compression="zstd")})
repository("parquet-gpq", {"train.gpq": parquet(TABLE)})
repository(
    "parquet-numbers",
    {
        "a.parquet": parquet(
            {str(kind): pa.array([1, None, 3], kind) for kind in [pa.int8(), pa.int16(), pa.int32(), pa.uint8()]}
            | {str(kind): pa.array([1, None, 3], kind) for kind in [pa.uint16(), pa.uint32(), pa.uint64()]}
            | {"half": pa.array([0.5, None, 1.5], pa.float32()), "real": pa.array([0.1, None, float("inf")])}
        )
    },
)
repository(
    "parquet-times",
    {
        "a.parquet": parquet(
            {
                "day": pa.array([DAY // 86400, None], pa.date32()),
                "seconds": pa.array([DAY * 1000, None], pa.timestamp("ms")),
                "zone": pa.array([DAY * 10**6, None], pa.timestamp("us", "UTC")),
                "clock": pa.array([86399, None], pa.time32("ms")),
                "length": pa.array([86399, None], pa.duration("us")),
            }
        )
    },
)
repository(
    "parquet-texts",
    {
        "a.parquet": parquet(
            {
                "text": pa.array(["a", None, ""]),
                "large": pa.array(["a", None, ""], pa.large_string()),
                "blob": pa.array([b"\xff", None, b""], pa.binary()),
                "digest": pa.array([b"1234", None, b"5678"], pa.binary(4)),
                "nothing": pa.nulls(3),
            }
        )
    },
)
repository(
    "parquet-categories",
    {"a.parquet": parquet({"word": pa.array(["a", None, "b", "a"]).dictionary_encode(), "n": [1, 2, 3, 4]})},
    differs=PLAIN,
)
repository("parquet-decimals", {"a.parquet": parquet({"price": pa.array([1, None, 3]).cast(pa.decimal128(22, 2))})})
repository(
    "parquet-nested",
    {
        "a.parquet": parquet(
            {
                "tags": pa.array([["a", None], [], None], pa.list_(pa.string())),
                "chat": pa.array(
                    [[{"role": "user", "n": 1}], None, [{"role": None, "n": 2}]],
                    pa.list_(pa.struct([("role", pa.string()), ("n", pa.int32())])),
                ),
                "deep": pa.array([{"a": {"b": [[1]]}}, None, {"a": None}]),
                "pair": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int16(), 2)),
            }
        )
    },
)
repository("parquet-map", {"a.parquet": parquet({"m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64()))})}, ours=2)
repository("parquet-required", {"a.parquet": parquet(pa.table([[1]], pa.schema([pa.field("n", pa.int64(), False)])))})
repository("parquet-without-rows", {"a.parquet": parquet(TABLE.slice(0, 0))}, ours=0)
repository("parquet-one-without-rows", {"a.parquet": parquet(TABLE.slice(0, 0)), "b.parquet": parquet(TABLE)}, ours=7)
repository("parquet-cut", {"train.parquet": parquet(TABLE)[:-20]}, ours="SOURCE_CORRUPT")
repository("parquet-page-damaged", {"train.parquet": parquet(TABLE, compression="zstd").replace(b"\x28\xb5\x2f\xfd", b"\0\0\0\0", 1)}, ours="SOURCE_CORRUPT")
repository("parquet-is-text", {"train.parquet": "no parquet at all"}, ours="SOURCE_CORRUPT")

# JSON in its forms.
repository("jsonl", {"train.jsonl": LINES})
repository("jsonl-crlf-blank-lines", {"train.jsonl": LINES.replace("\n", "\r\n\r\n")})
repository("jsonl-no-last-line-break", {"train.jsonl": LINES.rstrip()})
repository("jsonl-byte-order-mark", {"train.jsonl": "\ufeff" + LINES})
repository("ndjson", {"train.ndjson": LINES})
repository("json-array", {"train.json": json.dumps(ROWS, indent=1)})
repository("json-one-object", {"train.json": json.dumps(ROWS[0], indent=1)}, ours=1)
repository("json-strings", {"train.json": json.dumps(["a", "b"])})
repository("json-ragged", {"train.jsonl": '{"a": 1}\n{"b": "x", "a": null}\n{"c": [1, 2.5]}\n'})
repository("json-nested", {"train.jsonl": lines([{"a": {"b": [{"c": n}], "d": None}} for n in range(3)])})
repository(
    "json-ragged-objects",
    {"train.jsonl": '{"a": {"b": 1}}\n{"a": {"c": "x"}}\n'},
    differs="objects with other keys stay objects, where `datasets` makes text of them",
)
repository("json-numbers", {"train.jsonl": lines([{"i": 2**40, "f": 1}, {"i": -1, "f": 0.5}, {"i": None, "f": 1e300}])})
repository("json-mixed-types", {"train.jsonl": '{"a": 1}\n{"a": "x"}\n'}, ours="SCHEMA_MISMATCH")
repository(
    "json-times",
    {"train.jsonl": lines([{"at": "2024-02-29 12:00:00"}, {"at": "2024-03-01 00:00:01"}])},
    differs="text that looks like a time stays text",
)
repository("json-escapes", {"train.jsonl": '{"t": "\\u00e9\\n\\"\\ud83d\\ude00\\u2028"}\n'})
for bad, content in {
    "broken-line": '{"a": 1}\n{"a": \n{"a": 2}\n',
    "duplicate-key": '{"a": 1, "a": 2}\n',
    "not-utf8": b'{"a": "\xff"}\n',
    "array-not-closed": '[{"a": 1}, {"a": 2}',
    "huge-number": '{"a": 1e400}\n',
    "no-object": "1\n2\n",
}.items():
    repository(f"json-{bad}", {"train.jsonl": content}, ours="SOURCE_CORRUPT")

# Objects whose first line breaks behind any sign, and lines that were cut off there.
for name, begin, end in [
    ("colon", '{"a":', '1, "b": 2}'),
    ("colon-object", '{"a":', '{"b": 1}\n}'),
    ("bracket", '{"a": [', "1, 2]}"),
    ("bracket-object", '{"a": [', '{"b": 1},\n{"b": 2}\n]}'),
    ("comma", '{"a": 1,', '"b": 2}'),
    ("comma-object", '{"a": [{"b": 1},', '{"b": 2}]}'),
]:
    repository(f"json-broken-behind-{name}", {"train.jsonl": f"{begin}\n{end}\n"})
    repository(f"json-broken-twice-behind-{name}", {"train.jsonl": f"{begin}\n{end}\n" * 2})
    repository(f"json-cut-behind-{name}", {"train.jsonl": f'{begin}\n{{"a": 1}}\n{{"a": 2}}\n'}, ours="SOURCE_CORRUPT")
    repository(f"json-last-cut-behind-{name}", {"train.jsonl": f'{{"a": 1}}\n{begin}'}, ours="SOURCE_CORRUPT")

# Tables and text.
repository("csv", {"train.csv": CSV})
repository("csv-quotes", {"train.csv": 'a,b\n"x, ""y""","1\n2"\nz,\n'})
repository(
    "csv-gaps",
    {"train.csv": "text,n,f,none\na,1,0.5,\nNA,,null,\n,3,1.5,NaN\n"},
    differs="whole numbers beside a gap stay whole",
)
repository("csv-types", {"train.csv": "i,f,b,t\n1,1.5,True,x\n-2,2,False,007\n"})
repository("csv-byte-order-mark", {"train.csv": "\ufeffa,b\n1,2\n"})
repository("csv-names", {"train.csv": "a,a,,b\n1,2,3,4\n"})
repository("csv-short-row", {"train.csv": "a,b\nx,y\nz\n"})
repository("csv-long-row", {"train.csv": "a,b\n1,2\n1,2,3\n"}, ours="SOURCE_CORRUPT")
repository("csv-quote-not-closed", {"train.csv": 'a,b\n1,"2\n3,4\n'}, ours="SOURCE_CORRUPT")
repository("csv-empty", {"train.csv": ""}, ours="SOURCE_CORRUPT")
repository("tsv", {"train.tsv": csv("\t")})
repository("text", {"train.txt": "one\n\nthree\r\nfour\rfive\u2028five"})
repository("text-not-utf8", {"train.txt": b"a\n\xff\n"}, ours="SOURCE_CORRUPT")
repository("arrow-stream", {"train.arrow": arrow(TABLE, pa.ipc.new_stream)})
repository("arrow-file", {"train.arrow": arrow(TABLE, pa.ipc.new_file)})
words = TABLE.append_column("word", pa.array(["größer", None] * 3 + ["b" * 900]).dictionary_encode())
for packing in ["lz4", "zstd"]:
    repository(f"arrow-stream-{packing}", {"train.arrow": arrow(words, pa.ipc.new_stream, packing)}, differs=PLAIN)
    repository(f"arrow-file-{packing}", {"train.arrow": arrow(words, pa.ipc.new_file, packing)}, differs=PLAIN)
    for name, opened in [("stream", pa.ipc.new_stream), ("file", pa.ipc.new_file)]:
        honest = arrow(pa.table({"a": pa.array([7] * 3)}), opened, packing)
        # Three numbers of eight bytes.
        hostile = honest.replace((24).to_bytes(8, "little"), (1 << 40).to_bytes(8, "little"))
        assert hostile != honest
        repository(f"arrow-{name}-{packing}-hostile", {"train.arrow": hostile}, ours="SOURCE_LIMIT_EXCEEDED")
feather = io.BytesIO()
pyarrow.feather.write_feather(TABLE, feather)
repository("arrow-feather", {"train.arrow": feather.getvalue()})
repository("arrow-cut", {"train.arrow": arrow(TABLE, pa.ipc.new_file)[:-30]}, ours="SOURCE_CORRUPT")

# Which files make which split.
def row(name):
    return json.dumps({"from": name}) + "\n"


rules = {
    "split-names": ["my-train_1.jsonl", "dev.jsonl", "test 2.jsonl", "trainset.jsonl"],
    "split-folders": ["train/a.jsonl", "x/validation/b.jsonl", "eval_1/c.jsonl", "other/d.jsonl"],
    "split-shards": ["data/train-00001-of-00002.jsonl", "data/train-00000-of-00002.jsonl", "data/x.1-00000-of-00001.jsonl"],
    "split-none": ["b.jsonl", "a/c.jsonl", "Train.jsonl", "contest.jsonl"],
    "split-twice": ["train_test.jsonl", "train.jsonl"],
    "hidden-and-special": ["train.jsonl", ".hidden/train.jsonl", "__pycache__/train.jsonl", ".train.jsonl"],
    "reserved-names": ["data.json", "config.json", "dataset_infos.json"],
    "unknown-extensions": ["train.jsonl", "LICENSE", "train.gz2", "notes.rst"],
}
repository("odd-path-beside", {"train.jsonl": LINES, "odd\\name.rst": "x", "bell\a/notes.rst": "x", "other\\x.csv": CSV})
repository("odd-path", {"train\\a.jsonl": LINES}, ours="SOURCE_CORRUPT")
for name, paths in rules.items():
    repository(name, {path: "{}" if path == "dataset_infos.json" else row(path) for path in paths})
repository("most-common-format", {"a.jsonl": row("a"), "b.jsonl": row("b"), "c.csv": "from\nc\n"})
repository("draw-of-formats", {"a.json": row("a"), "b.csv": "from\nb\n"})
repository("metadata-beside-data", {"metadata.csv": "x\n1\n", "a.jsonl": row("a"), "metadata.jsonl": row("m")})
CONFIGS = "configs:\n- config_name: "
some = {path: row(path) for path in ["a/1.jsonl", "a/2.jsonl", "b/test.jsonl", "b/train.jsonl", "c.jsonl"]}
repository("card-globs", some, CONFIGS + 'x\n  data_files: "a/*.jsonl"\n- config_name: default\n  data_files: [c.jsonl, "b/*"]')
repository("card-splits", some, CONFIGS + "x\n  data_files:\n  - split: one\n    path: [c.jsonl, a/1.jsonl]\n  - split: two\n    path: a/2.jsonl")
repository("card-folder", some, CONFIGS + "x\n  data_dir: b\n- config_name: y\n  data_dir: ./a/")
repository("card-default", some, CONFIGS + "x\n  data_dir: a\n- config_name: y\n  data_dir: b\n  default: true")
repository("card-number-as-name", some, CONFIGS + "2024\n  data_files: c.jsonl", ours=1)
repository("card-standalone", {**some, ".huggingface.yaml": CONFIGS + "own\n  data_files: c.jsonl\n"}, "license: mit")
repository("card-without-configs", some, "license: mit\ntags: [a, b]")
repository("card-sep", {"a.csv": csv(";"), "b.csv": CSV}, CONFIGS + 'x\n  data_files: a.csv\n  sep: ";"\n- config_name: y\n  data_files: b.csv')
repository("card-delimiter", {"a.csv": csv("|")}, CONFIGS + 'x\n  data_files: a.csv\n  sep: ";"\n  delimiter: "|"')
repository("card-tab", {"a.csv": csv("\t")}, CONFIGS + 'x\n  data_files: a.csv\n  delimiter: "\\t"')
repository("card-sep-too-long", {"a.csv": csv("::")}, CONFIGS + 'x\n  data_files: a.csv\n  sep: "::"', ours="NOT_IMPLEMENTED")
repository(
    "card-two-formats",
    {"a.jsonl": LINES, "b.parquet": parquet(TABLE)},
    CONFIGS + "x\n  data_files: a.jsonl\n- config_name: y\n  data_files: b.parquet",
    ours={"y": 7},
)
for bad, (card, reason) in {
    "not-yaml": ("configs: [", "SOURCE_CORRUPT"),
    "no-name": ("configs:\n- data_files: c.jsonl", "SOURCE_CORRUPT"),
    "two-defaults": (CONFIGS + "x\n  default: true\n- config_name: default", "SOURCE_CORRUPT"),
    "bad-split": (CONFIGS + "x\n  data_files:\n  - split: a-b\n    path: c.jsonl", "SOURCE_CORRUPT"),
    "nothing-matches": (CONFIGS + "x\n  data_files: no.jsonl", "NO_DATA_FILES"),
    "leads-out": (CONFIGS + "x\n  data_files: ../c.jsonl", "NO_DATA_FILES"),
    "empty-split": (CONFIGS + 'x\n  data_files:\n  - split: one\n    path: c.jsonl\n  - split: two\n    path: "z*"', "NO_DATA_FILES"),
}.items():
    repository(f"card-{bad}", some, card, ours=reason)
repository("no-data", {"LICENSE": "MIT"}, "license: mit", ours="NO_DATA_FILES")
repository("script", {"script.py": "raise SystemExit\n"}, ours="SCRIPT_DATASET")
repository("other-format", {"train.lance": "x"}, ours="NO_DATA_FILES")
repository("split-formats-differ", {"train.jsonl": LINES, "test.csv": CSV}, ours="SCHEMA_MISMATCH")
repository("split-name-in-shards", {"data/a-b!-00000-of-00001.jsonl": row("x")}, ours="SOURCE_CORRUPT")

corpus_json.write(repository)
corpus_tables.write(repository, csv, LINES)
corpus_schemas.write(repository, parquet)
corpus_options.write(repository)
corpus_features.write(repository, parquet)
corpus_packed.write(repository, LINES, CSV)
corpus_archives.write(repository, LINES, CSV, parquet(TABLE))
with open(os.path.join(sys.argv[1], "corpus.json"), "w", encoding="utf-8") as file:
    json.dump(expectations, file)
