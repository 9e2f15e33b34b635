"""Gradients by hand are autograd's to the bit, and whoever must be asked by autograd is."""

import pytest
import torch
from torch import nn

from smoothrelu import MLP, SMOOTH_RELUS, SWISH, LambdaGELU, critical_init_, gradient_descent
from smoothrelu.training.explicit_backprop import MLPBackprop


@pytest.fixture
def problem():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(70, 12, generator=generator), torch.randint(3, (70,), generator=generator)


def network(activation, depth=4, **options):
    net = MLP(12, 3, width=17, depth=depth, activation=activation, **options)
    return critical_init_(net, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("activation", [*(kind(0.3) for kind in SMOOTH_RELUS), nn.ReLU()], ids=repr)
def test_loss_and_gradients_are_autograds_bit_for_bit(problem, activation, depth, dtype):
    x, y = problem[0].to(dtype), problem[1]
    net = (
        network(activation, depth)
        if depth > 1
        else MLP(12, 3, width=1, depth=1, activation=activation)
    ).to(dtype)
    by_hand = MLPBackprop.for_model(net, x, y, nn.functional.cross_entropy)
    for _ in range(2):  # the buffers are used again
        loss = nn.functional.cross_entropy(net(x), y)
        value, gradients = by_hand()
        assert torch.equal(value, loss)
        exact = torch.autograd.grad(loss, list(net.parameters()))
        assert all(torch.equal(a, b) for a, b in zip(gradients, exact, strict=True))
    assert torch.equal(by_hand(wanted=False)[0], loss)


def test_each_place_may_have_its_own_activation(problem):
    x, y = problem
    net = MLP(12, 3, width=17, depth=3, activation=[SWISH(0.3), nn.ReLU()])
    value, gradients = MLPBackprop.for_model(net, x, y, nn.functional.cross_entropy)()
    exact = torch.autograd.grad(nn.functional.cross_entropy(net(x), y), list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(gradients, exact, strict=True))


def frozen(net):
    net.layers[1].requires_grad_(False)


def hooked(net):
    net.layers[1].register_forward_hook(lambda *_: None)


def hooked_parameter(net):
    net.layers[1].weight.register_hook(lambda grad: 2 * grad)


@pytest.mark.parametrize("change", [frozen, hooked, hooked_parameter])
def test_what_autograd_must_see_is_left_to_it(problem, change):
    net = network(SWISH(0.3))
    change(net)
    assert MLPBackprop.for_model(net, *problem, nn.functional.cross_entropy) is None
    assert len(gradient_descent(net, *problem, lr=0.01, steps=3)) == 4


@pytest.mark.parametrize(
    "activation", [LambdaGELU(), nn.Tanh(), nn.ReLU(inplace=True), SWISH(1e-12)], ids=repr
)
def test_other_activations_are_left_to_autograd(problem, activation):
    net = MLP(12, 3, width=17, depth=3, activation=activation)
    assert MLPBackprop.for_model(net, *problem, nn.functional.cross_entropy) is None
    assert len(gradient_descent(net, *problem, lr=0.01, steps=3)) == 4
