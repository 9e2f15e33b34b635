"""The hardness learns at its own rate, is driven to its target, and gives way to ReLU."""

import copy
import io
import math

import pytest
import torch
from torch import nn

from smoothrelu import GELU, MLP, load_dataset, standard_init_
from smoothrelu.activations.convert import (
    convert_to_lambda_gelu,
    replace_with_relu,
    substitution_gap,
)
from smoothrelu.activations.hardening import Hardening, hardness_groups, hardness_profile
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.theory.hardness import relu_distances, target_hardness

SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW


def build(*hardness, t=0.1):
    torch.manual_seed(0)
    layers = [nn.Linear(8, 16)]
    for h in hardness:
        layers += [LambdaGELU(h, t=t), nn.Linear(16, 16)]
    return nn.Sequential(*layers[:-1], nn.Linear(16, 3))


def problem():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(64, 8, generator=generator), torch.randint(0, 3, (64,), generator=generator)


def train(model, optimizer, steps, hardening=None):
    x, y = problem()
    x = x.to(next(model.parameters()))
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        if hardening is not None:
            hardening.step()


def profile(model):
    return list(hardness_profile(model).values())


# --- the parameter groups
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_the_groups_hold_every_parameter_once_and_s_without_decay(kind):
    model = build(1.5, 3.0)
    model[1].t.fill_(0.4)
    groups = hardness_groups(model, kind, lr=0.1, c=3.0)
    held = [p for group in groups for p in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in model.parameters()}
    assert len(held) == len(list(model.parameters()))
    optimizer = kind(groups, weight_decay=0.5)
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.5, 0.0, 0.0]
    factors = [0.1, 0.4] if kind is SGD else [1.0, 1.0]
    rates = [0.1, *(0.1 * 3 * f for f in factors)]
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx(rates)


@pytest.mark.parametrize("t", [0.05, 0.5])
@pytest.mark.parametrize("hardness", [1.2, 4.0])
def test_one_step_moves_lambda_as_the_derivation_says(hardness, t):
    """SGD by c lr sigmoid^2/t dL/dlambda, Adam by c lr sigmoid/t: both like c lr/t."""
    lr, c = 1e-5, 3.0
    sigmoid = 1 - math.exp(-(hardness - 1))  # of s/t, where softplus(s/t) is lambda - 1
    for kind in (SGD, Adam):
        model = build(hardness, t=t).double()
        layer = model[1].set_hardness_(hardness)
        before = layer.hardness.item()
        train(model, kind(hardness_groups(model, kind, lr=lr, c=c)), 1)
        by_s = layer.s.grad.item()
        slope = by_s * t / sigmoid
        moved = layer.hardness.item() - before
        size = sigmoid**2 * slope if kind is SGD else sigmoid * math.copysign(1, slope)
        assert moved == pytest.approx(-c * lr / t * size, rel=2e-3)


@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_a_larger_c_and_a_smaller_t_move_lambda_further(kind):
    def drift(t, c):
        model = build(1.5, 1.5, t=t)
        before = profile(model)
        lr = 0.01 if kind is SGD else 1e-3
        train(model, kind(hardness_groups(model, kind, lr=lr, c=c)), 30)
        return sum(abs(a - b) for a, b in zip(profile(model), before, strict=True))

    assert drift(0.1, 1.0) < drift(0.1, 3.0) < drift(0.1, 9.0)
    assert drift(1.0, 3.0) < drift(0.3, 3.0) < drift(0.1, 3.0)
    assert drift(0.1, 0.0) == 0


def test_the_optimizer_state_resumes():
    model = build(1.5)
    optimizer = AdamW(hardness_groups(model, AdamW, lr=1e-2, c=5.0))
    train(model, optimizer, 5)
    twin = build(9.0)
    other = AdamW(hardness_groups(twin, AdamW, lr=1e-2, c=5.0))
    twin.load_state_dict(model.state_dict())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(model, optimizer, 5)
    train(twin, other, 5)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("kind", [torch.optim.LBFGS, "sgd", None, nn.Linear])
def test_an_optimizer_without_a_rule_is_refused_with_the_remedy(kind):
    with pytest.raises(ValueError, match="no rule for the optimizer.*torch.optim.SGD, Adam"):
        hardness_groups(build(1.5), kind, lr=0.1)


def test_rates_out_of_range_and_models_without_lambda_gelu_are_refused():
    for bad in (dict(lr=0.0), dict(lr=math.nan), dict(lr=0.1, c=-1.0), dict(lr=0.1, c=math.inf)):
        with pytest.raises(ValueError, match="lr > 0 and c >= 0"):
            hardness_groups(build(1.5), SGD, **bad)
    plain = nn.Sequential(nn.Linear(2, 2), nn.GELU())
    for call in (
        lambda: hardness_groups(plain, SGD, lr=0.1),
        lambda: Hardening(plain, target=10.0, start=0, stop=5),
        lambda: hardness_profile(plain),
        lambda: substitution_gap(plain, torch.ones(1, 2)),
    ):
        with pytest.raises(ValueError, match="found no LambdaGELU.*convert_to_lambda_gelu"):
            call()


