"""Conversations as Python's `transformers` renders and tokenizes them.

usage: chat_reference.py MODEL_FOLDER TEMPLATE|- CONVERSATIONS OUT: a JSON list of conversations in, of answers out.
A message is a list of pairs, as their order is that of the fields. The date is the one that the test tells its renderer.
"""

import datetime
import json
import pathlib
import re
import sys

from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils


class Frozen(datetime.datetime):
    """The ninth of March, whatever day it is."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 9)


chat_template_utils.datetime = Frozen
folder, template, conversations, out = sys.argv[1:]
config = json.load(open(pathlib.Path(folder) / "tokenizer_config.json"))
named = {key: value if isinstance(value, str) else value["content"]
         for key, value in config.items() if key in PreTrainedTokenizerFast.SPECIAL_TOKENS_ATTRIBUTES and value}
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(pathlib.Path(folder) / "tokenizer.json"), **named)
tokenizer.chat_template = config.get("chat_template") if template == "-" else pathlib.Path(template).read_text()
has_mask = bool(re.search(r"\{%-?\s*generation\s*-?%\}", tokenizer.chat_template))
answers = []
for messages in json.load(open(conversations)):
    conversation = [dict(message) for message in messages]
    text = tokenizer.apply_chat_template(conversation, tokenize=False)
    answer = tokenizer.apply_chat_template(conversation, return_dict=True, return_assistant_tokens_mask=has_mask)
    answers.append({"text": text, "ids": answer["input_ids"], "mask": answer.get("assistant_masks")})
json.dump(answers, open(out, "w"))
