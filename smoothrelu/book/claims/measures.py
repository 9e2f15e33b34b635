"""What each claim on the board measures: a value and its interval, from theory or from the
committed tables.

Where a claim is about several networks the value is that of the worst one: the claim holds for all
or does not hold.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas
import torch

from smoothrelu.activations.smooth_relu import SMOOTH_RELUS
from smoothrelu.activations.surrogates import BSiLU
from smoothrelu.book.claims.lambda_gelu_measures import LAMBDA_GELU_MEASURES
from smoothrelu.book.statistics import ntk, sugar, training
from smoothrelu.book.statistics.paired import Estimate, farthest, highest, interval, lowest
from smoothrelu.book.tables import backward_flow, descent, kernel_flows
from smoothrelu.data.datasets import load_dataset
from smoothrelu.experiments.committed import published
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels
from smoothrelu.theory.kernel_maps import chi_parallel, chi_perp, kernel_flow

_TEMPERATURES = [1.0, 0.1, 0.01]


def _exact(value: float) -> Estimate:
    return value, value, value


def distance_of_kernels(temperature: float = 1e-3, depth: int = 10) -> Estimate:
    """Largest relative distance of NNGP and NTK from ReLU's, over pairs of inputs at all angles,
    He initialisation.
    """
    angle = torch.linspace(0, torch.pi, 13, dtype=torch.float64)
    x = torch.stack([angle.cos(), angle.sin()], 1) * 2**0.5  # mean square 1
    he = {"depth": depth, "C_W": 2.0, "C_b": 0.0}
    relu = infinite_width_kernels(x[:1], x, activation=torch.relu, **he)
    worst = 0.0
    for kind in SMOOTH_RELUS:
        smooth = infinite_width_kernels(x[:1], x, activation=kind(temperature), **he)
        for ours, limit in zip(smooth, relu, strict=True):
            worst = max(worst, ((ours - limit).abs().max() / limit.abs().max()).item())
    return _exact(worst)


def susceptibilities_off_one() -> Estimate:
    off = []
    for kind in SMOOTH_RELUS:
        for T in _TEMPERATURES:
            c = criticality(kind(T))
            off.append(abs(chi_parallel(kind(T), c.K_star, C_W=c.C_W) - 1))
            off.append(abs(chi_perp(kind(T), c.K_star, C_W=c.C_W) - 1))
    return _exact(max(off))


def smallest_after_fifty_layers(column: str) -> Estimate:
    """The smallest K(50)/K(1), or squared gradient, of a critical network."""
    flows = kernel_flows(SMOOTH_RELUS, _TEMPERATURES, depth=50)
    flows = flows[flows["init"] == "critical"].set_index(["activation", "temperature"])
    first, last = (flows[flows["layer"] == layer][column] for layer in (1, 50))
    return _exact((last / first).min())


def smallest_gradient_from_K_star() -> Estimate:
    """The same of the gradient where every input is scaled so that the first kernel is K*."""
    factors = []
    for kind in SMOOTH_RELUS:
        for T in _TEMPERATURES:
            c = criticality(kind(T))
            K = kernel_flow(kind(T), c.K_star, depth=50, C_W=c.C_W, C_b=c.C_b)
            factors.append(chi_perp(kind(T), K[:-1], C_W=c.C_W).prod().item())
    return _exact(min(factors))


def gain(study: str) -> Estimate:
    runs = training.final_rows(published(study))
    return lowest(training.gain_of_critical(runs), "gain")


def gain_at_best_rate(*studies: str, over: str = "he") -> Estimate:
    runs = training.concat(*map(published, studies))
    return lowest(training.gain_at_best_rate(runs, over=over), "gain")


def gain_over_depths(depths: Sequence[int], temperature: float) -> pandas.DataFrame:
    gains = training.gain_at_best_rate(published("mnist_depths"))
    return gains[gains["depth"].isin(depths) & (gains["temperature"] == temperature)]


def distance_from_relu(study: str) -> Estimate:
    """Of the network farthest from ReLU's, seed by seed."""
    distance = training.distance_from_relu(training.final_rows(published(study)))
    return interval(distance.groupby("seed")["distance"].max())


def spread_over_activations(study: str) -> Estimate:
    """How far the critical networks lie apart over how far He's do: ranges of mean_loss over the
    smooth activations, seed by seed.
    """
    runs = training.final_rows(published(study))
    runs = runs[runs["activation"] != "ReLU"]
    spread = runs.groupby(["init", "seed"])["mean_loss"].agg(np.ptp)
    return interval(spread["critical"] / spread["he"])


