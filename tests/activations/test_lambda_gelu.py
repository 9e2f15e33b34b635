"""lambda-GELU is GELU at T = 1/lambda, learns lambda by its closed-form derivative, and is as far
from ReLU as the closed forms say.
"""

import copy
import io
import math
import shutil

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from torch import nn

from smoothrelu import GELU, SWISH, NoCriticality, chi_parallel, chi_perp, criticality, kernel_map
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.theory.critical import critical_layers
from smoothrelu.theory.hardness import (
    expected_slope,
    gate_distance,
    relu_distances,
    target_hardness,
)

mp.dps = 40
NEEDS_A_COMPILER = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="needs a C++ compiler"
)
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
HARDNESS = [1.0, 1.3, 5.0, 80.0, 1e4]


def in_double(hardness, t=0.1):
    """A layer whose lambda has the digits of float64."""
    return LambdaGELU(t=t).double().set_hardness_(hardness)


def exact(x, hardness):
    """f, df/dx and df/dlambda."""
    x, u = mpf(x), mpf(x) * mpf(hardness)
    phi = mpmath.npdf(u) if abs(u) < 100 else mpf(0)
    gate = mpmath.ncdf(u) if abs(u) < 100 else mpf(u > 0)
    return x * gate, gate + u * phi, x * x * phi


