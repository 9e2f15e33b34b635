"""One function per figure: a tidy table in, a matplotlib Figure out. No torch, no files.

Each activation keeps one colour and each temperature one place on one colour map, through the whole
book.
"""

import io
from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = {  # Okabe & Ito's palette: told apart by colour-blind readers, and in print
    "ReLU": "#1a1a1a",
    "SWISH": "#0072b2",
    "GELU": "#c77f00",
    "GumbelLU": "#009e73",
    "AlgebraicLU": "#d55e00",
    "GudermanLU": "#a8578a",
    "Mish": "#3d9ad1",
}
TEMPERATURE_MAP = "viridis"
INIT_STYLES = {"critical": "-", "he": (0, (4, 2)), "standard": (0, (1, 1.5))}
INIT_NAMES = {"critical": "critical", "he": "He", "standard": "PyTorch's default"}

_STYLE = {
    "font.size": 9.5,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same drawing everywhere
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.hashsalt": "smoothrelu",  # the same table gives the same bytes
}


_styled = matplotlib.rc_context(_STYLE)  # each drawing function runs inside the book's style


class BookFigure(Figure):
    """A matplotlib Figure that shows itself as vector graphics in any notebook, without pyplot."""

    @_styled
    def _repr_svg_(self) -> str:
        buffer = io.StringIO()
        self.savefig(buffer, format="svg", metadata={"Date": None})
        return buffer.getvalue()


@_styled
def gates_and_activations(curves: pandas.DataFrame) -> Figure:
    """phi and phi' of each activation at one temperature, ReLU behind them (table:
    `tables.activation_curves`).
    """
    figure, (left, right) = _panels(2)
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


@_styled
def temperature_family(curves: pandas.DataFrame) -> Figure:
    """One panel an activation, one curve a temperature, ReLU behind them (table:
    `tables.activation_curves`).
    """
    names = list(curves["activation"].unique())
    figure, axes = _panels(len(names), height=2.3, sharey=True)
    x = np.sort(curves["x"].unique())
    for ax, name in zip(axes, names, strict=True):
        ax.plot(x, np.maximum(x, 0), color=COLOURS["ReLU"], lw=1)
        for T, colour in _temperature_colours(curves["temperature"]):
            group = curves[(curves["activation"] == name) & (curves["temperature"] == T)]
            ax.plot(group["x"], group["phi"], color=colour, label=f"T = {T:g}")
        ax.set(title=name, xlabel="x")
    axes[0].set_ylabel(r"$\phi_T(x)$")
    axes[0].legend(loc="upper left", handlelength=1.2)
    return figure


@_styled
def distance_to_relu(distances: pandas.DataFrame) -> Figure:
    """sup |phi_T - ReLU| against T (table: `tables.relu_distances`)."""
    figure, (ax,) = _panels(1, width=5.2)
    for name, group in distances.groupby("activation", sort=False):
        group = group.sort_values("temperature")
        ax.loglog(
            group["temperature"], group["distance"], "o-", ms=3.5, color=COLOURS[name], label=name
        )
    ax.set(xlabel="temperature T", ylabel=r"$\sup_x\,|\phi_T(x)-\mathrm{ReLU}(x)|$")
    ax.legend()
    return figure


@_styled
def susceptibilities(table: pandas.DataFrame) -> Figure:
    """chi_parallel and chi_perp at the critical C_W, against the kernel (table:
    `tables.susceptibilities`).
    """
    names = list(table["activation"].unique())
    figure, axes = _panels(len(names), height=2.5, sharey=True)
    for ax, (name, group) in zip(axes, table.groupby("activation", sort=False), strict=True):
        ax.axhline(1, color="#888", lw=0.8)
        ax.axvline(group["K_star"].iloc[0], color="#888", lw=0.8, ls=":")
        ax.semilogx(
            group["K"], group["chi_parallel"], color=COLOURS[name], label=r"$\chi_\parallel$"
        )
        ax.semilogx(
            group["K"],
            group["chi_perp"],
            color=COLOURS[name],
            ls=(0, (3, 1.5)),
            label=r"$\chi_\perp$",
        )
        ax.set(title=name, xlabel=r"$K/T^2$")
    axes[0].set_ylabel("growth per layer")
    axes[0].legend(loc="lower right")
    return figure


