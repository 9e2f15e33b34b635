"""The state of an unfinished run, kept in one file so that a killed run goes on where it was."""

import io
import pickle
import time
import warnings
from pathlib import Path

import torch

from smoothrelu.files import sha256, write_atomically

_DIGEST = 64  # the file: SHA-256 of the rest in hexadecimal, then what torch.save wrote


class Checkpoint:
    """A file that holds the last state saved; see `smoothrelu.training.full_batch.Keeper`.

    every: seconds between two states. `seconds` is what the run has taken so far, in all the
    processes that worked on it, as far as their states were kept.
    """

    def __init__(self, path: Path, *, device: torch.device, every: float = 60.0):
        self.path, self.device, self.every = path, device, every
        self._earlier, self._begun = 0.0, time.monotonic()
        self._last = self._begun

    @property
    def seconds(self) -> float:
        return self._earlier + time.monotonic() - self._begun

    def load(self) -> dict | None:
        """The last state, or None; a damaged file is named and ignored."""
        try:
            blob = self.path.read_bytes()
        except FileNotFoundError:
            return None
        digest, body = blob[:_DIGEST], blob[_DIGEST:]
        problem = "its checksum does not match"
        if digest == sha256(body).encode():
            try:
                kept = torch.load(io.BytesIO(body), map_location=self.device, weights_only=True)
                self._earlier = kept["seconds"]
                return kept["state"]
            except (pickle.UnpicklingError, RuntimeError, KeyError) as error:
                problem = str(error).partition("\n")[0]
        warnings.warn(
            f"the checkpoint {self.path} is not used ({problem}): the run begins anew", stacklevel=2
        )
        return None

    def due(self) -> bool:
        return time.monotonic() - self._last >= self.every

    def save(self, state: dict) -> None:
        """Keep the state. Where that fails, the run goes on: it costs what it would have saved."""
        body = io.BytesIO()
        torch.save({"seconds": self.seconds, "state": state}, body)
        digest = sha256(body.getvalue()).encode()
        try:
            write_atomically(self.path, digest + body.getvalue())
        except OSError as error:
            warnings.warn(f"no checkpoint was kept ({error}); the run goes on", stacklevel=2)
        self._last = time.monotonic()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
