"""Bring the book up to date: what is stale is found here, by content, and run by Snakemake.

Snakemake orders the jobs and shares out cores and GPUs. Its memory of earlier runs is thrown away:
it goes by dates, and a kill may leave it damaged.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.freshness import (
    is_fresh,
    is_whole,
    seal_of,
    site_is_fresh,
    site_seal_of,
)
from smoothrelu.book.runner.lock import only_one
from smoothrelu.book.runner.parameters import chapters, effective, published
from smoothrelu.book.runner.site import index_of, site


class BuildFailed(RuntimeError):
    """A job failed; it has already said why."""


def build(root: Path) -> str:
    """Execute what is stale with the published parameters, build the site; return a last line."""
    names = _chapters(root)
    wanted = {name: published(root, name) for name in names}  # a wrong book/params.yml stops here
    with _this_book(root) as lock:
        force = _stale(root, wanted)
        if not force and index_of(root).exists() and site_is_fresh(root):
            return f"The book is up to date: {index_of(root)}"
        _snakemake(root, lock, ["site"], [*force, "pages"])
    return f"The book is ready: {index_of(root)}"


def chapter(root: Path, name: str, overrides: str = "") -> str:
    """Execute one chapter with ``overrides``, whatever was never executed, and build the site."""
    wanted = {name: effective(root, name, overrides)}
    new = [other for other in _chapters(root) if other != name and not is_whole(root, other)]
    with _this_book(root) as lock:
        config = ["--config", f"asked={json.dumps({name: overrides})}"]
        force = [*_stale(root, wanted), *(_target(root, each) for each in new)]
        _snakemake(root, lock, [_target(root, each) for each in [name, *new]], force, config)
        page = site(root).parent / "book" / "chapters" / f"{name}.html"
    return f"The page is ready: {page}"


def _chapters(root: Path) -> list[str]:
    names = chapters(root)
    if not names:
        raise BookError("there is no chapter: notebooks/ holds no file like 01_name.py")
    return names


def _stale(root: Path, wanted: dict[str, dict]) -> list[str]:
    """Seals of the chapters to execute: what they are made from changed, or the page did."""
    return [_target(root, name) for name in wanted if not is_fresh(root, name, wanted[name])]


def _target(root: Path, name: str) -> str:
    return str(seal_of(root, name).relative_to(root))


def _snakemake(
    root: Path, lock: int, targets: list[str], force: list[str], options: Sequence[str] = ()
) -> None:
    """Run the graph; jobs speak on stdout, Snakemake itself only when it is what failed."""
    _forget(root)
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "all", "--keep-going"]
    command += ["--nolock", "--resources", "gpu=1", *options]
    command += ["--forcerun", *force] if force else []
    done = subprocess.run(command, cwd=root, stderr=subprocess.PIPE, text=True, pass_fds=[lock])
    (root / ".snakemake" / "book.log").write_text(done.stderr)
    if done.returncode != 0:
        jobs_spoke = "Error in rule" in done.stderr and "Traceback" not in done.stderr
        raise BuildFailed("" if jobs_spoke else f"Snakemake failed:\n{done.stderr.strip()}")


def _forget(root: Path) -> None:
    """Leave Snakemake no memory, and no date from the future, which it takes for an error."""
    for memory in ("metadata", "incomplete", "iocache"):
        shutil.rmtree(root / ".snakemake" / memory, ignore_errors=True)
    for seal in (*(seal_of(root, name) for name in chapters(root)), site_seal_of(root)):
        if seal.exists() and seal.stat().st_mtime > time.time():
            os.utime(seal)


def _this_book(root: Path):
    """Unlike Snakemake's own lock, this one never has to be removed by hand."""
    return only_one(root / ".snakemake" / "book.lock", "the book is being built")
