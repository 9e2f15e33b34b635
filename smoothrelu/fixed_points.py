r"""The fixed points K = C_b + C_W <phi^2>_K of the kernel map, and on which sides they attract.

Above a fixed point that attracts from above the kernel falls towards it from layer to layer; below
one that attracts from below it rises. A critical fixed point has chi_parallel = 1, so the map only
touches the diagonal there: it attracts from one side and repels on the other (half-stable).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothrelu.kernels import (
    Activation,
    chi_parallel,
    chi_perp,
    moments,
    scale_of,
    value_and_derivative,
)


@dataclass(frozen=True)
class FixedPoint:
    """A kernel K that the map leaves in place, its susceptibilities, and the sides it attracts."""

    K: float
    chi_parallel: float
    chi_perp: float
    attracts_from_below: bool
    attracts_from_above: bool


def fixed_points(
    activation: Activation, *, C_W: float, C_b: float, tangent: float | None = None
) -> tuple[FixedPoint, ...]:
    """All fixed points at the given variances, ascending; K = 0 is one where C_b = phi(0) = 0.

    tangent: a fixed point already known at which the map touches the diagonal without crossing it
    (the K_star of `criticality`): no search by change of sign would see it.
    Searched: twenty-two decades about T^2, T being the temperature or, of other callables, 1; and
    close to `tangent`, down to a relative distance of 5e-4. Kernels that the map moves by less than
    a relative 1e-13 are at rest as far as it can tell, and are passed over.
    Accuracy: relative 1e-12/|chi_parallel - 1|.
    """
    area = (scale_of(activation) or 1.0) ** 2
    K = area * torch.logspace(-8, 14, 133, dtype=torch.float64)
    if tangent is not None:
        near = torch.logspace(-3.3, -0.05, 40, dtype=torch.float64)
        K = torch.cat([K, tangent * (1 - near), tangent * (1 + near)]).sort().values
        K = K[(K / tangent - 1).abs() >= 5e-4]
    growth = _growth(activation, K, C_W, C_b)
    K, growth = K[growth.abs() > 1e-13], growth[growth.abs() > 1e-13]
    rises = growth > 0
    found = []
    for i in (rises[1:] != rises[:-1]).nonzero()[:, 0].tolist():
        if tangent is None or not K[i] < tangent < K[i + 1]:
            where = root(lambda k: _growth(activation, k, C_W, C_b), K[i], K[i + 1])
            found.append((where, rises[i].item(), not rises[i + 1].item()))
    if tangent is not None:
        below, above = rises[tangent > K][-1].item(), rises[tangent < K][0].item()
        found.append((tangent, below, not above))
    points = [
        FixedPoint(
            where,
            chi_parallel(activation, where, C_W=C_W),
            chi_perp(activation, where, C_W=C_W),
            below,
            above,
        )
        for where, below, above in sorted(found)
    ]
    return (*_origin(activation, C_W, C_b, attracts=not rises[0].item()), *points)


def _origin(activation: Activation, C_W: float, C_b: float, attracts: bool) -> list[FixedPoint]:
    """K = 0 as a fixed point, where it is one: there both susceptibilities are C_W phi'(0)^2."""
    phi, slope = value_and_derivative(activation, torch.zeros(1, dtype=torch.float64))
    if C_b != 0 or phi.item() != 0:
        return []
    chi = C_W * slope.item() ** 2
    return [FixedPoint(0.0, chi, chi, False, attracts)]


def destination(points: Sequence[FixedPoint], K: float) -> float:
    """The kernel that a flow started at K tends to: a fixed point or inf.

    points: all fixed points of the map, as `fixed_points` gives them.
    """
    above = [p for p in points if p.K > K]
    below = [p for p in points if p.K <= K]
    if below and below[-1].K == K:
        return K
    if above and above[0].attracts_from_below:
        return above[0].K
    return below[-1].K if below and below[-1].attracts_from_above else float("inf")


def root(f: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> float:
    """The root of f between low and high, where it has opposite signs; bisection in log K made
    faster by the Illinois variant of regula falsi. Relative accuracy 1e-14, if f allows it.
    """
    a, b = low.log(), high.log()
    f_a, f_b = f(low), f(high)
    side = 0
    for _ in range(100):
        middle = (a * f_b - b * f_a) / (f_b - f_a)
        f_middle = f(middle.exp())
        if f_middle.abs() < 1e-15 or b - a < 1e-14:
            break
        if f_middle * f_b > 0:
            b, f_b = middle, f_middle
            f_a = f_a / 2 if side == 1 else f_a
            side = 1
        else:
            a, f_a = middle, f_middle
            f_b = f_b / 2 if side == -1 else f_b
            side = -1
    return middle.exp().item()


def _growth(activation: Activation, K: Tensor, C_W: float, C_b: float) -> Tensor:
    """K'/K - 1."""
    return (C_b + C_W * moments(activation, K).square) / K - 1
