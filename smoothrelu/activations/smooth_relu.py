r"""Smooth relaxations of ReLU with a temperature:  phi_T(x) = x g(x/T) = T phi_1(x/T).

A gate g rises from 0 to 1; the temperature T > 0 is the width over which it does so, in the units
of x.
As T -> 0 the gate becomes the Heaviside step and phi_T becomes ReLU. Everything the project needs
of an activation follows from g, g' and g'':

    phi_T'(x)  = g(u) + u g'(u),      phi_T''(x) = (2 g'(u) + u g''(u)) / T,      u = x/T.

A gate is written once, as a plain composition of differentiable torch operations that neither
overflow nor form 0 * inf for any u inside its `support`; outside it the gate equals its limit in
float64, so u is clamped. Beside it stand `forward` and `backward`: the same mathematics in as few
passes over memory as torch's cheapest operations allow, for training.
"""

import functools
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

TensorFunction = Callable[[Tensor], Tensor]

_LOG2_E = math.log2(math.e)
_HOT_PATH = (1e-9, 1e9)  # temperatures whose squares, and 1/T, are at home in float32
_gelu = torch.ops.aten.gelu.out
_gelu_slope = torch.ops.aten.gelu_backward.grad_input
_BLOCK = 1 << 19  # elements at a time of a large tensor: what is made of them stays in the cache


@dataclass(frozen=True)
class Gate:
    """g(u), g'(u) and g''(u), and the interval of u outside which g is constant to float64.

    forward(x, T, out) is phi_T(x), and backward(grad, x, T, out) grad * phi_T'(x), in a tensor of
    its own where out is None: the hot path of training, at T within _HOT_PATH. They are not
    differentiable themselves. Each pass over memory counts, a fresh tensor counts as two, and each
    call counts too: between two matrix products nothing of torch's code is in the cache.
    needs_output: backward(grad, x, y, T, out) is given y = phi_T(x) too.
    fused(u) is g(u) to the eps of 1, for torch.compile, whose code pays twice for each bound on u:
    it and its first derivative are finite at all u, infinite ones included.
    """

    value: TensorFunction
    first: TensorFunction
    second: TensorFunction
    support: tuple[float, float]
    forward: Callable[..., Tensor]
    backward: Callable[..., Tensor]
    needs_output: bool = False
    fused: TensorFunction | None = None


class SmoothReLU(nn.Module):
    r"""phi_T(x) = x g(x/T), applied to each element; the subclasses differ in their gate g only.

    temperature: T > 0, finite, in the units of x; T -> 0 is ReLU. A number, or a floating tensor of
    no dimension, through which the result is then differentiable in T as well.
    Input: a floating tensor of any shape (float16 and bfloat16 are computed in float32 inside).
    Accuracy, at any finite x and T from 1e-8 to 1e8, eps being that of the dtype: the error is
    below 4 eps |x| for the value, below 4 eps for phi' and for T phi'' (while phi'' itself is in
    the dtype's range).
    Differentiable by autograd and torch.func to any order.
    Raises ValueError for a temperature that is not positive and finite, and for an input that is
    not floating.
    """

    gate: Gate

    def __init__(self, temperature: float | Tensor = 1.0):
        super().__init__()
        self.temperature = temperature

    @property
    def temperature(self) -> float | Tensor:
        return self._temperature

    @temperature.setter
    def temperature(self, value: float | Tensor) -> None:
        scalar = isinstance(value, Tensor) and value.ndim == 0 and value.is_floating_point()
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not ((scalar or number) and 0 < temperature_as_float(value) < math.inf):
            raise ValueError(
                f"temperature must be a positive finite number, got {value!r}; "
                "for the limit of temperature 0 use torch.nn.ReLU()"
            )
        self._temperature = value if scalar else float(value)

    def forward(self, x: Tensor) -> Tensor:
        T = self.temperature
        if not is_hot(T) or _under_transform():
            return self._value(x)
        return _HotPath.apply(x, self, T)

    def derivative(self, x: Tensor, order: int = 1) -> Tensor:
        """phi_T'(x) or phi_T''(x), in closed form, for order 1 or 2."""
        if order not in (1, 2):
            raise ValueError(
                f"closed forms exist for order 1 and 2, got {order!r}; use autograd for more"
            )
        _, u = self._scaled(x)
        if order == 1:
            return (self.gate.value(u) + u * self.gate.first(u)).to(x.dtype)
        lower, upper = self.gate.support
        curvature = 2 * self.gate.first(u) + u * self.gate.second(u)
        curvature = torch.where((u > lower) & (u < upper), curvature, 0)
        return (curvature / self.temperature).to(x.dtype)

    def _value(self, x: Tensor) -> Tensor:
        if torch.compiler.is_compiling() and self.gate.fused and is_hot(self.temperature):
            wide = _wide(x, self)
            return (wide * self.gate.fused(wide * (1 / self.temperature))).to(x.dtype)
        wide, u = self._scaled(x)
        return (wide * self.gate.value(u)).to(x.dtype)

    def _scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x in at least single precision, and u = x/T clamped to the gate's support."""
        wide = _wide(x, self)
        return wide, (wide / self.temperature).clamp(*self.gate.support)

    def extra_repr(self) -> str:
        return f"temperature={temperature_as_float(self.temperature)!r}"


