r"""Gaussian expectations <f>_K = E f(z), z ~ N(0, K): the only integrals of the project.

A smooth ReLU varies on the scale T near the origin and on the scale sqrt(K) elsewhere, and
T/sqrt(K) may be 1e-12. The substitution z = sqrt(K) c sinh(s) with c = T/sqrt(K) turns every scale
in between into a distance of order one in s; the trapezoid rule in s then converges exponentially,
because the integrand is analytic.
Gauss-Hermite with 100 nodes is wrong in the first digit at T = 0.1.
"""

import functools
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from smoothrelu.activations import TensorFunction

_STEP = (
    0.05  # in s; halving it changes nothing above 1e-13 for any gate, GumbelLU being the hardest
)
_REACH = 12.0  # in standard deviations: exp(-72) is left out
_FINEST = 1e-13  # c for a function of unknown scale: resolves all of them, and a kink at the origin


def gaussian_rule(K: float | Tensor, scale: float | None = None) -> tuple[Tensor, Tensor]:
    """Nodes z and weights w, float64, with <f>_K = (w * f(z)).sum(-1).

    K >= 0: variance, a number or a tensor of shape S; nodes and weights have shape (*S, n), n = 127
    to 1350.
    scale: the length over which f varies near the origin (a smooth ReLU's temperature); None:
    unknown, so every length from 1e-13 sqrt(K) up is resolved, at the price of more nodes.
    Accuracy: relative 1e-12 for a smooth ReLU, its derivatives and their products at T from 1e-8 to
    1e3 and K from 1e-8 to 1e8 (of <phi phi''>, relative to <|phi phi''|>); so for any f analytic in
    a strip about the real axis of width of the order of `scale`, or analytic on either side of the
    origin. A kink elsewhere costs accuracy (about 1e-4).
    Raises ValueError where K is negative or not finite.
    """
    K = torch.as_tensor(K, dtype=torch.float64)
    if not (K.isfinite().all() and (K >= 0).all()):
        raise ValueError(f"K is a variance: finite and not negative, got {K.tolist()}")
    sigma = K.sqrt().unsqueeze(-1)  # (*S, 1)
    c = torch.full_like(sigma, _FINEST) if scale is None else (scale / sigma).clamp(max=1.0)
    s_max = torch.asinh(_REACH / c)
    half = math.ceil(s_max.max().item() / _STEP)
    s = s_max * torch.linspace(-1, 1, 2 * half + 1, dtype=torch.float64, device=K.device)
    x = c * torch.sinh(s)  # standard normal coordinate, (*S, n)
    density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return sigma * x, (s_max / half) * c * torch.cosh(s) * density


def gaussian_mean(f: TensorFunction, K: float | Tensor, scale: float | None = None) -> Tensor:
    """<f>_K = E f(z), z ~ N(0, K), float64, of K's shape. Arguments, accuracy, errors:
    `gaussian_rule`.
    """
    z, w = gaussian_rule(K, scale)
    return (w * f(z)).sum(-1)


# --- two correlated variables
#
# <f(z1) f(z2)> = <f(s1 x) g(x)> with g(x) = E[f(s2 y) | x], y normal of mean m = x cos(angle) and
# standard deviation w = sin(angle) given x. Both integrals take the nodes of the trapezoid rule
# above, so that f is evaluated on them alone and g is a matrix times its values. Where they are too
# far apart to resolve the width w, at |m| >> w, f is smooth over that width and Gauss-Hermite in
# (y - m)/w serves: it would be wrong only near the origin, which is then ten widths away.

_PAIR_STEP = 0.0625  # in s; half of it changes nothing above 1e-14
_PAIR_REACH = 9.5  # in standard deviations: exp(-45) is left out
_AWAY = 9.6  # widths w: so far from the origin the nodes of the trapezoid rule are 0.6 w apart,
# which is exact to 1e-14 for a Gaussian, and a normal variable misses the origin
_AROUND = 16  # nodes of Gauss-Hermite
_BETWEEN = 84  # Chebyshev points: they carry a mean over normal variables for |m| up to 9.6 w
_CHUNK = 1 << 18  # evaluations of f at a time


