"""The command line: python -m smoothrelu bench (`make bench`)."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial

import pandas

from smoothrelu.benchmark import activations, kernels, ntk, scaling, sweeps
from smoothrelu.benchmark.timing import Row, warm_allocator
from smoothrelu.experiments.committed import RESULTS, publish, published
from smoothrelu.experiments.scheduler import cores
from smoothrelu.provenance import current_provenance

Benchmark = Callable[[int], Iterator[Row]]

BENCHMARKS: dict[str, Benchmark] = {
    "step": activations.in_a_step,
    "eager": activations.alone,
    "compiled": partial(activations.alone, compiled=True),
    "tracking": ntk.tracking,
    "torch_ntk": ntk.beside_torch,
    "neural_tangents": ntk.beside_neural_tangents,
    "closed_forms": kernels.beside_closed_forms,
    "quadrature": kernels.beside_quadrature,
    "criticality": kernels.criticalities,
    "start_up": sweeps.start_up,
    "sweeps": sweeps.sweeps,
    "book": sweeps.book,
}
_BOTH_THREAD_COUNTS = (
    "step",
    "eager",
    "compiled",
    "tracking",
    "torch_ntk",
)  # one thread, and all cores


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m smoothrelu bench",
        description="Time our work beside its peers and write data/results/benchmark.csv. Leave "
        "the machine alone meanwhile. Rows of benchmarks that are not named are kept.",
    )
    names = [*BENCHMARKS, "scaling"]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    chosen = parser.parse_args(arguments).names or names
    unknown = sorted({*chosen} - {*names})
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}")
    warm_allocator()
    for name in chosen:
        if name == "scaling":
            _write_scaling()
            continue
        rows = []
        for threads in sorted({1, cores()}) if name in _BOTH_THREAD_COUNTS else [cores()]:
            for row in BENCHMARKS[name](threads):
                print(_readable(row), flush=True)
                rows.append(asdict(row) | {"benchmark": name, **current_provenance()})
        _replace(name, pandas.DataFrame(rows))
    return 0


def _replace(name: str, rows: pandas.DataFrame) -> None:
    """Put the rows of one benchmark in place of its old ones."""
    there = (RESULTS / "benchmark.csv").exists()
    old = published("benchmark", command="make bench") if there else rows[:0]
    parts = [rows if n == name else old[old["benchmark"] == n] for n in BENCHMARKS]
    table = pandas.concat([part for part in parts if len(part)])
    both = table["rounds"] * (table["our_seconds"] + table["peer_seconds"])
    record = _record("our work beside its peers", table) | {"seconds": round(both.sum())}
    publish("benchmark", table, record)


def _write_scaling() -> None:
    for name, about, measure, extra in [
        ("growth", "how the work grows", scaling.growth, scaling.limits),
        ("time", "where the processor's time goes", scaling.where_time_goes, dict),
        ("needed", "operations no activation does without", scaling.needed_operations, dict),
        ("memory", "memory of tangent kernels", scaling.memory, dict),
    ]:
        begun, now = time.monotonic(), pandas.DataFrame([current_provenance()])
        table = measure()
        record = _record(about, now) | {"runs": len(table)}
        record["seconds"] = round(time.monotonic() - begun)
        publish(f"benchmark_{name}", table, record | extra())


def _record(about: str, rows: pandas.DataFrame) -> dict:
    """What the provenance page says of rows that carry their own."""
    each = {key: sorted(set(rows[key])) for key in ("machine", "torch", "commit", "date")}
    return {
        "about": about,
        "device": each["machine"],
        "torch": each["torch"],
        "commit": each["commit"],
        "first": each["date"][0],
        "last": each["date"][-1],
        "runs": len(rows),
    }


def _readable(row: Row) -> str:
    reached = "" if row.target is None else "reached" if row.ratio <= row.target else "MISSED"
    ratio = f"{row.ratio:.3g} [{row.low:.3g}, {row.high:.3g}]"
    target = "" if row.target is None else f"<= {row.target:.3g}"
    what = f"{row.work}: {row.case} / {row.peer}, {row.threads} thr"
    return f"{what:110s} {ratio:24s} {target:9s} {reached}"


if __name__ == "__main__":
    sys.exit(main())
