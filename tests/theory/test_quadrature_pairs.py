"""The accuracy that `gaussian_pair_mean` promises, against closed forms and nested quadrature."""

import math

import mpmath
import numpy as np
import pytest
import scipy.special
import torch

from smoothrelu import GELU, SMOOTH_RELUS, SWISH, GumbelLU, gaussian_mean
from smoothrelu.theory.quadrature import gaussian_pair_mean, pair_nodes

ANGLES = [0.0, 1e-10, 1e-3, 0.3, 1.0, math.pi / 2, 2.5, math.pi - 1e-3, math.pi]
EXACT = {
    SWISH: lambda u: u * scipy.special.expit(u),
    GumbelLU: lambda u: u * np.exp(-np.exp(-np.maximum(u, -7))),
}


def test_the_kernels_of_a_kink_and_a_jump_are_the_arc_cosine_kernels():
    theta = torch.tensor(ANGLES, dtype=torch.float64)
    got = gaussian_pair_mean(torch.relu, 2.0, 3.0, theta)
    exact = math.sqrt(6) * (theta.sin() + (math.pi - theta) * theta.cos()) / (2 * math.pi)
    torch.testing.assert_close(got, exact, rtol=0, atol=1e-12)
    got = gaussian_pair_mean(lambda z: (z > 0).double(), 2.0, 3.0, theta)
    torch.testing.assert_close(got, (math.pi - theta) / (2 * math.pi), rtol=0, atol=1e-12)


@pytest.mark.parametrize("T", [1e7, 1e3, 10.0, 1.0, 0.1, 1e-2, 1e-3, 1e-5, 1e-8, 1e-12])
def test_the_pair_mean_of_the_normal_distribution_function_is_its_closed_form(T):
    K1, K2 = 2.0, 0.3
    got = gaussian_pair_mean(
        lambda z: torch.special.ndtr(z / T),
        K1,
        K2,
        torch.tensor(ANGLES, dtype=torch.float64),
        scale=T,
    )
    with mpmath.workdps(40):
        for angle, value in zip(ANGLES, got.tolist(), strict=True):
            rho = mpmath.cos(mpmath.mpf(angle)) * mpmath.sqrt(mpmath.mpf(K1) * mpmath.mpf(K2))
            top = rho / mpmath.sqrt((mpmath.mpf(T) ** 2 + K1) * (mpmath.mpf(T) ** 2 + K2))
            exact = 0.25 + mpmath.asin(top) / (2 * mpmath.pi)
            assert value == pytest.approx(float(exact), abs=1e-12)


def exact_gelu(T, K1, K2, angle):
    """<phi phi>, <phi' phi'> and the diagonal of each, of x Phi(x/T), by integration by parts."""
    q1, q2 = mpmath.mpf(K1) / mpmath.mpf(T) ** 2, mpmath.mpf(K2) / mpmath.mpf(T) ** 2

    def pair(q1, q2, angle):
        k, a, b = mpmath.sqrt(q1 * q2) * mpmath.cos(angle), 1 + q1, 1 + q2
        root = mpmath.sqrt(a * b - k * k)
        P = mpmath.mpf(1) / 4 + mpmath.atan2(k, root) / (2 * mpmath.pi)
        Q = 1 / (2 * mpmath.pi * root)
        value = k * P + Q * (q1 * q2 - k * k + k * k * (1 / a + 1 / b))
        slopes = P + k * Q * (1 / a + 1 / b) + Q * k / root**2
        return value * mpmath.mpf(T) ** 2, slopes

    one, two = pair(q1, q1, 0), pair(q2, q2, 0)
    return [
        (float(v), float(mpmath.sqrt(a * b)))
        for v, a, b in zip(pair(q1, q2, mpmath.mpf(angle)), one, two, strict=True)
    ]


