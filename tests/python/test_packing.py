"""Packed rows over REST and Flight: the documents of a split, joined and cut, as a script would do it."""

import json

import numpy as np
import pyarrow.flight as flight
import pyarrow.parquet as pq
import requests
from stack import HUB, Stack, subscribe
from transformers import PreTrainedTokenizerFast
from websockets.sync.client import connect

DATASET = "tokenmill/english-docs"
LENGTH = 256
END = 50256


def test_packed_rows_are_the_documents(services: Stack) -> None:
    def call(method: str, path: str, **arguments) -> dict:
        answer = requests.request(method, f"{services.api}{path}", timeout=60, **arguments)
        assert answer.ok, answer.text
        return answer.json()

    with connect(services.feed) as feed:
        def wait(event: str) -> dict:
            while (message := json.loads(feed.recv(timeout=300))).get("event") != event:
                assert not str(message.get("event")).endswith("_failed"), message
            return message["data"]

        dataset = call("POST", "/datasets", json={"repo_id": DATASET, "name": "packing"})["id"]
        subscribe(feed, dataset)
        call("POST", f"/datasets/{dataset}/download", json={"split": "validation"})
        wait("download_completed")
        config = {"tokenizer_name": "tokenmill/gpt2", "max_length": LENGTH, "packing": "concat", "split": "validation",
                  "filter_special_tokens": False, "filter_stop_words": False, "min_token_length": 0}
        started = call("POST", f"/datasets/{dataset}/tokenize", json=config)
        statistics = wait("tokenization_completed")["statistics"]
    again = call("POST", f"/datasets/{dataset}/tokenize", json=config)
    assert again["reused"] and again["tokenization_id"] == started["tokenization_id"]
    windows = call("POST", f"/datasets/{dataset}/tokenize", json=config | {"append_eos": False})
    assert not windows["reused"]
    no_end = requests.post(f"{services.api}/datasets/{dataset}/tokenize", timeout=60,
                           json=config | {"tokenizer_name": "tokenmill/bert"})
    assert no_end.status_code == 400 and no_end.json()["errors"][0]["field"] == "append_eos"

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(HUB / "models/tokenmill/gpt2/tokenizer.json"))
    files = sorted((HUB / "datasets" / DATASET / "data").glob("validation-*.parquet"))
    texts = [text for file in files for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]
    stream, begins = [], []
    for doc, ids in enumerate(tokenizer(texts)["input_ids"]):
        if ids:
            begins.append((len(stream), doc))
            stream += [*ids, END]
    rows = -(-len(stream) // LENGTH)
    starts = [[at % LENGTH for at, _ in begins if at // LENGTH == row] for row in range(rows)]
    positions = np.array([at for at, _ in begins])
    firsts = [begins[np.searchsorted(positions, row * LENGTH, side="right") - 1][1] for row in range(rows)]
    lengths = [LENGTH] * (rows - 1) + [len(stream) - LENGTH * (rows - 1)]

    client = flight.connect(services.flight)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", started["tokenization_id"]))
    tables = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    assert len(tables) == 1, "the validation split is one shard"
    table = tables[0]
    served = np.array(table["input_ids"].combine_chunks().flatten())
    assert len(served) == rows * LENGTH and (served[:len(stream)] == stream).all()
    assert (served[len(stream):] == END).all(), "the last row is filled up"
    assert table["length"].to_pylist() == lengths
    assert table["doc_starts"].to_pylist() == starts
    assert table["first_doc"].to_pylist() == firsts
    assert (statistics["total_tokens"], statistics["total_sequences"]) == (len(stream), rows)
    print(f"{len(texts):,} documents, {rows:,} packed rows, {len(stream):,} tokens are equal")
    requests.delete(f"{services.api}/datasets/{dataset}", timeout=60).raise_for_status()
