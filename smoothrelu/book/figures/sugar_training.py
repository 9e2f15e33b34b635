"""SUGAR in training: deaths, accuracies, temperatures, and what the trained networks look like."""

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import COLOURS, band, panels, styled
from smoothrelu.book.figures.sugar import SURROGATE_COLOURS, _legend, _line, style_of

_MARKERS = "os^Dv"


@styled
def deaths(by_layer: pandas.DataFrame) -> Figure:
    """Dead units: left against the epoch, the mean over layers; right by layer at the last epoch;
    means over seeds with their range (table: `statistics.sugar.by_layer`).
    """
    figure, (left, right) = panels(2, height=3.7, sharey=True)
    styles = style_of(by_layer["surrogate"])
    for name, runs in by_layer.groupby("surrogate", sort=False):
        over_layers = runs.groupby(["seed", "epoch"])["dead"].mean().reset_index()
        _line(left, over_layers, "epoch", "dead", styles[name], name)
        last = runs[runs["epoch"] == runs["epoch"].max()]
        _line(right, last, "layer", "dead", styles[name], name)
    left.set(xlabel="epoch", ylabel="dead units, fraction", title="all layers")
    right.set(xlabel="layer", title="at the end")
    _legend(figure, left)
    return figure


@styled
def revived_by_slope(runs: pandas.DataFrame) -> Figure:
    """The part of the units dead from the start that revived, against the surrogate's slope where
    they lay: mean over seeds with its range, a marker a bias (table: `statistics.sugar.revived`
    with the column slope).
    """
    figure, (ax,) = panels(1, height=3.8, width=7.0)
    depths = sorted(runs["initial_bias"].unique())
    for (name, depth), group in runs.groupby(["surrogate", "initial_bias"], sort=False):
        revived, colour = group["revived"], SURROGATE_COLOURS[name]
        spread = [[revived.mean() - revived.min()], [revived.max() - revived.mean()]]
        marker = _MARKERS[depths.index(depth) % len(_MARKERS)]
        style = {"fmt": marker, "ms": 5, "lw": 0.8, "color": colour}
        label = name if depth == depths[0] else None
        ax.errorbar(group["slope"].iloc[0], revived.mean(), spread, **style, label=label)
    ax.axvline(0, color="#666", lw=0.8)
    ax.set(xlabel="slope of the surrogate at the unit's preactivation", ylabel="revived, fraction")
    marks = [ax.plot([], [], _MARKERS[k], color="#666", ms=5)[0] for k in range(len(depths))]
    ax.add_artist(ax.legend(marks, [f"at -{d:g}" for d in depths], loc="upper left"))
    _legend(figure, ax)
    return figure


@styled
def accuracy_by_surrogate(gaps: pandas.DataFrame) -> Figure:
    """Test accuracy minus ReLU's, in points: a panel a network, with 95 % intervals (table:
    `statistics.sugar.differences`).
    """
    gaps = gaps[gaps["surrogate"] != "ReLU"]
    nets, names = list(gaps["network"].unique()), list(dict.fromkeys(gaps["surrogate"]))[::-1]
    figure, axes = panels(len(nets), height=4.0, sharey=True)
    for ax, net in zip(axes, nets, strict=True):
        for row in gaps[gaps["network"] == net].itertuples():
            place, low, high = names.index(row.surrogate), row.ci_low, row.ci_high
            colour = SURROGATE_COLOURS[row.surrogate]
            ax.plot([100 * low, 100 * high], [place, place], color=colour)
            ax.plot(100 * row.difference, place, "o", color=colour, ms=5)
        ax.axvline(0, color="#1a1a1a", lw=1)
        ax.set(title=net, xlabel="test accuracy minus ReLU's, points")
    axes[0].set_yticks(range(len(names)), names)
    return figure


@styled
def against_temperature(runs: pandas.DataFrame, columns: dict[str, str]) -> Figure:
    """Each column against the temperature of the surrogate, mean over seeds with its range, ReLU's
    mean as a line (table: runs with columns surrogate, temperature; one network and rate).
    """
    figure, axes = panels(len(columns), height=3.3)
    for ax, (column, label) in zip(axes, columns.items(), strict=True):
        for name, group in runs[runs["temperature"].notna()].groupby("surrogate", sort=False):
            band(ax, group, column, COLOURS[name], "-", x="temperature")
            ax.plot([], [], color=COLOURS[name], label=name)
        relu = runs[runs["surrogate"] == "ReLU"][column].mean()
        ax.axhline(relu, color=COLOURS["ReLU"], lw=1, ls=(0, (4, 2)), label="ReLU")
        ax.set(title=label, xlabel="temperature of the surrogate", xscale="log")
    axes[0].legend()
    return figure


@styled
def firing(histogram: pandas.DataFrame, layers: list[int]) -> Figure:
    """How often the units fire: a panel a layer, the share of units in each bin, dead ones at 0
    (table: `statistics.sugar.firing`, one network).
    """
    figure, axes = panels(len(layers), height=2.9, sharey=True)
    for ax, layer in zip(axes, layers, strict=True):
        shown = histogram[histogram["layer"] == layer]
        for name, group in shown.groupby("surrogate", sort=False):
            bins = group.groupby("rate")["share"].mean()
            ax.step(bins.index, bins, where="mid", color=SURROGATE_COLOURS[name], label=name)
        ax.set(title=f"layer {layer}", xlabel="fraction of looks")
    axes[0].set_ylabel("units, fraction")
    axes[0].legend()
    return figure


@styled
def loss_surfaces(surfaces: dict[str, pandas.DataFrame]) -> Figure:
    """Log losses around trained networks side by side, on one scale (tables:
    `statistics.sugar.surface`).
    """
    figure, axes = panels(len(surfaces), height=3.4, sharey=True)
    logs = {name: np.log10(grid) for name, grid in surfaces.items()}
    levels = np.linspace(
        min(g.to_numpy().min() for g in logs.values()),
        max(g.to_numpy().max() for g in logs.values()),
        15,
    )
    for ax, (name, grid) in zip(axes, logs.items(), strict=True):
        drawn = _contours(ax, grid, levels)
        ax.set(title=name, xlabel="second direction", aspect="equal")
    axes[0].set_ylabel("first direction")
    figure.colorbar(drawn, ax=list(axes), label="log10 of the loss", shrink=0.9, format="%.1f")
    return figure


def _contours(ax: Axes, grid: pandas.DataFrame, levels: np.ndarray):
    drawn = ax.contourf(grid.columns, grid.index, grid, levels=levels, cmap="viridis")
    ax.plot(0, 0, "+", color="white", ms=8)
    ax.grid(False)
    return drawn
