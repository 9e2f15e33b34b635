"""One run from its claim to its stored result, and the process that does this for a sweep.

A worker process reads runs from its standard input and answers on its standard output. It ends when
its input does, so it never outlives the sweep, however that died; and it imports what it needs by
name and never the program that started it, so scripts, notebooks and a shell's stdin are all alike.
"""

import contextlib
import os
import pickle
import queue
import threading
import time
import warnings
from typing import BinaryIO, NamedTuple

import torch

from smoothrelu.experiments.checkpoints import Checkpoint
from smoothrelu.experiments.ensemble import train_together
from smoothrelu.experiments.minibatch_run import MinibatchRun
from smoothrelu.experiments.run import Run
from smoothrelu.experiments.store import Store
from smoothrelu.provenance import current_provenance


class Reply(NamedTuple):
    """How a run ended: stored, or in another process's hands, or failed for a reason."""

    busy: bool = False
    problem: str | None = None
    warnings: tuple[str, ...] = ()


def finish(run: Run | MinibatchRun, key: str, store: Store, device: torch.device) -> Reply:
    """Compute the run and store it, unless another process has it in hand or did so meanwhile."""
    try:
        with store.claim(key) as mine:
            if mine and store.get(key) is None:
                checkpoint = Checkpoint(store.checkpoint_path(key), device=device)
                records, diverged = run.train(device, checkpoint)
                store.put(key, result(records, diverged, checkpoint.seconds, device))
                checkpoint.discard()
            return Reply(busy=not mine)
    except Exception as error:
        return Reply(problem=f"{type(error).__name__}: {error}")


def finish_together(runs: dict[str, Run], store: Store, device: torch.device) -> dict[str, Reply]:
    """`finish` of runs of one shape, given by key, as one batch; without checkpoints."""
    try:
        with contextlib.ExitStack() as stack:
            mine = {k: run for k, run in runs.items() if stack.enter_context(store.claim(k))}
            missing = {key: run for key, run in mine.items() if store.get(key) is None}
            begun = time.monotonic()
            trained = train_together(list(missing.values()), device) if missing else []
            seconds = (time.monotonic() - begun) / max(1, len(missing))
            for key, (records, diverged) in zip(missing, trained, strict=True):
                store.put(key, result(records, diverged, seconds, device))
            return {key: Reply(busy=key not in mine) for key in runs}
    except Exception as error:
        return dict.fromkeys(runs, Reply(problem=f"{type(error).__name__}: {error}"))


def result(records: list[dict], diverged: bool, seconds: float, device: torch.device) -> dict:
    """What the store keeps of a run: its records, and where they come from."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    provenance = {"seconds": round(seconds, 3), "device": name} | current_provenance()
    return {"records": records, "diverged": diverged, "provenance": provenance}


def main() -> None:
    """The life of a worker process."""
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    source, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a run prints does not get between the replies
    threading.Thread(target=_receive, args=(source, tasks), daemon=True).start()
    torch.set_num_threads(1)
    while True:
        pickle.dump(_reply(tasks.get()), replies)
        replies.flush()


def _receive(source: BinaryIO, tasks: queue.SimpleQueue) -> None:
    while True:
        try:
            tasks.put(pickle.load(source))
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)  # nobody waits for the run that may be going on


def _reply(task: bytes) -> Reply:
    with warnings.catch_warnings(record=True) as caught:
        try:
            run, key, folder, device = pickle.loads(task)
        except Exception as error:
            return Reply(problem=f"a worker process cannot import it ({error})")
        reply = finish(run, key, Store(folder), device)
    said = [str(w.message) for w in caught if w.category is UserWarning]
    return reply._replace(warnings=tuple(said))
