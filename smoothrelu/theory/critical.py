r"""Critical initialisation: the (C_W, C_b) at which signals neither grow nor die with depth.

A kernel K* is critical when it is a fixed point of the kernel map with chi_parallel(K*) =
chi_perp(K*) = 1. Both susceptibilities carry the factor C_W, so K* solves an equation without it,

    D(K) = d<phi^2>_K/dK - <phi'^2>_K = <phi phi''>_K = 0,
    C_W = 1/<phi'^2>_K*,    C_b = K* - C_W <phi^2>_K*.

Source: PDLT, chapter 5. For phi_T = T phi_1(./T): C_W does not depend on T, and C_b and K* go like
T^2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from smoothrelu.activations.protocol import forward_activation_of
from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import Moments, MomentTable
from smoothrelu.theory.root_finding import root
from smoothrelu.theory.variances import Variances

_SEARCHED = (1e-8, 1e8)  # the kernels searched, for a temperature of 1
_MISTRUSTED = 0.02  # an error of the moments from which on D is not looked at
_RESOLVED = 1e-9  # below this the sign of D, over <phi'^2>, is rounding


Universality = Literal["scale-invariant", "K*=0", "half-stable"]


@dataclass(frozen=True)
class Criticality:
    """Weight variance C_W (Var W = C_W/fan_in), bias variance C_b, and the critical kernel K_star
    (in units of z^2).

    universality names the class (PDLT, section 5.3): "scale-invariant" (ReLU: every kernel is a
    fixed point, and K_star is None), "K*=0" (tanh: signals fade as a power of the depth) or
    "half-stable" (the smooth ReLUs: K_star > 0 attracts from one side and repels on the other;
    `fixed_points` says from which, and what other fixed points the map has).
    error: an estimate of the relative error of the moments at K_star; above 1e-10 only for
    activations with a kink away from the origin.
    """

    C_W: float
    C_b: float
    K_star: float | None
    universality: Universality
    error: float = 0.0

    @property
    def variances(self) -> Variances:
        return Variances(self.C_W, self.C_b)

    @property
    def gain(self) -> float:
        """sqrt(C_W): a standard deviation, as torch.nn.init.calculate_gain gives it."""
        return math.sqrt(self.C_W)

    def __str__(self) -> str:
        K_star = "any" if self.K_star is None else f"{self.K_star:.8g}"
        doubt = f", error={self.error:.1g}" if self.error > 1e-10 else ""
        return (
            f"Criticality(C_W={self.C_W:.9g}, C_b={self.C_b:.8g}, K_star={K_star}, "
            f"universality={self.universality!r}{doubt})"
        )


class NoCriticality(ValueError):  # noqa: N818 - the name the field would use
    """No (C_W, C_b) has chi_parallel = chi_perp = 1 at a fixed point; the message says why."""

    def __init__(self, activation: Activation, reason: str):
        function = Elementwise.of(activation)
        super().__init__(
            f"{function.name} has no critical initialisation: {reason}. "
            "Initialise it with he_init_, or set (C_W, C_b) by hand"
        )
        self.activation = function.activation
        self.reason = reason


def criticality(activation: Activation) -> Criticality:
    r"""The critical (C_W, C_b) of an activation and its critical kernel K_star; where there are
    several, the first of `critical_points`.

    C_W <phi'^2>_K = (C_W/K) <z phi phi'>_K = 1 and C_b + C_W <phi^2>_K = K at K = K_star (PDLT,
    chapter 5).
    activation: a smooth ReLU, or any elementwise torch callable that takes float64
    (torch.nn.functional.silu, a lambda).
    Accuracy: relative 1e-10 for the smooth ReLUs at any temperature; for others the same where they
    are analytic on either side of the origin and vary on scales between 1e-4 and 1e4; a kink
    elsewhere costs digits, and `error` says how many it leaves (of hardswish two).
    Raises NoCriticality, with the reason, where there is no critical point; ValueError where the
    callable is not elementwise, or gives NaN, a pole, or another dtype or shape.
    """
    return critical_points(activation)[0]


def critical_points(activation: Activation) -> tuple[Criticality, ...]:
    """Every critical point: those with K_star > 0 ascending, then K* = 0 where it attracts.

    Each has variances of its own. Arguments, accuracy and errors: `criticality`; never empty.
    """
    activation = Elementwise.of(activation)
    if isinstance(activation.activation, SmoothReLU) and activation.length_scale != 1:
        area = activation.length_scale**2
        unit = critical_points(type(activation.activation)())
        return tuple(replace(c, C_b=c.C_b * area, K_star=c.K_star * area) for c in unit)
    table = MomentTable(activation, *_SEARCHED)
    if _is_scale_invariant(activation):
        C_W = 1 / activation.slopes_at_origin.square().mean().item()
        return (Criticality(C_W, 0.0, None, "scale-invariant"),)
    grid = torch.logspace(-8, 8, 65, dtype=torch.float64)
    m = table(grid)
    K, excess = _trusted(grid, m)
    points = [_at(table, K_star) for K_star in _roots(table, K, excess)]
    found = [c for c in points if c.C_b >= 0]
    if (C_W := _stable_origin(activation, grid, m.square)) is not None:
        found.append(Criticality(C_W, 0.0, 0.0, "K*=0"))
    if not found:
        raise NoCriticality(activation, _reason(K, excess, points))
    return tuple(found)


def critical_layers(activations: Sequence[Activation]) -> list[Variances]:
    r"""The critical (C_W, C_b) of each of the L linear layers around L - 1 activations of one kind,
    at temperatures T_1, ..., T_{L-1}.

    With the critical C_W, C_b of the kind at T = 1, and T_0 := T_1, T_L := T_{L-1},

        C_W(l) = C_W (T_l/T_{l-1})^2,    C_b(l) = C_b T_l^2.

    Why: phi_T(z) = T phi_1(z/T), so z(l)/T_l are the preactivations of a network at T = 1 with the
    weights (T_{l-1}/T_l) W(l) and the biases b(l)/T_l, and that network is critical. The kernel
    K_star T_l^2 of layer l then goes into that of layer l + 1, and chi_parallel and chi_perp of the
    step, both (T_{l+1}/T_l)^2, multiply over depth to the ratio at its two ends: they do not grow.
    To ask for chi_perp = chi_parallel = 1 at every step instead would fix C_W(l) = C_W, and with it
    C_b(l) = T_l^2 K_star - T_{l-1}^2 (K_star - C_b), which is negative, hence impossible, where T
    falls below sqrt(1 - C_b/K_star) of its value from one layer to the next.
    Source: this project. Equal temperatures are the case of PDLT, section 5.3, and of
    `critical_init_`. Accuracy: that of `criticality`.
    Raises ValueError for no activations and for activations of different kinds; NoCriticality.
    """
    forward = [forward_activation_of(a) for a in activations]
    kinds = sorted({type(a).__name__ for a in forward})
    if len(kinds) != 1 or not all(isinstance(a, SmoothReLU) for a in forward):
        raise ValueError(
            "critical_layers takes one or more smooth ReLUs of one kind, such as "
            f"[GELU(0.5), GELU(0.4)], got {', '.join(kinds) or 'none'}"
        )
    inner = [Elementwise.of(a).length_scale for a in forward]
    after = [inner[0], *inner, inner[-1]]
    unit = criticality(type(forward[0])())
    return [
        Variances(unit.C_W * (here / before) ** 2, unit.C_b * here**2)
        for before, here in zip(after, after[1:], strict=False)
    ]


def _roots(table: MomentTable, K: Tensor, excess: Tensor) -> list[float]:
    """The kernels where D = <phi phi''> vanishes, ascending: candidates for K*, whatever the sign
    of their C_b.
    """
    clear = excess.abs() > _RESOLVED  # where D has decayed into rounding its sign says nothing
    crosses = (excess[1:] * excess[:-1] < 0) & (clear[1:] | clear[:-1])
    return [root(table.excess, K[i].item(), K[i + 1].item()) for i in crosses.nonzero()[:, 0]]


def _trusted(K: Tensor, m: Moments) -> tuple[Tensor, Tensor]:
    """The kernels of the grid, and D there, where the quadrature can be trusted: not where phi
    grows so fast that the moments lie in the far tails.
    """
    excess = _excess(m)
    trusted = (m.error < _MISTRUSTED) & excess.isfinite()
    if not trusted.any():
        raise ValueError(
            "at no kernel between 1e-8 and 1e8 are the moments of the activation finite and other "
            f"than 0: at K = 1, <phi^2> = {m.square[32]:.3g}, <phi'^2> = "
            f"{m.derivative_square[32]:.3g}; an activation has neither poles nor is it constant"
        )
    return K[trusted], excess[trusted]


def _excess(m: Moments) -> Tensor:
    """D(K) over <phi'^2>_K: chi_parallel/chi_perp - 1."""
    return m.slope / m.derivative_square - 1


