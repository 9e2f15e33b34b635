r"""What SUGAR does to the gradient in a wide network: a surrogate's slope in the place of the step.

Going back one layer, the variance of the gradient is multiplied by C_W <f'^2>_K, f being the
surrogate and K the kernel that ReLU gives forward; its covariance with the true gradient by
C_W <f' 1[z > 0]>_K. With He's C_W = 2 the true gradient keeps its variance. The weights that go
back are taken as independent of those that went forward, as mean field theory does.

f is everywhere the surrogate itself, as BSiLU(): SUGAR(f) is ReLU to the theory, which computes
what the forward pass does.
"""

import math
from collections.abc import Callable

import torch

from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import chi_perp
from smoothrelu.theory.quadrature import gaussian_mean
from smoothrelu.theory.root_finding import root
from smoothrelu.theory.variances import HE, Variances


def minimum_of(f: Activation) -> float:
    """How far below zero the surrogate has its minimum: deeper down its slope is negative.

    Accuracy: relative 1e-10. Raises ValueError where the slope has no change of sign between -8 and
    -0.1.
    """
    surrogate = Elementwise.of(f)
    return root(
        lambda depth: surrogate.derivative(torch.tensor([-depth], dtype=torch.float64)).item(),
        0.1,
        8.0,
    )


def gradient_gain(f: Activation, K: float, *, C_W: float = HE.C_W) -> float:
    """C_W <f'^2>_K, the growth of the gradient's variance per layer: the perpendicular
    susceptibility of the surrogate, at the kernel of ReLU. Accuracy and errors: `chi_perp`.
    """
    return chi_perp(f, float(K), C_W=C_W)


def gradient_cosine(f: Activation, K: float) -> float:
    """The cosine between SUGAR's and ReLU's gradient, per layer: <f' 1[z > 0]>/sqrt(<f'^2>/2).

    Accuracy: relative 1e-9 for a slope analytic on either side of the origin. Errors: `chi_perp`.
    """
    surrogate = Elementwise.of(f)
    overlap = gaussian_mean(lambda z: (z > 0) * surrogate.derivative(z), K).item()
    return overlap / math.sqrt(gradient_gain(surrogate, K) / 4)


def unit_gain_temperature(kind: Callable[[float], Activation], K: float) -> float:
    """The temperature at which a smooth ReLU as surrogate leaves the gradient's variance as it is,
    <f'^2>_K = 1/2. It is proportional to sqrt(K).

    Accuracy: relative 1e-10. Raises ValueError where the gain is on one side of 1 at all
    temperatures from K^(1/2)/30 to K^(1/2).
    """
    cold, warm = math.sqrt(K) / 30, math.sqrt(K)
    off = [gradient_gain(kind(T), K) - 1 for T in (cold, warm)]
    if off[0] * off[1] > 0:
        raise ValueError(
            f"the gain of {kind.__name__} at K = {K:g} is not 1 at any temperature from {cold:.3g} "
            f"to {warm:.3g}: it is {1 + off[0]:.4g} and {1 + off[1]:.4g} there"
        )
    return root(lambda T: gradient_gain(kind(T), K) - 1, cold, warm)


def balanced_variances(f: Activation, K: float) -> Variances:
    """The (C_W, C_b) at which ReLU keeps the kernel K and SUGAR the gradient's variance.

    Accuracy and errors: `chi_perp`; ValueError too where <f'^2>_K is below 1/2 and C_b negative.
    """
    C_W = 1 / gradient_gain(f, K, C_W=1.0)
    return Variances(C_W, K * (1 - C_W / 2))
