"""A `MinibatchRun` names exactly what a result of minibatch training on images depends on. It goes
where a `Run` goes: into `sweep`, the store and the studies.
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from smoothrelu.activations.hardening import Hardening, hardness_groups
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.data.datasets import load_dataset, require_known
from smoothrelu.experiments.description import activation_columns, network_columns
from smoothrelu.experiments.schedulable import (
    code_of,
    dataset,
    name_of,
    name_of_recipe,
    require_callable,
    require_positive,
    require_rate,
)
from smoothrelu.theory.hardness import target_hardness
from smoothrelu.training.full_batch import Checkpointer, deterministic
from smoothrelu.training.minibatch import cosine, minibatch_descent

Network = Callable[[nn.Module, tuple[int, ...], int], nn.Module]
"""(activation, shape of an image, n_out) -> a network with copies of the activation in it."""

_FLOPS = 1e10  # a second, of one thread, in convolutions


@dataclasses.dataclass(frozen=True)
class MinibatchRun:
    """Stochastic gradient descent on images: exactly the fields that change the result.

    dataset: "mnist" or "cifar10": its first n_train training images, the n_valid that follow for
    validation, and n_test test images; (channels, height, width) each, no augmentation.
    network: an importable function or a frozen dataclass of the form `Network`, such as those of
    `smoothrelu.networks.image_networks`; activation: the module that it copies to every place.
    seed: of the initial weights and of the order of the images, equal for all activations.
    optimizer: a class of torch.optim; momentum is for SGD only. schedule: the factor of the
    learning rate as a function of the part of training that is over.
    c: the multiplier of the learning rate of hardnesses, see `hardness_groups`. tolerance: the
    epsilon of `target_hardness` to which hardnesses are driven from the part harden_from of
    training on, or None.
    observe: what else is recorded after every epoch: importable callables (splits, run) ->
    observer, an observer being a function (epoch, model) -> dict.
    Raises ValueError for numbers out of range.
    """

    dataset: str
    network: Network
    activation: nn.Module
    seed: int
    n_train: int = 4000
    n_valid: int = 1000
    n_test: int = 1000
    epochs: int = 10
    batch_size: int = 100
    optimizer: type[Optimizer] = SGD
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Callable[[float], float] = cosine
    c: float = 1.0
    tolerance: float | None = None
    harden_from: float = 0.75
    observe: tuple[Callable[[dict, "MinibatchRun"], Callable], ...] = ()

    batchable = False  # not with other runs, as `smoothrelu.experiments.ensemble` trains them

    def __post_init__(self):
        require_known(self.dataset)
        require_positive(n_train=self.n_train, epochs=self.epochs, batch_size=self.batch_size)
        require_rate(self.lr)
        require_callable(network=self.network, activation=self.activation)
        if not 0 <= self.harden_from < 1:
            raise ValueError(f"harden_from must be in [0, 1), got {self.harden_from!r}; try 0.75")

    def description(self) -> dict:
        """The fields as plain values: what the key is made of, and the table's columns."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return fields | {
            **network_columns(self.network),
            **activation_columns(self.activation),
            "network_repr": name_of_recipe(self.network),
            "activation_repr": repr(self.activation),
            "optimizer": self.optimizer.__name__,
            "schedule": name_of(self.schedule),
            "observe": ", ".join(map(name_of_recipe, self.observe)),
        }

    def __str__(self) -> str:
        fields = self.description().items()
        said = [f"{k}={v}" for k, v in fields if v not in ("", None) and v == v]  # nor NaN
        return f"MinibatchRun({', '.join(said)})"

    def start(self) -> nn.Module:
        """The network as it starts. Draws from torch's own generator, which is put back."""
        shape, n_out = _sizes(self.dataset)
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(self.seed)
            return self.network(self.activation, shape, n_out)

    def train(
        self, device: torch.device, checkpoint: Checkpointer | None = None
    ) -> tuple[list[dict], bool]:
        """One record an epoch, the first before any step, and whether the training diverged.

        On one thread, from generators seeded anew at each epoch: the same numbers whatever else the
        machine does, and wherever an interrupted run goes on.
        """
        cuda = [device] if device.type == "cuda" else []
        with deterministic(threads=1), torch.random.fork_rng(devices=cuda):
            splits = images(self, device)
            model = self.start().to(device)
            return minibatch_descent(
                model,
                splits,
                _optimizer(self, model),
                epochs=self.epochs,
                batch_size=self.batch_size,
                seed=self.seed,
                schedule=self.schedule,
                hardening=_hardening(self, model),
                observers=[factory(splits, self) for factory in self.observe],
                checkpoint=checkpoint,
            )

    def code(self) -> list:
        """The classes and functions it is made of."""
        recipes = (self.network, self.schedule, target_hardness, *self.observe)
        return code_of([self.start(), self.activation], recipes)

    def seconds(self) -> float:
        """About how long it takes on one thread of a CPU: enough to order runs by."""
        passes = 3 * self.n_train + self.n_valid + self.n_test
        return self.epochs * passes * _forward_flops(self) / _FLOPS


def images(run: MinibatchRun, device: torch.device) -> dict[str, tuple[Tensor, Tensor]]:
    """Images (N, channels, height, width) and labels of the splits "train", "valid" and "test"."""
    n = run.n_train
    data = dataset(run.dataset, n + run.n_valid, run.n_test, device)
    x_train, x_test = (x.unflatten(1, _sizes(run.dataset)[0]) for x in (data.x_train, data.x_test))
    return {
        "train": (x_train[:n], data.y_train[:n]),
        "valid": (x_train[n:], data.y_train[n:]),
        "test": (x_test, data.y_test),
    }


@functools.cache
def _sizes(name: str) -> tuple[tuple[int, int, int], int]:
    """The shape of an image, and the number of classes."""
    one = load_dataset(name, 1, 1, device="cpu")
    channels = len(one.mean)
    side = math.isqrt(one.n_in // channels)
    return (channels, side, side), one.n_out


def _forward_flops(run: MinibatchRun) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    model = run.start().eval()  # before: an init may differentiate, which the counter cannot watch
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *_sizes(run.dataset)[0]))
    return counter.get_total_flops()


def _optimizer(run: MinibatchRun, model: nn.Module) -> Optimizer:
    options = {"lr": run.lr, "weight_decay": run.weight_decay}
    if issubclass(run.optimizer, SGD):
        options["momentum"] = run.momentum
    learns_hardness = any(isinstance(module, LambdaGELU) for module in model.modules())
    groups = (
        hardness_groups(model, run.optimizer, lr=run.lr, c=run.c)
        if learns_hardness
        else [{"params": list(model.parameters())}]
    )
    return run.optimizer(groups, **options)


def _hardening(run: MinibatchRun, model: nn.Module) -> Hardening | None:
    if run.tolerance is None:
        return None
    if not any(isinstance(module, LambdaGELU) for module in model.modules()):
        raise ValueError(
            f"tolerance = {run.tolerance:g} asks for hardening, but {run.activation!r} learns no "
            "hardness: use LambdaGELU(), or tolerance=None"
        )
    steps = run.epochs * math.ceil(run.n_train / run.batch_size)
    start = int(run.harden_from * steps)
    return Hardening(model, target=target_hardness(run.tolerance), start=start, stop=steps)
