r"""How far lambda-GELU is from ReLU, and what pulls on its hardness: closed forms.

Distances, all closed forms of the Gaussian (the first one is what `target_hardness` inverts):

    integral |Phi(lambda x) - step(x)| dx = sqrt(2/pi)/lambda,
    integral |f - ReLU| dx = 1/(2 lambda^2),    sup |f - ReLU| = 0.169971.../lambda.

Why lambda needs a rule of its own: df/dlambda = x^2 phi(lambda x), and its mean over a Gaussian x
falls like lambda^-3 (`expected_slope`). Under a steady pull g of the loss, plain descent of lambda
obeys d lambda/d tau = g lambda^-3, so lambda grows like the fourth root of the time. Through s,
d lambda/ds = sigmoid(s/t)/t, at most 1/t: a small t makes up for it.

Source: Perez-Corral et al. 2026, arXiv 2603.21991.
"""

import math

from smoothrelu.activations.lambda_gelu import check_hardness
from smoothrelu.activations.validation import is_number

_SUP = 0.169971207479903681  # the maximum of u Phi(-u), where Phi(-u) = u phi(u)


def gate_distance(hardness: float) -> float:
    """integral |Phi(lambda x) - step(x)| dx = sqrt(2/pi)/lambda, the l1 distance of the gate from
    the step, in the units of x. Raises ValueError for lambda < 1.
    """
    return math.sqrt(2 / math.pi) / check_hardness(hardness)


def target_hardness(epsilon: float) -> float:
    """The smallest lambda >= 1 whose gate is within epsilon of the step in l1: sqrt(2/pi)/epsilon.

    From epsilon = 0.798 on it is 1: GELU itself is within the tolerance. The paper derives its
    target from this distance; its epsilon was not found. Raises ValueError for epsilon that is not
    positive and finite.
    """
    if not (is_number(epsilon) and 0 < epsilon < math.inf):
        raise ValueError(
            f"the tolerance must be a positive finite number, got {epsilon!r}; "
            "0.01 gives a hardness of about 80"
        )
    return max(1.0, math.sqrt(2 / math.pi) / epsilon)


def relu_distances(hardness: float) -> tuple[float, float]:
    """integral |f - ReLU| dx = 1/(2 lambda^2) and sup |f - ReLU| = 0.169971.../lambda.

    Accuracy: relative 1e-14. Raises ValueError for lambda < 1.
    """
    hardness = check_hardness(hardness)
    return 0.5 / hardness**2, _SUP / hardness


def expected_slope(hardness: float, K: float) -> float:
    r"""What the gradient of a network has to push lambda with: E df/dlambda over x ~ N(0, K),

        E x^2 phi(lambda x) = K / (sqrt(2 pi) (1 + lambda^2 K)^(3/2)),

    which falls like lambda^-3/sqrt(2 pi K). Derived: phi(lambda x) times the density of x is that
    of a normal variable of variance K/(1 + lambda^2 K), up to its norm.
    Accuracy: relative 1e-14. Raises ValueError for lambda < 1 and for K that is not positive.
    """
    hardness = check_hardness(hardness)
    if not (is_number(K) and 0 < K < math.inf):
        raise ValueError(f"K is the variance of x, positive and finite; got {K!r}")
    return K / math.sqrt(2 * math.pi) / (1 + hardness**2 * K) ** 1.5
