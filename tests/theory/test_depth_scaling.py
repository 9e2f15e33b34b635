"""How fast kernels, gradients and angles move with depth: each law against the exact recursion, and
the recursion against closed forms, whole kernels and real networks.
"""

import math

import pytest
import torch

from smoothrelu import GELU, MLP, SMOOTH_RELUS, SWISH, AlgebraicLU, GudermanLU, GumbelLU, Mish
from smoothrelu.networks.initialisation import gaussian_init_
from smoothrelu.theory.correlation import angle_flow
from smoothrelu.theory.critical import criticality
from smoothrelu.theory.depth_scaling import (
    approach_length,
    chi_products,
    crossover_depth,
    edge_of_chaos,
    rates,
)
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels
from smoothrelu.theory.kernel_fixed_points import attractor_of, fixed_points
from smoothrelu.theory.kernel_maps import chi_parallel, chi_perp, kernel_flow, kernel_map
from smoothrelu.theory.phases import phase_diagram

ALL = (*SMOOTH_RELUS, Mish)
RELU = torch.nn.ReLU()


def critical_rates(activation):
    c = criticality(activation)
    return c, rates(activation, c)


@pytest.mark.parametrize("kind", ALL)
def test_the_rates_are_the_derivatives_of_the_map_and_of_chi_perp(kind):
    activation = kind(0.3)
    c, r = critical_rates(activation)
    h = 1e-4 * c.K_star
    below, above = c.K_star - h, c.K_star + h
    chi = [chi_parallel(activation, K, C_W=c.C_W) for K in (below, above)]
    perp = [chi_perp(activation, K, C_W=c.C_W) for K in (below, above)]
    assert r.kernel_rate == pytest.approx((chi[1] - chi[0]) / (4 * h), rel=1e-4)
    assert r.gradient_rate == pytest.approx((perp[1] - perp[0]) / (2 * h), rel=1e-4)


@pytest.mark.parametrize("kind", ALL)
def test_the_sign_of_a_is_the_side_from_which_the_point_attracts(kind):
    c, r = critical_rates(kind())
    points = fixed_points(kind(), C_W=c.C_W, C_b=c.C_b, marginal=c.K_star)
    (star,) = (p for p in points if c.K_star == p.K)
    assert star.attracts_from_below == (r.kernel_rate > 0)
    assert star.attracts_from_above == (r.kernel_rate < 0)


@pytest.mark.parametrize("kind", ALL)
def test_the_temperature_rescales_the_rates(kind):
    unit, cold = critical_rates(kind())[1], critical_rates(kind(0.01))[1]
    for name in ("kernel_rate", "gradient_rate", "correlation_rate"):
        assert getattr(cold, name) * 1e-4 == pytest.approx(getattr(unit, name), rel=1e-8)
    assert cold.gradient_exponent == pytest.approx(unit.gradient_exponent, rel=1e-8)


