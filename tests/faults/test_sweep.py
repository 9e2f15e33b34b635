"""What a sweep survives: kill -9, a second sweep, a full disk, damaged files, runs that fail."""

import dataclasses
import errno
import json
import os
import random
import subprocess
import sys
import time

import pandas
import pytest
import torch

from smoothrelu import SWISH, Run, critical_init_, grid, sweep
from smoothrelu.experiments.checkpoints import Checkpoint
from smoothrelu.experiments.run_key import run_key
from smoothrelu.experiments.store import Store
from smoothrelu.experiments.sweeps import SweepFailed

CPU = torch.device("cpu")
SMALL = Run(
    "mnist", SWISH(0.5), critical_init_, seed=0, n_train=50, n_test=20, width=8, depth=3, steps=5
)
FAULTY = """
import os, resource, signal, time
from dataclasses import dataclass

@dataclass(frozen=True)
class KillsItsProcess:
    def __call__(self, data, run):
        os.kill(os.getpid(), signal.SIGKILL)

@dataclass(frozen=True)
class Breaks:
    def __call__(self, data, run):
        raise RuntimeError("the observer broke")

@dataclass(frozen=True)
class FillsTheDisk:  # from here on this process can write no file beyond 2000 bytes: EFBIG
    def __call__(self, data, run):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        return lambda step, model: {}
"""
# Forks sweeps from one process that has torch loaded, and kills each with all its workers.
KILLER = """
import json, os, random, signal, sys, time
from pathlib import Path
import pandas
from smoothrelu import SWISH, grid, he_init_, sweep
from smoothrelu.experiments import worker
from smoothrelu.experiments.checkpoints import Checkpoint
from smoothrelu.experiments.run_key import run_key
from smoothrelu.experiments.store import Store

calm, folder, kills, moments = Path("calm"), Path("killed"), 20, random.Random(int(sys.argv[1]))
Checkpoint.__init__.__kwdefaults__["every"] = 0.04
runs = grid(dataset="mnist", activation=SWISH(0.5), init=he_init_, seed=list(range(24)), n_train=50,
            n_test=20, width=8, depth=3, steps=100)

worker.current_provenance(), run_key(runs[0], worker.torch.device("cpu"))  # cached before the forks

def start(folder, workers=1):
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        table = sweep(runs, store=Store(folder), workers=workers, progress=None)
        table.drop(columns=["seconds", "commit", "date"]).to_pickle(f"{folder}.pkl")
        os._exit(0)
    os.setpgid(child, child)  # here too: the child may be killed before it came to it
    return child

def timed(folder):
    begun = time.monotonic()
    assert os.waitpid(start(folder), 0)[1] == 0
    return time.monotonic() - begun

def unfinished():
    return len([*folder.glob("*.json")]) < len(runs)

def changed(lock):
    try:
        return lock.stat().st_ctime_ns
    except FileNotFoundError:  # its run has ended since it was listed
        return 0

whole, loading = timed(calm), timed(calm)
for kill in range(kills):
    workers, begun = 2 if kill == 9 else 1, time.time_ns()
    child = start(folder, workers)
    if kill % 3 == 1:  # anywhere, from the start on; the others while runs are computed
        time.sleep(moments.uniform(0, loading))
    else:
        while unfinished() and not any(changed(f) > begun for f in folder.glob(".*.lock")):
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 3 * (whole - loading) / len(runs)))
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    time.sleep(0.05)  # workers are not our children: they die a moment later
    print(json.dumps({f.name: f.stat().st_mtime_ns for f in folder.glob("*")}), flush=True)
timed(folder)
print(json.dumps({f.name: f.stat().st_mtime_ns for f in folder.glob("*")}), flush=True)
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """An importable module of observers that break their run."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "faulty.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    yield __import__("faulty")
    del sys.modules["faulty"]


def numbers(table):
    return table.drop(columns=["seconds", "commit", "date"])


