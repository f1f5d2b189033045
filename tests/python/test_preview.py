"""The preview of a tokenization over REST and the command line, held against `transformers`."""

import json
import subprocess

import pytest
import requests
from stack import BINARY, HUB, Stack
from transformers import AutoTokenizer, PreTrainedTokenizerFast

TEXT = "The mill's wheel — Zürich, 日本語, Привет 🙂 doesn't stop."
PLAIN = {"filter_special_tokens": False, "filter_stop_words": False, "min_token_length": 0}


@pytest.fixture(scope="module")
def preview(services: Stack):
    def run(*arguments: str, stdin: str | None = None, code: int = 0) -> subprocess.CompletedProcess:
        command = [str(BINARY), "tokenization", "preview", "--tokenization-url", f"http://{services.tokenization}"]
        answer = subprocess.run([*command, *arguments], input=stdin or "", capture_output=True, text=True, timeout=60)
        assert answer.returncode == code, f"{arguments}: {answer.returncode}\n{answer.stdout}\n{answer.stderr}"
        return answer

    return run


def post(services: Stack, body: dict) -> requests.Response:
    return requests.post(f"{services.api}/tokenize/preview", json=body, timeout=60)


@pytest.mark.parametrize("name", ["gpt2", "bert", "unigram"])
def test_ids_offsets_and_windows_are_those_of_transformers(services: Stack, name: str) -> None:
    body = {"tokenizer_name": f"tokenmill/{name}", "text": TEXT, "max_length": 9, "stride": 3, **PLAIN}
    shown = post(services, body).json()
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(HUB / f"models/tokenmill/{name}/tokenizer.json"))
    plain = tokenizer(TEXT, add_special_tokens=False, return_offsets_mapping=True)
    assert [token["id"] for token in shown["tokens"]] == plain["input_ids"]
    assert [tuple(token["offsets"]) for token in shown["tokens"]] == plain["offset_mapping"]
    windows = tokenizer(TEXT, truncation=True, max_length=9, stride=3, return_overflowing_tokens=True)["input_ids"]
    assert [window["input_ids"] for window in shown["windows"]] == windows and shown["window_count"] == len(windows)


def test_a_conversation_is_rendered_as_transformers_does(services: Stack, preview, tmp_path) -> None:
    messages = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": "Yes.", "name": "mill"}]
    tokenizer = AutoTokenizer.from_pretrained(HUB / "models/tokenmill/qwen3")
    shown = post(services, {"tokenizer_name": "tokenmill/qwen3", "messages": messages, **PLAIN}).json()
    assert shown["rendered"] == tokenizer.apply_chat_template(messages, tokenize=False)
    ids = tokenizer(shown["rendered"], add_special_tokens=False)["input_ids"]
    assert [token["id"] for token in shown["tokens"]] == ids and shown["windows"][0]["input_ids"] == ids

    given, template = tmp_path / "messages.json", tmp_path / "template.jinja"
    given.write_text(json.dumps([TEXT, "Yes."]))
    template.write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    options = ["--tokenizer", "tokenmill/bert", "--messages", str(given), "--chat-template", str(template)]
    assert preview(*options).stdout.startswith(f"user: {TEXT}\nassistant: Yes.\n")
    preview("--tokenizer", "tokenmill/bert", "--chat-template", str(template), "text", code=2)


def test_the_command_line_prints_what_rest_answers(services: Stack, preview, tmp_path) -> None:
    options = ["--tokenizer", "tokenmill/bert", "--max-length", "9", "--stride", "3"]
    body = {"tokenizer_name": "tokenmill/bert", "text": TEXT, "max_length": 9, "stride": 3}
    expected = post(services, body).json()
    file = tmp_path / "text"
    file.write_text(TEXT)
    assert json.loads(preview("--json", *options, TEXT).stdout) == expected
    assert json.loads(preview("--json", *options, "--file", str(file)).stdout) == expected
    assert json.loads(preview("--json", *options, stdin=TEXT).stdout) == expected

    table = preview(*options, TEXT).stdout
    line = next(line for line in table.splitlines() if '"doesn"' in line)
    assert line.split()[0] == str(next(token["id"] for token in expected["tokens"] if token["piece"] == "doesn"))
    assert next(line for line in table.splitlines() if '"the"' in line).endswith("stop_word")
    kept = sum(token["kept"] for token in expected["tokens"])
    assert f"{len(expected['tokens'])} tokens, {kept} kept" in table and 0 < kept < len(expected["tokens"])


def test_what_cannot_be_previewed_is_refused_as_a_tokenization_is(services: Stack, preview) -> None:
    base = {"tokenizer_name": "tokenmill/bert", "text": "a"}
    for change, field in [
        ({"stride": 2000}, "stride"), ({"max_length": 0}, "max_length"), ({"stop_words_language": "EN"}, "stop_words_language"),
        ({"text": "é" * 32_769}, "text"), ({"colour": 1}, "colour"), ({"packing": "concat"}, "append_eos"),
        ({"tokenizer_name": "a..b/c"}, "tokenizer_name"),
    ]:
        refused = post(services, base | change)
        assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == field, refused.text
    unknown = post(services, base | {"tokenizer_name": "tokenmill/no-such-model"})
    assert unknown.status_code == 404 and unknown.json()["reason"] == "HUB_REPO_NOT_FOUND"
    assert post(services, base | {"tokenizer_revision": "a b"}).json()["reason"] == "INVALID_REVISION"
    assert "`text`" in preview("--tokenizer", "tokenmill/bert", stdin="x" * 70_000, code=2).stderr
    preview("--tokenizer", "tokenmill/bert", "text", "--file", "other", code=2)
