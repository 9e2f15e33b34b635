"""The studies of full-batch training: losses, learning rates, depths, widths, tangent kernels."""

from collections.abc import Callable, Sequence

from torch import nn

from smoothrelu.activations.smooth_relu import GELU, SMOOTH_RELUS, SWISH, GumbelLU, SmoothReLU
from smoothrelu.book.statistics import ntk, training
from smoothrelu.book.studies.study import Study
from smoothrelu.experiments.run import Run, grid
from smoothrelu.networks.initialisation import critical_init_, he_init_, standard_init_
from smoothrelu.training.observers import CountSignFlips, TrackNTK


def with_he_and_relu(
    family: Sequence[type[SmoothReLU]], temperatures: Sequence[float], **common
) -> list[Run]:
    """Each smooth ReLU at each temperature, critical and He, and ReLU beside them; `common` as in
    `grid`.
    """
    smooth = [kind(T) for kind in family for T in temperatures]
    runs = grid(activation=smooth, init=[critical_init_, he_init_], **common)
    return runs + grid(activation=nn.ReLU(), init=he_init_, **common)


def loss_curves(dataset: str, temperature: float, steps: int) -> Study:
    runs = with_he_and_relu(
        *(SMOOTH_RELUS, [temperature]),
        **{"dataset": dataset, "n_train": 10_000, "n_test": 2_000, "seed": list(range(5))},
        **{"lr": 0.01, "steps": steps, "test_every": 10},
    )
    about = f"{dataset}, 10,000 images, T = {temperature:g}: loss and accuracy against the step"
    return Study(about, runs, training.evaluation_rows)


def full(dataset: str, n_train: int) -> Study:
    runs = with_he_and_relu(
        *([SWISH, GumbelLU], [1.0]),
        **{"dataset": dataset, "n_train": n_train, "n_test": 10_000, "seed": 0},
        **{"lr": 0.01, "steps": 100, "test_every": 10},
    )
    about = f"{dataset}, all {n_train:,} training images: one seed"
    return Study(about, runs, training.evaluation_rows)


_FIVE_RATES = {
    **{"n_train": 1_000, "n_test": 1_000, "seed": list(range(5))},
    **{"lr": [0.003, 0.01, 0.03, 0.1, 0.3], "steps": 200, "test_every": 20},
}


def rates(dataset: str) -> Study:
    runs = with_he_and_relu(SMOOTH_RELUS, [1.0], dataset=dataset, **_FIVE_RATES)
    about = f"{dataset}, 1,000 images: each initialisation at five learning rates"
    return Study(about, runs, training.mean_losses)


def default_init(dataset: str) -> Study:
    """What `rates` does, for the initialisation that torch.nn.Linear has by itself."""
    activations = [*(kind(1.0) for kind in SMOOTH_RELUS), nn.ReLU()]
    runs = grid(dataset=dataset, activation=activations, init=standard_init_, **_FIVE_RATES)
    about = f"{dataset}, 1,000 images: PyTorch's default initialisation at five learning rates"
    return Study(about, runs, training.mean_losses)


def tracked(
    family: Sequence[type[SmoothReLU]],
    temperatures: Sequence[float],
    learning_rates: Sequence[float],
    *,
    time: float,
    **common,
) -> list[Run]:
    """Critical networks, and ReLU's, whose tangent kernel and sign flips are followed for a fixed
    training time, time/lr steps, at each learning rate; in double precision.
    """
    fixed = {"n_train": 200, "n_test": 200, "width": 64, "depth": 4, "dtype": "float64"}
    fixed |= {"observe": (TrackNTK(50), CountSignFlips(50)), "init": critical_init_}
    smooth = [kind(T) for kind in family for T in temperatures]
    return [
        run
        for lr in learning_rates
        for steps in [round(time / lr)]
        for run in grid(
            activation=[*smooth, nn.ReLU()],
            **fixed | common | {"lr": lr, "steps": steps, "test_every": steps},
        )
    ]


def tangent_kernel(dataset: str, temperatures: Sequence[float], seeds: int) -> Study:
    rates = [0.02 / 2**k for k in range(6)]
    runs = tracked(
        SMOOTH_RELUS, temperatures, rates, time=0.4, dataset=dataset, seed=list(range(seeds))
    )
    about = f"{dataset}, 200 images: the path of the tangent kernel against the learning rate"
    return Study(about, runs, ntk.path_statistics)


def ntk_widths(dataset: str) -> Study:
    """The learning rate goes like one over the width, as the tangent kernel grows like the width:
    the loss then falls about equally fast in all.
    """
    runs = [
        run
        for width in (32, 64, 128, 256, 512)
        for run in tracked(
            *([SWISH, GELU], [1.0, 0.1], [0.64 / width]),
            **{"time": 76.8 / width, "dataset": dataset, "seed": [0, 1, 2, 3, 4], "width": width},
        )
    ]
    about = f"{dataset}, 200 images: how far the tangent kernel travels, against the width"
    return Study(about, runs, ntk.path_statistics)


def depths(dataset: str) -> Study:
    runs = with_he_and_relu(
        *([SWISH, GELU, GumbelLU], [3.0, 1.0, 0.3, 0.1]),
        **{"dataset": dataset, "n_train": 500, "n_test": 500, "seed": [0, 1, 2]},
        **{"depth": [6, 11, 21, 51], "lr": [0.003, 0.01, 0.03], "steps": 100},
    )
    about = f"{dataset}, 500 images: depth and temperature, at three learning rates"
    return Study(about, runs, training.mean_losses)


def widths(dataset: str) -> Study:
    runs = with_he_and_relu(
        *([SWISH, GELU, GumbelLU], [1.0, 0.1]),
        **{"dataset": dataset, "n_train": 500, "n_test": 500, "seed": list(range(5))},
        **{"width": [32, 64, 128, 256], "lr": 0.01, "steps": 100},
    )
    about = f"{dataset}, 500 images: width"
    return Study(about, runs, training.mean_losses)


FULL_BATCH: dict[str, Callable[[], Study]] = {
    "mnist_warm": lambda: loss_curves("mnist", 1.0, steps=100),
    "mnist_cold": lambda: loss_curves("mnist", 0.1, steps=100),
    "mnist_rates": lambda: rates("mnist"),
    "mnist_default": lambda: default_init("mnist"),
    "mnist_depths": lambda: depths("mnist"),
    "mnist_widths": lambda: widths("mnist"),
    "ntk_mnist": lambda: tangent_kernel("mnist", [1.0, 0.1, 0.03, 0.01], seeds=5),
    "ntk_cifar10": lambda: tangent_kernel("cifar10", [1.0, 0.1], seeds=3),
    "ntk_widths": lambda: ntk_widths("mnist"),
    "mnist_full": lambda: full("mnist", 60_000),
    "cifar10_warm": lambda: loss_curves("cifar10", 1.0, steps=400),
    "cifar10_cold": lambda: loss_curves("cifar10", 0.1, steps=100),
    "cifar10_rates": lambda: rates("cifar10"),
    "cifar10_default": lambda: default_init("cifar10"),
    "cifar10_full": lambda: full("cifar10", 50_000),
}
