"""The store of finished runs: one small JSON file each, found again by the hash of what made it.

A file holds its own SHA-256: one that was truncated or altered is named, set aside and not used.
"""

import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path

_FORMAT = 1


class Store:
    """A folder of finished results by key; `folder` is made at the first write."""

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)

    def get(self, key: str) -> dict | None:
        """The result stored under the key, or None. A damaged file is renamed to *.damaged, with a
        warning.
        """
        path = self._path(key)
        try:
            blob = path.read_bytes()
        except FileNotFoundError:
            return None
        problem, result = _unpack(blob, key)
        if problem is None:
            return result
        aside = path.with_suffix(".damaged")
        os.replace(path, aside)
        warnings.warn(
            f"{path} is damaged ({problem}); it was set aside as {aside.name}, "
            "and the run is computed again",
            stacklevel=2,
        )
        return None

    def put(self, key: str, result: dict) -> None:
        """Store a result atomically: other readers see the whole file or none, a killed writer
        leaves none.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{key}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_pack(result, key))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path(key))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def default_store() -> Store:
    """$SMOOTHRELU_STORE where it is set (the book's builds set it), otherwise a folder in the
    user's cache.
    """
    folder = os.environ.get("SMOOTHRELU_STORE")
    if folder is None:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(cache) / "smoothrelu" / "runs"
    return Store(folder)


def _pack(result: dict, key: str) -> bytes:
    body = json.dumps(result, sort_keys=True)
    return json.dumps(
        {"format": _FORMAT, "key": key, "sha256": _sum(body), "result": body}
    ).encode()


def _unpack(blob: bytes, key: str) -> tuple[str | None, dict | None]:
    """(None, the result), or (what is wrong, None)."""
    try:
        outer = json.loads(blob)
        if outer["format"] != _FORMAT:
            return f"its format is {outer['format']!r}, expected {_FORMAT}", None
        if outer["key"] != key:
            return "it belongs to another run", None
        if outer["sha256"] != _sum(outer["result"]):
            return "its checksum does not match", None
        return None, json.loads(outer["result"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "it is not a whole result file", None


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
