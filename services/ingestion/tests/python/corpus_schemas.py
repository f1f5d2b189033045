"""The repositories of the corpus with files of one split, or rows of one file, whose types differ."""

from decimal import Decimal

import pyarrow as pa

LARGE = 2**53 + 1
YEAR_9999 = 253_370_764_800_000


def write(repository, parquet):
    files(repository, parquet)
    integers(repository, parquet)
    times(repository, parquet)
    units(repository, parquet)


def files(repository, parquet):
    repository("widen-null", {"a.jsonl": '{"a": null}\n', "b.jsonl": '{"a": "x"}\n'}, ours=2)
    repository("widen-numbers", {"a.parquet": parquet({"n": pa.array([1], pa.int32())}), "b.parquet": parquet({"n": pa.array([2**40])})}, ours=2)
    repository("missing-column", {"a.jsonl": '{"a": 1, "b": "x"}\n', "b.jsonl": '{"a": 2}\n'})
    repository("new-column", {"a.jsonl": '{"a": 1}\n', "b.jsonl": '{"a": 2, "b": "x"}\n'}, ours=2)
    repository("order-of-columns", {"a.jsonl": '{"a": 1, "b": "x"}\n', "b.jsonl": '{"b": "y", "a": 2}\n'})
    repository("schemas-differ", {"a.parquet": parquet({"n": [1]}), "b.parquet": parquet({"n": ["x"]})}, ours="SCHEMA_MISMATCH")


def integers(repository, parquet):
    """Beside floats, as the rows of one file and as files."""
    for name, number, ours in [("exact", 2**53, None), ("inexact", LARGE, "SCHEMA_MISMATCH")]:
        for order, values in [("first", [number, 0.5]), ("last", [0.5, number])]:
            jsonl = [f'{{"a": {value}}}\n' for value in values]
            repository(f"integers-{name}-{order}-json", {"train.jsonl": "".join(jsonl)}, ours=ours)
            repository(f"integers-{name}-{order}-csv", {"train.csv": f"a\n{values[0]}\n{values[1]}\n"}, ours=ours)
            files = dict(zip(["a.jsonl", "b.jsonl"], jsonl))
            repository(f"integers-{name}-{order}-json-files", files, ours=ours or 2)
        kinds = [(pa.int64(), number), (pa.uint64(), number), (pa.list_(pa.int64()), [1, number])]
        for kind, value in kinds:
            halves = pa.list_(pa.float64()) if pa.types.is_list(kind) else pa.float64()
            half = parquet({"a": pa.array([None], halves)})
            whole = parquet({"a": pa.array([None, value], kind)})
            shown = str(kind).partition("<")[0]
            repository(f"integers-{name}-{shown}-parquet", {"a.parquet": half, "b.parquet": whole}, ours=ours or 3)
    repository("integers-large", {"train.jsonl": f'{{"a": {LARGE}}}\n{{"a": -{LARGE}}}\n'})


def units(repository, parquet):
    """The wider type first, which `datasets` keeps; the narrower one first, into which its values do not fit."""
    decimal = lambda value, *size: pa.array([value, None]).cast(pa.decimal128(22, 3)).cast(pa.decimal128(*size))
    cases = {
        "decimals": (decimal(12345, 10, 3), decimal(7, 5, 2)),
        "decimal-and-int": (pa.array([Decimal("7.125"), None], pa.decimal128(23, 3)), pa.array([12345, None])),
        "time32": (pa.array([1001, None], pa.time32("ms")), pa.array([7, None], pa.time32("s"))),
        "time64": (pa.array([1001, None], pa.time64("ns")), pa.array([7, None], pa.time64("us"))),
        "time32-and-64": (pa.array([1001, None], pa.time64("us")), pa.array([7, None], pa.time32("ms"))),
        "durations": (pa.array([1001, None], pa.duration("us")), pa.array([7, None], pa.duration("ms"))),
        "timestamps": (pa.array([1001, None], pa.timestamp("us")), pa.array([7, None], pa.timestamp("ms"))),
        "bytes": (pa.array([b"abc", None]), pa.array([b"xy", None], pa.binary(2))),
    }
    for name, (wide, narrow) in cases.items():
        files = [parquet({"a": wide}), parquet({"a": narrow})]
        repository(f"widen-{name}", {"a.parquet": files[0], "b.parquet": files[1]}, ours=4)
        repository(f"widen-{name}-later", {"a.parquet": files[1], "b.parquet": files[0]}, ours=4)
    late = pa.array([2**62], pa.duration("ms"))
    files = {"a.parquet": parquet({"a": cases["durations"][0]}), "b.parquet": parquet({"a": late})}
    repository("widen-durations-too-long", files, ours="SCHEMA_MISMATCH")
    repository("nulls-in-lists", {"a.jsonl": '{"a": [null, 1]}\n{"a": [null]}\n', "b.jsonl": '{"a": [2, null]}\n'})


def times(repository, parquet):
    now = parquet({"at": pa.array([10**18], pa.timestamp("ns"))})
    for name, time, ours in [("wider", 10**12, 3), ("too-late", YEAR_9999, "SCHEMA_MISMATCH")]:
        other = parquet({"at": pa.array([None, time], pa.timestamp("ms"))})
        repository(f"times-{name}", {"a.parquet": now, "b.parquet": other}, ours=ours)
