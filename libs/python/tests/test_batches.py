"""Rows into batches, compared with loops that spell out what each key means."""

import numpy as np
import pyarrow as pa
import pytest
from tokenmill import IGNORE_INDEX
from tokenmill.batches import Layout, Rows

WIDTH = 8


def windows() -> pa.RecordBatch:
    ids = [list(range(100, 108)), [1, 2, 3], [], [7]]
    schema = pa.schema([("input_ids", pa.list_(pa.uint16())), ("doc", pa.uint64()), ("window", pa.uint32())],
                       metadata={"max_length": str(WIDTH), "pad_id": "9"})
    return pa.record_batch([pa.array(ids, pa.list_(pa.uint16())), pa.array([4, 4, 5, 6], pa.uint64()),
                            pa.array([0, 1, 0, 0], pa.uint32())], schema=schema)


def packed() -> pa.RecordBatch:
    """As tokenizations with packing store it: the last row is filled."""
    ids = pa.FixedSizeListArray.from_arrays(pa.array(range(24), pa.int32()), WIDTH)
    starts = pa.array([[0, 3], [], [0, 1, 5]], pa.list_(pa.uint32()))
    return pa.record_batch([ids, pa.array([8, 8, 6], pa.uint32()), starts, pa.array([10, 11, 12], pa.uint64())],
                           names=["input_ids", "length", "doc_starts", "first_doc"])


def said(make):
    """The same rows of conversations: every third token was said by the model."""

    def make_said() -> pa.RecordBatch:
        batch = make()
        ids, schema = batch.column("input_ids"), batch.schema
        flags = pa.array([n % 3 == 0 for n in range(len(ids.flatten()))])
        if pa.types.is_fixed_size_list(ids.type):
            mask = pa.FixedSizeListArray.from_arrays(flags, WIDTH)
        else:
            mask = pa.ListArray.from_arrays(ids.offsets, flags)
        return pa.record_batch([*batch.columns, mask], schema=schema.append(pa.field("loss_mask", mask.type)))

    return make_said


MAKERS = [windows, packed, said(windows), said(packed)]


def documents(batch: pa.RecordBatch) -> list[list[tuple[int, int]]]:
    """For each row, (document, position in it) of each of its tokens."""
    rows = batch.to_pylist()
    if "doc" in rows[0]:
        return [[(row["doc"], n) for n in range(len(row["input_ids"]))] for row in rows]
    told = []
    for row in rows:
        doc, position, tokens = row["first_doc"], 0, []
        for n in range(row["length"]):
            if n in row["doc_starts"] and n > 0:
                doc, position = doc + 1, 0
            tokens.append((doc, position))
            position += 1
        told.append(tokens)
    return told


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("mode", ["hf", "shifted", "plus_one"])
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_every_key_is_what_it_says(make, mode, stored, masked) -> None:
    source = make()
    layout = Layout.of(source.schema, label_mode=mode, stored_dtype=stored, mask_document_starts=masked)
    batch = layout.batch(Rows.of(source))
    told, width = documents(source), WIDTH - 1 if mode == "plus_one" else WIDTH
    assert {key: value.shape for key, value in batch.items() if key != "cu_seqlens"} == dict.fromkeys(
        ["input_ids", "labels", "position_ids", "doc_ids"], (source.num_rows, width))
    segments = {0, source.num_rows * width}
    for r, row in enumerate(source.to_pylist()):
        ids, tokens = row["input_ids"], told[r]
        segments |= {r * width, r * width + min(len(tokens), width)}
        for t in range(width):
            is_token = t < len(tokens)
            assert batch["input_ids"][r, t] == (ids[t] if t < len(ids) else 9)
            assert batch["doc_ids"][r, t] == (tokens[t][0] if is_token else -1)
            assert batch["position_ids"][r, t] == (tokens[t][1] if is_token else 0)
            target = t if mode == "hf" else t + 1
            is_hidden = masked and target > 0 and target < len(tokens) and tokens[target][0] != tokens[target - 1][0]
            is_said = "loss_mask" not in row or (target < len(tokens) and row["loss_mask"][target])
            is_label = target < len(tokens) and not is_hidden and is_said
            assert batch["labels"][r, t] == (ids[target] if is_label else IGNORE_INDEX), (r, t)
            if is_token and tokens[t][1] == 0:
                segments.add(r * width + t)
    assert batch["cu_seqlens"].tolist() == sorted(segments)
    assert batch["cu_seqlens"].dtype == np.int32
    kind = source.schema.field("input_ids").type.value_type.to_pandas_dtype() if stored else np.int64
    assert batch["input_ids"].dtype == kind
    assert batch["labels"].dtype == (np.int32 if stored else np.int64)


@pytest.mark.parametrize("make", [windows, packed])
@pytest.mark.parametrize("keys", [("input_ids",), ("labels",), ("labels", "input_ids"), ("cu_seqlens", "doc_ids")])
def test_fewer_keys_are_the_same_ones(make, keys) -> None:
    rows, schema = Rows.of(make()), make().schema
    whole = Layout.of(schema, mask_document_starts=True).batch(rows)
    some = Layout.of(schema, mask_document_starts=True, keys=keys).batch(rows)
    assert set(some) == set(keys)
    for key in keys:
        np.testing.assert_array_equal(some[key], whole[key])


def test_full_rows_are_not_copied() -> None:
    source = packed()
    batch = Layout.of(source.schema, stored_dtype=True).batch(Rows.of(source).cut(1, 3))
    values = source.column("input_ids").flatten().to_numpy()
    assert np.shares_memory(batch["input_ids"], values)


@pytest.mark.parametrize("make", MAKERS)
def test_rows_are_cut_and_joined(make) -> None:
    source = make()
    rows, layout = Rows.of(source), Layout.of(source.schema)
    whole = layout.batch(rows)
    for at in range(source.num_rows + 1):
        again = layout.batch(Rows.join([rows.cut(0, at), rows.cut(at, len(rows))]))
        sliced = layout.batch(Rows.join([Rows.of(source.slice(0, at)), Rows.of(source.slice(at))]))
        for key, value in whole.items():
            np.testing.assert_array_equal(again[key], value)
            np.testing.assert_array_equal(sliced[key], value)
