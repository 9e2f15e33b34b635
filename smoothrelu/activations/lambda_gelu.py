r"""lambda-GELU: a GELU whose hardness lambda is learned, one for each layer.

    f(x; lambda) = x Phi(lambda x),    lambda = 1 + softplus(s/t) >= 1.

It is GELU at the temperature T = 1/lambda: lambda = 1 is GELU, and lambda -> infinity is ReLU.
Source: Perez-Corral et al. 2026, arXiv 2603.21991; how lambda is moved in training stands in
`smoothrelu.activations.hardening`.

Distances, all closed forms of the Gaussian (the first one is what `target_hardness` inverts):

    integral |Phi(lambda x) - step(x)| dx = sqrt(2/pi)/lambda,
    integral |f - ReLU| dx = 1/(2 lambda^2),    sup |f - ReLU| = 0.169971.../lambda.

Why lambda needs a rule of its own: df/dlambda = x^2 phi(lambda x), and its mean over a Gaussian x
falls like lambda^-3 (`expected_slope`). Under a steady pull g of the loss, plain descent of lambda
obeys d lambda/d tau = g lambda^-3, so lambda grows like the fourth root of the time. Through s,
d lambda/ds = sigmoid(s/t)/t, at most 1/t: a small t makes up for it.
"""

import math
import numbers

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.activations.transforms import SavesOnlyInputs, under_transform, widened

_SUP = 0.169971207479903681  # the maximum of u Phi(-u), where Phi(-u) = u phi(u)


class LambdaGELU(nn.Module):
    r"""x Phi(lambda x) with the learned hardness lambda = 1 + softplus(s/t), applied to each
    element.

    hardness: lambda at the start, a finite number >= 1. At exactly 1 the layer is GELU and stays
    so: s is -inf, where its gradient vanishes. The default is lambda at s = 0, 1 + ln 2.
    t: the temperature of the reparameterisation (not of the gate), a finite number > 0, and
    d lambda/ds = sigmoid(s/t)/t. Both defaults are this project's choice: the paper's were not
    found.
    s is a parameter and t a buffer, both without dimensions, so that a state dict carries lambda.
    `hardness_groups` gives s its own learning rate.
    Input: a floating tensor of any shape (float16 and bfloat16 are computed in float32 inside).
    Accuracy, for lambda up to 1e8 and any finite x, eps being that of the dtype: the error is below
    4 eps |x| for f, 4 eps for df/dx, 8 eps/lambda^2 for df/dlambda = x^2 phi(lambda x).
    Differentiable in x and in s by autograd and torch.func to any order; keeps x for backward and
    nothing else of its size.
    Raises ValueError for a hardness or t out of range and for an input that is not floating.
    """

    def __init__(self, hardness: float = 1 + math.log(2), *, t: float = 0.1):
        super().__init__()
        if not (_is_number(t) and 0 < t < math.inf):
            raise ValueError(f"t must be a positive finite number, got {t!r}; try t=0.1")
        self.s = nn.Parameter(torch.tensor(_s_of(hardness, t), dtype=torch.get_default_dtype()))
        self.register_buffer("t", torch.tensor(float(t)))

    @classmethod
    def from_s(cls, s: float, *, t: float = 0.1) -> "LambdaGELU":
        """The layer whose parameter starts at s, a finite number."""
        if not (_is_number(s) and math.isfinite(s)):
            raise ValueError(f"s must be a finite number, got {s!r}; s = -inf is nn.GELU()")
        layer = cls(t=t)
        nn.init.constant_(layer.s, s)
        return layer

    @property
    def hardness(self) -> Tensor:
        """lambda, without dimensions, differentiable in s; in single precision at least."""
        s = widened(self.s)
        return 1 + F.softplus(s / self.t, threshold=40.0)  # torch's default of 20 costs 1e-10

    @property
    def temperature(self) -> Tensor:
        """T = 1/lambda, the temperature of the same function as a GELU."""
        return 1 / self.hardness

    def set_hardness_(self, hardness: float) -> "LambdaGELU":
        """Put s where lambda is `hardness` (>= 1, finite), and return the layer."""
        nn.init.constant_(self.s, _s_of(hardness, self.t.item()))
        return self

    def forward_activation(self) -> GELU:
        """What forward computes at present, as a smooth ReLU of fixed temperature: GELU(1/lambda).

        Its critical initialisation is that of this layer.
        """
        return GELU(1 / self.hardness.double().item())

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise ValueError(f"{self} needs a floating tensor, got {x.dtype}; call x.float() first")
        if under_transform():
            wide, u = _scaled(x, self.hardness)
            return (wide * GELU.gate.value(u)).to(x.dtype)
        return SavesOnlyInputs.apply(self, x, self.hardness)

    def closed_form(self, x: Tensor, hardness: Tensor) -> Tensor:
        wide, u = _scaled(x, hardness)
        correction = F.gelu(u.abs_().neg_()).div_(hardness)
        return torch.relu(wide).add_(correction).to(x.dtype)

    def gradients(
        self, grad: Tensor, x: Tensor, hardness: Tensor, *, needed: tuple[bool, bool]
    ) -> tuple[Tensor, Tensor | None]:
        """grad df/dx, and the sum of grad df/dlambda where it is needed."""
        _, u = _scaled(x, hardness)
        wide_grad, gate, by_hardness = grad.to(u.dtype), GELU.gate, None
        if needed[1]:  # x^2 phi(u) as u^2 phi(u)/lambda^2, since x^2 could overflow
            square = u * u
            weight = square * torch.exp2(square * (-0.5 * math.log2(math.e)))
            by_hardness = (wide_grad * weight).sum() / (math.sqrt(2 * math.pi) * hardness**2)
        if torch.is_grad_enabled():  # a higher derivative is wanted
            by_x = wide_grad * (gate.value(u) + u * gate.first(u))
        else:
            by_x = torch.ops.aten.gelu_backward(wide_grad, u)
        return by_x.to(x.dtype), by_hardness

    def extra_repr(self) -> str:
        if self.s.is_meta:
            return "on the meta device"
        return f"hardness={self.hardness.item():.9g}, t={self.t.item():.6g}"


