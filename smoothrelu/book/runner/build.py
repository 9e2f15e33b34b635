"""Bring the book up to date: execute what is stale, found by content, and build the site.

Each stale chapter is executed by a process of its own, the longest first, as many at a time as
there are cores, and one at a time on a GPU. A chapter that fails does not stop the others.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.freshness import is_fresh, is_whole, site_is_fresh
from smoothrelu.book.runner.lock import only_one
from smoothrelu.book.runner.parameters import chapters, effective, published, source_of
from smoothrelu.book.runner.progress import say
from smoothrelu.book.runner.provenance import record_of
from smoothrelu.book.runner.site import index_of, site
from smoothrelu.provenance import cores

SECONDS_BETWEEN_LOOKS = 0.05


class BuildFailed(RuntimeError):
    """A chapter failed; it has already said why."""


def build(root: Path) -> str:
    """Execute what is stale with the published parameters, build the site; return a last line."""
    names = _chapters(root)
    wanted = {name: published(root, name) for name in names}  # a wrong book/params.yml stops here
    with _this_book(root) as lock:
        stale = {name: "" for name in names if not is_fresh(root, name, wanted[name])}
        if not stale and index_of(root).exists() and site_is_fresh(root):
            return f"The book is up to date: {index_of(root)}"
        _execute_all(root, stale, threads=_threads(len(names)), lock=lock)
        site(root)
    return f"The book is ready: {index_of(root)}"


def chapter(root: Path, name: str, overrides: str = "") -> str:
    """Execute one chapter with ``overrides``, whatever was never executed, and build the site."""
    wanted = effective(root, name, overrides)
    with _this_book(root) as lock:
        jobs = {other: "" for other in _chapters(root) if not is_whole(root, other)}
        if not is_fresh(root, name, wanted):
            jobs[name] = overrides
        _execute_all(root, jobs, threads=_threads(1), lock=lock)
        page = site(root).parent / "book" / "chapters" / f"{name}.html"
    return f"The page is ready: {page}"


def _chapters(root: Path) -> list[str]:
    names = chapters(root)
    if not names:
        raise BookError("there is no chapter: notebooks/ holds no file like 01_name.py")
    return names


def _this_book(root: Path):
    return only_one(root / "_build" / "book.lock", "the book is being built")


def _threads(jobs: int) -> int:
    """Of each job: the user's own choice, else the cores shared out over so many jobs."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    return int(chosen) if chosen.isdigit() else max(1, cores() // jobs)


def _execute_all(root: Path, jobs: dict[str, str], *, threads: int, lock: int) -> None:
    """Execute chapters, given with their overrides; BuildFailed at the end if any failed."""
    waiting = sorted(jobs, key=lambda name: _expected_seconds(root, name), reverse=True)
    on_gpu = {name for name in waiting if _wants_gpu(effective(root, name, jobs[name]))}
    running: dict[str, subprocess.Popen] = {}
    failed = False
    try:
        while waiting or running:
            busy = on_gpu & running.keys()
            startable = [name for name in waiting if name not in on_gpu or not busy]
            if startable and len(running) < max(1, cores() // threads):
                name = startable[0]
                waiting.remove(name)
                running[name] = _start(root, name, jobs[name], threads, lock)
                continue
            time.sleep(SECONDS_BETWEEN_LOOKS)
            for name in [name for name, job in running.items() if job.poll() is not None]:
                failed |= _has_failed(name, running.pop(name).returncode)
    except BaseException:
        _end(list(running.values()))
        raise
    if failed:
        raise BuildFailed


def _start(root: Path, name: str, overrides: str, threads: int, lock: int) -> subprocess.Popen:
    """A process that executes one chapter, and holds the book's lock should it outlive us."""
    command = [sys.executable, "-m", "smoothrelu.book.runner", "execute", name]
    command += [f"--params={overrides}"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(command, cwd=root, env=environment, pass_fds=[lock])


def _has_failed(name: str, code: int) -> bool:
    if code < 0:  # a job that fails by itself has said why
        reason = signal.Signals(-code).name
        say(name, f"killed by {reason}; most often the machine ran out of memory")
    return code != 0


def _end(jobs: list[subprocess.Popen]) -> None:
    """Let each job end its kernel."""
    for job in jobs:
        job.terminate()
    for job in jobs:
        job.wait()


def _expected_seconds(root: Path, name: str) -> float:
    """As long as the last time; were it never executed, a second for a kilobyte of source."""
    record = record_of(root, name)
    return record["seconds"] if record else source_of(root, name).stat().st_size / 1000


def _wants_gpu(parameters: dict) -> bool:
    """Kernels together on a GPU would race for its memory."""
    device = str(parameters.get("device", "cpu"))
    return device != "cpu" and (device != "auto" or shutil.which("nvidia-smi") is not None)
