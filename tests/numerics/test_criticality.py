"""Critical constants to ten digits, against an independent mpmath computation and published
values.
"""

import mpmath
import pytest
import torch
from mpmath import mp, mpf
from torch.nn import functional as F

from smoothrelu import (
    GELU,
    SMOOTH_RELUS,
    SWISH,
    AlgebraicLU,
    GudermanLU,
    GumbelLU,
    NoCriticality,
    criticality,
)

mp.dps = 20

GATES = {
    SWISH: lambda u: 1 / (1 + mpmath.exp(-u)),
    GELU: mpmath.ncdf,
    GumbelLU: lambda u: mpmath.exp(-mpmath.exp(-u)),
    AlgebraicLU: lambda u: (1 + u / mpmath.sqrt(1 + u * u)) / 2,
    GudermanLU: lambda u: 2 / mpmath.pi * mpmath.atan(mpmath.exp(2 * u)),
}
DENSITIES = {  # g', derived by hand
    SWISH: lambda u: mpmath.exp(-u) / (1 + mpmath.exp(-u)) ** 2,
    GELU: mpmath.npdf,
    GumbelLU: lambda u: mpmath.exp(-u - mpmath.exp(-u)),
    AlgebraicLU: lambda u: (1 + u * u) ** mpf(-1.5) / 2,
    GudermanLU: lambda u: 2 / mpmath.pi * mpmath.sech(2 * u),
}


def mean(f, K):
    edges = [-14, -8, -4, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 8, 14]
    return mpmath.quad(lambda x: f(mpmath.sqrt(K) * x) * mpmath.npdf(x), edges)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_the_critical_constants_agree_with_mpmath_to_ten_digits(kind):
    g, dg = GATES[kind], DENSITIES[kind]
    found = criticality(kind())

    def excess(K):  # d<phi^2>/dK - <phi'^2>, by the parts formula z phi phi'/K
        slope = mean(lambda z: z * (z * g(z)) * (g(z) + z * dg(z)), K) / K
        return slope - mean(lambda z: (g(z) + z * dg(z)) ** 2, K)

    K_star, tenth_digit = mpf(found.K_star), mpf("1e-10")
    assert excess(K_star * (1 - tenth_digit)) * excess(K_star * (1 + tenth_digit)) < 0
    C_W = 1 / mean(lambda z: (g(z) + z * dg(z)) ** 2, K_star)
    C_b = K_star - C_W * mean(lambda z: (z * g(z)) ** 2, K_star)
    assert pytest.approx(float(C_W), rel=1e-10) == found.C_W
    assert found.C_b == pytest.approx(float(C_b), rel=1e-10)


@pytest.mark.parametrize(
    ("kind", "C_b", "C_W"),  # Roberts, Yaida & Hanin (2022), section 5.3.4
    [(SWISH, 0.55514317, 1.98800468), (GELU, 0.17292239, 1.98305826)],
)
def test_swish_and_gelu_have_the_published_constants(kind, C_b, C_W):
    found = criticality(kind())
    assert round(found.C_b, 8) == C_b and round(found.C_W, 8) == C_W


def test_printing_shows_the_constants():
    assert "C_W=1.98800468, C_b=0.55514317" in str(criticality(SWISH()))


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
@pytest.mark.parametrize("T", [1e-8, 1e-3, 0.3, 1e4])
def test_the_temperature_leaves_C_W_alone_and_multiplies_C_b_by_its_square(kind, T):
    unit, found = criticality(kind()), criticality(kind(T))
    assert pytest.approx(unit.C_W, rel=1e-10) == found.C_W
    assert found.C_b == pytest.approx(unit.C_b * T**2, rel=1e-10)


@pytest.mark.parametrize("T", [1e-2, 0.3, 1.0, 30.0])
def test_a_lambda_is_solved_like_the_module_without_knowing_its_temperature(T):
    found = criticality(lambda x: x * torch.sigmoid(x / T))
    known = criticality(SWISH(T))
    for name in ("C_W", "C_b", "K_star"):
        assert getattr(found, name) == pytest.approx(getattr(known, name), rel=1e-9)


def test_torchs_own_functions_are_accepted():
    assert criticality(F.silu).C_b == pytest.approx(criticality(SWISH()).C_b, rel=1e-9)
    assert criticality(F.gelu).C_b == pytest.approx(criticality(GELU()).C_b, rel=1e-9)


def test_relu_is_scale_invariant_with_he_initialisation():
    found = criticality(torch.nn.ReLU())
    assert found.universality == "scale-invariant" and found.K_star is None
    assert pytest.approx(2, rel=1e-12) == found.C_W and found.C_b == 0
    leaky = criticality(lambda x: F.leaky_relu(x, 0.1))
    assert pytest.approx(2 / 1.01, rel=1e-12) == leaky.C_W


def test_tanh_belongs_to_the_class_of_vanishing_kernels():
    found = criticality(torch.tanh)
    assert (found.C_W, found.C_b, found.K_star, found.universality) == (1.0, 0.0, 0.0, "K*=0")


@pytest.mark.parametrize("function", [F.softplus, lambda x: torch.relu(x) ** 2, torch.cos])
def test_functions_without_a_critical_point_say_so(function):
    with pytest.raises(NoCriticality, match="no critical initialisation: .*he_init_"):
        criticality(function)


def test_a_function_that_is_not_elementwise_is_refused():
    with pytest.raises(ValueError, match="same shape"):
        criticality(torch.sum)
    with pytest.raises(ValueError, match="same shape"):
        criticality(lambda x: 3.0)
