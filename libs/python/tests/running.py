"""What the tests know of a running platform."""

from dataclasses import dataclass

import requests
from stack import Stack, until

__all__ = ["REPOSITORY", "Service", "until"]

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
