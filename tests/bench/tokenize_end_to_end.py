"""Tokenization end to end beside `datasets.map`, in one run: raw Arrow shards → token shards with statistics.

    make bench        # builds for release, 50 MB of English prose, windows of 512 with 64 overlapping

Ours is the whole job: queued over REST, claimed, tokenized, committed, statistics merged, `ready` heard on the
WebSocket. The peer is the map call alone, after its own load. Both must produce the same number of sequences and tokens.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import requests
from runner import Memory, paired, table
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))
from stack import HUB, platform  # noqa: E402

DATASET = "tokenmill/english-docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", default="tokenmill/llama3")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--stride", type=int, default=64)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tokenmill")
    options = parser.parse_args()
    sources = sorted((HUB / "datasets" / DATASET / "data").glob("train-*.parquet"))
    text = sum(pc.sum(pc.binary_length(pq.read_table(file, columns=["text"])["text"])).as_py() for file in sources)
    counted: dict[str, tuple[int, int]] = {}

    with platform(options.binary) as services, connect(services.feed) as feed:
        def call(method: str, path: str, **arguments) -> dict:
            answer = requests.request(method, f"{services.api}{path}", timeout=60, **arguments)
            answer.raise_for_status()
            return answer.json() if answer.content else {}

        def wait(event: str) -> dict:
            while (message := json.loads(feed.recv(timeout=1800))).get("event") != event:
                if str(message.get("event")).endswith("_failed"):
                    sys.exit(json.dumps(message, indent=2))
            return message["data"]

        dataset = call("POST", "/datasets", json={"repo_id": DATASET})["id"]
        feed.send(json.dumps({"type": "subscribe", "channel": f"dataset/{dataset}"}))
        call("POST", f"/datasets/{dataset}/download", json={})
        wait("download_completed")

        def ours() -> tuple[float, int]:
            config = {"tokenizer_name": options.tokenizer, "max_length": options.max_length, "stride": options.stride,
                      "filter_special_tokens": False, "filter_stop_words": False, "min_token_length": 0, "split": "train"}
            with Memory(services.pid) as memory:
                started = time.monotonic()
                job = call("POST", f"/datasets/{dataset}/tokenize", json=config)
                statistics = wait("tokenization_completed")["statistics"]
                seconds = time.monotonic() - started
            counted["ours"] = (statistics["total_sequences"], statistics["total_tokens"])
            requests.delete(f"{services.api}/tokenizations/{job['tokenization_id']}", timeout=60).raise_for_status()
            return seconds, memory.peak

        def peer() -> tuple[float, int]:
            tokenizer = HUB / "models" / options.tokenizer / "tokenizer.json"
            command = [sys.executable, Path(__file__).with_name("peer_map.py"), tokenizer, options.max_length,
                       options.stride, options.processes, *sources]
            process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
            with Memory(process.pid) as memory:
                output, _ = process.communicate()
            seconds, sequences, tokens = output.split()
            counted["peer"] = (int(sequences), int(tokens))
            return float(seconds), memory.peak

        names = ("tokenmill, 2 threads, whole job", f"datasets.map(num_proc={options.processes}), map alone")
        first, second, ratio = paired(ours, peer, names, options.runs)

    print(f"{options.tokenizer}, windows of {options.max_length} with {options.stride} overlapping, {text / 1e6:.1f} MB of text")
    table([first, second], text / 1e6)
    print(f"ratio, median of pairs: {ratio:.2f}×")
    print(f"sequences and tokens: ours {counted['ours']}, peer {counted['peer']}")
    if counted["ours"] != counted["peer"]:
        sys.exit("the two did not produce the same")


if __name__ == "__main__":
    main()
