r"""The loss around the weights of a network, on a plane of two random directions.

Each direction d is normalised filter by filter, d_f <- d_f |theta_f|/|d_f|, so that one unit along
it means the same for networks whose weights differ in scale, as ReLU networks may without any
difference in function. Source: Li et al. 2018, Visualizing the loss landscape of neural nets.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.func import functional_call


def loss_surface(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    radius: float = 1.0,
    points: int = 21,
    generator: Generator | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
) -> list[dict]:
    """loss(model(x), y) at theta + a d1 + b d2 for `points` values of a and of b in [-radius,
    radius].

    x (N, ...), y: what `loss` takes; the mean over a data set needs all of it here. The directions
    come from the generator; those of biases and of other parameters with fewer than two dimensions
    are zero, which also leaves batch normalisation alone.
    Returns points^2 rows a, b, loss; an odd number of points contains theta itself. The model runs
    in evaluation mode and is left as it is.
    Raises ValueError for a radius that is not positive and for fewer than two points.
    """
    if not (0 < radius < float("inf") and isinstance(points, int) and points >= 2):
        raise ValueError(
            f"a surface needs radius > 0 and points >= 2, got radius={radius!r}, points={points!r}"
        )
    theta = {name: p.detach() for name, p in model.named_parameters()}
    first, second = (_filter_normalised(theta, generator) for _ in range(2))
    steps = [radius * (2 * k - (points - 1)) / (points - 1) for k in range(points)]  # 0 exactly
    was_training = {module: module.training for module in model.modules()}
    model.eval()
    rows = []
    try:
        with torch.no_grad():
            for a in steps:
                for b in steps:
                    moved = {n: p + a * first[n] + b * second[n] for n, p in theta.items()}
                    value = loss(functional_call(model, moved, (x,)), y)
                    rows.append({"a": a, "b": b, "loss": value.item()})
    finally:
        for module, mode in was_training.items():
            module.training = mode
    return rows


def _filter_normalised(theta: dict[str, Tensor], generator: Generator | None) -> dict[str, Tensor]:
    """A random direction with the norms of theta, filter by filter (the first dimension)."""
    direction = {}
    for name, p in theta.items():
        if p.ndim < 2:
            direction[name] = torch.zeros_like(p)
            continue
        device = p.device if generator is None else generator.device
        noise = torch.randn(p.shape, generator=generator, device=device).to(p)
        inner = tuple(range(1, p.ndim))
        norms = [torch.linalg.vector_norm(v, dim=inner, keepdim=True) for v in (p, noise)]
        direction[name] = noise * (norms[0] / norms[1])
    return direction
