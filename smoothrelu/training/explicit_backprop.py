"""Loss and gradients of an MLP by hand: to the bit what autograd computes, without its graph and in
memory that is taken once. For small networks, whose steps are bound by what each call costs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from smoothrelu.activations.fused import blockwise, in_fast_range
from smoothrelu.activations.smooth_relu import SmoothReLU
from smoothrelu.networks.mlp import MLP

Loss = Callable[[Tensor, Tensor], Tensor]


class ByHand:
    """The loss of an MLP over all examples, and its gradients in the order of its parameters.

    Every call overwrites the gradients of the one before.
    """

    def __init__(self, net: MLP, x: Tensor, y: Tensor, loss: Loss):
        self._x, self._y, self._loss = x, y, loss
        self._layers = [(layer.weight.detach(), layer.bias.detach()) for layer in net.layers]
        self._activations = [_kernels(net.activation_after(i)) for i in range(len(net.layers) - 1)]
        self._z = [x.new_empty(len(x), len(weight)) for weight, _ in self._layers]
        self._h = [torch.empty_like(z) for z in self._z[:-1]]
        self._back = [torch.empty_like(z) for z in self._h[:1] * 2]  # one width for all
        self._gradients = [torch.empty_like(p) for layer in self._layers for p in layer]

    @classmethod
    def of(cls, model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> "ByHand | None":
        """None for a model that autograd must see: anything but an MLP whose parameters are all
        trained, without hooks, and with a smooth ReLU or ReLU between its layers.
        """
        if (
            type(model) is MLP
            and all(type(layer) is nn.Linear for layer in model.layers)
            and all(p.requires_grad and p.dtype == x.dtype for p in model.parameters())
            and all(_kernels(model.activation_after(i)) for i in range(len(model.layers) - 1))
            and not any(_is_watched(module) for module in model.modules())
            and x.ndim == 2
            and x.shape[1] == model.layers[0].in_features
            and x.dtype in (torch.float32, torch.float64)
        ):
            return cls(model, x, y, loss)
        return None

    @torch.no_grad()
    def __call__(self, wanted: bool = True) -> tuple[Tensor, Sequence[Tensor]]:
        """The loss and, where wanted, the gradients."""
        h = self._x
        for (weight, bias), z, following, kernels in zip(
            self._layers, self._z, [*self._h, None], [*self._activations, None], strict=True
        ):
            torch.addmm(bias, h, weight.t(), out=z)
            if kernels:
                h = blockwise(kernels.forward, z, T=kernels.T, out=following)
        with torch.enable_grad():
            out = self._z[-1].detach().requires_grad_(wanted)
            value = self._loss(out, self._y)
        if not wanted:
            return value, ()
        self._backward(torch.autograd.grad(value, out)[0])
        return value.detach(), self._gradients

    def _backward(self, delta: Tensor) -> None:
        for i in reversed(range(len(self._layers))):
            torch.mm(delta.t(), self._h[i - 1] if i else self._x, out=self._gradients[2 * i])
            torch.sum(delta, 0, out=self._gradients[2 * i + 1])
            if i:
                grad, into = self._back
                torch.mm(delta, self._layers[i][0], out=grad)
                kernels, z, h = self._activations[i - 1], self._z[i - 1], self._h[i - 1]
                inputs = (grad, z, h) if kernels.needs_output else (grad, z)
                delta = blockwise(kernels.backward, *inputs, T=kernels.T, out=into)


class _Kernels(NamedTuple):
    """An activation's forward(x, T, out) and backward(grad, x, T, out): see `FusedForm`."""

    forward: Callable[..., Tensor]
    backward: Callable[..., Tensor]
    needs_output: bool
    T: float


def _relu_forward(x: Tensor, T: float, out: Tensor) -> Tensor:
    return torch.clamp(x, min=0, out=out)


def _relu_backward(grad: Tensor, x: Tensor, T: float, out: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward(grad, x, 0, grad_input=out)


def _kernels(activation: nn.Module) -> _Kernels | None:
    if type(activation) is nn.ReLU and not activation.inplace:
        return _Kernels(_relu_forward, _relu_backward, False, 0.0)
    if isinstance(activation, SmoothReLU) and in_fast_range(activation.temperature):
        fused = activation.fused
        return _Kernels(fused.forward, fused.backward, fused.needs_output, activation.temperature)
    return None


def _is_watched(module: nn.Module) -> bool:
    """Whether somebody's hook wants to be called, or to change what it sees."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, name) for name in hooks) or any(
        p._backward_hooks for p in module.parameters(recurse=False)
    )
