"""Loss curves."""

import pandas
from matplotlib.figure import Figure

from smoothrelu.figures.style import COLOURS, INIT_STYLES, band, key, panels, styled


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
def loss_by_learning_rate(table: pandas.DataFrame) -> Figure:
    """Final training loss against the learning rate: a panel an activation, critical and He
    (table: `sweep`).
    """
    names = list(table["activation"].unique())
    figure, axes = panels(len(names), height=2.9, sharey=True)
    last = table[table["step"] == table["steps"]]
    for ax, name in zip(axes, names, strict=True):
        for init, group in last[last["activation"] == name].groupby("init", sort=False):
            band(ax, group, "train_loss", COLOURS[name], INIT_STYLES[init], x="lr")
        ax.set(title=name, xlabel="learning rate", xscale="log", yscale="log")
    axes[0].set_ylabel("train loss at the end")
    key(figure, [], table["init"].unique())
    return figure
