r"""Smooth relaxations of ReLU with a temperature:  phi_T(x) = x g(x/T) = T phi_1(x/T).

A gate g rises from 0 to 1; the temperature T > 0 is the width over which it does so, in the units
of x. As T -> 0 the gate becomes the Heaviside step and phi_T becomes ReLU. The formulas of the
gates are in `gates`, the same in fewer passes over memory in `fused`.
"""

import math

import torch
from torch import Tensor, nn

from smoothrelu.activations import fused, gates
from smoothrelu.activations.transforms import under_transform, widened
from smoothrelu.activations.validation import check_input, is_number


class SmoothReLU(nn.Module):
    r"""phi_T(x) = x g(x/T), applied to each element; the subclasses differ in their gate g only.

    temperature: T > 0, finite, in the units of x; T -> 0 is ReLU. One of
    - a number, which is fixed and the fastest;
    - a floating tensor without dimensions, kept as a buffer: the result is differentiable in T,
      and in whatever T was computed from;
    - an nn.Parameter without dimensions, which an optimizer trains. Its steps are not checked:
      where they may lead below zero, parametrise it (torch.nn.utils.parametrize).
    The temperature is in the state dict in each case, under the key "temperature" (a number as a
    tensor in float64), and is restored from it; a tensor computed from others is then replaced.
    Assigning a number to `temperature` sets a Parameter in place and replaces a tensor; assigning
    a tensor or a Parameter replaces what was there.
    Input: a floating tensor of any shape (float16 and bfloat16 are computed in float32 inside).
    Accuracy, at any finite x and T from 1e-8 to 1e8, eps being that of the dtype: the error is
    below 4 eps |x| for the value, below 4 eps for phi' and for T phi'' (while phi'' itself is in
    the dtype's range).
    Differentiable by autograd and torch.func to any order.
    Raises ValueError for a temperature that is not positive and finite or has dimensions, and for
    an input that is not floating; RuntimeError on copying a temperature computed from others.
    """

    gate: gates.Gate
    fused: fused.FusedForm

    def __init__(self, temperature: float | Tensor = 1.0):
        super().__init__()
        self._number: float | None = None  # the temperature where it is a number
        self.temperature = temperature

    @property
    def temperature(self) -> float | Tensor:
        return self.__getattr__("temperature") if self._number is None else self._number

    @temperature.setter
    def temperature(self, value: float | Tensor) -> None:
        _check_temperature(value)
        if not isinstance(value, Tensor) and "temperature" in self._parameters:
            nn.init.constant_(self._parameters["temperature"], float(value))
            return
        self._parameters.pop("temperature", None)
        self._buffers.pop("temperature", None)
        self._number = None if isinstance(value, Tensor) else float(value)
        if isinstance(value, Tensor):
            held = self._parameters if isinstance(value, nn.Parameter) else self._buffers
            held["temperature"] = value

    def __setattr__(self, name: str, value) -> None:
        if name == "temperature":  # nn.Module would register a Parameter without the check above
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        T = self._number
        if T is None or not fused.in_fast_range(T) or under_transform():
            return self._value(x)
        check_input(x, self)
        return fused.FusedFunction.apply(x, self, T)

    def derivative(self, x: Tensor, order: int = 1) -> Tensor:
        """phi_T'(x) or phi_T''(x), in closed form, for order 1 or 2."""
        if order not in (1, 2):
            raise ValueError(
                f"closed forms exist for order 1 and 2, got {order!r}; use autograd for more"
            )
        _, u, T = self._scaled(x)
        if order == 1:
            return (self.gate.value(u) + u * self.gate.first(u)).to(x.dtype)
        lower, upper = self.gate.support
        curvature = 2 * self.gate.first(u) + u * self.gate.second(u)
        curvature = torch.where((u > lower) & (u < upper), curvature, 0)
        return (curvature / T).to(x.dtype)

    def _value(self, x: Tensor) -> Tensor:
        compiled = self.fused.compiled
        if torch.compiler.is_compiling() and compiled and fused.in_fast_range(self._number):
            check_input(x, self)
            wide = widened(x)
            return (wide * compiled(wide * (1 / self._number))).to(x.dtype)
        wide, u, _ = self._scaled(x)
        return (wide * self.gate.value(u)).to(x.dtype)

    def _scaled(self, x: Tensor) -> tuple[Tensor, Tensor, float | Tensor]:
        """x in at least single precision, u = x/T clamped to the gate's support, and T, which is
        raised to the smallest normal number of the dtype, since 0/T is NaN below it.
        """
        check_input(x, self)
        wide, T = widened(x), self.temperature
        if isinstance(T, float):
            T = max(T, torch.finfo(wide.dtype).tiny)
        return wide, (wide / T).clamp(*self.gate.support), T

    def extra_repr(self) -> str:
        T = self.temperature
        if isinstance(T, Tensor) and T.is_meta:
            return "temperature on the meta device"
        learned = ", learned" if isinstance(T, nn.Parameter) else ""
        return f"temperature={temperature_as_float(T)!r}{learned}"

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self._number is not None:
            number = torch.tensor(self._number, dtype=torch.float64, device="cpu")
            destination[prefix + "temperature"] = number

    def _load_from_state_dict(
        self, state_dict, prefix, metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        key = prefix + "temperature"
        if key in state_dict:
            try:
                _check_temperature(state_dict[key])
            except ValueError as error:
                error_msgs.append(f"{key}: {error}")
                return
            held = self._buffers.get("temperature")
            if held is not None and not held.is_leaf:  # else what it was computed from is changed
                self._buffers["temperature"] = held.detach().clone()
        super()._load_from_state_dict(
            state_dict, prefix, metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        if self._number is None:
            return
        if key in state_dict:
            self._number = float(state_dict[key])
            unexpected_keys[:] = [k for k in unexpected_keys if k != key]
        elif strict:
            missing_keys.append(key)

    def __getstate__(self) -> dict:
        held = self._buffers.get("temperature")
        if held is not None and not held.is_leaf:
            raise RuntimeError(
                f"{self!r} cannot be copied or pickled: its temperature is computed from other "
                "tensors; assign temperature.detach() to it first"
            )
        return self.__dict__.copy()


def temperature_as_float(temperature: float | Tensor) -> float:
    """A temperature as a number, whatever is differentiated through it."""
    return float(temperature.detach() if isinstance(temperature, Tensor) else temperature)


def _check_temperature(value) -> None:
    if isinstance(value, Tensor):
        valid = value.ndim == 0 and value.is_floating_point()
        if valid and value.is_meta:
            return
    else:
        valid = is_number(value)
    if not (valid and 0 < temperature_as_float(value) < math.inf):
        raise ValueError(
            "temperature must be a positive finite number, or a floating tensor or Parameter "
            f"without dimensions that holds one, got {value!r}; "
            "for the limit of temperature 0 use torch.nn.ReLU()"
        )


class SWISH(SmoothReLU):
    r"""x sigmoid(x/T)  (Ramachandran et al. 2017; SiLU at T = 1; their beta is 1/T)."""

    gate, fused = gates.SIGMOID, fused.SWISH


class GELU(SmoothReLU):
    r"""x Phi(x/T), Phi the standard normal distribution function  (Hendrycks & Gimpel 2016;
    lambda-GELU's lambda is 1/T).

    This is the exact GELU; the tanh approximation is another function, with slightly other critical
    constants.
    """

    gate, fused = gates.NORMAL, fused.GELU


class GumbelLU(SmoothReLU):
    r"""x exp(-exp(-x/T)), the gate being the Gumbel distribution function  (GoLU at T = 1).

    Source, with AlgebraicLU and GudermanLU: OpenReview 0qnryNf6XwR.
    """

    gate, fused = gates.GUMBEL, fused.GUMBEL


class AlgebraicLU(SmoothReLU):
    r"""x (1 + v)/2 with v = (x/T) / sqrt(1 + (x/T)^2), the algebraic sigmoid.

    Source: OpenReview 0qnryNf6XwR.
    """

    gate, fused = gates.ALGEBRAIC, fused.ALGEBRAIC


class GudermanLU(SmoothReLU):
    r"""x (1/2 + (2/pi) atan(tanh(x/T))) = x (2/pi) atan(exp(2x/T)).

    The textbook Gudermannian reads tanh(x/(2T)): the same family with the temperature doubled.
    Source: OpenReview 0qnryNf6XwR.
    """

    gate, fused = gates.GUDERMAN, fused.GUDERMAN


class Mish(SmoothReLU):
    r"""x tanh(softplus(x/T))  (Misra 2019 at T = 1)."""

    gate, fused = gates.MISH, fused.MISH


SMOOTH_RELUS = (SWISH, GELU, GumbelLU, AlgebraicLU, GudermanLU)
"""The five smooth ReLUs of the paper, in the order in which the book shows them."""
