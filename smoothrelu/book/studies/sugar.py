"""The studies of SUGAR: image networks surrogate by surrogate, deep networks whose units die, units
that are dead from the start, temperatures, and what the trained networks look like.
"""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas
import torch
from torch import nn
from torch.optim import SGD

from smoothrelu.activations.smooth_relu import GELU, SWISH
from smoothrelu.activations.surrogate_gradient import SUGAR
from smoothrelu.activations.surrogates import BSiLU, HeLU, NeLU, StochasticReLU
from smoothrelu.book.studies.study import Study
from smoothrelu.experiments.minibatch_run import MinibatchRun, Network
from smoothrelu.networks.image_networks import VGG, FullyConnected, HalfResolution, ResNet
from smoothrelu.networks.initialisation import gaussian_init_, he_init_
from smoothrelu.networks.mlp import linear_layers
from smoothrelu.theory.sugar_gradient import balanced_variances
from smoothrelu.training.minibatch import cosine
from smoothrelu.training.observers import SnapshotFiring, SnapshotSurface, TrackFiring

SURROGATES = (
    *(BSiLU(), NeLU(), nn.SiLU(), nn.GELU(), nn.ELU(), nn.SELU(), nn.LeakyReLU()),
    *(HeLU(), nn.Softplus()),
)
_TOLD_BY = ["network", "width", "depth", "init", "initial_bias", "images"]
_TOLD_BY += ["activation", "surrogate", "temperature"]
_KEPT = ["dataset", *_TOLD_BY, "seed", "n_train", "epochs", "batch_size", "lr"]
_RECIPE = {
    **{"n_train": 2000, "n_valid": 500, "n_test": 1000, "epochs": 10, "batch_size": 50},
    **{"optimizer": SGD, "momentum": 0.9, "weight_decay": 0.0, "schedule": cosine},
}
_TEMPERATURES = (0.1, 0.3, 1.0, 3.0, 10.0)
_RATE = 0.05
_RATES = (0.001, 0.003, 0.01, 0.03, 0.1)


@dataclass(frozen=True)
class InitiallyDead:
    """He's initialisation; but in each hidden layer every second unit has a twentieth of its
    weights and the bias -bias, so that it is negative on every image.
    """

    bias: float

    def __call__(self, net: nn.Module) -> nn.Module:
        he_init_(net)
        with torch.no_grad():
            for layer in list(linear_layers(net).values())[:-1]:
                layer.weight[::2] *= 0.05
                layer.bias[::2] = -self.bias
        return net


@dataclass(frozen=True)
class Balanced:
    """The (C_W, C_b) at which ReLU keeps the kernel 2 of He's networks and SUGAR with this
    surrogate the variance of the gradient: `balanced_variances`.
    """

    surrogate: nn.Module

    def __call__(self, net: nn.Module) -> nn.Module:
        C_W, C_b = balanced_variances(self.surrogate, 2.0)
        return gaussian_init_(net, C_W=C_W, C_b=C_b)


def runs(
    dataset: str,
    network: Network,
    activations: Sequence[nn.Module],
    *,
    seeds: Sequence[int],
    rates: Sequence[float],
    **changes,
) -> list[MinibatchRun]:
    """Each activation at each learning rate and seed, by one recipe: momentum 0.9, cosine, no
    weight decay, no augmentation.
    """
    fields = _RECIPE | {"observe": (TrackFiring(_RECIPE["epochs"]),)} | changes
    return [
        MinibatchRun(dataset, network, activation, seed, lr=lr, **fields)
        for seed in seeds
        for activation in activations
        for lr in rates
    ]


def last_epoch(table: pandas.DataFrame) -> pandas.DataFrame:
    """One row a run: its last epoch, with the layers' dead fractions and sparsities. The losses and
    accuracies of one that diverged are those before.
    """
    return _chosen(table, r"\w+_loss|\w+_acc|(dead|sparsity)_\d+").drop_duplicates(
        _KEPT, keep="last"
    )


def deaths(table: pandas.DataFrame) -> pandas.DataFrame:
    """The rows at which deaths were counted, and the last of a run that diverged."""
    kept = _chosen(table, r"train_loss|\w+_acc|dead_\d+")
    return kept[kept["dead_0"].notna() | ~kept.duplicated(_KEPT, keep="last")]


def ends(table: pandas.DataFrame) -> pandas.DataFrame:
    """Of `deaths`, the start and the end of each run."""
    kept = deaths(table)
    return kept[(kept["epoch"] == 0) | ~kept.duplicated(_KEPT, keep="last")]


def snapshots(table: pandas.DataFrame) -> pandas.DataFrame:
    """Tall: the network's firing histogram, and the losses of its surface; part, i, j, value."""
    last = table[table["epoch"] == table["epochs"]]
    seen = [c for c in table if re.fullmatch(r"(firing|surface)_\d+_\d+", c)]
    tall = last.melt([*_TOLD_BY, "seed", "lr"], seen).dropna(subset=["value"])
    place = tall.pop("variable").str.extract(r"(?P<part>\w+)_(?P<i>\d+)_(?P<j>\d+)")
    return tall.assign(**place)[[*_TOLD_BY, "seed", "lr", *place, "value"]]


