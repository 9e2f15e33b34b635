r"""The variances (C_W, C_b) of weights and biases that the theory of wide networks is written in.

Var W = C_W/fan_in and Var b = C_b; elsewhere sigma_w^2 and sigma_b^2. He initialisation is `HE`,
the critical one `criticality(activation).variances`, the edge of chaos `edge_of_chaos`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Variances:
    """C_W and C_b, finite and not negative; unpacks into the two: C_W, C_b = variances.

    Raises ValueError where one of them is no variance.
    """

    C_W: float
    C_b: float

    def __post_init__(self) -> None:
        check_variances(self.C_W, self.C_b)

    def __iter__(self) -> Iterator[float]:
        return iter((self.C_W, self.C_b))


def check_variances(C_W: float, C_b: float = 0.0) -> None:
    """ValueError where one of them is no variance."""
    for name, x in (("C_W", C_W), ("C_b", C_b)):
        if not 0 <= x < math.inf:
            raise ValueError(f"{name} is a variance, finite and not negative; got {x}")


HE = Variances(2.0, 0.0)
"""He initialisation (He et al. 2015): ReLU keeps every kernel."""
