"""What a sweep's table says of learned hardness: its drift, its profile over the layers, and what
is lost when ReLU takes its place. Tables in, small tables out.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas

from smoothrelu.book.statistics.paired import interval, intervals, rank_correlation, reference

_PLACE = ["dataset", "network", "width", "depth", "init"]
_SETTING = [
    *_PLACE,
    "activation",
    "hardness",
    "t",
    "optimizer",
    "lr",
    "c",
    "tolerance",
]
_PAIR = [*_PLACE, "seed"]
RUN = [*_SETTING, "seed"]


def labelled(table: pandas.DataFrame) -> pandas.DataFrame:
    """A sweep's table whose activations are called "lambda-GELU", "GELU" (hardness one, where it
    stays) and "ReLU".
    """
    learned, hardness = table["activation"] == "LambdaGELU", table["hardness"]
    name = np.select([~learned, hardness == 1], [table["activation"], "GELU"], "lambda-GELU")
    return table.assign(activation=name, tolerance=table["tolerance"].astype(float))


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
    of lambda-GELU: the means over seeds, and the 95 % interval of the change (ci_low, ci_high).
    """
    gelu = reference(runs, "best_valid_acc", runs["activation"] == "GELU", _PAIR)
    learned = _learned(runs.assign(change=runs["best_valid_acc"] - gelu))
    changes = intervals(learned, "change", _SETTING, name="change")
    return changes.assign(drift=intervals(learned, "drift", _SETTING)["mean"])


def mean_change(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The change against GELU with the same seed averaged over all settings of lambda-GELU on each
    data set and network: mean over seeds with its 95 % interval.
    """
    gelu = runs[runs["activation"] == "GELU"].set_index(_PAIR)["best_valid_acc"]
    means = _learned(runs).groupby(_PAIR, dropna=False)["best_valid_acc"].mean()
    change = (means - gelu).rename("change").reset_index()
    return intervals(change, "change", _PLACE)


def drift_ratios(runs: pandas.DataFrame, by: str) -> pandas.DataFrame:
    """Of neighbours in `by`, "c" or "t", all else equal and seed by seed: the mean of
    ln(drift at the larger/drift at the smaller), and its 95 % interval.
    """
    others = [name for name in (*_PLACE, "hardness", "t", "c") if name != by]
    learned = _learned(runs)
    following = dict(itertools.pairwise(sorted(learned[by].unique())))
    small = learned.assign(smaller=learned[by], larger=learned[by].map(following))
    large = learned[[*others, "seed", by, "drift"]].rename(columns={by: "larger"})
    pairs = small.merge(large, on=[*others, "seed", "larger"], suffixes=("", "_larger"))
    pairs["log"] = np.log(pairs["drift_larger"]) - np.log(pairs["drift"])
    return intervals(pairs, "log", [*others, "smaller", "larger"])


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
    return intervals(rows, column, _SETTING)


def against(rows: pandas.DataFrame, column: str, marked: pandas.Series) -> pandas.DataFrame:
    """`mean_over_seeds` of the column minus its value in the rows that `marked`, a boolean series,
    marks, seed by seed: one marked row a data set, network and seed.
    """
    change = rows[column] - reference(rows, column, marked, _PAIR)
    return mean_over_seeds(rows.assign(difference=change)[~marked], "difference")


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
    return profiles(_learned(runs))


def rank_correlations(runs: pandas.DataFrame) -> pandas.DataFrame:
    """Spearman's correlation of the profiles of hardness between initialisations of s, the seed
    equal: a row a data set and pair (first, second); mean over seeds with its 95 % interval, and
    chance, the 97.5 % quantile of that mean between profiles whose order is random.

    of_means: the correlation of the two profiles of ranks averaged over seeds.
    """
    names, rows = layers(runs), []
    for place, group in runs.groupby(_PLACE, dropna=False, sort=False):
        learned = group.set_index(["hardness", "seed"])[names].dropna(axis=1)
        chance = _chance(learned.shape[1], group["seed"].nunique())
        for first, second in itertools.combinations(sorted(group["hardness"].unique()), 2):
            pair = learned.loc[first], learned.loc[second]
            mean, low, high = interval(rank_correlation(*pair))
            of_means = rank_correlation(*(seeds.rank(axis=1).mean() for seeds in pair))
            row = dict(zip(_PLACE, place, strict=True)) | {"first": first, "second": second}
            row |= {"mean": mean, "ci_low": low, "ci_high": high}
            rows.append(row | {"chance": chance, "of_means": float(of_means)})
    return pandas.DataFrame(rows)


def _learned(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The runs of lambda-GELU that were not hardened."""
    return runs[(runs["activation"] == "lambda-GELU") & runs["tolerance"].isna()]


def _chance(places: int, seeds: int) -> float:
    ordered = np.tile(np.arange(places), (2000 * seeds, 1))
    shuffled = np.random.default_rng(0).permuted(ordered, axis=1)
    values = rank_correlation(ordered, shuffled)
    return float(np.quantile(values.reshape(-1, seeds).mean(1), 0.975))
