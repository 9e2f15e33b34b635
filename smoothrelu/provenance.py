"""What made a number: commit, versions, machine and date, in one record."""

import functools
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_CHECKOUT = Path(__file__).parents[1]


def current_provenance() -> dict[str, str]:
    """Of the process that calls it: date (UTC), commit, versions of Python, smoothrelu and torch,
    and the machine.
    """
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "python": platform.python_version(),
        "smoothrelu": version("smoothrelu"),
        "torch": version("torch"),
        "machine": f"{processor()}, {cores()} cores",
    }


@functools.cache
def commit(root: Path = _CHECKOUT) -> str:
    """The commit of the checkout at root, "+" marking changes on top; "unknown" outside one."""
    git = ["git", "-C", str(root)]
    top = _output([*git, "rev-parse", "--show-toplevel"])
    if not top or Path(top).resolve() != root.resolve():
        return "unknown"
    describe = ["describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
    return _output([*git, *describe]) or "unknown"


def version(package: str) -> str:
    """The version of a package: as it says itself where it is loaded, else as it is installed."""
    said = getattr(sys.modules.get(package), "__version__", None)
    if said:
        return str(said)
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


@functools.cache
def processor() -> str:
    """The processor's name, or its architecture where the system does not tell it."""
    if platform.system() == "Darwin":
        return _output(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cores() -> int:
    """The cores this process may use."""
    available = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(available(0)) if available else os.cpu_count() or 1


def _output(command: list[str]) -> str:
    """What a command prints, nothing when it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
