"""The temperature is state: checked, saved, loaded, moved and learned, whatever holds it."""

import copy
import io

import pytest
import torch
from torch import nn

from smoothrelu import GELU, MLP, SMOOTH_RELUS, SUGAR, SWISH, LambdaGELU, Mish, criticality
from smoothrelu.activations.smooth_relu import temperature_as_float

ALL = (*SMOOTH_RELUS, Mish)


def holders(T: float) -> dict:
    """A temperature in each of the forms it may have."""
    return {
        "number": T,
        "tensor": torch.tensor(T, dtype=torch.float64),
        "computed": torch.tensor(T, requires_grad=True) * 1.0,
        "parameter": nn.Parameter(torch.tensor(T)),
    }


HOLDERS = tuple(holders(1.0))


@pytest.mark.parametrize("source", HOLDERS)
@pytest.mark.parametrize("target", HOLDERS)
def test_a_state_dict_restores_the_temperature_of_any_form_into_any_form(source, target):
    saved = SWISH(holders(0.5)[source]).state_dict()
    assert list(saved) == ["temperature"]
    loaded = SWISH(holders(1.0)[target])
    loaded.load_state_dict(saved)
    assert temperature_as_float(loaded.temperature) == 0.5
    assert isinstance(loaded.temperature, float) == (target == "number")
    torch.testing.assert_close(loaded(torch.ones(3)), SWISH(0.5)(torch.ones(3)))


def test_a_number_is_saved_in_double_precision_and_under_its_place_in_a_model():
    net = nn.Sequential(nn.Linear(2, 2), GELU(0.1), nn.Sequential(SWISH(0.3)))
    state = net.state_dict()
    assert state["1.temperature"].item() == 0.1 and state["2.0.temperature"].item() == 0.3
    other = nn.Sequential(nn.Linear(2, 2), GELU(), nn.Sequential(SWISH()))
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert other[1].temperature == 0.1 and other[2][0].temperature == 0.3


def test_loading_into_a_computed_temperature_leaves_what_it_was_computed_from():
    T = torch.tensor(2.0, requires_grad=True) * 1.0
    SWISH(T).load_state_dict(SWISH(0.5).state_dict())
    assert T.item() == 2.0


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_missing_temperature_is_an_error_that_names_it_unless_loading_is_not_strict(holder):
    net = nn.Sequential(SWISH(holders(0.5)[holder]))
    with pytest.raises(RuntimeError, match=r"Missing key.*0\.temperature"):
        net.load_state_dict({})
    assert net.load_state_dict({}, strict=False).unexpected_keys == []
    assert temperature_as_float(net[0].temperature) == 0.5


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("bad", [-1.0, 0.0, float("nan"), float("inf"), [1.0, 2.0]])
def test_an_invalid_temperature_is_refused_when_it_is_loaded(holder, bad):
    activation = SWISH(holders(0.5)[holder])
    with pytest.raises(RuntimeError, match="temperature: temperature must be a positive finite"):
        activation.load_state_dict({"temperature": torch.tensor(bad)})
    assert temperature_as_float(activation.temperature) == 0.5


@pytest.mark.parametrize("form", [torch.tensor, lambda v: nn.Parameter(torch.tensor(v))])
@pytest.mark.parametrize("bad", [-0.5, 0.0, float("nan"), float("inf"), [0.5], [1.0, 2.0]])
def test_an_invalid_tensor_or_parameter_is_refused_by_name(form, bad):
    activation = GELU(0.5)
    for attempt in (GELU, lambda T: setattr(activation, "temperature", T)):
        with pytest.raises(ValueError, match="temperature must be a positive finite number"):
            attempt(form(bad))
    assert activation.temperature == 0.5 and not list(activation.parameters())


def test_an_integer_tensor_is_refused():
    with pytest.raises(ValueError, match="floating tensor"):
        SWISH(torch.tensor(1))


@pytest.mark.parametrize("before", HOLDERS)
@pytest.mark.parametrize("after", HOLDERS)
def test_a_temperature_of_any_form_may_be_assigned_over_any_other(before, after):
    activation, new = SWISH(holders(0.5)[before]), holders(0.25)[after]
    activation.temperature = new
    assert temperature_as_float(activation.temperature) == 0.25
    if before == "parameter" and after == "number":  # set in place: its optimizer goes on with it
        assert isinstance(activation.temperature, nn.Parameter)
    else:
        assert activation.temperature is new
    assert len(activation.state_dict()) == 1
    learned = "parameter" in (after, before if after == "number" else None)
    assert len(list(activation.parameters())) == learned


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_module_is_converted_with_its_temperature(holder):
    activation = SWISH(holders(0.5)[holder])
    for wanted in (torch.float64, torch.float16, torch.float32):
        activation.to(wanted)
        T = activation.temperature
        assert temperature_as_float(T) == 0.5
        assert holder == "number" or T.dtype == wanted
    x = torch.randn(5)
    torch.testing.assert_close(activation(x), SWISH(0.5)(x))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("holder", HOLDERS)
