"""What the studies of SUGAR say: tables of `smoothrelu.book.studies.sugar` in, small tables out."""

import re

import numpy as np
import pandas

from smoothrelu.book.statistics.paired import Estimate, interval, intervals, reference, slopes
from smoothrelu.book.statistics.paired import at_best_rate as _at_best_rate
from smoothrelu.book.statistics.paired import rank_correlation as _rank_correlation

_NAMES = {
    "BSiLU": "B-SiLU",
    "LeakyReLU": "leaky ReLU",
    "Softplus": "excitation gate",
    "StochasticReLU": "stochastic ReLU",
}
_NETWORK = ["dataset", "network", "width", "depth", "init", "initial_bias", "images"]
_SETTING = [*_NETWORK, "activation", "surrogate", "temperature"]


def labelled(table: pandas.DataFrame) -> pandas.DataFrame:
    """With what an activation is called in the column surrogate: SUGAR goes by its surrogate, and
    SiLU and GELU without it are "SiLU both ways" and "GELU both ways".
    """
    both_ways = table["activation"].isin(["SiLU", "GELU"])
    plain = table["activation"].where(~both_ways, table["activation"] + " both ways")
    names = plain.where(table["surrogate"].isna(), table["surrogate"])
    return table.assign(surrogate=names.replace(_NAMES))


def final_rows(table: pandas.DataFrame) -> pandas.DataFrame:
    """The last row of each run."""
    return table.drop_duplicates([*_SETTING, "lr", "seed"], keep="last")


def at_best_rate(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The runs of each network and activation at the learning rate whose validation accuracy,
    averaged over the seeds that all rates have, is highest; a run that diverged counts as 0.

    runs: one row a run.
    """
    cost = -runs["valid_acc"].where(~runs["diverged"], 0.0)
    return _at_best_rate(runs.assign(cost=cost), "cost", _SETTING)


def concat_labelled(*tables: pandas.DataFrame) -> pandas.DataFrame:
    """Several studies as one table, `labelled` and `with_dead`."""
    return with_dead(labelled(pandas.concat(tables, ignore_index=True)))


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
    relu = reference(runs, column, runs["surrogate"] == "ReLU", [*_NETWORK, "seed"])
    pairs = runs.assign(difference=runs[column] - relu)
    by = [*_SETTING, "lr"]
    value, dead = (intervals(pairs, name, by)["mean"] for name in (column, "dead"))
    gaps = intervals(pairs, "difference", by, name="difference")
    return gaps.assign(value=value, dead=dead)


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
    """One row a run of networks with units dead from the start: revived, by how much its dead units
    became fewer, as a part of those at the start. Negative where more died.
    """
    ends = with_dead(table).sort_values("epoch", kind="stable")
    ends = ends.groupby([*_SETTING, "seed"], dropna=False, sort=False)
    first, last = ends.first(), ends.last()
    return last.assign(revived=1 - last["dead"] / first["dead"]).reset_index()


def per_layer(flow: pandas.DataFrame) -> pandas.DataFrame:
    """The growth of the squared gradient per layer, from the layers of each seed's network by least
    squares in logs: surrogate, gain with its interval over seeds, theory.

    flow: `tables.backward_flow`.
    """
    growth = slopes(flow.assign(log=np.log(flow["square"])), "back", "log", ["surrogate"])
    growth = growth.assign(gain=np.exp(growth["slope"]))
    first = flow[flow["back"] == 1].drop_duplicates("surrogate").set_index("surrogate")
    gains = intervals(growth, "gain", ["surrogate"], name="gain")
    return gains.assign(theory=gains["surrogate"].map(first["theory_square"]))


def rank_correlation(runs: pandas.DataFrame, x: str, y: str) -> Estimate:
    """Spearman's, of the settings of each seed by itself: its mean over seeds, and the interval."""
    seeds = runs.groupby("seed", sort=False)
    return interval(np.array([_rank_correlation(one[x], one[y]) for _, one in seeds]))


def format_difference(gaps: pandas.DataFrame, surrogate: str, **where) -> str:
    """The difference of a surrogate in words: "+0.010 (-0.020 to +0.040)"; where: column=value."""
    rows = gaps[gaps["surrogate"] == surrogate]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    row = rows.iloc[0]
    return f"{row['difference']:+.3f} ({row['ci_low']:+.3f} to {row['ci_high']:+.3f})"


def firing(snapshots: pandas.DataFrame) -> pandas.DataFrame:
    """Units by how often they fire: network, surrogate, layer (from 1), rate (the upper end of the
    bin, 0 for dead units), share of the layer's units.
    """
    rows = labelled(snapshots[snapshots["part"] == "firing"])
    rows["rate"] = rows["j"] / rows["j"].max()
    layers = rows.groupby(["network", "surrogate", "seed", "i"], sort=False)
    units = layers["value"].transform("sum")
    return rows.assign(layer=rows["i"] + 1, share=rows["value"] / units)


def surface(snapshots: pandas.DataFrame, net: str, surrogate: str) -> pandas.DataFrame:
    """The losses around one trained network, a in the rows and b in the columns."""
    rows = labelled(snapshots[snapshots["part"] == "surface"])
    rows = rows[(rows["network"] == net) & (rows["surrogate"] == surrogate)]
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
