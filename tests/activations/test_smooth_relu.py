"""The accuracy that the activations promise, against 60-digit arithmetic, and that they are
differentiable.
"""

import copy
import io

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from torch._subclasses.fake_tensor import FakeTensorMode

from smoothrelu import GELU, SMOOTH_RELUS, SWISH, AlgebraicLU, GudermanLU, GumbelLU, Mish
from smoothrelu.activations.transforms import under_transform

mp.dps = 60
ALL = (*SMOOTH_RELUS, Mish)
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)

# The gates as the book defines them, with their derivatives derived by hand.
EXACT_GATE = {
    SWISH: lambda u: 1 / (1 + mpmath.exp(-u)),
    GELU: mpmath.ncdf,
    GumbelLU: lambda u: mpmath.exp(-mpmath.exp(-u)),
    AlgebraicLU: lambda u: (1 + u / mpmath.sqrt(1 + u * u)) / 2,
    GudermanLU: lambda u: mpf(1) / 2 + 2 / mpmath.pi * mpmath.atan(mpmath.tanh(u)),
    Mish: lambda u: mpmath.tanh(mpmath.log1p(mpmath.exp(u))),
}


def exact(kind, x: float, T: float):
    """phi, phi' and T phi'' by mpmath's own numerical differentiation of the exact gate."""
    u = mpf(x) / mpf(T)
    gate = EXACT_GATE[kind]
    if abs(u) > 1000 and kind is not AlgebraicLU:  # the gate is 0 or 1 there to 400 digits
        return max(mpf(x), 0), mpf(u > 0), mpf(0)
    if abs(u) > 1e6:  # AlgebraicLU: g = 1/(4u^2) below and 1 - 1/(4u^2) above, to 24 digits
        tail = 1 / (4 * u * u)
        gate, slope = (tail, -tail) if u < 0 else (1 - tail, 1 + tail)
        return mpf(x) * gate, slope, mpf(0)
    first, second = mpmath.diff(gate, u), mpmath.diff(gate, u, 2)
    return mpf(x) * gate(u), gate(u) + u * first, 2 * first + u * second


magnitudes = st.one_of(
    st.floats(-12, 12),
    st.floats(-6e4, 6e4),
    st.sampled_from([0.0, 1e-30, -1e-30, 3e38, -3e38, -1e19]),
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ALL)
def test_every_gradient_is_the_closed_form_over_the_whole_transition(kind, dtype):
    torch.compiler.reset()
    x = torch.linspace(-45, 45, 20001, dtype=torch.float64).mul(0.37).to(dtype).requires_grad_()
    activation = kind(0.37)
    compiled = torch.compile(activation, fullgraph=True, backend="aot_eager")
    closed = activation.derivative(x.detach().double())
    gradients = {
        "by hand": torch.autograd.grad(activation(x).sum(), x)[0],
        "compiled": torch.autograd.grad(compiled(x).sum(), x)[0],
        "functional": torch.func.grad(lambda x: activation(x).sum())(x.detach()),
    }
    for how, gradient in gradients.items():
        units = (gradient - closed).abs().max() / torch.finfo(dtype).eps
        assert units <= 4, how


