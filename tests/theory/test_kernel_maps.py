"""Identities of the kernel map and of the susceptibilities."""

import math

import pytest
import torch

from smoothrelu import (
    MLP,
    SMOOTH_RELUS,
    Mish,
    chi_parallel,
    chi_perp,
    criticality,
    kernel_map,
)
from smoothrelu.theory.elementwise import Elementwise
from smoothrelu.theory.kernel_maps import (
    MomentTable,
    kernel_flow,
    moments,
)
from smoothrelu.theory.quadrature import gaussian_rule
from smoothrelu.theory.relu_limit import uniform_distance

ALL = (*SMOOTH_RELUS, Mish)
K = torch.logspace(-3, 3, 13, dtype=torch.float64)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("T", [1e-4, 0.2, 50.0])
def test_temperature_rescales_the_kernel_map(kind, T):
    hot = kernel_map(kind(T), K, C_W=1.7, C_b=0.3 * T**2)
    unit = kernel_map(kind(), K / T**2, C_W=1.7, C_b=0.3)
    torch.testing.assert_close(hot, T**2 * unit, rtol=1e-11, atol=0)
    for chi in (chi_parallel, chi_perp):
        torch.testing.assert_close(
            chi(kind(T), K, C_W=1.7), chi(kind(), K / T**2, C_W=1.7), rtol=1e-11, atol=0
        )


@pytest.mark.parametrize("kind", ALL)
def test_temperature_rescales_a_whole_network(kind):
    T, generator = 0.3, torch.Generator().manual_seed(0)
    cold = MLP(5, 3, width=16, depth=4, activation=kind(T)).double()
    unit = MLP(5, 3, width=16, depth=4, activation=kind()).double()
    unit.layers.load_state_dict(cold.layers.state_dict())
    with torch.no_grad():
        for layer in unit.layers:
            layer.bias.div_(T)
    x = torch.randn(7, 5, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(cold(x), T * unit(x / T))


@pytest.mark.parametrize("kind", ALL)
def test_chi_parallel_is_the_derivative_of_the_kernel_map(kind):
    step = 1e-5
    above, below = (kernel_map(kind(0.5), K * (1 + s), C_W=1.9, C_b=0.1) for s in (step, -step))
    slope = (above - below) / (2 * step * K)
    torch.testing.assert_close(chi_parallel(kind(0.5), K, C_W=1.9), slope, rtol=1e-8, atol=0)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_both_susceptibilities_are_one_at_the_critical_fixed_point(kind):
    activation = kind(0.7)
    c = criticality(activation)
    there = kernel_map(activation, c.K_star, C_W=c.C_W, C_b=c.C_b)
    assert there == pytest.approx(c.K_star, rel=1e-12)
    assert chi_parallel(activation, c.K_star, C_W=c.C_W) == pytest.approx(1, abs=1e-12)
    assert chi_perp(activation, c.K_star, C_W=c.C_W) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_at_vanishing_temperature_the_kernel_map_is_relus(kind):
    torch.testing.assert_close(kernel_map(kind(1e-9), K, C_W=2.0, C_b=0.0), K, rtol=1e-7, atol=0)
    for chi in (chi_parallel, chi_perp):
        torch.testing.assert_close(
            chi(kind(1e-9), K, C_W=2.0), torch.ones_like(K), rtol=1e-7, atol=0
        )


def test_relu_itself_keeps_every_kernel_under_he_initialisation():
    relu = torch.nn.ReLU()
    torch.testing.assert_close(kernel_map(relu, K, C_W=2.0, C_b=0.0), K, rtol=1e-12, atol=0)
    assert chi_parallel(relu, 3.0, C_W=2.0) == pytest.approx(1, rel=1e-12)
    assert chi_perp(relu, 3.0, C_W=2.0) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
@pytest.mark.parametrize("T", [1e-3, 1.0])
def test_a_critical_flow_stays_and_one_by_he_dies_exponentially_once_warm(kind, T):
    c = criticality(kind(T))
    start = c.C_b + c.C_W
    assert kernel_flow(kind(T), start, depth=60, C_W=c.C_W, C_b=c.C_b).min() > 1
    if T == 1:
        he = kernel_flow(kind(T), 2.0, depth=60, C_W=2.0, C_b=0.0)
        late = he[1:] / he[:-1]
        gate = kind().derivative(torch.zeros((), dtype=torch.float64))
        assert late[-1].item() == pytest.approx(2 * gate.item() ** 2, rel=1e-4)


def test_a_flow_that_leaves_the_floats_ends_there_instead_of_failing():
    flow = kernel_flow(SMOOTH_RELUS[0](), 1.0, depth=400, C_W=100.0, C_b=0.0)
    assert flow[-1] == float("inf") and not flow.isnan().any()


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_the_distance_to_relu_is_the_greatest_and_proportional_to_the_temperature(kind):
    distance, where = uniform_distance(kind(0.3))
    x = torch.linspace(-3, 3, 60001, dtype=torch.float64)
    gap = (kind(0.3)(x) - torch.relu(x)).abs()
    assert gap.max() <= distance * (1 + 1e-12)
    assert distance == pytest.approx(gap.max().item(), rel=1e-7)
    at = torch.tensor(where, dtype=torch.float64)
    assert abs(kind(0.3)(at) - torch.relu(at)).item() == pytest.approx(distance, rel=1e-10)
    assert distance == pytest.approx(0.3 * uniform_distance(kind())[0], rel=1e-12)


@pytest.mark.parametrize("activation", [*(kind(0.7) for kind in ALL), torch.tanh, torch.nn.ReLU()])
def test_one_table_serves_kernels_over_twenty_decades_as_each_ones_own_nodes_do(activation):
    wide = torch.logspace(-10, 10, 41, dtype=torch.float64)
    function = Elementwise(activation)
    z, w = gaussian_rule(wide, function.length_scale)
    phi, slope = function.value_and_derivative(z)
    together = moments(activation, wide)
    own = (w * phi * phi).sum(-1), (w * slope * slope).sum(-1), (w * z * phi * slope).sum(-1) / wide
    shared = together.square, together.derivative_square, together.slope
    for mine, theirs in zip(shared, own, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=0)
    assert (together.error < 1e-12).all()
    one = MomentTable(activation, 1e-10, 1e10).square(3.0)
    assert one == pytest.approx(moments(activation, 3.0).square.item(), rel=1e-12)


def test_a_moment_beyond_float64_is_inf_and_a_flow_ends_there():
    assert kernel_map(torch.exp, 1e4, C_W=1.0, C_b=0.0) == float("inf")
    flow = kernel_flow(torch.exp, 1.0, depth=9, C_W=1.0, C_b=0.0)
    assert flow[1].item() == pytest.approx(math.e**2, rel=1e-12)
    assert flow[-1] == float("inf") and not flow.isnan().any()


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_a_kernel_that_is_not_positive_is_refused(bad):
    with pytest.raises(ValueError, match="must be positive"):
        kernel_map(SMOOTH_RELUS[0](), bad, C_W=2.0, C_b=0.0)
