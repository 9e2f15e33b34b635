"""One function per figure: a tidy table in, a matplotlib Figure out. No torch, no files."""

from smoothrelu.figures.criticality import (
    flow_over_depth,
    kernel_against_temperature,
    susceptibilities,
)
from smoothrelu.figures.definitions import (
    distance_to_relu,
    gates_and_activations,
    temperature_family,
)
from smoothrelu.figures.training import loss_by_learning_rate, loss_curves

__all__ = [
    "distance_to_relu",
    "flow_over_depth",
    "gates_and_activations",
    "kernel_against_temperature",
    "loss_by_learning_rate",
    "loss_curves",
    "susceptibilities",
    "temperature_family",
]
