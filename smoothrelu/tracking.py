"""What a `Run` can observe besides losses: frozen, importable recipes of observers.

A recipe's repr is part of the run's key; called with the data and the run it gives the observer.
"""

from dataclasses import dataclass

from smoothrelu.datasets import Dataset
from smoothrelu.ntk_path import NTKTracker
from smoothrelu.sign_flips import SignFlips


@dataclass(frozen=True)
class TrackNTK:
    """`NTKTracker` on the first n training images and their labels."""

    n: int = 50

    def __call__(self, data: Dataset, run) -> NTKTracker:
        return NTKTracker(data.x_train[: self.n], data.y_train[: self.n])


@dataclass(frozen=True)
class CountSignFlips:
    """`SignFlips` on the first n training images."""

    n: int = 50

    def __call__(self, data: Dataset, run) -> SignFlips:
        return SignFlips(data.x_train[: self.n])
