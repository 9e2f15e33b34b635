"""The store of finished runs: one small JSON file each, found again by the hash of what made it.

A file holds its own SHA-256: one that was truncated or altered is named, set aside and not used.
Beside the results stand, while a run is computed: its lock, its checkpoint and what is half
written. A process that dies leaves them; the next sweep takes over the checkpoint and removes the
rest.
"""

import contextlib
import json
import os
import tempfile
import warnings
from pathlib import Path

from smoothrelu.files import locked, sha256, write_atomically

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
        except OSError:  # where it is not that there is none, `require_writable` says what it is
            return None
        problem, result = _unpack(blob, key)
        if problem is None:
            return result
        aside = path.with_suffix(".damaged")
        with contextlib.suppress(OSError):  # another reader was first, or nobody may
            os.replace(path, aside)
        warnings.warn(
            f"{path} is damaged ({problem}); it was set aside as {aside.name}, "
            "and the run is computed again",
            stacklevel=2,
        )
        return None

    def put(self, key: str, result: dict) -> None:
        """Store a result atomically: other readers see the whole file or none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path(key), _pack(result, key))

    def checkpoint_path(self, key: str) -> Path:
        """Where the state of the unfinished run is kept."""
        return self.folder / f"{key}.checkpoint"

    def claim(self, key: str) -> contextlib.AbstractContextManager[bool]:
        """Whether the block, and no other process, has the run in hand; a dead process has none."""
        return locked(self.folder / f".{key}.lock", remove=True)

    def require_writable(self) -> None:
        """Make the folder and try it: OSError, with the remedy, where results could not be kept."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as error:
            raise type(error)(
                error.errno,
                f"results cannot be stored in {self.folder} ({error.strerror}); "
                "set SMOOTHRELU_STORE to a folder that can be written",
            ) from None

    def clear_away(self) -> None:
        """Remove what dead processes left, but for the checkpoints of unfinished runs."""
        if not os.path.isdir(self.folder):
            return
        for lock in self.folder.glob(".*.lock"):
            key = lock.name.removeprefix(".").removesuffix(".lock")
            with self.claim(key) as mine:
                if mine:
                    for half_written in self.folder.glob(f".{key}.*.tmp"):
                        half_written.unlink(missing_ok=True)
                    if self._path(key).exists():
                        self.checkpoint_path(key).unlink(missing_ok=True)

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
        {"format": _FORMAT, "key": key, "sha256": sha256(body), "result": body}
    ).encode()


def _unpack(blob: bytes, key: str) -> tuple[str | None, dict | None]:
    """(None, the result), or (what is wrong, None)."""
    try:
        outer = json.loads(blob)
        if outer["format"] != _FORMAT:
            return f"its format is {outer['format']!r}, expected {_FORMAT}", None
        if outer["key"] != key:
            return "it belongs to another run", None
        if outer["sha256"] != sha256(outer["result"]):
            return "its checksum does not match", None
        return None, json.loads(outer["result"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "it is not a whole result file", None
