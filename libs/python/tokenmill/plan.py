"""A read plan as a client writes it, and the numbers that the service tells about it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import InvalidPlan, StateMismatch

Shuffle = str | Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class ReadPlan:
    """What a run reads, over all ranks. `sources` are (tokenization id, weight)."""

    sources: tuple[tuple[str, int], ...]
    global_batch_rows: int
    seed: int = 0
    epoch: int = 0
    shuffle: Shuffle = "global"
    end_step: int | None = None
    drop_last: bool = True
    columns: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The service's own form, without what differs from rank to rank."""
        plan: dict[str, Any] = {
            "sources": [{"tokenization_id": one, "weight": weight} for one, weight in self.sources],
            "seed": self.seed,
            "epoch": self.epoch,
            "shuffle": self.shuffle,
            "global_batch_rows": self.global_batch_rows,
            "drop_last": self.drop_last,
        }
        if self.end_step is not None:
            plan["end_step"] = self.end_step
        if self.columns:
            plan["columns"] = list(self.columns)
        return plan

    def command(self, rank: int, world_size: int, start_step: int) -> bytes:
        """The descriptor of what one rank reads from a step on."""
        whole = {**self.to_json(), "rank": rank, "world_size": world_size, "start_step": start_step}
        return json.dumps(whole).encode()

    def check_state(self, saved: Mapping[str, Any]) -> None:
        """Refuses the state of another plan. Only how far the plan goes may differ."""
        own = self.to_json()
        names = (own.keys() | saved.keys()) - {"end_step", "rank", "world_size", "start_step"}
        different = sorted(name for name in names if own.get(name) != saved.get(name))
        if different:
            raise StateMismatch(f"the state belongs to a plan with other {', '.join(different)}")

    def until(self, end_step: int) -> ReadPlan:
        return replace(self, end_step=end_step)


@dataclass(frozen=True)
class Description:
    """The service's answer about a plan."""

    end_step: int
    steps_per_epoch: int | None
    rows: int
    global_batch_rows: int

    @classmethod
    def parse(cls, metadata: bytes) -> Description:
        said = json.loads(metadata)
        rows = sum(source["rows"] for source in said["sources"])
        return cls(said["end_step"], said["steps_per_epoch"], rows, said["global_batch_rows"])

    def rows_of(self, step: int, rank: int, world_size: int) -> int:
        """Rows of a rank in a step: all the same, but for the last of an epoch that keeps its tail."""
        rows = self.global_batch_rows
        if self.steps_per_epoch is not None:
            rows = min(rows, self.rows - step % self.steps_per_epoch * self.global_batch_rows)
        return rows * (rank + 1) // world_size - rows * rank // world_size


def sources_of(tokenization: str | None, sources: Sequence[Any] | None) -> tuple[tuple[str, int], ...]:
    """From the two ways in which they are given: one id, or a sequence of ids or (id, weight)."""
    if (tokenization is None) == (sources is None):
        raise InvalidPlan("give either `tokenization` or `sources`", field="sources")
    given = [tokenization] if sources is None else sources
    return tuple((str(one), 1) if isinstance(one, str) or not isinstance(one, Sequence) else (str(one[0]), int(one[1]))
                 for one in given)


def place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Rank and world size: as given, else of the environment, else of torch.distributed, else one rank alone."""
    if (rank is None) != (world_size is None):
        raise InvalidPlan("give both `rank` and `world_size`, or neither", field="rank")
    if rank is not None and world_size is not None:
        return rank, world_size
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
