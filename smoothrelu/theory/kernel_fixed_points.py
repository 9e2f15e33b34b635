r"""The fixed points K = C_b + C_W <phi^2>_K of the kernel map, and from where a flow tends to each.

Above a fixed point that attracts from above the kernel falls towards it from layer to layer; below
one that attracts from below it rises. A critical fixed point has chi_parallel = 1, so the map only
touches the diagonal there: it attracts from one side and repels on the other (half-stable).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from smoothrelu.theory.kernel_maps import (
    Activation,
    MomentTable,
    check_variances,
    name_of,
    scale_of,
    slopes_at_the_origin,
    value_and_derivative,
)

_SEARCHED = (1e-8, 1e14)  # in units of T^2
_AT_REST = 1e-13  # a kernel that the map moves by less, relative, stays as far as it can tell


@dataclass(frozen=True)
class FixedPoint:
    """A kernel K that the map leaves in place, and its susceptibilities.

    basin: (low, high), the starting kernels that tend to it are those between; low = K where it
    does not attract from below, high = K where it does not attract from above.
    """

    K: float
    chi_parallel: float
    chi_perp: float
    basin: tuple[float, float]

    @property
    def attracts_from_below(self) -> bool:
        return self.basin[0] < self.K

    @property
    def attracts_from_above(self) -> bool:
        return self.basin[1] > self.K


class NotConverged(ArithmeticError):  # noqa: N818 - reads as what happened
    """A solver stopped before it reached the accuracy it promises; it returns nothing."""

    def __init__(self, residual: float, steps: int):
        super().__init__(
            f"no solution after {steps} steps: the residual is still {residual:.3g}; the function "
            "jumps or is not finite there, so check the activation near the kernels it was asked at"
        )
        self.residual, self.steps = residual, steps


def fixed_points(
    activation: Activation, *, C_W: float, C_b: float, tangent: float | None = None
) -> tuple[FixedPoint, ...]:
    """All fixed points at the given variances, ascending, with their basins; K = 0 is one where
    C_b = phi(0) = 0.

    tangent: a fixed point already known at which the map touches the diagonal without crossing it
    (the K_star of `criticality`): no search by change of sign would see it.
    Searched: twenty-two decades about T^2, T being the temperature or, of other callables, 1; and
    close to `tangent`, down to a relative distance of 5e-4. Kernels that the map moves by less than
    a relative 1e-13 are at rest as far as it can tell, and are passed over.
    Accuracy: relative 1e-12/|chi_parallel - 1|.
    Raises ValueError where every kernel is at rest (ReLU under He initialisation), where the map
    falls as K rises, so that a flow may jump over a fixed point, and as `kernel_map`.
    """
    check_variances(C_W, C_b)
    area = (scale_of(activation) or 1.0) ** 2
    table = MomentTable(activation, area * _SEARCHED[0], area * _SEARCHED[1])
    K, rises = _moving(activation, table, C_W, C_b, tangent)

    def moved_by(K: float) -> float:
        return (C_b + C_W * table.square(K)) / K - 1

    found = []
    for i in (rises[1:] != rises[:-1]).nonzero()[:, 0].tolist():
        if tangent is None or not K[i] < tangent < K[i + 1]:
            where = root(moved_by, K[i].item(), K[i + 1].item())
            found.append((where, rises[i].item(), not rises[i + 1].item()))
    if tangent is not None:
        below, above = rises[tangent > K][-1].item(), rises[tangent < K][0].item()
        found.append((tangent, below, not above))
    if C_b == 0 and _vanishes_at_zero(activation):
        found.append((0.0, False, not rises[0].item()))
    return _with_basins(activation, table, C_W, sorted(found))


def destination(points: Sequence[FixedPoint], K: float) -> float:
    """The kernel that a flow started at K tends to: a fixed point or inf.

    points: all fixed points of the map, as `fixed_points` gives them.
    """
    for p in points:
        if p.K == K or p.basin[0] < K < p.basin[1]:
            return p.K
    return float("inf")


def root(f: Callable[[float], float], low: float, high: float) -> float:
    """The root K of f between low and high > 0, where f has opposite signs; relative accuracy
    1e-14, if f allows it.

    Inverse quadratic interpolation in log K where that is safe, bisection where not (Chandrupatla
    1997): about eight evaluations, never more than about fifty.
    Raises ValueError where f has one sign at both ends, NotConverged where its sign changes without
    |f| falling below 1e-9, or f is NaN.
    """
    a, b = math.log(high), math.log(low)
    f_a, f_b = f(high), f(low)
    if f_a * f_b > 0:
        raise ValueError(
            f"f is {f_b:.3g} at K = {low:.6g} and {f_a:.3g} at {high:.6g}: a root needs two signs"
        )
    c, f_c, t = a, f_a, 0.5
    steps = 0
    while True:
        steps += 1
        x = a + t * (b - a)
        f_x = f(math.exp(x))
        if (f_x > 0) == (f_a > 0):
            c, f_c = a, f_a
        else:
            c, f_c, b, f_b = b, f_b, a, f_a
        a, f_a = x, f_x
        least = min(abs(f_a), abs(f_b))
        shortest = 2e-15 * max(1.0, abs(a)) / abs(b - a)
        if math.isnan(f_x) or least == 0 or shortest > 0.5 or steps == 100:
            break
        t = min(max(_fraction(a, b, c, f_a, f_b, f_c), shortest), 1 - shortest)
    if not least < 1e-9:
        raise NotConverged(least, steps)
    return math.exp(a if least == abs(f_a) else b)


def _fraction(a, b, c, f_a, f_b, f_c) -> float:
    """Where from a to b to look next: inverse quadratic interpolation, or half."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    if not (phi**2 < xi and (1 - phi) ** 2 < 1 - xi):
        return 0.5
    along = f_a / (f_b - f_a) * f_c / (f_b - f_c)
    return along + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)


