"""The activations themselves."""

from collections.abc import Sequence

import numpy as np
import pandas
import torch
from torch import nn

from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.relu_limit import uniform_distance
from smoothrelu.theory.variances import HE, Variances

Family = Sequence[type[SmoothReLU]]


def activation_curves(
    family: Family, temperatures: Sequence[float], x: np.ndarray
) -> pandas.DataFrame:
    """phi_T(x) and phi_T'(x) of each activation at each temperature: a row for each (activation,
    T, x).
    """
    points = torch.as_tensor(x, dtype=torch.float64)
    frames = [
        pandas.DataFrame(
            {
                "activation": kind.__name__,
                "temperature": T,
                "x": x,
                "phi": kind(T)(points).numpy(),
                "derivative": kind(T).derivative(points).numpy(),
            }
        )
        for kind in family
        for T in temperatures
    ]
    return pandas.concat(frames, ignore_index=True)


def relu_distances(family: Family, temperatures: Sequence[float]) -> pandas.DataFrame:
    """The uniform distance of each activation to ReLU, where it is reached, and phi(0)' = g(0)."""
    rows = []
    for kind in family:
        for T in temperatures:
            distance, where = uniform_distance(kind(T))
            slope = kind(T).derivative(torch.zeros((), dtype=torch.float64)).item()
            rows.append((kind.__name__, T, distance, where, slope))
    columns = ["activation", "temperature", "distance", "x", "slope_at_0"]
    return pandas.DataFrame(rows, columns=columns)


def critical_and_he(activation: nn.Module) -> dict[str, Variances]:
    """The two initialisations that the tables compare, by the names of the column init."""
    return {"critical": criticality(activation).variances, "he": HE}
