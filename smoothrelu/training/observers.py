"""What a run can observe besides losses: frozen, importable recipes of observers.

A recipe's repr is part of the run's key; called with the data and the run it gives the observer.
The first two are for a `Run`, whose data is a `Dataset`; the others for a `MinibatchRun`, whose
data are the splits of `smoothrelu.training.minibatch.images`, and they observe after every epoch.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from smoothrelu.activations.hardening import hardness_profile, replace_with_relu
from smoothrelu.data.datasets import Dataset
from smoothrelu.networks.dead_units import count_firing
from smoothrelu.networks.ntk_path import NTKTracker
from smoothrelu.networks.sign_flips import SignFlips
from smoothrelu.training.minibatch import evaluation

Splits = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class TrackNTK:
    """`NTKTracker` on the first n training images and their labels."""

    n: int = 50

    def __call__(self, data: Dataset, run) -> NTKTracker:
        return NTKTracker(data.x_train[: self.n], data.y_train[: self.n])


@dataclass(frozen=True)
class CountSignFlips:
    """`SignFlips` on the first n training images."""

    n: int = 50

    def __call__(self, data: Dataset, run) -> SignFlips:
        return SignFlips(data.x_train[: self.n])


@dataclass(frozen=True)
class TrackHardness:
    """hardness_0, hardness_1, ...: lambda of each LambdaGELU in the order of the model."""

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            profile = hardness_profile(model).values()
            return {f"hardness_{place}": value for place, value in enumerate(profile)}

        return observe


@dataclass(frozen=True)
class TrackSubstitution:
    """valid_ and test_ loss and accuracy of a copy with ReLU in the place of every LambdaGELU:
    relu_valid_loss, relu_valid_acc, relu_test_loss, relu_test_acc.
    """

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            seen = evaluation(replace_with_relu(copy.deepcopy(model)), splits)
            return {f"relu_{name}": value for name, value in seen.items()}

        return observe


@dataclass(frozen=True)
class TrackFiring:
    """Over all training images: dead_0, dead_1, ..., the fraction of units of each activation, in
    the order of the forward pass, that never fire, and sparsity_0, ...; every so many epochs, and
    at the last.
    """

    every: int = 1

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            if epoch % self.every and epoch != run.epochs:
                return {}
            firing = count_firing(model, splits["train"][0])
            dead = {f"dead_{f.layer}": f.dead / len(f.counts) for f in firing}
            return dead | {f"sparsity_{f.layer}": f.sparsity for f in firing}

        return observe
