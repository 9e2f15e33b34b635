"""Our work beside its peers, and how it grows."""

import pandas
from matplotlib.figure import Figure

from smoothrelu.book.figures.style import BookFigure, panels, styled


@styled
def ratios(rows: pandas.DataFrame) -> Figure:
    """The ratio of our time to the peer's for each case, with the quartiles over rounds, and its
    target: a panel for each work and peer, a filled mark where the target is reached (table:
    data/results/benchmark.csv).
    """
    groups = list(rows.groupby(["work", "peer"], sort=False))
    heights = [len(group) + 0.6 for _, group in groups]
    figure = BookFigure(
        figsize=(9.0, 0.25 * sum(heights) + 0.6 * len(groups)), layout="constrained"
    )
    axes = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, ((work, peer), group) in zip(axes, groups, strict=True):
        for place, row in enumerate(group.itertuples()):
            ax.plot([row.low, row.high], [place, place], color="#0f63c6", lw=2, alpha=0.5)
            full = pandas.isna(row.target) or row.ratio <= row.target
            ax.plot(row.ratio, place, "o", ms=5, color="#0f63c6", mfc="#0f63c6" if full else "none")
            if not pandas.isna(row.target):
                ax.plot([row.target] * 2, [place - 0.35, place + 0.35], color="#962600", lw=2)
        ax.axvline(1, color="#888", lw=0.8)
        ax.set_yticks(range(len(group)), group["case"], fontsize=8)
        low, high = min(1, group["low"].min()), max(1, group["high"].max())
        narrow = high < 4 * low  # too little for powers of ten
        ax.set(ylim=(len(group) - 0.4, -0.6), xscale="linear" if narrow else "log")
        ax.set_title(f"{work}, against {peer}", fontsize=8, loc="left")
    axes[-1].set_xlabel("our time over theirs")
    return figure


@styled
def growth(table: pandas.DataFrame) -> Figure:
    """Seconds of one call against each size, a line for each work (table:
    data/results/benchmark_growth.csv).
    """
    axes_names = list(table["axis"].unique())
    figure, axes = panels(len(axes_names), height=3.2, sharey=True)
    works = list(table["work"].unique())
    marks = dict(zip(works, ("o", "s", "^", "D", "v"), strict=False))
    colours = dict(
        zip(works, ("#0f63c6", "#bf890c", "#6c0b63", "#962600", "#0b8c6d"), strict=False)
    )
    for ax, name in zip(axes, axes_names, strict=True):
        for work, group in table[table["axis"] == name].groupby("work", sort=False):
            ax.plot(group["value"], group["seconds"], marker=marks[work], ms=4, color=colours[work])
        ax.set(xlabel=name, xscale="log", yscale="log")
        sizes = sorted(table.loc[table["axis"] == name, "value"].unique())
        ends_and_middle = [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
        ax.set_xticks(ends_and_middle, map(str, ends_and_middle))
        ax.set_xticks([], minor=True)
    axes[0].set_ylabel("seconds of one call")
    lines = [
        axes[0].plot([], [], marker=marks[w], ms=4, color=colours[w], label=w)[0] for w in works
    ]
    figure.legend(handles=lines, loc="outside upper center", ncols=2)
    return figure
