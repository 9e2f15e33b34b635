"""Activations beside F.silu: alone, and in a full-batch training step of a deep network."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from smoothrelu.activations.smooth_relu import SMOOTH_RELUS
from smoothrelu.benchmark.timing import Row, against, timed, with_threads
from smoothrelu.networks.initialisation import critical_init_
from smoothrelu.networks.mlp import MLP

_T = 0.5  # a temperature that is not 1: no native function computes these
_EAGER = {"SWISH": 1.6, "GELU": 2.5, "GumbelLU": 3.0, "AlgebraicLU": 3.0, "GudermanLU": 5.0}
_COMPILED = dict.fromkeys(_EAGER, 1.3) | {"GudermanLU": 4.0}
_STEP = dict.fromkeys(_EAGER, 1.10) | {"GudermanLU": 1.15}


def alone(threads: int, *, compiled: bool = False) -> Iterator[Row]:
    """Forward and backward of one layer's worth of numbers."""
    targets, how = (_COMPILED, "compiled") if compiled else (_EAGER, "eager")
    with with_threads(threads):
        for shape in [(2000, 256), (5000, 1024)]:
            ours = {}
            torch.compiler.reset()  # it compiles no function for more than a few kinds of input
            beside = (
                [nn.SiLU(), nn.GELU()] if compiled else []
            )  # what the compiler makes of torch's
            for activation in [*(kind(_T) for kind in SMOOTH_RELUS), *beside]:
                function = torch.compile(activation, fullgraph=True) if compiled else activation
                torchs = "torch's " if type(activation) in (nn.SiLU, nn.GELU) else ""
                case = f"{torchs}{type(activation).__name__}, {how}, {shape[0]} x {shape[1]}"
                ours[case] = timed(forward_and_backward(function, shape))
            wanted = {case: targets.get(case.partition(",")[0]) for case in ours}
            theirs = timed(forward_and_backward(nn.functional.silu, shape))
            work = "activation, forward and backward"
            yield from against(work, "F.silu", ours, theirs, targets=wanted, threads=threads)


def in_a_step(threads: int) -> Iterator[Row]:
    """A full-batch training step of a deep network, at a temperature that is not 1."""
    with with_threads(threads):
        ours = {k.__name__: timed(training_step(k(_T))) for k in SMOOTH_RELUS}
        work = "training step, N = 1000, 784-256x8-10"
        theirs = timed(training_step(nn.SiLU()))
        yield from against(work, "nn.SiLU", ours, theirs, targets=_STEP, threads=threads, rounds=75)


def forward_and_backward(function: Callable[[Tensor], Tensor], shape) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    x, grad = torch.randn(2, *shape, generator=generator)
    x.requires_grad_()
    return lambda: torch.autograd.grad(function(x), x, grad)


def training_step(
    activation: nn.Module, *, n: int = 1000, width: int = 256, hidden: int = 8
) -> Callable[[], object]:
    """Loss, gradient and update of all parameters, once a call."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 784, generator=generator)
    y = torch.randint(10, (n,), generator=generator)
    net = MLP(784, 10, width=width, depth=hidden + 1, activation=activation)
    critical_init_(net, generator=generator)
    parameters = list(net.parameters())

    def step() -> None:
        loss = nn.functional.cross_entropy(net(x), y)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-1e-3)

    return step