@pytest.mark.parametrize(("kind", "side"), [(Mish, 0.9), (GumbelLU, 1.1), (AlgebraicLU, 0.9)])
def test_a_critical_kernel_approaches_its_fixed_point_as_one_over_a_l(kind, side):
    c, r = critical_rates(kind())
    depth = 20_000
    flow = kernel_flow(kind(), side * c.K_star, depth=depth, C_W=c.C_W, C_b=c.C_b)
    u = 1 / (flow - c.K_star)
    assert (u[-1] - u[depth // 2]).item() / (depth / 2) == pytest.approx(-r.kernel_rate, rel=0.03)
    parallel, perp = chi_products(kind(), flow, C_W=c.C_W)
    octave = math.log((depth - 1) / (depth // 2))
    shift = u[0] / r.kernel_rate  # the start still counts
    x = (1 - shift / (depth - 1)) / (1 - shift / (depth // 2))
    octave += math.log(abs(x.item()))
    exponent = math.log(perp[-1] / perp[depth // 2]) / octave
    assert exponent == pytest.approx(r.gradient_exponent, rel=0.05)
    assert math.log(parallel[-1] / parallel[depth // 2]) / octave == pytest.approx(-2, rel=0.05)


@pytest.mark.parametrize("kind", ALL)
def test_the_law_with_a_start_holds_at_any_depth_close_to_the_critical_point(kind):
    c, r = critical_rates(kind())
    start = c.K_star * (1 - math.copysign(3e-4, r.kernel_rate))  # on the side that attracts
    flow = kernel_flow(kind(), start, depth=3000, C_W=c.C_W, C_b=c.C_b)
    layers = torch.arange(1, 3001, dtype=torch.float64)
    moved = (flow - start).abs().max()
    assert (r.kernel(start, layers) - flow).abs().max() < 0.05 * moved
    _, perp = chi_products(kind(), flow, C_W=c.C_W)
    torch.testing.assert_close(r.gradient(start, layers).log(), perp.log(), rtol=0.03, atol=1e-6)


def test_an_ordinary_attractor_is_approached_exponentially_over_its_length():
    (point,) = fixed_points(GELU(), C_W=1.5, C_b=0.5)
    flow = kernel_flow(GELU(), 7.0, depth=120, C_W=1.5, C_b=0.5)
    late = ((flow[79] - point.K) / (flow[69] - point.K)).log().item()
    assert -10 / late == pytest.approx(approach_length(point.chi_parallel), rel=1e-4)
    assert approach_length(1.0) == math.inf and approach_length(2.0) < 0
    with pytest.raises(ValueError, match="must be positive"):
        approach_length(0.0)


def test_the_angle_of_relu_follows_the_arc_cosine_map_and_its_power_law():
    flow = angle_flow(RELU, 1.0, torch.tensor([3.0, 1e-3]), depth=2000, C_W=2.0, C_b=0.0)
    theta = torch.tensor([3.0, 1e-3], dtype=torch.float64)
    for layer in range(100):
        torch.testing.assert_close(flow[layer], theta, rtol=1e-7, atol=0)
        versine = 2 * (theta / 2).sin() ** 2
        theta = 2 * ((versine - (theta.sin() - theta * theta.cos()) / math.pi) / 2).sqrt().asin()
    assert (2 / flow[1999, 0] - 2 / flow[999, 0]) / 2 * 3 * math.pi == pytest.approx(1000, rel=0.01)
    assert 1 - flow[-1, 0].cos() == pytest.approx(9 * math.pi**2 / 2 / 2000**2, rel=0.03)


@pytest.mark.parametrize("activation", [GELU(), SWISH(0.1), GumbelLU(1e-3), torch.tanh])
@pytest.mark.parametrize("theta", [0.01, 0.5, 1.4])
def test_the_angle_flow_is_that_of_the_whole_kernels(activation, theta):
    C_W, C_b, depth = 1.9, 0.2, 20
    K = C_b + C_W
    psi = 2 * math.asin(math.sin(theta / 2) * math.sqrt(K / C_W))
    x = math.sqrt(2) * torch.tensor([[1, 0], [math.cos(psi), math.sin(psi)]], dtype=torch.float64)
    nngp, _ = infinite_width_kernels(x, activation=activation, depth=depth, C_W=C_W, C_b=C_b)
    last = angle_flow(activation, K, theta, depth=depth, C_W=C_W, C_b=C_b)[-1]
    rest = 1 - nngp[0, 1] / (nngp[0, 0] * nngp[1, 1]).sqrt()
    assert (2 * (last / 2).sin() ** 2).item() == pytest.approx(rest.item(), rel=1e-7, abs=1e-11)


@pytest.mark.parametrize("kind", ALL)
def test_at_the_critical_kernel_inputs_merge_as_one_over_l(kind):
    c, r = critical_rates(kind(0.2))
    flow = angle_flow(kind(0.2), c.K_star, 0.5, depth=4000, C_W=c.C_W, C_b=c.C_b)
    inverse = 1 / (2 * (flow / 2).sin() ** 2)
    slope = (inverse[-1] - inverse[1999]) / 2000
    assert slope.item() == pytest.approx(r.correlation_rate * c.K_star, rel=0.01)


@pytest.mark.parametrize(("kind", "side"), [(GumbelLU, 1.3), (Mish, 0.5)])
def test_a_kernel_that_is_still_on_its_way_changes_how_inputs_merge(kind, side):
    """D -> (1 - p)/(c l) for p < 1 (GumbelLU, p = -8), and l^-p for p > 1 (Mish, p = 4.4)."""
    c, r = critical_rates(kind())
    depth, p = 12_000, r.gradient_rate / r.kernel_rate
    start = side * c.K_star
    flow = angle_flow(kind(), start, 0.3, depth=depth, C_W=c.C_W, C_b=c.C_b)
    D = 2 * c.K_star * (flow / 2).sin() ** 2
    shift = -1 / (r.kernel_rate * (start - c.K_star))  # l counts from where (1) diverges
    late, later = depth // 2 + shift, depth + shift
    power = math.log(D[-1] / D[depth // 2 - 1]) / math.log(later / late)
    assert power == pytest.approx(-max(p, 1), rel=0.1)
    if p < 1:
        assert D[-1].item() * later * r.correlation_rate == pytest.approx(1 - p, rel=0.1)


def test_angles_at_different_temperatures_lie_on_one_curve_from_relus_law_to_the_smooth_one():
    K, scaled, crossings = 1.0, [], []
    for T in (0.04, 0.02, 0.01):
        C_W, C_b = edge_of_chaos(SWISH(T), K)
        depth = int(60 / T)
        flow = angle_flow(SWISH(T), K, 1.0, depth=depth, C_W=C_W, C_b=C_b)
        layers = (torch.tensor([5.0, 20.0, 60.0]) / T).long() - 1
        scaled.append(flow[layers] / T)
        crossings.append(crossover_depth(SWISH(T), K) * T)
    torch.testing.assert_close(scaled[2], scaled[1], rtol=0.02, atol=0)
    first, second = ((b / a - 1).abs().max() for a, b in zip(scaled, scaled[1:], strict=False))
    assert second < 0.6 * first  # what is left shrinks like T
    assert crossings[2] == pytest.approx(crossings[1], rel=0.02)
    assert scaled[2][-1] > 1.5 * 3 * math.pi / 60  # ReLU's law is left behind


def test_he_initialised_networks_at_low_temperature_keep_inputs_apart_by_a_multiple_of_T():
    """C_W = 2 leaves chi_perp above 1 by a multiple of T/sqrt(K): it balances the merging."""
    rest = []
    for T in (0.02, 0.01):
        assert chi_perp(SWISH(T), 1.0, C_W=2.0) - 1 == pytest.approx(0.1715 * T, rel=0.02)
        starts = torch.tensor([0.5 * T, 1.0], dtype=torch.float64)
        rest.append(angle_flow(SWISH(T), 1.0, starts, depth=int(60 / T), C_W=2.0, C_b=0.0)[-1] / T)
    torch.testing.assert_close(rest[1][0], rest[1][1], rtol=0.01, atol=0)  # from either side
    torch.testing.assert_close(rest[1], rest[0], rtol=0.03, atol=0)


@pytest.mark.parametrize("kind", ALL)
def test_on_the_edge_of_chaos_the_kernel_stays_and_so_does_the_gradient(kind):
    C_W, C_b = edge_of_chaos(kind(), 40.0)
    assert kernel_map(kind(), 40.0, C_W=C_W, C_b=C_b) == pytest.approx(40, rel=1e-12)
    assert chi_perp(kind(), 40.0, C_W=C_W) == pytest.approx(1, rel=1e-12)
    assert chi_parallel(kind(), 40.0, C_W=C_W) < 1  # it attracts
    with pytest.raises(ValueError, match="needs C_b = -"):
        edge_of_chaos(lambda x: x + 1, 1.0)


def test_the_flow_of_a_real_wide_network_is_the_one_computed():
    c, width, depth = criticality(SWISH()), 1000, 12
    generator = torch.Generator().manual_seed(0)
    psi, K = 0.6, c.C_b + c.C_W
    x = math.sqrt(2) * torch.tensor([[1, 0], [math.cos(psi), math.sin(psi)]])
    half = c.C_W / K * math.sin(psi / 2) ** 2
    theta = angle_flow(
        SWISH(), K, 2 * math.asin(math.sqrt(half)), depth=depth, C_W=c.C_W, C_b=c.C_b
    )
    apart = []
    for _ in range(8):
        net = MLP(2, width, width=width, depth=depth, activation=SWISH())
        with torch.no_grad():
            out = gaussian_init_(net, C_W=c.C_W, C_b=c.C_b, generator=generator)(x)
        apart.append((out[0] - out[1]).square().mean().item() / 2)
    apart = torch.tensor(apart)
    K_last = kernel_flow(SWISH(), K, depth=depth, C_W=c.C_W, C_b=c.C_b)[-1]
    expected = (2 * K_last * (theta[-1] / 2).sin() ** 2).item()
    assert abs(apart.mean() - expected) < 4 * apart.std() / math.sqrt(8)
    assert apart.std() / math.sqrt(8) < 0.2 * expected


@pytest.mark.parametrize("activation", [SWISH(0.5), GELU(), GumbelLU(), torch.tanh, RELU])
def test_the_phase_diagram_agrees_with_the_fixed_points_of_each_pair(activation):
    C_W = torch.tensor([0.3, 1.2, 1.7, 1.99, 2.3], dtype=torch.float64)
    C_b = torch.tensor([0.0, 1e-3, 0.3, 2.0], dtype=torch.float64)[:, None]
    diagram = phase_diagram(activation, C_W, C_b, start=1.3)
    for i in range(4):
        for j in range(5):
            points = fixed_points(activation, C_W=C_W[j].item(), C_b=C_b[i].item())
            goal = attractor_of(points, 1.3)
            assert diagram.K[i, j].item() == pytest.approx(goal, rel=1e-9)
            where = [p for p in points if goal == p.K]
            if where:
                assert diagram.chi_perp[i, j].item() == pytest.approx(where[0].chi_perp, rel=1e-9)
                assert diagram.chi_parallel[i, j].item() <= 1


def test_the_phase_diagram_is_one_for_all_temperatures():
    C_W, C_b = torch.linspace(1.9, 2.1, 9), torch.linspace(0, 1, 5)[:, None]
    unit = phase_diagram(SWISH(), C_W, C_b, start=3.0)
    cold = phase_diagram(SWISH(0.01), C_W, C_b * 1e-4, start=3e-4)
    torch.testing.assert_close(cold.K * 1e4, unit.K, rtol=1e-5, atol=0)
    torch.testing.assert_close(cold.chi_perp, unit.chi_perp, rtol=1e-5, atol=0)


@pytest.mark.parametrize("kind", [SWISH, GELU, GumbelLU, AlgebraicLU, GudermanLU])
def test_phases_meet_at_the_critical_point(kind):
    c = criticality(kind())
    shifts = torch.tensor([-0.02, 0.02], dtype=torch.float64)
    diagram = phase_diagram(kind(), c.C_W + shifts, c.C_b, start=c.K_star)
    assert diagram.K[0].isfinite() and diagram.chi_perp[0] < 1
    grows = phase_diagram(kind(), 2.05, c.C_b, start=c.K_star)
    assert grows.K.isinf() and grows.chi_perp == pytest.approx(2.05 / 2)
    (C_W, C_b) = edge_of_chaos(kind(), 3 * c.K_star)
    for step, phase in ((-1e-3, -1), (1e-3, 1)):
        beside = phase_diagram(kind(), C_W + step, C_b, start=3 * c.K_star)
        assert beside.K.isfinite() and (beside.chi_perp - 1).sign() == phase


def test_a_flow_of_one_layer_is_its_start():
    assert kernel_flow(GELU(), 2.0, depth=1, C_W=2.0, C_b=0.1).tolist() == [2.0]
    (theta,) = angle_flow(GELU(), 2.0, 0.3, depth=1, C_W=2.0, C_b=0.1).tolist()
    assert theta == pytest.approx(0.3, rel=1e-14)
    products = chi_products(GELU(), torch.tensor([2.0], dtype=torch.float64), C_W=2.0)
    assert [p.tolist() for p in products] == [[1.0], [1.0]]


def test_flows_and_diagrams_refuse_what_they_cannot_answer():
    with pytest.raises(ValueError, match=r"an angle lies in \[0, pi\], got -0.1"):
        angle_flow(RELU, 1.0, -0.1, depth=3, C_W=2.0, C_b=0.0)
    with pytest.raises(ValueError, match="within 2000 layers .*fewer layers"):
        angle_flow(SWISH(), 1.0, 0.1, depth=2000, C_W=1.0, C_b=0.0)
    with pytest.raises(ValueError, match="half-stable point.*scale-invariant"):
        rates(RELU, criticality(RELU))
    with pytest.raises(ValueError, match="C_b is a variance, finite and not negative; got -1"):
        phase_diagram(SWISH(), 2.0, -1.0, start=1.0)
    with pytest.raises(ValueError, match="start is a variance, finite and positive; got 0"):
        phase_diagram(SWISH(), 2.0, 1.0, start=0.0)
    with pytest.raises(ValueError, match="of cos falls .*kernel_flow"):
        phase_diagram(torch.cos, 2.0, 1.0, start=1.0)
    with pytest.raises(ValueError, match="depth counts the linear layers"):
        kernel_flow(SWISH(), 1.0, depth=0, C_W=2.0, C_b=0.0)