# --- hardening
# -------------------------------------------------------------------------------------------------


def test_the_hardness_is_learned_first_and_then_driven_geometrically_to_the_target():
    model = build(1.5, 3.0)
    optimizer = SGD(hardness_groups(model, SGD, lr=0.1, c=5.0), momentum=0.9)
    hardening = Hardening(model, target=80.0, start=10, stop=14)
    train(model, optimizer, 9, hardening)
    learning = profile(model)
    assert learning != pytest.approx([1.5, 3.0], rel=1e-4)
    train(model, optimizer, 1, hardening)
    learned = profile(model)
    assert learned != learning and not any(m.s.requires_grad for m in (model[1], model[3]))
    for k in (1, 2, 3, 4):
        train(model, optimizer, 1, hardening)
        expected = [h * (80 / h) ** (k / 4) for h in learned]
        assert profile(model) == pytest.approx(expected, rel=1e-5)
    train(model, optimizer, 3, hardening)
    assert profile(model) == pytest.approx([80.0, 80.0], rel=1e-6)


def test_the_weights_go_on_learning_while_the_hardness_rises():
    model = build(1.5)
    before = model[0].weight.clone()
    optimizer = AdamW(hardness_groups(model, AdamW, lr=0.01))
    train(model, optimizer, 3, Hardening(model, target=50.0, start=0, stop=3))
    assert not torch.equal(model[0].weight, before)
    assert profile(model) == pytest.approx([50.0], rel=1e-6)


def test_hardening_a_layer_that_is_hard_already_changes_nothing():
    model = build(200.0, 2.0)
    s = model[1].s.detach().clone()
    hardening = Hardening(model, target=80.0, start=0, stop=4)
    train(model, AdamW(hardness_groups(model, AdamW, lr=0.01, c=9.0)), 6, hardening)
    assert torch.equal(model[1].s, s)
    again = Hardening(model, target=80.0, start=0, stop=1)
    before = profile(model)
    again.step()
    assert profile(model) == pytest.approx(before, rel=1e-6) and before[0] == profile(model)[0]


@pytest.mark.parametrize("at", [2, 7])
def test_it_resumes_from_its_state_in_either_phase(at):
    def start():
        model = build(1.5, 3.0)
        optimizer = AdamW(hardness_groups(model, AdamW, lr=0.01, c=3.0))
        return model, optimizer, Hardening(model, target=80.0, start=5, stop=10)

    whole, resumed = start(), start()
    train(*whole[:2], 12, whole[2])
    train(*resumed[:2], at, resumed[2])
    buffer = io.BytesIO()
    torch.save([part.state_dict() for part in resumed], buffer)
    buffer.seek(0)
    resumed = start()
    for part, state in zip(resumed, torch.load(buffer, weights_only=True), strict=True):
        part.load_state_dict(state)
    train(*resumed[:2], 12 - at, resumed[2])
    for p, q in zip(whole[0].parameters(), resumed[0].parameters(), strict=True):
        assert torch.equal(p, q)
    assert resumed[2].state_dict() == whole[2].state_dict()


def test_phases_out_of_order_a_soft_target_and_a_foreign_state_are_refused():
    model = build(1.5)
    for start, stop in ((5, 5), (-1, 5), (6, 5), (0.75, 1.0), (True, 5)):
        with pytest.raises(ValueError, match="integers 0 <= start < stop"):
            Hardening(model, target=10.0, start=start, stop=stop)
    with pytest.raises(ValueError, match="hardness must be a finite number >= 1"):
        Hardening(model, target=0.5, start=0, stop=5)
    state = Hardening(build(1.5, 2.0), target=10.0, start=0, stop=5).state_dict()
    with pytest.raises(ValueError, match="a model with 2 LambdaGELU layers, this one has 1"):
        Hardening(model, target=10.0, start=1, stop=5).load_state_dict(state)


# --- from lambda-GELU to ReLU
# -------------------------------------------------------------------------------------------------


def test_every_gelu_and_relu_gets_a_hardness_of_its_own():
    shared = nn.GELU()
    model = nn.Sequential(
        nn.Linear(3, 3), shared, nn.Linear(3, 3), nn.ReLU(), GELU(0.5), shared, nn.Tanh()
    ).double()
    assert convert_to_lambda_gelu(model, hardness=2.0, t=0.5) is model
    assert hardness_profile(model) == pytest.approx({"1": 2.0, "3": 2.0, "4": 2.0})
    assert model[1] is model[5] and model[1] is not model[3]
    assert model[1].s.dtype == torch.float64 and isinstance(model[6], nn.Tanh)
    with pytest.raises(ValueError, match=r"found no module of type nn\.GELU, nn\.ReLU, GELU"):
        convert_to_lambda_gelu(nn.Linear(2, 2))


