r"""How the empirical neural tangent kernel moves during training.

Where the network is a smooth function of its parameters, so is the path of its kernel: over a fixed
training time its quadratic variation vanishes like the step size. A network with corners has
kernels that jump, and a quadratic variation that stays.
"""

from collections.abc import Iterable
from itertools import pairwise

from torch import Tensor, nn

from smoothrelu.networks.ntk import empirical_ntk


class NTKTracker:
    r"""Observer of the NTK on fixed inputs x (N, ...), Theta_t being its trace kernel (N, N) at
    step t.

    Each call records, || || being the Frobenius norm:
        ntk_trace              tr Theta_t
        ntk_norm               ||Theta_t||
        ntk_distance           ||Theta_t - Theta_0|| / ||Theta_0||
        ntk_first_difference   ||Theta_t - Theta_{t-1}||                     from the second call on
        ntk_second_difference  ||Theta_t - 2 Theta_{t-1} + Theta_{t-2}||     from the third call on
        ntk_alignment          `alignment(Theta_t, y)`                       where y is given
    The sums over a run of the squared differences are `quadratic_variation` and
    `second_difference_energy`, of which the tracker needs three kernels in memory only. Step 0
    begins anew. In float32 a difference below about 1e-6 ||Theta|| is rounding.
    """

    def __init__(self, x: Tensor, y: Tensor | None = None):
        self.x, self.y = x, y
        self._start: Tensor | None = None
        self._last: list[Tensor] = []  # Theta_{t-1}, Theta_{t-2}

    def __call__(self, step: int, model: nn.Module) -> dict[str, Tensor]:
        theta = empirical_ntk(model, self.x)
        if step == 0 or self._start is None:
            self._start, self._last = theta, []
        seen = {
            "ntk_trace": theta.trace(),
            "ntk_norm": theta.norm(),
            "ntk_distance": (theta - self._start).norm() / self._start.norm(),
        }
        if self._last:
            difference = theta - self._last[0]
            seen["ntk_first_difference"] = difference.norm()
        if len(self._last) == 2:
            seen["ntk_second_difference"] = (difference - (self._last[0] - self._last[1])).norm()
        if self.y is not None:
            seen["ntk_alignment"] = alignment(theta, self.y)
        self._last = [theta, *self._last[:1]]
        return seen


def quadratic_variation(path: Iterable[Tensor]) -> Tensor:
    r"""sum_t ||Theta_{t+1} - Theta_t||^2 of a sequence of kernels (any shape), Frobenius norms; a
    scalar.

    Over a fixed training time, with steps eta, it goes to 0 like eta where Theta is a
    differentiable function of the parameters, and to a positive constant where Theta jumps.
    Raises ValueError for fewer than two kernels.
    """
    return sum((b - a).square().sum() for a, b in pairwise(_kernels(path, at_least=2)))


def second_difference_energy(path: Iterable[Tensor]) -> Tensor:
    r"""sum_t ||Theta_{t+1} - 2 Theta_t + Theta_{t-1}||^2; a scalar, like eta^3 on smooth paths.

    Raises ValueError for fewer than three kernels.
    """
    kernels = _kernels(path, at_least=3)
    triples = zip(kernels, kernels[1:], kernels[2:], strict=False)
    return sum(((c - b) - (b - a)).square().sum() for a, b, c in triples)


def alignment(theta: Tensor, y: Tensor) -> Tensor:
    r"""Centred kernel alignment of theta (N, N) with the label kernel Y; a scalar in [0, 1].

        <Theta_c, Y_c> / (||Theta_c|| ||Y_c||),   Theta_c = C Theta C,   C = 1 - 1 1^T/N

    (Cortes, Mohri & Rostamizadeh 2012; linear CKA of features and labels). y: integer classes (N,),
    Y_nm = 1 where they agree, or real targets (N,) or (N, n_out), Y = y y^T. NaN where all labels
    agree. Raises ValueError where theta and y do not match.
    """
    if theta.ndim != 2 or theta.shape != (len(y), len(y)):
        raise ValueError(
            f"{len(y)} labels go with a kernel of shape ({len(y)}, {len(y)}), "
            f"got {tuple(theta.shape)}; use the trace kernel of the same inputs"
        )
    if y.is_floating_point():
        targets = y.reshape(len(y), -1).to(theta.dtype)
        labels = targets @ targets.T
    else:
        labels = (y[:, None] == y[None, :]).to(theta.dtype)
    theta, labels = _centred(theta), _centred(labels)
    return (theta * labels).sum() / (theta.norm() * labels.norm())


def _kernels(path: Iterable[Tensor], at_least: int) -> list[Tensor]:
    kernels = list(path)
    if len(kernels) < at_least:
        raise ValueError(f"the path has {len(kernels)} kernels and needs at least {at_least}")
    return kernels


def _centred(kernel: Tensor) -> Tensor:
    return kernel - kernel.mean(0, keepdim=True) - kernel.mean(1, keepdim=True) + kernel.mean()
