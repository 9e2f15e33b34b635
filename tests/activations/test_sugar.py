"""SUGAR is ReLU forward, bit for bit, and the surrogate's slope backward, which is not ReLU's
gradient; the surrogates have the slopes and minima that their formulas imply.
"""

import copy
import io
import shutil

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from torch import nn
from torch.autograd.gradcheck import GradcheckError

from smoothrelu import GELU, MLP, SMOOTH_RELUS, SWISH, GumbelLU
from smoothrelu.activations.convert import convert_to_sugar
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.activations.surrogate_gradient import SUGAR, sugar
from smoothrelu.activations.surrogates import BSiLU, HeLU, NeLU, StochasticReLU

mp.dps = 40
NEEDS_A_COMPILER = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="needs a C++ compiler"
)


def mp_sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


# The smooth piece of each surrogate that x lies on.
PIECE = {
    BSiLU: lambda x, a: lambda u: (u + a) * mp_sigmoid(u) - a / 2,
    NeLU: lambda x, a: (lambda u: u) if x > 0 else (lambda u: a - a / (1 + u * u)),
    HeLU: lambda x, a: (lambda u: u + a) if x > -a else (lambda u: mpf(0)),
}
SURROGATES = [
    BSiLU(),
    NeLU(),
    NeLU(0.01),
    HeLU(),
    SWISH(0.3),
    GELU(2.0),
    GumbelLU(),
    nn.SiLU(),
    nn.GELU(),
    nn.GELU(approximate="tanh"),
    nn.ELU(),
    nn.SELU(),
    nn.LeakyReLU(0.1),
    nn.Softplus(beta=4.0),
    torch.tanh,
    lambda x: x**3,
]


def named(surrogate):
    """An id without an address, the same in every process."""
    return getattr(surrogate, "__name__", None) or repr(surrogate)


def points(dtype=torch.float64):
    return torch.linspace(-4, 4, 60, dtype=dtype).requires_grad_()  # 0 is not among them


def slope_of(surrogate, x):
    leaf = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(surrogate(leaf).sum(), leaf)
    return slope


# --- the surrogates
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [BSiLU, NeLU, HeLU])
@given(
    x=st.one_of(st.floats(-12, 12), st.floats(-6e4, 6e4), st.sampled_from([0.0, 3e38, -3e38])),
    alpha=st.floats(0.001, 100),
    dtype=st.sampled_from((torch.float64, torch.float32, torch.bfloat16, torch.float16)),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_surrogate_keeps_the_promised_accuracy(kind, x, alpha, dtype):
    point = torch.tensor(x, dtype=torch.float64).to(dtype)
    if not point.isfinite() or abs(point.item() + alpha) < 1e-6 * alpha:  # HeLU's jump
        return
    surrogate, eps, tiny = kind(alpha), torch.finfo(dtype).eps, torch.finfo(dtype).smallest_normal
    z = mpf(point.item())
    piece = PIECE[kind](z, mpf(alpha))
    value, slope = piece(z), mpmath.diff(piece, z)
    leaf = point.clone().requires_grad_()
    out = surrogate(leaf)
    (by_autograd,) = torch.autograd.grad(out, leaf)
    assert out.dtype == by_autograd.dtype == dtype
    assert abs(out.item() - value) <= 4 * eps * (1 + alpha + abs(point.item())) + tiny
    for ours in (by_autograd, surrogate.derivative(point)):
        assert abs(ours.item() - slope) <= 4 * eps * (1 + alpha) + tiny


def test_b_silu_has_the_slopes_and_the_minimum_that_its_formula_implies():
    value = PIECE[BSiLU](0, mpf("1.67"))

    def slope(x):
        return mpmath.diff(value, x)

    def curvature(x):
        return mpmath.diff(value, x, 2)

    bottom = mpmath.findroot(slope, -2.7)
    flattest, steepest = mpmath.findroot(curvature, -3.8), mpmath.findroot(curvature, 1.5)
    f = BSiLU()
    x = torch.linspace(-30, 30, 600001, dtype=torch.float64)
    values, slopes = f(x), f.derivative(x)
    assert f(torch.zeros(())).item() == pytest.approx(0, abs=1e-7)
    assert f.derivative(torch.zeros(())).item() == pytest.approx(0.5 + 1.67 / 4)
    assert values[0].item() == pytest.approx(-1.67 / 2, abs=1e-10)
    assert values.min().item() == pytest.approx(float(value(bottom)), abs=1e-9)
    assert x[values.argmin()].item() == pytest.approx(float(bottom), abs=1e-4)
    assert slopes.min().item() == pytest.approx(float(slope(flattest)), abs=1e-9)
    assert slopes.max().item() == pytest.approx(float(slope(steepest)), abs=1e-9)
    # the digits that the docstring quotes
    assert float(value(bottom)) == pytest.approx(-0.900, abs=5e-4)
    assert float(slope(flattest)) == pytest.approx(-0.024, abs=5e-4)
    assert float(slope(steepest)) == pytest.approx(1.291, abs=1e-3)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 2.0])
