"""Closed forms of ReLU and GELU kernels: against quadrature, and `infinite_width_kernels`."""

import math

import pytest
import torch

from smoothrelu import GELU, criticality, gaussian_pair_mean, infinite_width_kernels
from smoothrelu.theory.infinite_width.closed_forms import (
    closed_form_kernels,
    gelu_moments,
    relu_moments,
)

ANGLES = torch.tensor([0.0, 1e-3, 0.1, 1.0, math.pi / 2, 3.0, math.pi], dtype=torch.float64)


@pytest.mark.parametrize("temperature", [100.0, 1.0, 0.1, 0.01])
def test_the_closed_form_of_gelu_is_the_gaussian_mean(temperature):
    phi, q = GELU(temperature), torch.tensor(1.0).double()
    first, second = gelu_moments(temperature)(q * ANGLES.cos(), q)
    exact = gaussian_pair_mean(phi, q, q, ANGLES, scale=temperature)
    assert (first - exact).abs().max().item() < 1e-12
    exact = gaussian_pair_mean(phi.derivative, q, q, ANGLES, scale=temperature)
    assert (second - exact).abs().max().item() < 1e-12


def test_the_closed_form_of_relu_is_the_gaussian_mean():
    q = torch.tensor(2.0).double()
    first, second = relu_moments(q * ANGLES.cos(), q)
    assert (first - gaussian_pair_mean(torch.relu, q, q, ANGLES)).abs().max().item() < 1e-12
    exact = gaussian_pair_mean(lambda z: (z > 0).double(), q, q, ANGLES)
    assert (second - exact).abs().max().item() < 1e-12


def test_gelu_tends_to_relu_as_the_temperature_falls():
    q = torch.tensor(1.0).double()
    K = torch.tensor([-1.0, 0.0, 0.5]).double()
    for cold, warm in zip(gelu_moments(1e-4)(K, q), relu_moments(K, q), strict=True):
        assert (cold - warm).abs().max().item() < 1e-4


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_the_recursion_is_that_of_infinite_width_kernels(temperature):
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)).double()
    x = x * math.sqrt(5) / x.norm(dim=1, keepdim=True)
    c = criticality(GELU(temperature))
    options = dict(depth=20, C_W=c.C_W, C_b=c.C_b)
    nngp, ntk = infinite_width_kernels(x, activation=GELU(temperature), **options)
    *_, last = closed_form_kernels(x @ x.T / 5, gelu_moments(temperature), x_square=1.0, **options)
    assert last.q == pytest.approx(nngp[0, 0].item(), rel=1e-12)
    assert (last.nngp - nngp).abs().max().item() < 1e-11 * last.q
    assert (last.ntk - ntk).abs().max().item() < 1e-10 * ntk[0, 0].item()


def test_inputs_of_unequal_norms_are_refused():
    with pytest.raises(ValueError, match="scale the inputs to one norm"):
        next(
            closed_form_kernels(
                torch.tensor([[2.0]]), relu_moments, x_square=1.0, depth=2, C_W=2.0, C_b=0.0
            )
        )
