"""Kernels of infinitely wide networks: against the angle, over frequency, over depth."""

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import COLOURS, INIT_STYLES, panels, styled, temperature_colours


@styled
def kernels_by_angle(table: pandas.DataFrame) -> Figure:
    """NNGP, NTK and the NTK's drop from angle 0; lines by quadrature, dots by the closed form
    (table: `tables.kernels_by_angle`).
    """
    figure, axes = panels(3)
    for ax, column in zip(axes, ["nngp", "ntk", "drop"], strict=True):
        for T, colour, group in _temperatures(table):
            lines = group[group["source"] == "quadrature"]
            dots = group[group["source"] == "closed form"].iloc[::4]
            ax.plot(lines["angle"], lines[column], color=colour, label=f"T = {T:g}")
            ax.plot(dots["angle"], dots[column], "o", ms=2.8, color=colour)
        relu = table[table["activation"] == "ReLU"]
        ax.plot(relu["angle"], relu[column], color=COLOURS["ReLU"], lw=1, label="ReLU")
    axes[0].set(title="NNGP", xlabel="angle", ylabel=r"$K(\theta)/K(0)$")
    axes[1].set(title="NTK", xlabel="angle", ylabel=r"$\Theta(\theta)/\Theta(0)$")
    axes[2].set(title="NTK near angle 0", xlabel="angle", xscale="log", yscale="log")
    axes[2].set_ylabel(r"$1-\Theta(\theta)/\Theta(0)$")
    axes[2].legend(loc="lower right")
    return figure


def _temperatures(table: pandas.DataFrame):
    """(T, its colour, its rows) of everything that has a temperature."""
    smooth = table.dropna(subset=["temperature"])
    for T, colour in temperature_colours(smooth["temperature"]):
        yield T, colour, smooth[smooth["temperature"] == T]


@styled
def ntk_of_real_networks(table: pandas.DataFrame) -> Figure:
    """Relative error of each network's NTK against its width, with 1/sqrt(n) through the middle
    (table: `tables.ntk_of_real_networks`).
    """
    figure, (ax,) = panels(1, width=5.6)
    ax.loglog(table["width"], table["error"], "o", ms=3, color=COLOURS["GELU"], alpha=0.4)
    means = table.groupby("width")["error"].mean()
    ax.plot(means.index, means, "D", ms=6, color=COLOURS["GELU"], label="mean of the draws")
    level = np.exp((np.log(means) + 0.5 * np.log(means.index)).mean())
    _power(ax, means.index.to_numpy(), level, -0.5, r"$n^{-1/2}$")
    ax.set(xlabel="width n", ylabel=r"$\|\Theta_n-\Theta\|\,/\,\|\Theta\|$")
    ax.set_xticks(means.index, [f"{n:g}" for n in means.index])
    ax.set_xticks([], minor=True)
    ax.legend()
    return figure


def _power(ax: Axes, x: np.ndarray, level: float, power: float, label: str) -> None:
    """A guide to the eye, level x^power."""
    ax.plot(x, level * x**power, color="#888", lw=1, ls=(0, (4, 2)), label=label)


@styled
def circle_spectra(table: pandas.DataFrame) -> Figure:
    """Eigenvalues on the circle against the frequency, one colour a temperature, ReLU behind them
    (table: `tables.circle_spectra` of one activation).
    """
    figure, axes = panels(2)
    relu = table[table["activation"] == "ReLU"]
    for ax, column, power in zip(axes, ["nngp", "ntk"], [-4.0, -2.0], strict=True):
        ax.loglog(relu["k"], relu[column], color=COLOURS["ReLU"], lw=1, label="ReLU")
        for T, colour, group in _temperatures(table):
            ax.loglog(group["k"], group[column], color=colour, label=f"T = {T:g}")
        k = relu["k"].to_numpy(float)
        level = 5 * (relu[column] * k**-power).iloc[-1]
        _power(ax, k, level, power, f"$k^{{{power:g}}}$")
        ax.set(title=column.upper(), xlabel="frequency k", ylabel=r"$c_k\,/\,c_0$", ylim=(1e-12, 1))
        ax.legend(loc="lower left")
    return figure


