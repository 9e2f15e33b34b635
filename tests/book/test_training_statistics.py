"""What a sweep's table says: known tables in, known summaries out."""

import numpy as np
import pandas
import pytest

from smoothrelu.book.statistics import training as statistics

FIXED = {"dataset": "mnist", "n_train": 10, "width": 4, "depth": 3, "steps": 2}


def run(init, seed, losses, lr=0.1, diverged=False):
    rows = {"init": init, "seed": seed, "lr": lr, "train_loss": losses, "diverged": diverged}
    measured = {"test_loss": losses, "train_acc": 0.5, "test_acc": 0.4}
    names = {"activation": "SWISH", "temperature": 1.0, "step": range(len(losses))}
    return pandas.DataFrame(FIXED | names | rows | measured)


def runs(*all_runs):
    return statistics.mean_losses(pandas.concat(all_runs))


def test_the_gain_is_the_mean_of_paired_differences_with_students_interval():
    table = runs(
        *(run("critical", s, [1.0, 1.0, 1.0]) for s in range(3)),
        *(run("he", s, [1.0 + s, 2.0 + s, 3.0 + s]) for s in range(3)),
    )
    gain = statistics.gain_of_critical(table).iloc[0]
    half = 4.302653 * 1.0 / np.sqrt(3)  # t(0.975, 2), and the deviation of 1, 2, 3
    assert gain["gain"] == pytest.approx(2.0)
    assert (gain["ci_low"], gain["ci_high"]) == pytest.approx((2 - half, 2 + half), rel=1e-6)
    assert (gain["min"], gain["max"], gain["n_seeds"]) == (1.0, 3.0, 3)


def test_a_diverged_run_counts_as_infinite_and_its_pair_is_left_out_of_the_gain():
    table = runs(
        *(run("critical", s, [1.0, 1.0, 1.0]) for s in range(2)),
        run("he", 0, [2.0, 2.0, 2.0]),
        run("he", 1, [2.0], diverged=True),
    )
    assert np.isinf(table.loc[table["diverged"], "mean_loss"]).all()
    assert statistics.gain_of_critical(table)["n_seeds"].item() == 1


def test_each_initialisation_chooses_its_own_best_rate():
    table = runs(
        *(run("critical", s, [3.0, 3.0, 1.0], lr=0.1) for s in range(2)),
        *(run("critical", s, [3.0, 3.0, 2.0], lr=0.2) for s in range(2)),
        *(run("he", s, [3.0, 3.0, 3.0], lr=0.1) for s in range(2)),
        *(run("he", s, [3.0, 3.0, 0.0], lr=0.2) for s in range(2)),
    )
    best = statistics.at_best_rate(table).groupby("init")["lr"].unique()
    assert best["critical"].tolist() == [0.1] and best["he"].tolist() == [0.2]
    gain = statistics.gain_at_best_rate(table)["gain"].item()
    assert gain == pytest.approx((6 - 7) / 3)


def test_the_largest_stable_rate_is_the_last_at_which_every_seed_descends():
    table = runs(
        *(run("he", s, [3.0, 2.0, 1.0], lr=0.1) for s in range(2)),
        run("he", 0, [3.0, 2.0, 1.0], lr=0.2),
        run("he", 1, [3.0, 4.0, 5.0], lr=0.2),
        *(run("he", s, [3.0], lr=0.4, diverged=True) for s in range(2)),
    )
    rate = statistics.largest_stable_rate(table).iloc[0]
    assert (rate["stable_lr"], rate["tried_up_to"]) == (0.1, 0.4)


def test_the_gain_may_be_over_another_initialisation_than_hes():
    table = runs(
        run("critical", 0, [1.0, 1.0]), run("he", 0, [2.0, 2.0]), run("standard", 0, [4.0, 4.0])
    )
    assert statistics.gain_of_critical(table, over="standard").iloc[0]["gain"] == 3.0
    assert statistics.gain_at_best_rate(table, over="standard").iloc[0]["gain"] == 3.0
    assert statistics.gain_at_best_rate(table).iloc[0]["gain"] == 1.0


def test_a_critical_network_is_compared_with_the_relu_network_of_its_seed():
    table = runs(
        *(run("critical", s, [1.0, 1.0, 1.0]) for s in range(3)),
        *(run("he", s, [9.0, 9.0, 9.0]) for s in range(3)),
        *(run("he", s, [1.0 + s] * 3).assign(activation="ReLU") for s in (2, 0, 1)),
    )
    ahead = statistics.ahead_of_relu(table)
    assert len(ahead) == 1 and ahead["activation"].item() == "SWISH"
    assert ahead["gain"].item() == pytest.approx(1.0)
    assert (ahead["min"].item(), ahead["max"].item()) == (0.0, 2.0)
