r"""Real networks of full width, one weight matrix at a time, and the committed table made of them
and of large ensembles of the Markov chain.

A network of width 4096 and depth 50 has 3.3 GB of weights, but the kernels of one input need each
matrix only once: it is drawn, used and overwritten by the next. The same draws serve several
activations, each with its own (C_W, C_b). Every activation thus has an ensemble of independent
networks; the ensembles of two activations are correlated, which makes their differences precise.

    python -m smoothrelu.book.studies.finite_width --minutes 20  # resumes
    python -m smoothrelu.book.studies.finite_width --minutes 0   # only writes the table
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas
import torch
from torch import Tensor, nn

from smoothrelu.activations.smooth_relu import GELU, SWISH, AlgebraicLU, GudermanLU, GumbelLU, Mish
from smoothrelu.experiments.committed import RESULTS, publish
from smoothrelu.experiments.store import Store, default_store
from smoothrelu.networks.random_networks import (
    InitialisedNetwork,
    critically_initialised,
    drawn_kernels,
)
from smoothrelu.provenance import current_provenance
from smoothrelu.theory.finite_width import ensemble_statistics, paired_with_relu, sample_kernels

DEPTH = 50
LAYERS = (2, 5, 10, 20, 30, 40, 50)
ROUND = {4096: 1, 1024: 4, 256: 16}  # networks of each width in a round
CHAIN_WIDTHS = (256, 512, 1024, 2048, 4096)
MEMBERS = 4000
N_IN = 784


def settings() -> list[InitialisedNetwork]:
    """The networks of the table: ReLU first, then the smooth ReLUs at temperature 1."""
    kinds = (nn.ReLU, SWISH, GELU, GumbelLU, AlgebraicLU, GudermanLU, Mish)
    return [critically_initialised(kind()) for kind in kinds]


def run(store: Store, minutes: float) -> None:
    """The ensembles of the chain, then networks round by round until the minutes are over; what the
    store has is not computed again.
    """
    end = time.monotonic() + 60 * minutes
    for width in CHAIN_WIDTHS:
        if minutes > 0:
            _stored_or_made(store, f"chain-{width}-{MEMBERS}", _chain, width)
    for width, index in _order():
        if time.monotonic() > end:
            return
        _stored_or_made(store, _key(width, index), _network, width, index)


def write_table(store: Store, folder: Path = RESULTS) -> None:
    """A row for each (sampled, activation, width, layer), with its provenance: sampled is "chain"
    or "networks"; the other columns are those of `tables.kernel_ensembles`.
    """
    rows = []
    for width in CHAIN_WIDTHS:
        if (record := store.get(f"chain-{width}-{MEMBERS}")) is not None:
            where = {"sampled": "chain", "width": width, "networks": MEMBERS}
            rows += _rows(where, record["statistics"], _provenance([record], str(_seed(width, 0))))
    for width in ROUND:
        records = _stored(store, width)
        seeds = f"{_seed(width, 0)}-{_seed(width, len(records) - 1)}"
        kernels = {net.name: _kernels(records, net.name) for net in settings()}
        where = {"sampled": "networks", "width": width, "networks": len(records)}
        rows += _rows(where, _statistics(kernels), _provenance(records, seeds))
    about = "kernels of networks of finite width at critical initialisation, starting at K*"
    made = {"about": about, "command": "python -m smoothrelu.book.studies.finite_width"}
    publish("finite_width", pandas.DataFrame(rows, dtype=str), made, folder)


def _network(width: int, index: int) -> dict:
    """One network, with every activation."""
    nets, generator = settings(), torch.Generator().manual_seed(_seed(width, index))
    kernels = drawn_kernels(nets, width=width, depth=DEPTH, n_in=N_IN, generator=generator)
    return {"kernels": {net.name: k.tolist() for net, k in zip(nets, kernels, strict=True)}}


def _chain(width: int) -> dict:
    """An ensemble of the chain for every activation, from the same random numbers."""
    kernels = {
        net.name: sample_kernels(
            net.activation,
            net.K,
            width=width,
            depth=DEPTH,
            members=MEMBERS,
            C_W=net.C_W,
            C_b=net.C_b,
            generator=torch.Generator().manual_seed(_seed(width, 0)),
        )
        for net in settings()
    }
    return {"statistics": _statistics(kernels)}


def _statistics(kernels: dict[str, Tensor]) -> dict[str, dict[str, list[float]]]:
    """By activation: each statistic's value at every layer."""
    found = {}
    for net in settings():
        columns = ensemble_statistics(kernels[net.name])
        columns |= paired_with_relu(kernels[net.name] / net.K, kernels["ReLU"])
        found[net.name] = {name: column.tolist() for name, column in columns.items()}
    return found


def _rows(where: dict, by_activation: dict, provenance: dict) -> Iterator[dict]:
    for net in settings():
        fixed = {
            "activation": net.name,
            "temperature": getattr(net.activation, "temperature", ""),
            "init": "critical",
            "K": f"{net.K:.10g}",
            "depth": DEPTH,
        }
        for layer in LAYERS:
            columns = by_activation[net.name].items()
            values = {name: f"{column[layer - 1]:.8g}" for name, column in columns}
            yield where | fixed | {"layer": layer} | values | provenance


def _provenance(records: list[dict], seeds: str) -> dict:
    return {
        "seeds": seeds,
        "torch": torch.__version__,
        "device": "cpu",
        "dtype": "float32",
        "commit": records[-1]["commit"],
        "seconds": round(sum(record["seconds"] for record in records)),
        "date": records[-1]["date"][:10],
    }


def _stored_or_made(store: Store, key: str, make: Callable[..., dict], *arguments) -> None:
    if store.get(key) is None:
        start = time.perf_counter()
        made = make(*arguments)
        store.put(key, made | current_provenance() | {"seconds": time.perf_counter() - start})


def _kernels(records: list[dict], name: str) -> Tensor:
    return torch.tensor(
        [record["kernels"][name] for record in records], dtype=torch.float64
    )  # (networks, depth)


def _order() -> Iterator[tuple[int, int]]:
    turn = 0
    while True:
        for width, count in ROUND.items():
            yield from ((width, turn * count + i) for i in range(count))
        turn += 1


def _stored(store: Store, width: int) -> list[dict]:
    found = []
    while (record := store.get(_key(width, len(found)))) is not None:
        found.append(record)
    return found


def _seed(width: int, index: int) -> int:
    return width * 1_000_000 + index


def _key(width: int, index: int) -> str:
    return f"wide-{width}-{DEPTH}-{index}-torch-{torch.__version__}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    torch.set_num_threads(1)
    run(default_store(), parser.parse_args().minutes)
    write_table(default_store())
