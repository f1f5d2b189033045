"""Builds the sample repositories that the tests, the demo and the benchmarks read: .tools/data/hub/.

The folder has the layout that libs/local-hub serves. Everything comes out of published packages at run time,
and nothing of it is ever committed. The result is a function of this folder's scripts and of --megabytes, so a
stamp with a hash of both makes the next run instant; documents are in one fixed, shuffled order.
"""

import argparse
import fcntl
import gzip
import hashlib
import itertools
import json
import pathlib
import random
import re
import shutil
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq

import corpora
import prose
import sample_tokenizers
from packages import say, wheel

PROJECT = pathlib.Path(__file__).resolve().parents[2]
TRAIN_FILES = 4
EVERY_NTH_VALIDATES = 25
JSONL_BYTES = 12_000_000
# Of all text: a job over less would be measured by what any job costs.
SHORT_ROWS_SHARE = 0.2
MEGABYTE = 1_000_000
SCHEMA = pa.schema([("id", pa.int64()), ("title", pa.string()), ("text", pa.string())])

Rows = list[dict]


def collect_documents(packages: pathlib.Path, megabytes: float) -> Rows:
    """Documents of the asked size in a fixed order; further sources are opened only while they are needed."""
    seen: set[str] = set()
    sources = (
        lambda: prose.from_botocore(wheel(packages, *prose.BOTOCORE), seen),
        lambda: prose.from_google(wheel(packages, *prose.GOOGLE), seen),
        lambda: prose.from_debian(packages / "debian", seen),
    )
    documents, size = [], 0
    for title, text in itertools.chain.from_iterable(source() for source in sources):
        documents.append((title, text))
        size += len(text.encode())
        if size >= megabytes * MEGABYTE:
            break
    else:
        sys.exit(f"data: the packages hold only {size / MEGABYTE:.0f} MB of text; ask for fewer --megabytes")
    random.Random(0).shuffle(documents)
    return [{"id": n, "title": title, "text": text} for n, (title, text) in enumerate(documents)]


def take_bytes(rows: Rows, limit: int) -> Rows:
    """The first rows whose text adds up to `limit` bytes."""
    total = itertools.accumulate(len(row["text"].encode()) for row in rows)
    return [row for row, size in zip(rows, total) if size <= limit]


def cut(rows: Rows, parts: int) -> list[Rows]:
    """`rows` in `parts` runs of nearly the same length, in order."""
    edges = [len(rows) * n // parts for n in range(parts + 1)]
    return [rows[start:end] for start, end in itertools.pairwise(edges)]


def card(folder: pathlib.Path, title: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head = "---\nlicense: apache-2.0\nlanguage:\n- en\ntask_categories:\n- text-generation\n---\n"
    (folder / "README.md").write_text(f"{head}\n# {title}\n\n{text}\n")


def write_english_docs(folder: pathlib.Path, train: Rows, validation: Rows) -> None:
    card(folder, "English documentation", "Technical reference prose out of published packages, as parquet.")
    (folder / "data").mkdir()
    for split, files in (("train", cut(train, TRAIN_FILES)), ("validation", [validation])):
        for n, rows in enumerate(files):
            path = folder / "data" / f"{split}-{n:05}-of-{len(files):05}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, compression="snappy", row_group_size=2000)


def write_jsonl(folder: pathlib.Path, rows: Rows) -> None:
    card(folder, "English documentation, JSON lines", "The first rows of `english-docs`, in three compressions.")
    (folder / "data").mkdir()
    for n, (part, suffix) in enumerate(zip(cut(rows, 3), (".gz", "", ".zst"))):
        lines = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in part)
        path = folder / "data" / f"train-{n:05}-of-00003.jsonl{suffix}"
        if suffix == ".gz":
            path.write_bytes(gzip.compress(lines, mtime=0))
        elif suffix == ".zst":
            with pa.CompressedOutputStream(str(path), "zstd") as out:
                out.write(lines)
        else:
            path.write_bytes(lines)


def write_short_rows(folder: pathlib.Path, rows: Rows) -> None:
    card(folder, "Short rows", "The sentences of `english-docs`, one a line.")
    sentences = (s.strip() for row in rows for s in re.split(r"(?<=[.!?])\s+|\n+", row["text"]))
    with open(folder / "train.txt", "w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{' '.join(sentence.split())}\n" for sentence in sentences if len(sentence) >= 8)


def write_corpus(folder: pathlib.Path, title: str, texts: list[str]) -> None:
    card(folder, title, "For tests of tokenizers, as parquet.")
    (folder / "data").mkdir()
    pq.write_table(pa.table({"text": texts}), folder / "data" / "train-00000-of-00001.parquet", compression="zstd")


def build(out: pathlib.Path, megabytes: float) -> None:
    packages, new, hub = out / "packages", out / "hub.new", out / "hub"
    packages.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(new, ignore_errors=True)
    documents = collect_documents(packages, megabytes)
    validation = documents[::EVERY_NTH_VALIDATES]
    train = [row for row in documents if row["id"] % EVERY_NTH_VALIDATES]
    datasets, models = new / "datasets" / "tokenmill", new / "models" / "tokenmill"
    write_english_docs(datasets / "english-docs", train, validation)
    write_jsonl(datasets / "english-docs-jsonl", take_bytes(train, JSONL_BYTES))
    write_short_rows(datasets / "short-rows", take_bytes(train, round(megabytes * MEGABYTE * SHORT_ROWS_SHARE)))
    sample_tokenizers.write_all(models, packages)
    write_corpus(datasets / "languages", "Many languages", corpora.languages(packages))
    write_corpus(datasets / "code", "Code", corpora.code(packages))
    write_corpus(datasets / "hostile", "Hostile texts", corpora.hostile(models))
    sample_tokenizers.write_templates(out / "templates", packages)
    # Readers see the old folder or the new one, never a half-written one.
    shutil.rmtree(hub, ignore_errors=True)
    new.rename(hub)
    text = sum(len(row["text"].encode()) for row in train)
    say(f"{len(train)} training documents with {text / MEGABYTE:.1f} MB of text, {len(validation)} to validate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=30, help="text in english-docs (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=PROJECT / ".tools" / "data")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    scripts = sorted(pathlib.Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(s.read_bytes() for s in scripts) + str(arguments.megabytes).encode()).hexdigest()
    stamp = arguments.out / "stamp"
    with open(arguments.out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest:
            return
        started = time.monotonic()
        stamp.unlink(missing_ok=True)
        build(arguments.out, arguments.megabytes)
        stamp.write_text(digest)
        say(f"ready in {time.monotonic() - started:.0f} s: {arguments.out / 'hub'}")


if __name__ == "__main__":
    main()
