"""Proves on a running service that a run can be interrupted and continued on other numbers of ranks.

    python -m tokenmill.conformance grpc://127.0.0.1:8815 TOKENIZATION

An uninterrupted run on one rank is compared, byte by byte and step by step, with runs that are stopped twice and that
go on with another world size. The exit code is 0 when all are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from .dataset import TokenDataset
from .errors import TokenmillError


def global_batches(options: dict[str, Any], world_size: int, state: dict[str, Any] | None,
                   steps: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The digest of each of the next `steps` global batches, put together from all ranks, and the state after it."""
    ranks = [TokenDataset(**options, rank=rank, world_size=world_size) for rank in range(world_size)]
    for one in ranks:
        if state is not None:
            one.load_state_dict(state)
    iterators = [iter(one) for one in ranks]
    try:
        for _ in range(steps):
            parts = [next(iterator, None) for iterator in iterators]
            if any(part is None for part in parts):
                return
            digest = hashlib.sha256()
            for key in ("input_ids", "labels", "position_ids", "doc_ids"):
                digest.update(np.concatenate([part[key] for part in parts if part is not None]).tobytes())
            yield digest.hexdigest(), ranks[0].state_dict()
    finally:
        for iterator in iterators:
            iterator.close()


def interrupted(options: dict[str, Any], legs: list[tuple[int, int]]) -> list[str]:
    """The digests of a run of several legs, each (world size, steps), that hand on nothing but the state."""
    digests: list[str] = []
    state: dict[str, Any] | None = None
    for world_size, steps in legs:
        for digest, after in global_batches(options, world_size, state, steps):
            digests.append(digest)
            state = after
    return digests


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tokenmill.conformance", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("tokenization")
    parser.add_argument("--global-batch-rows", type=int, default=24)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(arguments)
    batch, steps, failed = given.global_batch_rows, given.steps, 0
    worlds = [world for world in range(1, batch + 1) if batch % world == 0][:6]
    first, second, third = (worlds[len(worlds) * n // 3] for n in range(3))
    for shuffle in ("none", "global", {"block": {"rows": 64}}):
        options = {"url": given.url, "tokenization": given.tokenization, "global_batch_rows": batch, "seed": given.seed,
                   "shuffle": shuffle, "end_step": steps, "run_id": "conformance"}
        try:
            whole = interrupted(options, [(1, steps)])
            legs = [(third, steps // 3), (first, steps // 4), (second, steps)]
            resumed = interrupted(options, legs)
            wide = interrupted(options, [(worlds[-1], steps)])
        except TokenmillError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        same = len(whole) == steps and whole == resumed == wide
        failed += not same
        through = " -> ".join(str(world) for world, _ in legs)
        print(f"{'same' if same else 'DIFFERENT'}: shuffle {shuffle}, {len(whole)} global batches of {batch} rows, "
              f"uninterrupted on 1 and {worlds[-1]} ranks, resumed twice over {through} ranks")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
