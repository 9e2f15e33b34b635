"""What the studies of SUGAR say: known tables in, known summaries out; and each figure drawn."""

import numpy as np
import pandas
import pytest

from smoothrelu.book import figures
from smoothrelu.book.statistics import sugar as statistics
from smoothrelu.book.studies import STUDIES
from smoothrelu.experiments.committed import published

RELU = {"activation": "ReLU"}
B_SILU = {"activation": "SUGAR", "surrogate": "BSiLU"}
PLACE = ("network", "width", "depth", "init", "initial_bias", "images")
RUN = dict.fromkeys((*PLACE, "surrogate", "temperature"), np.nan)
RUN |= {"dataset": "cifar10", "network": "VGG", "seed": 0, "lr": 0.05, "diverged": False}
RUN |= {"epoch": 9}


def table(*rows):
    return pandas.DataFrame([RUN | row for row in rows])


def labelled(*rows):
    return statistics.concat_labelled(table(*rows))


def test_activations_get_their_names():
    rows = labelled(
        RELU,
        B_SILU,
        {"activation": "SUGAR", "surrogate": "GELU", "temperature": 0.3},
        {"activation": "GELU"},
    )
    assert rows["surrogate"].tolist() == ["ReLU", "B-SiLU", "GELU", "GELU both ways"]


@pytest.mark.parametrize("name", [n for n in STUDIES if n.startswith("sugar_")])
def test_every_activation_of_the_studies_has_a_name_and_every_network_a_kind(name):
    runs = pandas.DataFrame([run.description() for run in STUDIES[name]().runs])
    rows = statistics.labelled(runs)
    assert rows["surrogate"].notna().all() and rows["network"].notna().all()


def test_a_difference_is_paired_by_seed_and_has_students_interval():
    rows = [
        a | {"seed": s, "test_acc": v, "dead_0": 0.5, "dead_1": 0.0}
        for a, values in ((RELU, [0.1, 0.4, 0.2]), (B_SILU, [0.2, 0.6, 0.5]))
        for s, v in enumerate(values)
    ]
    gap = statistics.differences(labelled(*rows)).set_index("surrogate").loc["B-SiLU"]
    half = 4.302653 * 0.1 / np.sqrt(3)  # t(0.975, 2), and the deviation of 0.1, 0.2, 0.3
    assert gap["difference"] == pytest.approx(0.2)
    assert (gap["ci_low"], gap["ci_high"]) == pytest.approx((0.2 - half, 0.2 + half), rel=1e-5)
    assert (gap["value"], gap["dead"]) == (pytest.approx(1.3 / 3), 0.25)


def test_the_best_rate_is_chosen_by_validation_and_a_diverged_run_counts_as_nothing():
    rates = {0.01: (0.5, 0.9, False), 0.1: (0.6, 0.2, False), 1.0: (0.9, 0.9, True)}
    rows = [
        RELU | {"seed": s, "lr": lr, "valid_acc": v, "test_acc": t, "diverged": d}
        for s in (0, 1)
        for lr, (v, t, d) in rates.items()
    ]
    best = statistics.at_best_rate(labelled(*rows))
    assert best["lr"].tolist() == [0.1, 0.1] and best["test_acc"].tolist() == [0.2, 0.2]


def test_revived_is_the_part_by_which_the_dead_became_fewer():
    rows = [
        RELU | {"epoch": e, "dead_0": a, "dead_1": b}
        for e, a, b in ((0, 0.5, 0.5), (10, 0.25, 0.0))
    ]
    assert statistics.revived(labelled(*rows))["revived"].item() == pytest.approx(0.75)


def test_ranks_are_correlated_seed_by_seed_and_a_difference_is_said_with_its_interval():
    runs = pandas.DataFrame({"seed": [0] * 3 + [1] * 3, "x": [1, 2, 3] * 2})
    runs["y"] = [1, 4, 9, 9, 4, 1]
    assert statistics.rank_correlation(runs, "x", "y")[0] == pytest.approx(0)
    gaps = pandas.DataFrame([{"surrogate": "ELU", "network": "VGG", "difference": 0.01}])
    gaps = gaps.assign(ci_low=-0.02, ci_high=0.04)
    assert statistics.format_difference(gaps, "ELU", network="VGG") == "+0.010 (-0.020 to +0.040)"


def test_surviving_leaves_out_an_activation_of_which_a_seed_diverged():
    network = {"network": "FullyConnected", "depth": 20}
    rows = [
        network | a | {"seed": s, "diverged": d}
        for a, s, d in ((RELU, 0, False), (B_SILU, 0, False), (B_SILU, 1, True))
    ]
    kept = statistics.surviving(labelled(*rows), "cifar10", 20, 0.05)
    assert kept["surrogate"].tolist() == ["ReLU"]


def test_the_growth_per_layer_is_that_of_a_geometric_series():
    flow = pandas.DataFrame({"surrogate": "ELU", "back": [0, 1, 2] * 2, "seed": [0] * 3 + [1] * 3})
    flow["square"], flow["theory_square"] = 1.5 ** flow["back"], 1.4 ** flow["back"]
    row = statistics.per_layer(flow).iloc[0]
    assert (row["gain"], row["ci_low"], row["theory"]) == pytest.approx((1.5, 1.5, 1.4))


def test_a_surface_and_a_histogram_come_out_of_the_tall_table():
    rows = [
        RELU | {"part": p, "i": i, "j": j, "value": v}
        for p, i, j, v in (
            *(("surface", i, j, 10.0 ** (i + j)) for i in range(3) for j in range(3)),
            *(("firing", 0, 0, 3), ("firing", 0, 2, 1)),
        )
    ]
    snapshots = table(*rows)
    grid = statistics.surface(snapshots, "VGG", "ReLU")
    assert grid.loc[1.0, -1.0] == 100 and grid.loc[0.0, 0.0] == 100
    assert statistics.roughness(grid) == pytest.approx(0, abs=1e-12)
    histogram = statistics.firing(snapshots)
    assert histogram["share"].tolist() == [0.75, 0.25] and histogram["rate"].tolist() == [0, 1]
    assert set(histogram["layer"]) == {1}


def test_the_figures_draw_the_committed_tables():
    drowned = statistics.revived(statistics.labelled(published("sugar_drowned")))
    deep = statistics.concat_labelled(published("sugar_deep"))
    images = statistics.concat_labelled(published("sugar_vgg"), published("sugar_resnet"))
    snapshots = published("sugar_trained")
    both = {n: statistics.surface(snapshots, "ResNet", n) for n in ("ReLU", "B-SiLU")}
    drawn = [
        figures.revived_by_slope(drowned.assign(slope=0.1)),
        figures.deaths(statistics.by_layer(statistics.surviving(deep, "mnist", 20, 0.01))),
        figures.accuracy_by_surrogate(statistics.differences(images[images["lr"] == 0.05])),
        figures.firing(statistics.firing(snapshots), [1, 5]),
        figures.loss_surfaces(both),
    ]
    titles = [[ax.get_title() for ax in figure.axes] for figure in drawn]
    assert titles[2] == ["VGG", "ResNet"] and titles[4][:2] == ["ReLU", "B-SiLU"]
    assert all("<svg" in figure._repr_svg_() for figure in drawn)
