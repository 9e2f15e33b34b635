r"""Tables of <phi(z1) phi(z2)> and <phi'(z1) phi'(z2)> over both variances and the angle.

With E' = <phi'(z1) phi'(z2)> at variances q1, q2 and angle theta, E = <phi(z1) phi(z2)> follows
from dE/d cos(theta) = sqrt(q1 q2) E' (Price's theorem). In p = sin(theta/2), 1 - cos(theta) = 2 p^2
and

    E(0) - E(theta) = 2 p^2 sqrt(q1 q2) G(p),     G(p) = int_0^1 2 t E'(p t) dt,

so that E loses no digits between nearly equal inputs and only E' needs a quadrature. Both are
Chebyshev series in y = asinh(2 p/c), c = T/sqrt(q), from either end of [0, pi] to its middle; their
coefficients are interpolated in log q1 and log q2. Such a `PairSeries` holds any two functions of
this kind.
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from smoothrelu.theory.chebyshev import chebyshev_points, chebyshev_polynomials
from smoothrelu.theory.elementwise import Elementwise
from smoothrelu.theory.quadrature import normal_density, pair_nodes, pair_scale, shared_means

_MIDDLE = math.sqrt(0.5)  # sin(theta/2) at theta = pi/2, where the two halves meet
_DIGITS = 34.0  # natural, to which functions of q are interpolated
_NARROWEST = 0.1  # of a range of log q: the derivative in q stays accurate
_ROUNDING = 1e-32  # of p^2: keeps the derivative of p finite at p = 0, and is far below c^2
_RESOLVED = 1e-12  # of the largest coefficient
_CONSISTENT = 1e-8  # E(0) - E(pi) from E' and directly


class VariancePoints(NamedTuple):
    """Chebyshev points q (Q,) in log q of a range middle +- reach, and the matrix from values there
    to coefficients.
    """

    middle: float
    reach: float
    q: Tensor
    to_coefficients: Tensor


@dataclass(frozen=True)
class PairSeries:
    """Two functions of the angle between two variables and of both variances in a range of log q.

    middle, reach: the range is middle +- reach. core (2, 2, a, b, k, k): coefficients of the two
    functions on (theta < pi/2, theta > pi/2) in the products T_i(y) T_aj(y), for k functions of q1
    and q2; functions (Q, k): these, in Chebyshev polynomials of log q. lowest: y at the ends of
    [0, pi], where not the whole of it is covered.
    """

    middle: float
    reach: float
    c: float
    core: Tensor
    functions: Tensor
    lowest: tuple[float, float]

    def at(self, q: Tensor) -> Tensor:
        """The Chebyshev polynomials of log q, (D, Q): what stands for q in the other methods."""
        return chebyshev_polynomials((q.log() - self.middle) / self.reach, len(self.functions))

    def series(self, at1: Tensor, at2: Tensor, *, paired: bool):
        """The function from sin^2(theta/2) and cos^2(theta/2) to the two functions there: (D1, D2),
        one angle for each q1 with each q2; where paired, (D, any) for D = D1 = D2 pairs (q1, q2).
        """
        left, right = at1 @ self.functions, at2 @ self.functions
        if paired:
            both = (left[:, :, None] * right[:, None, :]).flatten(1)
            core = (self.core.flatten(4) @ both.T).movedim(-1, 1)  # (2, D, 2, a, b)
            evaluate = _sum_rows
        else:
            core, evaluate = self.core, functools.partial(_sum_pairs, left, right.T)

        def values(half: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
            beyond = half > 0.5
            below = evaluate(core[0], self._coordinate(half.clamp(max=0.5), self.lowest[0]))
            if not beyond.any():
                return below
            above = evaluate(core[1], self._coordinate(rest.clamp(max=0.5), self.lowest[1]))
            return tuple(torch.where(beyond, b, a) for a, b in zip(below, above, strict=True))

        return values

    def _coordinate(self, half: Tensor, lowest: float) -> Tensor:
        """asinh(2 p/c), scaled to [-1, 1], for p = sqrt(half) up to the middle."""
        squared = (half + _ROUNDING) * (4 / self.c**2)
        y = (squared.sqrt() + (squared + 1).sqrt()).log()
        return (y - lowest) * (2 / (_reach(self.c) - lowest)) - 1


@dataclass(frozen=True)
class Tables(PairSeries):
    """G and E'. spread (Q, Q), in Chebyshev polynomials of log q1 and log q2: how fast
    phi(z1)/|phi| and phi(z2)/|phi| part at theta = 0, namely 1 - E(0)/sqrt(<phi^2>_q1 <phi^2>_q2)
    over (log q1 - log q2)^2.
    """

    spread: Tensor


def enough_variances(q: Tensor, *, singular: float, digits: float, narrowest: float = 0.0) -> int:
    """How many points interpolate functions of q, analytic for |arg q| < singular, to so many
    natural digits.
    """
    reach = _range(q, narrowest)[1]
    return math.ceil(digits / math.asinh(singular / reach)) + 1 if reach else 1


def variances(q: Tensor, size: int, *, narrowest: float = 0.0) -> VariancePoints:
    """So many points between the least and the greatest of q, or in a wider range."""
    middle, reach = _range(q, narrowest)
    x, to_coefficients = chebyshev_points(size)
    return VariancePoints(middle, reach or 1.0, torch.exp(middle + reach * x), to_coefficients)


def _range(q: Tensor, narrowest: float) -> tuple[float, float]:
    logs = q.detach().log()
    middle, width = (logs.max() + logs.min()).item() / 2, (logs.max() - logs.min()).item()
    return middle, 0.501 * max(width, narrowest)


def half_angles(c: float, size: int, lowest: float = 0.0) -> Tensor:
    """sin^2(theta/2) at the Chebyshev points of y from the lowest to the middle, (M,)."""
    share = (chebyshev_points(size)[0] + 1) / 2
    return ((c / 2) * torch.sinh(lowest + share * (_reach(c) - lowest))).square()


def lowest_coordinate(c: float, half: float) -> float:
    """y at the least sin^2(theta/2) of all angles."""
    return math.asinh(2 * math.sqrt(half) / c)


def degree(c: float, lowest: float = 0.0) -> int:
    """How many points in y resolve a layer from there to the middle: a multiple of 8, and fewer
    where the end of [0, pi] is left out.
    """
    return 8 * math.ceil(((16 if lowest else 24) + 3 * (_reach(c) - lowest)) / 8)


def fitted(
    points: VariancePoints,
    c: float,
    values: Tensor,
    *,
    fewer: bool,
    lowest: tuple[float, float] = (0, 0),
) -> tuple:
    """The fields of a PairSeries from values (theta < or > pi/2, function, M, Q, Q).

    fewer: of the functions of q, as many as say the same; their derivative is not the same.
    """
    functions = torch.eye(len(points.q), dtype=torch.float64)
    if fewer:
        _, size, functions = torch.linalg.svd(values.flatten(0, 3), full_matrices=False)
        functions = functions[size > 1e-14 * size[0]].T
        values = functions.T @ values @ functions
    core = torch.einsum("abm,hfmkl->hfabkl", _products(values.shape[2]), values)
    return points.middle, points.reach, c, core, points.to_coefficients @ functions, lowest


def unresolved(points: VariancePoints, values: Tensor) -> tuple[bool, bool]:
    """Whether the last two coefficients of such values, in the angle and in q, are too large."""
    in_angle = torch.einsum("km,hfmij->fkhij", chebyshev_points(values.shape[2])[1], values)
    in_q = torch.einsum("ki,hfmij->fkhmj", points.to_coefficients, values)
    sizes = [found.flatten(2).abs().amax(2) for found in (in_angle, in_q)]  # (2, degree)
    bad = [(size[:, -2:].amax(1) > _RESOLVED * size.amax(1)).any().item() for size in sizes]
    return bad[0], bad[1] and len(points.q) > 1


def _reach(c: float) -> float:
    return math.asinh(2 * _MIDDLE / c)


def _polynomials(y: Tensor, count: int) -> list[Tensor]:
    """T_0(y), ..., T_count-1(y)."""
    twice = 2 * y
    found = [torch.ones_like(y), y]
    while len(found) < count:
        found.append(twice * found[-1] - found[-2])
    return found[:count]


def _sum_rows(coefficients: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """sum_ij C_dfij T_i(y) T_aj(y) for coefficients (D, 2, a, b) and y (D, any); D = 1 serves any
    shape of y.
    """
    a, b = coefficients.shape[2:]
    low = _polynomials(y.reshape(len(coefficients), -1), a + 1)
    high = _polynomials(low.pop(), b)
    inner = coefficients.transpose(2, 3).reshape(-1, 2 * b, a) @ torch.stack(low, 1)
    inner = inner.unflatten(1, (2, b))  # (D, 2, b, any)
    sums = []
    for terms in inner.unbind(1):
        total = terms[:, 0]
        for j in range(1, b):
            total = torch.addcmul(total, terms[:, j], high[j])
        sums.append(total.view(y.shape))
    return sums[0], sums[1]


def _sum_pairs(left: Tensor, right: Tensor, coefficients: Tensor, y: Tensor):
    """The same for y (rows, columns) and coefficients (2, a, b, k, k) still to be multiplied by
    left (rows, k) and right (k, columns).
    """
    a, b = coefficients.shape[1:3]
    low = _polynomials(y, a + 1)
    high = _polynomials(low.pop(), b)
    sums = []
    for function in (left @ coefficients).transpose(1, 2):
        total = 0
        for lines, factor in zip(function, high, strict=True):
            terms = (lines.flatten(0, 1) @ right).view(a, *y.shape)  # one product for all i
            inner = terms[0]
            for term, polynomial in zip(terms[1:], low[1:], strict=True):
                inner = torch.addcmul(inner, term, polynomial)
            total = total + inner * factor
        sums.append(total)
    return sums[0], sums[1]


# --- how they are made


def tables(activation: Elementwise, q: Tensor) -> Tables:
    """Tables for all variances between the least and the greatest of q.

    Raises ValueError where E' does not integrate to E: phi jumps, or bends sharply elsewhere than
    at the origin.
    """
    size = enough_variances(q, singular=math.pi, digits=_DIGITS, narrowest=_NARROWEST)
    points = variances(q, size, narrowest=_NARROWEST)
    sigma = points.q.sqrt()
    c = pair_scale(sigma.max().item(), activation.length_scale)
    values, spread = _values(activation, sigma, c)
    fewer = not activation.differentiable_scale
    to_q = points.to_coefficients
    return Tables(*fitted(points, c, values, fewer=fewer), to_q @ spread @ to_q.T)


def _values(activation: Elementwise, sigma: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """(G, E') at the Chebyshev points of y, (2, 2, M, Q, Q), and the spread, (Q, Q)."""
    size = degree(c)
    p = half_angles(c, size).sqrt()
    x, dx = pair_nodes(c)
    w = dx * normal_density(x)
    z = sigma[:, None] * x
    phi, slope = activation.value_and_derivative(z)

    rows = []
    for angle in (2 * torch.asin(p)).tolist():
        share, (plus, minus) = shared_means(activation.derivative, sigma, angle, c)
        one, other = torch.cat([plus, minus], 1), torch.cat([minus, plus], 1)  # (Q, 2h)
        weighted = one * share.repeat(2)
        rows.append(torch.stack([weighted @ one.T, weighted @ other.T]))
    E = torch.stack(rows, 1)  # (2, M, Q, Q), of the angle and of pi minus it
    G = torch.einsum("mk,hkij->hmij", _averages(c, size), E)
    whole = G[0, -1] + G[1, -1]  # of E(0) - E(pi), over sqrt(q1 q2)
    G, rest = G[:, :-1], (1 - 2 * p * p)[:, None, None]
    beyond = (whole - (1 - rest) * G[1]) / (1 + rest)
    _check(activation, whole * sigma * sigma[:, None], phi, w)
    return torch.stack([torch.stack([G[0], E[0]]), torch.stack([beyond, E[1]])]), _spread(
        sigma, z, phi, slope, w
    )


def _check(activation: Elementwise, whole: Tensor, phi: Tensor, w: Tensor) -> None:
    size = (w * phi * phi).sum(1).sqrt()
    direct = (w * phi) @ (phi - phi.flip(1)).T
    error = ((whole - direct) / (size * size[:, None])).abs().max().item()
    if not error < _CONSISTENT:
        raise ValueError(
            f"the values of {activation.name} and its derivative contradict each other by "
            f"{error:.1g}: it jumps, or bends sharply elsewhere than at the origin; smooth it, and "
            "if it varies over less than 1 give it an attribute `temperature` that says so"
        )


def _spread(sigma: Tensor, z: Tensor, phi: Tensor, slope: Tensor, w: Tensor) -> Tensor:
    """<(u1 - u2)^2>/2 over (log q1 - log q2)^2, u = phi(z)/|phi|, and its limit at q1 = q2."""
    size = (w * phi * phi).sum(1, keepdim=True).sqrt()
    unit, moves = phi / size, z * slope / (2 * size)
    moves = moves - (w * moves * unit).sum(1, keepdim=True) * unit
    squares = [(w * (unit - u).square()).sum(1) / 2 for u in unit]
    distance = 2 * (sigma.log()[:, None] - sigma.log())
    same = torch.eye(len(sigma), dtype=torch.float64)
    limit = torch.diag((w * moves * moves).sum(1) / 2)
    return limit + (1 - same) * torch.stack(squares) / (distance + same).square()


@functools.lru_cache(maxsize=32)
def _products(size: int) -> Tensor:
    """From values at Chebyshev points to the coefficients of T_i T_8j, (8, size/8, size).

    T_8j+i = 2 T_i T_8j - T_8j-i, from the highest down.
    """
    matrix = chebyshev_points(size)[1].unflatten(0, (size // 8, 8)).clone()
    for j in range(size // 8 - 1, 0, -1):
        matrix[j - 1, 1:] -= matrix[j, 1:].flip(0)
        matrix[j, 1:] *= 2
    return matrix.transpose(0, 1).contiguous()


@functools.lru_cache(maxsize=32)
def _averages(c: float, size: int) -> Tensor:
    """From E' at the Chebyshev points to G at them and, in the last row, at the middle."""
    x, to_coefficients = chebyshev_points(size)
    node, weight = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(size + 16))
    reach = (torch.cat([x, torch.ones(1, dtype=torch.float64)]) + 1)[:, None] * (_reach(c) / 2)
    y = reach * (node + 1) / 2  # asinh(2 p t/c), (M + 1, nodes)
    weight = weight * (reach / 2) * torch.sinh(2 * y) / torch.sinh(reach).square()
    scaled = (y * (2 / _reach(c)) - 1).clamp(-1, 1)
    basis = chebyshev_polynomials(scaled, size)
    return torch.einsum("kn,knm->km", weight, basis) @ to_coefficients
