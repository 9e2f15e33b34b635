r"""How fast networks of smooth ReLUs become the ReLU network: the leading power of T of each error.

All laws are for He initialisation, C_W = 2 and C_b = 0, under which ReLU keeps K from layer to
layer, and for the NTK with lambda_W = lambda_b = 1 (`infinite_width_kernels`). The errors that each
layer makes (`relu_limit`) are carried through ReLU's recursion, linearised. Derivations:
this book's chapter on the limit T -> 0.
"""

import math

import numpy as np
import torch
from torch import Tensor

from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.theory.infinite_width.closed_forms import relu_moments_at
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels
from smoothrelu.theory.relu_limit import (
    Corner,
    Law,
    corner,
    density,
    derivative_kernel_law,
    kernel_law,
)

_EULER = 0.5772156649015329


def equal_input_laws(activation: SmoothReLU, *, K: float, depth: int) -> tuple[Law, Law]:
    r"""NNGP and NTK of an input of kernel K with itself, minus ReLU's, at `depth` linear layers."""
    kernel = kernel_law(activation, K)
    nngp = Law(kernel.exponent, 2 * (depth - 1) * kernel.coefficient)
    derivative = derivative_kernel_law(activation, K)
    ntk = Law(1, depth * (depth - 1) * (1 + K / 2) * derivative.coefficient)
    return nngp, ntk


def pair_laws(activation: SmoothReLU, *, K: float, angle: float, depth: int) -> tuple[Law, Law]:
    r"""NNGP and NTK of two inputs of kernel K at an angle, minus ReLU's, after `depth` linear
    layers; for T << sqrt(K) sin(angle), and at every layer the angle it has there.

    Raises ValueError for an angle that is not strictly between 0 and pi.
    """
    if not 0 < angle < math.pi:
        raise ValueError(
            f"the law of a pair needs an angle between 0 and pi, got {angle!r}; for equal inputs "
            "take equal_input_laws"
        )
    c = corner(activation)
    same, kernel, ntk = np.zeros((3, 2))  # errors as (coefficient, log), all of order T^2
    theta, ntk_relu = angle, 1 + K / 2 * math.cos(angle)
    for _ in range(depth - 1):
        made, made_derivative = _pair_errors(c, K, theta)
        keep, sin, cos = 1 - theta / math.pi, math.sin(theta), math.cos(theta)
        turn = (same * cos - kernel) / (K * sin)  # of the angle
        error = keep / 2 * kernel + sin / (2 * math.pi) * same + made  # of <phi phi>
        ntk = error + keep * ntk + 2 * ntk_relu * (made_derivative - turn / (2 * math.pi))
        kernel, same = 2 * error, same + np.array([-2 * c.tail, 0])
        relu = (sin / math.pi + keep * cos) * K
        ntk_relu, theta = 1 + relu / 2 + keep * ntk_relu, math.acos(relu / K)
    return Law(2, *map(float, kernel)), Law(2, *map(float, ntk))


def _pair_errors(c: Corner, K: float, theta: float) -> tuple[np.ndarray, np.ndarray]:
    """<phi phi> and <phi' phi'> minus ReLU's, over T^2, as (coefficient, log)."""
    sin, cot = math.sin(theta), 1 / math.tan(theta)
    far = 2 * c.tail * (0.5 - theta / math.pi)
    scale = math.log(math.sqrt(2 * K) * sin) - _EULER / 2
    gap = np.array([c.gap - 2 * c.tail * scale, -2 * c.tail]) / math.pi
    return sin * gap - [far * math.cos(theta), 0], -(cot * gap + [far, 0]) / K


def pair_kernels(activation: SmoothReLU, *, K: float, angle: float | Tensor, depth: int) -> Tensor:
    r"""The NNGP of an input of kernel K with itself and of two such inputs at an angle, then the
    NTK of both: float64, (*S, 4) for angles of shape S.

    `infinite_width_kernels` at C_W = 2 and C_b = 0. For ReLU: `relu_pair_kernels`.
    """
    angle = torch.as_tensor(angle, dtype=torch.float64)
    angles = torch.cat([torch.zeros(1, dtype=torch.float64), angle.flatten()])
    x = math.sqrt(K) * torch.stack([angles.cos(), angles.sin()], 1)  # |x|^2/n_in = K/2
    kernels = infinite_width_kernels(x[:1], x, activation=activation, depth=depth, C_W=2.0, C_b=0.0)
    columns = [part for (row,) in kernels for part in (row[0].expand(len(row) - 1), row[1:])]
    return torch.stack(columns, -1).reshape(*angle.shape, 4)


def relu_pair_kernels(*, K: float, angle: float | Tensor, depth: int) -> Tensor:
    r"""`pair_kernels` of ReLU, by the arc-cosine kernels of Cho & Saul (2009)."""
    theta = torch.as_tensor(angle, dtype=torch.float64)
    pair = 1 + K / 2 * theta.cos()
    for _ in range(depth - 1):
        first, second = relu_moments_at(theta, K)
        pair, theta = 1 + first + 2 * second * pair, (2 * first / K).clamp(max=1).acos()
    same, K = torch.full_like(theta, depth * (1 + K / 2)), torch.full_like(theta, K)
    return torch.stack([K, K * theta.cos(), same, pair], -1)


def network_law(activation: SmoothReLU, *, K: float, layer: int) -> Law:
    r"""The root mean square, over the neurons of layer 1, 2, ... of a wide network, of z_T - z_0,
    the preactivations with phi_T and with ReLU at the same weights; for T >> sqrt(K)/width.
    """
    return Law(1.5, math.sqrt(2 * (layer - 1) * corner(activation).gap_square * density(K)))
