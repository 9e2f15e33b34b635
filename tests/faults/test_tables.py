"""Committed tables and the store, damaged, or with nowhere to be written: what is kept?"""

import dataclasses
import json

import pandas
import pytest

from smoothrelu import SWISH, Run, critical_init_, sweep
from smoothrelu.data.datasets import DataError
from smoothrelu.experiments.committed import publish, published
from smoothrelu.experiments.store import Store

TABLE = pandas.DataFrame({"activation": ["SWISH", "ReLU"] * 9, "loss": [0.125, 2 / 3] * 9})
LONG = pandas.concat([TABLE] * 2000)
RUN = Run("mnist", SWISH(0.5), critical_init_, 0, n_train=50, n_test=20, width=8, depth=3, steps=2)
DAMAGES = {
    "truncated": lambda content: content[:-3],
    "empty": lambda content: b"",
    "flipped": lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
    "lines swapped": lambda content: b"\n".join(reversed(content.split(b"\n"))),
}


@pytest.mark.fault("published tables", "truncated, or one bit is flipped", kept="the other tables")
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_altered_table_is_named_with_the_remedy_and_never_used(tmp_path, damage):
    for name in ("finite_width", "another"):
        publish(name, TABLE, {}, tmp_path)
    path = tmp_path / "finite_width.csv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"finite_width\.csv is not.*make the table"):
        published("finite_width", tmp_path, command="make the table")
    assert len(published("another", tmp_path)) == 18


@pytest.mark.fault("published tables", "the record is garbage", kept="the table")
@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"rows": 18}', "[" * 100_000, "\x80"])
def test_a_table_whose_record_is_garbage_is_not_used(tmp_path, text):
    publish("some", TABLE, {}, tmp_path)
    (tmp_path / "some.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=r"some\.json is damaged; restore it from git"):
        published("some", tmp_path)


@pytest.mark.fault("published tables", "full disk", kept="the old table and its record, whole")
def test_a_full_disk_leaves_the_old_table(tmp_path, disk):
    folder = tmp_path / "results"
    publish("some", TABLE, {"commit": "old"}, folder)
    disk(folder)
    with pytest.raises(OSError, match="No space left on device"):
        publish("some", LONG, {"commit": "new"}, folder)
    assert len(published("some", folder)) == 18
    assert {path.name for path in folder.iterdir()} == {"some.csv", "some.json"}


@pytest.mark.fault("published tables", "read-only", kept="the old table and its record")
def test_a_read_only_folder_of_tables_is_named(tmp_path, disk):
    folder = tmp_path / "results"
    publish("some", TABLE, {}, folder)
    disk(folder).make_read_only()
    with pytest.raises(OSError, match="Read-only file system: .*results"):
        publish("some", LONG, {}, folder)
    assert len(published("some", folder)) == 18


@pytest.mark.fault("store", "a file of another version", kept="the file, set aside")
@pytest.mark.parametrize(
    "content",
    [
        lambda good: json.dumps(json.loads(good) | {"format": 2}).encode(),
        lambda good: json.dumps(json.loads(good) | {"key": "another"}).encode(),
        lambda good: good.replace(b"0.", b"1.", 1),
        lambda good: good[:-1],
        lambda good: b"[" * 100_000,
        lambda good: b"\x80",
        lambda good: b"3",
    ],
    ids=["format", "key", "number", "truncated", "nested", "no text", "no object"],
)
def test_a_result_that_is_not_as_it_was_stored_is_set_aside_and_computed_again(tmp_path, content):
    store = Store(tmp_path)
    good = sweep([RUN], store=store, progress=None)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(broken := content(path.read_bytes()))
    with pytest.warns(UserWarning, match=f"{path.name} is damaged"):
        again = sweep([RUN], store=store, progress=None)
    provenance = ["seconds", "commit", "date"]
    assert again.drop(columns=provenance).equals(good.drop(columns=provenance))
    assert path.with_suffix(".damaged").read_bytes() == broken


@pytest.mark.fault("store", "read-only", kept="all results, which are read")
def test_a_read_only_store_gives_what_it_has_and_is_named_when_more_is_asked(tmp_path, disk):
    folder = tmp_path / "store"
    there = sweep([RUN], store=Store(folder), progress=None)
    disk(folder).make_read_only()
    assert sweep([RUN], store=Store(folder), progress=None).equals(there)
    with pytest.raises(OSError, match="Read-only file system.; set SMOOTHRELU_STORE"):
        sweep([dataclasses.replace(RUN, seed=1)], store=Store(folder), progress=None)


@pytest.mark.fault("store", "read-only, with a damaged result", kept="the results that are whole")
def test_a_damaged_result_in_a_read_only_store_is_never_used(tmp_path, disk):
    folder = tmp_path / "store"
    sweep([RUN], store=Store(folder), progress=None)
    (path,) = folder.glob("*.json")
    path.write_bytes(path.read_bytes()[:-1])
    disk(folder).make_read_only()
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(OSError, match="set SMOOTHRELU_STORE"),
    ):
        sweep([RUN], store=Store(folder), progress=None)
