"""An experiment is a list of `Run`s; `sweep` turns it into a tidy table and never computes a
finished run twice.
"""

from collections.abc import Iterable, Sequence

import torch

from smoothrelu.data.datasets import resolve_device
from smoothrelu.experiments.minibatch_run import MinibatchRun
from smoothrelu.experiments.run import Run, grid
from smoothrelu.experiments.run_key import run_key
from smoothrelu.experiments.scheduler import complete
from smoothrelu.experiments.store import Store, default_store

__all__ = ["Run", "SweepFailed", "grid", "sweep"]


class SweepFailed(RuntimeError):  # noqa: N818
    """Some runs of a sweep failed, after all others were computed and stored.

    causes: pairs (run, why). table: the table of the others.
    """

    def __init__(self, causes: list[tuple[Run, str]], total: int, table):
        lines = [f"{len(causes)} of {total} runs failed; the others are stored:"]
        lines += [f"  {run}: {why}" for run, why in causes]
        lines += ["Mend the cause and call sweep again: only these runs are computed."]
        super().__init__("\n".join(lines))
        self.causes, self.table = causes, table


def sweep(
    runs: Iterable[Run | MinibatchRun],
    *,
    store: Store | None = None,
    device: str | torch.device = "auto",
    workers: int | None = None,
    progress: str | None = "runs",
):
    """The runs' results as one pandas table: a row for each (run, step), columns named by the
    vocabulary.

    Columns: the fields of `Run` (activation by name, temperature, init by name), step, train_loss,
    test_loss, train_acc, test_acc (NaN where not measured), what the run's observers saw, diverged;
    and the provenance: seconds, device, and what `provenance.current_provenance` says. Those of a
    `MinibatchRun` likewise, with a row for each (run, epoch).
    Finished runs come from the store (default: see `default_store`); new ones are added to it as
    they end, and an unfinished one leaves a checkpoint a minute, so an interrupted sweep goes on
    where it stopped. Sweeps on one store share the work. A run that diverges is a result: its rows
    end where its loss did.
    workers: how many processes compute on a CPU, each with one thread: the numbers do not depend on
    it. None: one for each core (see `scheduler.cores`), or none for little work.
    progress: the label of the progress bar, or None.
    Raises ValueError for an unknown data set, or a run that could not be found again by name;
    ImportError where pandas is missing, OSError where the store cannot be written: all these before
    anything is computed. SweepFailed, at the end, where runs failed.
    """
    pandas = _pandas()
    runs, store, device = list(runs), store or default_store(), resolve_device(device)
    keys = [run_key(run, device) for run in runs]
    store.clear_away()
    results = {key: store.get(key) for key in keys}
    missing = {k: run for k, run in zip(keys, runs, strict=True) if results[k] is None}
    failed = {}
    if missing:
        store.require_writable()
        failed = complete(missing, store, device, workers=workers, progress=progress)
        results |= {key: store.get(key) for key in missing if key not in failed}
    there = [(run, results[k]) for k, run in zip(keys, runs, strict=True) if k not in failed]
    table = pandas.DataFrame(_rows(there))
    if failed:
        causes = [(missing[key], why) for key, why in failed.items()]
        raise SweepFailed(causes, len(results), table)
    return table


def _rows(results: Sequence[tuple[Run, dict]]) -> list[dict]:
    return [
        run.description() | record | {"diverged": result["diverged"]} | result["provenance"]
        for run, result in results
        for record in result["records"]
    ]


def _pandas():
    """pandas, asked for before anything is computed; the package itself does without."""
    try:
        import pandas
    except ImportError:
        raise ImportError(
            "a sweep's table needs pandas: pip install pandas, or smoothrelu's extra [book]"
        ) from None
    return pandas