@pytest.mark.parametrize("kind", ALL)
@given(x=magnitudes, log_T=st.floats(-8, 8), dtype=st.sampled_from(DTYPES))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_value_and_derivatives_keep_the_promised_accuracy(kind, x, log_T, dtype):
    point = torch.tensor(x, dtype=torch.float64).to(dtype)
    if not point.isfinite():
        return
    T, activation, eps = 10**log_T, kind(10**log_T), torch.finfo(dtype).eps
    value, first, second = exact(kind, point.item(), T)
    leaf = point.clone().requires_grad_()
    out = activation(leaf)
    assert out.dtype == dtype and out.isfinite()
    (by_autograd,) = torch.autograd.grad(out, leaf)
    tiny = torch.finfo(dtype).smallest_normal
    assert abs(out.item() - value) <= 4 * eps * abs(point.item()) + tiny
    assert abs(by_autograd.item() - first) <= 4 * eps + tiny
    assert abs(activation.derivative(point).item() - first) <= 4 * eps + tiny
    curvature = activation.derivative(point, order=2)
    if tiny < abs(second / T) < torch.finfo(dtype).max:
        assert abs(curvature.item() * T - second) <= 4 * eps
    else:
        assert not curvature.isnan()


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("T", [1e-8, 1e-3, 1.0, 1e8])
def test_no_finite_input_gives_nan_or_a_wrong_limit(kind, dtype, T):
    largest = torch.finfo(dtype).max
    x = torch.tensor([-largest, -60000.0, -1.0, -0.0, 0.0, 1.0, 60000.0, largest], dtype=dtype)
    x.requires_grad_()
    y = kind(T)(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert y.isfinite().all() and slope.isfinite().all()
    if T < 1:
        far = x.detach().abs() >= 60000
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(y[far], torch.relu(x)[far], rtol=eps, atol=eps * 60000)
        torch.testing.assert_close(slope[far], (x[far] > 0).to(dtype), rtol=0, atol=4 * eps)
        assert (y[x == -largest].abs() < eps * largest).all()


@pytest.mark.parametrize("T", [1.0, 0.3])
@pytest.mark.parametrize("kind", ALL)
def test_gradcheck_and_gradgradcheck_pass_in_double_precision(kind, T):
    x = torch.linspace(-4, 4, 23, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(kind(T), x)
    assert torch.autograd.gradgradcheck(kind(T), x)


@pytest.mark.parametrize("kind", ALL)
def test_torch_func_agrees_with_the_closed_forms_in_every_mode_and_order(kind):
    activation = kind(0.7)
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)
    first, second = activation.derivative(x), activation.derivative(x, order=2)
    grad, jacfwd, vmap = torch.func.grad, torch.func.jacfwd, torch.func.vmap
    torch.testing.assert_close(vmap(grad(activation))(x), first)
    torch.testing.assert_close(vmap(jacfwd(activation))(x), first)
    for outer in (grad, jacfwd):
        for inner in (grad, jacfwd):
            torch.testing.assert_close(vmap(outer(inner(activation)))(x), second)
    step = 1e-4
    slope = (activation.derivative(x + step, 2) - activation.derivative(x - step, 2)) / (2 * step)
    third = vmap(jacfwd(jacfwd(jacfwd(activation))))(x)
    torch.testing.assert_close(third, slope, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(vmap(grad(grad(grad(activation))))(x), third)


@pytest.mark.parametrize("kind", ALL)
def test_many_backward_passes_can_be_batched_into_one(kind):
    x = torch.linspace(-3, 3, 12).reshape(4, 3).requires_grad_()
    y, seeds = kind(0.5)(x), torch.eye(12).reshape(12, 4, 3)
    (batched,) = torch.autograd.grad(y, x, seeds, is_grads_batched=True, retain_graph=True)
    one_by_one = [torch.autograd.grad(y, x, seed, retain_graph=True)[0] for seed in seeds]
    assert torch.equal(batched, torch.stack(one_by_one))


def test_the_private_names_that_detect_transforms_still_work():
    seen = []

    def probe(x):
        seen.append(under_transform())
        return x * 1.0

    x = torch.ones(3)
    probe(x)
    torch.func.grad(lambda x: probe(x).sum())(x)
    torch.func.jvp(probe, (x,), (x,))
    torch.func.vmap(probe)(x)
    assert seen == [False, True, True, True]


@pytest.mark.parametrize("kind", ALL)
def test_training_keeps_nothing_for_backward_but_what_the_layers_beside_it_keep(kind):
    saved = []
    x = torch.randn(1000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        y = kind(0.5)(x)
    beside = [x, y] if kind.fused.needs_output else [x]
    assert [t.data_ptr() for t in saved] == [t.data_ptr() for t in beside]


@pytest.mark.parametrize("kind", ALL)
def test_forward_backward_and_meta_device_need_no_look_at_the_numbers(kind):
    x = torch.empty(5, 3, device="meta", requires_grad=True)
    y = kind(0.5)(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert y.shape == slope.shape == (5, 3) and slope.device.type == "meta"


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ALL)
def test_cuda_agrees_with_the_cpu(kind):
    x = torch.linspace(-5, 5, 1001)
    torch.testing.assert_close(kind(0.5)(x.cuda()).cpu(), kind(0.5)(x))


@pytest.mark.parametrize("bad", [0, 0.0, -1.0, float("nan"), float("inf"), "1", None, True, [1.0]])
def test_a_temperature_that_is_not_positive_and_finite_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="temperature must be a positive finite number"):
        SWISH(bad)
    activation = GELU(0.5)
    with pytest.raises(ValueError, match="temperature"):
        activation.temperature = bad
    assert activation.temperature == 0.5


def test_integers_and_unknown_orders_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"x\.float\(\)"):
        SWISH()(torch.arange(3))
    with pytest.raises(ValueError, match="use autograd"):
        SWISH().derivative(torch.ones(2), order=3)


@pytest.mark.parametrize("kind", ALL)
def test_an_activation_is_copied_saved_and_loaded_like_any_module(kind):
    activation = kind(0.25)
    buffer = io.BytesIO()
    torch.save(activation, buffer)
    buffer.seek(0)
    for twin in (copy.deepcopy(activation), torch.load(buffer, weights_only=False)):
        assert repr(twin) == repr(activation) == f"{kind.__name__}(temperature=0.25)"
        assert torch.equal(twin(torch.ones(2)), activation(torch.ones(2)))


def test_swish_and_gelu_at_temperature_one_are_torchs_own():
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    torch.testing.assert_close(SWISH()(x), torch.nn.functional.silu(x))
    torch.testing.assert_close(GELU()(x), torch.nn.functional.gelu(x))
    torch.testing.assert_close(Mish()(x), torch.nn.functional.mish(x))


@pytest.mark.parametrize("kind", ALL)
def test_a_large_tensor_is_computed_in_blocks_like_its_parts(kind):
    activation, x = kind(0.5), torch.randn(3, 700_001, generator=torch.Generator().manual_seed(0))
    parts = [row.clone().requires_grad_() for row in x]
    for whole in (x.clone(), x.T):  # contiguous, and not
        whole.requires_grad_()
        y = activation(whole)
        (slope,) = torch.autograd.grad(y.square().sum(), whole)
        of_parts = [activation(part) for part in parts]
        slopes = torch.autograd.grad(sum(y.square().sum() for y in of_parts), parts)
        y, slope = (y.T, slope.T) if len(whole) > 3 else (y, slope)
        torch.testing.assert_close(y, torch.stack(of_parts), rtol=0, atol=1e-6)
        torch.testing.assert_close(slope, torch.stack(slopes), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("T", [1e-6, 0.3, 1e6])
def test_under_torch_compile_values_and_slopes_are_the_same_at_any_finite_input(kind, T):
    torch.compiler.reset()
    activation, largest = kind(T), torch.finfo(torch.float32).max
    far = torch.tensor([-largest, -1e30, -60000.0, -0.0, 0.0, 60000.0, 1e30, largest])
    x = torch.cat([torch.linspace(-30, 30, 201) * T, torch.linspace(-3, 3, 50), far])
    x.requires_grad_()
    y, z = torch.compile(activation, fullgraph=True, backend="aot_eager")(x), activation(x)
    (slope,), (exact,) = (torch.autograd.grad(v.sum(), x) for v in (y, z))
    eps = torch.finfo(torch.float32).eps
    assert ((y - z).abs() <= 8 * eps * x.abs()).all()
    torch.testing.assert_close(slope, exact, rtol=0, atol=8 * eps)


@pytest.mark.parametrize("kind", ALL)
def test_tensors_without_numbers_leave_no_trace(kind):
    """FakeTensorMode, by which memory is planned; what is remembered of it must not be a fake."""
    activation = kind(0.123)
    with FakeTensorMode():
        x = torch.randn(3, 4, requires_grad=True)
        activation(x).sum().backward()
        assert x.grad.shape == (3, 4)
    x = torch.randn(3, 4, requires_grad=True)
    activation(x).sum().backward()
    assert x.grad.isfinite().all()
