"""`TokenDataset`: an iterable of one rank's batches, whose state is a plan and a step."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .batches import KEYS, LabelMode, Layout, Rows
from .errors import InvalidPlan, TokenmillError
from .plan import ReadPlan, Shuffle, place, sources_of
from .stream import Stream

try:  # A DataLoader takes an iterable only when it is one of torch's own.
    from torch.utils.data import IterableDataset as _Iterable
except ImportError:

    class _Iterable:  # type: ignore[no-redef]
        """Stands in where torch is not installed."""


Framework = Literal["numpy", "torch", "jax"]


class TokenDataset(_Iterable):
    """One rank's batches, step after step.

    Give one `tokenization`, or `sources` as a sequence of ids or (id, weight) to mix, which then needs `end_step`.
    A batch has the `keys`, all of them unless said otherwise. `epochs` is short for an `end_step` after so many epochs. After its last step the dataset can be iterated again, from
    `start_step` on; `set_epoch` gives another order.
    """

    def __init__(
        self,
        url: str,
        tokenization: str | None = None,
        *,
        sources: Sequence[Any] | None = None,
        global_batch_rows: int,
        seed: int = 0,
        epoch: int = 0,
        shuffle: Shuffle = "global",
        rank: int | None = None,
        world_size: int | None = None,
        start_step: int = 0,
        end_step: int | None = None,
        epochs: int | None = None,
        drop_last: bool = True,
        label_mode: LabelMode = "hf",
        dtype: Literal["int64", "stored"] = "int64",
        framework: Framework = "numpy",
        mask_document_starts: bool = False,
        keys: Sequence[str] = KEYS,
        prefetch: int = 4,
        retry_seconds: float = 300.0,
        run_id: str | None = None,
    ) -> None:
        if label_mode not in ("hf", "shifted", "plus_one"):
            raise InvalidPlan(f"`label_mode` must be hf, shifted or plus_one, not {label_mode!r}", field="label_mode")
        if dtype not in ("int64", "stored"):
            raise InvalidPlan(f"`dtype` must be int64 or stored, not {dtype!r}", field="dtype")
        if framework not in ("numpy", "torch", "jax"):
            raise InvalidPlan(f"`framework` must be numpy, torch or jax, not {framework!r}", field="framework")
        if not keys or set(keys) - set(KEYS):
            raise InvalidPlan(f"`keys` must be some of {', '.join(KEYS)}, not {list(keys)!r}", field="keys")
        if epochs is not None and end_step is not None:
            raise InvalidPlan("give `epochs` or `end_step`, not both", field="epochs")
        self.url = url
        self.plan = ReadPlan(sources_of(tokenization, sources), global_batch_rows, seed, epoch, shuffle, end_step,
                             drop_last)
        self._rank, self._world_size = rank, world_size
        self._start_step = self._step = start_step
        self._finished = False
        self._framework = framework
        self._layout = {"label_mode": label_mode, "stored_dtype": dtype == "stored",
                        "mask_document_starts": mask_document_starts, "keys": tuple(keys)}
        self._reading = {"epochs": epochs, "run_id": run_id, "retry_seconds": retry_seconds, "prefetch": prefetch}

    @property
    def step(self) -> int:
        """The next step."""
        return self._step

    def set_epoch(self, epoch: int) -> None:
        """Begins anew, with the order of another epoch."""
        self.plan = ReadPlan(**{**self.plan.__dict__, "epoch": epoch})
        self._step, self._finished = self._start_step, False

    def state_dict(self) -> dict[str, Any]:
        """What goes into a checkpoint: the plan, and the step that follows the last batch that was given out."""
        return {"plan": self.plan.to_json(), "step": self._step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the state was taken, on any number of ranks."""
        self.plan.check_state(state["plan"])
        self._step, self._finished = int(state["step"]), False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        _refuse_parallel_workers()
        rank, world_size = place(self._rank, self._world_size)
        if self._finished:
            self._step, self._finished = self._start_step, False
        stream = Stream(self.url, self.plan, rank, world_size, self._step, **self._reading)
        try:
            layout = Layout.of(stream.schema, **self._layout)
            for rows in _steps(stream, self._step):
                self._step += 1
                yield self._as_framework(layout.batch(rows))
            if self._step < stream.description.end_step:
                raise TokenmillError(f"the stream ended before step {self._step} of {stream.description.end_step}")
            self._finished = True
        finally:
            stream.close()

    def _as_framework(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        if self._framework == "numpy":
            return batch
        if self._framework == "torch":
            import torch

            with warnings.catch_warnings():
                # Stored ids are a view of the message that they came in, which nobody else writes to.
                warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
                return {key: torch.from_numpy(value) for key, value in batch.items()}
        import jax.numpy as jnp

        return {key: jnp.asarray(value) for key, value in batch.items()}


def _steps(stream: Stream, step: int) -> Iterator[Rows]:
    """Cuts messages into steps: where one ends is counted, as messages know nothing of steps."""
    held: list[Rows] = []
    count = 0
    size = stream.description.rows_of(step, stream.rank, stream.world_size)
    for rows in stream:
        start = 0
        while count + len(rows) - start >= size:
            stop = start + size - count
            held.append(rows.cut(start, stop))
            yield Rows.join(held)
            held, count, start, step = [], 0, stop, step + 1
            if step >= stream.description.end_step:
                return
            size = stream.description.rows_of(step, stream.rank, stream.world_size)
        if start < len(rows):
            held.append(rows.cut(start, len(rows)))
            count += len(rows) - start


def _refuse_parallel_workers() -> None:
    data = sys.modules.get("torch.utils.data")
    worker = data.get_worker_info() if data is not None else None
    if worker is not None and worker.num_workers > 1:
        raise TokenmillError("several workers would each read everything: use num_workers=0, a thread reads ahead")
