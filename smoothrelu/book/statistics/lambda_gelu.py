"""What a sweep's table says of learned hardness: its drift, its profile over the layers, and what
is lost when ReLU takes its place. Tables in, small tables out; intervals are `training.interval`.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas

from smoothrelu.book.statistics.training import interval

RUN = [
    *("dataset", "network", "activation", "hardness", "t", "optimizer", "lr", "c", "tolerance"),
    "seed",
]
_SETTING = RUN[:-1]
_PLACE = ["dataset", "network"]
_INTERVAL = ["mean", "low", "high"]
_PAIR = [*_PLACE, "seed"]


def labelled(table: pandas.DataFrame) -> pandas.DataFrame:
    """A sweep's table with the hardness at the start and t as columns; its activations are
    "lambda-GELU", "GELU" (hardness one, where it stays) and "ReLU".
    """
    said = table["activation"].str.extract(r"hardness=([^,]+), t=([^)]+)\)").astype(float)
    name = np.select([said[0].isna(), said[0] == 1], ["ReLU", "GELU"], "lambda-GELU")
    tolerance = table["tolerance"].astype(float)
    return table.assign(activation=name, hardness=said[0], t=said[1], tolerance=tolerance)


def layers(table: pandas.DataFrame) -> list[str]:
    """The columns hardness_0, hardness_1, ... in the order of the layers."""
    columns = [name for name in table.columns if name.startswith("hardness_")]
    return sorted(columns, key=lambda name: int(name.removeprefix("hardness_")))


def paths(table: pandas.DataFrame) -> pandas.DataFrame:
    """Of a sweep's table, what is kept where every epoch matters."""
    measures = [f"{split}_{what}" for split in ("valid", "test") for what in ("acc", "loss")]
    seen = ["train_loss", *measures, *(f"relu_{name}" for name in measures)]
    return labelled(table)[[*RUN, "epoch", *seen, *layers(table)]]


def final_rows(table: pandas.DataFrame) -> pandas.DataFrame:
    """The last epoch of each run, with best_valid_acc, the best validation score over the epochs,
    and drift: the absolute change of a layer's hardness from one epoch to the next, averaged over
    layers and epochs. diverged: whether the run ended early.
    """
    every = paths(table).assign(diverged=table["diverged"])
    rows = []
    for _, run in every.groupby(RUN, dropna=False, sort=False):
        moves = run[layers(run)].diff().abs().melt()["value"]  # NaN: first epoch, no such layer
        summary = {"best_valid_acc": run["valid_acc"].max(), "drift": moves.mean()}
        rows.append(run.iloc[-1].to_dict() | summary)
    return pandas.DataFrame(rows)


