"""Ids as `transformers` gives them for repositories without a `tokenizer.json`.

usage: conversion_reference.py DIR, with DIR/texts.json and a repository in each folder; writes `ids` into each: for each
text u32 count, then the ids (u32 each).
"""

import json
import struct
import sys
from pathlib import Path

from transformers import AutoTokenizer

root = Path(sys.argv[1])
texts = json.loads((root / "texts.json").read_text())
for folder in filter(Path.is_dir, root.iterdir()):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with open(folder / "ids", "wb") as file:
        for text in texts:
            ids = tokenizer(text)["input_ids"]
            file.write(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
