"""A running platform with real text, tokenized by two tokenizers, for all tests of this folder."""

import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "libs/python"), str(ROOT / "tests/python")]

from running import REPOSITORY, Service, until  # noqa: E402
from stack import platform  # noqa: E402


@pytest.fixture(scope="session")
def service() -> Service:
    with platform() as stack:
        made = requests.post(f"{stack.api}/datasets", json={"repo_id": REPOSITORY}, timeout=30)
        dataset = made.json()["id"]
        requests.post(f"{stack.api}/datasets/{dataset}/download", json={}, timeout=30).raise_for_status()
        until(f"{stack.api}/datasets/{dataset}", "ready")
        ids = []
        for name, length, stride in (("tokenmill/gpt2", 64, 0), ("tokenmill/bert", 128, 16)):
            config = {"tokenizer_name": name, "max_length": length, "stride": stride, "split": "validation",
                      "filter_special_tokens": False, "filter_stop_words": False, "min_token_length": 0}
            started = requests.post(f"{stack.api}/datasets/{dataset}/tokenize", json=config, timeout=30)
            ids.append(started.json()["tokenization_id"])
            until(f"{stack.api}/tokenizations/{ids[-1]}", "ready")
        yield Service(stack, dataset, *ids)
