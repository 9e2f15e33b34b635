r"""Kernels of infinitely wide ReLU and GELU networks by their closed forms, layer by layer.

The independent check of `infinite_width_kernels`, and a short cut to great depth: no quadrature and
no interpolation enters. For inputs of equal norms.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

PairMoments = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(K, q) -> <phi phi>, <phi' phi'> of two variables of variance q and covariance K."""


def relu_moments(K: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    r"""ReLU's, the arc-cosine kernels (Cho & Saul 2009): with cos t = K/q,

        <phi phi> = q (sin t + (pi - t) cos t)/(2 pi),   <phi' phi'> = (pi - t)/(2 pi).

    Accuracy: 1e-12, the first relative to q, at t = 0, pi and in [1e-3, 3]; closer to either end t
    is lost in K, and the second has an error of eps/t.
    """
    return relu_moments_at((K / q).clamp(-1, 1).acos(), q)


def relu_moments_at(angle: Tensor, q: Tensor | float) -> tuple[Tensor, Tensor]:
    """`relu_moments` at an angle t in [0, pi]; accuracy 1e-15, the first relative to q."""
    first = q * (angle.sin() + (math.pi - angle) * angle.cos()) / (2 * math.pi)
    return first, (math.pi - angle) / (2 * math.pi)


def gelu_moments(temperature: float) -> PairMoments:
    r"""Those of x Phi(x/T), by Gaussian integration by parts (cf. Tsuchida et al.,
    arXiv:2002.08517). At T = 1,
    with a = 1 + q, S^2 = a^2 - K^2, P = 1/4 + arctan(K/S)/(2 pi), Q = 1/(2 pi S):

        <phi phi>   = K P + Q (q^2 - K^2 + 2 K^2/a),
        <phi' phi'> = P + 2 K Q/a + Q K/S^2.

    Accuracy: 1e-12, the first relative to q, for T/sqrt(q) from 0.01 to 100.
    """

    def moments(K: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        K, q = K / temperature**2, q / temperature**2
        a = 1 + q
        root = ((1 + (q - K)) * (a + K)).sqrt()
        P, Q = 0.25 + torch.atan2(K, root) / (2 * math.pi), 1 / (2 * math.pi * root)
        first = K * P + Q * ((q - K) * (q + K) + 2 * K * K / a)
        return temperature**2 * first, P + 2 * K * Q / a + Q * K / root**2

    return moments


class LayerKernels(NamedTuple):
    """q, the kernel of each input with itself; nngp and ntk, of the shape of the Gram matrix; the
    susceptibility chi_perp on the way to the next layer.
    """

    q: float
    nngp: Tensor
    ntk: Tensor
    chi_perp: float


def closed_form_kernels(
    gram: Tensor, moments: PairMoments, *, x_square: float, depth: int, C_W: float, C_b: float
) -> Iterator[LayerKernels]:
    r"""The kernels of layers 1, ..., depth, as `infinite_width_kernels` defines them with
    lambda_W = lambda_b = 1.

    gram: x.x'/n_in between inputs, any shape, float64. x_square: |x|^2/n_in, the same for all.
    moments: `relu_moments` or `gelu_moments(T)`.
    Accuracy: relative to the diagonal, 1e-11 for nngp and 1e-10 for ntk, up to depth 20.
    Raises ValueError where the Gram matrix exceeds x_square, as it does for unequal norms.
    """
    if gram.abs().max() > x_square * (1 + 1e-9):
        raise ValueError(
            f"x.x'/n_in reaches {gram.abs().max():.6g}, more than x_square = {x_square:.6g}; scale "
            "the inputs to one norm"
        )
    gram = gram.double().clamp(-x_square, x_square)
    q = torch.tensor(C_b + C_W * x_square, dtype=torch.float64)
    nngp, ntk = C_b + C_W * gram, 1 + gram
    for layer in range(depth):
        same, derivative_same = moments(q, q)
        yield LayerKernels(q.item(), nngp, ntk, C_W * derivative_same.item())
        if layer + 1 < depth:
            product, derivative = moments(nngp, q)
            q, nngp = C_b + C_W * same, C_b + C_W * product
            ntk = 1 + product + C_W * derivative * ntk
