"""Loss curves."""

import numpy as np
import pandas
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import (
    COLOURS,
    INIT_STYLES,
    INK,
    PAPER,
    band,
    key,
    panels,
    styled,
)

_SILENT = 1e-8  # a kernel; outputs of that size leave the loss at log 10 to three digits


@styled
def loss_curves(table: pandas.DataFrame, column: str = "train_loss") -> Figure:
    """Loss against step: a panel a temperature, mean over seeds with its range, ReLU beside
    (table: `sweep`).
    """
    temperatures = sorted(table["temperature"].dropna().unique(), reverse=True)
    figure, axes = panels(len(temperatures), height=3.2, sharey=True)
    for ax, T in zip(axes, temperatures, strict=True):
        shown = table[(table["temperature"] == T) | table["temperature"].isna()]
        for (name, init), group in shown.groupby(["activation", "init"], sort=False):
            band(ax, group, column, COLOURS[name], INIT_STYLES[init])
        ax.set(title=f"T = {T:g}", xlabel="step", yscale="log" if "loss" in column else "linear")
    axes[0].set_ylabel(column.replace("_", " "))
    key(figure, table["activation"].unique(), table["init"].unique())
    return figure


@styled
def learning(table: pandas.DataFrame) -> Figure:
    """Losses and accuracy against step, critical and He, mean over seeds with its range (table:
    `sweep`, one temperature).
    """
    columns = {"train_loss": "train loss", "test_loss": "test loss", "test_acc": "test accuracy"}
    figure, axes = panels(len(columns), height=3.2)
    for ax, (column, label) in zip(axes, columns.items(), strict=True):
        for (name, init), group in table.groupby(["activation", "init"], sort=False):
            band(ax, group, column, COLOURS[name], INIT_STYLES[init], alpha=0.05)
        ax.set(title=label, xlabel="step", yscale="log" if column == "train_loss" else "linear")
    key(figure, table["activation"].unique(), table["init"].unique())
    return figure


@styled
def loss_by_learning_rate(runs: pandas.DataFrame) -> Figure:
    """Mean loss against the learning rate: a panel an activation, a line an initialisation (table:
    `statistics.training.mean_losses`, one temperature); rates where a seed diverged are left out.
    """
    names = list(runs["activation"].unique())
    figure, axes = panels(len(names), height=2.9, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        for init, group in runs[runs["activation"] == name].groupby("init", sort=False):
            stable = group.groupby("lr").filter(lambda at_rate: not at_rate["diverged"].any())
            band(ax, stable, "mean_loss", COLOURS[name], INIT_STYLES[init], x="lr")
        ax.set(title=name, xlabel="learning rate", xscale="log", yscale="log")
    axes[0].set_ylabel("mean train loss")
    key(figure, [], runs["init"].unique())
    return figure


@styled
def gain_map(gains: pandas.DataFrame, x: str, y: str) -> Figure:
    """The gain of critical initialisation over two settings: a panel an activation (table:
    `statistics.training.gain_at_best_rate`); a number in bold where its interval excludes zero.
    """
    names = list(gains["activation"].unique())
    figure, axes = panels(len(names), height=3.1, sharey=True)
    reach = gains["gain"].abs().max()
    for ax, name in zip(axes, names, strict=True):
        cells = gains[gains["activation"] == name].pivot(index=y, columns=x)
        image = ax.imshow(
            cells["gain"], cmap="RdBu", vmin=-reach, vmax=reach, origin="lower", aspect="auto"
        )
        for (i, j), gain in np.ndenumerate(cells["gain"].to_numpy()):
            sure = cells["ci_low"].iat[i, j] > 0 or cells["ci_high"].iat[i, j] < 0
            ax.text(
                *(j, i, f"{gain:+.2f}"),
                **{"ha": "center", "va": "center", "fontsize": 8},
                color=PAPER if abs(gain) > 0.6 * reach else INK,
                weight="bold" if sure else "normal",
            )
        for axis, values in ((ax.xaxis, cells["gain"].columns), (ax.yaxis, cells.index)):
            axis.set_ticks(range(len(values)), [f"{v:g}" for v in values])
        ax.set(title=name, xlabel=x)
        ax.grid(False)
    axes[0].set_ylabel(y)
    figure.colorbar(image, ax=list(axes), label="gain, nats of mean loss", shrink=0.9)
    return figure


@styled
def gain_against(gains: pandas.DataFrame, x: str, label: str) -> Figure:
    """The gain of critical initialisation against a quantity that theory predicts, with its
    interval: a colour an activation, a larger mark a deeper network, an arrow head at the edge
    where x is below _SILENT (table: `statistics.training.gain_at_best_rate` with a column x).
    """
    figure, (ax,) = panels(1, height=3.6)
    depths = sorted(gains["depth"].unique())
    heard = gains[x] >= _SILENT
    for (name, depth, inside), group in gains.groupby(["activation", "depth", heard], sort=False):
        size = 3 + 2.5 * depths.index(depth)
        spread = [group["gain"] - group["ci_low"], group["ci_high"] - group["gain"]]
        marks = {"fmt": "o" if inside else "<", "ms": size, "alpha": 0.75, "elinewidth": 0.8}
        at = group[x].clip(lower=_SILENT)
        ax.errorbar(at, group["gain"], yerr=spread, color=COLOURS[name], **marks)
    ax.axhline(0, color="#888", lw=0.8)
    ax.set(xlabel=label, ylabel="gain, nats of mean loss", xscale="log")
    key(figure, gains["activation"].unique(), [])
    return figure


@styled
def gain_by_width(gains: pandas.DataFrame) -> Figure:
    """The gain of critical initialisation against the width, with its interval: a panel a
    temperature (table: `statistics.training.gain_of_critical`).
    """
    temperatures = sorted(gains["temperature"].unique(), reverse=True)
    figure, axes = panels(len(temperatures), height=2.9, sharey=True)
    for ax, T in zip(axes, temperatures, strict=True):
        for name, group in gains[gains["temperature"] == T].groupby("activation", sort=False):
            spread = [group["gain"] - group["ci_low"], group["ci_high"] - group["gain"]]
            ax.errorbar(
                *(group["width"], group["gain"], spread), color=COLOURS[name], marker="o", ms=4
            )
        ax.axhline(0, color="#888", lw=0.8)
        ax.set(title=f"T = {T:g}", xlabel="width", xscale="log")
        ax.set_xticks(sorted(gains["width"].unique()), sorted(gains["width"].unique()), minor=False)
        ax.minorticks_off()
    axes[0].set_ylabel("gain, nats of mean loss")
    key(figure, gains["activation"].unique(), [])
    return figure
