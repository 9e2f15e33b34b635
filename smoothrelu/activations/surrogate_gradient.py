r"""SUGAR: ReLU forward, the slope of a smooth surrogate backward.

    y = ReLU(x),    dL/dx := f'(x) dL/dy,    f a surrogate such as B-SiLU.

A ReLU that is negative on every example has slope zero and never moves again; with the slope of f
it goes on learning. The price: **what backward returns is not the gradient of what forward
computes.** Finite differences disagree with it wherever f' differs from the step (gradcheck fails,
by design), a small step against it need not lower the loss, and its second derivative is that of f,
not of ReLU.

Source: The Resurrection of the ReLU, 2025, arXiv 2505.22074; the injection is Otte's forward
gradient injection, y = f(x) - sg(f(x)) + sg(ReLU(x)), sg stopping the gradient.
Relatives in the same form: HeLU is SUGAR(HeLU(alpha)); the excitation pullback of arXiv 2507.22832,
whose backward gate is sigmoid(x/T) (as its public code has it), is SUGAR(nn.Softplus(beta=1/T)),
since T softplus(x/T) has that slope; the leaky backward of ProxyGrad is SUGAR(nn.LeakyReLU(a)).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from smoothrelu.activations.surrogates import BSiLU
from smoothrelu.activations.transforms import under_transform

SurrogateFunction = Callable[[Tensor], Tensor]
"""A smooth ReLU at any temperature, BSiLU(), NeLU(), HeLU(), a stateless activation of torch (SiLU,
GELU, ELU, SELU, LeakyReLU, ...), or any elementwise function that autograd can differentiate.
"""


class SUGAR(nn.Module):
    r"""ReLU forward, exactly; backward multiplies by the surrogate's derivative, which is not the
    gradient of ReLU: see the module `smoothrelu.activations.surrogate_gradient`.

    surrogate: a `SurrogateFunction`; it is an attribute, not a submodule, and not in the state
    dict, which stays that of nn.ReLU. The default is BSiLU().
    inplace: overwrite the input, as nn.ReLU(inplace=True) does.
    Input: a floating tensor of any shape, dtype and memory format; the output is torch.relu of it
    bit for bit, in eager mode, under torch.compile, torch.func and autocast. Eager, it keeps for
    backward what the surrogate keeps: for ours and torch's own the input alone.
    Raises ValueError for a surrogate that is a class or no function, has parameters or buffers, or
    is not elementwise, each with the remedy.
    """

    def __init__(self, surrogate: SurrogateFunction | None = None, *, inplace: bool = False):
        super().__init__()
        surrogate = BSiLU() if surrogate is None else surrogate
        _check(surrogate)
        # Not registered as a submodule: its formula acts in backward only, and whatever walks over
        # the activations of a model must find the ReLU here, not the surrogate.
        self.__dict__["surrogate"] = surrogate
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        if self.inplace:  # backward needs the input, which is about to be overwritten
            return x.copy_(self._inject(x.clone()))
        return self._inject(x)

    def _inject(self, x: Tensor) -> Tensor:
        transformed = under_transform()
        if not (transformed or (torch.is_grad_enabled() and x.requires_grad)):
            return torch.relu(x)
        smooth = self.surrogate(x).to(x.dtype)
        if not transformed:
            return _ReLUWithGradientTo.apply(smooth, x)
        # Compiled, torch.func.grad can drop the backward of a Function (pytorch/pytorch#193279), so
        # here the gradient is stopped by hand. nan_to_num: a compiler may fuse the last product of
        # f into the difference, which then is not zero; and inf - inf is not zero either.
        smooth = torch.nan_to_num(smooth)
        return torch.relu(x).detach() + (smooth - smooth.detach())

    def forward_activation(self) -> nn.ReLU:
        """What forward computes; its critical initialisation, He's, is that of this layer."""
        return nn.ReLU()

    def extra_repr(self) -> str:
        return f"{self.surrogate!r}" + (", inplace=True" if self.inplace else "")


def sugar(relu: nn.ReLU, surrogate: SurrogateFunction | None = None) -> SUGAR:
    """The SUGAR that takes the place of one nn.ReLU, in place where that is.

    Raises ValueError where `relu` is not an nn.ReLU, and for what `SUGAR` refuses.
    """
    if type(relu) is not nn.ReLU:
        raise ValueError(
            f"sugar takes an nn.ReLU module, got {relu!r}; "
            "convert_to_sugar(model) finds those of a whole model"
        )
    return SUGAR(surrogate, inplace=relu.inplace)


class _ReLUWithGradientTo(torch.autograd.Function):
    """ReLU(x), whose gradient goes to smooth = f(x) unchanged, and from there on by f'."""

    @staticmethod
    def forward(ctx, smooth, x):
        return torch.relu(x)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def _check(surrogate: SurrogateFunction) -> None:
    remedy = "pass a module or function such as BSiLU(), SWISH(0.5), nn.SiLU() or torch.tanh"
    if isinstance(surrogate, type):
        raise ValueError(f"the surrogate is the class {surrogate.__name__}; {remedy}")
    if not callable(surrogate):
        raise ValueError(f"unknown surrogate {surrogate!r}; {remedy}")
    if isinstance(surrogate, nn.Module):
        state = [*surrogate.named_parameters(), *surrogate.named_buffers()]
        if state:
            raise ValueError(
                f"the surrogate {surrogate!r} has state, {state[0][0]!r}, which backward would "
                "train on a loss it does not change; pass one with fixed constants, such as "
                "nn.LeakyReLU(0.25) for nn.PReLU() or GELU(1/hardness) for LambdaGELU()"
            )
    if getattr(surrogate, "inplace", False):
        raise ValueError(f"the surrogate {surrogate!r} overwrites its input; use inplace=False")
    if not _is_elementwise(surrogate):
        raise ValueError(f"the surrogate {surrogate!r} is not an elementwise function; {remedy}")


def _is_elementwise(surrogate: SurrogateFunction) -> bool:
    x = torch.tensor([-2.0, -0.3, 0.4, 1.5])
    try:
        together, apart = surrogate(x), [surrogate(part) for part in x.split(1)]
    except Exception:  # of an unknown callable: it may raise anything
        return False
    one = isinstance(together, Tensor) and together.shape == x.shape
    # not to the last digit: vectorised and single, torch's erf rounds differently
    return one and torch.allclose(together, torch.cat(apart), atol=1e-6, equal_nan=True)
