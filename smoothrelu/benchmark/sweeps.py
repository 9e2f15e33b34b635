"""Sweeps of many networks beside a loop over nn.Module and torch.optim.SGD; start-up; the book."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from smoothrelu.activations.smooth_relu import SWISH
from smoothrelu.benchmark.timing import Row, Sample, against, with_threads, within
from smoothrelu.data.datasets import load_dataset
from smoothrelu.experiments.run import Run, grid
from smoothrelu.experiments.store import Store
from smoothrelu.experiments.sweeps import sweep
from smoothrelu.networks.initialisation import critical_init_
from smoothrelu.networks.mlp import MLP

_ROOT = Path(__file__).parents[2]
_SIZES = {
    "32 nets, N = 100, width 64": ({"n_train": 100, "width": 64, "seed": list(range(32))}, 1000, 3),
    "8 nets, N = 1000, width 256": (
        {"n_train": 1000, "width": 256, "seed": list(range(8))},
        150,
        1.1,
    ),
    "3 nets, N = 500, width 128": ({"n_train": 500, "width": 128, "seed": [0, 1, 2]}, 60, 1),
}


def sweeps(threads: int) -> Iterator[Row]:
    """From the call to the table, processes and data loading included, each time in a new store."""
    for case, (size, steps, faster) in _SIZES.items():
        runs = _runs(steps, **size)
        with with_threads(threads):
            yield from against(
                "sweep, MNIST, ten hidden layers",
                "loop, nn.Module and torch.optim.SGD",
                {case: _whole(runs, threads)},
                _loop(runs),
                targets={case: 1 / faster},
                threads=threads,
                rounds=3,
            )


def sweep_of(nets: int, steps: int = 300) -> None:
    """A sweep of so many small nets."""
    _anew(_runs(steps, n_train=100, width=64, seed=list(range(nets))))


def _runs(steps: int, **size) -> list[Run]:
    options = {"steps": steps, "test_every": steps, "dataset": "mnist", "n_test": 100}
    return grid(activation=SWISH(0.5), init=critical_init_, lr=0.01, **options, **size)


def _anew(runs: list[Run], workers: int | None = None) -> None:
    """The sweep in a new store."""
    with tempfile.TemporaryDirectory() as folder:
        sweep(runs, store=Store(folder), progress=None, workers=workers)


def _whole(runs: list[Run], threads: int) -> Sample:
    def sample() -> float:
        start = time.perf_counter()
        _anew(runs, workers=None if threads > 1 else 1)
        return time.perf_counter() - start

    return sample


def _loop(runs: list[Run]) -> Sample:
    def sample() -> float:
        start = time.perf_counter()
        for run in runs:
            data = load_dataset(run.dataset, n_train=run.n_train, n_test=run.n_test)
            net = MLP(784, 10, width=run.width, depth=run.depth, activation=run.activation)
            critical_init_(net, generator=torch.Generator().manual_seed(run.seed))
            optimizer = torch.optim.SGD(net.parameters(), lr=run.lr)
            for _ in range(run.steps):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(data.x_train), data.y_train)
                loss.backward()
                loss.item()  # a sweep keeps the loss of each step
                optimizer.step()
        return time.perf_counter() - start

    return sample


def start_up(threads: int) -> Iterator[Row]:
    """A new process that imports us, against one that imports torch."""
    case = "from smoothrelu import critical_init_"
    ours, theirs = (_command([sys.executable, "-c", c], _ROOT) for c in (case, "import torch"))
    ours(), theirs()  # the files of both are read from the disk once
    yield from against(
        "start of a process",
        "import torch",
        {case: ours},
        theirs,
        targets={case: 1.10},
        threads=threads,
        rounds=9,
    )


def book(threads: int) -> Iterator[Row]:
    """A clone's first book, the same with nothing changed, and one chapter at a new temperature."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "book"
        subprocess.run(["git", "clone", "--quiet", _ROOT, clone], check=True)
        build = [sys.executable, "-m", "smoothrelu.book.runner", "build"]
        chapter = [*build[:-1], "chapter", "02_initialization", "--params=temperatures=[0.3]"]
        work = "the book, quick profile"
        for case, command, budget in [
            ("cold, all chapters", build, 8 * 60),
            ("nothing changed", build, 3),
            ("one chapter at a new temperature", chapter, 40),
        ]:
            sample = _command(command, clone)
            yield within(work, case, budget, sample, threads=threads, rounds=1)


def _command(command: list[str], folder: Path) -> Sample:
    def sample() -> float:
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
        return time.perf_counter() - start

    return sample