def test_a_module_moves_to_a_device_with_its_temperature(holder):
    activation = SWISH(holders(0.5)[holder]).cuda()
    assert holder == "number" or activation.temperature.is_cuda
    x = torch.randn(5)
    torch.testing.assert_close(activation(x.cuda()).cpu(), SWISH(0.5)(x))


@pytest.mark.parametrize("holder", ["number", "tensor", "parameter"])
def test_copies_and_pickles_have_a_temperature_of_their_own(holder):
    activation, file = SWISH(holders(0.5)[holder]), io.BytesIO()
    torch.save(activation, file)
    file.seek(0)
    for twin in (copy.deepcopy(activation), torch.load(file, weights_only=False)):
        assert type(twin.temperature) is type(activation.temperature)
        assert repr(twin) == repr(activation)
        twin.temperature = 0.125
        assert temperature_as_float(activation.temperature) == 0.5


def test_a_computed_temperature_is_not_copied_behind_the_back_of_its_graph():
    activation = SWISH(holders(0.5)["computed"])
    with pytest.raises(RuntimeError, match="assign temperature.detach"):
        copy.deepcopy(nn.Sequential(activation))
    activation.temperature = activation.temperature.detach()
    assert temperature_as_float(copy.deepcopy(activation).temperature) == 0.5


@pytest.mark.parametrize("kind", ALL)
def test_the_gradient_in_the_temperature_is_that_of_finite_differences(kind):
    x = torch.linspace(-3, 3, 13, dtype=torch.float64, requires_grad=True)
    source = torch.tensor(0.35, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, s: kind(2 * s)(x), (x, source))


@pytest.mark.parametrize("kind", ALL)
def test_a_parameter_is_trained_saved_and_loaded(kind):
    torch.manual_seed(0)
    x = torch.randn(256, 1)
    target = kind(0.4)(x)
    net = nn.Sequential(kind(nn.Parameter(torch.tensor(1.5))))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(300):
        optimizer.zero_grad()
        (net(x) - target).square().mean().backward()
        optimizer.step()
    learned = net[0].temperature.item()
    assert learned == pytest.approx(0.4, abs=0.02) and "learned" in repr(net)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    again = nn.Sequential(kind(nn.Parameter(torch.tensor(1.0))))
    again.load_state_dict(torch.load(file))
    assert again[0].temperature.item() == learned
    assert torch.equal(again(x), net(x))


def test_a_parametrised_temperature_stays_positive_and_is_state():
    def make(T):
        activation = SWISH(nn.Parameter(torch.tensor(T)))
        nn.utils.parametrize.register_parametrization(activation, "temperature", Exp())
        return activation

    class Exp(nn.Module):
        def forward(self, log_T):
            return log_T.exp()

        def right_inverse(self, T):
            return T.log()

    activation, other = make(0.5), make(1.0)
    other.load_state_dict(activation.state_dict())
    assert other.temperature.item() == pytest.approx(0.5)
    other(torch.ones(3)).sum().backward()
    assert other.parametrizations.temperature.original.grad.isfinite()


def test_the_theory_takes_a_learned_temperature():
    learned = SWISH(nn.Parameter(torch.tensor(0.5)))
    assert criticality(learned).C_b == pytest.approx(criticality(SWISH(0.5)).C_b)
    net = MLP(3, 2, width=4, depth=3, activation=learned)
    assert [n for n, _ in net.named_parameters() if "temperature" in n] == [
        "activation.temperature"
    ]


def test_the_surrogate_of_sugar_is_no_state_and_may_not_be_learned():
    assert not SUGAR(SWISH(0.5)).state_dict()
    for T in (torch.tensor(0.5), nn.Parameter(torch.tensor(0.5))):
        with pytest.raises(ValueError, match="has state, 'temperature'"):
            SUGAR(SWISH(T))


@pytest.mark.parametrize("bad", [{"s": float("nan")}, {"t": 0.0}, {"s": float("inf")}])
def test_an_invalid_hardness_is_refused_when_it_is_loaded(bad):
    layer = LambdaGELU(2.0)
    state = layer.state_dict() | {name: torch.tensor(value) for name, value in bad.items()}
    with pytest.raises(RuntimeError, match=f"{next(iter(bad))} must be finite"):
        layer.load_state_dict(state)
    assert layer.hardness.item() == pytest.approx(2.0)


@pytest.mark.parametrize("T", [1e-46, 1e-40, 1e-300])
@pytest.mark.parametrize("kind", ALL)
def test_a_temperature_below_the_smallest_number_of_the_dtype_gives_relu(kind, T):
    x = torch.tensor([-0.5, 0.0, 0.5], requires_grad=True)
    y = kind(T)(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(y, torch.relu(x)) and slope.isfinite().all()
