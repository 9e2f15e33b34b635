"""What a run can observe besides losses: frozen, importable recipes of observers.

A recipe's repr is part of the run's key; called with the data and the run it gives the observer.
The first two are for a `Run`, whose data is a `Dataset`; the others for a `MinibatchRun`, whose
data are `smoothrelu.training.minibatch.Splits`, and they observe after every epoch.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from smoothrelu.activations.convert import replace_with_relu
from smoothrelu.activations.hardening import hardness_profile
from smoothrelu.data.datasets import Dataset
from smoothrelu.networks.dead_units import count_firing, firing_histogram
from smoothrelu.networks.loss_landscape import loss_surface
from smoothrelu.networks.ntk_path import NTKTracker
from smoothrelu.networks.sign_flips import SignFlips
from smoothrelu.training.minibatch import Splits, evaluation


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


@dataclass(frozen=True)
class SnapshotFiring:
    """`firing_histogram` over all training images, after the last epoch: firing_LAYER_BIN, the
    number of units of that layer in that bin, bin 0 for the dead ones.
    """

    bins: int = 20

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            if epoch != run.epochs:
                return {}
            rows = firing_histogram(count_firing(model, splits["train"][0]), self.bins)
            bins = enumerate(rows)  # bins + 1 rows a layer
            return {f"firing_{r['layer']}_{k % (self.bins + 1)}": r["units"] for k, r in bins}

        return observe


@dataclass(frozen=True)
class SnapshotSurface:
    """`loss_surface` of the first n training images, after the last epoch: surface_I_J, the loss at
    the I-th value of a and the J-th of b. The directions are drawn anew from the run's seed.
    """

    n: int = 500
    radius: float = 1.0
    points: int = 13

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            if epoch != run.epochs:
                return {}
            x, y = (part[: self.n] for part in splits["train"])
            generator = torch.Generator().manual_seed(run.seed)
            rows = loss_surface(
                model, x, y, radius=self.radius, points=self.points, generator=generator
            )
            return {
                f"surface_{k // self.points}_{k % self.points}": row["loss"]
                for k, row in enumerate(rows)
            }

        return observe
