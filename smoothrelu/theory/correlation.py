r"""The exact flow over depth of the angle between two inputs of equal norm, however close they are.

Its laws, and where they come from, stand in `smoothrelu.theory.depth_scaling`.
"""

import math

import numpy as np
import torch
from torch import Tensor

from smoothrelu.theory.chebyshev import chebyshev_points, chebyshev_polynomials
from smoothrelu.theory.elementwise import Activation, Elementwise
from smoothrelu.theory.kernel_maps import kernel_flow
from smoothrelu.theory.quadrature import gaussian_pair_mean

_CLOSEST = 1e-4  # in radians: the scale resolved where an activation's own is unknown or finer


def angle_flow(
    activation: Activation,
    K: float,
    angle: float | Tensor,
    *,
    depth: int,
    C_W: float,
    C_b: float,
) -> Tensor:
    r"""The angles theta(1), ..., theta(depth) between the preactivations of two inputs of equal
    norm; float64, (depth, *S) for starting angles of shape S in [0, pi].

    cos theta is the correlation rho. K: the kernel of the first layer, for both inputs. With
    D = K (1 - cos theta) the layer gives D' = C_W (<phi^2> - <phi phi>) by Price's theorem as

        D' = C_W K integral_0^theta <phi' phi'>_t sin t dt,

    so that nothing cancels between nearly equal inputs. The mean <phi' phi'> comes from
    `gaussian_pair_mean`, once on a grid of angles and kernels, and is interpolated.
    Accuracy: relative 1e-7 in 1 - rho after 20 layers, for T >= 1e-3 sqrt(K) and for functions
    analytic on either side of the origin. About 0.1 to 0.5 s for the grid, 100 us a layer. For
    inputs of different norms: `infinite_width_kernels`.
    Raises ValueError for an angle outside [0, pi], a kernel that vanishes or overflows on the way.
    """
    angle = torch.as_tensor(angle, dtype=torch.float64)
    if not ((angle >= 0) & (angle <= math.pi * (1 + 1e-7))).all():
        raise ValueError(f"an angle lies in [0, pi], got {angle.tolist()}")
    activation = Elementwise.of(activation)
    kernels = kernel_flow(activation, float(K), depth=depth, C_W=C_W, C_b=C_b)
    if not (kernels.isfinite() & (kernels > 0)).all():
        raise ValueError(
            f"the kernel leaves the range of float64 within {depth} layers (C_W={C_W}, C_b={C_b}): "
            "the angle is undefined there; take fewer layers"
        )
    table = _AngleTable(activation, kernels)
    factor = C_W * kernels[:-1] / kernels[1:]
    half = torch.sin(angle / 2).square()  # (1 - cos theta)/2
    flow = half.new_empty(depth, *half.shape)
    flow[0] = half
    for layer in range(depth - 1):
        half = (factor[layer] * half * table(layer, half)).clamp(0, 1)
        flow[layer + 1] = half
    return 2 * torch.asin(flow.sqrt())


class _AngleTable:
    r"""The mean of <phi' phi'>_t over 0 < t < theta with weight sin t, at the kernel of each layer.

    A Chebyshev series in y = asinh(theta/c) - asinh((pi - theta)/c), which resolves both ends to
    the scale c = T/sqrt(K), and one in log K.
    """

    def __init__(self, activation: Elementwise, kernels: Tensor):
        scale = activation.length_scale
        at, to_layers = _log_grid(kernels)  # (Q,), (layers, Q)
        c = _CLOSEST if scale is None else scale / kernels.max().sqrt().item()
        self._c = min(max(c, _CLOSEST), 1.0)
        self._reach = math.asinh(math.pi / self._c)
        size = math.ceil(32 + 6 * self._reach)
        x, to_series = chebyshev_points(size)
        pairs = gaussian_pair_mean(
            activation.derivative,
            at[:, None],
            at[:, None],
            self._angle(x * self._reach)[0],
            scale,
        )  # (Q, size)
        means = pairs @ to_series.T @ self._averages(x, size).T
        self._series = to_layers @ means @ to_series.T  # (layers, size)

    def __call__(self, layer: int, half: Tensor) -> Tensor:
        """half = sin^2(theta/2)."""
        theta = 2 * torch.asin(half.sqrt())
        y = torch.asinh(theta / self._c) - torch.asinh((math.pi - theta) / self._c)
        place = (y / self._reach).clamp(-1, 1)
        return chebyshev_polynomials(place, self._series.shape[1]) @ self._series[layer]

    def _angle(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """theta(y) and d theta/dy. With A, B the two asinh, A - B = y and sinh A + sinh B = pi/c
        give sinh((A + B)/2) = (pi/2c)/cosh(y/2).
        """
        lift = math.pi / (2 * self._c) / torch.cosh(y / 2)
        A = torch.asinh(lift) + y / 2
        slope = 0.5 - 0.5 * torch.tanh(y / 2) * lift / (1 + lift * lift).sqrt()
        theta = (self._c * torch.sinh(A)).clamp(0, math.pi)
        return theta, self._c * torch.cosh(A) * slope

    def _averages(self, x: Tensor, size: int) -> Tensor:
        """From Chebyshev coefficients of a function of y to its averages up to each node x."""
        nodes, weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(size + 16))
        width = (x + 1) / 2 * self._reach  # of half the interval from -reach to the node
        y = -self._reach + width[:, None] * (nodes + 1)  # (size, m)
        theta, slope = self._angle(y)
        w = weights * theta.sin() * slope
        w = w / w.sum(1, keepdim=True)
        basis = chebyshev_polynomials((y / self._reach).clamp(-1, 1), size)
        return torch.einsum("km,kmd->kd", w, basis)


def _log_grid(kernels: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels between which functions of K, analytic for |arg K| < pi, are interpolated in log K to
    1e-10, and the matrix that does it, (layers, Q).
    """
    low, high = kernels.min().log().item(), kernels.max().log().item()
    middle, width = (low + high) / 2, max((high - low) / 2, 1e-6)
    size = math.ceil(24 / math.asinh(math.pi / width)) + 1
    x, to_series = chebyshev_points(size)
    place = ((kernels.log() - middle) / width).clamp(-1, 1)
    return torch.exp(middle + width * x), chebyshev_polynomials(place, size) @ to_series
