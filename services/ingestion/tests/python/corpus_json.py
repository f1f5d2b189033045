"""The repositories of the corpus whose JSON is written as few write it."""

import json


def escaped(character, upper):
    pair = json.dumps(character)[1:-1]
    return pair.upper().replace("\\U", "\\u") if upper else pair


def write(repository):
    escapes(repository)
    numbers(repository)
    forms(repository)


def escapes(repository):
    planes = [chr((plane << 16) + 0xFB7) for plane in range(1, 17)]
    for name, upper in [("lower", False), ("upper", True)]:
        row = ", ".join(f'"{text}": "x{text}\\\\{text}{text}y"' for text in (escaped(c, upper) for c in planes))
        repository(f"json-planes-{name}-case", {"train.jsonl": "{%s}\n" % row * 3})
    repository("json-escaped-backslash", {"train.jsonl": r'{"t": "\\ud842\\udfb7", "\\ud842": "\\\ud842\udfb7"}'})
    for name, text in {"high": r"\ud842", "low": r"x\udfb7", "order": r"\udfb7\ud842", "twice": r"\ud842\ud842\udfb7"}.items():
        repository(f"json-lone-surrogate-{name}", {"train.jsonl": f'{{"t": "{text}"}}\n'}, ours="SOURCE_CORRUPT")
    repository("json-lone-surrogate-in-key", {"train.jsonl": '{"\\ud842": 1}\n'}, ours="SOURCE_CORRUPT")


def numbers(repository):
    odd = '{"a": NaN, "b": 1, "t": "NaN \\"Infinity"}\n{"a": 0.5, "b": Infinity}\n{"a":-Infinity,"b":-NaN}\n{"a": 1}\n'
    repository("json-not-a-number", {"train.jsonl": odd})
    repository("json-only-not-a-number", {"train.jsonl": '{"a": NaN}\n'})
    repository("json-not-a-number-nested", {"train.jsonl": '{"a": [NaN, 1], "o": {"x": [{"y": Infinity}]}}\n'})
    repository("json-not-a-number-broken", {"train.jsonl": '{"a": NaN,\n"b": 1}\n{"a": 2,\n"b": -Infinity}\n'})
    for name, text in {"lower": "nan", "plus": "+Infinity", "cut": "Infinit", "glued": "NaN5"}.items():
        repository(f"json-no-number-{name}", {"train.jsonl": f'{{"a": {text}}}\n'}, ours="SOURCE_CORRUPT")


def forms(repository):
    arrays = {"numbers": "[1, 2.5, null]", "texts": ' ["a", "b\\"]", null]', "lists": "[[1], [2, 3], []]", "truths": "[true,false]"}
    for name, text in {**arrays, "null-rows": '[{"a": 1}, null, {"a": 2}]', "one-text": '["{"]'}.items():
        repository(f"json-array-of-{name}", {"train.json": text})
    repository("json-array-mixed", {"train.json": '[{"a": 1}, 2]'}, ours="SOURCE_CORRUPT")
    repository("json-carriage-returns", {"train.jsonl": '{"a": 1}\r{"a": 2}\r'})
    repository("json-several-on-a-line", {"train.jsonl": '{"a": 1}{"a": 2}\n{"a": 3} {"a": 4}\n{"a": 5}\n'})
    repository("json-null-rows", {"train.jsonl": '{"a": 1}\nnull\n{"a": 2}\nnull'})
