"""Infinitely wide networks: the kernel of their Gaussian process (NNGP) and their neural tangent
kernel (NTK), and how both are computed.

dual_activation: tables of <phi phi> and <phi' phi'> over two variances and an angle. recursion:
one layer after the other. interpolation: all layers from one table, where many pairs are wanted.
kernels: the public function over the three. closed_forms: ReLU and GELU without quadrature.
"""

from smoothrelu.theory.infinite_width.closed_forms import LayerKernels as LayerKernels
from smoothrelu.theory.infinite_width.closed_forms import closed_form_kernels as closed_form_kernels
from smoothrelu.theory.infinite_width.closed_forms import gelu_moments as gelu_moments
from smoothrelu.theory.infinite_width.closed_forms import relu_moments as relu_moments
from smoothrelu.theory.infinite_width.closed_forms import relu_moments_at as relu_moments_at
from smoothrelu.theory.infinite_width.kernels import (
    infinite_width_kernels as infinite_width_kernels,
)
