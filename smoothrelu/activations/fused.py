"""The smooth ReLUs and their slopes in as few passes over memory as torch's operations allow: what
training runs, at temperatures within `_FAST_RANGE`.

Cost model: one unit for each pass over memory, two for an allocation, plus the overhead of each
call, for between two matrix products nothing of torch's code is in the cache.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from smoothrelu.activations.gates import LOG2_E, TensorFunction, exp, mish_first, mish_gate
from smoothrelu.activations.transforms import is_batched, widened

_FAST_RANGE = (1e-9, 1e9)  # temperatures T for which T^2 and 1/T are representable in float32
_BLOCK = 1 << 19  # elements at a time of a large tensor, so that intermediates stay in the cache
_gelu = torch.ops.aten.gelu.out
_gelu_slope = torch.ops.aten.gelu_backward.grad_input


@dataclass(frozen=True)
class FusedForm:
    """forward(x, T, out) is phi_T(x), and backward(grad, x, T, out) is grad * phi_T'(x), in a new
    tensor where out is None. They are not differentiable themselves.

    needs_output: backward(grad, x, y, T, out) is given y = phi_T(x) too.
    compiled(u) is g(u) to the eps of 1, for torch.compile, whose code pays twice for each bound on
    u: it and its first derivative are finite at all u, infinite ones included.
    """

    forward: Callable[..., Tensor]
    backward: Callable[..., Tensor]
    needs_output: bool = False
    compiled: TensorFunction | None = None


def in_fast_range(temperature: float | Tensor) -> bool:
    """Whether the fused form is exact at this temperature: a number within `_FAST_RANGE`."""
    return isinstance(temperature, float) and _FAST_RANGE[0] <= temperature <= _FAST_RANGE[1]


class FusedFunction(torch.autograd.Function):
    """phi_T with its closed-form derivative: keeps x for backward, and its output where that saves
    time: the next linear layer keeps that anyway. No `jvp`, as in `SavesOnlyInputs`.
    """

    @staticmethod
    def forward(ctx, x, activation, T):
        ctx.activation, ctx.T, fused = activation, T, activation.fused
        wide = widened(x)
        y = blockwise(fused.forward, wide, T=T)
        keeps_output = fused.needs_output and wide is x  # in half precision it says too little
        ctx.save_for_backward(*((x, y) if keeps_output else (x,)))
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        x, *kept = ctx.saved_tensors
        activation, T, fused = ctx.activation, ctx.T, ctx.activation.fused
        if torch.is_grad_enabled():  # a higher derivative is wanted
            return grad * activation.derivative(x), None, None
        wide = widened(x)
        if fused.needs_output and not kept:
            kept = [blockwise(fused.forward, wide, T=T)]
        if is_batched(grad):  # by vmap, or is_grads_batched: it fits into nothing made here
            slope = blockwise(fused.backward, torch.ones_like(wide), wide, *kept, T=T)
            return grad * slope.to(x.dtype), None, None
        product = blockwise(fused.backward, grad.to(wide.dtype), wide, *kept, T=T)
        return product.to(x.dtype), None, None


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


def _constant(value: float, like: Tensor) -> Tensor:
    """A number as a tensor of no dimension: torch converts a Python number anew at each use."""
    if type(like) is not Tensor:  # a subclass wants its own
        return like.new_full((), value)
    return _constant_of(value, like.dtype, like.device)


@functools.lru_cache(maxsize=1024)
def _constant_of(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.full((), value, dtype=dtype, device=device)


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


SWISH = FusedForm(
    forward=_swish_forward,
    backward=_swish_backward,
    needs_output=True,
    compiled=lambda u: 1 / (1 + exp(-u.clamp(min=-87))),
)


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


GELU = FusedForm(
    forward=_gelu_forward,
    backward=_gelu_backward,
    compiled=lambda u: 0.5 + 0.5 * torch.erf(u * math.sqrt(0.5)),
)


_LOG2_LOG2_E = math.log2(LOG2_E)


def _gumbel_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """x / 2^f with f = e^-u log2 e = 2^(log2(log2 e) - u log2 e)."""
    f = torch.add(_constant(_LOG2_LOG2_E, x), x, alpha=-LOG2_E / T, out=out).exp2_()
    return torch.div(x, f.exp2_(), out=f)


def _gumbel_backward(grad: Tensor, x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    """grad (1 + u e^-u) / 2^f; below u = -7 that is 0, above 1000 it is 1."""
    z = torch.clamp(x, -7 * T, 1000 * T, out=out)
    f = torch.add(_constant(_LOG2_LOG2_E, x), z, alpha=-LOG2_E / T).exp2_()
    torch.addcmul(_constant(1, x), z, f, value=1 / (T * LOG2_E), out=z)
    return z.div_(f.exp2_()).mul_(grad)


GUMBEL = FusedForm(
    forward=_gumbel_forward,
    backward=_gumbel_backward,
    compiled=lambda u: exp(-exp(-u.clamp(min=-7))),
)


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


ALGEBRAIC = FusedForm(forward=_algebraic_forward, backward=_algebraic_backward)


def _guderman_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    e = torch.mul(x, _constant(2 * LOG2_E / T, x), out=out).exp2_()
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
    e = torch.add(_constant(math.log2(s), x), x, alpha=2 * LOG2_E / T, out=bottom).exp2_()
    torch.addcdiv(e, _constant(1, x), e, value=s * s, out=e)
    return torch.addcdiv(gate, x, e, out=gate).mul_(grad)


GUDERMAN = FusedForm(
    forward=_guderman_forward,
    backward=_guderman_backward,
    needs_output=True,
    compiled=lambda u: (2 / math.pi) * torch.atan(exp(2 * u.clamp(max=20))),
)


def _mish_compiled(u: Tensor) -> Tensor:
    n = exp(u.clamp(-80, 20))
    return 1 - 2 / (n * (n + 2) + 2)


def _mish_forward(x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    return torch.mul(mish_gate((x / T).clamp_(-800, 20)), x, out=out)


def _mish_backward(grad: Tensor, x: Tensor, T: float, out: Tensor | None = None) -> Tensor:
    u = (x / T).clamp_(-800, 20)
    return torch.mul(mish_gate(u).addcmul_(u, mish_first(u)), grad, out=out)


MISH = FusedForm(forward=_mish_forward, backward=_mish_backward, compiled=_mish_compiled)