def listings_of_killed_sweeps(folder, seed):
    """The files and their times after each of twenty kills, and after the sweep that was left."""
    killer = subprocess.run(
        [sys.executable, "-c", KILLER, str(seed)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert killer.returncode == 0 and killer.stderr == "", killer.stderr
    return [json.loads(line) for line in killer.stdout.splitlines()]


@pytest.mark.fault("sweep", "kill -9 at twenty random moments", kept="every finished run")
def test_twenty_kills_at_random_moments_lose_no_run_and_change_no_number(tmp_path):
    listings = listings_of_killed_sweeps(tmp_path, seed=4)
    finished, counts = {}, []
    for files in listings:
        done = {name: when for name, when in files.items() if name.endswith(".json")}
        assert finished.items() <= done.items()  # none lost, none written again
        finished = done
        counts.append(len(done))
    assert len(listings) == 21 and counts[10] > 0 and counts[-1] == len(listings[-1]) == 24
    left = {name.split(".")[-1] for files in listings for name in files}
    assert {"lock", "json"} <= left <= {"lock", "json", "checkpoint", "tmp"}  # kills did strike
    calm, killed = (pandas.read_pickle(tmp_path / f"{name}.pkl") for name in ("calm", "killed"))
    assert calm.equals(killed)


KILLED_ONCE = """
import sys
from smoothrelu.experiments.checkpoints import Checkpoint
from test_sweep_runs import RUN
from smoothrelu import sweep
from smoothrelu.experiments.store import Store
Checkpoint.__init__.__kwdefaults__["every"] = 0.05
sweep([RUN], store=Store(sys.argv[1]), progress=None)
"""
RUNS = """
from smoothrelu import SWISH, Run, critical_init_
from smoothrelu.training.observers import CountSignFlips, TrackNTK
RUN = Run("mnist", SWISH(0.1), critical_init_, 0, n_train=100, n_test=50, width=16, depth=4,
          steps=1500, observe=(TrackNTK(10), CountSignFlips(10)))
"""


def start_of_one_run(folder):
    (folder / "test_sweep_runs.py").write_text(RUNS)
    store = folder / "store"
    process = subprocess.Popen([sys.executable, "-c", KILLED_ONCE, str(store)], cwd=folder)
    deadline = time.monotonic() + 60
    while not list(store.glob("*.checkpoint")) and time.monotonic() < deadline:
        time.sleep(0.01)
    return process, store


@pytest.mark.fault("sweep", "kill -9 of a long run", kept="its checkpoint")
def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_bits(tmp_path, monkeypatch):
    process, store = start_of_one_run(tmp_path)
    time.sleep(random.Random(0).uniform(0, 0.5))
    process.kill()
    process.wait()
    assert list(store.glob("*.checkpoint")) and not list(store.glob("*.json"))
    monkeypatch.syspath_prepend(tmp_path)
    run = __import__("test_sweep_runs").RUN
    (path,) = store.glob("*.checkpoint")
    reached = len(Checkpoint(path, device=CPU).load()["records"])
    assert 0 < reached < run.steps
    resumed = sweep([run], store=Store(store), progress=None)
    undisturbed = sweep([run], store=Store(tmp_path / "calm"), progress=None)
    assert numbers(resumed).equals(numbers(undisturbed)) and len(resumed) == run.steps + 1
    assert [p.suffix for p in store.iterdir()] == [".json"]


@pytest.mark.fault("sweep", "a checkpoint is truncated or flipped", kept="the numbers")
@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"", lambda b: b[:99] + b"?" + b[100:]]
)
def test_a_damaged_checkpoint_is_named_and_ignored(tmp_path, damage):
    store, key = Store(tmp_path), run_key(SMALL, CPU)
    good = sweep([SMALL], store=Store(tmp_path / "good"), progress=None)
    checkpoint = Checkpoint(store.checkpoint_path(key), device=CPU)
    checkpoint.save({"parameters": [torch.zeros(3)], "records": [], "observers": []})
    assert checkpoint.load()["parameters"][0].tolist() == [0, 0, 0]
    checkpoint.path.write_bytes(damage(checkpoint.path.read_bytes()))
    with pytest.warns(UserWarning, match=f"{key}.checkpoint is not used"):
        table = sweep([SMALL], store=store, progress=None)
    assert numbers(table).equals(numbers(good)) and not checkpoint.path.exists()


@pytest.mark.fault("sweep", "two at once", kept="every run, computed once")
def test_two_sweeps_at_once_share_the_work_and_have_the_same_table(tmp_path):
    program = (
        "import sys; from smoothrelu import *; from smoothrelu.experiments.store import Store\n"
        "runs = grid(dataset='mnist', activation=SWISH(0.5), init=he_init_, seed=list(range(12)),"
        " n_train=50, n_test=20, width=8, depth=3, steps=1500)\n"
        "sweep(runs, store=Store('store'), workers=1, progress=None).to_pickle(sys.argv[1])"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, name], cwd=tmp_path) for name in "ab"]
    assert [process.wait(timeout=500) for process in both] == [0, 0]
    first, second = (pandas.read_pickle(tmp_path / name) for name in "ab")
    assert first.equals(second)  # seconds and dates too: each run was computed by one of them
    assert sorted(p.suffix for p in (tmp_path / "store").iterdir()) == [".json"] * 12


def test_a_run_in_another_sweeps_hands_is_waited_for(tmp_path):
    process, store = start_of_one_run(tmp_path)
    with Store(store).claim(next(store.glob("*.checkpoint")).stem) as mine:
        assert not mine
    assert process.wait(timeout=60) == 0


