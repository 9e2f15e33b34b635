"""The laws of T -> 0 against mpmath, against closed forms, and against real networks."""

import dataclasses
import math

import mpmath
import numpy as np
import pandas
import pytest
import torch

from smoothrelu import (
    GELU,
    MLP,
    SMOOTH_RELUS,
    SWISH,
    AlgebraicLU,
    GudermanLU,
    GumbelLU,
    Mish,
    SmoothReLU,
    chi_parallel,
    criticality,
    he_init_,
    infinite_width_kernels,
    kernel_flow,
)
from smoothrelu.book.tables.relu_limit import limit_errors, limit_exponents
from smoothrelu.networks.layerwise import network_differences
from smoothrelu.theory.quadrature import gaussian_pair_mean
from smoothrelu.theory.relu_limit import (
    Law,
    chi_parallel_law,
    corner,
    derivative_kernel_law,
    fit_exponent,
    kernel_law,
    moment_errors,
)
from smoothrelu.theory.relu_limit_networks import (
    equal_input_laws,
    network_law,
    pair_kernels,
    pair_laws,
    relu_pair_kernels,
)

ALL = (*SMOOTH_RELUS, Mish)
LIGHT = [kind for kind in ALL if kind is not AlgebraicLU]

GATES = {
    SWISH: lambda u: 1 / (1 + mpmath.exp(-u)),
    GELU: mpmath.ncdf,
    GumbelLU: lambda u: mpmath.exp(-mpmath.exp(min(-u, 60))),  # beyond, mpmath takes seconds
    AlgebraicLU: lambda u: (1 + u / mpmath.sqrt(1 + u * u)) / 2,
    GudermanLU: lambda u: 2 / mpmath.pi * mpmath.atan(mpmath.exp(2 * u)),
    Mish: lambda u: mpmath.tanh(mpmath.log1p(mpmath.exp(u))),
}
SLOPES = {  # of the gates, by hand; the sixth by mpmath
    SWISH: lambda u: mpmath.sech(u / 2) ** 2 / 4,
    GELU: mpmath.npdf,
    GumbelLU: lambda u: mpmath.exp(min(-u, 60) - mpmath.exp(min(-u, 60))),
    AlgebraicLU: lambda u: (1 + u * u) ** -1.5 / 2,
    GudermanLU: lambda u: 2 / mpmath.pi * mpmath.sech(2 * u),
    Mish: lambda u: mpmath.diff(GATES[Mish], u),
}
PIECES = [-60, -8, -3, -1, 0, 1, 3, 8, 60]


def slope(kind, u):
    """phi_1'(u)."""
    return GATES[kind](u) + u * SLOPES[kind](u)


# --- the corner


@pytest.mark.parametrize("kind", LIGHT)
def test_the_corner_integrals_are_those_of_mpmath(kind):
    g, c = GATES[kind], corner(kind(0.3))
    integrands = {
        "gap": lambda u: u * (g(u) - (u > 0)),
        "gap_square": lambda u: (u * (g(u) - (u > 0))) ** 2,
        "square": lambda u: u**2 * (g(u) ** 2 - (u > 0)),
        "derivative_square": lambda u: slope(kind, u) ** 2 - (u > 0),
    }
    assert c.tail == 0
    for name, f in integrands.items():
        exact = mpmath.quad(f, PIECES)
        assert getattr(c, name) == pytest.approx(float(exact), rel=1e-9), name


def test_the_corner_integrals_of_the_heavy_tail_are_its_closed_forms():
    c = corner(AlgebraicLU())
    assert c.tail == pytest.approx(1 / 4, rel=1e-12)
    assert c.gap == pytest.approx(1 / 4 - math.log(2) / 2, rel=1e-9)
    assert c.square == pytest.approx(math.pi / 4, rel=1e-6)
    with mpmath.workdps(40):
        g = GATES[AlgebraicLU]
        far = [0, 1, 10, 1e3, mpmath.inf]
        half = mpmath.quad(lambda u: (u * g(-u)) ** 2, far)  # the gate is symmetric
        assert c.gap_square == pytest.approx(float(2 * half), rel=1e-6)
        sides = [lambda u: slope(AlgebraicLU, u) ** 2 - 1, lambda u: slope(AlgebraicLU, -u) ** 2]
        whole = sum(mpmath.quad(f, far) for f in sides)
        assert c.derivative_square == pytest.approx(float(whole), rel=1e-6)


def test_the_gap_is_minus_half_the_second_moment_of_the_distribution_whose_function_the_gate_is():
    moments = {
        SWISH: math.pi**2 / 3,
        GELU: 1,
        GumbelLU: math.pi**2 / 6 + np.euler_gamma**2,
        GudermanLU: math.pi**2 / 16,
    }
    for kind, second in moments.items():
        assert corner(kind()).gap == pytest.approx(-second / 2, rel=1e-9)
    assert corner(GELU()).square == pytest.approx(-5 / (6 * math.sqrt(math.pi)), rel=1e-9)


