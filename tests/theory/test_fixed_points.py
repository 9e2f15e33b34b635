"""Fixed points of the kernel map: where they are, and where a flow really goes."""

import pytest
import torch

from smoothrelu import GELU, SMOOTH_RELUS, SWISH, AlgebraicLU, criticality, destination
from smoothrelu.fixed_points import FixedPoint, fixed_points
from smoothrelu.kernels import kernel_flow, kernel_map


def critical_points(activation):
    c = criticality(activation)
    return c, fixed_points(activation, C_W=c.C_W, C_b=c.C_b, tangent=c.K_star)


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_every_fixed_point_is_one_and_attracts_where_it_says(kind):
    c, points = critical_points(kind())
    assert c.K_star in [p.K for p in points]
    for p in points:
        assert kernel_map(kind(), p.K, C_W=c.C_W, C_b=c.C_b) == pytest.approx(p.K, rel=1e-10)
        for side, attracts in ((-1e-3, p.attracts_from_below), (1e-3, p.attracts_from_above)):
            start = p.K * (1 + side)
            after = kernel_map(kind(), start, C_W=c.C_W, C_b=c.C_b)
            assert (abs(after - p.K) < abs(start - p.K)) == attracts


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_the_critical_point_attracts_from_exactly_one_side(kind):
    c, points = critical_points(kind())
    (star,) = (p for p in points if not p.attracts_from_below or not p.attracts_from_above)
    assert c.K_star == star.K
    assert star.attracts_from_below != star.attracts_from_above
    below = kind in (SWISH, AlgebraicLU)
    assert star.attracts_from_below == below


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
@pytest.mark.parametrize("start", [0.5, 2.5, 30.0])
def test_a_long_flow_moves_towards_its_destination_and_never_past_it(kind, start):
    c, points = critical_points(kind())
    goal = destination(points, start)
    flow = kernel_flow(kind(), start, depth=2000, C_W=c.C_W, C_b=c.C_b)
    distance = (flow - goal).abs() if goal < float("inf") else 1 / flow
    assert (distance[1:] <= distance[:-1]).all() and distance[-1] < 0.9 * distance[0]
    assert ((flow - goal).sign() == (flow[0] - goal).sign()).all() or goal == float("inf")


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_the_temperature_multiplies_fixed_points_by_its_square(kind):
    unit, cold = critical_points(kind())[1], critical_points(kind(0.01))[1]
    assert [p.K * 1e-4 for p in unit] == pytest.approx([p.K for p in cold], rel=1e-5)


def test_under_he_initialisation_the_only_fixed_point_of_a_smooth_relu_is_zero_and_it_attracts():
    (zero,) = fixed_points(SWISH(), C_W=2.0, C_b=0.0)
    assert (zero.K, zero.attracts_from_above) == (0.0, True)
    assert zero.chi_perp == zero.chi_parallel == pytest.approx(0.5)  # C_W g(0)^2
    assert destination([zero], 1.0) == 0.0


def test_with_a_gain_that_is_too_large_every_kernel_grows_for_ever():
    (zero,) = fixed_points(SWISH(), C_W=5.0, C_b=0.0)
    assert not zero.attracts_from_above and destination([zero], 1e-3) == float("inf")
    assert fixed_points(SWISH(), C_W=5.0, C_b=0.1) == ()
    assert destination((), 1.0) == float("inf")


def test_an_ordinary_attractor_is_found_at_arbitrary_variances():
    (point,) = fixed_points(GELU(), C_W=1.5, C_b=0.5)
    assert point.attracts_from_below and point.attracts_from_above and point.chi_parallel < 1
    late = kernel_flow(GELU(), 7.0, depth=400, C_W=1.5, C_b=0.5)[-1]
    assert late.item() == pytest.approx(point.K, rel=1e-10)


def test_any_torch_callable_is_accepted():
    (point,) = fixed_points(torch.tanh, C_W=1.5, C_b=0.1)
    after = kernel_map(torch.tanh, point.K, C_W=1.5, C_b=0.1)
    assert after == pytest.approx(point.K, rel=1e-10)


def test_destinations_follow_the_arrows_between_fixed_points():
    repels, attracts = (FixedPoint(K, 1, 1, a, a) for K, a in ((1.0, False), (2.0, True)))
    zero = FixedPoint(0.0, 0, 0, False, True)
    assert destination([zero, repels, attracts], 0.5) == 0.0
    assert destination([repels, attracts], 1.0) == 1.0
    assert destination([repels, attracts], 1.5) == 2.0
    assert destination([repels, attracts], 9.0) == 2.0
    assert destination([attracts, FixedPoint(3.0, 1, 1, False, False)], 5.0) == float("inf")