def _wide(x: Tensor, activation: nn.Module) -> Tensor:
    """x in at least single precision."""
    if not x.is_floating_point():
        raise ValueError(
            f"{activation} needs a floating tensor, got {x.dtype}; call x.float() first"
        )
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def temperature_as_float(temperature: float | Tensor) -> float:
    """A temperature as a number, whatever is differentiated through it."""
    return float(temperature.detach() if isinstance(temperature, Tensor) else temperature)


class _HotPath(torch.autograd.Function):
    """phi_T with its closed-form derivative: keeps x for backward, and its output where that saves
    time: the next linear layer keeps that anyway.

    It has no `jvp` on purpose: nested forward mode through a Function is silently wrong
    (pytorch/pytorch#197867), so under forward mode, torch.func and torch.compile the plain
    composition runs.
    """

    @staticmethod
    def forward(ctx, x, activation, T):
        ctx.activation, ctx.T, gate = activation, T, activation.gate
        wide = _wide(x, activation)
        y = blockwise(gate.forward, wide, T=T)
        keeps_output = gate.needs_output and wide is x  # in half precision it says too little
        ctx.save_for_backward(*((x, y) if keeps_output else (x,)))
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        x, *kept = ctx.saved_tensors
        activation, T, gate = ctx.activation, ctx.T, ctx.activation.gate
        if torch.is_grad_enabled():  # a higher derivative is wanted
            return grad * activation.derivative(x), None, None
        wide = _wide(x, activation)
        if gate.needs_output and not kept:
            kept = [blockwise(gate.forward, wide, T=T)]
        if _is_batched(grad):  # by vmap, or is_grads_batched: it fits into nothing made here
            slope = blockwise(gate.backward, torch.ones_like(wide), wide, *kept, T=T)
            return grad * slope.to(x.dtype), None, None
        product = blockwise(gate.backward, grad.to(wide.dtype), wide, *kept, T=T)
        return product.to(x.dtype), None, None


def is_hot(temperature: float | Tensor) -> bool:
    """Whether a gate's `forward` and `backward` compute at this temperature."""
    return isinstance(temperature, float) and _HOT_PATH[0] <= temperature <= _HOT_PATH[1]


def blockwise(
    kernel: Callable[..., Tensor], *inputs: Tensor, T: float, out: Tensor | None = None
) -> Tensor:
    """kernel(*inputs, T, out), out being new where none is given; on a CPU in blocks where that is
    large, so that all but the first and the last pass over memory stay in the cache.
    """
    x = inputs[0]
    if (
        x.numel() <= 2 * _BLOCK
        or not x.is_cpu
        or not all(t.is_contiguous() for t in (*inputs, *([] if out is None else [out])))
    ):
        return kernel(*inputs, T, out)
    out = torch.empty_like(x) if out is None else out
    for *block, into in zip(*(t.view(-1).split(_BLOCK) for t in (*inputs, out)), strict=True):
        kernel(*block, T, into)
    return out