def _at(table: MomentTable, K_star: float) -> Criticality:
    m = table(torch.tensor(K_star, dtype=torch.float64))
    C_W = 1 / m.derivative_square.item()
    C_b = K_star - C_W * m.square.item()
    return Criticality(C_W, C_b, K_star, "half-stable", m.error.item())


def _is_scale_invariant(activation: Elementwise) -> bool:
    """phi(2z) = 2 phi(z): ReLU, leaky ReLU, the identity."""
    z = torch.tensor([-3.0, -0.5, 0.0, 0.7, 2.0], dtype=torch.float64)
    once, twice = activation(z), activation(2 * z)
    return bool(once.any()) and torch.allclose(twice, 2 * once, rtol=1e-12, atol=0)


def _stable_origin(activation: Elementwise, K: Tensor, phi_square: Tensor) -> float | None:
    """The C_W that makes K = 0 critical, where with it small kernels fall; otherwise None.

    Near 0 phi is linear on either side, and both susceptibilities are C_W times the mean of
    phi'(0-)^2 and phi'(0+)^2. Whether small kernels fall is read off where <phi^2>/K first departs
    from that mean.
    """
    square = activation.slopes_at_origin.square().mean()
    if activation.at_origin != 0 or not 0 < square < math.inf:
        return None
    departure = phi_square / (K * square) - 1
    departs = (departure.abs() > 1e-10).nonzero()[:, 0]
    if len(departs) == 0 or not -0.3 < departure[departs[0]] < 0:
        return None
    return 1 / square.item()


def _reason(K: Tensor, excess: Tensor, points: list[Criticality]) -> str:
    if points:
        needed = ", ".join(f"C_b = {c.C_b:.6g} for K* = {c.K_star:.6g}" for c in points)
        return f"its critical point needs a negative bias variance, {needed}"
    if (excess.abs() < _RESOLVED).all():
        return (
            "chi_parallel = chi_perp at every kernel, but with both at 1 no kernel is a fixed point"
        )
    i = excess.abs().argmin()
    closest = f"the ratio comes closest to 1 at K = {K[i]:.3g}, where it is {1 + excess[i]:.6g}"
    if (excess > 0).all():
        return (
            "chi_parallel/chi_perp exceeds 1 at every kernel, as for any convex function that is "
            f"not negative, so that signals grow where gradients keep their size ({closest})"
        )
    if (excess < 0).all():
        return (
            "chi_parallel/chi_perp is below 1 at every kernel, and K = 0 is not a fixed point that "
            f"attracts ({closest})"
        )
    return f"d<phi^2>/dK = <phi'^2> has no solution K between 1e-8 and 1e8 ({closest})"
