"""Compares what the ingest made of the corpus with what `datasets` makes of it: corpus_oracle.py FOLDER.

FOLDER/ours.json holds for each repository and config its splits with their shards, or a reason. Prints a line for each
repository; ends with an error when one is neither the same nor as FOLDER/corpus.json says.
"""

import json
import os
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets
import pyarrow as pa

datasets.disable_progress_bars()
datasets.logging.set_verbosity(datasets.logging.CRITICAL)
folder = sys.argv[1]


def read(name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def plain(kind):
    """The type without what only says how values are stored."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(plain(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(kind.field(i).name, plain(kind.field(i).type)) for i in range(kind.num_fields)])
    return kind


def loaded(name, config):
    """Splits and tables, or why there are none."""
    with tempfile.TemporaryDirectory() as cache:
        try:
            path = os.path.join(folder, "datasets", "corpus", name)
            splits = datasets.load_dataset(path, config, cache_dir=cache)
            return {split: with_features(data) for split, data in splits.items()}
        except Exception as error:
            return f"{type(error).__name__}"


def with_features(data):
    metadata = data.features.arrow_schema.metadata
    return data.with_format("arrow")[:].replace_schema_metadata(metadata)


def labels(table, column):
    """What `datasets` finds in the schema of a column that holds labels."""
    feature = datasets.Features.from_arrow_schema(table.schema)[column]
    return feature if "ClassLabel" in repr(feature) else None


def same(ours, theirs, differs):
    """What is not the same; types too, unless they differ on purpose."""
    if list(ours) != list(theirs):
        return f"splits {list(ours)} and {list(theirs)}"
    for split, shards in ours.items():
        expected = theirs[split]
        tables = [pa.ipc.open_file(pa.memory_map(shard)).read_all() for shard in shards]
        actual = pa.concat_tables(tables) if tables else expected.slice(0, 0)
        if (actual.num_rows, actual.column_names) != (expected.num_rows, expected.column_names):
            return f"{split}: {actual.shape} {actual.column_names} and {expected.shape} {expected.column_names}"
        for column in expected.column_names:
            left, right = (plain(table.schema.field(column).type) for table in (actual, expected))
            if left != right and differs is None:
                return f"{split}, {column}: {left} and {right}"
            if labels(actual, column) != labels(expected, column):
                return f"{split}, {column}: {labels(actual, column)} and {labels(expected, column)}"
            values = zip(actual[column].to_pylist(), expected[column].to_pylist())
            wrong = next(((one, other) for one, other in values if not equal(one, other, differs)), None)
            if wrong:
                return f"{split}, {column}: {wrong[0]!r} and {wrong[1]!r}"
    return None


def equal(one, other, differs):
    # What is not a number equals nothing, but is shown alike at any depth.
    if one == other or (isinstance(one, (float, list, dict)) and repr(one) == repr(other)):
        return True
    if not differs:
        # The address of a file is where each of the two read it.
        return isinstance(one, str) and one.endswith(".tar") and os.path.basename(other) == os.path.basename(one)
    if isinstance(one, dict) and isinstance(other, str):
        return {key: value for key, value in one.items() if value is not None} == json.loads(other)
    if isinstance(one, bytes) and isinstance(other, dict):
        return one == other["bytes"]
    return one == str(other)


def config_line(name, config, expectation, ours):
    """What is shown of a config, rows of both, and what is wrong."""
    expected = expectation["ours"]
    splits = dict(ours.get("splits", []))
    expected = expected.get(config) if isinstance(expected, dict) else expected
    theirs = loaded(name, config if len(report[name]) > 1 else None)
    rows = lambda tables: sum(table.num_rows for table in tables.values())
    if isinstance(theirs, str):
        if "reason" in ours:
            wrong = None if ours["reason"] == expected else f"expected {expected}: {ours['detail']}"
            return "", ours["reason"], theirs, wrong
        wrong = None if ours["rows"] == expected else f"expected {expected}"
        return "/".join(splits), ours["rows"], theirs, wrong
    shown = "/".join(theirs)
    if "reason" in ours:
        wrong = None if ours["reason"] == expected else f"expected {expected}: {ours['detail']}"
        return shown, ours["reason"], rows(theirs), wrong
    wrong = same(splits, theirs, expectation["differs"])
    return shown, ours["rows"], rows(theirs), wrong


report, expectations = read("ours.json"), read("corpus.json")
assert report.keys() == expectations.keys()
failures, total, compared, refused = 0, 0, 0, []
print(f"{'repository':28} {'configs: splits':36} {'ours':>16} {'`datasets`':>24}  remark")
for name, expectation in expectations.items():
    lines = [(config, *config_line(name, config, expectation, ours)) for config, ours in report[name].items()]
    shown = ", ".join(f"{config}: {splits}" for config, splits, *_ in lines)
    ours, theirs = (" + ".join(str(line[at]) for line in lines) for at in (2, 3))
    wrong = "; ".join(line[4] for line in lines if line[4])
    failures += bool(wrong)
    refused += [f"{name}: {line[2]}" for line in lines if isinstance(line[2], str) and isinstance(line[3], int)]
    compared += sum(isinstance(line[2], int) and isinstance(line[3], int) for line in lines)
    total += sum(line[2] for line in lines if isinstance(line[2], int))
    print(f"{name:28} {shown:36} {ours:>16} {theirs:>24}  {'WRONG: ' + wrong if wrong else expectation['differs'] or ''}")
print(f"{len(report)} repositories, {compared} configs compared row by row, {total} rows, {failures} wrong")
print(f"{len(refused)} refused here, read by `datasets`: {', '.join(refused)}")
sys.stdout.flush()
os._exit(1 if failures else 0)
