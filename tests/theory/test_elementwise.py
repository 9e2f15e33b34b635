"""What an activation is to the theory: one answer, whichever function asks."""

import pytest
import torch
from torch import nn

from smoothrelu import (
    GELU,
    SMOOTH_RELUS,
    SUGAR,
    BSiLU,
    HeLU,
    LambdaGELU,
    NeLU,
    chi_parallel,
    chi_perp,
    criticality,
    infinite_width_kernels,
    kernel_map,
    leading_order,
)
from smoothrelu.theory.depth_scaling import curvature
from smoothrelu.theory.elementwise import Elementwise
from smoothrelu.theory.relu_limit import uniform_distance
from smoothrelu.theory.sugar_gradient import gradient_gain

Z = torch.linspace(-6, 6, 120, dtype=torch.float64)  # no kink among them


@pytest.mark.parametrize("sugar", [SUGAR(), SUGAR(BSiLU()), SUGAR(nn.ELU())])
def test_sugar_is_relu_to_every_function_of_the_theory(sugar):
    relu, X = nn.ReLU(), torch.eye(3, dtype=torch.float64)
    C_W = criticality(sugar).C_W
    assert pytest.approx(2, rel=1e-14) == C_W
    assert chi_perp(sugar, 1.0, C_W=C_W) == pytest.approx(1.0, rel=1e-12)
    assert chi_parallel(sugar, 1.0, C_W=C_W) == pytest.approx(1.0, rel=1e-12)
    assert kernel_map(sugar, 1.0, C_W=C_W, C_b=0.0) == pytest.approx(1.0, rel=1e-12)
    for ask in (
        lambda phi: leading_order(phi, 1.0, depth=4, C_W=2.0, C_b=0.0).V,
        lambda phi: infinite_width_kernels(X, activation=phi, depth=4, C_W=2.0, C_b=0.1)[1],
    ):
        torch.testing.assert_close(ask(sugar), ask(relu), rtol=0, atol=0)
    if isinstance(sugar.surrogate, BSiLU):  # what goes back is asked of the surrogate
        assert gradient_gain(sugar.surrogate, 1.0) == pytest.approx(1.699166, abs=1e-6)


def test_lambda_gelu_is_gelu_at_one_over_its_hardness():
    layer, gelu = LambdaGELU(4.0), GELU(0.25)
    T = 1 / layer.hardness.double().item()
    assert Elementwise(layer).length_scale == pytest.approx(T, rel=1e-14)
    assert curvature(layer, 1.0) == pytest.approx(curvature(GELU(T), 1.0), rel=1e-12)
    assert chi_perp(layer, 1.0, C_W=2.0) == pytest.approx(chi_perp(gelu, 1.0, C_W=2.0), rel=1e-6)
    assert uniform_distance(layer)[0] == pytest.approx(uniform_distance(gelu)[0], rel=1e-6)


@pytest.mark.parametrize(
    "activation", [*(kind(0.7) for kind in SMOOTH_RELUS), BSiLU(), NeLU(), torch.tanh, nn.SiLU()]
)
def test_the_derivatives_are_those_of_the_value(activation):
    function, h = Elementwise(activation), 1e-5
    slope = (function(Z + h) - function(Z - h)) / (2 * h)
    bend = (function.derivative(Z + h) - function.derivative(Z - h)) / (2 * h)
    torch.testing.assert_close(function.derivative(Z), slope, rtol=0, atol=1e-9)
    torch.testing.assert_close(function.second_derivative(Z), bend, rtol=0, atol=1e-8)
    both = function.value_and_derivative(Z)
    torch.testing.assert_close(both, (function(Z), function.derivative(Z)), rtol=0, atol=0)


@pytest.mark.parametrize("activation", [nn.ReLU(), HeLU(), nn.LeakyReLU(0.1), lambda z: 3 * z])
def test_between_its_kinks_a_function_linear_in_pieces_has_no_second_derivative(activation):
    assert not Elementwise(activation).second_derivative(Z).any()


def test_the_curvature_of_a_surrogate_is_the_integral_of_its_second_derivative():
    z = torch.linspace(-14, 14, 40001, dtype=torch.float64)
    h = 1e-4
    bend = (BSiLU().derivative(z + h) - BSiLU().derivative(z - h)) / (2 * h)
    density = torch.exp(-z * z / 2) / (2 * torch.pi) ** 0.5
    expected = torch.trapezoid(density * bend**2, z).item()
    assert curvature(BSiLU(), 1.0) == pytest.approx(expected, rel=1e-6)


def test_one_that_is_made_is_taken_as_it_is():
    made = Elementwise(torch.tanh)
    assert Elementwise.of(made) is made and made.name == "tanh"
