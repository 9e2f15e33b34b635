"""The path of the empirical tangent kernel in training."""

from collections.abc import Sequence

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from smoothrelu.book.figures.style import COLOURS, panels, styled

_DASHES = ["-", (0, (5, 1.5)), (0, (2, 1.5)), (0, (1, 1.5))]  # from warm to cold


@styled
def kernel_speed(table: pandas.DataFrame) -> Figure:
    """||Theta_t - Theta_(t-1)|| / (lr ||Theta_0||) against the time t lr: a panel a network, a
    curve a learning rate (table: `sweep`, of runs tracked by `TrackNTK`, one seed).
    """
    names = list(dict.fromkeys(map(_label, table["activation"], table["temperature"])))
    figure, axes = panels(len(names), height=2.9, sharey=True)
    rates = sorted(table["lr"].unique(), reverse=True)
    for (name, lr), run in table.assign(
        name=list(map(_label, table["activation"], table["temperature"]))
    ).groupby(["name", "lr"], sort=False):
        ax = axes[names.index(name)]
        speed = run["ntk_first_difference"] / lr / run["ntk_norm"].iloc[0]
        shade = 0.25 + 0.75 * (rates.index(lr) + 1) / len(rates)
        colour = COLOURS[run["activation"].iloc[0]]
        ax.plot(run["step"] * lr, speed, color=colour, alpha=shade, lw=1.1, label=f"step {lr:g}")
    for ax, name in zip(axes, names, strict=True):
        ax.set(title=name, xlabel="time: steps times learning rate", yscale="log")
    axes[0].set_ylabel("speed of the kernel")
    axes[0].legend()
    return figure


@styled
def path_laws(paths: pandas.DataFrame, columns: Sequence[str] = ()) -> Figure:
    """Path statistics against the learning rate: a panel a statistic, a line an activation and
    temperature, with its range over seeds (table: `statistics.ntk.path_statistics`).
    """
    columns = columns or ["quadratic_variation", "second_difference_energy"]
    figure, axes = panels(len(columns), height=3.9)
    temperatures = sorted(paths["temperature"].dropna().unique(), reverse=True)
    for ax, column in zip(axes, columns, strict=True):
        for (name, T), runs in paths.groupby(["activation", "temperature"], dropna=False):
            style = "-" if np.isnan(T) else _DASHES[temperatures.index(T) % len(_DASHES)]
            _range(ax, runs, "lr", column, COLOURS[name], style)
        ax.set(title=column.replace("_", " "), xlabel="learning rate", xscale="log", yscale="log")
    _legend(figure, paths["activation"].unique(), temperatures)
    return figure


@styled
def collapse(paths: pandas.DataFrame) -> Figure:
    """Second-difference energy against the learning rate, and against it over T (table:
    `statistics.ntk.path_statistics`, ReLU left out on the right).
    """
    figure, (left, right) = panels(2, height=3.7, sharey=True)
    temperatures = sorted(paths["temperature"].dropna().unique(), reverse=True)
    for (name, T), runs in paths.groupby(["activation", "temperature"], dropna=False):
        cold = np.isnan(T)
        style = "-" if cold else _DASHES[temperatures.index(T) % len(_DASHES)]
        _range(left, runs, "lr", "second_difference_energy", COLOURS[name], style)
        if not cold:
            scaled = runs.assign(ratio=runs["lr"] / T)
            _range(right, scaled, "ratio", "second_difference_energy", COLOURS[name], style)
    left.set(xlabel="learning rate", ylabel="second-difference energy", xscale="log", yscale="log")
    right.set(xlabel="learning rate / temperature", xscale="log", yscale="log")
    _legend(figure, paths["activation"].unique(), temperatures)
    return figure


@styled
def travel_by_width(paths: pandas.DataFrame, column: str = "half_distance") -> Figure:
    """How far the kernel has travelled, against the width, with its range over seeds (table:
    `statistics.ntk.path_statistics`).
    """
    figure, (ax,) = panels(1, height=3.4)
    temperatures = sorted(paths["temperature"].dropna().unique(), reverse=True)
    for (name, T), runs in paths.groupby(["activation", "temperature"], dropna=False):
        style = "-" if np.isnan(T) else _DASHES[temperatures.index(T) % len(_DASHES)]
        _range(ax, runs, "width", column, COLOURS[name], style)
    widths = sorted(paths["width"].unique())
    ax.set(xlabel="width", ylabel="distance of the kernel from its start", xscale="log")
    ax.set(yscale="log")
    ax.set_xticks(widths, widths)
    ax.minorticks_off()
    _legend(figure, paths["activation"].unique(), temperatures)
    return figure


def _range(ax: Axes, runs: pandas.DataFrame, x: str, column: str, colour: str, style) -> None:
    """The geometric mean over seeds, in a band from the lowest to the highest."""
    values = runs.set_index(x)[column]
    seeds = np.log(values.where(values > 0)).groupby(level=0).agg(["mean", "min", "max"])
    seeds = np.exp(seeds)
    ax.plot(seeds.index, seeds["mean"], color=colour, ls=style, marker="o", ms=3, lw=1.3)
    ax.fill_between(seeds.index, seeds["min"], seeds["max"], color=colour, alpha=0.06, lw=0)


def _legend(figure: Figure, activations: Sequence[str], temperatures: Sequence[float]) -> None:
    handles = [Line2D([], [], color=COLOURS[name], label=name) for name in activations]
    handles += [
        Line2D([], [], color="#666", ls=_DASHES[i % len(_DASHES)], label=f"T = {T:g}")
        for i, T in enumerate(temperatures)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8.5)


def _label(activation: str, temperature: float) -> str:
    return activation if np.isnan(temperature) else f"{activation}, T = {temperature:g}"
