"""The whole platform as processes of their own: a local Hub with the sample repositories, and `tokenmill up`."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / ".tools/data/hub"
BINARY = ROOT / "target/debug/tokenmill"


@dataclass
class Stack:
    """Where the services of a running platform are."""

    api: str
    feed: str
    flight: str
    catalog: str
    ingestion: str
    tokenization: str
    hub: str
    data_dir: Path
    binary: Path
    pid: int


def free_ports(count: int) -> list[int]:
    """Free ports below those that the system hands out by itself, so that nobody is given one before its use."""
    with contextlib.ExitStack() as stack:
        free = []
        for port in random.sample(range(20_000, 30_000), 1000):
            if len(free) == count:
                return free
            with contextlib.suppress(OSError):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                free.append(port)
    raise RuntimeError(f"no {count} free ports")


@contextlib.contextmanager
def running(command: list, log: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """A process that is asked to stop at the end, and must obey."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "NATS_URL")}
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, stderr=out, stdout=out, env={**inherited, **environment}
        )
        try:
            yield process
        except BaseException:
            print(f"--- end of {log.name}\n" + "\n".join(log.read_text().splitlines()[-40:]), file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def wait_ready(url: str, process: subprocess.Popen) -> None:
    """Waits until `url` answers 200."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the process ended with {process.returncode} before it was ready")
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(url, timeout=2).status_code == 200:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{url} was not ready within 60 s")


@contextlib.contextmanager
def platform(
    binary: Path = BINARY, hub: Path = HUB, folder: Path | None = None, **environment: str
) -> Iterator[Stack]:
    """Starts Hub and platform on private ports, with their data inside `folder`, else where temporary files lie; leaves
    nothing running and nothing on the disk."""
    hub_port, gateway, flight, catalog, ingestion, tokenization = free_ports(6)
    ports = {"gateway": gateway, "flight": flight, "catalog": catalog, "ingestion": ingestion,
             "tokenization": tokenization}
    with tempfile.TemporaryDirectory(prefix="tokenmill-", dir=folder) as own, contextlib.ExitStack() as stack:
        logs, data_dir = Path(own), Path(own) / "data"
        serve = [binary, "hub", "serve", hub, "--listen", f"127.0.0.1:{hub_port}"]
        stack.enter_context(running(serve, logs / "hub.log"))
        command = [binary, "up", "--data-dir", data_dir, "--internal-port", "0"]
        for name, port in ports.items():
            command += [f"--{name}", f"127.0.0.1:{port}"]
        environment = {"HF_ENDPOINT": f"http://127.0.0.1:{hub_port}", **environment}
        up = stack.enter_context(running(command, logs / "tokenmill.log", **environment))
        wait_ready(f"http://127.0.0.1:{gateway}/readyz", up)
        yield Stack(
            api=f"http://127.0.0.1:{gateway}/api/v1",
            feed=f"ws://127.0.0.1:{gateway}/api/v1/ws",
            flight=f"grpc://127.0.0.1:{flight}",
            catalog=f"127.0.0.1:{catalog}",
            ingestion=f"127.0.0.1:{ingestion}",
            tokenization=f"127.0.0.1:{tokenization}",
            hub=environment["HF_ENDPOINT"],
            data_dir=data_dir,
            binary=binary,
            pid=up.pid,
        )


def subscribe(feed, dataset: str) -> None:
    """Follows a dataset on an open feed: every event from now on is told, however soon it comes."""
    feed.send(json.dumps({"type": "subscribe", "channel": f"dataset/{dataset}"}))
    while json.loads(feed.recv(timeout=60)).get("event") != "snapshot":
        continue


def until(url: str, wanted: str) -> dict:
    """The dataset or tokenization at `url` once it is in the state that is wanted."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        record = requests.get(url, timeout=30).json()
        if record["status"] == wanted:
            return record
        assert record["status"] != "failed", record
        time.sleep(0.05)
    raise TimeoutError(f"{url} was not {wanted} within 300 s")
