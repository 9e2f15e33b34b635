"""What is said of learned hardness: known paths in, known drifts, profiles and drops out."""

import numpy as np
import pandas
import pytest

from smoothrelu import LambdaGELU, sweep
from smoothrelu.book import figures
from smoothrelu.book.statistics import lambda_gelu as statistics
from smoothrelu.book.studies import lambda_gelu
from smoothrelu.experiments.store import Store
from smoothrelu.networks.image_networks import FullyConnected

WHERE = {"dataset": "mnist", "network": "Net", "width": 8, "depth": 3, "init": "he"}
WHERE |= {"optimizer": "SGD", "lr": 0.1, "train_loss": 1.0}

RELU = {"activation": "ReLU", "hardness": np.nan, "t": np.nan}


def _gelu_with(hardness):
    return {"activation": "LambdaGELU", "hardness": hardness, "t": 0.1}


def rows(activation, seed, hardness, acc, relu_acc, c=1.0, tolerance=None):
    """A run's rows as a sweep gives them: hardness[epoch][layer], acc[epoch], relu_acc[epoch]."""
    path = dict(zip(("hardness_0", "hardness_1"), np.transpose(hardness), strict=True))
    seen = {"epoch": range(len(acc)), "diverged": False}
    for split in ("valid", "test"):
        seen |= {f"{split}_acc": acc, f"{split}_loss": np.subtract(1, acc)}
        seen |= {f"relu_{split}_acc": relu_acc, f"relu_{split}_loss": np.subtract(1, relu_acc)}
    of_run = activation | {"seed": seed, "c": c, "tolerance": tolerance}
    return pandas.DataFrame(WHERE | of_run | path | seen)


def learned(seed, moves, **changed):
    """lambda-GELU whose first layer moves at each epoch by `moves` and whose second by twice that,
    the other way.
    """
    first = 1.5 + np.cumsum([0.0, *moves])
    path = np.stack([first, 1.5 - 2 * (first - 1.5)], 1)
    fields = {"acc": [0.1, 0.8, 0.7], "relu_acc": [0.1, 0.5, 0.6]} | changed
    return rows(_gelu_with(1.5), seed, path, **fields)


def gelu(seed, acc):
    return rows(_gelu_with(1.0), seed, np.ones((3, 2)), acc, acc)


def one_row(*all_rows):
    return statistics.final_rows(pandas.concat(all_rows, ignore_index=True))


def test_drift_is_the_mean_absolute_change_over_layers_and_epochs_and_the_score_the_best():
    run = one_row(learned(0, [0.1, -0.3])).iloc[0]
    assert run["drift"] == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)
    assert (run["best_valid_acc"], run["valid_acc"], run["epoch"]) == (0.8, 0.7, 2)
    assert (run["activation"], run["hardness"], run["t"]) == ("lambda-GELU", 1.5, 0.1)
    assert (run["hardness_0"], run["hardness_1"]) == pytest.approx((1.3, 1.9))


def test_beside_a_deeper_network_the_drift_is_over_the_layers_a_network_has():
    deeper = learned(0, [0.1, 0.1]).assign(network="Deeper()", hardness_2=[1.0, 2.0, 3.0])
    table = one_row(learned(0, [0.1, -0.3]), deeper).set_index("network")
    assert table.loc["Net", "drift"] == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)
    assert table.loc["Deeper()", "drift"] == pytest.approx((0.1 + 0.2 + 1.0) / 3)


def test_a_run_that_diverged_says_so_and_drifts_over_the_epochs_it_had():
    broken = learned(0, [0.1, 0.1]).iloc[:2].assign(diverged=True)
    run = one_row(broken).iloc[0]
    assert run["diverged"] and run["drift"] == pytest.approx(0.15)


def test_the_change_against_gelu_is_paired_by_seed_with_students_interval():
    scores = [0.5, 0.6, 0.8]
    table = one_row(
        *(gelu(seed, [0.0, score, 0.0]) for seed, score in enumerate(scores)),
        *(learned(seed, [0.1, 0.1]) for seed in range(3)),
        learned(0, [0.1, 0.1], tolerance=0.1),
    )
    (row,) = statistics.over_gelu(table).to_dict("records")
    differences = 0.8 - np.array(scores)
    half = 4.302653 * differences.std(ddof=1) / np.sqrt(3)  # t(0.975, 2)
    assert row["change"] == pytest.approx(differences.mean()) and row["n_seeds"] == 3
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        (differences.mean() - half, differences.mean() + half), rel=1e-6
    )


