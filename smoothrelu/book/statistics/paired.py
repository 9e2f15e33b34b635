"""Runs that differ in their seed: paired by it, their mean with its interval, the worst of several.

The other statistics and the measures of the claims are made of these functions: tables with a row a
run in, tables with a row a setting out.
"""

from collections.abc import Sequence

import numpy as np
import pandas

Estimate = tuple[float, float, float]
"""A value and the ends of its 95 % interval; three times the same where nothing is random."""


def interval(values: np.ndarray | pandas.Series) -> Estimate:
    """The mean of a few values and its 95 % confidence interval, Student's t; infinite for one."""
    from scipy.stats import t

    mean, n = values.mean(), len(values)
    if n < 2:
        return mean, -np.inf, np.inf
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def intervals(
    rows: pandas.DataFrame, column: str, by: Sequence[str], *, name: str = "mean"
) -> pandas.DataFrame:
    """One row a setting, the columns `by`: the mean of a column over seeds, called `name`; ci_low
    and ci_high, its `interval`; min and max, its range; n_seeds, their number. NaN are left out.
    """
    found = []
    for setting, values in rows.groupby([*by], dropna=False, sort=False)[column]:
        values = values.dropna()
        mean, low, high = interval(values)
        estimate = {name: mean, "ci_low": low, "ci_high": high}
        spread = {"min": values.min(), "max": values.max(), "n_seeds": len(values)}
        found.append(dict(zip(by, setting, strict=True)) | estimate | spread)
    return pandas.DataFrame(found)


def reference(
    rows: pandas.DataFrame, column: str, marked: pandas.Series, on: Sequence[str]
) -> pandas.Series:
    """For each row the value of `column` in the marked row that agrees with it in the columns `on`,
    the seed among them; NaN where there is none.

    marked: boolean. Raises pandas.errors.MergeError where several marked rows agree.
    """
    base = rows.loc[marked, [*on, column]].rename(columns={column: "_reference"})
    pairs = rows[[*on]].merge(base, how="left", on=[*on], validate="many_to_one")
    return pairs["_reference"].set_axis(rows.index)


def at_best_rate(runs: pandas.DataFrame, cost: str, by: Sequence[str]) -> pandas.DataFrame:
    """The runs of each setting at its best learning rate: where `cost`, averaged over seeds, is
    least.
    """
    by = [*by]
    mean = runs.groupby([*by, "lr"], dropna=False, sort=False)[cost].mean().reset_index()
    best = mean.loc[mean.groupby(by, dropna=False, sort=False)[cost].idxmin()]
    return best[[*by, "lr"]].merge(runs, on=[*by, "lr"])


def slopes(rows: pandas.DataFrame, x: str, y: str, by: Sequence[str]) -> pandas.DataFrame:
    """The slope of y against x of each setting and seed, by least squares, in the column slope."""
    by = [*by, "seed"]
    found = [
        dict(zip(by, setting, strict=True)) | {"slope": np.polyfit(run[x], run[y], 1)[0]}
        for setting, run in rows.groupby(by, dropna=False, sort=False)
    ]
    return pandas.DataFrame(found)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's correlation along the last axis; NaN where all values of one are equal."""
    from scipy.stats import rankdata

    first, second = (rankdata(values, axis=-1) for values in (first, second))
    middle = (first.shape[-1] + 1) / 2
    first, second = first - middle, second - middle
    with np.errstate(invalid="ignore"):
        size = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
        return (first * second).sum(-1) / size


def lowest(estimates: pandas.DataFrame, name: str = "mean") -> Estimate:
    """The estimate, of the column `name`, whose interval reaches lowest."""
    return _estimate(estimates, estimates["ci_low"].idxmin(), name)


def highest(estimates: pandas.DataFrame, name: str = "mean") -> Estimate:
    """The estimate whose interval reaches highest."""
    return _estimate(estimates, estimates["ci_high"].idxmax(), name)


def farthest(estimates: pandas.DataFrame, name: str = "mean", goal: float = 0.0) -> Estimate:
    """The estimate whose interval reaches farthest from `goal`."""
    reach = (estimates[["ci_low", "ci_high"]] - goal).abs().max(axis=1)
    return _estimate(estimates, reach.idxmax(), name)


def _estimate(estimates: pandas.DataFrame, row, name: str) -> Estimate:
    return tuple(estimates.loc[row, [name, "ci_low", "ci_high"]])