def test_relu_takes_the_place_of_lambda_gelu_and_of_nothing_else():
    model = build(2.0, 9.0)
    weights = dict(model.named_parameters())
    assert replace_with_relu(model) is model
    assert [type(m) for m in model] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert all(p is weights[name] for name, p in model.named_parameters())
    with pytest.raises(ValueError, match="found no module of type LambdaGELU"):
        replace_with_relu(model)


def test_the_gap_is_the_change_of_the_outputs_and_the_model_stays_as_it_is():
    model = build(2.0, 9.0).train()
    x, _ = problem()
    gap = substitution_gap(model, x)
    assert hardness_profile(model) == pytest.approx({"1": 2.0, "3": 9.0}) and model.training
    before = model(x)
    change = (replace_with_relu(model)(x) - before).detach().abs()
    assert gap.largest == change.max().item() > gap.mean == change.mean().item() > 0
    assert gap.output == pytest.approx(before.abs().mean().item())
    assert gap.hardness == pytest.approx({"1": 2.0, "3": 9.0})


@pytest.mark.parametrize("hardness", [2.0, 20.0, 200.0])
def test_the_gap_of_one_layer_is_within_the_bound_of_the_sup_distance(hardness):
    model = build(hardness)
    x, _ = problem()
    _, sup = relu_distances(hardness)
    bound = sup * model[2].weight.abs().sum(1).max().item()
    assert 0 < substitution_gap(model, x).largest <= bound * (1 + 1e-4)


def test_on_real_digits_a_hardened_network_loses_less_in_the_substitution():
    data = load_dataset("mnist", n_train=200, n_test=50)
    x, y = data.x_train, data.y_train

    def disruption(target):
        net = MLP(data.n_in, data.n_out, width=32, depth=3, activation=nn.GELU())
        convert_to_lambda_gelu(standard_init_(net, generator=torch.Generator().manual_seed(0)))
        optimizer = AdamW(hardness_groups(net, AdamW, lr=3e-3, c=3.0))
        hardening = Hardening(net, target=target, start=45, stop=60)
        for _ in range(60):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
            hardening.step()
        return substitution_gap(net, x)

    learned, hardened = disruption(1.0), disruption(target_hardness(0.01))
    assert hardened.mean < learned.mean / 5


def test_a_compiled_model_learns_and_hardens_like_the_one_it_was_made_of():
    model = build(1.5, 3.0)
    twin = copy.deepcopy(model)
    compiled = torch.compile(twin, backend="aot_eager")
    for net, called in ((model, model), (twin, compiled)):
        optimizer = SGD(hardness_groups(net, SGD, lr=0.1, c=5.0))
        train(called, optimizer, 4, Hardening(net, target=20.0, start=2, stop=4))
    assert profile(twin) == pytest.approx(profile(model), rel=1e-5) == [20.0, 20.0]
    x, _ = problem()
    assert torch.allclose(compiled(x), model(x), atol=1e-5)


def test_the_lines_of_the_readme_carry_a_model_of_ones_own_from_gelu_to_relu():
    """As written there, with the model saved, loaded, copied and resumed in the middle."""
    import torch.nn as nn
    from torch.optim import AdamW

    from smoothrelu import (
        Hardening,
        convert_to_lambda_gelu,
        hardness_groups,
        replace_with_relu,
        target_hardness,
    )

    def begin():
        torch.manual_seed(0)
        ends = nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)
        model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), *ends)
        convert_to_lambda_gelu(model)
        optimizer = AdamW(hardness_groups(model, AdamW, lr=1e-3, c=3.0))
        return model, optimizer, Hardening(model, target=target_hardness(0.01), start=15, stop=20)

    model, optimizer, hardening = begin()
    train(model, optimizer, 17, hardening)
    file = io.BytesIO()
    torch.save([part.state_dict() for part in (model, optimizer, hardening)], file)
    file.seek(0)
    resumed = begin()
    for part, state in zip(resumed, torch.load(file), strict=True):
        part.load_state_dict(state)
    other, its_optimizer, its_hardening = resumed
    train(model, optimizer, 3, hardening)
    train(other, its_optimizer, 3, its_hardening)
    assert profile(other) == profile(model) == pytest.approx([target_hardness(0.01)] * 2, rel=1e-5)
    x, _ = problem()
    twin = copy.deepcopy(model)
    smooth = model(x)
    replace_with_relu(model)
    assert [type(m) for m in model[1::2]] == [nn.ReLU, nn.ReLU]
    assert (model(x) - smooth).abs().max() < 0.01
    assert torch.equal(twin(x), smooth) and profile(twin) == profile(other)