@given(
    x=st.one_of(st.floats(-12, 12), st.floats(-6e4, 6e4), st.sampled_from([0.0, -1e-30, 3e38])),
    log_hardness=st.floats(0.01, 8),
    dtype=st.sampled_from(DTYPES),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_value_and_both_derivatives_keep_the_promised_accuracy(x, log_hardness, dtype):
    point = torch.tensor(x, dtype=torch.float64).to(dtype)
    if not point.isfinite():
        return
    layer = LambdaGELU(10**log_hardness).double()
    leaf, s_slope = point.clone().requires_grad_(), torch.autograd.grad(layer.hardness, layer.s)[0]
    out = layer(leaf)
    by_x, by_s = torch.autograd.grad(out, (leaf, layer.s))
    hardness = layer.hardness.item()
    value, slope, by_hardness = exact(point.item(), hardness)
    eps, tiny = torch.finfo(dtype).eps, torch.finfo(dtype).smallest_normal
    assert out.dtype == by_x.dtype == dtype and out.isfinite()
    assert abs(out.item() - value) <= 4 * eps * abs(point.item()) + tiny
    assert abs(by_x.item() - slope) <= 4 * eps + tiny
    assert abs(by_s.item() / s_slope.item() - by_hardness) <= 8 * eps / hardness**2


@pytest.mark.parametrize("hardness", HARDNESS)
def test_it_is_gelu_at_the_temperature_one_over_lambda(hardness):
    layer = in_double(hardness)
    x = torch.linspace(-4, 4, 201, dtype=torch.float64)
    torch.testing.assert_close(layer(x), GELU(1 / hardness)(x), rtol=1e-13, atol=1e-15)
    assert layer.forward_activation().temperature == pytest.approx(1 / hardness, rel=1e-14)
    assert layer.temperature.item() == pytest.approx(1 / hardness, rel=1e-14)
    if hardness == 1:
        torch.testing.assert_close(layer(x), nn.functional.gelu(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("hardness", [1 + 1e-6, *HARDNESS[1:], 1e8])
@pytest.mark.parametrize("t", [0.01, 1.0, 30.0])
def test_the_reparameterisation_gives_back_the_hardness_it_is_given(hardness, t, dtype):
    layer = LambdaGELU(t=t).to(dtype).set_hardness_(hardness)
    tolerance = 200 * torch.finfo(dtype).eps  # s, of order t ln(lambda - 1), is itself rounded
    assert layer.hardness.item() == pytest.approx(hardness, rel=tolerance)


@pytest.mark.parametrize("t", [0.1, 1.0])
@pytest.mark.parametrize("s", [-1.0, 0.0, 0.7, 5.0])
def test_lambda_moves_with_s_by_the_sigmoid_over_t(s, t):
    layer = LambdaGELU.from_s(s, t=t).double()
    s, t = layer.s.item(), layer.t.item()  # as they were rounded
    (slope,) = torch.autograd.grad(layer.hardness, layer.s)
    hardness = 1 + mpmath.log1p(mpmath.exp(mpf(s) / t))
    assert layer.hardness.item() == pytest.approx(float(hardness), rel=1e-14)
    assert slope.item() == pytest.approx(float(1 / (1 + mpmath.exp(-mpf(s) / t)) / t), rel=1e-12)


def test_at_hardness_one_the_layer_is_gelu_and_stays_so():
    layer = LambdaGELU(1.0)
    layer(torch.randn(50)).sum().backward()
    assert layer.hardness.item() == 1 and layer.s.grad.item() == 0
    for optimizer in (torch.optim.SGD([layer.s], lr=1.0), torch.optim.AdamW([layer.s], lr=1.0)):
        optimizer.step()
        assert layer.hardness.item() == 1


@pytest.mark.parametrize("K", [0.01, 1.7**2, 50.0])
@pytest.mark.parametrize("hardness", [1.5, 10.0, 100.0])
def test_the_expected_slope_in_lambda_is_what_the_layers_own_gradient_averages_to(hardness, K):
    x = torch.linspace(-12, 12, 40001, dtype=torch.float64) * K**0.5
    weight = torch.exp(-0.5 * x * x / K)
    layer = in_double(hardness)
    (by_s,) = torch.autograd.grad((weight / weight.sum() * layer(x)).sum(), layer.s)
    (s_slope,) = torch.autograd.grad(layer.hardness, layer.s)
    assert (by_s / s_slope).item() == pytest.approx(expected_slope(hardness, K), rel=1e-9)


@pytest.mark.parametrize("K", [0.01, 1.0, 50.0])
def test_the_expected_slope_is_the_integral_and_fades_like_the_third_power_of_lambda(K):
    density = lambda x: x * x * mpmath.npdf(3 * x) * mpmath.npdf(x, 0, mpmath.sqrt(mpf(K)))  # noqa: E731
    integral = 2 * mpmath.quad(density, [0, 0.1, 0.5, 1, 3, 12])
    assert expected_slope(3.0, K) == pytest.approx(float(integral), rel=1e-14)
    far = [expected_slope(h, K) * h**3 * math.sqrt(2 * math.pi * K) for h in (1e3, 1e4)]
    assert far == pytest.approx([1, 1], rel=2e-4)


def test_under_a_steady_pull_each_doubling_of_lambda_takes_sixteen_times_as_long():
    """d lambda/d tau = expected_slope: the time from one lambda to another is a quadrature."""

    def time(start):
        return mpmath.quad(lambda h: 1 / expected_slope(float(h), 1.0), [start, 2 * start])

    assert float(time(200) / time(100)) == pytest.approx(16, rel=1e-3)
    assert float(time(2) / time(1)) > 10


def test_gradcheck_and_gradgradcheck_pass_in_the_input_and_in_s():
    layer = LambdaGELU(2.0, t=0.4).double()
    x = torch.linspace(-3, 3, 17, dtype=torch.float64, requires_grad=True)

    def call(x, s):
        wide = copy.copy(layer)
        wide._parameters = {"s": s}
        return wide(x)

    s = layer.s.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(call, (x, s))
    assert torch.autograd.gradgradcheck(call, (x, s))


def test_torch_func_sees_the_same_derivatives_in_every_mode():
    layer = LambdaGELU(2.0, t=0.4).double()
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)

    def total(parameters, x):
        return torch.func.functional_call(layer, parameters, (x,)).sum()

    parameters = {"s": layer.s.detach()}
    (eager,) = torch.autograd.grad(layer(x).sum(), layer.s)
    torch.testing.assert_close(torch.func.grad(total)(parameters, x)["s"], eager)
    forward = torch.func.jacfwd(lambda s: total({"s": s}, x))(parameters["s"])
    torch.testing.assert_close(forward, eager)
    many = torch.func.vmap(total, in_dims=(0, None))({"s": torch.linspace(-1, 1, 3).double()}, x)
    one_by_one = [LambdaGELU.from_s(s, t=0.4).double()(x).sum() for s in (-1.0, 0.0, 1.0)]
    torch.testing.assert_close(many, torch.stack(one_by_one), rtol=1e-6, atol=1e-6)
    slope = torch.func.vmap(torch.func.grad(layer))(x)
    torch.testing.assert_close(slope, layer.forward_activation().derivative(x))


def test_training_keeps_nothing_of_the_inputs_size_but_the_input():
    saved = []
    x, layer = torch.randn(1000, requires_grad=True), LambdaGELU()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        layer(x)
    assert [t.data_ptr() for t in saved if t.numel() > 1] == [x.data_ptr()]


def test_many_backward_passes_can_be_batched_into_one():
    x, layer = torch.linspace(-3, 3, 6).reshape(2, 3).requires_grad_(), LambdaGELU()
    y, seeds = layer(x), torch.eye(6).reshape(6, 2, 3)
    batched = torch.autograd.grad(y, (x, layer.s), seeds, is_grads_batched=True, retain_graph=True)
    apart = [torch.autograd.grad(y, (x, layer.s), seed, retain_graph=True) for seed in seeds]
    for together, pieces in zip(batched, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(together, torch.stack(pieces))


@pytest.mark.parametrize(
    "backend",
    ["aot_eager", pytest.param("inductor", marks=[pytest.mark.slow, NEEDS_A_COMPILER])],
)
def test_compiled_in_one_graph_it_gives_the_same_values_and_gradients(backend):
    layer, x = LambdaGELU(3.0), torch.linspace(-3, 3, 64, requires_grad=True)
    compiled = torch.compile(layer, fullgraph=True, backend=backend)
    results = []
    for function in (layer, compiled):
        y = function(x)
        results.append([y, *torch.autograd.grad(y.square().sum(), (x, layer.s))])
    for eager, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, eager)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_it_moves_between_dtypes_and_works_under_autocast(dtype):
    layer = LambdaGELU(2.0).to(dtype)
    x = torch.randn(8, dtype=dtype, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == layer.s.grad.dtype == dtype
    net = nn.Sequential(nn.Linear(8, 8), LambdaGELU(2.0), nn.Linear(8, 2))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(torch.randn(3, 8))
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16 and net[1].s.grad.dtype == torch.float32


def test_copying_saving_and_loading_keep_the_hardness():
    layer, buffer = LambdaGELU(3.7, t=0.3), io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    other = LambdaGELU(t=2.0)
    other.load_state_dict(layer.state_dict())
    twins = [copy.deepcopy(layer), torch.load(buffer, weights_only=False), other]
    for twin in twins:
        assert twin.hardness.item() == layer.hardness.item() == pytest.approx(3.7)
        assert repr(twin) == repr(layer)
    assert repr(LambdaGELU(3.0, t=0.3)) == "LambdaGELU(hardness=3, t=0.3)"
    assert "meta" in repr(LambdaGELU().to("meta"))


# --- the closed forms
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hardness", [1.0, 4.0, 80.0])
def test_the_distances_from_the_step_and_from_relu_are_the_closed_forms(hardness):
    h = mpf(hardness)
    ends = [mpf(0), 1 / h, 4 / h, 40 / h]
    step = 2 * mpmath.quad(lambda x: mpmath.ncdf(-h * x), ends)
    area = 2 * mpmath.quad(lambda x: x * mpmath.ncdf(-h * x), ends)
    peak = mpmath.findroot(lambda u: mpmath.ncdf(-u) - u * mpmath.npdf(u), 0.75)
    assert gate_distance(hardness) == pytest.approx(float(step), rel=1e-14)
    l1, sup = relu_distances(hardness)
    assert l1 == pytest.approx(float(area), rel=1e-14)
    assert sup == pytest.approx(float(peak * mpmath.ncdf(-peak) / h), rel=1e-14)


def test_the_sup_distance_is_what_the_layer_itself_shows():
    layer = in_double(5.0)
    x = torch.linspace(-2, 2, 400001, dtype=torch.float64)
    _, sup = relu_distances(5.0)
    assert (layer(x) - torch.relu(x)).abs().max().item() == pytest.approx(sup, rel=1e-8)


@pytest.mark.parametrize("epsilon", [1e-4, 0.01, 0.5])
def test_the_target_hardness_brings_the_gate_exactly_as_near_as_the_tolerance(epsilon):
    assert gate_distance(target_hardness(epsilon)) == pytest.approx(epsilon, rel=1e-15)


def test_a_tolerance_that_gelu_meets_needs_no_hardening():
    assert target_hardness(0.8) == target_hardness(10.0) == 1.0 < target_hardness(0.79)


# --- critical initialisation, layer by layer
# -------------------------------------------------------------------------------------------------


def test_with_equal_hardness_every_layer_has_the_critical_variances_of_that_gelu():
    c = criticality(GELU(1 / 3))
    for C_W, C_b in critical_layers([in_double(3.0).forward_activation()] * 4):
        assert (C_W, C_b) == pytest.approx((c.C_W, c.C_b), rel=1e-12)


@pytest.mark.parametrize("hardness", [[1.0, 3.0, 40.0], [40.0, 2.0, 5.0, 1.0]])
def test_layers_of_different_hardness_hand_on_their_own_critical_kernels(hardness):
    gates = [GELU(1 / h) for h in hardness]
    variances = critical_layers(gates)
    assert len(variances) == len(gates) + 1
    K, unit = criticality(gates[0]).K_star, criticality(GELU())
    perp = parallel = 1.0
    for here, following, (C_W, C_b) in zip(gates, gates[1:], variances[1:], strict=False):
        step = (following.temperature / here.temperature) ** 2
        perp *= chi_perp(here, K, C_W=C_W)
        parallel *= chi_parallel(here, K, C_W=C_W)
        K = kernel_map(here, K, C_W=C_W, C_b=C_b)
        assert pytest.approx(unit.K_star * following.temperature**2, rel=1e-9) == K
        assert pytest.approx(unit.C_W * step, rel=1e-12) == C_W
    ends = (hardness[0] / hardness[-1]) ** 2
    assert perp == pytest.approx(ends, rel=1e-8) and parallel == pytest.approx(ends, rel=1e-8)


def test_unit_susceptibility_in_every_layer_would_need_a_negative_bias_variance():
    unit = criticality(GELU())
    limit = (1 - unit.C_b / unit.K_star) ** 0.5
    for fall, possible in ((limit * 1.001, True), (limit * 0.999, False)):
        C_b = unit.K_star * fall**2 - kernel_map(GELU(), unit.K_star, C_W=unit.C_W, C_b=0.0)
        assert (C_b >= 0) == possible


def test_critical_layers_refuses_what_the_rescaling_does_not_cover():
    for bad in ([], [GELU(), SWISH()], [nn.ReLU()]):
        with pytest.raises(ValueError, match="smooth ReLUs of one kind"):
            critical_layers(bad)
    assert issubclass(NoCriticality, ValueError)


# --- bad input
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.99, 0, -1.0, math.nan, math.inf, "2", None, True])
def test_a_hardness_below_one_is_refused_with_the_remedy(bad):
    for call in (LambdaGELU, gate_distance, relu_distances, LambdaGELU().set_hardness_):
        with pytest.raises(ValueError, match=r"hardness must be a finite number >= 1.*GELU\(T\)"):
            call(bad)
    with pytest.raises(ValueError, match="hardness must be a finite number >= 1"):
        expected_slope(bad, 1.0)


@pytest.mark.parametrize("bad", [0, -1.0, math.inf, math.nan, "1"])
def test_a_variance_that_is_not_positive_is_refused(bad):
    with pytest.raises(ValueError, match="K is the variance of x, positive and finite"):
        expected_slope(2.0, bad)


@pytest.mark.parametrize("bad", [0, -0.1, math.nan, math.inf, "0.1", None])
def test_a_temperature_t_that_is_not_positive_is_refused(bad):
    with pytest.raises(ValueError, match="t must be a positive finite number"):
        LambdaGELU(t=bad)
    with pytest.raises(ValueError, match="tolerance must be a positive"):
        target_hardness(bad)


def test_an_infinite_s_and_integers_are_refused():
    with pytest.raises(ValueError, match=r"nn\.GELU"):
        LambdaGELU.from_s(-math.inf)
    with pytest.raises(ValueError, match=r"x\.float\(\)"):
        LambdaGELU()(torch.arange(3))
