r"""How often the units of a network fire over a whole data set: dead units, sparsity, histograms.

A unit fires where its activation is positive, which for x g(x/T) is where its preactivation is. It
is dead where it fires nowhere in the set. Units: the features of (N, units) and of (N, tokens,
units), the channels of (N, units, height, width); every token or pixel counts as one look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.activations.surrogate_gradient import SUGAR
from smoothrelu.activations.surrogates import StochasticReLU

RELU_LIKE = (nn.ReLU, nn.SiLU, nn.GELU, SmoothReLU, LambdaGELU, SUGAR, StochasticReLU)
"""The modules that are watched unless others are named: positive exactly where their input is."""


@dataclass(frozen=True)
class Firing:
    """How often each unit of one activation fired: counts (units,), int64, out of `looks` each.

    layer: place in the order of the forward pass, from 0. name: of the module.
    """

    layer: int
    name: str
    counts: Tensor
    looks: int

    @property
    def dead(self) -> int:
        """The number of units that never fired."""
        return int((self.counts == 0).sum())

    @property
    def sparsity(self) -> float:
        """The fraction of zeros (for a smooth ReLU: of values that are not positive)."""
        return 1 - self.counts.double().mean().item() / self.looks

    @property
    def rates(self) -> Tensor:
        """The fraction of looks at which each unit fired, (units,), float64."""
        return self.counts.double() / self.looks


def count_firing(
    model: nn.Module,
    x: Tensor,
    *,
    batch_size: int = 500,
    kinds: Sequence[type[nn.Module]] = RELU_LIKE,
) -> list[Firing]:
    """Count over all N inputs x (N, ...), `batch_size` at a time, how often each unit fires.

    One `Firing` for each call of a module of `kinds` in the forward pass, in its order: a module
    called at several places has one for each. The model runs in evaluation mode and is given back
    in its own, without the hooks, even where it raises.
    Raises ValueError where there is no such module or none is called, and for batch_size < 1 or no
    inputs.
    """
    if batch_size < 1 or len(x) == 0:
        raise ValueError(f"counting needs inputs and batch_size >= 1, got {len(x)}, {batch_size!r}")
    watched = {name: m for name, m in model.named_modules() if isinstance(m, tuple(kinds))}
    if not watched:
        raise ValueError(
            f"found no activation module in {type(model).__name__}; name the types to watch by "
            "kinds=..., and write nn.ReLU() in the place of F.relu"
        )
    modes = {module: module.training for module in model.modules()}
    calls: list[tuple[str, Tensor, int]] = []  # of one batch
    total: list[Firing] = []
    hooks = [m.register_forward_hook(_counter(name, calls)) for name, m in watched.items()]
    try:
        model.eval()
        with torch.no_grad():
            for batch in x.split(batch_size):
                calls.clear()
                model(batch)
                total = _added(total, calls)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    if not total:
        raise ValueError(
            f"none of the modules {', '.join(watched)} was called in the forward pass; "
            "count before torch.compile, on the model itself"
        )
    return [Firing(f.layer, f.name, f.counts.cpu(), f.looks) for f in total]


def firing_table(firing: Sequence[Firing]) -> list[dict]:
    """One row for each layer: layer, name, units, dead, dead_fraction, sparsity."""
    return [
        {
            "layer": f.layer,
            "name": f.name,
            "units": len(f.counts),
            "dead": f.dead,
            "dead_fraction": f.dead / len(f.counts),
            "sparsity": f.sparsity,
        }
        for f in firing
    ]


def firing_histogram(firing: Sequence[Firing], bins: int = 20) -> list[dict]:
    """How many units of each layer fire how often: rows layer, name, low, high, units.

    Each layer has one row for its dead units, with low = high = 0, and `bins` rows for the others,
    whose rate lies in low < rate <= high. Raises ValueError for bins < 1.
    """
    if bins < 1:
        raise ValueError(f"a histogram needs at least one bin, got {bins!r}")
    rows = []
    for f in firing:
        # in integers, so that a rate on an edge falls on the right side of it
        place = ((f.counts * bins + f.looks - 1) // f.looks).bincount(minlength=bins + 1)
        for k, units in enumerate(place.tolist()):
            low, high = max(k - 1, 0) / bins, k / bins
            rows.append({"layer": f.layer, "name": f.name, "low": low, "high": high})
            rows[-1]["units"] = units
    return rows


def _counter(name: str, calls: list):
    def hook(module, inputs, output):
        fired = output > 0
        units = 1 if fired.ndim >= 4 else fired.ndim - 1
        others = [d for d in range(fired.ndim) if d != units]
        calls.append((name, fired.sum(others), fired.numel() // fired.shape[units]))

    return hook


def _added(total: list[Firing], calls: list[tuple[str, Tensor, int]]) -> list[Firing]:
    if not total:
        return [Firing(i, *call) for i, call in enumerate(calls)]
    return [
        Firing(f.layer, f.name, f.counts + counts, f.looks + looks)
        for f, (_, counts, looks) in zip(total, calls, strict=True)
    ]