@pytest.mark.parametrize("T", [1e-8, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize(
    ("K1", "K2"), [(1e-8, 1e-8), (1e-8, 1e8), (1e8, 1e8), (1e8, 0.3), (1.0, 1.0), (1.0, 0.99)]
)
def test_the_pair_mean_of_gelu_is_its_closed_form_to_the_corners_of_the_range(T, K1, K2):
    angle = torch.tensor([*ANGLES, 1e-6, 0.03, math.pi - 1e-6], dtype=torch.float64)
    phi = GELU(T)
    got = [gaussian_pair_mean(f, K1, K2, angle, scale=T) for f in (phi, phi.derivative)]
    with mpmath.workdps(60):
        for i, theta in enumerate(angle.tolist()):
            for values, (exact, size) in zip(got, exact_gelu(T, K1, K2, theta), strict=True):
                assert values[i].item() == pytest.approx(exact, abs=1e-12 * size)


def panels(middle, width):
    """Gauss-Legendre nodes and weights on [-10, 10], in panels that double away from `middle`."""
    steps = width * 2.0 ** np.arange(-3, 5 + max(7, math.ceil(-math.log2(width))))
    edges = np.clip([middle, 0, *(middle + steps), *(middle - steps)], -10, 10)
    edges = np.unique(np.append(edges, [-10, 10]))
    x, w = np.polynomial.legendre.leggauss(24)
    half = np.diff(edges)[:, None] / 2
    nodes, weights = edges[:-1, None] + half * (x + 1), half * w
    return nodes.ravel(), (weights * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)).ravel()


def nested(phi, T, angle):
    """T^2 <phi(z1/T) phi(z2/T)> at unit variances, in the plane of z1 and what is left of z2."""
    cos, sin, total = math.cos(angle), math.sin(angle), 0.0
    for x, weight in zip(*panels(0.0, T), strict=True):
        y, w = panels(-x * cos / sin, T / sin)
        total += weight * phi(x / T) * (w @ phi((cos * x + sin * y) / T))
    return T**2 * total


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize(
    ("T", "angle"), [(1.0, 1.0), (0.3, 2.5), (1e-3, 0.5), (1e-4, 3.1), (1e-8, 0.02)]
)
def test_the_pair_mean_equals_nested_quadrature(kind, T, angle):
    exact = nested(EXACT[kind], T, angle)
    size = gaussian_mean(lambda z: kind(T)(z) ** 2, 1.0, scale=T).item()
    got = gaussian_pair_mean(kind(T), 1.0, 1.0, angle, scale=T).item()
    assert got == pytest.approx(exact, abs=1e-12 * size)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
@pytest.mark.parametrize("ratio", [1e7, 1e3, 1.0, 0.1, 1e-3, 1e-8, 1e-12])
def test_at_correlation_one_it_is_the_mean_square(kind, ratio):
    phi, K, ends = kind(ratio), 1.0, [0.0, math.pi]
    for f in (phi, phi.derivative):
        exact = gaussian_mean(lambda z, f=f: f(z) ** 2, K, scale=ratio)
        opposite = gaussian_mean(lambda z, f=f: f(z) * f(-z), K, scale=ratio)
        one, minus_one = gaussian_pair_mean(f, K, K, torch.tensor(ends, dtype=torch.float64), ratio)
        assert (one - exact).abs() < 1e-12 * exact
        assert (minus_one - opposite).abs() < 1e-12 * exact


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
@pytest.mark.parametrize("T", [10.0, 1.0, 0.03])
def test_a_finer_rule_changes_nothing(kind, T, monkeypatch):
    angle = torch.tensor([1e-2, 1.0, 3.0], dtype=torch.float64)
    phi = kind(T).derivative
    coarse = gaussian_pair_mean(phi, 1.0, 0.7, angle, T)
    monkeypatch.setattr("smoothrelu.theory.quadrature._PAIR_STEP", 0.02)
    pair_nodes.cache_clear()
    fine = gaussian_pair_mean(phi, 1.0, 0.7, angle, T / 8)
    pair_nodes.cache_clear()
    torch.testing.assert_close(coarse, fine, rtol=0, atol=1e-12)


def test_kernels_and_angles_broadcast():
    K = torch.tensor([[1.0], [4.0]])
    got = gaussian_pair_mean(lambda z: z, K, 9.0, torch.tensor([0.0, math.pi / 3, math.pi]))
    exact = torch.tensor([[3.0, 1.5, -3.0], [6.0, 3.0, -6.0]], dtype=torch.float64)
    torch.testing.assert_close(got, exact, rtol=1e-7, atol=0)  # the angles are of single precision


def test_zero_variance_factorises():
    got = gaussian_pair_mean(lambda z: z + 2.0, 0.0, 1.0, 1.0).item()
    assert got == pytest.approx(4.0, rel=1e-12)


def test_a_variance_or_an_angle_out_of_range_is_refused():
    with pytest.raises(ValueError, match="K is a variance"):
        gaussian_pair_mean(torch.relu, -1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="arc cosine of a correlation"):
        gaussian_pair_mean(torch.relu, 1.0, 1.0, 3.2)
    with pytest.raises(ValueError, match="arc cosine of a correlation"):
        gaussian_pair_mean(torch.relu, 1.0, 1.0, torch.tensor([0.3, -0.1]))
