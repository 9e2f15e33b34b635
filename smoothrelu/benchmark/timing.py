"""Two pieces of code side by side: timed in turn, round after round, and compared round by round.

On a shared machine a time means little and a ratio of neighbours in time means much: whatever
slows one contestant down slows down the other. A row's figure is the median ratio, with the
quartiles over the rounds.
"""

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

Sample = Callable[[], float]
"""Seconds that one call takes, measured now."""


@dataclass(frozen=True)
class Row:
    """One line of the table: ours against a peer, as the ratio of their times.

    ratio, low, high: median and quartiles over the rounds; target: what the ratio should not
    exceed, None where there is none; seconds: the medians of one call; difference: of the two
    results, None where they are not the same quantity.
    """

    work: str
    case: str
    peer: str
    threads: int
    ratio: float
    low: float
    high: float
    target: float | None
    our_seconds: float
    peer_seconds: float
    rounds: int
    difference: float | None = None


def timed(function: Callable[[], object], *, at_least: float = 0.02) -> Sample:
    """A sample that repeats the call for `at_least` seconds or once, after two calls to warm up."""
    function()
    start = time.perf_counter()
    function()
    repeats = max(1, round(at_least / (time.perf_counter() - start)))

    def sample() -> float:
        start = time.perf_counter()
        for _ in range(repeats):
            function()
        return (time.perf_counter() - start) / repeats

    return sample


def in_turn(samples: dict[str, Sample], *, rounds: int) -> dict[str, list[float]]:
    """The seconds of each contestant, round by round; every other round in the reverse order."""
    seconds: dict[str, list[float]] = {name: [] for name in samples}
    names = list(samples)
    for _ in range(rounds):
        with _no_garbage_collection():
            for name in names:
                seconds[name].append(samples[name]())
        names.reverse()
    return seconds


def against(
    work: str,
    peer: str,
    ours: dict[str, Sample],
    theirs: Sample,
    *,
    targets: dict[str, float | None],
    threads: int,
    rounds: int = 15,
    difference: float | None = None,
) -> list[Row]:
    """A row for each of our contestants, by case, all in turn with one peer."""
    seconds = in_turn({peer: theirs} | ours, rounds=rounds)
    rows = []
    for case in ours:
        ratios = [a / b for a, b in zip(seconds[case], seconds[peer], strict=True)]
        low, median, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 3
        medians = (statistics.median(seconds[name]) for name in (case, peer))
        row = (work, case, peer, threads, median, low, high, targets[case], *medians, rounds)
        rows.append(Row(*row, difference))
    return rows


def within(
    work: str, case: str, budget: float, sample: Sample, *, threads: int, rounds: int = 15
) -> Row:
    """A row for work that has no peer, only seconds it should not exceed."""
    seconds = [sample() for _ in range(rounds)]
    low, median, high = statistics.quantiles(seconds, n=4) if rounds > 1 else seconds * 3
    shares = (s / budget for s in (median, low, high))
    return Row(work, case, f"{budget:g} s", threads, *shares, 1.0, median, budget, rounds)


def warm_allocator() -> None:
    """Free 31 MiB once, as every process has that loaded data.

    The C library then keeps freed memory of up to twice that. A process that never held more than
    one activation returns it to the system after each call and takes it back page by page, which
    doubles the time of any small tensor operation by an accident of their order.
    """
    torch.zeros(31 * 2**18)


@contextlib.contextmanager
def with_threads(count: int) -> Iterator[None]:
    """torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
