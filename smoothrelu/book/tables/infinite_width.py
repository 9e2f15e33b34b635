"""Kernels of infinitely wide networks against the angle, and against real networks."""

import math
from collections.abc import Sequence

import numpy as np
import pandas
import torch
from torch import Tensor

from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.networks.initialisation import critical_init_
from smoothrelu.networks.mlp import MLP
from smoothrelu.networks.ntk import empirical_ntk
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.elementwise import Activation
from smoothrelu.theory.infinite_width.closed_forms import (
    PairMoments,
    closed_form_kernels,
    gelu_moments,
    relu_moments,
)
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels


def equal_norms(images: Tensor) -> Tensor:
    """Inputs of mean square 1, |x|^2 = n_in, float64: the images, each scaled by itself."""
    images = images.double()
    return images * math.sqrt(images.shape[1]) / images.norm(dim=1, keepdim=True)


def kernels_by_angle(
    temperatures: Sequence[float], angles: np.ndarray, *, depth: int
) -> pandas.DataFrame:
    """NNGP and NTK between inputs of mean square 1 at each angle: critical GELU, and ReLU.

    A row for each (activation, temperature, angle, source): source "quadrature" is
    `infinite_width_kernels`, "closed form" shares nothing with it; ReLU (temperature NaN) has the
    latter alone. nngp and ntk are in units of their values at angle 0, and drop = 1 - ntk.
    """
    angle = torch.as_tensor(angles, dtype=torch.float64)
    frames = []
    for T in temperatures:
        activation = GELU(T)
        kernels = critical_rows(activation, angle, depth)
        label = {"activation": "GELU", "temperature": T}
        frames.append(_by_angle(angles, *kernels, **label, source="quadrature"))
        kernels = closed_rows(activation, gelu_moments(T), angle, depth)
        frames.append(_by_angle(angles, *kernels, **label, source="closed form"))
    kernels = closed_rows(torch.relu, relu_moments, angle, depth)
    label = {"activation": "ReLU", "temperature": math.nan}
    frames.append(_by_angle(angles, *kernels, **label, source="closed form"))
    return pandas.concat(frames, ignore_index=True)


def critical_rows(activation: Activation, angle: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """(nngp, ntk) at angle 0 and then at each angle, between inputs of mean square 1 in the plane,
    at the critical initialisation.
    """
    c = criticality(activation)
    angle = torch.cat([angle.new_zeros(1), angle])
    points = math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], 1)
    nngp, ntk = infinite_width_kernels(
        points[:1], points, activation=activation, depth=depth, C_W=c.C_W, C_b=c.C_b
    )
    return nngp[0], ntk[0]


def closed_rows(
    activation: Activation, moments: PairMoments, angle: Tensor, depth: int
) -> tuple[Tensor, Tensor]:
    """The same by the closed forms of the activation's moments."""
    c = criticality(activation)
    gram = torch.cat([angle.new_zeros(1), angle]).cos()
    *_, last = closed_form_kernels(gram, moments, x_square=1.0, depth=depth, C_W=c.C_W, C_b=c.C_b)
    return last.nngp, last.ntk


def _by_angle(angles, nngp: Tensor, ntk: Tensor, **label) -> pandas.DataFrame:
    columns = {"angle": angles}
    columns["nngp"], columns["ntk"] = ((k[1:] / k[0]).numpy() for k in (nngp, ntk))
    columns["drop"] = ((ntk[0] - ntk[1:]) / ntk[0]).numpy()
    return pandas.DataFrame(columns | label)


def quadrature_difference(by_angle: pandas.DataFrame) -> float:
    """The largest difference between quadrature and closed form in `kernels_by_angle`."""
    index = ["activation", "temperature", "angle"]
    ours, closed = (
        by_angle[by_angle["source"] == source].set_index(index)[["nngp", "ntk"]]
        for source in ("quadrature", "closed form")
    )
    return float((ours - closed).abs().max().max())


def ntk_of_real_networks(
    images: Tensor,
    widths: Sequence[int],
    draws: int,
    *,
    temperature: float,
    depth: int,
) -> pandas.DataFrame:
    """The empirical NTK of critical GELU networks against the infinite-width NTK.

    A row for each (width, draw): error, |Theta_n - Theta| / |Theta| in the Frobenius norm over the
    images, lambda_b = 1 and lambda_W/fan_in in both.
    """
    x = equal_norms(images)
    activation = GELU(temperature)
    c = criticality(activation)
    options = dict(activation=activation, depth=depth)
    _, limit = infinite_width_kernels(x, **options, C_W=c.C_W, C_b=c.C_b)
    rows = []
    for width in widths:
        for draw in range(draws):
            net = MLP(x.shape[1], 1, width=width, **options).double()
            critical_init_(net, generator=torch.Generator().manual_seed(draws * width + draw))
            error = (_scaled_ntk(net, x) - limit).norm() / limit.norm()
            rows.append({"width": width, "draw": draw, "error": error.item()})
    return pandas.DataFrame(rows)


def _scaled_ntk(net: MLP, x: Tensor) -> Tensor:
    """The empirical NTK with PDLT's learning rates, lambda_b = 1 and lambda_W/fan_in = 1/fan_in:
    one contraction for all biases and one for the weights of each layer, the rest held fixed.
    """
    groups = [([layer.weight], layer.in_features) for layer in net.layers]
    groups.append(([layer.bias for layer in net.layers], 1))
    theta = 0
    for parameters, fan_in in groups:
        net.requires_grad_(False)
        for parameter in parameters:
            parameter.requires_grad_(True)
        theta = theta + empirical_ntk(net, x) / fan_in
    return theta
