"""Read plans computed from their specification alone, in plain Python: the outside oracle of services/flight/src/plan.

    python tests/python/plan_oracle.py > proto/tokenmill/flight/v1/read_plan_vectors.json

The specification stands in the comments of services/flight/src/plan.rs and of the modules under it.
"""

import json
import sys
from fractions import Fraction
from functools import cache
from math import gcd

M = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & M
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & M
    return z ^ (z >> 31)


def key(*words: int) -> int:
    h = 0
    for word in words:
        h = mix(((h ^ word) + GOLDEN) & M)
    return h


@cache
def round_keys(h: int) -> list[int]:
    return [mix((h + (i + 1) * GOLDEN) & M) for i in range(8)]


def permute(size: int, h: int, x: int) -> int:
    if size == 1:
        return 0
    bits = (size - 1).bit_length()
    left_bits = bits // 2
    right_bits = bits - left_bits
    while True:
        left, right = x >> right_bits, x & ((1 << right_bits) - 1)
        for i, k in enumerate(round_keys(h)):
            if i % 2 == 0:
                left ^= mix(right ^ k) & ((1 << left_bits) - 1)
            else:
                right ^= mix(left ^ k) & ((1 << right_bits) - 1)
        x = left << right_bits | right
        if x < size:
            return x


@cache
def block_order(n: int, rows: int, k: tuple[int, int, int]) -> list[int]:
    """The whole epoch as a list, made by joining blocks: no arithmetic of positions to get wrong in the same way."""
    count = -(-n // rows)
    slots = [permute(count, key(*k, 1), slot) for slot in range(count)]
    order = []
    for group in range(0, count, 8):
        joined = [row for b in slots[group : group + 8] for row in range(b * rows, min((b + 1) * rows, n))]
        h = key(*k, 2 + group // 8)
        order += [joined[permute(len(joined), h, place)] for place in range(len(joined))]
    return order


def row_at(plan: dict, n: int, source: int, epoch: int, position: int) -> int:
    shuffle, k = plan.get("shuffle", "none"), (plan.get("seed", 0), source, epoch)
    if shuffle == "none":
        return position
    if shuffle == "global":
        return permute(n, key(*k, 0), position)
    return block_order(n, shuffle["block"]["rows"], k)[position]


@cache
def turns(weights: tuple[int, ...]) -> list[tuple[int, int]]:
    """One period of the mixture: the source, and how many rows of it came before."""
    period, spread, had = sum(weights), 2 * len(weights) - 2, [0] * len(weights)
    sequence = []
    for t in range(1, period + 1):
        due = [i for i, w in enumerate(weights) if spread * (w * t - period * had[i]) >= period]
        source = min(due, key=lambda i: Fraction(period * (spread - 1 + spread * had[i]), weights[i]))
        sequence.append((source, had[source]))
        had[source] += 1
    return sequence


def reduced(plan: dict) -> tuple[int, ...]:
    weights = [source.get("weight", 1) for source in plan["sources"]]
    return tuple(weight // gcd(*weights) for weight in weights)


def steps_per_epoch(plan: dict, n: int) -> int:
    batch = plan["global_batch_rows"]
    return n // batch if plan.get("drop_last", True) else -(-n // batch)


def global_batch(plan: dict, row_counts: list[int], step: int) -> list[tuple[int, int]]:
    """The rows of a step over all ranks, as (source, row)."""
    batch, epoch = plan["global_batch_rows"], plan.get("epoch", 0)
    if len(row_counts) == 1:
        n, per_epoch = row_counts[0], steps_per_epoch(plan, row_counts[0])
        k = step % per_epoch
        positions = range(k * batch, min((k + 1) * batch, n))
        return [(0, row_at(plan, n, 0, epoch + step // per_epoch, p)) for p in positions]
    weights, rows = reduced(plan), []
    for position in range(step * batch, (step + 1) * batch):
        source, before = turns(weights)[position % sum(weights)]
        nth, n = position // sum(weights) * weights[source] + before, row_counts[source]
        rows.append((source, row_at(plan, n, source, epoch + nth // n, nth % n)))
    return rows


def ranks(plan: dict, rows: list) -> list[list]:
    world = plan.get("world_size", 1)
    return [rows[len(rows) * rank // world : len(rows) * (rank + 1) // world] for rank in range(world)]


def _source(n: int, weight: int = 1) -> dict:
    return {"tokenization_id": f"01900000-0000-7000-8000-{n:012}", "weight": weight}


def examples() -> list[dict]:
    """Every order with one source, sizes at which domains split oddly, epochs, short last steps, and mixtures."""
    found = []
    for shuffle in ("none", "global", {"block": {"rows": 16}}, {"block": {"rows": 7}}):
        for n in (24, 100, 257, 1025, 5000):
            for seed, epoch, drop_last in ((0, 0, True), (2**64 - 1, 3, False), (42, 1, True)):
                found.append(({"sources": [_source(1)], "seed": seed, "epoch": epoch, "shuffle": shuffle,
                               "global_batch_rows": 24, "world_size": 4, "drop_last": drop_last,
                               "end_step": 3 * (n // 24)}, [n]))
    for weights in ((1, 1), (3, 1), (2, 4, 6), (7, 2, 1, 1), (500, 33)):
        for shuffle in ("none", "global", {"block": {"rows": 8}}):
            counts = [40 + 61 * i for i in range(len(weights))]
            found.append(({"sources": [_source(i + 1, w) for i, w in enumerate(weights)], "seed": 9, "epoch": 2,
                           "shuffle": shuffle, "global_batch_rows": 12, "world_size": 3, "end_step": 60}, counts))
    answer = []
    for plan, counts in found:
        last = plan["end_step"] - 1
        steps = {str(s): ranks(plan, global_batch(plan, counts, s)) for s in sorted({0, last // 3, last})}
        answer.append({"plan": plan, "row_counts": counts, "steps": steps})
    answer.append({"plan": {"sources": [_source(1)], "seed": 5, "shuffle": "global", "global_batch_rows": 6},
                   "row_counts": [2**40 + 7],
                   "steps": {str(s): ranks({}, global_batch({"sources": [_source(1)], "seed": 5, "shuffle": "global",
                                                             "global_batch_rows": 6}, [2**40 + 7], s))
                             for s in (0, 2**37)}})
    return answer


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(example, separators=(",", ":")) for example in examples())
    sys.stdout.write(f'{{"plans":[\n{lines}\n]}}\n')
