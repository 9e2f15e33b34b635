"""Runs of equal shape trained as one batch of networks: for a GPU, which one small network leaves
idle.

On a CPU the scheduler does not use it: there processes fill the cores, and a batch on one core
takes longer than its networks one by one (1.1 to 1.7 times, 100 to 1000 images, width 64 to 256).
Numbers computed here agree with those of `Run.train` to rounding and not to the bit, and may
depend to rounding on what else was in the batch; the kind of device in a run's key keeps them
apart.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from smoothrelu.experiments.run import Run, examples_at_once, network
from smoothrelu.experiments.schedulable import dataset
from smoothrelu.training.full_batch import CHECK_EVERY, chunks, deterministic, loss_and_accuracy


def shape(run: Run) -> tuple:
    """What the runs of a batch have in common: all but learning rate, seed and initialisation."""
    sizes = (run.n_train, run.n_test, run.width, run.depth, run.steps, run.test_every, run.dtype)
    return (run.dataset, repr(run.activation), *sizes)


def train_together(runs: Sequence[Run], device: torch.device) -> list[tuple[list[dict], bool]]:
    """For each run its records, and whether it diverged: `Run.train` of each, with losses equal to
    a relative 1e-4 over a hundred steps of training that is not chaotic.

    A network that diverges disturbs no other. Raises ValueError for runs of different shapes or
    with observers.
    """
    if len({shape(run) for run in runs}) != 1 or any(run.observe for run in runs):
        raise ValueError("a batch has one shape and no observers: train the other runs alone")
    first = runs[0]
    with deterministic(threads=1):
        dtype = getattr(torch, first.dtype)
        data = dataset(first.dataset, first.n_train, first.n_test, device, dtype)
        ensemble = _Ensemble([network(r, data.n_in, data.n_out).to(data.x_train) for r in runs])
        rates = torch.tensor([run.lr for run in runs], device=device, dtype=dtype)
        at_once = max(1, examples_at_once(first, data.n_in) // len(runs))
        train, test = (data.x_train, data.y_train), (data.x_test, data.y_test)
        seen: list[dict] = []
        for step in range(first.steps + 1):
            record = {}
            if step % first.test_every == 0 or step == first.steps:
                record["test_loss"], record["test_acc"] = ensemble.evaluate(*test, at_once)
                record["train_acc"] = ensemble.evaluate(*train, at_once)[1]
            losses, gradients = ensemble.losses_and_gradients(*train, at_once)
            seen.append({"train_loss": losses} | record)
            if step % CHECK_EVERY == 0 and not losses.isfinite().any():
                break
            ensemble.descend(gradients, rates)
    return [_records(seen, index) for index in range(len(runs))]


class _Ensemble:
    """Networks of one shape as one module, whose parameters have an axis of networks in front."""

    def __init__(self, nets: Sequence[torch.nn.Module]):
        self.net = nets[0]
        self.parameters, self.buffers = stack_module_state(list(nets))

    def each(self, function, *arguments) -> tuple[Tensor, ...] | Tensor:
        """function(model, *arguments) of every network."""

        def of_one(parameters, buffers):
            def model(x: Tensor) -> Tensor:
                return functional_call(self.net, (parameters, buffers), (x,))

            return function(model, *arguments)

        return vmap(of_one)(self.parameters, self.buffers)

    def evaluate(self, x: Tensor, y: Tensor, at_once: int) -> tuple[Tensor, Tensor]:
        """Loss and accuracy of every network, (R,)."""
        return self.each(lambda model: loss_and_accuracy(model, x, y, at_once=at_once))

    def losses_and_gradients(
        self, x: Tensor, y: Tensor, at_once: int
    ) -> tuple[Tensor, list[Tensor]]:
        """The losses (R,), and the gradient of each by its network's parameters."""
        leaves = list(self.parameters.values())
        total, gradients = 0.0, [torch.zeros_like(p) for p in leaves]
        for xs, ys in chunks(x, y, at_once):
            losses = self.each(_loss, xs, ys) * (len(xs) / len(x))
            torch._foreach_add_(gradients, torch.autograd.grad(losses.sum(), leaves))
            total = total + losses.detach()
        return total, gradients

    @torch.no_grad()
    def descend(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        for parameter, gradient in zip(self.parameters.values(), gradients, strict=True):
            parameter.sub_(rates.view(-1, *[1] * (parameter.ndim - 1)) * gradient)


def _loss(model, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


def _records(seen: list[dict], index: int) -> tuple[list[dict], bool]:
    """One network's records, up to the first loss that is not finite."""
    records = [
        {"step": step} | {name: value[index].item() for name, value in record.items()}
        for step, record in enumerate(seen)
    ]
    finite = torch.tensor([r["train_loss"] for r in records]).isfinite()
    end = len(records) if finite.all() else int(finite.int().argmin())
    return records[:end], end < len(records)
