"""How the work grows, what memory it takes, where a step's time goes, and the machine's limits."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pandas
import torch
from torch.profiler import ProfilerActivity, profile

from smoothrelu.activations.smooth_relu import SMOOTH_RELUS, SWISH
from smoothrelu.benchmark.activations import forward_and_backward, training_step
from smoothrelu.benchmark.kernels import images, kernels
from smoothrelu.benchmark.ntk import inputs, network
from smoothrelu.benchmark.sweeps import sweep_of
from smoothrelu.benchmark.timing import in_turn, timed, with_threads
from smoothrelu.networks.ntk import empirical_ntk

_GROUPS = {
    "matrix products": ["mm", "addmm", "bmm"],
    "functions of one number": [
        "silu",
        "silu_backward",
        "softplus_backward",
        "gelu",
        "gelu_backward",
        "exp2",
        "exp2_",
        "rsqrt_",
        "atan2",
        "sigmoid",
        "sqrt",
        "log",
    ],
    "sums, products and bounds": [
        "add",
        "add_",
        "addcmul",
        "addcmul_",
        "addcdiv",
        "sub",
        "mul",
        "mul_",
        "div",
        "div_",
        "clamp",
        "clamp_",
        "abs",
        "max",
        "neg",
    ],
}
"""torch's names of what the processor does."""
_NEEDED = {
    "SWISH": ("softplus_backward",) * 2,
    "GELU": ("gelu", "gelu_backward"),
    "GumbelLU": ("exp2",) * 4,
    "AlgebraicLU": ("rsqrt", "rsqrt"),
    "GudermanLU": ("exp2", "atan2", "exp2"),
}
"""The operations that no formula of an activation and its slope does without, as torch has them."""
_BARE = {
    "2 x": ("itself, the least there is", lambda x: 2 * x),
    "torch's GELU": ("itself", torch.nn.functional.gelu),
    "GELU": ("the gate's function alone", torch.erf),
    "GumbelLU": ("the gate's function alone", lambda x: torch.exp2(torch.exp2(x))),
    "GudermanLU": ("the gate's function alone", lambda x: torch.atan(torch.exp2(x))),
}
"""What the compiler makes of other functions, and of gates without the product with x, the
temperature and the bounds.
"""


def growth() -> pandas.DataFrame:
    """Seconds of one call, a row for each work, axis and value; the other sizes are the default."""
    rows = [
        {"work": work, "axis": axis, "value": value, "seconds": _median(timed(function))}
        for work, axis, value, function in _sizes()
    ]
    return pandas.DataFrame(rows)


def _sizes() -> Iterator[tuple[str, str, int, Callable]]:
    for n in (50, 100, 200, 400, 800):
        x, net = inputs(n), network()
        yield "empirical NTK, traced", "inputs", n, lambda x=x, net=net: empirical_ntk(net, x)
        if n <= 400:
            in_full = partial(empirical_ntk, net, x, trace=False)
            yield "empirical NTK, full", "inputs", n, in_full
    for name, values in {"width": (64, 128, 256, 512, 1024), "hidden": (2, 4, 8, 16, 32)}.items():
        for value in values:
            x, net = inputs(100), network(**{name: value})
            yield "empirical NTK, traced", name, value, lambda x=x, net=net: empirical_ntk(net, x)
            yield "training step", name, value, training_step(SWISH(0.5), **{name: value})
    for n_out in (1, 3, 10, 30, 100):
        x, net = inputs(100), network(n_out=n_out)
        yield "empirical NTK, traced", "outputs", n_out, lambda x=x, net=net: empirical_ntk(net, x)
    for n in (100, 300, 1000, 3000):
        yield "training step", "inputs", n, training_step(SWISH(0.5), n=n)
    for n in (1, 2, 4, 8, 16, 32):
        yield "sweep of small nets", "nets", n, lambda n=n: sweep_of(n)
    for n in (100, 250, 500, 1000, 2000):
        x = images(n, "equal")
        yield "infinite width, depth 20", "inputs", n, lambda x=x: kernels(x, SWISH(0.5))


def where_time_goes() -> pandas.DataFrame:
    """The share of the processor's time by kind of operation, a row for each work and part, of
    networks 784-256x8-10: steps at N = 1000 with SiLU and with each smooth ReLU at T = 1/2, and the
    traced kernel of 100 inputs; and of kernels of infinite width, where they cost most. One thread.
    """
    x, net, unequal = inputs(100), network(hidden=8), images(500, "unequal")
    activations = [torch.nn.SiLU(), *(kind(0.5) for kind in SMOOTH_RELUS)]
    works = {type(a).__name__: training_step(a) for a in activations}
    works["traced tangent kernel"] = lambda: empirical_ntk(net, x)
    works["infinite width, unequal norms"] = lambda: kernels(unequal, SWISH(1e-5))
    rows = []
    for work, call in works.items():
        with with_threads(1):
            call()
            with profile(activities=[ProfilerActivity.CPU]) as seen:
                for _ in range(20):
                    call()
        spent = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
        shares = {
            part: sum(spent.get(f"aten::{name}", 0) for name in names) / sum(spent.values())
            for part, names in _GROUPS.items()
        }
        shares["the rest"] = 1 - sum(shares.values())
        rows += [{"work": work, "part": part, "share": share} for part, share in shares.items()]
    return pandas.DataFrame(rows)


