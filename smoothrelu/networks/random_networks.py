r"""Real random networks at many settings at once: how one input and small changes of it fare.

The settings share their draws of weights and biases, so a matrix serves them all and is then
overwritten by the next. The first preactivations of a layer with Gaussian weights are exactly
normal and independent, as are their changes when the input is turned a little: both are drawn as
such, and no input enters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from smoothrelu.theory.critical import criticality
from smoothrelu.theory.elementwise import Activation, Elementwise

_DIRECTIONS = 4  # in which the input is turned


@dataclass(frozen=True)
class InitialisedNetwork:
    """An activation, its weight and bias variances, and the kernel K of the first layer."""

    name: str
    activation: Activation
    C_W: float
    C_b: float
    K: float


def critically_initialised(activation: nn.Module) -> InitialisedNetwork:
    """Critical initialisation, and the input that puts the first kernel at K* (at 1 for ReLU)."""
    c = criticality(activation)
    return InitialisedNetwork(type(activation).__name__, activation, c.C_W, c.C_b, c.K_star or 1.0)


def random_flows(
    nets: Sequence[InitialisedNetwork], *, width: int, depth: int, generators: Sequence[Generator]
) -> tuple[Tensor, Tensor]:
    r"""The kernel and the sensitivity of each layer of one network for each generator and setting,
    all settings from the same draws; float64, both (len(generators), len(nets), depth).

    kernel: the mean square of the layer's preactivations z(l). sensitivity: |dz(l)|^2/|dz(1)|^2 for
    small changes dz(1), averaged over a few random ones. The Jacobian dz(l)/dz(1) and its transpose
    have the same mean square, so a squared gradient changes as much on its way back. In wide
    networks: `kernel_flow`, and the product of chi_perp (`chi_products`).
    Holds one weight matrix at a time. Accuracy: float32, relative 1e-5 at depth 50; networks differ
    by sqrt(depth/width).
    """
    gain, shift, start = (
        torch.tensor([getattr(net, name) for net in nets], dtype=torch.float32).sqrt()[:, None]
        for name in ("C_W", "C_b", "K")
    )

    def draws(*shape: int) -> Tensor:
        return torch.stack([torch.randn(*shape, generator=g) for g in generators])

    z = start * draws(1, width)  # (generators, nets, width), and changes (..., _DIRECTIONS, width)
    changes = draws(width, _DIRECTIONS).mT[:, None].repeat(1, len(nets), 1, 1)
    weight, found = torch.empty(width, width), []
    activations = [Elementwise.of(net.activation) for net in nets]
    for _ in range(depth):
        found.append(torch.stack([_mean_square(z[:, :, None]), _mean_square(changes)]))
        layer = [phi.value_and_derivative(z[:, i]) for i, phi in enumerate(activations)]
        phi, slope = (torch.stack(rows, 1)[:, :, None] for rows in zip(*layer, strict=True))
        sent = torch.cat([phi, slope * changes], 2)
        moved = [
            rows @ weight.normal_(generator=g).t()
            for rows, g in zip(sent.flatten(1, 2), generators, strict=True)
        ]
        moved = torch.stack(moved).view_as(sent) * (gain / width**0.5)[:, None]
        z = moved[:, :, 0] + shift * draws(1, width)
        changes = moved[:, :, 1:]
    kernel, square = torch.stack(found, 3)
    return kernel, square / square[..., :1]


def drawn_kernels(
    nets: Sequence[InitialisedNetwork],
    *,
    width: int,
    depth: int,
    n_in: int,
    generator: Generator,
) -> Tensor:
    """The kernels of the layers of one network for each setting, all from the same draws of
    weights and biases; float64, shape (len(nets), depth).

    Kernel l + 1 is C_b + C_W (1/n) sum_i phi(z_i)^2 over the n neurons of layer l: the variance of
    the next preactivations given this layer. All n_in entries of the input are equal. Holds one
    weight matrix, width^2 numbers, at a time.
    Accuracy: computed in float32, relative 1e-5 at depth 50; networks differ by 1/sqrt(width).
    """
    scale = torch.tensor([net.C_W for net in nets], dtype=torch.float64)
    shift = torch.tensor([net.C_b for net in nets], dtype=torch.float64)
    first = torch.tensor([net.K for net in nets], dtype=torch.float64)
    signals = ((first - shift) / scale).sqrt().float().expand(n_in, -1)
    kernels = [first]
    weight, bias = torch.empty(width, width), torch.empty(width)
    while len(kernels) < depth:
        matrix = weight if len(kernels) > 1 else torch.empty(width, n_in)
        matrix.normal_(generator=generator)
        bias.normal_(generator=generator)
        columns = []
        for net, signal in zip(nets, signals.T, strict=True):
            z = torch.mv(matrix, signal.contiguous()).mul_((net.C_W / matrix.shape[1]) ** 0.5)
            columns.append(net.activation(z.add_(bias, alpha=net.C_b**0.5)))
        signals = torch.stack(columns, 1)  # (width, settings)
        kernels.append(shift + scale * signals.double().square().mean(0))
    return torch.stack(kernels, 1)


def sampled_flows(
    nets: Sequence[InitialisedNetwork], *, width: int, depth: int, seeds: Sequence[int]
) -> Tensor:
    """`random_flows` of one network a seed: (len(seeds), 2, len(nets), depth), kernel first."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return torch.stack(random_flows(nets, width=width, depth=depth, generators=generators), 1)


def mean_and_error(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Over the first dimension: the mean and its standard error."""
    return samples.mean(0), samples.std(0) / len(samples) ** 0.5


def _mean_square(x: Tensor) -> Tensor:
    """(generators, nets, k, width) -> (generators, nets), float64."""
    return x.double().square().mean((2, 3))
