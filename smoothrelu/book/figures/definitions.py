"""What a smooth ReLU looks like."""

import numpy as np
import pandas
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import COLOURS, panels, styled, temperature_colours


@styled
def gates_and_activations(curves: pandas.DataFrame) -> Figure:
    """phi and phi' of each activation at one temperature, ReLU behind them (table:
    `tables.activation_curves`).
    """
    figure, (left, right) = panels(2)
    x = np.sort(curves["x"].unique())
    left.plot(x, np.maximum(x, 0), color=COLOURS["ReLU"], lw=1, label="ReLU")
    right.step(x, (x > 0).astype(float), color=COLOURS["ReLU"], lw=1, where="mid", label="ReLU")
    for name, group in curves.groupby("activation", sort=False):
        left.plot(group["x"], group["phi"], color=COLOURS[name], label=name)
        right.plot(group["x"], group["derivative"], color=COLOURS[name], label=name)
    left.set(xlabel="x / T", ylabel=r"$\phi_T(x)\,/\,T$", title="activation")
    right.set(xlabel="x / T", ylabel=r"$\phi_T'(x)$", title="derivative")
    left.legend(loc="upper left")
    return figure


@styled
def temperature_family(curves: pandas.DataFrame) -> Figure:
    """One panel an activation, one curve a temperature, ReLU behind them (table:
    `tables.activation_curves`).
    """
    names = list(curves["activation"].unique())
    figure, axes = panels(len(names), height=2.3, sharey=True)
    x = np.sort(curves["x"].unique())
    for ax, name in zip(axes, names, strict=True):
        ax.plot(x, np.maximum(x, 0), color=COLOURS["ReLU"], lw=1)
        for T, colour in temperature_colours(curves["temperature"]):
            group = curves[(curves["activation"] == name) & (curves["temperature"] == T)]
            ax.plot(group["x"], group["phi"], color=colour, label=f"T = {T:g}")
        ax.set(title=name, xlabel="x")
    axes[0].set_ylabel(r"$\phi_T(x)$")
    axes[0].legend(loc="upper left", handlelength=1.2)
    return figure


@styled
def distance_to_relu(distances: pandas.DataFrame) -> Figure:
    """sup |phi_T - ReLU| against T (table: `tables.relu_distances`)."""
    figure, (ax,) = panels(1, width=5.2)
    for name, group in distances.groupby("activation", sort=False):
        group = group.sort_values("temperature")
        ax.loglog(
            group["temperature"], group["distance"], "o-", ms=3.5, color=COLOURS[name], label=name
        )
    ax.set(xlabel="temperature T", ylabel=r"$\sup_x\,|\phi_T(x)-\mathrm{ReLU}(x)|$")
    ax.legend()
    return figure
