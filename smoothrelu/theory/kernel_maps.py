r"""How the variance of the preactivations moves from layer to layer of a wide network.

For z(1) = b + W x and z(l+1) = b + W phi(z(l)) with Var W = C_W/fan_in and Var b = C_b, the
preactivations of a layer are Gaussian as the width grows; K is their variance. Source: Roberts,
Yaida & Hanin, The Principles of Deep Learning Theory (PDLT), chapter 5. Elsewhere C_W and C_b are
written sigma_w^2, sigma_b^2, and K is written q.
"""

import math

import torch
from torch import Tensor

from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.quadrature import gaussian_rule
from smoothrelu.theory.variances import check_variances

_REACH = 12.0  # standard deviations that a moment is taken over: those of gaussian_rule
_NEGLIGIBLE = -860.0  # a power of 2; smaller ones end in denormal numbers, 20 times as slow
_TINY, _HUGE = 1e-150, 1e150  # kernels beyond which a flow counts as 0 or inf


def kernel_map(
    activation: Activation, K: float | Tensor, *, C_W: float, C_b: float
) -> float | Tensor:
    r"""The kernel of the next layer,  K' = C_b + C_W <phi^2>_K.

    K > 0, a number (a float comes back) or a tensor (a float64 tensor of its shape comes back), in
    units of z^2. Source: PDLT, chapter 5.
    Accuracy: relative 1e-12 for a smooth ReLU at any temperature. Moments are taken over twelve
    standard deviations: inf where phi^2 leaves the range of float64 there, and too small where phi
    grows so fast that its moment lies beyond (exp at K > 20).
    Raises ValueError for K <= 0 or not finite, C_W or C_b negative or not finite, and for an
    activation that is not elementwise, gives another dtype or shape, NaN anywhere, or a pole near
    the origin.
    """
    check_variances(C_W, C_b)
    return _like(K, C_b + C_W * moments(activation, K).square)


def chi_parallel(activation: Activation, K: float | Tensor, *, C_W: float) -> float | Tensor:
    r"""Parallel susceptibility  chi_parallel(K) = dK'/dK = (C_W/K) <z phi phi'>_K  (chi_q
    elsewhere).

    The growth per layer of a small deviation of the kernel. Source: PDLT, chapter 5.
    Arguments, accuracy and errors: `kernel_map`.
    """
    check_variances(C_W)
    return _like(K, C_W * moments(activation, K).slope)


def chi_perp(activation: Activation, K: float | Tensor, *, C_W: float) -> float | Tensor:
    r"""Perpendicular susceptibility  chi_perp(K) = C_W <phi'^2>_K  (chi_1 elsewhere).

    The growth per layer of the squared distance between two nearby inputs, and of the squared
    gradient in going back. Source: PDLT, chapter 5. Arguments, accuracy and errors: `kernel_map`.
    """
    check_variances(C_W)
    return _like(K, C_W * moments(activation, K).derivative_square)


def kernel_flow(activation: Activation, K: float, *, depth: int, C_W: float, C_b: float) -> Tensor:
    r"""The kernels K(1), ..., K(depth) of a network whose first layer has kernel K(1) = K; float64,
    shape (depth,).

    K(l+1) = C_b + C_W <phi^2>_K(l), `kernel_map` repeated (PDLT, chapter 5). A kernel that leaves
    the range 1e-150 to 1e150 becomes 0 or inf and stays there. About 30 us a layer.
    Accuracy: that of `kernel_map` a layer; what errors there are grow by chi_parallel from layer to
    layer.
    Raises ValueError for K <= 0 or not finite, depth < 1, an activation that `kernel_map` refuses.
    """
    if not isinstance(depth, int) or depth < 1:
        raise ValueError(f"depth counts the linear layers, 1 or more, got {depth!r}")
    check_variances(C_W, C_b)
    now = _positive(float(K)).item()
    activation, flow, table = Elementwise.of(activation), [now], None
    while len(flow) < depth:
        if not _TINY < now < _HUGE:
            now = 0.0 if now < 1 else math.inf
            flow += [now] * (depth - len(flow))
            break
        if table is None or not table.low <= now <= table.high:
            table = MomentTable(activation, now / 100, now * 100)
        now = C_b + C_W * table.square(now)
        flow.append(now)
    return torch.tensor(flow, dtype=torch.float64)


