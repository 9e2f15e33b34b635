"""Runs of equal shape trained as one batch of networks: for a GPU, which one small network leaves
idle.

On a CPU the engine does not use it: there processes fill the cores, and a batch on one core takes
longer than its networks one by one (1.1 to 1.7 times, 100 to 1000 images, width 64 to 256).
Numbers computed here agree with those of `Run.train` to rounding and not to the bit, and may
depend to rounding on what else was in the batch; the kind of device in a run's key keeps them
apart.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from smoothrelu.data.datasets import Dataset
from smoothrelu.experiments.run import Run, examples_at_once, network
from smoothrelu.experiments.schedulable import dataset
from smoothrelu.training.full_batch import deterministic

_CHECK_EVERY = 10  # steps between looks at the losses: each look waits for the device


def shape(run: Run) -> tuple:
    """What the runs of a batch have in common: all but learning rate, seed and initialisation."""
    sizes = (run.n_train, run.n_test, run.width, run.depth, run.steps, run.test_every, run.dtype)
    return (run.dataset, repr(run.activation), *sizes)


def train_together(runs: Sequence[Run], device: torch.device) -> list[tuple[list[dict], bool]]:
    """For each run its records, and whether it diverged: `Run.train` of each, with
    losses equal to a relative 1e-4 over a hundred steps of training that is not chaotic.

    A network that diverges disturbs no other. Raises ValueError for runs of different shapes or
    with observers.
    """
    if len({shape(run) for run in runs}) != 1 or any(run.observe for run in runs):
        raise ValueError("a batch has one shape and no observers: train the other runs alone")
    first = runs[0]
    with deterministic(threads=1):
        dtype = getattr(torch, first.dtype)
        data = dataset(first.dataset, first.n_train, first.n_test, device, dtype)
        layers = _stacked(runs, data)
        rates = torch.tensor([-run.lr for run in runs], device=device, dtype=dtype)
        at_once = max(1, examples_at_once(first, data.n_in) // len(runs))
        seen: list[dict] = []
        for step in range(first.steps + 1):
            measured = step % first.test_every == 0 or step == first.steps
            record = _evaluation(layers, first, data, at_once) if measured else {}
            losses, gradients = _losses_and_gradients(
                layers, first, data.x_train, data.y_train, at_once
            )
            seen.append({"train_loss": losses} | record)
            if step % _CHECK_EVERY == 0 and not losses.isfinite().any():
                break
            with torch.no_grad():
                for parameter, gradient in zip(layers, gradients, strict=True):
                    parameter.add_(rates[:, None, None] * gradient)
    return [_records(seen, index) for index in range(len(runs))]


def _stacked(runs: Sequence[Run], data: Dataset) -> list[Tensor]:
    """The networks' parameters, layer by layer: weights (R, n_in, n_out), biases (R, 1, n_out)."""
    nets = [network(run, data.n_in, data.n_out).to(data.x_train) for run in runs]
    stacked = []
    for layers in zip(*(net.layers for net in nets), strict=True):
        stacked.append(torch.stack([layer.weight.detach().T for layer in layers]))
        stacked.append(torch.stack([layer.bias.detach()[None] for layer in layers]))
    return [parameter.requires_grad_() for parameter in stacked]


def _outputs(layers: list[Tensor], run: Run, x: Tensor) -> Tensor:
    """(R, N, n_out) for x (N, n_in)."""
    h = x.expand(len(layers[0]), *x.shape)
    for index in range(0, len(layers), 2):
        h = torch.baddbmm(layers[index + 1], h, layers[index])  # (R, N, n)
        if index < len(layers) - 2:
            h = run.activation(h)
    return h


def _losses(out: Tensor, y: Tensor) -> Tensor:
    """The sum of the examples' cross-entropies for each network, (R,)."""
    every = y.expand(len(out), -1).flatten()
    return F.cross_entropy(out.flatten(0, 1), every, reduction="none").view(len(out), -1).sum(1)


def _losses_and_gradients(
    layers: list[Tensor], run: Run, x: Tensor, y: Tensor, at_once: int
) -> tuple[Tensor, list[Tensor]]:
    total, gradients = 0.0, [torch.zeros_like(parameter) for parameter in layers]
    for xs, ys in zip(x.split(at_once), y.split(at_once), strict=True):
        losses = _losses(_outputs(layers, run, xs), ys) / len(x)
        torch._foreach_add_(gradients, torch.autograd.grad(losses.sum(), layers))
        total = total + losses.detach()
    return total, gradients


def _evaluation(layers: list[Tensor], run: Run, data: Dataset, at_once: int) -> dict[str, Tensor]:
    """test_loss, test_acc and train_acc of each network."""
    seen = {}
    with torch.no_grad():
        for split in ("test", "train"):
            x, y = getattr(data, f"x_{split}"), getattr(data, f"y_{split}")
            loss, right = 0.0, 0
            for xs, ys in zip(x.split(at_once), y.split(at_once), strict=True):
                out = _outputs(layers, run, xs)
                loss, right = loss + _losses(out, ys), right + (out.argmax(2) == ys).sum(1)
            seen |= {f"{split}_loss": loss / len(x), f"{split}_acc": right / len(x)}
    del seen["train_loss"]  # the step's own
    return seen


def _records(seen: list[dict], index: int) -> tuple[list[dict], bool]:
    """One network's records, up to the first loss that is not finite."""
    records = [
        {"step": step} | {name: value[index].item() for name, value in record.items()}
        for step, record in enumerate(seen)
    ]
    finite = torch.tensor([r["train_loss"] for r in records]).isfinite()
    end = len(records) if finite.all() else int(finite.int().argmin())
    return records[:end], end < len(records)
