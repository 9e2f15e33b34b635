"""What the studies of SUGAR say: tables of `smoothrelu.book.studies.sugar` in, small tables out."""

import re

import numpy as np
import pandas

from smoothrelu.book.statistics.training import concat, interval

NAMES = {
    "ReLU()": "ReLU",
    "SUGAR(BSiLU(alpha=1.67))": "B-SiLU",
    "SUGAR(NeLU(alpha=0.1))": "NeLU",
    "SUGAR(SiLU())": "SiLU",
    "SUGAR(GELU(approximate='none'))": "GELU",
    "SUGAR(ELU(alpha=1.0))": "ELU",
    "SUGAR(SELU())": "SELU",
    "SUGAR(LeakyReLU(negative_slope=0.01))": "leaky ReLU",
    "SUGAR(HeLU(alpha=0.05))": "HeLU",
    "SUGAR(Softplus(beta=1.0, threshold=20.0))": "excitation gate",
    "StochasticReLU(p=0.5)": "stochastic ReLU",
    "SiLU()": "SiLU both ways",
    "GELU(approximate='none')": "GELU both ways",
}
"""What an activation is called, by its repr. A surrogate's name stands for SUGAR with it; a smooth
ReLU at a temperature (SWISH, GELU) goes by its class.
"""

_SETTING = ["dataset", "net", "surrogate", "temperature"]


def labelled(table: pandas.DataFrame) -> pandas.DataFrame:
    """With columns surrogate, temperature (NaN for those without), net (VGG, ResNet,
    FullyConnected), depth and drowned (NaN where they do not apply).
    """
    kinds = table["activation"].str.extract(r"SUGAR\((\w+)\(temperature=([\d.]+)\)\)")
    network = table["network"]
    return table.assign(
        surrogate=kinds[0].fillna(table["activation"].map(NAMES)),
        temperature=kinds[1].astype(float),
        net=network.str.extract(r"(VGG|ResNet|FullyConnected)", expand=False),
        depth=network.str.extract(r"width=\d+, depth=(\d+)", expand=False).astype(float),
        drowned=network.str.extract(r"Drowned\(depth=([\d.]+)\)", expand=False).astype(float),
    )


