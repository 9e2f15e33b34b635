r"""Gaussian expectations <f>_K = E f(z), z ~ N(0, K): the only integrals of the project.

A smooth ReLU varies on the scale T near the origin and on the scale sqrt(K) elsewhere, and
T/sqrt(K) may be 1e-12. The substitution z = sqrt(K) c sinh(s) with c = T/sqrt(K) turns every scale
in between into a distance of order one in s; the trapezoid rule in s then converges exponentially,
because the integrand is analytic.
Gauss-Hermite with 100 nodes is wrong in the first digit at T = 0.1.
"""

import functools
import math

import numpy as np
import torch
from torch import Tensor

from smoothrelu.activations.gates import TensorFunction

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
    return sigma * x, (s_max / half) * c * torch.cosh(s) * normal_density(x)


def gaussian_mean(f: TensorFunction, K: float | Tensor, scale: float | None = None) -> Tensor:
    """<f>_K = E f(z), z ~ N(0, K), float64, of K's shape. Arguments, accuracy, errors:
    `gaussian_rule`.
    """
    z, w = gaussian_rule(K, scale)
    return (w * f(z)).sum(-1)


# --- two correlated variables
#
# Variables with a correlation a^2 = |cos(angle)| share a part: z1 = s1 (a t + b y1) and
# z2 = +-s2 (a t + b y2) with t, y1, y2 independent and b^2 = 1 - a^2. So <f(z1) f(z2)> is one
# integral over t of g1(t) g2(+-t), g(t) = E f(s (a t + b y)). The g come from f at the nodes of the
# trapezoid rule above, times a matrix of normal densities. Where these nodes are too far apart to
# resolve the width b, at a|t| >> b, f is smooth over that width and Gauss-Hermite in y serves: it
# would be wrong only near the origin, which is then ten widths away.

