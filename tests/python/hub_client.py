"""What Python's own clients make of the Hub at `HF_ENDPOINT`, as JSON: hub_client.py, from `test_hub.py`.

A process of its own, since both libraries read the endpoint when they are imported.
"""

import json
import os
import sys

import datasets
import huggingface_hub

datasets.disable_progress_bars()
huggingface_hub.utils.disable_progress_bars()


def files(repo, **options):
    folder = huggingface_hub.snapshot_download(repo, repo_type="dataset", **options)
    found = {}
    for inner, _, names in os.walk(folder):
        for path in (os.path.join(inner, name) for name in names):
            with open(path, encoding="utf-8", errors="replace") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def rows(*repo, **options):
    return {split: data.to_list() for split, data in datasets.load_dataset(*repo, **options).items()}


def streamed(repo, **options):
    return {split: list(data) for split, data in datasets.load_dataset(repo, streaming=True, **options).items()}


refs = huggingface_hub.HfApi().list_repo_refs("acme/lines", repo_type="dataset")
commit = huggingface_hub.HfApi().dataset_info("acme/lines").sha
made = {
    "commit": commit,
    "snapshot": files("acme/lines"),
    "snapshot of some": files("acme/folders", allow_patterns="de/*"),
    "snapshot by commit": files("acme/lines", revision=commit),
    "snapshot of a branch": files("acme/lines", revision="dev"),
    "rows of a branch": rows("acme/lines", revision="dev"),
    "rows of a conversion": rows("acme/lines", revision="refs/convert/parquet"),
    "branches": [branch.name for branch in refs.branches],
    "converts": [convert.ref for convert in refs.converts],
    "jsonl": rows("acme/lines"),
    "parquet": rows("acme/tables"),
    "by commit": rows("acme/lines", revision=commit),
    "config": rows("acme/folders", "german"),
    "data_dir": rows("acme/undeclared", data_dir="de"),
    "streamed jsonl": streamed("acme/lines"),
    "streamed parquet": streamed("acme/tables"),
}
print(json.dumps(made))
sys.stdout.flush()
# What streams leaves threads behind that may wait for each other at the end of the interpreter.
os._exit(0)
