"""Paired measurements: A B A B …, medians, and the peak of anonymous memory.

Machines are noisy and drift, so a figure is only worth something beside its peer in the same run: the two are measured
in turn and the ratio is taken pair by pair. A memory map is not a cost, so memory is what is anonymous, summed over a
process and its children.
"""

import statistics
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Series:
    """The runs of one contender."""

    name: str
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    def median(self) -> float:
        return statistics.median(self.seconds)


class Memory:
    """Samples the anonymous memory of a process tree while the `with` block runs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peak = 0
        # Of the process alone, without its children.
        self.own = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        children = ticks = 0
        while not self._stop.wait(0.05):
            # To look at a dozen of servers costs 5 ms of a core, which is not to be taken from what is measured.
            if ticks % 5 == 0:
                children = sum(_anonymous(pid) for pid in _tree(self.pid)[1:])
            ticks += 1
            own = _anonymous(self.pid)
            self.peak, self.own = max(self.peak, own + children), max(self.own, own)


def _tree(pid: int) -> list[int]:
    found = [pid]
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    for task in tasks:
        try:
            found += [member for child in task.read_text().split() for member in _tree(int(child))]
        except OSError:
            continue
    return found


def _anonymous(pid: int) -> int:
    # The same as `Anonymous` of smaps_rollup, which walks through all pages, on a core that is being measured.
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)


def rounds(
    contenders: dict[str, Callable[[], tuple[float, int]]], count: int, once: Collection[str] = ()
) -> list[Series]:
    """Runs all contenders in turn, `count` times, those in `once` in the first round only; each returns (seconds, peak
    bytes)."""
    series = {name: Series(name) for name in contenders}
    for number in range(count):
        for name, contender in contenders.items():
            if number > 0 and name in once:
                continue
            seconds, peak = contender()
            series[name].seconds.append(seconds)
            series[name].peak_bytes = max(series[name].peak_bytes, peak)
    return list(series.values())


def table(series: list[Series], megabytes: float, megatokens: float | None = None) -> None:
    """Prints a row a contender; ratios say how many times as fast the first one is, as the median of the rounds'."""
    of_tokens = "" if megatokens is None else f"{'Mtok/s':>10}"
    print(f"{'':<34}{'seconds':>10}{'MB/s':>10}{of_tokens}{'ratio':>10}{'peak MB':>10}   all rounds")
    for one in series:
        runs = " ".join(f"{seconds:.2f}" for seconds in one.seconds)
        ratio = statistics.median(theirs / ours for ours, theirs in zip(series[0].seconds, one.seconds, strict=False))
        tokens = "" if megatokens is None else f"{megatokens / one.median():>10.1f}"
        speed = f"{one.median():>10.2f}{megabytes / one.median():>10.1f}{tokens}"
        print(f"{one.name:<34}{speed}{ratio:>9.2f}×{one.peak_bytes / 1e6:>10.0f}   {runs}")
