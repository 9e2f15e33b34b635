"""Learned hardness: its path, its drift, its profile, ReLU in its place, and criticality."""

import matplotlib
import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import (
    COLOURS,
    INK,
    PAPER,
    TEMPERATURE_MAP,
    BookFigure,
    panels,
    styled,
)

_LAYER_MAP = "plasma"  # not the temperatures' own
_STARTS = ("#0072b2", "#c77f00", "#009e73", "#a8578a")
_TICKS = (1, 3, 10, 30, 100, 300, 1000)
_NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}


@styled
def hardness_paths(table: pandas.DataFrame) -> Figure:
    """Hardness against the epoch, a line a layer, mean over seeds: a panel a (t, c, tolerance)
    (table: `statistics.lambda_gelu.paths`, lambda-GELU only).
    """
    settings = table.groupby(["t", "c", "tolerance"], dropna=False, sort=False)
    names = [name for name in table.columns if name.startswith("hardness_")]
    names = [name for name in names if table[name].notna().any()]
    colours = matplotlib.colormaps[_LAYER_MAP](np.linspace(0.05, 0.85, len(names)))
    figure, axes = panels(settings.ngroups, height=3.2)
    for ax, ((t, c, tolerance), group) in zip(axes, settings, strict=True):
        mean = group.groupby("epoch")[names].mean()
        for place, (name, colour) in enumerate(zip(names, colours, strict=True), start=1):
            ax.plot(mean.index, mean[name], color=colour, lw=1.3, label=f"layer {place}")
        goal = "" if np.isnan(tolerance) else f", $\\epsilon$ = {tolerance:g}"
        ax.set(title=f"t = {t:g}, c = {c:g}{goal}", xlabel="epoch")
        if goal:
            ax.set_yscale("log")
            limits = ax.get_ylim()
            ax.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
            ax.minorticks_off()
            ax.set_ylim(limits)
    free = [ax for ax in axes if ax.get_yscale() == "linear"]
    ends = [ax.get_ylim() for ax in free]
    for ax in free:  # one scale, so that drifts can be compared
        ax.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    axes[0].set_ylabel(r"hardness $\lambda$")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


@styled
def drift_map(changes: pandas.DataFrame) -> Figure:
    """Drift of the hardness over t and c as colour, the change of the validation score against
    GELU, in points, as the number, bold where its interval excludes zero: a panel a data set
    (table: `statistics.lambda_gelu.over_gelu`).
    """
    names = list(changes["dataset"].unique())
    figure, axes = panels(len(names), height=3.3, sharey=True)
    logs = np.log10(changes["drift"])
    for ax, name in zip(axes, names, strict=True):
        cells = changes[changes["dataset"] == name].pivot(index="t", columns="c")
        image = ax.imshow(
            np.log10(cells["drift"]),
            **{"cmap": "cividis", "vmin": logs.min(), "vmax": logs.max()},
            **{"origin": "lower", "aspect": "auto"},
        )
        for (i, j), change in np.ndenumerate(100 * cells["change"].to_numpy().round(3) + 0.0):
            sure = cells["ci_low"].iat[i, j] > 0 or cells["ci_high"].iat[i, j] < 0
            dark = np.log10(cells["drift"].iat[i, j]) < logs.min() + 0.45 * np.ptp(logs)
            ax.text(
                *(j, i, f"{change:+.1f}"),
                **{"ha": "center", "va": "center", "color": PAPER if dark else INK},
                weight="bold" if sure else "normal",
            )
        for axis, values in ((ax.xaxis, cells["drift"].columns), (ax.yaxis, cells.index)):
            axis.set_ticks(range(len(values)), [f"{v:g}" for v in values])
        ax.set(title=_NAMES.get(name, name), xlabel="multiplier c")
        ax.grid(False)
    axes[0].set_ylabel("temperature t of s")
    bar = figure.colorbar(image, ax=list(axes), shrink=0.9)
    bar.set_label(r"$\log_{10}$ of the drift $\Delta\lambda$ per epoch")
    return figure


@styled
def hardness_profiles(profiles: pandas.DataFrame) -> Figure:
    """Learned hardness, and its rank in the network, against the layer: a colour an initialisation,
    mean over seeds and range; two panels a data set (table: `statistics.lambda_gelu.profiles`).
    """
    names = list(profiles["dataset"].unique())
    figure, axes = panels(2 * len(names), height=3.3)
    for name, pair in zip(names, zip(axes[::2], axes[1::2], strict=True), strict=True):
        here = profiles[profiles["dataset"] == name]
        for colour, (start, group) in zip(_STARTS, here.groupby("hardness"), strict=False):
            for ax, column in zip(pair, ("learned", "rank"), strict=True):
                layers = group.groupby("layer")[column].agg(["mean", "min", "max"])
                ax.plot(
                    layers.index, layers["mean"], "o-", ms=3, color=colour, label=f"{start:.3g}"
                )
                if column == "learned":
                    low, high = layers["min"], layers["max"]
                    ax.fill_between(layers.index, low, high, color=colour, alpha=0.15, lw=0)
                    ax.axhline(start, color=colour, lw=0.9, ls=(0, (1, 2)))
        shown = _NAMES.get(name, name)
        pair[0].set(title=f"{shown}: learned $\\lambda$", xlabel="layer")
        pair[1].set(title=f"{shown}: mean rank", xlabel="layer")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, title="hardness at the start", loc="outside lower center", ncols=4
    )
    return figure


