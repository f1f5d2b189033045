"""Tokenization beside its peers, each case in one run: raw Arrow shards → token shards with statistics.

    make bench        # builds for release; 200 MB of English prose

Ours is the whole job: queued over REST, claimed, tokenized, committed, statistics merged, `ready` heard on the WebSocket;
the tokenizer is loaded before. The peers are `datasets.map`, `encode_batch` of Python's `tokenizers`, a plain pipeline in
Rust around another engine, and engines alone, all over the same rows with the same windows, none with fsync or
statistics. So all write into memory, where fsync costs nothing; what it costs is the row of a job that writes to a disk.
What a peer counts must be what we count, but for one token in a million. Ratios are medians of those of each round; peers in Python come after the others, and the slowest of them have one round.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import requests
from runner import Memory, Series, rounds, table
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))
from stack import Stack, free_ports, platform, running, subscribe, wait_ready  # noqa: E402

LENGTH, STRIDE, THREADS = 512, 64, 2
# A file system in memory, if there is one.
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
OURS, ONE_THREAD, ON_DISK = "tokenmill, the whole job", "tokenmill, one thread", "tokenmill, onto a disk, fsync"
# Share of tokens in which a peer may differ.
ALMOST = 1e-6
PLAIN = {"filter_special_tokens": False, "filter_stop_words": False, "min_token_length": 0, "add_special_tokens": False}


@dataclass
class Case:
    """A tokenizer, a dataset, and whom to measure beside us."""

    tokenizer: str
    dataset: str
    peers: tuple[str, ...]
    rounds: int


PYTHON = {"datasets.map": ("map", 2), "datasets.map, one process": ("map", 1), "encode_batch alone": ("encode_batch", 2)}
FAST = {"gigatoken alone": ("gigatoken", 2), "nanotoken alone": ("nanotoken", 2)}
SLOW_ROUNDS = 3
ONCE = ("datasets.map, one process", "encode_batch alone")
CASES = {
    "english": Case("llama3", "english-docs",
                    (ON_DISK, ONE_THREAD, *PYTHON, "tokenizers-1.0", "fastokens", "fastokens alone", "gigatoken alone"), 7),
    "wordpiece": Case("bert", "english-docs", ("tokenizers-1.0", "splintr alone", "nanotoken alone"), 3),
    "unigram": Case("unigram", "english-docs", ("tokenizers-1.0", "splintr alone"), 3),
    "gemma": Case("gemma3", "english-docs", ("tokenizers-1.0", "fastokens", "fastokens alone", "gigatoken alone"), 3),
    "llama2": Case("llama2", "english-docs", ("tokenizers-1.0", "fastokens", "fastokens alone", "gigatoken alone"), 3),
    "short": Case("llama3", "short-rows", ("datasets.map", "fastokens alone"), 3),
}
OTHERS = ("switches", "overhead", "workers", "large")


class Platform:
    """A running platform, and the raw shards that it made."""

    def __init__(self, services: Stack, hub: Path, feed) -> None:
        self.services, self.hub, self.feed = services, hub, feed
        self.datasets: dict[str, str] = {}

    def call(self, method: str, path: str, **arguments) -> dict:
        answer = requests.request(method, f"{self.services.api}{path}", timeout=60, **arguments)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def wait(self, event: str) -> dict:
        while (message := json.loads(self.feed.recv(timeout=1800))).get("event") != event:
            if str(message.get("event")).endswith("_failed"):
                sys.exit(json.dumps(message, indent=2))
        return message["data"]

    def downloaded(self, name: str) -> str:
        if name not in self.datasets:
            dataset = self.call("POST", "/datasets", json={"repo_id": f"tokenmill/{name}"})["id"]
            subscribe(self.feed, dataset)
            self.call("POST", f"/datasets/{dataset}/download", json={})
            self.wait("download_completed")
            self.datasets[name] = dataset
        return self.datasets[name]

    def shards(self, name: str) -> list[Path]:
        """The raw shards of a dataset's training split, in order."""
        dataset = self.call("GET", f"/datasets/{self.downloaded(name)}")
        number = [split["name"] for split in dataset["splits"]].index("train")
        return sorted(self.services.data_dir.glob(f"datasets/*/{dataset['id']}/raw/{number}-*.arrow"))

    def tokenize(self, name: str, config: dict) -> tuple[float, dict]:
        """Seconds and statistics of a whole job; its result is removed."""
        dataset, started = self.downloaded(name), time.monotonic()
        job = self.call("POST", f"/datasets/{dataset}/tokenize", json={**config, "split": "train"})
        counted = self.wait("tokenization_completed")["statistics"]
        seconds = time.monotonic() - started
        self.call("DELETE", f"/tokenizations/{job['tokenization_id']}")
        return seconds, counted

    def tokenizer(self, name: str, folder: Path) -> Path:
        """A copy for the peers, which would cut texts where it says so; we never do."""
        tokenizer = json.loads((self.hub / "models/tokenmill" / name / "tokenizer.json").read_text())
        copy = folder / f"{name}.json"
        copy.write_text(json.dumps({**tokenizer, "truncation": None, "padding": None}))
        return copy


