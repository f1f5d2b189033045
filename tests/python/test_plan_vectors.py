"""The examples of read plans are what their specification says, computed in Python; Rust is tested with the same file."""

import json
from collections import Counter

import plan_oracle as oracle
from stack import ROOT

VECTORS = ROOT / "proto/tokenmill/flight/v1/read_plan_vectors.json"


def test_the_examples_follow_the_specification() -> None:
    compared = 0
    for example in json.loads(VECTORS.read_text())["plans"]:
        plan = example["plan"]
        for step, expected in example["steps"].items():
            rows = oracle.global_batch(plan, example["row_counts"], int(step))
            assert [[list(row) for row in rank] for rank in oracle.ranks(plan, rows)] == expected, (plan, step)
            compared += len(rows)
    print(f"{compared} rows compared")
    assert compared > 1000


def test_the_specification_reads_each_row_once() -> None:
    """By the oracle alone: an order that is no permutation would be wrong in both languages."""
    for shuffle in ("none", "global", {"block": {"rows": 10}}):
        for n in (24, 97, 1000):
            plan = {"sources": [{}], "seed": 3, "shuffle": shuffle, "global_batch_rows": 24, "drop_last": False}
            steps = range(oracle.steps_per_epoch(plan, n))
            read = Counter(row for step in steps for row in oracle.global_batch(plan, [n], step))
            assert len(read) == n and set(read.values()) == {1}
