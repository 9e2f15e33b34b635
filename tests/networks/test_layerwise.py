"""The preactivations of every layer, of networks of every form."""

import pytest
import torch
from torch import nn

from smoothrelu import GELU, MLP, SWISH, gaussian_init_
from smoothrelu.networks.layerwise import network_kernels, preactivations


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("activation", [SWISH(), [SWISH(), GELU(0.5)]], ids=["one", "each its own"])
def test_preactivations_are_the_outputs_of_the_linear_layers_in_order(activation):
    net = MLP(3, 2, width=4, depth=3, activation=activation)
    x = torch.randn(5, 3, generator=generator())
    first = net.layers[0](x)
    second = net.layers[1](net.activation_after(0)(first))
    third = net.layers[2](net.activation_after(1)(second))
    found = preactivations(net, x)
    for z, expected in zip(found, [first, second, third], strict=True):
        assert torch.equal(z, expected)
    assert torch.equal(found[-1], net(x))
    assert not any(layer._forward_hooks for layer in net.layers)


def test_hooks_are_gone_after_a_failure():
    net = MLP(3, 2, width=4, depth=2, activation=SWISH())
    with pytest.raises(ValueError, match="inputs of shape"):
        preactivations(net, torch.ones(5, 4))
    assert not any(layer._forward_hooks for layer in net.layers)


def test_the_kernels_of_a_network_with_one_activation_a_layer():
    net = MLP(3, 2, width=4, depth=3, activation=[SWISH(), GELU(0.5)])
    gaussian_init_(net, C_W=1.5, C_b=0.1, generator=generator())
    x = torch.randn(5, 3, generator=generator())
    h1 = net.activation[0](net.layers[0](x))
    h2 = net.activation[1](net.layers[1](h1))
    expected = torch.stack([0.1 + 1.5 * h.square().mean(1) for h in (x, h1, h2)], 1)
    assert torch.equal(network_kernels(net, x, C_W=1.5, C_b=0.1), expected)


def test_a_sequential_network_is_served_as_an_mlp_is():
    layers = [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)]
    x = torch.randn(5, 3, generator=generator())
    first, last = preactivations(nn.Sequential(*layers), x)
    assert torch.equal(first, layers[0](x))
    assert torch.equal(last, layers[2](layers[1](first)))
