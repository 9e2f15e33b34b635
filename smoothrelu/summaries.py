"""What a sweep's table says, with its uncertainty over seeds: tables in, small tables out."""

import numpy as np
import pandas

_SETTING = ["dataset", "activation", "temperature", "lr"]


def mean_losses(table: pandas.DataFrame) -> pandas.DataFrame:
    """One row a run: mean_loss, the training loss averaged over all steps, and final_loss.

    The mean over the steps is the area under the loss curve: low where training is fast. Both are
    infinite for a run that diverged.
    """
    runs = table.groupby([*_SETTING, "init", "seed"], dropna=False)
    summary = runs.agg(
        mean_loss=("train_loss", "mean"),
        final_loss=("train_loss", "last"),
        final_test_acc=("test_acc", "last"),
        diverged=("diverged", "any"),
    ).reset_index()
    summary.loc[summary["diverged"], ["mean_loss", "final_loss"]] = np.inf
    return summary


def gain_of_critical(table: pandas.DataFrame) -> pandas.DataFrame:
    """How far critical initialisation is ahead of He's, seed by seed: a row for each setting that
    has both.

    gain: mean over seeds of mean_loss(He) - mean_loss(critical), positive where critical trains
    faster; lowest and highest are over the seeds; standardised is the gain over the standard
    deviation of the paired differences.
    """
    runs = mean_losses(table).pivot_table(
        index=[*_SETTING, "seed"], columns="init", values="mean_loss"
    )
    difference = (runs["he"] - runs["critical"]).dropna()
    gain = difference.groupby(_SETTING, sort=False).agg(
        gain="mean", lowest="min", highest="max", deviation="std", seeds="size"
    )
    gain["standardised"] = gain["gain"] / gain.pop("deviation")
    return gain.reset_index()


def at_best_learning_rate(table: pandas.DataFrame) -> pandas.DataFrame:
    """Each (activation, temperature, initialisation) at the learning rate that is best for it.

    Best is the lowest mean_loss averaged over seeds. Columns: lr, mean_loss with its range over
    seeds, final_loss.
    """
    group = ["dataset", "activation", "temperature", "init"]
    runs = mean_losses(table).groupby([*group, "lr"], dropna=False)
    rates = runs.agg(
        mean_loss=("mean_loss", "mean"),
        lowest=("mean_loss", "min"),
        highest=("mean_loss", "max"),
        final_loss=("final_loss", "mean"),
        seeds=("seed", "size"),
    ).reset_index()
    return rates.loc[rates.groupby(group, dropna=False, sort=False)["mean_loss"].idxmin()]