def gaussian_pair_mean(
    f: TensorFunction,
    K1: float | Tensor,
    K2: float | Tensor,
    angle: float | Tensor,
    scale: float | None = None,
) -> Tensor:
    r"""<f(z1) f(z2)> for jointly Gaussian z1, z2 of mean 0, variances K1, K2 and covariance
    sqrt(K1 K2) cos(angle); float64, of the shape to which the three are broadcast.

    angle: in [0, pi], both ends included; it keeps the digits of nearly equal inputs that the
    correlation cos(angle) loses. scale: as in `gaussian_rule`, T for a smooth ReLU and its
    derivatives.
    Accuracy: the error is below 1e-12 sqrt(<f^2>_K1 <f^2>_K2) for a smooth ReLU or a derivative at
    T from 1e-8 to 1e3 and K1, K2 from 1e-8 to 1e8, and for f of unknown scale analytic on either
    side of the origin.
    Raises ValueError for a variance that is negative or not finite, an angle outside [0, pi].
    """
    K1, K2, angle = torch.broadcast_tensors(
        *(torch.as_tensor(x, dtype=torch.float64) for x in (K1, K2, angle))
    )
    for K in (K1, K2):
        if not (K.isfinite().all() and (K >= 0).all()):
            raise ValueError(f"K is a variance: finite and not negative, got {K.tolist()}")
    check_angle(angle)
    sigma = torch.stack([K1.flatten(), K2.flatten()]).sqrt()
    settings = torch.stack([angle.flatten(), pair_scale(sigma.amax(0), scale)], 1)
    order, means = [], []
    for (theta, c), pairs in _groups(settings):
        x, w = pair_nodes(c)
        for some in pairs.split(max(1, _CHUNK // (len(x) * _AROUND))):
            s1, s2 = sigma[:, some]
            means.append((w * f(s1[:, None] * x) * conditional_mean(f, s2, theta, c)).sum(-1))
            order.append(some)
    return torch.cat(means)[torch.cat(order).argsort()].reshape(K1.shape)


def check_angle(angle: Tensor) -> None:
    if not ((angle >= 0) & (angle <= math.pi * (1 + 1e-7))).all():  # pi in float32 exceeds pi
        raise ValueError(
            f"an angle lies in [0, pi], got {angle.tolist()}; it is the arc cosine of a correlation"
        )


def _groups(settings: Tensor) -> Iterator[tuple[list[float], Tensor]]:
    """Each distinct row of settings, and the indices where it stands."""
    rows, where, counts = settings.unique(dim=0, return_inverse=True, return_counts=True)
    return zip(rows.tolist(), where.argsort().split(counts.tolist()), strict=True)


def pair_scale(sigma: Tensor, scale: float | None) -> Tensor:
    """The length c in standard deviations that a rule for pairs resolves: a power of 2, at most 1,
    for f varying over `scale` and the standard deviation sigma.
    """
    c = torch.full_like(sigma, _FINEST) if scale is None else scale / sigma
    return torch.exp2(c.clamp(_FINEST, 1.0).log2().floor())


@functools.lru_cache(maxsize=64)
def pair_nodes(c: float) -> tuple[Tensor, Tensor]:
    """Nodes x and weights w of a standard normal variable, (n,), resolving the length c."""
    s_max = math.asinh(_PAIR_REACH / c)
    half = math.ceil(s_max / _PAIR_STEP)
    s = torch.linspace(-s_max, s_max, 2 * half + 1, dtype=torch.float64)
    x = c * torch.sinh(s)
    density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return x, (s_max / half) * c * torch.cosh(s) * density


def conditional_mean(f: TensorFunction, sigma: Tensor, angle: float, c: float) -> Tensor:
    """E[f(sigma y) | x] at the nodes x of `pair_nodes(c)`, for standard normal x, y at an angle and
    each sigma (Q,): (Q, n).
    """
    x, w = pair_nodes(c)
    m, width = x * math.cos(angle), math.sin(min(angle, math.pi))
    near = int((torch.hypot(m, x.new_tensor(c)) <= _AWAY * width).sum())
    far = (len(x) - near) // 2
    inside, outside = m[far : far + near], torch.cat([m[:far], m[far + near :]])
    parts = [x.new_zeros(len(sigma), 0)] * 3
    if near:
        values = f(sigma[:, None] * x)
        if near < 2 * _BETWEEN:
            parts[1] = values @ _smoothing(x, w, inside, width).T
        else:  # g varies over w only: interpolate between some points
            coarse = values @ _smoothing(x, w, inside[-1] * _points(), width).T
            parts[1] = coarse @ _interpolation(inside / inside[-1]).T
    if far:
        y, share = _normal_nodes()
        means = f(sigma[:, None, None] * (outside[:, None] + width * y)) @ share
        parts[0], parts[2] = means.tensor_split([far], 1)
    return torch.cat(parts, 1)


@functools.lru_cache(maxsize=1)
def _normal_nodes() -> tuple[Tensor, Tensor]:
    """Gauss-Hermite nodes and weights of a standard normal variable."""
    y, share = np.polynomial.hermite_e.hermegauss(_AROUND)
    return torch.from_numpy(y), torch.from_numpy(share / share.sum())


@functools.lru_cache(maxsize=1)
def _points() -> Tensor:
    """Chebyshev points of the first kind."""
    return torch.cos((torch.arange(_BETWEEN, dtype=torch.float64) + 0.5) * (math.pi / _BETWEEN))


def _smoothing(x: Tensor, w: Tensor, m: Tensor, width: float) -> Tensor:
    """The matrix from values at the nodes x to means over normal variables (m, width^2)."""
    unit = math.sqrt(0.5 * math.log2(math.e))  # exp2 is several times cheaper than exp
    z = (x - m[:, None]).mul_(unit / width).square_().neg_().exp2_()
    return z.mul_(w * torch.exp(0.5 * x * x) / width)


def _interpolation(a: Tensor) -> Tensor:
    """The matrix from values at `_points` to values at a, all in [-1, 1] (barycentric)."""
    points = _points()
    distance = a[:, None] - points
    distance.masked_fill_(distance == 0, 1e-30)
    weight = torch.sqrt(1 - points * points)
    weight[1::2].neg_()
    terms = weight / distance
    return terms / terms.sum(1, keepdim=True)
