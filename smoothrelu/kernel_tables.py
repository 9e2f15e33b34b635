r"""Tables of <phi(z1) phi(z2)> and <phi'(z1) phi'(z2)> over both variances and the angle.

With E' = <phi'(z1) phi'(z2)> at variances q1, q2 and angle theta, E = <phi(z1) phi(z2)> follows
from dE/d cos(theta) = sqrt(q1 q2) E' (Price's theorem). In p = sin(theta/2), 1 - cos(theta) = 2 p^2
and

    E(0) - E(theta) = 2 p^2 sqrt(q1 q2) G(p),     G(p) = int_0^1 2 t E'(p t) dt,

so that E loses no digits between nearly equal inputs and only E' needs a quadrature. Both are
Chebyshev series in y = asinh(2 p/c), c = T/sqrt(q), from either end of [0, pi] to its middle; their
coefficients are interpolated in log q1 and log q2.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from smoothrelu.gaussian import normal_density, pair_nodes, pair_scale, shared_means
from smoothrelu.kernels import Activation, scale_of, value_and_derivative

_MIDDLE = math.sqrt(0.5)  # sin(theta/2) at theta = pi/2, where the two halves meet
_NARROWEST = 0.1  # of a range of log q: the derivative in q stays accurate
_ROUNDING = 1e-32  # of p^2: keeps the derivative of p finite at p = 0, and is far below c^2
_CONSISTENT = 1e-8  # E(0) - E(pi) from E' and directly


@dataclass(frozen=True)
class Tables:
    """G and E' for all variances in a range of log q.

    middle, reach: the range is middle +- reach. core (2, 2, a, b, k, k): coefficients of (G, E')
    on (theta < pi/2, theta > pi/2) in the products T_i(y) T_aj(y), for k functions of q1 and q2;
    functions (Q, k): these, in Chebyshev polynomials of log q. spread (k', k') likewise: how fast
    phi(z1)/|phi| and phi(z2)/|phi| part at theta = 0.
    """

    middle: float
    reach: float
    c: float
    core: Tensor
    functions: Tensor
    spread: Tensor

    def at(self, q: Tensor) -> Tensor:
        """The Chebyshev polynomials of log q, (D, Q): what stands for q in the other methods."""
        a = (q.log() - self.middle) / self.reach
        degree = torch.arange(len(self.functions), dtype=torch.float64)
        return torch.cos(degree * torch.acos(a)[:, None])

    def spread_between(self, at1: Tensor, at2: Tensor) -> Tensor:
        """1 - E(0)/sqrt(<phi^2>_q1 <phi^2>_q2) over (log q1 - log q2)^2 for all pairs, (D1, D2)."""
        return at1 @ self.spread @ at2.T

    def series(self, at1: Tensor, at2: Tensor):
        """The function from sin^2(theta/2) and cos^2(theta/2), (D1, D2), to G and E' there; where
        D1 = D2 = 1, of any shape.
        """
        left, right = (at @ self.functions for at in (at1, at2))
        if len(left) == len(right) == 1:
            core = torch.einsum("k,hfabkl,l->hfab", left[0], self.core, right[0])
            evaluate = _sum_uniform
        else:
            core, evaluate = self.core, functools.partial(_sum_pairs, left, right.T)

        def values(half: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
            beyond = half > 0.5
            below = evaluate(core[0], self._coordinate(half.clamp(max=0.5)))
            if not beyond.any():
                return below
            above = evaluate(core[1], self._coordinate(rest.clamp(max=0.5)))
            return tuple(torch.where(beyond, b, a) for a, b in zip(below, above, strict=True))

        return values

    def _coordinate(self, half: Tensor) -> Tensor:
        """asinh(2 p/c), scaled to [-1, 1], for p = sqrt(half) up to the middle."""
        squared = (half + _ROUNDING) * (4 / self.c**2)
        return (squared.sqrt() + (squared + 1).sqrt()).log() * (2 / _reach(self.c)) - 1


def _reach(c: float) -> float:
    return math.asinh(2 * _MIDDLE / c)


def _polynomials(y: Tensor, count: int) -> list[Tensor]:
    """T_0(y), ..., T_count-1(y)."""
    twice = 2 * y
    found = [torch.ones_like(y), y]
    while len(found) < count:
        found.append(twice * found[-1] - found[-2])
    return found[:count]


def _sum_uniform(coefficients: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """sum_ij C_fij T_i(y) T_aj(y) for coefficients (2, a, b) that all of y share."""
    a, b = coefficients.shape[1:]
    low = _polynomials(y, a + 1)
    high = _polynomials(low.pop(), b)
    inner = coefficients.transpose(1, 2).reshape(2 * b, a) @ torch.stack(low).flatten(1)
    inner = inner.reshape(2, b, *y.shape)
    sums = []
    for terms in inner:
        total = terms[0]
        for t, factor in zip(terms[1:], high[1:], strict=True):
            total = torch.addcmul(total, t, factor)
        sums.append(total)
    return sums[0], sums[1]


def _sum_pairs(left: Tensor, right: Tensor, coefficients: Tensor, y: Tensor):
    """The same for coefficients (2, a, b, k, k) still to be multiplied by left (rows, k) and
    right (k, columns).
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


def tables(activation: Activation, q: Tensor) -> Tables:
    """Tables for all variances between the least and the greatest of q.

    Raises ValueError where E' does not integrate to E: phi jumps, or bends sharply elsewhere than
    at the origin.
    """
    logs = q.detach().log()
    middle = (logs.max() + logs.min()).item() / 2
    reach = 0.501 * max((logs.max() - logs.min()).item(), _NARROWEST)
    x, to_q = _chebyshev(math.ceil(34 / math.asinh(math.pi / reach)) + 1)
    sigma = torch.exp((middle + reach * x) / 2)
    c = pair_scale(sigma.max().item(), scale_of(activation))
    values, spread = _values(activation, sigma, c)
    functions = torch.eye(len(x), dtype=torch.float64)
    if not isinstance(getattr(activation, "temperature", None), Tensor):
        # fewer functions of q say the same; not so for their derivative in the temperature
        _, size, functions = torch.linalg.svd(values.flatten(0, 3), full_matrices=False)
        functions = functions[size > 1e-14 * size[0]].T
        values = functions.T @ values @ functions
    core = torch.einsum("abm,hfmkl->hfabkl", _products(values.shape[2]), values)
    return Tables(middle, reach, c, core, to_q @ functions, to_q @ spread @ to_q.T)


def _values(activation: Activation, sigma: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """(G, E') at the Chebyshev points of y, (2, 2, M, Q, Q), and the spread, (Q, Q)."""
    size = _degree(c)
    p = (c / 2) * torch.sinh((_chebyshev(size)[0] + 1) * (_reach(c) / 2))
    x, dx = pair_nodes(c)
    w = dx * normal_density(x)
    z = sigma[:, None] * x
    phi, slope = value_and_derivative(activation, z)

    def derivative(u: Tensor) -> Tensor:
        return value_and_derivative(activation, u)[1]

    rows = []
    for angle in (2 * torch.asin(p)).tolist():
        share, (plus, minus) = shared_means(derivative, sigma, angle, c)
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


def _check(activation: Activation, whole: Tensor, phi: Tensor, w: Tensor) -> None:
    size = (w * phi * phi).sum(1).sqrt()
    direct = (w * phi) @ (phi - phi.flip(1)).T
    error = ((whole - direct) / (size * size[:, None])).abs().max().item()
    if not error < _CONSISTENT:
        raise ValueError(
            f"the values of {getattr(activation, '__name__', activation)} and its derivative "
            f"contradict each other by {error:.1g}: it jumps, bends sharply elsewhere than at the "
            "origin, or is not elementwise; smooth it, and if it varies over less than 1 give it "
            "an attribute `temperature` that says so"
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


def _degree(c: float) -> int:
    return 8 * math.ceil((24 + 3 * _reach(c)) / 8)


@functools.lru_cache(maxsize=32)
def _chebyshev(size: int) -> tuple[Tensor, Tensor]:
    """Points of the first kind, and the matrix from values there to Chebyshev coefficients."""
    angle = (torch.arange(size, dtype=torch.float64) + 0.5) * (math.pi / size)
    matrix = torch.cos(torch.arange(size)[:, None] * angle) * (2 / size)
    matrix[0] /= 2
    return torch.cos(angle), matrix


@functools.lru_cache(maxsize=32)
def _products(size: int) -> Tensor:
    """From values at Chebyshev points to the coefficients of T_i T_8j, (8, size/8, size).

    T_8j+i = 2 T_i T_8j - T_8j-i, from the highest down.
    """
    matrix = _chebyshev(size)[1].unflatten(0, (size // 8, 8)).clone()
    for j in range(size // 8 - 1, 0, -1):
        matrix[j - 1, 1:] -= matrix[j, 1:].flip(0)
        matrix[j, 1:] *= 2
    return matrix.transpose(0, 1).contiguous()


@functools.lru_cache(maxsize=32)
def _averages(c: float, size: int) -> Tensor:
    """From E' at the Chebyshev points to G at them and, in the last row, at the middle."""
    x, to_coefficients = _chebyshev(size)
    node, weight = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(size + 16))
    reach = (torch.cat([x, torch.ones(1, dtype=torch.float64)]) + 1)[:, None] * (_reach(c) / 2)
    y = reach * (node + 1) / 2  # asinh(2 p t/c), (M + 1, nodes)
    weight = weight * (reach / 2) * torch.sinh(2 * y) / torch.sinh(reach).square()
    scaled = (y * (2 / _reach(c)) - 1).clamp(-1, 1)
    basis = torch.cos(torch.arange(size) * torch.acos(scaled)[..., None])
    return torch.einsum("kn,knm->km", weight, basis) @ to_coefficients
