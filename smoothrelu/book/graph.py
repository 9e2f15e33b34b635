"""Bring the book up to date through Snakemake, which decides what has to run."""

import json
import subprocess
import sys
from pathlib import Path

from smoothrelu.book.checks import BookError
from smoothrelu.book.lock import only_one
from smoothrelu.book.parameters import chapters, effective, published
from smoothrelu.book.provenance import record_of
from smoothrelu.book.site import index_of, site


class BuildFailed(RuntimeError):
    """A job failed; it has already said why."""


def build(root: Path) -> str:
    """Execute what is stale with the published parameters, build the site; return a last line."""
    names = _chapters(root)
    wanted = {name: published(root, name) for name in names}  # a wrong book/params.yml stops here
    before = _time_of(index_of(root))
    with _this_book(root):
        force = _differing(root, wanted) + ([] if before else ["pages"])
        _snakemake(root, ["site"], force)
    what = "is up to date" if _time_of(index_of(root)) == before else "is ready"
    return f"The book {what}: {index_of(root)}"


def chapter(root: Path, name: str, overrides: str = "") -> str:
    """Execute one chapter with ``overrides``, whatever was never executed, and build the site."""
    wanted = {name: effective(root, name, overrides)}
    new = [other for other in _chapters(root) if other != name and not record_of(root, other)]
    with _this_book(root):
        config = ["--config", f"asked={json.dumps({name: overrides})}"]
        targets = [f"book/chapters/{each}.json" for each in [name, *new]]
        _snakemake(root, targets, _differing(root, wanted), config)
        page = site(root).parent / "book" / "chapters" / f"{name}.html"
    return f"The page is ready: {page}"


def _chapters(root: Path) -> list[str]:
    names = chapters(root)
    if not names:
        raise BookError("there is no chapter: notebooks/ holds no file like 01_name.py")
    return names


def _differing(root: Path, wanted: dict[str, dict]) -> list[str]:
    """Records of chapters whose page is gone, or was made with other parameters.

    Snakemake does not see it when that happened behind its back.
    """
    records = {name: record_of(root, name) for name in wanted}
    return [
        f"book/chapters/{name}.json"
        for name, record in records.items()
        if record is None or record["parameters"] != wanted[name]
    ]


def _snakemake(root: Path, targets: list[str], force: list[str], options=()) -> None:
    """Run the graph; jobs speak on stdout, Snakemake itself only when it is what failed."""
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "all", "--keep-going"]
    command += ["--rerun-incomplete", "--nolock", "--resources", "gpu=1", *options]
    command += ["--forcerun", *force] if force else []
    done = subprocess.run(command, cwd=root, stderr=subprocess.PIPE, text=True)
    (root / ".snakemake" / "book.log").write_text(done.stderr)
    if done.returncode != 0:
        jobs_spoke = "Error in rule" in done.stderr and "Traceback" not in done.stderr
        raise BuildFailed("" if jobs_spoke else f"Snakemake failed:\n{done.stderr.strip()}")


def _this_book(root: Path):
    """Unlike Snakemake's own lock, this one never has to be removed by hand."""
    return only_one(root / ".snakemake" / "book.lock", "the book is being built")


def _time_of(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
