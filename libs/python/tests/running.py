"""What the tests know of a running platform."""

import time
from dataclasses import dataclass

import requests
from stack import Stack

REPOSITORY = "tokenmill/english-docs"


@dataclass
class Service:
    """Where it is, and what is ready on it."""

    stack: Stack
    dataset: str
    # Windows of 64 ids of GPT-2 (16-bit), and of 128 of BERT.
    gpt2: str
    bert: str

    @property
    def url(self) -> str:
        return self.stack.flight

    def post(self, path: str, body: dict) -> requests.Response:
        return requests.post(f"{self.stack.api}/{path}", json=body, timeout=60)


def until(url: str, wanted: str) -> dict:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        record = requests.get(url, timeout=30).json()
        if record["status"] == wanted:
            return record
        assert record["status"] != "failed", record
        time.sleep(0.05)
    raise TimeoutError(f"{url} was not {wanted} within 300 s")
