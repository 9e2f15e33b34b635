"""Full-batch gradient descent of one network, watched by observers.

An observer is a function (step, model) -> dict of named numbers or scalar tensors. It is called
before every update and once after the last, so a run of `steps` updates has steps + 1 records.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Observer = Callable[[int, nn.Module], dict]

_CHECK_EVERY = 10  # steps between looks at the loss: each look waits for the device


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


def gradient_descent(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    lr: float,
    steps: int,
    observers: Sequence[Observer] = (),
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    progress: str | None = None,
) -> list[dict]:
    """Train in place by theta <- theta - lr grad loss(model(x), y), the gradient over all N
    examples.

    x (N, n_in), y: what `loss` takes. Equal to torch.optim.SGD without momentum.
    progress: the label of a progress bar, or None for no bar.
    Returns one dict a step: "step", "train_loss" and what the observers saw, as floats.
    Raises Diverged where the loss becomes NaN or infinite; ValueError for lr or steps out of range
    and where x and y do not match.
    """
    if not (math.isfinite(lr) and lr > 0):
        raise ValueError(f"the learning rate must be positive and finite, got {lr!r}")
    if not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps must be a non-negative integer, got {steps!r}")
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(f"{len(x)} inputs do not go with {len(y)} targets")
    parameters = [p for p in model.parameters() if p.requires_grad]
    records: list[dict] = []
    for step in _steps(steps, progress):
        value = loss(model(x), y)
        records.append(
            {"step": step, "train_loss": value.detach()} | _observe(observers, step, model)
        )
        if step % _CHECK_EVERY == 0 or step == steps:
            _check_finite(records, lr)
        if step < steps:
            gradients = torch.autograd.grad(value, parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-lr)
    return _as_floats(records)


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The fraction of the N examples whose largest output is their label."""
    return (model(x).argmax(1) == y).float().mean()


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


def _observe(observers: Sequence[Observer], step: int, model: nn.Module) -> dict:
    with torch.no_grad():
        return {
            name: value for observer in observers for name, value in observer(step, model).items()
        }


def _check_finite(records: list[dict], lr: float) -> None:
    """Raise at the first record whose loss is not finite."""
    losses = torch.stack([r["train_loss"] for r in records])
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        first = bad[0].item()
        cause = "the loss is NaN" if losses[first].isnan() else "the loss is infinite"
        raise Diverged(first, cause, lr, _as_floats(records[:first]))


def _as_floats(records: list[dict]) -> list[dict]:
    return [{k: v.item() if isinstance(v, Tensor) else v for k, v in r.items()} for r in records]


def _steps(steps: int, progress: str | None):
    """0 ... steps, under a progress bar where one is wanted and tqdm is there."""
    if progress is not None:
        with contextlib.suppress(ImportError):
            from tqdm import trange

            return trange(steps + 1, desc=progress, unit="step", leave=False)
    return range(steps + 1)
