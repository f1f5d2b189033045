"""2,000 WebSockets with an event a second each, some of which never read: how late the others hear, and the memory.

Postgres, catalog and gateway are the real ones. Events are written straight into the catalog's tables, as its own
steps write them, with the time of the write; the delay is that until the message is in the client's hands.
"""

import argparse
import asyncio
import contextlib
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[2] / "python"))
sys.path.insert(0, str(Path(__file__).parent))
from stack import BINARY, platform
from watcher import Watcher

CONNECTING = 100

# One event for each dataset in turn, spread evenly over each second; each is a transaction, as the catalog's are.
WRITER = """
DO $$
DECLARE
    started timestamptz := clock_timestamp();
    written int := 0;
    total int := (SELECT count(*) FROM datasets);
    one uuid;
    next bigint;
BEGIN
    WHILE clock_timestamp() < started + make_interval(secs => {seconds}) LOOP
        FOR one IN SELECT id FROM datasets ORDER BY id LOOP
            UPDATE datasets SET event_seq = event_seq + 1, version = version + 1 WHERE id = one
                RETURNING event_seq INTO next;
            INSERT INTO events (dataset_id, seq, type, body)
                VALUES (one, next, 'dataset_updated', '{{"event": "dataset_updated", "data": {{"status": "pending"}}}}');
            COMMIT;
            written := written + 1;
            PERFORM pg_sleep(greatest(0, extract(epoch FROM
                started + make_interval(secs => written::float8 / total) - clock_timestamp())));
        END LOOP;
    END LOOP;
END $$;
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=2000)
    parser.add_argument("--stalled", type=int, default=200)
    parser.add_argument("--datasets", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--binary", type=Path, default=BINARY)
    return parser.parse_args()


def resident(pid: int) -> float:
    """Anonymous memory in MB; the process holds all services."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) / 1024


def quantile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)]


async def connect(address: str, dataset: str, stalled: bool, gate: asyncio.Semaphore) -> Watcher:
    host, port = address.split(":")
    async with gate:
        loop = asyncio.get_running_loop()
        _, watcher = await loop.create_connection(lambda: Watcher(address, dataset, stalled), host, int(port))
        await asyncio.wait_for(watcher.ready, 120)
    return watcher


async def measure(options: argparse.Namespace, api: str, pid: int) -> bool:
    address = api.split("/")[2]
    names = [{"repo_id": f"bench/feed-{n}"} for n in range(options.datasets)]
    datasets = [requests.post(f"{api}/datasets", json=body, timeout=30).json()["id"] for body in names]
    before = resident(pid)
    started, gate = time.monotonic(), asyncio.Semaphore(CONNECTING)
    every = options.sockets // options.stalled if options.stalled else options.sockets + 1
    watchers = await asyncio.gather(
        *(connect(address, datasets[n % len(datasets)], n % every == every - 1, gate) for n in range(options.sockets))
    )
    opened = time.monotonic() - started
    connected = resident(pid)
    sql = WRITER.format(seconds=options.seconds)
    writer = await asyncio.create_subprocess_exec(
        "psql", os.environ["DATABASE_URL"], "--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-c", sql
    )
    for watcher in watchers:
        watcher.counting = True
    peak = connected
    while writer.returncode is None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(writer.wait(), 0.5)
        peak = max(peak, resident(pid))
    await asyncio.sleep(1)
    readers = [watcher for watcher in watchers if not watcher.stalled]
    delays = sorted(delay for watcher in readers for delay in watcher.delays)
    ends = {watcher.last for watcher in readers if watcher.dataset == datasets[0]}
    print(f"{options.sockets} sockets over {options.datasets} datasets, {options.stalled} of them stalled; "
          f"open after {opened:.1f} s")
    print(f"{len(delays)} events heard in {options.seconds} s, {len(delays) / options.seconds / len(readers):.2f} "
          f"a second for each reader; gaps {sum(w.gaps for w in readers)}, closed {sum(w.closed_with is not None for w in readers)}, "
          f"the last number is the same for all: {len(ends) == 1}")
    print("delay ms: " + ", ".join(f"{name} {quantile(delays, part) * 1000:.1f}"
                                   for name, part in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)]))
    print(f"memory MB of all services: {before:.0f} before, {connected:.0f} connected, {peak:.0f} at most "
          f"({(peak - before) * 1024 / options.sockets:.0f} KB a socket)")
    return quantile(delays, 0.99) <= 0.5 and not any(watcher.gaps for watcher in readers) and len(ends) == 1


def main() -> int:
    options = arguments()
    with platform(options.binary, DATABASE_URL=os.environ["DATABASE_URL"]) as stack:
        return 0 if asyncio.run(measure(options, stack.api, stack.pid)) else 1


if __name__ == "__main__":
    sys.exit(main())
