"""SUGAR in theory and in networks at their start: gains and angles of its gradient, small steps."""

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smoothrelu.activations.convert import convert_to_sugar
from smoothrelu.networks.image_networks import FullyConnected
from smoothrelu.networks.layerwise import preactivations
from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.sugar_gradient import gradient_cosine, gradient_gain

_STEPS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # lengths of a step along a direction


def surrogate_curves(surrogates: dict[str, Activation], reach: float = 5.0) -> pandas.DataFrame:
    """Value and slope of each surrogate: surrogate, x, value, slope."""
    x = torch.linspace(-reach, reach, 401, dtype=torch.float64)
    frames = [
        pandas.DataFrame(
            {"surrogate": name, "x": x, "value": f(x), "slope": Elementwise(f).derivative(x)}
        )
        for name, f in surrogates.items()
    ]
    return pandas.concat(frames, ignore_index=True)


def slopes_below_zero(
    surrogates: dict[str, Activation], depths: Sequence[float]
) -> pandas.DataFrame:
    """f'(-depth), what a unit at that preactivation sends back: surrogate, initial_bias, slope."""
    x = -torch.tensor(depths, dtype=torch.float64)
    frames = [
        pandas.DataFrame(
            {"surrogate": name, "initial_bias": depths, "slope": Elementwise(f).derivative(x)}
        )
        for name, f in surrogates.items()
    ]
    return pandas.concat(frames, ignore_index=True)


def backward_gains(surrogates: dict[str, Activation], K: float) -> pandas.DataFrame:
    """At one kernel: surrogate, gain, alignment."""
    rows = [(name, gradient_gain(f, K), gradient_cosine(f, K)) for name, f in surrogates.items()]
    return pandas.DataFrame(rows, columns=["surrogate", "gain", "alignment"])


def gains_by_temperature(
    kinds: Sequence[Callable[[float], Activation]], temperatures: Sequence[float], K: float
) -> pandas.DataFrame:
    """The same for each smooth ReLU at each temperature: surrogate, temperature, gain,
    alignment.
    """
    frames = [
        backward_gains({kind.__name__: kind(T)}, K).assign(temperature=T)
        for kind in kinds
        for T in temperatures
    ]
    return pandas.concat(frames, ignore_index=True)


def backward_flow(
    surrogates: dict[str, Activation],
    images: Tensor,
    *,
    width: int,
    depth: int,
    seeds: Sequence[int],
) -> pandas.DataFrame:
    """The gradient by layers of real He-initialised networks, ReLU forward, and the theory's.

    images (N, n_in) are scaled to mean square 1, so K = 2. A row for each (surrogate, seed, layers
    gone back): square, the mean square of SUGAR's gradient in the preactivations over that of the
    last hidden layer; cosine, between it and ReLU's; theory_square, theory_cosine.
    """
    images = images.double()
    images = images * math.sqrt(images.shape[1]) / images.norm(dim=1, keepdim=True)
    frames = []
    for seed in seeds:
        relu = _network(width, depth, images.shape[1], seed)
        true = _gradients(relu, images)
        for name, f in surrogates.items():
            ours = _gradients(convert_to_sugar(copy.deepcopy(relu), f), images)
            square = np.array([g.square().mean().item() for g in ours])
            cosine = [
                F.cosine_similarity(g, t).mean().item() for g, t in zip(ours, true, strict=True)
            ]
            back = np.arange(len(ours))
            theory = gradient_gain(f, 2.0) ** back, gradient_cosine(f, 2.0) ** (back + 1)
            frames.append(
                pandas.DataFrame({"surrogate": name, "seed": seed, "back": back, "cosine": cosine})
            )
            frames[-1]["square"] = square / square[0]
            frames[-1][["theory_square", "theory_cosine"]] = np.stack(theory, 1)
    return pandas.concat(frames, ignore_index=True)


def descent(
    surrogates: dict[str, Activation],
    images: Tensor,
    labels: Tensor,
    *,
    width: int,
    depths: Sequence[int],
    seeds: Sequence[int],
) -> pandas.DataFrame:
    """What small steps against SUGAR's direction d do to the loss L, at He's initialisation.

    A row for each (surrogate, depth, seed, step): cosine, between d and the true gradient; change,
    (L(theta - step d/|d|) - L(theta))/step; promised, -|d|, what the change would be if d were the
    gradient; true, -g.d/|d|, what it is for a small step.
    """
    rows = []
    for depth in depths:
        for seed in seeds:
            relu = _network(width, depth, images.shape[1], seed)
            loss, g = _direction(relu, images.double(), labels)
            for name, f in surrogates.items():
                net = convert_to_sugar(copy.deepcopy(relu), f)
                _, d = _direction(net, images.double(), labels)
                along = (g @ d / d.norm()).item()
                label = {"surrogate": name, "depth": depth, "seed": seed}
                label |= {"cosine": along / g.norm().item(), "true": -along}
                label |= {"promised": -d.norm().item()}
                for step in _STEPS:
                    moved = _loss_after(net, images.double(), labels, -step * d / d.norm())
                    rows.append(label | {"step": step, "change": (moved - loss).item() / step})
    return pandas.DataFrame(rows)


def _network(width: int, depth: int, n_in: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FullyConnected(width, depth)(nn.ReLU(), (1, 1, n_in), 10).double()


def _gradients(net: nn.Module, x: Tensor) -> list[Tensor]:
    """Of a random function of the outputs, in the preactivations of the hidden layers, the last
    first: each (N, width).
    """
    *hidden, out = preactivations(net, x)
    direction = torch.randn(out.shape[1], generator=torch.Generator().manual_seed(0)).to(out)
    return list(torch.autograd.grad((out @ direction).sum(), hidden))[::-1]


def _direction(net: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and what backward returns as its gradient, flat."""
    loss = F.cross_entropy(net(x), y)
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    return loss.detach(), nn.utils.parameters_to_vector(gradients)


@torch.no_grad()
def _loss_after(net: nn.Module, x: Tensor, y: Tensor, step: Tensor) -> Tensor:
    parameters = list(net.parameters())
    start = nn.utils.parameters_to_vector(parameters)
    nn.utils.vector_to_parameters(start + step, parameters)
    loss = F.cross_entropy(net(x), y)
    nn.utils.vector_to_parameters(start, parameters)
    return loss
