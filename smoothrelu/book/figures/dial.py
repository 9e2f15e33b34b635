"""What the temperature changes: activation, derivative, critical constants; a stop of a dial."""

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import COLOURS, BookFigure, styled

_CONSTANTS = {  # column of `tables.critical_constants`: marker, label
    "C_W": ("^", r"$C_W$"),
    "C_b": ("s", r"$C_b$"),
    "K_star": ("o", r"$K^\star$"),
    "x_square": ("D", r"input that starts at $K^\star$"),
}


@styled
def at_temperature(curves: pandas.DataFrame, constants: pandas.DataFrame, T: float) -> Figure:
    """phi_T and phi_T' of each activation, ReLU behind them, and under them the critical constants
    (tables: `tables.activation_curves`, `tables.critical_constants`).

    The axes are those of the whole tables, so that the figures of several T can be stops of a dial.
    """
    figure = BookFigure(figsize=(6.2, 5.6))
    grid = figure.add_gridspec(2, 2, left=0.17, right=0.98, top=0.95, bottom=0.09, hspace=0.38)
    left, right, below = (
        figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :])
    )
    x = np.sort(curves["x"].unique())
    left.plot(x, np.maximum(x, 0), color=COLOURS["ReLU"], lw=1)
    right.step(x, (x > 0).astype(float), color=COLOURS["ReLU"], lw=1, where="mid")
    for name, group in curves[curves["temperature"] == T].groupby("activation", sort=False):
        left.plot(group["x"], group["phi"], color=COLOURS[name])
        right.plot(group["x"], group["derivative"], color=COLOURS[name])
    left.set(title=r"activation $\phi_T(x)$", xlabel="x", xlim=(x[0], x[-1]))
    left.set_ylim(curves["phi"].min() - 0.2, x[-1])
    right.set(title=r"derivative $\phi_T'(x)$", xlabel="x", xlim=(x[0], x[-1]), ylim=(-0.3, 1.4))
    _critical_constants(below, constants, T)
    return figure


def _critical_constants(ax: Axes, constants: pandas.DataFrame, T: float) -> None:
    """A row an activation, a marker a constant; the line at 1 is an input of mean square one."""
    columns = list(_CONSTANTS)
    here = constants[constants["temperature"] == T].reset_index(drop=True)
    colours = [COLOURS[name] for name in here["activation"]]
    for column, (marker, label) in _CONSTANTS.items():
        ax.plot([], [], marker, color="#666", label=label)
        ax.scatter(here[column], -here.index, marker=marker, s=42, c=colours)
    ax.axvline(1, color="#888", lw=0.8)
    spread = constants[columns].to_numpy()
    ax.set(xscale="log", xlim=(spread.min() / 2, spread.max() * 2))
    ax.set_ylim(-len(here) + 0.5, 1.5)
    ax.set_yticks(-np.arange(len(here)), here["activation"])
    for tick, name in zip(ax.get_yticklabels(), here["activation"], strict=True):
        tick.set_color(COLOURS[name])
    ax.legend(loc="upper left", ncols=4, handletextpad=0.1, columnspacing=1.2)
    ax.minorticks_off()
    ax.set_title("critical constants; the line is an input of mean square 1")
