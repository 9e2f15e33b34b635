"""Susceptibilities, and kernels over depth."""

import pandas
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import COLOURS, INIT_STYLES, key, panels, styled


@styled
def susceptibilities(
    table: pandas.DataFrame, networks: pandas.DataFrame, closed: pandas.DataFrame
) -> Figure:
    """chi_parallel and chi_perp at the critical C_W, against the kernel: lines; points, real
    networks; crosses, closed form (tables: `tables.susceptibilities`,
    `tables.measured_susceptibilities`, `tables.closed_susceptibilities`).
    """
    names = list(table["activation"].unique())
    figure, axes = panels(len(names), height=2.5, sharey=True)
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
        measured, exact = (t[t["activation"] == name] for t in (networks, closed))
        for column, fill in (("chi_parallel", COLOURS[name]), ("chi_perp", "white")):
            errors = measured[f"{column}_error"]
            ax.errorbar(measured["K"], measured[column], errors, fmt="o", ms=3.2, mfc=fill,
                        color=COLOURS[name], lw=0.9, zorder=3)  # fmt: skip
            ax.plot(exact["K"], exact[column], "x", color="#111", ms=5, mew=0.9, zorder=4)
        ax.set(title=name, xlabel=r"$K/T^2$")
    axes[0].set_ylabel("growth per layer")
    axes[0].legend(loc="lower right")
    return figure


@styled
def flow_over_depth(
    flows: pandas.DataFrame, networks: pandas.DataFrame, column: str, ylabel: str
) -> Figure:
    """K or the gradient's growth over the layers: a panel a temperature, critical and He; lines by
    theory, points from real networks with their standard errors (tables: `tables.kernel_flows`,
    `tables.measured_flows`).
    """
    temperatures = sorted(flows["temperature"].unique(), reverse=True)
    figure, axes = panels(len(temperatures), height=2.9, sharey=True)
    for ax, T in zip(axes, temperatures, strict=True):
        for (name, init), group in flows[flows["temperature"] == T].groupby(
            ["activation", "init"], sort=False
        ):
            ax.semilogy(
                group["layer"], group[column], color=COLOURS[name], ls=INIT_STYLES[init], lw=1.2
            )
        at = networks[networks["temperature"] == T]
        for (name, init), group in at.groupby(["activation", "init"], sort=False):
            fill = COLOURS[name] if init == "critical" else "white"
            ax.errorbar(group["layer"], group[column], group[f"{column}_error"], fmt="o", ms=2.8,
                        mfc=fill, mew=0.8, color=COLOURS[name], lw=0.8, zorder=3)  # fmt: skip
        ax.set(title=f"T = {T:g}", xlabel="layer")
        ax.set_ylim(1e-6, 30)
    axes[0].set_ylabel(ylabel)
    key(figure, flows["activation"].unique(), flows["init"].unique())
    return figure


@styled
def kernel_against_temperature(flows: pandas.DataFrame) -> Figure:
    """K of the last layer against the temperature, critical and He (table:
    `tables.kernel_flows`).
    """
    figure, (ax,) = panels(1, width=7.5, height=4.0)
    last = flows[flows["layer"] == flows["layer"].max()]
    for (name, init), group in last.groupby(["activation", "init"], sort=False):
        ax.loglog(group["temperature"], group["K"], color=COLOURS[name], ls=INIT_STYLES[init])
    ax.set(xlabel="temperature T", ylabel="kernel K of the last layer", ylim=(1e-16, 1e4))
    key(figure, last["activation"].unique(), last["init"].unique())
    return figure
