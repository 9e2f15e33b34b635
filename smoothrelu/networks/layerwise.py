r"""The preactivations of every linear layer of a network, and what is measured on them.

`preactivations` serves every module built of Linear layers, an MLP with one activation a layer
included: the layers are watched while the network computes.
"""

import torch
from torch import Tensor, nn

from smoothrelu.networks.mlp import linear_layers


def preactivations(net: nn.Module, x: Tensor) -> list[Tensor]:
    """The outputs z(1), ..., z(depth) of the linear layers in the order of their use, each
    (N, units) for inputs x (N, n_in); part of the autograd graph.

    Accuracy: exactly what the network computes. Raises ValueError as `linear_layers`.
    """
    return [z for _, z in _linear_calls(net, x)]


def network_kernels(net: nn.Module, x: Tensor, *, C_W: float, C_b: float) -> Tensor:
    r"""The kernel of every layer of a finite network for each input, (N, depth), in x's dtype:

        K_hat(l) = C_b + C_W (1/n_{l-1}) sum_i h_i(l-1)^2,

    h(l-1) being the input of linear layer l: the variance of its preactivations given the layers
    before. Source: PDLT, chapter 4.
    net: Linear layers and any activations between them (an `MLP`, also with one activation a
    layer). x: (N, n_in). C_W, C_b: the variances its weights and biases were drawn with.
    Accuracy: the rounding of x's dtype. Raises ValueError as `linear_layers`.
    """
    with torch.no_grad():
        calls = _linear_calls(net, x)
        return torch.stack([C_b + C_W * h.square().mean(1) for h, _ in calls], 1)


def network_differences(net: nn.Module, activation: nn.Module, x: Tensor) -> Tensor:
    """The root mean square, over neurons and over the rows of x, of z_T - z_0 in each linear layer,
    (depth,): the preactivations with the activation and with ReLU, at the same weights.

    Its square is the mean that `relu_limit_networks.network_law` predicts.
    net: Linear layers in the order of their use (an MLP); x (N, n_in).
    """
    layers = list(linear_layers(net).values())
    with torch.no_grad():
        smooth, relu = (
            preactivations(_interleaved(layers, phi), x) for phi in (activation, nn.ReLU())
        )
        return torch.stack(
            [(a - b).square().mean().sqrt() for a, b in zip(smooth, relu, strict=True)]
        )


def _interleaved(layers: list[nn.Linear], activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(*(m for layer in layers for m in (layer, activation)))


def _linear_calls(net: nn.Module, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(input, output) of each linear layer, in the order in which the network calls them."""
    calls: list[tuple[Tensor, Tensor]] = []
    hooks = [
        layer.register_forward_hook(lambda _, inputs, z: calls.append((inputs[0], z)))
        for layer in linear_layers(net).values()
    ]
    try:
        net(x)
    finally:
        for hook in hooks:
            hook.remove()
    return calls
