"""What a study is, and how its table and the table's provenance come about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas

from smoothrelu.experiments.minibatch_run import MinibatchRun
from smoothrelu.experiments.run import Run
from smoothrelu.experiments.sweeps import sweep
from smoothrelu.provenance import current_provenance

_PROVENANCE = ("seconds", "device", *current_provenance())


@dataclass(frozen=True)
class Study:
    """About what it is, its runs, and the table kept of them, a function of the sweep's."""

    about: str
    runs: Sequence[Run | MinibatchRun]
    keep: Callable[[pandas.DataFrame], pandas.DataFrame]


def compute(name: str, study: Study, **options) -> pandas.DataFrame:
    """The table of the study called name, computed here and now; `options` as in `sweep`."""
    results = sweep(study.runs, progress=name, **options)
    table = study.keep(results).drop(columns=list(_PROVENANCE), errors="ignore")
    table.attrs = {"about": study.about} | _provenance(results, [*study.runs[0].description()])
    return table


def _provenance(results: pandas.DataFrame, fields: list[str]) -> dict:
    """How the runs of a table came about: each value that occurs, and the seconds of all."""
    runs = results.drop_duplicates(fields)
    facts = {name: sorted(map(str, runs[name].unique())) for name in ("device", "torch", "commit")}
    return (
        facts
        | {
            "runs": len(runs),
            "seconds": round(float(runs["seconds"].sum())),
            "first": str(runs["date"].min()),
            "last": str(runs["date"].max()),
            "seeds": sorted(int(seed) for seed in runs["seed"].unique()),
        }
        | {name: current_provenance()[name] for name in ("machine", "python", "smoothrelu")}
    )