def config(case: Case, **more) -> dict:
    return {"tokenizer_name": f"tokenmill/{case.tokenizer}", "max_length": LENGTH, "stride": STRIDE, **PLAIN, **more}


def contenders(
    run: Platform, beside: dict[str, Platform], case: Case, peers: Path, scratch: Path
) -> Iterator[tuple[str, Callable[[], tuple[float, int]]]]:
    """Names and measurements: seconds and peak bytes. All must count the same tokens."""
    shards, tokenizer, tokens = run.shards(case.dataset), run.tokenizer(case.tokenizer, scratch), []

    def same(counted: int, name: str) -> None:
        tokens.append(counted)
        # The release candidate of `tokenizers` differs on code points that no version of Unicode has assigned yet.
        if abs(counted - tokens[0]) > tokens[0] * ALMOST:
            sys.exit(f"{name} counted {counted} tokens, we {tokens[0]}")

    def ours(platform: Platform) -> tuple[float, int]:
        with Memory(platform.services.pid) as memory:
            seconds, counted = platform.tokenize(case.dataset, config(case))
        same(counted["total_tokens"], "tokenmill")
        return seconds, memory.peak

    def process(name: str, command: list) -> tuple[float, int]:
        words, inherited = [str(part) for part in command], {**os.environ, "TMPDIR": str(MEMORY)}
        running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=inherited)
        with Memory(running.pid) as memory:
            output, _ = running.communicate()
        seconds, _, counted = output.split()
        if "alone" not in name:
            same(int(counted), name)
        return float(seconds), memory.peak

    yield OURS, lambda: ours(run)
    for name in case.peers:
        if name in beside:
            yield name, lambda name=name: ours(beside[name])
            continue
        if name in PYTHON or name in FAST:
            mode, processes = {**PYTHON, **FAST}[name]
            command = [sys.executable, Path(__file__).with_name("peer_map.py"), mode, tokenizer, LENGTH, STRIDE, processes]
        else:
            mode = "encode" if name.endswith(" alone") else "pipeline"
            engine = name.removesuffix(" alone")
            command = [peers, engine, mode, tokenizer, LENGTH, STRIDE, THREADS, scratch / "peer.arrow"]
        yield name, lambda name=name, command=command: process(name, [*command, *shards])


def text_bytes(shards: list[Path]) -> int:
    tables = (pa.ipc.open_file(pa.memory_map(str(shard))).read_all() for shard in shards)
    return sum(pc.sum(pc.binary_length(rows["text"])).as_py() or 0 for rows in tables)


def compare(run: Platform, name: str, case: Case, peers: Path, scratch: Path) -> None:
    options = run.services.binary, run.hub
    with ExitStack() as stack:
        beside = {}
        if ON_DISK in case.peers:
            beside[ON_DISK] = stack.enter_context(started(*options, folder=None))
        if ONE_THREAD in case.peers:
            beside[ONE_THREAD] = stack.enter_context(started(*options, TOKENMILL_TOKENIZE__THREADS="1"))
        # Loads the tokenizer and warms its caches, as every job but the first of a worker has them.
        for platform in [*beside.values(), run]:
            _, counted = platform.tokenize(case.dataset, config(case))
        size = text_bytes(run.shards(case.dataset))
        everyone = dict(contenders(run, beside, case, peers, scratch))
        quick = rounds({name: one for name, one in everyone.items() if name not in PYTHON}, case.rounds)
    print(f"\n{name}: {case.tokenizer}, {size / 1e6:.1f} MB of `{case.dataset}`, {counted['documents_in']} documents, "
          f"{counted['total_sequences']} sequences, {counted['total_tokens']} tokens")
    table(quick, size / 1e6, counted["total_tokens"] / 1e6)
    # By themselves: between two that take a minute all others would start from rest.
    slow = {name: one for name, one in everyone.items() if name == OURS or name in PYTHON}
    if len(slow) > 1:
        table(rounds(slow, SLOW_ROUNDS, ONCE), size / 1e6, counted["total_tokens"] / 1e6)


def switches(run: Platform, case: Case) -> None:
    """What filters cost, and what packing costs beside windows."""
    def seconds(**more) -> Callable[[], tuple[float, int]]:
        return lambda: (run.tokenize(case.dataset, config(case, **more))[0], 0)

    filters = {"filter_special_tokens": True, "filter_stop_words": True, "min_token_length": 3}
    series = rounds({"no filters": seconds(), "all filters": seconds(**filters),
                     "packed rows": seconds(packing="concat", append_eos=True, stride=0)}, 5)
    print(f"\nswitches: {case.tokenizer}, `{case.dataset}`")
    table(series, text_bytes(run.shards(case.dataset)) / 1e6)


def overhead(run: Platform) -> None:
    """A job of hardly any rows: what a job costs beside its tasks."""
    tiny = Case("llama3", "hostile", (), 0)
    run.tokenize(tiny.dataset, config(tiny))
    seconds = [run.tokenize(tiny.dataset, config(tiny, max_length=LENGTH + n))[0] for n in range(5)]
    print(f"\na job over {text_bytes(run.shards(tiny.dataset)) / 1e6:.1f} MB in one task: {statistics.median(seconds):.2f} s")


