"""The repositories of the corpus whose card declares types: `features` of a config, and `dataset_info`."""

import json

import pyarrow as pa


def write(repository, parquet):
    rows = [{"id": n, "text": str(n), "score": n, "flag": n % 2, "label": n % 3} for n in range(5)]
    table = "id,text,score,flag,label\n" + "".join(",".join(str(cell) for cell in row.values()) + "\n" for row in rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    contents = {"csv": table, "jsonl": lines, "parquet": parquet(pa.Table.from_pylist(rows)), "txt": "1\n2\n\n3"}

    def card(name, ending, features, ours=None, differs=None, content=None, options=""):
        """The same features for the reader, and for what it has read."""
        files = {f"a.{ending}": contents[ending] if content is None else content}
        config = f"configs:\n- config_name: x\n  data_files: a.{ending}{options}\n"
        for kind, text in [("features", config + f"  features: {features}"), ("info", config + f"dataset_info:\n  config_name: x\n  features: {features}")]:
            expected = ours.get(kind) if isinstance(ours, dict) else ours
            repository(f"{kind}-{name}-{ending}", files, text, ours=expected, differs=differs)

    flat = ["{name: id, dtype: int32}", "{name: text, dtype: string}", "{name: score, dtype: float32}", "{name: flag, dtype: %s}"]
    names = "{'0': bad, '1': ok, '2': good}"
    for ending in ["csv", "jsonl", "parquet"]:
        card("flat", ending, "[" + ", ".join([*flat, "{name: label, dtype: int8}"]) % "int64" + "]")
        labels = "[" + ", ".join([*flat, "{name: label, dtype: {class_label: {names: %s}}}" % names]) % "int64" + "]"
        card("labels", ending, labels)
        card("missing", ending, labels[:-1] + ", {name: new, list: string}]")
        card("too-few-labels", ending, labels.replace(", '2': good", ""), ours="SCHEMA_MISMATCH")
        card("order", ending, "[{name: label, dtype: int64}, " + ", ".join(flat) % "int64" + "]")
        # The reader of tables leaves out what is not declared.
        fewer = {"features": None if ending == "csv" else "SCHEMA_MISMATCH", "info": 5}
        card("fewer", ending, "[{name: text, dtype: string}]", ours=fewer)
        card("too-narrow", ending, "[" + ", ".join([*flat, "{name: label, dtype: bool}"]) % "string" + "]", ours={"features": 5} if ending == "csv" else None)
    card("unknown", "csv", "[{name: id, dtype: image}]", ours={"features": "NOT_IMPLEMENTED", "info": 5})
    casts(card, parquet)
    texts(card)
    nested(card, parquet)
    card("text", "txt", "[{name: text, dtype: large_string}]")
    card("text-named", "txt", "[{name: line, dtype: string}]", ours={"info": 4})
    card("text-two", "txt", "[{name: text, dtype: string}, {name: b, dtype: string}]", ours={"features": "NOT_IMPLEMENTED"})
    alone(repository, lines)


def casts(card, parquet):
    def cast(name, values, kind, dtype, ours=None):
        card(f"cast-{name}", "parquet", "[{name: a, dtype: '%s'}]" % dtype, ours, content=parquet({"a": pa.array(values, kind)}))

    cast("float-text", [1.0, -0.0, None, 1e20, 1e-7, 0.1, 1e15, 1e14, 1e-5, 123456.789, float("inf"), float("nan")], pa.float64(), "string")
    cast("short-float-text", [1.0, 0.1, 1e-7, 123456789.0, None], pa.float32(), "string")
    cast("float-int", [1.0, None, -3.0], pa.float64(), "int16")
    cast("float-int-lossy", [1.0, 1.5], pa.float64(), "int64", "SCHEMA_MISMATCH")
    cast("int-narrow", [1, 300], pa.int64(), "int8", "SCHEMA_MISMATCH")
    cast("int-unsigned", [1, None, 300], pa.int64(), "uint16")
    cast("int-float", [1, 2**53, None], pa.int64(), "float64")
    cast("int-float-lossy", [2**53 + 1], pa.int64(), "float64", "SCHEMA_MISMATCH")
    cast("int-short-float", [2**24, -7], pa.int64(), "float32")
    cast("int-short-float-lossy", [2**24 + 1], pa.int64(), "float32", "SCHEMA_MISMATCH")
    cast("bool-text", [True, None, False], pa.bool_(), "string")
    cast("bool-int", [True, None, False], pa.bool_(), "int8")
    cast("text-int", ["1", "-007", None], pa.string(), "int32")
    cast("text-int-signed", ["+1"], pa.string(), "int32", "SCHEMA_MISMATCH")
    cast("text-float", ["1", ".5", "-1e3", None, "inf"], pa.string(), "float64")
    cast("text-float-blank", [" 1"], pa.string(), "float64", "SCHEMA_MISMATCH")
    cast("text-bool", ["true", "False", "0", "1", None], pa.string(), "bool")
    cast("text-bool-word", ["yes"], pa.string(), "bool", "SCHEMA_MISMATCH")
    cast("text-large", ["a", None], pa.string(), "large_string")
    cast("text-binary", ["ä", None], pa.string(), "binary")
    cast("binary-text", ["ä".encode(), None], pa.binary(), "string")
    cast("binary-no-text", [b"\xff"], pa.binary(), "string", "SCHEMA_MISMATCH")
    cast("text-day", ["2024-02-29", None], pa.string(), "date32")
    cast("text-time", ["2024-02-29", "2024-02-29 23:59:59", "2024-02-29T00:00:01", None], pa.string(), "timestamp[us]")
    cast("text-no-time", ["2024-02-30"], pa.string(), "timestamp[s]", "SCHEMA_MISMATCH")
    cast("time-finer", [1, None], pa.timestamp("ms"), "timestamp[ns]")
    cast("time-coarser", [1000, None], pa.timestamp("ms"), "timestamp[s]")
    cast("time-coarser-lossy", [1001], pa.timestamp("ms"), "timestamp[s]", "SCHEMA_MISMATCH")
    cast("time-zone", [3000, None], pa.timestamp("ms"), "timestamp[us, tz=Europe/Berlin]")
    cast("day-text", [1, None], pa.date32(), "string")
    cast("int-time", [1, None], pa.int64(), "timestamp[s]")
    cast("null", [None, None], pa.null(), "timestamp[s]")
    cast("null-wanted", [1], pa.int64(), "null", "SCHEMA_MISMATCH")
    labels = parquet({"a": pa.array(["b", " a ", "1", None, "-1"])})
    card("cast-labels-by-name", "parquet", "[{name: a, dtype: {class_label: {names: [a, b]}}}]", content=labels)


def texts(card):
    """What the reader of tables is told changes how it reads."""
    table = "a,b,c\n007,1.50,yes\n08,2,NA\n"
    features = "[{name: a, dtype: string}, {name: b, dtype: string}, {name: c, dtype: string}]"
    card("words", "csv", features, content=table)
    labels = "[{name: a, dtype: string}, {name: b, dtype: float64}, {name: c, dtype: {class_label: {names: ['no', 'yes']}}}]"
    card("label-words", "csv", labels, content=table)
    card("label-unknown", "csv", labels.replace("'yes'", "other"), content=table, ours="SCHEMA_MISMATCH")


def nested(card, parquet):
    rows = [{"l": [1, None], "s": {"x": 1, "y": ["a"]}, "p": [1, 2]}, {"l": None, "s": None, "p": [3, 4]}, {"l": [], "s": {"x": None, "y": []}, "p": [5, 6]}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    table = parquet(pa.Table.from_pylist(rows))
    features = (
        "[{name: l, %s: string}, {name: s, struct: [{name: y, list: large_string}, {name: x, dtype: float32}, {name: z, dtype: bool}]},"
        " {name: p, list: int16, length: 2}]"
    )
    for ending, content in [("jsonl", lines), ("parquet", table)]:
        card("nested", ending, features % "list", content=content)
        card("nested-sequence", ending, features % "sequence", content=content)
        card("nested-large", ending, features % "large_list", content=content)
        card("nested-length", ending, (features % "list").replace("length: 2", "length: 3"), content=content, ours="SCHEMA_MISMATCH")
        card("nested-shape", ending, (features % "list").replace("{name: y, list: large_string}, ", ""), content=content, ours="SCHEMA_MISMATCH")
    labels = "[{name: l, list: {class_label: {names: [x, y]}}}, {name: s, list: [{name: k, dtype: {class_label: {names: [p, q, r]}}}]}]"
    rows = [{"l": [0, 1], "s": [{"k": 2}]}, {"l": [], "s": [{"k": None}, {"k": 0}]}]
    card("nested-labels", "jsonl", labels, content="".join(json.dumps(row) + "\n" for row in rows))


def alone(repository, lines):
    features = "  features: [{name: id, dtype: string}, {name: text, dtype: string}, {name: score, dtype: float64}, {name: flag, dtype: bool}, {name: label, dtype: int8}]\n"
    repository("info-alone", {"train.jsonl": lines, "test.jsonl": lines}, "dataset_info:\n" + features)
    repository("info-alone-named", {"train.jsonl": lines}, "dataset_info:\n  config_name: plain_text\n" + features, ours=5)
    listed = features.replace("  features", "  - config_name: %s\n    features")
    repository("info-several-alone", {"train.jsonl": lines}, "dataset_info:\n" + listed % "a" + listed % "b")
    configs = "configs:\n- config_name: a\n  data_files: train.jsonl\n- config_name: b\n  data_files: train.jsonl\ndataset_info:\n"
    repository("info-of-one-config", {"train.jsonl": lines}, configs + listed % "b" + listed % "c")
    repository("info-of-no-config", {"train.jsonl": lines}, configs.replace("config_name: b", "config_name: c") + "  config_name: z\n" + features)
    both = "configs:\n- config_name: a\n  data_files: train.jsonl\n" + features + "dataset_info:\n  config_name: a\n" + features.replace("float64", "int32")
    repository("info-and-features", {"train.jsonl": lines}, both)
