"""The key under which a run's result is stored: the same key, the same numbers."""

import functools
import hashlib
import json
import platform

import torch

from smoothrelu.compute import network, train
from smoothrelu.datasets import data_fingerprint, load_dataset
from smoothrelu.fingerprint import code_fingerprint
from smoothrelu.runs import Run
from smoothrelu.together import train_together
from smoothrelu.training import deterministic


def run_key(run: Run, device: torch.device) -> str:
    """Hash of the run, its weights at the start, the data, the code that trains, of the activation
    and of the observers, torch's version, and the kind of device and of machine.

    The weights stand for the code that draws them: theory may be rewritten, and every result kept
    whose start is the same to the last bit. 10 to 100 ms, most of it to draw them.
    """
    description = run.description()  # refuses what could not be found again
    parts = [type(module) for module in run.activation.modules()]
    observers = [f if hasattr(f, "__qualname__") else type(f) for f in run.observe]
    training = [train] if device.type == "cpu" else [train, train_together]
    what = {
        "run": description,
        "start": _start(run),
        "data": data_fingerprint(run.dataset),
        "code": code_fingerprint(*training, *parts, *observers),
        "torch": torch.__version__,
        "device": device.type,
        "machine": platform.machine(),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _start(run: Run) -> str:
    with deterministic(threads=1):
        weights = network(run, *_sizes(run.dataset)).parameters()
    digest = hashlib.sha256()
    for parameter in weights:
        digest.update(parameter.detach().numpy().tobytes())
    return digest.hexdigest()


@functools.cache
def _sizes(name: str) -> tuple[int, int]:
    """Inputs and outputs of a network for the data set."""
    one = load_dataset(name, 1, 1, device="cpu")
    return one.n_in, one.n_out
