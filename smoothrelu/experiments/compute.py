"""What a run's numbers are made by: one network, one thread.

Only what changes a result stands here and in what is imported here: an edit computes every run
anew. How runs are spread over processes is `smoothrelu.experiments.scheduler`.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from smoothrelu.data.datasets import Dataset, load_dataset
from smoothrelu.networks.mlp import MLP
from smoothrelu.training.full_batch import (
    Diverged,
    Keeper,
    Observer,
    deterministic,
    gradient_descent,
    loss_and_accuracy,
)

if TYPE_CHECKING:
    from smoothrelu.experiments.run import Run

_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_VALUES_AT_ONCE = 2**25  # that one backward pass keeps: 128 MiB in float32


def train(run: Run, device: torch.device, keeper: Keeper | None = None) -> tuple[list[dict], bool]:
    """Train the run's network; its records, and whether it diverged.

    On one thread, so that the numbers are the same whatever else the machine does.
    """
    with deterministic(threads=1):
        dtype = _DTYPES[run.dtype]
        data = dataset(run.dataset, run.n_train, run.n_test, device, dtype)
        net = network(run, data.n_in, data.n_out).to(device, dtype)
        watching = [evaluation(run, data), *(factory(data, run) for factory in run.observe)]
        try:
            records = gradient_descent(
                net,
                data.x_train,
                data.y_train,
                lr=run.lr,
                steps=run.steps,
                observers=watching,
                at_once=examples_at_once(run, data.n_in),
                keeper=keeper,
            )
        except Diverged as stop:
            return stop.records, True
    return records, False


def network(run: Run, n_in: int, n_out: int) -> MLP:
    """The run's network as it starts."""
    net = MLP(n_in, n_out, width=run.width, depth=run.depth, activation=run.activation)
    run.init(net, generator=torch.Generator().manual_seed(run.seed))
    return net


def evaluation(run: Run, data: Dataset) -> Observer:
    """Observer of test_loss, test_acc and train_acc, every run.test_every steps and at the end."""
    at_once = examples_at_once(run, data.n_in)

    def evaluate(step: int, model: nn.Module) -> dict:
        if step % run.test_every and step != run.steps:
            return {}
        test_loss, test_acc = loss_and_accuracy(model, data.x_test, data.y_test, at_once=at_once)
        _, train_acc = loss_and_accuracy(model, data.x_train, data.y_train, at_once=at_once)
        return {"test_loss": test_loss, "test_acc": test_acc, "train_acc": train_acc}

    return evaluate


def examples_at_once(run: Run, n_in: int) -> int:
    """How many examples go through the network at a time, in chunks about equal: by the run's size
    alone, not by the memory at hand, so that the rounding is the same on every machine.
    """
    most = max(1, _VALUES_AT_ONCE // (n_in + 2 * run.width * run.depth))
    return math.ceil(run.n_train / math.ceil(run.n_train / most))


@functools.lru_cache(maxsize=2)
def dataset(
    name: str, n_train: int, n_test: int, device: torch.device, dtype: torch.dtype
) -> Dataset:
    return load_dataset(name, n_train, n_test, device=device, dtype=dtype)
