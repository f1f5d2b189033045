"""Downloads and whole ingests beside their peers, in one run, all from one Hub on this machine.

    make bench        # builds for release; 1.07 GB of text as Parquet, as JSON lines and as CSV, each in four files

The transfer alone, its verification included, beside `huggingface_hub.snapshot_download` and curl; the conversion
alone, of files that lie on the disk, beside `datasets.load_dataset` of the same; then the whole job, from the click
to `ready`, beside `datasets.load_dataset` of the repository, both from nothing. Ours writes with fsync and verifies
every byte against the Hub's digest; the peers do neither. The page cache is warm for all. Ratios are medians of those
of each round.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import requests
from runner import Memory, rounds, table
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))
from stack import free_ports, platform, running, subscribe, wait_ready  # noqa: E402

FILES = 4
# Of text.
BYTES = 1_070_000_000
SNAPSHOT = """
import sys, time, huggingface_hub
started = time.monotonic()
huggingface_hub.snapshot_download(sys.argv[1], repo_type="dataset", cache_dir=sys.argv[2])
print(time.monotonic() - started, 0)
"""
LOAD = """
import sys, time, datasets
datasets.disable_progress_bars()
started = time.monotonic()
rows = datasets.load_dataset(sys.argv[1], data_files=sys.argv[3:] or None, split="train", num_proc=int(sys.argv[2]) or None)
print(time.monotonic() - started, len(rows))
"""
# By the name of a repository: what `datasets` calls its format.
FORMATS = {"parquet": "parquet", "jsonl": "json", "csv": "csv"}
Measured = tuple[float, int]


def repositories(folder: Path, texts: Path) -> dict[str, int]:
    """A Hub with the same text as Parquet, JSON lines and CSV, each in `FILES` files; returns the bytes of text of each."""
    files = sorted((texts / "datasets/tokenmill/english-docs/data").glob("train-*.parquet"))
    rows = pa.concat_tables([pq.read_table(file, columns=["id", "text"]) for file in files])
    size = sum(len(text.encode()) for text in rows["text"].to_pylist())
    wanted = round(len(rows) * BYTES / FILES / size)
    for name in FORMATS:
        (folder / "datasets/bench" / name).mkdir(parents=True)
    for number in range(FILES):
        # Each begins elsewhere: of files with the same bytes `huggingface_hub` fetches one.
        turned = [rows.slice(number * 1000), rows.slice(0, number * 1000)] * -(-wanted // len(rows))
        part = pa.concat_tables(turned).slice(0, wanted)
        name = f"train-{number:05}-of-{FILES:05}"
        pq.write_table(
            part, folder / f"datasets/bench/parquet/{name}.parquet", compression="none", use_dictionary=False
        )
        values = part.to_pylist()
        with (folder / f"datasets/bench/jsonl/{name}.jsonl").open("w") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in values)
        with (folder / f"datasets/bench/csv/{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["id", "text"])
            writer.writeheader()
            writer.writerows(values)
    return dict.fromkeys(FORMATS, BYTES)


def process(command: list, cpu: list[float], **environment: str) -> Measured:
    """Runs a peer that prints its seconds; counts its processor time and memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment}
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True, env=environment)
    with Memory(child.pid) as memory:
        output, _ = child.communicate()
    if child.returncode:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return float(output.split()[0]), memory.peak


def transfers(hub: str, folder: Path, fetch: Path, count: int) -> None:
    repository = folder / "datasets/bench/parquet"
    files = sorted(path.name for path in repository.iterdir())
    size = sum(path.stat().st_size for path in repository.iterdir())
    cpu: dict[str, list[float]] = {}

    def contender(name: str, command: Callable[[Path], list]) -> Callable[[], Measured]:
        def run() -> Measured:
            with tempfile.TemporaryDirectory(prefix="tokenmill-bench-") as target:
                return process(command(Path(target)), cpu.setdefault(name, []), HF_ENDPOINT=hub, HF_HOME=target)

        return run

    def curl(target: Path) -> list:
        urls = " ".join(f"-o {target}/{name} {hub}/datasets/bench/parquet/resolve/main/{name}" for name in files)
        fetching = f"curl -sSfL --parallel {urls} 2>/dev/null"
        script = f"started=$(date +%s.%N); {fetching}; echo $(date +%s.%N) $started | awk '{{ print $1 - $2, 0 }}'"
        return ["bash", "-c", script]

    commands: dict[str, Callable[[Path], list]] = {
        "tokenmill, verified": lambda target: [fetch, hub, "bench/parquet", target],
        "snapshot_download": lambda target: [sys.executable, "-c", SNAPSHOT, "bench/parquet", target],
    }
    if shutil.which("curl"):
        commands["curl, four at once"] = curl
    series = rounds({name: contender(name, command) for name, command in commands.items()}, count)
    print(f"\ntransfer of {size / 1e6:.0f} MB in {len(files)} files")
    table(series, size / 1e6)
    for name, seconds in cpu.items():
        print(f"{name:<30}{sum(seconds) / len(seconds) / size * 1e9:>10.2f} CPU seconds per GB, start of the process included")


