"""Whether a chapter, or the site, was made from what is there now: by content, never by date.

A clock that was set back, a copied tree and an editor that saves during a run make dates lie. So an
executed chapter is sealed: book/chapters/NAME.json holds the digest of all that went into it, taken
before it ran, and the digest of the page, so that an altered page is seen too.
"""

import hashlib
import json
from pathlib import Path

from smoothrelu.book.runner.checks import Value
from smoothrelu.book.runner.parameters import chapters
from smoothrelu.book.runner.provenance import record_of
from smoothrelu.files import write_atomically

# What fetches data (checked by its sums) or builds the pages around a chapter cannot change it.
OUTSIDE = {"__main__", "data/download"}
OUTSIDE |= {f"book/runner/{name}" for name in ("__main__", "browser", "build", "freshness")}
OUTSIDE |= {f"book/runner/{name}" for name in ("lock", "pdf", "site")}
CHAPTER = ("data/manifest.json", "data/results/*.*", "book/claims.yml", "requirements.lock")
SITE = (
    "_config.yml",
    "_toc.yml",
    "requirements.lock",
    "smoothrelu/book/runner/site.py",
    "book/*.*",
    "book/_ext/**/*.py",
    "book/_static/**/*.*",
)


def is_fresh(root: Path, name: str, parameters: dict[str, Value]) -> bool:
    """Whether the page is whole, was made from what is there now, with these parameters, and no
    later attempt has failed or was killed.
    """
    if failed_of(root, name).exists() or running_of(root, name).exists():
        return False
    sealed = {"sources": sources(root, name), "page": page(root, name)}
    record = record_of(root, name)
    same = record is not None and record["parameters"] == parameters
    return same and _read(seal_of(root, name)) == sealed


def is_whole(root: Path, name: str) -> bool:
    """Whether there is a page, and it is as it was executed, as far as a seal can tell."""
    sealed = _read(seal_of(root, name))
    unaltered = not sealed or sealed.get("page") == page(root, name)
    return unaltered and record_of(root, name) is not None


def seal(root: Path, name: str, sources: str) -> None:
    """Say that the chapter was made from ``sources``, the digest taken before it ran."""
    record = {"sources": sources, "page": page(root, name)}
    write_atomically(seal_of(root, name), json.dumps(record, indent=1).encode())


def seal_of(root: Path, name: str) -> Path:
    """Path of a chapter's seal."""
    return root / "book" / "chapters" / f"{name}.json"


def failed_of(root: Path, name: str) -> Path:
    """Path of the notebook that a failed execution leaves."""
    return root / "book" / "chapters" / f"{name}.failed.ipynb"


def running_of(root: Path, name: str) -> Path:
    """Path of the notebook while it is executed."""
    return root / "book" / "chapters" / f"{name}.running.ipynb"


def sources(root: Path, name: str) -> str:
    """Digest of what can change the chapter, but for its parameters."""
    module = {
        path
        for path in _files(root, "smoothrelu/**/*.py")
        if path.relative_to(root / "smoothrelu").with_suffix("").as_posix() not in OUTSIDE
    }
    return _digest(root, module | _files(root, f"notebooks/{name}.py", *CHAPTER))


def page(root: Path, name: str) -> str:
    """Digest of the executed chapter."""
    return _digest(root, _files(root, f"book/chapters/{name}.ipynb"))


def site_is_fresh(root: Path) -> bool:
    """Whether the site was built from the executed chapters and the pages that are there."""
    return _read(site_seal_of(root)) == {"sources": site_sources(root)}


def seal_site(root: Path, sources: str) -> None:
    """Say that the site was built from ``sources``, the digest taken before it was built."""
    write_atomically(site_seal_of(root), json.dumps({"sources": sources}).encode())


def site_seal_of(root: Path) -> Path:
    """Path of the site's seal."""
    return root / "_build" / "site.json"


def site_sources(root: Path) -> str:
    """Digest of what can change the site."""
    pages = _files(root, *(f"book/chapters/{name}.ipynb" for name in chapters(root)))
    return _digest(root, pages | _files(root, *SITE))


def _read(path: Path) -> dict:
    """What a seal says; nothing where there is none, or what is there is no seal."""
    try:
        sealed = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return sealed if isinstance(sealed, dict) else {}


def _files(root: Path, *patterns: str) -> set[Path]:
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return {path for path in found if "__pycache__" not in path.parts}


def _digest(root: Path, paths: set[Path]) -> str:
    """Of the names and the bytes."""
    total = hashlib.sha256()
    for path in sorted(paths):
        one = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root)} {one}\n".encode())
    return total.hexdigest()