def over_gelu(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The change of best_valid_acc against GELU with the same seed, and the drift, of every setting
    of lambda-GELU: the means over seeds, and the 95 % interval of the change (low, high).
    """
    base = runs[runs["activation"] == "GELU"].set_index(_PAIR)["best_valid_acc"]
    ours = runs[(runs["activation"] == "lambda-GELU") & runs["tolerance"].isna()]
    ours = ours.join(base.rename("gelu"), on=_PAIR)
    ours = ours.assign(change=ours["best_valid_acc"] - ours["gelu"])
    rows = []
    for setting, group in ours.groupby(_SETTING, dropna=False, sort=False):
        change = dict(zip(("change", "low", "high"), interval(group["change"]), strict=True))
        drift = {"drift": group["drift"].mean(), "seeds": len(group)}
        rows.append(dict(zip(_SETTING, setting, strict=True)) | change | drift)
    return pandas.DataFrame(rows)


def mean_change(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The change against GELU with the same seed averaged over all settings of lambda-GELU on each
    data set and network: mean over seeds with its 95 % interval.
    """
    base = runs[runs["activation"] == "GELU"].set_index(_PAIR)["best_valid_acc"]
    ours = runs[(runs["activation"] == "lambda-GELU") & runs["tolerance"].isna()]
    changes = (ours.groupby(_PAIR)["best_valid_acc"].mean() - base).groupby(_PLACE)
    rows = [
        dict(zip([*_PLACE, *_INTERVAL], (*place, *interval(seeds)), strict=True))
        for place, seeds in changes
    ]
    return pandas.DataFrame(rows)


def drift_ratios(runs: pandas.DataFrame, by: str) -> pandas.DataFrame:
    """Of neighbours in `by`, "c" or "t", all else equal and seed by seed: the mean of
    ln(drift at the larger/drift at the smaller), and its 95 % interval.
    """
    ours = runs[(runs["activation"] == "lambda-GELU") & runs["tolerance"].isna()]
    others = [name for name in (*_PLACE, "hardness", "t", "c") if name != by]
    rows = []
    for setting, group in ours.groupby(others, sort=False):
        logs = np.log(group.pivot(index="seed", columns=by, values="drift"))
        for small, large in itertools.pairwise(logs.columns):
            values = dict(zip(_INTERVAL, interval(logs[large] - logs[small]), strict=True))
            row = dict(zip(others, setting, strict=True)) | {"smaller": small, "larger": large}
            rows.append(row | values)
    return pandas.DataFrame(rows)


def substitution_drops(runs: pandas.DataFrame, split: str = "valid") -> pandas.DataFrame:
    """What ReLU in the place of the trained activation changes, a row a run: acc_drop, the accuracy
    lost; loss_change, the absolute change of the loss, which a drop in accuracy need not follow:
    an overconfident network may even gain; relu_acc, the accuracy afterwards. For ReLU itself
    nothing changes.
    """
    acc = (runs[f"{split}_acc"] - runs[f"relu_{split}_acc"]).fillna(0.0)
    change = (runs[f"relu_{split}_loss"] - runs[f"{split}_loss"]).fillna(0.0).abs()
    after = runs[f"relu_{split}_acc"].fillna(runs[f"{split}_acc"])
    return runs[RUN].assign(acc_drop=acc, loss_change=change, relu_acc=after)


def mean_over_seeds(rows: pandas.DataFrame, column: str) -> pandas.DataFrame:
    """The mean of a column over seeds with its 95 % interval, for each setting."""
    found = []
    for setting, group in rows.groupby(_SETTING, dropna=False, sort=False):
        values = dict(zip(_INTERVAL, interval(group[column]), strict=True))
        found.append(dict(zip(_SETTING, setting, strict=True)) | values | {"seeds": len(group)})
    return pandas.DataFrame(found)


def against(rows: pandas.DataFrame, column: str, reference: pandas.Series) -> pandas.DataFrame:
    """`mean_over_seeds` of the column minus its value in the rows that `reference`, a boolean
    series, marks, seed by seed: one marked row a data set, network and seed.
    """
    base = rows[reference].set_index(_PAIR)[column].rename("base")
    joined = rows[~reference].join(base, on=_PAIR)
    return mean_over_seeds(joined.assign(difference=joined[column] - joined["base"]), "difference")


def profiles(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The learned hardness at the end of training: a row a run and layer, with its rank in the run,
    1 the softest.
    """
    names = layers(runs)
    long = runs.melt(id_vars=RUN, value_vars=names, var_name="layer", value_name="learned")
    long["layer"] = long["layer"].str.removeprefix("hardness_").astype(int) + 1
    long = long.dropna(subset=["learned"])
    return long.assign(rank=long.groupby(RUN, dropna=False)["learned"].rank())


def layers_learned(tables: Sequence[pandas.DataFrame]) -> pandas.DataFrame:
    """`profiles` of all runs of several tables in which a hardness was learned and not hardened,
    each run once.
    """
    runs = pandas.concat(tables, ignore_index=True).drop_duplicates(RUN)
    return profiles(runs[(runs["activation"] == "lambda-GELU") & runs["tolerance"].isna()])


def rank_correlations(runs: pandas.DataFrame) -> pandas.DataFrame:
    """Spearman's correlation of the profiles of hardness between initialisations of s, the seed
    equal: a row a data set and pair (first, second); mean over seeds with its 95 % interval, and
    chance, the 97.5 % quantile of that mean between profiles whose order is random.

    of_means: the correlation of the two profiles of ranks averaged over seeds.
    """
    names, rows = layers(runs), []
    for place, group in runs.groupby(_PLACE, sort=False):
        ranks = group.set_index(["hardness", "seed"])[names].dropna(axis=1).rank(axis=1)
        chance = _chance(ranks.shape[1], group["seed"].nunique())
        for first, second in itertools.combinations(sorted(group["hardness"].unique()), 2):
            values = _correlation(ranks.loc[first], ranks.loc[second])
            row = dict(zip(_PLACE, place, strict=True)) | {"first": first, "second": second}
            row |= dict(zip(_INTERVAL, interval(values), strict=True)) | chance
            means = (ranks.loc[[start]].mean().rank().to_frame().T for start in (first, second))
            rows.append(row | {"of_means": _correlation(*means).item()})
    return pandas.DataFrame(rows)


def _correlation(first: pandas.DataFrame, second: pandas.DataFrame) -> pandas.Series:
    """Pearson's correlation row by row; of ranks it is Spearman's."""
    first, second = (ranks.sub(ranks.mean(axis=1), axis=0) for ranks in (first, second))
    size = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return (first * second).sum(axis=1) / size


def _chance(places: int, seeds: int) -> dict[str, float]:
    ordered = np.tile(np.arange(places), (2000 * seeds, 1))
    shuffled = np.random.default_rng(0).permuted(ordered, axis=1)
    values = _correlation(pandas.DataFrame(ordered), pandas.DataFrame(shuffled)).to_numpy()
    return {"chance": float(np.quantile(values.reshape(-1, seeds).mean(1), 0.975))}
