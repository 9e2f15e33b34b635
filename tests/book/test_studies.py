"""The committed tables of the long runs are what their studies compute: a slice of each, anew."""

import pandas
import pytest

from smoothrelu.book.studies import STUDIES
from smoothrelu.book.studies.__main__ import main
from smoothrelu.book.studies.full_batch import FULL_BATCH
from smoothrelu.experiments.committed import RESULTS, published
from smoothrelu.experiments.store import Store
from smoothrelu.experiments.sweeps import sweep


def gentlest_runs(name, count):
    """Of the study, the runs whose small steps amplify rounding least, which another machine, or
    another formula for the same function, does otherwise; then the shortest.
    """
    runs = [run for run in STUDIES[name]().runs if run.seed == 0]
    return sorted(runs, key=lambda run: (run.lr, run.seconds()))[:count]


def telling(runs, table):
    """The columns of the table that tell the runs apart; an empty text is read back as NaN."""
    return [c for c in runs[0].description() if c in table.columns and table[c].notna().any()]


@pytest.mark.parametrize(
    "name, column, tolerance",
    [
        ("mnist_rates", "mean_loss", 1e-5),
        ("ntk_mnist", "second_difference_energy", 1e-5),
        ("sugar_drowned", "test_acc", 0.01),
    ],
)
def test_a_slice_computed_from_an_empty_store_ends_where_the_committed_table_is(
    tmp_path, name, column, tolerance
):
    table, runs = published(name), gentlest_runs(name, 2)
    kept = STUDIES[name]().keep(sweep(runs, store=Store(tmp_path), progress=None))
    on = telling(runs, table) + [c for c in ("epoch",) if c in table.columns]
    both = kept.merge(table, on=on, suffixes=("", "_committed"))
    assert len(both) == len(kept) >= len(runs)
    assert both[column].to_numpy() == pytest.approx(both[f"{column}_committed"], rel=tolerance)


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
