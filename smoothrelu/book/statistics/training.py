"""What a sweep's table says, with its uncertainty over seeds: tables in, small tables out."""

import numpy as np
import pandas

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
    relu = runs[runs["activation"] == "ReLU"].set_index("seed")["mean_loss"]
    smooth = runs[runs["activation"] != "ReLU"]
    distance = (smooth["mean_loss"] / smooth["seed"].map(relu) - 1).abs()
    return smooth[["activation", "init", "seed"]].assign(distance=distance)


def ahead_of_relu(runs: pandas.DataFrame) -> pandas.DataFrame:
    """How far critical smooth networks are ahead of the ReLU network of their seed in mean_loss:
    the columns of `gain_of_critical`.
    """
    relu = runs[runs["activation"] == "ReLU"].set_index("seed")["mean_loss"]
    smooth = runs[(runs["activation"] != "ReLU") & (runs["init"] == "critical")]
    ahead = smooth.set_index([*SETTING, "seed"])["mean_loss"].mul(-1).add(relu, level="seed")
    return _with_interval(ahead.groupby(SETTING, sort=False))


def gain_of_critical(
    runs: pandas.DataFrame, measure: str = "mean_loss", *, over: str = "he"
) -> pandas.DataFrame:
    """How far critical initialisation is ahead of another at each setting that has both, seed by
    seed.

    runs: as `mean_losses` gives them. gain: the mean over seeds of measure(over) -
    measure(critical), positive where critical trains faster; low and high: its 95 % confidence
    interval (Student's t of the paired differences); lowest and highest: over the seeds. Pairs of
    which a run diverged are left out: `largest_stable_rate` tells of them.
    """
    pairs = runs.pivot_table(index=[*SETTING, "seed"], columns="init", values=measure, sort=False)
    return _with_interval(_difference(pairs, over).groupby(SETTING, sort=False))


def at_best_rate(runs: pandas.DataFrame) -> pandas.DataFrame:
    """The runs of each (activation, temperature, initialisation) at the learning rate best for it.

    Best is the lowest mean_loss, averaged over seeds, of those tried. runs: as `mean_losses` gives
    them.
    """
    group = [*_WITHOUT_RATE, "init"]
    mean = runs.groupby([*group, "lr"], dropna=False, sort=False)["mean_loss"].mean().reset_index()
    best = mean.loc[mean.groupby(group, dropna=False, sort=False)["mean_loss"].idxmin()]
    return best[[*group, "lr"]].merge(runs, on=[*group, "lr"])


def gain_at_best_rate(runs: pandas.DataFrame, *, over: str = "he") -> pandas.DataFrame:
    """`gain_of_critical` in mean_loss where each initialisation has its own best learning rate."""
    best = at_best_rate(runs)
    pairs = best.pivot_table(
        index=[*_WITHOUT_RATE, "seed"], columns="init", values="mean_loss", sort=False
    )
    return _with_interval(_difference(pairs, over).groupby(_WITHOUT_RATE, sort=False))


def mean_over_seeds(runs: pandas.DataFrame) -> pandas.DataFrame:
    """Each setting's mean_loss over its seeds, with its range, and the mean of the last values."""
    group = [*SETTING, "init"]
    summary = runs.groupby(group, dropna=False, sort=False).agg(
        mean_loss=("mean_loss", "mean"),
        lowest=("mean_loss", "min"),
        highest=("mean_loss", "max"),
        final_loss=("final_loss", "mean"),
        final_test_loss=("final_test_loss", "mean"),
        final_test_acc=("final_test_acc", "mean"),
        seeds=("seed", "size"),
    )
    return summary.reset_index()


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


def interval(values: np.ndarray | pandas.Series) -> tuple[float, float, float]:
    """The mean of a few values and its 95 % confidence interval, Student's t; infinite for one."""
    from scipy.stats import t

    mean, n = values.mean(), len(values)
    if n < 2:
        return mean, -np.inf, np.inf
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def _difference(pairs: pandas.DataFrame, over: str) -> pandas.Series:
    difference = pairs[over] - pairs["critical"]
    return difference[np.isfinite(difference)]


def _with_interval(differences) -> pandas.DataFrame:
    rows = differences.apply(
        lambda d: pandas.Series(
            dict(zip(("gain", "low", "high"), interval(d), strict=True))
            | {"lowest": d.min(), "highest": d.max(), "seeds": len(d)}
        )
    )
    table = rows.unstack().reset_index() if isinstance(rows, pandas.Series) else rows.reset_index()
    return table.astype({"seeds": int})
