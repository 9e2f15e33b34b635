"""Checks that all activations make of their arguments."""

import numbers

from torch import Tensor, nn


def is_number(value) -> bool:
    """Whether it is a real number, and not True or False."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_input(x: Tensor, activation: nn.Module) -> None:
    """Raises ValueError for a tensor that is not floating."""
    if not x.is_floating_point():
        raise ValueError(
            f"{activation} needs a floating tensor, got {x.dtype}; call x.float() first"
        )
