r"""Surrogates for SUGAR: functions whose derivative replaces that of ReLU in the backward pass; and
StochasticReLU.

SUGAR itself is in `surrogate_gradient`; it takes the smooth ReLUs and torch's own activations too.
Each surrogate has its derivative in closed form, and a continuous antiderivative as its value.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smoothrelu.activations.transforms import SavesOnlyInputs, under_transform, widened
from smoothrelu.activations.validation import is_number


class Surrogate(nn.Module):
    """An elementwise function with one constant alpha and a derivative in closed form; the
    subclasses differ in the formula only.

    Input: a floating tensor of any shape; float16 and bfloat16 are computed in float32 inside.
    Keeps the input for backward and nothing else. Differentiable by autograd and torch.func to any
    order.
    Accuracy at any finite x and alpha up to 100, eps being that of the dtype: the error is below
    4 eps (1 + |alpha| + |x|) for the value and 4 eps (1 + |alpha|) for the derivative.
    Raises ValueError for an alpha out of range.
    """

    def __init__(self, alpha: float):
        super().__init__()
        if not (is_number(alpha) and 0 <= alpha < math.inf):
            name = type(self).__name__
            raise ValueError(
                f"alpha must be a finite number >= 0, got {alpha!r}; {name}() has a usual one"
            )
        self.alpha = float(alpha)

    def forward(self, x: Tensor) -> Tensor:
        return self.closed_form(x) if under_transform() else SavesOnlyInputs.apply(self, x)

    def closed_form(self, x: Tensor) -> Tensor:
        return self._value(widened(x)).to(x.dtype)

    def gradients(self, grad: Tensor, x: Tensor, *, needed: tuple[bool, ...]) -> tuple[Tensor]:
        return ((grad * self._slope(widened(x))).to(x.dtype),)

    def derivative(self, x: Tensor) -> Tensor:
        return self._slope(widened(x)).to(x.dtype)

    def _value(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _slope(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"alpha={self.alpha!r}"


class BSiLU(Surrogate):
    r"""B-SiLU, (x + alpha) sigmoid(x) - alpha/2, of slope sigma + (x + alpha) sigma (1 - sigma).

    At the paper's alpha of 1.67 it is 0 at 0, -0.835 far below and -0.900 at its minimum, and its
    slope is 0.9175 at 0 and between -0.024 and 1.291 everywhere.
    Source: The Resurrection of the ReLU, 2025, arXiv 2505.22074. For the rest see `Surrogate`.
    """

    def __init__(self, alpha: float = 1.67):
        super().__init__(alpha)

    def _value(self, x: Tensor) -> Tensor:
        return (x + self.alpha) * torch.sigmoid(x) - self.alpha / 2

    def _slope(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(x)
        return gate + (x + self.alpha) * gate * torch.sigmoid(-x)


class NeLU(Surrogate):
    r"""NeLU, given by its slope: 1 for x > 0, and alpha 2x/(1 + x^2)^2 for x <= 0, where it is
    negative.

    The value is x above 0 and alpha x^2/(1 + x^2) below. The slope jumps from 0 to 1 at the origin;
    its minimum is -(3 sqrt(3)/8) alpha, at x = -1/sqrt(3).
    The paper uses alpha = 0.1 (Conv2NeXt) and 0.01 (Swin); that 0.1 is the default here is this
    project's choice. Source: arXiv 2505.22074. For the rest see `Surrogate`.
    """

    def __init__(self, alpha: float = 0.1):
        super().__init__(alpha)

    def _value(self, x: Tensor) -> Tensor:
        below = x.clamp(max=0.0)
        return torch.relu(x) + (self.alpha - self.alpha / (1 + below * below))

    def _slope(self, x: Tensor) -> Tensor:
        below = x.clamp(max=0.0)
        square = (1 + below * below).square()  # inf for the largest x, and the quotient is 0
        return (x > 0).to(x.dtype) + 2 * self.alpha * (below / square)


class HeLU(Surrogate):
    r"""max(0, x + alpha), of slope 1 for x > -alpha and 0 elsewhere: the backward pass of HeLU, of
    which the forward pass is ReLU. HeLU itself is SUGAR(HeLU(alpha)).

    The paper uses alpha = 0.001 (a wide residual network) and 0.05 (BERT); 2 made it worse. That
    0.05 is the default here is this project's choice. Source: arXiv 2411.10573. For the rest see
    `Surrogate`.
    """

    def __init__(self, alpha: float = 0.05):
        super().__init__(alpha)

    def _value(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.alpha)

    def _slope(self, x: Tensor) -> Tensor:
        return (x > -self.alpha).to(x.dtype)


class StochasticReLU(nn.Module):
    r"""x for x >= 0 and omega x sigmoid(x) below, omega drawn for each element: 1 with probability
    p, and 0 otherwise. ReLU in evaluation mode.

    In training a unit below zero is smooth at random, and ReLU serves afterwards. The draws come
    from torch's own generator of the device, as those of nn.Dropout do.
    p: in [0, 1]; 0 is ReLU. The default of 0.5 is this project's choice.
    Source: stochastic activations, arXiv 2509.22358. Raises ValueError for p outside [0, 1].
    """

    def __init__(self, p: float = 0.5):
        super().__init__()
        if not (is_number(p) and 0 <= p <= 1):
            raise ValueError(f"p must be a probability between 0 and 1, got {p!r}; try p=0.5")
        self.p = float(p)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return torch.relu(x)
        smooth = torch.rand_like(x, dtype=torch.float32) < self.p
        return torch.where(x >= 0, x, torch.where(smooth, F.silu(x), 0.0))

    def extra_repr(self) -> str:
        return f"p={self.p!r}"
