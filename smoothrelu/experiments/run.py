"""A `Run` names exactly what a result of full-batch training depends on, and computes it."""

import copy
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable

import torch
from torch import nn

from smoothrelu.data.datasets import Dataset, load_dataset, require_known
from smoothrelu.experiments.description import activation_columns
from smoothrelu.experiments.schedulable import (
    code_of,
    dataset,
    name_of,
    name_of_recipe,
    require_callable,
    require_positive,
    require_rate,
)
from smoothrelu.networks.initialisation import Init
from smoothrelu.networks.mlp import MLP
from smoothrelu.training.full_batch import (
    Checkpointer,
    Diverged,
    Observer,
    deterministic,
    gradient_descent,
    loss_and_accuracy,
)

_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_VALUES_AT_ONCE = 2**25  # that one backward pass keeps: 128 MiB in float32
_FLOPS = 5e10  # a second, of one thread, in the matrix products of such networks
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
    Raises ValueError for a field out of range.
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

    def __post_init__(self):
        require_known(self.dataset)
        require_positive(
            n_train=self.n_train,
            n_test=self.n_test,
            width=self.width,
            depth=self.depth,
            test_every=self.test_every,
        )
        require_rate(self.lr)
        require_callable(activation=self.activation, init=self.init)
        if not isinstance(self.steps, int) or self.steps < 0:
            raise ValueError(f"steps must be a non-negative integer, got {self.steps!r}")
        if self.dtype not in _DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {self.dtype!r}")

    def description(self) -> dict:
        """The fields as plain values: what the key is made of, and the table's columns."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields |= activation_columns(self.activation) | {"init": name_of(self.init)}
        fields |= {"observe": ", ".join(map(name_of_recipe, self.observe))}
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
        return not self.observe and not list(self.activation.parameters())

    def start(self) -> nn.Module:
        """The network as it starts."""
        return network(self, *_sizes(self.dataset))

    def train(
        self, device: torch.device, checkpoint: Checkpointer | None = None
    ) -> tuple[list[dict], bool]:
        """Train the run's network; its records, and whether it diverged.

        On one thread, so that the numbers are the same whatever else the machine does.
        """
        with deterministic(threads=1):
            dtype = _DTYPES[self.dtype]
            data = dataset(self.dataset, self.n_train, self.n_test, device, dtype)
            net = network(self, data.n_in, data.n_out).to(device, dtype)
            watching = [evaluation(self, data), *(factory(data, self) for factory in self.observe)]
            try:
                records = gradient_descent(
                    net,
                    data.x_train,
                    data.y_train,
                    lr=self.lr,
                    steps=self.steps,
                    observers=watching,
                    at_once=examples_at_once(self, data.n_in),
                    checkpoint=checkpoint,
                )
            except Diverged as stop:
                return stop.records, True
        return records, False

    def code(self) -> list:
        """The classes and functions it is made of."""
        return code_of([self.activation], self.observe)

    def seconds(self) -> float:
        """About how long it takes on one thread of a CPU: enough to order runs by."""
        n_in, _ = _sizes(self.dataset)
        weights = n_in * self.width + (self.depth - 2) * self.width**2
        passes = 3 * self.n_train + (self.n_train + self.n_test) / self.test_every
        step = 2 * weights * passes / _FLOPS + self.depth * _CALL
        return self.steps * step * (1 + len(self.observe))


def grid(**fields) -> list[Run]:
    """All runs over a product: a field given as a list is varied, the others stay fixed.

    grid(dataset="mnist", activation=[SWISH(1.0), SWISH(0.1)], init=critical_init_, seed=[0, 1]) has
    four runs.
    """
    names = list(fields)
    choices = [value if isinstance(value, list) else [value] for value in fields.values()]
    return [Run(**dict(zip(names, values, strict=True))) for values in itertools.product(*choices)]


def network(run: Run, n_in: int, n_out: int) -> MLP:
    """The run's network as it starts; it learns with a copy of the run's activation."""
    activation = copy.deepcopy(run.activation)
    net = MLP(n_in, n_out, width=run.width, depth=run.depth, activation=activation)
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


@functools.cache
def _sizes(name: str) -> tuple[int, int]:
    """Inputs and outputs of a network for the data set."""
    one = load_dataset(name, 1, 1, device="cpu")
    return one.n_in, one.n_out
