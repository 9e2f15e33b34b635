"""What the claims on lambda-GELU come to: part of `claims.measures`."""

from collections.abc import Callable

import numpy as np
import pandas

from smoothrelu.book import tables
from smoothrelu.book.statistics import lambda_gelu
from smoothrelu.book.statistics.paired import Estimate, farthest, highest, lowest
from smoothrelu.experiments.committed import published

_LEARNED = "lambda-GELU"


def drift_ratio(study: str, by: str) -> Estimate:
    """How many times as far the hardness drifts at the next larger c, or the next smaller t, where
    that is surest to be little.
    """
    logs = lambda_gelu.drift_ratios(published(study), by)[["mean", "ci_low", "ci_high"]]
    if by == "t":
        logs = -logs.rename(columns={"ci_low": "ci_high", "ci_high": "ci_low"})
    return tuple(np.exp(lowest(logs)))


def validation_change(study: str) -> Estimate:
    """Of all settings, the one whose interval reaches farthest from zero."""
    return farthest(lambda_gelu.over_gelu(published(study)), "change")


def mean_validation_change(study: str) -> Estimate:
    """Averaged over the settings; of the data sets, the one whose interval reaches farthest."""
    return farthest(lambda_gelu.mean_change(published(study)))


def least_over_most_adaptation(study: str) -> Estimate:
    """The best validation score at c = 1 minus that at c = 9, on the network where it is least."""
    runs = published(study)
    runs = runs[runs["c"].isin([1.0, 9.0]) & (runs["activation"] == _LEARNED)]
    return lowest(lambda_gelu.against(runs, "best_valid_acc", runs["c"] == 9.0))


def rank_correlation(study: str, dataset: str) -> Estimate:
    ranks = lambda_gelu.rank_correlations(published(study))
    return lowest(ranks[ranks["dataset"] == dataset])


def saved_by_hardening(study: str, tolerance: float, column: str) -> Estimate:
    """What the substitution changes without hardening minus what it changes with it, on the network
    where that is least.
    """
    drops = _drops(study)
    drops = drops[drops["activation"] == _LEARNED]
    drops = drops[drops["tolerance"].isna() | (drops["tolerance"] == tolerance)]
    return lowest(lambda_gelu.against(drops, column, drops["tolerance"] == tolerance))


def drop_left(study: str, tolerance: float) -> Estimate:
    """The accuracy lost in the substitution after hardening, on the network where that is most."""
    drops = _drops(study)
    hardened = drops[drops["tolerance"] == tolerance]
    return highest(lambda_gelu.mean_over_seeds(hardened, "acc_drop"))


def gelu_drop(study: str) -> Estimate:
    """The accuracy lost when ReLU takes the place of GELU, on the network where that is least."""
    drops = _drops(study)
    gelu = drops[drops["activation"] == "GELU"]
    return lowest(lambda_gelu.mean_over_seeds(gelu, "acc_drop"))


def carried_over_trained(study: str, tolerance: float) -> Estimate:
    """The accuracy of the ReLU network that hardening ends in minus that of one trained with ReLU
    from the start, on the network where that is least.
    """
    drops = _drops(study)
    drops = drops[(drops["activation"] == "ReLU") | (drops["tolerance"] == tolerance)]
    return lowest(lambda_gelu.against(drops, "relu_acc", drops["activation"] == "ReLU"))


def gradient_factor(factors: list[float], depth: int) -> Estimate:
    """The largest factor by which the squared gradient over `depth` layers rises or falls when a
    critical network's hardness is multiplied by one of the factors.
    """
    flows = tables.hardened_theory(factors, depth=depth)
    logs = np.log(flows.loc[flows["layer"] == 1, "gradient_theory"])
    value = float(np.exp(logs.abs().max()))
    return value, value, value


def _drops(study: str) -> pandas.DataFrame:
    return lambda_gelu.substitution_drops(published(study))


_HARDER = [float(x) for x in np.geomspace(1, 1000, 61)] + [float("inf")]

LAMBDA_GELU_MEASURES: dict[str, Callable[[], Estimate]] = {
    "lambda-drift-c": lambda: drift_ratio("lambda_drift", "c"),
    "lambda-drift-t": lambda: drift_ratio("lambda_drift", "t"),
    "lambda-drift-c-others": lambda: drift_ratio("lambda_optimizers", "c"),
    "lambda-validation-mlp": lambda: validation_change("lambda_drift"),
    "lambda-validation-mean": lambda: mean_validation_change("lambda_drift"),
    "lambda-validation-others": lambda: validation_change("lambda_optimizers"),
    "lambda-least-c": lambda: least_over_most_adaptation("lambda_optimizers"),
    "lambda-profiles-mnist": lambda: rank_correlation("lambda_profiles", "mnist"),
    "lambda-profiles-cifar10": lambda: rank_correlation("lambda_profiles", "cifar10"),
    "lambda-hardening-saves": lambda: saved_by_hardening("lambda_substitution", 0.01, "acc_drop"),
    "lambda-hardening-calms": lambda: saved_by_hardening(
        "lambda_substitution", 0.01, "loss_change"
    ),
    "lambda-hardening-saves-deep": lambda: saved_by_hardening("lambda_deep", 0.01, "acc_drop"),
    "lambda-hardened-drop": lambda: drop_left("lambda_substitution", 0.01),
    "lambda-gelu-drop": lambda: gelu_drop("lambda_substitution"),
    "lambda-carried": lambda: carried_over_trained("lambda_substitution", 0.01),
    "lambda-hardened-gradient": lambda: gradient_factor(_HARDER, 20),
    "lambda-softened-gradient": lambda: gradient_factor([0.8], 20),
}
