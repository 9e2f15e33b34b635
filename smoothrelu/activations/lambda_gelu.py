r"""lambda-GELU: a GELU whose hardness lambda is learned, one for each layer.

    f(x; lambda) = x Phi(lambda x),    lambda = 1 + softplus(s/t) >= 1.

It is GELU at the temperature T = 1/lambda: lambda = 1 is GELU, and lambda -> infinity is ReLU.
Source: Perez-Corral et al. 2026, arXiv 2603.21991; how lambda is moved in training stands in
`smoothrelu.activations.hardening`.
Its distances from ReLU are in `smoothrelu.theory.hardness`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.activations.transforms import SavesOnlyInputs, under_transform, widened
from smoothrelu.activations.validation import check_input, is_number


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
        if not (is_number(t) and 0 < t < math.inf):
            raise ValueError(f"t must be a positive finite number, got {t!r}; try t=0.1")
        self.s = nn.Parameter(torch.tensor(_s_of(hardness, t), dtype=torch.get_default_dtype()))
        self.register_buffer("t", torch.tensor(float(t)))

    @classmethod
    def from_s(cls, s: float, *, t: float = 0.1) -> "LambdaGELU":
        """The layer whose parameter starts at s, a finite number."""
        if not (is_number(s) and math.isfinite(s)):
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
        check_input(x, self)
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

    def _load_from_state_dict(self, state_dict, prefix, *args):
        for name, low in (("s", -math.inf), ("t", 0)):  # s = -inf is GELU
            value = state_dict.get(prefix + name)
            if value is None or value.is_meta or value.ndim:  # torch's own complaints
                continue
            if not (low < value < math.inf or low == value == -math.inf):
                args[-1].append(f"{prefix}{name} must be finite, and t > 0; got {value.item()!r}")
                return
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        if self.s.is_meta:
            return "on the meta device"
        return f"hardness={self.hardness.item():.9g}, t={self.t.item():.6g}"


def _scaled(x: Tensor, hardness: Tensor) -> tuple[Tensor, Tensor]:
    """x in at least single precision, and u = lambda x clamped to the gate's support."""
    wide = widened(x)
    return wide, (wide * hardness).clamp(*GELU.gate.support)


def check_hardness(hardness: float) -> float:
    """The hardness; ValueError where it is not a finite number >= 1."""
    if not (is_number(hardness) and 1 <= hardness < math.inf):
        raise ValueError(
            f"the hardness must be a finite number >= 1, got {hardness!r}; below 1 use GELU(T) "
            "with T > 1, and for infinite hardness nn.ReLU()"
        )
    return float(hardness)


def _s_of(hardness: float, t: float) -> float:
    """The s at which 1 + softplus(s/t) is the hardness."""
    above = check_hardness(hardness) - 1
    return t * (above + math.log(-math.expm1(-above))) if above else -math.inf
