"""Where rows come from, and the proof that all are read, against a recount and the real source files."""

import json
from collections import Counter

import plan_oracle as oracle
import pyarrow.parquet as pq
from pyarrow import flight
from running import REPOSITORY, Service
from stack import HUB
from tokenizers import Tokenizer


def plan(service: Service, **more) -> dict:
    return {"sources": [{"tokenization_id": service.gpt2}], "seed": 21, "shuffle": "global", "global_batch_rows": 40,
            "world_size": 5, **more}


def test_a_step_leads_to_the_rows_of_the_source_file(service) -> None:
    client = flight.connect(service.url)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", service.gpt2))
    rows = [row for e in info.endpoints for row in client.do_get(e.ticket).read_all().to_pylist()]
    tokenizer = Tokenizer.from_file(str(HUB / "models/tokenmill/gpt2/tokenizer.json"))
    tokenizer.no_truncation()
    files: dict[str, list[str]] = {}
    checked = 0
    for step in (0, 7, 100):
        answer = service.post("read-plans/lookup", {"plan": plan(service), "step": step})
        answer.raise_for_status()
        ranks = answer.json()["ranks"]
        expected = oracle.ranks(plan(service), oracle.global_batch(plan(service), [len(rows)], step))
        assert [[found["row"] for found in rank["rows"]] for rank in ranks] == [[row for _, row in rank] for rank in expected]
        for found in (found for rank in ranks for found in rank["rows"]):
            stored = rows[found["row"]]
            assert (found["doc"], found["window"]) == (stored["doc"], stored["window"])
            name = found["source_file"]
            if name not in files:
                files[name] = pq.read_table(HUB / "datasets" / REPOSITORY / name, columns=["text"])["text"].to_pylist()
            # The document that is named, tokenized here, has these ids at this window.
            ids = tokenizer.encode(files[name][found["source_row"]]).ids
            start = found["window"] * 64
            assert stored["input_ids"] == ids[start : start + 64], found
            checked += 1
    print(f"{checked} rows of steps found in {len(files)} source files")
    assert checked == 120


def test_one_rank_and_refusals(service) -> None:
    one = service.post("read-plans/lookup", {"plan": plan(service, rank=3), "step": 2}).json()
    every = service.post("read-plans/lookup", {"plan": plan(service), "step": 2}).json()
    assert [rank["rank"] for rank in one["ranks"]] == [3] and one["ranks"][0] == every["ranks"][3]
    refused = service.post("read-plans/lookup", {"plan": plan(service, world_size=7), "step": 2})
    assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "world_size"
    refused = service.post("read-plans/lookup", {"plan": plan(service), "step": 10**6})
    assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "step"
    unknown = plan(service, sources=[{"tokenization_id": "01900000-0000-7000-8000-000000000001"}])
    assert service.post("read-plans/verify", {"plan": unknown}).status_code == 404


def test_the_proof_agrees_with_a_recount(service) -> None:
    client = flight.connect(service.url)
    for world_size, drop_last in ((1, True), (5, True), (8, False)):
        asked = plan(service, world_size=world_size, drop_last=drop_last, epoch=2)
        proof = service.post("read-plans/verify", {"plan": asked}).json()
        info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps(asked).encode()))
        assert len(info.endpoints) == world_size
        # (doc, window) names a row: what was streamed is counted, not computed.
        read = Counter()
        for endpoint in info.endpoints:
            table = client.do_get(endpoint.ticket).read_all()
            read.update(zip(table["doc"].to_pylist(), table["window"].to_pylist(), strict=True))
        rows = proof["sources"][0]["rows"]
        assert proof["exactly_once"] and set(read.values()) == {1}
        assert proof["rows_read"] == len(read) == rows - proof["dropped_rows"]
        assert proof["dropped_rows"] == (rows % 40 if drop_last else 0)
        print(f"world size {world_size}: {len(read)} rows once, {proof['dropped_rows']} dropped")