@styled
def substitution_drops(accuracy: pandas.DataFrame, loss: pandas.DataFrame) -> Figure:
    """What ReLU in the place of what was trained changes: mean over seeds and its interval, for
    GELU, lambda-GELU not hardened, and hardened to each tolerance; a column a network (tables:
    `statistics.lambda_gelu.mean_over_seeds`, of acc_drop and of loss_change).
    """
    places = accuracy.groupby(["dataset", "network"], sort=False).ngroups
    figure = BookFigure(figsize=(9.0, 4.8), layout="constrained")
    rows = figure.subplots(2, places, sharex=True, sharey="row", squeeze=False)
    for axes, table, factor in ((rows[0], accuracy, 100), (rows[1], loss, 1)):
        for ax, (_, group) in zip(
            axes, table.groupby(["dataset", "network"], sort=False), strict=True
        ):
            _settings(ax, group[group["activation"] != "ReLU"], factor)
    for ax, (dataset, network) in zip(
        rows[0], accuracy.groupby(["dataset", "network"], sort=False).groups, strict=True
    ):
        ax.set_title(f"{_NAMES.get(dataset, dataset)}\n{network}")
        ax.axhline(0, color=COLOURS["ReLU"], lw=0.9)
    rows[0][0].set_ylabel("validation accuracy\nlost, in points")
    rows[1][0].set(ylabel="change of the\nvalidation loss", yscale="log")
    return figure


def _settings(ax: Axes, group: pandas.DataFrame, factor: float) -> None:
    """A point and its interval for each setting, side by side."""
    for x, row in enumerate(group.itertuples()):
        colour = "#767676" if row.activation == "GELU" else COLOURS["GELU"]
        ends = [[factor * (row.mean - row.ci_low)], [factor * (row.ci_high - row.mean)]]
        ax.errorbar(x, factor * row.mean, ends, fmt="o", ms=4, color=colour, lw=1.3)
    names = [_setting(row) for row in group.itertuples()]
    ax.set_xticks(range(len(group)), names, rotation=60)


def _setting(row) -> str:
    if row.activation == "GELU":
        return "GELU"
    return "not hardened" if np.isnan(row.tolerance) else f"$\\epsilon$ = {row.tolerance:g}"


@styled
def hardening_and_criticality(
    susceptibilities: pandas.DataFrame, flows: pandas.DataFrame
) -> Figure:
    """Susceptibilities against the hardness over that of the initialisation; kernel and squared
    gradient over the layers, lines the theory, points real networks with their standard error
    (tables: `tables.hardened_susceptibilities`, `tables.hardened_flows`).
    """
    figure, (left, middle, right) = panels(3, height=3.5)
    finite = susceptibilities[np.isfinite(susceptibilities["factor"])]
    for column, label in (("perp", r"\perp"), ("parallel", r"\parallel")):
        colour = COLOURS["SWISH"] if column == "perp" else COLOURS["AlgebraicLU"]
        left.plot(finite["factor"], finite[f"chi_{column}"], color=colour, label=f"$\\chi_{label}$")
        left.plot(finite["factor"], finite[f"end_{column}"], color=colour, ls=(0, (3, 2)))
    left.axhline(1, color="#111", lw=0.8)
    left.set(xscale="log", xlabel=r"$\lambda/\lambda_0$", ylabel="susceptibility")
    left.set_ylim(0.95, 1.02)
    left.legend()
    factors = sorted(flows["factor"].unique(), reverse=True)
    colours = matplotlib.colormaps[TEMPERATURE_MAP](np.linspace(0, 0.85, len(factors)))
    for factor, colour in zip(factors, colours, strict=True):
        group = flows[flows["factor"] == factor]
        for ax, column in ((middle, "K"), (right, "gradient")):
            _beside_theory(ax, group, column, colour, _factor(factor))
    middle.set(xlabel="layer", ylabel=r"kernel $K/K^\star$")
    right.set(xlabel="layer", ylabel="squared gradient")
    figure.legend(
        *middle.get_legend_handles_labels(), loc="outside lower center", ncols=len(factors)
    )
    return figure


def _beside_theory(ax: Axes, group: pandas.DataFrame, column: str, colour, label: str) -> None:
    layers = group.groupby("layer")
    theory, mean, error = (
        layers[f"{column}_theory"].first(),
        layers[column].mean(),
        layers[column].sem(),
    )
    ax.plot(theory.index, theory, color=colour, lw=1.4, label=label)
    some = theory.index[::3]
    ax.errorbar(some, mean[some], error[some], fmt="o", ms=3, color=colour, lw=1)


def _factor(factor: float) -> str:
    return "ReLU" if np.isinf(factor) else f"$\\lambda/\\lambda_0$ = {factor:g}"
