"""What the theory of finite width predicts, and what is fitted to ensembles of networks."""

from collections.abc import Sequence

import numpy as np
import pandas
from torch import nn

from smoothrelu.networks.random_networks import critically_initialised
from smoothrelu.theory.finite_width import (
    kernel_curvature,
    kernel_noise,
    leading_order,
    relu_log_variance,
)


def predictions(activations: Sequence[nn.Module], depth: int) -> pandas.DataFrame:
    """The leading order at critical initialisation, starting at K*: a row for each activation.

    slope: V/K^2 per layer, what log K_hat gains in variance per unit of (depth - 1)/width.
    shift: G/K at the last layer, what 1/n moves the mean by. bend: K* F''(K*)/2. balance: the width
    slope/|bend| at which noise and bend move a kernel of its own size equally fast.
    """
    rows = []
    for activation in activations:
        start = critically_initialised(activation)
        K, C_W, C_b = start.K, start.C_W, start.C_b
        theory = leading_order(activation, K, depth=depth, C_W=C_W, C_b=C_b)
        slope = theory.V[-1].item() / K**2 / (depth - 1)
        bend = kernel_curvature(activation, K, C_W=C_W) * K / 2
        rows.append(
            {
                "activation": type(activation).__name__,
                "slope": slope,
                "shift": theory.G[-1].item() / K,
                "bend": bend,
                "balance": kernel_noise(activation, K, C_W=C_W) / K**2 / abs(bend or np.nan),
            }
        )
    return pandas.DataFrame(rows)


def fitted_slopes(ensembles: pandas.DataFrame, theory: pandas.DataFrame) -> pandas.DataFrame:
    """n Var(log K_hat)/(depth - 1) at the last layer = fitted + next/n + after/n^2, beside the
    predicted slope.

    Each width is an independent ensemble. ReLU's variance is taken as sampled, its standard error
    from the kurtosis; that of the others is their ratio to ReLU's, times ReLU's exact one. Columns:
    activation, predicted, fitted, error, z, next, after, and chi2 of the fit with its degrees of
    freedom.
    """
    last = ensembles[ensembles["layer"] == ensembles["depth"]].copy()
    unit = last["width"] / (last["depth"] - 1)
    exact = [relu_log_variance(*pair) for pair in zip(last["width"], last["depth"], strict=True)]
    plain = last["activation"] == "ReLU"
    last["value"] = unit * np.where(plain, last["sd_log_K"] ** 2, exact * last["variance_ratio"])
    paired = last["sd_ratio"] / last["variance_ratio"] / last["networks"] ** 0.5
    last["error"] = last["value"] * np.where(plain, _relative_error(last), paired)
    return _intercepts(last, theory.set_index("activation")["slope"])


def fitted_shifts(ensembles: pandas.DataFrame, theory: pandas.DataFrame) -> pandas.DataFrame:
    """n (E K_hat/K - 1) at the last layer = fitted + next/n + after/n^2, beside the
    predicted G/K. Columns: `fitted_slopes`. ReLU, which serves as the reference, has none.
    """
    last = ensembles[ensembles["layer"] == ensembles["depth"]]
    last = last[last["activation"] != "ReLU"].copy()
    last["value"] = last["width"] * last["mean_excess"]
    last["error"] = last["width"] * last["sd_excess"] / last["networks"] ** 0.5
    return _intercepts(last, theory.set_index("activation")["shift"])


def compared(sampled: pandas.DataFrame, networks: pandas.DataFrame) -> pandas.DataFrame:
    """The sampled chain and real networks, at the last layer of the widths that both have: mean_K
    over K* and sd_log_K of either, and z_mean and z_variance (of log K_hat), their differences in
    standard errors. Tables: `kernel_ensembles`, `long_run`.
    """
    pair = [table[table["layer"] == table["depth"]].copy() for table in (sampled, networks)]
    for table in pair:
        table["mean"] = table["mean_K"] / table["K"]
        table["mean_error"] = table["sd_K"] / table["K"] / table["networks"] ** 0.5
        table["variance"] = table["sd_log_K"] ** 2
        table["variance_error"] = table["variance"] * _relative_error(table)
    both = pair[0].merge(pair[1], on=["activation", "width", "depth"], suffixes=("_chain", ""))
    for name in ("mean", "variance"):
        error = np.hypot(both[f"{name}_error"], both[f"{name}_error_chain"])
        both[f"z_{name}"] = (both[name] - both[f"{name}_chain"]) / error
    columns = ["activation", "width", "networks", "networks_chain", "mean", "mean_chain", "z_mean"]
    return both[[*columns, "sd_log_K", "sd_log_K_chain", "z_variance"]]


def _relative_error(ensembles: pandas.DataFrame) -> pandas.Series:
    """Standard error of a sample variance of log K_hat, relative to it, by its kurtosis."""
    return ((ensembles["kurtosis_log_K"] - 1) / ensembles["networks"]) ** 0.5


def _intercepts(points: pandas.DataFrame, predicted: pandas.Series) -> pandas.DataFrame:
    """value = fitted + next/n + after/n^2 by weighted least squares, for each activation."""
    rows = []
    for name, group in points.groupby("activation", sort=False):
        unit = group["width"].min()  # keeps the columns of one size
        columns = np.stack([(unit / group["width"]) ** power for power in range(3)], 1)
        weighted = columns / group["error"].to_numpy()[:, None]
        covariance = np.linalg.inv(weighted.T @ weighted)
        fit = covariance @ weighted.T @ (group["value"] / group["error"])
        error = covariance[0, 0] ** 0.5
        chi2 = (((group["value"] - columns @ fit) / group["error"]) ** 2).sum()
        row = {"activation": name, "predicted": predicted[name], "fitted": fit[0], "error": error}
        row |= {"z": (fit[0] - predicted[name]) / error, "next": fit[1] * unit}
        rows.append(row | {"after": fit[2] * unit**2, "chi2": chi2, "freedom": len(group) - 3})
    return pandas.DataFrame(rows)
