"""The peers in Python, over the column `text` of Arrow files: `map` is `datasets.map` with the fast tokenizer, windows and
Arrow output, as its documentation shows it; `encode_batch` the tokenizer alone, which counts and writes nothing."""

import os
import sys
import tempfile
import time

mode, tokenizer_file, length, stride, processes, *sources = sys.argv[1:]
if mode == "encode_batch":
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


def by_encode_batch() -> tuple[float, int, int]:
    tokenizer = tokenizers.Tokenizer.from_file(tokenizer_file)
    seconds, documents, tokens = 0.0, 0, 0
    for source in sources:
        for batch in pyarrow.ipc.open_file(pyarrow.memory_map(source)).read_all().to_batches(BATCH):
            texts = [text or "" for text in batch.column("text").to_pylist()]
            started = time.monotonic()
            encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
            seconds += time.monotonic() - started
            documents, tokens = documents + len(texts), tokens + sum(len(one.ids) for one in encoded)
    return seconds, documents, tokens


print(*(by_map() if mode == "map" else by_encode_batch()))
