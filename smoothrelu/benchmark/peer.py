"""neural-tangents in its own environment: numpy 1 and JAX live in a process beside ours."""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from smoothrelu.benchmark.timing import Sample

ENVIRONMENT = Path(__file__).parents[2] / ".peers"
_SCRIPT = Path(__file__).with_name("jax_peer.py")


class Peer:
    """A process of the peers' Python, asked for one piece of work at a time.

    threads: 1 pins it to one core. Raises FileNotFoundError, with the remedy, where the
    environment is missing, and RuntimeError where the process ends.
    """

    def __init__(self, threads: int):
        python = Path(os.environ.get("SMOOTHRELU_PEERS", ENVIRONMENT)) / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError(
                f"neural-tangents has an environment of its own, and there is none at "
                f"{python.parents[1]}; make it with `make peers`"
            )
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [python, _SCRIPT, *(["--one-core"] if threads == 1 else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def prepare(self, work: str, arrays: dict[str, np.ndarray], **options) -> Sample:
        """What measures this work from now on, compiled and run once."""
        path = f"{self._folder.name}/arrays.npz"
        np.savez(path, **arrays)
        self._ask({"prepare": work, "arrays": path} | options)
        return lambda: self._ask({"sample": True})["seconds"]

    def result(self) -> list[np.ndarray]:
        """What the last piece of work computed."""
        path = f"{self._folder.name}/result.npz"
        self._ask({"result": path})
        with np.load(path) as stored:
            return [stored[name] for name in stored.files]

    def _ask(self, request: dict) -> dict:
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended with {self._process.wait()} at {request}")
        return json.loads(line)