def at_best_rate(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The runs of each network and activation at the learning rate whose validation accuracy,
    averaged over the seeds that all rates have, is highest; a run that diverged counts as 0.

    runs: one row a run.
    """
    group = [*_SETTING, "network", "activation"]
    runs = runs.assign(score=runs["valid_acc"].where(~runs["diverged"], 0.0))
    mean = runs.groupby([*group, "lr"], dropna=False, sort=False)["score"].mean().reset_index()
    best = mean.loc[mean.groupby(group, dropna=False, sort=False)["score"].idxmax()]
    return best[[*group, "lr"]].merge(runs, on=[*group, "lr"])


def concat_labelled(*tables: pandas.DataFrame) -> pandas.DataFrame:
    """Several studies as one table, `labelled` and `with_dead`."""
    return with_dead(labelled(concat(*tables)))


def surviving(table: pandas.DataFrame, dataset: str, depth: int, lr: float) -> pandas.DataFrame:
    """Of the plain networks of one depth at one rate, the activations of which no seed diverged."""
    chosen = (table["dataset"] == dataset) & (table["depth"] == depth) & (table["lr"] == lr)
    runs = table[chosen]
    runs = runs.assign(surrogate=_with_temperature(runs))
    return runs.groupby("surrogate", sort=False).filter(lambda group: not group["diverged"].any())


def differences(runs: pandas.DataFrame, column: str = "test_acc") -> pandas.DataFrame:
    """Each activation against ReLU in the network of equal seed: difference, the mean over seeds,
    with its 95 % interval (Student's t of the paired differences); value, the mean itself; dead,
    the mean fraction of dead units.

    runs: one row a run, `with_dead`; one learning rate for each activation.
    """
    key = ["dataset", "network", "seed"]
    relu = runs[runs["surrogate"] == "ReLU"].set_index(key)[column].rename("relu")
    pairs = runs.join(relu, on=key)
    rows = []
    for setting, group in pairs.groupby([*_SETTING, "network"], dropna=False, sort=False):
        gap = (group[column] - group["relu"]).dropna()
        mean, low, high = interval(gap)
        row = dict(zip([*_SETTING, "network"], setting, strict=True))
        row |= {name: group[name].iloc[0] for name in ("lr", "depth")}
        row |= {"value": group[column].mean(), "dead": group["dead"].mean(), "seeds": len(gap)}
        rows.append(row | {"difference": mean, "low": low, "high": high})
    return pandas.DataFrame(rows)


def with_dead(table: pandas.DataFrame) -> pandas.DataFrame:
    """With the columns dead and sparsity, the means over layers of their fractions."""
    means = {
        name: table.filter(regex=rf"^{name}_\d+$").mean(axis=1) for name in ("dead", "sparsity")
    }
    return table.assign(**means)


def by_layer(table: pandas.DataFrame, quantity: str = "dead") -> pandas.DataFrame:
    """Tall: the fraction of each layer, in the columns layer (from 1) and `quantity`."""
    columns = [c for c in table if re.fullmatch(rf"{quantity}_\d+", c)]
    keys = [c for c in table if not re.fullmatch(r"(dead|sparsity)_\d+", c) and c != quantity]
    tall = table.drop(columns=quantity, errors="ignore").melt(
        keys, columns, var_name="layer", value_name=quantity
    )
    tall["layer"] = tall["layer"].str.removeprefix(f"{quantity}_").astype(int) + 1
    return tall.dropna(subset=[quantity])


def revived(table: pandas.DataFrame) -> pandas.DataFrame:
    """One row a run of the drowned networks: woken, by how much its dead units became fewer, as a
    part of those at the start. Negative where more died.
    """
    key = ["dataset", "network", "activation", "seed"]
    ends = with_dead(table).sort_values("epoch", kind="stable").groupby(key, sort=False)
    first, last = ends.first(), ends.last()
    return last.assign(woken=1 - last["dead"] / first["dead"]).reset_index()


def per_layer(flow: pandas.DataFrame) -> pandas.DataFrame:
    """The growth of the squared gradient per layer, from the layers of each seed's network by least
    squares in logs: surrogate, gain with its interval over seeds, theory.

    flow: `tables.backward_flow`.
    """
    rows = []
    for name, group in flow.groupby("surrogate", sort=False):
        growth = [
            np.exp(np.polyfit(seed["back"], np.log(seed["square"]), 1)[0])
            for _, seed in group.groupby("seed")
        ]
        mean, low, high = interval(np.array(growth))
        theory = group.loc[group["back"] == 1, "theory_square"].iloc[0]
        rows.append({"surrogate": name, "gain": mean, "low": low, "high": high, "theory": theory})
    return pandas.DataFrame(rows)


def rank_correlation(runs: pandas.DataFrame, x: str, y: str) -> tuple[float, float, float]:
    """Spearman's, of the settings of each seed by itself: its mean over seeds, and the interval."""
    each = [group[[x, y]].rank().corr().iloc[0, 1] for _, group in runs.groupby("seed", sort=False)]
    return interval(np.array(each))


def format_difference(gaps: pandas.DataFrame, surrogate: str, **where) -> str:
    """The difference of a surrogate in words: "+0.010 (-0.020 to +0.040)"; where: column=value."""
    rows = gaps[gaps["surrogate"] == surrogate]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    row = rows.iloc[0]
    return f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def firing(snapshots: pandas.DataFrame) -> pandas.DataFrame:
    """Units by how often they fire: net, surrogate, layer (from 1), rate (the upper end of the bin,
    0 for dead units), share of the layer's units.
    """
    rows = labelled(snapshots[snapshots["part"] == "firing"])
    rows["rate"] = rows["j"] / rows["j"].max()
    units = rows.groupby(["net", "surrogate", "seed", "i"], sort=False)["value"].transform("sum")
    return rows.assign(layer=rows["i"] + 1, share=rows["value"] / units)


def surface(snapshots: pandas.DataFrame, net: str, surrogate: str) -> pandas.DataFrame:
    """The losses around one trained network, a in the rows and b in the columns."""
    rows = labelled(snapshots[snapshots["part"] == "surface"])
    rows = rows[(rows["net"] == net) & (rows["surrogate"] == surrogate)]
    grid = rows.pivot_table(index="i", columns="j", values="value")
    places = np.linspace(-1, 1, len(grid))
    return grid.set_axis(places, axis=0).set_axis(places, axis=1)


def roughness(grid: pandas.DataFrame) -> float:
    """How far a surface is from its smooth neighbourhood: the mean absolute second difference of
    the log loss along both axes.
    """
    logs = np.log(grid.to_numpy())
    return np.mean([np.abs(np.diff(logs, 2, axis=axis)).mean() for axis in (0, 1)])


def _with_temperature(table: pandas.DataFrame) -> pandas.Series:
    warm = table["temperature"].notna()
    text = table["surrogate"] + ", T = " + table["temperature"].map("{:g}".format)
    return text.where(warm, table["surrogate"])