def test_the_mean_change_is_over_the_settings_first_and_then_over_the_seeds():
    table = one_row(
        *(gelu(seed, [0.0, 0.5 + seed / 10, 0.0]) for seed in range(2)),
        *(learned(s, [0.1, 0.1], acc=[0.0, 0.6, 0.0], c=1.0) for s in range(2)),
        *(learned(s, [0.1, 0.1], acc=[0.0, 0.8, 0.0], c=3.0) for s in range(2)),
    )
    (row,) = statistics.mean_change(table).to_dict("records")
    assert row["mean"] == pytest.approx((0.2 + 0.1) / 2)
    half = 12.7062 * 0.05  # t(0.975, 1), and the standard error of 0.2 and 0.1
    assert row["ci_high"] - row["mean"] == pytest.approx(half, rel=1e-4)


def test_drift_ratios_compare_neighbours_seed_by_seed():
    table = one_row(
        *(learned(s, [0.1 * (s + 1) * c] * 2, c=c) for s in range(2) for c in (1.0, 2.0, 6.0))
    )
    ratios = statistics.drift_ratios(table, "c")
    assert list(zip(ratios["smaller"], ratios["larger"], strict=True)) == [(1, 2), (2, 6)]
    assert np.exp(ratios["mean"]).tolist() == pytest.approx([2, 3])
    assert ratios["ci_high"].to_numpy() == pytest.approx(ratios["ci_low"].to_numpy())  # no scatter


def test_the_drop_is_what_the_substitution_takes_and_none_for_relu():
    relu = rows(RELU, 0, np.full((3, 2), np.nan), [0.1, 0.5, 0.9], [np.nan] * 3)
    drops = statistics.substitution_drops(one_row(learned(0, [0.1, 0.1]), relu))
    smooth, hard = drops.to_dict("records")
    assert (smooth["acc_drop"], smooth["loss_change"]) == pytest.approx((0.1, 0.1))
    assert (smooth["relu_acc"], hard["relu_acc"], hard["acc_drop"]) == (0.6, 0.9, 0.0)


def test_a_column_is_held_against_a_reference_with_the_same_seed():
    table = one_row(
        *(learned(s, [0.1, 0.1], acc=[0.0, 0.0, 0.5 + s / 10]) for s in range(2)),
        *(learned(s, [0.1, 0.1], acc=[0.0, 0.0, 0.6 + s / 5], tolerance=0.1) for s in range(2)),
    )
    (row,) = statistics.against(table, "valid_acc", table["tolerance"].isna()).to_dict("records")
    assert row["mean"] == pytest.approx((0.1 + 0.2) / 2) and row["tolerance"] == 0.1


def profile_runs(orders):
    """One row a run: the profile of hardness of each (start, seed)."""
    fixed = dict.fromkeys(statistics.RUN, 0) | {"dataset": "mnist", "network": "Net"}
    found = []
    for (start, seed), order in orders.items():
        profile = {f"hardness_{place}": start + level / 100 for place, level in enumerate(order)}
        found.append(fixed | {"hardness": start, "seed": seed} | profile)
    return pandas.DataFrame(found)


def test_equal_profiles_correlate_wholly_opposite_ones_negatively():
    up, down = list(range(12)), list(range(12))[::-1]
    starts = {1.0: (up, down), 2.0: (up, down), 3.0: (down, up)}
    runs = profile_runs({(s, seed): p[seed] for s, p in starts.items() for seed in (0, 1)})
    table = statistics.rank_correlations(runs).set_index(["first", "second"])
    assert table["mean"].tolist() == pytest.approx([1, -1, -1])
    assert np.isnan(table["of_means"]).all()  # averaged over these seeds, no layer differs
    profiles = statistics.profiles(runs)
    twelfth = profiles[(profiles["layer"] == 12) & (profiles["hardness"] == 2.0)]
    assert twelfth["rank"].tolist() == [12.0, 1.0]


def test_layers_learned_count_each_run_once_and_no_hardened_one():
    runs = [learned(0, [0.1, 0.1]), learned(1, [0.1, 0.1]), gelu(0, [0.1, 0.2, 0.3])]
    table = one_row(*runs, learned(0, [0.1, 0.1], tolerance=0.1))
    again = one_row(runs[0])
    found = statistics.layers_learned([table, again])
    assert found.groupby("seed").size().tolist() == [2, 2] and found["tolerance"].isna().all()


def test_chance_is_the_quantile_of_the_normal_law_of_many_random_orders():
    runs = profile_runs({(s, seed): range(10) for s in (1.0, 2.0) for seed in range(5)})
    chance = statistics.rank_correlations(runs)["chance"].item()
    assert chance == pytest.approx(1.96 / np.sqrt(9 * 5), rel=0.05)  # variance 1/(n - 1) each


