"""Chebyshev series on [-1, 1]: the points, the coefficients and the polynomials."""

import functools
import math

import torch
from torch import Tensor


@functools.lru_cache(maxsize=64)
def chebyshev_points(size: int) -> tuple[Tensor, Tensor]:
    """Points of the first kind in (-1, 1), (size,), and the matrix from values there to
    coefficients; float64.
    """
    angle = (torch.arange(size, dtype=torch.float64) + 0.5) * (math.pi / size)
    matrix = torch.cos(torch.arange(size)[:, None] * angle) * (2 / size)
    matrix[0] /= 2
    return torch.cos(angle), matrix


def chebyshev_polynomials(x: Tensor, size: int) -> Tensor:
    """T_0(x), ..., T_size-1(x) for x of shape S within [-1, 1]: (*S, size)."""
    degree = torch.arange(size, dtype=torch.float64)
    return torch.cos(torch.acos(x).unsqueeze(-1) * degree)
