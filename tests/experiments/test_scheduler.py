"""However runs are spread over processes, their numbers are the same; whatever the program is that
sweeps, its workers start, and end with it.
"""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest
import torch

from smoothrelu import GELU, SWISH, LambdaGELU, Run, critical_init_, grid, sweep
from smoothrelu.experiments.ensemble import train_together
from smoothrelu.experiments.run import examples_at_once
from smoothrelu.experiments.run_key import run_key
from smoothrelu.experiments.scheduler import _in_batches, _processes, _threads, complete, cores
from smoothrelu.experiments.store import Store
from smoothrelu.training.observers import CountSignFlips, TrackNTK

CPU = torch.device("cpu")
SMALL = Run(
    "mnist", SWISH(0.5), critical_init_, seed=0, n_train=50, n_test=20, width=8, depth=3, steps=5
)
PROGRAM = """
import sys
from smoothrelu import SWISH, critical_init_, grid, sweep
from smoothrelu.experiments.store import Store
runs = grid(dataset="mnist", activation=SWISH(0.5), init=critical_init_, seed=[0, 1], n_train=50,
            n_test=20, width=8, depth=3, steps={steps})
table = sweep(runs, store=Store({folder!r}), workers=2, progress=None)
print("rows", len(table))
"""


def numbers(table):
    return table.drop(columns=["seconds", "commit", "date"])


def test_the_numbers_do_not_depend_on_the_number_of_workers_bit_for_bit(tmp_path):
    watched = (TrackNTK(10), CountSignFlips(10))
    runs = [
        *grid(**vars(SMALL) | {"seed": [0, 1], "observe": watched}),
        dataclasses.replace(SMALL, activation=GELU(0.1), width=64, n_train=500, depth=11),
    ]
    with torch.random.fork_rng():
        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            here = sweep(runs, store=Store(tmp_path / "1"), workers=1, progress=None)
        finally:
            torch.set_num_threads(threads)
    spread = sweep(runs, store=Store(tmp_path / "2"), workers=2, progress=None)
    assert numbers(here).equals(numbers(spread))
    assert {"ntk_trace", "ntk_second_difference", "sign_flips"} <= set(here.columns)
    assert len(list((tmp_path / "2").iterdir())) == 3  # no lock, checkpoint or temporary file


def test_threads_of_this_process_give_the_numbers_of_one(tmp_path, monkeypatch):
    monkeypatch.setattr("smoothrelu.experiments.scheduler.cores", lambda: 2)
    larger = dataclasses.replace(SMALL, n_train=500, width=128, depth=6)
    runs = [
        dataclasses.replace(larger, seed=seed, activation=kind, observe=observe)
        for seed, kind, observe in [
            (0, GELU(0.1), ()),
            (1, SWISH(0.5), (TrackNTK(10), CountSignFlips(10))),
            (2, torch.nn.ReLU(), ()),
        ]
    ]
    by_key = {run_key(run, CPU): run for run in runs}
    cost = sum(run.seconds() for run in runs)
    assert _processes(None, [run.seconds() for run in runs], CPU) == 1
    assert _threads(None, by_key, cost, CPU) == 2
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    several = sweep(runs, store=Store(tmp_path / "2"), progress=None)
    assert before == (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    one = sweep(runs, store=Store(tmp_path / "1"), workers=1, progress=None)
    assert numbers(several).equals(numbers(one))


def test_threads_are_used_for_short_work_of_long_steps_only():
    short = {str(seed): dataclasses.replace(SMALL, seed=seed) for seed in range(3)}
    long = {key: dataclasses.replace(run, n_train=500, width=256) for key, run in short.items()}
    taught = {"a": dataclasses.replace(long["0"], activation=LambdaGELU())} | long
    assert _threads(None, long, 1.0, CPU) == min(cores(), 3)
    assert _threads(None, long, 100.0, CPU) == 1  # could not be interrupted
    assert _threads(1, long, 1.0, CPU) == 1 and _threads(None, long, 1.0, torch.device("meta")) == 1
    assert _threads(None, short, 1.0, CPU) == 1  # they would wait for the interpreter
    assert _threads(None, taught, 1.0, CPU) == 1  # a shared hardness


@pytest.mark.parametrize("file", ["-", "script.py"], ids=["stdin", "script without a main guard"])
def test_workers_start_under_any_program(tmp_path, file):
    program = PROGRAM.format(steps=5, folder=str(tmp_path / "store"))
    (tmp_path / "script.py").write_text(program)
    run = subprocess.run(
        [sys.executable, file], input=program, capture_output=True, text=True, cwd=tmp_path
    )
    assert run.stdout == "rows 12\n" and run.stderr == ""


def test_workers_start_in_a_notebooks_kernel(tmp_path):
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    program = PROGRAM.format(steps=5, folder=str(tmp_path / "store"))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(program)])
    client.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    assert book.cells[0].outputs[-1]["text"] == "rows 12\n"