def test_a_real_sweep_goes_through_all_of_it(tmp_path):
    where = {"dataset": "mnist", "network": FullyConnected(width=8, depth=4), "lr": 0.05}
    small = {"n_train": 100, "n_valid": 50, "n_test": 20, "epochs": 2, "batch_size": 20}
    runs = lambda_gelu.relu(where, [0, 1], **small) + lambda_gelu.gelu(where, [0, 1], **small)
    for tolerance in (None, 0.01):
        runs += lambda_gelu.learned(
            where, LambdaGELU(), [0, 1], c=9.0, tolerance=tolerance, **small
        )
    results = sweep(runs, store=Store(tmp_path), progress=None)
    table = statistics.final_rows(results)
    assert table.groupby("activation").size().to_dict() == {"ReLU": 2, "GELU": 2, "lambda-GELU": 4}
    of_gelu = table.loc[table["activation"] == "GELU", ["hardness_0", "hardness_2"]]
    assert (of_gelu == 1).to_numpy().all()
    hardened = table[table["tolerance"] == 0.01]
    assert hardened["hardness_0"].to_numpy() == pytest.approx(79.788, rel=1e-4)
    changes = statistics.over_gelu(table)
    assert (changes["drift"] > 0).all() and (changes["n_seeds"] == 2).all()
    averages = statistics.mean_over_seeds(statistics.substitution_drops(table), "acc_drop")
    assert averages["n_seeds"].tolist() == [2, 2, 2, 2]


# --- the figures
# -------------------------------------------------------------------------------------------------


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_the_drift_map_writes_the_change_in_points_in_bold_where_it_is_sure():
    cells = [
        (0.1, 1.0, 0.012, 0.002),
        (0.1, 3.0, -0.004, -0.01),
        (1.0, 1.0, 0, -1),
        (1.0, 3.0, 0, -1),
    ]
    table = pandas.DataFrame(cells, columns=["t", "c", "change", "ci_low"])
    table = table.assign(dataset="mnist", ci_high=0.03, drift=[0.01, 0.1, 0.001, 0.01])
    figure = figures.drift_map(table)
    assert texts(figure) == ["+1.2", "-0.4", "+0.0", "+0.0"]
    weights = [text.get_weight() for text in figure.axes[0].texts]
    assert weights == ["bold", "normal", "normal", "normal"]


def test_a_line_for_each_layer_and_a_panel_for_each_setting():
    runs = [learned(0, [0.1, 0.1]), learned(0, [0.1, 0.1], tolerance=0.01)]
    paths = statistics.paths(pandas.concat(runs, ignore_index=True))
    free, hardened = figures.hardness_paths(paths).axes
    assert len(free.lines) == len(hardened.lines) == 2
    assert free.lines[0].get_ydata().tolist() == pytest.approx([1.5, 1.6, 1.7])
    assert (free.get_yscale(), hardened.get_yscale()) == ("linear", "log")


def test_drops_are_shown_in_points_with_their_interval_and_without_relu():
    relu = rows(RELU, 0, np.full((3, 2), np.nan), [0.1, 0.5, 0.9], [np.nan] * 3)
    smooth = [learned(s, [0.1, 0.1], relu_acc=[0.1, 0.5, 0.59 + s / 50]) for s in range(2)]
    flat = np.ones((3, 2))
    softest = [
        rows(_gelu_with(1.0), s, flat, [0.1, 0.5, 0.9], [0.1, 0.5, 0.6 + s / 10]) for s in range(2)
    ]
    table = one_row(relu, *smooth, *softest)
    drops = statistics.substitution_drops(table)
    top, bottom = figures.substitution_drops(
        *(statistics.mean_over_seeds(drops, column) for column in ("acc_drop", "loss_change"))
    ).axes
    assert [label.get_text() for label in bottom.get_xticklabels()] == ["not hardened", "GELU"]
    assert top.containers[0].lines[0].get_ydata()[0] == pytest.approx(10.0)
    assert bottom.containers[0].lines[0].get_ydata()[0] == pytest.approx(0.1)
    assert top.get_title() == "MNIST\nNet"


def test_profiles_have_a_colour_for_each_start_and_ranks_beside_them():
    runs = profile_runs({(s, seed): [2, 1, 3] for s in (1.0, 2.0) for seed in (0, 1)})
    learned_ax, rank_ax = figures.hardness_profiles(statistics.profiles(runs)).axes
    assert [line.get_label() for line in rank_ax.lines] == ["1", "2"]
    assert all(line.get_ydata().tolist() == [2, 1, 3] for line in rank_ax.lines)
    assert learned_ax.lines[0].get_ydata().tolist() == pytest.approx([1.02, 1.01, 1.03])
