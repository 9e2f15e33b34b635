r"""The gates g of the smooth ReLUs, phi_T(x) = x g(x/T), with g' and g'', as formulas in u = x/T:

    sigmoid    (SWISH)        1 / (1 + exp(-u))
    normal     (GELU)         Phi(u), the distribution function of the standard normal
    gumbel     (GumbelLU)     exp(-exp(-u))
    algebraic  (AlgebraicLU)  (1 + u / sqrt(1 + u^2)) / 2
    guderman   (GudermanLU)   1/2 + (2/pi) atan(tanh(u)) = (2/pi) atan(exp(2u))
    mish       (Mish)         tanh(log(1 + exp(u)))

A gate rises from 0 to 1. Everything the project needs of an activation follows from g, g' and g'':

    phi_T'(x)  = g(u) + u g'(u),      phi_T''(x) = (2 g'(u) + u g''(u)) / T.

Each is a composition of differentiable torch operations that neither overflow nor form 0 * inf for
any u inside the gate's `support`; outside it the gate equals its limit in float64, so u is clamped.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothrelu.activations.transforms import under_transform

TensorFunction = Callable[[Tensor], Tensor]
LOG2_E = math.log2(math.e)


@dataclass(frozen=True)
class Gate:
    """g(u), g'(u) and g''(u), and the interval of u outside which g is constant to float64."""

    value: TensorFunction
    first: TensorFunction
    second: TensorFunction
    support: tuple[float, float]


def exp(u: Tensor) -> Tensor:
    """e^u by way of exp2, which torch computes about five times faster on the CPU."""
    return torch.exp2(u * LOG2_E)


def _sigmoid(u: Tensor) -> Tensor:
    """Autograd makes s (1 - s) of torch's sigmoid s, and 1 - s is exact for u <= 0 only: where
    somebody differentiates, the argument is made negative.
    """
    if not (u.requires_grad or under_transform()):
        return torch.sigmoid(u)
    s = torch.sigmoid(torch.where(u < 0, u, -u))
    return torch.where(u < 0, s, 1 - s)


SIGMOID = Gate(
    value=_sigmoid,
    first=lambda u: torch.sigmoid(u) * torch.sigmoid(-u),
    second=lambda u: -torch.sigmoid(u) * torch.sigmoid(-u) * torch.tanh(u / 2),
    support=(-800.0, 800.0),
)


def _normal_density(u: Tensor) -> Tensor:
    return exp(-0.5 * u * u) * (1 / math.sqrt(2 * math.pi))


NORMAL = Gate(
    value=lambda u: 0.5 * torch.erfc(u * -math.sqrt(0.5)),
    first=_normal_density,
    second=lambda u: -u * _normal_density(u),
    support=(-40.0, 40.0),
)


def _gumbel_first(u: Tensor) -> Tensor:
    e = exp(-u)
    return e * exp(-e)


def _gumbel_second(u: Tensor) -> Tensor:
    e = exp(-u)
    return e * exp(-e) * (e - 1)


GUMBEL = Gate(
    value=lambda u: exp(-exp(-u)),
    first=_gumbel_first,
    second=_gumbel_second,
    support=(-7.0, 800.0),
)


def _inverse_hypotenuse(u: Tensor) -> Tensor:
    return torch.rsqrt(1 + u * u)


ALGEBRAIC = Gate(
    value=lambda u: 0.5 + 0.5 * u * _inverse_hypotenuse(u),
    first=lambda u: 0.5 * _inverse_hypotenuse(u) ** 3,
    second=lambda u: -1.5 * u * _inverse_hypotenuse(u) ** 5,
    support=(-1e15, 1e15),
)


def _guderman_first(u: Tensor) -> Tensor:
    e = exp(2 * u)
    return (4 / math.pi) * e / (1 + e * e)


GUDERMAN = Gate(
    value=lambda u: (2 / math.pi) * torch.atan2(exp(2 * u), u.new_ones(())),
    first=_guderman_first,
    second=lambda u: -2 * torch.tanh(2 * u) * _guderman_first(u),
    support=(-400.0, 20.0),
)


def mish_gate(u: Tensor) -> Tensor:
    """tanh(softplus(u)) = m/(m + 2) = 1 - 2/(m + 2) with m = n (n + 2), n = exp(u): the first is
    exact in the lower tail, and the gradient of the second in the upper one.
    """
    m = exp(u) * (exp(u) + 2)
    return torch.where(u < 0, m / (m + 2), 1 - 2 / (m + 2))


def mish_first(u: Tensor) -> Tensor:
    n = exp(u)
    return 4 * n * (n + 1) / (n * (n + 2) + 2) ** 2


def _mish_second(u: Tensor) -> Tensor:
    n = exp(u)
    d = n * (n + 2) + 2
    return 4 * n / d**2 * (2 * n + 1 - 4 * n * (n + 1) ** 2 / d)


MISH = Gate(
    value=mish_gate,
    first=mish_first,
    second=_mish_second,
    support=(-800.0, 20.0),
)
