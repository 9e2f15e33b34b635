r"""The kernels of infinitely wide networks by looking up one table for all the layers.

After any number of layers the two kernels of a pair of inputs are still functions of its variances
q1, q2 and its angle theta in the first layer alone, and away from theta = 0 no less smooth than
after one layer. So the layers are applied at the Chebyshev points of these three, a few thousand
pairs, and for all others the series is evaluated once.

Where q1 = q2 and theta = 0 a cold network has a corner: a function of the distance of two inputs
that is smooth from T/sqrt(q) on only. Series in q1 and q2 would not resolve it. So the table starts
at the least angle that occurs between different inputs, and an input's kernel with itself, a
function of q alone, has a series of its own.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from smoothrelu.theory.infinite_width.dual_activation import (
    PairSeries,
    VariancePoints,
    degree,
    enough_variances,
    fitted,
    half_angles,
    lowest_coordinate,
    unresolved,
    variances,
)
from smoothrelu.theory.infinite_width.recursion import Kernels, Layers, Network, Pairs
from smoothrelu.theory.quadrature import pair_scale

_PAYS = 2  # pairs of inputs for each point of the table
_BLOCK = 1 << 15  # points at a time
_ATTEMPTS = 2  # the second with more points
_DIGITS = 40.0  # natural, of a function that has all the layers' singularities and not one's
_CORNER = 6.0  # |log q1 - log q2| at which the corner is felt, over sin(theta/2) or T/sqrt(q)


class WholeNetwork(NamedTuple):
    """The kernels of pairs of variances q, as `Layers` has them to a relative 1e-12.

    series: of both over the roots of the variances of the last layer; at, root: what stands for
    each q. diagonals: both kernels of each input with itself.
    """

    series: PairSeries
    at: Tensor
    root: Tensor
    diagonals: tuple[Tensor, Tensor]

    def __call__(self, pairs: Pairs) -> Kernels:
        ends = self.at[pairs.i], self.at[pairs.j]
        series, size = self.series.series(*ends, paired=pairs.paired), pairs.product(self.root)

        def kernels(half: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
            nngp, ntk = series(half, rest)
            return size * nngp, size * ntk

        return kernels


def whole_network(
    network: Network, q: Tensor, least: tuple[float, float], pairs: int
) -> WholeNetwork | None:
    """For variances q of inputs, of which so many pairs are wanted; None where so few are computed
    faster layer by layer, or a table would not resolve what the layers make of them.

    least: bounds from below of sin^2(theta/2) and cos^2(theta/2) between different inputs.
    """
    c = pair_scale(q.max().sqrt().item(), network.activation.length_scale)
    lowest = tuple(lowest_coordinate(c, half) for half in least)
    corner = min(math.pi, _CORNER * math.hypot(least[0] ** 0.5, c))
    count = enough_variances(q, singular=corner, digits=_DIGITS)
    size = degree(c, min(lowest))
    tables = None
    for _ in range(_ATTEMPTS):
        if network.depth < 3 or pairs < _PAYS * size * count**2:
            return None
        points = variances(q, count)
        layers = Layers(network, points.q, tables)
        values, same = _at_points(layers, points, [half_angles(c, size, y) for y in lowest])
        too_few_angles, too_few_variances = unresolved(points, values.detach())
        if not (too_few_angles or too_few_variances):
            break
        tables = layers.tables
        size += 8 * math.ceil(size / 32) if too_few_angles else 0
        count += math.ceil(count / 4) if too_few_variances else 0
    else:
        return None
    fewer = not network.activation.differentiable_scale
    series = PairSeries(*fitted(points, c, values, fewer=fewer, lowest=lowest))
    at = series.at(q)
    along = torch.cat([layers.flow[-1].sqrt()[:, None], same], 1)  # of q alone
    root, *same = (at @ points.to_coefficients @ along).unbind(1)
    return WholeNetwork(series, at, root, tuple(root * root * kernel for kernel in same))


def _at_points(
    layers: Layers, points: VariancePoints, angles: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Both kernels over the roots of the last variances: at the points, (2, 2, M, Q, Q), as
    `fitted` takes them, and for an input with itself, (Q, 2).
    """
    near, far = angles
    zero = near.new_zeros(1)
    half, rest = torch.cat([near, 1 - far, zero]), torch.cat([1 - near, far, zero + 1])
    i, j = torch.triu_indices(len(points.q), len(points.q))
    root, found = layers.flow[-1].sqrt(), []
    for some in torch.arange(len(i)).split(max(1, _BLOCK // len(half))):
        pairs = Pairs(i[some], j[some], True)
        both = layers(pairs)(half.expand(len(some), -1), rest.expand(len(some), -1))
        found.append(torch.stack(both, 2) / pairs.product(root)[..., None])
    found = torch.cat(found)  # (pairs, 2 M + 1, 2)
    place = torch.empty(len(points.q), len(points.q), dtype=torch.long)
    place[i, j] = place[j, i] = torch.arange(len(i))
    values = found[place, :-1].unflatten(2, (2, len(near))).permute(2, 4, 3, 0, 1)
    return values, found[place.diagonal(), -1]
