"""The committed tables of the long runs are what their studies compute: a slice of each, anew."""

import pandas
import pytest

from smoothrelu.experiments import sweep
from smoothrelu.published import RESULTS, published
from smoothrelu.results import Store
from smoothrelu.studies import STUDIES
from smoothrelu.studies.__main__ import main
from smoothrelu.studies.full_batch import FULL_BATCH

# Another machine rounds otherwise, and training amplifies it: a percent. On one machine the numbers
# are those of the table, to its seven digits.
TOLERANCE = 0.01


def smallest_runs(name, count):
    """Of the study, some short runs at a modest learning rate."""
    runs = [run for run in STUDIES[name]().runs if run.lr <= 0.02 and run.seed == 0]
    return sorted(runs, key=lambda run: run.seconds())[:count]


def telling(runs, table):
    """The columns of the table that tell the runs apart; an empty text is read back as NaN."""
    return [c for c in runs[0].description() if c in table.columns and table[c].notna().any()]


@pytest.mark.parametrize(
    "name, column",
    [
        ("mnist_rates", "mean_loss"),
        ("ntk_mnist", "second_difference_energy"),
        ("sugar_drowned", "test_acc"),
    ],
)
def test_a_slice_computed_from_an_empty_store_ends_where_the_committed_table_is(
    tmp_path, name, column
):
    table, runs = published(name), smallest_runs(name, 2)
    kept = STUDIES[name]().keep(sweep(runs, store=Store(tmp_path), progress=None))
    on = telling(runs, table) + [c for c in ("epoch",) if c in table.columns]
    both = kept.merge(table, on=on, suffixes=("", "_committed"))
    assert len(both) == len(kept) >= len(runs)
    assert both[column].to_numpy() == pytest.approx(both[f"{column}_committed"], rel=TOLERANCE)


COMMITTED = {path.stem for path in RESULTS.glob("*.json")}


@pytest.mark.parametrize("name", sorted(COMMITTED & {*FULL_BATCH}))
def test_a_committed_table_has_the_runs_that_its_study_lists(name):
    table, runs = published(name), STUDIES[name]().runs
    listed, on = pandas.DataFrame([run.description() for run in runs]), telling(runs, table)
    assert len(listed[on].drop_duplicates()) == len(runs) == table.attrs["runs"]
    merged = listed[on].merge(table[on].drop_duplicates(), on=on, how="outer", indicator=True)
    assert (merged["_merge"] == "both").all()


def test_a_misspelt_study_is_refused_and_the_list_names_all(capsys):
    with pytest.raises(SystemExit):
        main(["run", "mnist_wram"])
    assert "mnist_warm" in capsys.readouterr().err
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in STUDIES)
