"""Errors against ReLU as the temperature falls: computed points on the lines of their laws."""

import math

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import (
    COLOURS,
    BookFigure,
    key,
    panels,
    styled,
    temperature_colours,
)

TITLES = {
    "distance": r"$\sup_x|\phi_T-\mathrm{ReLU}|$",
    "kernel": r"$|\langle\phi^2\rangle_K-K/2|$",
    "derivative_kernel": r"$|\langle\phi'^2\rangle_K-1/2|$",
    "chi_parallel": r"$|\chi_\parallel-1|$",
    "chi_perp": r"$|\chi_\perp-1|$",
    "C_b": r"critical $C_b$",
    "K_star": r"critical $K^\star$",
    "C_W": r"critical $|C_W-2|$",
    "nngp_equal": "NNGP, equal inputs",
    "nngp_angle": "NNGP, at an angle",
    "ntk_equal": "NTK, equal inputs",
    "ntk_angle": "NTK, at an angle",
}


@styled
def errors_against_temperature(errors: pandas.DataFrame) -> Figure:
    """A panel for each quantity; points are computed, thin lines are laws (tables: `limit_errors`,
    `limit_kernels`).
    """
    quantities = list(errors["quantity"].unique())
    columns = 2 if len(quantities) <= 4 else 3
    rows = math.ceil(len(quantities) / columns)
    figure = BookFigure(figsize=(2.8 * columns, 2.5 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for ax, quantity in zip(axes, quantities, strict=False):
        for name, group in errors[errors["quantity"] == quantity].groupby("activation", sort=False):
            _points_on_law(ax, group.sort_values("temperature"), COLOURS[name], "error")
        ax.set(title=TITLES[quantity], xscale="log", yscale="log")
    for ax in axes[len(quantities) - columns : len(quantities)]:
        ax.set_xlabel("temperature T")
    for ax in axes[len(quantities) :]:
        ax.remove()
    key(figure, errors["activation"].unique(), ())
    return figure


def _points_on_law(
    ax: Axes, group: pandas.DataFrame, colour, column: str, x: str = "temperature", every: int = 1
) -> None:
    ax.plot(group[x], group["law"].abs(), color=colour, lw=0.8)
    ax.plot(group[x], group[column].abs(), "o", ms=3.2, color=colour, markevery=every)


@styled
def drift_over_depth(drift: pandas.DataFrame) -> Figure:
    """|K(l)/K(1) - 1| over the layers of a He-initialised network, on its law (table:
    `limit_drift`).
    """
    figure, (ax,) = panels(1, width=6.0, height=3.6)
    moved = drift[drift["layer"] > 1]
    for name, group in moved.groupby("activation", sort=False):
        every = max(1, len(group) // 20)
        _points_on_law(ax, group, COLOURS[name], "drift", x="layer", every=every)
    ax.set(xlabel="layer", ylabel=r"$|K^{(\ell)}/K^{(1)}-1|$", yscale="log")
    key(figure, drift["activation"].unique(), ())
    return figure


@styled
def error_against_angle(errors: pandas.DataFrame) -> Figure:
    """The error of the NTK against the angle between two inputs, a colour a temperature (table:
    `limit_angles`).
    """
    figure, (ax,) = panels(1, width=6.5, height=3.8)
    for T, colour in temperature_colours(errors["temperature"]):
        group = errors[errors["temperature"] == T]
        ax.plot(group["angle"], group["error"].abs(), color=colour, label=f"T = {T:g}")
        ax.plot(group["angle"], group["equal"].abs(), color=colour, lw=0.8, ls=":")
        resolved = group[group["angle"] > T]
        ax.plot(resolved["angle"], resolved["law"].abs(), color=colour, lw=0.8, ls=(0, (4, 2)))
    ax.set(xlabel="angle between the inputs", ylabel="|error of the NTK|")
    ax.set(xscale="log", yscale="log")
    ax.legend()
    return figure


@styled
def network_differences(differences: pandas.DataFrame, temperature: float) -> Figure:
    """Hidden preactivations of real networks against ReLU's at the same weights: the last layer
    against T, and all layers at one temperature (table: `limit_networks`).
    """
    figure, (left, right) = panels(2)
    last = differences[differences["layer"] == differences["layer"].max()]
    here = differences[differences["temperature"] == temperature]
    for name, colour in COLOURS.items():
        for ax, part, x in ((left, last, "temperature"), (right, here, "layer")):
            group = part[part["activation"] == name].sort_values(x)
            _points_on_law(ax, group, colour, "error", x=x)
    left.set(xlabel="temperature T", ylabel="root mean square difference", title="last layer")
    left.set(xscale="log", yscale="log")
    right.set(xlabel="layer", title=f"T = {temperature:g}", ylim=(0, None))
    right.set_xticks(sorted(here["layer"].unique()))
    key(figure, differences["activation"].unique(), ())
    return figure
