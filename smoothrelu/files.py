"""Files that are whole or not there: atomic writes."""

import os
import tempfile
from pathlib import Path


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