@_styled
def flow_over_depth(flows: pandas.DataFrame, column: str, ylabel: str) -> Figure:
    """K or the gradient's growth over the layers: a panel a temperature, critical and He (table:
    `tables.kernel_flows`).
    """
    temperatures = sorted(flows["temperature"].unique(), reverse=True)
    figure, axes = _panels(len(temperatures), height=2.9, sharey=True)
    for ax, T in zip(axes, temperatures, strict=True):
        for (name, init), group in flows[flows["temperature"] == T].groupby(
            ["activation", "init"], sort=False
        ):
            ax.semilogy(
                group["layer"], group[column], color=COLOURS[name], ls=INIT_STYLES[init], lw=1.4
            )
        ax.set(title=f"T = {T:g}", xlabel="layer")
        ax.set_ylim(1e-6, 30)
    axes[0].set_ylabel(ylabel)
    _key(figure, flows["activation"].unique(), flows["init"].unique())
    return figure


@_styled
def kernel_against_temperature(flows: pandas.DataFrame) -> Figure:
    """K of the last layer against the temperature, critical and He (table:
    `tables.kernel_flows`).
    """
    figure, (ax,) = _panels(1, width=7.5, height=4.0)
    last = flows[flows["layer"] == flows["layer"].max()]
    for (name, init), group in last.groupby(["activation", "init"], sort=False):
        ax.loglog(group["temperature"], group["K"], color=COLOURS[name], ls=INIT_STYLES[init])
    ax.set(xlabel="temperature T", ylabel="kernel K of the last layer", ylim=(1e-16, 1e4))
    _key(figure, last["activation"].unique(), last["init"].unique())
    return figure


@_styled
def loss_curves(table: pandas.DataFrame, column: str = "train_loss") -> Figure:
    """Loss against step: a panel a temperature, mean over seeds with its range, ReLU beside
    (table: `sweep`).
    """
    temperatures = sorted(table["temperature"].dropna().unique(), reverse=True)
    figure, axes = _panels(len(temperatures), height=3.2, sharey=True)
    for ax, T in zip(axes, temperatures, strict=True):
        shown = table[(table["temperature"] == T) | table["temperature"].isna()]
        for (name, init), group in shown.groupby(["activation", "init"], sort=False):
            _band(ax, group, column, COLOURS[name], INIT_STYLES[init])
        ax.set(title=f"T = {T:g}", xlabel="step", yscale="log" if "loss" in column else "linear")
    axes[0].set_ylabel(column.replace("_", " "))
    _key(figure, table["activation"].unique(), table["init"].unique())
    return figure


@_styled
def loss_by_learning_rate(table: pandas.DataFrame) -> Figure:
    """Final training loss against the learning rate: a panel an activation, critical and He
    (table: `sweep`).
    """
    names = list(table["activation"].unique())
    figure, axes = _panels(len(names), height=2.9, sharey=True)
    last = table[table["step"] == table["steps"]]
    for ax, name in zip(axes, names, strict=True):
        for init, group in last[last["activation"] == name].groupby("init", sort=False):
            _band(ax, group, "train_loss", COLOURS[name], INIT_STYLES[init], x="lr")
        ax.set(title=name, xlabel="learning rate", xscale="log", yscale="log")
    axes[0].set_ylabel("train loss at the end")
    _key(figure, [], table["init"].unique())
    return figure


def _band(
    ax: Axes, group: pandas.DataFrame, column: str, colour: str, style, x: str = "step"
) -> None:
    """The mean over seeds, in a band from the lowest to the highest seed."""
    seeds = group.dropna(subset=[column]).groupby(x)[column].agg(["mean", "min", "max"])
    ax.plot(seeds.index, seeds["mean"], color=colour, ls=style, lw=1.5)
    ax.fill_between(seeds.index, seeds["min"], seeds["max"], color=colour, alpha=0.15, lw=0)


def _panels(n: int, *, width: float = 9.0, height: float = 3.3, sharey: bool = False):
    """A figure of n panels in a row, at the book's width."""
    figure = BookFigure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, n, sharey=sharey, squeeze=False)[0]


def _key(figure: Figure, activations: Iterable[str], inits: Iterable[str]) -> None:
    """One legend for the whole figure: a colour an activation, a line style an initialisation."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=COLOURS[name], label=name) for name in activations]
    handles += [
        Line2D([], [], color="#666", ls=INIT_STYLES[i], label=f"{INIT_NAMES[i]} initialisation")
        for i in inits
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8.5)


def _temperature_colours(temperatures: Sequence[float]) -> list[tuple[float, tuple]]:
    """Each temperature with its colour: dark is cold."""
    ordered = sorted(set(temperatures))
    places = np.linspace(0, 0.85, len(ordered)) if len(ordered) > 1 else [0.3]
    colours = matplotlib.colormaps[TEMPERATURE_MAP](places)
    return list(zip(ordered, map(tuple, colours), strict=True))