def needed_operations() -> pandas.DataFrame:
    """The time of the operations that each activation cannot do without, forward and backward, on
    2000 x 256 numbers, over that of F.silu's two: what is left above it are additions,
    multiplications and bounds.

    ratio: median over rounds; one thread.
    """
    x, out = inputs(2000, 256), torch.empty(2000, 256)
    aten, positive, one = torch.ops.aten, x.abs().add_(0.1), x.new_ones(())
    calls = {
        "silu": lambda: aten.silu(x, out=out),
        "silu_backward": lambda: aten.silu_backward(x, x, grad_input=out),
        "softplus_backward": lambda: aten.softplus_backward(x, x, 2.0, 40.0, grad_input=out),
        "gelu": lambda: aten.gelu(x, out=out),
        "gelu_backward": lambda: aten.gelu_backward(x, x, grad_input=out),
        "exp2": lambda: torch.exp2(x, out=out),
        "rsqrt": lambda: torch.rsqrt(positive, out=out),
        "atan2": lambda: torch.atan2(positive, one, out=out),
    }
    with with_threads(1):
        seconds = in_turn({name: timed(call) for name, call in calls.items()}, rounds=9)
    unit = [a + b for a, b in zip(seconds["silu"], seconds["silu_backward"], strict=True)]
    rows = []
    for activation, names in _NEEDED.items():
        sums = [sum(times) for times in zip(*(seconds[name] for name in names), strict=True)]
        ratio = statistics.median(a / b for a, b in zip(sums, unit, strict=True))
        rows.append({"activation": activation, "operations": ", ".join(names), "ratio": ratio})
    return pandas.DataFrame(rows + _compiled_gates())


def _compiled_gates() -> list[dict]:
    """The same for _BARE, forward and backward, compiled."""
    functions = {"silu": torch.nn.functional.silu} | {
        name: torch.compile(function, fullgraph=True) for name, (_, function) in _BARE.items()
    }
    with with_threads(1):
        samples = {n: timed(forward_and_backward(f, (2000, 256))) for n, f in functions.items()}
        seconds = in_turn(samples, rounds=9)
    return [
        {
            "activation": f"{name}, compiled",
            "operations": what,
            "ratio": statistics.median(
                a / b for a, b in zip(seconds[name], seconds["silu"], strict=True)
            ),
        }
        for name, (what, _) in _BARE.items()
    ]


def limits() -> dict[str, float]:
    """What this machine can do at most, and what a training step does: GFLOP/s of float32 matrix
    products of its own shapes, GB/s of a copy.
    """
    a, b = inputs(1000, 256), inputs(256, 256)
    product = _median(timed(lambda: a @ b))
    big = torch.zeros(2**26)
    copy = _median(timed(lambda: big.clone()))
    step = _median(timed(training_step(SWISH(0.5))))
    kernel, of_step = _operations(8)
    return {
        "matrix_gflops": 2 * 1000 * 256**2 / product / 1e9,
        "copy_gbytes": 2 * 4 * 2**26 / copy / 1e9,
        "step_gflops": of_step / step / 1e9,
        "kernel_share": kernel / of_step,
    }


def _operations(hidden: int) -> tuple[int, int]:
    """Additions and multiplications in the matrix products of the traced tangent kernel of 100
    inputs, and of a training step with 1000, of a network 784-256-...-256-10.
    """
    n_in, width, n_out = 784, 256, 10
    weights = n_in * width + (hidden - 1) * width**2 + width * n_out
    # forward, and backward for weights and for inputs but the first layer's
    step = 1000 * (6 * weights - 2 * n_in * width)
    m = 100
    backward = 2 * m * n_out * (hidden - 1) * width**2
    of_deltas = 2 * m * m * width * ((hidden - 1) * n_out + 1)  # the last hidden layer's are rank 1
    of_inputs = 2 * m * m * (n_in + hidden * width)
    return 2 * m * weights + backward + of_deltas + of_inputs, step


_PEAK = r"""
import pathlib, re, sys
from smoothrelu.benchmark.ntk import in_full, inputs, network
from smoothrelu.networks.ntk import empirical_ntk
how, trace = sys.argv[1], sys.argv[2] == "traced"
net, x = network(), inputs(100)
work = (lambda x: empirical_ntk(net, x, trace=trace)) if how == "ours" else (
    lambda x: in_full(net, x, trace)())
def peak():
    return int(re.search(r"VmHWM:\s*(\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
work(x[:2])
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is in use
before = peak()
work(x)
print((peak() - before) * 1024)
"""


def memory() -> pandas.DataFrame:
    """Bytes that the empirical NTK of 100 inputs takes at most beyond what a new process has in use
    before it, and those of the result. On Linux, which tells.
    """
    rows = []
    for kind in ("traced", "full"):
        result = 4 * 100 * 100 * (1 if kind == "traced" else 100)
        for how in ("ours", "torch.func"):
            command = [sys.executable, "-c", _PEAK, how, kind]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            rows.append({"kind": kind, "how": how, "bytes": int(out), "result": result})
    return pandas.DataFrame(rows)


def _median(sample) -> float:
    return statistics.median(sample() for _ in range(5))
