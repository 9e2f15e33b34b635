"""SUGAR in theory and at the start: surrogates, and what becomes of the gradient."""

from collections.abc import Iterable

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import COLOURS, panels, styled

SURROGATE_COLOURS = COLOURS | {
    "B-SiLU": "#d55e00",
    "NeLU": "#a8578a",
    "SiLU": COLOURS["SWISH"],
    "ELU": "#009e73",
    "SELU": "#56a86b",
    "leaky ReLU": "#7f7f7f",
    "HeLU": "#3d9ad1",
    "excitation gate": "#8c564b",
    "stochastic ReLU": "#b59a00",
    "SiLU both ways": COLOURS["SWISH"],
    "GELU both ways": COLOURS["GELU"],
}
_DASHES = ["-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5))]


def style_of(names: Iterable[str]) -> dict[str, dict]:
    """A colour and a dash for each surrogate, so that no two look alike."""
    return {
        name: {"color": SURROGATE_COLOURS[name.split(",")[0]], "ls": _DASHES[k % len(_DASHES)]}
        for k, name in enumerate(dict.fromkeys(names))
    }


@styled
def surrogates_and_slopes(curves: pandas.DataFrame) -> Figure:
    """Value and slope of each surrogate (table: `tables.surrogate_curves`)."""
    figure, axes = panels(2, height=3.8)
    styles = style_of(curves["surrogate"])
    for ax, column in zip(axes, ("value", "slope"), strict=True):
        for name, curve in curves.groupby("surrogate", sort=False):
            ax.plot(curve["x"], curve[column], **styles[name], label=name)
        ax.set(title=f"{column} of the surrogate", xlabel="preactivation $z$")
    axes[0].set_ylim(-2, 3)
    _legend(figure, axes[0])
    return figure


@styled
def gradient_going_back(flow: pandas.DataFrame) -> Figure:
    """Squared gradient, and its cosine with ReLU's, against the layers gone back: points measured
    (mean over seeds and range), lines theory (table: `tables.backward_flow`).
    """
    figure, axes = panels(2, height=4.0)
    names = list(dict.fromkeys(flow["surrogate"]))
    for ax, column in zip(axes, ("square", "cosine"), strict=True):
        for name in names:
            group = flow[flow["surrogate"] == name].groupby("back")
            seeds, colour = group[column].agg(["mean", "min", "max"]), SURROGATE_COLOURS[name]
            theory = group[f"theory_{column}"].first()
            ax.plot(theory.index, theory, color=colour, lw=1.2)
            spread = [seeds["mean"] - seeds["min"], seeds["max"] - seeds["mean"]]
            points = {"fmt": "o", "ms": 3, "lw": 0.7, "color": colour, "label": name}
            ax.errorbar(seeds.index, seeds["mean"], spread, **points)
        ax.set(xlabel="layers gone back", title=f"{column} of the gradient")
    axes[0].set(yscale="log", title="mean square, over that of the last hidden layer")
    axes[1].set(title="cosine with the true gradient")
    _legend(figure, axes[0])
    return figure


@styled
def gain_against_temperature(gains: pandas.DataFrame) -> Figure:
    """Gain and alignment per layer against the temperature of the surrogate (table:
    `tables.gains_by_temperature`).
    """
    figure, axes = panels(2, height=3.2)
    for ax, column in zip(axes, ("gain", "alignment"), strict=True):
        for name, group in gains.groupby("surrogate", sort=False):
            ax.plot(group["temperature"], group[column], color=COLOURS[name], label=name)
        ax.axhline(1, color="#666", lw=0.8)
        ax.set(title=f"{column} per layer", xlabel="temperature", xscale="log")
    axes[0].legend()
    return figure


@styled
def small_steps(steps: pandas.DataFrame, depth: int) -> Figure:
    """Left: the change of the loss along SUGAR's direction over the change it promises, against the
    step, at one depth; right: the cosine with the true gradient against the depth (table:
    `tables.descent`).
    """
    figure, (left, right) = panels(2, height=3.9)
    styles = style_of(steps["surrogate"])
    kept = steps.assign(ratio=steps["change"] / steps["promised"])
    for name, group in kept.groupby("surrogate", sort=False):
        at_depth = group[group["depth"] == depth]
        _line(left, at_depth, "step", "ratio", styles[name], name)
        _line(right, group, "depth", "cosine", styles[name], name)
    left.axhline(1, color="#666", lw=0.8)
    left.set(xscale="log", xlabel="length of the step", title=f"kept of the promise, depth {depth}")
    right.axhline(0, color="#666", lw=0.8)
    right.set(xlabel="depth", title="cosine with the true gradient")
    _legend(figure, right)
    return figure


def _line(ax: Axes, group: pandas.DataFrame, x: str, y: str, style: dict, label: str) -> None:
    """The mean over seeds with its range."""
    seeds = group.groupby(x)[y].agg(["mean", "min", "max"])
    ax.plot(seeds.index, seeds["mean"], **style, marker="o", ms=3, label=label)
    ax.fill_between(seeds.index, seeds["min"], seeds["max"], color=style["color"], alpha=0.1, lw=0)


def _legend(figure: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    columns = int(np.ceil(len(labels) / 2)) if len(labels) > 5 else len(labels)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8.5)