def _chosen(table: pandas.DataFrame, pattern: str) -> pandas.DataFrame:
    """What tells the runs apart, and the columns that match."""
    seen = [c for c in table if re.fullmatch(pattern, c)]
    return table[[*_KEPT, "epoch", *seen, "diverged"]]


def images(name: str, network: Network) -> Study:
    make = functools.partial(runs, "cifar10", network)
    main = [nn.ReLU(), SUGAR(BSiLU())]
    beside = [*map(SUGAR, SURROGATES[1:]), StochasticReLU(), nn.SiLU(), nn.GELU()]
    listed = make([*main, *beside], seeds=[0, 1, 2], rates=[_RATE])
    listed += make(main, seeds=[3, 4], rates=[_RATE])
    listed += make(main, seeds=[0, 1, 2, 3, 4], rates=[_RATE / 4, _RATE * 4])
    about = f"{name} on 2,000 images of CIFAR-10 at half resolution: ReLU against SUGAR"
    return Study(about, listed, last_epoch)


def longer() -> Study:
    main = [nn.ReLU(), SUGAR(BSiLU())]
    listed = [
        run
        for network in (HalfResolution(VGG(8)), HalfResolution(ResNet(8)))
        for run in runs(
            *("cifar10", network, main),
            **{"seeds": [0, 1, 2, 3, 4], "rates": [_RATE / 4, _RATE], "epochs": 40},
            observe=(TrackFiring(40),),
        )
    ]
    return Study("VGG and ResNet for forty epochs: ReLU against SUGAR", listed, last_epoch)


def deep() -> Study:
    activations = [nn.ReLU(), *map(SUGAR, (BSiLU(), nn.ELU(), SWISH(1.0), SWISH(0.1)))]
    listed = [
        run
        for dataset, depth in (("mnist", 10), ("mnist", 20), ("cifar10", 20))
        for run in runs(
            *(dataset, FullyConnected(64, depth), activations),
            **{"seeds": [0, 1, 2], "rates": _RATES, "observe": (TrackFiring(2),)},
        )
    ]
    listed += [  # whose gradients are so large that the best rate is a lower one
        run
        for dataset in ("mnist", "cifar10")
        for run in runs(
            *(dataset, FullyConnected(64, 20), [SUGAR(BSiLU()), SUGAR(nn.ELU())]),
            **{"seeds": [0, 1, 2], "rates": [0.0001, 0.0003], "observe": (TrackFiring(2),)},
        )
    ]
    return Study("deep networks of 64 units: deaths against the epoch", listed, deaths)


def balanced() -> Study:
    listed = [
        run
        for depth in (10, 20)
        for surrogate in (BSiLU(), nn.ELU())
        for run in runs(
            *("mnist", FullyConnected(64, depth, Balanced(surrogate)), [SUGAR(surrogate)]),
            **{"seeds": [0, 1, 2], "rates": [0.0003, *_RATES]},
        )
    ]
    return Study("deep networks whose start keeps SUGAR's gradient", listed, last_epoch)


def initially_dead() -> Study:
    surrogates = [*SURROGATES[:5], *SURROGATES[6:]]
    listed = [
        run
        for dataset, bias in (*(("mnist", b) for b in (0.5, 1.0, 2.0, 4.0)), ("cifar10", 1.0))
        for run in runs(
            dataset,
            FullyConnected(64, 6, InitiallyDead(bias)),
            [nn.ReLU(), *map(SUGAR, surrogates)],
            seeds=[0, 1, 2],
            rates=[0.01],
            observe=(TrackFiring(1),),
        )
    ]
    return Study("six layers, half of whose units are dead from the start", listed, ends)


def temperatures() -> Study:
    smooth = [SUGAR(kind(T)) for kind in (SWISH, GELU) for T in _TEMPERATURES]
    listed = [
        run
        for dataset in ("mnist", "cifar10")
        for run in runs(
            *(dataset, FullyConnected(64, 20), [nn.ReLU(), *smooth]),
            **{"seeds": [0, 1, 2], "rates": [0.01, 0.03]},
        )
    ]
    warm = [SUGAR(SWISH(T)) for T in _TEMPERATURES]
    vgg = HalfResolution(VGG(8))
    listed += runs("cifar10", vgg, [nn.ReLU(), *warm], seeds=[0, 1, 2], rates=[_RATE])
    return Study("SUGAR with smooth ReLUs at five temperatures", listed, last_epoch)


def trained() -> Study:
    listed = [
        run
        for network in (HalfResolution(VGG(8)), HalfResolution(ResNet(8)))
        for run in runs(
            *("cifar10", network, [nn.ReLU(), SUGAR(BSiLU())]),
            **{"seeds": [0], "rates": [_RATE], "observe": (SnapshotFiring(), SnapshotSurface())},
        )
    ]
    return Study("firing histograms and loss surfaces of trained image networks", listed, snapshots)


SUGAR_STUDIES: dict[str, Callable[[], Study]] = {
    "sugar_vgg": lambda: images("VGG", HalfResolution(VGG(8))),
    "sugar_resnet": lambda: images("ResNet", HalfResolution(ResNet(8))),
    "sugar_long": longer,
    "sugar_deep": deep,
    "sugar_balanced": balanced,
    "sugar_drowned": initially_dead,
    "sugar_temperatures": temperatures,
    "sugar_trained": trained,
}
