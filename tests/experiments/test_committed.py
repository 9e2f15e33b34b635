"""The committed tables: what is written is what is read, and what was altered is refused."""

import pandas
import pytest

from smoothrelu.data.datasets import DataError
from smoothrelu.experiments.committed import RESULTS, publish, published

TABLE = pandas.DataFrame({"activation": ["SWISH", "ReLU"], "loss": [0.125, 2 / 3]})


def test_a_table_comes_back_as_it_was_written_with_its_provenance(tmp_path):
    publish("some", TABLE, {"device": ["cpu"]}, tmp_path)
    back = published("some", tmp_path)
    pandas.testing.assert_frame_equal(back, TABLE, rtol=1e-6, check_exact=False)
    assert back.attrs["device"] == ["cpu"] and back.attrs["rows"] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"some.csv", "some.json"}


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b.replace(b"0.125", b"0.126")])
def test_an_altered_table_is_named_and_never_used(tmp_path, damage):
    publish("some", TABLE, {}, tmp_path)
    path = tmp_path / "some.csv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"some\.csv is not the table.*make paper STUDY=some"):
        published("some", tmp_path)


def test_a_damaged_record_and_a_missing_table_are_named_with_the_remedy(tmp_path):
    with pytest.raises(DataError, match="no table of 'some'.*make paper STUDY=some"):
        published("some", tmp_path)
    publish("some", TABLE, {}, tmp_path)
    (tmp_path / "some.json").write_text("{")
    with pytest.raises(DataError, match=r"some\.json is damaged"):
        published("some", tmp_path)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda p: p.stem)
def test_every_committed_table_is_the_one_its_record_describes(path):
    table = published(path.stem)
    assert len(table) == table.attrs["rows"]