def test_nelu_falls_backwards_below_zero_and_jumps_at_the_origin(alpha):
    f = NeLU(alpha)
    x = torch.linspace(-8, 0, 800001, dtype=torch.float64)
    slopes = f.derivative(x)
    assert slopes.min().item() == pytest.approx(-alpha * 3 * 3**0.5 / 8, rel=1e-9)
    assert x[slopes.argmin()].item() == pytest.approx(-(3**-0.5), abs=2e-5)
    assert (slopes <= 0).all() and slopes[-1] == 0
    above = torch.tensor([5e-324, 1e-9, 3.0], dtype=torch.float64)
    assert (f.derivative(above) == 1).all() and torch.equal(f(above), above)
    assert f(torch.zeros(())).item() == 0


def test_helu_passes_the_gradient_down_to_minus_alpha():
    x = torch.tensor([-1.0, -0.0501, -0.05, -0.0499, 0.0, 2.0], dtype=torch.float64)
    expected = torch.tensor([0.0, 0, 0, 1, 1, 1], dtype=torch.float64)
    assert torch.equal(HeLU(0.05).derivative(x), expected)
    assert torch.equal(slope_of(SUGAR(HeLU(0.05)), x), expected)


@pytest.mark.parametrize("kind", [BSiLU, NeLU])
def test_gradcheck_and_gradgradcheck_pass_for_a_surrogate_itself(kind):
    assert torch.autograd.gradcheck(kind(), points())
    assert torch.autograd.gradgradcheck(kind(), points())


def test_a_surrogate_keeps_nothing_for_backward_but_the_input_and_so_does_sugar():
    x = torch.randn(1000, requires_grad=True)
    for function in (BSiLU(), NeLU(), HeLU(), *map(SUGAR, (BSiLU(), GELU(0.5), nn.SiLU()))):
        saved = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=saved: s.append(t) or t, id):
            function(x)
        assert [t.data_ptr() for t in saved] == [x.data_ptr()]


def test_the_stochastic_relu_is_silu_below_zero_for_a_fraction_p_and_relu_afterwards():
    torch.manual_seed(0)
    activation, x = StochasticReLU(0.3), torch.full((100_000,), -1.0)
    y = activation(x)
    assert set(y.unique().tolist()) == {0.0, nn.functional.silu(x[0]).item()}
    assert (y != 0).float().mean().item() == pytest.approx(0.3, abs=5 * (0.21 / 1e5) ** 0.5)
    positive = torch.rand(50)
    assert torch.equal(activation(positive), positive)
    assert torch.equal(activation.eval()(x), torch.relu(x))
    sample = torch.randn(100, dtype=torch.bfloat16)
    below = sample < 0
    assert torch.equal(StochasticReLU(0.0)(sample), torch.relu(sample))
    assert torch.equal(StochasticReLU(1.0)(sample)[below], nn.functional.silu(sample)[below])


# --- forward ReLU, backward the surrogate
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=named)
def test_forward_is_relu_bit_for_bit_and_backward_multiplies_by_the_slope(surrogate, dtype):
    x = points(dtype)
    grad = torch.randn(60, generator=torch.Generator().manual_seed(0)).to(dtype)
    y = SUGAR(surrogate)(x)
    assert torch.equal(y, torch.relu(x)) and y.dtype == dtype
    (ours,) = torch.autograd.grad(y, x, grad)
    leaf = x.detach().clone().requires_grad_()
    (theirs,) = torch.autograd.grad(surrogate(leaf), leaf, grad)
    torch.testing.assert_close(ours, theirs)


