"""Critical constants to ten digits, against an independent mpmath computation and published
values.
"""

from itertools import pairwise

import mpmath
import numpy as np
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
from smoothrelu.theory.critical import critical_points
from smoothrelu.theory.depth_scaling import rates

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


@pytest.mark.parametrize("kind", [SWISH, GELU, GumbelLU])
def test_the_rates_agree_with_mpmath_to_eight_digits(kind):
    """a and b as the derivatives in K of which they are integrals by parts, in 30 digits."""
    g, dg = GATES[kind], DENSITIES[kind]
    c = criticality(kind())
    found = rates(kind(), c)
    with mp.workdps(30):
        K = mpf(c.K_star)
        a = c.C_W / 2 * mpmath.diff(lambda k: mean(lambda z: (z * g(z)) ** 2, k), K, 2)
        b = c.C_W * mpmath.diff(lambda k: mean(lambda z: (g(z) + z * dg(z)) ** 2, k), K)
    assert found.kernel_rate == pytest.approx(float(a), rel=1e-8)
    assert found.gradient_rate == pytest.approx(float(b), rel=1e-8)


def test_the_merging_rate_of_gelu_agrees_with_its_closed_form():
    """phi'' = (2 - u^2) n(u), so that <phi''^2>_K is a Gaussian integral of a polynomial."""
    c = criticality(GELU())
    K = c.K_star
    v = K / (1 + 2 * K)  # variance of n(u)^2 times the density, up to a factor
    closed = (v / K) ** 0.5 / (2 * np.pi) * (4 - 4 * v + 3 * v * v)
    assert rates(GELU(), c).correlation_rate == pytest.approx(c.C_W / 2 * closed, rel=1e-12)


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


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (F.softplus, "exceeds 1 at every kernel, as for any convex"),
        (lambda x: torch.relu(x) ** 2, r"exceeds 1 at every kernel.* where it is 1\.5\)"),
        (torch.exp, "exceeds 1 at every kernel"),
        (lambda x: F.relu(x + 1) ** 2 / 4 - F.relu(x - 1) ** 2 / 4, "exceeds 1"),  # SmeLU
        (torch.cos, "below 1 at every kernel, and K = 0 is not a fixed point that attracts"),
        (torch.sigmoid, "below 1 at every kernel"),
        (lambda x: x + 1, "but with both at 1 no kernel is a fixed point"),
    ],
)
def test_functions_without_a_critical_point_say_why(function, reason):
    with pytest.raises(NoCriticality, match=f"no critical initialisation: .*{reason}.*he_init_"):
        criticality(function)


@pytest.mark.parametrize("T", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("function", [torch.tanh, torch.sin, torch.erf, F.elu, F.softsign])
def test_sigmoidal_functions_are_of_the_class_of_vanishing_kernels_on_any_scale(function, T):
    (found,) = critical_points(lambda x: T * function(x / T))
    slope = torch.func.grad(function)(torch.tensor(1e-12, dtype=torch.float64)).item()
    assert pytest.approx(slope**-2, rel=1e-9) == found.C_W
    assert (found.C_b, found.K_star, found.universality) == (0.0, 0.0, "K*=0")


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (torch.sum, "same shape"),
        (lambda x: 3.0, "same shape"),
        (lambda x: x.float(), "same shape and dtype; .* made .*float32"),
        (lambda x: torch.softmax(x, -1), "is not elementwise: at z = .* in one tensor and"),
        (lambda x: x - x.mean(), "is not elementwise"),
        (torch.nn.Dropout(), "is not elementwise"),
        (torch.nn.Linear(5, 5), r"Linear.* fails on a float64 tensor of shape .*double\(\)"),
        (torch.log, "gives nan, .* at z = -"),
        (lambda x: x * x.exp() / (1 + x.exp()), "gives nan, .* at z = 7"),
        (lambda x: 1 / x, "finite and other than 0"),
        (lambda x: x * 0 + 1, "finite and other than 0"),
        (lambda x: x.detach(), "cannot be differentiated"),
    ],
)
def test_what_is_no_activation_is_refused_with_what_it_did(bad, complaint):
    with pytest.raises(ValueError, match=complaint) as refusal:
        criticality(bad)
    assert not isinstance(refusal.value, NoCriticality)


def test_a_kink_away_from_the_origin_costs_digits_and_the_result_says_how_many():
    """Hardswish has kinks at -3 and 3; the reference integrates between them, by Gauss-Legendre."""
    x, w = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(200))

    def excess(K):
        edges = [-40.0, -3.0, 3.0, 40.0]
        total = 0.0
        for a, b in pairwise(edges):
            z = (a + b) / 2 + x * (b - a) / 2
            z.requires_grad_()
            phi = F.hardswish(z)
            (slope,) = torch.autograd.grad(phi.sum(), z)
            density = (-z * z / (2 * K)).exp() * w * (b - a) / 2
            total += (density * (z * phi * slope / K - slope**2)).sum().item()
        return total

    found = criticality(F.hardswish)
    assert 1e-4 < found.error < 0.05 and "error=0.0" in str(found)
    assert excess(found.K_star * 0.9) * excess(found.K_star * 1.1) < 0
    assert criticality(F.silu).error < 1e-10 and "error" not in str(criticality(F.silu))
