"""Rows into batches: Arrow columns to numpy, rows to rectangles, and everything that a model wants beside the ids.

Both forms of rows are read by their columns: windows of single documents (`input_ids`, `doc`), and packed rows of a
fixed length (`input_ids`, `length`, `doc_starts`, `first_doc`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

IGNORE_INDEX = -100
KEYS = ("input_ids", "labels", "position_ids", "doc_ids", "cu_seqlens")
LabelMode = Literal["hf", "shifted", "plus_one"]


@dataclass
class Rows:
    """Consecutive rows. Row i is `ids[bounds[i]:bounds[i + 1]]`, of which the first `lengths[i]` are tokens."""

    ids: np.ndarray
    bounds: np.ndarray
    lengths: np.ndarray
    docs: np.ndarray
    # Of packed rows: positions at which documents begin, row after row, and their bounds.
    starts: np.ndarray | None = None
    start_bounds: np.ndarray | None = None
    # Of conversations: whether the model said the token, for each of `ids`.
    said: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> Rows:
        column = batch.column("input_ids")
        said = None
        if "loss_mask" in batch.schema.names:
            said = batch.column("loss_mask").flatten().to_numpy(zero_copy_only=False)
        if pa.types.is_fixed_size_list(column.type):
            bounds = np.arange(len(column) + 1, dtype=np.int64) * column.type.list_size
            lengths = batch.column("length").to_numpy().astype(np.int64)
            starts = batch.column("doc_starts")
            offsets = starts.offsets.to_numpy()
            return cls(column.flatten().to_numpy(), bounds, lengths, batch.column("first_doc").to_numpy(),
                       starts.flatten().to_numpy(), offsets - offsets[0], said)
        offsets = column.offsets.to_numpy()
        bounds = (offsets - offsets[0]).astype(np.int64)
        names = batch.schema.names
        docs = batch.column("doc").to_numpy() if "doc" in names else np.zeros(len(column), np.uint64)
        return cls(column.flatten().to_numpy(), bounds, np.diff(bounds), docs, said=said)

    def cut(self, start: int, stop: int) -> Rows:
        """Rows `start` to `stop`; views, not copies."""
        bounds = self.bounds[start : stop + 1]
        cut = Rows(self.ids[bounds[0] : bounds[-1]], bounds - bounds[0], self.lengths[start:stop], self.docs[start:stop])
        if self.said is not None:
            cut.said = self.said[bounds[0] : bounds[-1]]
        if self.starts is not None and self.start_bounds is not None:
            of_starts = self.start_bounds[start : stop + 1]
            cut.starts, cut.start_bounds = self.starts[of_starts[0] : of_starts[-1]], of_starts - of_starts[0]
        return cut

    @staticmethod
    def join(parts: Sequence[Rows]) -> Rows:
        if len(parts) == 1:
            return parts[0]
        joined = Rows(np.concatenate([part.ids for part in parts]), _bounds([part.bounds for part in parts]),
                      np.concatenate([part.lengths for part in parts]), np.concatenate([part.docs for part in parts]))
        if parts[0].said is not None:
            joined.said = np.concatenate([part.said for part in parts if part.said is not None])
        if parts[0].starts is not None:
            joined.starts = np.concatenate([part.starts for part in parts if part.starts is not None])
            joined.start_bounds = _bounds([part.start_bounds for part in parts if part.start_bounds is not None])
        return joined


def _bounds(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], *(np.diff(part) for part in parts)]).cumsum()


@dataclass
class Layout:
    """How rows become batches."""

    width: int | None
    pad_id: int
    label_mode: LabelMode = "hf"
    stored_dtype: bool = False
    mask_document_starts: bool = False
    keys: tuple[str, ...] = KEYS

    @classmethod
    def of(cls, schema: pa.Schema, **options: Any) -> Layout:
        said = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        kind = schema.field("input_ids").type
        width = kind.list_size if pa.types.is_fixed_size_list(kind) else said.get("max_length")
        return cls(width=None if width is None else int(width), pad_id=int(said.get("pad_id", 0)), **options)

    def batch(self, rows: Rows) -> dict[str, np.ndarray]:
        """Those of [`KEYS`] that were asked for: what nobody wants costs nothing."""
        width = self.width or int(rows.lengths.max(initial=1))
        stored = self._rectangle(rows, rows.ids, width, self.pad_id)
        inner = width - 1 if self.label_mode == "plus_one" else width
        ids = stored[:, :inner]
        batch = {}
        if "input_ids" in self.keys:
            batch["input_ids"] = ids if self.stored_dtype else ids.astype(np.int64)
        every = self._starts(rows, width) if self.keys != ("input_ids",) else None
        if "labels" in self.keys:
            batch["labels"] = self._labels(rows, stored, inner, every)
        if set(self.keys) <= {"input_ids", "labels"}:
            return batch
        lengths = np.minimum(rows.lengths, inner)
        fill = None if len(lengths) and lengths.min() == inner else np.arange(inner) >= lengths[:, None]
        starts = None if every is None else tuple(part[every[1] < inner] for part in every)
        if "position_ids" in self.keys:
            batch["position_ids"] = _positions(len(rows), inner, starts, fill)
        if "doc_ids" in self.keys:
            batch["doc_ids"] = _documents(rows, inner, starts, fill)
        if "cu_seqlens" in self.keys:
            batch["cu_seqlens"] = _segments(len(rows), inner, lengths, starts)
        return batch

    @staticmethod
    def _rectangle(rows: Rows, values: np.ndarray, width: int, pad: int) -> np.ndarray:
        """Rows below each other; a view where each is full."""
        if len(values) == len(rows) * width:
            return values.reshape(len(rows), width)
        rectangle = np.full((len(rows), width), pad, values.dtype)
        rectangle[np.arange(width) < np.diff(rows.bounds)[:, None]] = values
        return rectangle

    @staticmethod
    def _starts(rows: Rows, width: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Row and position of each document that begins inside a packed row."""
        if rows.starts is None or rows.start_bounds is None:
            return None
        row = np.repeat(np.arange(len(rows)), np.diff(rows.start_bounds))
        position = rows.starts.astype(np.int64)
        inside = (position > 0) & (position < width)
        return row[inside], position[inside]

    def _labels(self, rows: Rows, stored: np.ndarray, inner: int,
                starts: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
        dtype, shift = np.int32 if self.stored_dtype else np.int64, 0 if self.label_mode == "hf" else 1
        if self.label_mode == "shifted":
            labels = np.empty((len(rows), inner), dtype)
            labels[:, :-1], labels[:, -1] = stored[:, 1:], IGNORE_INDEX
        else:
            labels = stored[:, shift : shift + inner].astype(dtype)
        if rows.lengths.min(initial=inner + shift) < inner + shift:
            labels[np.arange(inner) + shift >= rows.lengths[:, None]] = IGNORE_INDEX
        if self.mask_document_starts and starts is not None:
            labels[starts[0], starts[1] - shift] = IGNORE_INDEX
        if rows.said is not None:
            said = self._rectangle(rows, rows.said, stored.shape[1], False)[:, shift : shift + inner]
            labels[:, : said.shape[1]][~said] = IGNORE_INDEX
        return labels


@functools.lru_cache(maxsize=8)
def _counted(count: int) -> np.ndarray:
    return np.arange(count)


def _positions(count: int, width: int, starts: tuple[np.ndarray, np.ndarray] | None,
               fill: np.ndarray | None) -> np.ndarray:
    positions = np.empty((count, width), np.int64)
    positions[:] = _counted(width)
    if starts is not None and len(starts[0]):
        begins = np.zeros((count, width), np.int64)
        begins[starts] = starts[1]
        positions -= np.maximum.accumulate(begins, axis=1)
    if fill is not None:
        positions[fill] = 0
    return positions


def _documents(rows: Rows, width: int, starts: tuple[np.ndarray, np.ndarray] | None,
               fill: np.ndarray | None) -> np.ndarray:
    documents = np.empty((len(rows), width), np.int64)
    # Converted first: converting while it spreads takes half as long again.
    documents[:] = rows.docs.astype(np.int64)[:, None]
    if starts is not None and len(starts[0]):
        begins = np.zeros((len(rows), width), np.int64)
        begins[starts] = 1
        documents += np.cumsum(begins, axis=1)
    if fill is not None:
        documents[fill] = -1
    return documents


def _segments(count: int, width: int, lengths: np.ndarray, starts: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    rows = np.arange(count + 1, dtype=np.int64) * width
    if starts is None and len(lengths) and lengths.min() == width:
        return rows.astype(np.int32)
    bounds = [rows, rows[:-1] + lengths]
    if starts is not None:
        bounds.append(starts[0] * width + starts[1])
    return np.unique(np.concatenate(bounds)).astype(np.int32)
