"""How many runs are computed: by threads of this process or by one-thread worker processes, on all
cores, or on a GPU as batches of networks.

On a CPU each run has one thread wherever it is computed, and its numbers depend on nothing decided
here.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import torch

from smoothrelu import provenance
from smoothrelu.experiments.ensemble import shape
from smoothrelu.experiments.run import Run
from smoothrelu.experiments.store import Store
from smoothrelu.experiments.worker import Reply, finish, finish_together
from smoothrelu.training.full_batch import deterministic

_START_UP = 4.0  # seconds until a worker process has loaded torch and the data
_BATCH = 64  # networks trained together at most
_PATIENCE = 0.2  # seconds between looks at a run that another sweep has in hand

Report = Callable[[str, Reply], None]


def complete(
    runs: dict[str, Run],
    store: Store,
    device: torch.device,
    *,
    workers: int | None = None,
    progress: str | None = None,
) -> dict[str, str]:
    """Compute the runs, given by key, into the store, the longest first; by key, why one failed.

    workers: processes; None leaves the choice to the engine. A failed run stops no other.
    progress: see `sweep`.
    """
    cost = {key: run.seconds() for key, run in runs.items()}
    todo = deque(sorted(runs.items(), key=lambda item: -cost[item[0]]))
    failed: dict[str, str] = {}
    with _bar(progress, cost) as advance:

        def report(key: str, reply: Reply) -> None:
            for text in reply.warnings:
                warnings.warn(text, stacklevel=4)
            if reply.problem:
                failed[key] = reply.problem
            advance(key)

        count = _processes(workers, list(cost.values()), device)
        threads = _threads(workers, runs, sum(cost.values()), device)
        if device.type != "cpu":
            _in_batches(todo, store, device, report)
        if count > 1:
            _in_parallel(todo, store, device, [_Process() for _ in range(count)], report)
        elif threads > 1:
            with deterministic(threads=1):  # what every run asks for, and none may put back
                _in_parallel(todo, store, device, [_Thread() for _ in range(threads)], report)
        else:
            _here(todo, store, device, report)
    return failed


def cores() -> int:
    """The cores this process may use; OMP_NUM_THREADS, where it is set, is the most."""
    count, most = provenance.cores(), os.environ.get("OMP_NUM_THREADS", "")
    return min(count, int(most)) if most.isdigit() and int(most) else count


def _processes(asked: int | None, costs: list[float], device: torch.device) -> int:
    """How many worker processes pay; 1 stands for this process."""
    if asked is not None and (not isinstance(asked, int) or asked < 1):
        raise ValueError(f"workers must be a positive integer, or None for all cores: {asked!r}")
    count = min(asked or cores(), len(costs))
    if device.type != "cpu" or count < 2:
        return 1
    saved = sum(costs) - max(sum(costs) / count, max(costs))
    return count if asked or saved > _START_UP else 1


def _threads(asked: int | None, runs: dict[str, Run], cost: float, device: torch.device) -> int:
    """How many threads of this process pay, where processes do not; 1 stands for none. A thread
    cannot be interrupted, so what it has in hand must not be long.
    """
    if asked or device.type != "cpu" or cost > 2 * _START_UP:
        return 1
    return min(cores(), len(runs)) if all(run.threadable for run in runs.values()) else 1


def _here(todo: deque, store: Store, device: torch.device, report: Report) -> None:
    while todo:
        key, run = todo.popleft()
        reply = finish(run, key, store, device)
        if reply.busy:
            todo.append((key, run))
            time.sleep(_PATIENCE)
        else:
            report(key, reply)


def _in_batches(todo: deque, store: Store, device: torch.device, report: Report) -> None:
    """Take from todo, and compute, the runs that can be trained together."""
    groups: dict[tuple, list] = {}
    for key, run in todo:
        if run.batchable:
            groups.setdefault(shape(run), []).append((key, run))
    batches = [
        group[first : first + _BATCH]
        for group in groups.values()
        for first in range(0, len(group), _BATCH)
    ]
    for batch in batches:
        replies = finish_together(dict(batch), store, device)
        for key, run in batch:
            if not replies[key].busy:  # else it stays to be waited for, or computed alone
                todo.remove((key, run))
                report(key, replies[key])


def _in_parallel(
    todo: deque, store: Store, device: torch.device, hands: list["_Hand"], report: Report
) -> None:
    """A thread for each hand gives it one run after the other."""
    ended: SimpleQueue[tuple[str, Reply]] = SimpleQueue()
    count_of_runs = len(todo)  # before the threads take from it
    threads = [
        threading.Thread(target=hand.serve, args=(todo, store, device, ended), daemon=True)
        for hand in hands
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in range(count_of_runs):
            report(*ended.get())
    finally:
        for hand in hands:
            hand.stop()
        for thread in threads:
            thread.join()
        for hand in hands:
            hand.close()


class _Hand:
    """Whatever takes one run after the other."""

    stopped = False

    def finish(self, run: Run, key: str, store: Store, device: torch.device) -> Reply:
        raise NotImplementedError

    def stop(self) -> None:
        """Begin no further run; may be called from any thread."""
        self.stopped = True

    def close(self) -> None:
        """Let go of what is left of it."""

    def serve(self, todo: deque, store: Store, device: torch.device, ended: SimpleQueue) -> None:
        while not self.stopped:
            try:
                key, run = todo.popleft()
            except IndexError:
                return
            reply = self.finish(run, key, store, device)
            if reply.busy:
                todo.append((key, run))
                time.sleep(_PATIENCE)
            else:
                ended.put((key, reply))


class _Thread(_Hand):
    """A thread of this process."""

    def finish(self, run: Run, key: str, store: Store, device: torch.device) -> Reply:
        return finish(run, key, store, device)


class _Process(_Hand):
    """One worker process, started when it is needed, and again after it died."""

    def __init__(self):
        self.process: subprocess.Popen | None = None

    def finish(self, run: Run, key: str, store: Store, device: torch.device) -> Reply:
        try:
            return self._ask(pickle.dumps((run, key, store.folder.resolve(), device)))
        except Exception as error:  # it cannot be pickled, or no process can be started
            return Reply(problem=f"{type(error).__name__}: {error}")

    def stop(self) -> None:
        super().stop()
        if self.process:
            self.process.kill()

    def close(self) -> None:
        if self.process:
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            self.process = None

    def _ask(self, task: bytes) -> Reply:
        if self.process is None:
            self.process = _start()
            if self.stopped:  # meanwhile
                self.process.kill()
        try:
            pickle.dump(task, self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self.process.wait()
            self.close()
            return Reply(problem=_death(code))


def _start() -> subprocess.Popen:
    """A worker that finds the modules this process finds; Ctrl-C reaches it through us alone."""
    path = os.pathsep.join(p or os.getcwd() for p in sys.path)
    one = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "from smoothrelu.experiments.worker import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | one | {"PYTHONPATH": path},
    )


def _death(code: int) -> str:
    if code >= 0:
        return f"its worker process ended with exit code {code}"
    name = signal.Signals(-code).name
    why = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"its worker process was killed by {name}{why}"


@contextlib.contextmanager
def _bar(label: str | None, cost: dict[str, float]) -> Iterator[Callable[[str], None]]:
    """A function to call with each run that ended; the time left goes by the runs' costs."""
    try:
        from tqdm import tqdm
    except ImportError:
        label = None
    if label is None:
        yield lambda key: None
        return
    done = 0
    shape = "{desc}: {percentage:3.0f}%|{bar}|{postfix} [{elapsed}<{remaining}]"
    with tqdm(total=sum(cost.values()), desc=label, bar_format=shape) as bar:
        bar.set_postfix_str(f"0/{len(cost)} runs")

        def advance(key: str) -> None:
            nonlocal done
            done += 1
            bar.set_postfix_str(f"{done}/{len(cost)} runs", refresh=False)
            bar.update(cost[key])

        yield advance
