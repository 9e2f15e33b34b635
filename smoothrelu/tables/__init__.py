"""The theory as tidy pandas tables, columns named by the book's vocabulary: what the figures and
the chapters show.
"""

from smoothrelu.tables.criticality import (
    critical_constants,
    critical_fixed_points,
    kernel_flows,
    susceptibilities,
)
from smoothrelu.tables.definitions import activation_curves, relu_distances

__all__ = [
    "activation_curves",
    "critical_constants",
    "critical_fixed_points",
    "kernel_flows",
    "relu_distances",
    "susceptibilities",
]
