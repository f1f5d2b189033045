"""Conversations from the Hub to labels: rendered as `transformers` does it, with what the assistant said as the target."""

import json
import shutil
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pytest
import requests
from stack import HUB, Stack, platform, until
from tokenmill import IGNORE_INDEX, TokenDataset
from transformers import PreTrainedTokenizerFast

DATASET = "tokenmill/chats"
TEMPLATE = """{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.role == 'assistant' %}{% generation %}{{ message.content }}<|im_end|>{% endgeneration %}{% else %}
{{ message.content }}<|im_end|>{% endif %}

{% endfor %}"""
OWN = "{% for message in messages %}{{ message.role }}: {{ message.content }}{{ eos_token }}{% endfor %}"
PLAIN = {"tokenizer_name": "tokenmill/talks", "max_length": 64, "stride": 0, "filter_special_tokens": False,
         "filter_stop_words": False, "min_token_length": 0}


def conversation(n: int) -> list[dict]:
    turns = [{"role": "user", "content": f"Wie viel ist {n} mal {n}? 日本語"},
             {"role": "assistant", "content": f"Das ist {n * n} 🙂."}]
    return turns * (n % 5 + 1)


@pytest.fixture(scope="module")
def chats(tmp_path_factory) -> Iterator[Stack]:
    hub = tmp_path_factory.mktemp("hub")
    for name in ("talks", "gpt2"):
        shutil.copytree(HUB / "models/tokenmill/gpt2", hub / "models/tokenmill" / name)
    (hub / "models/tokenmill/talks/chat_template.jinja").write_text(OWN)
    data = hub / "datasets" / DATASET / "data"
    data.mkdir(parents=True)
    rows = [{"id": n, "messages": conversation(n), "source": f"s{n}"} for n in range(40)]
    (data / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with platform(hub=hub) as stack:
        yield stack


@pytest.fixture(scope="module")
def dataset(chats: Stack) -> str:
    made = requests.post(f"{chats.api}/datasets", json={"repo_id": DATASET}, timeout=30).json()["id"]
    requests.post(f"{chats.api}/datasets/{made}/download", json={}, timeout=30).raise_for_status()
    until(f"{chats.api}/datasets/{made}", "ready")
    return made


def ask(chats: Stack, dataset: str, **config) -> requests.Response:
    return requests.post(f"{chats.api}/datasets/{dataset}/tokenize", json=PLAIN | config, timeout=60)


def tokenize(chats: Stack, dataset: str, **config) -> dict:
    answer = ask(chats, dataset, **config)
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_rows_and_labels_are_those_of_transformers(chats: Stack, dataset: str) -> None:
    started = tokenize(chats, dataset, text_column="messages", chat_template=TEMPLATE)
    made = until(f"{chats.api}/tokenizations/{started['tokenization_id']}", "ready")
    again = tokenize(chats, dataset, chat_template=TEMPLATE)
    assert again["reused"] and again["tokenization_id"] == made["id"], "a template chooses the column of conversations"

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(HUB / "models/tokenmill/gpt2/tokenizer.json"))
    tokenizer.chat_template = TEMPLATE
    expected = []
    for n in range(40):
        whole = tokenizer.apply_chat_template(conversation(n), return_dict=True, return_assistant_tokens_mask=True)
        ids, mask = whole["input_ids"], [bool(said) for said in whole["assistant_masks"]]
        expected += [(n, ids[at:at + 64], mask[at:at + 64]) for at in range(0, len(ids), 64)]
    client = flight.connect(chats.flight)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", made["id"]))
    stored = pa.concat_tables(client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints)
    assert stored.schema.names == ["input_ids", "doc", "window", "loss_mask"]
    assert list(zip(*(stored[name].to_pylist() for name in ("doc", "input_ids", "loss_mask")))) == expected

    batches = TokenDataset(chats.flight, tokenization=made["id"], shuffle="none", global_batch_rows=4, rank=0, world_size=1)
    labels = np.concatenate([batch["labels"] for batch in batches])
    for row, (_, ids, mask) in zip(labels, expected):
        wanted = [token if said else IGNORE_INDEX for token, said in zip(ids, mask)]
        assert row.tolist() == wanted + [IGNORE_INDEX] * (64 - len(wanted))
    print(f"{len(expected)} windows and {len(labels)} rows of labels are equal")


def test_the_tokenizers_own_template_is_used_and_another_is_another_tokenization(chats: Stack, dataset: str) -> None:
    own = tokenize(chats, dataset, text_column="messages")
    made = until(f"{chats.api}/tokenizations/{own['tokenization_id']}", "ready")
    other = tokenize(chats, dataset, text_column="messages", chat_template=TEMPLATE + " ")
    assert not own["reused"] and not other["reused"]
    samples = requests.get(f"{chats.api}/datasets/{dataset}/samples", timeout=30,
                           params={"tokenization_id": made["id"], "limit": 1}).json()["samples"]
    assert samples[0]["text"] == "user: Wie viel ist 0 mal 0? 日本語<|endoftext|>assistant: Das ist 0 🙂.<|endoftext|>"


def test_what_cannot_be_rendered_is_refused(chats: Stack, dataset: str) -> None:
    none = ask(chats, dataset, text_column="messages", tokenizer_name="tokenmill/gpt2")
    assert none.status_code == 400 and none.json()["errors"][0]["field"] == "chat_template", none.text
    text = ask(chats, dataset, text_column="source", chat_template=TEMPLATE)
    assert text.status_code == 422 and text.json()["reason"] == "NO_TEXT_COLUMN"
    broken = ask(chats, dataset, chat_template="{% if %}")
    assert broken.status_code == 400 and "cannot be read" in broken.json()["detail"], broken.text
    assert broken.json()["errors"][0]["field"] == "chat_template"
    silent = "{% for m in messages %}{{ m.content }}{% if m.role == 'nobody' %}{% generation %}x{% endgeneration %}{% endif %}{% endfor %}"
    for template, part in [(silent, "no token"), ("{{ raise_exception('not me') }}", "not me")]:
        started = tokenize(chats, dataset, chat_template=template)
        made = until(f"{chats.api}/tokenizations/{started['tokenization_id']}", "failed")
        assert made["error"]["reason"] == "INVALID_FIELD", made
        assert part in made["error"]["detail"] and made["error"]["errors"][0]["field"] == "chat_template"