def _under_transform() -> bool:
    """Whether torch.compile, forward-mode differentiation or a torch.func transform is running."""
    return (
        torch.compiler.is_compiling()
        or forward_ad._current_level >= 0
        or torch._C._are_functorch_transforms_active()
    )


def _is_batched(grad: Tensor) -> bool:
    functorch = torch._C._functorch
    return functorch.is_batchedtensor(grad) or functorch.is_legacy_batchedtensor(grad)


def _exp(u: Tensor) -> Tensor:
    """e^u by way of exp2, which torch computes about five times faster on the CPU."""
    return torch.exp2(u * _LOG2_E)


def _constant(value: float, like: Tensor) -> Tensor:
    """A number as a tensor of no dimension: torch converts a Python number anew at each use."""
    if type(like) is not Tensor:  # a subclass wants its own
        return like.new_full((), value)
    return _constant_of(value, like.dtype, like.device)


@functools.lru_cache(maxsize=1024)
def _constant_of(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.full((), value, dtype=dtype, device=device)


# --- the gates
# -------------------------------------------------------------------------------------------------


def _times_sigmoid(z: Tensor, x: Tensor, slope: float, out: Tensor | None = None) -> Tensor:
    """z sigmoid(slope x), in one pass: softplus has that slope, and torch's has a temperature."""
    if out is None:
        return torch.ops.aten.softplus_backward.default(z, x, slope, 40)
    return torch.ops.aten.softplus_backward.grad_input(z, x, slope, 40, grad_input=out)


def _swish_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    return _times_sigmoid(x, x, 1 / T, out)


def _swish_backward(
    grad: Tensor, x: Tensor, y: Tensor, T: float, out: Tensor | None = None
) -> Tensor:
    """grad (1 + (y/T - 1) sigmoid(-u)). torch's slope of SiLU subtracts sigmoid(u) from 1, and is
    wrong by 8 eps near u = 17 in single precision, by 19 in double.
    """
    z = torch.sub(y, _constant(T, y), out=out)
    return torch.addcmul(grad, _times_sigmoid(z, x, -1 / T, z), grad, value=1 / T, out=z)


def _sigmoid(u: Tensor) -> Tensor:
    """Of torch's sigmoid s autograd makes s (1 - s), which is as exact as 1 - s: where somebody
    differentiates, its argument must not be positive.
    """
    if not (u.requires_grad or _under_transform()):
        return torch.sigmoid(u)
    s = torch.sigmoid(torch.where(u < 0, u, -u))
    return torch.where(u < 0, s, 1 - s)


class SWISH(SmoothReLU):
    r"""x sigmoid(x/T)  (Ramachandran et al. 2017; SiLU at T = 1; their beta is 1/T)."""

    gate = Gate(
        value=_sigmoid,
        first=lambda u: torch.sigmoid(u) * torch.sigmoid(-u),
        second=lambda u: -torch.sigmoid(u) * torch.sigmoid(-u) * torch.tanh(u / 2),
        support=(-800.0, 800.0),
        forward=_swish_forward,
        backward=_swish_backward,
        needs_output=True,
        fused=lambda u: 1 / (1 + _exp(-u.clamp(min=-87))),
    )


def _normal_density(u: Tensor) -> Tensor:
    return _exp(-0.5 * u * u) * (1 / math.sqrt(2 * math.pi))


def _gelu_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """T gelu(u), torch's gelu being the fastest function there is with Phi in it; and where |u|
    overflows, ReLU(x) + T gelu(-|u|). To look for that costs less than to compute so that it cannot
    be, but on a GPU it would be a wait.
    """
    if x.is_cpu and type(x) is Tensor:
        u = torch.mul(x, _constant(1 / T, x), out=out)
        y = _gelu(u, out=u).mul_(_constant(T, x))
        if not y.numel() or y.max().item() < math.inf:
            return y
    u = torch.abs(x, out=out).mul_(-1 / T).clamp_(min=-40)
    return _gelu(u, out=u).mul_(T).add_(x.clamp(min=0))


def _gelu_backward(grad: Tensor, x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    u = torch.mul(x, _constant(1 / T, x), out=out).clamp_(-40, 40)
    return _gelu_slope(grad, u, grad_input=u)


class GELU(SmoothReLU):
    r"""x Phi(x/T), Phi the standard normal distribution function  (Hendrycks & Gimpel 2016;
    lambda-GELU's lambda is 1/T).

    This is the exact GELU; the tanh approximation is another function, with slightly other critical
    constants.
    """

    gate = Gate(
        value=lambda u: 0.5 * torch.erfc(u * -math.sqrt(0.5)),
        first=_normal_density,
        second=lambda u: -u * _normal_density(u),
        support=(-40.0, 40.0),
        forward=_gelu_forward,
        backward=_gelu_backward,
        fused=lambda u: 0.5 + 0.5 * torch.erf(u * math.sqrt(0.5)),
    )


def _gumbel_first(u: Tensor) -> Tensor:
    e = _exp(-u)
    return e * _exp(-e)


def _gumbel_second(u: Tensor) -> Tensor:
    e = _exp(-u)
    return e * _exp(-e) * (e - 1)


_LOG2_LOG2_E = math.log2(_LOG2_E)


def _gumbel_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """x / 2^f with f = e^-u log2 e = 2^(log2(log2 e) - u log2 e)."""
    f = torch.add(_constant(_LOG2_LOG2_E, x), x, alpha=-_LOG2_E / T, out=out).exp2_()
    return torch.div(x, f.exp2_(), out=f)


def _gumbel_backward(grad: Tensor, x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """grad (1 + u e^-u) / 2^f; below u = -7 that is 0, above 1000 it is 1."""
    z = torch.clamp(x, -7 * T, 1000 * T, out=out)
    f = torch.add(_constant(_LOG2_LOG2_E, x), z, alpha=-_LOG2_E / T).exp2_()
    torch.addcmul(_constant(1, x), z, f, value=1 / (T * _LOG2_E), out=z)
    return z.div_(f.exp2_()).mul_(grad)


class GumbelLU(SmoothReLU):
    r"""x exp(-exp(-x/T)), the gate being the Gumbel distribution function  (GoLU at T = 1)."""

    gate = Gate(
        value=lambda u: _exp(-_exp(-u)),
        first=_gumbel_first,
        second=_gumbel_second,
        support=(-7.0, 800.0),
        forward=_gumbel_forward,
        backward=_gumbel_backward,
        fused=lambda u: _exp(-_exp(-u.clamp(min=-7))),
    )


def _inverse_hypotenuse(u: Tensor) -> Tensor:
    return torch.rsqrt(1 + u * u)


def _far(T: float) -> float:
    """2^30 to 2^31 times T, a power of two: the gate there is 0 or 1 exactly."""
    return math.ldexp(1.0, math.frexp(T)[1] + 30)


def _algebraic_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """x (1/2 + v/2) with v = x / sqrt(T^2 + x^2)"""
    z = torch.clamp(x, -_far(T), _far(T), out=out)
    r = torch.addcmul(_constant(T * T, x), z, z).rsqrt_()
    return torch.addcmul(_constant(0.5, x), z, r, value=0.5, out=z).mul_(x)


def _algebraic_backward(grad: Tensor, x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """grad (1/2 + v (1 - v^2/2))"""
    z = torch.clamp(x, -_far(T), _far(T), out=out)
    r = torch.addcmul(_constant(T * T, x), z, z).rsqrt_()
    v = z.mul_(r)
    torch.addcmul(_constant(1, x), v, v, value=-0.5, out=r)
    return torch.addcmul(_constant(0.5, x), v, r, out=v).mul_(grad)


class AlgebraicLU(SmoothReLU):
    r"""x (1 + v)/2 with v = (x/T) / sqrt(1 + (x/T)^2), the algebraic sigmoid."""

    gate = Gate(
        value=lambda u: 0.5 + 0.5 * u * _inverse_hypotenuse(u),
        first=lambda u: 0.5 * _inverse_hypotenuse(u) ** 3,
        second=lambda u: -1.5 * u * _inverse_hypotenuse(u) ** 5,
        support=(-1e15, 1e15),
        forward=_algebraic_forward,
        backward=_algebraic_backward,
    )


def _guderman_first(u: Tensor) -> Tensor:
    e = _exp(2 * u)
    return (4 / math.pi) * e / (1 + e * e)


def _guderman_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    e = torch.mul(x, _constant(2 * _LOG2_E / T, x), out=out).exp2_()
    torch.atan2(e, _constant(1, x), out=e)
    return torch.addcmul(_constant(0, x), e, x, value=2 / math.pi, out=e)


def _guderman_backward(
    grad: Tensor, x: Tensor, y: Tensor, T: float, out: Tensor | None = None
) -> Tensor:
    """grad (g + x/(s (e + 1/e))) with e = exp(2 u), s = pi T/4, and g = y/x, which costs a third of
    the arc tangent; the t below makes it 1/2 at x = 0 and is lost in x elsewhere.
    """
    t = torch.copysign(_constant(1e-17 * T, x), x, out=out)
    bottom = torch.add(x, t, alpha=2)
    gate = t.add_(y).div_(bottom)
    s = math.pi / 4 * T
    e = torch.add(_constant(math.log2(s), x), x, alpha=2 * _LOG2_E / T, out=bottom).exp2_()
    torch.addcdiv(e, _constant(1, x), e, value=s * s, out=e)
    return torch.addcdiv(gate, x, e, out=gate).mul_(grad)


class GudermanLU(SmoothReLU):
    r"""x (1/2 + (2/pi) atan(tanh(x/T))) = x (2/pi) atan(exp(2x/T)).

    The textbook Gudermannian reads tanh(x/(2T)): the same family with the temperature doubled.
    """

    gate = Gate(
        value=lambda u: (2 / math.pi) * torch.atan2(_exp(2 * u), u.new_ones(())),
        first=_guderman_first,
        second=lambda u: -2 * torch.tanh(2 * u) * _guderman_first(u),
        support=(-400.0, 20.0),
        forward=_guderman_forward,
        backward=_guderman_backward,
        needs_output=True,
        fused=lambda u: (2 / math.pi) * torch.atan(_exp(2 * u.clamp(max=20))),
    )


def _mish_first(u: Tensor) -> Tensor:
    n = _exp(u)
    return 4 * n * (n + 1) / (n * (n + 2) + 2) ** 2


def _mish_second(u: Tensor) -> Tensor:
    n = _exp(u)
    d = n * (n + 2) + 2
    return 4 * n / d**2 * (2 * n + 1 - 4 * n * (n + 1) ** 2 / d)


def _mish_gate(u: Tensor) -> Tensor:
    """tanh(softplus(u)) = m/(m + 2) = 1 - 2/(m + 2) with m = n (n + 2), n = exp(u): the first keeps
    the lower tail, and autograd makes of the second what keeps the upper one.
    """
    m = _exp(u) * (_exp(u) + 2)
    return torch.where(u < 0, m / (m + 2), 1 - 2 / (m + 2))


def _mish_fused(u: Tensor) -> Tensor:
    n = _exp(u.clamp(-80, 20))
    return 1 - 2 / (n * (n + 2) + 2)


def _mish_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    return torch.mul(_mish_gate((x / T).clamp_(-800, 20)), x, out=out)


def _mish_backward(grad: Tensor, x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    u = (x / T).clamp_(-800, 20)
    return torch.mul(_mish_gate(u).addcmul_(u, _mish_first(u)), grad, out=out)


class Mish(SmoothReLU):
    r"""x tanh(softplus(x/T))  (Misra 2019 at T = 1)."""

    gate = Gate(
        value=_mish_gate,
        first=_mish_first,
        second=_mish_second,
        support=(-800.0, 20.0),
        forward=_mish_forward,
        backward=_mish_backward,
        fused=_mish_fused,
    )


SMOOTH_RELUS = (SWISH, GELU, GumbelLU, AlgebraicLU, GudermanLU)
"""The five smooth ReLUs of the paper, in the order in which the book shows them."""
