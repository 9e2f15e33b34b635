"""Infinitely wide networks: the kernel of their Gaussian process (NNGP) and their neural tangent
kernel (NTK), and how both are computed.

dual_activation: tables of <phi phi> and <phi' phi'> over two variances and an angle. recursion:
one layer after the other. interpolation: all layers from one table, where many pairs are wanted.
kernels: the public function over the three. closed_forms: ReLU and GELU without quadrature.
"""

from smoothrelu.theory.infinite_width.closed_forms import (
    LayerKernels,
    closed_form_kernels,
    gelu_moments,
    relu_moments,
    relu_moments_at,
)
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels

__all__ = [
    "LayerKernels",
    "closed_form_kernels",
    "gelu_moments",
    "infinite_width_kernels",
    "relu_moments",
    "relu_moments_at",
]