@pytest.mark.fault("sweep", "runs that raise, die or diverge", kept="the other runs")
def test_failing_runs_are_reported_by_name_and_the_others_go_on(tmp_path, faulty):
    store = Store(tmp_path / "store")
    good = [dataclasses.replace(SMALL, seed=seed) for seed in range(3)]
    dies = dataclasses.replace(SMALL, steps=9, observe=(faulty.KillsItsProcess(),))
    breaks = dataclasses.replace(SMALL, steps=8, observe=(faulty.Breaks(),))
    too_many = dataclasses.replace(SMALL, steps=7, n_train=10**6)
    wild = dataclasses.replace(SMALL, lr=1e8, steps=60)
    with pytest.raises(SweepFailed, match="3 of 7 runs failed; the others are stored") as failed:
        sweep([dies, breaks, too_many, wild, *good], store=store, workers=2, progress=None)
    causes = {run.steps: why for run, why in failed.value.causes}
    assert "killed by SIGKILL" in causes[9] and "KillsItsProcess" in str(failed.value)
    assert causes[8] == "RuntimeError: the observer broke" and "n_train = 1000000" in causes[7]
    table = failed.value.table
    assert (
        numbers(table).equals(numbers(sweep([wild, *good], store=store, progress=None)))
        and len(list(store.folder.glob("*.json"))) == 4
    )
    assert table.groupby("lr")["diverged"].all().to_dict() == {0.01: False, 1e8: True}


@pytest.mark.fault("sweep", "files may not grow beyond a limit", kept="the runs that fit")
def test_a_full_disk_fails_the_runs_that_do_not_fit_and_leaves_nothing_half_written(
    tmp_path, faulty
):
    store = Store(tmp_path / "store")
    large = dataclasses.replace(SMALL, steps=300, observe=(faulty.FillsTheDisk(),))
    small = [dataclasses.replace(SMALL, seed=seed) for seed in range(3)]
    with pytest.raises(SweepFailed, match="1 of 4 runs failed") as failed:
        sweep([large, *small], store=store, workers=2, progress=None)
    ((run, why),) = failed.value.causes
    assert run == large and os.strerror(errno.EFBIG) in why
    assert sorted(p.suffix for p in store.folder.iterdir()) == [".json"] * 3
    assert len(failed.value.table) == 18


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a file system cannot be mounted here ({error})")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.fault("sweep", "full disk", kept="the runs that fit")
def test_a_disk_that_fills_up_during_a_sweep_loses_only_what_does_not_fit(tiny_disk, tmp_path):
    runs = grid(**vars(SMALL) | {"seed": [0, 1, 2], "steps": [5, 3000]})
    with pytest.raises(SweepFailed, match=os.strerror(errno.ENOSPC)) as failed:
        sweep(runs, store=Store(tiny_disk), workers=1, progress=None)
    assert {run.steps for run, _ in failed.value.causes} == {3000}
    assert {p.suffix for p in tiny_disk.iterdir()} == {".json"}
    kept = sweep([r for r in runs if r.steps == 5], store=Store(tiny_disk), progress=None)
    calm = sweep([r for r in runs if r.steps == 5], store=Store(tmp_path / "s"), progress=None)
    assert numbers(kept).equals(numbers(calm))


def test_a_store_that_cannot_be_written_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "file").write_text("no folder")
    slow = dataclasses.replace(SMALL, steps=10**9)
    with pytest.raises(OSError, match=r"results cannot be stored in .*set SMOOTHRELU_STORE"):
        sweep([slow], store=Store(tmp_path / "file" / "store"), progress=None)


def test_a_read_only_store_still_gives_what_it_has(tmp_path):
    there = sweep([SMALL], store=Store(tmp_path), progress=None)
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user (root) may write where nobody may")
        assert sweep([SMALL], store=Store(tmp_path), progress=None).equals(there)
        with pytest.raises(PermissionError, match="results cannot be stored"):
            sweep([dataclasses.replace(SMALL, seed=1)], store=Store(tmp_path), progress=None)
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.fault("sweep", "stored results are truncated", kept="the files, set aside")
def test_a_corrupt_result_is_named_and_computed_again_by_a_worker(tmp_path):
    runs = [dataclasses.replace(SMALL, seed=seed) for seed in range(2)]
    good = sweep(runs, store=Store(tmp_path), progress=None)
    for path in tmp_path.glob("*.json"):
        path.write_bytes(path.read_bytes()[:50])
    with pytest.warns(UserWarning, match="is damaged"):
        again = sweep(runs, store=Store(tmp_path), workers=2, progress=None)
    assert numbers(again).equals(numbers(good))
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".damaged"] * 2 + [".json"] * 2
