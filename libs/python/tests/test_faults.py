"""Connections that break, shards that are damaged: a run goes on exactly, or stops with the right name."""

import contextlib
import socket
import threading

import pytest
import requests
from running import Service, until
from tokenmill import DataLoss, TokenDataset


class Cutter:
    """A TCP proxy that cuts each connection after so many bytes from the service; without a limit it only forwards."""

    def __init__(self, target: str, limit: int) -> None:
        host, port = target.removeprefix("grpc://").split(":")
        self.target, self.limit, self.cut = (host, int(port)), limit, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"grpc://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                threading.Thread(target=self._pump, args=(near, far, None), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, self.limit), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if limit is not None and passed > limit:
                    self.cut += 1
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()


def ids(url: str, service: Service) -> list[bytes]:
    ds = TokenDataset(url, service.gpt2, global_batch_rows=24, seed=2, epochs=12, rank=1, world_size=2, retry_seconds=60)
    return [batch["input_ids"].tobytes() for batch in ds]


def test_a_connection_that_breaks_costs_nothing_but_time(service) -> None:
    whole = ids(service.url, service)
    # Somewhat more than a message, so that each try gets on.
    cutter = Cutter(service.url, 2_700_000)
    try:
        assert ids(cutter.url, service) == whole
    finally:
        cutter.close()
    print(f"{len(whole)} steps, {cutter.cut} connections cut")
    assert cutter.cut >= 1


def test_damage_stops_the_run(service) -> None:
    config = {"tokenizer_name": "tokenmill/gpt2", "max_length": 32, "stride": 0, "split": "validation",
              "filter_special_tokens": False, "filter_stop_words": False, "min_token_length": 0}
    api = service.stack.api
    started = requests.post(f"{api}/datasets/{service.dataset}/tokenize", json=config, timeout=30)
    tokenization = started.json()["tokenization_id"]
    record = until(f"{api}/tokenizations/{tokenization}", "ready")
    folder = service.stack.data_dir / record["token_file_path"]
    shard = next((folder if folder.is_dir() else folder.parent).glob("tokens-*.arrow"))
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    with pytest.raises(DataLoss, match="damaged"):
        for _ in TokenDataset(service.url, tokenization, global_batch_rows=8):
            pass
