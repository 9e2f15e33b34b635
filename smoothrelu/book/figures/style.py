"""The look of every figure: each activation keeps one colour, and each temperature one place on one
colour map, through the whole book.
"""

import io
from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# The hues are near those of Okabe & Ito; the lightness falls by nine from one to the next, so that
# greys tell them apart too, and the lightest has a contrast of 3 to white.
COLOURS = {
    "ReLU": "#000000",
    "SWISH": "#0f63c6",
    "GELU": "#bf890c",
    "GumbelLU": "#0b8c6d",
    "AlgebraicLU": "#962600",
    "GudermanLU": "#6c0b63",
    "Mish": "#2f2700",
}
INK, PAPER = "#111111", "#fefefe"  # on a heat map, where the page's black and white must not turn
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


styled = matplotlib.rc_context(_STYLE)  # each drawing function runs inside the book's style


class BookFigure(Figure):
    """A matplotlib Figure that shows itself as vector graphics in any notebook, without pyplot."""

    @styled
    def _repr_svg_(self) -> str:
        buffer = io.StringIO()
        self.savefig(buffer, format="svg", metadata={"Date": None})
        return buffer.getvalue()


def panels(n: int, *, width: float = 9.0, height: float = 3.3, sharey: bool = False):
    """A figure of n panels in a row, at the book's width."""
    figure = BookFigure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, n, sharey=sharey, squeeze=False)[0]


def band(
    ax: Axes,
    group: pandas.DataFrame,
    column: str,
    colour: str,
    style,
    x: str = "step",
    alpha: float = 0.15,
) -> None:
    """The mean over seeds, in a band from the lowest to the highest seed."""
    seeds = group.dropna(subset=[column]).groupby(x)[column].agg(["mean", "min", "max"])
    ax.plot(seeds.index, seeds["mean"], color=colour, ls=style, lw=1.5)
    ax.fill_between(seeds.index, seeds["min"], seeds["max"], color=colour, alpha=alpha, lw=0)


def key(figure: Figure, activations: Iterable[str], inits: Iterable[str]) -> None:
    """One legend for the whole figure: a colour an activation, a line style an initialisation."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=COLOURS[name], label=name) for name in activations]
    handles += [
        Line2D([], [], color="#666", ls=INIT_STYLES[i], label=f"{INIT_NAMES[i]} initialisation")
        for i in inits
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8.5)


def temperature_colours(temperatures: Sequence[float]) -> list[tuple[float, tuple]]:
    """Each temperature with its colour: dark is cold."""
    ordered = sorted(set(temperatures))
    places = np.linspace(0, 0.85, len(ordered)) if len(ordered) > 1 else [0.3]
    colours = matplotlib.colormaps[TEMPERATURE_MAP](places)
    return list(zip(ordered, map(tuple, colours), strict=True))
