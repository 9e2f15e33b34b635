"""A `Run` names exactly what a result depends on."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable

import torch
from torch import nn

from smoothrelu.data.datasets import Dataset, load_dataset
from smoothrelu.experiments import compute
from smoothrelu.experiments.description import activation_columns
from smoothrelu.networks.mlp import Init
from smoothrelu.training.full_batch import Keeper, Observer

_FLOPS = 5e10  # a second, of one thread, in the matrix products of such networks
_LONG = 3e-3  # seconds of a step, most of them outside Python
_CALL = 1e-4  # seconds that a layer costs at each step, however small


@dataclasses.dataclass(frozen=True)
class Run:
    """Full-batch gradient descent of one fully connected network: exactly the fields that change
    the result.

    dataset: "mnist" or "cifar10", its first n_train and n_test images. width, depth: see `MLP`.
    activation: a module, such as SWISH(0.1) or nn.ReLU(). init: critical_init_, he_init_,
    standard_init_ or any importable function of the same form. lr, steps: learning rate and number
    of updates. seed: of the initial weights.
    test_every: test loss and both accuracies are measured each so many steps, and at the last.
    dtype: "float32", or "float64" where small differences between steps are to be seen.
    observe: what else is recorded at every step: a tuple of importable callables
    (data, run) -> Observer, such as those of `training.observers`, each told apart by its repr.
    """

    dataset: str
    activation: nn.Module
    init: Init
    seed: int
    n_train: int = 500
    n_test: int = 500
    width: int = 64
    depth: int = 11
    lr: float = 0.01
    steps: int = 100
    test_every: int = 20
    dtype: str = "float32"
    observe: tuple[Callable[[Dataset, "Run"], Observer], ...] = ()

    def description(self) -> dict:
        """The fields as plain values: what the key is made of, and the table's columns."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields |= activation_columns(self.activation) | {"init": name_of(self.init)}
        fields |= {"observe": ", ".join(map(name_of_observer, self.observe))}
        return fields | {"activation_repr": repr(self.activation)}

    def __str__(self) -> str:
        """The fields that are not at their defaults, in one line: for messages."""
        named = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        named["init"] = name_of(self.init)
        said = [f"{k}={v}" for k, v in named.items() if v != defaults[k]]
        return f"Run({', '.join(said)})"

    @property
    def batchable(self) -> bool:
        """Whether it may be trained in one batch with others, by `ensemble`."""
        return not self.observe

    @property
    def threadable(self) -> bool:
        """Whether threads of one process train several at a time faster than one after the other:
        not where each step is over before another thread has had the interpreter, and not where
        they would share what they learn.
        """
        return self._step_seconds() > _LONG and not list(self.activation.parameters())

    def start(self) -> nn.Module:
        """The network as it starts."""
        return compute.network(self, *_sizes(self.dataset))

    def train(self, device: torch.device, keeper: Keeper | None = None) -> tuple[list[dict], bool]:
        return compute.train(self, device, keeper)

    def code(self) -> list:
        """The functions and classes whose code the result depends on."""
        return [compute.train, *code_of([self.activation], self.observe)]

    def seconds(self) -> float:
        """About how long it takes on one thread of a CPU: enough to order runs by."""
        return self.steps * self._step_seconds()

    def _step_seconds(self) -> float:
        n_in, _ = _sizes(self.dataset)
        weights = n_in * self.width + (self.depth - 2) * self.width**2
        passes = 3 * self.n_train + (self.n_train + self.n_test) / self.test_every
        step = 2 * weights * passes / _FLOPS + self.depth * _CALL
        return step * (1 + len(self.observe))


def grid(**fields) -> list[Run]:
    """All runs over a product: a field given as a list is varied, the others stay fixed.

    grid(dataset="mnist", activation=[SWISH(1.0), SWISH(0.1)], init=critical_init_, seed=[0, 1]) has
    four runs.
    """
    names = list(fields)
    choices = [value if isinstance(value, list) else [value] for value in fields.values()]
    return [Run(**dict(zip(names, values, strict=True))) for values in itertools.product(*choices)]


def code_of(models: Iterable[nn.Module], recipes: Iterable[Callable]) -> list:
    """The classes of the modules in the models, and the recipes' own functions or classes."""
    parts = dict.fromkeys(type(part) for model in models for part in model.modules())
    return [*parts, *(f if hasattr(f, "__qualname__") else type(f) for f in recipes)]


@functools.cache
def _sizes(name: str) -> tuple[int, int]:
    """Inputs and outputs of a network for the data set."""
    one = load_dataset(name, 1, 1, device="cpu")
    return one.n_in, one.n_out


def name_of_observer(factory: Callable) -> str:
    """An observer's name in tables and keys; one that cannot be named again is refused."""
    if hasattr(factory, "__qualname__"):
        return name_of(factory)
    if " at 0x" in repr(factory):
        raise ValueError(
            f"a run is found again by its observers' reprs, and {factory!r} says nothing: "
            "make it a frozen dataclass"
        )
    return repr(factory)


def name_of(function: Callable) -> str:
    """A function's name in tables and keys; one that cannot be named again is refused."""
    name = getattr(function, "__qualname__", repr(function))
    if "<" in name or function.__module__ == "__main__":
        raise ValueError(
            f"a run is found again, and computed in other processes, by the names of its init and "
            f"observers, and {name} has none there: define it in a module"
        )
    if function.__module__.startswith("smoothrelu."):
        return name.removesuffix("_init_")
    return f"{function.__module__}.{name}"