def processes_of_session(leader):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes in /proc")
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=lambda blow: blow.name)
def test_workers_end_with_an_interrupted_or_killed_sweep(tmp_path, blow):
    program = PROGRAM.format(steps=10**6, folder=str(tmp_path))
    sweeping = subprocess.Popen(
        [sys.executable, "-c", program], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob(".*.lock"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(processes_of_session(sweeping.pid)) == 3
    os.kill(sweeping.pid, blow)
    _, said = sweeping.communicate(timeout=20)
    assert (said.count("Traceback"), "KeyboardInterrupt" in said) == (
        (1, True) if blow == signal.SIGINT else (0, False)
    )
    while processes_of_session(sweeping.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of_session(sweeping.pid) == []


def test_the_longest_run_goes_first(tmp_path):
    runs = [dataclasses.replace(SMALL, steps=steps) for steps in (5, 200, 50)]
    by_key = {run_key(run, CPU): run for run in runs}
    assert complete(by_key, Store(tmp_path), CPU, workers=1) == {}
    ended = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [by_key[path.stem].steps for path in ended] == [200, 50, 5]


def test_the_estimate_of_a_runs_cost_is_right_to_an_order_of_magnitude(tmp_path):
    cheap = dataclasses.replace(SMALL, n_train=100, width=64, depth=11)
    dear = dataclasses.replace(cheap, n_train=2000, width=256)
    sweep([cheap], store=Store(tmp_path / "warm"), workers=1, progress=None)
    table = sweep([cheap, dear], store=Store(tmp_path), workers=1, progress=None)
    taken = table.groupby("width")["seconds"].first()
    assert taken[64] < taken[256] and cheap.seconds() < dear.seconds()
    assert 0.1 < dear.seconds() / taken[256] < 10


def test_processes_are_started_where_they_pay(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == 1 and _processes(None, [100.0] * 4, CPU) == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    assert cores() == 3
    assert _processes(None, [100.0] * 4, CPU) == 3
    assert _processes(None, [0.1] * 4, CPU) == 1  # done before a process has started
    assert _processes(None, [100.0, 0.1], CPU) == 1  # nothing to share
    assert _processes(2, [0.1] * 4, CPU) == 2 and _processes(8, [0.1], CPU) == 1
    with pytest.raises(ValueError, match="workers must be a positive integer"):
        _processes(0, [1.0], CPU)


def test_the_bar_counts_runs_and_costs_nothing_where_there_is_none_to_compute(tmp_path, capsys):
    runs = [SMALL, dataclasses.replace(SMALL, seed=1)]
    sweep(runs, store=Store(tmp_path), progress="two nets")
    said = capsys.readouterr().err
    assert "two nets: 100%" in said and "2/2 runs" in said
    sweep(runs, store=Store(tmp_path), progress="two nets")
    assert capsys.readouterr().err == ""


def test_memory_decides_how_many_examples_go_at_once_and_the_chunks_are_equal():
    assert examples_at_once(SMALL, 784) == 50
    full = dataclasses.replace(SMALL, n_train=60_000, width=256, depth=50)
    chunk = examples_at_once(full, 784)
    assert chunk * (784 + 2 * 256 * 50) <= 2**25
    assert (-(-60_000 // chunk)) * chunk - 60_000 < 50  # the last chunk is about as large


def test_a_batch_of_nets_equals_each_net_alone_to_rounding():
    size = {"width": 32, "depth": 6, "steps": 100}
    runs = grid(**vars(SMALL) | size | {"seed": [0, 1], "lr": [0.01, 0.05]})
    for (together, diverged), run in zip(train_together(runs, CPU), runs, strict=True):
        alone, _ = run.train(CPU)
        assert not diverged and [set(r) for r in together] == [set(r) for r in alone]
        for name, tolerance in dict(train_loss=1e-4, test_loss=1e-4, test_acc=0.051).items():
            ours, theirs = ([r[name] for r in rs if name in r] for rs in (together, alone))
            assert ours == pytest.approx(theirs, rel=tolerance, abs=tolerance * (tolerance > 0.05))


def test_a_net_that_diverges_in_a_batch_disturbs_no_other():
    runs = [dataclasses.replace(SMALL, lr=lr, steps=60) for lr in (0.01, 1e8)]
    (calm, fine), (wild, diverged) = train_together(runs, CPU)
    beside, alone = ([r["train_loss"] for r in rs] for rs in (calm, runs[0].train(CPU)[0]))
    assert beside == pytest.approx(alone, rel=1e-5) and len(calm) == 61 and not fine
    assert diverged and len(wild) == len(runs[1].train(CPU)[0]) < 61


def test_a_batch_of_different_shapes_or_with_observers_is_refused():
    for change in (dict(width=9), dict(activation=SWISH(0.6)), dict(observe=(TrackNTK(),))):
        with pytest.raises(ValueError, match="one shape and no observers"):
            train_together([SMALL, dataclasses.replace(SMALL, **change)], CPU)


def test_the_engines_batches_leave_the_same_store_but_for_rounding(tmp_path):
    runs = [*grid(**vars(SMALL) | {"seed": [0, 1]}), dataclasses.replace(SMALL, n_train=10**6)]
    by_key = {run_key(run, CPU): run for run in runs}
    todo, replies, store = deque(by_key.items()), {}, Store(tmp_path)
    _in_batches(todo, store, CPU, replies.__setitem__)
    assert not todo and [bool(replies[key].problem) for key in by_key] == [False, False, True]
    for key, run in list(by_key.items())[:2]:
        losses = [r["train_loss"] for r in store.get(key)["records"]]
        assert losses == pytest.approx([r["train_loss"] for r in run.train(CPU)[0]], rel=1e-5)
    assert len(list(tmp_path.iterdir())) == 2