def test_forward_is_relu_for_the_largest_numbers_where_the_surrogate_overflows():
    x = torch.tensor([-3e38, -1e20, 1e20, 3e38, float("inf"), float("nan")], requires_grad=True)
    cube = SUGAR(lambda x: x**3)
    torch.testing.assert_close(cube(x), torch.relu(x), rtol=0, atol=0, equal_nan=True)
    finite = x.detach()[:4]
    value, _ = torch.func.vjp(cube, finite)
    assert torch.equal(value, torch.relu(finite))


@pytest.mark.parametrize("surrogate", SURROGATES, ids=named)
def test_the_backward_is_not_the_gradient_of_the_forward(surrogate):
    below = torch.linspace(-3, -0.1, 9, dtype=torch.float64).requires_grad_()
    if isinstance(surrogate, HeLU):
        below = torch.tensor([-0.04, -0.01], dtype=torch.float64, requires_grad=True)
    with pytest.raises(GradcheckError):
        torch.autograd.gradcheck(SUGAR(surrogate), below)


@pytest.mark.parametrize("surrogate", [NeLU(), HeLU(0.01), nn.LeakyReLU(), nn.ELU()], ids=named)
def test_above_zero_it_is_the_gradient_for_the_surrogates_of_slope_one_there(surrogate):
    above = torch.linspace(0.1, 3, 9, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(SUGAR(surrogate), above)


@pytest.mark.parametrize("surrogate", SURROGATES, ids=named)
def test_torch_func_and_second_derivatives_see_the_surrogate(surrogate):
    x, module = points().detach(), SUGAR(surrogate)
    grad, vmap, jacfwd = torch.func.grad, torch.func.vmap, torch.func.jacfwd
    slope = slope_of(surrogate, x)
    for mode in (grad, jacfwd):
        torch.testing.assert_close(vmap(mode(module))(x), slope)
    curvature = vmap(grad(grad(surrogate)))(x)
    torch.testing.assert_close(vmap(grad(grad(module)))(x), curvature)
    leaf = x.clone().requires_grad_()
    (first,) = torch.autograd.grad(module(leaf).sum(), leaf, create_graph=True)
    if first.requires_grad:  # HeLU's and leaky ReLU's second derivative is zero
        (second,) = torch.autograd.grad(first.sum(), leaf, allow_unused=True)
        assert second is None or torch.allclose(second, curvature)


def test_the_excitation_gate_is_the_surrogate_softplus():
    x, T = points(), 0.25
    y = SUGAR(nn.Softplus(beta=1 / T))(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(slope, torch.sigmoid(x / T), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("surrogate", "backend"),
    [
        *((s, "aot_eager") for s in (BSiLU(), NeLU(), SWISH(0.5), nn.SELU())),
        pytest.param(BSiLU(), "inductor", marks=[pytest.mark.slow, NEEDS_A_COMPILER]),
    ],
    ids=named,
)
def test_compiled_in_one_graph_forward_is_relu_and_backward_the_surrogate(surrogate, backend):
    torch._dynamo.reset()
    x, module = points(torch.float32), SUGAR(surrogate)
    y = torch.compile(module, fullgraph=True, backend=backend)(x)
    assert torch.equal(y, torch.relu(x))
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(slope, slope_of(surrogate, x))


def test_the_compiled_torch_func_gradient_is_the_surrogates_too():
    x = points(torch.float32).detach()
    module = SUGAR(BSiLU())
    gradient = torch.compile(torch.func.grad(lambda x: module(x).sum()), backend="aot_eager")
    torch.testing.assert_close(gradient(x), slope_of(BSiLU(), x))


def test_autocast_channels_last_and_half_precision_pass_through():
    net = convert_to_sugar(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)), nn.Softplus()
    ).to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = net[1](net[0](x))
        out = net(x)
    assert hidden.dtype == out.dtype == torch.bfloat16
    assert hidden.is_contiguous(memory_format=torch.channels_last)
    out.float().square().mean().backward()
    assert net[0].weight.grad.dtype == torch.float32 and net[0].weight.grad.abs().sum() > 0


# --- in a model
# -------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """A block that calls one in-place ReLU twice, as torchvision's do."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.second(self.relu(self.first(x)))
        out += x
        return self.relu(out)

    def out_of_place(self, x, relu):
        return relu(self.second(relu(self.first(x))) + x)


