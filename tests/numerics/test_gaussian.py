"""The accuracy that `smoothrelu.gaussian` promises, against mpmath's adaptive quadrature."""

import math

import mpmath
import pytest
import torch
from mpmath import mp, mpf

from smoothrelu import SMOOTH_RELUS, SWISH, GudermanLU, GumbelLU, gaussian_mean
from smoothrelu.gaussian import gaussian_rule

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
    monkeypatch.setattr("smoothrelu.gaussian._STEP", 0.025)
    fine = gaussian_mean(lambda z: kind().derivative(z) ** 2, K, scale=1.0)
    torch.testing.assert_close(coarse, fine, rtol=1e-12, atol=0)


def test_zero_variance_evaluates_at_the_origin():
    assert gaussian_mean(lambda z: z + 3.0, 0.0).item() == pytest.approx(3.0, rel=1e-14)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_variance_that_is_negative_or_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="K is a variance"):
        gaussian_rule(bad)
