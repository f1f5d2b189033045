"""Texts that tell tokenizers apart, beside the English prose: many languages, code, and what nobody would write."""

import json
import pathlib
import random
import re
import zipfile

from packages import wheel

# Its translations are human text in a hundred languages, its sources code of a large project.
DJANGO = ("django", "5.2.19")
LANGUAGES_BYTES = 1_200_000
CODE_BYTES = 1_200_000
DOCUMENT_BYTES = 6_000
LONG = 100_000

_MESSAGE = re.compile(r'^msgstr(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\s*)+)', re.M)
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"')


def languages(packages: pathlib.Path) -> list[str]:
    """Documents of some kilobytes, the languages in turn."""
    with zipfile.ZipFile(wheel(packages, *DJANGO)) as files:
        names = sorted(name for name in files.namelist() if name.endswith(".po") and "/locale/en" not in name)
        names.sort(key=lambda name: (name.split("/locale/")[0] != "django/conf", name))
        texts = [_translated(files.read(name).decode()) for name in names]
    return _documents(texts, LANGUAGES_BYTES)


def code(packages: pathlib.Path) -> list[str]:
    with zipfile.ZipFile(wheel(packages, *DJANGO)) as files:
        names = sorted(name for name in files.namelist() if name.endswith((".py", ".js", ".css", ".html")))
        random.Random(1).shuffle(names)
        return _documents([files.read(name).decode() for name in names], CODE_BYTES, DOCUMENT_BYTES * 4)


def hostile(models: pathlib.Path) -> list[str]:
    """Empty, tiny, endless and broken documents, and the tokens of all tokenizers in the middle of text."""
    documents = ["", " ", "\n", "a", "é", "日", "🙂", "\x00", "\ufffd", "\ufeff", "\u0301", "  \t ", "\r\n\r\n"]
    documents += ["\ufffd\ufffdabc\ufffd", "x" + "".join(map(chr, range(0xA1))) + "y", "a\u0301\u0323b\u0323\u0301"]
    documents += [f"a{unit * n}b" for unit in (" ", "\n", "\t", "\u00a0", " \n", "\r\n") for n in (1, 2, 3, 7, 16, 65, 500)]
    for path in sorted(models.glob("*/tokenizer.json")):
        tokens = [token["content"] for token in json.loads(path.read_text())["added_tokens"]]
        tokens = tokens[:40] + tokens[-40:]
        documents.append("".join(f"see {token}, {token}{token} or x{token}y\n{token.upper()} " for token in tokens))
    shuffle = random.Random(2)
    blocks = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE00), (0x1100, 0x1200), (0x2000, 0x2C00),
              (0x3000, 0x3100), (0x4E00, 0x9FA6), (0xAC00, 0xD7A4), (0xE000, 0xE100), (0xF900, 0x10000), (0x10000, 0x10FFFF)]
    for _ in range(400):
        some = [chr(shuffle.randrange(*shuffle.choice(blocks))) for _ in range(shuffle.randrange(1, 60))]
        documents.append("".join(some))
    # Last, as tests take the first ones for the finest windows.
    documents += [unit * (LONG // len(unit.encode())) for unit in ("a", " ", "é", "漢", "1", "!", "\n", "ab ", "🙂")]
    documents += [" ".join(f"word{n} 日本{n}" for n in range(20_000))]
    return documents


def _translated(po: str) -> str:
    """The translations of a catalogue of messages, one a line."""
    messages = ("".join(_PART.findall(message)) for message in _MESSAGE.findall(po)[1:])
    unescaped = (m.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t").replace("\\\\", "\\") for m in messages)
    return "\n".join(message for message in unescaped if message)


def _documents(texts: list[str], limit: int, size: int = DOCUMENT_BYTES) -> list[str]:
    """Runs of each text, until they add up to `limit` bytes."""
    documents, total = [], 0
    for text in texts:
        for start in range(0, min(len(text), size * 4), size):
            documents.append(text[start:start + size])
            total += len(documents[-1].encode())
        if total >= limit:
            break
    return documents
