"""What made a number: the commit it was computed at."""

import functools
import subprocess
from pathlib import Path


@functools.cache
def commit() -> str:
    """The commit of the checkout the package runs from, "+" marking changes on top; "unknown"
    outside one.
    """
    describe = ["describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
    git = ["git", "-C", str(Path(__file__).parent), *describe]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
