"""What is seen of a network once, at the end of a `MinibatchRun`: recipes as in
`smoothrelu.training.observers`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from smoothrelu.networks.dead_units import count_firing, firing_histogram
from smoothrelu.networks.loss_landscape import loss_surface

Splits = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class SnapshotFiring:
    """`firing_histogram` over all training images, after the last epoch: firing_LAYER_BIN, the
    number of units of that layer in that bin, bin 0 for the dead ones.
    """

    bins: int = 20

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            if epoch != run.epochs:
                return {}
            rows = firing_histogram(count_firing(model, splits["train"][0]), self.bins)
            bins = enumerate(rows)  # bins + 1 rows a layer
            return {f"firing_{r['layer']}_{k % (self.bins + 1)}": r["units"] for k, r in bins}

        return observe


@dataclass(frozen=True)
class SnapshotSurface:
    """`loss_surface` of the first n training images, after the last epoch: surface_I_J, the loss at
    the I-th value of a and the J-th of b. The directions are drawn anew from the run's seed.
    """

    n: int = 500
    radius: float = 1.0
    points: int = 13

    def __call__(self, splits: Splits, run) -> Callable:
        def observe(epoch: int, model: nn.Module) -> dict:
            if epoch != run.epochs:
                return {}
            x, y = (part[: self.n] for part in splits["train"])
            generator = torch.Generator().manual_seed(run.seed)
            rows = loss_surface(
                model, x, y, radius=self.radius, points=self.points, generator=generator
            )
            return {
                f"surface_{k // self.points}_{k % self.points}": row["loss"]
                for k, row in enumerate(rows)
            }

        return observe
