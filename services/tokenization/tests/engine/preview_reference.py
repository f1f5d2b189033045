"""Ids, offsets and windows of texts as Python's `transformers` makes them.

usage: preview_reference.py TOKENIZER_JSON TEXTS OUT: a JSON list of texts in, a list of answers out.
"""

import json
import sys

from transformers import PreTrainedTokenizerFast

tokenizer_json, texts, out = sys.argv[1:]
tokenizer = PreTrainedTokenizerFast(tokenizer_file=tokenizer_json)
answers = []
for text in json.load(open(texts)):
    plain = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    windows = tokenizer(text, truncation=True, max_length=16, stride=5, return_overflowing_tokens=True)["input_ids"]
    answers.append({"ids": plain["input_ids"], "offsets": plain["offset_mapping"], "windows": windows})
json.dump(answers, open(out, "w"))