def conversions(folder: Path, convert: Path, texts: dict[str, int], count: int) -> None:
    for name, size in texts.items():
        files = sorted((folder / "datasets/bench" / name).iterdir())

        def ours() -> Measured:
            with tempfile.TemporaryDirectory(prefix="tokenmill-bench-") as target:
                return process([convert, FORMATS[name], target, *files], [])

        def load(processes: int) -> Measured:
            with tempfile.TemporaryDirectory(prefix="tokenmill-bench-") as home:
                return process([sys.executable, "-c", LOAD, FORMATS[name], processes, *files], [], HF_HOME=home)

        series = rounds({
            "tokenmill, the conversion": ours,
            "load_dataset, local files": lambda: load(0),
            "load_dataset, 2 processes": lambda: load(2),
        }, count)
        print(f"\n{name}, from file to Arrow: {size / 1e6:.0f} MB of text")
        table(series, size / 1e6)


def ingests(binary: Path, folder: Path, hub: str, texts: dict[str, int], count: int) -> None:
    with platform(binary, hub=folder) as services, connect(services.feed, max_size=None) as feed:

        def call(method: str, path: str, **arguments) -> dict:
            answer = requests.request(method, f"{services.api}{path}", timeout=60, **arguments)
            answer.raise_for_status()
            return answer.json() if answer.content else {}

        def ours(name: str, counted: list[int]) -> Measured:
            dataset = call("POST", "/datasets", json={"repo_id": f"bench/{name}"})["id"]
            subscribe(feed, dataset)
            with Memory(services.pid) as memory:
                started = time.monotonic()
                call("POST", f"/datasets/{dataset}/download", json={})
                while (message := json.loads(feed.recv(timeout=600))).get("event") != "download_completed":
                    if str(message.get("event")).endswith("_failed"):
                        sys.exit(json.dumps(message, indent=2))
                seconds = time.monotonic() - started
            alone.append(memory.own)
            counted.append(call("GET", f"/datasets/{dataset}")["row_count"])
            call("DELETE", f"/datasets/{dataset}")
            return seconds, memory.peak

        def load(name: str, processes: int) -> Measured:
            with tempfile.TemporaryDirectory(prefix="tokenmill-bench-") as home:
                command = [sys.executable, "-c", LOAD, f"bench/{name}", processes]
                return process(command, [], HF_ENDPOINT=hub, HF_HOME=home)

        alone: list[int] = []
        for name, size in texts.items():
            # The Hub counts the digests of its files when it is first asked, which is no part of anybody's ingest.
            requests.get(f"{hub}/api/datasets/bench/{name}/tree/main", timeout=60).raise_for_status()
            counted: list[int] = []
            series = rounds({
                "tokenmill, the whole job": lambda: ours(name, counted),
                "load_dataset": lambda: load(name, 0),
                "load_dataset, 2 processes": lambda: load(name, 2),
            }, count)
            print(f"\n{name}: {size / 1e6:.0f} MB of text, {counted[0]} rows")
            table(series, size / 1e6)
            print(f"peak of tokenmill without Postgres and NATS: {max(alone) / 1e6:.0f} MB")
            alone.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hub", type=Path, default=ROOT / ".tools/bench/hub", help="where the text is")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tokenmill")
    parser.add_argument("--fetch", type=Path, default=ROOT / "target/release/examples/fetch")
    parser.add_argument("--convert", type=Path, default=ROOT / "target/release/examples/convert")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tokenmill-bench-") as scratch:
        folder, (port,) = Path(scratch) / "hub", free_ports(1)
        texts = repositories(folder, options.hub)
        serve = [options.binary, "hub", "serve", folder, "--listen", f"127.0.0.1:{port}"]
        hub = f"http://127.0.0.1:{port}"
        with running(serve, Path(scratch) / "hub.log") as server:
            wait_ready(f"{hub}/api/datasets/bench/parquet", server)
            transfers(hub, folder, options.fetch, options.rounds)
            conversions(folder, options.convert, texts, options.rounds)
            ingests(options.binary, folder, hub, texts, options.rounds)


if __name__ == "__main__":
    main()
