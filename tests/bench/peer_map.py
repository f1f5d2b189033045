"""The peers in Python, over the column `text` of Arrow files: `map` is `datasets.map` with the fast tokenizer, windows and
Arrow output, as its documentation shows it; `encode_batch` the tokenizer alone, which counts and writes nothing, and so
`gigatoken` and `nanotoken`."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

mode, tokenizer_file, length, stride, processes, *sources = sys.argv[1:]
if mode != "map":
    # Read when the library starts its threads.
    os.environ["RAYON_NUM_THREADS"] = processes

import datasets  # noqa: E402
import pyarrow  # noqa: E402
import tokenizers  # noqa: E402
import transformers  # noqa: E402

BATCH = 1000


def by_map() -> tuple[float, int, int]:
    datasets.disable_progress_bars()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=tokenizer_file)

    def encode(batch: dict) -> dict:
        return {"input_ids": tokenizer(
            batch["text"], truncation=True, max_length=int(length), stride=int(stride), return_overflowing_tokens=True,
            add_special_tokens=False, return_attention_mask=False, return_token_type_ids=False,
        )["input_ids"]}

    with tempfile.TemporaryDirectory() as cache:
        rows = datasets.load_dataset("arrow", data_files=sources, split="train", cache_dir=cache)
        started = time.monotonic()
        tokens = rows.map(encode, batched=True, num_proc=int(processes), remove_columns=rows.column_names)
        return time.monotonic() - started, len(tokens), sum(len(ids) for ids in tokens["input_ids"])


def encoder() -> Callable[[list[str]], Callable[[], int]]:
    """Encodes texts; what it returns counts their tokens, which is no part of the work."""
    if mode == "gigatoken":
        import awkward
        import gigatoken

        encode = gigatoken.Tokenizer(tokenizer_file).encode_batch
        return lambda texts: partial(awkward.count, encode(texts))
    if mode == "nanotoken":
        import nanotoken

        encode = nanotoken.Tokenizer(tokenizer_file).encode_batch
        return lambda texts: lambda ids=encode(texts, add_special_tokens=False): ids.num_tokens
    encode = tokenizers.Tokenizer.from_file(tokenizer_file).encode_batch_fast
    return lambda texts: lambda encoded=encode(texts, add_special_tokens=False): sum(len(one.ids) for one in encoded)


def by_encoder() -> tuple[float, int, int]:
    encode = encoder()
    seconds, documents, tokens = 0.0, 0, 0
    for source in sources:
        for batch in pyarrow.ipc.open_file(pyarrow.memory_map(source)).read_all().to_batches(BATCH):
            texts = [text or "" for text in batch.column("text").to_pylist()]
            started = time.monotonic()
            count = encode(texts)
            seconds += time.monotonic() - started
            documents, tokens = documents + len(texts), tokens + int(count())
    return seconds, documents, tokens


print(*(by_map() if mode == "map" else by_encoder()))
