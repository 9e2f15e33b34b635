"""One root of a function of a positive number, by evaluations alone."""

import math
from collections.abc import Callable


class NotConverged(ArithmeticError):  # noqa: N818 - reads as what happened
    """A solver stopped before it reached the accuracy it promises; it returns nothing."""

    def __init__(self, residual: float, steps: int):
        super().__init__(
            f"no solution after {steps} steps: the residual is still {residual:.3g}; the function "
            "jumps or is not finite there, so check the activation near the kernels it was asked at"
        )
        self.residual, self.steps = residual, steps


def root(f: Callable[[float], float], low: float, high: float) -> float:
    """The root K of f between low and high > 0, where f has opposite signs; relative accuracy
    1e-14, if f allows it.

    Inverse quadratic interpolation in log K where that is safe, bisection where not (Chandrupatla
    1997): about eight evaluations, never more than about fifty.
    Raises ValueError where f has one sign at both ends, NotConverged where its sign changes without
    |f| falling below 1e-9, or f is NaN.
    """
    a, b = math.log(high), math.log(low)
    f_a, f_b = f(high), f(low)
    if f_a * f_b > 0:
        raise ValueError(
            f"f is {f_b:.3g} at K = {low:.6g} and {f_a:.3g} at {high:.6g}: a root needs two signs"
        )
    c, f_c, t = a, f_a, 0.5
    steps = 0
    while True:
        steps += 1
        x = a + t * (b - a)
        f_x = f(math.exp(x))
        if (f_x > 0) == (f_a > 0):
            c, f_c = a, f_a
        else:
            c, f_c, b, f_b = b, f_b, a, f_a
        a, f_a = x, f_x
        least = min(abs(f_a), abs(f_b))
        shortest = 2e-15 * max(1.0, abs(a)) / abs(b - a)
        if math.isnan(f_x) or least == 0 or shortest > 0.5 or steps == 100:
            break
        t = min(max(_fraction(a, b, c, f_a, f_b, f_c), shortest), 1 - shortest)
    if not least < 1e-9:
        raise NotConverged(least, steps)
    return math.exp(a if least == abs(f_a) else b)


def _fraction(a, b, c, f_a, f_b, f_c) -> float:
    """Where from a to b to look next: inverse quadratic interpolation, or half."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    if not (phi**2 < xi and (1 - phi) ** 2 < 1 - xi):
        return 0.5
    along = f_a / (f_b - f_a) * f_c / (f_b - f_c)
    return along + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
