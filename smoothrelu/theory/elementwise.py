r"""An activation as the theory sees it: a function of one number, its derivatives, and the length
over which it varies.

Every public function of the theory takes any elementwise torch callable, and makes an `Elementwise`
of it: it is validated there, once, and asked by name for what the theory needs.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from smoothrelu.activations.protocol import forward_activation_of
from smoothrelu.activations.smooth_relu import SmoothReLU, temperature_as_float
from smoothrelu.activations.surrogates import Surrogate

Activation = Callable[[Tensor], Tensor]
"""A smooth ReLU, or any elementwise torch callable that takes float64: torch.nn.functional.silu, a
lambda, an nn.Module.
"""

_TINY, _HUGE = 1e-150, 1e150  # where an activation shows its slopes at the origin and far out
_PROBES = torch.sinh(torch.linspace(-3, 3, 24, dtype=torch.float64))
_SOME = slice(2, 20)  # of them, without the ends, which decide what a softmax of all of them is


class Elementwise:
    """phi with its first two derivatives: in closed form for a smooth ReLU, for a surrogate of
    SUGAR the first one, by autograd for any other callable.

    activation: an `Activation`; one with a method `forward_activation` counts as what that returns,
    so that SUGAR is ReLU and a LambdaGELU is GELU(1/lambda).
    name: how messages and tables call it. length_scale: over what it varies near the origin, its
    temperature, or None where it has none. differentiable_scale: whether that is a tensor, in which
    values and closed forms are then differentiable.
    Raises ValueError for what is not elementwise, gives another dtype or shape, NaN, or a pole near
    the origin, or cannot be differentiated; tried at 24 points up to |z| = 10 (a smooth ReLU and a
    surrogate are none of these).
    """

    def __init__(self, activation: Activation):
        self._given = activation
        self.activation = forward_activation_of(activation)
        temperature = getattr(self.activation, "temperature", None)
        self.length_scale = None if temperature is None else temperature_as_float(temperature)
        self.differentiable_scale = isinstance(temperature, Tensor)
        self._closed = isinstance(self.activation, (SmoothReLU, Surrogate))
        if not self._closed:
            self._validate()

    @property
    def name(self) -> str:
        return getattr(self._given, "__name__", None) or repr(self._given)

    @classmethod
    def of(cls, activation: "Activation | Elementwise") -> "Elementwise":
        """The same where it is one already."""
        return activation if isinstance(activation, cls) else cls(activation)

    def __call__(self, z: Tensor) -> Tensor:
        """phi(z)."""
        return self.activation(z)

    def derivative(self, z: Tensor) -> Tensor:
        """phi'(z)."""
        if self._closed:
            return self.activation.derivative(z)
        return self.value_and_derivative(z)[1]

    def second_derivative(self, z: Tensor) -> Tensor:
        """phi''(z); 0 for a function that is linear in pieces."""
        if isinstance(self.activation, SmoothReLU):
            return self.activation.derivative(z, 2)
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            (first,) = torch.autograd.grad(self.activation(z).sum(), z, create_graph=True)
            if not first.requires_grad:
                return torch.zeros_like(z)
            (second,) = torch.autograd.grad(first.sum(), z)
        return second

    def value_and_derivative(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """phi(z) and phi'(z), from one evaluation where autograd makes the second."""
        if self._closed:
            return self.activation(z), self.activation.derivative(z)
        z = z.detach().requires_grad_()
        with torch.enable_grad():
            phi = self.activation(z)
            (derivative,) = torch.autograd.grad(phi.sum(), z)
        return phi.detach(), derivative

    def finite(self, z: Tensor, *, within: float = 1.0) -> tuple[Tensor, Tensor]:
        """`value_and_derivative`; ValueError where one is NaN, or phi infinite at |z| <= within."""
        phi, derivative = self.value_and_derivative(z)
        self._refuse_broken(z, phi, derivative, within)
        return phi, derivative

    @property
    def at_origin(self) -> float:
        """phi(0)."""
        return self.activation(torch.zeros(1, dtype=torch.float64)).item()

    @property
    def slopes_at_origin(self) -> Tensor:
        """phi'(0-) and phi'(0+), (2,): they differ where the activation has a kink."""
        return self.derivative(torch.tensor([-_TINY, _TINY], dtype=torch.float64))

    @property
    def slopes_far_out(self) -> Tensor:
        """phi' at -inf and at inf, (2,): as far out as float64 lets it be seen."""
        return self.derivative(torch.tensor([-_HUGE, _HUGE], dtype=torch.float64))

    def _validate(self) -> None:
        z = _PROBES.clone().requires_grad_()
        with torch.enable_grad():
            phi = self._applied(z)
            if not phi.requires_grad:
                raise ValueError(
                    f"{self.name} cannot be differentiated by autograd: it is constant, or it "
                    "detaches its input; write it in differentiable torch operations"
                )
            (derivative,) = torch.autograd.grad(phi.sum(), z)
        self._refuse_broken(_PROBES, phi.detach(), derivative, within=1.0)
        with torch.no_grad():
            turned = self._applied(_PROBES[_SOME].reshape(3, 6).flip(0, 1))
        alone, together = turned.flip(0, 1).flatten(), phi.detach()[_SOME]
        if not torch.allclose(alone, together, rtol=1e-12, atol=1e-13, equal_nan=True):
            i = (alone - together).abs().nan_to_num().argmax()
            raise ValueError(
                f"{self.name} is not elementwise: at z = {_PROBES[_SOME][i].item():g} it gives "
                f"{together[i].item():g} in one tensor and {alone[i].item():g} in another; take "
                "out what depends on other elements or on chance, or put a module in eval mode"
            )

    def _refuse_broken(self, z: Tensor, phi: Tensor, derivative: Tensor, within: float) -> None:
        broken = phi.isnan() | derivative.isnan() | (~phi.isfinite() & (z.abs() <= within))
        if broken.any():
            i = torch.where(broken, z.abs(), float("inf")).argmin()
            raise ValueError(
                f"{self.name} gives {phi[i].item():g}, with derivative {derivative[i].item():g}, "
                f"at z = {z[i].item():g}, where an activation must be finite: write it so that "
                "nothing overflows on the way, or scale the inputs down"
            )

    def _applied(self, z: Tensor) -> Tensor:
        try:
            phi = self.activation(z)
        except (RuntimeError, TypeError, IndexError, AssertionError) as error:
            raise ValueError(
                f"{self.name} fails on a float64 tensor of shape {tuple(z.shape)}: {error}. An "
                "activation is an elementwise function; a module with parameters needs .double()"
            ) from error
        if not isinstance(phi, Tensor) or phi.shape != z.shape or phi.dtype != z.dtype:
            tensor = isinstance(phi, Tensor)
            got = f"{tuple(phi.shape)}, {phi.dtype}" if tensor else type(phi).__name__
            raise ValueError(
                f"an activation maps a tensor to one of the same shape and dtype; {self.name} made "
                f"{got} of {tuple(z.shape)}, {z.dtype}"
            )
        return phi
