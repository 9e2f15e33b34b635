"""The pair (C_W, C_b) as one value, and those who make one."""

import math

import pytest

from smoothrelu import GELU, SUGAR, BSiLU, criticality
from smoothrelu.theory.critical import critical_layers
from smoothrelu.theory.depth_scaling import edge_of_chaos
from smoothrelu.theory.sugar_gradient import balanced_variances
from smoothrelu.theory.variances import HE, Variances


def test_every_maker_gives_the_pair_as_one_value():
    c = criticality(GELU(0.5))
    assert c.variances == Variances(C_W=c.C_W, C_b=c.C_b)
    assert tuple(criticality(SUGAR()).variances) == pytest.approx(tuple(HE), rel=1e-14)
    for made in (edge_of_chaos(GELU(), 40.0), balanced_variances(BSiLU(), 2.0)):
        assert isinstance(made, Variances) and tuple(made) == (made.C_W, made.C_b)
    assert critical_layers([GELU(0.5)])[0] == c.variances


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_what_is_no_variance_is_refused_with_its_name_and_value(bad):
    for pair, name in (((bad, 0.0), "C_W"), ((2.0, bad), "C_b")):
        with pytest.raises(ValueError, match=f"{name} is a variance.*{bad}"):
            Variances(*pair)
