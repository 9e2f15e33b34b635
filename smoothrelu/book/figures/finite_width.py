"""Kernels of networks of finite width: their mean, their scatter, and when they leave K*."""

import numpy as np
import pandas
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from smoothrelu.book.figures.style import COLOURS, key, panels, styled

_MARKERS = {256: "o", 512: "s", 1024: "D", 2048: "^", 4096: "v"}


@styled
def paths_of_kernels(paths: pandas.DataFrame) -> Figure:
    """One line a network, in the band of two predicted standard deviations of log K_hat: a panel a
    width (table: `tables.kernel_paths`).
    """
    widths = list(paths["width"].unique())
    figure, axes = panels(len(widths), height=2.9, sharey=True)
    for ax, (width, group) in zip(axes, paths.groupby("width", sort=False), strict=True):
        for _, path in group.groupby("network"):
            ax.semilogy(path["layer"], path["ratio"], color=COLOURS["GELU"], lw=0.7, alpha=0.6)
        first = group[group["network"] == 0]
        low, high = np.exp(-2 * first["sd"]), np.exp(2 * first["sd"])
        ax.fill_between(first["layer"], low, high, color="#777", alpha=0.25, lw=0)
        ax.axhline(1, color="#1a1a1a", lw=1)
        ax.set(title=f"width {width}", xlabel="layer", ylim=(0.03, 30))
    axes[0].set_ylabel(r"$\hat K/K^\star$")
    return figure


@styled
def variance_against_depth_over_width(
    sampled: pandas.DataFrame, networks: pandas.DataFrame
) -> Figure:
    """Var(log K_hat) against (l - 1)/n, all activations and widths: the sampled chain, and real
    networks (tables: `tables.kernel_ensembles`, `tables.long_run`).
    """
    figure, axes = panels(2, height=3.7, sharey=True)
    for ax, table, title in zip(
        axes, (sampled, networks), ("sampled chain", "networks, weights and all"), strict=True
    ):
        shown = table[table["layer"].isin([2, 5, 10, 20, 30, 40, 50])]
        widths = table["width"].unique()
        for (name, width), group in shown.groupby(["activation", "width"], sort=False):
            ax.loglog(
                (group["layer"] - 1) / width,
                group["sd_log_K"] ** 2,
                ls="",
                marker=_MARKERS[width],
                ms=4.5,
                mfc="none",
                color=COLOURS[name],
            )
        x = np.array([1 / max(widths), (shown["layer"].max() - 1) / min(widths)])
        ax.loglog(x, 5 * x, color="#888", lw=1, zorder=0)
        ax.set(title=title, xlabel=r"$(\ell-1)/n$")
        ax.legend(
            handles=[
                Line2D(
                    [], [], color="#444", ls="", marker=_MARKERS[n], mfc="none", label=f"n = {n}"
                )
                for n in sorted(widths)
            ]
        )
    axes[0].set_ylabel(r"variance of $\log\hat K^{(\ell)}$")
    key(figure, networks["activation"].unique(), [])
    return figure


@styled
def mean_against_inverse_width(sampled: pandas.DataFrame, shifts: pandas.DataFrame) -> Figure:
    """E K_hat/K* - 1 at the last layer against 1/n, a panel an activation, with the fit and the
    predicted tangent at the origin (tables: `tables.kernel_ensembles`, `tables.fitted_shifts`).
    """
    figure, axes = panels(len(shifts), height=2.9)
    last = sampled[sampled["layer"] == sampled["depth"]]
    x = np.linspace(0, 1.05 / sampled["width"].min(), 60)
    for ax, fit in zip(axes, shifts.itertuples(), strict=True):
        colour, points = COLOURS[fit.activation], last[last["activation"] == fit.activation]
        error = 100 * points["sd_excess"] / points["networks"] ** 0.5
        ax.errorbar(
            1e3 / points["width"],
            100 * points["mean_excess"],
            error,
            color=colour,
            mfc="none",
            ls="",
            marker="o",
            ms=4.5,
            lw=1,
        )
        ax.plot(
            1e3 * x, 100 * x * (fit.fitted + fit.next * x + fit.after * x**2), color=colour, lw=1.2
        )
        ax.plot(1e3 * x, 100 * fit.predicted * x, color="#333", lw=1, ls=(0, (4, 2)))
        ax.set(title=fit.activation, xlabel=r"$1000/n$")
    axes[0].set_ylabel("shift of the mean kernel, %")
    return figure


@styled
def fluctuation_against_temperature(theory: pandas.DataFrame, sampled: pandas.DataFrame) -> Figure:
    """The relative variance of the kernel per layer and per 1/n against the temperature: a panel an
    initialisation (tables: `tables.temperature_slopes`, `tables.sampled_temperature_slopes`).
    """
    figure, axes = panels(2, height=3.5)
    titles = {"critical": "critical initialisation", "he": "He initialisation"}
    for ax, (init, title) in zip(axes, titles.items(), strict=True):
        for name, group in theory[theory["init"] == init].groupby("activation", sort=False):
            ax.semilogx(group["temperature"], group["slope"], color=COLOURS[name], lw=1.4)
        for name, group in sampled[sampled["init"] == init].groupby("activation", sort=False):
            ax.errorbar(
                group["temperature"],
                group["sampled"],
                group["error"],
                color=COLOURS[name],
                ls="",
                marker="o",
                ms=4.5,
                mfc="none",
            )
        ax.axhline(5, color="#888", lw=0.8, ls=":")
        ax.set(title=title, xlabel="temperature T")
    axes[0].set_ylim(bottom=0)
    axes[1].set_yscale("log")
    axes[0].set_ylabel(r"$n\,\mathrm{Var}(\hat K)/(K^2(L-1))$")
    key(figure, theory["activation"].unique(), [])
    return figure


@styled
def layers_until_exit(theory: pandas.DataFrame, sampled: pandas.DataFrame) -> Figure:
    """How long a critical kernel stays within a factor 2 of K*, and how often it leaves above,
    against the width (tables: `tables.exit_layers`, `tables.sampled_exit_layers`).
    """
    figure, (left, right) = panels(2, height=3.6)
    for name, group in theory.groupby("activation", sort=False):
        left.loglog(group["width"], group["layers"], color=COLOURS[name], lw=1.4)
        right.semilogx(group["width"], group["above"], color=COLOURS[name], lw=1.4)
    for name, group in sampled.groupby("activation", sort=False):
        style = dict(color=COLOURS[name], ls="", marker="o", ms=4.5, mfc="none")
        left.errorbar(group["width"], group["sampled"], group["error"], **style)
        right.plot(group["width"], group["sampled_above"], **style)
    left.set(xlabel="width n", ylabel="layers until it leaves (mean)")
    right.set(xlabel="width n", ylabel="probability to leave above", ylim=(-0.03, 1.03))
    key(figure, theory["activation"].unique(), [])
    return figure
