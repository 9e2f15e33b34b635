"""What every kind of run shares: what the scheduler asks of it, and how its parts are named."""

import functools
import math
from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import nn

from smoothrelu.data.datasets import Dataset, load_dataset
from smoothrelu.training.full_batch import Checkpointer


class Schedulable(Protocol):
    """A frozen dataclass that names all its result depends on: `Run` and `MinibatchRun`."""

    dataset: str
    batchable: bool
    """Whether `smoothrelu.experiments.ensemble` may train it in one batch with others."""

    def description(self) -> dict:
        """The fields as plain values: what the key is made of, and the table's columns."""

    def seconds(self) -> float:
        """About how long it takes on one thread of a CPU: enough to order runs by."""

    def start(self) -> nn.Module:
        """The network as it starts."""

    def train(
        self, device: torch.device, checkpoint: Checkpointer | None = None
    ) -> tuple[list[dict], bool]:
        """Its records, and whether it diverged."""

    def code(self) -> list:
        """The functions and classes it is made of: `run_key` hashes those of other rooms."""


def require_positive(**values) -> None:
    """ValueError, with the name and the value, for what is not a positive integer."""
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")


def require_rate(lr: float) -> None:
    """ValueError for a learning rate that is not positive and finite."""
    if not (isinstance(lr, int | float) and math.isfinite(lr) and lr > 0):
        raise ValueError(f"the learning rate must be positive and finite, got {lr!r}")


def require_callable(**values) -> None:
    """ValueError, with the name and the value, for what cannot be called."""
    for name, value in values.items():
        if not callable(value):
            raise ValueError(f"{name} must be a function or a callable, got {value!r}")


@functools.lru_cache(maxsize=2)
def dataset(
    name: str, n_train: int, n_test: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> Dataset:
    """`load_dataset`, the last two kept in memory."""
    return load_dataset(name, n_train, n_test, device=device, dtype=dtype)


def code_of(models: Iterable[nn.Module], recipes: Iterable[Callable]) -> list:
    """The classes of the modules in the models, and the recipes' own functions or classes."""
    parts = dict.fromkeys(type(part) for model in models for part in model.modules())
    return [*parts, *(f if hasattr(f, "__qualname__") else type(f) for f in recipes)]


def name_of(function: Callable) -> str:
    """A function's name in tables and keys; ValueError for one that cannot be imported by it."""
    name = getattr(function, "__qualname__", repr(function))
    if "<" in name or function.__module__ == "__main__":
        raise ValueError(
            f"a run is found again, and computed in other processes, by the names of its init and "
            f"observers, and {name} has none there: define it in a module"
        )
    if function.__module__.startswith("smoothrelu."):
        return name.removesuffix("_init_")
    return f"{function.__module__}.{name}"


def name_of_recipe(recipe: Callable) -> str:
    """The name of an observer's or network's recipe: a function's own, a dataclass's repr;
    ValueError for a repr that says nothing.
    """
    if hasattr(recipe, "__qualname__"):
        return name_of(recipe)
    if " at 0x" in repr(recipe):
        raise ValueError(
            f"a run is found again by its observers' reprs, and {recipe!r} says nothing: "
            "make it a frozen dataclass"
        )
    return repr(recipe)
