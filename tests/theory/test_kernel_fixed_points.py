"""Fixed points of the kernel map: where they are, and where a flow really goes."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from smoothrelu import GELU, SMOOTH_RELUS, SWISH, AlgebraicLU, attractor_of, criticality
from smoothrelu.book.tables.criticality import published
from smoothrelu.theory.kernel_fixed_points import FixedPoint, fixed_points
from smoothrelu.theory.kernel_maps import kernel_flow, kernel_map


def critical_points(activation):
    c = criticality(activation)
    return c, fixed_points(activation, C_W=c.C_W, C_b=c.C_b, marginal=c.K_star)


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
    goal = attractor_of(points, start)
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
    assert attractor_of([zero], 1.0) == 0.0


def test_with_a_gain_that_is_too_large_every_kernel_grows_for_ever():
    (zero,) = fixed_points(SWISH(), C_W=5.0, C_b=0.0)
    assert not zero.attracts_from_above and attractor_of([zero], 1e-3) == float("inf")
    assert fixed_points(SWISH(), C_W=5.0, C_b=0.1) == ()
    assert attractor_of((), 1.0) == float("inf")


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
    zero = FixedPoint(0.0, 0, 0, (0.0, 1.0))
    repels, attracts = FixedPoint(1.0, 1, 1, (1.0, 1.0)), FixedPoint(2.0, 1, 1, (1.0, 3.0))
    points = [zero, repels, attracts, FixedPoint(3.0, 1, 1, (3.0, 3.0))]
    goals = [attractor_of(points, K) for K in (0.0, 0.5, 1.0, 1.5, 2.0, 2.9, 3.0, 5.0)]
    assert goals == [0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 3.0, math.inf]


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_a_flow_from_just_inside_a_basin_tends_to_its_point_and_from_outside_it_does_not(kind):
    c, points = critical_points(kind())
    basins = [p.basin for p in points]
    assert basins[0][0] == 0 and all(a[1] == b[0] for a, b in pairwise(basins))
    for p in points:
        starts = [p.K * (1 - 1e-3) if p.basin[0] == p.K else max(p.basin[0], 1e-3) * (1 + 1e-3)]
        starts += [p.K * (1 + 1e-3) if p.basin[1] == p.K else min(p.basin[1], 1e3) * (1 - 1e-3)]
        for start in starts:
            flow = kernel_flow(kind(), start, depth=300, C_W=c.C_W, C_b=c.C_b)
            towards = abs(flow[-1] - p.K) < abs(start - p.K)
            assert towards == (p.basin[0] < start < p.basin[1])


def test_selu_keeps_its_published_slopes_at_a_kinked_origin():
    alpha, scale = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017
    found = criticality(torch.nn.functional.selu)
    assert pytest.approx(2 / (scale**2 * (1 + alpha**2)), rel=1e-9) == found.C_W
    (zero,) = fixed_points(torch.nn.functional.selu, C_W=found.C_W, C_b=0.0)
    assert zero.basin == (0.0, math.inf) and zero.chi_perp == pytest.approx(1, rel=1e-9)


def test_where_every_kernel_is_at_rest_no_point_is_singled_out():
    with pytest.raises(ValueError, match="every kernel is a fixed point of ReLU"):
        fixed_points(torch.nn.ReLU(), C_W=2.0, C_b=0.0)


def test_a_map_that_falls_has_no_basins_and_says_so():
    with pytest.raises(ValueError, match="of cos falls as K rises, at K = .*kernel_flow"):
        fixed_points(torch.cos, C_W=1.0, C_b=0.1)


def test_the_published_table_is_what_the_code_computes():
    path = Path(__file__).parents[2] / "data" / "results" / "critical_constants.csv"
    kept, now = pandas.read_csv(path), published()
    assert list(kept.columns) == list(now.columns) and len(kept) == len(now)
    off = (now["chi_parallel"] - 1).abs().where(~now["critical"], 1).fillna(1)
    as_promised = np.maximum(1e-10, 1e-12 / off)  # of fixed_points; 1e-10 at the critical ones
    for name in kept.columns:
        if name in ("activation", "universality", "attracts", "critical"):
            assert kept[name].fillna("").tolist() == now[name].fillna("").tolist()
        else:
            tolerance = 1e-8 if name.startswith("rate") else as_promised
            mine, theirs = kept[name].to_numpy(float), now[name].to_numpy(float)
            same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
            with np.errstate(invalid="ignore"):  # inf - inf
                near = np.abs(mine - theirs) <= tolerance * np.abs(theirs)
            assert (same | near).all(), name
