"""The key under which a run's result is stored: the same key, the same numbers."""

import hashlib
import json
import platform

import torch

from smoothrelu.data.datasets import data_fingerprint
from smoothrelu.experiments.ensemble import train_together
from smoothrelu.experiments.fingerprint import code_fingerprint
from smoothrelu.experiments.minibatch_run import MinibatchRun
from smoothrelu.experiments.run import Run
from smoothrelu.training.full_batch import deterministic


def run_key(run: Run | MinibatchRun, device: torch.device) -> str:
    """Hash of the run, its weights at the start, the data, the code that trains, of the activation
    and of the observers, torch's version, and the kind of device and of machine.

    The weights stand for the code that draws them: theory may be rewritten, and every result kept
    whose start is the same to the last bit. 10 to 100 ms, most of it to draw them.
    """
    description = run.description()  # refuses what could not be found again
    together = [train_together] if device.type != "cpu" and run.batchable else []
    what = {
        "run": description,
        "start": _start(run),
        "data": data_fingerprint(run.dataset),
        "code": code_fingerprint(*run.code(), *together),
        "torch": torch.__version__,
        "device": device.type,
        "machine": platform.machine(),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _start(run: Run | MinibatchRun) -> str:
    with deterministic(threads=1):
        weights = run.start().parameters()
    digest = hashlib.sha256()
    for parameter in weights:
        digest.update(parameter.detach().numpy().tobytes())
    return digest.hexdigest()