def test_a_gate_of_another_tail_and_what_has_no_gate_are_refused():
    class CauchyLU(SmoothReLU):
        gate = dataclasses.replace(
            AlgebraicLU.gate, first=lambda u: 1 / (math.pi * (1 + u * u)), support=(-1e9, 1e9)
        )

    with pytest.raises(ValueError, match="other tails have other laws"):
        corner(CauchyLU())
    with pytest.raises(ValueError, match="those of a SmoothReLU"):
        corner(torch.nn.ReLU())


# --- one Gaussian variable


@pytest.mark.parametrize("T", [1e-4, 0.01, 0.5])
@pytest.mark.parametrize("kind", [SWISH, GumbelLU, AlgebraicLU])
def test_the_moment_errors_are_those_of_mpmath(kind, T):
    K, g = 1.7, GATES[kind]

    def mean(f):
        knots = [0, T, 10 * T, 60 * T, 1, 4, 15]
        knots = sorted({*knots, *(-k for k in knots)})
        return float(mpmath.quad(lambda z: f(z) * mpmath.npdf(z, 0, mpmath.sqrt(K)), knots))

    with mpmath.workdps(25):
        exact = (
            mean(lambda z: z**2 * (g(z / T) ** 2 - (z > 0))),
            mean(lambda z: slope(kind, z / T) ** 2 - (z > 0)),
            mean(lambda z: z**2 * (g(z / T) * slope(kind, z / T) - (z > 0))) / K,
        )
    for got, wanted in zip(moment_errors(kind(T), K), exact, strict=True):
        assert got == pytest.approx(wanted, abs=1e-14, rel=1e-12)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("K", [0.3, 2.0])
def test_each_law_becomes_exact_as_the_temperature_falls(kind, K):
    laws = (kernel_law(kind(), K), derivative_kernel_law(kind(), K), chi_parallel_law(kind(), K))
    off = []
    for T in (1e-2, 1e-3):
        square, derivative_square, growth = moment_errors(kind(T), K)
        errors = (square, derivative_square, 2 * growth)
        off.append([abs(e / law(T) - 1) for e, law in zip(errors, laws, strict=True)])
        assert 1 + 2 * growth == pytest.approx(chi_parallel(kind(T), K, C_W=2.0), abs=1e-12)
    for cold, warm in zip(off[1], off[0], strict=True):
        assert cold < 0.02 and cold < warm / 5


def test_algebraic_is_the_only_one_whose_kernel_goes_by_the_square():
    exponents = {kind: kernel_law(kind(), 1.0).exponent for kind in ALL}
    assert {kind for kind, p in exponents.items() if p == 2} == {AlgebraicLU}
    assert all(chi_parallel_law(kind(), 1.0).exponent == 3 for kind in ALL)
    assert chi_parallel_law(AlgebraicLU(), 1.0).coefficient < 0
    assert all(chi_parallel_law(kind(), 1.0).coefficient > 0 for kind in LIGHT)


def test_at_its_critical_initialisation_a_cold_network_is_relu_with_another_weight_variance():
    for kind in SMOOTH_RELUS:
        c, T = criticality(kind()), 1e-5
        K = kernel_flow(kind(T), 1.0, depth=30, C_W=c.C_W, C_b=c.C_b * T**2)
        torch.testing.assert_close(K[1:] / K[:-1], K[1:] * 0 + c.C_W / 2, rtol=1e-6, atol=0)
        assert abs(c.C_W / 2 - 1) > 1e-3


# --- pairs of inputs


@pytest.mark.parametrize("kind", [*LIGHT, AlgebraicLU])
@pytest.mark.parametrize(("K", "angle"), [(1.0, 2.0), (2.5, 0.7)])
def test_the_laws_of_networks_become_exact_as_the_temperature_falls(kind, K, angle):
    depth = 4
    relu = relu_pair_kernels(K=K, angle=angle, depth=depth)
    equal = equal_input_laws(kind(), K=K, depth=depth)
    pair = pair_laws(kind(), K=K, angle=angle, depth=depth)
    off = []
    for T in (4e-3, 1e-3):
        errors = (pair_kernels(kind(T), K=K, angle=angle, depth=depth) - relu).tolist()
        laws = [law(T) for law in (equal[0], pair[0], equal[1], pair[1])]
        off.append([abs(e / law - 1) for e, law in zip(errors, laws, strict=True)])
    for cold, warm in zip(off[1], off[0], strict=True):
        assert cold < 0.01 and cold < max(warm / 3, 1e-4)


def test_the_arc_cosine_kernels_are_what_the_quadrature_finds_for_relu():
    K, angle = 1.3, 1.1
    x = torch.tensor([[1, 0], [math.cos(angle), math.sin(angle)]], dtype=torch.float64)
    nngp, ntk = infinite_width_kernels(
        math.sqrt(K) * x, activation=torch.relu, depth=3, C_W=2.0, C_b=0.0
    )
    got = relu_pair_kernels(K=K, angle=angle, depth=3)
    torch.testing.assert_close(got, torch.cat([nngp[0], ntk[0]]), rtol=1e-10, atol=0)


