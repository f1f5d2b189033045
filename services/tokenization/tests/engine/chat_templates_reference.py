"""What Python's `transformers` makes of conversations with each template of a folder.

usage: chat_templates_reference.py MODEL_FOLDER TEMPLATES CONVERSATIONS OUT: writes, by the template's name, a list with the
ids and the mask of each conversation, or with null where the template refuses it. The date is that of `chat_reference`.
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
folder, templates, conversations, out = map(pathlib.Path, sys.argv[1:])
config = json.loads((folder / "tokenizer_config.json").read_text())
named = {key: value if isinstance(value, str) else value["content"]
         for key, value in config.items() if key in PreTrainedTokenizerFast.SPECIAL_TOKENS_ATTRIBUTES and value}
tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **named)


def answer(messages: list) -> list | None:
    has_mask = bool(re.search(r"\{%-?\s*generation\s*-?%\}", tokenizer.chat_template))
    try:
        made = tokenizer.apply_chat_template(
            [dict(message) for message in messages], return_dict=True, return_assistant_tokens_mask=has_mask
        )
    except Exception:  # noqa: BLE001 whatever it is, the template makes no text of it
        return None
    return [made["input_ids"], made.get("assistant_masks") or []]


answers = {}
for template in sorted(templates.glob("*.jinja")):
    tokenizer.chat_template = template.read_text()
    answers[template.stem] = [answer(messages) for messages in json.loads(conversations.read_text())]
out.write_text(json.dumps(answers))
