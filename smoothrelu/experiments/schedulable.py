"""What every kind of run shares: what the scheduler asks of it, and how its parts are named."""

import functools
from collections.abc import Callable, Iterable

import torch
from torch import nn

from smoothrelu.data.datasets import Dataset, load_dataset


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
