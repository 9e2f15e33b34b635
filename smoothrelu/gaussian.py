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
    Accuracy: relative 1e-12 for f analytic in a strip about the real axis of width of the order of
    `scale`, or analytic on either side of the origin; a kink elsewhere costs accuracy (about 1e-4).
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
# In polar coordinates  z1 = sqrt(K1) r sin(psi),  z2 = sqrt(K2) r sin(psi - angle)  the density is
# r exp(-r^2/2) / (2 pi) whatever the angle, so that nothing is singular at correlation 1 or -1. The
# integrand changes fast across the lines psi = 0 and psi = angle, where an argument vanishes, over
# T/(sqrt(K) r). In r, Gauss-Legendre in y with r = c sinh(y); in psi, which is periodic, the
# trapezoid rule in a coordinate t that gives every octave of distance from either line, down to c,
# the same share.

_PAIR_REACH = 9.5  # of r, in standard deviations: exp(-45) is left out
_TURN_STEP = 0.4  # in t; 0.1 changes nothing above 1e-14
_CHUNK = 1 << 15  # evaluations of f at a time


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
    any T/sqrt(K) above 1e-5, and for f of unknown scale analytic on either side of the origin.
    About 1 ms a pair at T/sqrt(K) = 1, 6 ms at 1e-3, more where the scale is unknown.
    Raises ValueError for a variance that is negative or not finite, an angle outside [0, pi].
    """
    K1, K2, angle = torch.broadcast_tensors(
        *(torch.as_tensor(x, dtype=torch.float64) for x in (K1, K2, angle))
    )
    for K in (K1, K2):
        if not (K.isfinite().all() and (K >= 0).all()):
            raise ValueError(f"K is a variance: finite and not negative, got {K.tolist()}")
    sigma = torch.stack([K1.flatten(), K2.flatten()]).sqrt()
    finest = pair_scale(sigma.amax(0), scale)
    mean = torch.zeros_like(sigma[0])
    for c in finest.unique():
        same = (finest == c).nonzero()[:, 0]
        for part, x1, x2, w in pair_rules(angle.flatten()[same], c.item()):
            i = same[part]
            s1, s2 = sigma[:, i, None]
            mean[i] += (w * f(s1 * x1) * f(s2 * x2)).sum(-1)
    return mean.reshape(K1.shape)


def pair_scale(sigma: Tensor, scale: float | None) -> Tensor:
    """The length c in standard deviations that a rule for pairs resolves: a power of 2, at most 1,
    for f varying over `scale` and the standard deviation sigma.
    """
    c = torch.full_like(sigma, _FINEST) if scale is None else scale / sigma
    return torch.exp2(c.clamp(_FINEST, 1.0).log2().floor())


def pair_rules(angle: Tensor, c: float) -> Iterator[tuple[slice, Tensor, Tensor, Tensor]]:
    """Rules for two standard normal variables at each angle of a tensor of shape (B,), in chunks.

    Yields (part, x1, x2, w): a slice of angle, and nodes and weights of shape (b, n); <f(x1) f(x2)>
    is the sum of (w f(x1) f(x2)).sum(-1) over all chunks with the same part.
    c: the smallest length resolved, in standard deviations. Raises ValueError for an angle outside
    [0, pi].
    """
    if not ((angle >= 0) & (angle <= math.pi * (1 + 1e-7))).all():  # pi in float32 exceeds pi
        raise ValueError(
            f"an angle lies in [0, pi], got {angle.tolist()}; it is the arc cosine of a correlation"
        )
    r, w_r = _radii(c)
    r = torch.cat([r, -r])[:, None]
    w_r = torch.cat([w_r, w_r])[:, None] / (2 * math.pi)
    at_once = max(1, _CHUNK // _turn_size(c))  # radii times angles
    step = max(1, at_once // len(r))
    for start in range(0, len(angle), step):
        part = slice(start, start + step)
        theta = angle[part, None]
        psi, w_psi = _turn(theta, c)
        for some, w in zip(r.split(at_once), w_r.split(at_once), strict=True):
            x1, x2 = (some * a.sin().unsqueeze(1) for a in (psi, psi - theta))
            yield part, x1.flatten(1), x2.flatten(1), (w * w_psi.unsqueeze(1)).flatten(1)


@functools.lru_cache(maxsize=64)
def _radii(c: float) -> tuple[Tensor, Tensor]:
    """Nodes and weights of the integral of r exp(-r^2/2) over r > 0."""
    y_max = math.asinh(_PAIR_REACH / c)
    x, w = np.polynomial.legendre.leggauss(math.ceil(20 + 12 * y_max))
    y = torch.from_numpy((x + 1) * (y_max / 2))
    r = c * torch.sinh(y)
    return r, torch.from_numpy(w * (y_max / 2)) * c * torch.cosh(y) * r * torch.exp(-0.5 * r * r)


def _octaves(c: float) -> Tensor:
    """Widths 1, 1/2, 1/4, ... down to what an argument at r = 9 needs to be resolved to c."""
    return 2.0 ** -torch.arange(3 + max(0, math.ceil(-math.log2(c))), dtype=torch.float64)


def _turn_size(c: float) -> int:
    return math.ceil(2 * math.pi * len(_octaves(c)) / _TURN_STEP)


def _turn(theta: Tensor, c: float) -> tuple[Tensor, Tensor]:
    """Nodes psi and weights over half a turn, (B, n), dense about psi = 0 and psi = theta (B, 1).

    They are equally spaced in t(psi), which is inverted by Newton's method from a table.
    """
    widths, n = _octaves(c), _turn_size(c)
    spacing = 2 * math.pi * len(widths) / n
    start = torch.where(theta > math.pi / 2, theta / 2 - math.pi, (theta - math.pi) / 2)
    reach = c * torch.sinh(
        torch.linspace(0, 1, 8 * len(widths), dtype=torch.float64) * math.asinh(4 / c)
    )
    near = torch.cat([-reach.flip(0), reach])
    zero = torch.zeros_like(theta)
    table = torch.cat([near + line for line in (zero, theta, theta - math.pi, zero + math.pi)], 1)
    table = torch.minimum(torch.maximum(table, start), start + math.pi).sort(1).values
    t = _coordinate(table, theta, widths)[0].contiguous()
    goal = t[:, :1] + spacing * (torch.arange(n, dtype=torch.float64) + 0.5)
    right = torch.searchsorted(t, goal).clamp(1, table.shape[1] - 1)
    low, high = table.gather(1, right - 1), table.gather(1, right)
    psi = (low + high) / 2
    for _ in range(7):
        value, slope = _coordinate(psi, theta, widths)
        psi = torch.minimum(torch.maximum(psi - (value - goal) / slope, low), high)
    return psi, spacing / _coordinate(psi, theta, widths)[1]


def _coordinate(psi: Tensor, theta: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
    """t(psi) = sum over both lines and all widths w of arctan(tan(psi - line) / w), on the
    continuous branch, and dt/dpsi.
    """
    t, slope = torch.zeros_like(psi), torch.zeros_like(psi)
    for delta in (psi, psi - theta):
        sin, cos = delta.sin().unsqueeze(-1), delta.cos().unsqueeze(-1)
        ahead = torch.atan2((1 - widths) * sin * cos, widths * cos * cos + sin * sin)
        t += len(widths) * delta + ahead.sum(-1)
        slope += (widths / ((widths * cos) ** 2 + sin * sin)).sum(-1)
    return t, slope
