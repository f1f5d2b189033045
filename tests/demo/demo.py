"""The main job from a Hub to a training batch, through every real part, judged by pyarrow.

A local Hub serves real text and two real tokenizers; `tokenmill up` runs all services with a private Postgres and
NATS. The dataset is created over REST and downloaded with live progress from the WebSocket, tokenized twice, browsed,
and read over Arrow Flight; what pyarrow counts in the source files and in the stream must equal what was reported.
"""

import contextlib
import json
import sys
import time
from pathlib import Path

import pyarrow.flight as flight
import pyarrow.parquet as pq
import requests
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from stack import HUB, platform, subscribe  # noqa: E402

DATASET = "tokenmill/english-docs"
TOKENIZERS = [("tokenmill/bert", 512, 64), ("tokenmill/gpt2", 1024, 0)]
DEADLINE = 600


class Stage:
    """Times the stages and prints them as a table at the end."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float]] = []
        self.last = time.monotonic()

    def done(self, name: str, what: str) -> None:
        now = time.monotonic()
        self.rows.append((name, what, now - self.last))
        print(f"  {name:<22} {what:<64} {now - self.last:7.2f} s", flush=True)
        self.last = now


def check(what: str, ours: int, oracle: int) -> None:
    if ours != oracle:
        sys.exit(f"{what}: Tokenmill says {ours:,}, the oracle says {oracle:,}")


def call(method: str, url: str, **arguments) -> dict:
    answer = requests.request(method, url, timeout=30, **arguments)
    if not answer.ok:
        sys.exit(f"{method} {url}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else {}


def follow(socket_, finished: str, failed: str, progress: str) -> tuple[dict, int]:
    """The data of the event that ends a job, and how many progress events came before it."""
    seen = 0
    while True:
        message = json.loads(socket_.recv(timeout=DEADLINE))
        event = message.get("event")
        if event == progress:
            seen += 1
            if sys.stderr.isatty():
                print(f"\r    {message['data']['progress']:5.1f} %", end="", file=sys.stderr)
        elif event == finished:
            return message["data"], seen
        elif event == failed:
            sys.exit(f"{failed}: {json.dumps(message['data'], indent=2)}")


def read_flight(address: str, tokenization: str) -> tuple[int, int, int]:
    """Sequences, tokens and bytes that pyarrow reads over Flight."""
    client = flight.connect(address)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", tokenization))
    sequences = tokens = size = 0
    for endpoint in info.endpoints:
        for chunk in client.do_get(endpoint.ticket):
            ids = chunk.data.column("input_ids")
            sequences += len(ids)
            tokens += len(ids.flatten())
            size += chunk.data.nbytes
    check("records announced by GetFlightInfo", info.total_records, sequences)
    return sequences, tokens, size


def main() -> None:
    sources = sorted((HUB / "datasets" / DATASET / "data").glob("*.parquet"))
    rows = sum(pq.read_metadata(file).num_rows for file in sources)
    size = sum(file.stat().st_size for file in sources)
    stage = Stage()
    with contextlib.ExitStack() as stack:
        services = stack.enter_context(platform())
        stage.done("start", "Postgres, NATS and five services are ready")

        api = services.api
        dataset = call("POST", f"{api}/datasets", json={"repo_id": DATASET})["id"]
        feed = stack.enter_context(connect(services.feed))
        subscribe(feed, dataset)
        call("POST", f"{api}/datasets/{dataset}/download", json={})
        end, events = follow(feed, "download_completed", "download_failed", "download_progress")
        check("rows of the dataset", end["row_count"], rows)
        stage.done("download", f"{rows:,} rows from {size / 1e6:.1f} MB of parquet, {events} progress events")

        read = []
        for name, length, stride in TOKENIZERS:
            config = {"tokenizer_name": name, "max_length": length, "stride": stride, "min_token_length": 0,
                      "filter_special_tokens": False, "filter_stop_words": False, "split": "train"}
            started = call("POST", f"{api}/datasets/{dataset}/tokenize", json=config)
            end, events = follow(feed, "tokenization_completed", "tokenization_failed", "tokenization_progress")
            statistics = end["statistics"]
            stage.done(f"tokenize {name.split('/')[1]}", f"{statistics['total_tokens']:,} tokens in "
                       f"{statistics['total_sequences']:,} sequences, {events} progress events")
            again = call("POST", f"{api}/datasets/{dataset}/tokenize", json=config)
            if not again["reused"] or again["tokenization_id"] != started["tokenization_id"]:
                sys.exit(f"the same request was not recognised: {again}")
            read.append((name, started["tokenization_id"]))

        for name, identity in read:
            statistics = call("GET", f"{api}/datasets/{dataset}/statistics", params={"tokenization_id": identity})
            samples = call("GET", f"{api}/datasets/{dataset}/samples", params={"tokenization_id": identity, "limit": 3})
            check(f"sequences to browse ({name})", samples["total"], statistics["total_sequences"])
            top = ", ".join(repr(entry["token"]) for entry in statistics["vocab_distribution"][:5])
            stage.done(f"browse {name.split('/')[1]}", f"most frequent: {top}")
            sequences, tokens, stream = read_flight(services.flight, identity)
            check(f"sequences ({name})", statistics["total_sequences"], sequences)
            check(f"tokens ({name})", statistics["total_tokens"], tokens)
            stage.done(f"read {name.split('/')[1]}", f"pyarrow counted {sequences:,} sequences, {tokens:,} tokens, "
                       f"{stream / 1e6:.1f} MB")
    stage.done("stop", "drained; nothing is left running")


if __name__ == "__main__":
    main()
