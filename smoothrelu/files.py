"""Files that are whole or not there: atomic writes, locks, checksums."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout


def write_atomically(path: Path, blob: bytes) -> None:
    """The whole file or none, whenever the writer dies; what is half written is .STEM.*.tmp."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(
    path: Path, *, waiting: Callable[[], None] | None = None, remove: bool = False
) -> Iterator[bool]:
    """Whether the block, and no other process, holds the lock file; the system frees it when its
    holder dies, however that happens.

    waiting: called once if another process holds the lock, which is then waited for; None: the
    block is entered at once with False. remove: delete the file when the block ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if waiting is None:
            yield False
            return
        waiting()
        lock.acquire()
    try:
        yield True
    finally:
        if remove:
            path.unlink(missing_ok=True)
        lock.release()


def sha256(blob: bytes | str) -> str:
    """The SHA-256 of bytes, or of a text in UTF-8, in hexadecimal."""
    return hashlib.sha256(blob.encode() if isinstance(blob, str) else blob).hexdigest()