def exponent(
    study: str, statistic: str, activations: Sequence[str], temperature: float, goal: float
) -> Estimate:
    """The exponent that lies farthest from `goal`."""
    paths = published(study)
    paths = paths[paths["activation"].isin(activations)]
    paths = paths[(paths["temperature"] == temperature) | paths["temperature"].isna()]
    laws = ntk.exponents(paths, [statistic], below=0.0025)
    return farthest(laws, "exponent", goal)


def collapse(study: str) -> Estimate:
    """The factor of `ntk.spread_of_collapse` below T = 1, seed by seed."""
    paths = published(study)
    cold = paths[(paths["temperature"] < 1) & (paths["lr"] <= 0.01)]
    return interval(np.array([ntk.spread_of_collapse(seed) for _, seed in cold.groupby("seed")]))


def _sugar(*names: str) -> pandas.DataFrame:
    return sugar.concat_labelled(*map(published, names))


def sugar_gains(
    runs: pandas.DataFrame, surrogates: Sequence[str], column: str = "test_acc"
) -> pandas.DataFrame:
    """The differences to ReLU of SUGAR with these surrogates."""
    gaps = sugar.differences(runs, column)
    return gaps[gaps["surrogate"].isin(surrogates)]


def sugar_at_best_rate(study: str, net: str, dataset: str = "cifar10", depth=None) -> Estimate:
    """B-SiLU against ReLU, each at the learning rate that validates best."""
    runs = sugar.final_rows(_sugar(study))
    runs = runs[(runs["network"] == net) & (runs["dataset"] == dataset)]
    runs = runs if depth is None else runs[runs["depth"] == depth]
    return lowest(sugar_gains(sugar.at_best_rate(runs), ["B-SiLU"]), "difference")


def sugar_at_relus_rate() -> Estimate:
    """B-SiLU against ReLU in twenty plain layers on MNIST, both at ReLU's best rate."""
    runs = sugar.final_rows(_sugar("sugar_deep"))
    runs = runs[(runs["dataset"] == "mnist") & (runs["depth"] == 20)]
    best = sugar.at_best_rate(runs[runs["surrogate"] == "ReLU"])["lr"].iloc[0]
    return lowest(sugar_gains(runs[runs["lr"] == best], ["B-SiLU"]), "difference")


def sugar_at_common_rate(surrogates: Sequence[str]) -> pandas.DataFrame:
    """On VGG and ResNet, all at the same learning rate."""
    runs = _sugar("sugar_vgg", "sugar_resnet")
    return sugar_gains(runs[runs["lr"] == 0.05], surrogates)


def sugar_fewer_dead() -> Estimate:
    """Dead units of VGG's fully connected layer: ReLU's fraction minus B-SiLU's."""
    runs = _sugar("sugar_vgg")
    gap = sugar_gains(runs[runs["lr"] == 0.05], ["B-SiLU"], "dead_8").iloc[0]
    return -gap["difference"], -gap["ci_high"], -gap["ci_low"]


def sugar_sparser() -> Estimate:
    """Sparsity, in the mean over layers: B-SiLU's minus ReLU's, the smaller of VGG and ResNet."""
    runs = _sugar("sugar_vgg", "sugar_resnet")
    return lowest(sugar_gains(runs[runs["lr"] == 0.05], ["B-SiLU"], "sparsity"), "difference")


def sugar_revives() -> Estimate:
    """The part of the units dead from the start that B-SiLU revives, minus ReLU's."""
    runs = sugar.revived(_sugar("sugar_drowned"))
    gaps = sugar_gains(runs[runs["initial_bias"] == 1.0], ["B-SiLU"], "revived")
    return lowest(gaps, "difference")


def sugar_backward_growth() -> Estimate:
    """Measured over predicted growth of the squared gradient per layer, twenty layers of B-SiLU."""
    images = load_dataset("mnist", 100, 1, device="cpu").x_train
    flow = backward_flow({"B-SiLU": BSiLU()}, images, width=256, depth=20, seeds=range(5))
    growth = sugar.per_layer(flow).iloc[0]
    return tuple(growth[["gain", "ci_low", "ci_high"]] / growth["theory"])


