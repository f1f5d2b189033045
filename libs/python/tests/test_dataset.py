"""`TokenDataset` against a real platform; what it must read is computed by another implementation of the order."""

import hashlib
import os
import subprocess
import sys
import threading
import time

import numpy as np
import plan_oracle as oracle
import pytest
from pyarrow import flight
from tokenmill import InvalidPlan, NotFound, ServiceUnavailable, StateMismatch, TokenDataset, TokenmillError
from tokenmill.conformance import interrupted, main


def stored(url: str, tokenization: str) -> list[list[int]]:
    client = flight.connect(url)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", tokenization))
    tables = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    return [ids for table in tables for ids in table["input_ids"].to_pylist()]


def tokens(batch: dict) -> list[list[int]]:
    """The rows of a batch without their fill."""
    return [ids[doc >= 0].tolist() for ids, doc in zip(batch["input_ids"], batch["doc_ids"], strict=True)]


@pytest.mark.parametrize("shuffle", ["none", "global", {"block": {"rows": 100}}])
def test_each_step_is_what_the_plan_names(service, shuffle) -> None:
    rows = stored(service.url, service.gpt2)
    plan = {"sources": [{}], "seed": 11, "epoch": 3, "shuffle": shuffle, "global_batch_rows": 48, "world_size": 3}
    compared = 0
    for rank in range(3):
        ds = TokenDataset(service.url, service.gpt2, global_batch_rows=48, seed=11, epoch=3, shuffle=shuffle, rank=rank,
                          world_size=3, epochs=2)
        for step, batch in enumerate(ds):
            expected = oracle.ranks(plan, oracle.global_batch(plan, [len(rows)], step))[rank]
            assert tokens(batch) == [rows[row] for _, row in expected], (step, rank)
            compared += len(expected)
    print(f"{compared} rows compared")
    assert compared == 2 * (len(rows) // 48) * 48


def test_mixed_sources_and_short_tails(service) -> None:
    rows = stored(service.url, service.bert)
    plan = {"sources": [{}], "seed": 1, "shuffle": "global", "global_batch_rows": 64, "drop_last": False}
    ds = TokenDataset(service.url, service.bert, global_batch_rows=64, seed=1, drop_last=False, epochs=2, rank=0,
                      world_size=1)
    batches = [tokens(batch) for batch in ds]
    per_epoch = -(-len(rows) // 64)
    assert len(batches) == 2 * per_epoch
    for step in (0, per_epoch - 1, per_epoch, 2 * per_epoch - 1):
        assert batches[step] == [rows[row] for _, row in oracle.global_batch(plan, [len(rows)], step)]
    with pytest.raises(InvalidPlan, match="tokenizer|columns"):
        next(iter(TokenDataset(service.url, sources=[(service.gpt2, 3), (service.bert, 1)], global_batch_rows=8,
                               end_step=10)))


def test_ten_thousand_steps_interrupted_on_other_numbers_of_ranks(service) -> None:
    options = {"url": service.url, "tokenization": service.gpt2, "global_batch_rows": 24, "seed": 5, "end_step": 10_000}
    started = time.monotonic()
    whole = interrupted(options, [(2, 10_000)])
    resumed = interrupted(options, [(8, 2_345), (6, 3_000), (4, 1_111), (8, 10_000)])
    assert len(whole) == 10_000
    assert whole == resumed
    digest = hashlib.sha256("".join(whole).encode()).hexdigest()[:16]
    print(f"{len(whole)} global batches of 24 rows, {digest}, twice in {time.monotonic() - started:.1f} s")


def test_the_state_follows_the_loop(service) -> None:
    ds = TokenDataset(service.url, service.gpt2, global_batch_rows=8, end_step=6, rank=0, world_size=1)
    seen = []
    for batch in ds:
        seen.append(batch["input_ids"].tobytes())
        assert ds.state_dict()["step"] == len(seen)
        if len(seen) == 2:
            break
    rest = [batch["input_ids"].tobytes() for batch in ds]
    assert len(seen + rest) == 6
    assert [batch["input_ids"].tobytes() for batch in ds] == seen + rest, "finished: from the beginning"
    finished = ds.state_dict()
    again = TokenDataset(service.url, service.gpt2, global_batch_rows=8, end_step=6, rank=0, world_size=1)
    again.load_state_dict(finished)
    assert list(again) == [], "a finished run does not begin anew"
    for other in ({"seed": 1}, {"shuffle": "none"}, {"epoch": 1}):
        with pytest.raises(StateMismatch, match=next(iter(other))):
            TokenDataset(service.url, service.gpt2, global_batch_rows=8, **other).load_state_dict(finished)
    ds.set_epoch(1)
    assert [batch["input_ids"].tobytes() for batch in ds] != seen + rest


def test_rank_and_world_come_from_the_environment(service, monkeypatch) -> None:
    options = {"global_batch_rows": 12, "end_step": 1}
    whole = next(iter(TokenDataset(service.url, service.gpt2, **options)))
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    part = next(iter(TokenDataset(service.url, service.gpt2, **options)))
    np.testing.assert_array_equal(part["input_ids"], whole["input_ids"][8:])


def test_refusals_are_typed(service) -> None:
    def first(**options):
        return next(iter(TokenDataset(service.url, **{"tokenization": service.gpt2, "global_batch_rows": 8, **options})))

    for options, field in (({"rank": 8, "world_size": 8}, "rank"), ({"rank": 0, "world_size": 3}, "world_size"),
                           ({"start_step": 10**6}, "start_step"), ({"shuffle": "some"}, "shuffle"),
                           ({"global_batch_rows": 10**6}, "global_batch_rows")):
        with pytest.raises(InvalidPlan) as refused:
            first(**options)
        assert refused.value.field == field, refused.value
    with pytest.raises(NotFound):
        first(tokenization="01900000-0000-7000-8000-000000000001")
    with pytest.raises(InvalidPlan):
        TokenDataset(service.url, global_batch_rows=8)
    with pytest.raises(ServiceUnavailable):
        next(iter(TokenDataset("grpc://127.0.0.1:1", service.gpt2, global_batch_rows=8, retry_seconds=0.3)))


FORKS = """
import hashlib, os, sys
from tokenmill import TokenDataset, TokenmillError

def first(ds):
    return hashlib.sha256(next(iter(ds))["input_ids"].tobytes()).hexdigest()

def in_child(ds):
    sys.stdout.flush()
    if os.fork() == 0:
        try:
            print(first(ds))
        except TokenmillError as error:
            print("refused:", error)
        sys.stdout.flush()
        os._exit(0)
    os.wait()

ds = TokenDataset(sys.argv[1], sys.argv[2], global_batch_rows=8, end_step=50, rank=0, world_size=1)
in_child(ds)
print(first(ds))
in_child(ds)
"""


def test_a_fork_reads_or_is_refused_and_never_hangs(service) -> None:
    ran = subprocess.run([sys.executable, "-c", FORKS, service.url, service.gpt2], capture_output=True, text=True,
                         timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    before, parent, after = ran.stdout.splitlines()
    assert before == parent, "a child of a process that has not read yet"
    assert after.startswith("refused:") and "spawn" in after, ran.stdout + ran.stderr


def test_a_loop_that_stops_leaves_no_thread(service) -> None:
    for _ in range(3):
        iterator = iter(TokenDataset(service.url, service.gpt2, global_batch_rows=8, end_step=5_000))
        next(iterator)
        iterator.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("tokenmill")] == []


def test_the_conformance_script_passes_and_fails(service, capsys) -> None:
    assert main([service.url, service.gpt2, "--steps", "30", "--global-batch-rows", "12"]) == 0
    assert capsys.readouterr().out.count("same:") == 3
    assert main([service.url, "01900000-0000-7000-8000-000000000001"]) == 1


def test_torch_tensors_and_its_loader(service) -> None:
    torch = pytest.importorskip("torch")
    ds = TokenDataset(service.url, service.gpt2, global_batch_rows=8, end_step=5, framework="torch", rank=0, world_size=1)
    batches = list(torch.utils.data.DataLoader(ds, batch_size=None))
    assert len(batches) == 5 and batches[0]["input_ids"].dtype == torch.int64
    stateful = pytest.importorskip("torchdata.stateful_dataloader")
    loader = stateful.StatefulDataLoader(ds, batch_size=None)
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    later = stateful.StatefulDataLoader(ds, batch_size=None)
    later.load_state_dict(state)
    assert torch.equal(next(iter(later))["input_ids"], batches[1]["input_ids"])


def test_wrong_options_are_refused_at_once() -> None:
    for options in ({"label_mode": "x"}, {"dtype": "x"}, {"framework": "x"}, {"rank": 1}, {"epochs": 1, "end_step": 1}):
        with pytest.raises(TokenmillError):
            next(iter(TokenDataset("grpc://127.0.0.1:1", "x", global_batch_rows=1, retry_seconds=0, **options)))
