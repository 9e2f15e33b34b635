"""Executed chapters and prose pages to the site, by Jupyter Book, with no warning tolerated.

Every build is a cold one: after a page has changed, a warm Sphinx build passes `-W` with a broken
reference still in a page that it did not write again.  The new site takes the place of the old one
only when it is whole.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from smoothrelu.book.runner.checks import BookError
from smoothrelu.book.runner.freshness import is_whole, seal_site, site_seal_of, site_sources
from smoothrelu.book.runner.lock import only_one
from smoothrelu.book.runner.parameters import chapters
from smoothrelu.book.runner.progress import say
from smoothrelu.book.runner.provenance import table
from smoothrelu.files import write_atomically

COMMAND = "from jupyter_book.cli.main import main; main()"
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")
_COMPLAINT = re.compile(r"WARNING|ERROR|Errno")
_CELL = re.compile(r"book/chapters/(?P<chapter>\w+)\.ipynb:(?P<position>\d{5,}):")
INJECTED = "injected-parameters"  # papermill's tag; such a cell is in no source
STRICT = ["-W", "-n", "--keep-going"]


class SiteFailed(RuntimeError):
    """Jupyter Book complained; the message holds its complaints."""


def index_of(root: Path) -> Path:
    """The page a reader opens."""
    return root / "_build" / "html" / "index.html"


def site(root: Path) -> Path:
    """Build the site from the executed chapters; return the path of its first page."""
    missing = [name for name in chapters(root) if not is_whole(root, name)]
    if missing:
        raise BookError(f"not executed yet: {', '.join(missing)}; `make book` does it")
    with only_one(root / "_build" / "site.lock", "the site is being built"):
        return _built(root)


def _built(root: Path) -> Path:
    say("site", "building")
    began, made_from = time.monotonic(), site_sources(root)
    site_seal_of(root).unlink(missing_ok=True)
    provenance = root / "book" / "chapters" / "provenance-table.md"
    write_atomically(provenance, table(root).encode())
    new, current = root / "_build" / "new", index_of(root).parent
    _end_swap(current)
    shutil.rmtree(new, ignore_errors=True)
    _jupyter_book(root, new)
    _swap(new / "_build" / "html", current)
    shutil.rmtree(new, ignore_errors=True)
    seal_site(root, made_from)
    say("site", f"built in {time.monotonic() - began:.1f} s: {index_of(root)}")
    return index_of(root)


def _jupyter_book(root: Path, into: Path) -> None:
    into.mkdir(parents=True)
    command = [sys.executable, "-c", COMMAND, "build", "."]
    command += ["--path-output", str(into), *STRICT]
    done = subprocess.run(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    log = root / "_build" / "site.log"
    log.write_text(done.stdout)
    if done.returncode != 0:
        complaints = _complaints(done.stdout, root)
        raise SiteFailed(f"{complaints}\nthe whole log: {log.relative_to(root)}")


def _complaints(output: str, root: Path) -> str:
    """Sphinx's warnings and errors, each once, in the words of who writes the notebooks."""
    lines = [_TERMINAL_CODES.sub("", line).replace(f"{root}/", "") for line in output.splitlines()]
    marked = [line for line in lines if _COMPLAINT.search(line)] or lines[-15:]
    readable = [
        _CELL.sub(lambda match: _in_source(match, root), line) for line in dict.fromkeys(marked)
    ]
    kept = "; the last good one is untouched" if index_of(root).exists() else ""
    return f"the site was not built{kept}:\n    " + "\n    ".join(readable)


def _in_source(match: re.Match, root: Path) -> str:
    """``notebooks/NAME.py:LINE`` of a complaint; myst-nb counts 10,000 lines a cell."""
    name = match["chapter"]
    cell, line = divmod(int(match["position"]), 10_000)
    cells = json.loads((root / "book" / "chapters" / f"{name}.ipynb").read_text())["cells"]
    kept = [
        n for n, other in enumerate(cells, 1) if INJECTED not in other["metadata"].get("tags", [])
    ]
    source = (root / "notebooks" / f"{name}.py").read_text().splitlines()
    heads = [number for number, text in enumerate(source, 1) if text.startswith("# %%")]
    start = dict(zip(kept, heads, strict=False)).get(cell, 1)
    return f"notebooks/{name}.py:{start + line - 1}:"


def _end_swap(current: Path) -> None:
    """Bring back the last good site where a build was killed between the two renames."""
    old = current.with_name("old")
    if old.exists() and not current.exists():
        os.replace(old, current)


def _swap(new: Path, current: Path) -> None:
    old = current.with_name("old")
    shutil.rmtree(old, ignore_errors=True)
    if current.exists():
        os.replace(current, old)
    os.replace(new, current)
    shutil.rmtree(old, ignore_errors=True)