def sugar_cosine() -> Estimate:
    """Between B-SiLU's direction and the gradient, twenty layers, before training."""
    data = load_dataset("mnist", 200, 1, device="cpu")
    seeds = {"width": 64, "depths": [20], "seeds": range(5)}
    steps = descent({"B-SiLU": BSiLU()}, data.x_train, data.y_train, **seeds)
    return interval(steps.drop_duplicates("seed")["cosine"])


def travel(study: str) -> Estimate:
    """The exponent in the width that reaches highest."""
    return highest(ntk.width_exponents(published(study)), "exponent")


_SMOOTH = [kind.__name__ for kind in SMOOTH_RELUS]
_Q, _E = "quadratic_variation", "second_difference_energy"

MEASURES: dict[str, Callable[[], Estimate]] = {
    "relu-limit": distance_of_kernels,
    "critical-point": susceptibilities_off_one,
    "stable-kernel": lambda: smallest_after_fifty_layers("K"),
    "stable-gradient": lambda: smallest_after_fifty_layers("gradient"),
    "stable-gradient-from-K-star": smallest_gradient_from_K_star,
    "faster-mnist": lambda: gain("mnist_warm"),
    "faster-cifar10": lambda: gain("cifar10_warm"),
    "faster-best-rate-mnist": lambda: gain_at_best_rate("mnist_rates"),
    "faster-than-default-mnist": lambda: gain_at_best_rate(
        "mnist_rates", "mnist_default", over="standard"
    ),
    "faster-best-rate-cifar10": lambda: gain_at_best_rate("cifar10_rates"),
    "faster-than-default-cifar10": lambda: gain_at_best_rate(
        "cifar10_rates", "cifar10_default", over="standard"
    ),
    "pays-deep": lambda: lowest(gain_over_depths([21], 1.0), "gain"),
    "pays-deepest": lambda: lowest(gain_over_depths([51], 1.0), "gain"),
    "pays-not-cold": lambda: farthest(gain_over_depths([6, 11, 21, 51], 0.1), "gain"),
    "cold-alike-mnist": lambda: distance_from_relu("mnist_cold"),
    "cold-alike-cifar10": lambda: distance_from_relu("cifar10_cold"),
    "alike-mnist": lambda: spread_over_activations("mnist_warm"),
    "alike-cifar10": lambda: spread_over_activations("cifar10_warm"),
    "ntk-smooth-variation": lambda: exponent("ntk_mnist", _Q, _SMOOTH, 1.0, 1.0),
    "ntk-smooth-energy": lambda: exponent("ntk_mnist", _E, _SMOOTH, 1.0, 3.0),
    "ntk-relu-variation": lambda: exponent("ntk_mnist", _Q, ["ReLU"], 1.0, 0.0),
    "ntk-relu-energy": lambda: exponent("ntk_mnist", _E, ["ReLU"], 1.0, 0.0),
    "ntk-collapse": lambda: collapse("ntk_mnist"),
    "ntk-travel": lambda: travel("ntk_widths"),
    "ntk-smooth-variation-cifar10": lambda: exponent("ntk_cifar10", _Q, _SMOOTH, 1.0, 1.0),
    "ntk-relu-variation-cifar10": lambda: exponent("ntk_cifar10", _Q, ["ReLU"], 1.0, 0.0),
    **LAMBDA_GELU_MEASURES,
    "sugar-vgg": lambda: sugar_at_best_rate("sugar_vgg", "VGG"),
    "sugar-resnet": lambda: sugar_at_best_rate("sugar_resnet", "ResNet"),
    "sugar-vgg-long": lambda: sugar_at_best_rate("sugar_long", "VGG"),
    "sugar-resnet-long": lambda: sugar_at_best_rate("sugar_long", "ResNet"),
    "sugar-elu-selu": lambda: lowest(sugar_at_common_rate(["ELU", "SELU"]), "difference"),
    "sugar-leaky-nelu": lambda: farthest(
        sugar_at_common_rate(["leaky ReLU", "NeLU"]), "difference"
    ),
    "sugar-fewer-dead": sugar_fewer_dead,
    "sugar-sparser": sugar_sparser,
    "sugar-revives": sugar_revives,
    "sugar-plugged-in": sugar_at_relus_rate,
    "sugar-deep": lambda: sugar_at_best_rate("sugar_deep", "FullyConnected", "mnist", 20),
    "sugar-backward-growth": sugar_backward_growth,
    "sugar-cosine": sugar_cosine,
}
