r"""The fixed points K = C_b + C_W <phi^2>_K of the kernel map, and from where a flow tends to each.

Above a fixed point that attracts from above the kernel falls towards it from layer to layer; below
one that attracts from below it rises. A critical fixed point has chi_parallel = 1, so the map only
touches the diagonal there: it attracts from one side and repels on the other (half-stable).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import MomentTable
from smoothrelu.theory.root_finding import root
from smoothrelu.theory.variances import check_variances

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


def fixed_points(
    activation: Activation, *, C_W: float, C_b: float, marginal: float | None = None
) -> tuple[FixedPoint, ...]:
    """All fixed points K = C_b + C_W <phi^2>_K at the given variances, ascending, with their
    basins; K = 0 is one where C_b = phi(0) = 0.

    marginal: a fixed point already known at which the map touches the diagonal without crossing it
    (the K_star of `criticality`): no search by change of sign would see it.
    Searched: twenty-two decades about T^2, T being the temperature or, of other callables, 1; and
    close to `marginal`, down to a relative distance of 5e-4. Kernels that the map moves by less
    than a relative 1e-13 are at rest as far as it can tell, and are passed over.
    Accuracy: relative 1e-12/|chi_parallel - 1|.
    Raises ValueError where every kernel is at rest (ReLU under He initialisation), where the map
    falls as K rises, so that a flow may jump over a fixed point, and as `kernel_map`.
    """
    check_variances(C_W, C_b)
    activation = Elementwise.of(activation)
    area = (activation.length_scale or 1.0) ** 2
    table = MomentTable(activation, area * _SEARCHED[0], area * _SEARCHED[1])
    K, rises = _moving(activation, table, C_W, C_b, marginal)

    def moved_by(K: float) -> float:
        return (C_b + C_W * table.square(K)) / K - 1

    found = []
    for i in (rises[1:] != rises[:-1]).nonzero()[:, 0].tolist():
        if marginal is None or not K[i] < marginal < K[i + 1]:
            where = root(moved_by, K[i].item(), K[i + 1].item())
            found.append((where, rises[i].item(), not rises[i + 1].item()))
    if marginal is not None:
        below, above = rises[marginal > K][-1].item(), rises[marginal < K][0].item()
        found.append((marginal, below, not above))
    if C_b == 0 and activation.at_origin == 0:
        found.append((0.0, False, not rises[0].item()))
    return _with_basins(activation, table, C_W, sorted(found))


def attractor_of(points: Sequence[FixedPoint], K: float) -> float:
    """The kernel that a flow started at K tends to: a fixed point or inf.

    points: all fixed points of the map, as `fixed_points` gives them; without any the answer
    is inf.
    """
    for p in points:
        if p.K == K or p.basin[0] < K < p.basin[1]:
            return p.K
    return float("inf")


destination = attractor_of
"""The name that `attractor_of` had first; kept for those who import it."""


def _moving(activation, table: MomentTable, C_W: float, C_b: float, marginal: float | None):
    """The kernels of the search that the map moves, ascending, and whether each one rises."""
    K = table.low * torch.logspace(0, 22, 133, dtype=torch.float64)
    K = K.clamp(table.low, table.high)
    if marginal is not None:
        near = torch.logspace(-3.3, -0.05, 40, dtype=torch.float64)
        K = torch.cat([K, marginal * (1 - near), marginal * (1 + near)]).sort().values
        K = K[(K / marginal - 1).abs() >= 5e-4]
    m = table(K)
    if (m.slope < 0).any():
        at = K[m.slope < 0][0].item()
        raise ValueError(
            f"<phi^2>_K of {activation.name} falls as K rises, at K = {at:.3g}: a flow may "
            "then jump over a fixed point, and no basin is an interval; follow it by kernel_flow"
        )
    moved = (C_b + C_W * m.square) / K - 1
    moves = moved.abs() > _AT_REST
    if not moves.any():
        raise ValueError(
            f"every kernel is a fixed point of {activation.name} at C_W = {C_W:.6g}, "
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
            parallel = perp = C_W * activation.slopes_at_origin.square().mean().item()
        else:
            m = table(torch.tensor(K, dtype=torch.float64))
            parallel, perp = C_W * m.slope.item(), C_W * m.derivative_square.item()
        basin = ends[i] if below else K, ends[i + 2] if above else K
        points.append(FixedPoint(K, parallel, perp, basin))
    return tuple(points)
