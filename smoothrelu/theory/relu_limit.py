r"""How fast a smooth ReLU becomes ReLU: the leading power of T of each error, with its coefficient.

phi_T(x) = T phi_1(x/T) and ReLU(x) = T ReLU(x/T), so they differ by T h(x/T), h = phi_1 - ReLU: a
corner of width T. What a Gaussian variable of variance K sees of it is an integral of the gate
(`corner`) times the density p(0) = 1/sqrt(2 pi K) and a power of T. The derivations are in this
book's chapter on the limit T -> 0; networks are in `smoothrelu.theory.relu_limit_networks`.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from smoothrelu.activations.protocol import forward_activation_of
from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.quadrature import gaussian_rule

_REACH = 1e8  # of u: what lies beyond contributes about 1e-8
_STEP = 0.005  # in s, u = sinh(s)


@dataclass(frozen=True)
class Law:
    """An error that goes like T^exponent (coefficient + log ln(1/T)) as T -> 0."""

    exponent: float
    coefficient: float
    log: float = 0.0

    def __call__(self, T):
        return T**self.exponent * self.factor(T)

    def factor(self, T):
        """What multiplies the power: constant in T, unless the law has a logarithm."""
        return self.coefficient - self.log * np.log(T)


def fit_exponent(T, error, factor=1.0) -> tuple[float, float]:
    """The exponent of T in |error / factor|, and its standard error: least squares on logarithms.

    T, error: arrays over at least three temperatures. factor: what multiplies the power in the law
    (`Law.factor`); it matters where that is a logarithm. An exact computation has no noise: there
    the standard error measures how far the points bend away from a power of T.
    Raises ValueError for fewer temperatures than three, or an error that is zero.
    """
    T, error = np.asarray(T, dtype=float), np.asarray(error, dtype=float)
    if len(np.unique(T)) < 3 or not np.all(error != 0):
        raise ValueError(
            "a slope with its error needs three temperatures and errors that are not zero, got "
            f"T = {T.tolist()}, error = {error.tolist()}; raise T until the error exceeds rounding"
        )
    x, y = np.log(T), np.log(np.abs(error / factor))
    x, y = x - x.mean(), y - y.mean()
    slope = (x * y).sum() / (x * x).sum()
    variance = ((y - slope * x) ** 2).sum() / (len(x) - 2) / (x * x).sum()
    return float(slope), float(math.sqrt(variance))


# --- one activation


def uniform_distance(activation: Activation) -> tuple[float, float]:
    """sup over x of |phi_T(x) - ReLU(x)|, and an x where it is reached (the negative one where both
    sides tie).

    Both are in the units of x. Accuracy: relative 1e-10.
    """
    unit = type(_smooth_relu(activation))()
    u = torch.logspace(-2, 2, 2001, dtype=torch.float64)
    u = torch.stack([-u.flip(0), u]).flatten()
    gap = _gap(unit, u).abs()
    best = u[gap >= gap.max() * (1 - 1e-12)][0]
    for _ in range(6):  # Newton on the derivative of the gap, from the best node of the grid
        slope = unit.derivative(best) - (best > 0).double()
        best = best - slope / unit.derivative(best, order=2)
    T = Elementwise.of(activation).length_scale
    return T * _gap(unit, best).abs().item(), T * best.item()


def _gap(unit: SmoothReLU, u: Tensor) -> Tensor:
    """phi_1(u) - ReLU(u) = -|u| (1 - g(u)) for u > 0 and -|u| g(u) for u < 0, at temperature 1."""
    return unit(u) - torch.relu(u)


@dataclass(frozen=True)
class Corner:
    r"""What the rounded corner of a smooth ReLU contributes: integrals over u = x/T.

    tail = lim u^2 (1 - g(u)), 0 for a gate that closes faster than 1/u^2;
    gap = int h du; where tail > 0 that diverges, and gap = lim int_{-U}^{U} h du + 2 tail ln U;
    gap_square = int h^2 du;
    square = int (phi_1^2 - ReLU^2 + 2 tail step) du;
    derivative_square = int (phi_1'^2 - step) du.
    """

    tail: float
    gap: float
    gap_square: float
    square: float
    derivative_square: float


def corner(activation: Activation) -> Corner:
    r"""The corner integrals of an activation's gate; they do not depend on its temperature.

    Integrated by parts, because 1 - g has no digits far out and g' has: with X distributed by g,
    gap = -E[X^2]/2 and square = -E[max(X, X')^3]/3.
    Accuracy: relative 1e-6 (1e-9 where tail is 0). A heavy tail must be the same on both sides.
    Raises ValueError for what is not a smooth ReLU, and for a gate whose tail is none of the two.
    """
    activation = _smooth_relu(activation)
    unit, gate = type(activation)(), activation.gate
    half = math.ceil(math.asinh(_REACH) / _STEP)
    s = _STEP * torch.arange(-half, half + 1, dtype=torch.float64)
    low, high = gate.support
    s = s[(torch.sinh(s) > low) & (torch.sinh(s) < high)]
    u, w = torch.sinh(s), _STEP * torch.cosh(s)
    g, slope = gate.value(u), gate.first(u)
    tail = _tail(activation)
    v3 = u**3 * (1 + u * u) ** -1.5
    step = torch.heaviside(u, torch.tensor(0.5, dtype=torch.float64))
    second_moment = (w * (u * u * slope - 2 * tail * u * u * (1 + u * u) ** -1.5)).sum()
    cubed_maximum = (w * (2 * u**3 * g * slope - 2 * tail * (1 + v3))).sum()
    bend = unit.derivative(u) * unit.derivative(u, order=2)
    return Corner(
        tail=tail,
        gap=-second_moment.item() / 2 + tail * (1 - 2 * math.log(2)),
        gap_square=-(2 / 3) * (w * u**3 * (g - step) * slope).sum().item(),
        square=-cubed_maximum.item() / 3,
        derivative_square=-2 * (w * u * bend).sum().item(),
    )


def _smooth_relu(activation: Activation) -> SmoothReLU:
    found = forward_activation_of(activation)
    if not isinstance(found, SmoothReLU):
        raise ValueError(f"the laws are those of a SmoothReLU, x g(x/T), got {activation!r}")
    return found


def _tail(activation: SmoothReLU) -> float:
    """lim u^2 (1 - g(u)) = lim u^3 g'(u)/2."""
    gate, u = activation.gate, torch.tensor([_REACH / 10, _REACH], dtype=torch.float64)
    if u[1] > gate.support[1]:
        return 0.0
    near, far = (u**3 * gate.first(u) / 2).tolist()
    if far < 1e-12:
        return 0.0
    if abs(far / near - 1) > 0.01:
        raise ValueError(
            f"the gate of {activation} must close like 1/u^2 or faster than 1/u^3, but u^2 (1 - g) "
            f"is {near:.3g} at u = {u[0]:g} and {far:.3g} at {u[1]:g}; other tails have other laws"
        )
    return far


# --- one Gaussian variable


def moment_errors(activation: Activation, K: float) -> tuple[float, float, float]:
    """<phi^2>_K - K/2,  <phi'^2>_K - 1/2,  d<phi^2>_K/dK - 1/2:  integrals of the difference, so
    that little cancels.

    Accuracy: 1e-14 absolute, in units of K, 1 and 1, for T from 1e-4 sqrt(K) up. Raises ValueError
    for K <= 0 or not finite.
    """
    if not 0 < K < math.inf:
        raise ValueError(f"the kernel K must be positive and finite, got {K!r}")
    smooth = Elementwise.of(_smooth_relu(activation))
    z, w = gaussian_rule(K, smooth.length_scale)
    phi, derivative, relu = smooth(z), smooth.derivative(z), torch.relu(z)
    square = (w * (phi - relu) * (phi + relu)).sum()
    slope = (w * z * (phi * derivative - relu)).sum() / K
    # step has the mean 1/2 on nodes that lie symmetrically, without being sampled at its jump
    return square.item(), (w * (derivative * derivative - 0.5)).sum().item(), slope.item()


def kernel_law(activation: Activation, K: float) -> Law:
    r"""<phi_T^2>_K - K/2:  T^3 p(0) square, or -T^2 tail where the gate has a heavy tail; p(0) =
    1/sqrt(2 pi K).
    """
    c = corner(activation)
    return Law(2, -c.tail) if c.tail else Law(3, c.square * density(K))


def derivative_kernel_law(activation: Activation, K: float) -> Law:
    r"""<phi_T'^2>_K - 1/2:  T p(0) derivative_square."""
    return Law(1, corner(activation).derivative_square * density(K))


def chi_parallel_law(activation: Activation, K: float) -> Law:
    r"""chi_parallel(K) - 1 at C_W = 2:  -T^3 p(0) square / K, with a heavy tail or without."""
    return Law(3, -corner(activation).square * density(K) / K)


def density(K: float) -> float:
    """p(0) of a normal distribution of variance K."""
    return 1 / math.sqrt(2 * math.pi * K)