def gate_distance(hardness: float) -> float:
    """integral |Phi(lambda x) - step(x)| dx = sqrt(2/pi)/lambda, the l1 distance of the gate from
    the step, in the units of x. Raises ValueError for lambda < 1.
    """
    return math.sqrt(2 / math.pi) / _checked(hardness)


def target_hardness(epsilon: float) -> float:
    """The smallest lambda >= 1 whose gate is within epsilon of the step in l1: sqrt(2/pi)/epsilon.

    From epsilon = 0.798 on it is 1: GELU itself is within the tolerance. The paper derives its
    target from this distance; its epsilon was not found. Raises ValueError for epsilon that is not
    positive and finite.
    """
    if not (_is_number(epsilon) and 0 < epsilon < math.inf):
        raise ValueError(
            f"the tolerance must be a positive finite number, got {epsilon!r}; "
            "0.01 gives a hardness of about 80"
        )
    return max(1.0, math.sqrt(2 / math.pi) / epsilon)


def relu_distances(hardness: float) -> tuple[float, float]:
    """integral |f - ReLU| dx = 1/(2 lambda^2) and sup |f - ReLU| = 0.169971.../lambda.

    Accuracy: relative 1e-14. Raises ValueError for lambda < 1.
    """
    hardness = _checked(hardness)
    return 0.5 / hardness**2, _SUP / hardness


def expected_slope(hardness: float, K: float) -> float:
    r"""What the gradient of a network has to push lambda with: E df/dlambda over x ~ N(0, K),

        E x^2 phi(lambda x) = K / (sqrt(2 pi) (1 + lambda^2 K)^(3/2)),

    which falls like lambda^-3/sqrt(2 pi K). Derived: phi(lambda x) times the density of x is that
    of a normal variable of variance K/(1 + lambda^2 K), up to its norm.
    Accuracy: relative 1e-14. Raises ValueError for lambda < 1 and for K that is not positive.
    """
    hardness = _checked(hardness)
    if not (_is_number(K) and 0 < K < math.inf):
        raise ValueError(f"K is the variance of x, positive and finite; got {K!r}")
    return K / math.sqrt(2 * math.pi) / (1 + hardness**2 * K) ** 1.5


def _scaled(x: Tensor, hardness: Tensor) -> tuple[Tensor, Tensor]:
    """x in at least single precision, and u = lambda x clamped to the gate's support."""
    wide = widened(x)
    return wide, (wide * hardness).clamp(*GELU.gate.support)


def _is_number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _checked(hardness: float) -> float:
    if not (_is_number(hardness) and 1 <= hardness < math.inf):
        raise ValueError(
            f"the hardness must be a finite number >= 1, got {hardness!r}; below 1 use GELU(T) "
            "with T > 1, and for infinite hardness nn.ReLU()"
        )
    return float(hardness)


def _s_of(hardness: float, t: float) -> float:
    """The s at which 1 + softplus(s/t) is the hardness."""
    above = _checked(hardness) - 1
    return t * (above + math.log(-math.expm1(-above))) if above else -math.inf
