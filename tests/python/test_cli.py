"""The command line as a person uses it: the story, its JSON, and its exit codes."""

import json
import os
import subprocess

import datasets
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as pq
import pytest
import requests
from stack import BINARY, HUB, Stack

DATASET = "tokenmill/english-docs"
OK, FAILED, USAGE, NOT_FOUND, REFUSED = 0, 1, 2, 3, 4


@pytest.fixture(scope="module")
def tokenmill(services: Stack):
    def run(*arguments: str, code: int = OK) -> subprocess.CompletedProcess:
        command = [str(BINARY), "--catalog-url", f"http://{services.catalog}", *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        assert answer.returncode == code, f"{arguments}: {answer.returncode}\n{answer.stdout}\n{answer.stderr}"
        return answer

    return run


def test_the_whole_story(tokenmill) -> None:
    added = json.loads(tokenmill("--json", "dataset", "add", DATASET, "--name", "cli story").stdout)
    assert added["status"] == "pending" and added["name"] == "cli story"

    pulled = json.loads(tokenmill("--json", "dataset", "pull", "cli story").stdout)
    rows = sum(pq.read_metadata(file).num_rows for file in (HUB / "datasets" / DATASET / "data").glob("*.parquet"))
    assert pulled["status"] == "ready" and pulled["row_count"] == rows
    metadata = pulled["metadata"]
    assert metadata["left_out"] == [{"path": "README.md", "rule": "reserved_name"}] and metadata["left_out_count"] == 1
    assert "cli story" in tokenmill("dataset", "ls", "cli").stdout
    assert "validation" in tokenmill("dataset", "show", added["id"]).stdout

    create = ["tokenization", "create", "cli story", "--tokenizer", "tokenmill/bert", "--preset", "lm",
              "--max-length", "128", "--stride", "16", "--split", "validation"]
    made = json.loads(tokenmill("--json", *create).stdout)
    assert made["status"] == "ready" and made["num_tokens"] > 0
    again = tokenmill("--json", *create)
    assert json.loads(again.stdout)["id"] == made["id"] and "nothing to do" in again.stderr
    assert made["id"] in tokenmill("tokenization", "ls", "cli story").stdout

    statistics = json.loads(tokenmill("--json", "tokenization", "stats", "cli story", "--top", "3").stdout)
    assert statistics["total_tokens"] == made["num_tokens"] and len(statistics["vocab_distribution"]) == 3
    jobs = json.loads(tokenmill("--json", "jobs", "--dataset", "cli story").stdout)
    assert {(job["kind"], job["state"]) for job in jobs} == {("ingest", "succeeded"), ("tokenize", "succeeded")}
    assert "JOB_TERMINAL" in tokenmill("jobs", "retry", jobs[0]["id"], code=REFUSED).stderr

    refused = tokenmill("dataset", "rm", "cli story", code=REFUSED)
    assert "--yes" in refused.stderr
    tokenmill("dataset", "rm", "cli story", "--yes")
    tokenmill("dataset", "show", added["id"], code=NOT_FOUND)


def test_failures_say_why_and_what_next(tokenmill) -> None:
    assert "INVALID_REPO_ID" in tokenmill("dataset", "add", "a..b/c", code=USAGE).stderr
    assert "dataset ls" in tokenmill("dataset", "show", "no such dataset", code=NOT_FOUND).stderr
    tokenmill("dataset", code=USAGE)
    added = json.loads(tokenmill("--json", "dataset", "add", "tokenmill/no-such-repository").stdout)
    failed = tokenmill("--json", "dataset", "pull", added["id"], code=FAILED)
    assert json.loads(failed.stderr)["reason"] == "HUB_REPO_NOT_FOUND"
    pull = ["dataset", "pull", added["id"], "--hf-token-file"]
    assert "cannot be read" in tokenmill(*pull, "/nonexistent", code=USAGE).stderr
    # Standard input is empty here, so that this also shows that the token is sent.
    assert "hf_token" in tokenmill(*pull, "-", code=USAGE).stderr
    early = tokenmill("tokenization", "create", added["id"], "--tokenizer", "tokenmill/bert", code=REFUSED)
    assert "DATASET_NOT_READY" in early.stderr
    tokenmill("dataset", "rm", added["id"], "--yes")


def test_a_gateway_for_other_machines_is_refused_before_anything_starts(tmp_path) -> None:
    up = [str(BINARY), "up", "--gateway", "0.0.0.0:0", "--internal-port", "0", "--data-dir", str(tmp_path / "data")]
    environment = {name: value for name, value in os.environ.items() if name != "TOKENMILL_AUTH__MODE"}
    answer = subprocess.run(up, capture_output=True, text=True, timeout=60, env=environment)
    assert answer.returncode == FAILED and "TOKENMILL_AUTH__MODE=none" in answer.stderr, answer
    assert not (tmp_path / "data").exists()


def test_a_repository_is_looked_at_and_files_are_sent(tokenmill, services: Stack, tmp_path) -> None:
    at = ["--ingestion-url", f"http://{services.ingestion}"]
    shown = json.loads(tokenmill("--json", "dataset", "preview", DATASET, "--rows", "3", *at).stdout)
    file = HUB / "datasets" / DATASET / "data/train-00000-of-00004.parquet"
    assert shown["first_rows"] == pq.read_table(file).slice(0, 3).to_pylist()
    assert [split["name"] for split in shown["configs"][0]["splits"]] == ["train", "validation"]
    told = tokenmill("dataset", "preview", DATASET, "--split", "validation", *at).stdout
    assert "default (default)" in told and "data/validation" in told and "row 4" in told
    missing = tokenmill("--json", "dataset", "preview", "tokenmill/none", *at, code=NOT_FOUND)
    assert json.loads(missing.stderr)["reason"] == "HUB_REPO_NOT_FOUND"

    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps({"text": f"line {n}"}) + "\n" for n in range(1000)))
    upload = ["dataset", "upload", str(file), str(lines), "--name", "sent", *at]
    sent = json.loads(tokenmill("--json", *upload).stdout)
    assert (sent["status"], sent["source"]) == ("ready", "upload")
    assert sent["row_count"] == pq.read_metadata(file).num_rows + 1000
    assert "NAME_TAKEN" in tokenmill(*upload, code=REFUSED).stderr
    with file.open("rb") as content:
        form = requests.post(f"{services.api}/datasets/upload", data={"name": "form"}, files={"files": content}, timeout=60)
    assert form.status_code == 202 and form.json()["dataset"]["name"] == "form", form.text
    tokenmill("dataset", "rm", "form", "--yes")
    assert "cannot be read" in tokenmill("dataset", "upload", str(tmp_path / "none.csv"), "--name", "x", *at,
                                         code=FAILED).stderr
    assert "DATASET_READY" in tokenmill("dataset", "pull", "sent", code=REFUSED).stderr
    tokenmill("dataset", "rm", "sent", "--yes")

    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "one"}\n{"text": "tw\n{"text": "three"}\n')
    upload = ["dataset", "upload", str(bad), "--name", "bad", *at]
    failed = tokenmill(*upload, code=FAILED).stderr
    assert "SOURCE_CORRUPT" in failed and "line 2 of `bad.jsonl`" in failed and "on_bad_rows" in failed
    pulled = tokenmill("dataset", "pull", "bad", "--on-bad-rows", "skip").stdout
    assert "2 rows" in pulled and "cannot be read: 1\n" in pulled and "bad.jsonl, line 2: " in pulled
    tokenmill("dataset", "rm", "bad", "--yes")
    skipped = json.loads(tokenmill("--json", *upload, "--on-bad-rows", "skip").stdout)
    assert skipped["row_count"] == 2 and skipped["metadata"]["skipped_rows"]["count"] == 1
    tokenmill("dataset", "rm", "bad", "--yes")


def test_completions_and_version_need_no_server(tokenmill) -> None:
    assert "tokenmill" in tokenmill("completions", "bash").stdout
    assert tokenmill("version").stdout.strip().count(".") == 2


def test_a_read_plan_is_read_looked_up_and_proven(tokenmill, services: Stack, tmp_path) -> None:
    added = json.loads(tokenmill("--json", "dataset", "add", DATASET, "--name", "plans").stdout)
    tokenmill("--json", "dataset", "pull", added["id"])
    made = json.loads(tokenmill("--json", "tokenization", "create", added["id"], "--tokenizer", "tokenmill/bert",
                                "--preset", "lm", "--max-length", "64", "--stride", "0", "--split", "validation").stdout)
    plan = {"sources": [{"tokenization_id": made["id"]}], "seed": 4, "shuffle": "global", "global_batch_rows": 12,
            "world_size": 3}
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    at = ["--flight-url", services.flight.replace("grpc:", "http:")]

    rows = [json.loads(line) for line in tokenmill("read", str(file), "--step", "9", *at).stdout.splitlines()]
    looked = json.loads(tokenmill("--json", "plan", "lookup", str(file), "--step", "9", *at).stdout)
    found = [(rank["rank"], row["doc"], row["window"]) for rank in looked["ranks"] for row in rank["rows"]]
    assert [(row["rank"], row["doc"], row["window"]) for row in rows] == found and len(found) == 12
    one = tokenmill("read", json.dumps(plan), "--step", "9", "--rank", "2", *at).stdout.splitlines()
    assert [json.loads(line) for line in one] == rows[8:]
    assert "data/validation" in tokenmill("plan", "lookup", str(file), "--step", "9", *at).stdout

    proof = json.loads(tokenmill("--json", "plan", "verify", str(file), *at).stdout)
    assert proof["exactly_once"] and proof["rows_read"] + proof["dropped_rows"] == made["num_sequences"]
    assert "each row once   true" in tokenmill("plan", "verify", str(file), *at).stdout
    bad = json.dumps({**plan, "world_size": 5})
    assert "world_size" in tokenmill("plan", "verify", bad, *at, code=USAGE).stderr
    assert "not a JSON object" in tokenmill("plan", "verify", "{", *at, code=USAGE).stderr
    unknown = json.dumps({**plan, "sources": [{"tokenization_id": added["id"]}]})
    tokenmill("read", unknown, "--step", "0", *at, code=NOT_FOUND)

    exported = {}
    for form in ("parquet", "datasets"):
        told = json.loads(tokenmill("--json", "export", made["id"], str(tmp_path / form), "--format", form, *at).stdout)
        assert told["rows"] == made["num_sequences"], told
        exported[form] = tmp_path / form
    client = flight.connect(services.flight)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", made["id"]))
    stored = pa.concat_tables(client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints)
    assert pq.read_table(exported["parquet"]).equals(stored)
    folder = datasets.load_from_disk(exported["datasets"])
    assert folder.num_rows == stored.num_rows and folder["input_ids"][:] == stored["input_ids"].to_pylist()
    assert "exists" in tokenmill("export", made["id"], str(exported["parquet"]), *at, code=REFUSED).stderr
    tokenmill("export", added["id"], str(tmp_path / "none"), *at, code=NOT_FOUND)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "parquet", "plan.json"], "nothing half-made"
    tokenmill("dataset", "rm", "plans", "--yes")