def moments(activation: Activation, K: float | Tensor) -> "Moments":
    """The Gaussian moments at the kernel K. Arguments, accuracy, errors: `kernel_map`."""
    K = _positive(K)
    return MomentTable(activation, K.min().item(), K.max().item())(K)


class Moments:
    r"""The three Gaussian moments that signal propagation needs, float64, of K's shape.

    square = <phi^2>_K,  derivative_square = <phi'^2>_K,  slope = d<phi^2>_K/dK = <z phi phi'>_K/K.
    error: an estimate of the quadrature's error relative to <phi^2>/K, namely by how much the slope
    differs from <phi^2 (z^2 - K)>_K/(2 K^2), its equal by integration by parts.
    """

    def __init__(self, K: Tensor, out: Tensor):
        self.square, self.derivative_square = out[..., 0], out[..., 1]
        self.slope = out[..., 2] / K
        by_parts = (out[..., 3] / K - self.square) / (2 * K)
        self.error = (self.slope - by_parts).abs() * K / self.square


class MomentTable:
    """The moments for all kernels between two bounds, from one evaluation of the activation.

    All kernels share the nodes of the widest; they differ in the weights, that is, in the normal
    density. A moment then costs one exponential a node and one scalar product.
    Accuracy: as of `kernel_map`, whatever the distance of the bounds.
    """

    def __init__(self, activation: Activation, low: float, high: float):
        activation = Elementwise.of(activation)
        scale = activation.length_scale
        finest = low**0.5 * (1.0 if scale is not None else 1e-13)
        z, w = gaussian_rule(high, min(finest, scale or finest))
        phi, derivative = activation.finite(z)
        square = phi * phi
        integrands = [square, derivative * derivative, z * phi * derivative, z * z * square]
        integrands = torch.stack(integrands, -1)
        finite = integrands.isfinite().all(-1)
        self._integrands = w.unsqueeze(-1) * torch.where(finite.unsqueeze(-1), integrands, 0.0)
        reach = z[~finite].abs().min().item() if not finite.all() else float("inf")
        self._overflow = (reach / _REACH) ** 2  # the kernel from which on overflow is felt
        self._exponents = z.square() * (0.5 * math.log2(math.e) / high)
        self.low, self.high = low, high

    def __call__(self, K: Tensor) -> Moments:
        """K: float64, of any shape, between the bounds."""
        out = self._tilted(K.unsqueeze(-1)) @ self._integrands
        out = out * (self.high / K).sqrt().unsqueeze(-1)
        if self._overflow < self.high:
            out = torch.where((self._overflow < K).unsqueeze(-1), float("inf"), out)
        return Moments(K, out)

    def square(self, K: float) -> float:
        """<phi^2>_K alone, for one kernel."""
        if self._overflow < K:
            return math.inf
        return (self.high / K) ** 0.5 * (self._tilted(K) @ self._integrands[:, 0]).item()

    def excess(self, K: float) -> float:
        """chi_parallel/chi_perp - 1 at one kernel; NaN where a moment overflows."""
        if self._overflow < K:
            return math.nan
        _, derivative_square, slope, _ = (self._tilted(K) @ self._integrands).tolist()
        return slope / K / derivative_square - 1 if derivative_square else math.nan

    def _tilted(self, K: float | Tensor) -> Tensor:
        """The normal density of variance K over that of variance high, but for a factor."""
        return (self._exponents * (1 - self.high / K)).clamp_(min=_NEGLIGIBLE).exp2_()


def _positive(K: float | Tensor) -> Tensor:
    """K as a float64 tensor; ValueError where it is not positive and finite."""
    K = torch.as_tensor(K, dtype=torch.float64)
    if not ((K > 0) & K.isfinite()).all():
        raise ValueError(
            f"the kernel K must be positive and finite, got {K.tolist()}; "
            "a first layer makes K = C_b + C_W |x|^2/n_in"
        )
    return K


def _like(K: float | Tensor, value: Tensor):
    return value if isinstance(K, Tensor) else value.item()