def _moving(activation, table: MomentTable, C_W: float, C_b: float, tangent: float | None):
    """The kernels of the search that the map moves, ascending, and whether each one rises."""
    K = table.low * torch.logspace(0, 22, 133, dtype=torch.float64)
    K = K.clamp(table.low, table.high)
    if tangent is not None:
        near = torch.logspace(-3.3, -0.05, 40, dtype=torch.float64)
        K = torch.cat([K, tangent * (1 - near), tangent * (1 + near)]).sort().values
        K = K[(K / tangent - 1).abs() >= 5e-4]
    m = table(K)
    if (m.slope < 0).any():
        at = K[m.slope < 0][0].item()
        raise ValueError(
            f"<phi^2>_K of {name_of(activation)} falls as K rises, at K = {at:.3g}: a flow may "
            "then jump over a fixed point, and no basin is an interval; follow it by kernel_flow"
        )
    moved = (C_b + C_W * m.square) / K - 1
    moves = moved.abs() > _AT_REST
    if not moves.any():
        raise ValueError(
            f"every kernel is a fixed point of {name_of(activation)} at C_W = {C_W:.6g}, "
            f"C_b = {C_b:.6g}: a flow stays where it starts"
        )
    return K[moves], moved[moves] > 0


def _with_basins(activation, table, C_W, found) -> tuple[FixedPoint, ...]:
    """found: (K, attracts from below, attracts from above), ascending. A basin ends at the next
    fixed point.
    """
    ends = [0.0, *(K for K, _, _ in found), float("inf")]
    points = []
    for i, (K, below, above) in enumerate(found):
        if K == 0:
            parallel = perp = C_W * slopes_at_the_origin(activation).square().mean().item()
        else:
            m = table(torch.tensor(K, dtype=torch.float64))
            parallel, perp = C_W * m.slope.item(), C_W * m.derivative_square.item()
        basin = ends[i] if below else K, ends[i + 2] if above else K
        points.append(FixedPoint(K, parallel, perp, basin))
    return tuple(points)


def _vanishes_at_zero(activation: Activation) -> bool:
    return value_and_derivative(activation, torch.zeros(1, dtype=torch.float64))[0].item() == 0