_PAIR_STEP = 0.0625  # in s; half of it changes nothing above 1e-14
_PAIR_REACH = 9.5  # in standard deviations: exp(-45) is left out
_AWAY = 9.6  # widths b: so far from the origin the nodes of the trapezoid rule are 0.6 b apart,
# which is exact to 1e-14 for a Gaussian, and a normal variable misses the origin
_AROUND = 16  # nodes of Gauss-Hermite
_SMOOTHED, _COARSER = 8, 2  # where b is 8 c the means vary so slowly that twice the step serves
_CHUNK = 1 << 15  # pairs times nodes at a time


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
    side of the origin. A pair takes 0.3 to 0.7 ms, a thousand at one angle 5 to 30 us each.
    Raises ValueError for a variance that is negative or not finite, an angle outside [0, pi].
    """
    K1, K2, angle = torch.broadcast_tensors(
        *(torch.as_tensor(x, dtype=torch.float64) for x in (K1, K2, angle))
    )
    K = torch.stack([K1.reshape(-1), K2.reshape(-1)])
    _check_variance(K)
    check_angle(angle)
    sigma = K.sqrt()
    groups = _groups(angle, sigma, scale)
    if len(groups) == 1:
        ((theta, c),) = groups
        return _pair_means(f, sigma, theta, c).reshape(K1.shape)
    order = [pair for pairs in groups.values() for pair in pairs]
    means = [_pair_means(f, sigma[:, pairs], *rule) for rule, pairs in groups.items()]
    return torch.cat(means)[torch.tensor(order).argsort()].reshape(K1.shape)


def _check_variance(K: Tensor) -> None:
    low, high = (x.item() for x in K.aminmax())  # NaN, if there is one
    if not 0 <= low <= high < math.inf:
        raise ValueError(f"K is a variance: finite and not negative, got {K.tolist()}")


def check_angle(angle: Tensor) -> None:
    low, high = (x.item() for x in angle.aminmax())
    if not 0 <= low <= high <= math.pi * (1 + 1e-7):  # pi in float32 exceeds pi
        raise ValueError(
            f"an angle lies in [0, pi], got {angle.tolist()}; it is the arc cosine of a correlation"
        )


def _groups(angle: Tensor, sigma: Tensor, scale: float | None) -> dict:
    """The pairs by their rule: the angle, and the length in standard deviations to be resolved."""
    found = {}
    settings = zip(angle.reshape(-1).tolist(), sigma.amax(0).tolist(), strict=True)
    for pair, (theta, widest) in enumerate(settings):
        found.setdefault((theta, pair_scale(widest, scale)), []).append(pair)
    return found


def pair_scale(sigma: float, scale: float | None) -> float:
    """The length c in standard deviations that a rule for pairs resolves: a power of 2, at most 1,
    for f varying over `scale` and the standard deviation sigma.
    """
    if scale is None:
        return _power_of_2(_FINEST)
    return _power_of_2(max(scale / sigma, _FINEST)) if sigma > scale else 1.0


def _power_of_2(x: float) -> float:
    """The next below: so that rules for about the same scale are one rule, and kept."""
    return 2.0 ** math.floor(math.log2(x))


@functools.lru_cache(maxsize=64)
def pair_nodes(c: float) -> tuple[Tensor, Tensor]:
    """Nodes x of a standard normal variable, (n,), resolving the length c, and the steps dx."""
    s_max = math.asinh(_PAIR_REACH / c)
    half = math.ceil(s_max / _PAIR_STEP)
    s = torch.linspace(-s_max, s_max, 2 * half + 1, dtype=torch.float64)
    return c * torch.sinh(s), (s_max / half) * c * torch.cosh(s)


def normal_density(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _pair_means(f: TensorFunction, sigma: Tensor, angle: float, c: float) -> Tensor:
    """<f(z1) f(z2)> for pairs of standard deviations (2, P) at one angle."""
    if torch.equal(sigma[0], sigma[1]):
        sigma = sigma[:1]  # both means are one
    some = max(1, _CHUNK // len(pair_nodes(c)[0]))
    means = []
    for part in sigma.split(some, 1):
        w, given = shared_means(f, part, angle, c)
        one, other = given[:, 0], given[:, -1]
        means.append((one * (other if angle <= math.pi / 2 else other.flip(0))).sum(0) @ w)
    return torch.cat(means)


def shared_means(f: TensorFunction, sigma: Tensor, angle: float, c: float) -> tuple[Tensor, Tensor]:
    """For the nodes t > 0 of the part that two variables share at an angle, or at pi minus it:
    weights (h,) for the sum over t and -t, and E f(sigma (a t + b y)) at t and at -t,
    (2, *sigma's shape, h).
    """
    apart = min(angle, max(math.pi - angle, 0.0))
    a, b = math.sqrt(math.cos(apart)), math.sqrt(2) * math.sin(apart / 2)
    finest = max(b, c)
    step = _PAIR_STEP * (_COARSER if b > _SMOOTHED * c else 1)
    t, w = _shared_nodes(_power_of_2(finest / a) if finest < a else 1.0, step)
    near = 0
    if c < _AWAY * b:
        near = int(torch.searchsorted(t, math.sqrt((_AWAY * b) ** 2 - c * c) / a))
    m = (a * t)[:, None]
    parts = []
    if near:
        x, dx = pair_nodes(c)
        values = f(sigma.unsqueeze(-1) * x)
        values = torch.stack([values, values.flip(-1)])
        parts.append(values @ _densities(x, dx, m[:near], b).T)
    if near < len(t):
        y, share = _normal_nodes()
        z = m[near:] + b * y
        z = torch.stack([z, -z]).view(2, *[1] * sigma.ndim, *z.shape)
        parts.append(f(sigma[..., None, None] * z) @ share)
    return w, torch.cat(parts, -1)


@functools.lru_cache(maxsize=64)
def _shared_nodes(scale: float, step: float) -> tuple[Tensor, Tensor]:
    """Nodes t > 0 and weights of a standard normal variable, (h,), for sums over t and -t."""
    s_max = math.asinh(_PAIR_REACH / scale)
    half = math.ceil(s_max / step)
    s = (torch.arange(half, dtype=torch.float64) + 0.5) * (s_max / half)
    t = scale * torch.sinh(s)
    return t, (s_max / half) * scale * torch.cosh(s) * normal_density(t)


@functools.lru_cache(maxsize=1)
def _normal_nodes() -> tuple[Tensor, Tensor]:
    """Gauss-Hermite nodes and weights of a standard normal variable."""
    y, share = np.polynomial.hermite_e.hermegauss(_AROUND)
    return torch.from_numpy(y), torch.from_numpy(share / share.sum())


def _densities(x: Tensor, dx: Tensor, m: Tensor, width: float) -> Tensor:
    """The matrix from values at the nodes x to means over normal variables (m, width^2)."""
    z = (x - m).square_().mul_(-0.5 * math.log2(math.e) / width**2)
    z = z.exp2_()  # several times cheaper than exp
    return z.mul_(dx / (width * math.sqrt(2 * math.pi)))
