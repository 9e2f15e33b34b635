r"""The kernels of infinitely wide networks by applying one layer after the other.

From layer to layer both kernels depend on a pair of inputs through the variances q1, q2 of its
preactivations and the angle theta between them. The angle of nearly equal inputs is lost in K, so
h = sin^2(theta/2) is what is carried along:

    sqrt(q1 q2) (1 - 2 h) = K(x, x'),     2 h' sqrt(q1' q2') = sqrt(q1' q2') - C_b - C_W E,

the right side from `dual_activation` without cancellation. One table serves all the layers whose
variances lie close together.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from smoothrelu.theory.elementwise import Elementwise
from smoothrelu.theory.infinite_width.dual_activation import Tables, tables
from smoothrelu.theory.quadrature import gaussian_mean

_SPAN = 3.0  # of log q: layers are put into one table up to this


class Network(NamedTuple):
    """What decides the kernels, beside the inputs."""

    activation: Elementwise
    depth: int
    bias: tuple[float, float]  # C_b, lambda_b
    weight: tuple[float, float]  # C_W, lambda_W


class Pairs(NamedTuple):
    """Pairs of variances, by their indices: each i with each j, (D1, D2); or paired, the first i
    with the first j and so on, (D, 1), for any number of angles each.
    """

    i: Tensor
    j: Tensor
    paired: bool

    def product(self, v: Tensor) -> Tensor:
        """v_i v_j"""
        return v[self.i, None] * (v[self.j, None] if self.paired else v[self.j])

    def difference(self, v: Tensor) -> Tensor:
        """v_i - v_j"""
        return v[self.i, None] - (v[self.j, None] if self.paired else v[self.j])

    def form(self, at: Tensor, matrix: Tensor) -> Tensor:
        """at_i . matrix . at_j"""
        left, right = at[self.i] @ matrix, at[self.j]
        return (left * right).sum(1, keepdim=True) if self.paired else left @ right.T


Kernels = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From sin^2(theta/2) and cos^2(theta/2) in the first layer to (nngp, ntk)."""


class Layers:
    """The kernels of pairs of variances q.

    flow: q at the layers 1, ..., depth. tables: those of all but the last; given, they are those of
    variances in the same range.
    Raises ValueError where a variance leaves the range of float64.
    """

    def __init__(self, network: Network, q: Tensor, tables: list[Tables] | None = None):
        self.network = network
        self.flow, squares = _flow(network, q)
        self.tables = tables or _tables(network.activation, self.flow)
        self._layers = [
            _layer(*layer, network.bias, network.weight)
            for layer in zip(self.tables, self.flow, self.flow[1:], squares, strict=False)
        ]

    def __call__(self, pairs: Pairs) -> Kernels:
        steps, bias, weight = [layer(pairs) for layer in self._layers], *self.network[2:]
        first, last = (pairs.product(self.flow[end].sqrt()) for end in (0, -1))

        def kernels(half: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
            gram = (first * (rest - half) - bias[0]) / weight[0]
            ntk = bias[1] + weight[1] * gram
            for step in steps:
                half, rest, ntk = step(half, rest, ntk)
            return last * (rest - half), ntk

        return kernels


def _flow(network: Network, q: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The variances of the layers 1, ..., depth and <phi^2> at all but the last."""
    activation, C_b, C_W = network.activation, network.bias[0], network.weight[0]
    flow, squares = [q], []
    for number in range(2, network.depth + 1):
        squares.append(gaussian_mean(lambda z: activation(z) ** 2, q, activation.length_scale))
        q = C_b + C_W * squares[-1]
        if not (q.isfinite().all() and (q > 1e-290).all()):
            raise ValueError(
                f"the kernel at layer {number} is {q.min():.3g} to {q.max():.3g}: with C_W={C_W}, "
                f"C_b={C_b} it leaves the range of float64; take `criticality(activation)`'s"
            )
        flow.append(q)
    return flow, squares


def _tables(activation: Elementwise, flow: list[Tensor]) -> list[Tables]:
    """The tables of the layers; neighbours share one while their variances lie close together."""
    found, group = [], []
    for q in flow[:-1]:
        if group and _span([*group, q]) > max(_SPAN, 1.2 * _span(group[:1])):
            found += [tables(activation, torch.cat(group))] * len(group)
            group = []
        group.append(q)
    return found + [tables(activation, torch.cat(group))] * len(group) if group else found


def _span(group: list[Tensor]) -> float:
    q = torch.cat(group).detach()
    return math.log(q.max().item() / q.min().item())


def _layer(table: Tables, q: Tensor, following: Tensor, square: Tensor, bias, weight):
    """The function from pairs of variances to the step of one layer, from sin^2(theta/2),
    cos^2(theta/2) and Theta to those of the next.
    """
    at, root, norm = table.at(q), q.sqrt(), square.sqrt()
    shrink = weight[0] ** 0.5 * root / following.sqrt()

    def of(pairs: Pairs):
        norms = pairs.product(norm)
        apart = pairs.difference(q.log()).square() * pairs.form(at, table.spread)
        unequal = weight[0] * norms * apart
        if bias[0] > 0:
            sides = (bias[0] + weight[0] * square).sqrt()
            total = pairs.product(sides) + bias[0] + weight[0] * norms
            unequal = unequal + bias[0] * weight[0] * pairs.difference(norm).square() / total
        parted = unequal / (2 * pairs.product(following.sqrt()))
        shrinks, size = pairs.product(shrink), pairs.product(root)
        coincident = bias[1] + weight[1] * norms * (1 - apart)
        series = table.series(at[pairs.i], at[pairs.j], paired=pairs.paired)

        def step(half: Tensor, rest: Tensor, ntk: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            G, derivative = series(half, rest)
            drop = half * G  # (E(0) - E(theta)) / (2 size)
            ntk = coincident - 2 * weight[1] * size * drop + weight[0] * derivative * ntk
            half = (parted + shrinks * drop).clamp(0, 1)
            return half, 1 - half, ntk

        return step

    return of
