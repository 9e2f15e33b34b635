"""What a sweep's table says, with its uncertainty over seeds: tables in, small tables out."""

import numpy as np
import pandas

from smoothrelu.book.statistics.paired import at_best_rate as _at_best_rate
from smoothrelu.book.statistics.paired import intervals, reference

SETTING = ["dataset", "n_train", "width", "depth", "steps", "activation", "temperature", "lr"]
_WITHOUT_RATE = SETTING[:-1]


def mean_losses(table: pandas.DataFrame) -> pandas.DataFrame:
    """One row a run: mean_loss, the training loss averaged over all steps, and its last losses and
    accuracies.

    The mean over the steps is the area under the loss curve: low where training is fast. Losses
    are infinite for a run that diverged.
    """
    runs = table.groupby([*SETTING, "init", "seed"], dropna=False, sort=False)
    summary = runs.agg(
        mean_loss=("train_loss", "mean"),
        first_loss=("train_loss", "first"),
        final_loss=("train_loss", "last"),
        final_test_loss=("test_loss", "last"),
        final_train_acc=("train_acc", "last"),
        final_test_acc=("test_acc", "last"),
        diverged=("diverged", "any"),
    ).reset_index()
    losses = ["mean_loss", "final_loss", "final_test_loss"]
    summary.loc[summary["diverged"], losses] = np.inf
    return summary


def evaluation_rows(table: pandas.DataFrame) -> pandas.DataFrame:
    """The rows at which everything was measured, with the run's mean_loss over all its steps: what
    is kept of a long run.
    """
    kept = table[table["test_loss"].notna() | table["diverged"]]
    means = mean_losses(table)[[*SETTING, "init", "seed", "mean_loss"]]
    return kept.merge(means, on=[*SETTING, "init", "seed"])


def final_rows(kept: pandas.DataFrame) -> pandas.DataFrame:
    """The last row of each run of a table that `evaluation_rows` kept, with the run's mean_loss."""
    return kept.drop_duplicates([*SETTING, "init", "seed"], keep="last")


def concat(*tables: pandas.DataFrame) -> pandas.DataFrame:
    """The rows of several tables of runs as one."""
    return pandas.concat(tables, ignore_index=True)


def distance_from_relu(runs: pandas.DataFrame) -> pandas.DataFrame:
    """By how much, as a fraction, the mean_loss of each network differs from that of the ReLU
    network of its seed; one row a smooth network, columns activation, init, seed and distance.
    """
    relu = reference(runs, "mean_loss", runs["activation"] == "ReLU", ["seed"])
    runs = runs.assign(distance=(runs["mean_loss"] / relu - 1).abs())
    return runs.loc[runs["activation"] != "ReLU", ["activation", "init", "seed", "distance"]]


def ahead_of_relu(runs: pandas.DataFrame) -> pandas.DataFrame:
    """How far critical smooth networks are ahead of the ReLU network of their seed in mean_loss:
    the columns of `gain_of_critical`.
    """
    relu = reference(runs, "mean_loss", runs["activation"] == "ReLU", ["seed"])
    ahead = runs.assign(gain=relu - runs["mean_loss"])
    smooth = ahead[(runs["activation"] != "ReLU") & (runs["init"] == "critical")]
    return intervals(smooth, "gain", SETTING, name="gain")


def gain_of_critical(
    runs: pandas.DataFrame, measure: str = "mean_loss", *, over: str = "he"
) -> pandas.DataFrame:
    """How far critical initialisation is ahead of another at each setting that has both, seed by
    seed.

    runs: as `mean_losses` gives them. gain: the mean over seeds of measure(over) -
    measure(critical), positive where critical trains faster; ci_low and ci_high: its 95 %
    confidence interval (Student's t of the paired differences); min and max: over the seeds. Pairs
    of which a run diverged are left out: `largest_stable_rate` tells of them.
    """
    return _gain(runs, measure, over, SETTING)


def at_best_rate(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The runs of each (activation, temperature, initialisation) at the learning rate best for it.

    Best is the lowest mean_loss, averaged over seeds, of those tried. runs: as `mean_losses` gives
    them.
    """
    return _at_best_rate(runs, "mean_loss", [*_WITHOUT_RATE, "init"])


def gain_at_best_rate(runs: pandas.DataFrame, *, over: str = "he") -> pandas.DataFrame:
    """`gain_of_critical` in mean_loss where each initialisation has its own best learning rate."""
    return _gain(at_best_rate(runs), "mean_loss", over, _WITHOUT_RATE)


def mean_over_seeds(runs: pandas.DataFrame) -> pandas.DataFrame:
    """Each setting's mean_loss over its seeds, with its range, and the mean of the last values."""
    by, last = [*SETTING, "init"], ["final_loss", "final_test_loss", "final_test_acc"]
    losses = intervals(runs, "mean_loss", by, name="mean_loss")
    ends = runs.groupby(by, dropna=False, sort=False)[last].mean().reset_index(drop=True)
    return losses.join(ends)


def largest_stable_rate(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The largest learning rate tried at which every seed ends with less loss than it began with.

    Columns: stable_lr, NaN where no rate tried is stable, and tried_up_to.
    """
    stable = ~runs["diverged"] & (runs["final_loss"] < runs["first_loss"])
    rates = runs.assign(stable=stable).groupby(
        [*_WITHOUT_RATE, "init", "lr"], dropna=False, sort=False
    )
    rates = rates["stable"].all().reset_index()
    rates["stable_lr"] = rates["lr"].where(rates["stable"])
    group = rates.groupby([*_WITHOUT_RATE, "init"], dropna=False, sort=False)
    return group.agg(stable_lr=("stable_lr", "max"), tried_up_to=("lr", "max")).reset_index()


def _gain(runs: pandas.DataFrame, measure: str, over: str, setting: list[str]) -> pandas.DataFrame:
    other = reference(runs, measure, runs["init"] == over, [*setting, "seed"])
    gains = runs.assign(gain=other - runs[measure])
    critical = (runs["init"] == "critical") & np.isfinite(gains["gain"])
    return intervals(gains[critical], "gain", setting, name="gain")