def workers(binary: Path, hub: Path) -> None:
    """A second worker of one thread beside the first, each on a core of its own, both with their tokenizer loaded.

    A worker of one thread encodes on it and writes on another: without a core of its own it takes part of the second's.
    """
    with (
        started(binary, hub, TOKENMILL_TOKENIZE__THREADS="1") as alone,
        started(binary, hub, TOKENMILL_TOKENIZE__THREADS="1") as both,
        second_worker(both) as second,
    ):
        def seconds(on: Platform) -> Callable[[], tuple[float, int]]:
            return lambda: (on.tokenize(LARGE.dataset, config(LARGE))[0], 0)

        for platform in (alone, both):
            seconds(platform)()
        for pid, core in ((alone.services.pid, 0), (both.services.pid, 0), (second, 1)):
            pin(pid, core)
        series = rounds({"two workers of one thread": seconds(both), "one worker of one thread": seconds(alone)}, 3)
        shards = both.shards(LARGE.dataset)
        size = text_bytes(shards)
    print(f"\nworkers: {LARGE.tokenizer}, {size / 1e6:.0f} MB in {len(shards)} shards")
    table(series, size / 1e6)


@contextmanager
def second_worker(run: Platform) -> Iterator[int]:
    """The tokenization service as a process of its own, which asks the catalog for tasks without a bell; its pid."""
    services, listen = run.services, [f"127.0.0.1:{port}" for port in free_ports(2)]
    environment = {
        "TOKENMILL_CATALOG__URL": f"http://{services.catalog}",
        "TOKENMILL_STORAGE__DATA_DIR": str(services.data_dir),
        "TOKENMILL_TOKENIZATION__LISTEN": listen[0],
        "TOKENMILL_TOKENIZATION__INTERNAL": listen[1],
        "TOKENMILL_TOKENIZE__THREADS": "1",
        "TOKENMILL_JOBS__POLL_SECONDS": "0.1",
        "HF_ENDPOINT": services.hub,
    }
    program = services.binary.with_name("tokenization")
    with running([program], services.data_dir.parent / "worker.log", **environment) as process:
        wait_ready(f"http://{listen[1]}/readyz", process)
        yield process.pid


def pin(pid: int, core: int) -> None:
    """Keeps a process on one of the cores; threads that it starts later are where the one is that starts them."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cores[core % len(cores)]})


LARGE = Case("llama3", "large", (), 0)


def repeated(hub: Path, scratch: Path) -> Path:
    """A Hub with the same rows six times over: as many raw shards, and tasks."""
    copy = scratch / "hub"
    if copy.exists():
        return copy
    data, model = copy / "datasets/tokenmill/large/data", f"models/tokenmill/{LARGE.tokenizer}"
    data.mkdir(parents=True)
    files = sorted((hub / "datasets/tokenmill/english-docs/data").glob("train-*.parquet")) * 6
    for number, file in enumerate(files):
        shutil.copy(file, data / f"train-{number:05}-of-{len(files):05}.parquet")
    shutil.copytree(hub / model, copy / model)
    return copy


def large(binary: Path, hub: Path) -> None:
    """Memory does not grow with the corpus."""
    case = LARGE
    with started(binary, hub) as run:
        run.downloaded(case.dataset)
        with Memory(run.services.pid) as memory:
            seconds, counted = run.tokenize(case.dataset, config(case))
        shards = len(run.shards(case.dataset))
    print(f"\nlarge: {case.tokenizer}, loaded and {counted['text_bytes'] / 1e6:.0f} MB tokenized in {seconds:.2f} s, "
          f"{shards} shards, peak {memory.peak / 1e6:.0f} MB, of which {memory.own / 1e6:.0f} MB without Postgres and NATS")


@contextmanager
def started(binary: Path, hub: Path, folder: Path | None = MEMORY, **environment: str) -> Iterator[Platform]:
    """A platform whose data lies in a folder inside `folder`; None: where temporary files lie."""
    with (
        platform(binary, hub=hub, folder=folder, **environment) as services,
        connect(services.feed, max_size=None) as feed,
    ):
        yield Platform(services, hub, feed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=[*CASES, *OTHERS], help="only this one; repeatable")
    parser.add_argument("--hub", type=Path, default=ROOT / ".tools/bench/hub")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tokenmill")
    parser.add_argument("--peers", type=Path, default=ROOT / "target/peers/release/peers")
    options = parser.parse_args()
    wanted = options.case or [*CASES, *OTHERS]
    with tempfile.TemporaryDirectory(prefix="tokenmill-bench-", dir=MEMORY) as scratch, started(options.binary, options.hub) as run:
        for name in wanted:
            if name == "switches":
                switches(run, CASES["english"])
            elif name == "overhead":
                overhead(run)
            elif name == "workers":
                workers(options.binary, repeated(options.hub, Path(scratch)))
            elif name == "large":
                large(options.binary, repeated(options.hub, Path(scratch)))
            else:
                compare(run, name, CASES[name], options.peers, Path(scratch))


if __name__ == "__main__":
    main()
