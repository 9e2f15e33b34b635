"""Phase diagrams, flows beside their laws and beside real networks, and the angle's crossover."""

from collections.abc import Sequence

import numpy as np
import pandas
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from smoothrelu.book.figures.style import (
    COLOURS,
    INIT_STYLES,
    INK,
    PAPER,
    panels,
    styled,
    temperature_colours,
)

_GROWING = "#cfcfcf"
_LIMIT = 0.02  # of the colour scale of ln chi_perp


@styled
def phase_diagrams(
    phases: pandas.DataFrame,
    boundaries: pandas.DataFrame,
    networks: pandas.DataFrame | None = None,
    *,
    zoom: tuple[float, float],
) -> Figure:
    """ln chi_perp where the flow ends, over (C_W, C_b/C_b*): a panel an activation, and in squares
    of the same colours what real networks show, where there are any (tables: `tables.phases`,
    `tables.phase_boundaries`, `tables.measured_phases`).

    zoom: the span of C_W shown.
    """
    names = list(phases["activation"].unique())
    figure, axes = panels(len(names), height=3.2, sharey=True)
    for ax, name in zip(axes, names, strict=True):
        grid = phases[phases["activation"] == name]
        image = grid.pivot(index="C_b_share", columns="C_W", values="log_chi")
        grows = grid.pivot(index="C_b_share", columns="C_W", values="K")
        image = image.where(np.isfinite(grows))
        mesh = ax.pcolormesh(
            image.columns, image.index, image, cmap="RdBu_r", vmin=-_LIMIT, vmax=_LIMIT,
            rasterized=True,
        )  # fmt: skip
        ax.set_facecolor(_GROWING)
        ax.grid(False)
        lines = boundaries[boundaries["activation"] == name].groupby("line")
        edge, fold = lines.get_group("edge"), lines.get_group("fold")
        real = edge[edge["attracts"]]
        ax.plot(real["C_W"], real["C_b_share"], color=INK, lw=1.5)
        ax.plot(fold["C_W"], fold["C_b_share"], color=INK, lw=1.2, ls=(0, (3, 2)))
        ax.plot(real["C_W"].iloc[0], real["C_b_share"].iloc[0], "o", color=INK, ms=6)
        if networks is not None:
            drawn = networks[networks["activation"] == name]
            ax.scatter(drawn["C_W"], drawn["C_b_share"], c=drawn["log_chi"], marker="s", s=62,
                       cmap="RdBu_r", vmin=-_LIMIT, vmax=_LIMIT, edgecolors=INK, lw=0.9,
                       zorder=4)  # fmt: skip
        ax.plot(2, 0, "^", color=INK, mfc=PAPER, ms=8, clip_on=False, zorder=5)
        ax.set(title=name, xlabel="$C_W$", xlim=zoom, ylim=(0, image.index.max()))
    axes[0].set_ylabel(r"$C_b\,/\,C_b^\star$")
    bar = figure.colorbar(mesh, ax=axes, extend="both", fraction=0.02, pad=0.01)
    bar.set_label(r"$\ln\chi_\perp$ at the end of the flow")
    squares = Line2D([], [], color="black", marker="s", mfc="white", ls="", label="real networks")
    _boundary_key(figure, [] if networks is None else [squares])
    return figure


def _boundary_key(figure: Figure, also: Sequence[Line2D]) -> None:
    handles = [
        Line2D([], [], color="black", lw=1.5, label=r"edge of chaos, $\chi_\perp=1$"),
        Line2D([], [], color="black", lw=1.2, ls=(0, (3, 2)), label=r"fold, $\chi_\parallel=1$"),
        Line2D([], [], color="black", marker="o", ls="", label="critical"),
        Line2D([], [], color="black", marker="^", mfc="white", ls="", label="He"),
        Patch(color=_GROWING, label="the kernel grows for ever"),
        *also,
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8.5)


@styled
def slow_flows(table: pandas.DataFrame) -> Figure:
    """|K - K*|/K* and the product of chi_perp against depth, exact and by their laws (table:
    `tables.slow_flows`).
    """
    figure, axes = panels(2, height=3.5)
    for name, flow in table.groupby("activation", sort=False):
        for ax, column in zip(axes, ("distance", "gradient"), strict=True):
            ax.loglog(flow["layer"], flow[column], color=COLOURS[name], label=name)
            ax.loglog(flow["layer"], flow[f"law_{column}"], color="#111", lw=1, ls=(0, (1, 1.5)))
    axes[0].set(xlabel="layer", ylabel=r"$|K-K^\star|\,/\,K^\star$")
    axes[1].set(xlabel="layer", ylabel=r"$\prod\chi_\perp$", ylim=(1e-6, 1e6))
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8.5
    )
    return figure


@styled
def networks_beside_theory(table: pandas.DataFrame) -> Figure:
    """Kernel and 1 - rho over the layers, in theory and in real networks: a point the mean over
    seeds, a bar its standard error (table: `tables.network_flows`).
    """
    figure, axes = panels(2, height=3.3)
    for name, group in table.groupby("activation", sort=False):
        layers = group.groupby("layer")
        for ax, column in zip(axes, ("K", "rest"), strict=True):
            theory, mean = layers[f"{column}_theory"].first(), layers[column].mean()
            error = layers[column].std() / np.sqrt(group["seed"].nunique())
            ax.plot(theory.index, theory, color=COLOURS[name], lw=1.2, label=name)
            some = theory.index[1::4]
            ax.errorbar(some, mean[some], error[some], fmt="o", ms=2.8, color=COLOURS[name], lw=1)
    axes[0].set(yscale="log", xlabel="layer", ylabel="kernel K")
    axes[1].set(xscale="log", yscale="log", xlabel="layer", ylabel=r"$1-\rho$ of two inputs")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8.5
    )
    return figure


@styled
def corner_crossover(table: pandas.DataFrame) -> Figure:
    """Angles against depth: left as they are, right in units of the temperature, on the edge of
    chaos and with He initialisation (table: `tables.corner_flows`).
    """
    figure, (left, right) = panels(2, height=3.5)
    for T, colour in temperature_colours(table["temperature"].unique()):
        for init, ls in (("edge", "-"), ("he", INIT_STYLES["he"])):
            flow = table[(table["temperature"] == T) & (table["init"] == init)]
            label = f"T = {T:g}" if init == "edge" else None
            left.loglog(flow["layer"], flow["angle"], color=colour, ls=ls, lw=1.4, label=label)
            right.loglog(flow["scaled_layer"], flow["scaled"], color=colour, ls=ls, lw=1.4)
    longest = table[table["temperature"] == table["temperature"].min()]
    laws = longest[longest["init"] == "edge"]
    for column, ls in (("relu_law", ":"), ("smooth_law", "-.")):
        right.loglog(laws["scaled_layer"], laws[column], color="#111", lw=1, ls=ls)
    relu = 3 * np.pi / laws["layer"]
    left.loglog(laws["layer"], relu, color="#111", lw=1, ls=":", label="ReLU's law")
    left.set(xlabel="layer", ylabel=r"angle $\theta$", ylim=(laws["angle"].min() / 3, 3))
    right.set(xlabel=r"layer $\times\,T/\sqrt{K}$", ylabel=r"$\theta\sqrt{K}/T$")
    right.set(xlim=(0.3, None), ylim=(laws["scaled"].min() / 2, 60))
    left.legend(loc="lower left")
    return figure
