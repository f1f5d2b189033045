"""One rank's rows from a step on: a thread that reads ahead, and goes on where it was when the connection breaks.

gRPC does not survive a fork: in the child of a process that has used it, even a new client waits for ever. So a client
is made at the moment that it is used, and a child of such a process is refused instead.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import flight

from .batches import Rows
from .errors import InvalidPlan, TokenmillError, is_passing, translated
from .plan import Description, ReadPlan

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

# The processes that made clients: this one, and those that it is a fork of.
_users: set[int] = set()


def _connect(url: str) -> flight.FlightClient:
    if _users - {os.getpid()}:
        raise TokenmillError("this process was forked from one that reads already, which gRPC does not survive: start "
                             "workers before the first batch, or with the method spawn or forkserver")
    _users.add(os.getpid())
    return flight.FlightClient(url)


class Stream:
    """Rows of `plan` for one rank. Iterating gives what each message holds; `close` ends the thread."""

    def __init__(self, url: str, plan: ReadPlan, rank: int, world_size: int, start_step: int, *,
                 epochs: int | None, run_id: str | None, retry_seconds: float, prefetch: int) -> None:
        self.url, self.plan, self.rank, self.world_size = url, plan, rank, world_size
        self.start_step, self.run_id, self.retry_seconds = start_step, run_id, retry_seconds
        self.schema: pa.Schema
        self.description: Description
        self._client: flight.FlightClient | None = None
        self._stopped = threading.Event()
        self._queue: queue.Queue[Rows | BaseException | None] = queue.Queue(maxsize=max(1, prefetch))
        if epochs is not None:
            # How long an epoch is, only the service knows.
            self._retrying(lambda: self._info(0))
            if self.description.steps_per_epoch is None:
                raise InvalidPlan("mixed sources have no common epoch: give `end_step`", field="epochs")
            self.plan = plan.until(epochs * self.description.steps_per_epoch)
        # The first request is made here, so that a bad plan is the caller's error and not the thread's.
        ticket = self._retrying(lambda: self._info(start_step))
        self._thread = threading.Thread(target=self._run, args=(ticket,), name="tokenmill-prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Rows]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            # The thread may wait for room.
            try:
                self._queue.get_nowait()
            except queue.Empty:
                self._thread.join(timeout=0.05)
        if self._client is not None:
            self._client.close()
            self._client = None

    def _info(self, step: int) -> flight.Ticket:
        if self._client is None:
            self._client = _connect(self.url)
        descriptor = flight.FlightDescriptor.for_command(self.plan.command(self.rank, self.world_size, step))
        info = self._client.get_flight_info(descriptor, self._options())
        self.schema, self.description = info.schema, Description.parse(info.app_metadata)
        return info.endpoints[0].ticket

    def _options(self) -> flight.FlightCallOptions:
        headers = [(b"x-tokenmill-rank", str(self.rank).encode()),
                   (b"x-tokenmill-world-size", str(self.world_size).encode())]
        if self.run_id:
            headers.append((b"x-tokenmill-run-id", self.run_id.encode()))
        return flight.FlightCallOptions(headers=headers)

    def _run(self, ticket: flight.Ticket | None) -> None:
        step, done = self.start_step, 0
        try:
            while ticket is not None:
                ticket, step, done = self._read(ticket, step, done)
            self._put(None)
        except BaseException as error:  # noqa: BLE001: it is the consumer's to see
            self._put(translated(error))

    def _read(self, ticket: flight.Ticket, step: int, done: int) -> tuple[flight.Ticket | None, int, int]:
        """Reads to the end, or until the connection breaks; then there is a ticket to go on with.

        `done` rows were given out, counted from the beginning of `step`, which is where the ticket begins.
        """
        skip = done
        try:
            for chunk in self._client.do_get(ticket, self._options()):
                rows = Rows.of(chunk.data)
                dropped = min(skip, len(rows))
                skip -= dropped
                if dropped == len(rows):
                    continue
                rows = rows.cut(dropped, len(rows))
                if not self._put(rows):
                    return None, step, done
                done += len(rows)
            return None, step, done
        except (pa.ArrowException, flight.FlightError) as error:
            if not is_passing(error):
                raise
        while done >= (size := self.description.rows_of(step, self.rank, self.world_size)) > 0:
            step, done = step + 1, done - size
        return self._retrying(lambda: self._info(step)), step, done

    def _retrying(self, ask: Callable[[], flight.Ticket]) -> flight.Ticket:
        until, pause = time.monotonic() + self.retry_seconds, _FIRST_PAUSE
        while True:
            try:
                return ask()
            except (pa.ArrowException, flight.FlightError, KeyError) as error:
                if not is_passing(error) or time.monotonic() + pause > until or self._stopped.is_set():
                    raise translated(error) from error
                self._client = None
                self._stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _put(self, item: Rows | BaseException | None) -> bool:
        """False when nobody wants it any more."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
