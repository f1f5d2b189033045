"""`tokenmill hub serve` as Python's clients see it: `huggingface_hub` gets the files, `datasets` the rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stack import BINARY, free_ports, running, wait_ready

LINES = [{"id": n, "text": f"row {n} größer 𠮷"} for n in range(50)]
TABLE = [{"id": n, "tags": ["a"] * (n % 3)} for n in range(1000)]
CARD = """---
configs:
- config_name: german
  data_dir: de
- config_name: english
  data_dir: en
  default: true
---
"""


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


TEXTS = {
    "lines/train.jsonl": lines(LINES),
    "lines/test.jsonl": lines(LINES[:3]),
    "lines/.revisions/dev/train.jsonl": lines(LINES[:7]),
    "lines/.revisions/refs/convert/parquet/train.jsonl": lines(LINES[:9]),
    "folders/README.md": CARD,
    "folders/de/train.jsonl": lines(LINES[:5]),
    "folders/de/a name with spaces.txt": "left out",
    "folders/en/train.jsonl": lines(LINES[5:]),
    "undeclared/de/train.jsonl": lines(LINES[:5]),
    "undeclared/en/train.jsonl": lines(LINES[5:]),
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder: Path = tmp_path_factory.mktemp("hub")
    for path, text in TEXTS.items():
        path = folder / "repositories/datasets/acme" / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tables = folder / "repositories/datasets/acme/tables/data"
    tables.mkdir(parents=True)
    for n in range(2):
        part = pa.Table.from_pylist(TABLE[n * 500 : n * 500 + 500])
        pq.write_table(part, tables / f"train-0000{n}-of-00002.parquet", row_group_size=100)
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    serve = [BINARY, "hub", "serve", folder / "repositories", "--listen", f"127.0.0.1:{port}"]
    with running(serve, folder / "hub.log") as server:
        wait_ready(f"{url}/api/datasets/acme/lines", server)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment |= {"HF_ENDPOINT": url, "HF_HOME": str(folder / "cache")}
        client = [sys.executable, Path(__file__).with_name("hub_client.py")]
        answer = subprocess.run(client, env=environment, capture_output=True, text=True, timeout=300)
        assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_snapshots_have_the_files(seen: dict) -> None:
    files = {name: TEXTS[f"lines/{name}"] for name in ["train.jsonl", "test.jsonl"]}
    assert seen["snapshot"] == files and seen["snapshot by commit"] == files
    inside = ["de/train.jsonl", "de/a name with spaces.txt"]
    assert seen["snapshot of some"] == {name: TEXTS[f"folders/{name}"] for name in inside}
    assert len(seen["commit"]) == 40


def test_datasets_reads_the_rows(seen: dict) -> None:
    both = {"train": LINES, "test": LINES[:3]}
    assert seen["jsonl"] == both and seen["by commit"] == both
    assert seen["parquet"] == {"train": TABLE}
    assert seen["config"] == seen["data_dir"] == {"train": LINES[:5]}


def test_other_revisions_have_files_of_their_own(seen: dict) -> None:
    assert seen["snapshot of a branch"] == {"train.jsonl": lines(LINES[:7])}
    assert seen["rows of a branch"] == {"train": LINES[:7]}
    assert seen["rows of a conversion"] == {"train": LINES[:9]}
    assert seen["branches"] == ["main", "dev"] and seen["converts"] == ["refs/convert/parquet"]


def test_datasets_streams_the_rows(seen: dict) -> None:
    assert seen["streamed jsonl"] == {"train": LINES, "test": LINES[:3]}
    assert seen["streamed parquet"] == {"train": TABLE}
