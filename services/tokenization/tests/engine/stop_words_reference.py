"""Ids whose decoded text, stripped and lower-cased, is a stop word.

usage: stop_words_reference.py TOKENIZER_JSON DIR, with DIR/words.json: {language: [word, …]}; writes DIR/ids.json:
{language: [id, …]}.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

tokenizer, root = Tokenizer.from_file(sys.argv[1]), Path(sys.argv[2])
ids_of: dict[str, list[int]] = {}
for id in sorted(tokenizer.get_vocab(with_added_tokens=True).values()):
    text = tokenizer.decode([id], skip_special_tokens=False)
    ids_of.setdefault(text.strip().lower(), []).append(id)
found = {
    language: sorted(id for word in {word.lower() for word in words} for id in ids_of.get(word, []))
    for language, words in json.loads((root / "words.json").read_text()).items()
}
(root / "ids.json").write_text(json.dumps(found))
