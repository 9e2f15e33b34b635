r"""Critical initialisation: the (C_W, C_b) at which signals neither grow nor die with depth.

A kernel K* is critical when it is a fixed point of the kernel map with chi_parallel(K*) =
chi_perp(K*) = 1. Both susceptibilities carry the factor C_W, so K* solves an equation without it,

    D(K) = d<phi^2>_K/dK - <phi'^2>_K = <phi phi''>_K = 0,
    C_W = 1/<phi'^2>_K*,    C_b = K* - C_W <phi^2>_K*.

Source: PDLT, chapter 5. For phi_T = T phi_1(./T): C_W does not depend on T, and C_b and K* go like
T^2.
"""

import math
from dataclasses import dataclass

import torch

from smoothrelu.activations import SmoothReLU, plain_temperature
from smoothrelu.fixed_points import root
from smoothrelu.kernels import Activation, moments, value_and_derivative


@dataclass(frozen=True)
class Criticality:
    """Weight variance C_W (Var W = C_W/fan_in), bias variance C_b, and the critical kernel K_star
    (in units of z^2).

    universality names the class (PDLT, section 5.3): "scale-invariant" (ReLU: every kernel is a
    fixed point, and K_star is None), "K*=0" (tanh: signals fade as a power of the depth) or
    "half-stable" (the smooth ReLUs: K_star > 0 attracts from one side and repels on the other;
    `fixed_points` says from which, and what other fixed points the map has).
    """

    C_W: float
    C_b: float
    K_star: float | None
    universality: str

    @property
    def gain(self) -> float:
        """sqrt(C_W): a standard deviation, as torch.nn.init.calculate_gain gives it."""
        return math.sqrt(self.C_W)

    def __str__(self) -> str:
        K_star = "any" if self.K_star is None else f"{self.K_star:.8g}"
        return (
            f"Criticality(C_W={self.C_W:.9g}, C_b={self.C_b:.8g}, K_star={K_star}, "
            f"universality={self.universality!r})"
        )


class NoCriticality(ValueError):  # noqa: N818 - the name the field would use
    """No (C_W, C_b) has chi_parallel = chi_perp = 1 at a fixed point; the message says why."""

    def __init__(self, activation: Activation, reason: str):
        name = getattr(activation, "__name__", repr(activation))
        super().__init__(
            f"{name} has no critical initialisation: {reason}. "
            "Initialise it with he_init_, or set (C_W, C_b) by hand"
        )
        self.activation = activation
        self.reason = reason


def criticality(activation: Activation) -> Criticality:
    """The critical (C_W, C_b) of an activation and its critical kernel K_star.

    activation: a smooth ReLU, or any elementwise torch callable that takes float64
    (torch.nn.functional.silu, a lambda).
    Accuracy: relative 1e-10 for the smooth ReLUs at any temperature; for others the same where they
    are analytic on either side of the origin and vary on scales between 1e-4 and 1e4.
    Raises NoCriticality where there is no critical point, ValueError where the callable is not
    elementwise.
    """
    if isinstance(activation, SmoothReLU) and activation.temperature != 1:
        unit, area = criticality(type(activation)()), plain_temperature(activation.temperature) ** 2
        return Criticality(unit.C_W, unit.C_b * area, unit.K_star * area, unit.universality)
    if _is_scale_invariant(activation):
        C_W = 1 / moments(activation, 1.0).derivative_square.item()
        return Criticality(C_W, 0.0, None, "scale-invariant")
    roots = critical_kernels(activation)
    for K_star in roots:
        m = moments(activation, K_star)
        C_W = 1 / m.derivative_square.item()
        C_b = K_star - C_W * m.square.item()
        if C_b >= 0:
            return Criticality(C_W, C_b, K_star, "half-stable")
    if (slope := _slope_of_a_stable_origin(activation)) is not None:
        return Criticality(1 / slope**2, 0.0, 0.0, "K*=0")
    if roots:
        raise NoCriticality(activation, "its critical point needs a negative bias variance C_b")
    raise NoCriticality(activation, "d<phi^2>/dK = <phi'^2> has no solution K")


def critical_kernels(activation: Activation) -> list[float]:
    """The roots K > 0 of D(K) = <phi phi''>_K, ascending: candidates for K*, whatever the sign of
    their C_b.
    """
    grid = torch.logspace(-8, 8, 65, dtype=torch.float64)
    excess = _excess(activation, grid)
    clear = excess.abs() > 1e-9  # where D has decayed into rounding its sign says nothing
    crosses = (excess[1:] * excess[:-1] < 0) & (clear[1:] | clear[:-1])
    return [
        root(lambda K: _excess(activation, K), grid[i], grid[i + 1])
        for i in crosses.nonzero()[:, 0]
    ]


def _excess(activation: Activation, K: torch.Tensor) -> torch.Tensor:
    """D(K) over <phi'^2>_K."""
    m = moments(activation, K)
    return m.slope / m.derivative_square - 1


def _is_scale_invariant(activation: Activation) -> bool:
    """phi(2z) = 2 phi(z): ReLU, leaky ReLU, the identity."""
    z = torch.tensor([-3.0, -0.5, 0.0, 0.7, 2.0], dtype=torch.float64)
    once, _ = value_and_derivative(activation, z)
    twice, _ = value_and_derivative(activation, 2 * z)
    return bool(once.any()) and torch.allclose(twice, 2 * once, rtol=1e-12, atol=0)


def _slope_of_a_stable_origin(activation: Activation) -> float | None:
    """phi'(0) where K = 0 is a fixed point that attracts at C_W = 1/phi'(0)^2, C_b = 0; otherwise
    None.
    """
    origin, slope = value_and_derivative(activation, torch.zeros(1, dtype=torch.float64))
    if origin.item() != 0 or slope.item() == 0:
        return None
    near = torch.tensor([1e-8, 1e-6, 1e-4], dtype=torch.float64)
    growth = moments(activation, near).slope / slope.square()
    return slope.item() if (growth < 1).all() and (growth > 0.9).all() else None
