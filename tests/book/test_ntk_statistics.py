"""Path statistics and exponents of the tangent kernel, on paths whose laws are known."""

import numpy as np
import pandas
import pytest

from smoothrelu.book.statistics.ntk import (
    exponents,
    path_statistics,
    spread_of_collapse,
    width_exponents,
)

TIME = 1.0
STATISTICS = ["quadratic_variation", "second_difference_energy"]


def path(theta, lr, seed=0):
    """A run's rows, as `sweep` gives them, whose kernel is the number theta(t)."""
    steps = round(TIME / lr)
    kernel = theta(np.arange(steps + 1) * lr).astype(float)
    first = np.abs(np.diff(kernel, prepend=np.nan))
    second = np.abs(kernel - 2 * np.roll(kernel, 1) + np.roll(kernel, 2))
    second[:2] = np.nan
    return pandas.DataFrame(
        {
            **{"dataset": "none", "n_train": 1, "width": 1, "depth": 1, "activation": "x"},
            **{"temperature": np.nan, "init": "he", "lr": lr, "seed": seed},
            **{"step": range(steps + 1), "train_loss": 1.0, "ntk_norm": np.abs(kernel)},
            **{"ntk_first_difference": first, "ntk_second_difference": second},
            **{"ntk_distance": 0.0, "ntk_alignment": 0.5, "sign_flips": 1.0, "sign_returns": 0.0},
        }
    )


def laws_of(theta, seeds=(0,)):
    rates = [0.01, 0.005, 0.0025, 0.00125]
    table = pandas.concat([path(theta, lr, seed) for lr in rates for seed in seeds])
    return exponents(path_statistics(table), STATISTICS, below=1.0).set_index("statistic")


def test_a_smooth_path_has_the_exponents_one_and_three():
    laws = laws_of(lambda t: 2 + np.sin(3 * t))
    assert laws.loc["quadratic_variation", "exponent"] == pytest.approx(1, abs=0.01)
    assert laws.loc["second_difference_energy", "exponent"] == pytest.approx(3, abs=0.05)


def test_a_path_with_jumps_at_fixed_times_has_the_exponent_zero():
    laws = laws_of(lambda t: 1 + (t > 0.3) + (t > 0.71))
    assert laws["exponent"].to_numpy() == pytest.approx([0, 0], abs=0.01)


def test_a_path_that_jumps_at_every_step_has_the_exponent_minus_one():
    laws = laws_of(lambda t: 1 + (np.arange(len(t)) % 2))
    assert laws["exponent"].to_numpy() == pytest.approx([-1, -1], abs=0.01)


def test_the_sums_are_in_units_of_the_first_kernel():
    once = path_statistics(path(lambda t: 1 + t, 0.1))
    scaled = path_statistics(path(lambda t: 5 * (1 + t), 0.1))
    assert once["quadratic_variation"].item() == pytest.approx(10 * 0.1**2)
    assert scaled["quadratic_variation"].item() == pytest.approx(10 * 0.1**2)


def test_one_seed_gives_no_interval_and_two_equal_ones_a_point():
    one = laws_of(lambda t: 1 + t)
    two = laws_of(lambda t: 1 + t, seeds=(0, 1))
    assert np.isinf(one.loc["quadratic_variation", ["ci_low", "ci_high"]].astype(float)).all()
    row = two.loc["quadratic_variation"]
    assert row["ci_low"] == pytest.approx(row["ci_high"]) == pytest.approx(row["exponent"])


@pytest.mark.parametrize("power, factor", [(0.0, 1.0), (0.5, 10**0.5)])
def test_energies_that_depend_on_lr_over_T_alone_collapse_and_others_do_not(power, factor):
    rows = [
        ("SWISH", T, lr, (lr / T) ** 3 * T**power)
        for T in (1.0, 0.1)
        for lr in (0.02, 0.01, 0.005, 0.002, 0.001, 0.0001)
    ]
    columns = ["activation", "temperature", "lr", "second_difference_energy"]
    assert spread_of_collapse(pandas.DataFrame(rows, columns=columns)) == pytest.approx(factor)


def test_the_half_distance_is_that_of_the_first_step_at_which_the_loss_has_halved():
    table = path(lambda t: 1 + t, lr=0.1)
    table["train_loss"] = np.linspace(2.0, 0.4, len(table))
    table["ntk_distance"] = np.arange(len(table)) / 10
    assert path_statistics(table)["half_distance"].item() == pytest.approx(0.7)  # 2 - 1.6 * 0.7
    assert np.isnan(path_statistics(path(lambda t: 1 + t, lr=0.1))["half_distance"].item())


def test_the_exponent_in_the_width_is_that_of_a_power_and_leaves_out_runs_without_a_value():
    widths = [16, 32, 64, 128]
    rows = [
        {"activation": "x", "temperature": np.nan, "seed": seed, "width": width}
        | {"half_distance": (1 + seed) * width**-0.5 if width > 16 else np.nan}
        for seed in (0, 1)
        for width in widths
    ]
    law = width_exponents(pandas.DataFrame(rows)).iloc[0]
    assert law["exponent"] == pytest.approx(-0.5) and law["n_seeds"] == 2
