"""A client that knows nothing but the protos runs the whole story; transformers-free, judged by pyarrow."""

import importlib
import sys
from pathlib import Path

import grpc
import pyarrow.compute as pc
import pyarrow.flight as flight
import pyarrow.parquet as pq
import pytest
from grpc_tools import protoc
from stack import HUB, ROOT, Stack

DATASET = "tokenmill/english-docs"


@pytest.fixture(scope="module")
def protos(tmp_path_factory) -> Path:
    """Python code generated from proto/, as any client would."""
    out = tmp_path_factory.mktemp("generated")
    files = [str(path) for path in (ROOT / "proto").rglob("catalog/v1/*.proto")]
    include = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{include}", f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(arguments + files) == 0
    sys.path.insert(0, str(out))
    yield out
    sys.path.remove(str(out))


def test_the_whole_story(services: Stack, protos: Path) -> None:
    package = "tokenmill.catalog.v1"
    datasets, datasets_rpc = (importlib.import_module(f"{package}.datasets_pb2{kind}") for kind in ("", "_grpc"))
    tokenizations, tokenizations_rpc = (
        importlib.import_module(f"{package}.tokenizations_pb2{kind}") for kind in ("", "_grpc")
    )
    watch, watch_rpc = (importlib.import_module(f"{package}.watch_pb2{kind}") for kind in ("", "_grpc"))
    with grpc.insecure_channel(services.catalog) as channel:
        dataset_service = datasets_rpc.DatasetServiceStub(channel)
        created = dataset_service.Create(datasets.DatasetServiceCreateRequest(repo_id=DATASET, name="grpc story"))
        identity = created.dataset.id
        job = dataset_service.StartIngest(datasets.StartIngestRequest(dataset_id=identity)).job_id

        def follow(finished: str, failed: str, since: int | None = None):
            """Numbered events, in order without a gap, until one of them ends a job."""
            stream = watch_rpc.WatchServiceStub(channel).WatchDataset(
                watch.WatchDatasetRequest(dataset_id=identity, since_seq=since), timeout=300
            )
            expected = None
            for message in stream:
                if message.HasField("snapshot"):
                    expected = message.snapshot.seq + 1
                    kind, event = message.snapshot.last_terminal.WhichOneof("body"), message.snapshot.last_terminal
                else:
                    kind, event = message.event.WhichOneof("body"), message.event
                    if event.HasField("seq") and expected is not None:
                        assert event.seq == expected, "a numbered event is missing"
                        expected += 1
                assert kind != failed, event
                if kind == finished:
                    stream.cancel()
                    return event
            raise AssertionError("the feed ended")

        done = follow("download_completed", "download_failed")
        assert done.download_completed.job_id == job
        sources = sorted((HUB / "datasets" / DATASET / "data").glob("*.parquet"))
        rows = {}
        for file in sources:
            split = file.name.split("-")[0]
            rows[split] = rows.get(split, 0) + pq.read_metadata(file).num_rows
        dataset = dataset_service.Get(datasets.DatasetServiceGetRequest(id=identity)).dataset
        assert {split.name: split.row_count for split in dataset.splits} == rows

        config = tokenizations.TokenizeConfig(tokenizer_name="tokenmill/gpt2", max_length=512, stride=64, split="validation")
        tokenization_service = tokenizations_rpc.TokenizationServiceStub(channel)
        request = tokenizations.TokenizationServiceCreateRequest(dataset_id=identity, config=config)
        tokenization = tokenization_service.Create(request).tokenization.id
        follow("tokenization_completed", "tokenization_failed")
        statistics = tokenization_service.GetStatistics(
            tokenizations.GetStatisticsRequest(dataset_id=identity, tokenization_id=tokenization, top=5)
        ).statistics

    client = flight.connect(services.flight)
    info = client.get_flight_info(flight.FlightDescriptor.for_path("tokenizations", tokenization))
    tables = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    counts: dict[int, int] = {}
    for table in tables:
        for entry in pc.value_counts(pc.list_flatten(table["input_ids"])).to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    print(f"{sum(rows.values()):,} rows; {sum(counts.values()):,} tokens in {sum(t.num_rows for t in tables):,} sequences")
    assert sum(table.num_rows for table in tables) == statistics.total_sequences
    assert sum(counts.values()) == statistics.total_tokens
    assert len(counts) == statistics.unique_tokens
    for entry in statistics.vocab_distribution:
        assert counts[entry.token_id] == entry.count
    assert statistics.documents_in == rows["validation"]