def test_the_error_of_a_pair_of_gelu_is_the_expansion_of_its_closed_form():
    """E of x Phi(x/T) in closed form, at 40 digits, for variances 1 (Tsuchida et al. 2020)."""
    angle, T = 0.9, mpmath.mpf("1e-6")
    with mpmath.workdps(40):
        q, K = 1 / T**2, mpmath.cos(angle) / T**2
        S = mpmath.sqrt((1 + q) ** 2 - K**2)
        P = 0.25 + mpmath.atan2(K, S) / (2 * mpmath.pi)
        E = T**2 * (K * P + (q**2 - K**2 + 2 * K**2 / (1 + q)) / (2 * mpmath.pi * S))
        t = mpmath.mpf(angle)
        relu = (mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)) / (2 * mpmath.pi)
        error = float(2 * (E - relu))
    assert pair_laws(GELU(), K=1.0, angle=angle, depth=2)[0](1e-6) == pytest.approx(error, rel=1e-9)


def test_at_a_right_angle_a_symmetric_gate_has_the_derivative_kernel_of_relu_and_gumbel_has_not():
    def error(kind, T):
        phi = kind(T)
        mean = gaussian_pair_mean(phi.derivative, 1.0, 1.0, math.pi / 2, T)
        return mean.item() - 1 / 4

    for kind in (SWISH, GELU, AlgebraicLU, GudermanLU):
        assert abs(error(kind, 0.1)) < 1e-12
    third = np.euler_gamma**3 + np.euler_gamma * math.pi**2 / 2 + 2 * float(mpmath.zeta(3))
    law = -third / (3 * math.sqrt(2 * math.pi))  # E[X^3] of the Gumbel distribution
    assert error(GumbelLU, 0.01) / 0.01**3 == pytest.approx(law, rel=0.01)


@pytest.mark.parametrize("angle", [0.0, math.pi, -1.0])
def test_a_pair_at_no_angle_is_referred_to_the_law_of_equal_inputs(angle):
    with pytest.raises(ValueError, match="take equal_input_laws"):
        pair_laws(SWISH(), K=1.0, angle=angle, depth=3)


# --- real networks


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_hidden_preactivations_of_real_networks_differ_by_the_law(kind):
    K, T, depth, width = 1.0, 0.01, 5, 512
    ratios = []
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(64, 16, dtype=torch.float64, generator=generator)
        x *= math.sqrt(16 * K / 2) / x.norm(dim=1, keepdim=True)
        net = MLP(16, width, width=width, depth=depth, activation=torch.nn.ReLU())
        he_init_(net, generator=generator).double()
        got = network_differences(net, kind(T), x)[1:]
        laws = [network_law(kind(), K=K, layer=n)(T) for n in range(2, depth + 1)]
        ratios.append(got / torch.tensor(laws))
    ratios = torch.stack(ratios)
    noise = ratios.std(0) / 2 + 0.02  # the law is the leading one in T and in 1/width
    assert ((ratios.mean(0) - 1).abs() / noise).max() < 4


def test_a_network_without_a_neuron_in_the_corner_is_the_relu_network():
    net = MLP(4, 3, width=32, depth=4, activation=torch.nn.ReLU())
    he_init_(net, generator=torch.Generator().manual_seed(0)).double()
    x = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    T = 1e-6
    assert network_differences(net, SWISH(T), x).max() < 1e-15
    algebraic = [network_differences(net, AlgebraicLU(t), x)[-1].item() for t in (T, T / 10)]
    assert algebraic[0] / algebraic[1] == pytest.approx(100, rel=0.01)


# --- fitting


def test_the_fit_recovers_an_exponent_and_tells_its_error():
    T = np.geomspace(1e-4, 1e-1, 30)
    noise = np.exp(0.1 * np.random.default_rng(0).standard_normal(30))
    slope, error = fit_exponent(T, 3 * T**1.5 * noise)
    assert abs(slope - 1.5) < 3 * error
    spread = 0.1 / np.linalg.norm(np.log(T) - np.log(T).mean())
    assert error == pytest.approx(spread, rel=0.4)
    law = Law(2, 1.0, 0.5)
    assert fit_exponent(T, law(T), law.factor(T)) == pytest.approx((2, 0), abs=1e-12)


@pytest.mark.parametrize("K", [0.0, -1.0, math.inf, math.nan])
def test_a_kernel_that_is_no_variance_is_refused(K):
    with pytest.raises(ValueError, match="positive and finite"):
        moment_errors(SWISH(), K)


def test_a_slope_without_an_error_is_refused():
    with pytest.raises(ValueError, match="three temperatures"):
        fit_exponent([0.1, 0.01], [1.0, 2.0])
    with pytest.raises(ValueError, match="not zero"):
        fit_exponent([0.1, 0.01, 0.001], [1.0, 0.0, 2.0])


def test_the_fitted_exponents_of_the_table_are_those_of_the_laws():
    fitted = limit_exponents(limit_errors(SMOOTH_RELUS, [1e-4, 3e-4, 1e-3], K=1.0))
    assert len(fitted) == 8 * len(SMOOTH_RELUS)
    assert (fitted["slope"] - fitted["exponent"]).abs().max() < 5e-3
    assert isinstance(fitted, pandas.DataFrame)
