r"""Where a kernel goes, for every pair of variances (C_W, C_b).

For phi_T = T phi_1(./T) the map in units of T^2 is that of T = 1, so one diagram over
(C_W, C_b/T^2) serves all temperatures, for a start K/T^2.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import MomentTable
from smoothrelu.theory.root_finding import NotConverged

_SEARCHED = (-10, 12)  # decades, in units of T^2
_A_DECADE = 64  # kernels of the search
_STEPS = 60  # at most, of Newton's method
_AT_REST = 1e-12  # relative: a kernel that the map moves by less stays


@dataclass(frozen=True)
class PhaseDiagram:
    """K, chi_parallel, chi_perp at each pair: float64, of the shape to which C_W and C_b broadcast.

    K: where the flow ends, 0, a fixed point, or inf. The susceptibilities are those at K; at 0 and
    at inf the limits, C_W times the mean squared slope of phi beside the origin or far out.
    """

    C_W: Tensor
    C_b: Tensor
    K: Tensor
    chi_parallel: Tensor
    chi_perp: Tensor


def phase_diagram(
    activation: Activation, C_W: Tensor, C_b: Tensor, *, start: float | Tensor
) -> PhaseDiagram:
    r"""The end of the flow K' = C_b + C_W <phi^2>_K from K(1) = start, for all pairs at once.

    C_W > 0, C_b >= 0 and start > 0 broadcast together. Since <phi^2>_K rises with K the flow is
    monotone: it ends at the nearest fixed point in the direction in which it sets out. That one is
    bracketed on a grid of kernels from 1e-10 to 1e12 times T^2 (of other callables, 1), beyond
    which the kernel counts as 0 or inf, and closed in on by Newton's method; so a flow through a
    bottleneck, where iterating the map would take for ever, costs no more. Two fixed points closer
    than 4% to each other, which a flow passes in thousands of layers, are passed over.
    Accuracy: relative 1e-11/|chi_parallel - 1|. 60 x 60 pairs take less than a second.
    Raises ValueError for variances or starts that are not finite, C_W <= 0, C_b < 0, start <= 0;
    for <phi^2> that falls with K; and as `kernel_map`. NotConverged where Newton's method fails.
    """
    C_W, C_b, start = torch.broadcast_tensors(
        *(torch.as_tensor(x, dtype=torch.float64) for x in (C_W, C_b, start))
    )
    _check(C_W, C_b, start)
    activation = Elementwise.of(activation)
    area = (activation.length_scale or 1.0) ** 2
    low, high = (area * 10.0**decade for decade in _SEARCHED)
    table = MomentTable(activation, low, high)
    K = _ends(table, activation, C_W.flatten(), C_b.flatten(), start.flatten().clamp(low, high))
    K = K.reshape(C_W.shape)
    return PhaseDiagram(C_W, C_b, K, *_susceptibilities(activation, table, K, C_W))


def _check(C_W: Tensor, C_b: Tensor, start: Tensor) -> None:
    named = ("C_W", C_W, C_W > 0), ("C_b", C_b, C_b >= 0), ("start", start, start > 0)
    for name, x, fine in named:
        bad = x[~(fine & x.isfinite())]
        if bad.numel():
            sign = "not negative" if name == "C_b" else "positive"
            raise ValueError(f"{name} is a variance, finite and {sign}; got {bad[0].item()}")


def _ends(table: MomentTable, activation: Elementwise, C_W, C_b, start) -> Tensor:
    """Where the flow of each pair ends; all arguments (P,)."""
    size = (_SEARCHED[1] - _SEARCHED[0]) * _A_DECADE + 1
    grid = torch.logspace(math.log10(table.low), math.log10(table.high), size, dtype=torch.float64)
    grid = grid.clamp(table.low, table.high)
    m = table(grid)
    if (m.slope < 0).any():
        raise ValueError(
            f"<phi^2>_K of {activation.name} falls as K rises, at K = "
            f"{grid[m.slope < 0][0].item():.3g}: its flow is not monotone; follow it by kernel_flow"
        )
    distinct, which = start.unique(return_inverse=True)
    pull = (C_b + C_W * table(distinct).square[which]) / start - 1
    up = torch.searchsorted(grid, start)  # of the first grid kernel not below the start
    steps = C_b[:, None] + C_W[:, None] * m.square - grid  # (P, N): K' - K
    place = torch.arange(size)
    turns_above = (place >= up[:, None]) & (steps <= 0)
    turns_below = (place < up[:, None]) & (steps >= 0)
    first, last = turns_above.int().argmax(1), size - 1 - turns_below.flip(1).int().argmax(1)
    rises = pull > 0
    index = torch.where(rises, first, last + 1).clamp(1, size - 1)  # of the bracket's upper end
    found = torch.where(rises, turns_above.any(1), turns_below.any(1)) & (pull.abs() > _AT_REST)
    K = torch.where(rises, float("inf"), 0.0)
    K = torch.where(pull.abs() <= _AT_REST, start, K)
    low, high = grid[index[found] - 1], grid[index[found]]
    K[found] = _closed_in(table, low, high, C_W[found], C_b[found])
    return K


def _closed_in(table: MomentTable, low, high, C_W, C_b) -> Tensor:
    """The fixed point between low, where the map raises the kernel, and high, where it lowers it;
    Newton's method, and bisection where that leaves the bracket.
    """
    K = (low * high).sqrt()
    going = torch.arange(len(K))  # those not there yet
    for _ in range(_STEPS):
        now, lower, upper = K[going], low[going], high[going]
        m = table(now)
        gap = C_b[going] + C_W[going] * m.square - now
        lower, upper = torch.where(gap > 0, now, lower), torch.where(gap > 0, upper, now)
        newton = now - gap / (C_W[going] * m.slope - 1)
        inside = (newton >= lower) & (newton <= upper)
        K[going] = torch.where(inside, newton, (lower * upper).sqrt())
        low[going], high[going] = lower, upper
        there = (gap.abs() < 1e-14 * now) | (upper / lower - 1 < 1e-14)
        K[going[there]] = now[there]
        going, gap = going[~there], gap[~there]
        if len(going) == 0:
            return K
    raise NotConverged((gap.abs() / K[going]).max().item(), _STEPS)


def _susceptibilities(activation, table: MomentTable, K, C_W) -> list[Tensor]:
    """chi_parallel and chi_perp at K, and their limits where K is 0 or inf."""
    m = table(K.clamp(table.low, table.high))
    origin = activation.slopes_at_origin.square().mean()
    far = activation.slopes_far_out.square().mean()
    return [
        C_W * torch.where(K == 0, origin, torch.where(K.isinf(), far, moment))
        for moment in (m.slope, m.derivative_square)
    ]
