"""Serving over Arrow Flight beside its peers, in one run, all with the same shard files.

    make bench        # builds for release; rows of 1,024 ids, 800 MB of windows and 200 MB packed

Stored order and a global shuffle of ours, of windows and of packed rows, the C++ server of pyarrow.flight, a bare TCP
stream, and the files read through pyarrow's memory map, all by one Python process; the same by a Rust client of one
thread that decodes, and by one that only takes the frames of HTTP/2; then tokens per second of `TokenDataset` beside a
map-style reader of `datasets`; then fast readers with and without slow ones beside them. Ratios are of medians in this
run.
"""

import argparse
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as pq
import requests
from runner import Memory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/python"), str(ROOT / "libs/python")]
from stack import HUB, Stack, platform  # noqa: E402
from tokenmill import TokenDataset  # noqa: E402

WIDTH, STRIDE = 1024, 960
TOKENIZER = "tokenmill/gpt2"
WINDOWS = {"repo_id": "tokenmill/long-docs", "stride": STRIDE}
PACKED = {"repo_id": "tokenmill/many-docs", "packing": "concat"}
# How often the windows' text comes, and how often the packed rows are read in one measurement: a reading of 0.1 s says
# more about the moment than about the server.
TIMES = 4


def long_documents(folder: Path) -> Path:
    """A Hub whose documents are long, so that nearly every row is full. Overlapping windows make much of little text;
    packed rows do not overlap, so theirs comes as often as the windows repeat it."""
    source = sorted((HUB / "datasets/tokenmill/english-docs/data").glob("train-*.parquet"))
    texts = [text for file in source for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]
    joined = ["\n\n".join(texts[start : start + 400]) for start in range(0, len(texts), 400)]
    for rows, times in ((WINDOWS, TIMES), (PACKED, WIDTH // (WIDTH - STRIDE))):
        data = folder / "datasets" / rows["repo_id"] / "data"
        data.mkdir(parents=True)
        pq.write_table(pa.table({"text": joined * times}), data / "train-00000-of-00001.parquet")
    (folder / "models").symlink_to(HUB / "models")
    return folder


def tokenized(services: Stack, repo_id: str, **rows: object) -> str:
    def call(method: str, path: str, body: dict | None = None) -> dict:
        answer = requests.request(method, f"{services.api}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def until_ready(path: str) -> None:
        while (record := call("GET", path))["status"] != "ready":
            if record["status"] == "failed":
                sys.exit(json.dumps(record["error"], indent=2))
            time.sleep(0.1)

    dataset = call("POST", "datasets", {"repo_id": repo_id})["id"]
    call("POST", f"datasets/{dataset}/download", {})
    until_ready(f"datasets/{dataset}")
    config = {"tokenizer_name": TOKENIZER, "max_length": WIDTH, "split": "train", "min_token_length": 0,
              "filter_special_tokens": False, "filter_stop_words": False, **rows}
    tokenization = call("POST", f"datasets/{dataset}/tokenize", config)["tokenization_id"]
    until_ready(f"tokenizations/{tokenization}")
    return tokenization


@contextlib.contextmanager
def peer(kind: str, shards: list[Path]) -> Iterator[int]:
    command = [sys.executable, str(Path(__file__).with_name("peer_flight.py")), kind, *map(str, shards)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def drained(stream: flight.FlightStreamReader) -> int:
    """Bytes of a stream's batches."""
    return sum(chunk.data.nbytes for chunk in stream)


def plan(tokenization: str, **more) -> flight.FlightDescriptor:
    whole = {"sources": [{"tokenization_id": tokenization}], "seed": 3, "global_batch_rows": 8, **more}
    return flight.FlightDescriptor.for_command(json.dumps(whole).encode())


def in_stored_order(tokenization: str) -> flight.FlightDescriptor:
    return flight.FlightDescriptor.for_path("tokenizations", tokenization)


def contenders(
    url: str, tokenization: str, packed: str, shards: list[Path], cpp: int, tcp: int
) -> dict[str, Callable[[], int]]:
    ours, theirs = flight.connect(url), flight.connect(f"grpc://127.0.0.1:{cpp}")

    def endpoints(descriptor: flight.FlightDescriptor, times: int = 1) -> Callable[[], int]:
        tickets = [end.ticket for end in ours.get_flight_info(descriptor).endpoints] * times
        return lambda: sum(drained(ours.do_get(ticket)) for ticket in tickets)

    def bare_tcp() -> int:
        buffer, size = bytearray(4 << 20), 0
        with socket.create_connection(("127.0.0.1", tcp)) as connection:
            while count := connection.recv_into(buffer):
                size += count
        return size

    def mapped() -> int:
        """Copies every buffer out of the map, as a network would have to."""
        room, size = np.empty(64 << 20, np.uint8), 0
        for shard in shards:
            file = pa.ipc.open_file(pa.memory_map(str(shard)))
            for n in range(file.num_record_batches):
                for column in file.get_batch(n).columns:
                    for buffer in filter(None, column.buffers()):
                        room[: buffer.size] = np.frombuffer(buffer, np.uint8)
                        size += buffer.size
        return size

    return {
        "ours, stored order": endpoints(in_stored_order(tokenization)),
        "C++ server, stored order": lambda: sum(drained(theirs.do_get(flight.Ticket(str(n)))) for n in range(len(shards))),
        "ours, global shuffle": endpoints(plan(tokenization, shuffle="global")),
        "packed rows, stored order": endpoints(in_stored_order(packed), TIMES),
        "packed rows, global shuffle": endpoints(plan(packed, shuffle="global"), TIMES),
        "ours, shuffle of blocks of 1,000": endpoints(plan(tokenization, shuffle={"block": {"rows": 1000}})),
        "bare TCP": bare_tcp,
        "pyarrow memory map, copied": mapped,
    }


def rust_client(
    mode: str, drain: Path, url: str, tokenization: str, packed: str, shards: list[Path], cpp: int, tcp: int
) -> dict[str, Callable[[], tuple[int, float]]]:
    """The servers by the program `drain`, which measures itself: its start is not counted."""
    ours = flight.connect(url)

    def drained_in(*arguments: str) -> tuple[int, float]:
        answer = subprocess.run([drain, *arguments], check=True, capture_output=True, text=True).stdout.split()
        return int(answer[0]), float(answer[2])

    def endpoints(descriptor: flight.FlightDescriptor, times: int = 1) -> tuple[int, float]:
        tickets = [end.ticket.ticket.hex() for end in ours.get_flight_info(descriptor).endpoints]
        return drained_in(mode, url.replace("grpc://", "http://"), *tickets * times)

    tickets = [str(n).encode().hex() for n in range(len(shards))]
    return {
        "ours, stored order": lambda: endpoints(in_stored_order(tokenization)),
        "C++ server, stored order": lambda: drained_in(mode, f"http://127.0.0.1:{cpp}", *tickets),
        "ours, global shuffle": lambda: endpoints(plan(tokenization, shuffle="global")),
        "packed rows, stored order": lambda: endpoints(in_stored_order(packed), TIMES),
        "packed rows, global shuffle": lambda: endpoints(plan(packed, shuffle="global"), TIMES),
        "bare TCP": lambda: drained_in("tcp", f"127.0.0.1:{tcp}"),
    }


def turned(runs: dict[str, Callable], round_: int) -> list[tuple[str, Callable]]:
    """Every other round the other way round: what runs before whom has its influence."""
    return list(runs.items())[:: 1 if round_ % 2 else -1]


def measured(name: str, run: Callable[[], int], rates: dict[str, list[float]]) -> None:
    started = time.monotonic()
    size = run()
    rates.setdefault(name, []).append(size / (time.monotonic() - started) / 1e9)


def table(title: str, rates: dict[str, list[float]], against: str) -> None:
    print(f"\n{title:<40}{'median':>10}{'ratio':>8}   all runs")
    base = statistics.median(rates[against])
    for name, runs in rates.items():
        median = statistics.median(runs)
        print(f"{name:<40}{median:>10.3f}{median / base:>8.2f}   " + " ".join(f"{rate:.3f}" for rate in runs))


def tokens_per_second(url: str, tokenization: str, shards: list[Path], folder: Path, runs: int) -> None:
    """Batches of 8 rows of 1,024 ids, shuffled, as int64 with labels; the peer makes `input_ids` and `labels`."""
    steps = 6000
    stored = pa.concat_tables(pa.ipc.open_file(pa.memory_map(str(shard))).read_all() for shard in shards)
    datasets.disable_progress_bars()
    datasets.Dataset(stored).save_to_disk(folder / "hf")
    mapped = datasets.load_from_disk(folder / "hf").select_columns(["input_ids"]).with_format("numpy")

    def by_datasets() -> int:
        order, count = np.random.default_rng(3).permutation(len(mapped)), 0
        for step in range(steps // 20):
            rows = mapped[order[step * 8 : step * 8 + 8]]["input_ids"]
            ids = np.zeros((8, WIDTH), np.int64)
            for n, row in enumerate(rows):
                ids[n, : len(row)] = row
            labels = ids.copy()
            count += labels.size
        return count

    def by_token_dataset(**options: object) -> int:
        ds = TokenDataset(url, tokenization, global_batch_rows=8, seed=3, end_step=steps, rank=0, world_size=1, **options)
        return sum(batch["input_ids"].size for batch in ds)

    rates: dict[str, list[float]] = {}
    for _ in range(runs):
        measured("datasets, map-style, two keys", by_datasets, rates)
        measured("TokenDataset, the same two keys", lambda: by_token_dataset(keys=("input_ids", "labels")), rates)
        measured("TokenDataset, five keys", by_token_dataset, rates)
        measured("TokenDataset, stored type, input_ids", lambda: by_token_dataset(keys=("input_ids",), dtype="stored"), rates)
    table("10⁹ tokens/s, 8 × 1,024, shuffled", rates, "datasets, map-style, two keys")


def readers(url: str, tokenization: str, pid: int) -> None:
    """16 fast readers alone, then with 16 that take a message every two seconds."""
    refused: list[str] = []

    def read(world_size: int, rank: int, done: threading.Event, pause: float, counted: list[int]) -> None:
        client = flight.connect(url)
        descriptor = plan(tokenization, shuffle="global", global_batch_rows=32, world_size=world_size, rank=rank,
                          end_step=10**7)
        try:
            for chunk in client.do_get(client.get_flight_info(descriptor).endpoints[0].ticket):
                counted[0] += chunk.data.nbytes
                if done.wait(pause) if pause else done.is_set():
                    return
        except flight.FlightError as error:
            refused.append(str(error))

    def rate(fast: int, slow: int) -> tuple[float, int]:
        done, counted, ignored = threading.Event(), [[0] for _ in range(fast)], [0]
        threads = [threading.Thread(target=read, args=(32, rank, done, 0.0, counted[rank])) for rank in range(fast)]
        threads += [threading.Thread(target=read, args=(32, fast + n, done, 2.0, ignored)) for n in range(slow)]
        with Memory(pid) as memory:
            for thread in threads:
                thread.start()
            time.sleep(3)
            before, started = sum(one[0] for one in counted), time.monotonic()
            time.sleep(8)
            speed = (sum(one[0] for one in counted) - before) / (time.monotonic() - started) / 1e9
        done.set()
        for thread in threads:
            thread.join()
        return speed, memory.peak

    pairs = [(rate(16, 0), rate(16, 16)) for _ in range(2)]
    ratios = [beside[0] / alone[0] for alone, beside in pairs]
    for (alone, peak), (beside, with_slow) in pairs:
        print(f"16 fast readers: {alone:.2f} GB/s, {peak / 1e6:.0f} MB; with 16 slow ones: {beside:.2f} GB/s, "
              f"{with_slow / 1e6:.0f} MB (anonymous memory of all services)")
    print(f"what is left to the fast ones: {statistics.mean(ratios):.2f}")
    if refused:
        sys.exit(f"{len(refused)} readers were refused, such as: {refused[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tokenmill")
    parser.add_argument("--drain", type=Path, default=ROOT / "target/peers/release/drain")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tokenmill-bench-")))
        services = stack.enter_context(platform(options.binary, hub=long_documents(folder / "hub")))
        tokenization, packed = tokenized(services, **WINDOWS), tokenized(services, **PACKED)
        shards = sorted(services.data_dir.glob(f"datasets/*/*/tokenized/{tokenization}/tokens-*.arrow"))
        size = sum(shard.stat().st_size for shard in shards)
        print(f"{size / 1e6:.0f} MB of rows of {WIDTH} ids in {len(shards)} shards; one process reads")
        cpp, tcp = (stack.enter_context(peer(kind, shards)) for kind in ("flight", "tcp"))
        clients: dict[str, dict[str, list[float]]] = {"pyarrow": {}, "Rust": {}, "HTTP/2": {}}
        for round_ in range(options.runs + 1):
            peers = (services.flight, tokenization, packed, shards, cpp, tcp)
            # The first round fills caches and checks digests.
            for name, run in turned(contenders(*peers), round_):
                measured(name, run, clients["pyarrow"] if round_ else {})
            for client, mode in (("Rust", "flight"), ("HTTP/2", "frames")):
                for name, drain in turned(rust_client(mode, options.drain, *peers), round_):
                    size, seconds = drain()
                    clients[client].setdefault(name, []).extend([size / seconds / 1e9] if round_ else [])
        for client, rates in clients.items():
            table(f"GB/s, {client} client", rates, "C++ server, stored order")
            ours = statistics.median(rates["ours, stored order"])
            for name, rows in (("windows", "ours"), ("packed rows", "packed rows")):
                shuffled, in_order = (rates[f"{rows}, {order}"] for order in ("global shuffle", "stored order"))
                ratio = statistics.median(shuffled) / statistics.median(in_order)
                print(f"global shuffle against stored order, {name}: {ratio:.2f}")
            print(f"stored order against bare TCP: {ours / statistics.median(rates['bare TCP']):.2f}")
        tokens_per_second(services.flight, tokenization, shards, folder, options.runs)
        print()
        readers(services.flight, tokenization, services.pid)


if __name__ == "__main__":
    main()