@styled
def spectral_crossover(by_temperature: pandas.DataFrame, by_activation: pandas.DataFrame) -> Figure:
    """NTK eigenvalues over ReLU's against kT/sqrt(K): one activation at all temperatures, and all
    activations at one (tables: `tables.circle_spectra`).
    """
    figure, (left, right) = panels(2, sharey=True)
    for T, colour, group in _temperatures(by_temperature):
        left.loglog(group["reach"], group["relative"], color=colour, label=f"T = {T:g}")
    smooth = by_activation.dropna(subset=["temperature"])
    for name, group in smooth.groupby("activation", sort=False):
        right.loglog(group["reach"], group["relative"], color=COLOURS[name], label=name)
    for ax in (left, right):
        ax.axvline(1, color="#888", lw=0.8, ls=":")
        ax.set(xlabel=r"$k\,T/\sqrt{K}$", ylim=(1e-6, 3), xlim=(0.02, 60))
        ax.legend(loc="lower left")
    left.set(ylabel=r"$c_k\,/\,c_k$ of ReLU", title="GELU")
    right.set(title=f"T = {smooth['temperature'].iloc[0]:g}")
    return figure


@styled
def near_duplicates(table: pandas.DataFrame) -> Figure:
    """Smallest eigenvalue of the NTK against the angle between each image and its copy (table:
    `tables.near_duplicates`).
    """
    figure, (ax,) = panels(1, width=5.8, height=3.6)
    relu = table[table["activation"] == "ReLU"]
    ax.loglog(
        relu["angle"], relu["smallest"], "o-", ms=3, lw=1, color=COLOURS["ReLU"], label="ReLU"
    )
    for T, colour, group in _temperatures(table):
        ax.loglog(group["angle"], group["smallest"], "o-", ms=3, color=colour, label=f"T = {T:g}")
        ax.axvline(group["crossover"].iloc[0], color=colour, lw=0.9, ls=":")
    ax.set(xlabel="angle between an image and its copy", ylabel=r"$\lambda_{\min}\,/\,\Theta(x,x)$")
    ax.legend()
    return figure


@styled
def conditioning(
    flows: pandas.DataFrame, checks: pandas.DataFrame, at_K_star: pandas.DataFrame
) -> Figure:
    """Condition numbers over depth: of the NTK over temperatures and initialisations, dots by
    quadrature; of NTK and NNGP for inputs at K_star (tables: `tables.conditioning`,
    `tables.quadrature_conditioning`, `tables.conditioning_at_K_star`).
    """
    figure, (drifting, ntk, nngp) = panels(3, height=3.9)
    for T, colour, group in _temperatures(flows):
        for init, line in group.groupby("init", sort=False):
            label = f"T = {T:g}" if init == "critical" else None
            drifting.plot(
                line["layer"],
                line["ntk_condition"],
                color=colour,
                ls=INIT_STYLES[init],
                label=label,
            )
        dots = checks[checks["temperature"] == T]
        drifting.plot(dots["layer"], dots["ntk_condition"], "o", ms=4, color=colour)
    relu = flows[flows["activation"] == "ReLU"]
    drifting.plot(relu["layer"], relu["ntk_condition"], color=COLOURS["ReLU"], lw=1, label="ReLU")
    for name, group in at_K_star.groupby("activation", sort=False):
        depths, colour = group["layer"], COLOURS[name]
        ntk.plot(depths, group["ntk_condition"], "o-", ms=3.5, color=colour, label=name)
        nngp.plot(depths, group["nngp_condition"], "o-", ms=3.5, color=colour)
        nngp.plot(depths, group["nngp_slope"] * depths, color=colour, lw=0.9, ls=(0, (4, 2)))
    N = flows["images"].iloc[0]
    drifting.axhline(1 + N / 3, color=COLOURS["ReLU"], lw=0.8, ls=":")
    ntk.axhline(1 + N / 2, color="#666", lw=0.8, ls=":")
    drifting.set(title="NTK, inputs of mean square 1", ylabel="condition number", ylim=(1, 1e7))
    ntk.set(title=r"NTK, inputs that start at $K^\star$", ylim=(N / 4, 4 * N))
    nngp.set(title=r"NNGP, inputs that start at $K^\star$")
    _depth_axis(drifting, 4 ** np.arange(10), flows["layer"].max())
    for ax in (ntk, nngp):
        _depth_axis(ax, at_K_star["layer"].unique(), np.inf)
    for plain in (ntk.yaxis.set_major_formatter, ntk.yaxis.set_minor_formatter):
        plain("{x:g}")
    drifting.legend(loc="upper left")
    ntk.legend(loc="upper right")
    return figure


def _depth_axis(ax: Axes, depths, largest: float) -> None:
    shown = [depth for depth in depths if depth <= largest]
    ax.set(xscale="log", yscale="log", xlabel="depth")
    ax.set_xticks(shown, [f"{depth:g}" for depth in shown])
    ax.set_xticks([], minor=True)
