"""Windows as Python's `transformers` makes them, as one digest per window.

usage: reference.py TOKENIZER_JSON PARQUET[,…] OUT CASE[,…], CASE = max_length:stride:special:documents
A Unigram model is built of its scores as Python reads them, as the classes of `transformers` for such models do (T5, ALBERT,
XLM-RoBERTa …): the library itself reads some of them from the file to another last digit.
OUT, for each case and each document: u32 window count, then per window u32 length and the sha256 of its ids (u32 each).
"""

import hashlib
import json
import struct
import sys

import pyarrow.parquet
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

tokenizer_json, parquet, out, cases = sys.argv[1:]
texts = []
for path in parquet.split(","):
    texts += pyarrow.parquet.read_table(path, columns=["text"])["text"].to_pylist()
tokenizer = PreTrainedTokenizerFast(tokenizer_file=tokenizer_json)
with open(tokenizer_json) as file:
    model = json.load(file)["model"]
if model["type"] == "Unigram":
    pieces = [tuple(piece) for piece in model["vocab"]]
    tokenizer.backend_tokenizer.model = Unigram(pieces, model["unk_id"], model.get("byte_fallback", False))

with open(out, "wb") as file:
    for case in cases.split(","):
        max_length, stride, special, documents = map(int, case.split(":"))
        for text in texts[:documents]:
            windows = tokenizer(
                text,
                truncation=True,
                max_length=max_length,
                stride=stride,
                return_overflowing_tokens=True,
                add_special_tokens=bool(special),
            )["input_ids"]
            file.write(struct.pack("<I", len(windows)))
            for ids in windows:
                file.write(struct.pack("<I", len(ids)))
                file.write(hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).digest())
