"""One at a time: a lock that the system drops with its process, however that ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from smoothrelu.book.runner.checks import BookError


@contextlib.contextmanager
def only_one(path: Path, what: str) -> Iterator[int]:
    """Hold the lock file, or raise BookError when another process has it.

    Yields its descriptor: a child that inherits it holds the lock as long as it lives.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BookError(f"{what} by another process; wait for it") from None
        yield lock.fileno()
