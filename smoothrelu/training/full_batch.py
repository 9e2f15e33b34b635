"""Full-batch gradient descent of one network, watched by observers.

An observer is a function (step, model) -> dict of named numbers or scalar tensors. It is called
before every update and once after the last, so a run of `steps` updates has steps + 1 records.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smoothrelu.training.explicit_backprop import Loss, MLPBackprop

Observer = Callable[[int, nn.Module], dict]

CHECK_EVERY = 10  # steps between looks at the loss: each look waits for the device


class Diverged(ArithmeticError):  # noqa: N818
    """The training loss stopped being finite; `step` is the first such step, `records` what was
    seen before it.
    """

    def __init__(self, step: int, cause: str, lr: float, records: list[dict]):
        super().__init__(
            f"training diverged at step {step} ({cause}) with lr={lr:g}; try a smaller one"
        )
        self.step = step
        self.records = records


class Checkpointer(Protocol):
    """Saves the state of a training that may be interrupted, such as
    `smoothrelu.experiments.checkpoints.Checkpoint`.
    """

    def load(self) -> dict | None: ...

    def due(self) -> bool: ...

    def save(self, state: dict) -> None: ...


def gradient_descent(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    lr: float,
    steps: int,
    observers: Sequence[Observer] = (),
    loss: Loss = F.cross_entropy,
    at_once: int | None = None,
    checkpoint: Checkpointer | None = None,
    progress: str | None = None,
) -> list[dict]:
    """Train in place by theta <- theta - lr grad loss(model(x), y), the gradient over all N
    examples.

    x (N, n_in), y: what `loss` takes, a mean over examples. Equal to torch.optim.SGD without
    momentum.
    at_once: how many examples go through the network at a time, None for all. The gradient is the
    sum over such chunks, still exact: only its rounding changes (in float32 by less than 1e-5 of
    its norm), and memory no longer grows with N.
    checkpoint: saves the training state; if it holds one, training resumes from it, bitwise
    identically. The state of an observer is its attributes, plain values and tensors.
    progress: the label of a progress bar, or None for no bar.
    Returns one dict a step: "step", "train_loss" and what the observers saw, as floats.
    Raises Diverged where the loss becomes NaN or infinite; ValueError for lr, steps or at_once out
    of range and where x and y do not match.
    """
    _check_arguments(x, y, lr, steps, at_once)
    parameters = [p for p in model.parameters() if p.requires_grad]
    kept = checkpoint.load() if checkpoint else None
    records = _resume(kept, parameters, observers) if kept else []
    parts = chunks(x, y, at_once)
    backprop = MLPBackprop.for_model(model, x, y, loss) if len(parts) == 1 else None
    recent: list[dict] = []  # not looked at yet
    for step in _steps(len(records), steps, progress):
        if checkpoint and checkpoint.due():
            records, recent = _checked(records, recent, lr), []
            checkpoint.save(_state(parameters, records, observers))
        if backprop:
            value, gradients = backprop(step < steps)
        else:
            value, gradients = _loss_and_gradients(model, parts, parameters, loss, step < steps)
        recent.append({"step": step, "train_loss": value} | _observe(observers, step, model))
        if step % CHECK_EVERY == 0 or step == steps:
            records, recent = _checked(records, recent, lr), []
        if step < steps:
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-lr)
    return records


def loss_and_accuracy(
    model: nn.Module, x: Tensor, y: Tensor, *, loss: Loss = F.cross_entropy, at_once=None
) -> tuple[Tensor, Tensor]:
    """The mean loss over the N examples, and the fraction whose largest output is their label.

    at_once: see `gradient_descent`.
    """
    total, right = 0.0, 0
    with torch.no_grad():
        for xs, ys in chunks(x, y, at_once):
            out = model(xs)
            total = total + loss(out, ys) * (len(xs) / len(x))
            right = right + (out.argmax(1) == ys).sum()
    return total, right / len(x)


@contextlib.contextmanager
def deterministic(threads: int | None = None) -> Iterator[None]:
    """Deterministic algorithms, full float32 precision and a fixed number of threads, while the
    block runs.
    """
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
    )
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("highest")
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.set_float32_matmul_precision(before[1])
        torch.set_num_threads(before[2])


def _check_arguments(x: Tensor, y: Tensor, lr: float, steps: int, at_once: int | None) -> None:
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"the learning rate must be positive and finite, got {lr!r}")
    if not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps must be a non-negative integer, got {steps!r}")
    if at_once is not None and (not isinstance(at_once, int) or at_once < 1):
        raise ValueError(f"at_once must be a positive integer or None for all, got {at_once!r}")
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(f"{len(x)} inputs do not go with {len(y)} targets")


def chunks(x: Tensor, y: Tensor, at_once: int | None) -> list[tuple[Tensor, Tensor]]:
    """The examples in chunks of at_once, None for one chunk of all."""
    size = at_once or len(x)
    return list(zip(x.split(size), y.split(size), strict=True))


def _loss_and_gradients(
    model: nn.Module, chunks: list, parameters: list[Tensor], loss: Loss, wanted: bool
) -> tuple[Tensor, Sequence[Tensor]]:
    """The loss and, where wanted, its gradients over all chunks."""
    count = sum(len(xs) for xs, _ in chunks)
    total, gradients = 0.0, ()
    for xs, ys in chunks:
        with torch.set_grad_enabled(wanted):
            value = loss(model(xs), ys)
            if len(chunks) > 1:
                value = value * (len(xs) / count)
        if wanted:
            new = torch.autograd.grad(value, parameters)
            if gradients:
                torch._foreach_add_(gradients, new)
            else:
                gradients = list(new)
        total = total + value.detach()
    return total, gradients


def _observe(observers: Sequence[Observer], step: int, model: nn.Module) -> dict:
    with torch.no_grad():
        return {
            name: value for observer in observers for name, value in observer(step, model).items()
        }


def _checked(records: list[dict], recent: list[dict], lr: float) -> list[dict]:
    """records and the recent ones as floats; Diverged at the first whose loss is not finite."""
    if not recent:
        return records
    losses = torch.stack([r["train_loss"] for r in recent])
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        first = bad[0].item()
        cause = "the loss is NaN" if losses[first].isnan() else "the loss is infinite"
        seen = records + _as_floats(recent[:first])
        raise Diverged(len(seen), cause, lr, seen)
    records.extend(_as_floats(recent))
    return records


def _as_floats(records: list[dict]) -> list[dict]:
    return [{k: v.item() if isinstance(v, Tensor) else v for k, v in r.items()} for r in records]


def _state(parameters: list[Tensor], records: list[dict], observers: Sequence[Observer]) -> dict:
    """All that decides how the training goes on."""
    return {
        "parameters": [p.detach() for p in parameters],
        "records": records,
        "observers": [vars(observer) for observer in observers],
    }


def _resume(state: dict, parameters: list[Tensor], observers: Sequence[Observer]) -> list[dict]:
    """Put the state back; the records it has."""
    with torch.no_grad():
        for parameter, value in zip(parameters, state["parameters"], strict=True):
            parameter.copy_(value)
    for observer, attributes in zip(observers, state["observers"], strict=True):
        vars(observer).update(attributes)
    return state["records"]


def _steps(first: int, last: int, progress: str | None):
    """first ... last, under a progress bar where one is wanted and tqdm is there."""
    if progress is not None:
        with contextlib.suppress(ImportError):
            from tqdm import trange

            return trange(first, last + 1, desc=progress, unit="step", leave=False)
    return range(first, last + 1)
