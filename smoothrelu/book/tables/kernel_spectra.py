"""What an infinitely wide network sees of fine detail: circle spectra, and near duplicates."""

import math
from collections.abc import Sequence

import numpy as np
import pandas
import torch
from torch import Tensor

from smoothrelu.activations.smooth_relu import GELU, SmoothReLU
from smoothrelu.book.tables.definitions import Family
from smoothrelu.book.tables.infinite_width import closed_rows, critical_rows, equal_norms
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.infinite_width.closed_forms import closed_form_kernels, relu_moments
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels
from smoothrelu.theory.spectra import circle_spectrum, kernel_eigenvalues

_STRIPS = {"SWISH": math.pi, "GumbelLU": math.pi / 2, "AlgebraicLU": 1.0, "GudermanLU": math.pi / 4}
_POINTS = 4096
_NOISE = 1e-12  # of c_0: coefficients below it are rounding of the kernels


def circle_spectra(family: Family, temperatures: Sequence[float]) -> pandas.DataFrame:
    """The eigenvalues of critical two-layer kernels on the circle, over the even frequencies k.

    A row for each (activation, temperature, k): nngp and ntk, c_k/c_0, NaN where they are lost in
    rounding; relative, ntk over ReLU's (temperature NaN, by its closed form); reach, kT/sqrt(K)
    with K the kernel of the first layer. The inputs have mean square 1.
    """
    angle = torch.arange(_POINTS, dtype=torch.float64) * (2 * math.pi / _POINTS)
    relu = _spectrum(*closed_rows(torch.relu, relu_moments, angle, 2))
    frames = [relu.assign(activation="ReLU", temperature=math.nan, relative=1.0, reach=0.0)]
    for kind in family:
        for T in temperatures:
            c = criticality(kind(T))
            kernels = critical_rows(kind(T), angle, 2)
            frame = _spectrum(*kernels).assign(activation=kind.__name__, temperature=T)
            frame["relative"] = frame["ntk"] / relu["ntk"]
            frame["reach"] = frame["k"] * T / math.sqrt(c.C_b + c.C_W)
            frames.append(frame)
    return pandas.concat(frames, ignore_index=True)


def _spectrum(nngp: Tensor, ntk: Tensor) -> pandas.DataFrame:
    frame = pandas.DataFrame({"k": np.arange(2, _POINTS // 8, 2)})
    for name, kernel in {"nngp": nngp, "ntk": ntk}.items():
        c = circle_spectrum(kernel[1:]).numpy()
        values = c[frame["k"]] / c[0]
        frame[name] = np.where(values > _NOISE, values, np.nan)
    return frame


def decay_rates(spectra: pandas.DataFrame) -> pandas.DataFrame:
    """How fast c_k of the NTK falls, fitted and predicted: a row for each (activation,
    temperature) of `circle_spectra`.

    -log c_k = const + rate k^power + a log k, by least squares beyond kT/sqrt(K) = 1; power = 1 for
    GELU, rate arccosh(1 + T^2/C_W); 2/3 for gates analytic for |Im u| < w only, rate
    (3/2) (2 w T/sqrt(C_W))^(2/3). NaN where fewer than ten coefficients are left.
    """
    kinds = {kind.__name__: kind for kind in SmoothReLU.__subclasses__()}
    rows = []
    smooth = spectra.dropna(subset=["temperature", "ntk"])
    for (name, T), group in smooth.groupby(["activation", "temperature"], sort=False):
        C_W = criticality(kinds[name](T)).C_W
        if name == "GELU":
            power, predicted = 1.0, math.acosh(1 + T**2 / C_W)
        else:
            power, predicted = 2 / 3, 1.5 * (2 * _STRIPS[name] * T / math.sqrt(C_W)) ** (2 / 3)
        tail = group[group["reach"] > 1]
        rows.append((name, T, power, predicted, _rate(tail["k"], tail["ntk"], power)))
    columns = ["activation", "temperature", "power", "predicted", "fitted"]
    table = pandas.DataFrame(rows, columns=columns)
    return table.assign(ratio=table["fitted"] / table["predicted"])


def _rate(k, c, power: float) -> float:
    if len(k) < 10:
        return math.nan
    k = np.asarray(k, float)
    basis = np.stack([np.ones_like(k), k**power, np.log(k)], 1)
    return float(np.linalg.lstsq(basis, -np.log(c), rcond=None)[0][1])


def near_duplicates(
    images: Tensor, temperatures: Sequence[float], angles: Sequence[float], *, depth: int
) -> pandas.DataFrame:
    """The smallest eigenvalue of the NTK of images and copies of them turned by a small angle.

    A row for each (activation, temperature, angle): smallest, in units of Theta(x, x), of the
    kernel matrix of the images together with one copy of each at that angle, in a direction drawn
    at random; crossover, T/sqrt(K) in the first layer. Critical GELU, and ReLU (temperature NaN,
    crossover 0, closed form).
    """
    x = equal_norms(images)
    every = torch.cat([x, *_turned(x, angles)])
    kernels = {}
    for T in temperatures:
        c = criticality(GELU(T))
        options = dict(activation=GELU(T), depth=depth, C_W=c.C_W, C_b=c.C_b)
        crossover = T / math.sqrt(c.C_b + c.C_W)
        kernels["GELU", T, crossover] = infinite_width_kernels(every, **options)[1]
    gram = every @ every.T / x.shape[1]
    *_, last = closed_form_kernels(gram, relu_moments, x_square=1.0, depth=depth, C_W=2.0, C_b=0.0)
    kernels["ReLU", math.nan, 0.0] = last.ntk
    columns = ["activation", "temperature", "crossover", "angle", "smallest"]
    rows = []
    for label, kernel in kernels.items():
        for i, a in enumerate(angles, 1):
            pair = torch.cat([torch.arange(len(x)), torch.arange(len(x)) + i * len(x)])
            eigenvalue = kernel_eigenvalues(kernel[pair][:, pair])[-1] / kernel[0, 0]
            rows.append((*label, a, eigenvalue.item()))
    return pandas.DataFrame(rows, columns=columns)


def smallest_angle(images: Tensor) -> float:
    """The smallest angle between two of the images, in radians."""
    x = equal_norms(images)
    cosines = (x @ x.T / x.shape[1]).fill_diagonal_(-1)
    return math.acos(cosines.max().item())


def _turned(x: Tensor, angles: Sequence[float]) -> list[Tensor]:
    """x at each angle from itself, each row towards its own random direction, of the same norm."""
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(2**31)).double()
    across = equal_norms(noise - (noise * x).mean(1, keepdim=True) * x)
    return [math.cos(angle) * x + math.sin(angle) * across for angle in angles]
