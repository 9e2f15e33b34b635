"""The accuracy that `theory.quadrature` promises, against mpmath's adaptive quadrature."""

import functools
import math

import mpmath
import pytest
import torch
from mpmath import mp, mpf

from smoothrelu import (
    GELU,
    SMOOTH_RELUS,
    SWISH,
    AlgebraicLU,
    GudermanLU,
    GumbelLU,
    gaussian_mean,
)
from smoothrelu.theory.quadrature import gaussian_rule

mp.dps = 40

EXACT = {
    SWISH: lambda u: u / (1 + mpmath.exp(-u)),
    # below -10 it is less than 1e-9000, which mpmath would take minutes to write down
    GumbelLU: lambda u: u * mpmath.exp(-mpmath.exp(-u)) if u > -10 else mpf(0),
    GudermanLU: lambda u: u * 2 / mpmath.pi * mpmath.atan(mpmath.exp(2 * u)),
}


def exact_square(kind, ratio: float):
    """<phi_1^2> at K = 1/ratio^2, by Gauss-Legendre on panels that grow from the origin."""
    r = mpf(ratio)
    edges = sorted({0, *(s * mpf(2) ** k * min(r, 1) for k in range(-4, 80) for s in (1, -1))})
    edges = [e for e in edges if abs(e) < 16]

    def integrand(x):
        return EXACT[kind](x / r) ** 2 * mpmath.npdf(x)

    return sum(mpmath.quad(integrand, [a, b]) for a, b in zip(edges, edges[1:], strict=False))


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("ratio", [1e3, 1.0, 1e-2, 1e-6])
def test_the_mean_square_is_right_to_twelve_digits_at_every_ratio_of_scales(kind, ratio):
    got = gaussian_mean(lambda z: kind()(z) ** 2, 1 / ratio**2, scale=1.0).item()
    assert got == pytest.approx(float(exact_square(kind, ratio)), rel=1e-12)


# --- the whole range: T from 1e-8 to 1e3, K from 1e-8 to 1e8
#
# g, g', g'' written anew in mpmath, and panels of Gauss-Legendre that double away from the origin.


def sigmoid(u):
    s = 1 / (1 + mpmath.exp(-u))
    return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)


def normal(u):
    return mpmath.ncdf(u), mpmath.npdf(u), -u * mpmath.npdf(u)


def gumbel(u):
    if u < -8:  # e^(-2980)
        return mpf(0), mpf(0), mpf(0)
    e = mpmath.exp(-u)
    g = mpmath.exp(-e)
    return g, g * e, g * e * (e - 1)


def algebraic(u):
    r = 1 / mpmath.sqrt(1 + u * u)
    # (1 + u r)/2 without the cancellation at u << 0
    return (1 + u * r) / 2 if u > 0 else r / (2 * (1 / r - u)), r**3 / 2, -3 * u * r**5 / 2


def gudermannian(u):
    first = 2 / mpmath.pi / mpmath.cosh(2 * u)
    return 2 / mpmath.pi * mpmath.atan(mpmath.exp(2 * u)), first, -2 * mpmath.tanh(2 * u) * first


GATES = {
    SWISH: sigmoid,
    GELU: normal,
    GumbelLU: gumbel,
    AlgebraicLU: algebraic,
    GudermanLU: gudermannian,
}


@functools.cache
def nodes(ratio):
    """x and weights for the standard normal density, resolving `ratio` at the origin."""
    octaves = [mpf(2) ** k for k in range(math.floor(math.log2(min(ratio, 1))) - 3, 4)]
    edges = [mpf(0), *octaves, mpf(12)]
    edges = sorted({sign * e for e in edges for sign in (1, -1)})
    halves = [a + (b - a) * k / 2 for a, b in zip(edges, edges[1:], strict=False) for k in (0, 1)]
    rule = mpmath.calculus.quadrature.GaussLegendre(mp).calc_nodes(4, mp.prec)
    found = []
    for a, b in zip(halves, [*halves[1:], mpf(12)], strict=True):
        for node, weight in rule:
            z = (a + b) / 2 + (b - a) / 2 * node
            found.append((z, weight * (b - a) / 2 * mpmath.npdf(z)))
    return found


def exact_moments(kind, T, K):
    """<phi^2>, <phi'^2>, <z phi phi'>, <phi phi''> and <|phi phi''|>."""
    T, sigma, totals = mpf(T), mpmath.sqrt(mpf(K)), [mpf(0)] * 5
    for x, weight in nodes(float(T / sigma)):
        z = sigma * x
        u = z / T
        g, first, second = GATES[kind](u)
        phi, slope, curvature = z * g, g + u * first, (2 * first + u * second) / T
        products = phi * phi, slope * slope, z * phi * slope, phi * curvature, abs(phi * curvature)
        totals = [t + weight * p for t, p in zip(totals, products, strict=True)]
    return [float(t) for t in totals]


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(
    ("T", "K"),
    [(1e-8, 1e-8), (1e-8, 1e8), (1e3, 1e-8), (1e3, 1e8), (1e-8, 1.0), (0.3, 2.0), (1e-2, 30.0)],
)
def test_every_moment_is_right_to_twelve_digits_to_the_corners_of_the_range(kind, T, K):
    with mpmath.workdps(25):
        *exact, curved = exact_moments(kind, T, K)
    phi = kind(T)
    got = [
        gaussian_mean(f, K, scale=T).item()
        for f in (
            lambda z: phi(z) ** 2,
            lambda z: phi.derivative(z) ** 2,
            lambda z: z * phi(z) * phi.derivative(z),
            lambda z: phi(z) * phi.derivative(z, 2),
        )
    ]
    assert got[:3] == pytest.approx(exact[:3], rel=1e-12)
    assert got[3] == pytest.approx(exact[3], abs=1e-12 * curved)


@pytest.mark.parametrize("power", [0, 2, 4, 6])
@pytest.mark.parametrize("scale", [None, 1.0, 1e-8])
def test_moments_of_the_normal_distribution_come_out_for_every_scale(power, scale):
    K = torch.tensor([1e-8, 1.0, 3.7, 1e8], dtype=torch.float64)
    exact = math.prod(range(1, power, 2)) * K ** (power / 2)
    torch.testing.assert_close(
        gaussian_mean(lambda z: z**power, K, scale), exact, rtol=1e-13, atol=0
    )


def test_a_kink_or_jump_at_the_origin_costs_nothing_when_the_scale_is_unknown():
    assert gaussian_mean(lambda z: torch.relu(z) ** 2, 2.0).item() == pytest.approx(1.0, rel=1e-12)
    assert gaussian_mean(torch.relu, 1.0).item() == pytest.approx(
        1 / math.sqrt(2 * math.pi), rel=1e-12
    )
    step = gaussian_mean(lambda z: (z > 0).double(), 1.0).item()
    assert step == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_halving_the_step_changes_nothing(kind, monkeypatch):
    K = torch.logspace(-8, 16, 25, dtype=torch.float64)
    coarse = gaussian_mean(lambda z: kind().derivative(z) ** 2, K, scale=1.0)
    monkeypatch.setattr("smoothrelu.theory.quadrature._STEP", 0.025)
    fine = gaussian_mean(lambda z: kind().derivative(z) ** 2, K, scale=1.0)
    torch.testing.assert_close(coarse, fine, rtol=1e-12, atol=0)


def test_zero_variance_evaluates_at_the_origin():
    assert gaussian_mean(lambda z: z + 3.0, 0.0).item() == pytest.approx(3.0, rel=1e-14)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_variance_that_is_negative_or_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="K is a variance"):
        gaussian_rule(bad)
