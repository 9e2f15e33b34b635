"""What the paths of the tangent kernel obey: a sweep's table in, path statistics and exponents out.

Over a fixed training time, with step eta, the quadratic variation of a kernel that is a smooth
function of time goes like eta, and the energy of its second differences like eta^3; where the
kernel jumps at a fixed number of places neither depends on eta, and where jumps repeat at every
step both grow like 1/eta.
"""

from collections.abc import Sequence

import numpy as np
import pandas

from smoothrelu.book.statistics.paired import intervals, slopes

_SETTING = ["dataset", "n_train", "width", "depth", "activation", "temperature", "init"]


def path_statistics(table: pandas.DataFrame) -> pandas.DataFrame:
    """One row a run tracked by `TrackNTK`, kernels in units of ||Theta_0||.

    quadratic_variation and second_difference_energy: sums over the path; distance: how far the
    kernel is from its start in the end, and half_distance when the loss has first halved (NaN where
    it has not); alignment, first_alignment: with the labels; sign_flips, sign_returns: of hidden
    preactivations, over the whole path; final_loss.
    """
    halved = table["train_loss"] <= 0.5 * _first_loss(table)
    table = table.assign(
        _first=table["ntk_first_difference"] ** 2,
        _second=table["ntk_second_difference"] ** 2,
        _half=table["ntk_distance"].where(halved),
    )
    runs = table.groupby([*_SETTING, "lr", "seed"], dropna=False, sort=False)
    paths = runs.agg(
        _norm=("ntk_norm", "first"),
        quadratic_variation=("_first", "sum"),
        second_difference_energy=("_second", "sum"),
        distance=("ntk_distance", "last"),
        half_distance=("_half", "first"),
        first_alignment=("ntk_alignment", "first"),
        alignment=("ntk_alignment", "last"),
        sign_flips=("sign_flips", "sum"),
        sign_returns=("sign_returns", "sum"),
        final_loss=("train_loss", "last"),
    ).reset_index()
    square = paths.pop("_norm") ** 2
    for column in ("quadratic_variation", "second_difference_energy"):
        paths[column] /= square
    return paths


def width_exponents(paths: pandas.DataFrame, column: str = "half_distance") -> pandas.DataFrame:
    """The exponent of a column in the width, for each activation and temperature, fitted as in
    `exponents`; runs that have no such value are left out.
    """
    return _exponents(paths.dropna(subset=column), "width", column, ["activation", "temperature"])


def exponents(paths: pandas.DataFrame, statistics: Sequence[str], below: float) -> pandas.DataFrame:
    """The exponent of each statistic in the learning rate, for each setting: least squares in logs.

    Fitted for each seed by itself over learning rates up to `below`; exponent is the mean over
    seeds, ci_low and ci_high its 95 % confidence interval (infinite for one seed).
    """
    small = paths[paths["lr"] <= below]
    tall = small.melt([*_SETTING, "lr", "seed"], [*statistics], var_name="statistic")
    return _exponents(tall, "lr", "value", [*_SETTING, "statistic"])


def formatted(laws: pandas.DataFrame) -> pandas.DataFrame:
    """A row a network, a column a statistic: its exponent with the interval, as text."""
    named = laws.assign(statistic=laws["statistic"].str.replace("_", " "))
    infinite = np.isinf(laws["ci_low"])
    named["text"] = [
        f"{e:.2f}" if alone else f"{e:.2f} ({low:.2f} to {high:.2f})"
        for e, low, high, alone in zip(
            laws["exponent"], laws["ci_low"], laws["ci_high"], infinite, strict=True
        )
    ]
    rows = named.groupby(["activation", "temperature", "statistic"], dropna=False, sort=False)
    return rows["text"].first().unstack("statistic").reset_index()


def share_of_returns(paths: pandas.DataFrame) -> pandas.Series:
    """The share of sign flips that are returns, by activation at its highest temperature."""
    warmest = paths.groupby("activation")["temperature"].transform("max")
    paths = paths[(paths["temperature"] == warmest) | paths["temperature"].isna()]
    counts = paths.groupby("activation")[["sign_returns", "sign_flips"]].sum()
    return counts["sign_returns"] / counts["sign_flips"]


def spread_of_collapse(paths: pandas.DataFrame) -> float:
    """How nearly the second-difference energies of different temperatures lie on one curve in lr/T.

    The energy of each setting (mean of logarithms over seeds) is compared with that of the next
    temperature of the same activation, interpolated to the same lr/T. Returned is the factor within
    which half of them agree. ReLU has no part in it.
    """
    log = paths.dropna(subset="temperature").assign(
        x=lambda p: np.log(p["lr"] / p["temperature"]),
        y=lambda p: np.log(p["second_difference_energy"]),
    )
    curves = log.groupby(["activation", "temperature", "x"])["y"].mean()
    ratios = []
    for _, one in curves.groupby("activation"):
        of = [curve.droplevel([0, 1]) for _, curve in one.groupby("temperature")]
        for cold, warm in zip(of, of[1:], strict=False):
            inside = warm[(warm.index >= cold.index.min()) & (warm.index <= cold.index.max())]
            ratios.append(inside - np.interp(inside.index, cold.index, cold))
    return float(np.exp(np.quantile(np.abs(np.concatenate(ratios)), 0.5)))


def _first_loss(table: pandas.DataFrame) -> pandas.Series:
    """For each row the loss with which its run began."""
    runs = table.groupby([*_SETTING, "lr", "seed"], dropna=False, sort=False)
    return runs["train_loss"].transform("first")


def _exponents(rows: pandas.DataFrame, x: str, y: str, by: list[str]) -> pandas.DataFrame:
    logs = rows.assign(x=np.log(rows[x]), y=np.log(rows[y]))
    return intervals(slopes(logs, "x", "y", by), "slope", by, name="exponent")