class PreActivation(nn.Module):
    """The in-place ReLU changes the shortcut too: out of place, this would be another function."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.body = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 6))

    def forward(self, x):
        x = self.first(x)
        return x + self.body(x)

    def out_of_place(self, x, relu):
        x = relu(self.first(x))
        return x + self.body[1](x)


@pytest.mark.parametrize("surrogate", [BSiLU(), GELU(0.5), nn.SiLU()], ids=named)
@pytest.mark.parametrize("build", [Residual, PreActivation])
def test_in_place_relus_keep_the_function_and_get_the_surrogates_gradient(build, surrogate):
    torch.manual_seed(0)
    model, x = build(), torch.randn(5, 6)
    before = model(x)
    convert_to_sugar(model, surrogate)
    out, reference = model(x), model.out_of_place(x, SUGAR(surrogate))
    assert torch.equal(out, before) and torch.equal(out, reference)
    parameters = list(model.parameters())
    ours = torch.autograd.grad(out.square().sum(), parameters)
    theirs = torch.autograd.grad(reference.square().sum(), parameters)
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q)


def test_a_real_networks_gradient_is_the_chain_rule_with_the_surrogates_slope():
    torch.manual_seed(1)
    net = convert_to_sugar(MLP(4, 2, width=16, depth=3, activation=nn.ReLU())).double()
    x = torch.randn(7, 4, dtype=torch.float64)
    first, second, last = net.layers
    z1 = first(x)
    z2 = second(torch.relu(z1))
    net(x).sum().backward()
    back = torch.ones(7, 2, dtype=torch.float64) @ last.weight
    back = (back * BSiLU().derivative(z2)) @ second.weight * BSiLU().derivative(z1)
    torch.testing.assert_close(first.weight.grad, back.T @ x)


def test_a_dead_unit_comes_back_to_life_under_sugar_and_stays_dead_under_relu():
    def train(net):
        torch.manual_seed(0)
        x = torch.randn(64, 1)
        with torch.no_grad():
            net[0].weight.fill_(1.0), net[0].bias.fill_(-5.0)  # negative on every example
            net[2].weight.fill_(1.0), net[2].bias.fill_(0.0)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
        for _ in range(300):
            optimizer.zero_grad()
            (net(x) - torch.relu(x)).square().mean().backward()
            optimizer.step()
        return (net[0](x) > 0).float().mean().item()

    def build():
        return nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))

    assert train(build()) == 0
    assert train(convert_to_sugar(build())) > 0.2


def test_only_the_relus_are_exchanged_and_the_state_dict_stays_the_same():
    shared = nn.ReLU()
    net = nn.Sequential(nn.Linear(3, 3), shared, nn.BatchNorm1d(3), shared, nn.ReLU6(), nn.SiLU())
    before = list(net.state_dict())
    weight = net[0].weight
    assert convert_to_sugar(net.eval(), nn.SiLU()) is net
    assert [type(m) for m in net[1:]] == [SUGAR, nn.BatchNorm1d, SUGAR, nn.ReLU6, nn.SiLU]
    assert net[1] is net[3] and not net[1].training
    assert list(net.state_dict()) == before and net[0].weight is weight
    assert isinstance(convert_to_sugar(nn.ReLU()), SUGAR)
    assert repr(sugar(nn.ReLU(inplace=True))) == "SUGAR(BSiLU(alpha=1.67), inplace=True)"


def test_the_surrogate_is_hidden_from_what_walks_over_the_activations_of_a_model():
    net = convert_to_sugar(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), SWISH(0.5))
    assert not any(isinstance(m, SWISH) for m in net.modules())
    assert net[1].surrogate.temperature == 0.5 and isinstance(net[1].forward_activation(), nn.ReLU)


def test_copying_pickling_and_loading_keep_the_surrogate():
    net = convert_to_sugar(nn.Sequential(nn.Linear(3, 3), nn.ReLU()), GELU(0.5))
    buffer = io.BytesIO()
    torch.save(net, buffer)
    buffer.seek(0)
    x = torch.randn(4, 3)
    gradients = []
    for twin in (net, copy.deepcopy(net), torch.load(buffer, weights_only=False)):
        assert repr(twin) == repr(net)
        gradients.append(torch.autograd.grad(twin(x).sum(), twin[0].weight)[0])
    assert torch.equal(gradients[0], gradients[1]) and torch.equal(gradients[0], gradients[2])
    net.load_state_dict(nn.Sequential(nn.Linear(3, 3), nn.ReLU()).state_dict())


@pytest.mark.parametrize("autocast", [False, True])
def test_a_whole_converted_model_compiles_to_the_eager_gradients(autocast):
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = convert_to_sugar(
        nn.Sequential(
            *(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten()),
            *(nn.Linear(216, 8), nn.ReLU(), nn.Linear(8, 2)),
        )
    )
    x = torch.randn(5, 3, 8, 8)
    gradients = []
    for net in (model, torch.compile(copy.deepcopy(model), fullgraph=True, backend="aot_eager")):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = net(x).float().square().mean()
        loss.backward()
        gradients.append([p.grad for p in net.parameters()])
    for eager, compiled in zip(*gradients, strict=True):
        tolerance = {"rtol": 0.05, "atol": 0.05} if autocast else {}
        torch.testing.assert_close(compiled, eager, **tolerance)


def test_a_model_gets_b_silus_slope_unless_another_is_named():
    model = convert_to_sugar(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    assert repr(model[1]) == "SUGAR(BSiLU(alpha=1.67))"
    again = convert_to_sugar(nn.Sequential(nn.ReLU()), SWISH(0.5))
    assert repr(again[0]) == "SUGAR(SWISH(temperature=0.5))"


def test_a_transformer_layer_computes_the_new_activation_in_its_fused_evaluation_path_too():
    from smoothrelu.activations.convert import convert_to_lambda_gelu

    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=nn.GELU(), batch_first=True, dropout=0)
    x = torch.randn(2, 5, 8)
    hard = convert_to_lambda_gelu(copy.deepcopy(layer), hardness=50.0)
    trained = hard(x)
    with torch.no_grad():
        evaluated = hard.eval()(x)
        assert not torch.allclose(layer.eval()(x), evaluated, atol=1e-4)
    torch.testing.assert_close(evaluated, trained)


# --- bad input
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("surrogate", "message"),
    [
        ("silu", "unknown surrogate 'silu'; pass a module or function such as BSiLU"),
        (1.67, "unknown surrogate 1.67"),
        (nn.SiLU, "the surrogate is the class SiLU; pass"),
        (BSiLU, "the class BSiLU"),
        (nn.PReLU(), r"has state, 'weight'.*nn\.LeakyReLU"),
        (LambdaGELU(), r"has state, 's'.*GELU\(1/hardness\)"),
        (nn.SiLU(inplace=True), "overwrites its input; use inplace=False"),
        (SUGAR(inplace=True), "overwrites its input"),
        (nn.Softmax(dim=-1), "not an elementwise function"),
        (lambda x: x.sum(), "not an elementwise function"),
        (lambda x: "text", "not an elementwise function"),
    ],
    ids=named,
)
def test_an_unknown_surrogate_is_refused_with_the_remedy_and_the_model_left_alone(
    surrogate, message
):
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for call in (SUGAR, lambda s: convert_to_sugar(net, s), lambda s: sugar(net[1], s)):
        with pytest.raises(ValueError, match=message):
            call(surrogate)
    assert type(net[1]) is nn.ReLU


@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_every_smooth_relu_may_be_the_surrogate_at_any_temperature(kind):
    for T in (0.01, 0.1, 0.3, 1.0, 3.0, 10.0):
        assert SUGAR(kind(T)).surrogate.temperature == T


def test_a_model_without_relu_is_refused_and_told_about_functional_calls():
    with pytest.raises(ValueError, match=r"found no module of type nn\.ReLU in Linear; F\.relu"):
        convert_to_sugar(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="convert_to_sugar"):
        sugar(nn.Linear(2, 2))


@pytest.mark.parametrize("kind", [BSiLU, NeLU, HeLU])
@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf"), "1", None, True])
def test_a_constant_out_of_range_is_refused(kind, bad):
    with pytest.raises(ValueError, match="alpha must be a finite number >= 0"):
        kind(bad)
    with pytest.raises(ValueError, match="p must be a probability"):
        StochasticReLU(-0.1 if bad is True else bad)
