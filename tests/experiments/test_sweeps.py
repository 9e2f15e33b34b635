"""Runs are values, finished runs are found again, and a damaged result is never used."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from smoothrelu import GELU, SWISH, Run, critical_init_, he_init_, standard_init_, sweep
from smoothrelu.experiments.run_key import run_key
from smoothrelu.experiments.store import Store

SMALL = Run(
    "mnist", SWISH(0.5), critical_init_, seed=0, n_train=50, n_test=20, width=8, depth=3, steps=5
)
CPU = torch.device("cpu")


def test_a_sweep_is_a_tidy_table_with_provenance(tmp_path):
    runs = [SMALL, dataclasses.replace(SMALL, activation=nn.ReLU(), init=he_init_)]
    table = sweep(runs, store=Store(tmp_path), progress=None)
    assert len(table) == 12 and list(table["step"]) == [*range(6)] * 2
    assert set(table["activation"]) == {"SWISH", "ReLU"} and set(table["init"]) == {
        "critical",
        "he",
    }
    expected = "temperature seed lr train_loss test_loss train_acc test_acc diverged seconds device"
    assert set(expected.split()) | {"torch", "commit", "date"} <= set(table.columns)
    assert table["test_acc"].notna().sum() == 4  # at the first and the last step of each


def test_the_same_run_gives_the_same_numbers_bit_for_bit(tmp_path):
    first = sweep([SMALL], store=Store(tmp_path / "a"), progress=None)
    second = sweep([SMALL], store=Store(tmp_path / "b"), progress=None)
    assert list(first["train_loss"]) == list(second["train_loss"])


def test_a_run_trains_a_copy_of_its_activation(tmp_path):
    run = dataclasses.replace(SMALL, activation=SWISH(nn.Parameter(torch.tensor(0.5))), lr=1.0)
    first = sweep([run], store=Store(tmp_path / "a"), progress=None)
    assert run.activation.temperature.item() == 0.5
    second = sweep([run], store=Store(tmp_path / "b"), progress=None)
    assert list(first["train_loss"]) == list(second["train_loss"])


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"dataset": "mnits"}, "mnits"),
        ({"width": -3}, "width must be a positive integer, got -3"),
        ({"steps": 2.5}, "steps must be a non-negative integer, got 2.5"),
        ({"lr": -1.0}, "positive and finite, got -1.0"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"init": "he"}, "init"),
    ],
    ids=str,
)
def test_a_field_out_of_range_is_refused_when_the_run_is_made(wrong, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(SMALL, **wrong)


def test_a_finished_run_is_never_computed_again(tmp_path):
    first = sweep([SMALL], store=Store(tmp_path), progress=None)
    again = sweep([SMALL], store=Store(tmp_path), progress=None)
    assert list(first["seconds"]) == list(again["seconds"]) and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "cifar10"},
        {"activation": SWISH(0.25)},
        {"activation": GELU(0.5)},
        {"init": standard_init_},
        *(
            {name: 7}
            for name in ["seed", "n_train", "n_test", "width", "depth", "steps", "test_every"]
        ),
        {"lr": 0.02},
    ],
)
def test_every_field_of_a_run_changes_its_key(change):
    assert set(change) <= {f.name for f in dataclasses.fields(Run)}
    assert run_key(dataclasses.replace(SMALL, **change), CPU) != run_key(SMALL, CPU)


def test_the_key_does_not_depend_on_which_object_holds_the_temperature():
    again = dataclasses.replace(SMALL, activation=SWISH(0.5))
    assert run_key(again, CPU) == run_key(SMALL, CPU)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"", lambda b: b.replace(b"0.", b"1.", 1)]
)
def test_a_damaged_result_is_named_set_aside_and_computed_again(tmp_path, damage):
    good = sweep([SMALL], store=Store(tmp_path), progress=None)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match=f"{path.name} is damaged"):
        again = sweep([SMALL], store=Store(tmp_path), progress=None)
    assert list(again["train_loss"]) == list(good["train_loss"])
    assert path.with_suffix(".damaged").exists()


def test_a_result_of_another_format_or_another_run_is_not_used(tmp_path):
    store = Store(tmp_path)
    store.put("one", {"x": 1})
    (tmp_path / "two.json").write_bytes((tmp_path / "one.json").read_bytes())
    with pytest.warns(UserWarning, match="belongs to another run"):
        assert store.get("two") is None
    outer = json.loads((tmp_path / "one.json").read_text()) | {"format": 99}
    (tmp_path / "one.json").write_text(json.dumps(outer))
    with pytest.warns(UserWarning, match="its format is 99"):
        assert store.get("one") is None


def test_a_killed_sweep_goes_on_where_it_stopped(tmp_path):
    code = (
        "from smoothrelu import *; from smoothrelu.experiments.store import Store; import sys\n"
        "runs = [Run('mnist', SWISH(), critical_init_, s, n_train=50, n_test=20, width=8, depth=3,"
        " steps=300) for s in range(200)]\n"
        "sweep(runs, store=Store(sys.argv[1]), progress=None)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    deadline = time.time() + 300
    while len(list(tmp_path.glob("*.json"))) < 3 and time.time() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # its workers die a moment later
    finished = {p.name: p.read_bytes() for p in tmp_path.glob("*.json")}
    assert 3 <= len(finished) < 200
    first = Run(
        "mnist", SWISH(), critical_init_, 0, n_train=50, n_test=20, width=8, depth=3, steps=300
    )
    table = sweep([first], store=Store(tmp_path), progress=None)
    assert len(table) == 301
    assert {p.name: p.read_bytes() for p in tmp_path.glob("*.json")} == finished


def test_a_diverged_run_is_a_result_and_not_a_crash(tmp_path):
    wild = dataclasses.replace(SMALL, lr=1e8, steps=60)
    table = sweep([wild], store=Store(tmp_path), progress=None)
    assert table["diverged"].all() and len(table) < 61


def test_an_init_without_a_name_is_refused_since_it_could_not_be_found_again(tmp_path):
    nameless = dataclasses.replace(SMALL, init=lambda net, generator: net)
    with pytest.raises(ValueError, match="define it in a module"):
        sweep([nameless], store=Store(tmp_path), progress=None)
