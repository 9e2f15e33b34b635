"""Roots of functions of a positive number."""

import math

import pytest

from smoothrelu.theory.root_finding import NotConverged, root


def test_a_root_is_found_to_fourteen_digits_even_of_a_flat_or_a_lopsided_function():
    assert root(math.log, 1e-3, 40.0) == pytest.approx(1, rel=1e-14)
    assert root(lambda K: math.log(K) ** 3, 1e-3, 40.0) == pytest.approx(1, rel=1e-9)
    assert root(lambda K: K**9 - 7, 1e-8, 1e8) == pytest.approx(7 ** (1 / 9), rel=1e-14)


def test_a_root_that_is_not_there_is_never_made_up():
    with pytest.raises(ValueError, match="a root needs two signs"):
        root(lambda K: K + 1, 0.1, 10.0)
    with pytest.raises(NotConverged, match="residual is still 1;") as jump:
        root(lambda K: 1.0 if K > 2.3 else -1.0, 0.1, 10.0)
    assert jump.value.residual == 1 and 0 < jump.value.steps <= 100
    with pytest.raises(NotConverged, match="nan"):
        root(lambda K: math.nan if 0.5 < K < 4 else K - 2, 0.1, 10.0)
