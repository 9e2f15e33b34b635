"""Condition number and effective rank of deep infinite-width kernels on real inputs."""

import math
from collections.abc import Sequence

import numpy as np
import pandas
from torch import Tensor

from smoothrelu.activations.smooth_relu import GELU
from smoothrelu.book.tables.definitions import Family, critical_and_he
from smoothrelu.book.tables.infinite_width import equal_norms
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.depth_scaling import curvature
from smoothrelu.theory.infinite_width.closed_forms import (
    closed_form_kernels,
    gelu_moments,
    relu_moments,
)
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels
from smoothrelu.theory.spectra import condition_number, effective_rank
from smoothrelu.theory.variances import HE


def conditioning(images: Tensor, temperatures: Sequence[float], *, depth: int) -> pandas.DataFrame:
    """The kernels of GELU networks of depth 1, 2, ... on images of mean square 1, critical and He,
    and of ReLU, by their closed forms.

    A row for each (activation, temperature, init, layer): K; gradient, the product of chi_perp up
    to this layer; ntk_condition and nngp_condition, infinite where float64 cannot resolve the
    smallest eigenvalue; ntk_rank, the effective rank. ReLU has temperature NaN, and He's
    initialisation is its critical one.
    """
    x = equal_norms(images)
    gram = x @ x.T / x.shape[1]
    frames = []
    for T in temperatures:
        for init, (C_W, C_b) in critical_and_he(GELU(T)).items():
            frame = _over_layers(gram, gelu_moments(T), depth, C_W, C_b)
            frames.append(frame.assign(activation="GELU", temperature=T, init=init))
    frame = _over_layers(gram, relu_moments, depth, *HE)
    frames.append(frame.assign(activation="ReLU", temperature=math.nan, init="critical"))
    return pandas.concat(frames, ignore_index=True)


def _over_layers(gram: Tensor, moments, depth: int, C_W: float, C_b: float, x_square: float = 1.0):
    rows, gradient = [], 1.0
    flow = closed_form_kernels(gram, moments, x_square=x_square, depth=depth, C_W=C_W, C_b=C_b)
    for layer, kernels in enumerate(flow, 1):
        rows.append(_row(layer, kernels.nngp, kernels.ntk) | {"K": kernels.q, "gradient": gradient})
        gradient *= kernels.chi_perp
    return pandas.DataFrame(rows)


def _row(layer: int, nngp: Tensor, ntk: Tensor) -> dict:
    return {
        "layer": layer,
        "images": len(ntk),
        "nngp_condition": condition_number(nngp),
        "ntk_condition": condition_number(ntk),
        "ntk_rank": effective_rank(ntk),
    }


def conditioning_at_K_star(
    images: Tensor, family: Family, depths: Sequence[int]
) -> pandas.DataFrame:
    """The same for inputs scaled so that the first layer already has the kernel K_star, by
    `infinite_width_kernels`: a row for each (activation, layer) of depth `layer`.

    nngp_slope is the predicted growth of nngp_condition a layer, N beta/2 with
    beta = C_W K_star <phi''^2>. The temperature plays no part: it is 1.
    """
    rows = []
    for kind in family:
        c = criticality(kind())
        x = equal_norms(images) * math.sqrt((c.K_star - c.C_b) / c.C_W)
        slope = len(x) * c.C_W * c.K_star * curvature(kind(), c.K_star) / 2
        for depth in depths:
            kernels = infinite_width_kernels(
                x, activation=kind(), depth=depth, C_W=c.C_W, C_b=c.C_b
            )
            row = _row(depth, *kernels) | {"activation": kind.__name__, "nngp_slope": slope}
            rows.append(row)
    return pandas.DataFrame(rows)


def quadrature_conditioning(
    images: Tensor, temperatures: Sequence[float], depths: Sequence[int]
) -> pandas.DataFrame:
    """The critical part of `conditioning` at a few depths, by `infinite_width_kernels`."""
    x, rows = equal_norms(images), []
    for T in temperatures:
        c = criticality(GELU(T))
        for depth in depths:
            kernels = infinite_width_kernels(
                x, activation=GELU(T), depth=depth, C_W=c.C_W, C_b=c.C_b
            )
            row = {"activation": "GELU", "temperature": T, "init": "critical"}
            rows.append(_row(depth, *kernels) | row)
    return pandas.DataFrame(rows)


def collapse_rate(table: pandas.DataFrame) -> float:
    """log of the factor a layer by which layer * ntk_condition grows, in one group of
    `conditioning`, where it lies between 1e4 and 1e9; NaN where it does not get there.
    """
    size = table["ntk_condition"]
    steep = table[(size > 1e4) & (size < 1e9)]
    if len(steep) < 3:
        return math.nan
    return float(np.polyfit(steep["layer"], np.log(steep["layer"] * steep["ntk_condition"]), 1)[0])
