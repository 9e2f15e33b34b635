"""An experiment is a list of `Run`s; `sweep` turns it into a tidy table and never computes a
finished run twice.
"""

import ast
import dataclasses
import functools
import hashlib
import itertools
import json
import platform
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import nn

from smoothrelu.activations import plain_temperature
from smoothrelu.datasets import data_fingerprint, load_dataset, resolve_device
from smoothrelu.network import MLP, Init
from smoothrelu.results import Store, default_store
from smoothrelu.training import Diverged, accuracy, deterministic, gradient_descent

_COMPUTING_MODULES = (
    *("activations", "critical", "datasets", "experiments"),
    *("gaussian", "kernels", "network", "training"),
)


@dataclasses.dataclass(frozen=True)
class Run:
    """Full-batch gradient descent of one fully connected network: exactly the fields that change
    the result.

    dataset: "mnist" or "cifar10", its first n_train and n_test images. width, depth: see `MLP`.
    activation: a module, such as SWISH(0.1) or nn.ReLU(). init: critical_init_, he_init_,
    standard_init_ or any importable function of the same form. lr, steps: learning rate and number
    of updates. seed: of the initial weights.
    test_every: test loss and both accuracies are measured each so many steps, and at the last.
    """

    dataset: str
    activation: nn.Module
    init: Init
    seed: int
    n_train: int = 500
    n_test: int = 500
    width: int = 64
    depth: int = 11
    lr: float = 0.01
    steps: int = 100
    test_every: int = 20

    def description(self) -> dict:
        """The fields as plain values: what the key is made of, and the table's columns."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        kind = type(self.activation)
        name = (
            kind.__name__
            if kind.__module__.startswith(("smoothrelu.", "torch.nn."))
            else repr(kind)
        )
        temperature = plain_temperature(getattr(self.activation, "temperature", float("nan")))
        fields |= {"activation": name, "temperature": temperature, "init": _name(self.init)}
        return fields | {"activation_repr": repr(self.activation)}


def grid(**fields) -> list[Run]:
    """All runs over a product: a field given as a list is varied, the others stay fixed.

    grid(dataset="mnist", activation=[SWISH(1.0), SWISH(0.1)], init=critical_init_, seed=[0, 1]) has
    four runs.
    """
    names = list(fields)
    choices = [value if isinstance(value, list) else [value] for value in fields.values()]
    return [Run(**dict(zip(names, values, strict=True))) for values in itertools.product(*choices)]


def sweep(
    runs: Iterable[Run],
    *,
    store: Store | None = None,
    device: str | torch.device = "auto",
    progress: str | None = "runs",
):
    """The runs' results as one pandas table: a row for each (run, step), columns named by the
    vocabulary.

    Columns: the fields of `Run` (activation by name, temperature, init by name), step, train_loss,
    test_loss, train_acc, test_acc (NaN where not measured), diverged; and the provenance: seconds,
    device, torch, commit, date.
    Finished runs come from the store (default: see `default_store`); new ones are added to it as
    they end, so an interrupted sweep goes on where it stopped. A run that diverges is a result: its
    rows end where its loss did.
    progress: the label of the progress bar, or None. Raises ValueError for an unknown data set or a
    size beyond it, ImportError where pandas is missing.
    """
    pandas = _pandas()
    runs, store, device = list(runs), store or default_store(), resolve_device(device)
    keys = [run_key(run, device) for run in runs]
    with deterministic():
        results = [
            store.get(key) or _compute(run, key, store, device)
            for run, key in _progress(list(zip(runs, keys, strict=True)), progress)
        ]
    return pandas.DataFrame(_rows(runs, results))


def run_key(run: Run, device: torch.device) -> str:
    """Hash of the run, the data, the package's code, torch's version and the kind of device."""
    what = {
        "run": run.description(),
        "data": data_fingerprint(run.dataset),
        "code": _code_fingerprint(),
        "torch": torch.__version__,
        "device": device.type,
        "machine": platform.machine(),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def execute(run: Run, device: torch.device) -> tuple[list[dict], bool]:
    """Train the run's network; its records, and whether it diverged."""
    data = _data(run.dataset, run.n_train, run.n_test, device)
    net = MLP(data.n_in, data.n_out, width=run.width, depth=run.depth, activation=run.activation)
    run.init(net, generator=torch.Generator().manual_seed(run.seed))
    net.to(device)

    def evaluate(step: int, model: nn.Module) -> dict:
        if step % run.test_every and step != run.steps:
            return {}
        return {
            "test_loss": nn.functional.cross_entropy(model(data.x_test), data.y_test),
            "test_acc": accuracy(model, data.x_test, data.y_test),
            "train_acc": accuracy(model, data.x_train, data.y_train),
        }

    try:
        records = gradient_descent(
            net, data.x_train, data.y_train, lr=run.lr, steps=run.steps, observers=[evaluate]
        )
    except Diverged as stop:
        return stop.records, True
    return records, False


def _compute(run: Run, key: str, store: Store, device: torch.device) -> dict:
    start = time.perf_counter()
    records, diverged = execute(run, device)
    provenance = {
        "seconds": round(time.perf_counter() - start, 3),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    result = {"records": records, "diverged": diverged, "provenance": provenance}
    store.put(key, result)
    return result


def _rows(runs: Sequence[Run], results: Sequence[dict]) -> list[dict]:
    return [
        run.description() | record | {"diverged": result["diverged"]} | result["provenance"]
        for run, result in zip(runs, results, strict=True)
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


def _progress(items: list, label: str | None):
    if label is None:
        return items
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    return tqdm(items, desc=label, unit="run")


@functools.lru_cache(maxsize=4)
def _data(name: str, n_train: int, n_test: int, device: torch.device):
    return load_dataset(name, n_train, n_test, device=device)


@functools.cache
def _code_fingerprint() -> str:
    """Hash of what the computing modules say, whatever their comments and layout."""
    folder = Path(__file__).parent
    trees = [
        ast.dump(ast.parse((folder / f"{name}.py").read_text())) for name in _COMPUTING_MODULES
    ]
    return hashlib.sha256("".join(trees).encode()).hexdigest()[:16]


@functools.cache
def _commit() -> str:
    """The commit of the checkout the package runs from, "+" marking changes on top; "unknown"
    outside one.
    """
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        )
        dirty = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip() + ("+" if dirty.stdout.strip() else "")


def _name(init: Init) -> str:
    """An initialisation's name in tables and keys; one that cannot be named again is refused."""
    name = getattr(init, "__qualname__", repr(init))
    if "<" in name:
        raise ValueError(
            f"a run is found again by its init's name, and {name} has none: define it in a module"
        )
    if init.__module__.startswith("smoothrelu."):
        return name.removesuffix("_init_")
    return f"{init.__module__}.{name}"
